from __future__ import annotations

import json
from dataclasses import replace

from bench.suppressions import Measured, measure
from controller.domain.latency import Latency

FAST = Latency(count=5000, p50=0.0002, p99=0.0009, max=0.004)
GOOD = Measured(count=1_000_000, bytes_each=177.0, shown=FAST, refused=FAST, admitted=FAST)


def test_the_goals() -> None:
    assert GOOD.shortcomings == []
    assert "goals met" in GOOD.summary()[-1]
    missed = replace(GOOD, bytes_each=200.0, refused=replace(FAST, p99=0.001), shown=None)
    assert missed.shortcomings == ["200 bytes each", "look-up not measured", "refusal p99 1.00 ms"]
    assert json.loads(json.dumps(missed.as_dict()))["shortcomings"] == missed.shortcomings


async def test_a_small_run_on_a_real_redis() -> None:
    measured = await measure(count=20_000, samples=20)
    assert 100 < measured.bytes_each < 300
    assert measured.shown is not None
    assert measured.shown.count == 20
    assert measured.admitted is not None
