"""A person's data: shown, erased, reduced. Statistics and evidence stay as they were."""

import json
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from controller.domain.answer import Answerer
from controller.domain.clearance import EVERYBODY, CheckName
from controller.domain.contact import Consent, Contact, NewContact
from controller.domain.ids import E164, CallId, CampaignId
from controller.domain.outcome import Outcome
from controller.engine.verification import Verifier
from controller.errors import Refused
from controller.ports import Authorship, Reduced
from tests.contract.records.builders import (
    ANNA,
    DAY,
    HOUR,
    KEY,
    NOW,
    SPRING,
    Store,
    admitted,
    begun,
    body,
    campaign,
    chain,
    end,
    new_contact,
    sql,
    with_contacts,
)

AUTUMN = CampaignId("autumn")
ASKED = Authorship(author="dora", reason="letter of 3 March", source="")
RULE = Authorship(author="controller", reason="their time is over")


async def called(
    records: Store, contact: Contact, name: str, at: datetime = NOW, due: datetime | None = None
) -> None:
    """A contact gets a call, which nobody answers."""
    await begun(records, admitted(contact, name, at))
    over = end(admitted(contact, name, at), Outcome.NO_ANSWER, due)
    await records.attempt_ended(replace(over, call=over.call.evolve(ended_at=at + timedelta(seconds=30))))


async def test_everything_that_is_stored_of_a_person(records: Store) -> None:
    ada, bea = await with_contacts(records, 2)
    await with_contacts(records, 1, AUTUMN)
    await called(records, ada, "call-1")
    await called(records, bea, "call-2")
    await records.lists.opt_out("caller:other", [ada.number], ANNA, NOW)
    await records.lists.opt_out("caller:more", [ada.number, bea.number], ANNA, NOW)
    await records.lists.opt_out("caller:else", [bea.number], ANNA, NOW)
    await records.lists.load_register({ada.number: False}, NOW, ANNA, NOW)
    found = await records.people.person(ada.number)
    assert (found.number, found.person) == (ada.number, KEY.of(ada.number))
    assert sorted(row["campaign"] for row in found.contacts) == [AUTUMN, SPRING]
    assert {(row["number"], row["name"]) for row in found.contacts} == {(ada.number, ada.name)}
    assert found.contacts[0]["attributes"] == {"città": "Forlì"}
    assert [(row["id"], row["number"]) for row in found.attempts] == [("call-1", ada.number)]
    assert [row["scope"] for row in found.opt_outs] == ["caller:more", "caller:other"]
    assert found.register is not None
    assert found.register["opposed"] is False
    assert [row["kind"] for row in found.evidence] == ["attempt", "hang-up", "opt-out", "opt-out", "register"]
    assert datetime.fromisoformat(found.evidence[0]["at"]) == NOW
    assert bea.number not in json.dumps(asdict(found))


async def test_of_a_stranger_nothing_is_stored(records: Store) -> None:
    await with_contacts(records, 1)
    found = await records.people.person(E164("+390699999999"))
    assert not found.contacts
    assert not found.attempts
    assert not found.opt_outs
    assert found.register is None
    assert not found.evidence


async def test_erased_everywhere_and_never_called_again(records: Store) -> None:
    ada, bea = await with_contacts(records, 2)
    await with_contacts(records, 1, AUTUMN)
    await called(records, ada, "call-1", due=NOW + HOUR)
    await records.lists.opt_out("caller:other", [ada.number], ANNA, NOW)
    facts, figures = await records.facts(SPRING), await records.figures(SPRING)
    before = await chain(records)

    done = await records.people.erase(ada.number, ASKED, NOW + DAY)
    assert done == Reduced(contacts=2, attempts=1, opt_outs=1)

    assert await records.contacts_of(ada.number) == []
    assert [contact.id for contact in await records.due_contacts(SPRING, NOW + 9 * DAY, 9)] == [bea.id]
    assert await records.due_contacts(AUTUMN, NOW + 9 * DAY, 9) == []
    assert await records.facts(SPRING) == facts
    assert (await records.figures(SPRING)).by_outcome == figures.by_outcome
    assert (await chain(records))[: len(before)] == before
    (erasure,) = (await chain(records))[len(before) :]
    assert (erasure.kind, erasure.person) == ("erasure", KEY.of(ada.number))
    assert (body(erasure)["author"], body(erasure)["reason"]) == ("dora", "letter of 3 March")
    left = await records.people.person(ada.number)
    for word in (ada.name, "Forlì", ada.number):
        assert word not in json.dumps(asdict(replace(left, number=E164(""))), ensure_ascii=False, default=str)
    assert {(row["scope"], row["number"]) for row in left.opt_outs} == {
        (EVERYBODY, None),
        ("caller:other", None),
    }
    assert (await Verifier(records.evidence, records).verify()).whole
    assert (await records.contacts_of(bea.number))[0].contact == bea


