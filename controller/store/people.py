"""People's data, in SQL: shown, erased, reduced. Statistics and evidence are never touched."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    and_,
    cast,
    delete,
    exists,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from controller.domain.clearance import EVERYBODY
from controller.domain.evidence import Entry, Kind
from controller.domain.ids import E164, masked
from controller.domain.instants import moment
from controller.domain.privacy import NumberKey
from controller.errors import Refused
from controller.ports import Authorship, PersonFile, Reduced
from controller.store.access import Access
from controller.store.evidence_chain import append, take_hold
from controller.store.outward_people import forget_outward, select_sent, select_stages
from controller.store.schema import (
    DONE,
    IN_FLIGHT,
    attempts,
    contact_numbers,
    contacts,
    evidence,
    opt_outs,
    register_checks,
)
from controller.store.work_people import (
    forget_old_work,
    forget_work,
    select_promised,
    select_said,
    select_skipped,
)

ERASED = "erased at the person's wish"
"""Why an erased person is on everybody's do-not-call list."""

_PATIENCE = 30
"""Times the store's timeout that reducing a whole store may take."""

# What is left of a contact: the campaign's numbers stay right, and nobody knows who it was. Hash and id take
# the number's place: a campaign has each number once, but may import one again that was erased, and lose it
# again. Done, such a contact is never dialed.
_ANONYMOUS: Mapping[str, Any] = {
    "number": literal("#") + contacts.c.person + literal("/") + cast(contacts.c.id, Text),
    "name": "",
    "others": [],
    "email": "",
    "attributes": {},
    "tags": [],
    "key": "",
    "consent_source": None,
    "hours": None,
    "status": DONE,
}


class SqlPeople:
    """``People`` (controller.ports) in the record store."""

    def __init__(self, access: Access, number_key: NumberKey, dialect: str) -> None:
        self._access = access
        self._key = number_key
        make: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
        row = make(opt_outs)
        # Who is on everybody's list already stays there, for the reason that was given then.
        self._forget = row.on_conflict_do_nothing(index_elements=["scope", "person"])

    async def person(self, number: E164) -> PersonFile:
        """Everything that is stored of a person."""
        person = self._key.of(number)

        def look(connection: Connection) -> PersonFile:
            def rows(statement: Select[Any]) -> list[dict[str, Any]]:
                return [_plain(row) for row in connection.execute(statement)]

            ids = select(contacts.c.id).where(_theirs(person))
            checks = rows(select(register_checks).where(register_checks.c.person == person))
            return PersonFile(
                number=number,
                person=person,
                contacts=rows(select(contacts).where(_theirs(person)).order_by(contacts.c.id)),
                attempts=rows(
                    select(attempts).where(attempts.c.person == person).order_by(attempts.c.started_at)
                ),
                opt_outs=rows(select(opt_outs).where(opt_outs.c.person == person).order_by(opt_outs.c.scope)),
                register=checks[0] if checks else None,
                evidence=[
                    row | {"at": moment(row["at"]).isoformat()}
                    for row in rows(select(evidence).where(_concerns(person)).order_by(evidence.c.seq))
                ],
                dispositions=rows(select_said(ids)),
                callbacks=rows(select_promised(ids)),
                skips=rows(select_skipped(ids)),
                submissions=rows(select_sent(person)),
                stage_changes=rows(select_stages(ids)),
            )

        return await self._access.read(look, "a look at a person's data")

    async def erase(self, number: E164, who: Authorship, now: datetime) -> Reduced:
        """Erase number, name and attributes everywhere in the store; statistics and evidence stay."""
        person = self._key.of(number)

        def erase(connection: Connection) -> Reduced:
            # Nothing can begin to call the number between our look and our change.
            take_hold(connection)
            if _in_flight(connection, person):
                raise call_under_way(number)
            # Who asks to be forgotten does not mean one of their numbers.
            everywhere = _persons(connection, person)
            ids = connection.execute(select(contacts.c.id).where(_theirs(person))).scalars().all()
            forget_outward(connection, ids, everywhere, self._key, who, now)
            done = Reduced(
                contacts=connection.execute(
                    update(contacts)
                    .where(_theirs(person), contacts.c.erased_at.is_(None))
                    .values(**_ANONYMOUS, erased_at=now)
                ).rowcount,
                attempts=connection.execute(
                    update(attempts)
                    .where(
                        or_(attempts.c.person == person, attempts.c.contact.in_(ids)),
                        attempts.c.number != "",
                    )
                    .values(number="")
                ).rowcount,
                opt_outs=connection.execute(
                    update(opt_outs)
                    .where(opt_outs.c.person.in_(everywhere), opt_outs.c.number.is_not(None))
                    .values(number=None)
                ).rowcount,
            )
            forget_work(connection, select(contacts.c.id).where(_theirs(person)), now)
            connection.execute(delete(contact_numbers).where(contact_numbers.c.contact.in_(ids)))
            why = {"reason": ERASED, "source": who.source, "author": who.author}
            listed = {"scope": EVERYBODY, "number": None, "added_at": now} | why
            connection.execute(self._forget, [listed | {"person": each} for each in everywhere])
            append(connection, [people_entry(Kind.ERASURE, person, done, who, now)])
            return done

        return await self._access.write(erase, "the erasure of a person's data")

    async def reduce(self, before: datetime, now: datetime, who: Authorship) -> Reduced:
        """Take the personal data out of what is older; statistics and evidence stay."""

        def reduce(connection: Connection) -> Reduced:
            take_hold(connection)
            of_contact = attempts.c.contact == contacts.c.id
            recent = exists().where(
                of_contact, or_(attempts.c.ended_at.is_(None), attempts.c.ended_at >= before)
            )
            old = exists().where(of_contact)
            done = Reduced(
                contacts=connection.execute(
                    update(contacts)
                    .where(contacts.c.status == DONE, contacts.c.erased_at.is_(None), old, ~recent)
                    .values(**_ANONYMOUS, erased_at=now)
                ).rowcount,
                attempts=connection.execute(
                    update(attempts)
                    .where(attempts.c.ended_at < before, attempts.c.number != "")
                    .values(number="")
                ).rowcount,
            )
            anonymous = select(contacts.c.id).where(contacts.c.erased_at == now)
            connection.execute(delete(contact_numbers).where(contact_numbers.c.contact.in_(anonymous)))
            forget_work(connection, anonymous, now)
            forget_old_work(connection, before)
            if done != Reduced():
                since = before.isoformat()
                append(connection, [people_entry(Kind.RETENTION, "", done, who, now, before=since)])
            return done

        return await self._access.write(reduce, "the reduction of old data", self._access.timeout * _PATIENCE)


