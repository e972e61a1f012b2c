from __future__ import annotations

from datetime import timedelta

import pytest

from controller.domain.followup import MailOptOut
from controller.domain.ids import CallId, CampaignId
from controller.domain.outbox import JobKind
from controller.errors import BadInput
from controller.ports.leads import NewRule, NewTemplate
from tests.contract.records.builders import DAY, HOUR, NOW, SPRING, Store, campaign, with_contacts

from .builders import called, noted

AUTUMN = CampaignId("autumn")


def template(name: str = "thanks", language: str = "it", subject: str = "Grazie") -> NewTemplate:
    return NewTemplate(name=name, language=language, subject=subject, text="Ciao", author="anna")


def rule(disposition: str = "lead", delay: timedelta = HOUR, campaign: CampaignId = SPRING) -> NewRule:
    return NewRule(
        campaign=campaign,
        disposition=disposition,
        template="thanks",
        language="it",
        delay=delay,
        author="anna",
    )


# --- templates


async def test_each_change_of_a_template_is_a_version_of_its_own(records: Store) -> None:
    followups = records.outward.followups
    first = await followups.add_template(template(), NOW)
    second = await followups.add_template(template(subject="Grazie!"), NOW)
    english = await followups.add_template(template(language="en"), NOW)
    assert (first.version, second.version, english.version) == (1, 2, 1)
    assert await followups.template("thanks", "it") == second
    assert await followups.template("thanks", "it", 1) == first
    assert await followups.template("thanks", "de") is None
    assert await followups.template("thanks", "it", 3) is None
    assert list(await followups.templates()) == [english, second]


# --- what is queued


async def test_a_disposition_queues_its_mail_once_and_when_it_is_due(records: Store) -> None:
    one, two = await with_contacts(records, 2)
    made = await records.outward.followups.add_rule(rule(), NOW)
    for contact, call, code in [(one, "a", "lead"), (two, "b", "refused")]:
        await called(records, contact, call)
        await noted(records, contact.id, call, code, NOW)
    assert await records.outward.followups.queue_due(NOW, room=10) == 1
    assert await records.outward.followups.queue_due(NOW, room=10) == 0
    [job] = await records.outward.jobs.jobs()
    assert (job.kind, job.about, job.due_at) == (JobKind.MAIL, SPRING, NOW + HOUR)
    assert job.payload == {"what": "followup", "rule": made.id, "contact": one.id, "call": "a"}


async def test_a_contact_gets_a_rules_mail_once_however_often_it_is_called(records: Store) -> None:
    [contact] = await with_contacts(records, 1)
    await records.outward.followups.add_rule(rule(), NOW)
    for i in range(3):
        await called(records, contact, f"call-{i}", NOW + i * HOUR)
        await noted(records, contact.id, f"call-{i}", "lead", NOW + i * HOUR)
        await records.outward.followups.queue_due(NOW + i * HOUR, room=10)
    assert len(await records.outward.jobs.jobs()) == 1


async def test_codes_are_compared_whatever_their_case(records: Store) -> None:
    [contact] = await with_contacts(records, 1)
    await records.outward.followups.add_rule(rule("Lead"), NOW)
    await called(records, contact, "a")
    await noted(records, contact.id, "a", "LEAD")
    assert await records.outward.followups.queue_due(NOW, room=10) == 1


async def test_of_a_calls_dispositions_the_last_holds(records: Store) -> None:
    [contact] = await with_contacts(records, 1)
    await records.outward.followups.add_rule(rule(), NOW)
    await called(records, contact, "a")
    await noted(records, contact.id, "a", "lead")
    await noted(records, contact.id, "a", "refused")
    assert await records.outward.followups.queue_due(NOW, room=10) == 0


async def test_what_was_noted_before_the_rule_or_while_it_is_off_counts_not(records: Store) -> None:
    one, two = await with_contacts(records, 2)
    await called(records, one, "a")
    await noted(records, one.id, "a", "lead", NOW - HOUR)
    made = await records.outward.followups.add_rule(rule(), NOW)
    assert await records.outward.followups.queue_due(NOW, room=10) == 0
    assert await records.outward.followups.set_rule(made.id, active=False)
    await called(records, two, "b")
    await noted(records, two.id, "b", "lead", NOW + HOUR)
    assert await records.outward.followups.queue_due(NOW + HOUR, room=10) == 0
    assert not await records.outward.followups.set_rule(99, active=True)


