"""What agents wrote about people: shown to them, and erased."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, cast, or_, select, update

from controller.domain.callback import CallbackState
from controller.store.schema import contacts
from controller.store.schema_work import callbacks, dispositions, skips


def select_said(ids: Select[Any]) -> Select[Any]:
    """What was said of the contacts that ``ids`` finds, in order."""
    return select(dispositions).where(dispositions.c.contact.in_(ids)).order_by(dispositions.c.id)


def select_promised(ids: Select[Any]) -> Select[Any]:
    """What was promised to the contacts that ``ids`` finds, in order."""
    return select(callbacks).where(callbacks.c.contact.in_(ids)).order_by(callbacks.c.id)


def select_skipped(ids: Select[Any]) -> Select[Any]:
    """Who skipped the contacts that ``ids`` finds, in order."""
    return select(skips).where(skips.c.contact.in_(ids)).order_by(skips.c.at, skips.c.offer)


def forget_work(connection: Connection, ids: Select[Any], now: datetime) -> None:
    """Blank notes, answers and call-back notes of contacts; what was promised to them is taken back.

    What came of their calls stays: without the words nobody can tell whom it concerns.
    """
    _blank_words(connection, dispositions.c.contact.in_(ids))
    theirs = callbacks.c.contact.in_(ids)
    connection.execute(update(callbacks).where(theirs, callbacks.c.note != "").values(note=""))
    connection.execute(
        update(callbacks)
        .where(theirs, callbacks.c.state == CallbackState.OPEN.value)
        .values(state=CallbackState.CANCELLED.value, ended_at=now)
    )
    connection.execute(
        update(contacts)
        .where(contacts.c.id.in_(ids), contacts.c.callback_at.is_not(None))
        .values(callback_at=None, callback_for=None)
    )


def forget_old_work(connection: Connection, before: datetime) -> None:
    """Blank notes and answers that are older."""
    _blank_words(connection, dispositions.c.at < before)
    over = callbacks.c.state != CallbackState.OPEN.value
    connection.execute(
        update(callbacks).where(callbacks.c.ended_at < before, over, callbacks.c.note != "").values(note="")
    )


def _blank_words(connection: Connection, which: ColumnElement[bool]) -> None:
    worded = or_(dispositions.c.notes != "", cast(dispositions.c.answers, Text) != "{}")
    connection.execute(update(dispositions).where(which, worded).values(notes="", answers={}))
