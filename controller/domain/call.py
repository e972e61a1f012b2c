"""One call: its states, what can happen to it, and what is to be done about it.

    ADMITTING -> PLACING -> RINGING -> ANSWERED -> WAITING -> BRIDGING -> TALKING -> ENDED
                                |                    |  ^________|                     ^
                                |                    v                                 |
                                `-----> PLAYING (campaigns without agents) ------------'

    ENDING is entered from any live state when the call's end is under way and its confirmation is awaited: a
    hang-up has been asked for, or Asterisk plays the message after which it hangs up.

``step`` in lifecycle.py is the only place where a call changes state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from controller.domain.contact import Contact
from controller.domain.ids import AgentId, CallId
from controller.domain.outcome import Outcome
from controller.domain.recital import Recital


class CallState(Enum):
    """Where a call stands."""

    ADMITTING = "admitting"
    """Budget, suppression key and record are being asked for; Asterisk does not know of it."""
    PLACING = "placing"
    """Asterisk has been asked to place it."""
    RINGING = "ringing"
    ANSWERED = "answered"
    """Picked up; the noise sounds; its channel has not reached us in Stasis yet."""
    WAITING = "waiting"
    """In Stasis, hears the noise; no agent is free."""
    BRIDGING = "bridging"
    """An agent is assigned, the bridging is commanded."""
    TALKING = "talking"
    PLAYING = "playing"
    """Picked up; the dialplan plays the message, and nobody is to speak. It never reaches us in Stasis."""
    ENDING = "ending"
    ENDED = "ended"


class HungUpBy(Enum):
    """Who ended an answered call, as far as the controller can know."""

    CALLEE = "callee"
    AGENT = "agent"
    CONTROLLER = "controller"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call from admission to its end. Times are aware UTC.

    Attributes:
        covered: at admission an idle agent was reserved for it (so it was not charged to the budget).
        guaranteed: placed under L5: its agent stays reserved for it alone.
        agentless: nobody is to speak: from the answer on the callee hears a message.
        agent: assigned now, or the one who spoke with it.
        asked_at_answer: the bridging under way (if one is) was commanded at the answer.
        waited: at its answer no agent was free, or the first bridging failed.
        segment: of the campaign's plan that its contact was taken from, or else the contact's own; empty if
            it is of none; None if that is not recorded.
        noise_at: when Asterisk began the noise (or, of an agentless call, the message), by its clock; None
            if it did not say.
        heard_at: from when on the callee has certainly heard the agent: the call is a success.
        cut_due: the time that the law leaves it is over.
        message_due: then a message is to be played, instead of hanging up.
        ended_by: set when a hang-up is asked for; else the callee's doing.
    """

    id: CallId
    contact: Contact
    state: CallState = CallState.ADMITTING
    covered: bool = False
    guaranteed: bool = False
    agentless: bool = False
    agent: AgentId | None = None
    asked_at_answer: bool = False
    waited: bool = False
    cut_due: bool = False
    message_due: bool = False
    admitted_at: datetime | None = None
    rang_at: datetime | None = None
    answered_at: datetime | None = None
    noise_at: datetime | None = None
    bridged_at: datetime | None = None
    heard_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: HungUpBy | None = None
    outcome: Outcome | None = None
    cause: int = 0
    sip: int | None = None
    segment: str | None = None

    def evolve(self, **changes: object) -> Call:
        """A copy with these changes."""
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def rescued(self) -> bool:
        """Whether it waited for an agent and got one before the cut."""
        return self.waited and self.outcome is Outcome.CONNECTED


# --- what happens -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Admitted:
    """Suppression taken, budget charged, attempt recorded: it may be dialed."""


@dataclass(frozen=True, slots=True)
class NotAdmitted:
    """It must not be dialed. Nothing was taken, or what was taken has been given back."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Asterisk made the channel."""


@dataclass(frozen=True, slots=True)
class PlaceFailed:
    """Asterisk refused to make the channel, so nobody's phone rang."""


@dataclass(frozen=True, slots=True)
class Rang:
    """The callee's phone rings."""


