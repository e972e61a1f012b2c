"""Contacts that have several numbers: found, listed, erased and called by each of them."""

from dataclasses import replace
from datetime import timedelta

from controller.domain.callback import Promise
from controller.domain.campaign import ListOrder
from controller.domain.clearance import CheckName, caller_scope, scopes
from controller.domain.contact import NewContact, NumberKind, PhoneNumber
from controller.domain.ids import E164, ContactId
from controller.domain.outcome import Outcome
from controller.ports import AttemptEnd
from tests.contract.records.builders import (
    ANNA,
    NOW,
    SPRING,
    Store,
    begun,
    call_to,
    campaign,
    ended,
    with_contacts,
)

MOBILE, HOME, WORK = (E164(f"+39347000000{i}") for i in range(3))
EVA = NewContact(
    number=MOBILE,
    kind=NumberKind.MOBILE,
    others=(PhoneNumber(number=HOME, kind=NumberKind.HOME), PhoneNumber(number=WORK)),
    name="Eva",
    email="eva@example.org",
    attributes={"city": "Forlì"},
    tags=frozenset({"vip", "fibre"}),
    key="A-17",
)


async def stored(records: Store) -> None:
    await records.save_campaign(campaign())
    assert (await records.add_contacts(SPRING, [EVA], import_id="i1")).stored == 1


async def test_everything_that_a_list_says_is_kept(records: Store) -> None:
    await stored(records)
    (contact,) = await records.due_contacts(SPRING, NOW, 10)

    assert contact.number == EVA.number
    assert contact.kind is EVA.kind
    assert contact.others == EVA.others
    assert (contact.name, contact.email, contact.key) == ("Eva", "eva@example.org", "A-17")
    assert contact.tags == EVA.tags
    assert contact.attributes == EVA.attributes
    assert contact.tried == ()


async def test_a_person_is_known_by_each_number(records: Store) -> None:
    await stored(records)
    again = [
        NewContact(number=WORK, line=2),
        NewContact(number=E164("+393470000009"), others=(PhoneNumber(number=HOME),), line=3),
        NewContact(number=E164("+393470000008"), line=4),
    ]

    result = await records.add_contacts(SPRING, again)

    assert result.stored == 1
    assert list(result.known) == [2, 3]
    for number in (MOBILE, HOME, WORK):
        (found,) = await records.contacts_of(number)
        assert found.contact.name == "Eva"


async def test_the_next_attempt_is_to_the_number_that_its_end_says(records: Store) -> None:
    await stored(records)
    (contact,) = await records.due_contacts(SPRING, NOW, 10)
    call = call_to(contact).evolve(admitted_at=NOW)
    await begun(records, call)
    turned = (*contact.others, PhoneNumber(number=MOBILE, kind=NumberKind.MOBILE))
    over = ended(call, Outcome.NO_ANSWER)

    await records.attempt_ended(
        AttemptEnd(
            call=over, next_due=NOW, counts_as_attempt=True, numbers=turned, tried=(NOW - timedelta(1), NOW)
        )
    )

    (contact,) = await records.due_contacts(SPRING, NOW, 10)
    assert contact.number == HOME
    assert contact.kind is NumberKind.HOME
    assert contact.others == turned[1:]
    assert contact.tried == (NOW - timedelta(1), NOW)
    second = call_to(contact, "call-2").evolve(admitted_at=NOW)
    await begun(records, second)
    assert await records.attempt_started(second, campaign()) is None


async def test_who_said_no_on_one_number_is_not_called_on_another(records: Store) -> None:
    await stored(records)
    (contact,) = await records.due_contacts(SPRING, NOW, 10)
    await records.lists.opt_out(caller_scope("acme"), [WORK], ANNA, NOW)

    standing = (await records.standings(campaign(), [contact]))[contact.id]
    failed = await records.attempt_started(call_to(contact).evolve(admitted_at=NOW), campaign())

    assert [entry.scope for entry in standing.opt_outs] == [caller_scope("acme")]
    assert failed is not None
    assert failed.name is CheckName.OPT_OUT


async def test_who_is_erased_by_one_number_is_erased_with_all(records: Store) -> None:
    await stored(records)
    (contact,) = await records.due_contacts(SPRING, NOW, 10)
    call = call_to(contact).evolve(admitted_at=NOW)
    await begun(records, call)
    await records.attempt_ended(
        AttemptEnd(call=ended(call, Outcome.BUSY), next_due=NOW, counts_as_attempt=True)
    )

    done = await records.people.erase(HOME, ANNA, NOW)

    assert (done.contacts, done.attempts) == (1, 1)
    (left,) = await records.contacts(SPRING)
    assert left.done
    assert left.contact.number.startswith("#")
    assert (left.contact.others, left.contact.email, left.contact.key) == ((), "", "")
    assert left.contact.tags == frozenset()
    for number in (MOBILE, HOME, WORK):
        assert not await records.contacts_of(number)
        assert (await records.lists.standing(number, scopes("acme", SPRING))).opt_outs
    assert (await records.add_contacts(SPRING, [EVA])).stored == 1


# --- the order of the list, and who is left out


async def test_a_campaign_chooses_the_order_of_its_list(records: Store) -> None:
    contacts = await with_contacts(records, 4)
    await records.postpone([contacts[2].id], NOW)

    async def order(wanted: ListOrder, limit: int = 10) -> list[int]:
        due = await records.due_contacts(SPRING, NOW, limit, wanted)
        return [contacts.index(replace(contact, due_at=None)) for contact in due]

    assert await order(ListOrder.RETRIES_FIRST) == [2, 0, 1, 3]
    assert await order(ListOrder.FRESH_FIRST) == [0, 1, 3, 2]
    assert await order(ListOrder.NEWEST_FIRST) == [3, 1, 0, 2]
    assert await order(ListOrder.NEWEST_FIRST, 2) == [3, 1]
    assert await order(ListOrder.RETRIES_FIRST, 2) == [2, 0]


async def test_contacts_are_read_by_their_ids(records: Store) -> None:
    contacts = await with_contacts(records, 3)

    found = await records.contacts_by_id([contacts[2].id, contacts[0].id, ContactId(999_999)])

    assert {listed.contact.id for listed in found} == {contacts[0].id, contacts[2].id}
    assert not any(listed.done or listed.in_flight for listed in found)
    assert await records.contacts_by_id([]) == []


async def test_who_was_promised_a_call_is_not_offered_as_anybody(records: Store) -> None:
    contacts = await with_contacts(records, 2)
    await records.work.promise(contacts[0].id, Promise(at=NOW), "anna", NOW - timedelta(hours=1))

    due = await records.due_contacts(SPRING, NOW + timedelta(hours=1), 10)

    assert [contact.id for contact in due] == [contacts[1].id]
