"""L3 on a real Asterisk under a random load: judged after every call, by two readers and by the callees."""

from __future__ import annotations

import asyncio
import random

import pytest

from lab.demo.judgement import judge
from lab.demo.stores import read_attempts, read_suppressed
from lab.evidence import CalleeCall
from lab.numbers import Behaviour, number
from tests.integration.rig import Rig, keeps_the_law

AGENTS = ("1001", "1002", "1003", "1004", "1005", "1006", "1007", "1008")
CALLS = 320


def load(seed: int) -> list[str]:
    chance = random.Random(seed)
    kinds = [Behaviour.PERSON] * 6 + [Behaviour.LEAVER] + [Behaviour.BUSY, Behaviour.DECLINES]
    return [
        number(
            chance.choice(kinds),
            ring=round(chance.uniform(0.1, 1.2), 1),
            hold=float(chance.randint(1, 2)),
            serial=serial,
        )
        for serial in range(CALLS)
    ]


def instants(calls: list[CalleeCall]) -> list[tuple[float, str]]:
    """What the callees lived through, in order: when an agent was heard, when a silent call was over."""
    happened = []
    for call in calls:
        if call.answered_at is None:
            continue
        if call.agent_heard_after is not None:
            happened.append((call.answered_at + call.agent_heard_after, "success"))
        else:
            assert call.ended_at is not None
            happened.append((call.ended_at, "silent"))
    return sorted(happened)


@pytest.mark.timeout(240)
async def test_budget_holds_after_every_call(rig: Rig) -> None:
    await rig.campaign("c", load(seed=7), overdial=3.0, calls_per_second=50.0)
    await rig.log_in(*AGENTS)
    await rig.start("c")
    watch = asyncio.create_task(watch_counters(rig))
    await rig.callees(CALLS, timeout=200)
    watch.cancel()
    await rig.settled(CALLS)
    samples = await asyncio.gather(watch, return_exceptions=True)
    assert not isinstance(samples[0], AssertionError), samples[0]
    calls = rig.lab.calls(rig.began)
    successes = silent = 0
    for _, what in instants(calls):
        successes += what == "success"
        silent += what == "silent"
        assert silent <= 3 * successes // 100, f"L3: {silent} silent of {successes} successes"
    for call in calls:
        if call.answered_at is not None:
            keeps_the_law(call)
    verdict = judge(calls, read_attempts(rig.controller.records), read_suppressed(rig.redis), share=(3, 100))
    assert verdict.clean, verdict
    assert rig.counters("c")["successes"] == verdict.controller.bridged
    assert rig.counters("c").get("silent", 0) == verdict.controller.silent
    assert any(not attempt["covered"] for attempt in rig.attempts()), "the budget was never made use of"


async def watch_counters(rig: Rig) -> None:
    """A second reader of Redis: the budget is kept at every instant it can see."""
    while True:
        counters = rig.counters("c")
        silent, successes = counters.get("silent", 0), counters.get("successes", 0)
        assert silent <= 3 * successes // 100, counters
        await asyncio.sleep(0.01)
