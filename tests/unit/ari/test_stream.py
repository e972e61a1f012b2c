from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest

from controller.ari import (
    DISALLOWED_EVENTS,
    ApplicationReplaced,
    AriClient,
    AriConfig,
    Connected,
    Disconnected,
    StasisStart,
    StreamItem,
    UnknownEvent,
)
from controller.ari import stream as stream_module
from controller.ari.stream import backoff
from controller.errors import AsteriskUnreachable
from tests.fakes.fake_ari import FakeAri, Fault, channel
from tests.unit.ari.conftest import until_lost

Configure = Callable[..., AriConfig]


@pytest.fixture(autouse=True)
def fast_reconnect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "BACKOFF_FIRST", 0.01)


async def take(events: AsyncIterator[StreamItem]) -> StreamItem:
    async with asyncio.timeout(2):
        return await anext(events)


async def test_events_follow_connected_in_order(asterisk: FakeAri, configure: Configure) -> None:
    async with AriClient(configure()) as ari:
        events = ari.events()
        assert await take(events) == Connected(first=True, asterisk_restarted=False)
        assert ari.connected
        for id_ in ("c1", "c2"):
            await asterisk.send("StasisStart", channel=channel(id_), args=["x"])
        got = [await take(events), await take(events)]
        assert [e.channel.id for e in got if isinstance(e, StasisStart)] == ["c1", "c2"]
        assert ari.counters.events == 2


async def test_connection_filters_and_subscribes_before_connected(
    asterisk: FakeAri, configure: Configure
) -> None:
    async with AriClient(configure(subscriptions=("endpoint:PJSIP/trunk", "endpoint:PJSIP/b"))) as ari:
        await ari.wait_connected(2)
        assert asterisk.filters["ctl"] == {"disallowed": [{"type": name} for name in DISALLOWED_EVENTS]}
        assert asterisk.subscriptions == ["endpoint:PJSIP/trunk", "endpoint:PJSIP/b"]
        assert (await ari.snapshot()).application.endpoint_ids == ("PJSIP/trunk", "PJSIP/b")


async def test_event_during_set_up_comes_after_connected(asterisk: FakeAri, configure: Configure) -> None:
    asterisk.plan(Fault.DELAY, "PUT", "/applications", seconds=0.05)
    async with AriClient(configure()) as ari:
        await asterisk.until(lambda: bool(asterisk.seen("PUT /applications/ctl/eventFilter")))
        await asterisk.send("StasisStart", channel=channel("c1"))
        events = ari.events()
        assert isinstance(await take(events), Connected)
        assert isinstance(await take(events), StasisStart)


@pytest.mark.parametrize("how", ["close", "cut"])
async def test_reconnects_with_filter_and_subscriptions(
    asterisk: FakeAri, configure: Configure, how: str
) -> None:
    async with AriClient(configure(subscriptions=("endpoint:PJSIP/trunk",))) as ari:
        events = ari.events()
        await take(events)
        asterisk.filters.clear()
        asterisk.subscriptions.clear()
        await asterisk.close_websocket() if how == "close" else asterisk.cut_websocket()
        assert isinstance(await take(events), Disconnected)
        assert await take(events) == Connected(first=False, asterisk_restarted=False)
        assert "ctl" in asterisk.filters
        assert asterisk.subscriptions == ["endpoint:PJSIP/trunk"]
        assert (ari.counters.connects, ari.counters.disconnects) == (2, 1)


async def test_restart_of_asterisk_is_told(asterisk: FakeAri, configure: Configure) -> None:
    async with AriClient(configure()) as ari:
        events = ari.events()
        await take(events)
        await asterisk.restart()
        assert isinstance(await take(events), Disconnected)
        assert await take(events) == Connected(first=False, asterisk_restarted=True)


async def test_failing_set_up_is_tried_again(asterisk: FakeAri, configure: Configure) -> None:
    asterisk.plan(Fault.ERROR, "GET", "/events")
    asterisk.plan(Fault.ERROR, "PUT", "/applications")
    async with AriClient(configure()) as ari:
        await ari.wait_connected(2)
        assert ari.counters.connect_failures == 2
        assert await take(ari.events()) == Connected(first=True, asterisk_restarted=False)


async def test_unknown_trunk_means_not_connected_and_says_so(asterisk: FakeAri, configure: Configure) -> None:
    async with AriClient(configure(subscriptions=("endpoint:PJSIP/missing",))) as ari:
        with pytest.raises(AsteriskUnreachable, match="Event source does not exist"):
            await ari.wait_connected(0.1)
        assert not ari.connected


