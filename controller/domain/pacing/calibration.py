"""Whether the pacer's predictions come true."""

from __future__ import annotations

from typing import Final

_MEMORY: Final = 400.0
"""Answered calls over which predictions are compared with what came."""
_SLACK: Final = 8.0
"""Silent calls beyond the prediction that prove nothing."""
_ALARM: Final = 4.0
"""How many times as many silent calls as predicted count as wrong."""
_CALM: Final = 2.0
"""How many times as many are few enough to trust the predictions again."""


class Calibration:
    """Compares predicted with actual silent calls. Too many predicted is no fault: it errs on the safe side.

    A call's risk is told when it is placed, so calls placed after it are not in it; up to twice as many
    silent calls as predicted are normal where agents are few, and the price takes that into account.

    Attributes:
        good: predictions may be relied on.
        predicted: silent calls predicted, of the last answered calls (older ones fade).
        actual: how many there were.
    """

    def __init__(self) -> None:
        self.good = True
        self.predicted = 0.0
        self.actual = 0.0

    def saw(self, risk: float, *, came_true: bool) -> None:
        """An answered call had this risk of finding no agent, and found none, or one."""
        decay = 1 - 1 / _MEMORY
        self.predicted = self.predicted * decay + risk
        self.actual = self.actual * decay + came_true
        if self.good:
            self.good = self.actual <= _ALARM * self.predicted + _SLACK
        else:
            self.good = self.actual <= _CALM * self.predicted + _SLACK / 2

    def __str__(self) -> str:
        return f"{self.actual:.1f} silent calls lately, {self.predicted:.1f} predicted"
