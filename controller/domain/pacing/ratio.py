"""How many calls to place now.

Two kinds of call are placed: covered ones, each with an idle agent reserved for it, and exposed ones, which
the budget must allow. This is the plain rule: one covered call per idle agent, and on top of that a fixed
ratio of exposed calls, as far as the budget has room. (The pacing issue replaces the ratio, not the budget.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the pacer looks at.

    Attributes:
        idle: agents who are free and whom no call counts on.
        reserved: agents whom a ringing call counts on.
        in_flight: calls of the campaign that are ringing or waiting, those being placed included.
        exposed: how many of these nobody stands ready for.
        room: exposed calls the budget still allows; None if an override lifts the budget.
    """

    idle: int
    reserved: int
    in_flight: int
    exposed: int
    room: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """How many calls to place now, of each kind; ``agentless`` ones hear a message, and need nobody."""

    covered: int = 0
    exposed: int = 0
    agentless: int = 0

    @property
    def calls(self) -> int:
        """All of them."""
        return self.covered + self.exposed + self.agentless


def decide(situation: Situation, *, overdial: float, max_lines: int) -> Placement:
    """The calls to place now.

    Args:
        situation: agents, calls in flight and budget.
        overdial: lines per free agent, 1.0 or more.
        max_lines: ceiling of calls in flight.
    """
    lines = max(0, max_lines - situation.in_flight)
    covered = min(situation.idle, lines)
    free = situation.idle + situation.reserved
    wanted = math.floor(free * (overdial - 1.0) + 1e-9) - situation.exposed
    room = wanted if situation.room is None else min(wanted, situation.room)
    return Placement(covered=covered, exposed=max(0, min(room, lines - covered)))
