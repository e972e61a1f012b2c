"""What came of a call, and what follows for its contact, in every order."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.answer import AnswerClass, Answerer
from controller.domain.callback import CallbackState
from controller.domain.disposition import DispositionKind, default_dispositions
from controller.domain.funnel import Stage
from controller.domain.ids import CallId
from controller.domain.outcome import Outcome
from controller.engine.verification import Verifier
from controller.errors import BadInput, Refused
from controller.ports import Authorship
from controller.store.memory_records import MemoryRecords
from tests.contract.records.builders import (
    DAY,
    HOUR,
    KEY,
    NOW,
    PROFILES,
    SPRING,
    Store,
    chain,
    kinds_of,
    with_contacts,
)

from .builders import (
    ANNA_1001,
    SAID,
    TOMORROW,
    hang_up,
    hour_came,
    listed,
    only_callback,
    promise,
    ring,
    saying,
    spoken,
    state,
    with_numbers,
    with_two_of_two,
)

WHO = Authorship(author="dora", reason="asked")
CALL = CallId("call-1")

FINAL = ["sale", "lead", "interested", "not-interested", "do-not-call"]
AGAIN = {"wrong-person": 4 * HOUR, "machine": 3 * HOUR, "no-conversation": DAY}


async def test_what_was_said_comes_back(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await spoken(records, ada)
    new = saying("sale", notes="Two windows.", answers={"rooms": 3, "own": True, "which": ["a", "b"]})
    new = replace(new, script="windows", script_version=2)
    disposed, fresh = await records.work.dispose(new)
    assert fresh
    (found,) = await records.work.dispositions(call=CALL)
    assert found == disposed
    assert (found.call, found.campaign, found.contact) == (CALL, SPRING, ada.id)
    assert (found.code, found.kind, found.stage) == ("sale", DispositionKind.CUSTOMER, Stage.CUSTOMER)
    assert (found.notes, found.answers) == ("Two windows.", {"rooms": 3, "own": True, "which": ["a", "b"]})
    assert (found.script, found.script_version) == ("windows", 2)
    assert (found.author, found.at, found.agent) == ("1001", SAID, ANNA_1001)
    assert await records.work.dispositions(contact=ada.id) == [found]
    assert await records.work.dispositions(call=CallId("other")) == []


@pytest.mark.parametrize("code", [*FINAL, *AGAIN, "call-back", "wrong-number", "fax"])
async def test_the_same_whether_the_agent_or_the_call_was_first(records: Store, code: str) -> None:
    ada, bea = await with_two_of_two(records)
    promised = promise() if code == "call-back" else None
    await ring(records, ada, "call-1")
    await ring(records, bea, "call-2")
    await records.work.dispose(saying(code, "call-1", promise=promised))
    await hang_up(records, bea, "call-2")
    await hang_up(records, ada, "call-1")
    await records.work.dispose(saying(code, "call-2", promise=promised, talking=False))
    one, other = await state(records, ada.id, "call-1"), await state(records, bea.id, "call-2")
    assert one == other
    assert one["done"] == (code in FINAL)
    if code in AGAIN:
        assert (one["due_at"], one["numbers"]) == (SAID + AGAIN[code], 2)


async def test_at_the_very_same_time_the_outcome_is_the_same(records: Store) -> None:
    """Many calls end while their agents speak: in which order, nobody knows."""
    contacts = await with_contacts(records, 12)
    calls = [(contact, f"call-{i}") for i, contact in enumerate(contacts)]
    for contact, name in calls:
        await ring(records, contact, name)
    both = [
        work
        for contact, name in calls
        for work in (
            records.work.dispose(saying("call-back", name, promise=promise())),
            hang_up(records, contact, name),
        )
    ]
    await asyncio.gather(*both)
    states = [await state(records, contact.id, name) for contact, name in calls]
    assert states[0]["due_at"] == TOMORROW
    assert all(each == states[0] for each in states)


@settings(max_examples=40)
@given(codes=st.lists(st.sampled_from(sorted(default_dispositions().codes)), min_size=1, max_size=4))
async def test_whenever_the_call_ends_between_corrections_the_outcome_is_the_same(codes: list[str]) -> None:
    outcomes = []
    for ends_after in range(len(codes) + 1):
        records = MemoryRecords(profiles=PROFILES, number_key=KEY)
        ada, _bea = await with_two_of_two(records)
        await ring(records, ada)
        for i, code in enumerate(codes):
            if i == ends_after:
                await hang_up(records, ada)
            hour = promise(TOMORROW + i * HOUR) if code == "call-back" else None
            await records.work.dispose(saying(code, at=SAID + i * HOUR, promise=hour))
        if ends_after == len(codes):
            await hang_up(records, ada)
        # Who picked up is said aloud only if the call had ended when it was a machine; the class is the same.
        outcomes.append(await state(records, ada.id) | {"answerer": None})
    assert all(outcome == outcomes[0] for outcome in outcomes)


@pytest.mark.parametrize("code", ["wrong-number", "fax"])
@pytest.mark.parametrize("first", ["agent", "call"])
async def test_a_number_of_no_use_gives_way_to_the_next(records: Store, code: str, first: str) -> None:
    ada = await with_numbers(records, "+390611111111", "+390622222222")
    await ring(records, ada)
    if first == "call":
        await hang_up(records, ada)
    await records.work.dispose(saying(code))
    if first == "agent":
        assert (await listed(records, ada.id)).contact.number == ada.number  # the call still needs it
        await hang_up(records, ada)
    now = await listed(records, ada.id)
    assert not now.done
    assert now.contact.number == "+390611111111"
    assert [other.number for other in now.contact.others] == ["+390622222222"]
    assert now.contact.due_at == SAID + timedelta(minutes=5)
    due = await records.due_contacts(SPRING, SAID + HOUR, 9)
    assert [contact.number for contact in due] == ["+390611111111"]
    assert [one.contact.id for one in await records.contacts_of(due[0].number)] == [ada.id]


async def test_without_another_number_the_campaign_is_done_with_it(records: Store) -> None:
    ada = await with_numbers(records)
    await spoken(records, ada)
    await records.work.dispose(saying("wrong-number"))
    assert (await listed(records, ada.id)).done
    assert (await listed(records, ada.id)).contact.number == ada.number


async def test_a_correction_brings_the_number_back(records: Store) -> None:
    ada = await with_numbers(records, "+390611111111")
    await spoken(records, ada)
    await records.work.dispose(saying("wrong-number"))
    await records.work.dispose(saying("machine", at=SAID + HOUR))
    now = (await listed(records, ada.id)).contact
    assert now.every_number == (ada.number, "+390611111111")
    assert now.due_at == SAID + 4 * HOUR
    assert [one.contact.id for one in await records.contacts_of(ada.number)] == [ada.id]


@pytest.mark.parametrize("first", ["agent", "call"])
async def test_machines_and_faxes_are_told_and_evidence(records: Store, first: str) -> None:
    (ada,) = await with_contacts(records, 1)
    await ring(records, ada)
    if first == "call":
        await hang_up(records, ada)
    await records.work.dispose(saying("machine"))
    if first == "agent":
        await hang_up(records, ada)
    (fact,) = await records.facts(SPRING)
    assert (fact.answerer, fact.answer_class) == (Answerer.MACHINE, AnswerClass.MACHINE)
    assert fact.outcome is Outcome.CONNECTED
    assert (await kinds_of(records))[-2:] == ["hang-up", "answerer"]
    assert (await Verifier(records.evidence, records).verify()).whole


async def test_people_are_told_only_where_a_machine_was_told_before(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await spoken(records, ada)
    before = len(await chain(records))
    await records.work.dispose(saying("interested"))
    assert len(await chain(records)) == before
    await records.work.dispose(saying("fax"))
    await records.work.dispose(saying("interested", at=SAID + HOUR))
    (fact,) = await records.facts(SPRING)
    assert (fact.answerer, fact.answer_class) == (Answerer.PERSON, AnswerClass.AGENT)
    assert (await kinds_of(records))[-2:] == ["answerer", "answerer"]


async def test_said_twice_it_is_stored_once(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await spoken(records, ada)
    one, fresh = await records.work.dispose(saying("machine", notes="beep"))
    again, anew = await records.work.dispose(saying("machine", notes="beep", at=SAID + HOUR))
    assert (fresh, anew, again) == (True, False, one)
    assert len(await records.work.dispositions(call=CALL)) == 1
    assert (await listed(records, ada.id)).contact.due_at == SAID + 3 * HOUR
    await records.work.dispose(saying("machine", notes="beep beep", at=SAID + HOUR))
    assert [one.notes for one in await records.work.dispositions(call=CALL)] == ["beep beep", "beep"]


async def test_the_last_word_holds(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await spoken(records, ada)
    await records.work.dispose(saying("not-interested"))
    assert (await listed(records, ada.id)).done
    await records.work.dispose(saying("no-conversation", at=SAID + HOUR))
    now = await listed(records, ada.id)
    assert (now.done, now.contact.due_at) == (False, SAID + HOUR + DAY)


async def test_a_word_on_an_old_call_changes_nothing_for_a_contact_called_since(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await ring(records, ada)
    await records.work.dispose(saying("machine"))
    await hang_up(records, ada)
    (again,) = await records.due_contacts(SPRING, NOW + DAY, 9)
    await ring(records, again, "call-2", NOW + DAY)
    await records.work.dispose(saying("not-interested", at=NOW + DAY))
    assert (await listed(records, ada.id)).in_flight
    await hang_up(records, again, "call-2", outcome=Outcome.BUSY, due=NOW + 2 * DAY, at=NOW + DAY)
    await records.work.dispose(saying("sale", at=NOW + DAY + HOUR))
    now = await listed(records, ada.id)
    assert (now.done, now.contact.due_at) == (False, NOW + 2 * DAY)


@pytest.mark.parametrize("outcome", [Outcome.BUSY, Outcome.SILENT, Outcome.LOST])
async def test_of_a_call_that_no_agent_reached_nothing_can_be_said(records: Store, outcome: Outcome) -> None:
    (ada,) = await with_contacts(records, 1)
    await ring(records, ada)
    await hang_up(records, ada, outcome=outcome, due=TOMORROW)
    for call in ("call-1", "no-such-call"):
        with pytest.raises(BadInput, match="no agent reached"):
            await records.work.dispose(saying("sale", call))
    assert await records.work.dispositions() == []


async def test_of_a_call_under_way_only_who_knows_that_it_is_a_conversation_may_speak(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await ring(records, ada)
    with pytest.raises(BadInput, match="no agent reached"):
        await records.work.dispose(saying("sale", talking=False))
    await records.work.dispose(saying("sale"))
    assert [one.agent for one in await records.work.dispositions(call=CALL)] == [None]
    await hang_up(records, ada)
    assert [one.agent for one in await records.work.dispositions(call=CALL)] == [ANNA_1001]


@pytest.mark.parametrize(("code", "done"), [("machine", False), ("sale", True)])
async def test_a_conversation_that_got_lost_is_left_alone_as_long_as_the_law_says(
    records: Store, code: str, done: bool
) -> None:
    (ada,) = await with_contacts(records, 1)
    await ring(records, ada)
    await records.work.dispose(saying(code))
    await hang_up(records, ada, outcome=Outcome.LOST, due=NOW + 5 * DAY)
    now = await listed(records, ada.id)
    assert now.done is done
    assert now.contact.operator_due
    assert now.contact.due_at == (None if done else NOW + 5 * DAY)
    (fact,) = await records.facts(SPRING)
    assert fact.answerer is None


# --- the funnel


async def counts(records: Store) -> tuple[int, ...]:
    return (await records.outward.leads.funnel(SPRING)).total.counts


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("sale", (1, 1, 1, 1, 1)),
        ("lead", (1, 1, 1, 1, 0)),
        ("interested", (1, 1, 1, 0, 0)),
        ("not-interested", (1, 1, 0, 0, 0)),
    ],
)
async def test_the_contact_comes_as_far_as_was_said(
    records: Store, code: str, expected: tuple[int, ...]
) -> None:
    (ada,) = await with_contacts(records, 1)
    await spoken(records, ada)
    await records.work.dispose(saying(code))
    assert await counts(records) == expected


async def test_a_correction_takes_back_how_far_the_contact_came(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await records.outward.leads.set_stage(ada.id, Stage.INTERESTED, WHO, NOW)
    await spoken(records, ada)
    await records.work.dispose(saying("sale"))
    await records.work.dispose(saying("not-interested", at=SAID + HOUR))
    assert await counts(records) == (1, 1, 1, 0, 0)  # as far as it had been before


async def test_a_correction_does_not_undo_what_somebody_set_since(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await spoken(records, ada)
    await records.work.dispose(saying("interested"))
    await records.outward.leads.set_stage(ada.id, Stage.CUSTOMER, WHO, SAID)
    await records.work.dispose(saying("not-interested", at=SAID + HOUR))
    assert await counts(records) == (1, 1, 1, 1, 1)


async def test_a_later_call_never_takes_a_contact_back(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await ring(records, ada)
    await records.work.dispose(saying("call-back", promise=promise()))
    await hang_up(records, ada)
    await records.outward.leads.set_stage(ada.id, Stage.LEAD, WHO, SAID)
    (again,) = await hour_came(records, TOMORROW)
    await spoken(records, again, "call-2", TOMORROW)
    await records.work.dispose(saying("not-interested", "call-2", at=TOMORROW))
    assert await counts(records) == (1, 1, 1, 1, 0)


# --- promises in a call


@pytest.mark.parametrize("first", ["agent", "call"])
async def test_a_promise_is_kept_at_its_hour(records: Store, first: str) -> None:
    (ada,) = await with_contacts(records, 1)
    await ring(records, ada)
    if first == "call":
        await hang_up(records, ada)
    await records.work.dispose(saying("call-back", promise=promise(note="after lunch")))
    if first == "agent":
        assert (await listed(records, ada.id)).in_flight
        await hang_up(records, ada)
    now = await listed(records, ada.id)
    assert not now.done
    assert (now.contact.due_at, now.contact.callback_at) == (TOMORROW, TOMORROW)
    assert now.contact.callback_for == ANNA_1001
    made = await only_callback(records)
    assert (made.call, made.note, made.agent, made.at) == ("call-1", "after lunch", ANNA_1001, TOMORROW)
    assert await hour_came(records, TOMORROW - timedelta(microseconds=1)) == []
    assert [one.id for one in await hour_came(records, TOMORROW)] == [ada.id]


async def test_a_promise_beside_another_word_holds(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await spoken(records, ada)
    await records.work.dispose(saying("interested", promise=promise(agent=None)))
    now = await listed(records, ada.id)
    assert (now.done, now.contact.due_at, now.contact.callback_for) == (False, TOMORROW, None)


async def test_what_was_promised_in_a_call_is_never_kept_by_it(records: Store) -> None:
    """Also where the clock of who said it is behind."""
    (ada,) = await with_contacts(records, 1)
    await ring(records, ada)
    now = NOW - timedelta(seconds=1)
    await records.work.dispose(saying("call-back", at=now, promise=promise(NOW)))
    await hang_up(records, ada)
    assert (await only_callback(records)).at == NOW
    assert not (await listed(records, ada.id)).done


@pytest.mark.parametrize("first", ["agent", "call"])
async def test_a_corrected_promise_replaces_the_first(records: Store, first: str) -> None:
    (ada,) = await with_contacts(records, 1)
    await ring(records, ada)
    if first == "call":
        await hang_up(records, ada)
    await records.work.dispose(saying("call-back", promise=promise()))
    later = promise(TOMORROW + DAY, agent=None)
    await records.work.dispose(saying("call-back", promise=later))
    _again, fresh = await records.work.dispose(saying("call-back", promise=later))
    assert not fresh
    if first == "agent":
        await hang_up(records, ada)
    found = await records.work.callbacks(contact=ada.id)
    assert [(one.at, one.state) for one in found] == [
        (TOMORROW, CallbackState.CANCELLED),
        (TOMORROW + DAY, CallbackState.OPEN),
    ]
    assert (await listed(records, ada.id)).contact.due_at == TOMORROW + DAY


@pytest.mark.parametrize("first", ["agent", "call"])
@pytest.mark.parametrize("code", ["not-interested", "do-not-call"])
async def test_a_corrected_call_back_is_none_any_more(records: Store, first: str, code: str) -> None:
    (ada,) = await with_contacts(records, 1)
    await ring(records, ada)
    if first == "call":
        await hang_up(records, ada)
    await records.work.dispose(saying("call-back", promise=promise()))
    await records.work.dispose(saying(code))
    if first == "agent":
        await hang_up(records, ada)
    now = await listed(records, ada.id)
    assert (now.done, now.contact.due_at, now.contact.callback_at) == (True, None, None)
    assert [one.state for one in await records.work.callbacks()] == [CallbackState.CANCELLED]


@pytest.mark.parametrize("code", ["not-interested", "do-not-call"])
async def test_the_call_that_keeps_a_promise_ends_it(records: Store, code: str) -> None:
    (ada,) = await with_contacts(records, 1)
    await records.work.promise(ada.id, promise(), "dora", NOW)
    (due,) = await hour_came(records, TOMORROW)
    await ring(records, due, at=TOMORROW)
    await records.work.dispose(saying(code, at=TOMORROW + HOUR))
    await hang_up(records, due, at=TOMORROW)
    (made,) = await records.work.callbacks()
    assert made.state is CallbackState.DONE
    now = await listed(records, ada.id)
    assert (now.done, now.contact.callback_at, now.contact.callback_for) == (True, None, None)


async def test_a_new_promise_in_the_call_that_kept_the_last_one(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await records.work.promise(ada.id, promise(), "dora", NOW)
    (due,) = await hour_came(records, TOMORROW)
    await ring(records, due, at=TOMORROW)
    hour = TOMORROW + DAY
    await records.work.dispose(saying("call-back", at=TOMORROW + HOUR, promise=promise(hour)))
    await hang_up(records, due, at=TOMORROW)
    found = await records.work.callbacks()
    assert [one.state for one in found] == [CallbackState.DONE, CallbackState.OPEN]
    assert (await listed(records, ada.id)).contact.due_at == hour


# --- the erased


async def test_of_the_erased_no_words_are_stored(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await spoken(records, ada)
    await records.people.erase(ada.number, WHO, SAID)
    await records.work.dispose(saying("sale", notes="Ada, Via Roma 1", answers={"street": "Via Roma"}))
    (found,) = await records.work.dispositions(call=CALL)
    assert (found.code, found.notes, found.answers) == ("sale", "", {})
    _again, fresh = await records.work.dispose(saying("sale", notes="Ada, Via Roma 1"))
    assert not fresh
    assert (await listed(records, ada.id)).done
    with pytest.raises(Refused, match="erased"):
        await records.work.dispose(saying("call-back", promise=promise()))
    await records.work.dispose(saying("machine"))
    assert (await listed(records, ada.id)).done
