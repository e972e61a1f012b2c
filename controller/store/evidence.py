"""The chained record, in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from controller.domain.evidence import Entry, Head, Kind, Sealed
from controller.store.access import Access
from controller.store.evidence_chain import append, sealed_of
from controller.store.schema import evidence, evidence_head


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
        statement = select(evidence).where(evidence.c.seq > after).order_by(evidence.c.seq).limit(limit)
        return [sealed_of(row) for row in await self._access.rows(statement, "a look at the evidence")]

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
        statement = select(evidence).order_by(evidence.c.seq).limit(limit)
        for column, wanted in ((evidence.c.person, person), (evidence.c.call, call)):
            if wanted:
                statement = statement.where(column == wanted)
        if campaign:
            statement = statement.where(evidence.c.campaign == campaign)
        if kinds:
            statement = statement.where(evidence.c.kind.in_([kind.value for kind in kinds]))
        return [sealed_of(row) for row in await self._access.rows(statement, "a look at the evidence")]
