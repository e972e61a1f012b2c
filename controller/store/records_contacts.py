"""Contacts, who of them is due, and what speaks against calling them, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    Row,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)

from controller.domain.campaign import Campaign, ListOrder
from controller.domain.clearance import Standing, scopes
from controller.domain.contact import Consent, Contact, NewContact
from controller.domain.ids import E164, CampaignId, ContactId
from controller.domain.privacy import NumberKey
from controller.ports import (
    ImportResult,
    ListedContact,
)
from controller.store.access import chunks
from controller.store.campaign_rows import (
    no_such_campaign,
)
from controller.store.contact_rows import contact_of, contact_values, listed_of, select_contacts
from controller.store.evidence_chain import take_hold
from controller.store.records_base import RecordsBase
from controller.store.schema import (
    DONE,
    IN_FLIGHT,
    PENDING,
    Instant,
    campaigns,
    contact_numbers,
    contacts,
)
from controller.store.standing import Standings

_CONTACTS_PER_TIMEOUT = 2000
"""Contacts for which ``add_contacts`` is given once the timeout: a large import is slow, not unreachable."""
_NUMBERS_PER_QUERY = 1000


_OF_CAMPAIGN = contacts.c.campaign == bindparam("p_campaign")
_NOW = bindparam("p_now", type_=Instant)
_LIMIT = bindparam("p_limit", type_=Integer)

# Each reads one range of the index contacts_due, in its order.
_WAITING = select_contacts().where(
    _OF_CAMPAIGN, contacts.c.status == PENDING, contacts.c.callback_at.is_(None)
)
_DUE = _WAITING.where(contacts.c.due_at <= _NOW).order_by(contacts.c.due_at, contacts.c.id).limit(_LIMIT)
_FRESH = _WAITING.where(contacts.c.due_at.is_(None)).order_by(contacts.c.id).limit(_LIMIT)
_NEWEST = _WAITING.where(contacts.c.due_at.is_(None)).order_by(contacts.c.id.desc()).limit(_LIMIT)
_IN_ORDER = {
    ListOrder.RETRIES_FIRST: (_DUE, _FRESH),
    ListOrder.FRESH_FIRST: (_FRESH, _DUE),
    ListOrder.NEWEST_FIRST: (_NEWEST, _DUE),
}
_LATER = select(func.min(contacts.c.due_at)).where(
    _OF_CAMPAIGN, contacts.c.status == PENDING, contacts.c.due_at > _NOW
)
_LISTED = select_contacts().add_columns(contacts.c.status)
_ID = contacts.c.id
_PUT_OFF = update(contacts).where(
    contacts.c.status != DONE,
    or_(contacts.c.due_at.is_(None), contacts.c.due_at < bindparam("p_until", type_=Instant)),
)
_AT = bindparam("p_at", type_=Instant)
_RENEW_CONSENT = (
    update(contacts)
    .where(
        contacts.c.campaign == bindparam("p_campaign"),
        contacts.c.number == bindparam("p_number"),
        or_(contacts.c.consent_at.is_(None), contacts.c.consent_at < _AT),
    )
    .values(consent_at=_AT, consent_basis=bindparam("p_basis"), consent_source=bindparam("p_source"))
)
_LEFT = select(contacts.c.id).where(_OF_CAMPAIGN, contacts.c.status.in_((PENDING, IN_FLIGHT))).limit(1)


class ContactRecords(RecordsBase):
    """The part of ``Records`` (controller.ports) that concerns contacts."""

    async def add_contacts(
        self, campaign: CampaignId, contacts: Sequence[NewContact], import_id: str | None = None
    ) -> ImportResult:
        """Store contacts in one transaction; those of whom the campaign has a number are left as they are.

        But for their consent: one that is newer than what is stored takes its place. Give some thousand at a
        time: attempts wait for the transaction.
        """
        timeout = self._timeout * (1 + len(contacts) / _CONTACTS_PER_TIMEOUT)

        def add(connection: Connection) -> ImportResult:
            return insert_contacts(connection, campaign, contacts, self._key, import_id)

        return await self._writer.run(add, "new contacts", timeout)

    async def contacts(
        self, campaign: CampaignId, *, after: ContactId | None = None, limit: int = 1000
    ) -> Sequence[ListedContact]:
        """A campaign's contacts by id, from the one after ``after``, ``limit`` at most."""
        statement = _LISTED.where(contacts.c.campaign == campaign).order_by(contacts.c.id).limit(limit)
        if after is not None:
            statement = statement.where(contacts.c.id > after)
        return [listed_of(row) for row in await self._rows(statement, "a look at the contacts")]

    async def contacts_of(self, number: E164) -> Sequence[ListedContact]:
        """Who has this number, in every campaign."""
        person = self._key.of(number)
        also = select(contact_numbers.c.contact).where(contact_numbers.c.person == person)
        theirs = or_(contacts.c.person == person, contacts.c.id.in_(also))
        statement = _LISTED.where(theirs, contacts.c.erased_at.is_(None)).order_by(contacts.c.id)
        return [listed_of(row) for row in await self._rows(statement, "a look at the contacts")]

    async def standings(
        self, campaign: Campaign, contacts: Sequence[Contact]
    ) -> Mapping[ContactId, Standing]:
        """What the do-not-call lists and the register say of these contacts, now."""
        persons = {
            contact.id: [self._key.of(number) for number in contact.every_number] for contact in contacts
        }
        binding = scopes(campaign.caller, campaign.id)

        def look(connection: Connection) -> dict[ContactId, Standing]:
            found = Standings(connection, (each for theirs in persons.values() for each in theirs))
            return {
                contact: found.of(called, binding, others) for contact, (called, *others) in persons.items()
            }

        return await self._read(look, "a look at the lists") if contacts else {}

    async def due_contacts(
        self,
        campaign: CampaignId,
        now: datetime,
        limit: int,
        order: ListOrder = ListOrder.RETRIES_FIRST,
    ) -> Sequence[Contact]:
        """Contacts that may be called now, have no attempt under way, and were promised no call-back."""

        def look(connection: Connection) -> list[Contact]:
            rows: list[Row[Any]] = []
            for statement in _IN_ORDER[order]:
                values = {"p_campaign": campaign, "p_now": now, "p_limit": limit - len(rows)}
                rows += connection.execute(statement, values)
                if len(rows) >= limit:
                    break
            return [contact_of(row) for row in rows]

        return await self._read(look, "a look at the contacts")

    async def contacts_by_id(self, ids: Sequence[ContactId]) -> Sequence[ListedContact]:
        """These contacts, in no order; those that do not exist are left out."""

        def look(connection: Connection) -> list[ListedContact]:
            return [
                listed_of(row)
                for some in chunks(ids)
                for row in connection.execute(_LISTED.where(contacts.c.id.in_(some)))
            ]

        return await self._read(look, "a look at the contacts") if ids else []

    async def next_due(self, campaign: CampaignId, now: datetime) -> datetime | None:
        """When the next contact that is not yet due will be; None if the campaign is done with all.

        ``now`` if no contact waits for a later time but some are due or have an attempt under way.
        """

        def look(connection: Connection) -> datetime | None:
            values = {"p_campaign": campaign, "p_now": now}
            at: datetime | None = connection.scalar(_LATER, values)
            if at is None and connection.scalar(_LEFT, {"p_campaign": campaign}) is not None:
                return now
            return at

        return await self._read(look, "a look at the contacts")

    async def postpone(self, contacts: Sequence[ContactId], until: datetime) -> None:
        """Do not offer the contacts before ``until``; where one is due later already, that stays."""

        def put_off(connection: Connection) -> None:
            # Who changes many contacts takes hold first: else two controllers could each wait for the other.
            take_hold(connection)
            for some in chunks(contacts):
                connection.execute(_PUT_OFF.where(_ID.in_(some)).values(due_at=until), {"p_until": until})

        await self._writer.run(put_off, "postponed contacts")


