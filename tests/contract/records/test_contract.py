"""What every record store does, in memory or in SQL."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from controller.domain.call import CallState, HungUpBy
from controller.domain.campaign import Campaign, CampaignState, ListOrder, Override, PausedBy
from controller.domain.clearance import Check
from controller.domain.contact import Consent
from controller.domain.dialing_plan import SegmentShare
from controller.domain.disposition import Disposition, DispositionKind, DispositionSet
from controller.domain.hours import parse_hours
from controller.domain.ids import AgentId, CallId, CampaignId, ContactId
from controller.domain.outcome import Outcome
from controller.domain.pacing import Mode
from controller.domain.retry import RetryRule
from controller.errors import BadInput, Conflict, ProtocolError
from controller.law import IT_GARANTE_2014
from controller.ports import AttemptEnd, CampaignFigures, CampaignRow, ImportResult, Records

from .builders import (
    NOW,
    SPRING,
    begun,
    call_to,
    campaign,
    contact_now,
    end,
    ended,
    new_contact,
    with_contacts,
)

HOUR = timedelta(hours=1)
NOBODY = CampaignId("nobody")


async def test_ping(records: Records) -> None:
    await records.ping()


# --- campaigns


async def test_an_edit_takes_effect_once_and_leaves_the_state_alone(records: Records) -> None:
    await records.save_campaign(campaign())
    await records.set_campaign_state(SPRING, CampaignState.PAUSED, "lunch", PausedBy.PERSON)
    before = await records.campaign(SPRING)
    assert before is not None
    changes = {"max_lines": {"from": 200, "to": 7}}

    version = await records.edit_campaign(replace(before.campaign, max_lines=7), 1, changes, "anna")

    after = await records.campaign(SPRING)
    assert after is not None
    assert (version, after.version, after.campaign.max_lines) == (2, 2, 7)
    assert (after.state, after.reason, after.paused_by) == (CampaignState.PAUSED, "lunch", PausedBy.PERSON)
    assert after.campaign.created_at == before.campaign.created_at
    with pytest.raises(Conflict):
        await records.edit_campaign(before.campaign, 1, changes, "bruno")
    with pytest.raises(BadInput):
        await records.edit_campaign(campaign("autumn"), 1, changes, "bruno")
    await records.set_campaign_state(SPRING, CampaignState.RUNNING)
    running = await records.campaign(SPRING)
    assert running is not None
    assert running.paused_by is None


async def test_a_campaign_with_a_time_to_open_is_scheduled(records: Records) -> None:
    await records.save_campaign(replace(campaign(), opens_at=NOW))
    row = await records.campaign(SPRING)
    assert row is not None
    assert row.state is CampaignState.SCHEDULED


async def test_a_campaign_comes_back_as_it_was_saved(records: Records) -> None:
    full = Campaign(
        id=SPRING,
        caller="acme",
        law=IT_GARANTE_2014,
        caller_number="+390212345678",
        caller_number_answers=True,
        zone="Europe/Vienna",
        region="IT-MI",
        hours=parse_hours("mon-fri 10:00-13:00,15:00-19:00"),
        segment_hours={"evening": parse_hours("mon-fri 18:00-20:00"), "any": parse_hours("always")},
        opens_at=NOW,
        closes_at=NOW + HOUR,
        message="sorry",
        dial_string="PJSIP/{number}@carrier",
        trunk="PJSIP/carrier",
        mode=Mode.RESERVED,
        overdial=1.37,
        ring_timeout=timedelta(seconds=25.5),
        take_back_after=None,
        wrap_up=timedelta(0),
        preview_timeout=timedelta(seconds=45.5),
        calls_per_second=0.1,
        max_lines=7,
        retry=RetryRule(
            max_attempts=5,
            pauses={Outcome.BUSY: timedelta(minutes=3)},
            per_day=2,
            per_week=4,
            other_number_after=timedelta(seconds=90),
            change_part_of_day=True,
        ),
        dialing=(SegmentShare(segment="vip", weight=3, priority=2), SegmentShare(segment="rest")),
        order=ListOrder.NEWEST_FIRST,
        agents=frozenset({AgentId("101"), AgentId("102")}),
        skills=frozenset({"german"}),
        script="welcome",
        dispositions=DispositionSet((Disposition(code="ok", label="Good", kind=DispositionKind.LEAD),)),
        override=Override(author="lab", reason="burst"),
    )
    await records.save_campaign(full)
    assert await records.campaign(SPRING) == CampaignRow(campaign=full, state=CampaignState.SCHEDULED)


async def test_campaigns_are_listed_by_id(records: Records) -> None:
    for name in ("b", "a", "c"):
        await records.save_campaign(campaign(name))
    assert [row.campaign.id for row in await records.campaigns()] == ["a", "b", "c"]


async def test_an_id_is_taken_once(records: Records) -> None:
    await records.save_campaign(campaign())
    with pytest.raises(BadInput, match="spring"):
        await records.save_campaign(replace(campaign(), caller="other"))
    row = await records.campaign(SPRING)
    assert row is not None
    assert row.campaign.caller == "acme"


async def test_a_profile_that_its_name_does_not_find_is_refused(records: Records) -> None:
    lax = replace(IT_GARANTE_2014, retention=timedelta(days=999))
    with pytest.raises(BadInput, match="it-garante-2014"):
        await records.save_campaign(replace(campaign(), law=lax))


async def test_no_campaign(records: Records) -> None:
    assert await records.campaign(NOBODY) is None
    assert await records.campaigns() == []
    assert await records.due_contacts(NOBODY, NOW, 10) == []
    assert await records.next_due(NOBODY, NOW) is None
    assert await records.figures(NOBODY) == CampaignFigures(campaign=NOBODY, contacts=0, pending=0)
    with pytest.raises(BadInput, match="nobody"):
        await records.set_campaign_state(NOBODY, CampaignState.RUNNING)
    with pytest.raises(BadInput, match="nobody"):
        await records.add_contacts(NOBODY, [new_contact(1)])
    with pytest.raises(BadInput, match="nobody"):
        await records.record_override(NOBODY, Override(author="a", reason="b"), NOW)


async def test_state_and_reason(records: Records) -> None:
    await records.save_campaign(campaign())
    await records.set_campaign_state(SPRING, CampaignState.PAUSED, "lunch")
    row = await records.campaign(SPRING)
    assert row is not None
    assert (row.state, row.reason) == (CampaignState.PAUSED, "lunch")
    await records.set_campaign_state(SPRING, CampaignState.RUNNING)
    row = await records.campaign(SPRING)
    assert row is not None
    assert (row.state, row.reason) == (CampaignState.RUNNING, "")


async def test_an_override_is_recorded_and_leaves_the_campaign_as_it_is(records: Records) -> None:
    await records.save_campaign(campaign())
    await records.record_override(SPRING, Override(author="lab", reason="burst"), NOW)
    await records.record_override(SPRING, Override(author="lab", reason="again"), NOW)
    row = await records.campaign(SPRING)
    assert row is not None
    assert row.campaign.override is None


# --- contacts


async def test_a_contact_comes_back_as_it_was_imported(records: Records) -> None:
    (contact,) = await with_contacts(records, 1)
    new = new_contact(0)
    assert (contact.number, contact.name, contact.attributes) == (new.number, new.name, new.attributes)
    assert (contact.campaign, contact.attempts, contact.operator_due) == (SPRING, 0, False)
    assert contact.due_at is None


async def test_a_newer_consent_takes_the_place_of_an_older_one(records: Records) -> None:
    await with_contacts(records, 1)

    async def consent_after(consent: Consent | None) -> Consent | None:
        result = await records.add_contacts(SPRING, [replace(new_contact(0, line=7), consent=consent)])
        assert result == ImportResult(stored=0, known=(7,))
        (listed,) = await records.contacts(SPRING)
        assert listed.contact.name == new_contact(0).name
        return listed.contact.consent

    older = Consent(basis="contract", source="form 1", given_at=NOW - 2 * HOUR)
    newer = Consent(basis="consent", source="form 2", given_at=NOW - HOUR)
    assert await consent_after(newer) == newer
    assert await consent_after(older) == newer
    assert await consent_after(None) == newer


async def test_a_number_is_stored_once_per_campaign(records: Records) -> None:
    await records.save_campaign(campaign())
    await records.save_campaign(campaign("autumn"))
    first = await records.add_contacts(SPRING, [new_contact(1, 2), new_contact(2, 3)])
    assert first == ImportResult(stored=2)
    changed = replace(new_contact(1, 17), name="Somebody else")
    again = await records.add_contacts(SPRING, [changed, new_contact(3, 18), new_contact(3, 19)])
    assert (again.stored, list(again.known)) == (1, [17, 19])
    due = await records.due_contacts(SPRING, NOW, 10)
    assert [contact.name for contact in due] == ["Name 1", "Name 2", "Name 3"]
    elsewhere = await records.add_contacts(CampaignId("autumn"), [new_contact(1)])
    assert elsewhere.stored == 1


async def test_adding_none(records: Records) -> None:
    await records.save_campaign(campaign())
    assert await records.add_contacts(SPRING, []) == ImportResult(stored=0)


async def test_more_contacts_than_one_query_asks_about(records: Records) -> None:
    await records.save_campaign(campaign())
    many = [new_contact(i, i) for i in range(2500)]
    assert (await records.add_contacts(SPRING, many[1200:])).stored == 1300
    result = await records.add_contacts(SPRING, many)
    assert (result.stored, list(result.known)) == (1200, list(range(1200, 2500)))


async def test_due_contacts_in_order_and_no_more_than_asked(records: Records) -> None:
    contacts = await with_contacts(records, 6)
    await records.postpone([contacts[4].id], NOW - HOUR)
    await records.postpone([contacts[1].id], NOW)
    await records.postpone([contacts[3].id], NOW - HOUR)
    await records.postpone([contacts[0].id], NOW + timedelta(microseconds=1))
    due = [contact.id for contact in await records.due_contacts(SPRING, NOW, 10)]
    # Those whose time has come, longest first; then those never tried, by id.
    assert due == [contacts[i].id for i in (3, 4, 1, 2, 5)]
    for limit in range(7):
        assert [contact.id for contact in await records.due_contacts(SPRING, NOW, limit)] == due[:limit]


async def test_due_contacts_are_of_one_campaign(records: Records) -> None:
    await with_contacts(records, 2)
    (other,) = await with_contacts(records, 1, "autumn")
    assert await records.due_contacts(CampaignId("autumn"), NOW, 10) == [other]


async def test_a_contact_in_flight_is_not_offered(records: Records) -> None:
    first, second = await with_contacts(records, 2)
    await begun(records, call_to(first))
    assert await records.due_contacts(SPRING, NOW, 10) == [second]


async def test_postponing_never_brings_forward(records: Records) -> None:
    (contact,) = await with_contacts(records, 1)
    await records.postpone([contact.id], NOW + HOUR)
    await records.postpone([contact.id], NOW)
    assert await records.next_due(SPRING, NOW) == NOW + HOUR


async def test_postponing_does_not_wake_who_is_done(records: Records) -> None:
    (contact,) = await with_contacts(records, 1)
    await begun(records, call_to(contact))
    await records.attempt_ended(end(call_to(contact), Outcome.CONNECTED))
    await records.postpone([contact.id], NOW)
    await records.postpone([ContactId(4711)], NOW)  # nobody
    assert await records.due_contacts(SPRING, NOW + HOUR, 10) == []


async def test_next_due(records: Records) -> None:
    contacts = await with_contacts(records, 2)
    assert await records.next_due(SPRING, NOW) == NOW  # both may be called at once
    await records.postpone([contacts[0].id], NOW + 2 * HOUR)
    await records.postpone([contacts[1].id], NOW + HOUR)
    assert await records.next_due(SPRING, NOW) == NOW + HOUR
    assert await records.next_due(SPRING, NOW + HOUR) == NOW + 2 * HOUR
    for number, contact in enumerate(contacts):
        call = call_to(contact, f"call-{number}")
        await begun(records, call)
        assert await records.next_due(SPRING, NOW) is not None  # not done: a call is under way
        await records.attempt_ended(end(call, Outcome.CONNECTED))
    assert await records.next_due(SPRING, NOW) is None


# --- attempts


async def test_an_attempt_is_open_until_it_ends(records: Records) -> None:
    first, second = await with_contacts(records, 2)
    one = call_to(first, "call-b", covered=True, guaranteed=True)
    two = call_to(second, "call-a")
    await begun(records, one)
    await begun(records, two)
    assert await records.open_attempts() == [one, two]
    assert await records.attempt(one.id) == one
    await records.attempt_ended(end(one, Outcome.BUSY))
    assert await records.open_attempts() == [two]
    assert await records.attempt(CallId("unheard-of")) is None


async def test_an_attempt_comes_back_as_it_ended(records: Records) -> None:
    contacts = await with_contacts(records, len(Outcome))
    for contact, outcome in zip(contacts, Outcome, strict=True):
        call = call_to(contact, f"call-{outcome.value}", covered=True)
        await begun(records, call)
        over = ended(call, outcome, waited=True, sip=486, ended_by=HungUpBy.AGENT, cause=17)
        await records.attempt_ended(AttemptEnd(call=over, next_due=NOW + HOUR, counts_as_attempt=True))
        owed = outcome in (Outcome.SILENT, Outcome.LOST)
        after = replace(contact, attempts=1, due_at=NOW + HOUR, operator_due=owed)
        assert await records.attempt(call.id) == over.evolve(contact=after)


async def test_flags_of_a_live_call_are_not_kept(records: Records) -> None:
    (contact,) = await with_contacts(records, 1)
    await begun(records, call_to(contact, cut_due=True, asked_at_answer=True))
    assert await records.attempt(CallId("call-1")) == call_to(contact)


async def test_instants_are_aware_utc_whatever_the_zone_given(records: Records) -> None:
    (contact,) = await with_contacts(records, 1)
    call = call_to(contact)
    await begun(records, call)
    rome = timezone(timedelta(hours=2))
    over = ended(call, Outcome.CONNECTED).evolve(ended_at=NOW.astimezone(rome))
    await records.attempt_ended(
        AttemptEnd(call=over, next_due=(NOW + HOUR).astimezone(rome), counts_as_attempt=True)
    )
    found = await records.attempt(call.id)
    assert found is not None
    assert found.ended_at == NOW
    instants = (found.admitted_at, found.rang_at, found.answered_at, found.bridged_at, found.contact.due_at)
    assert all(at is not None and at.utcoffset() is not None for at in instants)
    assert await records.next_due(SPRING, NOW) == NOW + HOUR


async def test_a_retry_is_due_at_its_time(records: Records) -> None:
    (contact,) = await with_contacts(records, 1)
    await begun(records, call_to(contact))
    await records.attempt_ended(end(call_to(contact), Outcome.BUSY, NOW + HOUR))
    assert await records.due_contacts(SPRING, NOW, 10) == []
    (due,) = await records.due_contacts(SPRING, NOW + HOUR, 10)
    assert (due.attempts, due.due_at) == (1, NOW + HOUR)


async def test_a_silent_call_does_not_use_up_attempts_and_owes_an_operator(records: Records) -> None:
    (contact,) = await with_contacts(records, 1)
    await begun(records, call_to(contact))
    await records.attempt_ended(end(call_to(contact), Outcome.SILENT, NOW + HOUR, counts=False))
    after = await contact_now(records)
    assert (after.attempts, after.operator_due) == (0, True)


async def test_only_a_conversation_settles_the_debt(records: Records) -> None:
    (contact,) = await with_contacts(records, 1)
    expected = [(Outcome.LOST, True), (Outcome.BUSY, True), (Outcome.CONNECTED, False), (Outcome.BUSY, False)]
    for number, (outcome, owed) in enumerate(expected):
        call = call_to(contact, f"call-{number}")
        await begun(records, call)
        await records.attempt_ended(end(call, outcome, NOW))
        assert (await contact_now(records, call.id)).operator_due is owed


async def test_saying_it_twice_changes_nothing(records: Records) -> None:
    (contact,) = await with_contacts(records, 1)
    call = call_to(contact)
    await asyncio.gather(begun(records, call), begun(records, call))
    over = end(call, Outcome.BUSY, NOW + HOUR)
    await asyncio.gather(*(records.attempt_ended(over) for _ in range(3)))
    await records.attempt_ended(over)
    later = end(call, Outcome.SILENT, None)
    await records.attempt_ended(later)
    await begun(records, call)
    found = await records.attempt(call.id)
    assert found is not None
    assert found.outcome is Outcome.BUSY
    assert (found.contact.attempts, found.contact.due_at) == (1, NOW + HOUR)
    assert await records.open_attempts() == []
    assert len(await records.due_contacts(SPRING, NOW + HOUR, 10)) == 1
    # Nor does an old end disturb the next attempt.
    again = call_to(contact, "call-2")
    await begun(records, again)
    await records.attempt_ended(over)
    assert [found.id for found in await records.open_attempts()] == ["call-2"]
    assert await records.due_contacts(SPRING, NOW + HOUR, 10) == []


async def test_an_end_without_a_recorded_start_is_kept(records: Records) -> None:
    (contact,) = await with_contacts(records, 1)
    call = call_to(contact)
    await asyncio.gather(*(records.attempt_ended(end(call, Outcome.SILENT, NOW + HOUR)) for _ in range(2)))
    found = await records.attempt(call.id)
    assert found is not None
    assert (found.outcome, found.contact.operator_due, found.contact.attempts) == (Outcome.SILENT, True, 1)
    await begun(records, call)  # comes too late
    assert await records.open_attempts() == []


async def test_one_attempt_at_a_time(records: Records) -> None:
    first, second = await with_contacts(records, 2)
    await begun(records, call_to(first, "call-1"))
    results = await asyncio.gather(
        begun(records, call_to(second, "call-2")),
        records.attempt_started(call_to(first, "call-3"), campaign()),
        records.attempt_started(call_to(replace(first, id=ContactId(4711)), "call-4"), campaign()),
        return_exceptions=True,
    )
    # The two bad ones do not take their neighbour with them.
    assert results[0] is None
    assert isinstance(results[1], Check)
    assert "under way" in results[1].why
    assert isinstance(results[2], Check)
    assert "in the campaign no more" in results[2].why
    assert [call.id for call in await records.open_attempts()] == ["call-1", "call-2"]


async def test_an_end_needs_an_outcome(records: Records) -> None:
    (contact,) = await with_contacts(records, 1)
    with pytest.raises(ProtocolError, match="without an outcome"):
        await records.attempt_ended(AttemptEnd(call=call_to(contact), next_due=None, counts_as_attempt=True))


async def test_200_attempts_at_once(records: Records) -> None:
    contacts = await with_contacts(records, 250)
    calls = [call_to(contact, f"call-{contact.id}") for contact in contacts[:200]]

    async def live(number: int) -> None:
        await begun(records, calls[number])
        outcome = list(Outcome)[number % len(Outcome)]
        await records.attempt_ended(end(calls[number], outcome, NOW + HOUR))

    await asyncio.gather(*(live(number) for number in range(200)))
    assert await records.open_attempts() == []
    figures = await records.figures(SPRING)
    assert sum(figures.by_outcome.values()) == 200
    due = await records.due_contacts(SPRING, NOW + HOUR, 1000)
    assert len(due) == len({contact.id for contact in due}) == 250
    assert sum(contact.attempts for contact in due) == 200


# --- figures


async def test_figures(records: Records) -> None:
    contacts = await with_contacts(records, 7)
    await with_contacts(records, 3, "autumn")
    calls = [call_to(contact, f"call-{i}") for i, contact in enumerate(contacts)]
    for call in calls[:6]:
        await begun(records, call)
    answered = NOW + timedelta(seconds=8)

    async def over(number: int, outcome: Outcome, **changes: object) -> None:
        call = ended(calls[number], outcome, **changes)
        await records.attempt_ended(AttemptEnd(call=call, next_due=None, counts_as_attempt=True))

    await over(0, Outcome.CONNECTED)
    await over(
        1,
        Outcome.CONNECTED,
        answered_at=answered - timedelta(seconds=1),
        bridged_at=answered,
        waited=True,
    )
    await over(2, Outcome.SILENT, ended_at=answered + timedelta(seconds=2.5))
    await over(3, Outcome.SILENT, ended_at=answered + timedelta(seconds=2.7), waited=True)
    await over(4, Outcome.BUSY, waited=True)
    assert await records.figures(SPRING) == CampaignFigures(
        campaign=SPRING,
        contacts=7,
        pending=1,
        by_outcome={Outcome.CONNECTED: 2, Outcome.SILENT: 2, Outcome.BUSY: 1},
        open=1,
        rescued=1,
        answer_to_bridge=(1.0, 1.25),
        longest_unattended=2.7,
    )


async def test_an_open_call_has_its_state(records: Records) -> None:
    (contact,) = await with_contacts(records, 1)
    call = call_to(contact, state=CallState.PLACING, admitted_at=datetime.now(UTC), agent=AgentId("1001"))
    await begun(records, call)
    assert await records.open_attempts() == [call]
