"""What ledger and records are told about a call, in which order, and until they have confirmed it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from controller.domain.call import Call
from controller.domain.outcome import Outcome
from controller.engine.campaign_run import CampaignRun
from controller.engine.office import Office
from controller.errors import Unreachable
from controller.ports import Admission, Admitting, Verdict

log = structlog.get_logger(__name__)


class Books:
    """Keeps the books for the calls of one campaign."""

    def __init__(self, run: CampaignRun, office: Office) -> None:
        self._run = run
        self._office = office

    async def admit(self, call: Call) -> Call | None:
        """Take the number and record the attempt, in this order; before that nothing is dialed.

        Returns:
            The call, admitted; None if it must not be dialed. Then nothing is left taken.
        """
        office = self._office
        try:
            verdict = await office.ledger.admit(self._wish(call))
        except Unreachable as error:
            office.health.fail("redis", str(error))
            # The key may have been taken without our hearing of it. It protects a number that nobody
            # rang, so it is given back once the ledger can be asked again.
            await office.health.settle(self._ledger_close(call, Outcome.FAILED))
            return None
        self._run.saw(verdict.budget)
        if verdict.admission is not Admission.ADMITTED:
            await self._turned_away(call, verdict)
            return None
        admitted = call.evolve(admitted_at=office.clock.now())
        try:
            await office.records.attempt_started(admitted)
        except Unreachable as error:
            office.health.fail("records", str(error))
            # The attempt may have been written without our hearing of it.
            failed = admitted.evolve(outcome=Outcome.FAILED, ended_at=office.clock.now())
            await office.health.settle(self._ledger_close(failed, Outcome.FAILED))
            await office.health.settle(self._records_close(failed, Outcome.FAILED))
            return None
        self._run.placed += 1
        return admitted

    async def count_success(self, call: Call) -> None:
        """The callee has heard an agent."""
        office, campaign = self._office, self._run.campaign
        try:
            budget = await office.ledger.connected(call.id, campaign, office.exposure(campaign.id))
        except Unreachable as error:
            # Not said again: the conversation goes on, and closing the call counts it if this did not.
            office.health.fail("redis", str(error))
        else:
            self._run.saw(budget)

    async def close(self, call: Call, outcome: Outcome) -> None:
        """The call is over. Returns when both stores have confirmed it; until then it stays exposed."""
        # In this order: if we die in between, the mark is still there, and recovery finds the outcome.
        await self._office.health.settle(self._records_close(call, outcome))
        await self._office.health.settle(self._ledger_close(call, outcome))
        self._run.ended(call)
        log.info(
            "call ended",
            call=call.id,
            campaign=self._run.campaign.id,
            number=call.contact.number,
            outcome=outcome.value,
            agent=call.agent,
            by=call.ended_by.value if call.ended_by else None,
            cause=call.cause,
            sip=call.sip,
        )

    # --- inside ---------------------------------------------------------------------------------------

    def _wish(self, call: Call) -> Admitting:
        return Admitting(
            call=call.id,
            campaign=self._run.campaign,
            number=call.contact.number,
            covered=call.covered,
            guaranteed=call.guaranteed,
            exposure=self._office.exposure(self._run.campaign.id),
            now=self._office.clock.now(),
        )

    async def _turned_away(self, call: Call, verdict: Verdict) -> None:
        try:
            await self._run.turned_away(call.contact, verdict)
        except Unreachable as error:
            self._office.health.fail("records", str(error))

    def _ledger_close(self, call: Call, outcome: Outcome) -> Callable[[], Awaitable[None]]:
        async def tell() -> None:
            office, campaign = self._office, self._run.campaign
            now = office.clock.now()
            budget = await office.ledger.close(
                call.id,
                campaign,
                call.contact.number,
                outcome,
                now - (call.ended_at or now),
                office.exposure(campaign.id, without=call.id),
            )
            self._run.saw(budget)

        return tell

    def _records_close(self, call: Call, outcome: Outcome) -> Callable[[], Awaitable[None]]:
        end = self._run.end_of(call, outcome, self._office.clock.now())
        return lambda: self._office.records.attempt_ended(end)
