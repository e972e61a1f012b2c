from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from controller.ari import AriClient, AriConfig, AriProtocolError
from controller.errors import AsteriskRefused, AsteriskUnreachable
from tests.fakes.fake_ari import FakeAri, Fault
from tests.unit.ari.conftest import until_lost

Configure = Callable[..., AriConfig]


@pytest.fixture
async def ari(configure: Configure) -> AsyncIterator[AriClient]:
    async with AriClient(configure(request_timeout=0.2)) as client:
        await client.wait_connected(2)
        yield client


@pytest.fixture
async def ws(configure: Configure) -> AsyncIterator[AriClient]:
    async with AriClient(configure(request_timeout=0.2, transport="websocket")) as client:
        await client.wait_connected(2)
        yield client


async def test_deadline_passes_and_outcome_is_unknown(asterisk: FakeAri, ari: AriClient) -> None:
    asterisk.plan(Fault.SILENCE, "DELETE", "/channels/c1")
    started = time.monotonic()
    with pytest.raises(AsteriskUnreachable, match=r"within 0\.2 s") as caught:
        await ari.channels.hangup("c1")
    assert 0.19 < time.monotonic() - started < 0.5
    assert caught.value.outcome_unknown
    assert ari.counters.timeouts == 1
    assert asterisk.seen("DELETE /channels/c1") == 1


async def test_nobody_listening_is_a_known_outcome(configure: Configure) -> None:
    async with AriClient(configure(url="http://127.0.0.1:1/ari")) as ari:
        with pytest.raises(AsteriskUnreachable, match="No connection") as caught:
            await ari.channels.hangup("c1")
        assert not caught.value.outcome_unknown
        with pytest.raises(AsteriskUnreachable, match="No events from Asterisk"):
            await ari.wait_connected(0.05)


async def test_originate_is_repeated_when_the_connection_broke_before(
    asterisk: FakeAri, ari: AriClient
) -> None:
    asterisk.plan(Fault.DROP_BEFORE, "POST", "/channels")
    channel = await ari.channels.originate(
        endpoint="PJSIP/1", channel_id="c1", context="out", extension="call"
    )
    assert channel.id == "c1"
    assert ari.counters.retries == 1


async def test_conflict_after_repetition_means_placed(asterisk: FakeAri, ari: AriClient) -> None:
    asterisk.plan(Fault.DROP_AFTER, "POST", "/channels")
    channel = await ari.channels.originate(
        endpoint="PJSIP/1", channel_id="c1", context="out", extension="call"
    )
    assert channel.id == "c1"
    assert asterisk.seen("POST /channels") == 2
    assert list(asterisk.channels) == ["c1"]


