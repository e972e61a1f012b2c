"""The numbers of the law, as data.

A profile says how many silent calls are allowed, how fast they end, and how long a number is then left
alone. Sources and how sure they are: docs/regulation.md. The profile ``it-garante-2014`` is the default.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Regulation:
    """What one jurisdiction demands of a campaign.

    Attributes:
        name: short name, as used in configuration.
        silent_share: silent calls allowed per success, exact (3/100, never a float).
        cut_after: longest time an answered call may last without an agent, measured at the callee.
        hang_up_after: when the controller hangs up, from the answer; before ``cut_after``.
        dead_man_after: when Asterisk hangs up by itself if the controller is dead, from the answer; the
            dialplan's ``TIMEOUT(absolute)``. Between ``hang_up_after`` and ``cut_after``.
        noise_within: comfort noise is heard at most this long after the answer.
        leave_alone: how long a number is not called after a silent call.
    """

    name: str
    silent_share: Fraction
    cut_after: timedelta
    hang_up_after: timedelta
    dead_man_after: timedelta
    noise_within: timedelta
    leave_alone: timedelta

    def __post_init__(self) -> None:
        if not 0 <= self.silent_share < 1:
            raise ValueError(f"silent_share is a share from 0 to below 1, not {self.silent_share}")
        if not timedelta(0) < self.hang_up_after < self.dead_man_after < self.cut_after:
            raise ValueError("hang_up_after < dead_man_after < cut_after must hold")


IT_GARANTE_2014 = Regulation(
    name="it-garante-2014",
    silent_share=Fraction(3, 100),
    cut_after=timedelta(seconds=3),
    hang_up_after=timedelta(seconds=2.7),
    dead_man_after=timedelta(seconds=2.8),
    noise_within=timedelta(milliseconds=200),
    leave_alone=timedelta(days=5),
)
"""Garante per la protezione dei dati personali, 20 February 2014, n. 83 (doc. web 3017499)."""

PROFILES = {IT_GARANTE_2014.name: IT_GARANTE_2014}
