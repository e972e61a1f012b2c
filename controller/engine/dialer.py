"""The dialing loop of one campaign: as many calls as agents and budget allow, and not one more."""

from __future__ import annotations

import asyncio
import secrets
from datetime import datetime

import structlog

from controller.domain.agent import AgentState
from controller.domain.call import Call
from controller.domain.campaign import CampaignState, PausedBy
from controller.domain.contact import Contact
from controller.domain.ids import AgentId, CallId
from controller.domain.pacing import Placement, Situation
from controller.engine.campaign_run import CampaignRun
from controller.engine.office import Office
from controller.engine.owner import CallOwner
from controller.engine.pacing import CampaignPacing
from controller.errors import RedisUnreachable, Unreachable

log = structlog.get_logger(__name__)

LOOK_AGAIN = 1.0
"""Seconds after which the loop looks again even if nothing woke it (a contact may have become due)."""


class Dialer:
    """Places the calls of one campaign while it runs."""

    def __init__(self, run: CampaignRun, office: Office, tasks: asyncio.TaskGroup) -> None:
        self._run = run
        self._office = office
        self._tasks = tasks
        self._pacing = run.pacing = run.pacing or CampaignPacing(run, office)
        self._looked_ahead = float("-inf")
        self._tokens = 1.0
        self._refilled = office.clock.monotonic()

    async def dial(self) -> None:
        """Dial until the campaign runs no more, or no contact is left."""
        run = self._run
        filling = self._tasks.create_task(
            run.supply.keep_filled(run.wake.set), name=f"filling {run.campaign.id}"
        )
        try:
            await self._dial_while_running()
        finally:
            filling.cancel()
            run.previews.close()
        try:
            await run.close()
        except Unreachable as error:
            self._unreachable(error)  # what was laid ready here goes back by itself after a while
        if run.paused_by is PausedBy.SAFETY:
            # Durable: a controller that starts anew must not go on where this one would not.
            stop = (run.campaign.id, run.state, run.reason, run.paused_by)
            await self._office.health.settle(lambda: self._office.records.set_campaign_state(*stop))

    async def _dial_while_running(self) -> None:
        run = self._run
        while run.state is CampaignState.RUNNING:
            run.wake.clear()
            try:
                wait = await self._round()
            except Unreachable as error:
                self._unreachable(error)
                wait = LOOK_AGAIN
            if run.state is CampaignState.RUNNING:
                try:
                    async with asyncio.timeout(wait):
                        await run.wake.wait()
                except TimeoutError:
                    pass

    def _unreachable(self, error: Unreachable) -> None:
        edge = "redis" if isinstance(error, RedisUnreachable) else "records"
        self._office.health.fail(edge, str(error))

    async def _round(self) -> float:
        """Place what may be placed now; returns after how many seconds to look again at the latest."""
        run, office = self._run, self._office
        if not office.health.fit:
            run.blocked = "; ".join(office.health.faults)
            return LOOK_AGAIN
        if not run.campaign.mode.asks_agent and (pause := self._until_token()) > 0:
            return pause
        await run.supply.keep()
        if run.campaign.mode.needs_agents:
            await run.promises.look()
            self._keep_promises()
        if run.campaign.mode.asks_agent:
            return await self._preview()
        await self._pacing.begin()
        wanted = self._placement()
        if wanted.calls == 0:
            run.blocked = self._why_none()
            return LOOK_AGAIN
        await run.supply.refill(wanted.calls)
        wait = LOOK_AGAIN
        for covered in [True] * wanted.covered + [False] * (wanted.calls - wanted.covered):
            # Reading the hopper took time: an agent may have left, an edge may be down.
            if run.state is not CampaignState.RUNNING or not office.health.fit:
                break
            if (pause := self._until_token()) > 0:
                wait = pause
                break
            if not self._place(covered=covered):
                break
            self._tokens -= 1
            run.blocked = ""
        else:
            return wait
        if run.supply.idle:
            await self._no_contact_left()
        elif run.supply.all_owed and not run.campaign.mode.needs_agents:
            run.blocked = "who is left is owed an operator after a silent call, and nobody speaks here"
        return wait

    async def _preview(self) -> float:
        """Call who agents want called, and let the others look at the next; returns as ``_round``."""
        run, office = self._run, self._office
        run.previews.look()  # whoever is to call back by now is kept free for that
        await run.previews.put_off_skipped()
        wait = await self._place_accepted()
        enough = await run.previews.offer_all(held=run.promises.waiting_for_anybody)
        offered = run.previews.count
        if offered:
            run.blocked = f"{offered} offered: the agent decides whether and when to call"
        else:
            run.blocked = "" if office.floor.in_flight(run.campaign.id) else self._why_none()
        if not enough and run.supply.idle:
            await self._no_contact_left()
        return wait

    async def _place_accepted(self) -> float:
        run, office = self._run, self._office
        while (offer := await run.previews.next_accepted()) is not None:
            if run.state is not CampaignState.RUNNING or not office.health.fit:
                break
            if office.floor.in_flight(run.campaign.id) >= run.campaign.max_lines:
                break
            if (pause := self._until_token()) > 0:
                return pause
            if run.previews.take_up(offer):
                segment = run.supply.segment_of(offer.contact)
                self._lead(
                    Call(id=offer.id, contact=offer.contact, covered=True, guaranteed=True, segment=segment)
                )
                self._tokens -= 1
        return LOOK_AGAIN

    def _placement(self) -> Placement:
        run, office = self._run, self._office
        campaign, floor = run.campaign, office.floor
        if not campaign.mode.needs_agents:
            return Placement(agentless=max(0, campaign.max_lines - office.lines(campaign.id)))
        exposed = office.exposed(campaign.id)
        # The floor counts an exposed call from the moment it is wanted, the ledger from its admission: of
        # what the ledger counts, the larger of the two views of our own share is taken.
        others = max(0, run.budget.exposed - exposed)
        room = None if campaign.override else max(0, run.budget.margin(exposed + others))
        situation = Situation(
            idle=floor.count_for(campaign.id, AgentState.IDLE),
            reserved=floor.count_for(campaign.id, AgentState.RESERVED),
            in_flight=floor.in_flight(campaign.id),
            exposed=exposed,
            room=room,
        )
        return self._pacing.placement(situation)

    def _why_none(self) -> str:
        if not self._run.campaign.mode.needs_agents:
            return f"all lines are in use (max_lines = {self._run.campaign.max_lines})"
        floor, campaign = self._office.floor, self._run.campaign.id
        here = [agent for agent in floor if floor.present(agent.id)]
        if not here:
            return "no agent is logged in"
        serving = [agent for agent in here if floor.serves(agent.id, campaign)]
        if not serving:
            return "no agent who takes its calls is logged in (agents, skills)"
        return "" if any(agent.free for agent in serving) else "no agent is free"

    def _until_token(self) -> float:
        """Seconds until one more call may be placed; 0 if one may be placed now."""
        rate = self._run.campaign.calls_per_second
        now = self._office.clock.monotonic()
        # At most a tenth of a second's calls at once, so that a pause is not followed by a burst.
        self._tokens = min(max(1.0, rate / 10), self._tokens + (now - self._refilled) * rate)
        self._refilled = now
        # Never so short a wait that the clock might not show it.
        return max(0.001, (1 - self._tokens) / rate) if self._tokens < 1 else 0.0

    def _keep_promises(self) -> None:
        """Call back whose hour has come, each with an agent reserved. These go before all others."""
        run, office = self._run, self._office
        while (promised := run.promises.next()) is not None:
            lines = office.floor.in_flight(run.campaign.id)
            may_dial = run.state is CampaignState.RUNNING and office.health.fit
            if not may_dial or lines >= run.campaign.max_lines or self._until_token() > 0:
                run.promises.released(promised.contact.id)
                return  # the next look finds them again
            if self._dial(promised.contact, covered=True, guaranteed=True, only=promised.agent):
                self._tokens -= 1
            else:
                run.promises.released(promised.contact.id)

    def _place(self, *, covered: bool) -> bool:
        run = self._run
        owed = run.campaign.law.operator_guaranteed
        contact = run.supply.next_contact(with_operator=covered or not owed)
        if contact is None:
            return False
        guaranteed = (contact.operator_due and owed) or run.campaign.mode.guarantees
        if not self._dial(contact, covered=covered, guaranteed=guaranteed):
            run.supply.put_back(contact)
            return False
        return True

    def _dial(
        self, contact: Contact, *, covered: bool, guaranteed: bool, only: AgentId | None = None
    ) -> bool:
        run, office = self._run, self._office
        call = CallId(secrets.token_hex(8))
        new = Call(
            id=call,
            contact=contact,
            covered=covered,
            guaranteed=guaranteed,
            agentless=not run.campaign.mode.needs_agents,
            segment=run.supply.segment_of(contact),
        )
        # The floor is where agents stand ready: calls in which nobody speaks never come there.
        if not new.agentless and not office.floor.admit(
            call, run.campaign.id, cover=covered, guaranteed=guaranteed, only=only
        ):
            return False
        self._lead(new, planned=only is None)
        return True

    def _lead(self, call: Call, *, planned: bool = True) -> None:
        owner = CallOwner(call, self._run, self._office)
        self._pacing.placed(owner, planned=planned)
        self._tasks.create_task(owner.lead(), name=f"call {call.id}")

    async def _no_contact_left(self) -> None:
        # A look through a long list for a rare segment takes seconds, and each change of the floor wakes us.
        if self._office.clock.monotonic() - self._looked_ahead < LOOK_AGAIN:
            return
        self._looked_ahead = self._office.clock.monotonic()
        due: datetime | None = await self._run.supply.exhausted_until()
        promised = await self._run.promises.next_hour()
        due = promised if due is None else due if promised is None else min(due, promised)
        if due is None and self._run.supply.idle:
            await self._office.records.set_campaign_state(
                self._run.campaign.id, CampaignState.FINISHED, "every contact is done"
            )
            self._run.state = CampaignState.FINISHED
            self._run.reason = "every contact is done"
            self._office.tell.campaign(self._run)
            log.info("campaign finished", campaign=self._run.campaign.id)
        elif due is not None:
            self._run.blocked = f"the next contact is due at {due:%Y-%m-%d %H:%M} UTC"
            if why := self._run.supply.not_callable:
                self._run.blocked += "; not callable: " + ", ".join(
                    f"{count} by {check.value}" for check, count in why.most_common()
                )
