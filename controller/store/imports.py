"""Imports as jobs, in SQL. Contacts and how far their import has come are one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, not_, or_, select, update

from controller.domain.callback import CallbackState
from controller.domain.contact import NewContact
from controller.domain.ids import CampaignId
from controller.domain.imports import ImportId, ImportJob, ImportState, ImportStep, SavedMapping, Undone
from controller.domain.privacy import NumberKey
from controller.ports import Authorship, ImportResult
from controller.store.access import Access
from controller.store.campaign_rows import no_such_campaign
from controller.store.evidence_chain import append, take_hold
from controller.store.import_rows import (
    calls_under_way,
    gone_on_elsewhere,
    import_entry,
    job_of,
    job_values,
    mapping_of,
    no_such_import,
    not_running,
    undo_entry,
    undone_already,
)
from controller.store.records_contacts import insert_contacts
from controller.store.schema import DONE, IN_FLIGHT, campaigns, contact_numbers, contacts, metadata
from controller.store.schema_imports import import_batches, import_mappings, imports
from controller.store.schema_work import callbacks

_PER_TIMEOUT = 2000
"""Contacts for which a batch is given once the store's timeout."""
_UNDO_PATIENCE = 60
"""Times the store's timeout that undoing an import may take: a million contacts take half a minute."""
_LOOK = "a look at the imports"


class SqlImports:
    """``Imports`` (controller.ports) in the record store."""

    def __init__(self, access: Access, number_key: NumberKey) -> None:
        self._access = access
        self._key = number_key

    async def begin(self, job: ImportJob) -> None:
        """Store a new job, or one that goes on: it runs (again)."""

        def store(connection: Connection) -> None:
            if connection.scalar(select(campaigns.c.id).where(campaigns.c.id == job.campaign)) is None:
                raise no_such_campaign(job.campaign)
            take_hold(connection)
            found = _job(connection, job.id)
            if found is None:
                connection.execute(insert(imports).values(**job_values(job)))
                append(connection, [import_entry(job, "begin", job.started_at)])
                return
            if found.state not in (ImportState.RUNNING, ImportState.FAILED):
                raise not_running(found)
            again = {"state": ImportState.RUNNING.value, "ended_at": None, "problem": ""}
            connection.execute(update(imports).where(imports.c.id == job.id).values(**again))

        await self._access.write(store, "an import's begin")

    async def job(self, import_id: ImportId) -> ImportJob | None:
        """One job."""
        rows = await self._access.rows(select(imports).where(imports.c.id == import_id), _LOOK)
        return job_of(rows[0]) if rows else None

    async def jobs(
        self, campaign: CampaignId | None = None, *, after: ImportId | None = None, limit: int = 100
    ) -> Sequence[ImportJob]:
        """Jobs, the newest first, from the one after ``after``, ``limit`` at most."""
        statement = select(imports).order_by(imports.c.started_at.desc(), imports.c.id.desc()).limit(limit)
        if campaign is not None:
            statement = statement.where(imports.c.campaign == campaign)
        if after is not None:
            last = select(imports.c.started_at).where(imports.c.id == after).scalar_subquery()
            same = and_(imports.c.started_at == last, imports.c.id < after)
            statement = statement.where(or_(imports.c.started_at < last, same))
        return [job_of(row) for row in await self._access.rows(statement, _LOOK)]

    async def same(self, campaign: CampaignId, digest: str, way: str) -> ImportJob | None:
        """The newest job that imports this file in this way and is not undone."""
        statement = (
            select(imports)
            .where(
                imports.c.campaign == campaign,
                imports.c.digest == digest,
                imports.c.way == way,
                imports.c.state != ImportState.UNDONE.value,
            )
            .order_by(imports.c.started_at.desc(), imports.c.id.desc())
            .limit(1)
        )
        rows = await self._access.rows(statement, _LOOK)
        return job_of(rows[0]) if rows else None

    async def store_batch(
        self, import_id: ImportId, contacts: Sequence[NewContact], step: ImportStep, now: datetime
    ) -> ImportResult:
        """Store contacts, and that it is done, in one transaction."""

        def store(connection: Connection) -> ImportResult:
            mine = (
                update(imports)
                .where(
                    imports.c.id == import_id,
                    imports.c.state == ImportState.RUNNING.value,
                    imports.c.line == step.after,
                )
                .values(line=step.line, updated_at=now)
            )
            # First a write: nobody else changes the job between our look and our change.
            moved = connection.execute(mine).rowcount
            job = _job(connection, import_id)
            if job is None:
                raise no_such_import(import_id)
            if not moved:
                raise not_running(job) if job.state is not ImportState.RUNNING else gone_on_elsewhere(job)
            result = insert_contacts(connection, job.campaign, contacts, self._key, import_id)
            _count(connection, import_id, step, result)
            return result

        patience = self._access.timeout * (1 + len(contacts) / _PER_TIMEOUT)
        return await self._access.write(store, "new contacts", patience)

    async def known_lines(self, import_id: ImportId) -> Collection[int]:
        """Lines that were not stored because the campaign had a number of theirs; while it is not done."""
        statement = select(import_batches.c.known).where(import_batches.c.import_id == import_id)
        rows = await self._access.rows(statement, _LOOK)
        return {line for row in rows for line in row.known}

    async def finish(
        self, import_id: ImportId, state: ImportState, now: datetime, problem: str = ""
    ) -> ImportJob:
        """The job is done, or has failed; returns it as it is now."""

        def end(connection: Connection) -> ImportJob:
            take_hold(connection)
            of_job = imports.c.id == import_id
            job = _job(connection, import_id)
            if job is None:
                raise no_such_import(import_id)
            if job.state is not ImportState.RUNNING:
                raise not_running(job)
            connection.execute(
                update(imports).where(of_job).values(state=state.value, ended_at=now, problem=problem)
            )
            if state is ImportState.DONE:
                _forget_batches(connection, import_id)
            append(connection, [import_entry(job, state.value, now)])
            ended = _job(connection, import_id)
            assert ended is not None
            return ended

        return await self._access.write(end, "an import's end")

    async def undo(self, import_id: ImportId, who: Authorship, now: datetime) -> Undone:
        """Take back all of an import's contacts, in one transaction."""

        def undo(connection: Connection) -> Undone:
            # Nothing can begin to call one of them between our look and our change.
            take_hold(connection)
            job = _job(connection, import_id)
            if job is None:
                raise no_such_import(import_id)
            if job.state is ImportState.UNDONE:
                raise undone_already(job)
            busy = connection.scalar(
                select(func.count()).where(contacts.c.import_id == import_id, contacts.c.status == IN_FLIGHT)
            )
            if busy:
                raise calls_under_way(job, busy)
            done = _take_back(connection, job, now)
            what = f"undone by {who.author}: {who.reason}"
            values = {"state": ImportState.UNDONE.value, "ended_at": now, "problem": what}
            connection.execute(update(imports).where(imports.c.id == import_id).values(**values))
            _forget_batches(connection, import_id)
            append(connection, [undo_entry(job, done, who, now)])
            return done

        return await self._access.write(
            undo, "the undoing of an import", self._access.timeout * _UNDO_PATIENCE
        )

    async def mapping(self, source: str) -> SavedMapping | None:
        """What the columns of a source mean; None if nothing is saved."""
        statement = select(import_mappings).where(import_mappings.c.source == source)
        rows = await self._access.rows(statement, _LOOK)
        return mapping_of(rows[0]) if rows else None

    async def mappings(self) -> Sequence[SavedMapping]:
        """All that are saved, by source."""
        statement = select(import_mappings).order_by(import_mappings.c.source)
        return [mapping_of(row) for row in await self._access.rows(statement, _LOOK)]

    async def save_mapping(self, mapping: SavedMapping) -> None:
        """Save what the columns of a source mean, in the place of what was saved."""
        values = {
            "columns": [list(pair) for pair in mapping.columns.items()],
            "author": mapping.author,
            "saved_at": mapping.saved_at,
        }

        def save(connection: Connection) -> None:
            of_source = import_mappings.c.source == mapping.source
            if not connection.execute(update(import_mappings).where(of_source).values(**values)).rowcount:
                connection.execute(insert(import_mappings).values(source=mapping.source, **values))

        await self._access.write(save, "the meaning of columns")

    async def remove_mapping(self, source: str) -> bool:
        """Forget it; whether there was one."""
        statement = delete(import_mappings).where(import_mappings.c.source == source)
        return await self._access.write(
            lambda connection: bool(connection.execute(statement).rowcount), "the meaning of columns"
        )


