"""Between contacts and their rows. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select

from controller.domain.clearance import Check, CheckName
from controller.domain.contact import Consent, Contact, Habits, NewContact, NumberKind, PhoneNumber
from controller.domain.hours import Hours, parse_hours, written
from controller.domain.ids import E164, AgentId, CampaignId, ContactId
from controller.domain.instants import moment
from controller.ports import ListedContact
from controller.store.schema import DONE, IN_FLIGHT, PENDING, contacts

CONTACT_DELETED = Check(
    name=CheckName.CONTACT, passed=False, why="it is in the campaign no more: its import was undone meanwhile"
)
"""What keeps a contact from being called that was read before it was deleted."""


def contact_gone(status: str, due_at: datetime | None, placed: datetime) -> Check | None:
    """What keeps a contact from being called now; None if nothing does.

    Another controller may have reached it, or put it off, since it was read.
    """
    name = CheckName.CONTACT
    if status == DONE:
        return Check(name=name, passed=False, why="the campaign is done with it meanwhile")
    if status == IN_FLIGHT:
        return Check(name=name, passed=False, why="another call to it is under way")
    if due_at is not None and due_at > placed:
        why = f"put off until {due_at:%Y-%m-%d %H:%M} UTC meanwhile"
        return Check(name=name, passed=False, why=why, until=due_at)
    return None


def hours_text(hours: Hours | None) -> str | None:
    """Hours as they are stored."""
    return None if hours is None else written(hours)


def hours_of(text: str | None) -> Hours | None:
    """Hours from what is stored."""
    return None if text is None else parse_hours(text)


def numbers_json(numbers: Sequence[PhoneNumber]) -> list[list[str]]:
    """Numbers as they are stored."""
    return [[each.number, each.kind.value] for each in numbers]


def numbers_of(stored: Sequence[Sequence[str]]) -> tuple[PhoneNumber, ...]:
    """Numbers from what is stored."""
    return tuple(PhoneNumber(number=E164(number), kind=NumberKind(kind)) for number, kind in stored)


def contact_values(
    campaign: CampaignId, contact: NewContact, person: str, import_id: str | None = None
) -> dict[str, Any]:
    """A row for a new contact."""
    consent, habits = contact.consent, contact.habits
    return {
        "campaign": campaign,
        "number": contact.number,
        "kind": contact.kind.value,
        "others": numbers_json(contact.others),
        "tried": [],
        "name": contact.name,
        "email": contact.email,
        "attributes": dict(contact.attributes),
        "tags": sorted(contact.tags),
        "key": contact.key,
        "import_id": import_id,
        "attempts": 0,
        "operator_due": False,
        "due_at": None,
        "status": PENDING,
        "person": person,
        "consent_basis": consent.basis if consent else None,
        "consent_source": consent.source if consent else None,
        "consent_at": consent.given_at if consent else None,
        "segment": habits.segment,
        "zone": habits.zone,
        "region": habits.region,
        "hours": hours_text(habits.hours),
    }


CONTACT = (
    contacts.c.id,
    contacts.c.campaign,
    contacts.c.number,
    contacts.c.name,
    contacts.c.attributes,
    contacts.c.attempts,
    contacts.c.operator_due,
    contacts.c.due_at,
    contacts.c.consent_basis,
    contacts.c.consent_source,
    contacts.c.consent_at,
    contacts.c.segment,
    contacts.c.zone,
    contacts.c.region,
    contacts.c.hours,
    contacts.c.kind,
    contacts.c.others,
    contacts.c.tried,
    contacts.c.email,
    contacts.c.tags,
    contacts.c.key,
    contacts.c.callback_for,
    contacts.c.callback_at,
)


def select_contacts() -> Select[Any]:
    """Contacts, for ``contact_of``."""
    return select(*CONTACT)


def contact_of(row: Row[Any]) -> Contact:
    """A contact from the first columns of a row."""
    columns: Sequence[Any] = row  # whose types SQLAlchemy does not know
    return Contact(
        id=ContactId(columns[0]),
        campaign=CampaignId(columns[1]),
        number=E164(columns[2]),
        name=columns[3],
        attributes=columns[4],
        attempts=columns[5],
        operator_due=columns[6],
        due_at=columns[7],
        consent=None
        if columns[8] is None
        else Consent(basis=columns[8], source=columns[9] or "", given_at=columns[10]),
        habits=Habits(segment=columns[11], zone=columns[12], region=columns[13], hours=hours_of(columns[14])),
        kind=NumberKind(columns[15]),
        others=numbers_of(columns[16]),
        tried=tuple(moment(at) for at in columns[17]),
        email=columns[18],
        tags=frozenset(columns[19]),
        key=columns[20],
        callback_for=None if columns[21] is None else AgentId(columns[21]),
        callback_at=columns[22],
    )


def listed_of(row: Row[Any]) -> ListedContact:
    """A contact with where it stands; ``status`` is the row's last column."""
    status = tuple(row)[-1]
    return ListedContact(contact=contact_of(row), done=status == DONE, in_flight=status == IN_FLIGHT)
