"""Single contacts, in SQL and in memory: looked up by their row, and what people change of them by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, update

from controller.domain.ids import ContactId
from controller.errors import BadInput, Conflict, Refused
from controller.ports import ListedContact
from controller.ports.contact_edits import Description
from controller.store.access import Access
from controller.store.contact_rows import CONTACT, listed_of
from controller.store.schema import DONE, IN_FLIGHT, contacts

if TYPE_CHECKING:
    from controller.store.memory_records import MemoryRecords


class SqlContactEdits:
    """``ContactEdits`` (controller.ports.contact_edits) in the record store."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def contact(self, contact: ContactId) -> ListedContact | None:
        """One contact."""
        rows = await self._access.rows(
            select(*CONTACT, contacts.c.status).where(contacts.c.id == contact), "a look at a contact"
        )
        return listed_of(rows[0]) if rows else None

    async def describe(self, contact: ContactId, expected: Description, wanted: Description) -> None:
        """Replace what is said of a contact."""
        columns = contacts.c.attributes, contacts.c.tags, contacts.c.erased_at
        # Locked where the database has several writers; elsewhere we are the only one.
        look = select(*columns).where(contacts.c.id == contact).with_for_update()

        def describe(connection: Connection) -> None:
            row = connection.execute(look).one_or_none()
            if row is None:
                raise _nobody(contact)
            if row.erased_at is not None:
                raise _erased()
            if Description(attributes=row.attributes, tags=frozenset(row.tags)) != expected:
                raise Conflict
            connection.execute(
                update(contacts)
                .where(contacts.c.id == contact)
                .values(attributes=dict(wanted.attributes), tags=sorted(wanted.tags))
            )

        await self._access.write(describe, "a contact")


class MemoryContactEdits:
    """``ContactEdits`` (controller.ports.contact_edits) in memory."""

    def __init__(self, records: MemoryRecords) -> None:
        self._records = records

    async def contact(self, contact: ContactId) -> ListedContact | None:
        """One contact."""
        self._records._answer()
        entry = self._records._contacts.get(contact)
        if entry is None:
            return None
        done, busy = entry.status == DONE, entry.status == IN_FLIGHT
        return ListedContact(contact=entry.contact, done=done, in_flight=busy)

    async def describe(self, contact: ContactId, expected: Description, wanted: Description) -> None:
        """Replace what is said of a contact."""
        self._records._answer()
        entry = self._records._contacts.get(contact)
        if entry is None:
            raise _nobody(contact)
        known = entry.contact
        if known.number.startswith("#"):
            raise _erased()
        if Description(attributes=known.attributes, tags=known.tags) != expected:
            raise Conflict
        entry.contact = replace(known, attributes=dict(wanted.attributes), tags=wanted.tags)


def _nobody(contact: ContactId) -> BadInput:
    return BadInput("contact", f"there is no contact {contact}")


def _erased() -> Refused:
    return Refused("their data were erased: nothing can be said of them any more")
