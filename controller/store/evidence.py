"""The chained record, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, LargeBinary, Row, Select, Text, cast, select

from controller.domain.evidence import Entry, Head, Kind, Sealed
from controller.store.access import Access
from controller.store.evidence_chain import append, sealed_of
from controller.store.schema import evidence, evidence_head

# Who tampers with a file may leave bytes that are no text. SQLite hands them out as bytes; as text, the
# driver would refuse the whole page, and nobody could say which entry it was.
_AS_TEXT = tuple(evidence.columns)
_AS_BYTES = tuple(
    cast(column, LargeBinary).label(column.name) if isinstance(column.type, Text) else column
    for column in _AS_TEXT
)


class SqlEvidence:
    """``Evidence`` (controller.ports) in the record store."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def note(self, *entries: Entry) -> None:
        """Append entries, all or none."""
        await self._access.write(lambda connection: append(connection, entries), "the evidence")

    async def head(self) -> Head:
        """The end of the chain as the store has it written down."""
        rows = await self._access.rows(
            select(evidence_head.c.seq, evidence_head.c.hash), "a look at the evidence"
        )
        return Head(*rows[0]) if rows else Head()

    async def entries(self, after: int = 0, limit: int = 5000) -> Sequence[Sealed]:
        """Entries in order, from the one after ``after``; just as stored, trusted in nothing."""
        statement = select(evidence.c.seq).where(evidence.c.seq > after).order_by(evidence.c.seq).limit(limit)
        return await self._entries(statement)

    async def entries_of(
        self,
        *,
        person: str = "",
        call: str = "",
        campaign: str = "",
        kinds: Sequence[Kind] = (),
        limit: int = 10_000,
    ) -> Sequence[Sealed]:
        """Entries that concern all of these, in order."""
        statement = select(evidence.c.seq).order_by(evidence.c.seq).limit(limit)
        for column, wanted in ((evidence.c.person, person), (evidence.c.call, call)):
            if wanted:
                statement = statement.where(column == wanted)
        if campaign:
            statement = statement.where(evidence.c.campaign == campaign)
        if kinds:
            statement = statement.where(evidence.c.kind.in_([kind.value for kind in kinds]))
        return await self._entries(statement)

    async def _entries(self, statement: Select[Any]) -> Sequence[Sealed]:
        def look(connection: Connection) -> Sequence[Sealed]:
            if connection.dialect.name != "sqlite":
                return [sealed_of(row) for row in connection.execute(statement.with_only_columns(*_AS_TEXT))]
            rows = connection.execute(statement.with_only_columns(*_AS_BYTES))
            return [sealed_of(_decoded(row)) for row in rows]

        return await self._access.read(look, "a look at the evidence")


def _decoded(row: Row[Any]) -> SimpleNamespace:
    """A row with its bytes as text; what is no UTF-8 becomes lone surrogates, which no hash fits."""
    return SimpleNamespace(
        **{
            name: value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
            for name, value in row._mapping.items()
        }
    )
