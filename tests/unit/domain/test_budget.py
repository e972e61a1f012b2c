from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.budget import Budget, Tally
from controller.domain.regulation import Denominator, Limit

THREE = Limit(name="campaign", share=Fraction(3, 100))

shares = st.fractions(0, Fraction(99, 100), max_denominator=1000)
limits = st.builds(Limit, name=st.just("any"), share=shares, denominator=st.sampled_from(Denominator))


def budget(successes: int = 0, silent: int = 0, exposed: int = 0, limit: Limit = THREE) -> Budget:
    tally = Tally(limit=limit, successes=successes, silent=silent)
    return Budget(successes=successes, silent=silent, exposed=exposed, tallies=(tally,))


@pytest.mark.parametrize(
    ("successes", "allowed"),
    [(0, 0), (1, 0), (33, 0), (34, 1), (66, 1), (67, 2), (99, 2), (100, 3), (10_000, 300)],
)
def test_three_silent_calls_are_allowed_per_hundred_successes_and_none_before_the_34th(
    successes: int, allowed: int
) -> None:
    assert Tally(limit=THREE, successes=successes).allowance == allowed


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**18), limits)
def test_the_allowance_is_exact_however_many_successes(successes: int, limit: Limit) -> None:
    allowance = Tally(limit=limit, successes=successes).allowance
    assert allowance == math.floor(limit.per_success * successes)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 5000), st.integers(0, 500), shares)
def test_a_share_of_all_answered_calls_is_the_same_limit_said_per_success(
    successes: int, silent: int, share: Fraction
) -> None:
    limit = Limit(name="answered", share=share, denominator=Denominator.ANSWERED)
    kept = Tally(limit=limit, successes=successes, silent=silent).kept
    assert kept == (silent <= share * (silent + successes))


@pytest.mark.parametrize(
    ("silent", "exposed", "room"),
    [(0, 0, 3), (1, 0, 2), (0, 1, 2), (1, 1, 1), (2, 1, 0), (0, 3, 0), (3, 0, 0), (3, 2, 0), (9, 9, 0)],
)
def test_silent_and_exposed_calls_use_up_the_room(silent: int, exposed: int, room: int) -> None:
    assert budget(100, silent, exposed).room == room


def test_the_tightest_limit_decides() -> None:
    day = Tally(limit=Limit(name="day", share=Fraction(4, 100), days=1), successes=25, silent=0)
    whole = Tally(limit=THREE, successes=1000, silent=10)
    both = Budget(successes=1000, silent=10, tallies=(whole, day))
    assert both.room == 1
    assert both.tightest is day
    assert replace(both, exposed=1).room == 0
    assert both.margin(3) == -2


@pytest.mark.parametrize(("silent", "kept"), [(0, True), (2, True), (3, True), (4, False)])
def test_the_law_is_kept_up_to_the_allowance_and_not_one_call_further(silent: int, kept: bool) -> None:
    assert budget(100, silent).kept is kept


def test_a_new_campaign_has_used_nothing_and_may_use_nothing() -> None:
    assert budget().room == 0
    assert budget().kept


def test_without_any_limit_nothing_may_be_exposed() -> None:
    assert Budget(successes=10**6).room == 0
    assert Budget(successes=10**6).margin(1) < 0
    assert Budget().tightest is None


def test_exposed_calls_do_not_break_the_law_before_they_are_silent() -> None:
    assert budget(100, 3, 50).kept


@pytest.mark.parametrize("successes", [0, 100, 10**6])
def test_where_no_silent_call_is_allowed_there_is_never_room(successes: int) -> None:
    assert budget(successes, limit=replace(THREE, share=Fraction(0))).room == 0


moves = st.lists(
    st.sampled_from(
        ["place covered", "place exposed", "covered succeeds", "exposed succeeds", "turns silent", "fails"]
    ),
    max_size=150,
)


@settings(max_examples=60, deadline=None)
@given(moves, st.integers(0, 400), limits)
def test_the_law_is_kept_under_any_interleaving_of_outcomes(
    moves: list[str], successes: int, limit: Limit
) -> None:
    silent = exposed = covered = 0
    for move in moves:
        match move:
            case "place covered":
                covered += 1
            case "covered succeeds" if covered:
                covered, successes = covered - 1, successes + 1
            case "place exposed" if budget(successes, silent, exposed, limit).room > 0:
                exposed += 1
            case "exposed succeeds" if exposed:
                exposed, successes = exposed - 1, successes + 1
            case "turns silent" if exposed:
                exposed, silent = exposed - 1, silent + 1
            case "fails" if exposed:
                exposed -= 1
            case _:
                pass
        assert budget(successes, silent, exposed, limit).kept
        assert silent + exposed <= math.floor(limit.per_success * successes)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 5000), limits)
def test_all_of_the_room_can_be_used_and_nothing_beyond_it(successes: int, limit: Limit) -> None:
    """The worst case: as many exposed calls as there is room for, and every one turns silent."""
    room = budget(successes, limit=limit).room

    assert budget(successes, room, limit=limit).kept
    assert budget(successes, exposed=room, limit=limit).room == 0
    assert not budget(successes, room + 1, limit=limit).kept
