"""What the engine asks and hears, in ARI's words: the parts on which the law's times and messages stand."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.ari import AriClient, AriConfig, parse_event
from controller.ari.control import RECITAL_LABEL, AriCallControl
from controller.ari.translate import NOTES, PLACED, recital_of, translate
from controller.domain.campaign import Campaign
from controller.domain.ids import E164, CallId, CampaignId, ChannelId, channel_of_call
from controller.domain.recital import LONGEST_MESSAGE, Recital, Told
from controller.domain.regulation import Regulation
from controller.errors import AsteriskRefused, AsteriskUnreachable, Refused
from controller.ports import AgentGone, CallArrived, CallLeft, PhoneEvent
from lab.pbx import shipped
from tests.fakes.fake_ari import STAMP, FakeAri, Fault, channel
from tests.fakes.law import LAX, LAX_MESSAGE

CALL = CallId("c1")
CHANNEL = channel_of_call(CALL)
AT = datetime(2026, 11, 24, 5, 53, 20, 889000, tzinfo=UTC)
NOISE = "2026-11-24T05:53:20.887123Z"


def event(type_: str, channel_id: str, **content: Any) -> PhoneEvent | None:
    raw = {"type": type_, "application": "ctl", "timestamp": STAMP, "channel": channel(channel_id), **content}
    return translate(parse_event(raw), {})


def test_a_call_arrives_and_says_when_its_noise_began() -> None:
    assert event("StasisStart", CHANNEL, args=["call", CALL, NOISE]) == CallArrived(
        CALL, AT, AT - timedelta(microseconds=1877)
    )


@pytest.mark.parametrize(
    "args",
    [
        pytest.param([], id="none at all"),
        pytest.param(["call", CALL], id="a dialplan of before"),
        pytest.param(["call", CALL, ""], id="func_strings not loaded"),
        pytest.param(["call", CALL, "2026-13-24T05:53:20.887123Z"], id="no such month"),
        pytest.param(["call", CALL, "2026-11-24T05:53:20Z"], id="whole seconds"),
        pytest.param(["call", CALL, "2026-11-24T05:53:20.887123"], id="of no zone"),
        pytest.param(["call", CALL, "1795499600.887123"], id="seconds since 1970"),
        pytest.param(["call", CALL, NOISE, "more"], id="one too many"),
        pytest.param(["agent-login", CALL, NOISE], id="not a call"),
    ],
)
def test_a_call_that_does_not_say_it_arrives_all_the_same(args: list[str]) -> None:
    assert event("StasisStart", CHANNEL, args=args) == CallArrived(CALL, AT, None)


def test_leaving_stasis_is_no_end_for_a_call_but_for_a_phone() -> None:
    assert event("StasisEnd", CHANNEL) == CallLeft(CALL)
    assert event("StasisEnd", "1795500000.1") == AgentGone(ChannelId("1795500000.1"))


# --- requests ---------------------------------------------------------------------------------------------


@pytest.fixture
async def control(configure: Callable[..., AriConfig]) -> AsyncIterator[AriCallControl]:
    async with AriClient(configure()) as client:
        await client.wait_connected(2)
        yield AriCallControl(client)


def campaign(law: Regulation, message: str = "") -> Campaign:
    return Campaign(id=CampaignId("spring"), caller="Acme", law=law, message=message)


@pytest.mark.parametrize(
    ("of", "variables"),
    [
        pytest.param(campaign(LAX), {"CC_DEADMAN": "2.800"}, id="noise"),
        pytest.param(campaign(LAX, "who"), {"CC_DEADMAN": "2.800"}, id="a message that no law asks for"),
        pytest.param(
            campaign(LAX_MESSAGE, "who"), {"CC_DEADMAN": "1.800", "CC_MESSAGE": "who"}, id="message"
        ),
    ],
)
async def test_a_call_takes_with_it_what_asterisk_needs_to_keep_the_law_alone(
    asterisk: FakeAri, control: AriCallControl, of: Campaign, variables: dict[str, str]
) -> None:
    await control.place(CALL, E164("+390612345678"), of)
    (placed,) = [request for request in asterisk.requests if str(request) == "POST /channels"]
    assert placed.params["variables"] == {"CC_CALL": CALL, "CC_APP": "ctl"} | variables


async def test_the_message_is_the_dialplans(asterisk: FakeAri, control: AriCallControl) -> None:
    await control.play_message(CALL)
    (asked,) = [r for r in asterisk.requests if str(r) == f"POST /channels/{CHANNEL}/continue"]
    assert asked.params == {"context": "campaign-call", "extension": "message", "priority": "1"}


async def test_a_message_that_cannot_be_played_is_refused(asterisk: FakeAri, control: AriCallControl) -> None:
    asterisk.plan(Fault.ERROR, "POST", f"/channels/{CHANNEL}/continue")
    with pytest.raises(AsteriskRefused):
        await control.play_message(CALL)


# --- calls in which nobody speaks -------------------------------------------------------------------------

NOTE = f"CC_HEARD_{CALL}"
BEGAN = "2026-11-24T05:53:20.887123Z"


@pytest.mark.parametrize(
    ("note", "told", "ours"),
    [
        (f"playing {BEGAN}", Told.PART, False),
        (f"over {BEGAN}", Told.ALL, False),
        (f"done {BEGAN}", Told.ALL, True),
        (f"cut {BEGAN}", Told.PART, True),
        (f"key {BEGAN}", Told.KEY, True),
    ],
)
def test_the_dialplans_words_are_understood(note: str, told: Told, ours: bool) -> None:
    began = AT - timedelta(microseconds=1877)
    assert recital_of(note) == Recital(told=told, began_at=began, ours=ours)


@pytest.mark.parametrize("note", ["", "asleep", f"PLAYING {BEGAN}", BEGAN, " key"])
def test_words_of_another_dialplan_say_nothing(note: str) -> None:
    assert recital_of(note) == Recital(told=Told.UNKNOWN)


@pytest.mark.parametrize("note", ["failed", "failed ", "key", "key yesterday"])
def test_a_word_without_a_time_is_a_word(note: str) -> None:
    assert recital_of(note).told in (Told.FAILED, Told.KEY)
    assert recital_of(note).began_at is None


def test_the_dialplan_says_no_other_words() -> None:
    text = (shipped("asterisk-conf") / "campaign-controller.extensions.conf").read_text("utf-8")
    context = text.split("[campaign-message]")[1].split("\n[")[0]
    said = set(re.findall(r"\(CC_HEARD_\$\{CC_CALL\}\)=(\w+)", context)) | {PLACED, "done", "cut"}
    assert said == NOTES.keys()
    assert f"TIMEOUT(absolute)={LONGEST_MESSAGE.total_seconds():g})" in context
    assert f"exten => s,1({RECITAL_LABEL})," in context


async def test_such_a_call_goes_where_the_message_plays_at_once(
    asterisk: FakeAri, control: AriCallControl
) -> None:
    await control.place(CALL, E164("+390612345678"), campaign(LAX, "news"), agentless=True)
    (placed,) = [request for request in asterisk.requests if str(request) == "POST /channels"]
    assert (placed.params["context"], placed.params["label"]) == ("campaign-message", "begin")
    assert placed.params["variables"] == {"CC_CALL": CALL, "CC_MESSAGE": "news"}
    assert "priority" not in placed.params


async def test_an_asterisk_that_has_what_it_takes(asterisk: FakeAri, control: AriCallControl) -> None:
    await control.can_recite()
    assert not asterisk.channels


async def test_one_that_cannot_note_what_was_heard(asterisk: FakeAri, control: AriCallControl) -> None:
    asterisk.modules.clear()
    with pytest.raises(Refused, match=r"func_global\.so"):
        await control.can_recite()


async def test_a_dialplan_of_before_is_noticed_before_anybodys_phone_rings(
    asterisk: FakeAri, control: AriCallControl
) -> None:
    asterisk.labels.clear()
    with pytest.raises(Refused, match="no context campaign-message"):
        await control.can_recite()
    with pytest.raises(AsteriskRefused):
        await control.place(CALL, E164("+390612345678"), campaign(LAX, "news"), agentless=True)
    assert not asterisk.channels


async def test_the_note_is_read_until_it_is_forgotten(asterisk: FakeAri, control: AriCallControl) -> None:
    asterisk.variables[NOTE] = f"key {BEGAN}"
    for _ in range(2):
        assert (await control.recital(CALL)).told is Told.KEY
    await control.forget_recital(CALL)
    assert asterisk.variables == {}


async def test_before_it_is_dialed_the_note_is_there_so_that_none_says_that_nobody_knows(
    asterisk: FakeAri, control: AriCallControl
) -> None:
    assert (await control.recital(CALL)).told is Told.UNKNOWN
    await control.place(CALL, E164("+390612345678"), campaign(LAX, "news"), agentless=True)
    asked = [str(request) for request in asterisk.requests]
    assert asked.index("POST /asterisk/variable") < asked.index("POST /channels")
    assert (await control.recital(CALL)).told is Told.NOTHING
    await control.place(CallId("c2"), E164("+390612345678"), campaign(LAX))
    assert asterisk.variables.keys() == {NOTE}


async def test_without_a_note_nobody_is_dialed(asterisk: FakeAri, control: AriCallControl) -> None:
    asterisk.plan(Fault.DROP_AFTER, "POST", "/asterisk/variable")
    with pytest.raises(AsteriskUnreachable) as raised:
        await control.place(CALL, E164("+390612345678"), campaign(LAX, "news"), agentless=True)
    assert not raised.value.outcome_unknown
    assert not asterisk.channels


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.DROP_BEFORE])
async def test_a_note_that_was_not_told_is_to_be_asked_for_again(
    asterisk: FakeAri, control: AriCallControl, fault: Fault
) -> None:
    asterisk.variables[NOTE] = f"key {BEGAN}"
    asterisk.plan(fault, "GET", "/asterisk/variable", times=9)
    with pytest.raises(AsteriskUnreachable):
        await control.recital(CALL)
