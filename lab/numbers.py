"""The lab's numbering plan: the number dialed says how its owner behaves.

Every number is a valid Italian mobile number, `+39 34x B AA HH SS`: B is the behaviour, AA the time until the
answer (or the refusal) in tenths of a second, HH the time after the answer; x and SS make up the serial
number. The simulated network (lab/network-conf/extensions.conf) obeys the same plan; no list of numbers is
kept anywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

SERIALS: Final = 1000
"""How many numbers there are for each behaviour, ring and hold time."""

_PLAN: Final = re.compile(
    r"\+3934(?P<x>\d)(?P<behaviour>[1-9])(?P<ring>\d\d)(?P<hold>\d\d)(?P<ss>\d\d)", re.ASCII
)


class Behaviour(IntEnum):
    """What the owner of a number does; the value is the digit B."""

    PERSON = 1
    """Answers, talks, hangs up HH seconds after the answer (00: after 300 s)."""
    BUSY = 2
    """Busy (SIP 486)."""
    NO_ANSWER = 3
    """Rings until the caller gives up."""
    UNREACHABLE = 4
    """HH 00: unreachable (SIP 480); any other HH: the number does not exist (SIP 404)."""
    DECLINES = 5
    """Refuses the call (SIP 603)."""
    MACHINE = 6
    """An answering machine: greeting, beep, hangs up HH seconds after the answer (00: after 30 s)."""
    LEAVER = 7
    """Answers, and hangs up HH tenths of a second later (00: at once)."""
    PRESSES_9 = 8
    """Answers, presses 9 after HH seconds, and stays up to 60 s more."""
    NETWORK_FAILURE = 9
    """The network fails (SIP 503)."""


_HOLD_IN_TENTHS: Final = frozenset({Behaviour.LEAVER})


@dataclass(frozen=True, slots=True)
class Plan:
    """A number of the plan, taken apart.

    Attributes:
        behaviour: What its owner does.
        ring: Seconds until the answer or the refusal, in steps of 0.1, up to 9.9.
        hold: Seconds after the answer, in steps of 1 up to 99; for a leaver in steps of 0.1 up to 9.9.
        serial: Tells apart the numbers that are otherwise the same.
    """

    behaviour: Behaviour
    ring: float = 0.0
    hold: float = 0.0
    serial: int = 0

    @property
    def e164(self) -> str:
        """The number itself.

        Raises:
            ValueError: A part is out of range or not on the plan's grid.
        """
        if not 0 <= self.serial < SERIALS:
            raise ValueError(f"serial must be 0..{SERIALS - 1}, got {self.serial}")
        ring = _two_digits("ring", self.ring, 10)
        hold = _two_digits("hold", self.hold, 10 if self.behaviour in _HOLD_IN_TENTHS else 1)
        x, ss = divmod(self.serial, 100)
        return f"+3934{x}{self.behaviour.value}{ring}{hold}{ss:02d}"


def _two_digits(name: str, seconds: float, per_second: int) -> str:
    steps = round(seconds * per_second)
    if not 0 <= steps <= 99 or abs(steps / per_second - seconds) > 1e-6:
        raise ValueError(
            f"{name} must be 0..{99 / per_second:g} s in steps of {1 / per_second:g} s, got {seconds}"
        )
    return f"{steps:02d}"


def number(behaviour: Behaviour, *, ring: float = 0.0, hold: float = 0.0, serial: int = 0) -> str:
    """Make the E.164 number whose owner behaves as told; the arguments are the attributes of `Plan`."""
    return Plan(behaviour, ring, hold, serial).e164


def parse(e164: str) -> Plan:
    """Take a number of the plan apart.

    Args:
        e164: The number, with its plus sign.

    Returns:
        What the number says about its owner.

    Raises:
        ValueError: The number is not of the plan.
    """
    match = _PLAN.fullmatch(e164)
    if match is None:
        raise ValueError(f"not a number of the lab's plan: {e164!r}")
    behaviour = Behaviour(int(match["behaviour"]))
    return Plan(
        behaviour=behaviour,
        ring=int(match["ring"]) / 10,
        hold=int(match["hold"]) / (10 if behaviour in _HOLD_IN_TENTHS else 1),
        serial=int(match["x"]) * 100 + int(match["ss"]),
    )


def legend() -> str:
    """The plan in words, for people."""
    lines = ["+39 34x B AA HH SS   AA: rings AA/10 s   HH: seconds after the answer   x, SS: serial", ""]
    for behaviour, meaning in _MEANINGS.items():
        lines.append(
            f"  B={behaviour.value}  {meaning}   e.g. {number(behaviour, ring=1.0, hold=5.0, serial=7)}"
        )
    return "\n".join(lines)


_MEANINGS: Final = {
    Behaviour.PERSON: "a person: answers, hangs up after HH s (00: 300 s)",
    Behaviour.BUSY: "busy",
    Behaviour.NO_ANSWER: "rings, never answers",
    Behaviour.UNREACHABLE: "unreachable (HH=00) or not a number at all",
    Behaviour.DECLINES: "declines the call",
    Behaviour.MACHINE: "an answering machine, records until HH s",
    Behaviour.LEAVER: "answers, hangs up after HH/10 s",
    Behaviour.PRESSES_9: "answers, presses 9 after HH s",
    Behaviour.NETWORK_FAILURE: "the network fails",
}
