"""How a call ends: exactly once, the number given back or left alone for exactly as long as the law says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from controller.domain.budget import Budget
from controller.domain.outcome import Outcome
from controller.ports import Admission
from tests.contract.ledger.subjects import (
    NUMBER,
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

AT_ONCE = 0 * SECOND
FIVE_DAYS = 432_000_000
SILENT = [Outcome.SILENT, Outcome.LOST]
OTHERS = [outcome for outcome in Outcome if not outcome.counts_as_silent]


@pytest.mark.parametrize("outcome", SILENT)
async def test_left_alone_for_exactly_five_days(subject: Subject, outcome: Outcome) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    call = new_call()
    await ledger.admit(wish(one, call))
    budget = await ledger.close(call, one, NUMBER, outcome, AT_ONCE, exposure(), PLACED)
    assert FIVE_DAYS - 500 <= await subject.lifetime(one.caller) <= FIVE_DAYS
    assert plain(budget) == Budget(silent=1)
    held = await ledger.suppression(one.caller, NUMBER)
    assert held is not None
    assert held.reason == {Outcome.SILENT: "silent call", Outcome.LOST: "outcome unknown"}[outcome]
    assert (held.call, held.number) == (call, NUMBER)
    assert abs(held.since - datetime.now(UTC)) < 10 * SECOND
    assert held.since.tzinfo is not None
    assert 431_999 <= held.expires_in <= 432_000
    assert not await ledger.flights(one.caller)
    assert await ledger.outcomes(one) == {outcome: 1}


async def test_five_days_count_from_the_end_of_the_call(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    call = new_call()
    await ledger.admit(wish(one, call))
    ago = timedelta(hours=1, milliseconds=250)
    await ledger.close(call, one, NUMBER, Outcome.SILENT, ago, exposure(), PLACED)
    expected = FIVE_DAYS - 3_600_250
    assert expected - 500 <= await subject.lifetime(one.caller) <= expected
    held = await ledger.suppression(one.caller, NUMBER)
    assert held is not None
    assert abs(datetime.now(UTC) - ago - held.since) < 10 * SECOND


@pytest.mark.parametrize("days", [5, 6])
async def test_heard_of_after_five_days(subject: Subject, days: int) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    call = new_call()
    await ledger.admit(wish(one, call))
    budget = await ledger.close(call, one, NUMBER, Outcome.LOST, timedelta(days=days), exposure(), PLACED)
    assert budget.silent == 1
    assert await ledger.suppression(one.caller, NUMBER) is None
    assert (await ledger.admit(wish(one, new_call()))).admission is Admission.OPERATOR_DUE


async def test_an_end_in_the_future_is_now(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    call = new_call()
    await ledger.admit(wish(one, call))
    await ledger.close(call, one, NUMBER, Outcome.SILENT, timedelta(hours=-3), exposure(), PLACED)
    assert FIVE_DAYS - 500 <= await subject.lifetime(one.caller) <= FIVE_DAYS


@pytest.mark.parametrize("outcome", OTHERS)
async def test_given_back_if_not_silent(subject: Subject, outcome: Outcome) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    call = new_call()
    await ledger.admit(wish(one, call))
    budget = await ledger.close(call, one, NUMBER, outcome, AT_ONCE, exposure(), PLACED)
    assert plain(budget) == Budget(successes=int(outcome is Outcome.CONNECTED))
    assert await ledger.suppression(one.caller, NUMBER) is None
    assert not await ledger.flights(one.caller)
    assert await ledger.outcomes(one) == {outcome: 1}
    assert (await ledger.admit(wish(one, new_call()))).admission is Admission.ADMITTED


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("then", [Outcome.SILENT, Outcome.CONNECTED, Outcome.BUSY])
async def test_only_the_first_end_counts(subject: Subject, outcome: Outcome, then: Outcome) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    call = new_call()
    await ledger.admit(wish(one, call))
    budget = await ledger.close(call, one, NUMBER, outcome, AT_ONCE, exposure(), PLACED)
    suppression = await ledger.suppression(one.caller, NUMBER)
    for again in (outcome, then):
        assert await ledger.close(call, one, NUMBER, again, AT_ONCE, exposure(), PLACED) == budget
    assert await ledger.connected(call, one, exposure()) == budget
    assert (await ledger.suppression(one.caller, NUMBER) is None) == (suppression is None)
    assert await ledger.outcomes(one) == {outcome: 1}


async def test_success_counts_once(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    call = new_call()
    await ledger.admit(wish(one, call))
    for _ in range(3):
        assert plain(await ledger.connected(call, one, exposure())) == Budget(successes=1)
    [mark] = await ledger.flights(one.caller)
    assert mark.connected
    # Not called again while the conversation goes on.
    assert (await ledger.admit(wish(one, new_call()))).in_flight
    for _ in range(2):
        budget = await ledger.close(call, one, NUMBER, Outcome.CONNECTED, AT_ONCE, exposure(), PLACED)
        assert plain(budget) == Budget(successes=1)


async def test_a_late_end_does_not_free_the_next_call(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    call, following = new_call(), new_call()
    await ledger.admit(wish(one, call))
    await ledger.close(call, one, NUMBER, Outcome.BUSY, AT_ONCE, exposure(), PLACED)
    await ledger.admit(wish(one, following))
    await ledger.close(call, one, NUMBER, Outcome.BUSY, AT_ONCE, exposure(), PLACED)
    held = await ledger.suppression(one.caller, NUMBER)
    assert held is not None
    assert held.call == following


@pytest.mark.parametrize("outcome", list(Outcome))
async def test_end_of_a_call_that_the_ledger_lost(subject: Subject, outcome: Outcome) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    call = new_call()
    await ledger.admit(wish(one, call))
    await subject.lose_everything()
    assert plain(await ledger.connected(call, one, exposure())) == Budget()
    for _ in range(2):
        budget = await ledger.close(call, one, NUMBER, outcome, AT_ONCE, exposure(), PLACED)
        assert plain(budget) == Budget(silent=int(outcome.counts_as_silent))
    if outcome.counts_as_silent:
        assert FIVE_DAYS - 500 <= await subject.lifetime(one.caller) <= FIVE_DAYS
    else:
        assert await ledger.suppression(one.caller, NUMBER) is None


async def test_a_lost_call_does_not_shorten_the_protection_of_the_next(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    call, following = new_call(), new_call()
    await ledger.admit(wish(one, call))
    await subject.lose_everything()
    await ledger.admit(wish(one, following))
    await ledger.close(call, one, NUMBER, Outcome.SILENT, timedelta(days=2), exposure(), PLACED)
    assert await subject.lifetime(one.caller) >= FIVE_DAYS
    # And the next call, ending well, does not take the silent one's protection away.
    await ledger.close(following, one, NUMBER, Outcome.BUSY, AT_ONCE, exposure(), PLACED)
    assert await subject.lifetime(one.caller) >= FIVE_DAYS - timedelta(days=2).total_seconds() * 1000


async def test_suppression_expires_by_itself(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller(), leave_alone=SECOND / 4)
    call = new_call()
    await ledger.admit(wish(one, call))
    await ledger.close(call, one, NUMBER, Outcome.SILENT, AT_ONCE, exposure(), PLACED)
    assert (await ledger.admit(wish(one, new_call(), guaranteed=True))).admission is Admission.SUPPRESSED
    await subject.pass_time(0.3)
    assert await ledger.suppression(one.caller, NUMBER) is None
    assert await ledger.suppressions(one.caller) == []
    assert (await ledger.admit(wish(one, new_call(), guaranteed=True))).admission is Admission.ADMITTED