async def test_conflict_after_repetition_with_no_channel_to_see_is_unknown(
    asterisk: FakeAri, ari: AriClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asterisk's 409 may be a leftover of the connection's thread, so it alone proves nothing."""
    asterisk.plan(Fault.DROP_AFTER, "POST", "/channels")
    originate = asterisk._originate

    def over_at_once(params: dict[str, object]) -> tuple[int, str]:
        answer = originate(params)
        if answer[0] == 409:
            asterisk.channels.clear()
        return answer

    monkeypatch.setattr(asterisk, "_originate", over_at_once)
    with pytest.raises(AsteriskUnreachable) as caught:
        await ari.channels.originate(endpoint="PJSIP/1", channel_id="c1", context="out", extension="call")
    assert caught.value.outcome_unknown


async def test_conflict_at_first_is_refused(ari: AriClient) -> None:
    await ari.channels.originate(endpoint="PJSIP/1", channel_id="c1", context="out", extension="call")
    with pytest.raises(AsteriskRefused) as caught:
        await ari.channels.originate(endpoint="PJSIP/1", channel_id="c1", context="out", extension="call")
    assert caught.value.conflict


@pytest.mark.parametrize("fault", [Fault.DROP_BEFORE, Fault.DROP_AFTER])
async def test_originate_without_our_id_is_never_repeated(
    asterisk: FakeAri, ari: AriClient, fault: Fault
) -> None:
    asterisk.plan(fault, "POST", "/channels")
    with pytest.raises(AsteriskUnreachable) as caught:
        await ari.channels.originate(endpoint="PJSIP/1", app="ctl")
    assert caught.value.outcome_unknown
    assert asterisk.seen("POST /channels") == 1


async def test_repeats_once_and_no_more(asterisk: FakeAri, ari: AriClient) -> None:
    asterisk.plan(Fault.DROP_BEFORE, "POST", "/bridges/b1/addChannel", times=9)
    with pytest.raises(AsteriskUnreachable):
        await ari.bridges.add_channel("b1", "c1")
    assert asterisk.seen("POST /bridges/b1/addChannel") == 2


async def test_hangup_of_a_channel_that_is_gone_is_no_error(asterisk: FakeAri, ari: AriClient) -> None:
    await ari.channels.originate(endpoint="PJSIP/1", channel_id="c1", app="ctl")
    assert await ari.channels.hangup("c1")
    assert not await ari.channels.hangup("c1")


async def test_error_status_is_not_repeated(asterisk: FakeAri, ari: AriClient) -> None:
    asterisk.plan(Fault.ERROR, "POST", "/channels")
    with pytest.raises(AsteriskRefused, match="500 Allocation failed"):
        await ari.channels.originate(endpoint="PJSIP/1", channel_id="c1", app="ctl")
    assert asterisk.seen("POST /channels") == 1


async def test_answer_that_makes_no_sense_is_a_protocol_error(asterisk: FakeAri, ari: AriClient) -> None:
    asterisk.plan(Fault.GARBAGE, "GET", "/channels")
    with pytest.raises(AriProtocolError):
        await ari.channels.list()


async def test_connections_are_bounded_and_waiting_counts_for_the_deadline(
    asterisk: FakeAri, configure: Configure
) -> None:
    async with AriClient(configure(request_timeout=0.2, max_connections=2)) as ari:
        await ari.wait_connected(2)
        asterisk.plan(Fault.SILENCE, "POST", "/bridges", times=9)
        started = time.monotonic()
        adding = (ari.bridges.add_channel("b1", "c1") for _ in range(4))
        outcomes = await asyncio.gather(*adding, return_exceptions=True)
        assert all(isinstance(outcome, AsteriskUnreachable) for outcome in outcomes)
        assert time.monotonic() - started < 0.5
        assert asterisk.seen("POST /bridges/b1/addChannel") <= 4


async def test_split_sends_what_may_block_over_http(asterisk: FakeAri, ws: AriClient) -> None:
    await ws.channels.originate(endpoint="PJSIP/1", channel_id="c1", app="ctl", variables={"X": "1"})
    await ws.bridges.add_channel("b1", "c1")
    await ws.channels.set_variable("c1", "X", "2")
    await ws.channels.stop_moh("c1")
    await ws.channels.hangup("c1", "busy")
    assert [(str(r), r.via) for r in asterisk.requests[-5:]] == [
        ("POST /channels", "websocket"),
        ("POST /bridges/b1/addChannel", "http"),
        ("POST /channels/c1/variable", "http"),
        ("DELETE /channels/c1/moh", "websocket"),
        ("DELETE /channels/c1", "websocket"),
    ]
    assert asterisk.requests[-5].params["variables"] == {"X": "1"}
    assert asterisk.requests[-1].params == {"reason": "busy"}


async def test_blocked_websocket_does_not_block_http(asterisk: FakeAri, ws: AriClient) -> None:
    asterisk.plan(Fault.DELAY, "DELETE", "/channels/slow", seconds=0.15)
    slow = asyncio.create_task(ws.channels.hangup("slow"))
    await asterisk.until(lambda: bool(asterisk.seen("DELETE /channels/slow")))
    started = time.monotonic()
    await ws.bridges.add_channel("b1", "c1")
    assert time.monotonic() - started < 0.1
    assert not slow.done()
    await slow


async def test_late_answer_over_the_websocket_is_dropped(asterisk: FakeAri, ws: AriClient) -> None:
    asterisk.plan(Fault.DELAY, "DELETE", "/channels/c1", seconds=0.25)
    with pytest.raises(AsteriskUnreachable) as caught:
        await ws.channels.hangup("c1")
    assert caught.value.outcome_unknown
    await ws.channels.hangup("c2")  # served after c1's answer, on the same WebSocket
    assert ws.counters.late_responses == 1
    assert ws.connected


async def test_request_pending_at_disconnect_fails_at_once(asterisk: FakeAri, configure: Configure) -> None:
    async with AriClient(configure(request_timeout=5, transport="websocket")) as ari:
        await ari.wait_connected(2)
        asterisk.plan(Fault.SILENCE, "POST", "/channels/c1/play")
        playing = asyncio.create_task(ari.channels.play("c1", "sound:hello"))
        await asterisk.until(lambda: bool(asterisk.seen("POST /channels/c1/play")))
        asterisk.cut_websocket()
        async with asyncio.timeout(1):
            with pytest.raises(AsteriskUnreachable, match="closed before the answer") as caught:
                await playing
        assert caught.value.outcome_unknown


async def test_what_may_be_repeated_goes_over_http_when_the_websocket_breaks(
    asterisk: FakeAri, ws: AriClient
) -> None:
    asterisk.plan(Fault.DROP_AFTER, "POST", "/channels")
    channel = await ws.channels.originate(
        endpoint="PJSIP/1", channel_id="c1", context="out", extension="call"
    )
    assert channel.id == "c1"
    assert [r.via for r in asterisk.requests if str(r) == "POST /channels"] == ["websocket", "http"]


async def test_outcome_stays_unknown_when_the_repetition_finds_nobody(
    asterisk: FakeAri, ws: AriClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first request may have placed the call; that the second certainly did not says nothing of it."""
    http = ws._transport._http  # type: ignore[union-attr]
    monkeypatch.setattr(http, "_base", "http://127.0.0.1:1/ari")
    asterisk.plan(Fault.DROP_AFTER, "POST", "/channels")
    with pytest.raises(AsteriskUnreachable, match="No connection") as caught:
        await ws.channels.originate(endpoint="PJSIP/1", channel_id="c1", context="out", extension="call")
    assert caught.value.outcome_unknown
    assert list(asterisk.channels) == ["c1"]


async def test_hangup_works_without_websocket(asterisk: FakeAri, ws: AriClient) -> None:
    asterisk.plan(Fault.ERROR, "GET", "/events", times=99)
    await asterisk.close_websocket()
    await until_lost(ws)
    await ws.channels.hangup("c1")
    assert asterisk.requests[-1].via == "http"


async def test_answer_to_nobody_is_counted(asterisk: FakeAri, ws: AriClient) -> None:
    await asterisk.send_text('{"type":"RESTResponse","request_id":"","status_code":400}')
    await asterisk.send_text('{"type":"RESTResponse","status_code":"?"}')
    await ws.channels.hangup("c1")
    assert ws.counters.malformed == 2


async def test_client_that_is_not_open_says_so(configure: Configure) -> None:
    ari = AriClient(configure())
    with pytest.raises(AsteriskUnreachable, match="not open"):
        await ari.asterisk.ping()
    with pytest.raises(AsteriskUnreachable, match="not open"):
        await ari.wait_connected(1)
    assert not ari.connected
