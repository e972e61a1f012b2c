"""What every store has to do with single contacts."""

from __future__ import annotations

import pytest

from controller.domain.contact import Contact
from controller.domain.ids import E164, ContactId
from controller.errors import BadInput, Conflict, Refused
from controller.ports import Records
from controller.ports.contact_edits import ContactEdits, Description
from controller.store.contact_edits import MemoryContactEdits
from controller.store.memory_records import MemoryRecords
from controller.store.records import SqlRecords
from tests.contract.records.builders import ANNA, NOW, with_contacts
from tests.contract.records.conftest import directory, file, records, url

__all__ = ["directory", "file", "records", "url"]


@pytest.fixture
def edits(records: Records) -> ContactEdits:
    if isinstance(records, MemoryRecords):
        return MemoryContactEdits(records)
    assert isinstance(records, SqlRecords)
    return records.contact_edits


def said_of(contact: Contact) -> Description:
    return Description(attributes=contact.attributes, tags=contact.tags)


WANTED = Description(attributes={"city": "Forlì"}, tags=frozenset({"b", "a"}))


async def test_one_contact_is_looked_up(records: Records, edits: ContactEdits) -> None:
    one, other = await with_contacts(records, 2)
    listed = await edits.contact(other.id)
    assert listed is not None
    assert (listed.contact, listed.done, listed.in_flight) == (other, False, False)
    assert await edits.contact(ContactId(one.id + other.id + 100)) is None


async def test_what_is_said_of_a_contact_is_replaced(records: Records, edits: ContactEdits) -> None:
    one, other = await with_contacts(records, 2)
    await edits.describe(one.id, said_of(one), WANTED)
    found = await edits.contact(one.id)
    assert found is not None
    assert said_of(found.contact) == WANTED
    untouched = await edits.contact(other.id)
    assert untouched is not None
    assert untouched.contact == other


async def test_who_has_seen_another_state_changes_nothing(records: Records, edits: ContactEdits) -> None:
    (one,) = await with_contacts(records, 1)
    await edits.describe(one.id, said_of(one), WANTED)
    with pytest.raises(Conflict):
        await edits.describe(one.id, said_of(one), Description(attributes={}, tags=frozenset()))
    found = await edits.contact(one.id)
    assert found is not None
    assert said_of(found.contact) == WANTED


async def test_nobody_can_be_described(records: Records, edits: ContactEdits) -> None:
    await with_contacts(records, 1)
    with pytest.raises(BadInput, match="there is no contact 4711"):
        await edits.describe(ContactId(4711), WANTED, WANTED)


async def test_nothing_is_said_of_who_was_erased(records: Records, edits: ContactEdits) -> None:
    (one,) = await with_contacts(records, 1)
    await records.people.erase(E164(one.number), ANNA, NOW)  # type: ignore[attr-defined]
    erased = await edits.contact(one.id)
    assert erased is not None
    with pytest.raises(Refused, match="erased"):
        await edits.describe(one.id, said_of(erased.contact), WANTED)
