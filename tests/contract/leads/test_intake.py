from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from controller.domain.contact import NewContact
from controller.domain.followup import mail_person
from controller.domain.funnel import Stage
from controller.domain.ids import E164, CampaignId, ContactId
from controller.domain.intake import IntakeForm, IntakeState, Submission
from controller.errors import BadInput
from tests.contract.records.builders import ANNA, DAY, HOUR, KEY, NOW, SPRING, Store, campaign

FORM = IntakeForm(
    id="web",
    campaign=SPRING,
    secret=bytes(24),
    reason="wants an offer",
    consent_text="Acconsento",
    consent_version="v1",
    origin="https://www.example.org",
    segment="web",
    tags=frozenset({"b", "a"}),
    author="anna",
    created_at=NOW,
)


def sent(delivery: str, state: IntakeState = IntakeState.PENDING, at: datetime = NOW) -> Submission:
    return Submission(
        form="web",
        delivery=delivery,
        received_at=at,
        state=state,
        values={"number": "+393471234567", "city": "Forlì"},
        person="p" * 22,
        mail_person="m" * 22,
    )


async def opened(records: Store) -> None:
    await records.save_campaign(campaign())
    await records.outward.intake.add_form(FORM)


async def test_a_form_is_kept_as_it_was_made(records: Store) -> None:
    await opened(records)
    intake = records.outward.intake
    assert await intake.form("web") == FORM
    assert await intake.form("other") is None
    await intake.add_form(replace(FORM, id="shop"))
    assert [form.id for form in await intake.forms()] == ["shop", "web"]
    assert await intake.open_form("web", open=False)
    assert await intake.form("web") == replace(FORM, open=False)
    assert not await intake.open_form("other", open=True)


async def test_a_form_needs_a_name_of_its_own_and_a_campaign(records: Store) -> None:
    await opened(records)
    with pytest.raises(BadInput, match="already"):
        await records.outward.intake.add_form(FORM)
    with pytest.raises(BadInput, match="autumn"):
        await records.outward.intake.add_form(replace(FORM, id="x", campaign=CampaignId("autumn")))


async def test_a_delivery_is_taken_once(records: Store) -> None:
    await opened(records)
    intake = records.outward.intake
    first, new = await intake.receive(sent("d-1"))
    again, known = await intake.receive(replace(sent("d-1"), values={"other": "values"}))
    assert (new, known) == (True, False)
    assert again == first
    assert first.values == {"number": "+393471234567", "city": "Forlì"}
    other, new = await intake.receive(sent("d-2"))
    assert new
    assert other.id != first.id
    assert await intake.submission(first.id) == first
    assert await intake.submission(99) is None


async def test_what_became_of_it_is_said_once_and_empties_it(records: Store) -> None:
    await opened(records)
    intake = records.outward.intake
    first, _ = await intake.receive(sent("d-1"))
    assert await intake.end(first.id, IntakeState.ACCEPTED, NOW + HOUR, reason="known")
    assert not await intake.end(first.id, IntakeState.REJECTED, NOW + HOUR)
    now = await intake.submission(first.id)
    assert now == replace(first, state=IntakeState.ACCEPTED, reason="known", values={}, ended_at=NOW + HOUR)
    second, _ = await intake.receive(sent("d-2"))
    assert await intake.end(second.id, IntakeState.REJECTED, NOW, reason="bad", keep=True)
    now = await intake.submission(second.id)
    assert now is not None
    assert now.values == second.values
    assert dict(await intake.counts("web")) == {IntakeState.ACCEPTED: 1, IntakeState.REJECTED: 1}
    assert dict(await intake.counts("other")) == {}


async def test_who_waits_for_a_confirmation_is_found(records: Store) -> None:
    await opened(records)
    intake = records.outward.intake
    first, _ = await intake.receive(sent("d-1"))
    assert await intake.pending("web", "m" * 22, NOW) == first
    assert await intake.pending("web", "m" * 22, NOW + HOUR) is None
    assert await intake.pending("web", "n" * 22, NOW) is None
    assert await intake.pending("shop", "m" * 22, NOW) is None
    await intake.end(first.id, IntakeState.ACCEPTED, NOW)
    assert await intake.pending("web", "m" * 22, NOW) is None


async def test_what_came_in_is_listed_by_page_and_state(records: Store) -> None:
    await opened(records)
    intake = records.outward.intake
    for i in range(4):
        state = IntakeState.REJECTED if i % 2 else IntakeState.PENDING
        await intake.receive(sent(f"d-{i}", state))
    first = await intake.submissions(limit=3)
    rest = await intake.submissions(after=first[-1].id)
    assert [each.delivery for each in [*first, *rest]] == ["d-0", "d-1", "d-2", "d-3"]
    rejected = await intake.submissions(form="web", state=IntakeState.REJECTED)
    assert [each.delivery for each in rejected] == ["d-1", "d-3"]
    assert await intake.submissions(form="shop") == []


async def test_what_is_too_old_is_emptied(records: Store) -> None:
    await opened(records)
    intake = records.outward.intake
    await intake.receive(sent("late", at=NOW - 8 * DAY))
    await intake.receive(sent("fresh"))
    await intake.receive(sent("reject", IntakeState.REJECTED, NOW - 8 * DAY))
    await intake.receive(sent("old reject", IntakeState.REJECTED, NOW - 100 * DAY))
    assert await intake.expire(NOW - 7 * DAY, NOW - 90 * DAY, NOW) == 2
    assert await intake.expire(NOW - 7 * DAY, NOW - 90 * DAY, NOW) == 0
    assert [(each.state, bool(each.values)) for each in await intake.submissions()] == [
        (IntakeState.EXPIRED, False),
        (IntakeState.PENDING, True),
        (IntakeState.REJECTED, True),
        (IntakeState.REJECTED, False),
    ]


async def test_what_a_person_sent_can_be_forgotten(records: Store) -> None:
    await opened(records)
    intake = records.outward.intake
    await intake.receive(sent("pending"))
    await intake.receive(sent("rejected", IntakeState.REJECTED))
    await intake.receive(replace(sent("another's"), person="q" * 22))
    assert await intake.forget("p" * 22) == 2
    assert await intake.forget("p" * 22) == 0
    assert [(each.state, bool(each.values)) for each in await intake.submissions()] == [
        (IntakeState.EXPIRED, False),
        (IntakeState.REJECTED, False),
        (IntakeState.PENDING, True),
    ]


async def test_what_a_person_sent_is_shown_to_them_and_erased_with_them(records: Store) -> None:
    await opened(records)
    number = E164("+393471234567")
    await records.add_contacts(SPRING, [NewContact(number=number, email="Ada@Example.org")])
    await records.outward.leads.set_stage(ContactId(1), Stage.LEAD, ANNA, NOW)
    await records.outward.intake.receive(replace(sent("d-1"), person=KEY.of(number)))
    told = await records.people.person(number)
    assert [each["values"]["city"] for each in told.submissions] == ["Forlì"]
    assert [(each["after"], each["author"]) for each in told.stage_changes] == [(Stage.LEAD, "anna")]
    for _ in range(2):
        await records.people.erase(number, ANNA, NOW)
    [kept] = await records.outward.intake.submissions()
    assert (kept.state, kept.values) == (IntakeState.EXPIRED, {})
    # Who wants to be forgotten is not written to, by whatever list they come back.
    person = mail_person(KEY, "ada@example.org")
    barred = await records.outward.followups.opted_out(person, ["*"])
    assert barred is not None
    assert barred.author == "anna"
