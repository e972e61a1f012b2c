"""Mode preview on a real Asterisk: the agent looks, calls by key and by API, skips, or is not at the desk."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from controller.domain.agent import AgentState
from controller.domain.pacing import Mode
from controller.ports import ControllerStatus
from lab.controller import ControllerProcess
from lab.lab import Lab
from lab.numbers import Behaviour, number
from tests.integration.rig import Rig, keeps_the_law, running

LOOKS = 1.1
"""Seconds that an agent looks before a key can be meant for what they see."""


@pytest.fixture
async def rig(lab: Lab, redis_url: str) -> AsyncIterator[Rig]:
    """As in conftest, with the API."""
    port = lab.free_port()
    controller = ControllerProcess(lab, None, {"api": {"enabled": True, "port": port}})
    async with running(lab, controller, api_port=port) as rig:
        yield rig


async def command(rig: Rig, *words: str) -> Any:
    """What a command answers in JSON."""
    argv = [sys.executable, "-m", "controller", "--config", str(rig.controller.config), *words, "--json"]
    made = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    output, _ = await asyncio.wait_for(made.communicate(), 30)
    return json.loads(output)


@asynccontextmanager
async def agents_program(rig: Rig, agent: str) -> AsyncIterator[aiohttp.ClientSession]:
    """What runs on an agent's screen, with a token of their own."""
    words = ("token", "create", "--role", "agent", "--agent", agent, "--label", "screen")
    headers = {"Authorization": f"Bearer {(await command(rig, *words))['token']}"}
    base, limit = f"http://127.0.0.1:{rig.api_port}", aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(base, headers=headers, timeout=limit) as session:
        yield session


async def ask(session: aiohttp.ClientSession, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with session.request(method, f"/api/v1{path}", json=body) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if text else None


async def next_offer(rig: Rig, after: str = "") -> str:
    """Wait until the agent looks at another contact; returns the offer."""

    def other(status: ControllerStatus) -> bool:
        offer = status.agents[0].offer if status.agents else None
        return offer is not None and offer.id != after

    status = await rig.until(other, timeout=15)
    assert status.agents[0].offer is not None
    return status.agents[0].offer.id


async def test_skipped_by_key_called_by_key_and_by_the_api(rig: Rig) -> None:
    skipped, by_key, by_api = (number(Behaviour.PERSON, ring=0.4, hold=3, serial=i) for i in range(3))
    await rig.campaign("c", [skipped, by_key, by_api], mode=Mode.PREVIEW)
    await rig.log_in("1001")
    await rig.start("c")
    async with agents_program(rig, "1001") as screen:
        first = await next_offer(rig)
        status, seen = await ask(screen, "GET", "/agents/1001/offer")
        assert status == 200
        assert (seen["offer"], seen["contact"]["number"]) == (first, skipped)
        assert (await ask(screen, "GET", "/agents/1002/offer"))[0] == 403
        await asyncio.sleep(LOOKS)
        await rig.lab.phone_dtmf("1001", "2")
        second = await next_offer(rig, first)
        assert not rig.lab.calls(rig.began, analyse=False)
        await asyncio.sleep(LOOKS)
        await rig.lab.phone_dtmf("1001", "1")
        (call,) = await rig.callees(1)
        assert call.number == by_key
        assert call.agent_heard_after is not None
        keeps_the_law(call)
        third = await next_offer(rig, second)
        shown = await command(rig, "agent", "offer", "1001", "--full-numbers")
        assert (shown["offer"], shown["contact"]["number"]) == (third, by_api)
        assert (await ask(screen, "POST", "/agents/1001/offer/accept", {"offer": second}))[0] == 409
        status, placed = await ask(screen, "POST", "/agents/1001/offer/accept", {"offer": third})
        assert (status, placed) == (200, {"call": third})
    calls = await rig.callees(2)
    assert {call.number for call in calls} == {by_key, by_api}
    for call in calls:
        assert call.agent_heard_after is not None
        keeps_the_law(call)
    await rig.settled(2)
    assert rig.outcomes() == {by_key: "connected", by_api: "connected"}
    assert [row["guaranteed"] for row in rig.attempts()] == [1, 1]
    (skip,) = await command(rig, "agent", "skips", "c")
    assert (skip["offer"], skip["agent"], skip["reason"]) == (first, "1001", "key")


async def test_who_does_not_answer_an_offer_is_paused_and_nobody_is_called(rig: Rig) -> None:
    callee = number(Behaviour.PERSON, ring=0.3, hold=2)
    await rig.campaign("c", [callee], mode=Mode.PREVIEW, preview_timeout=timedelta(seconds=5))
    await rig.log_in("1001")
    await rig.start("c")
    first = await next_offer(rig)
    status = await rig.until(lambda s: s.agents[0].state is AgentState.PAUSED, timeout=8)
    assert "in time" in status.agents[0].reason
    assert status.campaigns[0].offers == 0
    await asyncio.sleep(2)
    assert not rig.lab.calls(rig.began, analyse=False)
    await rig.lab.phone_dial("1001", "*53")  # they are back
    await next_offer(rig, first)
    await rig.lab.phone_hangup("1001")
    await rig.until(lambda s: s.campaigns[0].offers == 0)
    assert not rig.lab.calls(rig.began, analyse=False)