async def test_wrong_password_says_so(configure: Configure) -> None:
    async with AriClient(configure(password="wrong")) as ari:
        with pytest.raises(AsteriskUnreachable, match="401"):
            await ari.wait_connected(0.1)


@pytest.mark.parametrize("transport", ["http", "websocket"])
async def test_replaced_application_ends_the_events_and_is_not_fought_for(
    asterisk: FakeAri, configure: Configure, transport: str
) -> None:
    async with AriClient(configure(transport=transport)) as first:
        await first.wait_connected(2)
        async with AriClient(configure()) as second:
            await second.wait_connected(2)
            async with asyncio.timeout(2):
                items = [item async for item in first.events()]
            assert [type(item) for item in items] == [Connected, ApplicationReplaced]
            assert not first.connected
            assert second.connected
            await asyncio.sleep(0.05)
            assert asterisk.websockets == 2
            await first.channels.hangup("c1")  # calls in flight can still be ended
            with pytest.raises(AsteriskUnreachable, match="another controller"):
                await first.wait_connected(1)


async def test_overflow_drops_the_connection_and_resynchronises(
    asterisk: FakeAri, configure: Configure
) -> None:
    async with AriClient(configure(event_queue_size=4)) as ari:
        await ari.wait_connected(2)
        for number in range(6):
            await asterisk.send("StasisStart", channel=channel(f"c{number}"))
        await until_lost(ari)
        assert ari.counters.overflows == 1
        await asyncio.sleep(0.05)
        assert asterisk.websockets == 1, "it must not reconnect into a full queue"
        events = ari.events()
        items = [await take(events) for _ in range(6)]
        assert [type(item) for item in items] == [Connected, *[StasisStart] * 3, Disconnected, Connected]


async def test_consumer_that_never_reads_costs_bounded_memory(
    asterisk: FakeAri, configure: Configure
) -> None:
    async with AriClient(configure(event_queue_size=4)) as ari:
        await ari.wait_connected(2)
        for _ in range(9):
            await asterisk.close_websocket()
            await asyncio.sleep(0.03)
        assert len(ari._queue) <= 6


async def test_malformed_frames_are_counted_and_do_no_harm(asterisk: FakeAri, configure: Configure) -> None:
    async with AriClient(configure()) as ari:
        events = ari.events()
        await take(events)
        for frame in ("{", "[]", "7", '"type"', "{}", "[" * 100_000):
            await asterisk.send_text(frame)
        await asterisk.send_text(json.dumps({"type": "StasisStart"}))
        broken = await take(events)
        assert isinstance(broken, UnknownEvent)
        assert broken.problem
        await asterisk.send("StasisStart", channel=channel("c1"))
        assert isinstance(await take(events), StasisStart)
        assert ari.counters.malformed == 7


async def test_closing_ends_the_events(configure: Configure) -> None:
    async with AriClient(configure()) as ari:
        await ari.wait_connected(2)
        events = ari.events()
    async with asyncio.timeout(1):
        assert [type(item) async for item in events] == [Connected, Disconnected]


async def test_exception_of_the_callers_block_comes_out_as_it_is(configure: Configure) -> None:
    with pytest.raises(LookupError, match="mine"):
        async with AriClient(configure()):
            raise LookupError("mine")


async def test_crash_of_the_reader_is_not_swallowed(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise AssertionError("a bug")

    async def consume() -> None:
        async with AriClient(configure()) as ari:
            await take(ari.events())

    async def only_send_requests() -> None:
        async with AriClient(configure()) as ari:
            while ari._reader is not None and not ari._reader.done():
                await ari.asterisk.ping()

    monkeypatch.setattr(stream_module.EventStream, "_up", crash)
    for use in (consume, only_send_requests):
        with pytest.raises(AssertionError, match="a bug"):
            await use()


async def test_snapshot_holds_channels_and_bridges_by_id(asterisk: FakeAri, configure: Configure) -> None:
    async with AriClient(configure()) as ari:
        await ari.channels.originate(endpoint="PJSIP/1", channel_id="c1", app="ctl")
        await ari.bridges.create("b1", name="agent 7")
        snapshot = await ari.snapshot()
        assert list(snapshot.channels) == ["c1"]
        assert snapshot.bridges["b1"].name == "agent 7"
        assert snapshot.application.channel_ids == ("c1",)


def test_backoff_doubles_to_its_limit_less_jitter() -> None:
    assert [backoff(n, lambda: 0.0) for n in (1, 2, 3)] == [0.01, 0.02, 0.04]
    assert backoff(10_000, lambda: 0.0) == 5.0
    assert backoff(10_000, lambda: 1.0) == 2.5
