"""What an agent looks at before it is called, over the API."""

from __future__ import annotations

import pytest

from controller.domain.access import Role
from controller.domain.ids import AgentId, CallId, CampaignId, ContactId
from controller.domain.preview import Skip
from controller.errors import Refused
from tests.unit.api.operations import looking

from .conftest import AGENT, Client, World


@pytest.fixture
async def spring(client: Client, world: World) -> Client:
    await client("POST", "/scripts/hello", {"body": "Hello {{ contact.name }}, I am {{ agent.name }}"})
    await client("POST", "/campaigns", {"id": "spring", "script": "hello", "mode": "preview"})
    people = [{"number": f"+39 347 {i:07d}", "name": f"Name {i}"} for i in range(2)]
    await client("POST", "/campaigns/spring/contacts", {"contacts": people})
    world.operations.now = looking(AGENT)
    return client


async def test_an_agent_sees_contact_and_script(spring: Client) -> None:
    said = await spring("GET", f"/agents/{AGENT}/offer", role=Role.AGENT)
    assert said.status == 200
    assert said.body["offer"] == "0ffe7"
    assert said.body["contact"]["number"] == "+393470000000"
    assert said.body["contact"]["name"] == "Name 0"
    assert said.body["script"]["text"] == "Hello Name 0, I am Anna"
    assert said.body["until"] == "2026-01-02T03:05:05Z"
    view = (await spring("GET", f"/agents/{AGENT}", role=Role.AGENT)).body
    assert (view["state"], view["offer"], view["reason"]) == ("preview", "0ffe7", "")


async def test_without_a_script_there_is_just_the_contact(spring: Client) -> None:
    headers = {"If-Match": "*"}
    said = await spring("PATCH", "/campaigns/spring", {"script": ""}, headers=headers)
    assert said.status == 200
    assert (await spring("GET", f"/agents/{AGENT}/offer")).body["script"] is None


@pytest.mark.parametrize("role", [Role.READ_ONLY, Role.AUDITOR])
async def test_who_only_looks_on_sees_nobodys_offer(spring: Client, role: Role) -> None:
    assert (await spring("GET", f"/agents/{AGENT}/offer", role=role)).status == 403
    assert (await spring("POST", f"/agents/{AGENT}/offer/accept", {}, role=role)).status == 403
    assert (await spring("POST", f"/agents/{AGENT}/offer/skip", {}, role=role)).status == 403


async def test_an_agent_answers_its_own_offers_only(spring: Client, world: World) -> None:
    for path in ("offer", "offer/accept", "offer/skip"):
        method = "GET" if path == "offer" else "POST"
        body: dict[str, str] | None = None if path == "offer" else {}
        assert (await spring(method, f"/agents/1002/{path}", body, role=Role.AGENT)).status == 403
    assert world.operations.asked == []


async def test_no_offer_no_contact(spring: Client) -> None:
    said = await spring("GET", "/agents/1002/offer")
    assert (said.status, said.body["detail"]) == (404, "agent '1002' has no offer")


async def test_it_is_accepted_and_skipped(spring: Client, world: World) -> None:
    said = await spring("POST", f"/agents/{AGENT}/offer/accept", {"offer": "0ffe7"}, role=Role.AGENT)
    assert (said.status, said.body) == (200, {"call": "0ffe7"})
    said = await spring("POST", f"/agents/{AGENT}/offer/skip", {"reason": "wrong-person"}, role=Role.AGENT)
    assert said.status == 204
    assert world.operations.asked == [("accept", AGENT, "0ffe7"), ("skip", AGENT, "", "wrong-person")]


async def test_the_answer_says_why_nobody_is_called(spring: Client, world: World) -> None:
    async def refuse(*_: object) -> str:
        raise Refused("the contact is not called: the number is to be left alone")

    world.operations.accept_offer = refuse  # type: ignore[assignment,method-assign]
    said = await spring("POST", f"/agents/{AGENT}/offer/accept", {})
    assert said.status == 409
    assert "left alone" in said.body["detail"]


@pytest.mark.parametrize("reason", ["Mrs Rossi is my aunt", "x" * 33, "-"])
async def test_a_reason_is_a_word(spring: Client, world: World, reason: str) -> None:
    said = await spring("POST", f"/agents/{AGENT}/offer/skip", {"reason": reason})
    assert said.status == 400
    assert world.operations.asked == []


async def test_the_time_to_decide_is_a_field_of_the_campaign(spring: Client) -> None:
    headers = {"If-Match": "*"}
    said = await spring("PATCH", "/campaigns/spring", {"preview_timeout": 20}, headers=headers)
    assert said.body["preview_timeout"] == 20.0
    said = await spring("PATCH", "/campaigns/spring", {"preview_timeout": 4}, headers=headers)
    assert said.status == 400


async def test_who_skipped_whom_is_listed_page_by_page(spring: Client, world: World) -> None:
    for serial in range(3):
        skip = Skip(
            offer=CallId(f"{serial}"),
            campaign=CampaignId("spring"),
            contact=ContactId(1),
            agent=AgentId("1001" if serial else "1002"),
            reason="wrong-person",
            at=world.clock.at,
        )
        await world.records.work.skipped(skip)
    first = (await spring("GET", "/campaigns/spring/skips", params={"limit": "2"})).body
    assert [each["offer"] for each in first["items"]] == ["0", "1"]
    params = {"limit": "2", "cursor": first["next"]}
    last = (await spring("GET", "/campaigns/spring/skips", params=params, role=Role.AUDITOR)).body
    assert [(each["offer"], each["reason"]) for each in last["items"]] == [("2", "wrong-person")]
    assert last["next"] is None
    hers = (await spring("GET", "/campaigns/spring/skips", params={"agent": "1002"})).body
    assert [each["offer"] for each in hers["items"]] == ["0"]
    assert (await spring("GET", "/campaigns/spring/skips", role=Role.AGENT)).status == 403
