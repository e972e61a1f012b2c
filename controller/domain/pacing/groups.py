"""What sets groups of contacts apart: how much likelier one of them answers than the campaign's average.

A group is a segment at a part of the day. Most groups are small, so each is learned as a difference from what
it is a part of, and only as far as its own calls show it: the segment differs from the campaign, the segment
at this part of the day from the segment. A group of which nothing is known behaves as the campaign does.

The differences are of the logarithm of the odds (1 answered in 4 calls: odds of 1 to 3), so no difference
leads to a share outside of 0..1. They are estimated call by call, as by a Kalman filter: what a call's fate
was not foreseen by is shared out among the differences, the larger part to the one that is known less well.
The campaign's own curve goes on learning from all calls alike (curves.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

PART_HOURS: Final = 2
"""Hours in a part of the day: a small team places some hundred calls in one, shared by its segments."""

_OF_SEGMENT: Final = 0.3
"""Variance of what sets segments apart, before any call: two of three are 0.6 to 1.7 times the odds."""
_OF_PART: Final = 0.04
"""The same of the parts of the day within a segment: within 0.8 and 1.2 times."""
_FADE: Final = 1e-5
"""What a difference loses at each call of its own. Together with the noise of the calls, about the last 900
calls of a segment, and the last 2,500 of a part of the day, count: what changes faster, changes for the whole
campaign more often than not, and its level follows that."""
_SHARES: Final = 1500.0
"""Calls over which it is counted what part of them is a group's: as many as the campaign's curve is of."""
_LEAST: Final = 0.02
"""A part that is nearly the whole goes on learning by so much."""
_FURTHEST: Final = 3.0
"""No group is taken for further from the campaign than this: 20 times the odds."""
_STEP: Final = 0.125
"""Groups closer to each other than this are taken for alike when calls are weighed."""
_MOST: Final = 64
"""Segments that are remembered; of more, those not called for longest are forgotten."""


class Group(NamedTuple):
    """Whom a call is to, as far as that tells whether it will be answered.

    Attributes:
        segment: the segment that the contact was dialed from, or else its own; empty if it has none.
        part: of the day by the campaign's clock, see ``part_of_day``.
    """

    segment: str
    part: int


def _logit(share: float) -> float:
    share = min(max(share, 1e-3), 1 - 1e-3)
    return math.log(share / (1 - share))


def part_of_day(local: datetime) -> int:
    """The part of the day that a time is in.

    Args:
        local: on the campaign's clock.
    """
    return local.hour // PART_HOURS


@dataclass(slots=True)
class _Difference:
    """An estimate of how a part differs from the whole, and how uncertain it is.

    Attributes:
        prior: its variance before any call.
        calls: that were of this part, newer ones weighing more.
    """

    prior: float
    mean: float = 0.0
    variance: float = 0.0
    calls: float = 0.0

    def __post_init__(self) -> None:
        self.variance = self.prior

    def open(self, whole: float) -> float:
        """The variance, as far as the part is not the whole: from that it cannot differ."""
        return self.variance * max(_LEAST, 1 - self.calls / whole)

    @property
    def significant(self) -> float:
        """The estimate as far as it is more than its own uncertainty: most hours are like any other."""
        square = self.mean * self.mean
        return self.mean * (1 - self.variance / square) if square > self.variance else 0.0

    def learn(self, variance: float, gain: float, surprise: float, information: float, weight: float) -> None:
        mean = self.mean + variance * gain * surprise
        self.variance -= gain * information * variance**2
        fade = min(0.5, _FADE * weight)
        self.variance += 2 * fade * (self.prior - self.variance)
        self.mean = max(-_FURTHEST, min(_FURTHEST, mean * (1 - fade)))


class AnswerGroups:
    """The odds of each group, as multiples of the campaign's."""

    def __init__(self) -> None:
        self._segments: dict[str, _Difference] = {}
        self._parts: dict[str, dict[int, _Difference]] = {}
        self._calls = 0.0
        self._weight = 1.0

    def odds(self, group: Group | None) -> float:
        """How many times the campaign's odds of an answer a group's are; 1 for what is not known."""
        return math.exp(self._difference(group))

    def step(self, group: Group | None) -> int:
        """The same in steps, so that alike groups are one. 0: as the campaign."""
        return round(self._difference(group) / _STEP)

    @staticmethod
    def odds_of(step: int) -> float:
        """The odds that a step stands for."""
        return math.exp(step * _STEP)

    def saw(self, group: Group | None, *, expected: float, answered: float, weight: float = 1.0) -> None:
        """Learn from a call of the group.

        Args:
            group: whose call it was; None teaches nothing.
            expected: the chance of an answer as it was foreseen, with the odds of the group; 0..1.
            answered: 1 or 0; between these for a call that was taken back: how likely it was still to be
                answered.
            weight: observations that it counts for, above 0 to 1.
        """
        if group is None:
            return
        segment, part = self._learning(group)
        self._count(segment, part, weight)
        information = expected * (1 - expected)
        of_segment, of_part = segment.open(self._calls), part.open(segment.calls)
        gain = weight / (1 + weight * information * (of_segment + of_part))
        segment.learn(of_segment, gain, answered - expected, information, weight)
        part.learn(of_part, gain, answered - expected, information, weight)

    def campaign_moved(self, before: float, after: float) -> None:
        """The campaign's usual answer rate was learned anew.

        A segment that few of the calls were of has not moved with it: where segments take turns, the average
        of the campaign follows the one that is called. So the difference changes, and what is known of the
        segment does not.
        """
        if self._calls and before != after:
            moved = _logit(after) - _logit(before)
            for each in self._segments.values():
                each.mean -= moved * (1 - each.calls / self._calls)

    def known(self) -> Mapping[str, float]:
        """The odds of each segment at an average time of the day, by name."""
        return {name: math.exp(each.mean) for name, each in self._segments.items()}

    def _difference(self, group: Group | None) -> float:
        if group is None or (segment := self._segments.get(group.segment)) is None:
            return 0.0
        part = self._parts[group.segment].get(group.part)
        return segment.mean + (part.significant if part is not None else 0.0)

    def _count(self, segment: _Difference, part: _Difference, weight: float) -> None:
        # Newer calls weigh more, which is the same as older ones fading, and cheaper.
        self._weight *= 1 + weight / _SHARES
        self._calls += weight * self._weight
        segment.calls += weight * self._weight
        part.calls += weight * self._weight
        if self._weight > 1e6:
            parts = (each for of_segment in self._parts.values() for each in of_segment.values())
            for each in (*self._segments.values(), *parts):
                each.calls /= self._weight
            self._calls /= self._weight
            self._weight = 1.0

    def _learning(self, group: Group) -> tuple[_Difference, _Difference]:
        name = group.segment
        segment = self._segments.pop(name, None) or _Difference(_OF_SEGMENT)
        self._segments[name] = segment  # the one called last is last
        if len(self._segments) > _MOST:
            oldest = next(iter(self._segments))
            del self._segments[oldest], self._parts[oldest]
        parts = self._parts.setdefault(name, {})
        return segment, parts.setdefault(group.part, _Difference(_OF_PART))
