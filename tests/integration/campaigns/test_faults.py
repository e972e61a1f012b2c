"""What dies, freezes or vanishes in the middle of a call: L1, L2, L4 and L7 hold all the same."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest

from controller.domain.agent import AgentState
from controller.domain.campaign import CampaignState, Override
from controller.domain.ids import CampaignId
from controller.errors import Refused
from lab.controller import ControllerProcess
from lab.numbers import Behaviour, number
from tests.integration.rig import FIVE_DAYS, Rig, keeps_the_law

LAB_ONLY = Override(author="tests", reason="silent calls on purpose, on a lab")


async def waiting_call(rig: Rig) -> tuple[str, str]:
    """One callee talks with the only agent, another waits and hears the noise: (talking, waiting)."""
    served, waits = number(Behaviour.PERSON, ring=0.3, hold=12), number(Behaviour.PERSON, ring=1.0, hold=30)
    await rig.campaign("c", [served, waits], overdial=2.0, override=LAB_ONLY)
    await rig.log_in("1001")
    await rig.start("c")
    await rig.answered(2)
    return served, waits


# --- the controller is killed ------------------------------------------------------------------------


async def test_killed_while_it_rings(rig: Rig) -> None:
    callee = number(Behaviour.PERSON, ring=2.0, hold=30)
    await rig.campaign("c", [callee])
    await rig.log_in("1001")
    await rig.start("c")
    await rig.rings()
    rig.controller.process.kill()
    (call,) = await rig.callees(1)
    keeps_the_law(call)
    assert call.hung_up_by == "caller"
    assert rig.suppressed_for(callee) >= FIVE_DAYS, "write-ahead: protected from before the call was dialed"
    await rig.controller.start()
    await rig.settled(1)
    assert rig.outcomes() == {callee: "lost"}
    assert FIVE_DAYS - 20 < rig.suppressed_for(callee) <= FIVE_DAYS
    assert rig.counters("c")["silent"] == 1, "nobody saw it end, so it counts as silent"
    await rig.until(lambda s: [a.state for a in s.agents] == [AgentState.IDLE])


async def test_killed_while_a_callee_waits_and_another_talks(rig: Rig) -> None:
    served, waits = await waiting_call(rig)
    await asyncio.sleep(0.5)
    rig.controller.process.kill()
    (cut,) = await rig.callees(1)
    assert cut.number == waits
    keeps_the_law(cut)
    assert rig.suppressed_for(waits) >= FIVE_DAYS
    await rig.controller.start()
    # The conversation goes on as if nothing had been, and is counted when it ends.
    status = await rig.until(lambda s: [a.state for a in s.agents] == [AgentState.TALKING])
    assert status.campaigns[0].talking == 1
    await rig.callees(2)
    await rig.settled(2)
    assert rig.outcomes() == {served: "connected", waits: "lost"}
    assert rig.suppressed_for(served) == 0
    assert rig.counters("c")["successes"] == 1


async def test_killed_and_back_while_it_rings_takes_the_call_back(rig: Rig) -> None:
    callee = number(Behaviour.PERSON, ring=8.0, hold=5)
    await rig.campaign("c", [callee])
    await rig.log_in("1001")
    await rig.start("c")
    await rig.rings()
    rig.controller.process.kill()
    await rig.controller.start()
    (call,) = await rig.callees(1)
    assert call.answered_at is None
    await rig.settled(1)
    assert rig.outcomes() == {callee: "cancelled"}
    assert rig.suppressed_for(callee) == 0, "it was seen to end unanswered"


@pytest.mark.parametrize("seed", range(4))
async def test_killed_at_a_random_moment(rig: Rig, seed: int) -> None:
    chance = random.Random(seed)
    callees = [
        number(
            chance.choice([Behaviour.PERSON, Behaviour.PERSON, Behaviour.BUSY, Behaviour.LEAVER]),
            ring=round(chance.uniform(0.2, 2.0), 1),
            hold=float(chance.randint(1, 4)),
            serial=serial,
        )
        for serial in range(16)
    ]
    await rig.campaign("c", callees, overdial=2.0, override=LAB_ONLY)
    await rig.log_in("1001", "1002", "1003")
    await rig.start("c")
    await asyncio.sleep(chance.uniform(0.0, 3.0))
    rig.controller.process.kill()
    await asyncio.sleep(chance.uniform(0.0, 5.0))
    await rig.controller.start()
    async with rig.control() as control:
        await control.pause_campaign(CampaignId("c"))
    await rig.until(lambda s: not s.campaigns[0].in_flight and not s.campaigns[0].talking, timeout=40)
    calls = rig.lab.calls(rig.began)
    for call in calls:
        if call.answered_at is not None:
            keeps_the_law(call)
            if call.agent_heard_after is None:
                assert rig.suppressed_for(call.number) > FIVE_DAYS - 60, f"L4: {call}"
    busy = {c.number for c in calls if c.answered_at is None}
    assert len([c for c in calls if c.number not in busy]) == len({c.number for c in calls} - busy), (
        "no number that was reached is dialed twice"
    )


# --- the controller freezes --------------------------------------------------------------------------


async def test_frozen_while_it_rings(rig: Rig) -> None:
    callee = number(Behaviour.PERSON, ring=2.0, hold=30)
    await rig.campaign("c", [callee])
    await rig.log_in("1001")
    await rig.start("c")
    await rig.rings()
    rig.controller.process.freeze()
    (call,) = await rig.callees(1)
    rig.controller.process.thaw()
    keeps_the_law(call)
    await rig.settled(1)
    assert rig.outcomes() == {callee: "silent"}
    assert FIVE_DAYS - 20 < rig.suppressed_for(callee) <= FIVE_DAYS


async def test_frozen_while_a_callee_waits(rig: Rig) -> None:
    _, waits = await waiting_call(rig)
    await asyncio.sleep(0.3)
    rig.controller.process.freeze()
    (cut,) = await rig.callees(1)
    assert cut.number == waits
    keeps_the_law(cut)
    await asyncio.sleep(3)
    rig.controller.process.thaw()
    await rig.callees(2)
    await rig.settled(2)
    assert rig.outcomes()[waits] == "silent"


# --- Redis -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["kill", "freeze"])
async def test_redis_gone_no_new_calls_and_calls_in_flight_keep_the_law(rig: Rig, fault: str) -> None:
    rings, *others = (number(Behaviour.PERSON, ring=1.5, hold=2, serial=serial) for serial in range(5))
    await rig.campaign("c", [rings, *others])
    await rig.log_in("1001")
    await rig.start("c")
    await rig.rings()
    getattr(rig.lab.redis, fault)()
    (call,) = await rig.callees(1)
    keeps_the_law(call)
    assert call.agent_heard_after is not None, "the agent who stood ready takes it, Redis or not"
    await asyncio.sleep(3)
    assert len(rig.lab.calls(rig.began, analyse=False)) == 1, "L7: nobody is called without Redis"
    if fault == "kill":
        rig.lab.redis.start()
    else:
        rig.lab.redis.thaw()
    await rig.callees(3, timeout=20)
    async with rig.control() as control:
        await control.pause_campaign(CampaignId("c"))
    await rig.until(lambda s: not s.campaigns[0].talking and not s.campaigns[0].in_flight, timeout=20)
    assert rig.outcomes()[rings] == "connected"
    assert rig.suppressed_for(rings) == 0
    assert rig.counters("c")["successes"] == len(rig.lab.calls(rig.began, analyse=False))


async def test_silent_call_while_redis_is_gone_stays_suppressed(rig: Rig) -> None:
    _, waits = await waiting_call(rig)
    rig.lab.redis.kill()
    await rig.callees(1)
    rig.lab.redis.start()
    await rig.settled(1)
    assert FIVE_DAYS - 30 < rig.suppressed_for(waits) <= FIVE_DAYS
    assert rig.counters("c")["silent"] == 1
    await rig.callees(2)
    await rig.settled(2)


async def test_campaign_is_refused_on_a_redis_that_would_lose_keys(rig: Rig) -> None:
    await rig.campaign("c", [number(Behaviour.PERSON)])
    rig.redis.config_set("appendonly", "no")
    try:
        with pytest.raises(Refused, match="would lose"):
            await rig.start("c")
    finally:
        rig.redis.config_set("appendonly", "yes")


# --- Asterisk ----------------------------------------------------------------------------------------


async def test_asterisk_killed_and_back(rig: Rig) -> None:
    talks, rings = number(Behaviour.PERSON, ring=0.3, hold=60), number(Behaviour.PERSON, ring=9.0, hold=5)
    await rig.campaign("c", [talks, rings])
    await rig.log_in("1001", "1002")
    await rig.start("c")
    # In conversation, and heard: before that it would be a silent call.
    await rig.until(lambda s: s.campaigns[0].in_flight == 1 and s.campaigns[0].budget.successes == 1)
    rig.lab.pbx.process.kill()
    await asyncio.to_thread(rig.lab.network.cli_now, "channel request hangup all")
    await rig.until(lambda s: bool(s.faults))
    rig.lab.pbx.start()
    await rig.controller.fit(timeout=30)
    await rig.settled(2, timeout=20)
    assert rig.outcomes() == {talks: "connected", rings: "lost"}
    assert rig.suppressed_for(rings) > FIVE_DAYS - 60
    status = await rig.until(lambda s: all(a.state is AgentState.AWAY for a in s.agents))
    assert status.campaigns[0].state is CampaignState.RUNNING


async def test_second_controller_takes_over_and_the_first_stops(rig: Rig) -> None:
    second = ControllerProcess(rig.lab)
    try:
        await second.start()
        await asyncio.sleep(0.5)
        assert not rig.controller.process.alive
    finally:
        second.process.stop()


async def test_stopped_in_the_middle_leaves_nobody_alone(rig: Rig) -> None:
    served, rings = number(Behaviour.PERSON, ring=0.3, hold=8), number(Behaviour.PERSON, ring=2.0, hold=3)
    await rig.campaign("c", [served, rings], ring_timeout=timedelta(seconds=20))
    await rig.log_in("1001", "1002")
    await rig.start("c")
    await rig.answered(1)
    await asyncio.to_thread(rig.controller.process.stop, 15.0)
    calls = {call.number: call for call in await rig.callees(2)}
    for call in calls.values():
        keeps_the_law(call)
        assert call.agent_heard_after is not None
    await rig.controller.start()
    await rig.settled(2)
    assert set(rig.outcomes().values()) == {"connected"}
