"""Saved segments and the contacts that match them, in SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from itertools import chain, repeat
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Row, Select, and_, delete, func, insert, literal, select, update

from controller.domain.campaign import ListOrder
from controller.domain.contact import Contact
from controller.domain.ids import CampaignId
from controller.domain.segment import Filter, Segment, moves
from controller.domain.segment_json import filter_of, json_of
from controller.domain.segment_values import tomorrow
from controller.errors import Conflict, RecordsUnreachable
from controller.ports import ListedContact
from controller.store.access import Access
from controller.store.contact_rows import contact_of, listed_of, select_contacts
from controller.store.records_database import Work
from controller.store.schema import IN_FLIGHT, PENDING, contacts
from controller.store.schema_segments import segments
from controller.store.segment_sql import Condition, condition
from controller.store.segment_walk import SLICES, Run, again, fresh, later, look

T = TypeVar("T")

PATIENCE: Final = 15
"""A question about all contacts of a campaign is given the store's timeout so many times."""

SPREAD: Final = (48_271, 65_537)
"""Samples are in the order of id * the first modulo the second: from all over the list, and repeatable."""


def changed_meanwhile(name: str, expected: int, found: int) -> Conflict:
    """The error for a segment that is not the one that was looked at."""
    if not found:
        return Conflict(f"there is no segment {name} any more; it was version {expected}")
    if not expected:
        return Conflict(f"there is a segment {name} already (version {found})")
    return Conflict(f"segment {name} is version {found} meanwhile, not {expected}; look at it again")


