"""What people do to numbers: bar, release, forget; and calls that were never placed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from controller.domain.outcome import Outcome
from controller.errors import Refused
from controller.ports import Admission, ManualSuppression
from tests.contract.ledger.subjects import (
    KEY,
    NUMBER,
    PLACED,
    Subject,
    campaign,
    exposure,
    new_call,
    new_caller,
    wish,
)

AT_ONCE = timedelta(0)
DAY = timedelta(days=1)


def by_anna(until: timedelta | None = None) -> ManualSuppression:
    now = datetime.now(UTC)
    end = None if until is None else now + until
    return ManualSuppression(author="anna", reason="asked for it", since=now, until=end)


async def test_a_withdrawn_call_leaves_nothing_behind_and_does_not_come_back(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    call = new_call()
    asked = wish(one, call)
    await ledger.admit(asked)
    await ledger.withdraw(call, one, NUMBER, exposure())
    assert await ledger.suppression(one.caller, NUMBER) is None
    assert await ledger.flights(one.caller) == []
    assert await ledger.outcomes(one) == {}
    assert await ledger.tallies(one) == {}
    assert (await ledger.admit(asked)).admission is Admission.SUPPRESSED  # arrives late: nobody dials it
    assert await ledger.suppression(one.caller, NUMBER) is None


async def test_a_number_barred_by_hand_is_not_called_until_it_is_released(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    await ledger.suppress(one.caller, NUMBER, by_anna())
    refused = await ledger.admit(wish(one, new_call(), guaranteed=True))
    assert refused.admission is Admission.SUPPRESSED
    assert not refused.in_flight
    assert refused.free_in == 432_000
    held = await ledger.suppression(one.caller, NUMBER)
    assert held is not None
    assert (held.by_hand, held.expires_in, held.call) == (True, -1, "")
    assert "asked for it" in held.reason
    assert "anna" in held.reason
    assert await ledger.release(one.caller, NUMBER)
    assert not await ledger.release(one.caller, NUMBER)
    assert (await ledger.admit(wish(one, new_call()))).admission is Admission.ADMITTED


async def test_it_ends_by_itself_if_an_end_was_said(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    await ledger.suppress(one.caller, NUMBER, by_anna(timedelta(seconds=1)))
    refused = await ledger.admit(wish(one, new_call()))
    assert (refused.admission, refused.free_in) == (Admission.SUPPRESSED, 1)
    await subject.pass_time(1.1)
    assert (await ledger.admit(wish(one, new_call()))).admission is Admission.ADMITTED


async def test_releasing_never_shortens_what_the_law_demands(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    call = new_call()
    await ledger.admit(wish(one, call))
    await ledger.close(call, one, NUMBER, Outcome.SILENT, AT_ONCE, exposure(), PLACED)
    await ledger.suppress(one.caller, NUMBER, by_anna(9 * DAY))
    held = await ledger.suppression(one.caller, NUMBER)
    assert held is not None
    assert held.by_hand  # it ends later than the law's
    assert await ledger.release(one.caller, NUMBER)
    held = await ledger.suppression(one.caller, NUMBER)
    assert held is not None
    assert held.reason == "silent call"
    assert held.expires_in > 431_000
    assert not await ledger.release(one.caller, NUMBER)
    assert (await ledger.admit(wish(one, new_call()))).admission is Admission.SUPPRESSED


@pytest.mark.parametrize("barred", [False, True])
async def test_what_protects_a_number_outlives_the_number(subject: Subject, barred: bool) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    call = new_call()
    await ledger.admit(wish(one, call))
    await ledger.close(call, one, NUMBER, Outcome.SILENT, AT_ONCE, exposure(), PLACED)
    if barred:
        await ledger.suppress(one.caller, NUMBER, by_anna(9 * DAY))
    assert await ledger.forget(one.caller, NUMBER)
    kept = await ledger.suppressions(one.caller)
    assert {(each.number, each.number_hash) for each in kept} == {("", KEY.of(NUMBER))}
    refused = await ledger.admit(wish(one, new_call(), guaranteed=True))
    assert refused.admission is Admission.SUPPRESSED
    assert refused.free_in > (9 if barred else 5) * 86_400 - 60
    assert await ledger.operator_due(one.caller, NUMBER)
    assert not await ledger.forget(one.caller, NUMBER)


async def test_an_erased_number_is_still_owed_its_operator_until_a_conversation(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller(), leave_alone=timedelta(seconds=1))
    call = new_call()
    await ledger.admit(wish(one, call))
    await ledger.close(call, one, NUMBER, Outcome.SILENT, AT_ONCE, exposure(), PLACED)
    await ledger.forget(one.caller, NUMBER)
    await subject.pass_time(1.1)
    assert (await ledger.admit(wish(one, new_call()))).admission is Admission.OPERATOR_DUE
    call = new_call()
    assert (await ledger.admit(wish(one, call, guaranteed=True))).admission is Admission.ADMITTED
    await ledger.close(call, one, NUMBER, Outcome.CONNECTED, AT_ONCE, exposure(), PLACED)
    assert not await ledger.operator_due(one.caller, NUMBER)


async def test_an_erased_number_can_be_released_but_nobody_is_named(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    await ledger.suppress(one.caller, NUMBER, by_anna())
    await ledger.forget(one.caller, NUMBER)
    held = await ledger.suppression(one.caller, NUMBER)
    assert held is not None
    assert (held.by_hand, held.author, held.expires_in) == (True, "", -1)
    assert "asked" not in held.reason
    await ledger.suppress(one.caller, NUMBER, by_anna(DAY))  # does not shorten what was said before
    held = await ledger.suppression(one.caller, NUMBER)
    assert held is not None
    assert held.expires_in == -1
    assert await ledger.release(one.caller, NUMBER)
    assert await ledger.suppression(one.caller, NUMBER) is None


async def test_of_two_protections_of_an_erased_number_the_longer_stays(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    for days in (9, 2):
        await ledger.suppress(one.caller, NUMBER, by_anna(days * DAY))
        await ledger.forget(one.caller, NUMBER)
        held = await ledger.suppression(one.caller, NUMBER)
        assert held is not None
        assert held.expires_in > 8 * 86_400


async def test_nobody_is_forgotten_during_a_call(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    call = new_call()
    await ledger.admit(wish(one, call))
    with pytest.raises(Refused, match="under way"):
        await ledger.forget(one.caller, NUMBER)
    held = await ledger.suppression(one.caller, NUMBER)
    assert held is not None
    assert held.call == call


async def test_a_second_silent_call_begins_the_time_anew(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller(), leave_alone=timedelta(seconds=1))
    for _ in range(2):
        call = new_call()
        verdict = await ledger.admit(wish(one, call, guaranteed=True))
        assert verdict.admission is Admission.ADMITTED
        await ledger.close(call, one, NUMBER, Outcome.SILENT, AT_ONCE, exposure(), PLACED)
        assert 500 < await subject.lifetime(one.caller) <= 1000
        assert await ledger.operator_due(one.caller, NUMBER)
        await subject.pass_time(1.1)
    assert (await ledger.tallies(one))[""] == (0, 2)
