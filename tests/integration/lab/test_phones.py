"""The agents' phones: feature codes, the tone that proves them heard, keys, hanging up."""

from __future__ import annotations

import pytest

from lab.errors import PhoneError
from lab.lab import Lab
from lab.numbers import Behaviour, number
from tests.integration.lab.stasis import Stasis


@pytest.mark.parametrize(
    ("extension", "what"), [("*51", "agent-login"), ("*52", "agent-logout"), ("*53", "agent-pause")]
)
async def test_feature_codes_reach_the_application(lab: Lab, extension: str, what: str) -> None:
    async with Stasis(lab) as stasis:
        await lab.phone_dial("1003", extension)
        start = await stasis.event("StasisStart")
        assert start["args"] == [what, "1003"]
        assert start["channel"]["state"] == "Up"
        assert await lab.phone_hangup("1003") == 1
        await stasis.event("StasisEnd", start["channel"]["id"])


async def test_without_the_application_a_phone_hears_that_it_is_not_there(lab: Lab) -> None:
    await lab.phone_login("1001")
    assert await lab.phone_hangup("1001") == 1


async def test_a_phone_presses_keys(lab: Lab) -> None:
    async with Stasis(lab) as stasis:
        await lab.phone_login("1001")
        start = await stasis.event("StasisStart")
        await lab.phone_dtmf("1001", "*")
        pressed = await stasis.event("ChannelDtmfReceived", start["channel"]["id"])
        assert pressed["digit"] == "*"
        await lab.phone_hangup("1001")


async def test_the_controller_calls_a_phone(lab: Lab) -> None:
    async with Stasis(lab) as stasis:
        await stasis.originate(lab.agent_endpoint("1002"), "campaign-agent-call", CC_AGENT="1002")
        start = await stasis.event("StasisStart")
        assert start["args"] == ["agent-login", "1002"]
        await lab.phone_hangup("1002")


async def test_the_callee_hears_the_agent(lab: Lab) -> None:
    mark = lab.mark()
    async with Stasis(lab) as stasis:
        await lab.phone_login("1001")
        agent = (await stasis.event("StasisStart"))["channel"]["id"]
        bridge = (await stasis.request("POST", "/bridges", type="mixing"))["id"]
        assert f"pbx: bridge {bridge}" in await lab.leaks()
        await stasis.request("POST", f"/bridges/{bridge}/addChannel", channel=agent)
        channel = await stasis.call(number(Behaviour.PERSON, ring=0.2, hold=4))
        await stasis.event("StasisStart", channel)
        await stasis.request("POST", f"/channels/{channel}/variable", variable="TIMEOUT(absolute)", value="0")
        await stasis.request("DELETE", f"/channels/{channel}/moh")
        await stasis.request("POST", f"/bridges/{bridge}/addChannel", channel=channel)
        (call,) = await lab.ended_calls(1, mark)
        await stasis.request("DELETE", f"/bridges/{bridge}")
        await lab.phone_hangup("1001")
    assert call.duration == pytest.approx(4.0, abs=0.05)
    assert call.agent_heard_after is not None
    assert call.agent_heard_after < 0.2, call
    assert call.longest_silence_before_agent < 0.2, call


async def test_a_phone_without_a_call_cannot_press_keys(lab: Lab) -> None:
    assert await lab.phone_hangup("1009") == 0
    with pytest.raises(PhoneError, match="1009"):
        await lab.phone_dtmf("1009", "1")


async def test_an_extension_that_the_pbx_does_not_have(lab: Lab) -> None:
    with pytest.raises(PhoneError, match="1001"):
        await lab.phone_dial("1001", "*99", timeout=2.0)