def insert_contacts(
    connection: Connection,
    campaign: CampaignId,
    new: Sequence[NewContact],
    key: NumberKey,
    import_id: str | None = None,
) -> ImportResult:
    """Store contacts inside a transaction of the writer's; see ``ContactRecords.add_contacts``."""
    # A write first: it holds off other imports into this campaign (also from other programs) between our look
    # at the numbers and our insert, and shows whether there is such a campaign.
    touch = update(campaigns).where(campaigns.c.id == campaign).values(state=campaigns.c.state)
    if not (connection.execute(touch)).rowcount:
        raise no_such_campaign(campaign)
    seen = _known_numbers(connection, campaign, [n for contact in new for n in contact.every_number])
    fresh: list[dict[str, Any]] = []
    several: list[NewContact] = []
    known: list[int] = []
    renewed: list[dict[str, Any]] = []
    for contact in new:
        if not seen.isdisjoint(contact.every_number):
            known.append(contact.line)
            if contact.consent is not None:
                renewed.append(_renewal(campaign, contact.number, contact.consent))
            continue
        seen.update(contact.every_number)
        fresh.append(contact_values(campaign, contact, key.of(contact.number), import_id))
        if contact.others:
            several.append(contact)
    if fresh:
        connection.execute(insert(contacts), fresh)
    _add_numbers(connection, campaign, several, key)
    if renewed:
        connection.execute(_RENEW_CONSENT, renewed)
    return ImportResult(stored=len(fresh), known=tuple(known))


def _known_numbers(connection: Connection, campaign: CampaignId, numbers: Sequence[E164]) -> set[str]:
    """Which of these numbers contacts of the campaign have."""
    known: set[str] = set()
    for some in chunks(numbers, _NUMBERS_PER_QUERY):
        for table in (contacts, contact_numbers):
            here = select(table.c.number).where(table.c.campaign == campaign, table.c.number.in_(some))
            known.update(connection.execute(here).scalars())
    return known


def _add_numbers(
    connection: Connection, campaign: CampaignId, several: Sequence[NewContact], key: NumberKey
) -> None:
    """The numbers of new contacts that have more than one."""
    for some in chunks(several):
        first = [contact.number for contact in some]
        here = select(contacts.c.number, contacts.c.id).where(
            contacts.c.campaign == campaign, contacts.c.number.in_(first)
        )
        ids = {row.number: row.id for row in connection.execute(here)}
        rows = [
            {"campaign": campaign, "number": n, "contact": ids[contact.number], "person": key.of(n)}
            for contact in some
            for n in contact.every_number
        ]
        connection.execute(insert(contact_numbers), rows)


def _renewal(campaign: CampaignId, number: E164, consent: Consent) -> dict[str, Any]:
    return {
        "p_campaign": campaign,
        "p_number": number,
        "p_at": consent.given_at,
        "p_basis": consent.basis,
        "p_source": consent.source,
    }
