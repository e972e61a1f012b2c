"""Who may be called: suppression, L5, the write-ahead key, and that a refusal leaves no trace."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from controller.domain.budget import Budget
from controller.domain.outcome import Outcome
from controller.domain.recital import LONGEST_MESSAGE
from controller.ports import Admission
from tests.contract.ledger.subjects import (
    LAW,
    NUMBER,
    OTHER_NUMBER,
    PLACED,
    SECOND,
    Subject,
    campaign,
    exposure,
    new_call,
    new_caller,
    plain,
    wish,
)

MS = 1000
FIVE_DAYS = 432_000_000
AT_ONCE = 0 * SECOND


async def test_taken_before_dialing_and_protected_from_then_on(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    call = new_call()
    verdict = await ledger.admit(wish(one, call))
    assert verdict.admission is Admission.ADMITTED
    # Nothing more happens, as after a crash at any later point. The call may ring to its timeout and be
    # answered then: five days from that moment must still be covered.
    last_moment = one.ring_timeout + LAW.cut_after
    left = await subject.lifetime(one.caller)
    assert left >= FIVE_DAYS + last_moment.total_seconds() * MS
    assert left <= FIVE_DAYS + (one.ring_timeout.total_seconds() + 60) * MS
    held = await ledger.suppression(one.caller, NUMBER)
    assert held is not None
    assert (held.reason, held.call) == ("call in flight", call)
    [mark] = await ledger.flights(one.caller)
    assert (mark.call, mark.number, mark.campaign, mark.connected) == (call, NUMBER, "spring", False)


async def test_one_flight_per_number_across_campaigns_of_a_caller(subject: Subject) -> None:
    first, second = await subject.ledger("one"), await subject.ledger("two")
    caller = new_caller()
    assert (await first.admit(wish(campaign(caller), new_call()))).admission is Admission.ADMITTED
    verdict = await second.admit(wish(campaign(caller, "autumn"), new_call()))
    assert verdict.admission is Admission.SUPPRESSED
    assert verdict.in_flight
    assert not await second.flights(caller)
    # Other callers are not concerned.
    assert (await second.admit(wish(campaign(new_caller()), new_call()))).admission is Admission.ADMITTED


async def test_of_many_at_once_exactly_one_gets_the_number(subject: Subject) -> None:
    ledgers = [await subject.ledger("one"), await subject.ledger("two")]
    caller = new_caller()
    wishes = [wish(campaign(caller, f"c{i}"), new_call()) for i in range(40)]
    verdicts = await asyncio.gather(*(ledgers[i % 2].admit(each) for i, each in enumerate(wishes)))
    assert [v.admission for v in verdicts].count(Admission.ADMITTED) == 1
    marks = [mark for ledger in ledgers for mark in await ledger.flights(caller)]
    assert len(marks) == 1


async def test_the_same_call_asking_again_is_admitted_again(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    await subject.grant(one, 34)
    again = wish(one, new_call(), covered=False)
    first = await ledger.admit(again)
    assert first.admission is Admission.ADMITTED
    assert await ledger.admit(again) == first
    assert plain(first.budget) == Budget(successes=34, exposed=1)
    assert len(await ledger.flights(one.caller)) == 1


async def test_a_call_that_is_over_is_not_admitted_late(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    late = wish(one, new_call())
    # The answer did not come in time, the engine gave the call up, and only then the message arrives.
    await ledger.close(late.call, one, NUMBER, Outcome.FAILED, AT_ONCE, exposure(), PLACED)
    assert (await ledger.admit(late)).admission is Admission.SUPPRESSED
    assert not await ledger.flights(one.caller)
    assert (await ledger.admit(wish(one, new_call()))).admission is Admission.ADMITTED
    assert await ledger.outcomes(one) == {}


@pytest.mark.parametrize("outcome", [Outcome.SILENT, Outcome.BUSY, Outcome.CONNECTED])
async def test_nor_does_it_come_to_life_again(subject: Subject, outcome: Outcome) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    said = wish(one, new_call(), guaranteed=True)
    await ledger.admit(said)
    await ledger.close(said.call, one, NUMBER, outcome, AT_ONCE, exposure(), PLACED)
    verdict = await ledger.admit(said)
    assert verdict.admission is Admission.SUPPRESSED
    assert not verdict.in_flight
    assert not await ledger.flights(one.caller)


async def test_suppressed_after_a_silent_call(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    call = new_call()
    await ledger.admit(wish(one, call))
    await ledger.close(call, one, NUMBER, Outcome.SILENT, AT_ONCE, exposure(), PLACED)
    verdict = await ledger.admit(wish(one, new_call(), guaranteed=True))
    assert verdict.admission is Admission.SUPPRESSED
    assert not verdict.in_flight
    assert 431_990 <= verdict.free_in <= 432_000


async def test_next_call_after_a_silent_one_needs_an_operator_until_a_conversation(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller(), leave_alone=SECOND / 4)
    caller = one.caller
    await subject.grant(one, 100)
    call = new_call()
    await ledger.admit(wish(one, call))
    await ledger.close(call, one, NUMBER, Outcome.SILENT, AT_ONCE, exposure(), PLACED)
    await subject.pass_time(0.3)
    other = campaign(caller, "autumn")
    for covered in (True, False):
        verdict = await ledger.admit(wish(other, new_call(), covered=covered))
        assert verdict.admission is Admission.OPERATOR_DUE
    assert not await ledger.flights(caller)
    # Busy is no conversation: the operator is still owed.
    call = new_call()
    assert (await ledger.admit(wish(other, call, guaranteed=True))).admission is Admission.ADMITTED
    await ledger.close(call, other, NUMBER, Outcome.BUSY, AT_ONCE, exposure(), PLACED)
    assert (await ledger.admit(wish(other, new_call()))).admission is Admission.OPERATOR_DUE
    call = new_call()
    await ledger.admit(wish(other, call, guaranteed=True))
    await ledger.close(call, other, NUMBER, Outcome.CONNECTED, AT_ONCE, exposure(), PLACED)
    assert (await ledger.admit(wish(other, new_call()))).admission is Admission.ADMITTED


@pytest.mark.parametrize("why", [Admission.SUPPRESSED, Admission.NO_BUDGET, Admission.OPERATOR_DUE])
async def test_a_refusal_writes_nothing(subject: Subject, why: Admission) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller(), leave_alone=SECOND / 4)
    call = new_call()
    if why is not Admission.NO_BUDGET:
        await ledger.admit(wish(one, call))
        await ledger.close(call, one, NUMBER, Outcome.SILENT, AT_ONCE, exposure(), PLACED)
    if why is Admission.OPERATOR_DUE:
        await subject.pass_time(0.3)
    before = await ledger.budget(one)
    lifetime = await subject.lifetime(one.caller)
    covered = why is not Admission.NO_BUDGET
    refused = wish(one, new_call(), covered=covered, reading=exposure(7))
    verdict = await ledger.admit(refused)
    assert verdict.admission is why
    assert verdict.budget == before == await ledger.budget(one)
    assert await subject.lifetime(one.caller) <= lifetime
    assert not await ledger.flights(one.caller)


async def test_a_hidden_number_does_not_hide_others(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    await ledger.admit(wish(one, new_call()))
    assert await ledger.suppression(one.caller, OTHER_NUMBER) is None
    assert (await ledger.admit(wish(one, new_call(), OTHER_NUMBER))).admission is Admission.ADMITTED
    found = {held.number for held in await ledger.suppressions(one.caller)}
    assert found == {NUMBER, OTHER_NUMBER}
    assert len(await ledger.suppressions(one.caller, limit=1)) == 1
    assert await ledger.suppressions(new_caller()) == []


async def test_a_call_in_which_nobody_is_to_speak_needs_no_budget_and_uses_none(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    assert (await ledger.admit(wish(one, new_call(), covered=False))).admission is Admission.NO_BUDGET
    for outcome in (Outcome.MESSAGE, Outcome.MESSAGE_PART):
        said = wish(one, new_call(), covered=False, agentless=True)
        assert (await ledger.admit(said)).admission is Admission.ADMITTED
        assert (await ledger.admit(wish(one, new_call()))).in_flight, "protected like any other"
        budget = await ledger.close(said.call, one, NUMBER, outcome, AT_ONCE, exposure(), PLACED)
        assert plain(budget) == Budget()
        assert await ledger.suppression(one.caller, NUMBER) is None
    assert await ledger.outcomes(one) == {Outcome.MESSAGE: 1, Outcome.MESSAGE_PART: 1}


async def test_nobody_who_is_owed_an_operator_is_called_without_one(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    silent = new_call()
    await ledger.admit(wish(one, silent))
    await ledger.close(silent, one, NUMBER, Outcome.SILENT, LAW.leave_alone, exposure(), PLACED)
    verdict = await ledger.admit(wish(one, new_call(), covered=False, agentless=True))
    assert verdict.admission is Admission.OPERATOR_DUE


async def test_a_message_may_play_to_its_end_before_the_key_expires(subject: Subject) -> None:
    ledger = await subject.ledger()
    one = replace(campaign(new_caller()), message="acme/news")
    await ledger.admit(wish(one, new_call(), covered=False, agentless=True))
    longest = one.ring_timeout + LONGEST_MESSAGE
    assert await subject.lifetime(one.caller) > FIVE_DAYS + longest.total_seconds() * MS
