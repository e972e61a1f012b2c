from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.budget import Budget
from controller.domain.regulation import IT_GARANTE_2014

THREE_PERCENT = IT_GARANTE_2014.silent_share

shares = st.fractions(0, Fraction(99, 100), max_denominator=1000)


@pytest.mark.parametrize(
    ("successes", "allowed"),
    [(0, 0), (1, 0), (33, 0), (34, 1), (66, 1), (67, 2), (99, 2), (100, 3), (10_000, 300)],
)
def test_three_silent_calls_are_allowed_per_hundred_successes_and_none_before_the_34th(
    successes: int, allowed: int
) -> None:
    assert Budget(successes=successes).allowance(THREE_PERCENT) == allowed


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**18), shares)
def test_the_allowance_is_exact_however_many_successes(successes: int, share: Fraction) -> None:
    assert Budget(successes=successes).allowance(share) == math.floor(share * successes)


@pytest.mark.parametrize(
    ("silent", "exposed", "room"),
    [(0, 0, 3), (1, 0, 2), (0, 1, 2), (1, 1, 1), (2, 1, 0), (0, 3, 0), (3, 0, 0), (3, 2, 0), (9, 9, 0)],
)
def test_silent_and_exposed_calls_use_up_the_room(silent: int, exposed: int, room: int) -> None:
    assert Budget(successes=100, silent=silent, exposed=exposed).room(THREE_PERCENT) == room


@pytest.mark.parametrize(("silent", "kept"), [(0, True), (2, True), (3, True), (4, False)])
def test_the_law_is_kept_up_to_the_allowance_and_not_one_call_further(silent: int, kept: bool) -> None:
    assert Budget(successes=100, silent=silent).kept(THREE_PERCENT) is kept


def test_a_new_campaign_has_used_nothing_and_may_use_nothing() -> None:
    assert Budget() == Budget(successes=0, silent=0, exposed=0)
    assert Budget().room(THREE_PERCENT) == 0


def test_exposed_calls_do_not_break_the_law_before_they_are_silent() -> None:
    assert Budget(successes=100, silent=3, exposed=50).kept(THREE_PERCENT)


@pytest.mark.parametrize("successes", [0, 100, 10**6])
def test_where_no_silent_call_is_allowed_there_is_never_room(successes: int) -> None:
    assert Budget(successes=successes).room(Fraction(0)) == 0


moves = st.lists(
    st.sampled_from(
        ["place covered", "place exposed", "covered succeeds", "exposed succeeds", "turns silent", "fails"]
    ),
    max_size=150,
)


@settings(max_examples=60, deadline=None)
@given(moves, st.integers(0, 400), shares)
def test_the_law_is_kept_under_any_interleaving_of_outcomes(
    moves: list[str], successes: int, share: Fraction
) -> None:
    budget, covered = Budget(successes=successes), 0
    for move in moves:
        match move:
            case "place covered":
                covered += 1
            case "covered succeeds" if covered:
                covered -= 1
                budget = replace(budget, successes=budget.successes + 1)
            case "place exposed" if budget.room(share) > 0:
                budget = replace(budget, exposed=budget.exposed + 1)
            case "exposed succeeds" if budget.exposed:
                budget = replace(budget, exposed=budget.exposed - 1, successes=budget.successes + 1)
            case "turns silent" if budget.exposed:
                budget = replace(budget, exposed=budget.exposed - 1, silent=budget.silent + 1)
            case "fails" if budget.exposed:
                budget = replace(budget, exposed=budget.exposed - 1)
            case _:
                pass
        assert budget.kept(share)
        assert budget.silent + budget.exposed <= math.floor(share * budget.successes)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 5000), shares)
def test_all_of_the_room_can_be_used_and_nothing_beyond_it(successes: int, share: Fraction) -> None:
    """The worst case: as many exposed calls as there is room for, and every one turns silent."""
    budget = Budget(successes=successes)
    room = budget.room(share)

    assert replace(budget, silent=room).kept(share)
    assert replace(budget, exposed=room).room(share) == 0
    assert not replace(budget, silent=room + 1).kept(share)
