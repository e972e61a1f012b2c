"""Contacts of a campaign: listed, added, described, put off; and why they are, or are not, called."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from hashlib import sha256
from typing import Annotated

from pydantic import Field

from controller.api.rest.ask import Ask
from controller.api.rest.models import (
    CampaignPath,
    Changes,
    Instant,
    Line,
    Model,
    Number,
    Page,
    Paging,
    RowNumber,
    Wanted,
    Words,
)
from controller.api.rest.problems import NOT_FOUND, UNUSABLE, Fault, Problem
from controller.api.rest.routes import Reply, Resource
from controller.domain.access import Right
from controller.domain.contact import Consent, Contact, Habits, NewContact, NumberKind, PhoneNumber
from controller.domain.followup import address
from controller.domain.hours import parse_hours, written
from controller.domain.ids import E164, ContactId
from controller.errors import BadInput
from controller.ports import ListedContact
from controller.ports.contact_edits import Description

contacts = Resource("Contacts", "People to call")

_SCANNED = 10_000
"""Contacts that are looked at for one page of a filtered list; the page then ends where that is."""
_BATCH = 1000

Attributes = Annotated[Mapping[Words, Line], Field(max_length=200)]
Tags = Annotated[list[Words], Field(max_length=100)]


# --- what is sent and received ----------------------------------------------------------------------------


class Standing(Enum):
    """Where a contact stands in its campaign."""

    PENDING = "pending"
    IN_FLIGHT = "in-flight"
    DONE = "done"


class NumberView(Model):
    """One of several numbers."""

    number: str
    kind: NumberKind


class ConsentView(Model):
    """Why a person may be called."""

    basis: str
    source: str
    given_at: datetime


class ContactView(Model):
    """A contact.

    Without the right `personal-data` numbers are masked, and name, e-mail, key, attributes and the consent's
    source are left empty. Of who had their data erased there is nothing to be shown at all.
    """

    id: int
    campaign: str
    number: str = Field(description="The one that is called next")
    kind: NumberKind
    others: list[NumberView]
    name: str
    email: str
    key: str
    attributes: Mapping[str, str]
    tags: list[str]
    standing: Standing
    attempts: int
    due_at: datetime | None = Field(description="Not to be called before; null: at once")
    operator_due: bool = Field(description="Its next call needs an agent reserved before dialing")
    callback_at: datetime | None
    callback_for: str | None
    consent: ConsentView | None
    segment: str
    zone: str
    region: str
    hours: str | None


class WantedNumber(Wanted):
    """One of several numbers."""

    number: Number
    kind: NumberKind = NumberKind.UNKNOWN


class WantedConsent(Wanted):
    """Why a person may be called."""

    basis: Words = Field(description="Such as `consent`, `contract`, `public-directory`")
    source: Words = Field(description="Where it was given: a form, a contract's number")
    given_at: Instant


class WantedContact(Wanted):
    """A contact to be added."""

    number: Number
    kind: NumberKind = NumberKind.UNKNOWN
    others: list[WantedNumber] = Field(default_factory=list, max_length=20)
    name: Line = ""
    email: Line = ""
    key: Line = Field(default="", description="Your own id of them")
    attributes: Attributes = Field(default_factory=dict)
    tags: Tags = Field(default_factory=list)
    consent: WantedConsent | None = None
    segment: Line = ""
    zone: str = Field(default="", pattern=r"^[A-Za-z0-9_+/-]{0,64}$", description="Empty: from the number")
    region: str = Field(
        default="", pattern=r"^([A-Z]{2}(-[A-Z0-9]{1,3})?)?$", description="Empty: the campaign's"
    )
    hours: Line | None = Field(default=None, description="Narrower than the campaign's")


class Batch(Wanted):
    """Contacts to be added: all, or none if any of them cannot be used."""

    contacts: list[WantedContact] = Field(min_length=1, max_length=_BATCH)


class AddedView(Model):
    """What became of a batch."""

    stored: int
    known: list[int] = Field(
        description="Positions in the batch, from 0, of contacts that the campaign had already; they were "
        "left as they were, but for a newer consent"
    )


class ContactChanges(Changes):
    """What is to be said of a contact; what is left out stays."""

    attributes: Attributes = Field(
        default_factory=dict, description="All of them: those that are not named here are dropped"
    )
    tags: Tags = Field(default_factory=list, description="All of them")


class PutOff(Wanted):
    """Not to be called for a while."""

    until: Instant


class Search(Wanted):
    """Whom to look for. In the body, for addresses of requests are kept in many logs."""

    number: Number


class ContactPath(CampaignPath):
    """One contact."""

    contact: RowNumber


class ContactFilter(Paging):
    """Which contacts."""

    standing: Standing | None = None
    tag: Words | None = None
    segment: Words | None = Field(default=None, description="The list's own word for people of their kind")


# --- routes -----------------------------------------------------------------------------------------------


@contacts.get("/campaigns/{campaign}/contacts", Right.SEE_CONTACTS)
async def list_contacts(ask: Ask, path: CampaignPath, query: ContactFilter) -> Page[ContactView]:
    """A campaign's contacts, in the order in which they were stored.

    With filters a page may be shorter than asked for, or empty, and still have a next one.
    """
    campaign = (await ask.campaign(path.campaign)).campaign.id
    place = ask.place(query)
    after = None if place is None else ContactId(int(place[0]))
    found: list[ListedContact] = []
    scanned = 0
    while len(found) <= query.limit:
        page = await ask.services.records.contacts(campaign, after=after, limit=_step(query))
        found += [listed for listed in page if _wanted(listed, query)]
        scanned += len(page)
        if len(page) < _step(query):
            return ask.page(query, found, lambda each: view_of(ask, each), lambda each: [each.contact.id])
        after = page[-1].contact.id
        if scanned >= _SCANNED and len(found) <= query.limit:
            items = [view_of(ask, each) for each in found]
            return Page(items=items, next=ask.cursor(query, [after]))
    return ask.page(query, found, lambda each: view_of(ask, each), lambda each: [each.contact.id])


@contacts.post("/campaigns/{campaign}/contacts", Right.EDIT_CONTACTS)
async def add_contacts(ask: Ask, path: CampaignPath, body: Batch) -> AddedView:
    """Add contacts to a campaign: all, or none if any of them cannot be used.

    For long lists there are imports, which report every row that cannot be used.
    """
    campaign = (await ask.campaign(path.campaign)).campaign.id
    faults: list[Fault] = []
    new: list[NewContact] = []
    for position, wanted in enumerate(body.contacts):
        try:
            new.append(contact_of(ask, wanted, line=position))
        except BadInput as error:
            pointer = f"/contacts/{position}/{error.place}"
            faults.append(Fault("body", pointer, error.problem, error.allowed))
    if faults:
        raise Problem(UNUSABLE, f"{len(faults)} contacts cannot be used; none was stored", faults=faults)
    result = await ask.services.records.add_contacts(campaign, new)
    ask.services.feed.publish("contact.imported", {"campaign": campaign, "contacts": result.stored})
    return AddedView(stored=result.stored, known=list(result.known))


@contacts.post("/contacts/search", Right.SEE_CONTACTS, keeps=False)
async def search_contacts(ask: Ask, body: Search) -> Page[ContactView]:
    """Who has a number, in every campaign."""
    number = ask.services.read_number(body.number)
    found = await ask.services.records.contacts_of(number)
    return Page(items=[view_of(ask, listed) for listed in found], next=None)


@contacts.get("/campaigns/{campaign}/contacts/{contact}", Right.SEE_CONTACTS)
async def get_contact(ask: Ask, path: ContactPath) -> Reply[ContactView]:
    """One contact, with its version as ETag."""
    listed = await contact(ask, path)
    return Reply(body=view_of(ask, listed), etag=_version(listed.contact))


@contacts.patch("/campaigns/{campaign}/contacts/{contact}", Right.EDIT_CONTACTS)
async def change_contact(ask: Ask, path: ContactPath, body: ContactChanges) -> Reply[ContactView]:
    """Change a contact's attributes or tags."""
    listed = await contact(ask, path)
    ask.must_match(_version(listed.contact))
    known = Description(attributes=listed.contact.attributes, tags=listed.contact.tags)
    given = body.given()
    wanted = Description(
        attributes=given.get("attributes", known.attributes),
        tags=frozenset(tag.strip() for tag in given["tags"]) if "tags" in given else known.tags,
    )
    await ask.services.contact_edits.describe(listed.contact.id, known, wanted)
    listed = await contact(ask, path)
    return Reply(body=view_of(ask, listed), etag=_version(listed.contact))