async def test_what_finds_no_room_is_queued_the_next_time(records: Store) -> None:
    people = await with_contacts(records, 5)
    await records.outward.followups.add_rule(rule(), NOW)
    for i, contact in enumerate(people):
        await called(records, contact, f"call-{i}")
        await noted(records, contact.id, f"call-{i}", "lead", NOW + 2 * i * HOUR)
    queue = records.outward.followups.queue_due
    assert [await queue(NOW + DAY, room=room) for room in (2, 0, 2, 2, 2)] == [2, 0, 2, 1, 0]


async def test_a_disposition_that_is_stored_late_is_not_missed(records: Store) -> None:
    one, two = await with_contacts(records, 2)
    await records.outward.followups.add_rule(rule(), NOW)
    await called(records, one, "a")
    await called(records, two, "b")
    await noted(records, one.id, "a", "lead", NOW)
    assert await records.outward.followups.queue_due(NOW + 2 * HOUR, room=10) == 1
    await noted(records, two.id, "b", "lead", NOW + HOUR + timedelta(minutes=1))  # committed only now
    assert await records.outward.followups.queue_due(NOW + 2 * HOUR, room=10) == 1


async def test_rules_are_of_their_campaign(records: Store) -> None:
    [contact] = await with_contacts(records, 1)
    await records.save_campaign(campaign(AUTUMN))
    other = await records.outward.followups.add_rule(rule(campaign=AUTUMN), NOW)
    await called(records, contact, "a")
    await noted(records, contact.id, "a", "lead")
    assert await records.outward.followups.queue_due(NOW, room=10) == 0
    assert list(await records.outward.followups.rules(AUTUMN)) == [other]
    assert list(await records.outward.followups.rules(SPRING)) == []
    assert list(await records.outward.followups.rules()) == [other]


async def test_a_rule_needs_its_campaign(records: Store) -> None:
    with pytest.raises(BadInput, match="spring"):
        await records.outward.followups.add_rule(rule(), NOW)


async def test_the_last_note_of_a_call(records: Store) -> None:
    [contact] = await with_contacts(records, 1)
    await called(records, contact, "a")
    await noted(records, contact.id, "a", "refused")
    await noted(records, contact.id, "a", "lead", NOW + HOUR)
    note = await records.outward.followups.note_of(CallId("a"))
    assert note is not None
    assert (note.code, note.contact, note.agent, note.at) == ("lead", contact.id, "1001", NOW + HOUR)
    assert await records.outward.followups.note_of(CallId("b")) is None


# --- who must not be written to


async def test_an_opt_out_binds_in_its_scope_until_it_is_taken_back(records: Store) -> None:
    followups = records.outward.followups
    entry = MailOptOut(scope="caller:acme", person="x" * 22, source="link", author="them", at=NOW)
    assert await followups.opt_out(entry)
    assert not await followups.opt_out(entry)
    assert await followups.opted_out("x" * 22, ["*", "caller:acme"]) == entry
    assert await followups.opted_out("x" * 22, ["*", "caller:other"]) is None
    assert await followups.opted_out("y" * 22, ["*", "caller:acme"]) is None
    assert await followups.opt_in("caller:acme", "x" * 22)
    assert not await followups.opt_in("caller:acme", "x" * 22)
    assert await followups.opted_out("x" * 22, ["*", "caller:acme"]) is None


async def test_a_recipient_is_what_the_contact_is_now(records: Store) -> None:
    [contact] = await with_contacts(records, 1)
    to = await records.outward.leads.recipient(contact.id)
    assert to is not None
    assert (to.campaign, to.numbers, to.name) == (SPRING, (contact.number,), contact.name)
    assert (to.attributes, to.erased) == (contact.attributes, False)
