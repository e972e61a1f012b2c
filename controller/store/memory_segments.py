"""Saved segments and the contacts that match them, in memory: the twin of those in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from controller.domain.campaign import ListOrder
from controller.domain.contact import Contact
from controller.domain.funnel import Stage
from controller.domain.ids import CampaignId, ContactId
from controller.domain.segment import Filter, Segment, moves
from controller.domain.segment_match import Facts, matches
from controller.domain.segment_values import tomorrow
from controller.ports import ListedContact
from controller.store.schema import DONE, IN_FLIGHT, PENDING
from controller.store.segments import SPREAD, changed_meanwhile

if TYPE_CHECKING:
    from controller.store.memory_records import MemoryRecords, _Entry


class MemorySegments:
    """``Segments`` (controller.ports.segments) in memory."""

    def __init__(self, records: MemoryRecords) -> None:
        self._records = records
        self._segments: dict[str, Segment] = {}

    # --- saved

    async def save(
        self,
        name: str,
        filter_: Filter,
        *,
        description: str,
        author: str,
        now: datetime,
        expected: int | None = None,
    ) -> Segment:
        """Store a filter under a name."""
        self._records._answer()
        found = self._segments.get(name)
        version = found.version if found else 0
        if expected is not None and expected != version:
            raise changed_meanwhile(name, expected, version)
        saved = Segment(
            name=name,
            filter=filter_,
            description=description,
            version=version + 1,
            author=author,
            created_at=found.created_at if found else now,
            updated_at=now,
        )
        self._segments[name] = saved
        return saved

    async def get(self, name: str) -> Segment | None:
        """The segment of this name."""
        self._records._answer()
        return self._segments.get(name)

    async def all(self) -> Sequence[Segment]:
        """All of them, by name."""
        self._records._answer()
        return [self._segments[name] for name in sorted(self._segments)]

    async def remove(self, name: str, expected: int | None = None) -> bool:
        """Remove one; False if there is none."""
        self._records._answer()
        found = self._segments.get(name)
        if found is None:
            return False
        if expected is not None and expected != found.version:
            raise changed_meanwhile(name, expected, found.version)
        del self._segments[name]
        return True

    # --- contacts

    async def count(self, filter_: Filter, campaign: CampaignId, now: datetime) -> int:
        """How many of the campaign's contacts match now."""
        return sum(1 for _ in self._matching(filter_, campaign, now))

    async def sample(
        self, filter_: Filter, campaign: CampaignId, now: datetime, limit: int
    ) -> Sequence[ListedContact]:
        """Some of them, from all over the list."""
        factor, modulus = SPREAD
        found = sorted(
            self._matching(filter_, campaign, now),
            key=lambda entry: (entry.contact.id * factor % modulus, entry.contact.id),
        )
        return [
            ListedContact(
                contact=entry.contact, done=entry.status == DONE, in_flight=entry.status == IN_FLIGHT
            )
            for entry in found[:limit]
        ]

    async def due(
        self,
        filter_: Filter,
        campaign: CampaignId,
        now: datetime,
        limit: int,
        order: ListOrder = ListOrder.RETRIES_FIRST,
    ) -> Sequence[Contact]:
        """Matching contacts that may be called now, and were promised no call-back."""
        waiting = [
            entry.contact
            for entry in self._matching(filter_, campaign, now)
            if entry.status == PENDING and entry.contact.callback_at is None
        ]
        due = sorted((c.due_at, c.id, c) for c in waiting if c.due_at is not None and c.due_at <= now)
        again = [contact for _, _, contact in due]
        fresh = sorted(
            (contact for contact in waiting if contact.due_at is None),
            key=lambda contact: contact.id,
            reverse=order is ListOrder.NEWEST_FIRST,
        )
        return (again + fresh if order is ListOrder.RETRIES_FIRST else fresh + again)[:limit]

    async def next_due(self, filter_: Filter, campaign: CampaignId, now: datetime) -> datetime | None:
        """When the next matching contact that is not yet due will be; None if all are done with."""
        entries = [e for e in self._matching(filter_, campaign, now) if e.status == PENDING]
        later = [e.contact.due_at for e in entries if e.contact.due_at and e.contact.due_at > now]
        if later:
            return min(later)
        states = {
            entry.status for entry in self._records._contacts.values() if entry.contact.campaign == campaign
        }
        if entries or IN_FLIGHT in states:
            return now
        return tomorrow(now) if moves(filter_) and PENDING in states else None

    def _matching(self, filter_: Filter, campaign: CampaignId, now: datetime) -> Iterator[_Entry]:
        self._records._answer()
        work = self._records.work
        called = self._last_called()
        said = {each.disposed.contact: each.disposed for each in work._said}  # the latest of each contact
        for entry in self._records._contacts.values():
            contact = entry.contact
            if contact.campaign != campaign or contact.number.startswith("#"):
                continue
            last = said.get(contact.id)
            facts = Facts(
                contact=contact,
                last_called=called.get(contact.id),
                last_outcome=entry.last_outcome,
                stage=work._leads.stages.get(contact.id, Stage.CONTACT),
                disposition=last.code if last else "",
                disposition_kind=last.kind.value if last else "",
            )
            if matches(filter_, facts, now):
                yield entry

    def _last_called(self) -> dict[ContactId, datetime]:
        found: dict[ContactId, datetime] = {}
        for call in self._records._calls.values():
            placed = self._records._started[call.id].placed
            found[call.contact.id] = max(placed, found.get(call.contact.id, placed))
        return found
