"""The record store's in-memory twin: same rules, nothing lasts. For tests and simulation."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count, islice
from typing import Any

from controller.domain.answer import Answerer, answer_class
from controller.domain.call import Call
from controller.domain.campaign import Campaign, CampaignState, ListOrder, Override, PausedBy
from controller.domain.clearance import Check, Standing, first_failed, scopes, standing_checks
from controller.domain.contact import Contact, NewContact
from controller.domain.ids import E164, CallId, CampaignId, ContactId
from controller.domain.outcome import Outcome
from controller.domain.privacy import KEY_BYTES, NumberKey
from controller.domain.regulation import Regulation
from controller.errors import ProtocolError, RecordsUnreachable
from controller.law import PROFILES
from controller.ports import (
    AttemptEnd,
    AttemptFact,
    CampaignFigures,
    CampaignRow,
    ImportResult,
    ListedContact,
)
from controller.store.attempt_rows import not_connected, operator_due_after, require_outcome, utc_now
from controller.store.call_evidence import (
    answerer_entry,
    attempt_entry,
    campaign_entry,
    end_entries,
    late_attempt_entry,
    override_entry,
    start_entry,
    state_entry,
)
from controller.store.campaign_rows import (
    campaign_taken,
    changed_meanwhile,
    check_law,
    first_state,
    no_such_campaign,
)
from controller.store.contact_rows import CONTACT_DELETED, contact_gone
from controller.store.memory_compliance import MemoryEvidence, MemoryLists
from controller.store.memory_imports import MemoryImports
from controller.store.memory_leads import memory_outward
from controller.store.memory_people import MemoryPeople, nameless
from controller.store.memory_segments import MemorySegments
from controller.store.memory_work import memory_work
from controller.store.schema import DONE, IN_FLIGHT, PENDING


@dataclass(slots=True)
class _Entry:
    contact: Contact
    person: str
    status: str = PENDING
    current_call: CallId | None = None
    last_outcome: Outcome | None = None
    import_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Started:
    """What an attempt's row takes from its campaign, whom it called, and when it was placed."""

    campaign: Campaign
    person: str
    placed: datetime
    controller: str


@dataclass(slots=True)
class _Campaign:
    """A campaign with its contacts, those that may be called kept apart by when.

    Attributes:
        fresh: contacts that may be called at once, by id; a contact never comes back here.
        waiting: contacts with a time before which they are not called.
    """

    row: CampaignRow
    by_number: dict[E164, ContactId] = field(default_factory=dict)
    fresh: dict[ContactId, None] = field(default_factory=dict)
    waiting: set[ContactId] = field(default_factory=set)


