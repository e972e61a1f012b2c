"""The life of a call on a real Asterisk, judged from the callee's side."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from controller.domain.agent import AgentState
from controller.domain.campaign import CampaignState, Override
from controller.domain.ids import AgentId
from lab.numbers import Behaviour, number
from tests.integration.rig import FIVE_DAYS, Rig, keeps_the_law, unattended

LAB_ONLY = Override(author="tests", reason="silent calls on purpose, on a lab")


async def test_answered_call_is_bridged_at_once(rig: Rig) -> None:
    callee = number(Behaviour.PERSON, ring=0.5, hold=2)
    await rig.campaign("c", [callee])
    await rig.log_in("1001")
    await rig.start("c")
    (call,) = await rig.callees(1)
    keeps_the_law(call)
    assert call.agent_heard_after is not None
    assert call.agent_heard_after < 0.2
    await rig.settled(1)
    assert rig.outcomes() == {callee: "connected"}
    assert rig.counters("c")["successes"] == 1
    assert rig.suppressed_for(callee) == 0
    await rig.until(lambda s: s.campaigns[0].state is CampaignState.FINISHED)


async def test_silent_call_hears_noise_and_is_cut_below_three_seconds(rig: Rig) -> None:
    served, silent = number(Behaviour.PERSON, ring=0.3, hold=8), number(Behaviour.PERSON, ring=0.5, hold=9)
    await rig.campaign("c", [served, silent], overdial=2.0, override=LAB_ONLY)
    await rig.log_in("1001")
    await rig.start("c")
    calls = {call.number: call for call in await rig.callees(2)}
    cut = calls[silent]
    keeps_the_law(cut)
    assert cut.hung_up_by == "caller"
    assert cut.agent_heard_after is None
    assert 2.5 < unattended(cut) < 3.0
    keeps_the_law(calls[served])
    await rig.settled(2)
    assert rig.outcomes() == {served: "connected", silent: "silent"}
    assert FIVE_DAYS - 20 < rig.suppressed_for(silent) <= FIVE_DAYS
    assert rig.suppressed_for(served) == 0
    assert rig.counters("c")["silent"] == 1


async def test_waiting_call_is_rescued_when_an_agent_frees_up(rig: Rig) -> None:
    first, second = number(Behaviour.PERSON, ring=0.3, hold=2), number(Behaviour.PERSON, ring=1.0, hold=3)
    await rig.campaign("c", [first, second], overdial=2.0, override=LAB_ONLY)
    await rig.log_in("1001")
    await rig.start("c")
    calls = {call.number: call for call in await rig.callees(2)}
    rescued = calls[second]
    keeps_the_law(rescued)
    assert rescued.agent_heard_after is not None
    assert 0.9 < rescued.agent_heard_after < 1.8
    assert rescued.hung_up_by == "callee"
    await rig.settled(2)
    assert set(rig.outcomes().values()) == {"connected"}


@pytest.mark.parametrize(
    ("behaviour", "hold", "outcome"),
    [
        (Behaviour.BUSY, 0, "busy"),
        (Behaviour.UNREACHABLE, 0, "unreachable"),
        (Behaviour.UNREACHABLE, 1, "invalid-number"),
        (Behaviour.DECLINES, 0, "rejected"),
        (Behaviour.NETWORK_FAILURE, 0, "congestion"),
    ],
)
async def test_unanswered_call_gives_its_number_back(
    rig: Rig, behaviour: Behaviour, hold: float, outcome: str
) -> None:
    callee = number(behaviour, ring=0.3, hold=hold)
    await rig.campaign("c", [callee])
    await rig.log_in("1001")
    await rig.start("c")
    await rig.settled(1)
    assert rig.outcomes() == {callee: outcome}
    assert rig.suppressed_for(callee) == 0
    assert rig.counters("c").get("silent", 0) == 0


async def test_no_answer_is_ended_by_the_ring_timeout(rig: Rig) -> None:
    callee = number(Behaviour.NO_ANSWER)
    await rig.campaign("c", [callee], ring_timeout=timedelta(seconds=2))
    await rig.log_in("1001")
    await rig.start("c")
    (call,) = await rig.callees(1)
    assert call.answered_at is None
    await rig.settled(1)
    assert rig.outcomes() == {callee: "no-answer"}
    assert rig.suppressed_for(callee) == 0


async def test_callee_who_leaves_while_waiting_got_a_silent_call(rig: Rig) -> None:
    served, leaver = number(Behaviour.PERSON, ring=0.3, hold=5), number(Behaviour.LEAVER, ring=0.6, hold=1.0)
    await rig.campaign("c", [served, leaver], overdial=2.0, override=LAB_ONLY)
    await rig.log_in("1001")
    await rig.start("c")
    calls = {call.number: call for call in await rig.callees(2)}
    assert calls[leaver].hung_up_by == "callee"
    keeps_the_law(calls[leaver])
    await rig.settled(2)
    assert rig.outcomes()[leaver] == "silent"
    assert FIVE_DAYS - 20 < rig.suppressed_for(leaver) <= FIVE_DAYS


async def test_agent_who_hangs_up_ends_the_conversation_and_is_away(rig: Rig) -> None:
    callee = number(Behaviour.PERSON, ring=0.3)
    await rig.campaign("c", [callee])
    await rig.log_in("1001")
    await rig.start("c")
    await rig.until(lambda s: s.agents[0].state is AgentState.TALKING and s.campaigns[0].talking == 1)
    await asyncio.sleep(0.5)
    await rig.lab.phone_hangup("1001")
    (call,) = await rig.callees(1)
    assert call.hung_up_by == "caller"
    await rig.settled(1)
    assert rig.outcomes() == {callee: "connected"}
    await rig.until(lambda s: s.agents[0].state is AgentState.AWAY)


async def test_agent_ends_the_conversation_with_a_key_and_stays(rig: Rig) -> None:
    callee = number(Behaviour.PERSON, ring=0.3)
    await rig.campaign("c", [callee])
    await rig.log_in("1001")
    await rig.start("c")
    await rig.until(lambda s: s.campaigns[0].talking == 1)
    await asyncio.sleep(0.5)
    await rig.lab.phone_dtmf("1001", "*")
    (call,) = await rig.callees(1)
    assert call.hung_up_by == "caller"
    await rig.settled(1)
    await rig.until(lambda s: s.agents[0].state is AgentState.IDLE)


async def test_agent_whose_phone_dies_while_it_rings_takes_the_call_back(rig: Rig) -> None:
    callee = number(Behaviour.PERSON, ring=4.0, hold=5)
    await rig.campaign("c", [callee])
    await rig.log_in("1001")
    await rig.start("c")
    await rig.rings()
    await rig.lab.phone_hangup("1001")
    (call,) = await rig.callees(1)
    assert call.answered_at is None, "nobody may answer a call that no agent stands ready for"
    await rig.settled(1)
    assert rig.outcomes() == {callee: "cancelled"}
    assert rig.suppressed_for(callee) == 0


async def test_pause_by_feature_code_waits_for_the_call_that_counts_on_the_agent(rig: Rig) -> None:
    callee = number(Behaviour.PERSON, ring=2.0, hold=2)
    await rig.campaign("c", [callee])
    await rig.log_in("1001")
    await rig.start("c")
    await rig.rings()
    await rig.lab.phone_dial("1001", "*53")
    status = await rig.until(lambda s: s.agents[0].wish == "pause")
    assert status.agents[0].state is AgentState.RESERVED
    (call,) = await rig.callees(1)
    assert call.agent_heard_after is not None
    await rig.until(lambda s: s.agents[0].state is AgentState.PAUSED)
    await rig.lab.phone_dial("1001", "*53")
    await rig.until(lambda s: s.agents[0].state is AgentState.IDLE)
    await rig.lab.phone_dial("1001", "*52")
    await rig.until(lambda s: s.agents[0].state is AgentState.AWAY)
    await rig.settled(1)


async def test_log_in_by_command_calls_the_agents_phone(rig: Rig) -> None:
    callee = number(Behaviour.PERSON, ring=0.3, hold=2)
    await rig.campaign("c", [callee])
    async with rig.control() as control:
        await control.agent_login(AgentId("1002"))
    await rig.until(lambda s: any(a.state is AgentState.IDLE for a in s.agents))
    await rig.start("c")
    (call,) = await rig.callees(1)
    assert call.agent_heard_after is not None
    await rig.settled(1)


async def test_same_number_in_two_campaigns_is_not_rung_twice_at_once(rig: Rig) -> None:
    callee = number(Behaviour.PERSON, ring=1.0, hold=3)
    await rig.campaign("one", [callee])
    await rig.campaign("two", [callee])
    await rig.log_in("1001", "1002")
    await rig.start("one")
    await rig.start("two")
    (call,) = await rig.callees(1)
    assert call.ended_at is not None
    await rig.settled(1)
    assert len(rig.attempts()) == 1


async def test_number_that_got_a_silent_call_is_left_alone_by_every_campaign_of_the_caller(rig: Rig) -> None:
    served, silent = number(Behaviour.PERSON, ring=0.3, hold=4), number(Behaviour.PERSON, ring=0.5, hold=9)
    await rig.campaign("burst", [served, silent], overdial=2.0, override=LAB_ONLY)
    await rig.campaign("later", [silent])
    await rig.log_in("1001")
    await rig.start("burst")
    await rig.callees(2)
    await rig.settled(2)
    await rig.start("later")
    await asyncio.sleep(1.5)
    assert len(rig.lab.calls(rig.began, analyse=False)) == 2
    assert len(rig.attempts()) == 2
