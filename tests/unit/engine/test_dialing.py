"""From the dialed number to the outcome: agents, budget, rescue, cut."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from controller.domain.agent import AgentState
from controller.domain.call import CallState
from controller.domain.campaign import CampaignState, Override
from controller.domain.outcome import Outcome
from controller.domain.retry import RetryRule
from controller.errors import Refused
from controller.simulation.callee import (
    Answers,
    Behaviour,
    Busy,
    EndedBy,
    Fails,
    Leaves,
    NoAnswer,
    Unreachable,
)
from tests.fakes.call_centre import CALLER, LAB_TOKEN, CallCentre, agent, call_centre, number, virtual


@virtual
async def test_an_answered_call_is_bridged_at_once_to_the_longest_idle() -> None:
    async with call_centre(agents=3) as centre:
        campaign = await centre.campaign(contacts=[number(0)])
        await centre.start(campaign)
        callee = await centre.ended(number(0))
        assert callee.agents == [agent(0)]
        assert callee.unattended() < 0.02
        assert callee.ended_by is EndedBy.CALLEE
        assert await centre.outcome(number(0)) is Outcome.CONNECTED
        assert not await centre.suppressed(number(0))
        assert (await centre.budget(campaign)).successes == 1
        await centre.nothing_left()


@virtual
async def test_one_to_one_while_the_budget_has_no_room() -> None:
    async with call_centre(agents=2) as centre:
        campaign = await centre.campaign(contacts=[number(i) for i in range(20)], overdial=3.0)
        await centre.start(campaign)
        for _ in range(600):
            floor = centre.controller.office.floor
            assert len(centre.telephony.live) <= 2
            assert floor.exposed(campaign.id) == 0
            await centre.sleep(0.1)
        assert len(centre.telephony.callees) > 2


@virtual
async def test_overdial_stays_within_the_budget() -> None:
    async with call_centre(agents=4) as centre:
        # 70 successes allow 2 silent calls; the ratio alone would want 8 more lines.
        campaign = await centre.campaign(
            contacts=[number(i) for i in range(20)], overdial=3.0, credit=70, calls_per_second=1000
        )
        centre.telephony.habit = NoAnswer()
        await centre.start(campaign)
        await centre.until(lambda: len(centre.telephony.live) == 6)
        assert (await centre.budget(campaign)).exposed == 2
        await centre.sleep(5)
        assert len(centre.telephony.live) == 6


@virtual
async def test_overdial_stays_within_the_ratio() -> None:
    async with call_centre(agents=4) as centre:
        campaign = await centre.campaign(
            contacts=[number(i) for i in range(20)], overdial=1.5, credit=1000, calls_per_second=1000
        )
        centre.telephony.habit = NoAnswer()
        await centre.start(campaign)
        await centre.sleep(5)
        assert len(centre.telephony.live) == 6


@virtual
async def test_calls_per_second_is_a_ceiling() -> None:
    async with call_centre(agents=20) as centre:
        campaign = await centre.campaign(contacts=[number(i) for i in range(20)], calls_per_second=5)
        await centre.start(campaign)
        await centre.until(lambda: len(centre.telephony.callees) == 20)
        dialed = [callee.dialed_at for callee in centre.telephony.callees]
        assert min(b - a for a, b in pairwise(dialed)) > 0.19


@virtual
async def test_a_call_that_nobody_can_take_is_cut_at_2_7_s_and_its_number_left_alone() -> None:
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(
            contacts=[number(0), number(1)], overdial=2.0, credit=100, calls_per_second=1000
        )
        centre.telephony.habit = Answers(after=1.0, talks=60)
        centre.telephony.behave(number(1), Answers(after=1.2, talks=60))
        await centre.start(campaign)
        callee = await centre.ended(number(1))
        assert callee.silent
        assert callee.ended_by is EndedBy.CONTROLLER
        assert callee.answered_at is not None
        assert callee.ended_at is not None
        assert callee.ended_at - callee.answered_at == pytest.approx(2.7, abs=0.01)
        assert callee.noise_from == pytest.approx(callee.answered_at + 0.02)
        assert await centre.outcome(number(1)) is Outcome.SILENT
        held = await centre.ledger.suppression(CALLER, number(1))
        assert held is not None
        assert held.reason == "silent call"
        assert held.expires_in == pytest.approx(432_000, abs=2)
        assert (await centre.budget(campaign)).silent == 1


@virtual
async def test_an_agent_who_frees_up_rescues_who_waits() -> None:
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(
            contacts=[number(0), number(1)],
            overdial=2.0,
            credit=100,
            calls_per_second=1000,
            wrap_up=timedelta(seconds=0.5),
        )
        centre.telephony.behave(number(0), Answers(after=1.0, talks=2.0))
        centre.telephony.behave(number(1), Answers(after=2.0))
        await centre.start(campaign)
        callee = await centre.ended(number(1))
        assert callee.agents == [agent(0)]
        assert 1.4 < callee.unattended() < 1.6
        assert await centre.outcome(number(1)) is Outcome.CONNECTED
        assert centre.status().rescued == 1
        assert not await centre.suppressed(number(1))


@virtual
async def test_a_callee_who_leaves_while_waiting_got_a_silent_call() -> None:
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(
            contacts=[number(0), number(1)], overdial=2.0, credit=100, calls_per_second=1000
        )
        centre.telephony.behave(number(1), Leaves(after=3.0, stays=1.0))
        await centre.start(campaign)
        callee = await centre.ended(number(1))
        assert callee.ended_by is EndedBy.CALLEE
        assert await centre.outcome(number(1)) is Outcome.SILENT
        assert await centre.suppressed(number(1))


@virtual
async def test_race_the_callee_leaves_while_the_bridging_is_under_way() -> None:
    # The refusal of the bridging arrives before the news that the callee has hung up.
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(contacts=[number(0)])
        # 4 ms after the answer the controller hears of it, 5 ms after it Asterisk is asked to bridge.
        centre.telephony.behave(number(0), Leaves(after=1.0, stays=0.0045))
        await centre.start(campaign)
        callee = await centre.ended(number(0))
        assert callee.agents == []
        assert await centre.outcome(number(0)) is Outcome.LEFT_EARLY
        assert (await centre.budget(campaign)).silent == 0
        assert not await centre.suppressed(number(0))
        assert centre.state(0) is AgentState.IDLE


@virtual
async def test_race_the_callee_leaves_before_the_arrival_is_dealt_with() -> None:
    # Arrival and hang-up come in the same instant; an agent stood ready, so the bridging is commanded.
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(contacts=[number(0)])
        centre.telephony.behave(number(0), Leaves(after=1.0, stays=0.0030001))
        await centre.start(campaign)
        await centre.ended(number(0))
        assert await centre.outcome(number(0)) is Outcome.LEFT_EARLY
        assert (await centre.budget(campaign)).silent == 0


@virtual
async def test_race_a_rescue_fails_and_its_place_in_the_budget_was_given_away() -> None:
    # The one call that waits is being rescued. Until that has worked, it keeps its place in the budget.
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(
            contacts=[number(0), number(1), number(2)],
            overdial=2.0,
            credit=34,
            calls_per_second=1000,
            wrap_up=timedelta(0),
        )
        centre.telephony.behave(number(0), Answers(after=1.0, talks=2.0))
        centre.telephony.behave(number(1), Answers(after=2.1))
        await centre.start(campaign)
        await centre.answered(number(1))
        office = centre.controller.office
        for phase in (CallState.WAITING, CallState.BRIDGING):
            await centre.until(lambda phase=phase: centre.in_state(phase))  # type: ignore[misc]
            assert office.exposure(campaign.id).count == 1
        centre.telephony.phone_dies(agent(0))
        await centre.until(lambda: centre.in_state(CallState.WAITING))
        assert office.exposure(campaign.id).count == 1
        await centre.ended(number(1))
        assert await centre.outcome(number(1)) is Outcome.SILENT
        assert office.exposure(campaign.id).count == 0
        assert not centre.telephony.calls_to(number(2))


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (Busy(), Outcome.BUSY),
        (NoAnswer(), Outcome.NO_ANSWER),
        (Unreachable(), Outcome.UNREACHABLE),
        (Fails(cause=1, sip=404), Outcome.INVALID_NUMBER),
        (Fails(cause=21, sip=603), Outcome.REJECTED),
        (Fails(), Outcome.CONGESTION),
    ],
)
def test_calls_that_nobody_answers(behaviour: Behaviour, outcome: Outcome) -> None:
    @virtual
    async def test() -> None:
        async with call_centre(agents=1) as centre:
            await centre.start(await centre.campaign(contacts=[number(0)]))
            centre.telephony.behave(number(0), behaviour)
            await centre.until(lambda: centre.telephony.callees)
            await centre.ended(number(0))
            assert await centre.outcome(number(0)) is outcome
            assert not await centre.suppressed(number(0))
            assert centre.state(0) is AgentState.IDLE
            await centre.nothing_left()

    test()


@virtual
async def test_busy_is_tried_again_and_the_campaign_finishes() -> None:
    answers: list[Behaviour] = [Busy(), Answers(talks=3.0)]
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(contacts=[number(0)])
        centre.telephony.behave(number(0), lambda _: answers.pop(0))
        await centre.start(campaign)
        await centre.ended(number(0))
        assert centre.status().blocked == "" or "due at" in centre.status().blocked
        await centre.until(lambda: len(centre.telephony.callees) == 2, within=1300)
        first, second = centre.telephony.callees
        assert first.ended_at is not None
        assert second.dialed_at - first.ended_at == pytest.approx(20 * 60, abs=3)
        await centre.until(lambda: centre.status().state is CampaignState.FINISHED)
        row = await centre.records.campaign(campaign.id)
        assert row is not None
        assert row.state is CampaignState.FINISHED
        await centre.nothing_left()


@virtual
async def test_a_contact_is_given_up_after_its_attempts() -> None:
    async with call_centre(agents=1) as centre:
        retry = RetryRule(max_attempts=3, pauses={Outcome.BUSY: timedelta(seconds=30)})
        await centre.start(await centre.campaign(contacts=[number(0)], retry=retry))
        centre.telephony.habit = Busy()
        await centre.until(lambda: centre.status().state is CampaignState.FINISHED, within=200)
        assert len(centre.telephony.callees) == 3


@virtual
async def test_after_a_silent_call_only_with_an_agent_reserved_for_it_alone() -> None:
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(
            contacts=[number(0), number(1)], overdial=2.0, credit=100, calls_per_second=1000
        )
        centre.telephony.behave(number(0), Answers(after=1.0, talks=10.0))
        centre.telephony.behave(number(1), Answers(after=2.0, talks=10.0))
        await centre.start(campaign)
        assert (await centre.ended(number(1))).silent
        await centre.until(lambda: centre.state(0) is AgentState.IDLE)
        await centre.sleep(60)
        assert len(centre.telephony.calls_to(number(1))) == 1
        centre.clock.leap(timedelta(days=5))
        await centre.until(lambda: len(centre.telephony.calls_to(number(1))) == 2, within=120)
        (owner,) = centre.owners
        assert owner.call.guaranteed
        assert centre.state(0) is AgentState.RESERVED
        await centre.ended(number(1))
        assert await centre.outcome(number(1)) is Outcome.CONNECTED


@virtual
async def test_a_guaranteed_call_keeps_its_agent_although_another_is_answered_first() -> None:
    async with call_centre(agents=2) as centre:
        campaign = await centre.campaign(
            contacts=[number(0), number(1)], credit=100, calls_per_second=1000, overdial=2.0
        )
        centre.ledger._caller(campaign).operator_due.add(number(0))
        centre.telephony.habit = Answers(after=3.0, talks=30.0)
        centre.telephony.behave(number(1), Answers(after=0.5, talks=30.0))
        await centre.start(campaign)
        callee = await centre.answered(number(0))
        await centre.until(lambda: callee.agent_from is not None)
        assert callee.unattended(centre.time()) < 0.05


@virtual
async def test_a_suppressed_number_is_not_called_by_another_campaign_of_the_same_caller() -> None:
    async with call_centre(agents=1) as centre:
        first = await centre.campaign(
            contacts=[number(0), number(1)], overdial=2.0, credit=100, calls_per_second=1000
        )
        centre.telephony.habit = Answers(after=1.0, talks=10)
        centre.telephony.behave(number(1), Answers(after=1.2, talks=10))
        await centre.start(first)
        assert (await centre.ended(number(1))).silent
        second = await centre.campaign("summer", contacts=[number(1), number(2)])
        await centre.start(second)
        await centre.until(lambda: centre.telephony.calls_to(number(2)))
        await centre.sleep(60)
        assert len(centre.telephony.calls_to(number(1))) == 1


@virtual
async def test_one_number_in_two_campaigns_is_not_rung_twice_at_once() -> None:
    async with call_centre(agents=4) as centre:
        numbers = [number(i) for i in range(4)]
        for name in ("spring", "summer"):
            await centre.start(await centre.campaign(name, contacts=numbers))
        for _ in range(1000):
            ringing = [callee.number for callee in centre.telephony.live]
            assert len(ringing) == len(set(ringing))
            await centre.sleep(0.05)


@virtual
async def test_an_override_is_accepted_in_a_lab_only() -> None:
    override = Override(author="ada", reason="burst")
    refused: list[tuple[dict[str, Any], str]] = [
        ({}, LAB_TOKEN),
        ({"allow_budget_override": True, "lab_token": LAB_TOKEN}, ""),
        ({"allow_budget_override": True, "lab_token": LAB_TOKEN}, "other"),
        ({"allow_budget_override": True, "lab_token": ""}, ""),
    ]
    for settings, token in refused:
        async with call_centre(agents=1, seated=0, **settings) as centre:
            await _new_link(centre, token)
            campaign = await centre.campaign(contacts=[number(0)], override=override)
            with pytest.raises(Refused, match="only a lab"):
                await centre.start(campaign)
            assert not centre.records.overrides

    async with call_centre(agents=1, allow_budget_override=True, lab_token=LAB_TOKEN) as centre:
        await _new_link(centre, LAB_TOKEN)
        campaign = await centre.campaign(
            contacts=[number(i) for i in range(4)], override=override, overdial=4.0, calls_per_second=1000
        )
        await centre.start(campaign)
        assert [(each[0], each[1]) for each in centre.records.overrides] == [(campaign.id, override)]
        await centre.until(lambda: len(centre.telephony.live) == 4)


async def _new_link(centre: CallCentre, token: str) -> None:
    centre.telephony.lab_token = token
    centre.telephony.link_down()
    centre.telephony.link_up()
    await centre.until(lambda: centre.controller.office.health.fit)


@virtual
async def test_a_redis_that_loses_keys_is_refused_unless_told_otherwise() -> None:
    async def complaints() -> list[str]:
        return ["appendonly is off"]

    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(contacts=[number(0)])
        centre.ledger.check = complaints  # type: ignore[method-assign]
        with pytest.raises(Refused, match="appendonly is off"):
            await centre.start(campaign)
    async with call_centre(agents=1, allow_volatile_redis=True) as centre:
        campaign = await centre.campaign(contacts=[number(0)])
        centre.ledger.check = complaints  # type: ignore[method-assign]
        await centre.start(campaign)
        await centre.ended(number(0))
