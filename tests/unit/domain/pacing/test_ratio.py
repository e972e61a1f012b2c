from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.pacing import Placement, Situation, decide

counts = st.integers(0, 60)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    exposed = draw(st.integers(0, 20))
    return Situation(
        idle=draw(counts),
        reserved=draw(counts),
        in_flight=exposed + draw(counts),
        exposed=exposed,
        room=draw(st.none() | counts),
    )


overdials = st.integers(100, 400).map(lambda percent: percent / 100)
ceilings = st.integers(0, 200)


def situation(
    *, idle: int = 0, reserved: int = 0, in_flight: int = 0, exposed: int = 0, room: int | None = 0
) -> Situation:
    return Situation(idle=idle, reserved=reserved, in_flight=in_flight, exposed=exposed, room=room)


@pytest.mark.parametrize(
    ("now", "overdial", "max_lines", "placed"),
    [
        pytest.param(situation(), 1.5, 200, (0, 0), id="nobody is free"),
        pytest.param(situation(idle=4), 1.5, 200, (4, 0), id="no budget: one call per idle agent"),
        pytest.param(situation(idle=4, room=9), 1.0, 200, (4, 0), id="progressive: one call per idle agent"),
        pytest.param(situation(idle=4, room=9), 1.5, 200, (4, 2), id="overdial on top of the covered calls"),
        pytest.param(situation(idle=4, room=1), 1.5, 200, (4, 1), id="as far as the budget has room"),
        pytest.param(situation(idle=4, room=None), 3.0, 200, (4, 8), id="override: no budget"),
        pytest.param(
            situation(reserved=4, in_flight=4, room=9), 1.5, 200, (0, 2), id="reserved agents count as free"
        ),
        pytest.param(
            situation(reserved=4, in_flight=5, exposed=1, room=9), 1.5, 200, (0, 1), id="exposed ones count"
        ),
        pytest.param(
            situation(reserved=4, in_flight=9, exposed=5, room=9),
            1.5,
            200,
            (0, 0),
            id="too many exposed ones",
        ),
        pytest.param(situation(idle=9, in_flight=2, room=9), 2.0, 5, (3, 0), id="covered calls come first"),
        pytest.param(situation(idle=2, in_flight=2, room=9), 2.0, 5, (2, 1), id="then exposed ones"),
        pytest.param(situation(idle=2, in_flight=7, room=9), 2.0, 5, (0, 0), id="too many lines already"),
        pytest.param(situation(idle=1, room=9), 1.5, 200, (1, 0), id="half a call is none"),
        pytest.param(situation(idle=4, room=9), 0.5, 200, (4, 0), id="overdial below 1 is progressive"),
    ],
)
def test_calls_placed(now: Situation, overdial: float, max_lines: int, placed: tuple[int, int]) -> None:
    assert decide(now, overdial=overdial, max_lines=max_lines) == Placement(
        covered=placed[0], exposed=placed[1]
    )


@settings(max_examples=60, deadline=None)
@given(situations(), overdials, ceilings)
def test_no_limit_is_ever_exceeded(now: Situation, overdial: float, max_lines: int) -> None:
    placed = decide(now, overdial=overdial, max_lines=max_lines)

    assert 0 <= placed.covered <= now.idle
    assert placed.exposed >= 0
    assert placed.covered + placed.exposed <= max(0, max_lines - now.in_flight)
    if now.room is not None:
        assert placed.exposed <= now.room
    if placed.exposed:
        assert placed.covered == now.idle, "an exposed call while an agent is idle"
        free = now.idle + now.reserved
        assert now.exposed + placed.exposed <= free * (Fraction(round(overdial * 100), 100) - 1)


@settings(max_examples=60, deadline=None)
@given(situations(), overdials, ceilings)
def test_nothing_is_left_that_could_be_placed(now: Situation, overdial: float, max_lines: int) -> None:
    placed = decide(now, overdial=overdial, max_lines=max_lines)

    lines = max_lines - now.in_flight - placed.covered - placed.exposed
    if placed.covered < now.idle:
        assert lines <= 0
    wanted = (now.idle + now.reserved) * (Fraction(round(overdial * 100), 100) - 1)
    if now.exposed + placed.exposed + 1 <= wanted:
        assert lines <= 0 or placed.exposed == now.room


@settings(max_examples=60, deadline=None)
@given(situations(), overdials, ceilings)
def test_more_of_what_allows_calls_never_means_fewer(now: Situation, overdial: float, max_lines: int) -> None:
    def total(situation: Situation, overdial: float = overdial, max_lines: int = max_lines) -> int:
        placed = decide(situation, overdial=overdial, max_lines=max_lines)
        return placed.covered + placed.exposed

    base = total(now)
    assert total(replace(now, idle=now.idle + 1)) >= base
    assert total(replace(now, reserved=now.reserved + 1)) >= base
    assert total(now, max_lines=max_lines + 1) >= base
    assert total(now, overdial=overdial + 0.5) >= base
    assert total(replace(now, in_flight=now.in_flight + 1)) <= base
    assert total(replace(now, exposed=now.exposed + 1, in_flight=now.in_flight + 1)) <= base
    assert total(replace(now, room=None)) >= base
    if now.room is not None:
        assert total(replace(now, room=now.room + 1)) >= base


def test_the_ratio_is_exact_although_it_is_a_float() -> None:
    for percent in range(100, 300, 5):
        for agents in range(101):
            placed = decide(situation(reserved=agents, room=None), overdial=percent / 100, max_lines=10**6)
            assert placed.exposed == math.floor(agents * Fraction(percent - 100, 100)), (percent, agents)
