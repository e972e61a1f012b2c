"""Live events: as they come, resumed, filtered, and ended when their hearer is no longer welcome."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from controller.api.rest import Bounds, RestConfig
from controller.domain.access import Role

from .conftest import SECRETS, Client, World


class Stream:
    """Server-sent events, read by their standard."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.last_id = ""

    async def block(self) -> dict[str, str]:
        """The next block of lines; empty at the end."""
        found: dict[str, str] = {}
        while line := (await self.answer.content.readline()).decode():
            if line == "\n":
                break
            name, _, value = line.rstrip("\n").partition(": ")
            found[name or "comment"] = value
        self.last_id = found.get("id", self.last_id)
        return found

    async def event(self) -> tuple[str, Any]:
        """The next event with data."""
        async with asyncio.timeout(5):
            while block := await self.block():
                if "data" in block:
                    return block["event"], json.loads(block["data"])
        raise EOFError


@asynccontextmanager
async def listening(
    client: Client, query: str = "", last: str = "", role: Role = Role.ADMIN
) -> AsyncIterator[Stream]:
    headers = {"Authorization": f"Bearer {SECRETS[role].text}"}
    if last:
        headers["Last-Event-ID"] = last
    url = f"{client.base}/api/v1/events?{query}"
    async with client.session.get(url, headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
        stream = Stream(answer)
        assert await stream.block() == {"retry": "2000"}
        yield stream


async def test_events_come_as_they_happen(client: Client, world: World) -> None:
    async with listening(client) as stream:
        event = world.feed.publish("call.ended", {"call": "c-1", "note": "two\nlines, è"})
        assert await stream.event() == (
            "call.ended",
            {"at": "2026-03-02T10:00:00Z", "call": "c-1", "note": "two\nlines, è"},
        )
        assert stream.last_id == str(event.id)


async def test_a_stream_is_resumed_without_loss(client: Client, world: World) -> None:
    async with listening(client) as stream:
        world.feed.publish("call.ended", {"n": 1})
        await stream.event()
    world.feed.publish("call.ended", {"n": 2})
    async with listening(client, last=stream.last_id) as again:
        world.feed.publish("call.ended", {"n": 3})
        assert [(await again.event())[1]["n"] for _ in range(2)] == [2, 3]
    async with listening(client, f"last_event_id={stream.last_id}") as by_query:
        assert (await by_query.event())[1]["n"] == 2


async def test_what_is_lost_is_told(client: Client, world: World) -> None:
    world.feed.publish("call.ended", {"n": 1})
    async with listening(client, last="17") as stream:
        assert await stream.event() == ("gap", {"reason": "too long ago"})
        world.feed.publish("call.ended", {"n": 2})
        assert (await stream.event())[1]["n"] == 2
    async with listening(client, last=stream.last_id) as again:  # after a gap one goes on from the present
        world.feed.publish("call.ended", {"n": 3})
        assert (await again.event())[1]["n"] == 3


async def test_only_the_kinds_that_are_wanted(client: Client, world: World) -> None:
    async with listening(client, "kind=agent.state&kind=campaign.state&heartbeat=0.05") as stream:
        world.feed.publish("call.ended", {})
        world.feed.publish("agent.state", {"n": 1})
        world.feed.publish("campaign.state", {"n": 2})
        assert [(await stream.event())[0] for _ in range(2)] == ["agent.state", "campaign.state"]
        passed_over = world.feed.publish("call.ended", {}).id
        async with asyncio.timeout(5):
            while stream.last_id != str(passed_over):  # a heartbeat moves the client on
                await stream.block()


async def test_an_agent_hears_of_itself_only(client: Client, world: World) -> None:
    async with listening(client, role=Role.AGENT) as stream:
        world.feed.publish("agent.state", {"agent": "1002", "state": "idle"})
        world.feed.publish("campaign.state", {"campaign": "spring"})
        world.feed.publish("agent.state", {"agent": "1001", "state": "idle"})
        assert (await stream.event())[1]["agent"] == "1001"


async def test_who_is_revoked_hears_nothing_more(client: Client, world: World) -> None:
    async with listening(client, "heartbeat=0.05") as stream:
        await world.tokens.revoke(SECRETS[Role.ADMIN].id, world.clock.at)
        with pytest.raises(EOFError):
            await stream.event()


async def test_the_end_of_the_feed_ends_the_stream(client: Client, world: World) -> None:
    async with listening(client) as stream:
        world.feed.publish("call.ended", {"n": 1})
        world.feed.close()
        assert (await stream.event())[1]["n"] == 1
        with pytest.raises(EOFError):
            await stream.event()


@pytest.mark.parametrize("last", ["x", "-1", "1" * 20, "١"])
async def test_an_id_that_cannot_be_is_refused(client: Client, last: str) -> None:
    said = await client("GET", "/events", headers={"Last-Event-ID": last})
    assert (said.status, said.body["errors"][0]["pointer"]) == (400, "Last-Event-ID")


class TestBounds:
    @pytest.fixture
    def config(self) -> RestConfig:
        return RestConfig(port=0, bounds=Bounds(streams=1))

    async def test_a_token_has_so_many_streams(self, client: Client) -> None:
        async with listening(client, "heartbeat=0.05"):
            said = await client("GET", "/events")
            assert (said.status, said.headers["Retry-After"]) == (429, "60")
            async with listening(client, role=Role.AUDITOR):
                pass
        async with asyncio.timeout(5):
            for _ in range(100):
                said = await client("GET", "/events", headers={"Last-Event-ID": "x"})
                if said.status == 400:  # past the limit, and refused for what it asks
                    return
                await asyncio.sleep(0.02)
        pytest.fail("the place was never given back")
