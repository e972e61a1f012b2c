"""The ARI client against a real Asterisk: the traits of Asterisk that the client is built around.

No dialplan is needed. Asterisk makes a context `stasis-<app>` for every application (res/stasis/app.c:1033):
a Local channel into it is a call with both legs in our hands: `ID`, which we originate, and `ID;2`, its end.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol
from uuid import uuid4

import pytest

from controller.ari import (
    ApplicationReplaced,
    AriClient,
    AriConfig,
    BridgeDestroyed,
    ChannelDestroyed,
    ChannelDtmfReceived,
    ChannelEnteredBridge,
    ChannelLeftBridge,
    Connected,
    Disconnected,
    PlaybackStarted,
    StasisStart,
    StreamItem,
    UnknownEvent,
)
from controller.errors import AsteriskRefused

pytestmark = pytest.mark.integration

TONE = "tone:350+440"
"""A playback without end that needs no sound file."""
WAIT = 5.0
"""Seconds any event may take to come."""


class Asterisk(Protocol):
    """What tests/integration/conftest.py provides as `asterisk`."""

    @property
    def ari_url(self) -> str: ...
    @property
    def ari_user(self) -> str: ...
    @property
    def ari_password(self) -> str: ...


class Line:
    """A client with its events at hand, and a way to make answered calls."""

    def __init__(self, ari: AriClient) -> None:
        self.ari = ari
        self.app = ari.config.app
        self.events = ari.events()
        self.seen: list[StreamItem] = []

    async def wait(self, matches: Callable[[Any], bool]) -> Any:
        """Return the first event that matches, be it past or to come."""
        for item in self.seen:
            if matches(item):
                return item
        async with asyncio.timeout(WAIT):
            async for item in self.events:
                self.seen.append(item)
                if matches(item):
                    return item
        raise AssertionError("the events ended")

    async def call(self, id_: str) -> str:
        """Make an answered call and return its channel's id."""
        endpoint = f"Local/callee@stasis-{self.app}/n"
        await self.ari.channels.originate(
            endpoint=endpoint, channel_id=id_, app=self.app, app_args="placed,7"
        )
        await self.wait(lambda e: isinstance(e, StasisStart) and e.channel.id == f"{id_};2")
        await self.ari.channels.answer(f"{id_};2")
        await self.wait(lambda e: isinstance(e, StasisStart) and e.channel.id == id_)
        return id_

    async def clear(self) -> None:
        """End all calls of this application; nothing may be left."""
        prefix = f"{self.app}-"
        for channel in await self.ari.channels.list():
            if channel.id.startswith(prefix):
                await self.ari.channels.hangup(channel.id)
        for bridge in await self.ari.bridges.list():
            if bridge.id.startswith(prefix):
                await self.ari.bridges.destroy(bridge.id)
        async with asyncio.timeout(WAIT):
            # Asked and not awaited as events: a client whose application was replaced gets none.
            while any(c.id.startswith(prefix) for c in await self.ari.channels.list()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


def configure(asterisk: Asterisk, **settings: Any) -> AriConfig:
    return AriConfig(
        url=asterisk.ari_url,
        username=asterisk.ari_user,
        password=asterisk.ari_password,
        app=settings.pop("app", f"t{uuid4().hex[:8]}"),
        **settings,
    )


def cut_event_websocket(ari: AriClient) -> None:
    """Do what a network fault does; nothing public breaks a connection on purpose."""
    assert ari._stream is not None
    connector = ari._stream._session.connector
    assert connector is not None
    for protocol in connector._acquired:  # with no request under way, the event WebSocket's
        assert protocol.transport is not None
        protocol.transport.abort()


@asynccontextmanager
async def connect(config: AriConfig) -> AsyncIterator[Line]:
    async with AriClient(config) as ari:
        await ari.wait_connected(WAIT)
        line = Line(ari)
        try:
            yield line
        finally:
            await line.clear()


@pytest.fixture(params=["http", "websocket"])
async def line(asterisk: Asterisk, request: pytest.FixtureRequest) -> AsyncIterator[Line]:
    async with connect(configure(asterisk, transport=request.param)) as line:
        yield line


async def test_call_from_origination_to_its_end(line: Line) -> None:
    ari, id_ = line.ari, f"{line.app}-1"
    await line.call(id_)
    started = await line.wait(lambda e: isinstance(e, StasisStart) and e.channel.id == id_)
    assert started.args == ("placed", "7")
    assert started.channel.stasis_app == line.app
    assert abs(started.timestamp.timestamp() - time.time()) < 60
    assert await ari.channels.hangup(id_, "busy")
    ended = await line.wait(lambda e: isinstance(e, ChannelDestroyed) and e.channel.id == id_)
    assert ended.cause == 17
    assert not await ari.channels.hangup(id_)
    problems = [e for e in line.seen if isinstance(e, UnknownEvent)]
    assert not problems, "an event the client has no class for, or cannot read"


async def test_bridge_from_making_to_destruction(line: Line) -> None:
    ari, bridge = line.ari, f"{line.app}-bridge"
    id_ = await line.call(f"{line.app}-1")
    assert (await ari.bridges.create(bridge, name="agent 7")).id == bridge
    # Asterisk tells of a bridge only while a channel of ours is in it, unless asked for more.
    await ari.applications.subscribe(line.app, f"bridge:{bridge}")
    await ari.bridges.add_channel(bridge, id_)
    await line.wait(lambda e: isinstance(e, ChannelEnteredBridge) and e.channel.id == id_)
    snapshot = await ari.snapshot()
    assert snapshot.bridges[bridge].channel_ids == (id_,)
    assert id_ in snapshot.channels
    assert id_ in snapshot.application.channel_ids
    await ari.bridges.remove_channel(bridge, id_)
    await line.wait(lambda e: isinstance(e, ChannelLeftBridge))
    assert await ari.bridges.destroy(bridge)
    assert not await ari.bridges.destroy(bridge)
    await line.wait(lambda e: isinstance(e, BridgeDestroyed))


async def test_variables_are_set_and_read(line: Line) -> None:
    id_ = await line.call(f"{line.app}-1")
    await line.ari.channels.set_variable(id_, "NOTE", "a+b c&d=é%")
    assert await line.ari.channels.get_variable(id_, "NOTE") == "a+b c&d=é%"
    assert await line.ari.channels.get_variable(id_, "NOTHING") == ""
    with pytest.raises(AsteriskRefused) as caught:
        await line.ari.channels.get_variable("nobody", "NOTE")
    assert caught.value.not_found


async def test_id_with_awkward_characters(line: Line) -> None:
    id_ = f"{line.app}-a b+%/é?#"
    await line.call(id_)
    assert (await line.ari.channels.get(id_)).id == id_
    assert await line.ari.channels.hangup(id_)


async def test_keys_are_heard(line: Line) -> None:
    id_ = await line.call(f"{line.app}-1")
    await line.ari.channels.send_dtmf(f"{id_};2", "9")
    heard = await line.wait(lambda e: isinstance(e, ChannelDtmfReceived) and e.channel.id == id_)
    assert heard.digit == "9"


async def test_channel_id_is_given_once(line: Line) -> None:
    id_ = await line.call(f"{line.app}-1")
    with pytest.raises(AsteriskRefused) as caught:
        await line.call(id_)
    assert caught.value.conflict


async def test_conflict_sticks_to_the_connection(asterisk: Asterisk) -> None:
    """Why `originate` looks for the channel before it believes a 409 (ast_channel_errno is never reset)."""
    async with connect(configure(asterisk, transport="websocket")) as line:
        statuses = []
        id_ = await line.call(f"{line.app}-1")
        for endpoint in ("Nothing/x", f"Local/callee@stasis-{line.app}/n", "Nothing/x"):
            with pytest.raises(AsteriskRefused) as caught:
                await line.ari.channels.originate(endpoint=endpoint, channel_id=id_, app=line.app)
            statuses.append(caught.value.status)
        assert statuses == [500, 409, 409]


async def test_playback_blocks_its_own_channel_and_no_other(line: Line) -> None:
    """Why add_channel never goes over the WebSocket, and why comfort noise is music on hold."""
    ari, bridge = line.ari, f"{line.app}-bridge"
    busy, other = await line.call(f"{line.app}-1"), await line.call(f"{line.app}-2")
    await ari.bridges.create(bridge)
    await ari.channels.play(busy, TONE, f"{line.app}-tone")
    await line.wait(lambda e: isinstance(e, PlaybackStarted))
    adding = asyncio.create_task(ari.bridges.add_channel(bridge, busy))
    await asyncio.sleep(0.2)
    started = time.monotonic()
    await ari.bridges.add_channel(bridge, other)
    await ari.channels.hangup(other)
    assert time.monotonic() - started < 0.15
    assert not adding.done()
    assert await ari.playbacks.stop(f"{line.app}-tone")
    await asyncio.wait_for(adding, 0.5)


async def test_music_on_hold_does_not_block(line: Line) -> None:
    ari, bridge = line.ari, f"{line.app}-bridge"
    id_ = await line.call(f"{line.app}-1")
    await ari.bridges.create(bridge)
    await ari.channels.start_moh(id_)
    started = time.monotonic()
    await ari.bridges.add_channel(bridge, id_)
    assert await ari.channels.stop_moh(id_)
    assert time.monotonic() - started < 0.2


async def test_calls_outlive_a_lost_websocket_and_are_found_again(asterisk: Asterisk) -> None:
    async with connect(configure(asterisk)) as line:
        id_ = await line.call(f"{line.app}-1")
        cut_event_websocket(line.ari)
        lost = await line.wait(lambda e: isinstance(e, Disconnected))
        assert lost.reason
        again = await line.wait(lambda e: isinstance(e, Connected) and not e.first)
        assert not again.asterisk_restarted
        snapshot = await line.ari.snapshot()
        assert snapshot.channels[id_].stasis_app == line.app
        assert id_ in snapshot.application.channel_ids
        assert await line.ari.channels.hangup(id_)
        await line.wait(lambda e: isinstance(e, ChannelDestroyed) and e.channel.id == id_)


async def test_second_controller_replaces_the_first(asterisk: Asterisk) -> None:
    config = configure(asterisk)
    async with connect(config) as first, connect(config) as second:
        await first.wait(lambda e: isinstance(e, ApplicationReplaced))
        assert [item async for item in first.events] == []
        await second.call(f"{second.app}-1")


async def test_asterisk_says_who_it_is(line: Line) -> None:
    info = await line.ari.asterisk.info()
    assert tuple(int(part) for part in info.version.split("+")[0].split("-")[0].split(".")) >= (22, 10, 1)
    assert info.startup_time
    await line.ari.asterisk.ping()
    assert await line.ari.asterisk.get_variable("NOTHING") == ""
    assert isinstance(await line.ari.endpoints.list(), list)
