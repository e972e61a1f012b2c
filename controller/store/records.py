"""What lasts, in SQL: SQLite in a file by default, PostgreSQL by URL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Select, bindparam, case, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from controller.domain.call import Call
from controller.domain.campaign import Campaign, CampaignState, Override
from controller.domain.contact import Contact, NewContact
from controller.domain.ids import CallId, CampaignId, ContactId
from controller.domain.outcome import Outcome
from controller.domain.regulation import PROFILES, Regulation
from controller.ports import AttemptEnd, CampaignFigures, CampaignRow, ImportResult
from controller.store.record_statements import AttemptStatements
from controller.store.record_writer import RecordWriter
from controller.store.records_engine import make_engine, parse_url, prepare, reserve_file, translating
from controller.store.records_rows import (
    AttemptRow,
    call_of,
    campaign_row,
    campaign_taken,
    campaign_values,
    check_law,
    contact_of,
    contact_values,
    end_row,
    no_such_campaign,
    select_calls,
    select_campaigns,
    select_contacts,
    start_row,
    utc_now,
)
from controller.store.schema import (
    DONE,
    IN_FLIGHT,
    PENDING,
    Instant,
    attempts,
    campaigns,
    contacts,
    heartbeat,
    overrides,
)

_CONTACTS_PER_TIMEOUT = 2000
"""Contacts for which ``add_contacts`` is given once the timeout: a large import is slow, not unreachable."""
_NUMBERS_PER_QUERY = 1000

_PENDING = select_contacts().where(
    contacts.c.campaign == bindparam("p_campaign"), contacts.c.status == PENDING
)
_DUE = (
    _PENDING.where(contacts.c.due_at <= bindparam("p_now", type_=Instant))
    .order_by(contacts.c.due_at, contacts.c.id)
    .limit(bindparam("p_limit"))
)
_FRESH = _PENDING.where(contacts.c.due_at.is_(None)).order_by(contacts.c.id).limit(bindparam("p_limit"))


class SqlRecords:
    """``Records`` (controller.ports) in an SQL database.

    Use it as ``async with SqlRecords(url) as records``, or call ``open`` and ``close``. Every method raises
    RecordsUnreachable when the database gives no confirmed answer within the timeout.

    After RecordsUnreachable from ``attempt_started`` the attempt may have been recorded all the same (its
    confirmation came too late); ``attempt_ended`` with FAILED or CANCELLED puts things right in both cases.
    """

    def __init__(
        self,
        url: str,
        timeout: float = 2.0,
        *,
        linger: float = 0.01,
        profiles: Mapping[str, Regulation] = PROFILES,
    ) -> None:
        """Describe the store.

        Args:
            url: of the database, as ``sqlite+aiosqlite:///path`` or ``postgresql+asyncpg://...``.
            timeout: seconds until a call gives up.
            linger: seconds an attempt waits for others to share its commit with.
            profiles: regulation profiles by name.

        Raises:
            BadInput: the URL cannot be used.
        """
        self._url = parse_url(url)
        self._timeout = timeout
        self._profiles = profiles
        self._engine = make_engine(self._url, timeout)
        statements = AttemptStatements(self._engine.dialect.name)
        self._writer: RecordWriter[AttemptRow] = RecordWriter(
            self._engine, statements.store, timeout=timeout, linger=linger
        )

    async def open(self) -> None:
        """Make the tables if they are missing and start the writer.

        Raises:
            BadInput: the database belongs to a newer version of the program.
        """
        reserve_file(self._url)
        try:
            async with translating("its opening", self._timeout):
                await prepare(self._engine)
        except BaseException:
            await self._engine.dispose()
            raise
        self._writer.start()

    async def close(self) -> None:
        """Write what is under way, then close every connection."""
        await self._writer.close()
        await self._engine.dispose()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @asynccontextmanager
    async def _reading(self, doing: str) -> AsyncIterator[AsyncConnection]:
        async with translating(doing, self._timeout), self._engine.connect() as connection:
            yield connection

    async def ping(self) -> None:
        """Raise RecordsUnreachable unless the store takes writes."""

        async def beat(connection: AsyncConnection) -> None:
            await connection.execute(update(heartbeat).values(beats=heartbeat.c.beats + 1))

        await self._writer.run(beat, "a test write")

    # --- campaigns

    async def save_campaign(self, campaign: Campaign) -> None:
        """Store a new campaign as draft."""
        check_law(campaign, self._profiles)

        async def save(connection: AsyncConnection) -> None:
            try:
                await connection.execute(insert(campaigns).values(campaign_values(campaign, utc_now())))
            except IntegrityError as error:
                raise campaign_taken(campaign.id) from error

        await self._writer.run(save, "a new campaign")

    async def campaign(self, campaign: CampaignId) -> CampaignRow | None:
        """One campaign."""
        async with self._reading("a look at a campaign") as connection:
            row = (await connection.execute(select_campaigns().where(campaigns.c.id == campaign))).first()
        return None if row is None else campaign_row(row, self._profiles)

    async def campaigns(self) -> Sequence[CampaignRow]:
        """All campaigns, by id."""
        async with self._reading("a look at the campaigns") as connection:
            rows = (await connection.execute(select_campaigns().order_by(campaigns.c.id))).all()
        return [campaign_row(row, self._profiles) for row in rows]

    async def set_campaign_state(self, campaign: CampaignId, state: CampaignState, reason: str = "") -> None:
        """Record a change of state and why."""

        async def change(connection: AsyncConnection) -> None:
            statement = update(campaigns).where(campaigns.c.id == campaign)
            if not (await connection.execute(statement.values(state=state.value, reason=reason))).rowcount:
                raise no_such_campaign(campaign)

        await self._writer.run(change, "a campaign's state")

    async def record_override(self, campaign: CampaignId, override: Override, now: datetime) -> None:
        """Record who lifted a budget, when and why. Append-only."""

        async def record(connection: AsyncConnection) -> None:
            values = {"campaign": campaign, "author": override.author, "reason": override.reason, "at": now}
            try:
                await connection.execute(insert(overrides).values(values))
            except IntegrityError as error:
                raise no_such_campaign(campaign) from error

        await self._writer.run(record, "an override")

    # --- contacts

    async def add_contacts(self, campaign: CampaignId, contacts: Sequence[NewContact]) -> ImportResult:
        """Store contacts in one transaction; numbers the campaign has already are left as they are.

        Give some thousand at a time: attempts wait for the transaction.
        """
        timeout = self._timeout * (1 + len(contacts) / _CONTACTS_PER_TIMEOUT)

        async def add(connection: AsyncConnection) -> ImportResult:
            return await _add_contacts(connection, campaign, contacts)

        return await self._writer.run(add, "new contacts", timeout)

    async def due_contacts(self, campaign: CampaignId, now: datetime, limit: int) -> Sequence[Contact]:
        """Contacts that may be called now and have no attempt under way, longest due first.

        Those never called (and never postponed) come last, in the order of their import.
        """
        async with self._reading("a look at the contacts") as connection:
            values = {"p_campaign": campaign, "p_now": now, "p_limit": limit}
            rows = list(await connection.execute(_DUE, values))
            if len(rows) < limit:
                values = {"p_campaign": campaign, "p_limit": limit - len(rows)}
                rows += await connection.execute(_FRESH, values)
        return [contact_of(row) for row in rows]

    async def next_due(self, campaign: CampaignId, now: datetime) -> datetime | None:
        """When the next contact that is not yet due will be; None if the campaign is done with all.

        ``now`` if no contact waits for a later time but some are due or have an attempt under way.
        """
        of_campaign = contacts.c.campaign == campaign
        later = select(func.min(contacts.c.due_at)).where(
            of_campaign, contacts.c.status == PENDING, contacts.c.due_at > now
        )
        left = select(contacts.c.id).where(of_campaign, contacts.c.status.in_((PENDING, IN_FLIGHT))).limit(1)
        async with self._reading("a look at the contacts") as connection:
            at: datetime | None = await connection.scalar(later)
            if at is None and await connection.scalar(left) is not None:
                return now
        return at

    async def postpone(self, contact: ContactId, until: datetime) -> None:
        """Do not offer the contact before ``until``; if it is due later already, that stays."""
        sooner = or_(contacts.c.due_at.is_(None), contacts.c.due_at < until)
        statement = update(contacts).where(contacts.c.id == contact, contacts.c.status != DONE, sooner)

        async def put_off(connection: AsyncConnection) -> None:
            await connection.execute(statement.values(due_at=until))

        await self._writer.run(put_off, "a postponed contact")

    # --- attempts

    async def attempt_started(self, call: Call) -> None:
        """Record the attempt; returns when it is durable. Before that nothing is dialed."""
        await self._writer.put(start_row(call, utc_now()), "the start of a call")

    async def attempt_ended(self, end: AttemptEnd) -> None:
        """Record how it ended; returns when it is durable. Saying it twice changes nothing."""
        await self._writer.put(end_row(end, utc_now()), "the end of a call")

    async def attempt(self, call: CallId) -> Call | None:
        """An attempt as recorded, with its contact as it is now."""
        found = await self._calls(select_calls().where(attempts.c.id == call))
        return found[0] if found else None

    async def open_attempts(self) -> Sequence[Call]:
        """Attempts recorded as started and not ended, oldest first."""
        return await self._calls(
            select_calls().where(attempts.c.outcome.is_(None)).order_by(attempts.c.started_at, attempts.c.id)
        )

    async def _calls(self, statement: Select[Any]) -> Sequence[Call]:
        async with self._reading("a look at the attempts") as connection:
            return [call_of(row) for row in await connection.execute(statement)]

    async def figures(self, campaign: CampaignId) -> CampaignFigures:
        """The campaign's numbers, computed by the database from the attempts."""
        async with self._reading("the campaign's figures") as connection:
            return await _figures(connection, campaign)


