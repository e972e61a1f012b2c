"""A scenario from what a campaign has recorded: how people answered, how long they rang and talked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from controller.domain.campaign import Campaign
from controller.errors import BadInput
from controller.ports import AttemptFact
from controller.simulation.scenario import Curve, Fixed, Samples, Scenario, Segment, Shift

LEAST: Final = 100
"""Ended calls below which a campaign says too little."""
_KEPT: Final = 5000
"""Durations kept of each kind; of more, a fair sample."""
_OTHERS: Final = "others"
"""The name of those who are of no segment, or of one with few calls."""
_QUICK: Final = 5.0
"""An unanswered call that ended within so many seconds failed; another rang out."""


@dataclass(slots=True)
class _Sample:
    """A fair sample of a stream."""

    values: list[float] = field(default_factory=list)
    seen: int = 0
    _random: Random = field(default_factory=lambda: Random(1))

    def add(self, value: float) -> None:
        self.seen += 1
        if len(self.values) < _KEPT:
            self.values.append(value)
        elif (place := self._random.randrange(self.seen)) < _KEPT:
            self.values[place] = value


class Recording:
    """Takes in a campaign's attempts, one after the other, and makes a scenario of them."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._zone = ZoneInfo(campaign.zone)
        self._placed: Counter[int] = Counter()
        self._answered: Counter[int] = Counter()
        self._placed_of: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._answered_of: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._ring, self._talk, self._failing = _Sample(), _Sample(), _Sample()
        self._unanswered = 0
        self._changes: list[tuple[float, int]] = []

    def add(self, fact: AttemptFact) -> None:
        """Take in one attempt; those under way tell nothing yet, nor do those that nobody saw end."""
        told = fact.told()
        if told is None:
            return
        hour = told.placed.astimezone(self._zone).hour
        segment = told.segment or ""
        self._placed[hour] += 1
        self._placed_of[segment][hour] += 1
        if not told.answered:
            self._unanswered += 1
            if told.rang < _QUICK:
                self._failing.add(told.rang)
            return
        self._answered[hour] += 1
        self._answered_of[segment][hour] += 1
        self._ring.add(told.rang)
        if told.talked is not None and fact.ended_at is not None:
            self._talk.add(told.talked)
            ended = fact.ended_at.timestamp()
            self._changes += [(ended - told.talked, 1), (ended, -1)]

    def scenario(self) -> Scenario:
        """A day like those recorded, from the first hour of calling to the last.

        Its agents are as many as have ever been in conversation at a time.

        Raises:
            BadInput: the campaign has too few calls to learn from.
        """
        campaign = self._campaign
        if self._placed.total() < LEAST or not self._talk.values:
            raise BadInput(
                f"campaign {campaign.id}",
                f"has {self._placed.total()} ended calls and {self._talk.seen} conversations, too few",
                f"{LEAST} calls or more, one conversation at least",
            )
        first, last = min(self._placed), max(self._placed)
        return Scenario(
            name=f"as recorded in {campaign.id}",
            hours=float(last - first + 1),
            shifts=(Shift(agents=_peak(self._changes)),),
            answer_rate=_shares(self._answered, self._placed, first),
            segments=self._segments(first),
            ring=Samples(self._ring.values),
            ring_timeout=campaign.ring_timeout.total_seconds(),
            failing=self._failing.seen / max(1, self._unanswered),
            failing_after=Samples(self._failing.values or [1.0]),
            talk=Samples(self._talk.values),
            wrap_up=Fixed(campaign.wrap_up.total_seconds()),
            max_lines=campaign.max_lines,
            calls_per_second=campaign.calls_per_second,
            window=campaign.law.hang_up_after.total_seconds(),
            share=min(limit.per_success for limit in campaign.law.limits),
        )

    def _segments(self, first: int) -> tuple[Segment, ...]:
        """Those with calls enough to tell how they answer; the others are one."""
        placed, answered = defaultdict[str, Counter[int]](Counter), defaultdict[str, Counter[int]](Counter)
        for name, calls in self._placed_of.items():
            told = name if name and calls.total() >= LEAST else _OTHERS
            placed[told] += calls
            answered[told] += self._answered_of[name]
        if len(placed) < 2:
            return ()
        return tuple(
            Segment(
                name=name,
                share=_shares(calls, self._placed, first),
                answer_rate=_shares(answered[name], calls, first),
            )
            for name, calls in sorted(placed.items())
        )


def _shares(part: Counter[int], whole: Counter[int], first: int) -> Curve:
    """What part is of the whole, by the hour, from the first hour of calling on."""
    hours = sorted(hour for hour in whole if whole[hour])
    points = (((hour - first) * 3600.0, part[hour] / whole[hour]) for hour in hours)
    return Curve(points=tuple(points), steps=True)


def _peak(changes: Sequence[tuple[float, int]]) -> int:
    now = peak = 0
    for _, change in sorted(changes):
        now += change
        peak = max(peak, now)
    return max(1, peak)
