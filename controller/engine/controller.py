"""The controller: one task group, the routing of events, and what people may ask of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from controller.domain.agent import AgentState, Wish
from controller.domain.call import Arrived, Gone, Left, PickedUp, Rang
from controller.domain.campaign import Campaign, CampaignState, PausedBy, may_become
from controller.domain.fitness import unlawful
from controller.domain.ids import AgentId, CallId, CampaignId
from controller.domain.latency import Latency
from controller.engine.calendar import checked_region
from controller.engine.campaign_run import CampaignRun
from controller.engine.desk import Desk
from controller.engine.dialer import Dialer
from controller.engine.health import LINK
from controller.engine.offer_desk import OfferDesk
from controller.engine.office import Office
from controller.engine.owner import CallOwner
from controller.engine.recovery import Recovery, resynchronise
from controller.engine.standing import blocked_by, pacing_of
from controller.engine.supply import Stock
from controller.errors import BadInput, ControllerError, Refused
from controller.ports import (
    RECENT,
    AgentArrived,
    AgentAsked,
    AgentGone,
    AgentStatus,
    CallArrived,
    CallControl,
    CallGone,
    CallLeft,
    CallPickedUp,
    CallRang,
    CampaignRow,
    CampaignStatus,
    Clock,
    ControllerStatus,
    Ledger,
    LinkDown,
    LinkUp,
    Lists,
    PacingReport,
    Records,
)
from controller.ports.feed import EventFeed

log = structlog.get_logger(__name__)

_AT_WORK = frozenset({CampaignState.RUNNING, CampaignState.PAUSED})

RESYNC_AGAIN = 1.0
"""Seconds between two attempts to resynchronise, while an edge does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """What the engine is told by configuration.

    Attributes:
        agents: agents who may log in, with the endpoint of their phone.
        skills: what they can do, for campaigns that ask for it.
        allow_volatile_redis: start although Redis would lose keys.
        allow_budget_override: accept campaigns whose budget is lifted; a lab's setting.
        lab_token: must equal the PBX's ``CC_LAB`` for an override to be accepted. Empty: never accepted.
        shutdown_grace: seconds that calls in flight get to end when the controller stops.
    """

    agents: Mapping[AgentId, str] = field(default_factory=dict)
    skills: Mapping[AgentId, frozenset[str]] = field(default_factory=dict)
    allow_volatile_redis: bool = False
    allow_budget_override: bool = False
    lab_token: str = ""
    shutdown_grace: float = 10.0


