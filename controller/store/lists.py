"""Do-not-call lists and the register's answers, in SQL. Each change and its evidence are one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from controller.domain.clearance import OptOut, RegisterCheck, Standing
from controller.domain.evidence import Entry, Kind
from controller.domain.ids import E164
from controller.domain.privacy import NumberKey
from controller.ports import Authorship
from controller.store.access import Access, chunks
from controller.store.evidence_chain import append
from controller.store.schema import opt_outs, register_checks
from controller.store.standing import Standings, opt_out_of, register_check_of

_NAMED = 100
"""Persons that an entry names one by one; of a longer list it has the digest."""
_PER_TIMEOUT = 5000
"""Numbers for which a load is given once the store's timeout: a large load is slow, not unreachable."""


def list_entry(kind: Kind, persons: Sequence[str], who: Authorship, now: datetime, **more: Any) -> Entry:
    """The evidence of a change of lists: whom it concerns, who made it, why."""
    named = sorted(set(persons))
    body: dict[str, Any] = {
        "count": len(named),
        "digest": sha256("\n".join(named).encode()).hexdigest(),
        "author": who.author,
        "reason": who.reason,
        "source": who.source,
    }
    if len(named) <= _NAMED:
        body["persons"] = named
    person = named[0] if len(named) == 1 else ""
    return Entry(kind=kind, at=now, person=person, body=body | more)


class SqlLists:
    """``Lists`` (controller.ports) in the record store."""

    def __init__(self, access: Access, number_key: NumberKey, dialect: str) -> None:
        self._access = access
        self._key = number_key
        make: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
        self._add = make(opt_outs).on_conflict_do_nothing(index_elements=["scope", "person"])
        answer = make(register_checks)
        self._answer = answer.on_conflict_do_update(
            index_elements=["person"],
            set_={name: answer.excluded[name] for name in ("checked_at", "opposed", "source")},
            where=register_checks.c.checked_at <= answer.excluded.checked_at,
        )

    async def opt_out(self, scope: str, numbers: Sequence[E164], who: Authorship, now: datetime) -> int:
        """Put numbers on a list, all or none; returns how many were not on it yet."""
        by_person = {self._key.of(number): number for number in numbers}
        rows = [
            {
                "scope": scope,
                "person": person,
                "number": number,
                "reason": who.reason,
                "source": who.source,
                "author": who.author,
                "added_at": now,
            }
            for person, number in by_person.items()
        ]

        def add(connection: Connection) -> int:
            before = _count(connection, scope)
            for some in chunks(rows, 2000):
                connection.execute(self._add, some)
            append(
                connection, [list_entry(Kind.OPT_OUT, list(by_person), who, now, action="add", scope=scope)]
            )
            return _count(connection, scope) - before

        return await self._access.write(add, "a do-not-call list", self._patience(rows))

    async def opt_in(self, scope: str, numbers: Sequence[E164], who: Authorship, now: datetime) -> int:
        """Take numbers off a list, all or none; returns how many were on it."""
        persons = [self._key.of(number) for number in numbers]

        def remove(connection: Connection) -> int:
            before = _count(connection, scope)
            for some in chunks(persons):
                connection.execute(
                    delete(opt_outs).where(opt_outs.c.scope == scope, opt_outs.c.person.in_(some))
                )
            append(connection, [list_entry(Kind.OPT_OUT, persons, who, now, action="remove", scope=scope)])
            return before - _count(connection, scope)

        return await self._access.write(remove, "a do-not-call list", self._patience(persons))

    async def opt_outs(
        self, scope: str | None = None, *, after: tuple[str, str] = ("", ""), limit: int = 1000
    ) -> Sequence[OptOut]:
        """Entries in the order of (person, scope), from the one after ``after``, ``limit`` at most."""
        person, last = after
        later = or_(opt_outs.c.person > person, (opt_outs.c.person == person) & (opt_outs.c.scope > last))
        statement = select(opt_outs).where(later).order_by(opt_outs.c.person, opt_outs.c.scope).limit(limit)
        if scope is not None:
            statement = statement.where(opt_outs.c.scope == scope)
        return [opt_out_of(row) for row in await self._access.rows(statement, "a look at the lists")]

    async def opt_out_counts(self) -> Mapping[str, int]:
        """How many entries each scope has."""
        statement = select(opt_outs.c.scope, func.count().label("entries")).group_by(opt_outs.c.scope)
        rows = await self._access.rows(statement, "a look at the lists")
        return {row.scope: row.entries for row in rows}

    async def load_register(
        self, answers: Mapping[E164, bool], checked_at: datetime, who: Authorship, now: datetime
    ) -> int:
        """Store what the register said (True: opposed) of each number; returns how many were stored."""
        rows = [
            {
                "person": self._key.of(number),
                "checked_at": checked_at,
                "opposed": opposed,
                "source": who.source,
            }
            for number, opposed in answers.items()
        ]
        opposed = sum(answers.values())

        def load(connection: Connection) -> int:
            for some in chunks(rows, 2000):
                connection.execute(self._answer, some)
            persons = [str(row["person"]) for row in rows]
            checked = checked_at.isoformat()
            append(
                connection,
                [list_entry(Kind.REGISTER, persons, who, now, checked_at=checked, opposed=opposed)],
            )
            return len(rows)

        return await self._access.write(load, "the register's answer", self._patience(rows))

    async def standing(self, number: E164, binding: Sequence[str]) -> Standing:
        """What lists of these scopes and the register say of a number, now."""
        person = self._key.of(number)
        return await self._access.read(
            lambda connection: Standings(connection, [person]).of(person, tuple(binding)),
            "a look at the lists",
        )

    async def register_check(self, number: E164) -> RegisterCheck | None:
        """What the register said last of a number."""
        statement = select(register_checks).where(register_checks.c.person == self._key.of(number))
        rows = await self._access.rows(statement, "a look at the register's answers")
        return register_check_of(rows[0]) if rows else None

    async def register_counts(self, since: datetime) -> tuple[int, int]:
        """How many numbers are known, and how many of them were checked at or after ``since``."""

        def count(connection: Connection) -> tuple[int, int]:
            known = select(func.count()).select_from(register_checks)
            fresh = known.where(register_checks.c.checked_at >= since)
            return connection.scalar(known) or 0, connection.scalar(fresh) or 0

        return await self._access.read(count, "a look at the register's answers")

    def _patience(self, rows: Sequence[object]) -> float:
        return self._access.timeout * (1 + len(rows) / _PER_TIMEOUT)


def _count(connection: Connection, scope: str) -> int:
    return connection.scalar(select(func.count()).where(opt_outs.c.scope == scope)) or 0
