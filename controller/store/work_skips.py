"""Contacts that agents skipped, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, literal, or_, select

from controller.domain.ids import AgentId, CallId, CampaignId, ContactId
from controller.domain.preview import Skip
from controller.errors import BadInput
from controller.store.access import Access
from controller.store.evidence_chain import take_hold
from controller.store.schema import Instant, contacts
from controller.store.schema_work import skips


def no_such_contact(contact: ContactId) -> BadInput:
    """The error for a contact that is not stored."""
    return BadInput("contact", f"there is no contact {contact}")


class SqlSkips:
    """``Skips`` (controller.ports.work) in the record store."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def skipped(self, skip: Skip) -> None:
        """Note that an agent skipped a contact; said again, it changes nothing."""
        values = {name: getattr(skip, name) for name in Skip.__slots__}

        def note(connection: Connection) -> None:
            take_hold(connection)  # nobody says the same, or deletes the contact, between look and change
            if connection.scalar(select(skips.c.offer).where(skips.c.offer == skip.offer)) is not None:
                return
            if connection.scalar(select(contacts.c.id).where(contacts.c.id == skip.contact)) is None:
                raise no_such_contact(skip.contact)
            connection.execute(insert(skips).values(values))

        await self._access.write(note, "a skipped contact")

    async def skips(
        self,
        campaign: CampaignId,
        *,
        agent: AgentId | None = None,
        after: tuple[datetime, str] | None = None,
        limit: int = 1000,
    ) -> Sequence[Skip]:
        """A campaign's, or one agent's of it, in the order of (at, offer), from the one after ``after``."""
        statement = select(skips).where(skips.c.campaign == campaign)
        if agent is not None:
            statement = statement.where(skips.c.agent == agent)
        if after is not None:
            at = literal(after[0], Instant)
            later = and_(skips.c.at == at, skips.c.offer > after[1])
            statement = statement.where(or_(skips.c.at > at, later))
        statement = statement.order_by(skips.c.at, skips.c.offer).limit(limit)
        return [_skip(row) for row in await self._access.rows(statement, "a look at skipped contacts")]


def _skip(row: Row[Any]) -> Skip:
    return Skip(
        offer=CallId(row.offer),
        campaign=CampaignId(row.campaign),
        contact=ContactId(row.contact),
        agent=AgentId(row.agent),
        reason=row.reason,
        at=row.at,
    )
