"""Other dialers' rules, from their published behaviour, as policies of the simulation.

Only how many calls they place is copied. An answered call without an agent waits as long as with us (their
own times are longer), and agents are handed out the same way, so what differs is the pacing alone. Sources:
VICIdial's adaptive dial level and auto-dialer (trunk of 2024), Issabel's call centre predictor (2023).
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from controller.domain.ids import CallId
from controller.simulation.model import CallEnded, Centre, Dropped, Happening, Talked

_OPENS = 9 * 3600
"""Time of day at which a simulation begins, in seconds."""


class _Plain:
    """What most policies do not care about."""

    name: str = ""
    keeps_budget: bool = False
    every: float | None = None

    def placed(self, call: CallId) -> None:
        """One of the calls wanted has been placed."""

    def saw(self, centre: Centre, what: Happening) -> None:
        """Something happened."""


class OneToOne(_Plain):
    """Progressive: one call for each free agent."""

    name = "1:1"

    def wanted(self, centre: Centre) -> int:
        """How many calls to place now."""
        return centre.idle


class Ratio(_Plain):
    """So many lines for each free agent."""

    def __init__(self, ratio: float) -> None:
        self.name, self._ratio = f"ratio {ratio:g}", ratio

    def wanted(self, centre: Centre) -> int:
        """How many calls to place now."""
        return math.floor(centre.ready * self._ratio) - len(centre.ringing) - len(centre.waiting)


class Brake(Enum):
    """What VICIdial does above the drop percentage."""

    HARD_LIMIT = "ADAPT_HARD_LIMIT"
    AVERAGE = "ADAPT_AVERAGE"
    TAPERED = "ADAPT_TAPERED"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSettings:
    """VICIdial's settings of a campaign, with its defaults.

    Attributes:
        highest: adaptive_maximum_level.
        percentage: adaptive_dropped_percentage.
        intensity: adaptive_intensity.
        target: adaptive_dl_diff_target.
        latest: adaptive_latest_server_time, as HHMM.
    """

    brake: Brake
    highest: float = 3.0
    percentage: float = 3.0
    intensity: float = 0.0
    target: float = 0.0
    latest: int = 2100


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the level is computed from.

    Attributes:
        ready: mean of the agents who are ready.
        waiting: mean of the calls that wait.
        total: mean of the agents who are logged in.
        calls_minute: calls of the last minute.
        dropped_minute: per cent of these that were dropped.
        calls_today: calls since midnight.
        dropped_today: dropped calls per cent of the answered ones, since midnight.
        clock: time of day as HHMM.
    """

    ready: float
    waiting: float
    total: float
    calls_minute: int = 0
    dropped_minute: float = 0.0
    calls_today: int = 0
    dropped_today: float = 0.0
    clock: int = 1200


def next_level(level: float, means: Means, settings: LevelSettings) -> float:
    """The dial level after one of VICIdial's 15-second steps."""
    gap = means.ready - means.waiting + settings.target
    step = gap / means.total if means.total else 0.0
    tuned = settings.intensity / 100
    step *= abs(tuned - 1) if step < 0 else tuned + 1
    level = max(1.0, min(settings.highest, round(level * (1 + step), 3)))
    if means.calls_minute > 20 and means.dropped_minute > 50:
        level /= 2
    if means.calls_today > 50 and means.dropped_today > settings.percentage:
        match settings.brake:
            case Brake.HARD_LIMIT:
                level = 1.0
            case Brake.AVERAGE:
                level /= 2
            case Brake.TAPERED:
                left = settings.latest - means.clock
                level *= 0.0 if left < 0 else min(1.0, left / 1000)
    return max(1.0, level)


