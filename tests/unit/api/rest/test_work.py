"""What agents do with their calls, over the API."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.domain.access import Role
from controller.domain.call import Call
from controller.domain.ids import CallId, CampaignId
from controller.domain.outcome import Outcome
from controller.ports import AttemptEnd
from tests.unit.api import operations

from .conftest import AGENT, Client, World

SALE = {"code": "sale", "notes": "twice"}


@pytest.fixture
async def spring(client: Client) -> Client:
    await client("POST", "/scripts/hello", {"body": "Hello {{ contact.name }}, I am {{ agent.name }}"})
    await client("POST", "/campaigns", {"id": "spring", "script": "hello"})
    people = [{"number": f"+39 347 {i:07d}", "name": f"Name {i}"} for i in range(3)]
    await client("POST", "/campaigns/spring/contacts", {"contacts": people})
    return client


async def talked(world: World, name: str, agent: str, position: int) -> None:
    """A conversation that is over."""
    now = world.clock.at
    row = await world.records.campaign(CampaignId("spring"))
    assert row is not None
    contact = (await world.records.contacts(row.campaign.id))[position].contact
    call = Call(id=CallId(name), contact=contact, admitted_at=now, agent=agent)  # type: ignore[arg-type]
    assert await world.records.attempt_started(call, row.campaign) is None
    second = timedelta(seconds=1)
    ended = call.evolve(
        answered_at=now + second,
        bridged_at=now + second,
        heard_at=now + second,
        ended_at=now + 9 * second,
        outcome=Outcome.CONNECTED,
    )
    await world.records.attempt_ended(AttemptEnd(call=ended, next_due=None, counts_as_attempt=True))


async def test_an_agent_reads_the_script_of_its_call(spring: Client, world: World) -> None:
    await talked(world, "c-1", AGENT, 0)
    said = await spring("GET", "/calls/c-1/script", role=Role.AGENT)
    assert said.body["text"] == "Hello Name 0, I am Anna"
    await talked(world, "c-2", "1002", 1)
    assert (await spring("GET", "/calls/c-2/script", role=Role.AGENT)).status == 403
    assert (await spring("GET", "/calls/none/script", role=Role.AGENT)).status == 403
    assert (await spring("GET", "/calls/none/script")).status == 404


async def test_a_call_under_way_is_the_agents_who_talks(
    spring: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await world.records.campaign(CampaignId("spring"))
    assert row is not None
    contact = (await world.records.contacts(row.campaign.id))[0].contact
    call = Call(id=CallId("call-1"), contact=contact, admitted_at=world.clock.at)
    await world.records.attempt_started(call, row.campaign)  # call-1 is what FakeOperations' agent is in
    assert (await spring("GET", "/calls/call-1/script", role=Role.AGENT)).status == 200
    noted = await spring("POST", "/calls/call-1/dispositions", SALE, role=Role.AGENT)
    assert noted.status == 201, noted.text
    idle = replace(operations.STATUS, agents=[])
    monkeypatch.setattr(world.operations, "status", lambda: idle)
    assert (await spring("GET", "/calls/call-1/script", role=Role.AGENT)).status == 403


async def test_what_came_of_a_call_is_noted_and_corrected(spring: Client, world: World) -> None:
    await talked(world, "c-1", AGENT, 0)
    before = world.feed.publish("x", {}).id
    noted = await spring("POST", "/calls/c-1/dispositions", SALE, role=Role.AGENT)
    assert noted.status == 201, noted.text
    assert noted.body | {"id": 0} == {
        "id": 0,
        "call": "c-1",
        "campaign": "spring",
        "contact": 1,
        "code": "sale",
        "kind": "customer",
        "stage": "customer",
        "notes": "twice",
        "answers": {},
        "script": "",
        "script_version": 0,
        "agent": "1001",
        "author": "1001",
        "at": "2026-03-02T10:00:00Z",
    }
    corrected = await spring("POST", "/calls/c-1/dispositions", {"code": "not-interested"})
    assert corrected.body["kind"] == "not-interested"
    listed = await spring("GET", "/calls/c-1/dispositions", role=Role.AGENT)
    assert [each["code"] for each in listed.body["items"]] == ["not-interested", "sale"]
    told = [event.kind for event in world.feed.since(before) or []]
    assert told.count("disposition.recorded") == 2


@pytest.mark.parametrize(
    "said",
    [
        {"code": "none-such"},
        {"code": "call-back"},
        {"code": "sale", "answers": {"x": 1}},
        {"code": "sale", "script_version": 7},
        {"code": "do-not-call", "callback": {"at": "2026-03-03T10:00:00Z"}},
        {"code": "call-back", "callback": {"at": "2026-03-01T10:00:00Z"}},
        {"code": "call-back", "callback": {"at": "2026-03-03T10:00:00Z", "agent": "9999"}},
    ],
)
async def test_what_cannot_be_noted_is_refused(spring: Client, world: World, said: dict[str, Any]) -> None:
    await talked(world, "c-1", AGENT, 0)
    assert (await spring("POST", "/calls/c-1/dispositions", said)).status == 422
    assert (await spring("GET", "/calls/c-1/dispositions")).body["items"] == []


async def test_who_does_not_want_to_be_called_is_on_the_list(spring: Client, world: World) -> None:
    await talked(world, "c-1", AGENT, 0)
    await spring("POST", "/calls/c-1/dispositions", {"code": "do-not-call"}, role=Role.AGENT)
    listed = await spring("GET", "/do-not-call")
    assert [(each["list"], each["author"]) for each in listed.body["items"]] == [("caller:acme", "1001")]


async def test_call_backs_are_promised_moved_and_cancelled(spring: Client, world: World) -> None:
    promise = {"at": "2026-03-03T10:00:00Z", "agent": "1001", "note": "after ten"}
    made = await spring("POST", "/campaigns/spring/contacts/1/callbacks", promise, role=Role.AGENT)
    assert (made.status, made.body["state"], made.body["author"]) == (201, "open", "1001"), made.text
    await spring("POST", "/campaigns/spring/contacts/2/callbacks", promise | {"agent": None})
    mine = await spring("GET", "/callbacks", role=Role.AGENT)
    assert [each["contact"] for each in mine.body["items"]] == [1]
    every = await spring("GET", "/callbacks", params={"limit": "1"})
    rest = await spring("GET", "/callbacks", params={"limit": "1", "cursor": every.body["next"]})
    assert [each["contact"] for each in every.body["items"] + rest.body["items"]] == [1, 2]
    path = f"/callbacks/{made.body['id']}"
    moved = await spring("POST", f"{path}/move", {"at": "2026-03-04T10:00:00Z", "agent": "1002"})
    assert (moved.body["at"], moved.body["agent"]) == ("2026-03-04T10:00:00Z", "1002")
    other = promise | {"agent": "1002"}
    said = await spring("POST", "/campaigns/spring/contacts/3/callbacks", other, role=Role.AGENT)
    assert said.status == 403  # nobody promises what another has to keep
    assert (await spring("POST", f"{path}/cancel", role=Role.AGENT)).status == 404  # another's by now
    assert (await spring("POST", f"{path}/cancel")).body["state"] == "cancelled"
    assert (await spring("POST", f"{path}/cancel")).status == 409
    opened = await spring("GET", "/callbacks", params={"state": "open"})
    assert [each["contact"] for each in opened.body["items"]] == [2]


async def test_calls_are_listed_and_shown(spring: Client, world: World) -> None:
    await talked(world, "c-1", AGENT, 0)
    await talked(world, "c-2", "1002", 1)
    first = await spring("GET", "/campaigns/spring/calls", params={"limit": "1"}, role=Role.AUDITOR)
    rest = await spring(
        "GET",
        "/campaigns/spring/calls",
        params={"limit": "1", "cursor": first.body["next"]},
        role=Role.AUDITOR,
    )
    found = first.body["items"] + rest.body["items"]
    assert [(each["id"], each["outcome"]) for each in found] == [("c-1", "connected"), ("c-2", "connected")]
    one = await spring("GET", "/calls/c-1", role=Role.AUDITOR)
    assert (one.body["number"], one.body["agent"], one.body["contact"]) == ("+3934******00", "1001", 1)
    assert (await spring("GET", "/calls/c-1")).body["number"] == "+393470000000"
