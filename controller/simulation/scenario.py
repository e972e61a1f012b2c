"""What is simulated: the people called, the agents, the trunk. Read from TOML by scenario_file.py."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate
from random import Random
from typing import Protocol


class Distribution(Protocol):
    """Something random, in seconds."""

    @property
    def mean(self) -> float:
        """Its mean."""
        ...

    def draw(self, random: Random) -> float:
        """One value."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same."""

    seconds: float

    @property
    def mean(self) -> float:
        """Its mean."""
        return self.seconds

    def draw(self, random: Random) -> float:
        """One value."""
        return self.seconds


@dataclass(frozen=True, slots=True)
class Uniform:
    """Equally likely between two bounds."""

    low: float
    high: float

    @property
    def mean(self) -> float:
        """Its mean."""
        return (self.low + self.high) / 2

    def draw(self, random: Random) -> float:
        """One value."""
        return random.uniform(self.low, self.high)


@dataclass(frozen=True, slots=True)
class Exponential:
    """Memoryless."""

    mean: float

    def draw(self, random: Random) -> float:
        """One value."""
        return random.expovariate(1 / self.mean)


@dataclass(frozen=True, slots=True)
class LogNormal:
    """Many short ones, a few very long ones; ``sigma`` of the logarithm."""

    mean: float
    sigma: float

    def draw(self, random: Random) -> float:
        """One value."""
        return random.lognormvariate(math.log(self.mean) - self.sigma**2 / 2, self.sigma)


