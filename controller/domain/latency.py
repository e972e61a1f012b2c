"""How long something took, many times over: in four numbers, and as a histogram."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Self

BOUNDS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.7)
"""Upper bounds of the classes of a histogram, in seconds; the last is the longest that a callee waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """A summary of durations, in seconds; ``count`` is how many were measured."""

    count: int
    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Self | None:
        """Sum up; None where nothing was measured."""
        ordered = sorted(seconds)
        if not ordered:
            return None
        p50, p99 = percentile(ordered, 50), percentile(ordered, 99)
        return cls(count=len(ordered), p50=p50, p99=p99, max=ordered[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How many durations were not longer than each of ``BOUNDS``.

    Attributes:
        counts: one for each bound, each with those of the bounds below it, and one for all.
        total: the sum of all durations, in seconds.
    """

    counts: Sequence[int]
    total: float


class Durations:
    """Durations as they come: the last ones as they were, and all of them counted.

    Attributes:
        last: the newest at the end.
    """

    def __init__(self, kept: int) -> None:
        """None yet.

        Args:
            kept: how many of the last are kept.
        """
        self.last: deque[float] = deque(maxlen=kept)
        self._counts = [0] * (len(BOUNDS) + 1)
        self._total = 0.0

    def append(self, seconds: float) -> None:
        """One more. Below zero, which two clocks that differ can make it, it counts as none."""
        self.last.append(seconds)
        counted = max(0.0, seconds)
        self._counts[bisect_left(BOUNDS, counted)] += 1
        self._total += counted

    def __iter__(self) -> Iterator[float]:
        return iter(self.last)

    @property
    def histogram(self) -> Histogram:
        """All there ever were."""
        return Histogram(counts=tuple(accumulate(self._counts)), total=self._total)


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The nearest-rank percentile: a value that occurred, never one between two.

    Args:
        ordered: at least one value, in ascending order.
        percent: 1 to 100.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 50)
    2.0
    """
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
