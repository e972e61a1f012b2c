"""Between dispositions, call-backs, scripts and their rows. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select

from controller.domain.callback import Callback, CallbackState, Promise
from controller.domain.contact import Contact
from controller.domain.disposition import DispositionKind
from controller.domain.funnel import Stage
from controller.domain.ids import AgentId, CallId, CampaignId, ContactId
from controller.domain.script import Question, Script, questions_from_json
from controller.errors import BadInput, Refused
from controller.ports.work import Disposed, NewDisposition
from controller.store.schema import attempts
from controller.store.schema_work import callbacks, dispositions


def no_such_contact(contact: int) -> BadInput:
    """The error for a contact that is not stored."""
    return BadInput("contact", f"there is no contact {contact}")


def no_such_callback(callback: int) -> BadInput:
    """The error for a call-back that is not stored."""
    return BadInput("call-back", f"there is no call-back {callback}")


def not_open(callback: Callback) -> Refused:
    """The error for a change of what is over."""
    return Refused(f"call-back {callback.id} is {callback.state.value}; only an open one can be changed")


def person_erased(contact: int) -> Refused:
    """The error for a promise to somebody who wanted to be forgotten."""
    return Refused(f"the data of contact {contact} were erased; nobody can be promised a call")


# --- dispositions -------------------------------------------------------------------------------------


def select_dispositions() -> Select[Any]:
    """Dispositions, for ``disposed_of``, with who had the conversation."""
    return select(dispositions, attempts.c.agent).join_from(
        dispositions, attempts, dispositions.c.call == attempts.c.id
    )


def disposed_of(row: Row[Any]) -> Disposed:
    """A disposition from its row."""
    return Disposed(
        id=row.id,
        call=CallId(row.call),
        campaign=CampaignId(row.campaign),
        contact=ContactId(row.contact),
        code=row.code,
        kind=DispositionKind(row.kind),
        stage=Stage(row.stage),
        author=row.author,
        at=row.at,
        notes=row.notes,
        answers=row.answers,
        script=row.script,
        script_version=row.script_version,
        agent=None if row.agent is None else AgentId(row.agent),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a disposition's row holds beside what anybody is shown."""

    disposed: Disposed
    effect: str
    due_at: datetime | None
    stage_before: Stage


def said_of(row: Row[Any]) -> Said:
    """All of a disposition's row."""
    return Said(
        disposed=disposed_of(row),
        effect=row.effect,
        due_at=row.due_at,
        stage_before=Stage(row.stage_before),
    )


def same(said: Said, new: NewDisposition, promised: Callback | None) -> bool:
    """Whether this is the same thing said again.

    Args:
        said: the last disposition of the call.
        new: what is said now.
        promised: the open call-back that was promised in the call; None if there is none.
    """
    old = said.disposed
    hour = None if promised is None else (promised.at, promised.agent)
    wanted = None if new.promise is None else (new.promise.at, new.promise.agent)
    return (old.code, old.notes, dict(old.answers), hour) == (
        new.disposition.code,
        new.notes,
        dict(new.answers),
        wanted,
    )


def stage_after(now: Stage, said: Said | None, new: Stage) -> tuple[Stage, Stage]:
    """A contact's stage before its call was disposed, and after it is.

    A correction takes back what the call's last disposition made of the stage, unless somebody has set
    another one since.

    Args:
        now: the contact's stage.
        said: the call's last disposition; None if this is the first.
        new: what the disposition stands for.
    """
    if said is None:
        return now, max(now, new)
    before = said.stage_before
    untouched = now == max(before, said.disposed.stage)
    return before, max(before if untouched else now, new)


def disposition_values(new: NewDisposition, campaign: str, contact: int, before: Stage) -> dict[str, Any]:
    """A row for a new disposition."""
    kind = new.disposition.kind
    return {
        "call": new.call,
        "campaign": campaign,
        "contact": contact,
        "code": new.disposition.code,
        "kind": kind.value,
        "stage": int(kind.stage),
        "script": new.script,
        "script_version": new.script_version,
        "answers": dict(new.answers),
        "notes": new.notes,
        "author": new.author,
        "at": new.at,
        "effect": new.disposition.effect.value,
        "due_at": new.due_at,
        "stage_before": int(before),
    }


# --- call-backs ---------------------------------------------------------------------------------------


def callback_of(row: Row[Any]) -> Callback:
    """A call-back from its row."""
    return Callback(
        id=row.id,
        campaign=CampaignId(row.campaign),
        contact=ContactId(row.contact),
        at=row.at,
        agent=None if row.agent is None else AgentId(row.agent),
        note=row.note,
        state=CallbackState(row.state),
        author=row.author,
        created_at=row.created_at,
        call=None if row.call is None else CallId(row.call),
        tries=row.tries,
        ended_at=row.ended_at,
    )


def callback_values(
    promise: Promise, contact: Contact, author: str, now: datetime, call: str | None = None
) -> dict[str, Any]:
    """A row for a new call-back."""
    return {
        "campaign": contact.campaign,
        "contact": contact.id,
        "call": call,
        "at": promise.at,
        "agent": promise.agent,
        "note": promise.note,
        "state": CallbackState.OPEN.value,
        "author": author,
        "created_at": now,
        "tries": 0,
        "ended_at": None,
    }


def kept_by(callback: Callback, call: str, placed: datetime, ended: datetime) -> bool:
    """Whether a call was placed to keep this promise: not if that was made or moved during the call."""
    return callback.call != call and callback.created_at <= placed and callback.at <= ended


def select_callbacks() -> Select[Any]:
    """Call-backs, for ``callback_of``."""
    return select(callbacks)


# --- scripts ------------------------------------------------------------------------------------------


def script_of(row: Row[Any]) -> Script:
    """A script's version from its row."""
    return Script(
        name=row.name,
        version=row.version,
        body=row.body,
        questions=questions_from_json(row.questions),
        author=row.author,
        created_at=row.created_at,
    )


def script_values(
    name: str, version: int, body: str, questions: tuple[Question, ...], author: str, now: datetime
) -> Mapping[str, Any]:
    """A row for a new version."""
    return {
        "name": name,
        "version": version,
        "body": body,
        "questions": [question.to_json() for question in questions],
        "author": author,
        "created_at": now,
    }
