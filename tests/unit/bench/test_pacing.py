from __future__ import annotations

from dataclasses import replace

from bench import pacing
from bench.look import look_cost
from bench.pacing import NEVER, OURS, Cell, Result, best_lawful, cells, measure, table
from controller.simulation.scenario import Scenario, Shift

ONE = Result(
    cell="c",
    policy=OURS,
    occupancy=0.8,
    bound=0.99,
    silent=0.028,
    worst=0.03,
    breaches=0,
    over=0,
    idle_p50=9.0,
    idle_p90=30.0,
    calls_per_success=3.3,
    rescued=0.01,
    cancelled=0.05,
)


def test_the_grid_is_that_of_the_issue() -> None:
    names = [cell.name for cell in cells(full=True)]

    assert len(names) == len(set(names)) == 6 * 3 * 2 + 4
    assert "200 agents, 0.15, 180 s" in names
    assert "5 agents, jump 0.1 to 0.6" in names
    assert len(list(cells(full=False))) == 8


def test_the_best_other_is_lawful_at_the_end() -> None:
    others = [
        replace(ONE, policy="1:1", occupancy=0.6, silent=0.0),
        replace(ONE, policy="ratio 2", occupancy=0.7, silent=0.03, breaches=2, over=3),
        replace(ONE, policy="Issabel", occupancy=0.9, silent=0.031, breaches=9),
    ]

    best = best_lawful([ONE, *others])
    assert best is not None
    assert best.policy == "ratio 2"
    line = table([ONE, replace(ONE, policy=NEVER, occupancy=0.75), *others])[-1]
    assert line == (
        "| c | 0.800 | 0.750 | 0.700 ratio 2 (3 too many on the way) | 0.990 | 2.80% | 5.0% "
        "| 0 / 2 of 3 dialers |"
    )


def test_a_cell_is_measured() -> None:
    cell = Cell(name="small", scenario=Scenario(hours=0.1, shifts=(Shift(agents=2),)), seeds=(1, 2))

    result = measure(cell, "1:1")
    assert result.silent == result.breaches == 0
    assert 0 < result.occupancy < result.bound < 1


def test_a_decision_is_timed() -> None:
    assert 0 < pacing.decision_cost(samples=3) < 1


def test_a_look_of_the_engine_is_timed() -> None:
    assert 0 < look_cost(agents=20, ringing=50, samples=3) < 1
