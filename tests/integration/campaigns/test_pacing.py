"""The predictive pacer on a real Asterisk: bold, and within the law at every instant."""

from __future__ import annotations

import random

import pytest

from controller.domain.pacing import Mode
from lab.numbers import Behaviour, number
from tests.integration.campaigns.test_budget import instants
from tests.integration.rig import Rig, keeps_the_law

AGENTS = ("1001", "1002", "1003", "1004", "1005", "1006")
CALLS = 150


def load() -> list[str]:
    """Two of five answer; the others are busy, or refuse after a while."""
    chance = random.Random(5)
    kinds = [Behaviour.PERSON] * 2 + [Behaviour.BUSY, Behaviour.DECLINES, Behaviour.DECLINES]
    return [
        number(
            chance.choice(kinds),
            ring=round(chance.uniform(0.3, 2.0), 1),
            hold=float(chance.randint(1, 3)),
            serial=serial,
        )
        for serial in range(CALLS)
    ]


@pytest.mark.timeout(180)
async def test_the_predictive_pacer_keeps_the_law_and_says_what_it_does(rig: Rig) -> None:
    await rig.campaign("c", load(), mode=Mode.PREDICTIVE, calls_per_second=50.0)
    await rig.log_in(*AGENTS)
    await rig.start("c")
    status = await rig.until(lambda status: status.campaigns[0].placed >= CALLS // 2, timeout=120)
    assert status.campaigns[0].mode == "predictive"
    assert "covered" in status.campaigns[0].pacing
    assert "answer rate" in status.campaigns[0].pacing
    await rig.callees(CALLS, timeout=120)
    await rig.settled(CALLS)
    successes = silent = 0
    for _, what in instants(rig.lab.calls(rig.began)):
        successes, silent = successes + (what == "success"), silent + (what == "silent")
        assert silent * 100 <= successes * 3, f"L3: {silent} silent of {successes}"
    assert successes > CALLS // 4
    for call in rig.lab.calls(rig.began):
        if call.answered_at is not None:
            keeps_the_law(call)
