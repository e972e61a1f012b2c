"""What happens, told to the live feed: calls, agents, campaigns. Numbers and names are never in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controller.domain.agent import AgentState
from controller.domain.call import Call, CallState
from controller.domain.floor import Floor
from controller.domain.ids import AgentId, CallId
from controller.domain.outcome import Outcome
from controller.domain.preview import Offer, OfferEnd
from controller.ports.feed import EventFeed

if TYPE_CHECKING:
    from controller.engine.campaign_run import CampaignRun

_OF_CALLS = {
    CallState.ANSWERED: "call.answered",
    CallState.PLAYING: "call.answered",
    CallState.TALKING: "call.connected",
}


class Telling:
    """Tells the feed what changed."""

    def __init__(self, feed: EventFeed, floor: Floor) -> None:
        self.feed = feed
        self._floor = floor
        self._agents: dict[AgentId, tuple[AgentState, CallId | None]] = {}

    def call(self, call: Call) -> None:
        """A call has come to another state; told are its answer and that an agent has it."""
        if (kind := _OF_CALLS.get(call.state)) is not None:
            self.feed.publish(kind, _call(call))

    def ended(self, call: Call, outcome: Outcome) -> None:
        """A call is over, and both stores know it."""
        by = call.ended_by.value if call.ended_by else None
        self.feed.publish("call.ended", _call(call) | {"outcome": outcome.value, "by": by})

    def agents(self) -> None:
        """Agents may have changed: tell of those who did."""
        for agent in self._floor:
            now = (agent.state, agent.call)
            if self._agents.get(agent.id) != now:
                self._agents[agent.id] = now
                data = {"agent": agent.id, "state": agent.state.value, "call": agent.call}
                more = {"campaign": agent.campaign, "reason": agent.reason}
                self.feed.publish("agent.state", data | more)

    def offered(self, offer: Offer) -> None:
        """An agent looks at a contact."""
        self.feed.publish("preview.offered", _offer(offer) | {"until": offer.until.isoformat()})

    def offer_ended(self, offer: Offer, end: OfferEnd, why: str) -> None:
        """An agent looks at it no more; ``why`` holds nobody's words."""
        self.feed.publish("preview.ended", _offer(offer) | {"end": end.value, "why": why})

    def campaign(self, run: CampaignRun) -> None:
        """A campaign has another state."""
        by = run.paused_by.value if run.paused_by else None
        data = {"campaign": run.campaign.id, "state": run.state.value, "reason": run.reason}
        self.feed.publish("campaign.state", data | {"paused_by": by})


def _offer(offer: Offer) -> dict[str, Any]:
    return {
        "offer": offer.id,
        "agent": offer.agent,
        "campaign": offer.campaign,
        "contact": offer.contact.id,
        "segment": offer.contact.habits.segment,
    }


def _call(call: Call) -> dict[str, Any]:
    contact = call.contact
    return {
        "call": call.id,
        "campaign": contact.campaign,
        "contact": contact.id,
        "segment": contact.habits.segment,
        "agent": call.agent,
    }
