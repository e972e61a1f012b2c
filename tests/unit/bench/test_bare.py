from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, replace

import pytest

from bench.bare import LAST_CALLS, Orders, Outcome, dial
from tests.fakes.fake_ari import PASSWORD, USER, FakeAri, Fault, channel


@pytest.fixture
async def asterisk() -> AsyncIterator[FakeAri]:
    async with FakeAri() as running:
        yield running


def orders(asterisk: FakeAri, transport: str, calls: int = 3) -> Orders:
    endpoints = [f"PJSIP/+39347{number:07}@trunk" for number in range(calls)]
    return Orders(
        url=asterisk.url,
        username=USER,
        password=PASSWORD,
        app="ctl",
        transport=transport,
        rate=100.0,
        endpoints=endpoints,
    )


async def answered(asterisk: FakeAri, orders: Orders, ids: Sequence[str]) -> Outcome:
    """What comes of the client whose calls with these ids are answered."""
    told: list[str] = []
    client = asyncio.create_task(dial(orders, lambda: told.append("ready")))
    for id_ in ids:
        await asterisk.until(lambda id_=id_: id_ in asterisk.channels)  # type: ignore[misc]
        await asterisk.send("StasisStart", channel=channel(id_), args=[])
    async with asyncio.timeout(LAST_CALLS - 1):
        outcome = await client
    assert told == ["ready"]
    return outcome


@pytest.mark.parametrize("transport", ["http", "websocket"])
async def test_a_call_is_placed_and_hung_up_when_answered(asterisk: FakeAri, transport: str) -> None:
    outcome = await answered(asterisk, orders(asterisk, transport, calls=1), ["bare-1"])
    assert (outcome.placed, outcome.arrived, outcome.failed) == (1, 1, 0)
    assert len(outcome.lags) == 1
    assert [str(request) for request in asterisk.requests] == ["POST /channels", "DELETE /channels/bare-1"]
    assert {request.via for request in asterisk.requests} == {transport}
    assert asterisk.requests[0].params["context"] == "campaign-call"
    assert not asterisk.channels


@pytest.mark.parametrize("transport", ["http", "websocket"])
async def test_a_refused_call_counts_as_failed_and_ends_the_run_all_the_same(
    asterisk: FakeAri, transport: str
) -> None:
    asterisk.plan(Fault.ERROR, "POST", "/channels", times=3)
    outcome = await answered(asterisk, orders(asterisk, transport), [])
    assert (outcome.placed, outcome.arrived, outcome.failed) == (0, 0, 3)


def test_what_it_is_told_and_tells_survives_json() -> None:
    told = Orders(url="u", username="n", password="p", app="a", transport="http", rate=1.0, endpoints=["e"])
    assert Orders(**json.loads(json.dumps(asdict(told)))) == told
    outcome = replace(Outcome(), placed=1, lags=[0.1])
    assert Outcome(**json.loads(json.dumps(asdict(outcome)))) == outcome