@contacts.post("/campaigns/{campaign}/contacts/{contact}/put-off", Right.EDIT_CONTACTS, keeps=False)
async def put_off_contact(ask: Ask, path: ContactPath, body: PutOff) -> ContactView:
    """Do not call a contact before a time; where it is due later already, that stays."""
    listed = await contact(ask, path)
    await ask.services.records.postpone([listed.contact.id], body.until)
    return view_of(ask, await contact(ask, path))


# --- between the two worlds -------------------------------------------------------------------------------


async def contact(ask: Ask, path: ContactPath) -> ListedContact:
    """The contact of a path.

    Raises:
        Problem: there is none in this campaign.
    """
    listed = await ask.services.contact_edits.contact(ContactId(path.contact))
    if listed is None or listed.contact.campaign != path.campaign:
        raise Problem(NOT_FOUND, f"campaign {path.campaign!r} has no contact {path.contact}")
    return listed


def view_of(ask: Ask, listed: ListedContact) -> ContactView:
    """A contact as this asker may see it."""
    one, clear = listed.contact, ask.in_clear
    consent, habits = one.consent, one.habits
    return ContactView(
        id=one.id,
        campaign=one.campaign,
        number=ask.shown(one.number),
        kind=one.kind,
        others=[NumberView(number=ask.shown(each.number), kind=each.kind) for each in one.others],
        name=one.name if clear else "",
        email=one.email if clear else "",
        key=one.key if clear else "",
        attributes=dict(one.attributes) if clear else {},
        tags=sorted(one.tags),
        standing=_standing(listed),
        attempts=one.attempts,
        due_at=one.due_at,
        operator_due=one.operator_due,
        callback_at=one.callback_at,
        callback_for=one.callback_for,
        consent=None
        if consent is None
        else ConsentView(
            basis=consent.basis, source=consent.source if clear else "", given_at=consent.given_at
        ),
        segment=habits.segment,
        zone=habits.zone,
        region=habits.region,
        hours=written(habits.hours) if habits.hours else None,
    )