class Controller:
    """Implements ports.Operations on the three edges."""

    def __init__(
        self,
        control: CallControl,
        ledger: Ledger,
        records: Records,
        clock: Clock,
        settings: EngineSettings,
        stock: Stock,
        feed: EventFeed | None = None,
        lists: Lists | None = None,
    ) -> None:
        self.office = Office(control, ledger, records, clock, stock, feed=feed, lists=lists)
        self._settings = settings
        self._desk = Desk(self.office, settings.agents)
        self._offers = OfferDesk(self.office)
        self._pbx_lab_token = ""
        self._tasks: asyncio.TaskGroup | None = None
        self._stopping = asyncio.Event()
        self._recovered = asyncio.Event()
        self._dialers: dict[CampaignId, asyncio.Task[None]] = {}

    # --- running --------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run until ``stop`` is called, another controller takes over, or a part of it breaks."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                background = [
                    tasks.create_task(self._route_events(), name="events"),
                    tasks.create_task(self._desk.serve(), name="desk"),
                    tasks.create_task(self._watch(), name="health"),
                ]
                await self._stopping.wait()
                await self._wind_down()
                for task in [*background, *self._dialers.values()]:
                    task.cancel()
        finally:
            self._tasks = None

    def stop(self) -> None:
        """Ask the controller to stop: no new calls, calls in flight get their grace."""
        self._stopping.set()

    async def ready(self) -> None:
        """Wait until what an earlier life left behind has been taken over and all edges answer."""
        await self._recovered.wait()
        await self.office.health.became_fit.wait()

    async def _wind_down(self) -> None:
        for run in self.office.runs.values():
            if run.state is CampaignState.RUNNING:
                run.state, run.reason = CampaignState.PAUSED, "the controller stops"
                run.paused_by = PausedBy.CONTROLLER
                run.wake.set()
        try:
            async with asyncio.timeout(self._settings.shutdown_grace):
                # Polled: this happens once in a controller's life, and nothing else needs a signal for it.
                while self._unsettled_calls() or self._dialers or not self._desk.idle:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        except TimeoutError:
            log.warning("stopping with calls in flight; Asterisk's own switch ends them")
        for owner in list(self.office.owners.values()):
            owner.leave()

    def _unsettled_calls(self) -> int:
        return sum(not owner.at_rest for owner in self.office.owners.values())

    async def _watch(self) -> None:
        office = self.office
        await office.health.watch(
            {
                "asterisk": office.control.ping,
                "redis": office.ledger.ping,
                "records": office.records.ping,
            }
        )

    # --- events ---------------------------------------------------------------------------------------

    async def _route_events(self) -> None:
        async for event in self.office.control.events():
            match event:
                case CallRang() | CallPickedUp() | CallArrived() | CallLeft() | CallGone():
                    self._to_owner(event)
                case AgentArrived() | AgentAsked():
                    self._desk.post(event)
                case AgentGone():
                    self._desk.gone(event)
                case LinkUp():
                    await self._link_up(event)
                case LinkDown():
                    self._link_down(event)
        self.stop()

    def _to_owner(self, event: CallRang | CallPickedUp | CallArrived | CallLeft | CallGone) -> None:
        owner = self.office.owners.get(event.call)
        if owner is None:
            if isinstance(event, CallArrived):
                self._spawn_hang_up(event.call)
            return
        match event:
            case CallRang():
                owner.post(Rang())
            case CallPickedUp(at=at):
                owner.picked_up(at)
                owner.post(PickedUp())
            case CallArrived(at=at, noise_at=noise_at):
                owner.arrived(at)
                owner.post(Arrived(noise_at))
            case CallLeft():
                owner.post(Left())
            case CallGone(cause=cause, sip=sip):
                owner.post(Gone(cause=cause, sip=sip))

    def _spawn_hang_up(self, call: CallId) -> None:
        async def hang_up() -> None:
            try:
                await self.office.control.hang_up(call)
            except ControllerError as error:
                log.warning("orphan not hung up; Asterisk's own switch does", call=call, why=str(error))

        log.warning("an answered call that nobody owns: hanging up", call=call)
        self._group().create_task(hang_up(), name=f"orphan {call}")

    async def _link_up(self, event: LinkUp) -> None:
        self._pbx_lab_token = event.lab_token
        while True:
            try:
                if self._recovered.is_set():
                    await resynchronise(self.office, self._desk)
                else:
                    await self._recover()
                    self._recovered.set()
            except ControllerError as error:
                self.office.health.fail(LINK, f"not yet in step with Asterisk: {error}")
                await asyncio.sleep(RESYNC_AGAIN)
                continue
            break
        self._stop_overrides_outside_a_lab()
        self.office.health.clear(LINK)

    def _stop_overrides_outside_a_lab(self) -> None:
        """The PBX behind the address may be another one than before."""
        for run in self.office.runs.values():
            if run.campaign.override is not None and not self._in_lab():
                run.safety_stop("its budget is lifted, and this PBX is no lab")

    async def _recover(self) -> None:
        office = self.office
        rows = await office.records.campaigns()
        runs = {}
        for row in rows:
            budget = await office.ledger.budget(row.campaign)
            # An earlier try, or a person in a hurry, may have begun with it already.
            run = office.runs.get(row.campaign.id)
            if run is None:
                run = CampaignRun(row.campaign, office, budget)
                await office.stock.hopper.abandon(row.campaign)  # what an earlier life had taken
                self._take_over(run, row)
                run.state, run.reason, run.paused_by = row.state, row.reason, row.paused_by
            runs[row.campaign.id] = run
        recovery = Recovery(office, self._desk, runs, self._spawn_owner)
        office.runs.update(runs)
        await recovery.recover(sorted({row.campaign.caller for row in rows}))
        for run in runs.values():
            if run.state is CampaignState.RUNNING:
                await self._resume(run)

    async def _resume(self, run: CampaignRun) -> None:
        try:
            await self._check_fit(run.campaign)
        except Refused as error:
            run.safety_stop(str(error))
            await self.office.records.set_campaign_state(
                run.campaign.id, run.state, run.reason, run.paused_by
            )
            log.error("campaign not resumed", campaign=run.campaign.id, why=str(error))
        else:
            # The rules may be other ones than before: profiles are files.
            await self.office.records.record_start(run.campaign, self.office.clock.now())
            self._dial(run)

    def _link_down(self, event: LinkDown) -> None:
        self.office.health.fail(LINK, event.reason)
        self.office.wake_dialers()
        if event.replaced:
            log.error("another controller has taken over this application; stopping")
            self.stop()

    def _spawn_owner(self, owner: CallOwner) -> None:
        self._group().create_task(owner.lead(), name=f"call {owner.call.id}")

    def _group(self) -> asyncio.TaskGroup:
        if self._tasks is None:
            raise Refused("the controller is not running")
        return self._tasks

    # --- operations: campaigns ------------------------------------------------------------------------

    async def start_campaign(self, campaign: CampaignId) -> None:
        """Let a campaign dial. See ports.Operations."""
        if self._stopping.is_set():
            raise Refused("the controller is stopping")
        row = await self.office.records.campaign(campaign)
        if row is None:
            raise Refused(f"there is no campaign {campaign}; create it with: campaign create {campaign}")
        state = self._state_of(campaign, row.state)
        if state is CampaignState.RUNNING and campaign in self._dialers:
            raise Refused(f"campaign {campaign} is running already")
        if state is not CampaignState.RUNNING and not may_become(state, CampaignState.RUNNING):
            raise Refused(f"campaign {campaign} is {state.value} and cannot be started")
        await self._check_fit(row.campaign)
        if row.campaign.override is not None:
            await self.office.records.record_override(
                campaign, row.campaign.override, self.office.clock.now()
            )
        await self.office.records.record_start(row.campaign, self.office.clock.now())
        budget = await self.office.ledger.budget(row.campaign)
        run = self.office.runs.get(campaign)
        if run is None:
            run = CampaignRun(row.campaign, self.office, budget)
            self.office.runs[campaign] = run
        run.budget = budget
        self._take_over(run, row)
        run.state, run.reason, run.paused_by = CampaignState.RUNNING, "", None
        self.office.tell.campaign(run)
        await self.office.records.set_campaign_state(campaign, CampaignState.RUNNING)
        self._dial(run)

    async def pause_campaign(self, campaign: CampaignId, reason: str = "") -> None:
        """Place no more calls. See ports.Operations."""
        await self._halt(campaign, CampaignState.PAUSED, reason or "paused by a person", PausedBy.PERSON)

    async def stop_campaign(self, campaign: CampaignId, reason: str = "") -> None:
        """Like pause, for good. See ports.Operations."""
        await self._halt(campaign, CampaignState.STOPPED, reason or "stopped by a person")

    async def campaign_changed(self, campaign: CampaignId) -> None:
        """Take over what was changed about a campaign. See ports.Operations."""
        row = await self.office.records.campaign(campaign)
        if row is not None:
            self.follow(row)

    def follow(self, row: CampaignRow) -> None:
        """Take over what was changed about a campaign since it was read last, if anything was."""
        run = self.office.runs.get(row.campaign.id)
        if run is None or run.version == row.version:
            return
        self._take_over(run, row)
        if run.state is CampaignState.RUNNING and (unfit := unlawful(row.campaign)):
            run.safety_stop("it was changed into one that cannot keep its rules: " + "; ".join(unfit))
        log.info("campaign changed", campaign=row.campaign.id, version=row.version)

    def _take_over(self, run: CampaignRun, row: CampaignRow) -> None:
        """The campaign is as stored from now on. Calls in flight keep the agents that they have."""
        run.take_over(row)
        campaign, skills = row.campaign, self._settings.skills
        staff = frozenset(a for a in self._settings.agents if campaign.serves(a, skills.get(a, frozenset())))
        everybody = not campaign.agents and not campaign.skills
        self.office.floor.staff(campaign.id, None if everybody else staff)

    async def _halt(
        self, campaign: CampaignId, wanted: CampaignState, reason: str, paused_by: PausedBy | None = None
    ) -> None:
        run = self.office.runs.get(campaign)
        if run is None or not may_become(run.state, wanted):
            state = run.state.value if run else "not running"
            raise Refused(f"campaign {campaign} is {state}, so it cannot become {wanted.value}")
        # First here, then in the store: if the store is down the campaign must stop dialing all the same.
        run.state, run.reason, run.paused_by = wanted, reason, paused_by
        self.office.tell.campaign(run)
        run.previews.look()
        run.wake.set()
        await self.office.records.set_campaign_state(campaign, wanted, reason, paused_by)

    def _state_of(self, campaign: CampaignId, stored: CampaignState) -> CampaignState:
        run = self.office.runs.get(campaign)
        # What does not run here may have been archived since.
        return run.state if run is not None and run.state in _AT_WORK else stored

    async def _check_fit(self, campaign: Campaign) -> None:
        """Refuse a campaign that could not keep its promises here."""
        if unfit := unlawful(campaign):
            raise Refused(f"campaign {campaign.id} not started: " + "; ".join(unfit))
        if not campaign.mode.needs_agents:
            await self._check_agentless(campaign)
        try:
            checked_region(campaign.region)
        except BadInput as error:
            raise Refused(f"campaign {campaign.id} not started: {error}") from error
        complaints = await self.office.ledger.check()
        if complaints and not self._settings.allow_volatile_redis:
            raise Refused(
                f"campaign {campaign.id} not started, Redis would lose suppressions: "
                + "; ".join(complaints)
                + " (mend it, or set redis.allow_volatile = true)"
            )
        if campaign.override is not None and not self._in_lab():
            raise Refused(
                f"campaign {campaign.id} lifts the budget of silent calls; only a lab accepts that "
                "(lab.allow_budget_override and the PBX's CC_LAB variable), never a PBX with real callees"
            )

    async def _check_agentless(self, campaign: Campaign) -> None:
        if self.office.lists is None:
            raise Refused(f"campaign {campaign.id} not started: there is no do-not-call list for it here")
        try:
            await self.office.control.can_recite()
        except Refused as error:
            raise Refused(f"campaign {campaign.id} not started: {error}") from error

    def _in_lab(self) -> bool:
        token = self._settings.lab_token
        return self._settings.allow_budget_override and bool(token) and token == self._pbx_lab_token

    def _dial(self, run: CampaignRun) -> None:
        running = self._dialers.get(run.campaign.id)
        if running is not None and not running.done():
            run.wake.set()  # paused and started again before its dialer took notice: it goes on
            return
        dialer = Dialer(run, self.office, self._group())
        task = self._group().create_task(dialer.dial(), name=f"dialer {run.campaign.id}")
        self._dialers[run.campaign.id] = task

        def over(done: asyncio.Task[None]) -> None:
            if self._dialers.get(run.campaign.id) is done:
                del self._dialers[run.campaign.id]

        task.add_done_callback(over)

    # --- operations: agents ---------------------------------------------------------------------------

    async def agent_login(self, agent: AgentId) -> None:
        """Call the agent's phone and seat it. See ports.Operations."""
        await self._desk.log_in(agent)

    async def agent_logout(self, agent: AgentId) -> None:
        """Let the agent go. See ports.Operations."""
        self._desk.wish(agent, Wish.LEAVE)

    async def agent_pause(self, agent: AgentId) -> None:
        """No more calls for the agent. See ports.Operations."""
        self._desk.wish(agent, Wish.PAUSE)

    async def agent_ready(self, agent: AgentId) -> None:
        """End the agent's pause or wrap-up. See ports.Operations."""
        self._desk.ready(agent)

    async def accept_offer(self, agent: AgentId, offer: CallId | None = None) -> CallId:
        """Have the contact called that the agent looks at. See ports.Operations."""
        return await self._offers.accept(agent, offer)

    async def skip_offer(self, agent: AgentId, offer: CallId | None = None, reason: str = "") -> None:
        """Put the contact off that the agent looks at. See ports.Operations."""
        await self._offers.skip(agent, offer, reason)

    # --- operations: status ---------------------------------------------------------------------------

    def status(self) -> ControllerStatus:
        """How things stand. See ports.Operations."""
        office = self.office
        office.saw_agents()  # their time up to now
        return ControllerStatus(
            faults=office.health.faults,
            campaigns=[self._campaign_status(run) for run in self.office.runs.values()],
            agents=[
                AgentStatus(
                    id=agent.id,
                    state=agent.state,
                    since=agent.since,
                    call=agent.call,
                    wish=agent.wish.value if agent.wish else "",
                    offer=self._offers.status(agent.id),
                    reason=agent.reason,
                )
                for agent in self.office.floor
            ],
            answer_to_command=Latency.of(office.answer_to_command),
            answer_times=office.answer_to_command.histogram,
            edges=office.health.edges,
            unsettled=office.health.waiting,
            spent=office.occupancy.seconds,
            queues=[office.control.backlog(), self._desk.backlog()],
        )

    def pacing(
        self, campaign: CampaignId, limit: int = RECENT, before: datetime | None = None
    ) -> PacingReport | None:
        """Why a campaign dials as it does. See ports.Operations."""
        return pacing_of(self.office.runs.get(campaign), limit, before)

    def _campaign_status(self, run: CampaignRun) -> CampaignStatus:
        campaign, floor = run.campaign, self.office.floor
        return CampaignStatus(
            id=campaign.id,
            state=run.state,
            reason=run.reason,
            paused_by=run.kept_by,
            blocked=run.blocked if run.state is CampaignState.RUNNING else "",
            budget=run.budget,
            allowance=run.budget.tightest.allowance if run.budget.tightest else 0,
            in_flight=self.office.lines(campaign.id),
            talking=sum(a.state is AgentState.TALKING and a.campaign == campaign.id for a in floor),
            placed=run.placed,
            outcomes=dict(run.outcomes),
            rescued=run.rescued,
            mode=campaign.mode.value,
            pacing=str(run.pacing.decision or "") if run.pacing else "",
            began_with=run.pacing.began_with if run.pacing else "",
            taken_back=run.pacing.taken_back if run.pacing else 0,
            offers=run.previews.count,
            blocked_by=blocked_by(run, self.office),
            figures=run.pacing.figures() if run.pacing else None,
            override=campaign.override is not None,
        )
