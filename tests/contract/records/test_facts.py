"""What statistics are computed from: attempts without their people, also when these were erased."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.domain.answer import AnswerClass, Answerer
from controller.domain.call import HungUpBy
from controller.domain.ids import CallId, CampaignId
from controller.domain.outcome import Outcome
from controller.domain.pacing.past import PastCall
from controller.errors import BadInput, Refused
from controller.law import IT_GARANTE_2014
from controller.ports import AttemptEnd, AttemptFact

from .builders import (
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
    ended,
    sql,
    with_contacts,
)


async def test_a_fact_says_all_but_who_it_was(records: Store) -> None:
    (contact,) = await with_contacts(records, 1)
    call = admitted(contact).evolve(guaranteed=True)
    await begun(records, call)
    over = ended(call, Outcome.SILENT, noise_at=NOW + timedelta(seconds=8), ended_by=HungUpBy.CONTROLLER)
    await records.attempt_ended(AttemptEnd(call=over, next_due=NOW, counts_as_attempt=False))
    assert await records.facts(SPRING) == [
        AttemptFact(
            call=call.id,
            campaign=SPRING,
            person=KEY.of(contact.number),
            caller="acme",
            caller_number="+390212345678",
            law="lax",
            override=False,
            covered=False,
            guaranteed=True,
            placed=NOW,
            rang_at=over.rang_at,
            answered_at=over.answered_at,
            noise_at=over.noise_at,
            ended_at=over.ended_at,
            ended_by=HungUpBy.CONTROLLER,
            outcome=Outcome.SILENT,
            answer_class=AnswerClass.SILENT,
            cause=16,
        )
    ]


async def test_facts_in_pages_and_in_order(records: Store) -> None:
    contacts = await with_contacts(records, 12)
    # Three calls at each instant, named so that no order of arrival is the right one.
    for place, contact in enumerate(reversed(contacts)):
        await begun(records, admitted(contact, f"call-{place * 7 % 12:02}", NOW + place // 3 * HOUR))
    everything = await records.facts(SPRING)
    assert [(fact.placed, fact.call) for fact in everything] == sorted(
        (fact.placed, fact.call) for fact in everything
    )
    assert len(everything) == 12
    for size in (1, 2, 5):
        paged: list[AttemptFact] = []
        after: tuple[datetime, str] | None = None
        while page := await records.facts(SPRING, after=after, limit=size):
            assert len(page) <= size
            paged += page
            after = (page[-1].placed, page[-1].call)
        assert paged == everything
    assert await records.facts(CampaignId("autumn")) == []


async def test_a_call_stays_in_the_window_it_was_placed_in(records: Store) -> None:
    late, early = await with_contacts(records, 2)
    midnight = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)  # in Rome
    for contact, at in ((late, midnight - timedelta(microseconds=1)), (early, midnight)):
        call = admitted(contact, f"call-{contact.id}", at)
        await begun(records, call)
        over = ended(call, Outcome.SILENT, admitted_at=at + DAY)  # whatever is said later
        await records.attempt_ended(AttemptEnd(call=over, next_due=None, counts_as_attempt=False))
    row = await records.campaign(SPRING)
    assert row is not None
    assert row.campaign.created_at is not None
    stored = replace(row.campaign, law=IT_GARANTE_2014)
    windows = [
        {limit.name: window for limit, window in stored.windows(fact.placed)}
        for fact in await records.facts(SPRING)
    ]
    assert [each["day"] for each in windows] == ["day:2026-03-02", "day:2026-03-03"]


# --- the latest


async def test_the_latest_attempts_come_first(records: Store) -> None:
    contacts = await with_contacts(records, 6)
    for place, contact in enumerate(contacts):
        call = admitted(contact, f"call-{place}", NOW + place * HOUR).evolve(segment="warm")
        await begun(records, call)
        if place != 4:  # which is under way
            over = ended(call, Outcome.NO_ANSWER, admitted_at=call.admitted_at)
            await records.attempt_ended(AttemptEnd(call=over, next_due=None, counts_as_attempt=True))

    async def latest(since: datetime, limit: int, before: datetime | None = None) -> list[str]:
        facts = await records.recent_facts(SPRING, limit, since=since, before=before)
        return [fact.call for fact in facts]

    assert await latest(NOW, 9) == ["call-5", "call-3", "call-2", "call-1", "call-0"]
    assert await latest(NOW, 2) == ["call-5", "call-3"]
    assert await latest(NOW + 2 * HOUR, 9) == ["call-5", "call-3", "call-2"]
    assert await latest(NOW, 2, NOW + 3 * HOUR) == ["call-2", "call-1"]
    assert await latest(NOW + DAY, 9) == []
    assert await records.recent_facts(CampaignId("autumn"), 9, since=NOW) == []
    everything = {fact.call: fact for fact in await records.facts(SPRING)}
    assert [everything[fact.call] for fact in await records.recent_facts(SPRING, 2, since=NOW)] == [
        everything[CallId("call-5")],
        everything[CallId("call-3")],
    ]


async def test_the_segment_is_that_of_the_start(records: Store) -> None:
    known, unknown = await with_contacts(records, 2)
    calls = [admitted(known).evolve(segment="warm"), admitted(unknown, "call-2")]
    for call in calls:
        await begun(records, call)
        found = await records.attempt(call.id)
        assert found is not None
        assert found.segment == call.segment
        over = ended(call.evolve(segment="cold"), Outcome.BUSY)
        await records.attempt_ended(AttemptEnd(call=over, next_due=None, counts_as_attempt=True))
    assert {fact.call: fact.segment for fact in await records.facts(SPRING)} == {
        "call-1": "warm",
        "call-2": None,
    }


def test_what_an_attempt_tells() -> None:
    (second, minute) = (timedelta(seconds=1), timedelta(minutes=1))
    fact = AttemptFact(
        call=CallId("call-1"),
        campaign=SPRING,
        person="",
        caller="acme",
        caller_number="",
        law="lax",
        override=False,
        covered=True,
        guaranteed=False,
        placed=NOW,
        segment="warm",
    )
    assert fact.told() is None
    assert replace(fact, ended_at=NOW + minute, outcome=Outcome.LOST).told() is None
    busy = replace(fact, ended_at=NOW + 2 * second, outcome=Outcome.BUSY, ended_by=HungUpBy.CALLEE)
    assert busy.told() == PastCall(placed=NOW, rang=2.0, answered=False, segment="warm")
    back = replace(fact, ended_at=NOW + 15 * second, outcome=Outcome.NO_ANSWER, ended_by=HungUpBy.CONTROLLER)
    assert back.told() == PastCall(placed=NOW, rang=15.0, answered=None, segment="warm")
    talked = replace(
        fact,
        answered_at=NOW + 9 * second,
        bridged_at=NOW + 10 * second,
        heard_at=NOW + 11 * second,
        ended_at=NOW + 70 * second,
        outcome=Outcome.CONNECTED,
    )
    assert talked.told() == PastCall(placed=NOW, rang=9.0, answered=True, talked=60.0, segment="warm")
    silent = replace(fact, answered_at=NOW + 9 * second, ended_at=NOW + 12 * second, outcome=Outcome.SILENT)
    assert silent.told() == PastCall(placed=NOW, rang=9.0, answered=True, segment="warm")


# --- who picked up


async def test_who_picked_up(records: Store) -> None:
    (contact,) = await with_contacts(records, 1)
    call = admitted(contact)
    await begun(records, call)
    with pytest.raises(BadInput, match="call-1"):  # it is not over
        await records.answered_by(call.id, Answerer.MACHINE, "1001", NOW)
    await records.attempt_ended(end(call, Outcome.CONNECTED))
    await records.answered_by(call.id, Answerer.MACHINE, "1001", NOW + HOUR)
    await records.attempt_ended(end(call, Outcome.CONNECTED))  # does not take it back
    (fact,) = await records.facts(SPRING)
    assert (fact.answerer, fact.answer_class) == (Answerer.MACHINE, AnswerClass.MACHINE)
    assert fact.outcome is Outcome.CONNECTED
    last = (await chain(records))[-1]
    assert (last.kind, last.call, last.person) == ("answerer", call.id, KEY.of(contact.number))
    assert body(last) == {"answerer": "machine", "answer_class": "machine", "author": "1001"}


async def test_of_a_silent_call_nobody_can_say_so(records: Store) -> None:
    (contact,) = await with_contacts(records, 1)
    await begun(records, admitted(contact))
    await records.attempt_ended(end(admitted(contact), Outcome.SILENT, NOW))
    with pytest.raises(BadInput, match="no agent reached"):
        await records.answered_by(CallId("call-1"), Answerer.MACHINE, "1001", NOW)


# --- whose data were erased


async def test_calls_to_who_was_erased_can_still_be_read(records: Store) -> None:
    (contact,) = await with_contacts(records, 1)
    await begun(records, admitted(contact))
    with pytest.raises(Refused, match="under way"):
        await records.people.erase(contact.number, ANNA, NOW)
    await records.attempt_ended(end(admitted(contact), Outcome.SILENT, NOW + HOUR, counts=False))
    before = await records.facts(SPRING)
    await records.people.erase(contact.number, ANNA, NOW)
    found = await records.attempt(CallId("call-1"))
    assert found is not None
    assert (found.outcome, found.contact.name, found.contact.attributes) == (Outcome.SILENT, "", {})
    assert contact.number not in repr(found)
    assert await records.facts(SPRING) == before
    assert await records.due_contacts(SPRING, NOW + DAY, 9) == []
    failed = await records.attempt_started(admitted(contact, "call-2"), campaign())  # read before
    assert failed is not None
    await chain(records)


async def test_an_end_that_comes_after_the_erasure_wakes_nobody(records: Store) -> None:
    (contact,) = await with_contacts(records, 1)
    await records.people.erase(contact.number, ANNA, NOW)
    over = end(admitted(contact), Outcome.FAILED, NOW + HOUR)  # whose start was never confirmed
    await records.attempt_ended(over)
    await records.attempt_ended(over)
    assert await records.due_contacts(SPRING, NOW + DAY, 9) == []
    assert await records.next_due(SPRING, NOW) is None
    found = await records.attempt(CallId("call-1"))
    assert found is not None
    assert contact.number not in repr(found)


async def test_an_end_that_comes_after_the_erasure_brings_no_number_back(url: str, file: Path) -> None:
    async with sql(url, timeout=10) as records:
        (contact,) = await with_contacts(records, 1)
        await records.people.erase(contact.number, ANNA, NOW)
        await records.attempt_ended(end(admitted(contact), Outcome.FAILED, NOW + HOUR))
    raw = sqlite3.connect(file)
    assert raw.execute("SELECT number, person FROM attempts").fetchall() == [("", KEY.of(contact.number))]
    assert contact.number not in "\n".join(raw.iterdump())
    raw.close()
