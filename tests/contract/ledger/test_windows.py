"""L3 for every window that the law names, whichever clock says what day it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from controller.domain.campaign import Campaign
from controller.domain.ids import E164
from controller.domain.outcome import Outcome
from controller.domain.regulation import Denominator, Limit
from controller.ports import Admission, Ledger
from tests.contract.ledger.subjects import Subject, campaign, exposure, new_call, new_caller, wish

DAY = timedelta(days=1)
NOON = datetime.now(UTC).replace(hour=11, minute=0, second=0, microsecond=0)
HALF = Fraction(1, 2)
LIMITS = (Limit(name="campaign", share=HALF), Limit(name="day", share=Fraction(1, 4), days=1))


def numbered(i: int) -> E164:
    return E164(f"+39029998{i:04}")


async def succeed(ledger: Ledger, of: Campaign, count: int, placed: datetime, first: int = 0) -> None:
    for i in range(first, first + count):
        call = new_call()
        verdict = await ledger.admit(wish(of, call, numbered(i), now=placed))
        assert verdict.admission is Admission.ADMITTED
        await ledger.close(call, of, numbered(i), Outcome.CONNECTED, 0 * DAY, exposure(), placed)


async def test_each_window_has_to_have_room(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller(), limits=LIMITS)
    await succeed(ledger, one, 7, NOON - DAY)
    # Yesterday's successes allow three silent calls of the campaign, and none today.
    today = await ledger.admit(wish(one, new_call(), covered=False, now=NOON))
    assert today.admission is Admission.NO_BUDGET
    assert [(t.successes, t.silent) for t in today.budget.tallies] == [(7, 0), (0, 0)]
    await succeed(ledger, one, 4, NOON, first=100)
    call = new_call()
    today = await ledger.admit(wish(one, call, covered=False, now=NOON))
    assert today.admission is Admission.ADMITTED
    await ledger.close(call, one, numbered(0), Outcome.SILENT, 0 * DAY, exposure(), NOON)
    again = await ledger.admit(wish(one, new_call(), numbered(200), covered=False, now=NOON))
    assert again.admission is Admission.NO_BUDGET
    assert again.budget.room == 0


async def test_a_clock_that_steps_back_finds_yesterday_as_it_was(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller(), limits=LIMITS)
    await succeed(ledger, one, 4, NOON)
    call = new_call()
    await ledger.admit(wish(one, call, covered=False, now=NOON))
    await ledger.close(call, one, numbered(900), Outcome.SILENT, 0 * DAY, exposure(), NOON)
    for hour in (DAY, -DAY, 0 * DAY):
        verdict = await ledger.admit(wish(one, new_call(), numbered(901), covered=False, now=NOON + hour))
        assert verdict.admission is Admission.NO_BUDGET
    tallies = await ledger.tallies(one)
    assert tallies[""] == (4, 1)
    assert sorted(tallies.values()) == [(4, 1), (4, 1)]


async def test_a_call_counts_where_it_was_placed_however_long_it_lasts(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller(), limits=LIMITS)
    call = new_call()
    await ledger.admit(wish(one, call, now=NOON - DAY))
    await ledger.connected(call, one, exposure())
    await ledger.close(call, one, numbered(0), Outcome.CONNECTED, 0 * DAY, exposure(), NOON - DAY)
    (label,) = [label for label in await ledger.tallies(one) if label]
    assert label == f"day:{(NOON - DAY):%Y-%m-%d}"


async def test_without_its_mark_a_silent_call_counts_where_its_controller_says(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller(), limits=LIMITS)
    await ledger.close(new_call(), one, numbered(0), Outcome.LOST, 0 * DAY, exposure(), NOON - 3 * DAY)
    assert await ledger.tallies(one) == {"": (0, 1), f"day:{(NOON - 3 * DAY):%Y-%m-%d}": (0, 1)}


async def test_of_all_answered_calls_a_silent_one_counts_twice(subject: Subject) -> None:
    limit = Limit(name="answered", share=Fraction(1, 4), denominator=Denominator.ANSWERED)
    ledger, one = await subject.ledger(), campaign(new_caller(), limits=(limit,))
    await succeed(ledger, one, 2, NOON)
    none = await ledger.admit(wish(one, new_call(), numbered(50), covered=False, now=NOON))
    assert none.admission is Admission.NO_BUDGET  # one of three would be silent
    await succeed(ledger, one, 1, NOON, first=10)
    one_of_four = await ledger.admit(wish(one, new_call(), numbered(50), covered=False, now=NOON))
    assert one_of_four.admission is Admission.ADMITTED


@pytest.mark.parametrize("successes", [0, 1000])
async def test_without_a_limit_nothing_may_be_exposed(subject: Subject, successes: int) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller(), limits=())
    await subject.grant(one, successes)
    refused = await ledger.admit(wish(one, new_call(), covered=False))
    assert refused.admission is Admission.NO_BUDGET
    assert (await ledger.admit(wish(one, new_call(), covered=True))).admission is Admission.ADMITTED
