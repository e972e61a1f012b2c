"""Agents: log-in, log-out, pause, wrap-up, feature codes, keys, dying phones."""

from __future__ import annotations

from datetime import timedelta

import pytest

from controller.domain.agent import AgentState
from controller.domain.call import CallState
from controller.domain.ids import AgentId
from controller.domain.outcome import Outcome
from controller.engine.desk import SETTLE
from controller.errors import Refused
from controller.simulation.callee import Answers, EndedBy, NoAnswer
from controller.simulation.link import Fault
from tests.fakes.call_centre import agent, call_centre, number, virtual


@virtual
async def test_feature_codes() -> None:
    async with call_centre(agents=1, seated=0) as centre:
        centre.telephony.dial(agent(0), "*51")
        await centre.until(lambda: centre.state(0) is AgentState.IDLE)
        assert centre.telephony.seated(agent(0))
        centre.telephony.dial(agent(0), "*53")
        await centre.until(lambda: centre.state(0) is AgentState.PAUSED)
        centre.telephony.dial(agent(0), "*53")
        await centre.until(lambda: centre.state(0) is AgentState.IDLE)
        centre.telephony.dial(agent(0), "*52")
        await centre.until(lambda: not centre.telephony.seated(agent(0)))
        assert centre.state(0) is AgentState.AWAY
        await centre.sleep(1)
        assert not centre.telephony._channels  # the calls to the feature codes are over


@virtual
async def test_log_in_from_the_web_page() -> None:
    async with call_centre(agents=2, seated=0) as centre:
        await centre.controller.agent_login(agent(0))
        await centre.until(lambda: centre.state(0) is AgentState.IDLE)
        with pytest.raises(Refused, match="logged in already"):
            await centre.controller.agent_login(agent(0))
        with pytest.raises(Refused, match="not in the configuration"):
            await centre.controller.agent_login(AgentId("999"))
        with pytest.raises(Refused, match="not logged in"):
            await centre.controller.agent_pause(agent(1))
        centre.telephony.phones[agent(1)] = None
        await centre.controller.agent_login(agent(1))
        await centre.sleep(30)
        assert centre.state(1) is AgentState.AWAY


@virtual
async def test_strangers_and_second_phones_are_dropped() -> None:
    async with call_centre(agents=1) as centre:
        centre.telephony.dial(AgentId("999"), "*51")
        centre.telephony.dial(agent(0), "*51")
        await centre.sleep(1)
        assert centre.controller.office.floor.agent(AgentId("999")) is None
        assert centre.state(0) is AgentState.IDLE
        assert list(centre.telephony._channels.values()) == [agent(0)]


@virtual
async def test_wrap_up_ends_by_time_or_by_key() -> None:
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(
            contacts=[number(0), number(1)], wrap_up=timedelta(seconds=5), overdial=1.0
        )
        centre.telephony.habit = Answers(after=1.0, talks=2.0)
        await centre.start(campaign)
        for key in (False, True):
            await centre.until(lambda: centre.state(0) is AgentState.WRAP_UP)
            began = centre.time()
            if key:
                centre.telephony.press(agent(0), "#")
            await centre.until(lambda: centre.state(0) is not AgentState.WRAP_UP)
            assert centre.time() - began == pytest.approx(0.001 if key else 5.0, abs=0.002)


@virtual
async def test_the_agent_ends_the_call_by_key() -> None:
    async with call_centre(agents=1) as centre:
        await centre.start(await centre.campaign(contacts=[number(0)]))
        await centre.until(lambda: centre.state(0) is AgentState.TALKING)
        await centre.sleep(1)
        centre.telephony.press(agent(0), "*")
        callee = await centre.ended(number(0))
        assert callee.ended_by is EndedBy.CONTROLLER
        assert await centre.outcome(number(0)) is Outcome.CONNECTED
        assert centre.state(0) is AgentState.WRAP_UP


