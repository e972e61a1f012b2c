"""The numbering plan."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.numbers import SERIALS, Behaviour, Plan, legend, number, parse

tenths = st.integers(0, 99).map(lambda steps: steps / 10)
plans = st.sampled_from(Behaviour).flatmap(
    lambda behaviour: st.builds(
        Plan,
        behaviour=st.just(behaviour),
        ring=tenths,
        hold=tenths if behaviour is Behaviour.LEAVER else st.integers(0, 99).map(float),
        serial=st.integers(0, SERIALS - 1),
    )
)


@given(plans)
def test_a_number_says_what_was_put_into_it(plan: Plan) -> None:
    assert parse(plan.e164) == plan


@given(plans)
def test_every_number_is_a_valid_one(plan: Plan) -> None:
    parsed = phonenumbers.parse(plan.e164)
    assert phonenumbers.is_valid_number(parsed)
    assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == plan.e164


def test_the_digits() -> None:
    assert number(Behaviour.PERSON, ring=1.5, hold=20, serial=307) == "+393431152007"
    assert number(Behaviour.LEAVER, hold=1.5) == "+393407001500"
    assert number(Behaviour.BUSY) == "+393402000000"


@pytest.mark.parametrize(
    ("kwargs", "what"),
    [
        ({"ring": 10.0}, "ring"),
        ({"ring": 0.25}, "ring"),
        ({"ring": -0.1}, "ring"),
        ({"hold": 100.0}, "hold"),
        ({"hold": 1.5}, "hold"),
        ({"serial": 1000}, "serial"),
        ({"serial": -1}, "serial"),
    ],
)
def test_what_does_not_fit_into_the_digits_is_refused(kwargs: dict[str, float], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        number(Behaviour.PERSON, **kwargs)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["", "+390612345678", "+393400000000", "393401000000", "+3934010000000", "+39340100000x"]
)
def test_other_numbers_are_not_of_the_plan(text: str) -> None:
    with pytest.raises(ValueError, match="plan"):
        parse(text)


def test_the_legend_names_every_behaviour() -> None:
    for behaviour in Behaviour:
        assert f"B={behaviour.value}" in legend()