def _job(connection: Connection, import_id: ImportId) -> ImportJob | None:
    row = connection.execute(select(imports).where(imports.c.id == import_id)).one_or_none()
    return None if row is None else job_of(row)


def _count(connection: Connection, import_id: ImportId, step: ImportStep, result: ImportResult) -> None:
    """Add a batch to the job's counts; note which of its lines were known."""
    known = len(result.known)
    counts = {
        "rows": imports.c.rows + (result.stored + known + step.invalid + step.duplicates),
        "stored": imports.c.stored + result.stored,
        "invalid": imports.c.invalid + step.invalid,
        "duplicates": imports.c.duplicates + step.duplicates,
        "known": imports.c.known + known,
    }
    connection.execute(update(imports).where(imports.c.id == import_id).values(**counts))
    if known:
        batch = {"import_id": import_id, "line": step.line, "known": list(result.known)}
        connection.execute(insert(import_batches).values(**batch))


def _forget_batches(connection: Connection, import_id: ImportId) -> None:
    connection.execute(delete(import_batches).where(import_batches.c.import_id == import_id))


def _take_back(connection: Connection, job: ImportJob, now: datetime) -> Undone:
    """Delete the contacts of an import of whom nothing else is recorded; close the others."""
    theirs = and_(contacts.c.campaign == job.campaign, contacts.c.import_id == job.id)
    kept = _told_of_elsewhere()
    closing = update(contacts).where(theirs, kept, contacts.c.status != DONE)
    nothing_more = {"status": DONE, "due_at": None, "callback_at": None, "callback_for": None}
    promised = callbacks.c.contact.in_(select(contacts.c.id).where(theirs))
    cancelled = {"state": CallbackState.CANCELLED.value, "ended_at": now}
    connection.execute(
        update(callbacks).where(promised, callbacks.c.state == CallbackState.OPEN.value).values(**cancelled)
    )
    closed = connection.execute(closing.values(**nothing_more)).rowcount
    gone = select(contacts.c.id).where(theirs, not_(kept))
    connection.execute(delete(contact_numbers).where(contact_numbers.c.contact.in_(gone)))
    deleted = connection.execute(delete(contacts).where(theirs, not_(kept))).rowcount
    return Undone(deleted=deleted, closed=closed)


def _told_of_elsewhere() -> ColumnElement[bool]:
    """Whether any table tells of a contact: attempts, call-backs, whatever refers to contacts."""
    referring: list[Any] = [
        contacts.c.id.in_(select(key.parent).where(key.parent.is_not(None)))
        for table in metadata.sorted_tables
        if table is not contact_numbers
        for key in table.foreign_keys
        if key.column is contacts.c.id
    ]
    return or_(*referring)
