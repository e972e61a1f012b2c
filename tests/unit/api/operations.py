"""An ``Operations`` that writes down what is asked, for the tests of the control socket and of the CLI."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from controller.domain.agent import AgentState
from controller.domain.budget import Budget
from controller.domain.campaign import CampaignState
from controller.domain.ids import AgentId, CallId, CampaignId, ContactId
from controller.domain.latency import Latency
from controller.domain.outcome import Outcome
from controller.ports import AgentStatus, CampaignStatus, ControllerStatus, OfferStatus

SINCE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

STATUS = ControllerStatus(
    faults=["Redis gives no answer; no calls are placed"],
    campaigns=[
        CampaignStatus(
            id=CampaignId("spring"),
            state=CampaignState.RUNNING,
            reason="",
            blocked="no agent is free",
            budget=Budget(successes=100, silent=1, exposed=2),
            allowance=3,
            in_flight=4,
            talking=5,
            placed=150,
            outcomes={Outcome.CONNECTED: 100, Outcome.NO_ANSWER: 30},
            rescued=1,
            override=False,
        )
    ],
    agents=[
        AgentStatus(
            id=AgentId("1001"), state=AgentState.TALKING, since=SINCE, call=CallId("call-1"), wish="pause"
        )
    ],
    answer_to_command=Latency(count=100, p50=0.004, p99=0.0125, max=0.03),
)


def looking(agent: str, offer: str = "0ffe7", contact: int = 1) -> ControllerStatus:
    """How things stand with an agent who looks at a contact of the campaign ``spring``."""
    until = SINCE + timedelta(seconds=60)
    offered = OfferStatus(
        id=CallId(offer),
        campaign=CampaignId("spring"),
        contact=ContactId(contact),
        since=SINCE,
        until=until,
    )
    status = AgentStatus(id=AgentId(agent), state=AgentState.PREVIEW, since=SINCE, call=None, offer=offered)
    return replace(STATUS, agents=[status])


@dataclass
class FakeOperations:
    """Answers every operation, or raises ``error``; ``hang`` never answers."""

    error: Exception | None = None
    hang: bool = False
    now: ControllerStatus = STATUS
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def status(self) -> ControllerStatus:
        if self.error is not None:
            raise self.error
        return self.now

    async def start_campaign(self, campaign: CampaignId) -> None:
        await self._note("start", campaign)

    async def pause_campaign(self, campaign: CampaignId, reason: str = "") -> None:
        await self._note("pause", campaign, reason)

    async def stop_campaign(self, campaign: CampaignId, reason: str = "") -> None:
        await self._note("stop", campaign)

    async def campaign_changed(self, campaign: CampaignId) -> None:
        await self._note("changed", campaign)

    async def agent_login(self, agent: AgentId) -> None:
        await self._note("login", agent)

    async def agent_logout(self, agent: AgentId) -> None:
        await self._note("logout", agent)

    async def agent_pause(self, agent: AgentId) -> None:
        await self._note("agent pause", agent)

    async def agent_ready(self, agent: AgentId) -> None:
        await self._note("ready", agent)

    async def accept_offer(self, agent: AgentId, offer: CallId | None = None) -> CallId:
        await self._note("accept", agent, offer or "")
        return offer or CallId("call-2")

    async def skip_offer(self, agent: AgentId, offer: CallId | None = None, reason: str = "") -> None:
        await self._note("skip", agent, offer or "", reason)

    async def _note(self, *asked: str) -> None:
        self.asked.append(asked)
        if self.hang:
            await asyncio.sleep(30)
        if self.error is not None:
            raise self.error
