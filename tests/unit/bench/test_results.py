from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from bench.results import COMPARED_AT, Results, Step
from controller.domain.latency import Latency

STEP = Step(
    client="controller",
    transport="http",
    rate=COMPARED_AT,
    seconds=10.0,
    answered=1000,
    cpu=4.0,
    latency=Latency(count=1000, p50=0.001, p99=0.010, max=0.015),
    cores={"client": 0.4, "pbx": 0.5, "others": 0.1},
)
BARE = replace(STEP, client="bare", cpu=2.0)


def results(*steps: Step) -> Results:
    return Results(machine="m", began="2026-11-24T08:00:00+00:00", cpus=2, steps=list(steps))


def test_the_bare_client_before_and_after_counts_as_one() -> None:
    assert results(BARE, STEP, replace(BARE, cpu=1.0)).ratio("http") == pytest.approx(4.0 / 1.5)


def test_the_websocket_is_compared_with_both_bare_clients() -> None:
    steps = [
        replace(step, transport="websocket", cpu=step.cpu / 2) for step in (BARE, replace(STEP, cpu=6.0))
    ]
    found = results(BARE, STEP, *steps)
    assert found.ratio("websocket") == pytest.approx(3.0)
    assert found.ratio("websocket", "http") == pytest.approx(1.5)
    assert "websocket: 1.50 times that of the bare client over HTTP" in found.summary()


def test_a_client_that_nobody_answered_has_no_ratio() -> None:
    assert results(BARE, replace(STEP, answered=0)).ratio("http") is None


def test_other_rates_are_not_compared() -> None:
    assert results(BARE, STEP, replace(STEP, rate=50.0, cpu=99.0)).ratio("http") == pytest.approx(2.0)


def test_the_limit_is_the_first_rate_that_never_held() -> None:
    fast = replace(STEP, rate=125.0, failures=["3 calls silent"], answered=1250)
    found = results(replace(STEP, failures=["fell behind"]), STEP, fast, fast)
    assert found.sustained("http") == COMPARED_AT
    assert found.limit("http").startswith("at 125/s: 3 calls silent; the machine is 50% busy")
    assert "pbx 0.50, client 0.40" in found.limit("http")


def test_a_full_machine_is_named_as_the_limit() -> None:
    late = replace(STEP, latency=replace(STEP.latency, p99=0.05) if STEP.latency else None)
    assert "p99 50.0 ms; the machine is full" in results(replace(late, cores={"pbx": 1.9})).limit("http")


def test_without_a_failure_there_is_no_limit() -> None:
    assert results(STEP).limit("http") == "nothing, up to the highest rate tried"


def test_json_holds_answers_and_steps() -> None:
    document = json.loads(json.dumps(results(BARE, STEP).as_dict()))
    assert document["transports"]["http"]["cpu_ratio"] == pytest.approx(2.0)
    assert document["transports"]["http"]["sustained"] == COMPARED_AT
    assert document["steps"][1]["cpu_ms_per_call"] == pytest.approx(4.0)
    assert document["steps"][1]["latency"] == {"count": 1000, "p50": 0.001, "p99": 0.01, "max": 0.015}


def test_the_table_has_a_line_for_each_step() -> None:
    out = io.StringIO()
    missing = replace(STEP, latency=None, cores={}, failures=["calls did not end"])
    Console(file=out, width=200).print(results(BARE, STEP, missing).table())
    lines = out.getvalue().splitlines()
    assert any("bare" in line and "2.00" in line and "10.0" in line and "ok" in line for line in lines)
    assert any("calls did not end; no latency measured" in line for line in lines)
