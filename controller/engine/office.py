"""What all parts of the engine share: the ports, the floor, and the carrying out of its decisions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from controller.domain.call import AgentAssigned, AgentLeft, CancelAsked
from controller.domain.floor import Assign, Departed, Effect, Exposed, Floor, LostAgent, WrapUp
from controller.domain.ids import AgentId, CallId, CampaignId
from controller.domain.latency import Durations
from controller.domain.occupancy import Occupancy
from controller.engine.feed import Feed
from controller.engine.gate import Gate
from controller.engine.health import Health
from controller.engine.supply import Stock
from controller.engine.telling import Telling
from controller.ports import CallControl, Clock, Exposure, Ledger, Lists, Records
from controller.ports.feed import EventFeed

if TYPE_CHECKING:
    from controller.engine.campaign_run import CampaignRun
    from controller.engine.owner import CallOwner


log = structlog.get_logger(__name__)

LATEST = 500
"""Calls over which ``answer_to_command`` is told."""


@dataclass(slots=True)
class Office:
    """Shared state of one controller. Lives in one event loop; changed only between awaits.

    Attributes:
        owners: the owner of each call that has not ended.
        runs: campaigns that this controller has started, paused ones included.
        at_risk: calls that may still turn silent although the floor has no part in them (any more): those
            that are being bridged and not heard yet, and adopted ones that are being ended.
        see_off: lets an agent go and clears the seat; the desk's.
        stock: what stands behind the contacts, beside the records.
        feed: who is told what happens; None: a feed that nobody listens to.
        lists: where callees go who press the key for not being called again; None: no agentless campaigns.
        answer_to_command: seconds from an answered call's arrival (Asterisk's clock) to the command to
            bridge it; one by one, newest last, of the last calls only, for what counts is how things stand.
        occupancy: what the agents spend their time on.
    """

    control: CallControl
    ledger: Ledger
    records: Records
    clock: Clock
    stock: Stock
    gate: Gate = field(default_factory=Gate)
    floor: Floor = field(default_factory=Floor)
    owners: dict[CallId, CallOwner] = field(default_factory=dict)
    runs: dict[CampaignId, CampaignRun] = field(default_factory=dict)
    at_risk: dict[CallId, CampaignId] = field(default_factory=dict)
    see_off: Callable[[AgentId], None] = field(default=lambda agent: None)
    answer_to_command: Durations = field(default_factory=lambda: Durations(LATEST))
    occupancy: Occupancy = field(default_factory=Occupancy)
    feed: EventFeed | None = None
    lists: Lists | None = None
    health: Health = field(init=False)
    tell: Telling = field(init=False)
    _serial: int = 0

    def __post_init__(self) -> None:
        self.health = Health(self.wake_dialers)
        self.tell = Telling(self.feed or Feed(self.clock), self.floor)
        # Serials go on growing across restarts, so the ledger takes the first word of a new process.
        self._serial = int(self.clock.now().timestamp() * 1_000_000)

    def lines(self, campaign: CampaignId) -> int:
        """Calls of the campaign that no agent has: ringing, waiting, hearing the message."""
        agentless = sum(
            owner.call.agentless and owner.call.contact.campaign == campaign for owner in self.owners.values()
        )
        return self.floor.in_flight(campaign) + agentless

    def exposed(self, campaign: CampaignId) -> int:
        """How many calls of the campaign may turn silent, because nobody stands ready for them."""
        return self.floor.exposed(campaign) + sum(each == campaign for each in self.at_risk.values())

    def exposure(self, campaign: CampaignId, *, without: CallId | None = None) -> Exposure:
        """How many calls of the campaign are exposed now, ``without`` not counted."""
        self._serial += 1
        count = self.exposed(campaign)
        if without is not None and (self.floor.is_exposed(without) or without in self.at_risk):
            count -= 1
        return Exposure(count=count, serial=self._serial)

    def apply(self, effects: Iterable[Effect]) -> None:
        """Carry out what the floor decided, at once and without waiting."""
        for effect in effects:
            match effect:
                case Assign(call, agent):
                    self._assign(call, agent)
                case LostAgent(call, agent):
                    if owner := self.owners.get(call):
                        owner.post(AgentLeft(agent))
                case Exposed(call, campaign):
                    self._exposed(call, campaign)
                case WrapUp(agent, campaign):
                    self._start_wrap_up(agent, campaign)
                case Departed(agent):
                    self.see_off(agent)
        self.saw_agents()
        self.tell.agents()
        self.wake_dialers()

    def saw_agents(self) -> None:
        """Agents may have changed: their time is counted anew from now on."""
        self.occupancy.saw(self.floor, self.clock.monotonic())

    def send_away(self, agent: AgentId) -> None:
        """The agent's seat is of no use any more: no call may count on it from now on."""
        log.warning("agent's bridge refuses callees, logged out", agent=agent)
        self.apply(self.floor.lose(agent, self.clock.now()))
        self.see_off(agent)

    def wake_dialers(self) -> None:
        """Something changed that may let a campaign place a call."""
        for run in self.runs.values():
            run.previews.look()
            run.wake.set()

    def _assign(self, call: CallId, agent: AgentId) -> None:
        owner = self.owners.get(call)
        if owner is None:  # the controller stops and has let go of the call
            self.apply(self.floor.give_back(agent, worked=False, now=self.clock.now()))
            return
        # Until the callee has heard the agent, the bridging may fail and leave a silent call.
        self.at_risk[call] = owner.call.contact.campaign
        owner.post(AgentAssigned(agent))

    def _exposed(self, call: CallId, campaign: CampaignId) -> None:
        run = self.runs.get(campaign)
        owner = self.owners.get(call)
        if run is None or owner is None:
            return
        # The call counts already, so one place too many is one call too many.
        over = run.budget.margin(self.exposed(campaign)) < 0
        # Who is owed an operator (L5) is not called without one, whatever the budget.
        if owner.call.guaranteed or (over and run.campaign.override is None):
            owner.post(CancelAsked())

    def _start_wrap_up(self, agent: AgentId, campaign: CampaignId) -> None:
        run = self.runs.get(campaign)
        seconds = run.campaign.wrap_up.total_seconds() if run else 0.0
        began = self.floor.agent(agent)
        self.later(seconds, lambda: self._end_wrap_up(agent, began.since if began else None))

    def _end_wrap_up(self, agent: AgentId, began: datetime | None) -> None:
        known = self.floor.agent(agent)
        if known is not None and known.since == began:  # not a later wrap-up of the same agent
            self.apply(self.floor.wrapped_up(agent, self.clock.now()))

    def later(self, seconds: float, what: Callable[[], None]) -> asyncio.TimerHandle:
        """Do something after a time that no step of the clock can shorten or lengthen."""
        return asyncio.get_running_loop().call_later(seconds, what)
