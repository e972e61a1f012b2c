"""After a start or a gap in the events: make what we know and what Asterisk holds agree.

Nothing is guessed in our favour. A call whose end nobody saw counts as silent (its number stays suppressed);
an answered call without an agent is hung up; a conversation goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import structlog

from controller.domain.call import Arrived, Call, CallState, Gone, HungUpBy, PickedUp
from controller.domain.ids import AgentId, CampaignId
from controller.domain.outcome import Outcome
from controller.domain.regulation import Played
from controller.engine.campaign_run import CampaignRun
from controller.engine.desk import Desk
from controller.engine.office import Office
from controller.engine.owner import CallOwner
from controller.errors import Refused
from controller.ports import CallOnWire, FlightMark

log = structlog.get_logger(__name__)

_UNCERTAIN = frozenset({CallState.ADMITTING, CallState.PLACING})
"""States in which Asterisk may not hold the channel yet, so its absence says nothing."""


async def resynchronise(office: Office, desk: Desk) -> None:
    """Events flow again after a gap: tell every owner what it missed, hang up what nobody owns."""
    asked = {call: owner for call, owner in office.owners.items() if owner.call.state not in _UNCERTAIN}
    wire = await office.control.wire()
    on_wire = {entry.call: entry for entry in wire.calls}
    for call, owner in asked.items():
        entry = on_wire.get(call)
        if entry is None:
            owner.post(Gone(witnessed=False))
            continue
        if entry.answered:
            owner.post(PickedUp())
        if entry.arrived and entry.agent is None:
            owner.post(Arrived())
    desk.resync({seat.agent: seat for seat in wire.agents})
    for call in on_wire.keys() - office.owners.keys():
        log.warning("a call of ours that nobody owns: hung up", call=call)
        await office.control.hang_up(call)


class Recovery:
    """Takes over what an earlier life of this controller left behind."""

    def __init__(
        self,
        office: Office,
        desk: Desk,
        run_of: Mapping[CampaignId, CampaignRun],
        spawn: Callable[[CallOwner], None],
    ) -> None:
        self._office = office
        self._desk = desk
        self._run_of = run_of
        self._spawn = spawn

    async def recover(self, callers: Sequence[str]) -> None:
        """Adopt or close every call that was in flight, then take in the agents who are still seated."""
        office = self._office
        marks = {mark.call: mark for caller in callers for mark in await office.ledger.flights(caller)}
        attempts = {call.id: call for call in await office.records.open_attempts()}
        for call, attempt in attempts.items():
            if call not in office.owners:  # until its end is settled, each may turn out to have been silent
                office.at_risk[call] = attempt.contact.campaign
        wire = await office.control.wire()
        self._desk.resync({seat.agent: seat for seat in wire.agents})
        on_wire = {entry.call: entry for entry in wire.calls}
        for call, attempt in attempts.items():
            if call in office.owners:  # adopted by an earlier try that an edge interrupted
                on_wire.pop(call, None)
            elif (entry := on_wire.pop(call, None)) is not None:
                await self._adopt(attempt, entry, marks.get(call))
            else:
                await self._close_unseen(attempt, marks.get(call))
        for call, mark in marks.items():
            if call not in attempts:
                await self._settle_mark(mark)
        for call in on_wire:
            log.warning("a call of ours without a record: hung up", call=call)
            await office.control.hang_up(call)

    async def _adopt(self, attempt: Call, entry: CallOnWire, mark: FlightMark | None) -> None:
        office, run = self._office, self._run_of[attempt.contact.campaign]
        now = office.clock.now()
        reached = mark is not None and mark.connected
        agent = entry.agent if entry.agent and office.floor.present(entry.agent) else None
        if agent is not None and not reached and not await self._complete_bridging(attempt, agent):
            agent = None
        call = attempt.evolve(
            state=CallState.ENDING if agent is None else CallState.TALKING,
            agent=agent,
            answered_at=attempt.answered_at or (now if entry.answered else None),
            bridged_at=attempt.bridged_at or (now if agent or reached else None),
            heard_at=now if agent or reached else None,
            ended_by=HungUpBy.CONTROLLER if agent is None else None,
        )
        log.info("call adopted", call=call.id, state=call.state.value, number=call.contact.number)
        if agent is not None:
            office.at_risk.pop(call.id, None)
            await office.ledger.connected(call.id, run.campaign, office.exposure(run.campaign.id))
            office.floor.resume(agent, call.id, run.campaign.id, now)
            office.saw_agents()
        elif entry.answered and run.campaign.law.played is Played.MESSAGE:
            try:
                await office.control.play_message(call.id)
            except Refused as error:
                log.info("message not played; Asterisk's own switch does", call=call.id, why=str(error))
        else:
            await office.control.hang_up(call.id)
        run.adopt(call)
        self._spawn(CallOwner(call, run, office))

    async def _complete_bridging(self, call: Call, agent: AgentId) -> bool:
        # The earlier life may have died between the steps of the bridging, with the dead man's switch set.
        try:
            await self._office.control.connect(call.id, agent)
        except Refused as error:
            log.info("call to be adopted is over already", call=call.id, why=str(error))
            return False
        return True

    async def _close_unseen(self, attempt: Call, mark: FlightMark | None) -> None:
        office, run = self._office, self._run_of[attempt.contact.campaign]
        now = office.clock.now()
        outcome = Outcome.CONNECTED if mark is not None and mark.connected else Outcome.LOST
        log.warning(
            "call ended unseen", call=attempt.id, number=attempt.contact.number, outcome=outcome.value
        )
        call = attempt.evolve(
            state=CallState.ENDED,
            ended_by=HungUpBy.UNKNOWN,
            outcome=outcome,
            ended_at=now,
            bridged_at=attempt.bridged_at or (now if outcome is Outcome.CONNECTED else None),
        )
        await office.records.attempt_ended(run.end_of(call, outcome, now))
        await office.ledger.close(
            attempt.id,
            run.campaign,
            attempt.contact.number,
            outcome,
            timedelta(0),
            office.exposure(run.campaign.id, without=attempt.id),
            attempt.admitted_at or now,
        )
        office.at_risk.pop(attempt.id, None)

    async def _settle_mark(self, mark: FlightMark) -> None:
        # The record is written before Asterisk is asked: without a record nobody's phone rang.
        run = self._run_of.get(mark.campaign)
        if run is None:
            return
        ledger, exposure = self._office.ledger, self._office.exposure(run.campaign.id, without=mark.call)
        attempt = await self._office.records.attempt(mark.call)
        if attempt is None:
            await ledger.withdraw(mark.call, run.campaign, mark.number, exposure)
        else:
            # It ended, and the ledger has lost that (Redis loses its last second when the power fails). Its
            # number is left alone from now on: of the time between, only a clock that steps could tell.
            outcome = attempt.outcome or Outcome.LOST
            await ledger.close(
                mark.call, run.campaign, mark.number, outcome, timedelta(0), exposure, mark.placed
            )
        self._office.at_risk.pop(mark.call, None)
