"""What do-not-call lists and register say of people, inside a transaction of the caller's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select

from controller.domain.clearance import OptOut, RegisterCheck, Standing
from controller.domain.ids import E164
from controller.store.access import chunks
from controller.store.schema import opt_outs, register_checks

_LISTED = select(opt_outs).order_by(opt_outs.c.person, opt_outs.c.scope)
_CHECKED = select(register_checks)


class Standings:
    """The standing of some people, read at once."""

    def __init__(self, connection: Connection, persons: Iterable[str]) -> None:
        """Read what is stored of ``persons`` (keyed hashes)."""
        self._listed: defaultdict[str, list[OptOut]] = defaultdict(list)
        self._checked: dict[str, RegisterCheck] = {}
        for some in chunks(sorted(set(persons))):
            for row in connection.execute(_LISTED.where(opt_outs.c.person.in_(some))):
                self._listed[row.person].append(opt_out_of(row))
            for row in connection.execute(_CHECKED.where(register_checks.c.person.in_(some))):
                self._checked[row.person] = register_check_of(row)

    def of(self, person: str, binding: tuple[str, ...], others: Iterable[str] = ()) -> Standing:
        """One person's standing, as far as lists of these scopes bind.

        ``others`` are the hashes of their other numbers: who said no on one of them said no. What the
        register says, it says of the number that is called.
        """
        listed = (entry for each in (person, *others) for entry in self._listed.get(each, ()))
        entries = [entry for entry in listed if entry.scope in binding]
        return Standing(opt_outs=entries, register=self._checked.get(person))


def opt_out_of(row: Any) -> OptOut:
    """An entry of a do-not-call list from its row."""
    return OptOut(
        scope=row.scope,
        number=None if row.number is None else E164(row.number),
        number_hash=row.person,
        reason=row.reason,
        source=row.source,
        author=row.author,
        added_at=row.added_at,
    )


def register_check_of(row: Any) -> RegisterCheck:
    """What the register said, from its row."""
    return RegisterCheck(
        number_hash=row.person, checked_at=row.checked_at, opposed=row.opposed, source=row.source
    )
