"""The pacer at work in the engine: modes, what it learns, what it takes back, what it says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from controller.domain.agent import AgentState
from controller.domain.call import CallState
from controller.domain.campaign import Campaign
from controller.domain.outcome import Outcome
from controller.domain.pacing import Mode
from controller.errors import Refused
from controller.simulation.callee import Answers, EndedBy, NoAnswer
from tests.fakes.call_centre import CallCentre, call_centre, number, virtual

MANY = [number(i) for i in range(400)]


@virtual
async def test_predictive_calls_for_agents_who_are_about_to_be_free() -> None:
    async with call_centre(agents=3) as centre:
        centre.telephony.habit = Answers(after=10.0, talks=20.0)
        campaign = await centre.campaign(contacts=MANY, mode=Mode.PREDICTIVE, credit=3000)
        await centre.start(campaign)
        await centre.sleep(600)

        ahead = 0
        for _ in range(300):
            await centre.sleep(0.5)
            busy = [i for i in range(3) if centre.state(i) in (AgentState.TALKING, AgentState.WRAP_UP)]
            ahead += len(busy) == 3 and bool(centre.in_state(CallState.RINGING))
        assert ahead > 10, "calls ring while every agent is busy"
        assert (await centre.budget(campaign)).kept
        pacing = centre.controller.office.runs[campaign.id].pacing
        assert pacing is not None
        assert pacing.pacer.answers.rate > 0.6
        assert pacing.pacer.talks.quantiles(1)[0] == pytest.approx(20, abs=4)
        assert pacing.pacer.wrap_ups.quantiles(1)[0] == pytest.approx(5, abs=1)
        assert "risk" in centre.status().pacing
        await centre.controller.stop_campaign(campaign.id)
        await centre.sleep(60)


@virtual
async def test_without_a_budget_it_is_progressive() -> None:
    async with call_centre(agents=2) as centre:
        centre.telephony.habit = NoAnswer()
        await centre.start(await centre.campaign(contacts=MANY, mode=Mode.PREDICTIVE))
        await centre.sleep(5)

        assert len(centre.telephony.live) == 2
        assert "the budget of silent calls allows no more" in centre.status().pacing


@pytest.mark.parametrize("mode", [Mode.PROGRESSIVE, Mode.RESERVED])
def test_one_call_for_each_free_agent_whatever_the_budget(mode: Mode) -> None:
    @virtual
    async def run() -> None:
        async with call_centre(agents=2) as centre:
            centre.telephony.habit = NoAnswer()
            await centre.start(await centre.campaign(contacts=MANY, mode=mode, credit=3000))
            await centre.sleep(5)

            assert len(centre.telephony.live) == 2
            assert all(owner.call.guaranteed is (mode is Mode.RESERVED) for owner in centre.owners)
            assert centre.status().mode == mode.value
            assert "one call per free agent" in centre.status().pacing

    run()


@pytest.mark.parametrize("after", [8, 15])
def test_a_call_that_would_find_nobody_is_taken_back_when_it_has_rung_long_enough(after: int) -> None:
    @virtual
    async def run() -> None:
        async with call_centre(agents=2) as centre:
            campaign = await _nobody_will_be_there(centre, timedelta(seconds=after))
            before = len(centre.telephony.live)
            await centre.sleep(20)

            taken = [each for each in centre.telephony.callees if each.ended_by is EndedBy.CONTROLLER]
            assert before == len(taken) > 0
            for callee in taken:
                assert callee.rang_at is not None
                assert callee.ended_at is not None
                assert after <= callee.ended_at - callee.rang_at < after + 2
                assert await centre.outcome(callee.number) is Outcome.NO_ANSWER
            assert centre.status().taken_back == len(taken)
            assert (await centre.budget(campaign)).kept

    run()


@virtual
async def test_a_campaign_that_takes_no_call_back_lets_them_ring() -> None:
    async with call_centre(agents=2) as centre:
        await _nobody_will_be_there(centre, None)
        before = len(centre.telephony.live)
        await centre.sleep(20)

        assert len(centre.telephony.live) == before > 0
        assert centre.status().taken_back == 0


async def _nobody_will_be_there(centre: CallCentre, take_back_after: timedelta | None) -> Campaign:
    """Calls ring, and the agents who counted on them are gone."""
    centre.telephony.habit = NoAnswer()
    campaign = await centre.campaign(
        contacts=MANY,
        mode=Mode.PREDICTIVE,
        credit=3000,
        ring_timeout=timedelta(seconds=40),
        take_back_after=take_back_after,
    )
    await centre.start(campaign)
    await centre.sleep(6)
    for agent in centre.settings.agents:
        centre.telephony.phone_dies(agent)
    return campaign


@virtual
async def test_a_mode_that_the_law_forbids_is_refused() -> None:
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(contacts=MANY[:1], mode=Mode.AGENTLESS, message="acme/news")
        with pytest.raises(Refused, match=r"art\. 130.*set mode"):
            await centre.start(campaign)
