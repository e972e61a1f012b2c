"""Call-backs, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, case, literal, or_, select, update

from controller.domain.callback import Callback, CallbackState, Promise
from controller.domain.ids import AgentId, CampaignId, ContactId
from controller.domain.outcome import Outcome
from controller.ports.work import DueCallback
from controller.store.access import Access, chunks
from controller.store.contact_rows import contact_of, select_contacts
from controller.store.evidence_chain import take_hold
from controller.store.schema import DONE, IN_FLIGHT, PENDING, Instant, campaigns, contacts
from controller.store.schema_work import callbacks
from controller.store.work_rows import (
    callback_of,
    callback_values,
    no_such_callback,
    no_such_contact,
    not_open,
    person_erased,
    select_callbacks,
)
from controller.store.work_settling import RULE, add_callback, end_callback, mirror, open_callbacks

_OPEN = callbacks.c.state == CallbackState.OPEN.value


class SqlCallbacks:
    """``Callbacks`` (controller.ports.work) in the record store."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def promise(self, contact: ContactId, promise: Promise, author: str, now: datetime) -> Callback:
        """Store a promise outside of a call; one that is open is cancelled by it."""

        def store(connection: Connection) -> Callback:
            take_hold(connection)
            row = connection.execute(
                select_contacts().add_columns(contacts.c.erased_at).where(contacts.c.id == contact)
            ).one_or_none()
            if row is None:
                raise no_such_contact(contact)
            if row.erased_at is not None:
                raise person_erased(contact)
            for old in open_callbacks(connection, [contact]).values():
                end_callback(connection, old.id, CallbackState.CANCELLED, now)
            made = add_callback(connection, callback_values(promise, contact_of(row), author, now))
            _due(connection, contact, promise.at)
            return _found(connection, made)

        return await self._access.write(store, "a call-back")

    async def callback(self, callback: int) -> Callback | None:
        """One call-back."""
        rows = await self._access.rows(
            select_callbacks().where(callbacks.c.id == callback), "a look at the call-backs"
        )
        return callback_of(rows[0]) if rows else None

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
        statement = select_callbacks().order_by(callbacks.c.at, callbacks.c.id).limit(limit)
        wanted = {"campaign": campaign, "contact": contact, "agent": agent, "state": state and state.value}
        for name, value in wanted.items():
            if value is not None:
                statement = statement.where(callbacks.c[name] == value)
        if after is not None:
            at = literal(after[0], Instant)
            later = and_(callbacks.c.at == at, callbacks.c.id > after[1])
            statement = statement.where(or_(callbacks.c.at > at, later))
        return [callback_of(row) for row in await self._access.rows(statement, "a look at the call-backs")]

    async def due_callbacks(
        self, campaign: CampaignId, now: datetime, ahead: timedelta, limit: int = 1000
    ) -> Sequence[DueCallback]:
        """Open ones for ``now + ahead`` and before, by their hour; none whose contact is being called."""
        ripe = (
            select_callbacks()
            .join(contacts, callbacks.c.contact == contacts.c.id)
            .where(
                callbacks.c.campaign == campaign,
                _OPEN,
                callbacks.c.at <= now + ahead,
                contacts.c.status == PENDING,
            )
            .order_by(callbacks.c.at, callbacks.c.id)
            .limit(limit)
        )

        def look(connection: Connection) -> list[DueCallback]:
            found = [callback_of(row) for row in connection.execute(ripe)]
            theirs = {
                row.id: contact_of(row)
                for some in chunks([each.contact for each in found])
                for row in connection.execute(select_contacts().where(contacts.c.id.in_(some)))
            }
            return [DueCallback(callback=each, contact=theirs[each.contact]) for each in found]

        return await self._access.read(look, "a look at the call-backs")

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

        def change(connection: Connection) -> Callback:
            take_hold(connection)
            known = _require_open(connection, callback)
            tries = known.tries + missed
            values = {"at": at, "agent": agent, "tries": tries}
            connection.execute(update(callbacks).where(callbacks.c.id == callback).values(values))
            if missed and tries >= RULE.tries:
                end_callback(connection, callback, CallbackState.MISSED, now)
                mirror(connection, known.contact, None, None)
                _release(connection, known.contact, at)
            else:
                mirror(connection, known.contact, at, agent)
                _due(connection, known.contact, at)
            return _found(connection, callback)

        return await self._access.write(change, "a call-back")

    async def cancel(self, callback: int, now: datetime) -> Callback:
        """Take it back. The campaign is done with the contact, if it was only waiting for the call."""

        def change(connection: Connection) -> Callback:
            take_hold(connection)
            known = _require_open(connection, callback)
            end_callback(connection, callback, CallbackState.CANCELLED, now)
            mirror(connection, known.contact, None, None)
            _release(connection, known.contact, now)
            return _found(connection, callback)

        return await self._access.write(change, "a call-back")


def _due(connection: Connection, contact: int, at: datetime) -> None:
    """Have a contact called at an hour; during a call, what follows is settled with its end."""
    connection.execute(
        update(contacts)
        .where(contacts.c.id == contact, contacts.c.status != IN_FLIGHT, contacts.c.erased_at.is_(None))
        .values(status=PENDING, due_at=at)
    )


def _release(connection: Connection, contact: int, at: datetime) -> None:
    """Have a contact that was promised a call go on as any other from ``at`` on; done, if it would be."""
    limit = select(campaigns.c.max_attempts).where(campaigns.c.id == contacts.c.campaign).scalar_subquery()
    reached = contacts.c.last_outcome == Outcome.CONNECTED.value
    over = or_(reached, contacts.c.attempts >= limit)
    connection.execute(
        update(contacts)
        .where(contacts.c.id == contact, contacts.c.status == PENDING)
        .values(
            status=case((over, DONE), else_=PENDING), due_at=case((over, None), else_=literal(at, Instant))
        )
    )


def _require_open(connection: Connection, callback: int) -> Callback:
    row = connection.execute(select_callbacks().where(callbacks.c.id == callback)).one_or_none()
    if row is None:
        raise no_such_callback(callback)
    known = callback_of(row)
    if known.state is not CallbackState.OPEN:
        raise not_open(known)
    return known


def _found(connection: Connection, callback: int) -> Callback:
    return callback_of(connection.execute(select_callbacks().where(callbacks.c.id == callback)).one())
