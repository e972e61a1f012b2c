"""The simulated PBX keeps what the real one keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from controller.domain.campaign import Campaign
from controller.domain.ids import CallId, CampaignId, ChannelId
from controller.domain.recital import Told
from controller.errors import AsteriskRefused, AsteriskUnreachable
from controller.ports import (
    AgentArrived,
    AgentGone,
    CallArrived,
    CallGone,
    CallLeft,
    CallPickedUp,
    CallRang,
    LinkDown,
    LinkUp,
    PhoneEvent,
)
from controller.simulation.callee import Answers, Busy, EndedBy, Heard, Leaves, NoAnswer, Presses
from controller.simulation.clock import VirtualClock
from controller.simulation.link import Fault
from controller.simulation.telephony import MemoryTelephony
from tests.fakes.call_centre import agent, number, virtual
from tests.fakes.law import LAX, LAX_MESSAGE

CALL, CAMPAIGN = CallId("c1"), Campaign(id=CampaignId("spring"), caller="Acme", law=LAX)
WITH_MESSAGE = Campaign(id=CampaignId("spring"), caller="Acme", law=LAX_MESSAGE, message="who")


class Listener:
    """Writes down what a controller would be told."""

    def __init__(self, telephony: MemoryTelephony) -> None:
        self.heard: list[PhoneEvent] = []
        self._task = asyncio.ensure_future(self._listen(telephony))

    async def _listen(self, telephony: MemoryTelephony) -> None:
        async for event in telephony.events():
            self.heard.append(event)

    def kinds(self) -> list[type]:
        return [type(event) for event in self.heard]

    def stop(self) -> None:
        self._task.cancel()


async def _pbx(habit: object = None, **settings: float) -> tuple[MemoryTelephony, Listener]:
    telephony = MemoryTelephony(VirtualClock(), **settings)  # type: ignore[arg-type]
    if habit is not None:
        telephony.habit = habit  # type: ignore[assignment]
    listener = Listener(telephony)
    await asyncio.sleep(0.01)
    return telephony, listener


async def _seated(telephony: MemoryTelephony) -> ChannelId:
    channel = telephony.dial(agent(0), "*51")
    await telephony.seat(agent(0), channel)
    return channel


@virtual
async def test_the_life_of_an_answered_call() -> None:
    telephony, listener = await _pbx(Answers(after=2.0, talks=10.0))
    await _seated(telephony)
    await telephony.place(CALL, number(0), CAMPAIGN)
    await asyncio.sleep(3.0)
    await telephony.connect(CALL, agent(0))
    await asyncio.sleep(20.0)
    assert listener.kinds() == [LinkUp, AgentArrived, CallRang, CallPickedUp, CallArrived, CallLeft, CallGone]
    (callee,) = telephony.callees
    assert callee.answered_at == pytest.approx(callee.dialed_at + 2.0)
    assert [heard for _, heard in callee.heard] == [Heard.NOTHING, Heard.NOISE, Heard.AGENT]
    assert callee.unattended() == pytest.approx(1.0, abs=0.01)
    assert callee.ended_by is EndedBy.CALLEE
    assert callee.ended_at == pytest.approx((callee.agent_from or 0) + 10.0)


@virtual
async def test_the_dead_mans_switch_needs_no_controller() -> None:
    telephony, listener = await _pbx(Answers(after=2.0))
    await telephony.place(CALL, number(0), CAMPAIGN)
    listener.stop()
    await asyncio.sleep(10)
    (callee,) = telephony.callees
    assert callee.ended_by is EndedBy.DEAD_MAN
    assert callee.unattended() == pytest.approx(2.8)
    assert callee.longest(Heard.NOTHING) == pytest.approx(0.02)
    assert telephony.lost_events == 3  # rang, picked up, gone; it never arrived


@virtual
async def test_the_dead_mans_switch_plays_the_message_where_there_is_one() -> None:
    telephony, listener = await _pbx(Answers(after=2.0))
    await telephony.place(CALL, number(0), WITH_MESSAGE)
    await asyncio.sleep(3.0)
    listener.stop()
    await asyncio.sleep(20)
    (callee,) = telephony.callees
    assert [heard for _, heard in callee.heard] == [Heard.NOTHING, Heard.NOISE, Heard.MESSAGE]
    assert callee.answered_at is not None
    assert callee.message_from == pytest.approx(callee.answered_at + 1.8)
    assert callee.ended_by is EndedBy.MESSAGE


@virtual
async def test_a_message_that_was_asked_for_goes_on_by_itself_and_cannot_be_bridged_any_more() -> None:
    telephony, listener = await _pbx(Answers(after=2.0))
    await _seated(telephony)
    await telephony.place(CALL, number(0), WITH_MESSAGE)
    await asyncio.sleep(3.0)
    await telephony.play_message(CALL)
    for ask in (telephony.play_message(CALL), telephony.connect(CALL, agent(0))):
        with pytest.raises(AsteriskRefused):
            await ask
    await asyncio.sleep(20)
    (callee,) = telephony.callees
    assert callee.heard[-1][1] is Heard.MESSAGE
    assert callee.message_from == pytest.approx(callee.dialed_at + 3.0, abs=0.01)
    assert callee.ended_by is EndedBy.MESSAGE
    assert [kind for kind in listener.kinds() if kind in (CallLeft, CallGone)] == [CallLeft, CallGone]


@virtual
async def test_the_message_needs_a_call_that_has_arrived() -> None:
    telephony, _ = await _pbx(NoAnswer())
    await telephony.place(CALL, number(0), WITH_MESSAGE)
    await asyncio.sleep(1.0)
    with pytest.raises(AsteriskRefused):
        await telephony.play_message(CALL)


@virtual
async def test_a_call_in_which_nobody_speaks_never_arrives_and_leaves_a_note() -> None:
    telephony, listener = await _pbx(Answers(after=2.0))
    assert (await telephony.recital(CALL)).told is Told.UNKNOWN
    await telephony.place(CALL, number(0), WITH_MESSAGE, agentless=True)
    assert (await telephony.recital(CALL)).told is Told.NOTHING
    await asyncio.sleep(3.0)
    assert (await telephony.recital(CALL)).told is Told.PART
    await asyncio.sleep(20)
    assert listener.kinds() == [LinkUp, CallRang, CallPickedUp, CallGone]
    (callee,) = telephony.callees
    assert [heard for _, heard in callee.heard] == [Heard.MESSAGE, Heard.NOISE]
    assert callee.longest(Heard.NOISE) == pytest.approx(2.5)
    recital = await telephony.recital(CALL)
    assert (recital.told, recital.ours) == (Told.ALL, True)
    await telephony.forget_recital(CALL)
    assert (await telephony.recital(CALL)).told is Told.UNKNOWN


@virtual
async def test_the_key_ends_it_and_a_restart_forgets_it() -> None:
    telephony, _ = await _pbx(Presses(after=1.0, at=3.0))
    await telephony.place(CALL, number(0), WITH_MESSAGE, agentless=True)
    await asyncio.sleep(5.0)
    (callee,) = telephony.callees
    assert callee.ended_by is EndedBy.KEY
    assert callee.ended_at == pytest.approx((callee.answered_at or 0) + 3.0)
    assert (await telephony.recital(CALL)).told is Told.KEY
    telephony.restart()
    telephony.link_up()
    assert (await telephony.recital(CALL)).told is Told.UNKNOWN


@virtual
async def test_a_call_answered_while_nobody_listens_cannot_be_bridged() -> None:
    telephony, _ = await _pbx(Answers(after=2.0))
    await _seated(telephony)
    await telephony.place(CALL, number(0), CAMPAIGN)
    telephony.link_down()
    await asyncio.sleep(2.5)
    telephony.link_up()
    await asyncio.sleep(0.1)
    (call,) = (await telephony.wire()).calls
    assert (call.answered, call.arrived, call.agent) == (True, False, None)
    with pytest.raises(AsteriskRefused):
        await telephony.connect(CALL, agent(0))


@virtual
async def test_events_during_a_gap_are_lost() -> None:
    telephony, listener = await _pbx(Busy(after=1.0))
    await telephony.place(CALL, number(0), CAMPAIGN)
    telephony.link_down("cable")
    await asyncio.sleep(2)
    telephony.link_up()
    await asyncio.sleep(1)
    assert listener.heard == [LinkUp(), LinkDown("cable"), LinkUp()]


@virtual
async def test_a_second_controller_replaces_the_first() -> None:
    telephony, first = await _pbx()
    second = Listener(telephony)
    await asyncio.sleep(0.1)
    assert first.heard[-1] == LinkDown("another controller took the application over", replaced=True)
    assert first._task.done()
    assert second.kinds() == [LinkUp]
    second.stop()


@virtual
async def test_ring_timeout_and_repeated_placing() -> None:
    telephony, listener = await _pbx(NoAnswer())
    await telephony.place(CALL, number(0), CAMPAIGN)
    await telephony.place(CALL, number(0), CAMPAIGN)
    await asyncio.sleep(60)
    (callee,) = telephony.callees
    assert callee.ended_by is EndedBy.RING_TIMEOUT
    assert callee.ended_at == pytest.approx(callee.dialed_at + 30)
    assert listener.heard[-1] == CallGone(CALL, 16, None)


@virtual
async def test_a_leaver_leaves_agent_or_not() -> None:
    telephony, _ = await _pbx(Leaves(after=1.0, stays=0.5))
    await telephony.place(CALL, number(0), CAMPAIGN)
    await asyncio.sleep(5)
    (callee,) = telephony.callees
    assert callee.silent
    assert callee.unattended() == pytest.approx(0.5)


@virtual
async def test_the_phone_dies_in_the_conversation() -> None:
    telephony, listener = await _pbx(Answers(after=1.0, talks=60))
    channel = await _seated(telephony)
    await telephony.place(CALL, number(0), CAMPAIGN)
    await asyncio.sleep(1.1)
    await telephony.connect(CALL, agent(0))
    telephony.phone_dies(agent(0))
    await asyncio.sleep(0.1)
    await telephony.back_to_noise(CALL, timedelta(seconds=1.5))
    await asyncio.sleep(1)
    assert AgentGone(channel) in listener.heard
    (callee,) = telephony.callees
    assert [heard for _, heard in callee.heard][-3:] == [Heard.AGENT, Heard.NOTHING, Heard.NOISE]
    with pytest.raises(AsteriskRefused):
        await telephony.connect(CALL, agent(0))
    await asyncio.sleep(1)
    assert callee.ended_by is EndedBy.DEAD_MAN, "the switch that the bridging had cleared is set again"


@pytest.mark.parametrize(
    ("fault", "error", "unknown", "done"),
    [
        (Fault.REFUSE, AsteriskRefused, None, False),
        (Fault.UNREACHABLE, AsteriskUnreachable, False, False),
        (Fault.HANG, AsteriskUnreachable, True, False),
        (Fault.LOSE, AsteriskUnreachable, True, True),
    ],
)
def test_faults(fault: Fault, error: type[Exception], unknown: bool | None, done: bool) -> None:
    @virtual
    async def test() -> None:
        telephony, _ = await _pbx(NoAnswer())
        telephony.fault("place", fault)
        with pytest.raises(error) as raised:
            await telephony.place(CALL, number(0), CAMPAIGN)
        assert getattr(raised.value, "outcome_unknown", None) is unknown
        assert bool(telephony.callees) is done
        await telephony.place(CALL, number(0), CAMPAIGN)
        assert len(telephony.callees) == 1

    test()


@virtual
async def test_what_was_sent_is_done_even_if_the_sender_dies() -> None:
    telephony, _ = await _pbx(NoAnswer())
    sender = asyncio.ensure_future(telephony.place(CALL, number(0), CAMPAIGN))
    await asyncio.sleep(0)
    sender.cancel()
    await asyncio.sleep(0.1)
    assert len(telephony.callees) == 1


@virtual
async def test_asterisk_restarts() -> None:
    telephony, listener = await _pbx(NoAnswer())
    await _seated(telephony)
    await telephony.place(CALL, number(0), CAMPAIGN)
    telephony.restart()
    with pytest.raises(AsteriskUnreachable):
        await telephony.ping()
    telephony.link_up()
    wire = await telephony.wire()
    assert (list(wire.calls), list(wire.agents)) == ([], [])
    await telephony.ping()
    await asyncio.sleep(0.1)
    assert listener.kinds()[-2:] == [LinkDown, LinkUp]


@virtual
async def test_a_closed_stream_ends() -> None:
    telephony, listener = await _pbx()
    telephony.close()
    await asyncio.sleep(0.1)
    assert listener._task.done()
    stopped: Callable[[], bool] = listener._task.cancelled
    assert not stopped()