def contact_of(ask: Ask, wanted: WantedContact, line: int) -> NewContact:
    """A contact as it is stored.

    Raises:
        BadInput: something of it cannot be used; its place is the field.
    """
    consent = wanted.consent
    return NewContact(
        number=_number(ask, wanted.number, "number"),
        kind=wanted.kind,
        others=tuple(
            PhoneNumber(number=_number(ask, each.number, f"others/{i}/number"), kind=each.kind)
            for i, each in enumerate(wanted.others)
        ),
        name=wanted.name.strip(),
        email=_email(wanted.email),
        attributes=dict(wanted.attributes),
        tags=frozenset(tag.strip() for tag in wanted.tags),
        key=wanted.key.strip(),
        line=line,
        consent=None
        if consent is None
        else Consent(basis=consent.basis, source=consent.source, given_at=consent.given_at),
        habits=_habits(ask, wanted),
    )


def _habits(ask: Ask, wanted: WantedContact) -> Habits:
    try:
        hours = parse_hours(wanted.hours) if wanted.hours else None
    except ValueError as error:
        raise BadInput("hours", str(error)) from None
    return Habits(
        segment=wanted.segment.strip(),
        zone=wanted.zone and ask.services.check_zone(wanted.zone),
        region=wanted.region and ask.services.check_region(wanted.region),
        hours=hours,
    )


def _number(ask: Ask, text: str, place: str) -> E164:
    try:
        return ask.services.read_number(text)
    except BadInput as error:
        raise BadInput(place, error.problem, error.allowed) from None


def _email(text: str) -> str:
    try:
        return text.strip() and address(text)
    except ValueError as error:
        raise BadInput("email", str(error)) from None


def _standing(listed: ListedContact) -> Standing:
    if listed.in_flight:
        return Standing.IN_FLIGHT
    return Standing.DONE if listed.done else Standing.PENDING


def _wanted(listed: ListedContact, query: ContactFilter) -> bool:
    return (
        query.standing in (None, _standing(listed))
        and (query.tag is None or query.tag in listed.contact.tags)
        and query.segment in (None, listed.contact.habits.segment)
    )


def _step(query: ContactFilter) -> int:
    filtered = (query.standing, query.tag, query.segment) != (None, None, None)
    return 1000 if filtered else query.limit + 1


def _version(one: Contact) -> str:
    """What a change of attributes or tags has to match: a digest of just these."""
    said = repr((sorted(one.attributes.items()), sorted(one.tags)))
    return sha256(said.encode()).hexdigest()[:16]
