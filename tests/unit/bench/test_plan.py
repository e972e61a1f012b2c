from __future__ import annotations

from dataclasses import replace

import pytest

from bench import plan
from bench.results import COMPARED_AT, Results, Step
from controller.domain.latency import Latency
from controller.engine.office import LATEST

GOOD = Step(
    client="controller",
    transport="http",
    rate=COMPARED_AT,
    seconds=10.0,
    answered=1000,
    cpu=4.0,
    latency=Latency(count=1000, p50=0.001, p99=0.010, max=0.015),
    failures=[],
    cores={"client": 0.4, "pbx": 0.5},
)
BARE = replace(GOOD, client="bare", cpu=1.6)


def test_a_rate_is_sustained_only_if_nothing_failed_and_commands_were_quick() -> None:
    assert GOOD.latency is not None
    assert GOOD.sustained
    assert not replace(GOOD, failures=["1 calls silent"]).sustained
    assert not replace(GOOD, answered=900).sustained
    assert not replace(GOOD, latency=None).sustained
    assert not replace(GOOD, latency=replace(GOOD.latency, p99=0.020)).sustained


def test_rates_go_up_until_one_fails_twice() -> None:
    assert plan.next_rate([]) == COMPARED_AT
    assert plan.next_rate([GOOD]) == COMPARED_AT + plan.STEP
    failed = replace(GOOD, rate=COMPARED_AT + plan.STEP, failures=["fell behind"])
    assert plan.next_rate([GOOD, failed]) == failed.rate
    assert plan.next_rate([GOOD, failed, failed]) is None


def test_rates_go_down_if_the_first_is_too_much() -> None:
    failed = replace(GOOD, failures=["fell behind"])
    assert plan.next_rate([failed, failed]) == plan.SLOWER[0]
    assert plan.next_rate([failed, failed, replace(GOOD, rate=plan.SLOWER[0])]) is None


def test_slower_rates_get_one_try_each() -> None:
    failed = replace(GOOD, failures=["fell behind"])
    slower = [replace(failed, rate=rate) for rate in plan.SLOWER]
    assert plan.next_rate([failed, failed, slower[0]]) == plan.SLOWER[1]
    assert plan.next_rate([failed, failed, *slower]) is None


def test_the_highest_rate_ends_the_search() -> None:
    assert plan.next_rate([replace(GOOD, rate=plan.HIGHEST, answered=int(plan.HIGHEST * 10))]) is None


@pytest.mark.parametrize("rate", [*plan.SLOWER, COMPARED_AT, plan.HIGHEST])
def test_the_controllers_summary_lies_within_the_window(rate: float) -> None:
    assert plan.window(rate) * rate > LATEST
    assert plan.calls(rate, plan.window(rate)) <= plan.most_callees()


def test_the_ratio_is_cpu_per_call_by_cpu_per_call() -> None:
    results = Results(machine="m", began="now", cpus=2, steps=[BARE, GOOD])
    assert results.ratio("http") == pytest.approx(2.5)
    assert results.ratio("websocket") is None
    assert results.sustained("http") == COMPARED_AT
    assert any("goal met" in line for line in results.summary())
    dear = Results(machine="m", began="now", cpus=2, steps=[BARE, replace(GOOD, cpu=5.0)])
    assert any("goal missed" in line for line in dear.summary())


def test_a_campaign_calls_nobody_twice() -> None:
    callees = plan.callees(plan.most_callees())
    assert len(set(callees)) == len(callees)