@dataclass(frozen=True, slots=True)
class Samples:
    """Values that were observed, each as likely as any other."""

    values: Sequence[float]

    @property
    def mean(self) -> float:
        """Its mean."""
        return sum(self.values) / len(self.values)

    def draw(self, random: Random) -> float:
        """One value."""
        return random.choice(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A group of agents who come, rest and leave together. Times in seconds from the start.

    Attributes:
        agents: how many.
        begins: when they log in.
        ends: when they log out; infinite: at the end of the simulation.
        breaks: pauses, each with its beginning and end.
    """

    agents: int
    begins: float = 0.0
    ends: float = math.inf
    breaks: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Something that changes with time: points of (seconds, value), in order.

    Attributes:
        steps: the value jumps at each point; else it drifts from one to the next.
    """

    points: tuple[tuple[float, float], ...]
    steps: bool = False

    @classmethod
    def constant(cls, value: float) -> Curve:
        """The same at all times."""
        return cls(points=((0.0, value),), steps=True)

    def at(self, seconds: float) -> float:
        """The value then."""
        place = bisect_right(self.points, (seconds, math.inf)) - 1
        if place < 0:
            return self.points[0][1]
        begin, value = self.points[place]
        if self.steps or place + 1 == len(self.points):
            return value
        end, following = self.points[place + 1]
        return value + (following - value) * (seconds - begin) / (end - begin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of the list whose people answer in a way of their own.

    Attributes:
        name: by which the pacer tells it from the others.
        share: of the calls, over the time of day, in proportion to the shares of the other segments.
        answer_rate: as of the scenario.
        ring: as of the scenario; None: the scenario's.
        talk: likewise.
    """

    name: str
    share: Curve
    answer_rate: Curve
    ring: Distribution | None = None
    talk: Distribution | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A day in a call centre.

    Attributes:
        hours: how long it is.
        shifts: the agents.
        answer_rate: chance that a call is answered, over the time of day.
        ring: seconds from dialing to the answer.
        ring_timeout: seconds after which an unanswered call ends.
        failing: share of the unanswered calls that end at once (busy, switched off, no such number).
        failing_after: seconds until those end.
        machine_share: share of the answered calls that are answered by a machine.
        machine_talk: seconds an agent needs to notice and hang up.
        talk: conversation with a person.
        wrap_up: what follows it.
        patience: seconds after which an answered callee hangs up who hears no agent.
        max_lines: trunk limit of calls in flight and in conversation.
        calls_per_second: limit of new calls.
        window: seconds from the answer to the cut.
        share: silent calls allowed per success.
        bank: silent calls that the budget allows from the start, left over from the days before.
        segments: parts of the list; none: all people answer alike, as ``answer_rate`` says.
    """

    name: str = "unnamed"
    hours: float = 8.0
    shifts: tuple[Shift, ...] = (Shift(agents=10),)
    answer_rate: Curve = field(default_factory=lambda: Curve.constant(0.3))
    ring: Distribution = Uniform(2.0, 25.0)
    ring_timeout: float = 25.0
    failing: float = 1 / 3
    failing_after: Distribution = Uniform(1.0, 3.0)
    machine_share: float = 0.0
    machine_talk: Distribution = Uniform(4.0, 8.0)
    talk: Distribution = LogNormal(60.0, 0.9)
    wrap_up: Distribution = Fixed(15.0)
    patience: Distribution = Fixed(math.inf)
    max_lines: int = 2000
    calls_per_second: float = 50.0
    window: float = 2.7
    share: Fraction = Fraction(3, 100)
    bank: int = 0
    segments: tuple[Segment, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.hours * 3600

    @property
    def agents(self) -> int:
        """How many agents there are in all."""
        return sum(shift.agents for shift in self.shifts)


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one call, decided when it is dialed.

    Attributes:
        after: seconds from dialing to the answer, or to the end of an unanswered call.
        answered: whether somebody or something answers.
        talk: seconds of conversation, if an agent comes.
        patience: seconds without an agent after which the callee leaves.
        wrap_up: seconds the agent needs afterwards.
        segment: whose it is; empty if the scenario has none.
    """

    after: float
    answered: bool
    talk: float = 0.0
    patience: float = math.inf
    wrap_up: float = 0.0
    segment: str = ""


class Fates:
    """The people called, in order: with the same seed the n-th call always meets the same person.

    Unless the shares of segments change with the time of day: then who is called depends on that, too.
    """

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self._scenario = scenario
        self._random = Random(seed)
        self._whose = Random(f"segments {seed}")
        self._drawn: deque[float] = deque()
        self._all = Segment(name="", share=Curve.constant(1.0), answer_rate=scenario.answer_rate)

    def next(self, now: float) -> Fate:
        """Who is called now."""
        scenario, random = self._scenario, self._random
        segment = self._segment(now)
        chance, failing = random.random(), random.random()
        # All are drawn whatever comes of the call, so that the next one meets the same person.
        ring, fails = (segment.ring or scenario.ring).draw(random), scenario.failing_after.draw(random)
        machine = random.random() < scenario.machine_share
        talk, quick = (segment.talk or scenario.talk).draw(random), scenario.machine_talk.draw(random)
        patience, wrap_up = scenario.patience.draw(random), scenario.wrap_up.draw(random)
        name = segment.name
        if chance >= segment.answer_rate.at(now):
            after = fails if failing < scenario.failing else scenario.ring_timeout
            return Fate(after, answered=False, segment=name)
        if ring > scenario.ring_timeout:
            return Fate(scenario.ring_timeout, answered=False, segment=name)
        talk, patience = (quick, math.inf) if machine else (talk, patience)
        return Fate(ring, True, talk, patience, wrap_up, name)

    def coming(self, now: float, count: int) -> list[str]:
        """The segments of those who are called next, if they are called now; empty without segments."""
        if not self._scenario.segments:
            return []
        while len(self._drawn) < count:
            self._drawn.append(self._whose.random())
        return [self._of(now, self._drawn[place]).name for place in range(count)]

    def _segment(self, now: float) -> Segment:
        if not self._scenario.segments:
            return self._all
        return self._of(now, self._drawn.popleft() if self._drawn else self._whose.random())

    def _of(self, now: float, drawn: float) -> Segment:
        segments = self._scenario.segments
        shares = list(accumulate(segment.share.at(now) for segment in segments))
        return segments[min(len(segments) - 1, bisect_right(shares, drawn * shares[-1]))]
