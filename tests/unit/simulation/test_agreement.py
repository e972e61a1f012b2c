"""The lean model tells what the whole engine does: same people, same agents, same law."""

from __future__ import annotations

from datetime import timedelta

import pytest

from controller.domain.agent import AgentState
from controller.domain.ids import E164
from controller.domain.pacing import Mode, Terms
from controller.simulation.callee import Answers, Behaviour, Busy, NoAnswer
from controller.simulation.model import Centre
from controller.simulation.ours import Ours
from controller.simulation.scenario import Curve, Fates, LogNormal, Scenario, Shift
from tests.fakes.call_centre import call_centre, number, virtual

DAY = Scenario(
    hours=0.5,
    shifts=(Shift(agents=4),),
    answer_rate=Curve.constant(0.5),
    talk=LogNormal(60.0, 0.9),
    max_lines=200,
    calls_per_second=20.0,
    bank=6,
)
CREDIT = 200
"""Successes of the day before, so that there is a budget from the start."""


@virtual
async def test_engine_and_model_agree() -> None:
    fates = Fates(DAY, 1)

    def person(_: E164) -> Behaviour:
        fate = fates.next(0.0)
        if fate.answered:
            return Answers(after=fate.after, talks=fate.talk)
        return NoAnswer() if fate.after >= DAY.ring_timeout else Busy(after=fate.after)

    async with call_centre(agents=4) as centre:
        centre.telephony.habit = person
        campaign = await centre.campaign(
            contacts=[number(i) for i in range(1500)],
            mode=Mode.PREDICTIVE,
            wrap_up=timedelta(seconds=15),
            ring_timeout=timedelta(seconds=25),
            credit=CREDIT,
        )
        await centre.start(campaign)
        begin, working, looks = centre.time(), 0, 0
        while centre.time() < begin + DAY.seconds:
            await centre.sleep(2.0)
            looks += 4
            working += sum(centre.state(i) in (AgentState.TALKING, AgentState.WRAP_UP) for i in range(4))
        occupancy, budget = working / looks, await centre.budget(campaign)
        await centre.controller.stop_campaign(campaign.id)
        await centre.sleep(900)  # until the last conversation is over

    model = Centre(DAY, Ours(Terms(cancel_after=15.0)), 1)
    assert model.tally.successes == CREDIT
    record = model.run()
    assert occupancy == pytest.approx(record.occupancy, abs=0.05)
    assert budget.successes - CREDIT == pytest.approx(record.successes, rel=0.1)
    assert budget.kept
    assert abs(budget.silent - record.silent) <= 4
