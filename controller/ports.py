"""The edges of the engine, as protocols. Each has an in-memory twin; one contract test runs on both.

    CallControl  Asterisk, by ARI        controller.ari.control    controller.simulation.telephony
    Ledger       Redis                   controller.store.ledger   controller.store.memory
    Records      SQL                     controller.store.records  controller.store.memory
    Clock        the machine's clocks    controller.engine.clock   tests set their own

Every method may raise ``Unreachable`` (controller.errors) when its edge gives no confirmed answer in time;
the engine then places no call (L7).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from controller.domain.agent import AgentState
from controller.domain.budget import Budget
from controller.domain.call import Call
from controller.domain.campaign import Campaign, CampaignState, Override
from controller.domain.contact import Contact, NewContact
from controller.domain.ids import E164, AgentId, CallId, CampaignId, ChannelId, ContactId
from controller.domain.latency import Latency
from controller.domain.outcome import Outcome

# --- Clock -------------------------------------------------------------------------------------------


class Clock(Protocol):
    """Time, as the engine reads it. Waiting is asyncio's business."""

    def now(self) -> datetime:
        """Aware UTC; for records."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump; for measuring how long something took."""
        ...


# --- CallControl: Asterisk ---------------------------------------------------------------------------


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
    """

    call: CallId
    at: datetime


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
    """

    call: CallId
    answered: bool
    arrived: bool
    agent: AgentId | None


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

    async def ping(self) -> None:
        """Raise Unreachable unless events flow and requests are answered."""
        ...

    async def place(self, call: CallId, number: E164, campaign: Campaign) -> None:
        """Dial. Repeating it is safe: Asterisk refuses a second channel of the same id."""
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


# --- Ledger: Redis -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How many calls of a campaign this controller has exposed to silence.

    Attributes:
        count: flights without an agent standing ready, the one being admitted included.
        serial: grows with every reading, so that a late message never overwrites a newer one.
    """

    count: int
    serial: int


class Admission(Enum):
    """The ledger's answer to a wish to call a number."""

    ADMITTED = "admitted"
    SUPPRESSED = "suppressed"
    """The number is left alone, or another call to it is in flight."""
    NO_BUDGET = "no-budget"
    OPERATOR_DUE = "operator-due"
    """The number may only be called with an agent reserved for it (L5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitting:
    """What the ledger is asked: may this number be called now, and if so, take its suppression key."""

    call: CallId
    campaign: Campaign
    number: E164
    covered: bool
    guaranteed: bool
    exposure: Exposure
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer, with the budget as it stands after it.

    Attributes:
        free_in: seconds until the number may be called, where SUPPRESSED.
        in_flight: where SUPPRESSED: because another call to the number is under way.
    """

    admission: Admission
    budget: Budget
    free_in: int = 0
    in_flight: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """Why a number is not called, as anyone can read it in Redis."""

    number: E164
    reason: str
    since: datetime
    campaign: str
    call: str
    expires_in: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightMark:
    """A call that the ledger holds as in flight (or talking): what recovery finds after a crash."""

    call: CallId
    campaign: CampaignId
    number: E164
    connected: bool


class Ledger(Protocol):
    """What is live and shared: suppression keys, budgets, marks of calls in flight."""

    async def check(self) -> Sequence[str]:
        """Complaints about a server that would lose keys; empty if it is fit."""
        ...

    async def ping(self) -> None:
        """Raise Unreachable unless the server answers and takes writes."""
        ...

    async def admit(self, wish: Admitting) -> Verdict:
        """Check suppression, L5 and budget and take the number, all or nothing."""
        ...

    async def connected(self, call: CallId, campaign: Campaign, exposure: Exposure) -> Budget:
        """The call reached an agent. Counted once, however often it is said."""
        ...

    async def close(
        self,
        call: CallId,
        campaign: Campaign,
        number: E164,
        outcome: Outcome,
        ended_ago: timedelta,
        exposure: Exposure,
    ) -> Budget:
        """The call is over: give the number back, or leave it alone for as long as the law says.

        Counted once, however often it is said. ``number`` lets a silent call be recorded even if the mark
        of the flight was lost.
        """
        ...

    async def report(self, campaign: Campaign, exposure: Exposure) -> Budget:
        """Tell how many calls are exposed; read the budget."""
        ...

    async def budget(self, campaign: Campaign) -> Budget:
        """The budget as it stands."""
        ...

    async def flights(self, caller: str) -> Sequence[FlightMark]:
        """Calls this controller left in flight, for recovery."""
        ...

    async def suppression(self, caller: str, number: E164) -> Suppression | None:
        """Why the number is not called now, if so."""
        ...

    async def suppressions(self, caller: str, limit: int = 1000) -> Sequence[Suppression]:
        """Suppressed numbers, in no order, ``limit`` at most."""
        ...


