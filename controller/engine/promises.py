"""Call-backs of one campaign: who promised to call is kept free, and called with at the hour."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from controller.domain.agent import AgentState
from controller.domain.callback import (
    Callback,
    CallbackRule,
    CallbackState,
    Dial,
    Keep,
    Presence,
    PutOff,
    step,
)
from controller.domain.campaign import Campaign
from controller.domain.clearance import first_failed
from controller.domain.contact import Contact
from controller.domain.ids import AgentId, CampaignId, ContactId
from controller.engine.gate import look_again
from controller.engine.office import Office
from controller.ports.work import Callbacks, DueCallback

log = structlog.get_logger(__name__)

LOOK_EVERY: Final = 2.0
"""Seconds between two looks at the call-backs that are due: a promise is kept that late at most."""
_AT_ONCE: Final = 200
"""Call-backs looked at at once; later ones have to wait until these are dealt with."""


@dataclass(frozen=True, slots=True)
class Promised:
    """A contact to be called now, because it was promised.

    Attributes:
        agent: who has to be reserved for the call; None: anybody.
    """

    contact: Contact
    agent: AgentId | None


class Promises:
    """Keeps the promises of one campaign while it runs."""

    def __init__(self, campaign: Campaign, office: Office, callbacks: Callbacks) -> None:
        self.campaign = campaign
        self._office = office
        self._callbacks = callbacks
        self._rule = CallbackRule()
        self._ready: deque[Promised] = deque()
        self._open: dict[ContactId, Callback] = {}
        self._under_way: set[ContactId] = set()
        self._kept: set[AgentId] = set()
        self._told: set[int] = set()
        self._anybodys: set[ContactId] = set()
        self._looked: float | None = None

    async def look(self) -> None:
        """See who is to be called now, and which agents are to be kept free; now and then, not each time."""
        office = self._office
        if self._looked is not None and office.clock.monotonic() - self._looked < LOOK_EVERY:
            return
        self._looked = office.clock.monotonic()
        now = office.clock.now()
        found = await self._callbacks.due_callbacks(self.campaign.id, now, self._rule.ahead, _AT_ONCE)
        self._open = {due.contact.id: due.callback for due in found}
        self._told &= {due.callback.id for due in found}
        self._ready.clear()
        self._anybodys.clear()
        kept: set[AgentId] = set()
        for due in found:
            if due.contact.id in self._under_way:
                continue
            await self._consider(due, now, kept)
        self._keep(kept)

    async def _consider(self, due: DueCallback, now: datetime, kept: set[AgentId]) -> None:
        match step(due.callback, now, self._presence(due.callback.agent), self._rule):
            case Keep(agent):
                kept.add(agent)
            case Dial(agent):
                if agent is not None:
                    kept.add(agent)
                await self._make_ready(due, agent, now)
            case PutOff(until):
                await self._put_off(due.callback, until, now)

    async def _make_ready(self, due: DueCallback, agent: AgentId | None, now: datetime) -> None:
        contact = due.contact
        standing = (await self._office.records.standings(self.campaign, [contact]))[contact.id]
        failed = first_failed(self._office.gate.checks(self.campaign, contact, standing, now))
        if failed is None:
            self._ready.append(Promised(contact, agent))
            if agent is None:
                self._anybodys.add(contact.id)
            self._tell(due.callback)
            return
        log.info("call-back put off", campaign=self.campaign.id, contact=contact.id, why=failed.why)
        await self._put_off(due.callback, look_again(failed, now), now)

    @property
    def waiting_for_anybody(self) -> int:
        """Contacts to be called now with any agent, and not under way: as many agents are to be left free."""
        return len(self._anybodys - self._under_way)

    def next(self) -> Promised | None:
        """Whom to call now; the caller must place it, or see that it is ``released``."""
        if not self._ready:
            return None
        promised = self._ready.popleft()
        self._under_way.add(promised.contact.id)
        return promised

    async def next_hour(self) -> datetime | None:
        """When the next call-back is due that was promised; None if none is open."""
        return await next_hour(self._callbacks, self.campaign.id)

    async def turned_away(self, contact: Contact, until: datetime) -> None:
        """It may not be called before ``until``."""
        if (known := self._open.get(contact.id)) is not None:
            await self._put_off(known, until, self._office.clock.now())

    def released(self, contact: ContactId) -> None:
        """Nothing is under way for the contact any more."""
        self._under_way.discard(contact)

    def close(self) -> None:
        """The campaign does not dial any more: nobody is kept free for it."""
        self._ready.clear()
        self._anybodys.clear()
        self._keep(set())

    def _tell(self, callback: Callback) -> None:
        if callback.id not in self._told:
            self._told.add(callback.id)
            data = {"campaign": self.campaign.id, "callback": callback.id, "contact": callback.contact}
            self._office.tell.feed.publish("callback.due", data | {"agent": callback.agent})

    async def _put_off(self, callback: Callback, until: datetime, now: datetime) -> None:
        await self._callbacks.move(callback.id, until, now, agent=callback.agent, missed=True)

    def _presence(self, agent: AgentId | None) -> Presence:
        known = self._office.floor.agent(agent) if agent is not None else None
        if known is None or known.state is AgentState.AWAY:
            return Presence.AWAY
        return Presence.FREE if known.state is AgentState.IDLE else Presence.BUSY

    def _keep(self, agents: set[AgentId]) -> None:
        office = self._office
        for agent in agents - self._kept:
            office.floor.keep(agent)
        for agent in self._kept - agents:
            office.apply(office.floor.unkeep(agent, office.clock.now()))
        self._kept = agents


async def next_hour(callbacks: Callbacks, campaign: CampaignId) -> datetime | None:
    """When the next call-back of a campaign is due; None if none is open."""
    opened = await callbacks.callbacks(campaign=campaign, state=CallbackState.OPEN, limit=1)
    return opened[0].at if opened else None
