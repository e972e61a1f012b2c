"""Which numbers a file has had so far, and in which line. Pure.

A dictionary takes 150 bytes for each number; a million contacts with two numbers each would be 300 MB. Two
arrays with open addressing take 20 to 40 for each.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from controller.domain.ids import E164

_FULL = 0.6
_SPREAD = 0x9E3779B97F4A7C15  # 2**64 divided by the golden ratio: neighbours land far from each other
_WORD = (1 << 64) - 1


class SeenNumbers:
    """The first line of each number."""

    def __init__(self) -> None:
        self._bits = 12
        self._count = 0
        self._make()

    def _make(self) -> None:
        size = 1 << self._bits
        self._numbers = array("Q", bytes(8 * size))  # 0 is no number
        self._lines = array("I", bytes(4 * size))

    def __len__(self) -> int:
        return self._count

    def first(self, numbers: Iterable[E164]) -> int | None:
        """The line that has one of these numbers; None if none has."""
        for number in numbers:
            slot = self._slot(int(number))
            if self._numbers[slot]:
                return self._lines[slot]
        return None

    def add(self, numbers: Iterable[E164], line: int) -> None:
        """Remember that this line has these numbers; a line that had one before stays its first."""
        for number in numbers:
            self._put(int(number), line)
            if self._count > _FULL * len(self._numbers):
                self._grow()

    def _put(self, number: int, line: int) -> None:
        slot = self._slot(number)
        if not self._numbers[slot]:
            self._numbers[slot], self._lines[slot] = number, line
            self._count += 1

    def _slot(self, number: int) -> int:
        """Where a number is, or would go."""
        numbers, last = self._numbers, len(self._numbers) - 1
        slot = (number * _SPREAD & _WORD) >> (64 - self._bits)
        while numbers[slot] and numbers[slot] != number:
            slot = slot + 1 & last
        return slot

    def _grow(self) -> None:
        numbers, lines = self._numbers, self._lines
        self._bits, self._count = self._bits + 1, 0
        self._make()
        for number, line in zip(numbers, lines, strict=True):
            if number:
                self._put(number, line)
