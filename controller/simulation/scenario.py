"""What is simulated: the people called, the agents, the trunk. Read from TOML by scenario_file.py."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
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
    """

    after: float
    answered: bool
    talk: float = 0.0
    patience: float = math.inf
    wrap_up: float = 0.0


class Fates:
    """The people called, in order: with the same seed the n-th call always meets the same person."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self._scenario = scenario
        self._random = Random(seed)

    def next(self, now: float) -> Fate:
        """Who is called now."""
        scenario, random = self._scenario, self._random
        chance, failing = random.random(), random.random()
        # All are drawn whatever comes of the call, so that the next one meets the same person.
        ring, fails = scenario.ring.draw(random), scenario.failing_after.draw(random)
        machine = random.random() < scenario.machine_share
        talk, quick = scenario.talk.draw(random), scenario.machine_talk.draw(random)
        patience, wrap_up = scenario.patience.draw(random), scenario.wrap_up.draw(random)
        if chance >= scenario.answer_rate.at(now):
            return Fate(fails if failing < scenario.failing else scenario.ring_timeout, answered=False)
        if ring > scenario.ring_timeout:
            return Fate(scenario.ring_timeout, answered=False)
        return Fate(ring, True, quick if machine else talk, math.inf if machine else patience, wrap_up)