async def _add_contacts(
    connection: AsyncConnection, campaign: CampaignId, new: Sequence[NewContact]
) -> ImportResult:
    # A write first: it holds off other imports into this campaign (also from other programs) between our look
    # at the numbers and our insert, and shows whether there is such a campaign.
    touch = update(campaigns).where(campaigns.c.id == campaign).values(state=campaigns.c.state)
    if not (await connection.execute(touch)).rowcount:
        raise no_such_campaign(campaign)
    seen: set[str] = set()
    for start in range(0, len(new), _NUMBERS_PER_QUERY):
        numbers = [contact.number for contact in new[start : start + _NUMBERS_PER_QUERY]]
        here = select(contacts.c.number).where(
            contacts.c.campaign == campaign, contacts.c.number.in_(numbers)
        )
        seen.update((await connection.execute(here)).scalars())
    fresh: list[dict[str, Any]] = []
    known: list[int] = []
    for contact in new:
        if contact.number in seen:
            known.append(contact.line)
            continue
        seen.add(contact.number)
        fresh.append(contact_values(campaign, contact))
    if fresh:
        await connection.execute(insert(contacts), fresh)
    return ImportResult(stored=len(fresh), known=known)


async def _figures(connection: AsyncConnection, campaign: CampaignId) -> CampaignFigures:
    total, pending = (
        await connection.execute(
            select(func.count(), func.count(case((contacts.c.status == PENDING, 1)))).where(
                contacts.c.campaign == campaign
            )
        )
    ).one()
    of_campaign = attempts.c.campaign == campaign
    counts = await connection.execute(
        select(attempts.c.outcome, func.count()).where(of_campaign).group_by(attempts.c.outcome)
    )
    by_outcome = {None if name is None else Outcome(name): count for name, count in counts}
    under_way = by_outcome.pop(None, 0)
    bridged = (
        await connection.execute(
            select(attempts.c.answered_at, attempts.c.bridged_at, attempts.c.waited)
            .where(of_campaign, attempts.c.outcome == Outcome.CONNECTED.value)
            .where(attempts.c.answered_at.is_not(None), attempts.c.bridged_at.is_not(None))
            .order_by(attempts.c.answered_at, attempts.c.id)
        )
    ).all()
    unattended = [
        (ended - answered).total_seconds()
        for answered, ended in await connection.execute(
            select(attempts.c.answered_at, attempts.c.ended_at)
            .where(of_campaign, attempts.c.outcome == Outcome.SILENT.value)
            .where(attempts.c.answered_at.is_not(None), attempts.c.ended_at.is_not(None))
        )
    ]
    return CampaignFigures(
        campaign=campaign,
        contacts=total,
        pending=pending,
        by_outcome={outcome: count for outcome, count in by_outcome.items() if outcome is not None},
        open=under_way,
        rescued=sum(waited for _, _, waited in bridged),
        answer_to_bridge=[(at - answered).total_seconds() for answered, at, _ in bridged],
        longest_unattended=max(unattended, default=None),
    )
