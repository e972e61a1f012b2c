"""L3: one budget for all controllers, in exact arithmetic, and no message too late to do harm."""

from __future__ import annotations

from fractions import Fraction

import pytest

from controller.domain.budget import Budget, Tally
from controller.domain.ids import E164
from controller.domain.outcome import Outcome
from controller.ports import Admission
from tests.contract.ledger.subjects import (
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

AT_ONCE = 0 * SECOND
BIG = 900_000_007


@pytest.mark.parametrize(
    ("share", "successes"),
    [("3/100", s) for s in (0, 1, 33, 34, 66, 67, 99, 100, 133, 134, BIG)]
    + [("1/3", 2), ("1/3", 3), ("2/7", 7), ("999999/1000000", BIG), ("0", 1000)],
)
async def test_same_arithmetic_as_the_domain(subject: Subject, share: str, successes: int) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller(), silent_share=Fraction(share))
    await subject.grant(one, successes)
    (limit,) = one.law.limits
    allowed = Tally(limit=limit, successes=successes).allowance
    over = await ledger.admit(wish(one, new_call(), covered=False, reading=exposure(allowed + 1)))
    assert over.admission is Admission.NO_BUDGET
    if allowed:
        within = await ledger.admit(wish(one, new_call(), covered=False, reading=exposure(allowed)))
        assert within.admission is Admission.ADMITTED
        assert plain(within.budget) == Budget(successes=successes, exposed=allowed)
        assert within.budget.room == 0


async def test_covered_calls_are_not_charged(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    assert (await ledger.admit(wish(one, new_call(), covered=True))).admission is Admission.ADMITTED
    assert (
        await ledger.admit(wish(one, new_call(), OTHER_NUMBER, covered=False))
    ).admission is Admission.NO_BUDGET


async def test_two_controllers_share_a_budget(subject: Subject) -> None:
    first, second = await subject.ledger("one"), await subject.ledger("two")
    one = campaign(new_caller())
    await subject.grant(one, 67)  # two silent calls are allowed
    verdict = await first.admit(wish(one, new_call(), covered=False, reading=exposure(1)))
    assert verdict.admission is Admission.ADMITTED
    assert plain(verdict.budget) == Budget(successes=67, exposed=1)
    last = new_call()
    verdict = await second.admit(wish(one, last, OTHER_NUMBER, covered=False, reading=exposure(1)))
    assert verdict.admission is Admission.ADMITTED
    assert plain(verdict.budget) == Budget(successes=67, exposed=2)
    third = E164("+390299990003")
    for ledger in (first, second):
        verdict = await ledger.admit(wish(one, new_call(), third, covered=False, reading=exposure(2)))
        assert verdict.admission is Admission.NO_BUDGET
        assert plain(verdict.budget) == Budget(successes=67, exposed=2)
    # A silent call moves from one term to the other and makes no room; another outcome does.
    budget = await second.close(last, one, OTHER_NUMBER, Outcome.SILENT, AT_ONCE, exposure(0), PLACED)
    assert plain(budget) == Budget(successes=67, silent=1, exposed=1)
    verdict = await second.admit(wish(one, new_call(), third, covered=False, reading=exposure(1)))
    assert verdict.admission is Admission.NO_BUDGET
    await first.report(one, exposure(0))
    verdict = await second.admit(wish(one, new_call(), third, covered=False, reading=exposure(1)))
    assert verdict.admission is Admission.ADMITTED


async def test_campaigns_do_not_share_a_budget(subject: Subject) -> None:
    ledger, caller = await subject.ledger(), new_caller()
    one, other = campaign(caller), campaign(caller, "autumn")
    await subject.grant(one, 1000)
    verdict = await ledger.admit(wish(other, new_call(), covered=False))
    assert verdict.admission is Admission.NO_BUDGET
    assert plain(verdict.budget) == Budget()


async def test_override_skips_the_check_and_still_counts(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller(), override=True)
    call = new_call()
    verdict = await ledger.admit(wish(one, call, covered=False, reading=exposure(5)))
    assert verdict.admission is Admission.ADMITTED
    assert plain(verdict.budget) == Budget(exposed=5)
    budget = await ledger.close(call, one, NUMBER, Outcome.SILENT, AT_ONCE, exposure(4), PLACED)
    assert plain(budget) == Budget(silent=1, exposed=4)
    # The override lifts the budget, nothing else.
    verdict = await ledger.admit(wish(one, new_call(), covered=False))
    assert verdict.admission is Admission.SUPPRESSED


async def test_late_readings_are_ignored(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    await subject.grant(one, 100)  # three silent calls are allowed
    base = 1_763_000_000_000_000  # microseconds, as the engine uses; and longer ones below
    await ledger.report(one, exposure(3, base + 5))
    for late in (base + 5, base + 4, 9, 0):
        assert (await ledger.report(one, exposure(0, late))).exposed == 3
        # A late wish is judged by the newer reading, which counts its call already.
        verdict = await ledger.admit(
            wish(one, new_call(), E164(f"+39029{late % 10:07}"), covered=False, reading=exposure(1, late))
        )
        assert verdict.admission is Admission.ADMITTED
        assert verdict.budget.exposed == 3
    await ledger.report(one, exposure(4, base + 6))
    refused = await ledger.admit(wish(one, new_call(), covered=False, reading=exposure(1, base + 5)))
    assert refused.admission is Admission.NO_BUDGET
    await ledger.report(one, exposure(3, base + 7))
    call = new_call()
    await ledger.admit(wish(one, call, reading=exposure(0, base)))
    assert (await ledger.connected(call, one, exposure(0, base))).exposed == 3
    budget = await ledger.close(call, one, NUMBER, Outcome.CONNECTED, AT_ONCE, exposure(0, base), PLACED)
    assert budget.exposed == 3
    huge = 10**25  # far beyond what Lua's numbers hold
    assert (await ledger.report(one, exposure(2, huge))).exposed == 2
    assert (await ledger.report(one, exposure(0, huge - 1))).exposed == 2
    assert (await ledger.report(one, exposure(1, huge + 1))).exposed == 1
    assert (await ledger.budget(one)).exposed == 1


async def test_every_operation_takes_note_of_the_exposure(subject: Subject) -> None:
    ledger, one = await subject.ledger(), campaign(new_caller())
    call = new_call()
    assert (await ledger.admit(wish(one, call, reading=exposure(4)))).budget.exposed == 4
    assert (await ledger.connected(call, one, exposure(3))).exposed == 3
    closed = await ledger.close(call, one, NUMBER, Outcome.CONNECTED, AT_ONCE, exposure(2), PLACED)
    assert closed.exposed == 2
    assert (await ledger.report(one, exposure(1))).exposed == 1
    assert plain(await ledger.budget(one)) == Budget(successes=1, exposed=1)


async def test_recovery_finds_its_own_flights_only(subject: Subject) -> None:
    first, second = await subject.ledger("one"), await subject.ledger("two")
    caller = new_caller()
    mine, theirs = new_call(), new_call()
    await first.admit(wish(campaign(caller), mine))
    await second.admit(wish(campaign(caller, "autumn"), theirs, OTHER_NUMBER))
    again = await subject.ledger("one")  # the controller comes back under its name
    assert [(mark.call, mark.campaign) for mark in await again.flights(caller)] == [(mine, "spring")]
    assert [mark.call for mark in await second.flights(caller)] == [theirs]
    assert await again.flights(new_caller()) == []
