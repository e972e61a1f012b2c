"""What people ask of a running controller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from controller.domain.agent import AgentState
from controller.domain.budget import Budget
from controller.domain.campaign import CampaignState, PausedBy
from controller.domain.ids import AgentId, CallId, CampaignId
from controller.domain.latency import Latency
from controller.domain.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStatus:
    """A campaign while it runs.

    Attributes:
        paused_by: who or what keeps it from dialing; None if nothing does, or it is over.
        blocked: why it places no calls although it is running; empty if it does.
        in_flight: calls that ring or wait now.
        talking: conversations now.
        mode: how it dials.
        pacing: the latest decision on how many calls to place, with its reason; empty if there is none.
        began_with: past calls that the pacer had learned from when it began, in words; empty: none.
        taken_back: calls whose ringing was ended because no agent would have been free.
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
