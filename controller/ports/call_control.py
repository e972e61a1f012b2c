"""Asterisk, as the engine sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from controller.domain.campaign import Campaign
from controller.domain.ids import E164, AgentId, CallId, ChannelId
from controller.domain.recital import Recital
from controller.ports.queues import QueueStatus


@dataclass(frozen=True, slots=True)
class CallRang:
    """The callee's phone rings."""

    call: CallId


@dataclass(frozen=True, slots=True)
class CallPickedUp:
    """The callee answered; the dialplan plays the noise.

    Attributes:
        at: when, by Asterisk's clock.
    """

    call: CallId
    at: datetime


@dataclass(frozen=True, slots=True)
class CallArrived:
    """The answered call can be bridged.

    Attributes:
        at: when, by Asterisk's clock.
        noise_at: when the dialplan began the noise, by Asterisk's clock (UTC); None if it did not say.
    """

    call: CallId
    at: datetime
    noise_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CallLeft:
    """The answered call cannot be bridged any more: its dialplan plays the message, or it is over."""

    call: CallId


@dataclass(frozen=True, slots=True)
class CallGone:
    """The call's channel is destroyed."""

    call: CallId
    cause: int
    sip: int | None


@dataclass(frozen=True, slots=True)
class AgentArrived:
    """An agent's phone asks to log in (by feature code, or answering the controller's call)."""

    agent: AgentId
    channel: ChannelId


class AgentAction(Enum):
    """What an agent asks for with their phone."""

    LOG_OUT = "log-out"
    TOGGLE_PAUSE = "toggle-pause"
    END_CALL = "end-call"
    READY = "ready"
    CALL = "call"
    """Have the contact called that they look at."""
    SKIP = "skip"
    """Look at the next contact instead."""


@dataclass(frozen=True, slots=True)
class AgentAsked:
    """An agent dialed a feature code or pressed a key.

    Attributes:
        channel: of the feature-code call, to be hung up when obeyed; None for a key press.
    """

    agent: AgentId
    action: AgentAction
    channel: ChannelId | None = None


@dataclass(frozen=True, slots=True)
class AgentGone:
    """The channel that held an agent's phone is destroyed."""

    channel: ChannelId


@dataclass(frozen=True, slots=True)
class LinkUp:
    """Events flow (again). What happened before is only known from a snapshot.

    Attributes:
        lab_token: the PBX's global variable ``CC_LAB``; empty on every PBX that is not a lab.
    """

    lab_token: str = ""


@dataclass(frozen=True, slots=True)
class LinkDown:
    """No events flow.

    Attributes:
        replaced: another controller has taken the application over; this one must not come back.
    """

    reason: str
    replaced: bool = False


PhoneEvent = (
    CallRang
    | CallPickedUp
    | CallArrived
    | CallLeft
    | CallGone
    | AgentArrived
    | AgentAsked
    | AgentGone
    | LinkUp
    | LinkDown
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOnWire:
    """One of our calls as Asterisk holds it.

    Attributes:
        answered: the callee's phone is off the hook.
        arrived: it is in Stasis, so it can be bridged.
        agent: whose bridge the channel is in; None if in none of ours.
        rings: the callee's phone rings.
    """

    call: CallId
    answered: bool
    arrived: bool
    agent: AgentId | None
    rings: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOnWire:
    """An agent's phone as Asterisk holds it, in its bridge."""

    agent: AgentId
    channel: ChannelId


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """Everything of ours that Asterisk holds at one instant."""

    calls: Sequence[CallOnWire] = ()
    agents: Sequence[AgentOnWire] = ()


class CallControl(Protocol):
    """What the engine asks of Asterisk. Refusals raise ``Refused``; see controller.errors."""

    def events(self) -> AsyncIterator[PhoneEvent]:
        """What happens, in order, until closed. Starts with LinkUp."""
        ...

    def backlog(self) -> QueueStatus:
        """The events that wait to be taken."""
        ...

    async def ping(self) -> None:
        """Raise Unreachable unless events flow and requests are answered."""
        ...

    async def place(self, call: CallId, number: E164, campaign: Campaign, *, agentless: bool = False) -> None:
        """Dial. Repeating it is safe: Asterisk refuses a second channel of the same id.

        From the answer on Asterisk keeps the campaign's law by itself: after ``law.dead_man_after`` without
        an agent it hangs up, or plays the campaign's message first where the law demands one.

        Args:
            call: its id.
            number: whom to dial.
            campaign: whose call it is.
            agentless: from the answer on it plays the campaign's message, and hangs up. Such a call never
                arrives (CallArrived): Asterisk leads it, and notes what the callee heard (``recital``).
        """
        ...

    async def can_recite(self) -> None:
        """Make sure that Asterisk can lead agentless calls.

        Raises:
            Refused: it cannot; the message says what it lacks.
        """
        ...

    async def recital(self, call: CallId) -> Recital:
        """What Asterisk noted of an agentless call, also when the call is over; until ``forget_recital``.

        Raises:
            Unreachable: it has not said; ask again.
        """
        ...

    async def forget_recital(self, call: CallId) -> None:
        """The note is not needed any more."""
        ...

    async def connect(self, call: CallId, agent: AgentId) -> None:
        """Put the callee into the agent's bridge, take the noise away, clear the dead-man's switch.

        Raises:
            Refused: callee or agent is gone. The callee, if still there, hears the noise as before.
        """
        ...

    async def back_to_noise(self, call: CallId, dead_man_after: timedelta) -> None:
        """Take the callee out of the bridge of an agent who is gone: they hear the noise again.

        Asterisk hangs up by itself after ``dead_man_after``, as before the bridging.
        """
        ...

    async def play_message(self, call: CallId) -> None:
        """Let the callee hear the campaign's message, after which Asterisk hangs up by itself.

        Raises:
            Refused: the call is gone, or out of our hands: not arrived, or its message plays already.
        """
        ...

    async def hang_up(self, call: CallId) -> bool:
        """Hang the callee up. False if the channel was gone already."""
        ...

    async def exists(self, call: CallId) -> bool:
        """Whether Asterisk still holds the call's channel."""
        ...

    async def seat(self, agent: AgentId, channel: ChannelId) -> None:
        """Put an agent's phone into its bridge, made anew if needed."""
        ...

    async def unseat(self, agent: AgentId) -> None:
        """Let an agent's phone go and destroy its bridge. Nothing happens if there is none."""
        ...

    async def call_agent(self, agent: AgentId, endpoint: str) -> None:
        """Ring an agent's phone; when answered it arrives as AgentArrived."""
        ...

    async def drop(self, channel: ChannelId) -> None:
        """Hang up a channel that is not a call of ours (a feature code)."""
        ...

    async def wire(self) -> Wire:
        """What Asterisk holds of ours, for resynchronisation."""
        ...
