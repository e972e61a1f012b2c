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
from controller.domain.pacing import Decision, Explained, Inputs, Mode, Terms
from controller.ports import (
    RECENT,
    AgentStatus,
    CampaignStatus,
    ControllerStatus,
    Learned,
    OfferStatus,
    PacingFigures,
    PacingReport,
    Spread,
)

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

INPUTS = Inputs(idle=1, ringing=3, talking=5, wrapping=2, exposed=2, room=5, lines=196)
DECISION = Decision(
    covered=1,
    exposed=2,
    reason="one more call would too likely find no agent",
    risks=(0.01, 0.02, 0.04),
    risk=0.081,
    price=0.062,
    bank=7,
    answer_rate=0.31,
    soon_free=1.8,
    soon_answered=1.2,
    weighed=True,
)
FIGURES = PacingFigures(
    mode=Mode.PREDICTIVE,
    effective=Mode.PREDICTIVE,
    decisions=1234,
    inputs=INPUTS,
    decision=DECISION,
    calibrated=True,
    predicted=2.5,
    actual=3.0,
    terms=Terms(cancel_after=15.0),
    learned=Learned(
        answer_rate=0.31,
        answers=Spread(p10=4.0, p50=9.5, p90=20.0),
        talks=Spread(p10=12.0, p50=60.0, p90=190.0),
        wrap_ups=Spread(p10=5.0, p50=14.0, p90=15.0),
    ),
)
RECENT_DECISIONS = [
    Explained(
        at=SINCE + timedelta(seconds=2), until=SINCE + timedelta(seconds=2), looks=1, inputs=INPUTS,
        decision=DECISION, placed=3,
    ),
    Explained(
        at=SINCE, until=SINCE + timedelta(seconds=1), looks=4, inputs=Inputs(talking=8, room=None, lines=200),
        decision=Decision(reason="ramp limit", cancel=True), taken_back=2,
    ),
]  # fmt: skip
PACING = PacingReport(campaign=CampaignId("spring"), figures=FIGURES, recent=RECENT_DECISIONS)


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
    """Answers every operation, or raises ``error``; ``hang`` never answers. ``unsettled`` calls are told."""

    error: Exception | None = None
    hang: bool = False
    now: ControllerStatus = STATUS
    unsettled: int = 0
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def status(self) -> ControllerStatus:
        if self.error is not None:
            raise self.error
        return replace(self.now, unsettled=self.unsettled)

    def pacing(
        self, campaign: CampaignId, limit: int = RECENT, before: datetime | None = None
    ) -> PacingReport | None:
        self.asked.append(("pacing", campaign, str(limit), before.isoformat() if before else ""))
        if self.error is not None:
            raise self.error
        if campaign != PACING.campaign:
            return None
        recent = [each for each in RECENT_DECISIONS if before is None or each.at <= before]
        return replace(PACING, recent=recent[:limit])

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
