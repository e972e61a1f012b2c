"""Campaigns in which nobody speaks, on a real Asterisk: what callees hear, press, and are asked again."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from controller.domain.campaign import CampaignState
from controller.domain.contact import Consent
from controller.domain.pacing import Mode
from controller.domain.recital import AUTOMATED_CALLS
from controller.domain.regulation import Regulation
from controller.errors import Refused
from controller.law import PROFILES, load_directory
from lab.evidence import CalleeCall
from lab.numbers import Behaviour, number
from lab.sounds import AGENT_TONE_HZ, tone, write_wav
from tests.integration.rig import CALLER, Rig

LASTS = 4.0
KEY = 2.5  # Seconds for the key after the message: WaitExten in the dialplan.
SLACK = 0.12  # A recording's clock, and signalling.

PROFILE = """\
extends = "us-ftc-tsr"
hours = "always"
leave_alone_days = 1
consent_required = true
register = "none"

[caller_id]
required = false
must_answer = false

[override]
author = "the lab"
reason = "a simulated telephone network: nobody's phone rings"
"""

ASKED_FOR = Consent(basis=AUTOMATED_CALLS, source="tests", given_at=datetime(2026, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Stage:
    """A rig whose controller knows a law that allows such campaigns, and the sound of the message.

    The message is the tone by which the evidence knows agents; there are none here.
    """

    rig: Rig
    law: Regulation
    message: str

    async def campaign(
        self, name: str, *numbers: str, consent: Consent | None = ASKED_FOR, **changes: Any
    ) -> None:
        """Store a campaign and start it."""
        given: dict[str, Any] = {"law": self.law, "message": self.message, "mode": Mode.AGENTLESS} | changes
        await self.rig.campaign(name, numbers, consent, **given)
        await self.rig.start(name)

    def opted_out(self) -> dict[str, str]:
        """The do-not-call list as the record store has it: scope by number."""
        with closing(sqlite3.connect(f"file:{self.rig.controller.records}?mode=ro", uri=True)) as db:
            return dict(db.execute("SELECT number, scope FROM opt_outs"))


@pytest.fixture
async def stage(rig: Rig) -> Stage:
    """Profiles are read at the start, so the controller is started once more."""
    directory = rig.controller.root / "regulations"
    (directory / "lab-agentless.toml").write_text(PROFILE, "utf-8")
    law = load_directory(directory, PROFILES)["lab-agentless"]
    rig.controller.process.stop()
    await rig.controller.start()
    sound = rig.lab.workdir / "recital"
    write_wav(sound.with_suffix(".wav"), tone(LASTS, AGENT_TONE_HZ, -20.0))
    return Stage(rig, law, str(sound))


def heard_at_once(call: CalleeCall) -> None:
    """The message begins with the answer: no noise, no silence before it."""
    begins = call.agent_heard_after
    assert begins is not None, f"no message: {call}"
    assert begins <= 0.2, f"the message began {begins:.3f} s after the answer: {call}"
    assert call.first_audio_after is not None
    assert call.first_audio_after <= 0.2, call


async def test_the_message_is_heard_at_once_and_to_its_end_with_no_agent_logged_in(stage: Stage) -> None:
    rig, listens, leaves = stage.rig, number(Behaviour.PERSON, ring=0.5), number(Behaviour.PERSON, hold=2)
    absent = number(Behaviour.BUSY, ring=0.3)
    await stage.campaign("c", listens, leaves, absent)
    calls = {call.number: call for call in await rig.callees(3)}
    await rig.settled(3)

    heard_at_once(calls[listens])
    heard_at_once(calls[leaves])
    assert calls[listens].duration == pytest.approx(LASTS + KEY, abs=2 * SLACK)
    assert calls[listens].hung_up_by == "caller"
    assert calls[leaves].hung_up_by == "callee"
    assert rig.outcomes() == {listens: "message", leaves: "message-part", absent: "busy"}
    by_number = {attempt["number"]: attempt for attempt in rig.attempts()}
    assert (by_number[listens]["ended_by"], by_number[leaves]["ended_by"]) == ("controller", "callee")
    for answered in (listens, leaves):
        attempt = by_number[answered]
        assert attempt["answer_class"] == "message"
        # Microseconds: the answer and the message's begin, both by Asterisk's clock.
        assert 0 <= attempt["noise_at"] - attempt["answered_at"] <= 200_000, attempt
        assert rig.suppressed_for(answered) == 0
    assert rig.counters("c").keys().isdisjoint({"silent", "successes"})
    assert stage.opted_out() == {}
    assert "CC_HEARD_" not in await rig.lab.pbx.cli("dialplan show globals"), "notes are removed"


async def test_who_presses_9_is_hung_up_at_once_and_never_called_again(stage: Stage) -> None:
    rig, during, after = stage.rig, number(Behaviour.PRESSES_9, hold=2), number(Behaviour.PRESSES_9, hold=5)
    await stage.campaign("c", during, after)
    calls = {call.number: call for call in await rig.callees(2)}
    await rig.settled(2)

    for pressed, seconds in ((during, 2.0), (after, 5.0)):
        heard_at_once(calls[pressed])
        assert calls[pressed].hung_up_by == "caller"
        assert calls[pressed].duration == pytest.approx(seconds, abs=0.5), "hung up by the key"
    assert rig.outcomes() == {during: "message", after: "message"}
    assert stage.opted_out() == dict.fromkeys((during, after), f"caller:{CALLER}")

    other = number(Behaviour.PERSON, hold=1)
    await stage.campaign("of-the-same-caller", during, other, after)
    await rig.callees(3)
    await rig.settled(3)
    await asyncio.sleep(1.0)
    called = [call.number for call in rig.lab.calls(rig.began, analyse=False)]
    assert sorted(called) == sorted([during, after, other])


async def test_killed_during_the_message_it_goes_on_and_a_key_pressed_meanwhile_counts(stage: Stage) -> None:
    rig = stage.rig
    listens, presses = number(Behaviour.PERSON, ring=0.2), number(Behaviour.PRESSES_9, ring=0.2, hold=3)
    await stage.campaign("c", listens, presses)
    await rig.answered(2)
    await asyncio.sleep(1.0)
    rig.controller.process.kill()
    calls = {call.number: call for call in await rig.callees(2)}
    heard_at_once(calls[listens])
    assert calls[listens].duration == pytest.approx(LASTS + KEY, abs=2 * SLACK)
    assert stage.opted_out() == {}

    await rig.controller.start()
    await rig.settled(2)
    assert rig.outcomes() == {listens: "message", presses: "message"}
    assert stage.opted_out() == {presses: f"caller:{CALLER}"}
    assert rig.counters("c").keys().isdisjoint({"silent", "successes"})
    assert len(rig.lab.calls(rig.began, analyse=False)) == 2


async def test_killed_and_back_while_it_rings_the_call_is_led_on(stage: Stage) -> None:
    rig, listens = stage.rig, number(Behaviour.PERSON, ring=4.0, hold=2)
    never = number(Behaviour.NO_ANSWER)
    await stage.campaign("c", listens, never, ring_timeout=stage.law.ring_at_least)
    await rig.rings(2)
    rig.controller.process.kill()
    await rig.controller.start()
    calls = {call.number: call for call in await rig.callees(2, timeout=30)}
    heard_at_once(calls[listens])
    await rig.settled(2, timeout=20)
    assert rig.outcomes() == {listens: "message-part", never: "no-answer"}


async def test_a_sound_that_is_not_there_stops_the_campaign_at_the_first_callee(stage: Stage) -> None:
    rig, first, second = stage.rig, number(Behaviour.PERSON), number(Behaviour.PERSON, ring=5.0, serial=1)
    await stage.campaign("c", first, second, message="nobody/made-this", calls_per_second=0.5)
    status = await rig.until(lambda s: s.campaigns[0].state is CampaignState.PAUSED)
    assert "heard no message" in status.campaigns[0].reason
    await rig.callees(1)
    await rig.settled(1)
    assert rig.outcomes()[first] == "silent", "nobody spoke, and nothing was heard"
    assert rig.suppressed_for(first) > 0
    assert second not in rig.outcomes()


async def test_without_consent_to_such_calls_nobody_is_called(stage: Stage) -> None:
    rig = stage.rig
    for name, consent in (("none", None), ("other", replace(ASKED_FOR, basis="consent"))):
        callee = number(Behaviour.PERSON, serial=len(name))
        await stage.campaign(name, callee, consent=consent)
    await asyncio.sleep(2.0)
    assert rig.lab.calls(rig.began, analyse=False) == []
    with pytest.raises(Refused, match="allows no calls in which nobody speaks"):
        await stage.campaign("italy", number(Behaviour.PERSON), law=rig.controller.law)
