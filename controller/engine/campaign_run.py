"""A campaign while this controller dials it: its contacts, its figures, its view of the budget."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from controller.domain.budget import Budget
from controller.domain.call import Call
from controller.domain.campaign import Campaign, CampaignState, PausedBy
from controller.domain.clearance import Check, CheckName
from controller.domain.contact import Contact
from controller.domain.outcome import Outcome
from controller.domain.retry import TRIED_KEPT
from controller.engine.calendar import zones_of
from controller.engine.gate import look_again
from controller.engine.office import Office
from controller.engine.previews import Previews
from controller.engine.promises import Promises
from controller.engine.supply import Supply, suppressed_for
from controller.ports import Admission, AttemptEnd, CampaignRow, Verdict

if TYPE_CHECKING:
    from controller.engine.pacing import CampaignPacing

log = structlog.get_logger(__name__)


class CampaignRun:
    """One started campaign.

    Attributes:
        wake: set whenever a call might be placed that could not be placed before.
        budget: as the ledger last said; the ledger itself decides at each admission.
        placed: calls placed since the start of this controller.
        blocked: why no call is placed although the campaign runs; empty if calls are placed.
        pacing: decides how many calls it places; None until it has dialed here.
        supply: the contacts that are next.
        promises: those whom somebody promised to call.
        previews: those whom agents look at, in mode PREVIEW.
    """

    def __init__(self, campaign: Campaign, office: Office, budget: Budget) -> None:
        self.campaign = campaign
        self.version = 0
        self.state = CampaignState.RUNNING
        self.reason = ""
        self.paused_by: PausedBy | None = None
        self.blocked = ""
        self.wake = asyncio.Event()
        self.budget = budget
        self.pacing: CampaignPacing | None = None
        self.placed = 0
        self.rescued = 0
        self.outcomes: Counter[Outcome] = Counter()
        self.supply = Supply(campaign, office.records, office.stock, office.clock, office.gate)
        self.promises = Promises(campaign, office, office.stock.work)
        self.previews = Previews(self, office)
        self._clock = office.clock
        self._tell = office.tell

    # --- contacts -------------------------------------------------------------------------------------

    async def turned_away(self, contact: Contact, verdict: Verdict) -> None:
        """The ledger did not admit the call."""
        busy = "the number is being called" if verdict.in_flight else "the number is to be left alone"
        suppressed = verdict.admission is Admission.SUPPRESSED
        self.previews.refused(
            contact.id, "suppression", busy if suppressed else "the ledger did not admit the call"
        )
        if contact.callback_at is None:
            await self.supply.turned_away(contact, verdict)
        elif verdict.admission is Admission.SUPPRESSED:
            pause = suppressed_for(in_flight=verdict.in_flight, free_in=verdict.free_in)
            await self.promises.turned_away(contact, self._clock.now() + pause)

    async def refused(self, contact: Contact, failed: Check) -> None:
        """A check failed that had passed when the contact was read."""
        self.previews.refused(contact.id, failed.name.value, failed.why)
        if contact.callback_at is None:
            await self.supply.refused(contact, failed)
        else:
            await self.promises.turned_away(contact, look_again(failed, self._clock.now()))

    def started(self, call: Call) -> None:
        """The call has passed all checks: its attempt is recorded."""
        self.supply.started(call.contact.id)
        self.previews.started(call.contact.id)
        self.placed += 1

    def adopt(self, call: Call) -> None:
        """A call of an earlier life goes on: its contact is under way."""
        self.supply.adopt(call.contact.id)

    def released(self, call: Call) -> None:
        """The call's owner is done: the contact may be offered again when it is due."""
        self.previews.refused(call.contact.id, "", "an edge gave no answer")
        self.supply.released(call.contact.id)
        self.promises.released(call.contact.id)
        self.wake.set()

    async def close(self) -> None:
        """It does not dial any more: what was laid ready for it is given back."""
        self.promises.close()
        self.previews.close()
        await self.previews.put_off_skipped()
        await self.supply.close()

    # --- state ----------------------------------------------------------------------------------------

    def take_over(self, row: CampaignRow) -> None:
        """The campaign is as stored from now on."""
        self.campaign, self.version = row.campaign, row.version
        self.supply.take_over(row.campaign)
        self.promises.campaign = row.campaign
        self.previews.look()
        self.wake.set()

    @property
    def kept_by(self) -> PausedBy | None:
        """Who or what keeps it from dialing; None if nothing does, or it is over."""
        if self.state is not CampaignState.RUNNING:
            return self.paused_by
        by_hours = self.blocked and self.supply.not_callable.keys() == {CheckName.HOURS}
        return PausedBy.HOURS if by_hours else None

    def safety_stop(self, reason: str) -> None:
        """Place no more calls until a person has looked: something happened that must not happen again."""
        if self.state is CampaignState.RUNNING:
            self.state, self.reason, self.paused_by = CampaignState.PAUSED, reason, PausedBy.SAFETY
            self._tell.campaign(self)
            self.wake.set()
            log.error("campaign paused for safety", campaign=self.campaign.id, why=reason)

    # --- figures --------------------------------------------------------------------------------------

    def saw(self, budget: Budget) -> None:
        """The ledger said where the budget stands."""
        if budget != self.budget:
            self.budget = budget
            self.wake.set()

    def ended(self, call: Call) -> None:
        """A call of the campaign is over."""
        if call.outcome is not None:
            self.outcomes[call.outcome] += 1
        self.rescued += call.rescued

    def end_of(self, call: Call, outcome: Outcome, now: datetime) -> AttemptEnd:
        """What is recorded at the end of a call, with what follows for its contact."""
        campaign, contact, counts = self.campaign, call.contact, outcome.uses_up_an_attempt
        ended = call.ended_at or now
        tried = (*contact.tried, ended)[-TRIED_KEPT:]
        counted = replace(contact, attempts=contact.attempts + counts, tried=tried)
        zone = zones_of(contact.number, contact.habits.zone, campaign.zone)[0]
        follows = campaign.retry.next_call(outcome, counted, ended, campaign.law, zone)
        return AttemptEnd(
            call=call,
            # Of a lost call without agents nobody knows whether they asked not to be called again.
            next_due=None if call.agentless and outcome is Outcome.LOST else follows.due,
            counts_as_attempt=counts,
            numbers=follows.numbers,
            tried=tried,
        )
