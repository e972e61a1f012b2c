"""What ledger and records are told about a call, in which order, and until they have confirmed it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from controller.domain.call import Call
from controller.domain.clearance import Check, CheckName, first_failed
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
        office, campaign = self._office, self._run.campaign
        wish = self._wish(call)
        checks = office.gate.at_admission(campaign, call.contact, wish.now)
        if (failed := first_failed(checks)) is not None:
            await self._turned_away(self._run.refused(call.contact, failed))
            return None
        try:
            verdict = await office.ledger.admit(wish)
        except Unreachable as error:
            office.health.fail("redis", str(error))
            # The key may have been taken without our hearing of it. It protects a number that nobody
            # rang, so it is given back once the ledger can be asked again.
            await office.health.settle(self._withdrawal(call))
            return None
        self._run.saw(verdict.budget)
        if verdict.admission is not Admission.ADMITTED:
            await self._turned_away(self._run.turned_away(call.contact, verdict))
            return None
        # The very instant that the ledger counts it by, so that both stores put it into the same windows.
        admitted = call.evolve(admitted_at=wish.now)
        try:
            failed = await office.records.attempt_started(
                admitted, campaign, (*checks, *_by_the_ledger(wish, verdict))
            )
        except Unreachable as error:
            office.health.fail("records", str(error))
            # The attempt may have been written without our hearing of it.
            unsure = admitted.evolve(outcome=Outcome.FAILED, ended_at=office.clock.now())
            await office.health.settle(self._ledger_close(unsure, Outcome.FAILED))
            await office.health.settle(self._records_close(unsure, Outcome.FAILED))
            return None
        if failed is not None:
            # A list was changed since the contact was read; nothing was recorded, so nothing is dialed.
            await office.health.settle(self._withdrawal(call))
            await self._turned_away(self._run.refused(call.contact, failed))
            return None
        self._run.started(call)
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
        self._office.tell.ended(call, outcome)
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
            guaranteed=call.guaranteed or not self._run.campaign.law.operator_guaranteed,
            exposure=self._office.exposure(self._run.campaign.id),
            now=self._office.clock.now(),
            agentless=call.agentless,
        )

    async def _turned_away(self, putting_off: Awaitable[None]) -> None:
        try:
            await putting_off
        except Unreachable as error:
            self._office.health.fail("records", str(error))

    def _ledger_close(self, call: Call, outcome: Outcome) -> Callable[[], Awaitable[None]]:
        office, campaign = self._office, self._run.campaign
        ended = office.clock.monotonic()  # a clock that steps must not shorten a protection

        async def tell() -> None:
            budget = await office.ledger.close(
                call.id,
                campaign,
                call.contact.number,
                outcome,
                timedelta(seconds=office.clock.monotonic() - ended),
                office.exposure(campaign.id, without=call.id),
                call.admitted_at or office.clock.now(),
            )
            self._run.saw(budget)

        return tell

    def _withdrawal(self, call: Call) -> Callable[[], Awaitable[None]]:
        async def tell() -> None:
            office, campaign = self._office, self._run.campaign
            exposure = office.exposure(campaign.id, without=call.id)
            self._run.saw(await office.ledger.withdraw(call.id, campaign, call.contact.number, exposure))

        return tell

    def _records_close(self, call: Call, outcome: Outcome) -> Callable[[], Awaitable[None]]:
        end = self._run.end_of(call, outcome, self._office.clock.now())
        return lambda: self._office.records.attempt_ended(end)


def _by_the_ledger(wish: Admitting, verdict: Verdict) -> tuple[Check, ...]:
    """What the ledger's admission says, for the evidence."""
    budget = verdict.budget
    stands = f"{budget.silent} silent of {budget.successes} successes, {budget.exposed} exposed"
    if wish.agentless:
        operator, room = "not owed, nobody is to speak", f"not charged: a message plays ({stands})"
    elif wish.covered:
        operator, room = "an agent stands ready", f"not charged: an agent stands ready ({stands})"
    else:
        operator, room = "not owed", f"room for it ({stands})"
        if wish.campaign.override is not None:
            room = f"lifted by {wish.campaign.override.author} ({stands})"
    return (
        Check(name=CheckName.SUPPRESSION, passed=True, why="not suppressed"),
        Check(
            name=CheckName.OPERATOR, passed=True, why="owed, and reserved" if wish.guaranteed else operator
        ),
        Check(name=CheckName.BUDGET, passed=True, why=room),
    )
