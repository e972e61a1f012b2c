"""The people at the other end: what they do when the phone rings, and what they went through.

The log of a callee is the evidence a simulation is judged by: it is written by the network, not by the
controller. All its times are seconds of the event loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from controller.domain.ids import E164, AgentId, CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Picks up, and talks to an agent.

    Attributes:
        after: seconds from dialing to the answer.
        talks: hangs up this long after first hearing an agent.
        patience: hangs up this long after the answer if no agent has been heard by then.
    """

    after: float = 2.0
    talks: float = 30.0
    patience: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaves:
    """Picks up and hangs up, whoever is there.

    Attributes:
        after: seconds from dialing to the answer.
        stays: seconds from the answer to the hang-up.
    """

    after: float = 2.0
    stays: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Presses:
    """Picks up, listens, and presses the key for not being called again.

    Attributes:
        after: seconds from dialing to the answer.
        at: seconds from the answer to the key.
    """

    after: float = 2.0
    at: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """Lets it ring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fails:
    """The network or the phone refuses the call.

    Attributes:
        after: seconds from dialing to the refusal.
        cause: Q.850 cause.
        sip: SIP code.
    """

    after: float = 0.5
    cause: int = 38
    sip: int | None = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy(Fails):
    """The line is busy."""

    cause: int = 17
    sip: int | None = 486


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable(Fails):
    """The phone is switched off."""

    cause: int = 20
    sip: int | None = 480


Behaviour = Answers | Leaves | Presses | NoAnswer | Fails
Habit = Behaviour | Callable[[E164], Behaviour]
"""A behaviour, or a function that is asked anew for each call."""


class Heard(Enum):
    """What is in a callee's ear."""

    NOTHING = "nothing"
    NOISE = "noise"
    MESSAGE = "message"
    AGENT = "agent"


class EndedBy(Enum):
    """Who or what ended a call."""

    CALLEE = "callee"
    CONTROLLER = "controller"
    DEAD_MAN = "dead man's switch"
    MESSAGE = "end of the message"
    KEY = "the callee's key"
    RING_TIMEOUT = "ring timeout"
    NETWORK = "network"
    PBX = "PBX"


@dataclass(slots=True)
class Callee:
    """What one callee went through in one call.

    Attributes:
        heard: what was in their ear, each with the time from when; begins with the answer.
        agents: who was heard, in order.
    """

    call: CallId
    number: E164
    dialed_at: float
    rang_at: float | None = None
    answered_at: float | None = None
    ended_at: float | None = None
    ended_by: EndedBy | None = None
    heard: list[tuple[float, Heard]] = field(default_factory=list)
    agents: list[AgentId] = field(default_factory=list)

    @property
    def noise_from(self) -> float | None:
        """When noise was first heard."""
        return self._first(Heard.NOISE)

    @property
    def agent_from(self) -> float | None:
        """When an agent was first heard."""
        return self._first(Heard.AGENT)

    @property
    def message_from(self) -> float | None:
        """When the message was first heard."""
        return self._first(Heard.MESSAGE)

    @property
    def silent(self) -> bool:
        """Whether this was a silent call: answered, and no agent was ever heard."""
        return self.answered_at is not None and self.agent_from is None

    def longest(self, *what: Heard, now: float = math.inf) -> float:
        """The longest unbroken time, in seconds, during which only this was heard.

        Args:
            what: one thing or several.
            now: where a call that has not ended is cut off.
        """
        longest, since = 0.0, None
        for begin, end, heard in self._spans(now):
            if heard not in what:
                since = None
                continue
            since = begin if since is None else since
            longest = max(longest, end - since)
        return longest

    def unattended(self, now: float = math.inf) -> float:
        """The longest unbroken time without an agent and without the message (L1)."""
        return self.longest(Heard.NOTHING, Heard.NOISE, now=now)

    def attended_from(self, seconds: float, now: float = math.inf) -> float | None:
        """When an agent had first been heard for so long without a break; None if that never was."""
        spans = (
            begin for begin, end, heard in self._spans(now) if heard is Heard.AGENT and end - begin >= seconds
        )
        return next((begin + seconds for begin in spans), None)

    def hear(self, what: Heard, now: float) -> None:
        """Note what is in the ear from now on."""
        if not self.heard or self.heard[-1][1] is not what:
            self.heard.append((now, what))

    def _first(self, what: Heard) -> float | None:
        return next((begin for begin, heard in self.heard if heard is what), None)

    def _spans(self, now: float) -> Iterator[tuple[float, float, Heard]]:
        end = now if self.ended_at is None else self.ended_at
        for place, (begin, heard) in enumerate(self.heard):
            following = self.heard[place + 1][0] if place + 1 < len(self.heard) else end
            yield begin, following, heard
