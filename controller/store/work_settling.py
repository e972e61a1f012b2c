"""What becomes of a contact when a call to it is over and somebody has said what came of it, in SQL.

The end of a call and its disposition come in either order, from different programs. Whichever is second
settles, in its own transaction: so the outcome is the same. What the law asks for (``operator_due``, the
pause after a silent call) is written by the call's end alone and never changed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, exists, insert, select, update

from controller.domain.answer import Answerer, answer_class
from controller.domain.call import Call
from controller.domain.callback import Callback, CallbackRule, CallbackState, not_reached
from controller.domain.contact import NumberKind, PhoneNumber
from controller.domain.disposition import Effect, follows
from controller.domain.ids import E164
from controller.domain.outcome import Outcome
from controller.store.access import chunks
from controller.store.attempt_rows import PLACED, EndRow
from controller.store.call_evidence import answerer_entry
from controller.store.contact_rows import numbers_json, numbers_of
from controller.store.evidence_chain import append
from controller.store.schema import DONE, PENDING, attempts, contact_numbers, contacts
from controller.store.schema_work import callbacks, dispositions
from controller.store.work_rows import Said, callback_of, kept_by, said_of, select_dispositions

RULE: Final = CallbackRule()
"""How promises are kept, as far as the record store has a part in it."""

_CONTACT = select(
    contacts.c.id,
    contacts.c.status,
    contacts.c.due_at,
    contacts.c.current_call,
    contacts.c.erased_at,
    contacts.c.number,
    contacts.c.kind,
    contacts.c.others,
)
_NO_CALL = {"callback_at": None, "callback_for": None}


@dataclass(frozen=True, slots=True)
class Over:
    """A call that is over.

    Attributes:
        person: keyed hash of the number that was dialed.
        number: that was dialed; empty if it was erased.
        placed: when (aware).
        at: when it ended (aware).
    """

    call: Call
    person: str
    number: str
    placed: datetime
    at: datetime


def settle_ends(connection: Connection, rows: Sequence[EndRow]) -> None:
    """Settle calls whose end has just been written, inside the same transaction."""
    if not rows:
        return
    said = last_said(connection, [row.call.id for row in rows])
    promised = open_callbacks(connection, [row.call.contact.id for row in rows])
    for row in rows:
        call = row.call
        words, promise = said.get(call.id), promised.get(call.contact.id)
        if words is not None or promise is not None:
            placed, at = call.admitted_at or row.now, call.ended_at or row.now
            settle(connection, Over(call, row.person, call.contact.number, placed, at), words, promise)


def last_said(connection: Connection, calls: Sequence[str]) -> dict[str, Said]:
    """The last disposition of each of these calls that has one."""
    found: dict[str, Said] = {}
    for some in chunks(calls):
        statement = select_dispositions().where(dispositions.c.call.in_(some)).order_by(dispositions.c.id)
        found |= {row.call: said_of(row) for row in connection.execute(statement)}
    return found


def open_callbacks(connection: Connection, ids: Sequence[int]) -> dict[int, Callback]:
    """The open call-back of each of these contacts that has one."""
    found: dict[int, Callback] = {}
    for some in chunks(ids):
        is_open = callbacks.c.state == CallbackState.OPEN.value
        statement = select(callbacks).where(callbacks.c.contact.in_(some), is_open)
        found |= {row.contact: callback_of(row) for row in connection.execute(statement)}
    return found


def settle(connection: Connection, over: Over, said: Said | None, promise: Callback | None) -> None:
    """Write what follows for the contact of a call that is over.

    Args:
        connection: in a transaction that holds the chain.
        over: the call, its end recorded.
        said: its last disposition.
        promise: the contact's open call-back.
    """
    call = over.call
    connected = call.outcome is Outcome.CONNECTED
    if said is not None and connected:
        _say_who_picked_up(connection, over, said)
    contact = connection.execute(_CONTACT.where(contacts.c.id == call.contact.id)).one_or_none()
    if contact is None or contact.erased_at is not None or contact.current_call is not None:
        return
    if _called_since(connection, over):
        return
    values: dict[str, Any] = {}
    mine = promise is not None and kept_by(promise, call.id, over.placed, over.at)
    if connected:
        if promise is not None and mine:
            end_callback(connection, promise.id, CallbackState.DONE, over.at)
            promise, values = None, dict(_NO_CALL)
        values |= _after_conversation(connection, over, said, promise, contact)
    else:
        if promise is not None:
            promise, values = _not_reached(connection, over, promise, contact, mine=mine)
        if said is not None:
            values |= _unwitnessed(said, promise, contact)
    if values:
        connection.execute(update(contacts).where(contacts.c.id == contact.id).values(values))


def _not_reached(
    connection: Connection, over: Over, promise: Callback, contact: Any, *, mine: bool
) -> tuple[Callback | None, dict[str, Any]]:
    """What a call makes of a promise that it did not keep; returns it if it is still open."""
    outcome = over.call.outcome
    counts = mine and outcome is not None and not outcome.counts_as_silent
    next_due = contact.due_at if contact.status == PENDING else None
    after = not_reached(promise, over.at, next_due, RULE, counts=counts)
    changed = {"at": after.at, "tries": after.tries, "state": after.state.value, "ended_at": after.ended_at}
    connection.execute(update(callbacks).where(callbacks.c.id == promise.id).values(changed))
    if after.state is not CallbackState.OPEN:
        return None, dict(_NO_CALL)
    return after, _state(after.at) | {"callback_at": after.at}


def _unwitnessed(said: Said, promise: Callback | None, contact: Any) -> dict[str, Any]:
    """Nobody saw the conversation end: what the agent said holds, but not before the law allows."""
    hour = promise.at if promise else None
    follow = follows(Effect(said.effect), said.due_at, callback_at=hour, other_numbers=False)
    return _state(follow.due_at and max(follow.due_at, contact.due_at or follow.due_at))


def _after_conversation(
    connection: Connection, over: Over, said: Said | None, promise: Callback | None, contact: Any
) -> dict[str, Any]:
    if said is None:
        return {} if promise is None else _state(promise.at)
    numbers = (PhoneNumber(number=contact.number, kind=NumberKind(contact.kind)), *numbers_of(contact.others))
    others = tuple(each for each in numbers if each.number != over.number)
    follow = follows(
        Effect(said.effect),
        said.due_at,
        callback_at=promise.at if promise else None,
        other_numbers=bool(others),
    )
    values = _state(follow.due_at)
    if follow.next_number:
        return values | _numbers(connection, over, others)
    if over.number and len(others) == len(numbers):
        # An earlier disposition of the call had said that the number was of no use.
        return values | _numbers(connection, over, (PhoneNumber(number=E164(over.number)), *others))
    return values


def _state(due_at: datetime | None) -> dict[str, Any]:
    return {"status": DONE if due_at is None else PENDING, "due_at": due_at}


def _numbers(connection: Connection, over: Over, numbers: Sequence[PhoneNumber]) -> dict[str, Any]:
    """A contact's numbers, the next one first; its hash is known since they were imported."""
    first, *rest = numbers
    person = connection.scalar(
        select(contact_numbers.c.person).where(
            contact_numbers.c.contact == over.call.contact.id, contact_numbers.c.number == first.number
        )
    )
    if person is None:
        return {}
    return {
        "number": first.number,
        "kind": first.kind.value,
        "others": numbers_json(rest),
        "person": person,
    }


