"""Segments and scripts over the API."""

from __future__ import annotations

import pytest

from controller.domain.access import Role

from .conftest import Client

NEW = {"If-None-Match": "*"}
VIP = {"text": "tags has vip", "description": "who pays well"}


@pytest.fixture
async def spring(client: Client) -> Client:
    await client("POST", "/campaigns", {"id": "spring"})
    people = [
        {"number": f"+39 347 {i:07d}", "name": f"Name {i}", "tags": ["vip"] if i % 3 == 0 else []}
        for i in range(10)
    ]
    await client("POST", "/campaigns/spring/contacts", {"contacts": people})
    return client


# --- segments ---------------------------------------------------------------------------------------------


async def test_a_segment_is_made_changed_and_removed_by_version(spring: Client) -> None:
    made = await spring("PUT", "/segments/vip", VIP, headers=NEW)
    assert (made.status, made.headers["ETag"]) == (201, '"1"'), made.text
    assert (made.body["text"], made.body["version"]) == ("tags has vip", 1)
    assert (await spring("PUT", "/segments/vip", VIP, headers=NEW)).status == 412
    assert (await spring("PUT", "/segments/vip", VIP)).status == 428
    assert (await spring("PUT", "/segments/vip", VIP, headers={"If-None-Match": '"1"'})).status == 400
    tree = {"filter": made.body["filter"] | {}, "description": ""}
    changed = await spring("PUT", "/segments/vip", tree, headers={"If-Match": '"1"'})
    assert (changed.status, changed.headers["ETag"]) == (200, '"2"')
    assert changed.body["filter"] == made.body["filter"]
    assert (await spring("GET", "/segments", role=Role.READ_ONLY)).body["items"] == [changed.body]
    assert (await spring("DELETE", "/segments/vip", headers={"If-Match": '"1"'})).status == 412
    gone = await spring("DELETE", "/segments/vip", headers={"If-Match": '"2"'})
    assert (gone.status, gone.text) == (204, "")
    assert (await spring("GET", "/segments/vip")).status == 404
    assert (await spring("PUT", "/segments/vip", VIP, headers={"If-Match": '"2"'})).status == 412


@pytest.mark.parametrize(
    "sent", [{}, {"text": "tags has"}, {"filter": {"all": 1}}, {"text": "", "filter": {}}, {"text": "x = 1"}]
)
async def test_a_filter_that_asks_nothing_is_refused(spring: Client, sent: dict[str, object]) -> None:
    assert (await spring("PUT", "/segments/x", sent, headers=NEW)).status == 422


async def test_contacts_of_a_segment_are_counted_and_shown(spring: Client) -> None:
    await spring("PUT", "/segments/vip", VIP, headers=NEW)
    for question in ({"segment": "vip"}, {"text": "tags has vip"}):
        counted = await spring("POST", "/segments/count", {"campaign": "spring", **question})
        assert counted.body == {"contacts": 4}
    sample = await spring("POST", "/segments/sample", {"campaign": "spring", "segment": "vip", "limit": 2})
    assert [each["tags"] for each in sample.body["items"]] == [["vip"], ["vip"]]
    masked = await spring("POST", "/segments/sample", {"campaign": "spring", "text": ""}, role=Role.READ_ONLY)
    assert {each["name"] for each in masked.body["items"]} == {""}
    both = {"campaign": "spring", "segment": "vip", "text": ""}
    assert (await spring("POST", "/segments/count", both)).status == 422
    assert (await spring("POST", "/segments/count", both | {"segment": "none", "text": None})).status == 422


async def test_a_segment_that_is_dialed_stays(spring: Client) -> None:
    await spring("PUT", "/segments/vip", VIP, headers=NEW)
    dialing = {"segments": [{"segment": "vip", "weight": 2}]}
    assert (await spring("PATCH", "/campaigns/spring", dialing, headers={"If-Match": "*"})).status == 200
    assert (await spring("DELETE", "/segments/vip", headers={"If-Match": "*"})).status == 409


# --- scripts ----------------------------------------------------------------------------------------------

SCRIPT = {
    "body": "{{ greeting }} {{ contact.name }}, this is {{ agent.name }} for {{ campaign.caller }}.",
    "questions": [{"id": "interested", "text": "Are you interested?", "kind": "yes-no", "required": True}],
}


async def test_a_script_has_versions(spring: Client) -> None:
    first = await spring("POST", "/scripts/hello", SCRIPT)
    assert (first.status, first.headers["Location"]) == (201, "/api/v1/scripts/hello?version=1"), first.text
    second = await spring("POST", "/scripts/hello", SCRIPT | {"body": "Hello {{ contact.name }}"})
    assert second.body["version"] == 2
    assert (await spring("GET", "/scripts/hello")).body == second.body
    assert (await spring("GET", "/scripts/hello", params={"version": "1"})).body == first.body
    versions = await spring("GET", "/scripts/hello/versions")
    assert [each["version"] for each in versions.body["items"]] == [2, 1]
    assert (await spring("GET", "/scripts")).body["items"] == [second.body]
    assert (await spring("GET", "/scripts/none")).status == 404


async def test_a_script_that_could_do_harm_is_refused(spring: Client) -> None:
    said = await spring("POST", "/scripts/bad", {"body": "{{ contact.__class__ }}"})
    assert said.status == 422
    assert "script line 1" in said.body["detail"]


async def test_a_script_is_tried_out(spring: Client) -> None:
    await spring("POST", "/scripts/hello", SCRIPT)
    real = await spring("POST", "/scripts/hello/preview", {"campaign": "spring", "contact": 2})
    assert "Name 1" in real.body["text"]
    assert real.body["gaps"] == ["name"]  # the agent's
    nobody = await spring("POST", "/scripts/hello/preview", {"campaign": "spring"})
    assert "Maria Rossi" in nobody.body["text"]
    assert nobody.body["questions"][0]["id"] == "interested"