def _theirs(person: str) -> ColumnElement[bool]:
    """Contacts one of whose numbers is the person's."""
    also = select(contact_numbers.c.contact).where(contact_numbers.c.person == person)
    return or_(contacts.c.person == person, contacts.c.id.in_(also))


def _persons(connection: Connection, person: str) -> list[str]:
    """The person, and all other numbers of the contacts that have this one; by their hashes."""
    ids = select(contact_numbers.c.contact).where(contact_numbers.c.person == person)
    others = select(contact_numbers.c.person).where(contact_numbers.c.contact.in_(ids))
    return sorted({person, *connection.execute(others).scalars()})


def call_under_way(number: E164) -> Refused:
    """The error for a person who is being called: what the call needs cannot be erased under it."""
    return Refused(f"a call to {masked(number)} is under way; nothing was erased, try again later")


def _in_flight(connection: Connection, person: str) -> bool:
    busy = select(contacts.c.id).where(_theirs(person), contacts.c.status == IN_FLIGHT)
    # An attempt that no contact knows of cannot be, unless somebody changed the database by hand.
    open_ = select(attempts.c.id).where(attempts.c.person == person, attempts.c.outcome.is_(None))
    return any(connection.scalar(found.limit(1)) is not None for found in (busy, open_))


def _concerns(person: str) -> ColumnElement[bool]:
    """Entries about a person: of their own, and changes of lists that name them among others."""
    named = and_(
        evidence.c.campaign == "",
        evidence.c.kind.in_([Kind.OPT_OUT.value, Kind.REGISTER.value]),
        evidence.c.body.contains(f'"{person}"', autoescape=True),
    )
    return or_(evidence.c.person == person, named)


def people_entry(
    kind: Kind, person: str, done: Reduced, who: Authorship, now: datetime, **more: Any
) -> Entry:
    """The evidence that people's data were erased or reduced."""
    body = {
        "author": who.author,
        "reason": who.reason,
        "source": who.source,
        "contacts": done.contacts,
        "attempts": done.attempts,
        "opt_outs": done.opt_outs,
    }
    return Entry(kind=kind, at=now, person=person, body=body | more)


def _plain(row: Row[Any]) -> dict[str, Any]:
    """A row fit for JSON."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row._mapping.items()
    }
