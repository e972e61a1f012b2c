from __future__ import annotations

import json
from dataclasses import replace

from bench.hopper import Measured, OfList, measure
from controller.domain.latency import Latency

FAST = Latency(count=2000, p50=0.0005, p99=0.001, max=0.004)
SHORT = OfList(contacts=10_000, megabytes=3.0, next=FAST, filled=FAST, query=FAST)
LONG = replace(SHORT, contacts=10_000_000, next=replace(FAST, p50=0.001))


def test_the_goal() -> None:
    met = Measured(lists=[SHORT, LONG])
    assert met.shortcomings == []
    assert "2.00 times as long" in met.summary()[-1]
    missed = Measured(lists=[SHORT, replace(LONG, next=replace(FAST, p50=0.0011))])
    assert missed.shortcomings == ["growth 2.2"]
    assert missed.summary()[-1].endswith("goal missed")
    assert Measured(lists=[SHORT, replace(LONG, next=None)]).shortcomings == ["growth inf"]
    assert json.loads(json.dumps(missed.as_dict()))["lists"][1]["contacts"] == 10_000_000


async def test_a_small_run_on_a_real_redis() -> None:
    measured = await measure(counts=(2000, 4000), samples=250)
    assert [each.contacts for each in measured.lists] == [2000, 4000]
    for each in measured.lists:
        assert each.next is not None
        assert each.next.count == 250
        assert each.filled is not None