def _called_since(connection: Connection, over: Over) -> bool:
    later = exists().where(
        attempts.c.contact == over.call.contact.id, attempts.c.id != over.call.id, over.placed < PLACED
    )
    return bool(connection.scalar(select(later)))


def _say_who_picked_up(connection: Connection, over: Over, said: Said) -> None:
    """Record machines and faxes, and people where something else had been said before."""
    disposed, call = said.disposed, over.call
    answerer = disposed.kind.answerer
    of_call = attempts.c.id == call.id
    known = connection.scalar(select(attempts.c.answerer).where(of_call))
    if known == answerer.value or (known is None and answerer is Answerer.PERSON):
        return
    answered = answer_class(call, answerer)
    values = {"answerer": answerer.value, "answer_class": answered.value if answered else None}
    connection.execute(update(attempts).where(of_call).values(values))
    append(connection, [answerer_entry(call, over.person, answerer, disposed.author, disposed.at)])


def end_callback(connection: Connection, callback: int, state: CallbackState, at: datetime) -> None:
    """Write that a call-back is no longer open."""
    connection.execute(
        update(callbacks).where(callbacks.c.id == callback).values(state=state.value, ended_at=at)
    )


def add_callback(connection: Connection, values: dict[str, Any]) -> int:
    """Store a call-back and have the contact tell of it; returns its id."""
    made = connection.execute(insert(callbacks).values(values)).inserted_primary_key
    mirror(connection, values["contact"], values["at"], values["agent"])
    return int(made[0]) if made else 0


def mirror(connection: Connection, contact: int, at: datetime | None, agent: str | None) -> None:
    """Have a contact tell of its open call-back, or that it has none."""
    connection.execute(
        update(contacts).where(contacts.c.id == contact).values(callback_at=at, callback_for=agent)
    )
