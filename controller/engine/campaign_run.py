"""A campaign while this controller dials it: its hopper of contacts, its figures, its view of the budget."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from controller.domain.budget import Budget
from controller.domain.call import Call
from controller.domain.campaign import Campaign, CampaignState, PausedBy
from controller.domain.clearance import Check, CheckName
from controller.domain.contact import Contact
from controller.domain.ids import ContactId
from controller.domain.outcome import Outcome
from controller.domain.retry import TRIED_KEPT
from controller.engine.calendar import zones_of
from controller.engine.gate import Gate, look_again
from controller.ports import Admission, AttemptEnd, CampaignRow, Clock, Records, Verdict

log = structlog.get_logger(__name__)

HOPPER = 200
"""Contacts read ahead."""

_READINGS = 25
"""How often one refill reads on where nobody who was read may be called: 5,000 contacts, and then the dialer
looks at the world again."""

_IN_FLIGHT_PAUSE = timedelta(minutes=5)
"""When another call to the same number is in flight or in conversation, ask again after this."""

_EXPIRY_MARGIN = timedelta(seconds=60)


class CampaignRun:
    """One started campaign.

    Attributes:
        wake: set whenever a call might be placed that could not be placed before.
        budget: as the ledger last said; the ledger itself decides at each admission.
        placed: calls placed since the start of this controller.
        blocked: why no call is placed although the campaign runs; empty if calls are placed.
        not_callable: contacts turned away since the last one that was not, by the check that failed.
    """

    def __init__(
        self, campaign: Campaign, records: Records, clock: Clock, budget: Budget, gate: Gate
    ) -> None:
        self.campaign = campaign
        self.version = 0
        self.state = CampaignState.RUNNING
        self.reason = ""
        self.paused_by: PausedBy | None = None
        self.blocked = ""
        self.wake = asyncio.Event()
        self.budget = budget
        self.placed = 0
        self.rescued = 0
        self.outcomes: Counter[Outcome] = Counter()
        self.not_callable: Counter[CheckName] = Counter()
        self._gate = gate
        self._records = records
        self._clock = clock
        self._hopper: deque[Contact] = deque()
        self._taken: set[ContactId] = set()
        self._done_meanwhile: set[ContactId] = set()

    # --- contacts -------------------------------------------------------------------------------------

    async def refill(self) -> None:
        """Read ahead if the hopper is empty: contacts that may be called now. The others are put off."""
        for _ in range(_READINGS):
            if self._hopper:
                return
            self._done_meanwhile.clear()
            now = self._clock.now()
            due = await self._records.due_contacts(self.campaign.id, now, HOPPER)
            standings = await self._records.standings(self.campaign, due)
            # What was read is older than what happened while it was read.
            known = self._taken | self._done_meanwhile | {contact.id for contact in self._hopper}
            fresh = [contact for contact in due if contact.id not in known]
            callable_now, turned_away = self._gate.sort_out(self.campaign, fresh, standings, now)
            if callable_now:
                self.not_callable.clear()
            self._hopper.extend(callable_now)
            await self._put_off(turned_away)
            if not turned_away:
                return

    async def _put_off(self, turned_away: Iterable[tuple[Contact, Check]]) -> None:
        now, later = self._clock.now(), defaultdict[datetime, list[ContactId]](list)
        for contact, failed in turned_away:
            self.not_callable[failed.name] += 1
            later[look_again(failed, now)].append(contact.id)
        for until, contacts in later.items():
            await self._records.postpone(contacts, until)

    def next_contact(self, *, with_operator: bool) -> Contact | None:
        """The next contact; the caller must place it, or see that it is ``released``.

        Args:
            with_operator: an agent can be reserved for the call, so a contact that is owed an operator
                (L5) may be called. Otherwise such contacts are passed over.
        """
        for _ in range(len(self._hopper)):
            contact = self._hopper.popleft()
            if contact.id in self._taken:
                continue
            if contact.operator_due and not with_operator:
                self._hopper.append(contact)
                continue
            self._taken.add(contact.id)
            return contact
        return None

    def put_back(self, contact: Contact) -> None:
        """The contact was not called; it stays next."""
        self._taken.discard(contact.id)
        self._hopper.appendleft(contact)

    def adopt(self, call: Call) -> None:
        """A call of an earlier life goes on: its contact is under way."""
        self._taken.add(call.contact.id)

    async def exhausted_until(self) -> datetime | None:
        """When the next contact becomes due; None if no contact is left at all."""
        return await self._records.next_due(self.campaign.id, self._clock.now())

    @property
    def idle(self) -> bool:
        """Whether no contact is in the hopper or under way."""
        return not self._hopper and not self._taken

    async def turned_away(self, contact: Contact, verdict: Verdict) -> None:
        """The ledger did not admit the call."""
        match verdict.admission:
            case Admission.SUPPRESSED:
                pause = timedelta(seconds=verdict.free_in) + _EXPIRY_MARGIN
                if verdict.in_flight:
                    pause = _IN_FLIGHT_PAUSE
                await self._records.postpone([contact.id], self._clock.now() + pause)
                log.info("number suppressed", number=contact.number, campaign=self.campaign.id)
            case Admission.OPERATOR_DUE:
                # Another campaign of the same caller owes it an operator.
                self.put_back(replace(contact, operator_due=True))
            case _:
                self.put_back(contact)

    async def refused(self, contact: Contact, failed: Check) -> None:
        """A check failed that had passed when the contact was read."""
        log.info("contact not callable", number=contact.number, campaign=self.campaign.id, why=failed.why)
        await self._put_off([(contact, failed)])

    def take_over(self, row: CampaignRow) -> None:
        """The campaign is as stored from now on."""
        self.campaign, self.version = row.campaign, row.version
        self.wake.set()

    @property
    def kept_by(self) -> PausedBy | None:
        """Who or what keeps it from dialing; None if nothing does, or it is over."""
        if self.state is not CampaignState.RUNNING:
            return self.paused_by
        return PausedBy.HOURS if self.blocked and self.not_callable.keys() == {CheckName.HOURS} else None

    def safety_stop(self, reason: str) -> None:
        """Place no more calls until a person has looked: something happened that must not happen again."""
        if self.state is CampaignState.RUNNING:
            self.state, self.reason, self.paused_by = CampaignState.PAUSED, reason, PausedBy.SAFETY
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
            next_due=follows.due,
            counts_as_attempt=counts,
            numbers=follows.numbers,
            tried=tried,
        )

    def released(self, call: Call) -> None:
        """The call's owner is done: the contact may be offered again when it is due."""
        self._taken.discard(call.contact.id)
        self._done_meanwhile.add(call.contact.id)
        self.wake.set()
