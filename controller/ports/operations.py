"""What people ask of a running controller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from controller.domain.agent import AgentState
from controller.domain.budget import Budget
from controller.domain.campaign import CampaignState, PausedBy
from controller.domain.ids import AgentId, CallId, CampaignId, ContactId
from controller.domain.latency import Histogram, Latency
from controller.domain.outcome import Outcome
from controller.ports.pacing import RECENT, PacingFigures, PacingReport
from controller.ports.queues import QueueStatus


class Blocked(Enum):
    """Why a running campaign places no calls."""

    EDGE = "edge"
    """Asterisk, Redis or the record store gives no confirmed answer (L7)."""
    HOURS = "hours"
    """Nobody may be called at this hour."""
    NO_AGENT = "no-agent"
    """No agent who takes its calls is logged in."""
    AGENTS_BUSY = "agents-busy"
    """No agent is free, and none will be in time."""
    CONTACTS = "contacts"
    """No contact is due, or those that are may not be called now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStatus:
    """A campaign while it runs.

    Attributes:
        paused_by: who or what keeps it from dialing; None if nothing does, or it is over.
        blocked: why it places no calls although it is running; empty if it does.
        in_flight: calls that ring or wait now, or hear the message of a campaign without agents.
        talking: conversations now.
        mode: how it dials.
        pacing: the latest decision on how many calls to place, with its reason; empty if there is none.
        offers: contacts that agents look at now, in mode preview.
        began_with: past calls that the pacer had learned from when it began, in words; empty: none.
        taken_back: calls whose ringing was ended because no agent would have been free.
        blocked_by: ``blocked`` as one of a few; None if it is empty.
        figures: its pacing in numbers; None until it has dialed here.
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
    paused_by: PausedBy | None = None
    mode: str = ""
    pacing: str = ""
    began_with: str = ""
    taken_back: int = 0
    offers: int = 0
    blocked_by: Blocked | None = None
    figures: PacingFigures | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferStatus:
    """A contact that an agent looks at.

    Attributes:
        id: of the offer, and of the call if it is placed.
        since: when it began (aware).
        until: when it ends without an answer, and the agent is paused (aware).
    """

    id: CallId
    campaign: CampaignId
    contact: ContactId
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStatus:
    """An agent now.

    Attributes:
        wish: what they asked for, and get when no call counts on them any more; often empty.
        offer: what they look at, in mode preview; else None.
        reason: why they are paused, if they did not ask for it.
    """

    id: AgentId
    state: AgentState
    since: datetime
    call: CallId | None
    wish: str = ""
    offer: OfferStatus | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerStatus:
    """The whole controller now.

    Attributes:
        faults: edges that give no confirmed answer, each with what it means; empty if all is well.
        answer_to_command: from the arrival of an answered call at Asterisk to our command to bridge it, over
            the last calls that found a free agent; None if there was none yet.
        answer_times: the same over all calls since the controller started.
        edges: whether each of them gives confirmed answers.
        unsettled: ended calls whose outcome is not confirmed by Redis and the record store yet.
        spent: seconds that agents have spent since the controller started, by what on (domain.occupancy).
        queues: where events wait.
    """

    faults: Sequence[str]
    campaigns: Sequence[CampaignStatus]
    agents: Sequence[AgentStatus]
    answer_to_command: Latency | None = None
    answer_times: Histogram | None = None
    edges: Mapping[str, bool] = field(default_factory=dict)
    unsettled: int = 0
    spent: Mapping[str, float] = field(default_factory=dict)
    queues: Sequence[QueueStatus] = field(default_factory=list)


class Operations(Protocol):
    """What the CLI (and later the API) asks. Raises ControllerError with a message for the user."""

    def status(self) -> ControllerStatus:
        """How things stand."""
        ...

    def pacing(
        self, campaign: CampaignId, limit: int = RECENT, before: datetime | None = None
    ) -> PacingReport | None:
        """Why a campaign dials as it does; None if it has not dialed since the controller started.

        Args:
            campaign: which one.
            limit: how many of its latest decisions.
            before: only those made at this time (aware) or earlier; None: all.
        """
        ...

    async def start_campaign(self, campaign: CampaignId) -> None:
        """Let a campaign dial."""
        ...

    async def pause_campaign(self, campaign: CampaignId, reason: str = "") -> None:
        """Place no more calls; those in flight go on."""
        ...

    async def stop_campaign(self, campaign: CampaignId, reason: str = "") -> None:
        """Like pause, for good."""
        ...

    async def campaign_changed(self, campaign: CampaignId) -> None:
        """Take over what was changed about a campaign, if it is one that runs here."""
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

    async def accept_offer(self, agent: AgentId, offer: CallId | None = None) -> CallId:
        """Have the contact called that the agent looks at; returns the call, which has passed all checks.

        Args:
            agent: who looks at it.
            offer: the one that they have seen; None: whichever they have. Accepting it again changes nothing.
        """
        ...

    async def skip_offer(self, agent: AgentId, offer: CallId | None = None, reason: str = "") -> None:
        """Put the contact off that the agent looks at.

        Args:
            agent: who looks at it.
            offer: the one that they have seen; None: whichever they have.
            reason: why, in one word of letters, digits, ``-``, ``_`` and ``.``; may be empty.
        """
        ...