class MemoryRecords:
    """``Records`` (controller.ports) in memory.

    Attributes:
        fail: while True, every method raises RecordsUnreachable and changes nothing.
        overrides: what ``record_override`` was told, in order.
        lists, evidence, people: the ports of compliance, in memory too.
    """

    def __init__(
        self, *, profiles: Mapping[str, Regulation] = PROFILES, number_key: NumberKey | None = None
    ) -> None:
        """An empty store that knows these regulation profiles."""
        # For what is forgotten with the process, a key that everybody knows will do.
        self._key = number_key or NumberKey(bytes(KEY_BYTES))
        self.evidence = MemoryEvidence(self._answer)
        self.lists = MemoryLists(self._key, self.evidence, self._answer)
        self.people = MemoryPeople(self)
        self.outward = memory_outward(self)
        self.work = memory_work(self)
        self.imports = MemoryImports(self)
        self.segments = MemorySegments(self)
        self.fail = False
        self._controller = "memory"
        self.overrides: list[tuple[CampaignId, Override, datetime]] = []
        self._profiles = profiles
        self._campaigns: dict[CampaignId, _Campaign] = {}
        self._contacts: dict[ContactId, _Entry] = {}
        self._ids = count(1)  # an id is never used again: undoing an import deletes contacts
        self._calls: dict[CallId, Call] = {}
        self._open: dict[CallId, None] = {}
        self._started: dict[CallId, _Started] = {}
        self._answerers: dict[CallId, Answerer] = {}

    def sibling(self, controller_id: str) -> MemoryRecords:
        """The same store, as another controller sees it."""
        other = copy(self)
        other._controller = controller_id
        return other

    def _answer(self) -> None:
        if self.fail:
            raise RecordsUnreachable("The record store (in memory) was told to fail.")

    def _known(self, campaign: CampaignId) -> _Campaign:
        if campaign not in self._campaigns:
            raise no_such_campaign(campaign)
        return self._campaigns[campaign]

    async def ping(self) -> None:
        """Raise RecordsUnreachable if told to fail."""
        self._answer()

    # --- campaigns

    async def save_campaign(self, campaign: Campaign) -> None:
        """Store a new campaign: scheduled if it has a time to open at, else a draft."""
        self._answer()
        check_law(campaign, self._profiles)
        if campaign.id in self._campaigns:
            raise campaign_taken(campaign.id)
        now = utc_now()
        stored = replace(campaign, created_at=campaign.created_at or now)
        state = first_state(campaign)
        self._campaigns[campaign.id] = _Campaign(CampaignRow(campaign=stored, state=state))
        self.evidence.append(campaign_entry(campaign.id, now, state=state.value))

    async def edit_campaign(
        self, campaign: Campaign, expected: int, changes: Mapping[str, Any], author: str
    ) -> int:
        """Store a changed campaign; its state stays. Returns the new version."""
        self._answer()
        check_law(campaign, self._profiles)
        known = self._known(campaign.id)
        if known.row.version != expected:
            raise changed_meanwhile(campaign.id, expected)
        changed = replace(campaign, created_at=known.row.campaign.created_at)
        known.row = replace(known.row, campaign=changed, version=expected + 1)
        entry = campaign_entry(
            campaign.id, utc_now(), changes=dict(changes), author=author, version=expected + 1
        )
        self.evidence.append(entry)
        return expected + 1

    async def campaign(self, campaign: CampaignId) -> CampaignRow | None:
        """One campaign."""
        self._answer()
        found = self._campaigns.get(campaign)
        return found.row if found else None

    async def campaigns(self) -> Sequence[CampaignRow]:
        """All campaigns, by id."""
        self._answer()
        return [self._campaigns[campaign].row for campaign in sorted(self._campaigns)]

    async def set_campaign_state(
        self,
        campaign: CampaignId,
        state: CampaignState,
        reason: str = "",
        paused_by: PausedBy | None = None,
    ) -> None:
        """Record a change of state and why."""
        self._answer()
        known = self._known(campaign)
        known.row = replace(known.row, state=state, reason=reason, paused_by=paused_by)
        self.evidence.append(state_entry(campaign, utc_now(), state, reason, paused_by))

    async def record_override(self, campaign: CampaignId, override: Override, now: datetime) -> None:
        """Record who lifted a budget, when and why."""
        self._answer()
        self._known(campaign)
        self.overrides.append((campaign, override, now))
        self.evidence.append(override_entry(campaign, override, now))

    async def record_start(self, campaign: Campaign, now: datetime) -> None:
        """Record that the campaign is started, under which rules."""
        self._answer()
        self.evidence.append(start_entry(campaign, now))

    # --- contacts

    async def add_contacts(
        self, campaign: CampaignId, contacts: Sequence[NewContact], import_id: str | None = None
    ) -> ImportResult:
        """Store contacts; those of whom the campaign has a number are left as they are."""
        self._answer()
        into = self._known(campaign)
        known: list[int] = []
        for new in contacts:
            if not into.by_number.keys().isdisjoint(new.every_number):
                known.append(new.line)
                if new.number in into.by_number:
                    self._renew_consent(self._contacts[into.by_number[new.number]], new)
                continue
            key = ContactId(next(self._ids))
            contact = Contact(
                id=key,
                campaign=campaign,
                number=new.number,
                kind=new.kind,
                others=new.others,
                name=new.name,
                email=new.email,
                attributes=dict(new.attributes),
                tags=new.tags,
                key=new.key,
                consent=new.consent,
                habits=new.habits,
            )
            self._contacts[key] = _Entry(contact, self._key.of(new.number), import_id=import_id)
            into.by_number.update(dict.fromkeys(new.every_number, key))
            into.fresh[key] = None
        return ImportResult(stored=len(contacts) - len(known), known=tuple(known))

    def _renew_consent(self, entry: _Entry, new: NewContact) -> None:
        known = entry.contact.consent
        if new.consent is not None and (known is None or known.given_at < new.consent.given_at):
            entry.contact = replace(entry.contact, consent=new.consent)

    async def contacts(
        self, campaign: CampaignId, *, after: ContactId | None = None, limit: int = 1000
    ) -> Sequence[ListedContact]:
        """A campaign's contacts by id, from the one after ``after``, ``limit`` at most."""
        self._answer()
        of = self._campaigns.get(campaign)
        keys = sorted(set(of.by_number.values())) if of else []
        return [_listed(self._contacts[key]) for key in keys if after is None or key > after][:limit]

    async def contacts_of(self, number: E164) -> Sequence[ListedContact]:
        """Who has this number, in every campaign."""
        self._answer()
        found = (of.by_number.get(number) for of in self._campaigns.values())
        entries = [self._contacts[key] for key in sorted(key for key in found if key is not None)]
        return [_listed(entry) for entry in entries if not entry.contact.number.startswith("#")]

    async def standings(
        self, campaign: Campaign, contacts: Sequence[Contact]
    ) -> Mapping[ContactId, Standing]:
        """What the do-not-call lists and the register say of these contacts, now."""
        self._answer()
        return {contact.id: self._standing(campaign, contact) for contact in contacts}

    def _standing(self, campaign: Campaign, contact: Contact) -> Standing:
        person, *others = (self._key.of(number) for number in contact.every_number)
        return self.lists.standing_of(person, scopes(campaign.caller, campaign.id), others)

    async def due_contacts(
        self,
        campaign: CampaignId,
        now: datetime,
        limit: int,
        order: ListOrder = ListOrder.RETRIES_FIRST,
    ) -> Sequence[Contact]:
        """Contacts that may be called now, have no attempt under way, and were promised no call-back."""
        self._answer()
        if campaign not in self._campaigns:
            return []
        of = self._campaigns[campaign]
        again = [self._contacts[key].contact for key in of.waiting]
        waiting = ((c.due_at, c.id) for c in again if c.due_at and c.due_at <= now and c.callback_at is None)
        due = [key for _, key in heapq.nsmallest(limit, waiting)]
        newest = order is ListOrder.NEWEST_FIRST
        fresh = list(islice(reversed(of.fresh) if newest else of.fresh, limit))
        keys = due + fresh if order is ListOrder.RETRIES_FIRST else fresh + due
        return [self._contacts[key].contact for key in keys[:limit]]

    async def contacts_by_id(self, ids: Sequence[ContactId]) -> Sequence[ListedContact]:
        """These contacts, in no order; those that do not exist are left out."""
        self._answer()
        return [_listed(self._contacts[key]) for key in ids if key in self._contacts]

    async def next_due(self, campaign: CampaignId, now: datetime) -> datetime | None:
        """When the next contact that is not yet due will be; None if the campaign is done with all."""
        self._answer()
        if campaign not in self._campaigns:
            return None
        of = self._campaigns[campaign]
        times = (self._contacts[key].contact.due_at for key in of.waiting)
        later = min((at for at in times if at and at > now), default=None)
        if later is None and any(self._contacts[key].status != DONE for key in of.by_number.values()):
            return now
        return later

    async def postpone(self, contacts: Sequence[ContactId], until: datetime) -> None:
        """Do not offer the contacts before ``until``; where one is due later already, that stays."""
        self._answer()
        for contact in contacts:
            entry = self._contacts.get(contact)
            if entry is None or entry.status == DONE:
                continue
            if entry.contact.due_at is None or entry.contact.due_at < until:
                entry.contact = replace(entry.contact, due_at=until)
                self._file(entry)

    def _file(self, entry: _Entry) -> None:
        """Put a contact where its status and time say."""
        of, key = self._campaigns[entry.contact.campaign], entry.contact.id
        of.waiting.discard(key)
        if entry.status != PENDING:
            of.fresh.pop(key, None)
        elif entry.contact.due_at is not None:
            of.fresh.pop(key, None)
            of.waiting.add(key)

    # --- attempts

    async def attempt_started(
        self, call: Call, campaign: Campaign, checks: Sequence[Check] = ()
    ) -> Check | None:
        """Record the attempt, unless a check fails. Before that nothing is dialed."""
        self._answer()
        if call.id in self._calls:
            return None
        entry, now = self._contacts.get(call.contact.id), utc_now()
        placed = call.admitted_at or now
        standing = self._standing(campaign, call.contact)
        checks = (*checks, *standing_checks(standing, call.contact.consent, campaign, placed))
        failed = first_failed(checks)
        if entry is None:
            return failed or CONTACT_DELETED
        failed = failed or contact_gone(entry.status, entry.contact.due_at, placed)
        if failed is not None:
            return failed
        person = self._key.of(call.contact.number)
        self.evidence.append(attempt_entry(call, campaign, person, checks, now))
        self._calls[call.id] = _as_recorded(call.evolve(outcome=None))
        self._started[call.id] = _Started(campaign, person, placed, self._controller)
        self._open[call.id] = None
        entry.status, entry.current_call = IN_FLIGHT, call.id
        self._file(entry)
        return None

    async def attempt_ended(self, end: AttemptEnd) -> None:
        """Record how it ended. Saying it twice changes nothing."""
        self._answer()
        outcome = require_outcome(end.call)
        recorded = self._calls.get(end.call.id)
        if recorded is not None and recorded.outcome is not None:
            return
        entry = self._contacts.get(end.call.contact.id)
        if entry is None:
            raise ProtocolError("The record store refused the attempts: no such contact.")
        erased = entry.contact.number.startswith("#")  # such a contact is never due again
        mine = entry.current_call == end.call.id or (entry.current_call is None and recorded is None)
        if mine and not erased:
            self._conclude(entry, end, outcome)
        if recorded is not None:  # what was fixed at the start stays
            fixed = end.call.evolve(
                covered=recorded.covered, guaranteed=recorded.guaranteed, segment=recorded.segment
            )
            admitted = recorded.admitted_at or end.call.admitted_at
            end = replace(end, call=fixed.evolve(admitted_at=admitted))
        person, now = self._key.of(end.call.contact.number), utc_now()
        if recorded is None:
            self.evidence.append(late_attempt_entry(end.call, person, now))
            campaign = self._known(end.call.contact.campaign).row.campaign
            placed = end.call.admitted_at or now
            self._started[end.call.id] = _Started(campaign, person, placed, self._controller)
        self.evidence.append(*end_entries(end.call, person, now))
        self._calls[end.call.id] = _as_recorded(nameless(end.call) if erased else end.call)
        self._open.pop(end.call.id, None)
        self.work.ended(self._calls[end.call.id])

    def _conclude(self, entry: _Entry, end: AttemptEnd, outcome: Outcome) -> None:
        owed = operator_due_after(outcome)
        entry.contact = replace(
            entry.contact,
            attempts=entry.contact.attempts + end.counts_as_attempt,
            due_at=end.next_due,
            operator_due=entry.contact.operator_due if owed is None else owed,
            tried=entry.contact.tried if end.tried is None else end.tried,
        )
        if end.numbers:
            first, *others = end.numbers
            entry.contact = replace(entry.contact, number=first.number, kind=first.kind, others=tuple(others))
            entry.person = self._key.of(first.number)
        entry.status = DONE if end.next_due is None else PENDING
        entry.current_call, entry.last_outcome = None, outcome
        self._file(entry)

    async def attempt(self, call: CallId) -> Call | None:
        """An attempt as recorded, with its contact as it is now."""
        self._answer()
        recorded = self._calls.get(call)
        return self._with_contact(recorded) if recorded else None

    async def open_attempts(self) -> Sequence[Call]:
        """Attempts of this controller recorded as started and not ended, oldest first."""
        self._answer()
        mine = [call for call in self._open if self._started[call].controller == self._controller]
        return [self._with_contact(self._calls[call]) for call in mine]

    def _with_contact(self, call: Call) -> Call:
        return call.evolve(contact=self._contacts[call.contact.id].contact)

    async def facts(
        self, campaign: CampaignId, *, after: tuple[datetime, str] | None = None, limit: int = 10_000
    ) -> Sequence[AttemptFact]:
        """Attempts in the order of (placed, call), from the one after ``after``, ``limit`` at most."""
        self._answer()
        facts = sorted(
            (self._fact(call) for call in self._calls.values() if call.contact.campaign == campaign),
            key=lambda fact: (fact.placed, fact.call),
        )
        return [fact for fact in facts if after is None or (fact.placed, fact.call) > after][:limit]

    async def recent_facts(
        self, campaign: CampaignId, limit: int, *, since: datetime, before: datetime | None = None
    ) -> Sequence[AttemptFact]:
        """The latest attempts that are over, of those admitted from ``since`` on, latest first."""
        self._answer()
        over = [
            self._fact(call)
            for call in self._calls.values()
            if call.contact.campaign == campaign
            and call.outcome is not None
            and call.admitted_at is not None
            and call.admitted_at >= since
            and (before is None or call.admitted_at < before)
        ]
        return sorted(over, key=lambda fact: (fact.placed, fact.call), reverse=True)[:limit]

    def _fact(self, call: Call) -> AttemptFact:
        started = self._started[call.id]
        answerer = self._answerers.get(call.id)
        return AttemptFact(
            call=call.id,
            campaign=call.contact.campaign,
            person=started.person,
            caller=started.campaign.caller,
            caller_number=started.campaign.caller_number,
            law=started.campaign.law.name,
            override=started.campaign.override is not None,
            covered=call.covered,
            guaranteed=call.guaranteed,
            placed=started.placed,
            rang_at=call.rang_at,
            answered_at=call.answered_at,
            noise_at=call.noise_at,
            bridged_at=call.bridged_at,
            heard_at=call.heard_at,
            ended_at=call.ended_at,
            ended_by=call.ended_by,
            outcome=call.outcome,
            answer_class=answer_class(call, answerer),
            answerer=answerer,
            cause=call.cause,
            sip=call.sip,
            segment=call.segment,
        )

    async def answered_by(self, call: CallId, answerer: Answerer, author: str, now: datetime) -> None:
        """Record who picked up, as the agent said."""
        self._answer()
        known = self._calls.get(call)
        if known is None or known.outcome is not Outcome.CONNECTED:
            raise not_connected(call)
        self._answerers[call] = answerer
        self.evidence.append(answerer_entry(known, self._started[call].person, answerer, author, now))

    async def figures(self, campaign: CampaignId) -> CampaignFigures:
        """The campaign's numbers."""
        self._answer()
        of = self._campaigns.get(campaign)
        calls = [call for call in self._calls.values() if call.contact.campaign == campaign]
        by_outcome: dict[Outcome, int] = {}
        for call in calls:
            if call.outcome is not None:
                by_outcome[call.outcome] = by_outcome.get(call.outcome, 0) + 1
        connected = sorted(
            (call for call in calls if call.outcome is Outcome.CONNECTED and call.answered_at),
            key=lambda call: (call.answered_at, call.id),
        )
        silent = [call for call in calls if call.outcome is Outcome.SILENT]
        unattended = _seconds(silent, lambda call: call.ended_at)
        entries = [self._contacts[key] for key in set(of.by_number.values())] if of else []
        return CampaignFigures(
            campaign=campaign,
            contacts=len(entries),
            pending=sum(entry.status == PENDING for entry in entries),
            by_outcome=by_outcome,
            open=sum(call.outcome is None for call in calls),
            rescued=sum(call.rescued for call in connected),
            answer_to_bridge=tuple(_seconds(connected, lambda call: call.bridged_at)),
            longest_unattended=max(unattended, default=None),
        )


def _listed(entry: _Entry) -> ListedContact:
    return ListedContact(
        contact=entry.contact, done=entry.status == DONE, in_flight=entry.status == IN_FLIGHT
    )


def _as_recorded(call: Call) -> Call:
    """A call without what is not recorded: flags that mean something only while it is under way."""
    return call.evolve(asked_at_answer=False, cut_due=False, message_due=False)


def _seconds(calls: Sequence[Call], until: Callable[[Call], datetime | None]) -> list[float]:
    """From the answer of each call until the time that ``until`` gives, where both are known."""
    times = ((call.answered_at, until(call)) for call in calls)
    return [(at - answered).total_seconds() for answered, at in times if answered and at]