@dataclass(frozen=True, slots=True)
class PickedUp:
    """The callee answered."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """The answered channel is in Stasis: it can be bridged.

    Attributes:
        noise_at: when Asterisk began the noise, by its clock (UTC); None if it did not say.
    """

    noise_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """The answered channel has left Stasis: Asterisk's own switch acted, or the call ends (Gone follows)."""


@dataclass(frozen=True, slots=True)
class AgentAssigned:
    """The floor gives this call an agent; the agent is taken until given back."""

    agent: AgentId


@dataclass(frozen=True, slots=True)
class NoAgentFree:
    """The floor has no agent now; it keeps the call on its waiting list."""


@dataclass(frozen=True, slots=True)
class Bridged:
    """Callee and agent hear each other."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The bridge has lasted long enough that the callee has heard the agent."""


@dataclass(frozen=True, slots=True)
class BridgeFailed:
    """The bridging was refused or not confirmed in time."""


@dataclass(frozen=True, slots=True)
class CutDue:
    """The time that the law leaves an answered call without an agent, or that a message may play, is over.

    Attributes:
        message: the law demands that the callee now hears a message.
    """

    message: bool = False


@dataclass(frozen=True, slots=True)
class AgentLeft:
    """The assigned agent's phone is gone."""

    agent: AgentId


@dataclass(frozen=True, slots=True)
class EndAsked:
    """The agent asks to end the conversation."""


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """No agent stands ready for it any more, and the budget does not allow that: take it back."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The channel is destroyed: the last event of every call.

    Attributes:
        cause: Q.850 cause, 0 if unknown.
        sip: SIP code, if known.
        witnessed: False if nobody saw it end (found missing after a lost connection or a restart).
        recital: of an agentless call: what the callee heard; None if nobody asked Asterisk.
    """

    cause: int = 0
    sip: int | None = None
    witnessed: bool = True
    recital: Recital | None = None


CallEvent = (
    Admitted
    | NotAdmitted
    | Placed
    | PlaceFailed
    | Rang
    | PickedUp
    | Arrived
    | Left
    | AgentAssigned
    | NoAgentFree
    | Bridged
    | Heard
    | BridgeFailed
    | CutDue
    | AgentLeft
    | EndAsked
    | CancelAsked
    | Gone
)


# --- what is to be done -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Ask Asterisk for the channel. Answers with Placed or PlaceFailed."""


@dataclass(frozen=True, slots=True)
class FindAgent:
    """Ask the floor for an agent. Answers with AgentAssigned or NoAgentFree."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Bridge the callee to the agent. Answers with Bridged or BridgeFailed."""

    agent: AgentId


@dataclass(frozen=True, slots=True)
class BackToNoise:
    """Take the callee out of the bridge of an agent who is gone; they hear the noise again."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """Hang the callee's channel up. Gone confirms it."""


@dataclass(frozen=True, slots=True)
class PlayMessage:
    """Let the callee hear the message; Asterisk hangs up at its end. Gone confirms that."""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Tell the floor that the call waits for no agent any more."""


@dataclass(frozen=True, slots=True)
class StartCutTimer:
    """CutDue is to come after the time the law leaves."""


@dataclass(frozen=True, slots=True)
class StopCutTimer:
    """CutDue is not to come."""


@dataclass(frozen=True, slots=True)
class StartHeardTimer:
    """Heard is to come after the time it takes to hear somebody."""


@dataclass(frozen=True, slots=True)
class GiveBackAgent:
    """The agent is not needed (any more).

    Attributes:
        worked: the agent spoke with the callee, so a wrap-up follows.
    """

    agent: AgentId
    worked: bool


@dataclass(frozen=True, slots=True)
class CountSuccess:
    """Tell the ledger that the callee has heard an agent."""


@dataclass(frozen=True, slots=True)
class OptOut:
    """The callee asked for it by a key: bar their numbers, before the call is closed."""


@dataclass(frozen=True, slots=True)
class Close:
    """Tell floor, ledger and records how it ended. The last command of every admitted call."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Discard:
    """Tell the floor that a call which was never admitted is over."""


Command = (
    Place
    | FindAgent
    | Connect
    | BackToNoise
    | HangUp
    | PlayMessage
    | Withdraw
    | StartCutTimer
    | StopCutTimer
    | StartHeardTimer
    | GiveBackAgent
    | CountSuccess
    | OptOut
    | Close
    | Discard
)