@virtual
async def test_race_the_agent_ends_the_call_before_as_the_next_one_is_bridged() -> None:
    # The key was meant for a call that is over; the callee who has just been bridged must not pay for it.
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(contacts=[number(0)])
        await centre.start(campaign)
        callee = await centre.answered(number(0))
        await centre.until(lambda: callee.agents)
        centre.telephony.press(agent(0), "*")
        await centre.sleep(1)
        assert callee.ended_at is None
        assert (await centre.budget(campaign)).silent == 0
        centre.telephony.press(agent(0), "*")
        await centre.ended(number(0))
        assert await centre.outcome(number(0)) is Outcome.CONNECTED


@pytest.mark.parametrize("code", ["*52", "*53"])
def test_pause_and_log_out_wait_for_the_call_that_counts_on_the_agent(code: str) -> None:
    @virtual
    async def test() -> None:
        async with call_centre(agents=1) as centre:
            await centre.start(await centre.campaign(contacts=[number(0)]))
            centre.telephony.habit = Answers(after=5.0, talks=5.0)
            await centre.until(lambda: centre.in_state(CallState.RINGING))
            centre.telephony.dial(agent(0), code)
            await centre.until(lambda: centre.controller.status().agents[0].wish)
            assert centre.state(0) is AgentState.RESERVED
            callee = await centre.ended(number(0))
            assert callee.agents == [agent(0)]
            gone = AgentState.AWAY if code == "*52" else AgentState.PAUSED
            assert centre.state(0) is gone
            await centre.sleep(1)
            assert centre.telephony.seated(agent(0)) is (code == "*53")

    test()


@virtual
async def test_pause_is_granted_at_once_where_another_agent_can_step_in() -> None:
    async with call_centre(agents=2) as centre:
        await centre.start(await centre.campaign(contacts=[number(0)]))
        centre.telephony.habit = Answers(after=5.0)
        await centre.until(lambda: centre.in_state(CallState.RINGING))
        assert centre.state(0) is AgentState.RESERVED
        await centre.controller.agent_pause(agent(0))
        assert (centre.state(0), centre.state(1)) == (AgentState.PAUSED, AgentState.RESERVED)
        callee = await centre.answered(number(0))
        await centre.until(lambda: callee.agents)
        assert callee.agents == [agent(1)]


@virtual
async def test_a_pause_holds_although_asterisk_does_not_hang_up_the_feature_code() -> None:
    async with call_centre(agents=1) as centre:
        centre.telephony.fault("drop", Fault.REFUSE)
        centre.telephony.dial(agent(0), "*53")
        await centre.until(lambda: centre.state(0) is AgentState.PAUSED)


@virtual
async def test_a_ringing_call_is_taken_back_when_the_agents_phone_dies() -> None:
    async with call_centre(agents=1) as centre:
        await centre.start(await centre.campaign(contacts=[number(0)]))
        centre.telephony.habit = NoAnswer()
        await centre.until(lambda: centre.in_state(CallState.RINGING))
        await centre.sleep(1)
        centre.telephony.phone_dies(agent(0))
        callee = await centre.ended(number(0))
        assert callee.ended_by is EndedBy.CONTROLLER
        assert callee.answered_at is None
        assert await centre.outcome(number(0)) is Outcome.CANCELLED
        assert not await centre.suppressed(number(0))
        await centre.nothing_left()


@virtual
async def test_a_ringing_call_goes_on_without_its_agent_where_the_budget_allows() -> None:
    async with call_centre(agents=1) as centre:
        await centre.start(await centre.campaign(contacts=[number(0)], credit=100))
        centre.telephony.habit = NoAnswer()
        await centre.until(lambda: centre.in_state(CallState.RINGING))
        centre.telephony.phone_dies(agent(0))
        await centre.sleep(5)
        assert centre.telephony.live


