"""Call-backs in memory: the twin of those in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from controller.domain.callback import Callback, CallbackState, Promise
from controller.domain.ids import AgentId, CallId, CampaignId, ContactId
from controller.domain.outcome import Outcome
from controller.ports.work import DueCallback
from controller.store.schema import DONE, IN_FLIGHT, PENDING
from controller.store.work_rows import no_such_callback, no_such_contact, not_open, person_erased
from controller.store.work_settling import RULE

if TYPE_CHECKING:
    from controller.store.memory_records import MemoryRecords, _Entry


class MemoryCallbacks:
    """``Callbacks`` (controller.ports.work) in memory."""

    def __init__(self, records: MemoryRecords) -> None:
        self._records = records
        self._callbacks: dict[int, Callback] = {}

    async def promise(self, contact: ContactId, promise: Promise, author: str, now: datetime) -> Callback:
        """Store a promise outside of a call; one that is open is cancelled by it."""
        self._records._answer()
        entry = self._records._contacts.get(contact)
        if entry is None:
            raise no_such_contact(contact)
        if erased(entry):
            raise person_erased(contact)
        if (old := self._open(contact)) is not None:
            self._end(old, CallbackState.CANCELLED, now)
        made = self._add(entry, promise, author, now)
        self._due(entry, promise.at)
        return made

    async def callback(self, callback: int) -> Callback | None:
        """One call-back."""
        self._records._answer()
        return self._callbacks.get(callback)

    async def callbacks(
        self,
        *,
        campaign: CampaignId | None = None,
        contact: ContactId | None = None,
        agent: AgentId | None = None,
        state: CallbackState | None = None,
        after: tuple[datetime, int] | None = None,
        limit: int = 1000,
    ) -> Sequence[Callback]:
        """Those to which all of it applies, in the order of (at, id), from the one after ``after``."""
        self._records._answer()
        return [
            each
            for each in self._ordered()
            if campaign in (None, each.campaign)
            and contact in (None, each.contact)
            and agent in (None, each.agent)
            and state in (None, each.state)
            and (after is None or (each.at, each.id) > after)
        ][:limit]

    def _ordered(self) -> list[Callback]:
        return sorted(self._callbacks.values(), key=lambda each: (each.at, each.id))

    async def due_callbacks(
        self, campaign: CampaignId, now: datetime, ahead: timedelta, limit: int = 1000
    ) -> Sequence[DueCallback]:
        """Open ones for ``now + ahead`` and before, by their hour; none whose contact is being called."""
        self._records._answer()
        contacts = self._records._contacts
        return [
            DueCallback(callback=each, contact=contacts[each.contact].contact)
            for each in self._ordered()
            if each.campaign == campaign
            and each.state is CallbackState.OPEN
            and each.at <= now + ahead
            and contacts[each.contact].status == PENDING
        ][:limit]

    async def move(
        self,
        callback: int,
        at: datetime,
        now: datetime,
        *,
        agent: AgentId | None = None,
        missed: bool = False,
    ) -> Callback:
        """Promise it for another hour."""
        self._records._answer()
        known = self._require_open(callback)
        moved = replace(known, at=at, agent=agent, tries=known.tries + missed)
        self._callbacks[callback] = moved
        entry = self._records._contacts[known.contact]
        if missed and moved.tries >= RULE.tries:
            self._end(moved, CallbackState.MISSED, now)
            self._release(entry, at)
        else:
            mirror(entry, at, agent)
            self._due(entry, at)
        return self._callbacks[callback]

    async def cancel(self, callback: int, now: datetime) -> Callback:
        """Take it back. The campaign is done with the contact, if it was only waiting for the call."""
        self._records._answer()
        known = self._require_open(callback)
        self._end(known, CallbackState.CANCELLED, now)
        self._release(self._records._contacts[known.contact], now)
        return self._callbacks[callback]

    def _release(self, entry: _Entry, at: datetime) -> None:
        if entry.status == PENDING:
            limit = self._records._known(entry.contact.campaign).row.campaign.retry.max_attempts
            reached = entry.last_outcome is Outcome.CONNECTED
            self._put(entry, None if reached or entry.contact.attempts >= limit else at)

    def _require_open(self, callback: int) -> Callback:
        known = self._callbacks.get(callback)
        if known is None:
            raise no_such_callback(callback)
        if known.state is not CallbackState.OPEN:
            raise not_open(known)
        return known

    def _open(self, contact: ContactId) -> Callback | None:
        mine = (each for each in self._callbacks.values() if each.contact == contact)
        return next((each for each in mine if each.state is CallbackState.OPEN), None)

    def _add(
        self, entry: _Entry, promise: Promise, author: str, now: datetime, call: CallId | None = None
    ) -> Callback:
        made = Callback(
            id=len(self._callbacks) + 1,
            campaign=entry.contact.campaign,
            contact=entry.contact.id,
            at=promise.at,
            agent=promise.agent,
            note=promise.note,
            author=author,
            created_at=now,
            call=call,
        )
        self._callbacks[made.id] = made
        mirror(entry, made.at, made.agent)
        return made

    def _end(self, callback: Callback, state: CallbackState, at: datetime) -> None:
        self._callbacks[callback.id] = replace(self._callbacks[callback.id], state=state, ended_at=at)
        mirror(self._records._contacts[callback.contact], None, None)

    def _due(self, entry: _Entry, at: datetime) -> None:
        if entry.status != IN_FLIGHT and not erased(entry):
            self._put(entry, at)

    def _put(self, entry: _Entry, due_at: datetime | None) -> None:
        """Have a contact called then; None: the campaign is done with it."""
        entry.status = DONE if due_at is None else PENDING
        entry.contact = replace(entry.contact, due_at=due_at)
        self._records._file(entry)


def erased(entry: _Entry) -> bool:
    """Whether nobody can tell any more who the contact was."""
    return entry.contact.number.startswith("#")


def mirror(entry: _Entry, at: datetime | None, agent: AgentId | None) -> None:
    """Have a contact tell of its open call-back, or that it has none."""
    entry.contact = replace(entry.contact, callback_at=at, callback_for=agent)
