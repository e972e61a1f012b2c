"""What the engine asks and hears, in ARI's words: the parts on which the law's times and messages stand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.ari import AriClient, AriConfig, parse_event
from controller.ari.control import AriCallControl
from controller.ari.translate import translate
from controller.domain.campaign import Campaign
from controller.domain.ids import E164, CallId, CampaignId, ChannelId, channel_of_call
from controller.domain.regulation import Regulation
from controller.errors import AsteriskRefused
from controller.ports import AgentGone, CallArrived, CallLeft, PhoneEvent
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
