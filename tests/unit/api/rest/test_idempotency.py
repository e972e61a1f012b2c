"""A POST with an Idempotency-Key is carried out once, however often it is sent."""

from __future__ import annotations

import asyncio

import pytest

from controller.domain.access import Role
from controller.errors import RecordsUnreachable
from controller.ports.tokens import KEPT

from .conftest import Client, Said, World

BATCH = {"contacts": [{"number": "+39 347 1234567"}]}
PATH = "/campaigns/spring/contacts"


@pytest.fixture
async def spring(client: Client) -> Client:
    await client("POST", "/campaigns", {"id": "spring"})
    return client


async def send(client: Client, key: str, body: object = BATCH, **more: object) -> Said:
    return await client("POST", PATH, body, headers={"Idempotency-Key": key}, **more)  # type: ignore[arg-type]


async def test_the_same_request_is_answered_again_not_done_again(spring: Client, world: World) -> None:
    first, second = await send(spring, "k-1"), await send(spring, "k-1")
    assert first.body == second.body == {"stored": 1, "known": []}
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert (await send(spring, "k-2")).body == {"stored": 0, "known": [0]}
    world.clock.at += KEPT
    assert (await send(spring, "k-1")).body == {"stored": 0, "known": [0]}


async def test_what_was_made_is_named_again(spring: Client) -> None:
    key = {"Idempotency-Key": '"quoted"'}
    first = await spring("POST", "/campaigns", {"id": "summer"}, headers=key)
    second = await spring("POST", "/campaigns", {"id": "summer"}, headers=key)
    assert (first.status, first.text) == (second.status, second.text) == (201, first.text)
    for name in ("Location", "ETag", "Content-Type"):
        assert first.headers[name] == second.headers[name]


async def test_a_key_is_for_one_request_of_one_token(spring: Client) -> None:
    await send(spring, "k")
    other = await send(spring, "k", {"contacts": [{"number": "+39 347 7654321"}]})
    assert (other.status, other.body["type"]) == (422, "/api/v1/problems/idempotency-key-reused")
    elsewhere = await spring("POST", "/campaigns", {"id": "x"}, headers={"Idempotency-Key": "k"})
    assert elsewhere.status == 422
    assert (await send(spring, "k", role=Role.SUPERVISOR)).body == {"stored": 0, "known": [0]}


async def test_while_one_is_under_way_the_other_is_turned_away(spring: Client, world: World) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()
    add = world.records.add_contacts

    async def slowly(*arguments: object) -> object:
        inside.set()
        await go_on.wait()
        return await add(*arguments)  # type: ignore[arg-type]

    world.records.add_contacts = slowly  # type: ignore[method-assign,assignment]
    first = asyncio.ensure_future(send(spring, "k"))
    await inside.wait()
    second = await send(spring, "k")
    assert (second.status, second.body["type"]) == (409, "/api/v1/problems/request-in-progress")
    go_on.set()
    assert (await first).body["stored"] == 1
    assert (await send(spring, "k")).body["stored"] == 1


async def test_what_was_refused_may_be_asked_again(spring: Client) -> None:
    bad = {"contacts": [{"number": "+39 347"}]}
    assert [(await send(spring, "k", bad)).status for _ in range(2)] == [422, 422]
    assert (await send(spring, "k")).body["stored"] == 1


async def test_what_may_have_been_done_is_not_done_again(spring: Client, world: World) -> None:
    add = world.records.add_contacts

    async def broken(*_arguments: object) -> object:
        raise RecordsUnreachable("no answer in time: it may be stored all the same")

    world.records.add_contacts = broken  # type: ignore[method-assign,assignment]
    assert (await send(spring, "k")).status == 503
    world.records.add_contacts = add  # type: ignore[method-assign]
    said = await send(spring, "k")
    assert (said.status, said.body["type"]) == (409, "/api/v1/problems/request-in-progress")
    assert (await send(spring, "another")).body["stored"] == 1


@pytest.mark.parametrize("key", [" ", "a b", "è", "x" * 256])
async def test_keys_have_a_form(spring: Client, key: str) -> None:
    said = await send(spring, key)
    assert (said.status, said.body["errors"][0]["pointer"]) == (400, "Idempotency-Key")


async def test_an_erasure_takes_kept_answers_with_it(spring: Client, world: World) -> None:
    key = {"Idempotency-Key": "k"}
    await spring("POST", "/suppressions", NUMBER | {"caller": "acme"}, headers=key)
    assert (
        "+393471234567"
        in (await spring("POST", "/suppressions", NUMBER | {"caller": "acme"}, headers=key)).text
    )
    await spring("POST", "/persons/erase", NUMBER)
    again = await spring("POST", "/suppressions", NUMBER | {"caller": "acme"}, headers=key)
    assert (again.status, again.text) == (200, "")


NUMBER = {"number": "+39 347 1234567", "author": "anna", "reason": "asked by letter"}
