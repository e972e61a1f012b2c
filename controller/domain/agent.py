"""An agent on the floor: what they do now, and since when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from controller.domain.ids import AgentId, CallId, CampaignId


class AgentState(Enum):
    """What an agent does."""

    AWAY = "away"
    """Not logged in, or the phone is gone."""
    IDLE = "idle"
    RESERVED = "reserved"
    """Free, and a call in flight counts on them."""
    PREVIEW = "preview"
    """Looks at a contact, and decides whether it is called: no call counts on them."""
    TALKING = "talking"
    """Assigned to an answered call: being bridged, or in conversation."""
    WRAP_UP = "wrap-up"
    PAUSED = "paused"


class Wish(Enum):
    """What an agent asked for while a call counted on them; granted as soon as none does."""

    PAUSE = "pause"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One agent.

    Attributes:
        since: when this state began (aware UTC). The longest idle is served first.
        call: the call that counts on them (RESERVED) or that they have (TALKING).
        campaign: of that call, or whose contact they look at (PREVIEW).
        wish: pause or log-out, waiting for that call.
        reason: why they are PAUSED, if they did not ask for it; empty if they did.
    """

    id: AgentId
    state: AgentState
    since: datetime
    call: CallId | None = None
    campaign: CampaignId | None = None
    wish: Wish | None = None
    reason: str = ""

    @property
    def free(self) -> bool:
        """Whether an answered call could be given to them now."""
        return self.state in (AgentState.IDLE, AgentState.RESERVED)

    def idle(self, now: datetime) -> Agent:
        """The same agent, free since ``now``."""
        return Agent(id=self.id, state=AgentState.IDLE, since=now)

    def reserved(self, call: CallId, campaign: CampaignId) -> Agent:
        """The same agent standing ready for a call. They are as long idle as before."""
        return replace(self, state=AgentState.RESERVED, call=call, campaign=campaign)

    def talking(self, call: CallId, campaign: CampaignId, now: datetime) -> Agent:
        """The same agent with an answered call."""
        return replace(self, state=AgentState.TALKING, call=call, campaign=campaign, since=now)
