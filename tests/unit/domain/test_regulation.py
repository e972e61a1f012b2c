from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from controller.domain.regulation import IT_GARANTE_2014, PROFILES


def seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def test_the_italian_rules_are_as_the_decision_says() -> None:
    law = IT_GARANTE_2014

    assert law.silent_share == Fraction(3, 100)
    assert law.cut_after == seconds(3)
    assert law.hang_up_after == timedelta(milliseconds=2700)
    assert law.dead_man_after == timedelta(milliseconds=2800)
    assert law.noise_within == timedelta(milliseconds=200)
    assert law.leave_alone.total_seconds() == 432_000


def test_the_share_is_exact() -> None:
    assert all(isinstance(law.silent_share, Fraction) for law in PROFILES.values())


def test_profiles_are_found_by_their_own_name() -> None:
    assert PROFILES["it-garante-2014"] is IT_GARANTE_2014
    assert all(law.name == name for name, law in PROFILES.items())


@pytest.mark.parametrize("share", [Fraction(-1, 100), Fraction(1), Fraction(3)])
def test_a_share_outside_of_zero_to_one_is_refused(share: Fraction) -> None:
    with pytest.raises(ValueError, match="silent_share"):
        replace(IT_GARANTE_2014, silent_share=share)


@pytest.mark.parametrize("share", [Fraction(0), Fraction(99, 100)])
def test_no_silent_call_at_all_is_a_possible_law(share: Fraction) -> None:
    assert replace(IT_GARANTE_2014, silent_share=share).silent_share == share


@pytest.mark.parametrize(
    ("hang_up", "dead_man", "cut"),
    [(0, 2.9, 3), (-1, 2.9, 3), (2.9, 2.9, 3), (2.95, 2.9, 3), (2.7, 3, 3), (2.7, 3.1, 3)],
)
def test_the_controller_cuts_before_asterisk_and_asterisk_before_the_law(
    hang_up: float, dead_man: float, cut: float
) -> None:
    with pytest.raises(ValueError, match="hang_up_after"):
        replace(
            IT_GARANTE_2014,
            hang_up_after=seconds(hang_up),
            dead_man_after=seconds(dead_man),
            cut_after=seconds(cut),
        )
