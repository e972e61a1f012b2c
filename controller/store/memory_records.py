"""The record store's in-memory twin: same rules, nothing lasts. For tests and simulation."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from controller.domain.call import Call
from controller.domain.campaign import Campaign, CampaignState, Override
from controller.domain.contact import Contact, NewContact
from controller.domain.ids import E164, CallId, CampaignId, ContactId
from controller.domain.outcome import Outcome
from controller.domain.regulation import Regulation
from controller.errors import ProtocolError, RecordsUnreachable
from controller.law import PROFILES
from controller.ports import AttemptEnd, CampaignFigures, CampaignRow, ImportResult
from controller.store.records_rows import (
    campaign_taken,
    check_law,
    no_such_campaign,
    operator_due_after,
    require_outcome,
)
from controller.store.schema import DONE, IN_FLIGHT, PENDING


@dataclass(slots=True)
class _Entry:
    contact: Contact
    status: str = PENDING
    current_call: CallId | None = None
    last_outcome: Outcome | None = None


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
    """

    def __init__(self, *, profiles: Mapping[str, Regulation] = PROFILES) -> None:
        """An empty store that knows these regulation profiles."""
        self.fail = False
        self.overrides: list[tuple[CampaignId, Override, datetime]] = []
        self._profiles = profiles
        self._campaigns: dict[CampaignId, _Campaign] = {}
        self._contacts: dict[ContactId, _Entry] = {}
        self._calls: dict[CallId, Call] = {}
        self._open: dict[CallId, None] = {}

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
        """Store a new campaign as draft."""
        self._answer()
        check_law(campaign, self._profiles)
        if campaign.id in self._campaigns:
            raise campaign_taken(campaign.id)
        self._campaigns[campaign.id] = _Campaign(CampaignRow(campaign=campaign, state=CampaignState.DRAFT))

    async def campaign(self, campaign: CampaignId) -> CampaignRow | None:
        """One campaign."""
        self._answer()
        found = self._campaigns.get(campaign)
        return found.row if found else None

    async def campaigns(self) -> Sequence[CampaignRow]:
        """All campaigns, by id."""
        self._answer()
        return [self._campaigns[campaign].row for campaign in sorted(self._campaigns)]

    async def set_campaign_state(self, campaign: CampaignId, state: CampaignState, reason: str = "") -> None:
        """Record a change of state and why."""
        self._answer()
        known = self._known(campaign)
        known.row = replace(known.row, state=state, reason=reason)

    async def record_override(self, campaign: CampaignId, override: Override, now: datetime) -> None:
        """Record who lifted a budget, when and why."""
        self._answer()
        self._known(campaign)
        self.overrides.append((campaign, override, now))

    # --- contacts

    async def add_contacts(self, campaign: CampaignId, contacts: Sequence[NewContact]) -> ImportResult:
        """Store contacts; numbers the campaign has already are left as they are."""
        self._answer()
        into = self._known(campaign)
        known: list[int] = []
        for new in contacts:
            if new.number in into.by_number:
                known.append(new.line)
                continue
            key = ContactId(len(self._contacts) + 1)
            contact = Contact(
                id=key, campaign=campaign, number=new.number, name=new.name, attributes=dict(new.attributes)
            )
            self._contacts[key] = _Entry(contact)
            into.by_number[new.number] = key
            into.fresh[key] = None
        return ImportResult(stored=len(contacts) - len(known), known=tuple(known))

    async def due_contacts(self, campaign: CampaignId, now: datetime, limit: int) -> Sequence[Contact]:
        """Contacts that may be called now and have no attempt under way, longest due first."""
        self._answer()
        if campaign not in self._campaigns:
            return []
        of = self._campaigns[campaign]
        due = ((at, key) for key in of.waiting if (at := self._contacts[key].contact.due_at) and at <= now)
        keys = [key for _, key in heapq.nsmallest(limit, due)]
        keys += islice(of.fresh, limit - len(keys))
        return [self._contacts[key].contact for key in keys]

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

    async def postpone(self, contact: ContactId, until: datetime) -> None:
        """Do not offer the contact before ``until``; if it is due later already, that stays."""
        self._answer()
        entry = self._contacts.get(contact)
        if entry is None or entry.status == DONE:
            return
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

    async def attempt_started(self, call: Call) -> None:
        """Record the attempt. Before that nothing is dialed."""
        self._answer()
        if call.id in self._calls:
            return
        entry = self._contacts.get(call.contact.id)
        if entry is None or entry.current_call is not None:
            raise ProtocolError("The record store refused the attempts: no such contact, or it is in flight.")
        self._calls[call.id] = _as_recorded(call.evolve(outcome=None))
        self._open[call.id] = None
        entry.status, entry.current_call = IN_FLIGHT, call.id
        self._file(entry)

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
        if entry.current_call == end.call.id or (entry.current_call is None and recorded is None):
            self._conclude(entry, end, outcome)
        if recorded is not None:  # what was fixed at the start stays
            end = replace(end, call=end.call.evolve(covered=recorded.covered, guaranteed=recorded.guaranteed))
        self._calls[end.call.id] = _as_recorded(end.call)
        self._open.pop(end.call.id, None)

    def _conclude(self, entry: _Entry, end: AttemptEnd, outcome: Outcome) -> None:
        owed = operator_due_after(outcome)
        entry.contact = replace(
            entry.contact,
            attempts=entry.contact.attempts + end.counts_as_attempt,
            due_at=end.next_due,
            operator_due=entry.contact.operator_due if owed is None else owed,
        )
        entry.status = DONE if end.next_due is None else PENDING
        entry.current_call, entry.last_outcome = None, outcome
        self._file(entry)

    async def attempt(self, call: CallId) -> Call | None:
        """An attempt as recorded, with its contact as it is now."""
        self._answer()
        recorded = self._calls.get(call)
        return self._with_contact(recorded) if recorded else None

    async def open_attempts(self) -> Sequence[Call]:
        """Attempts recorded as started and not ended, oldest first."""
        self._answer()
        return [self._with_contact(self._calls[call]) for call in self._open]

    def _with_contact(self, call: Call) -> Call:
        return call.evolve(contact=self._contacts[call.contact.id].contact)

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
        entries = [self._contacts[key] for key in of.by_number.values()] if of else []
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


def _as_recorded(call: Call) -> Call:
    """A call without what is not recorded: flags that mean something only while it is under way."""
    return call.evolve(asked_at_answer=False, cut_due=False)


def _seconds(calls: Sequence[Call], until: Callable[[Call], datetime | None]) -> list[float]:
    """From the answer of each call until the time that ``until`` gives, where both are known."""
    times = ((call.answered_at, until(call)) for call in calls)
    return [(at - answered).total_seconds() for answered, at in times if answered and at]