@virtual
async def test_a_guaranteed_call_is_taken_back_when_its_agents_phone_dies_whatever_the_budget() -> None:
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(contacts=[number(0)], credit=100)
        centre.ledger._caller(campaign).operator_due.add(number(0))
        await centre.start(campaign)
        centre.telephony.habit = NoAnswer()
        await centre.until(lambda: centre.in_state(CallState.RINGING))
        centre.telephony.phone_dies(agent(0))
        await centre.ended(number(0))
        assert await centre.outcome(number(0)) is Outcome.CANCELLED


@virtual
async def test_a_conversation_ends_when_the_agents_phone_dies() -> None:
    async with call_centre(agents=1) as centre:
        await centre.start(await centre.campaign(contacts=[number(0)]))
        await centre.until(lambda: centre.state(0) is AgentState.TALKING)
        await centre.sleep(1)
        centre.telephony.phone_dies(agent(0))
        callee = await centre.ended(number(0))
        assert callee.ended_by is EndedBy.CONTROLLER
        assert callee.unattended() < 0.05
        assert await centre.outcome(number(0)) is Outcome.CONNECTED
        assert centre.state(0) is AgentState.AWAY
        await centre.nothing_left()


@virtual
async def test_race_the_agents_phone_dies_while_the_bridging_is_under_way() -> None:
    # At whatever instant of the bridging: another agent takes over, or the callee is told nothing but noise.
    for i in range(14):
        async with call_centre(agents=2) as centre:
            await centre.start(await centre.campaign(contacts=[number(0)], overdial=1.0))
            callee = await centre.answered(number(0))
            await centre.sleep(i * 0.0007)
            centre.telephony.phone_dies(agent(0))
            await centre.until(lambda c=callee: c.agents == [agent(1)] or agent(1) in c.agents or c.ended_at)  # type: ignore[misc]
            if agent(1) not in callee.agents:
                assert callee.agents == [agent(0)]
            await centre.ended(number(0))
            await centre.nothing_left()


@virtual
async def test_race_an_agent_comes_back_before_their_old_call_is_over() -> None:
    # The hang-up of the old call takes its time; its end must not take the agent out of the new call.
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(contacts=[number(0), number(1)], overdial=1.0)
        centre.telephony.habit = Answers(after=0.5, talks=60.0)
        await centre.start(campaign)
        await centre.until(lambda: centre.in_state(CallState.TALKING))
        await centre.sleep(1)
        centre.telephony.fault("hang_up", Fault.HANG)
        centre.telephony.phone_dies(agent(0))
        await centre.until(lambda: centre.state(0) is AgentState.AWAY)
        centre.telephony.dial(agent(0), "*51")
        callee = await centre.answered(number(1))
        await centre.until(lambda: callee.agents)
        first = centre.telephony.calls_to(number(0))[-1]
        await centre.until(lambda: first.ended_at is not None)
        await centre.sleep(1)
        assert callee.ended_at is None
        assert centre.state(0) is AgentState.TALKING
        # (The first callee heard nothing meanwhile; with Asterisk not answering no controller can mend it.)
        centre.telephony.callees.remove(first)


@virtual
async def test_race_an_agent_gets_no_callee_before_their_phone_sends_sound() -> None:
    # On the lab: a callee who waited got the agent who had just logged in, and heard nobody until leaving.
    async with call_centre(agents=1, seated=0) as centre:
        centre.telephony.dial(agent(0), "*51")
        await centre.until(lambda: centre.telephony.seated(agent(0)))
        seated = centre.time()
        assert centre.state(0) is AgentState.AWAY
        await centre.until(lambda: centre.state(0) is AgentState.IDLE)
        assert centre.time() - seated == pytest.approx(SETTLE, abs=0.01)


@virtual
async def test_an_agent_who_dials_in_twice_while_being_seated_has_one_phone() -> None:
    async with call_centre(agents=1, seated=0) as centre:
        centre.telephony.dial(agent(0), "*51")
        centre.telephony.dial(agent(0), "*51")
        await centre.until(lambda: centre.state(0) is AgentState.IDLE)
        assert len(centre.controller._desk._seats) == 1
