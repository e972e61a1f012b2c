from __future__ import annotations

from dataclasses import replace

import pytest

from bench.lab_figures import (
    TOLERANCE,
    Comparison,
    Figures,
    Window,
    follow,
    reason_of,
    recorded,
    set_up,
)
from controller.domain.agent import AgentState
from controller.domain.pacing import Decision
from controller.simulation.record import Record
from controller.simulation.scenario import Scenario
from lab.demo.judgement import Attempt
from lab.evidence import CalleeCall

WINDOW = Window(began=1000.0, ended=1100.0, agents=2, wrap_up=5.0)
TALK = CalleeCall(number="a", dialed_at=1010.0, answered_at=1020.0, ended_at=1050.0, agent_heard_after=0.02)
RESCUED = replace(TALK, number="b", agent_heard_after=2.0)
SILENT = replace(TALK, number="c", ended_at=1022.7, agent_heard_after=None)
NOBODY = CalleeCall(number="d", dialed_at=1030.0, ended_at=1050.0)
LATE = replace(TALK, number="e", answered_at=1101.0, ended_at=1120.0)
AFTER = replace(TALK, number="f", dialed_at=1100.5, answered_at=1103.0, ended_at=1120.0)
NONE = Record(policy="lab", scenario=Scenario(), seed=0)
SIMULATED = Figures(
    occupancy=0.8,
    placed=100,
    answered=30,
    successes=29,
    rescued=2,
    silent=1,
    taken_back=3,
    idle_p50=4.0,
    idle_p90=9.0,
)


@pytest.mark.parametrize(
    ("began", "ended", "seconds"),
    [
        (1010.0, 1020.0, 15.0),  # with its wrap-up
        (1010.0, 1098.0, 90.0),  # the wrap-up is cut at the end
        (1010.0, None, 90.0),
        (990.0, 1010.0, 15.0),
        (980.0, 990.0, 0.0),
        (1101.0, 1120.0, 0.0),
    ],
)
def test_conversation_and_wrap_up_count_inside_the_window(
    began: float, ended: float | None, seconds: float
) -> None:
    assert WINDOW.occupied([(began, ended)]) == pytest.approx(seconds / 200)


def test_what_callees_heard_makes_the_figures() -> None:
    found = Figures.heard([TALK, RESCUED, SILENT, NOBODY, LATE, AFTER], WINDOW, NONE, taken_back=7)

    assert (found.placed, found.answered, found.successes, found.rescued, found.silent) == (5, 3, 2, 1, 1)
    assert found.taken_back == 7
    assert found.occupancy == pytest.approx((29.98 + 5 + 28.0 + 5) / 200)


def test_the_record_counts_from_the_bridging() -> None:
    attempt = Attempt(
        number="a",
        outcome="connected",
        answered_at=1020.0,
        bridged_at=1021.0,
        ended_at=1050.0,
        admitted_at=1009.9,
    )
    unanswered = replace(attempt, number="d", bridged_at=None, admitted_at=1029.5)

    assert recorded([attempt, unanswered], WINDOW) == pytest.approx(34 / 200)
    took = set_up([TALK, NOBODY, LATE], [attempt, unanswered])
    assert took is not None
    assert took.count == 2
    assert took.max == pytest.approx(0.5)


def test_agents_states_are_counted_as_in_the_simulator() -> None:
    seen = [
        (990.0, "1", AgentState.IDLE),
        (990.0, "2", AgentState.IDLE),
        (1005.0, "1", AgentState.RESERVED),
        (1010.0, "1", AgentState.TALKING),
        (1040.0, "1", AgentState.WRAP_UP),
        (1045.0, "1", AgentState.IDLE),
        (1095.0, "1", AgentState.TALKING),
        (1120.0, "1", AgentState.WRAP_UP),
    ]

    record = follow(seen, WINDOW, Record(policy="lab", scenario=Scenario(), seed=0))

    assert record.working == pytest.approx(40.0)
    assert record.occupancy == pytest.approx(40 / 200)
    assert record.waits == [10.0, 50.0]


@pytest.mark.parametrize(
    ("lab", "agrees"), [(0.8, True), (0.76, True), (0.84, True), (0.74, False), (0.86, False)]
)
def test_five_points_of_occupancy_are_the_limit(lab: float, agrees: bool) -> None:
    same = [replace(SIMULATED, occupancy=0.79), replace(SIMULATED, occupancy=0.81)]
    comparison = Comparison(
        lab=replace(SIMULATED, occupancy=lab), same=same, others=[replace(SIMULATED, occupancy=0.1)]
    )

    assert comparison.agrees is agrees
    assert comparison.difference == pytest.approx(lab - 0.8)
    assert comparison.as_dict()["agrees"] is agrees
    assert ("DOES NOT AGREE" in comparison.verdict()[0]) is not agrees
    assert TOLERANCE == 0.05


def test_the_table_shows_every_figure_beside_the_simulators_spread() -> None:
    same = [replace(SIMULATED, occupancy=0.79, placed=90), replace(SIMULATED, occupancy=0.81)]
    table = Comparison(lab=SIMULATED, same=same, others=[SIMULATED]).table()

    assert "| occupancy | 0.800 | 0.800 (0.790 to 0.810) | 0.800 (0.800 to 0.800) |" in table
    assert "| placed | 100 | 95 (90 to 100) | 100 (100 to 100) |" in table
    assert len(table) == 2 + len(Figures.__dataclass_fields__)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("ramp limit", "ramp limit"),
        ("progressive for now: 12 silent calls, 1.3 predicted", "progressive for now"),
        ("", "(no decision yet)"),
    ],
)
def test_the_reason_is_told_apart_from_its_figures(reason: str, told: str) -> None:
    assert reason_of(str(Decision(covered=3, reason=reason, bank=4))) == told


def test_before_the_first_decision_there_is_no_reason() -> None:
    assert reason_of("") == "(no decision yet)"
