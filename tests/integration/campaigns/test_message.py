"""Laws that demand a message, on a real Asterisk: what callees hear whom no agent reaches."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from controller.domain.campaign import Override
from controller.domain.regulation import Played, Regulation
from controller.law import PROFILES, load_directory
from lab.evidence import CalleeCall
from lab.numbers import Behaviour, number
from lab.sounds import AGENT_TONE_HZ, tone, write_wav
from tests.integration.rig import Rig

LAB_ONLY = Override(author="tests", reason="silent calls on purpose, on a lab")
LASTS = 2.5
SLACK = 0.06  # A recording's clock, and signalling.

PROFILE = """\
extends = "us-ftc-tsr"
hours = "always"
leave_alone_days = 1
register = "none"

[caller_id]
required = false
must_answer = false

[override]
author = "the lab"
reason = "a simulated telephone network: nobody's phone rings"
"""


@dataclass(frozen=True)
class Stage:
    """A rig whose controller knows the law, and the sound of the message.

    The message is the tone by which the evidence knows agents: who is not served by one hears it from none.
    """

    rig: Rig
    law: Regulation
    message: str


@pytest.fixture
async def stage(rig: Rig) -> Stage:
    """Profiles are read at the start, so the controller is started once more."""
    directory = rig.controller.root / "regulations"
    (directory / "lab-message.toml").write_text(PROFILE, "utf-8")
    law = load_directory(directory, PROFILES)["lab-message"]
    assert law.played is Played.MESSAGE
    rig.controller.process.stop()
    await rig.controller.start()
    sound = rig.lab.workdir / "message"
    write_wav(sound.with_suffix(".wav"), tone(LASTS, AGENT_TONE_HZ, -20.0))
    return Stage(rig, law, str(sound))


async def one_waits(stage: Stage, *, hold: int = 30) -> tuple[str, str]:
    """One callee talks with the only agent, another picks up and nobody is there: (talks, waits)."""
    rig = stage.rig
    talks = number(Behaviour.PERSON, ring=0.3, hold=8)
    waits = number(Behaviour.PERSON, ring=1.0, hold=hold)
    await rig.campaign(
        "c", [talks, waits], law=stage.law, message=stage.message, overdial=2.0, override=LAB_ONLY
    )
    await rig.log_in("1001")
    await rig.start("c")
    await rig.answered(2)
    return talks, waits


async def over(stage: Stage, waits: str) -> CalleeCall:
    """The call of the callee who waited, when it is over; the other's goes on."""
    (call,) = await stage.rig.callees(1)
    assert call.number == waits
    return call


def hears_noise_then_the_message(call: CalleeCall, law: Regulation, *, lasts: float = LASTS) -> None:
    begins = call.agent_heard_after
    assert begins is not None, f"no message: {call}"
    assert law.hang_up_after.total_seconds() - SLACK <= begins < law.cut_after.total_seconds(), call
    assert call.first_audio_after is not None
    assert call.first_audio_after <= 0.2, f"L2: silent for {call.first_audio_after:.3f} s: {call}"
    assert call.longest_silence_before_agent <= 0.2, f"L2: a gap before the message: {call}"
    assert call.duration == pytest.approx(begins + lasts, abs=2 * SLACK), call


async def test_the_message_begins_in_time_and_is_heard_to_its_end(stage: Stage) -> None:
    talks, waits = await one_waits(stage)
    call = await over(stage, waits)
    hears_noise_then_the_message(call, stage.law)
    assert call.hung_up_by == "caller"
    await stage.rig.callees(2)
    await stage.rig.settled(2)
    assert stage.rig.outcomes() == {talks: "connected", waits: "silent"}
    assert stage.rig.suppressed_for(waits) > 0
    for attempt in stage.rig.attempts():
        # Microseconds: the answer by our clock, the noise by Asterisk's; here they are one.
        assert abs(attempt["noise_at"] - attempt["answered_at"]) <= 200_000, attempt
    assert stage.rig.counters("c")["silent"] == 1


async def test_the_message_is_heard_though_the_controller_is_killed_before_it(stage: Stage) -> None:
    _, waits = await one_waits(stage)
    await asyncio.sleep(0.5)
    stage.rig.controller.process.kill()
    call = await over(stage, waits)
    hears_noise_then_the_message(call, stage.law)
    await stage.rig.controller.start()
    await stage.rig.callees(2)
    await stage.rig.settled(2)
    assert stage.rig.outcomes()[waits] == "lost", "nobody saw it end, so it counts as silent"
    assert stage.rig.counters("c")["silent"] == 1


async def test_the_message_goes_on_though_the_controller_is_killed_during_it(stage: Stage) -> None:
    _, waits = await one_waits(stage)
    await asyncio.sleep(2.2)
    stage.rig.controller.process.kill()
    await stage.rig.controller.start()
    # Its next life finds the call, and lets the message play to its end.
    hears_noise_then_the_message(await over(stage, waits), stage.law)
    await stage.rig.callees(2)
    await stage.rig.settled(2)
    assert stage.rig.outcomes()[waits] == "silent"


async def test_the_message_is_heard_though_the_controller_is_frozen(stage: Stage) -> None:
    talks, waits = await one_waits(stage)
    await asyncio.sleep(0.5)
    stage.rig.controller.process.freeze()
    await asyncio.sleep(2.0)
    stage.rig.controller.process.thaw()
    hears_noise_then_the_message(await over(stage, waits), stage.law)
    await stage.rig.callees(2)
    await stage.rig.settled(2)
    assert stage.rig.outcomes() == {talks: "connected", waits: "silent"}
    await stage.rig.until(lambda status: [a.id for a in status.agents if a.call is None] == ["1001"])


async def test_who_hangs_up_during_the_message_got_a_silent_call_all_the_same(stage: Stage) -> None:
    talks, waits = await one_waits(stage, hold=3)
    call = await over(stage, waits)
    assert call.agent_heard_after is not None
    hears_noise_then_the_message(call, stage.law, lasts=3.0 - call.agent_heard_after)
    assert call.hung_up_by == "callee"
    await stage.rig.callees(2)
    await stage.rig.settled(2)
    assert stage.rig.outcomes() == {talks: "connected", waits: "silent"}


async def test_an_agent_who_frees_up_during_the_message_does_not_break_into_it(stage: Stage) -> None:
    _, waits = await one_waits(stage)
    await asyncio.sleep(2.2)
    await stage.rig.log_in("1002")
    hears_noise_then_the_message(await over(stage, waits), stage.law)
    await stage.rig.callees(2)
    await stage.rig.settled(2)