async def test_who_is_erased_and_imported_again_is_not_called_and_erased_again(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await records.people.erase(ada.number, ASKED, NOW)
    assert (await records.add_contacts(SPRING, [new_contact(0)])).stored == 1
    (again,) = await records.due_contacts(SPRING, NOW, 9)
    refused = await records.attempt_started(admitted(again), campaign())
    assert refused is not None
    assert refused.name is CheckName.OPT_OUT
    assert (await records.people.erase(ada.number, ASKED, NOW)).contacts == 1
    assert len(await records.contacts(SPRING)) == 2
    assert await records.due_contacts(SPRING, NOW, 9) == []


async def test_said_twice_it_is_done_once(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await called(records, ada, "call-1")
    assert await records.people.erase(ada.number, ASKED, NOW) == Reduced(contacts=1, attempts=1)
    assert await records.people.erase(ada.number, ASKED, NOW + DAY) == Reduced()
    assert [entry.kind for entry in await chain(records)].count("erasure") == 2
    (listed,) = await records.lists.opt_outs()
    assert (listed.added_at, listed.reason, listed.number) == (NOW, "erased at the person's wish", None)


async def test_a_stranger_too_may_wish_never_to_be_called(records: Store) -> None:
    number = E164("+390699999999")
    assert await records.people.erase(number, ASKED, NOW) == Reduced()
    assert [entry.number_hash for entry in await records.lists.opt_outs(EVERYBODY)] == [KEY.of(number)]


async def test_during_a_call_nothing_is_erased(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await with_contacts(records, 1, AUTUMN)
    await begun(records, admitted(ada))
    before = await chain(records)
    with pytest.raises(Refused, match="under way"):
        await records.people.erase(ada.number, ASKED, NOW)
    assert len(await records.contacts_of(ada.number)) == 2
    assert await records.lists.opt_outs() == []
    assert await chain(records) == before
    await records.attempt_ended(end(admitted(ada), Outcome.SILENT, NOW + HOUR))
    assert (await records.people.erase(ada.number, ASKED, NOW)).contacts == 2


async def test_the_refusal_does_not_tell_the_number(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await begun(records, admitted(ada))
    with pytest.raises(Refused) as refusal:
        await records.people.erase(ada.number, ASKED, NOW)
    assert ada.number not in str(refusal.value)


async def test_of_an_erased_person_the_agent_can_still_say_who_picked_up(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await begun(records, admitted(ada))
    await records.attempt_ended(end(admitted(ada), Outcome.CONNECTED))
    await records.people.erase(ada.number, ASKED, NOW)
    await records.answered_by(CallId("call-1"), Answerer.MACHINE, "1001", NOW)
    (fact,) = await records.facts(SPRING)
    assert (fact.answerer, fact.person) == (Answerer.MACHINE, KEY.of(ada.number))
    assert (await Verifier(records.evidence, records).verify()).whole


async def test_a_call_whose_start_was_never_confirmed_ends_after_the_erasure(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await records.people.erase(ada.number, ASKED, NOW)
    await records.attempt_ended(end(admitted(ada), Outcome.FAILED, NOW + HOUR))
    (attempt,) = (await records.people.person(ada.number)).attempts
    assert attempt["number"] == ""
    (fact,) = await records.facts(SPRING)
    assert fact.person == KEY.of(ada.number)
    assert await records.due_contacts(SPRING, NOW + DAY, 9) == []
    assert (await Verifier(records.evidence, records).verify()).whole


async def test_what_is_old_is_reduced(records: Store) -> None:
    done, going_on, both, recent, _fresh = await with_contacts(records, 5)
    old = NOW - 800 * DAY
    await called(records, done, "call-1", old, due=old + HOUR)
    await called(records, done, "call-2", old + DAY)
    await called(records, going_on, "call-3", old, due=old + HOUR)
    await called(records, both, "call-4", old, due=old + HOUR)
    await called(records, both, "call-5", NOW)
    await called(records, recent, "call-6", NOW)
    await records.lists.opt_out(EVERYBODY, [done.number], ANNA, old)
    facts, before = await records.facts(SPRING), len(await chain(records))

    assert await records.people.reduce(NOW - 730 * DAY, NOW, RULE) == Reduced(contacts=1, attempts=4)

    named = [
        (row["id"], row["number"])
        for contact in (done, going_on, both, recent)
        for row in (await records.people.person(contact.number)).attempts
        if row["number"]
    ]
    assert named == [("call-5", both.number), ("call-6", recent.number)]
    assert await records.contacts_of(done.number) == []
    for contact in (going_on, both, recent):
        (found,) = await records.contacts_of(contact.number)
        assert found.contact.name == contact.name
    assert (await records.contacts(SPRING))[0].done
    assert await records.facts(SPRING) == facts
    (listed,) = await records.lists.opt_outs()  # who asked not to be called stays on the list
    assert listed.number == done.number
    (entry,) = (await chain(records))[before:]
    assert (entry.kind, entry.person) == ("retention", "")
    assert (body(entry)["contacts"], body(entry)["attempts"]) == (1, 4)
    assert datetime.fromisoformat(body(entry)["before"]) == NOW - 730 * DAY
    assert (await Verifier(records.evidence, records).verify()).whole


async def test_where_nothing_is_old_nothing_is_noted(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await begun(records, admitted(ada, at=NOW - 800 * DAY))  # still under way, says the record
    before = await chain(records)
    assert await records.people.reduce(NOW, NOW, RULE) == Reduced()
    assert await chain(records) == before


async def test_the_moment_itself_is_not_before(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await called(records, ada, "call-1")
    ended_at = NOW + timedelta(seconds=30)
    assert await records.people.reduce(ended_at, NOW, RULE) == Reduced()
    assert await records.people.reduce(ended_at + timedelta(microseconds=1), NOW, RULE) == Reduced(
        contacts=1, attempts=1
    )


async def test_reduced_and_imported_again_it_is_reduced_again(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await called(records, ada, "call-1", NOW - 900 * DAY)
    await records.people.reduce(NOW - 800 * DAY, NOW, RULE)
    await records.add_contacts(SPRING, [new_contact(0)])
    (again,) = await records.due_contacts(SPRING, NOW, 9)
    await called(records, again, "call-2", NOW)
    assert await records.people.reduce(NOW + DAY, NOW, RULE) == Reduced(contacts=1, attempts=1)


async def test_of_the_erased_not_one_byte_is_left_in_the_file(url: str, file: Path) -> None:
    """What SQLite frees it does not overwrite by itself, and its log keeps old pages until it is closed."""
    form = Consent(basis="consent", source="form 118", given_at=NOW)
    traces = [b"+393475550000", b"Ada Lovelace", "Forlì".encode(), b"Forl\\u00ec"]
    async with sql(url, timeout=10) as records:
        await records.save_campaign(campaign())
        row = NewContact(
            number=E164("+393475550000"),
            name="Ada Lovelace",
            attributes={"città": "Forlì"},
            consent=form,
            line=1,
        )
        await records.add_contacts(SPRING, [row])
        (ada,) = await records.due_contacts(SPRING, NOW, 9)
        await called(records, ada, "call-1")
        await records.lists.opt_out("caller:acme", [ada.number], ANNA, NOW)
    assert sum(trace in _all_bytes(file.parent) for trace in traces) >= 3
    async with sql(url, timeout=10) as records:
        await records.people.erase(ada.number, ASKED, NOW)
    assert [trace for trace in traces if trace in _all_bytes(file.parent)] == []


def _all_bytes(directory: Path) -> bytes:
    return b"".join(part.read_bytes() for part in directory.iterdir())
