"""Campaigns over the API: made, changed by version, started; and what may be sent of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.domain.access import Role

from .conftest import Client, World


async def test_a_campaign_is_made_read_and_listed(client: Client) -> None:
    made = await client(
        "POST", "/campaigns", {"id": "spring", "max_lines": 7, "hours": "mon-fri 10:00-12:00"}
    )
    assert made.status == 201, made.text
    assert made.headers["Location"] == "/api/v1/campaigns/spring"
    assert (made.body["state"], made.body["caller"], made.body["max_lines"]) == ("draft", "acme", 7)
    read = await client("GET", made.headers["Location"])
    assert read.body == made.body
    assert read.headers["ETag"] == made.headers["ETag"] == '"1"'
    listed = await client("GET", "/campaigns")
    assert listed.body == {"items": [made.body], "next": None}


async def test_times_are_read_with_their_offset_and_written_in_utc(client: Client) -> None:
    made = await client("POST", "/campaigns", {"id": "spring", "opens_at": "2026-12-01T09:00:00+01:00"})
    assert (made.body["opens_at"], made.body["state"]) == ("2026-12-01T08:00:00Z", "scheduled")


@pytest.mark.parametrize(
    ("sent", "status", "pointer"),
    [
        ({"id": "a b"}, 400, "/id"),
        ({}, 400, "/id"),
        ({"id": "x", "max_lines": "7"}, 400, "/max_lines"),
        ({"id": "x", "max_lines": None}, 400, "/max_lines"),
        ({"id": "x", "lines": 7}, 400, "/lines"),
        ({"id": "x", "opens_at": "2026-12-01T09:00:00"}, 400, "/opens_at"),
        ({"id": "x", "opens_at": 1764547200}, 400, "/opens_at"),
        ({"id": "x", "overdial": 11}, 400, "/overdial"),
        ({"id": "x", "opens_at": "2026-02-30T09:00:00Z"}, 422, ""),
        ({"id": "x", "zone": "Europe/Atlantis"}, 422, ""),
        ({"id": "x", "regulation": "none-such"}, 422, ""),
        ({"id": "x", "dial_string": "PJSIP/nobody"}, 422, ""),
        ({"id": "x", "hours": "now and then"}, 422, ""),
    ],
)
async def test_what_cannot_be_used_is_refused_with_its_place(
    client: Client, sent: dict[str, Any], status: int, pointer: str
) -> None:
    said = await client("POST", "/campaigns", sent)
    assert (said.status, said.headers["Content-Type"]) == (status, "application/problem+json")
    assert said.body["errors"][0]["pointer"] == pointer
    assert (await client("GET", "/campaigns")).body["items"] == []


async def test_an_edit_names_the_version_that_was_seen(client: Client, world: World) -> None:
    await client("POST", "/campaigns", {"id": "spring"})
    path = "/campaigns/spring"
    assert (await client("PATCH", path, {"max_lines": 5})).status == 428
    changed = await client("PATCH", path, {"max_lines": 5}, headers={"If-Match": '"1"'})
    assert (changed.status, changed.body["max_lines"], changed.headers["ETag"]) == (200, 5, '"2"')
    late = await client("PATCH", path, {"max_lines": 6}, headers={"If-Match": '"1"'})
    assert (late.status, late.headers["ETag"]) == (412, '"2"')
    weak = await client("PATCH", path, {"max_lines": 6}, headers={"If-Match": 'W/"2"'})
    assert weak.status == 412
    assert (await client("PATCH", path, {"max_lines": 6}, headers={"If-Match": "2"})).status == 400
    assert (await client("GET", path)).body["max_lines"] == 5
    any_version = await client("PATCH", path, {"wrap_up": 1.5}, headers={"If-Match": '"7", *'})
    assert any_version.status == 400
    any_version = await client("PATCH", path, {"wrap_up": 1.5}, headers={"If-Match": "*"})
    assert (any_version.status, any_version.body["max_lines"], any_version.body["wrap_up"]) == (200, 5, 1.5)
    assert ("changed", "spring") in world.operations.asked


async def test_of_two_edits_at_once_one_wins(client: Client) -> None:
    await client("POST", "/campaigns", {"id": "spring"})
    both = await asyncio.gather(
        *(client("PATCH", "/campaigns/spring", {"max_lines": n}, headers={"If-Match": '"1"'}) for n in (5, 6))
    )
    assert sorted(said.status for said in both) == [200, 412]


async def test_what_is_had_already_is_not_sent_again(client: Client) -> None:
    await client("POST", "/campaigns", {"id": "spring"})
    said = await client("GET", "/campaigns/spring", headers={"If-None-Match": 'W/"1", "7"'})
    assert (said.status, said.text, said.headers["ETag"]) == (304, "", '"1"')
    assert (await client("GET", "/campaigns/spring", headers={"If-None-Match": '"2"'})).status == 200


async def test_operations_reach_the_controller(client: Client, world: World) -> None:
    await client("POST", "/campaigns", {"id": "spring"})
    for verb, body in (("start", None), ("pause", {"reason": "lunch"}), ("stop", {})):
        said = await client("POST", f"/campaigns/spring/{verb}", body, role=Role.SUPERVISOR)
        assert said.status == 200, said.text
    assert world.operations.asked == [("start", "spring"), ("pause", "spring", "lunch"), ("stop", "spring")]
    assert (await client("POST", "/campaigns/none/start")).status == 404
    assert (await client("GET", "/campaigns/spring/status")).body["in_flight"] == 4


async def test_archived_and_taken_out_again(client: Client) -> None:
    await client("POST", "/campaigns", {"id": "spring"})
    assert (await client("POST", "/campaigns/spring/archive")).body["state"] == "archived"
    assert (await client("POST", "/campaigns/spring/archive")).status == 409
    assert (await client("GET", "/campaigns", params={"state": "draft"})).body["items"] == []
    assert (await client("POST", "/campaigns/spring/restore")).body["state"] == "stopped"


async def test_check_and_report(client: Client) -> None:
    await client("POST", "/campaigns", {"id": "spring"})
    await client("POST", "/campaigns/spring/contacts", {"contacts": [{"number": "+39 347 1234567"}]})
    checked = await client("POST", "/campaigns/spring/check", role=Role.READ_ONLY)
    assert (checked.body["contacts"], checked.body["callable"]) == (1, 1)
    report = await client("GET", "/campaigns/spring/report", role=Role.AUDITOR)
    assert (report.body["campaign"], report.body["law_kept"]) == ("spring", True)
