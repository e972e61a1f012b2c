"""What is likely to happen in the next seconds: how many agents become free, how many calls are answered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul
from typing import Final, Protocol

_EXACT: Final = 8
"""Uncertain events up to which their number is computed exactly; beyond, by the normal distribution."""


class _Number(Protocol):
    """How many of several independent events happen."""

    def add(self, chance: float) -> None:
        """One more event."""
        ...

    def at_most(self, count: int) -> float:
        """The chance that no more than ``count`` happen."""
        ...


class _Exact:
    def __init__(self) -> None:
        self._sure = 0
        self._chances = [1.0]

    def add(self, chance: float) -> None:
        if chance < 1e-4:
            return
        if chance > 1 - 1e-4:
            self._sure += 1
            return
        old, miss = self._chances, 1 - chance
        self._chances = [
            (old[i] * miss if i < len(old) else 0.0) + (old[i - 1] * chance if i else 0.0)
            for i in range(len(old) + 1)
        ]

    def at_most(self, count: int) -> float:
        count -= self._sure
        return 0.0 if count < 0 else min(1.0, sum(self._chances[: count + 1]))


class _Normal:
    def __init__(self, chances: Sequence[float], counts: Sequence[int]) -> None:
        means = list(map(mul, counts, chances))
        self._mean = sum(means)
        self._variance = self._mean - sum(map(mul, means, chances))

    def add(self, chance: float) -> None:
        self._mean += chance
        self._variance += chance * (1 - chance)

    def at_most(self, count: int) -> float:
        if self._variance < 1e-9:
            return 1.0 if count >= self._mean - 1e-6 else 0.0
        return 0.5 * math.erfc((self._mean - count - 0.5) / math.sqrt(2 * self._variance))


def _number(chances: Sequence[float], counts: Sequence[int]) -> _Number:
    if sum(counts) > _EXACT:
        return _Normal(chances, counts)
    number = _Exact()
    for chance, count in zip(chances, counts, strict=True):
        for _ in range(count):
            number.add(chance)
    return number


class Outlook:
    """At each of several times from now: will an answered call find an agent?

    Among the calls that ring and the busy agents, count at each time the calls that have not been answered
    and the agents who have become free: an answered call finds nobody if that number is not above
    ``ringing - free``. So one sum of independent events tells it.
    """

    def __init__(
        self,
        columns: Sequence[Sequence[float]],
        counts: Sequence[int],
        new: Sequence[float],
        *,
        free: int,
        ringing: int,
    ) -> None:
        """Look ahead.

        Args:
            columns: for each time, the chance of each event (a call not answered, an agent become free).
            counts: how many such events there are.
            new: for each time, the chance that a call placed now has not been answered.
            free: agents who are free now, less calls that wait.
            ringing: calls that ring.
        """
        self._numbers = [_number(column, counts) for column in columns]
        self._new = new
        self._needed = ringing - free

    def risk(self, begin: int, end: int) -> float:
        """The chance that a call answered at one of these times finds no agent, or takes a later one's.

        The later one is what the maximum is for: who is answered first takes the agent of who comes after.
        """
        worst, total = 0.0, 0.0
        for number in reversed(self._numbers[begin:end]):
            worst = max(worst, number.at_most(self._needed))
            total += worst
        return total / (end - begin)

    def add(self) -> None:
        """One more call is placed now."""
        self._needed += 1
        for number, chance in zip(self._numbers, self._new, strict=True):
            number.add(chance)
