"""Scripts and dispositions, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from controller.domain.callback import Callback, CallbackState
from controller.domain.disposition import Effect
from controller.domain.funnel import Stage
from controller.domain.ids import CallId, ContactId
from controller.domain.outcome import Outcome
from controller.domain.script import Question, Script
from controller.ports.work import Disposed, NewDisposition
from controller.store.access import Access
from controller.store.attempt_rows import PLACED, call_of, not_connected, select_calls
from controller.store.evidence_chain import take_hold
from controller.store.schema import attempts, contacts
from controller.store.schema_work import dispositions, scripts
from controller.store.work_callbacks import SqlCallbacks
from controller.store.work_rows import (
    callback_values,
    disposed_of,
    disposition_values,
    kept_by,
    person_erased,
    same,
    script_of,
    script_values,
    select_dispositions,
    stage_after,
)
from controller.store.work_settling import (
    Over,
    add_callback,
    end_callback,
    last_said,
    mirror,
    open_callbacks,
    settle,
)
from controller.store.work_skips import SqlSkips


class SqlScripts:
    """``Scripts`` (controller.ports.work) in the record store."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def save_script(
        self, name: str, body: str, questions: tuple[Question, ...], author: str, now: datetime
    ) -> Script:
        """Store the next version; returns the latest one, unchanged, if nothing is different."""

        def save(connection: Connection) -> Script:
            take_hold(connection)  # of two programs, the second sees the first one's version
            row = connection.execute(_LATEST.where(scripts.c.name == name).limit(1)).one_or_none()
            latest = None if row is None else script_of(row)
            if latest is not None and (latest.body, latest.questions) == (body, questions):
                return latest
            version = 1 if latest is None else latest.version + 1
            connection.execute(
                insert(scripts).values(script_values(name, version, body, questions, author, now))
            )
            return Script(
                name=name, version=version, body=body, questions=questions, author=author, created_at=now
            )

        return await self._access.write(save, "a script")

    async def script(self, name: str, version: int | None = None) -> Script | None:
        """A version; the latest one if none is named."""
        statement = _LATEST.where(scripts.c.name == name).limit(1)
        if version is not None:
            statement = statement.where(scripts.c.version == version)
        rows = await self._access.rows(statement, "a look at the scripts")
        return script_of(rows[0]) if rows else None

    async def scripts(self) -> Sequence[Script]:
        """The latest version of every script, by name."""
        newest = select(scripts.c.name, func.max(scripts.c.version).label("version")).group_by(scripts.c.name)
        latest = newest.subquery()
        statement = (
            select(scripts)
            .join(latest, (scripts.c.name == latest.c.name) & (scripts.c.version == latest.c.version))
            .order_by(scripts.c.name)
        )
        return [script_of(row) for row in await self._access.rows(statement, "a look at the scripts")]

    async def versions(self, name: str, limit: int = 100) -> Sequence[Script]:
        """A script's versions, the latest first, ``limit`` at most."""
        statement = _LATEST.where(scripts.c.name == name).limit(limit)
        return [script_of(row) for row in await self._access.rows(statement, "a look at the scripts")]


_LATEST = select(scripts).order_by(scripts.c.version.desc())


class SqlDispositions:
    """``Dispositions`` (controller.ports.work) in the record store."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def dispose(self, new: NewDisposition) -> tuple[Disposed, bool]:
        """Store what came of a call, with what follows for its contact, in one transaction."""
        return await self._access.write(lambda connection: _dispose(connection, new), "a disposition")

    async def dispositions(
        self, *, call: CallId | None = None, contact: ContactId | None = None, limit: int = 1000
    ) -> Sequence[Disposed]:
        """What was said of a call, or of all calls to a contact, the latest first."""
        statement = select_dispositions().order_by(dispositions.c.id.desc()).limit(limit)
        if call is not None:
            statement = statement.where(dispositions.c.call == call)
        if contact is not None:
            statement = statement.where(dispositions.c.contact == contact)
        rows = await self._access.rows(statement, "a look at the dispositions")
        return [disposed_of(row) for row in rows]


def _dispose(connection: Connection, new: NewDisposition) -> tuple[Disposed, bool]:
    # Neither the call's end nor another disposition of it can come in between.
    take_hold(connection)
    row = connection.execute(select_calls().where(attempts.c.id == new.call)).one_or_none()
    call = None if row is None else call_of(row)
    reached = call is not None and (
        call.outcome is Outcome.CONNECTED or (call.outcome is None and new.talking)
    )
    if call is None or not reached:
        raise not_connected(new.call)
    contact = connection.execute(
        select(contacts.c.stage, contacts.c.erased_at).where(contacts.c.id == call.contact.id)
    ).one()
    if contact.erased_at is not None:
        if new.promise is not None:
            raise person_erased(call.contact.id)
        new = replace(new, notes="", answers={})
    said = last_said(connection, [call.id]).get(call.id)
    promise = open_callbacks(connection, [call.contact.id]).get(call.contact.id)
    if said is not None and same(said, new, promise if promise and promise.call == call.id else None):
        return said.disposed, False
    before, stage = stage_after(Stage(contact.stage), said, new.disposition.kind.stage)
    values = disposition_values(new, call.contact.campaign, call.contact.id, before)
    connection.execute(insert(dispositions).values(values))
    if stage != contact.stage:
        connection.execute(update(contacts).where(contacts.c.id == call.contact.id).values(stage=int(stage)))
    placed, person, number = connection.execute(
        select(PLACED, attempts.c.person, attempts.c.number).where(attempts.c.id == call.id)
    ).one()
    if promise is not None:
        promise = _kept(connection, promise, new, placed)
    if new.promise is not None:
        add_callback(connection, callback_values(new.promise, call.contact, new.author, new.at, call.id))
        promise = open_callbacks(connection, [call.contact.id])[call.contact.id]
    words = last_said(connection, [call.id])[call.id]
    if call.outcome is not None:
        settle(connection, Over(call, person, number, placed, call.ended_at or new.at), words, promise)
    return words.disposed, True


def _kept(
    connection: Connection, promise: Callback, new: NewDisposition, placed: datetime
) -> Callback | None:
    """What a disposition makes of a promise that is open; returns it if it still holds."""
    before = kept_by(promise, new.call, placed, new.at)
    replaced = new.promise is not None or new.disposition.effect is Effect.OPT_OUT
    if not replaced and promise.call != new.call:
        return promise  # settled with the call's end
    state = CallbackState.DONE if before else CallbackState.CANCELLED
    end_callback(connection, promise.id, state, new.at)
    mirror(connection, promise.contact, None, None)
    return None


class SqlWork(SqlScripts, SqlDispositions, SqlCallbacks, SqlSkips):
    """``Work`` (controller.ports.work) in the record store."""
