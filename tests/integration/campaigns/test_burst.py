"""A hundred callees pick up in the same second, and three agents are there."""

from __future__ import annotations

import pytest

from controller.domain.campaign import Override
from lab.numbers import Behaviour, number
from tests.integration.rig import FIVE_DAYS, Rig, keeps_the_law

CALLS = 100
RATE = 100.0


@pytest.mark.timeout(120)
async def test_a_hundred_answers_at_once_with_three_agents(rig: Rig) -> None:
    # Dialed one after the other within a second, each rings the shorter the later it is dialed.
    callees = [
        number(Behaviour.PERSON, ring=round(3.0 - i / RATE, 1), hold=20, serial=i) for i in range(CALLS)
    ]
    await rig.campaign(
        "c",
        callees,
        overdial=50.0,
        calls_per_second=RATE,
        override=Override(author="tests", reason="a burst on the lab"),
    )
    await rig.log_in("1001", "1002", "1003")
    await rig.start("c")
    await rig.callees(CALLS, timeout=60)
    await rig.settled(CALLS)
    calls = rig.lab.calls(rig.began)
    assert len(calls) == CALLS
    answers = sorted(call.answered_at for call in calls if call.answered_at is not None)
    assert len(answers) == CALLS
    assert answers[-1] - answers[0] < 2.0, "the burst was none"
    for call in calls:
        keeps_the_law(call)
    served = {call.number for call in calls if call.agent_heard_after is not None}
    assert len(served) == 3
    outcomes = rig.outcomes()
    for callee in callees:
        assert outcomes[callee] == ("connected" if callee in served else "silent")
        if callee in served:
            assert rig.suppressed_for(callee) == 0
        else:
            assert FIVE_DAYS - 60 < rig.suppressed_for(callee) <= FIVE_DAYS
    assert rig.counters("c")["silent"] == CALLS - 3
