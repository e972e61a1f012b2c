"""The dialplan as shipped: laws that demand a message, and when the noise began, by Asterisk's clock."""

from __future__ import annotations

from datetime import datetime

import pytest

from lab.evidence import CalleeCall
from lab.lab import Lab
from lab.numbers import Behaviour, number
from lab.sounds import AGENT_TONE_HZ, tone, write_wav
from tests.integration.lab.stasis import Ari, Stasis

LASTS = 2.0
SLACK = 0.06  # Signalling, and a recording's clock.
DEAD_MAN = 1.8


@pytest.fixture(scope="module")
def message(lab: Lab) -> str:
    """A message whose beginning the evidence finds: the tone by which it knows agents, who are not here."""
    sound = lab.workdir / "message"
    write_wav(sound.with_suffix(".wav"), tone(LASTS, AGENT_TONE_HZ, -20.0))
    return str(sound)


def check(call: CalleeCall, begins: float) -> None:
    assert call.agent_heard_after is not None, call
    assert begins - SLACK <= call.agent_heard_after <= begins + 2 * SLACK, call
    assert call.first_audio_after is not None
    assert call.first_audio_after + call.recording_lost <= 0.2, call
    assert call.longest_silence_before_agent <= 0.2, call
    assert call.duration == pytest.approx(call.agent_heard_after + LASTS, abs=2 * SLACK), call
    assert call.hung_up_by == "caller"


async def test_without_a_controller_the_callee_hears_the_message(lab: Lab, message: str) -> None:
    mark = lab.mark()
    async with Ari(lab) as ari:
        await ari.call(number(Behaviour.PERSON, ring=0.3), CC_DEADMAN=f"{DEAD_MAN:.3f}", CC_MESSAGE=message)
    (call,) = await lab.ended_calls(1, mark)
    check(call, DEAD_MAN)


async def test_with_a_controller_that_does_nothing_as_well(lab: Lab, message: str) -> None:
    mark = lab.mark()
    async with Stasis(lab) as stasis:
        channel = await stasis.call(
            number(Behaviour.PERSON), CC_DEADMAN=f"{DEAD_MAN:.3f}", CC_MESSAGE=message
        )
        await stasis.event("StasisEnd", channel)
        (call,) = await lab.ended_calls(1, mark)
    check(call, DEAD_MAN)


async def test_sent_there_it_goes_on_though_the_controller_dies(lab: Lab, message: str) -> None:
    mark = lab.mark()
    async with Stasis(lab) as stasis:
        channel = await stasis.call(number(Behaviour.PERSON), CC_DEADMAN="2.800", CC_MESSAGE=message)
        await stasis.event("StasisStart", channel)
        await stasis.request(
            "POST", f"/channels/{channel}/continue", context="campaign-call", extension="message", priority=1
        )
    (call,) = await lab.ended_calls(1, mark)
    check(call, 0.0)


@pytest.mark.parametrize(
    ("variables", "seconds"),
    [
        pytest.param({"CC_DEADMAN": "1.200"}, 1.2, id="as told"),
        pytest.param({"CC_DEADMAN": "0"}, 2.8, id="never is not to be had"),
        pytest.param({"CC_DEADMAN": ""}, 2.8, id="nothing said"),
        pytest.param({"CC_DEADMAN": "1.200", "CC_MESSAGE": "no/such-sound"}, 1.2, id="no such message"),
    ],
)
async def test_without_a_message_the_call_is_cut(lab: Lab, variables: dict[str, str], seconds: float) -> None:
    mark = lab.mark()
    async with Ari(lab) as ari:
        await ari.call(number(Behaviour.PERSON), **variables)
    (call,) = await lab.ended_calls(1, mark)
    assert call.duration == pytest.approx(seconds, abs=SLACK)
    assert call.agent_heard_after is None
    assert call.longest_silence_before_agent <= 0.2, call


async def test_the_switch_during_the_message_ends_the_call_and_does_not_begin_anew(
    lab: Lab, message: str
) -> None:
    # So a message of more than a minute, the dialplan's own limit, is cut; here it is reached sooner.
    mark = lab.mark()
    async with Stasis(lab) as stasis:
        channel = await stasis.call(number(Behaviour.PERSON), CC_DEADMAN="0.500", CC_MESSAGE=message)
        name = (await stasis.event("StasisEnd", channel))["channel"]["name"]
        await lab.pbx.cli(f"dialplan set chanvar {name} TIMEOUT(absolute) 0.7")
        (call,) = await lab.ended_calls(1, mark)
    assert call.duration == pytest.approx(0.5 + 0.7, abs=2 * SLACK)


async def test_the_noise_begins_within_a_fifth_of_a_second_by_asterisks_own_clock(lab: Lab) -> None:
    mark = lab.mark()
    count = 20
    async with Stasis(lab) as stasis:
        numbers = [number(Behaviour.PERSON, ring=1.0, hold=1, serial=serial) for serial in range(count)]
        for channel in [await stasis.call(e164, CC_CALL="call-7") for e164 in numbers]:
            start = await stasis.event("StasisStart", channel)
            (answer,) = [
                event
                for event in stasis.events
                if event["type"] == "ChannelStateChange"
                and (event["channel"]["id"], event["channel"]["state"]) == (channel, "Up")
            ]
            kind, call, noise = start["args"]
            assert (kind, call) == ("call", "call-7")
            answered, began, arrived = (
                datetime.fromisoformat(text) for text in (answer["timestamp"], noise, start["timestamp"])
            )
            assert began.tzinfo is not None
            # The events' own times are cut to milliseconds.
            assert -0.001 <= (began - answered).total_seconds() <= 0.2
            assert -0.001 <= (arrived - began).total_seconds() <= 0.2
        await lab.ended_calls(count, mark)