class Vicidial(_Plain):
    """VICIdial's two processes: the level every 15 s, the dialing every 2.5 s."""

    every: float | None = 0.5

    def __init__(self, brake: Brake) -> None:
        self.name = f"VICIdial {brake.value.removeprefix('ADAPT_').lower()}"
        self._settings = LevelSettings(brake=brake)
        self._level = 1.0
        self._samples: deque[tuple[int, int, int]] = deque(maxlen=15)
        self._sample_due = self._level_due = self._drops_due = self._dial_due = 0.0
        self._minute: deque[tuple[float, CallId]] = deque()
        self._dropped: set[CallId] = set()
        self._figures = (0, 0.0, 0, 0.0)

    def wanted(self, centre: Centre) -> int:
        """How many calls to place now."""
        now = centre.now
        if now >= self._sample_due:
            self._sample_due = now + 1.0
            self._samples.append((centre.ready, len(centre.waiting), centre.logged_in))
        if now >= self._drops_due:
            self._drops_due = now + 60.0
            self._count(centre)
        if now >= self._level_due:
            self._level_due = now + 15.0
            self._level = next_level(self._level, self._means(now), self._settings)
        if now < self._dial_due:
            return 0
        self._dial_due = now + 2.5
        agents = centre.ready + len(centre.talking)
        existing = len(centre.ringing) + len(centre.waiting) + len(centre.talking)
        self._now = now
        return round(self._level * agents) - existing

    _now = 0.0

    def placed(self, call: CallId) -> None:
        """One of the calls wanted has been placed."""
        self._minute.append((self._now, call))

    def saw(self, centre: Centre, what: Happening) -> None:
        """A drop is noted; it is looked at once a minute."""
        if isinstance(what, Dropped):
            self._dropped.add(what.call)

    def _count(self, centre: Centre) -> None:
        while self._minute and self._minute[0][0] < centre.now - 60:
            self._minute.popleft()
        calls = len(self._minute)
        dropped = sum(call in self._dropped for _, call in self._minute)
        record = centre.record
        answered = max(1, record.successes + record.silent)
        self._figures = (
            calls,
            100 * dropped / calls if calls else 0.0,
            record.placed,
            round(100 * record.silent / answered, 2),
        )

    def _means(self, now: float) -> Means:
        count = len(self._samples)
        ready, waiting, total = (sum(sample[i] for sample in self._samples) / count for i in range(3))
        minutes = int(_OPENS + now) // 60
        calls_minute, dropped_minute, calls_today, dropped_today = self._figures
        return Means(
            ready=ready,
            waiting=waiting,
            total=total,
            calls_minute=calls_minute,
            dropped_minute=dropped_minute,
            calls_today=calls_today,
            dropped_today=dropped_today,
            clock=minutes // 60 * 100 + minutes % 60,
        )


def about_to_be_free(talked: float, answer: float, mean: float, quality: float = 0.97) -> bool:
    """Whether Issabel counts an agent as free by the time of an answer."""
    return 1 - math.exp(-(talked + answer) / mean) >= quality


@dataclass
class Issabel(_Plain):
    """Issabel's predictor: free agents, and those whose conversation is nearly certain to end."""

    name: str = "Issabel"
    every: float | None = 5.0
    _due: float = 0.0
    _talks: int = 0
    _mean: float = 0.0
    _rings: deque[float] = field(default_factory=lambda: deque([8.0] * 20, maxlen=20))

    def wanted(self, centre: Centre) -> int:
        """How many calls to place now."""
        if centre.now < self._due:
            return 0
        self._due = centre.now + 5.0
        soon = 0
        if self._talks >= 10:
            answer = sum(self._rings) / len(self._rings)
            soon = sum(
                about_to_be_free(centre.now - since, answer, self._mean) for since in centre.talking.values()
            )
        return centre.ready + soon - len(centre.waiting) - len(centre.ringing)

    def saw(self, centre: Centre, what: Happening) -> None:
        """Means are kept of talk and answer time."""
        match what:
            case Talked(seconds):
                self._talks += 1
                self._mean += (seconds - self._mean) / self._talks
            case CallEnded(rang=rang, answered=True):
                self._rings.append(rang)
            case _:
                pass