class SqlSegments:
    """``Segments`` (controller.ports.segments) in the record store."""

    def __init__(self, access: Access, dialect: str) -> None:
        self._access = access
        self._dialect = dialect
        self._patience = access.timeout * PATIENCE
        # A look through a long list keeps one of the store's few readers for seconds, so people get one of
        # them and the dialer gets one; the others stay free for what calls need.
        self._people, self._dialer = asyncio.Lock(), asyncio.Lock()

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
        values = {
            "description": description,
            "filter": json_of(filter_),
            "author": author,
            "updated_at": now,
        }

        def save(connection: Connection) -> Segment:
            found = _version_held(connection, name)
            _check_version(name, expected, found)
            if found:
                changed = update(segments).where(segments.c.name == name)
                connection.execute(changed.values(values | {"version": found + 1}))
            else:
                connection.execute(
                    insert(segments).values(values | {"name": name, "version": 1, "created_at": now})
                )
            return _segment(connection.execute(select(segments).where(segments.c.name == name)).one())

        return await self._access.write(save, "a segment")

    async def get(self, name: str) -> Segment | None:
        """The segment of this name."""
        rows = await self._access.rows(
            select(segments).where(segments.c.name == name), "a look at the segments"
        )
        return _segment(rows[0]) if rows else None

    async def all(self) -> Sequence[Segment]:
        """All of them, by name."""
        rows = await self._access.rows(select(segments).order_by(segments.c.name), "a look at the segments")
        return sorted((_segment(row) for row in rows), key=lambda segment: segment.name)

    async def remove(self, name: str, expected: int | None = None) -> bool:
        """Remove one; False if there is none."""

        def remove(connection: Connection) -> bool:
            found = _version_held(connection, name)
            if not found:
                return False
            _check_version(name, expected, found)
            connection.execute(delete(segments).where(segments.c.name == name))
            return True

        return await self._access.write(remove, "a segment's removal")

    # --- contacts

    async def count(self, filter_: Filter, campaign: CampaignId, now: datetime) -> int:
        """How many of the campaign's contacts match now."""
        statement = select(func.count()).select_from(contacts).where(*self._matching(filter_, campaign, now))
        return await self._alone(self._people, lambda connection: connection.scalar(statement) or 0)

    async def sample(
        self, filter_: Filter, campaign: CampaignId, now: datetime, limit: int
    ) -> Sequence[ListedContact]:
        """Some of them, from all over the list."""
        place = contacts.c.id * literal(SPREAD[0]) % literal(SPREAD[1])
        statement = (
            select_contacts()
            .add_columns(contacts.c.status)
            .where(*self._matching(filter_, campaign, now))
            .order_by(place, contacts.c.id)
            .limit(limit)
        )
        rows = await self._alone(self._people, lambda connection: connection.execute(statement).all())
        return [listed_of(row) for row in rows]

    async def due(
        self,
        filter_: Filter,
        campaign: CampaignId,
        now: datetime,
        limit: int,
        order: ListOrder = ListOrder.RETRIES_FIRST,
    ) -> Sequence[Contact]:
        """Matching contacts that may be called now, and were promised no call-back."""
        wanted = select_contacts().where(
            *self._matching(filter_, campaign, now), contacts.c.callback_at.is_(None)
        )
        runs = [again(campaign, now), fresh(campaign, newest_first=order is ListOrder.NEWEST_FIRST)]
        if order is not ListOrder.RETRIES_FIRST:
            runs.reverse()
        rows: list[Row[Any]] = []
        for run in runs:
            if len(rows) < limit:
                rows += await self._walk(run, wanted, limit - len(rows))
        return [contact_of(row) for row in rows]

    async def next_due(self, filter_: Filter, campaign: CampaignId, now: datetime) -> datetime | None:
        """When the next matching contact that is not yet due will be; None if all are done with."""
        matching = self._matching(filter_, campaign, now)
        if rows := await self._walk(later(campaign, now), select(contacts.c.due_at).where(*matching), 1):
            at: datetime = rows[0][0]
            return at
        left = await self._alone(self._dialer, lambda connection: _states_left(connection, campaign))
        if IN_FLIGHT in left:
            return now
        for run in (fresh(campaign), again(campaign, now)):
            if await self._walk(run, select(contacts.c.id).where(*matching), 1):
                return now
        return tomorrow(now) if moves(filter_) and PENDING in left else None

    async def _walk(self, run: Run, wanted: Select[Any], limit: int) -> list[Row[Any]]:
        """The first rows of those that are wanted; the readers are free between two slices."""
        found: list[Row[Any]] = []
        place: Row[Any] | None = None
        for size in chain(SLICES, repeat(SLICES[-1])):
            work = partial(look, run=run, wanted=wanted, place=place, size=size, limit=limit - len(found))
            rows, place = await self._alone(self._dialer, work)
            found += rows
            if place is None or len(found) >= limit:
                break
        return found

    async def _alone(self, readers: asyncio.Lock, work: Work[T]) -> T:
        """Look through the contacts when nobody else of the same readers does."""
        try:
            async with asyncio.timeout(self._patience):
                await readers.acquire()
        except TimeoutError:
            raise RecordsUnreachable(
                f"Other looks at segments took more than {self._patience:g} s; try again later."
            ) from None
        try:
            return await self._access.read(work, "a look at the contacts", self._patience)
        finally:
            readers.release()

    def _matching(self, filter_: Filter, campaign: CampaignId, now: datetime) -> tuple[Condition, ...]:
        known = contacts.c.erased_at.is_(None)
        return (contacts.c.campaign == campaign, known, condition(filter_, now, self._dialect))


def _states_left(connection: Connection, campaign: CampaignId) -> set[str]:
    """In which states contacts are that the campaign is not done with."""

    def is_any(state: str) -> bool:
        of_state = and_(contacts.c.campaign == campaign, contacts.c.status == state)
        return connection.scalar(select(contacts.c.id).where(of_state).limit(1)) is not None

    return {state for state in (PENDING, IN_FLIGHT) if is_any(state)}


def _version_held(connection: Connection, name: str) -> int:
    """The version that is stored, 0 if there is none; nobody changes it before our transaction ends."""
    # A write first: SQLite lets one transaction write at a time, PostgreSQL holds the row.
    touch = update(segments).where(segments.c.name == name).values(version=segments.c.version)
    connection.execute(touch)
    return connection.scalar(select(segments.c.version).where(segments.c.name == name)) or 0


def _check_version(name: str, expected: int | None, found: int) -> None:
    if expected is not None and expected != found:
        raise changed_meanwhile(name, expected, found)


def _segment(row: Row[Any]) -> Segment:
    return Segment(
        name=row.name,
        filter=filter_of(row.filter, f"segment {row.name}"),
        description=row.description,
        version=row.version,
        author=row.author,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
