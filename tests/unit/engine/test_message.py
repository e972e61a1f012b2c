"""Laws that demand a message: what a callee hears whom no agent reaches, controller alive, dead or late."""

from __future__ import annotations

import pytest

from controller.domain.agent import AgentState
from controller.domain.call import CallState
from controller.domain.campaign import Campaign
from controller.domain.ids import E164
from controller.domain.outcome import Outcome
from controller.engine.desk import SETTLE
from controller.simulation.callee import Answers, Behaviour, Callee, EndedBy, Heard, Leaves
from controller.simulation.link import Fault
from tests.fakes.call_centre import CallCentre, agent, call_centre, number, virtual
from tests.fakes.law import LAX_MESSAGE

SERVED, WAITS = number(0), number(1)
BEGINS, AT_THE_LATEST = 1.7, 1.8
LASTS = 8.0


async def _one_waits(centre: CallCentre, waits: Behaviour | None = None) -> Campaign:
    """One callee speaks with the only agent, another has picked up too."""
    campaign = await centre.campaign(
        contacts=[SERVED, WAITS],
        overdial=2.0,
        credit=100,
        calls_per_second=1000,
        law=LAX_MESSAGE,
        message="acme/who-called",
    )
    centre.telephony.behave(SERVED, Answers(after=1.0, talks=60))
    centre.telephony.behave(WAITS, waits or Answers(after=1.5, talks=60))
    await centre.start(campaign)
    await centre.answered(WAITS)
    return campaign


def _hears_the_message(callee: Callee, begins: float) -> None:
    assert callee.answered_at is not None
    assert callee.message_from is not None
    assert callee.message_from - callee.answered_at == pytest.approx(begins, abs=0.01)
    assert [heard for _, heard in callee.heard] == [Heard.NOTHING, Heard.NOISE, Heard.MESSAGE]


def _to_its_end(callee: Callee) -> None:
    assert callee.ended_by is EndedBy.MESSAGE
    assert callee.ended_at == pytest.approx((callee.message_from or 0) + LASTS, abs=0.01)


async def _is_silent(centre: CallCentre, which: E164) -> None:
    assert await centre.outcome(which) is Outcome.SILENT
    assert await centre.suppressed(which)


@virtual
async def test_noise_then_the_message_then_hung_up_and_it_is_a_silent_call() -> None:
    async with call_centre(agents=1) as centre:
        campaign = await _one_waits(centre)
        callee = await centre.ended(WAITS)
        _hears_the_message(callee, BEGINS)
        _to_its_end(callee)
        await _is_silent(centre, WAITS)
        assert (await centre.budget(campaign)).silent == 1
        assert centre.telephony.requests("hang_up") == 0


@virtual
async def test_an_agent_who_frees_up_before_the_message_rescues() -> None:
    async with call_centre(agents=1) as centre:
        await _one_waits(centre)
        await centre.sleep(0.7)
        await centre.seat_more()
        await centre.sleep(1)
        callee = centre.telephony.calls_to(WAITS)[-1]
        assert callee.agents == [agent(1)]
        assert callee.message_from is None


@virtual
async def test_who_frees_up_during_the_message_gets_nobody_who_hears_it() -> None:
    async with call_centre(agents=1) as centre:
        await _one_waits(centre)
        await centre.sleep(2.5)
        await centre.seat_more()
        callee = await centre.ended(WAITS)
        _hears_the_message(callee, BEGINS)
        _to_its_end(callee)
        assert centre.state(1) is AgentState.IDLE


@virtual
async def test_who_hangs_up_during_the_message_got_a_silent_call_all_the_same() -> None:
    async with call_centre(agents=1) as centre:
        await _one_waits(centre, Leaves(after=1.5, stays=3.0))
        callee = await centre.ended(WAITS)
        _hears_the_message(callee, BEGINS)
        await _is_silent(centre, WAITS)


@virtual
async def test_with_the_controller_killed_asterisk_plays_it() -> None:
    async with call_centre(agents=1) as centre:
        await _one_waits(centre)
        await centre.kill()
        await centre.sleep(15)
        callee = centre.telephony.calls_to(WAITS)[-1]
        _hears_the_message(callee, AT_THE_LATEST)
        _to_its_end(callee)


@pytest.mark.parametrize("down", [0.3, 1.0, 3.0])
def test_killed_and_back_the_message_is_heard_and_to_its_end(down: float) -> None:
    @virtual
    async def test() -> None:
        async with call_centre(agents=1) as centre:
            await _one_waits(centre)
            await centre.kill()
            await centre.sleep(down)
            await centre.switch_on()
            callee = await centre.ended(WAITS)
            # A call that waits is not given to an agent by the next life: its message begins at once.
            assert callee.message_from is not None
            assert callee.answered_at is not None
            assert callee.message_from - callee.answered_at < 2.0
            _to_its_end(callee)
            await _is_silent(centre, WAITS)

    test()


@pytest.mark.parametrize("fault", [Fault.REFUSE, Fault.UNREACHABLE, Fault.HANG, Fault.LOSE])
def test_if_the_message_cannot_be_asked_for_asterisk_plays_it(fault: Fault) -> None:
    @virtual
    async def test() -> None:
        async with call_centre(agents=1) as centre:
            await _one_waits(centre)
            centre.telephony.fault("play_message", fault)
            callee = await centre.ended(WAITS)
            _hears_the_message(callee, BEGINS if fault is Fault.LOSE else AT_THE_LATEST)
            _to_its_end(callee)
            await _is_silent(centre, WAITS)

    test()


@pytest.mark.parametrize(
    "one_way", [pytest.param(0.1, id="before its second step"), pytest.param(0.06, id="before its last step")]
)
def test_race_the_switch_acts_while_the_bridging_is_under_way(one_way: float) -> None:
    # The agent is not to blame: they stay logged in. The callee hears the message to its end; that the last
    # step of the bridging succeeds makes no conversation.
    @virtual
    async def test() -> None:
        slow = [0.001]
        async with call_centre(agents=1, delay=lambda: slow[0]) as centre:
            campaign = await _one_waits(centre)
            await centre.sleep(1.6 - SETTLE)
            await centre.seat_more()
            await centre.until(lambda: centre.in_state(CallState.BRIDGING), within=0.1)
            slow[0] = one_way
            callee = await centre.ended(WAITS)
            assert callee.message_from == pytest.approx((callee.answered_at or 0) + AT_THE_LATEST, abs=0.01)
            assert callee.heard[-1][1] is Heard.MESSAGE
            _to_its_end(callee)
            assert centre.state(1) is AgentState.IDLE
            await _is_silent(centre, WAITS)
            assert (await centre.budget(campaign)).successes == 101, "of this campaign only the other call"

    test()
