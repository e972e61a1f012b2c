"""The dialplan as shipped keeps L1 and L2 without any controller, as seen and heard by the callees."""

from __future__ import annotations

import asyncio

from lab.evidence import CalleeCall
from lab.lab import Lab
from lab.numbers import Behaviour, number
from tests.integration.lab.stasis import Ari, Stasis

CUT = 2.8
SLACK = 0.06  # Signalling, and a recording's clock.


def check(call: CalleeCall) -> None:
    assert call.answered_at is not None
    assert call.duration is not None
    assert CUT - SLACK <= call.duration < 3.0, call
    assert call.hung_up_by == "caller"
    assert call.first_audio_after is not None
    assert call.first_audio_after + call.recording_lost <= 0.2, call
    assert call.longest_silence_before_agent <= 0.2, call
    assert call.agent_heard_after is None


async def test_without_a_controller_the_callee_hears_noise_and_the_call_is_cut(lab: Lab) -> None:
    mark = lab.mark()
    async with Ari(lab) as ari:
        await ari.call(number(Behaviour.PERSON, ring=0.3))
    (call,) = await lab.ended_calls(1, mark)
    check(call)


async def test_with_a_controller_that_does_nothing_as_well(lab: Lab) -> None:
    mark = lab.mark()
    async with Stasis(lab) as stasis:
        channel = await stasis.call(number(Behaviour.PERSON))
        start = await stasis.event("StasisStart", channel)
        assert start["args"][0] == "call"
        (call,) = await lab.ended_calls(1, mark)
    check(call)


async def test_when_the_controller_dies_in_the_call_as_well(lab: Lab) -> None:
    mark = lab.mark()
    async with Stasis(lab) as stasis:
        await stasis.event("StasisStart", await stasis.call(number(Behaviour.PERSON)))
        await asyncio.sleep(1.0)
    (call,) = await lab.ended_calls(1, mark)
    check(call)


async def test_another_application_can_be_named(lab: Lab) -> None:
    async with Stasis(lab, "another") as stasis:
        await stasis.call(number(Behaviour.PERSON, hold=1), CC_APP="another", CC_CALL="call-7")
        start = await stasis.event("StasisStart")
        assert start["args"][:2] == ["call", "call-7"]


async def test_a_hundred_answers_at_once(lab: Lab) -> None:
    count = 100
    mark = lab.mark()
    numbers = [number(Behaviour.PERSON, ring=2.0, serial=serial) for serial in range(count)]
    async with Ari(lab) as ari:
        for e164 in numbers:
            await ari.call(e164)
    calls = await lab.ended_calls(count, mark, timeout=20.0)
    assert sorted(call.number for call in calls) == sorted(numbers)
    for call in calls:
        check(call)
