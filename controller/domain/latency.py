"""How long something took, many times over, in four numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self


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


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The nearest-rank percentile: a value that occurred, never one between two.

    Args:
        ordered: at least one value, in ascending order.
        percent: 1 to 100.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 50)
    2.0
    """
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
