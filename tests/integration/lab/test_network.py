"""The simulated network does what the number dialed says, seen from the PBX and from its own log."""

from __future__ import annotations

import pytest

from lab.lab import Lab
from lab.numbers import Behaviour, number
from tests.integration.lab.stasis import Stasis


@pytest.mark.parametrize(
    ("behaviour", "hold", "sip", "rings"),
    [
        (Behaviour.BUSY, 0, 486, True),
        (Behaviour.UNREACHABLE, 0, 480, False),
        (Behaviour.UNREACHABLE, 4, 404, False),
        (Behaviour.DECLINES, 0, 603, True),
        (Behaviour.NETWORK_FAILURE, 0, 503, False),
    ],
)
async def test_a_refused_call(lab: Lab, behaviour: Behaviour, hold: int, sip: int, rings: bool) -> None:
    mark = lab.mark()
    async with Stasis(lab) as stasis:
        channel = await stasis.call(number(behaviour, ring=0.3, hold=hold))
        destroyed = await stasis.event("ChannelDestroyed", channel)
    (call,) = await lab.ended_calls(1, mark)
    assert destroyed["tech_cause"] == sip
    assert call.ended_at is not None
    assert call.ended_at - call.dialed_at == pytest.approx(0.3, abs=0.05)
    assert (call.rang_at is not None) == rings
    assert call.answered_at is None
    assert call.hung_up_by is None
    assert call.recording is None


async def test_nobody_answers(lab: Lab) -> None:
    mark = lab.mark()
    async with Stasis(lab) as stasis:
        channel = await stasis.call(number(Behaviour.NO_ANSWER), timeout=1)
        assert (await stasis.event("ChannelDestroyed", channel))["cause"] == 19
    (call,) = await lab.ended_calls(1, mark)
    assert call.rang_at is not None
    assert call.answered_at is None


async def test_a_number_outside_the_plan_does_not_exist(lab: Lab) -> None:
    async with Stasis(lab) as stasis:
        channel = await stasis.call("+390612345678")
        assert (await stasis.event("ChannelDestroyed", channel))["tech_cause"] == 404


@pytest.mark.parametrize(
    ("e164", "seconds"),
    [
        (number(Behaviour.PERSON, ring=0.5, hold=1), 1.0),
        (number(Behaviour.LEAVER, ring=0.5, hold=0.8), 0.8),
        (number(Behaviour.LEAVER, ring=0.5), 0.0),
        (number(Behaviour.MACHINE, ring=0.5, hold=2), 2.0),
    ],
)
async def test_the_callee_hangs_up(lab: Lab, e164: str, seconds: float) -> None:
    mark = lab.mark()
    async with Stasis(lab) as stasis:
        channel = await stasis.call(e164)
        await stasis.event("ChannelDestroyed", channel)
    (call,) = await lab.ended_calls(1, mark)
    assert call.answered_at is not None
    assert call.rang_at is not None
    assert call.answered_at - call.rang_at == pytest.approx(0.5, abs=0.03)
    assert call.duration == pytest.approx(seconds, abs=0.05)
    assert call.hung_up_by == "callee"
    assert call.caller_id == "+390612345678"


async def test_the_callee_presses_9(lab: Lab) -> None:
    mark = lab.mark()
    async with Stasis(lab) as stasis:
        channel = await stasis.call(number(Behaviour.PRESSES_9, hold=1))
        pressed = await stasis.event("ChannelDtmfReceived", channel)
        assert pressed["digit"] == "9"
    await lab.ended_calls(1, mark)


async def test_recordings_tell_the_time(lab: Lab) -> None:
    """The PBX plays from 0.5 to 1.0 s, from 1.7 to 2.0 s, and the agent's tone from 2.25 s on."""
    mark = lab.mark()
    async with Stasis(lab) as stasis:
        await stasis.call(number(Behaviour.PERSON, ring=0.2), context="lab-timing")
        (call,) = await lab.ended_calls(1, mark)
    error = 0.04 + call.recording_lost
    assert call.first_audio_after == pytest.approx(0.5, abs=error)
    assert call.longest_silence_before_agent == pytest.approx(0.7, abs=error)
    assert call.agent_heard_after == pytest.approx(2.25, abs=error)
    assert call.duration == pytest.approx(2.75, abs=0.06)