# --- Records: SQL ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnd:
    """What is recorded when an attempt is over, with what follows for its contact.

    Attributes:
        next_due: when the contact is called again; None if the campaign is done with it.
        counts_as_attempt: False for silent calls, which do not use up the contact's attempts.
    """

    call: Call
    next_due: datetime | None
    counts_as_attempt: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What an import stored.

    Attributes:
        stored: contacts added.
        known: lines of numbers the campaign had already (not stored again).
    """

    stored: int
    known: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRow:
    """A campaign as stored, with its state."""

    campaign: Campaign
    state: CampaignState
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFigures:
    """A campaign's numbers, computed from the recorded attempts alone.

    Attributes:
        by_outcome: ended attempts by outcome.
        open: attempts recorded as started and not ended.
        answer_to_bridge: seconds, one for each connected call.
        longest_unattended: seconds from answer to end of the longest silent call; None if there was none.
    """

    campaign: CampaignId
    contacts: int
    pending: int
    by_outcome: Mapping[Outcome, int] = field(default_factory=dict)
    open: int = 0
    rescued: int = 0
    answer_to_bridge: Sequence[float] = ()
    longest_unattended: float | None = None


class Records(Protocol):
    """What lasts: contacts, campaigns, attempts."""

    async def ping(self) -> None:
        """Raise Unreachable unless the store takes writes."""
        ...

    async def save_campaign(self, campaign: Campaign) -> None:
        """Store a new campaign as draft.

        Raises:
            BadInput: the id is taken.
        """
        ...

    async def campaign(self, campaign: CampaignId) -> CampaignRow | None:
        """One campaign."""
        ...

    async def campaigns(self) -> Sequence[CampaignRow]:
        """All campaigns, by id."""
        ...

    async def set_campaign_state(self, campaign: CampaignId, state: CampaignState, reason: str = "") -> None:
        """Record a change of state and why."""
        ...

    async def record_override(self, campaign: CampaignId, override: Override, now: datetime) -> None:
        """Record who lifted a budget, when and why. Append-only."""
        ...

    async def add_contacts(self, campaign: CampaignId, contacts: Sequence[NewContact]) -> ImportResult:
        """Store contacts in one transaction; numbers the campaign has already are left as they are."""
        ...

    async def due_contacts(self, campaign: CampaignId, now: datetime, limit: int) -> Sequence[Contact]:
        """Contacts that may be called now and have no attempt under way, longest due first."""
        ...

    async def next_due(self, campaign: CampaignId, now: datetime) -> datetime | None:
        """When the next contact that is not yet due will be; None if the campaign is done with all."""
        ...

    async def postpone(self, contact: ContactId, until: datetime) -> None:
        """Do not offer the contact before ``until``."""
        ...

    async def attempt_started(self, call: Call) -> None:
        """Record the attempt; returns when it is durable. Before that nothing is dialed."""
        ...

    async def attempt_ended(self, end: AttemptEnd) -> None:
        """Record how it ended; returns when it is durable. Saying it twice changes nothing."""
        ...

    async def attempt(self, call: CallId) -> Call | None:
        """An attempt as recorded, for recovery."""
        ...

    async def open_attempts(self) -> Sequence[Call]:
        """Attempts recorded as started and not ended, for recovery."""
        ...

    async def figures(self, campaign: CampaignId) -> CampaignFigures:
        """The campaign's numbers."""
        ...


# --- Operations: what people ask of a running controller ------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStatus:
    """A campaign while it runs.

    Attributes:
        blocked: why it places no calls although it is running; empty if it does.
        in_flight: calls that ring or wait now.
        talking: conversations now.
    """

    id: CampaignId
    state: CampaignState
    reason: str
    blocked: str
    budget: Budget
    allowance: int
    in_flight: int
    talking: int
    placed: int
    outcomes: Mapping[Outcome, int]
    rescued: int
    override: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStatus:
    """An agent now."""

    id: AgentId
    state: AgentState
    since: datetime
    call: CallId | None
    wish: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerStatus:
    """The whole controller now.

    Attributes:
        faults: edges that give no confirmed answer, each with what it means; empty if all is well.
        answer_to_command: from the arrival of an answered call at Asterisk to our command to bridge it, over
            the last calls that found a free agent; None if there was none yet.
    """

    faults: Sequence[str]
    campaigns: Sequence[CampaignStatus]
    agents: Sequence[AgentStatus]
    answer_to_command: Latency | None = None


class Operations(Protocol):
    """What the CLI (and later the API) asks. Raises ControllerError with a message for the user."""

    def status(self) -> ControllerStatus:
        """How things stand."""
        ...

    async def start_campaign(self, campaign: CampaignId) -> None:
        """Let a campaign dial."""
        ...

    async def pause_campaign(self, campaign: CampaignId, reason: str = "") -> None:
        """Place no more calls; those in flight go on."""
        ...

    async def stop_campaign(self, campaign: CampaignId) -> None:
        """Like pause, for good."""
        ...

    async def agent_login(self, agent: AgentId) -> None:
        """Call the agent's phone and seat it."""
        ...

    async def agent_logout(self, agent: AgentId) -> None:
        """Let the agent go, as soon as no call counts on them."""
        ...

    async def agent_pause(self, agent: AgentId) -> None:
        """No more calls for the agent, as soon as none counts on them."""
        ...

    async def agent_ready(self, agent: AgentId) -> None:
        """End the agent's pause or wrap-up."""
        ...
