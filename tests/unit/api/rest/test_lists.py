"""Whom not to call, the evidence, and people's own data, over the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from controller.domain.access import Role
from controller.domain.evidence import GENESIS, Kind
from controller.domain.ids import E164

from .conftest import Client, World

WHO = {"author": "anna", "reason": "asked during a call"}
ADA, BEA = "+393471234567", "+393477654321"


@pytest.fixture
async def spring(client: Client) -> Client:
    await client("POST", "/campaigns", {"id": "spring"})
    return client


async def test_numbers_are_put_on_a_list_and_taken_off(spring: Client) -> None:
    on = {"numbers": [ADA, "347 1234567", BEA], "scope": "campaign", "campaign": "spring", **WHO}
    assert (await spring("POST", "/do-not-call", on)).body == {"numbers": 2, "changed": 2}
    assert (await spring("POST", "/do-not-call", {"numbers": [ADA], **WHO})).body["changed"] == 1
    listed = await spring("GET", "/do-not-call", params={"scope": "campaign", "campaign": "spring"})
    assert {each["number"] for each in listed.body["items"]} == {ADA, BEA}
    assert listed.body["items"][0] | {"person": "", "number": ""} == {
        "number": "",
        "person": "",
        "list": "campaign:spring",
        "since": "2026-03-02T10:00:00Z",
        "reason": "asked during a call",
        "source": "API",
        "author": "anna",
    }
    counts = await spring("GET", "/do-not-call/counts")
    assert counts.body["lists"] == [
        {"list": "everybody", "entries": 1},
        {"list": "campaign:spring", "entries": 2},
    ]
    off = await spring("POST", "/do-not-call/remove", on | {"numbers": [ADA]})
    assert off.body == {"numbers": 1, "changed": 1}


async def test_lists_are_read_page_by_page(spring: Client) -> None:
    numbers = [f"+39347{i:07d}" for i in range(5)]
    await spring("POST", "/do-not-call", {"numbers": numbers, **WHO})
    first = await spring("GET", "/do-not-call", params={"limit": "3"})
    rest = await spring("GET", "/do-not-call", params={"limit": "3", "cursor": first.body["next"]})
    assert sorted(each["number"] for each in first.body["items"] + rest.body["items"]) == numbers
    assert rest.body["next"] is None


@pytest.mark.parametrize(
    "which",
    [
        {"scope": "caller"},
        {"scope": "campaign", "caller": "acme"},
        {"caller": "acme"},
        {"scope": "caller", "caller": "acne"},
        {"numbers": ["+39 347"]},
    ],
)
async def test_a_list_that_binds_nobody_is_refused(spring: Client, which: dict[str, Any]) -> None:
    said = await spring("POST", "/do-not-call", {"numbers": [ADA], **WHO, **which})
    assert said.status == 422, said.text
    assert (await spring("GET", "/do-not-call")).body["items"] == []


async def test_every_change_needs_who_and_why(spring: Client) -> None:
    for missing in ({"author": "  "}, {"reason": ""}):
        assert (await spring("POST", "/do-not-call", {"numbers": [ADA], **WHO, **missing})).status == 400


async def test_the_registers_answer_is_stored(spring: Client, world: World) -> None:
    answers = [{"number": ADA, "opposed": True}, {"number": BEA, "opposed": False}]
    sent = {"checked_at": "2026-03-01T10:00:00Z", "answers": answers, **WHO}
    assert (await spring("POST", "/register", sent)).body == {"numbers": 2, "changed": 2}
    check = await world.records.lists.register_check(E164(ADA))
    assert check is not None
    assert check.opposed
    assert (await spring("GET", "/register")).body == {"known": 2, "fresh": {"it-garante-2014": 2}}
    late = await spring("POST", "/register", sent | {"checked_at": "2027-01-01T00:00:00Z"})
    assert late.status == 422


async def test_a_number_is_barred_and_released_with_evidence(spring: Client, world: World) -> None:
    barred = await spring("POST", "/suppressions", {"caller": "acme", "number": ADA, **WHO})
    assert (barred.body["number"], barred.body["by_hand"], barred.body["expires_in"]) == (ADA, True, -1)
    listed = await spring("GET", "/suppressions", params={"caller": "acme"}, role=Role.READ_ONLY)
    assert [each["number"] for each in listed.body["items"]] == ["+3934******67"]
    released = await spring("POST", "/suppressions/release", {"caller": "acme", "number": ADA, **WHO})
    assert released.body == {"still": None}
    again = await spring("POST", "/suppressions/release", {"caller": "acme", "number": ADA, **WHO})
    assert again.status == 409
    kinds = [entry.kind for entry in await world.records.evidence.entries()]
    assert kinds.count(Kind.SUPPRESSION.value) == 2


async def test_a_bar_has_its_end(spring: Client, world: World) -> None:
    until = world.clock.at + timedelta(days=1)
    sent = {"caller": "acme", "number": ADA, "until": until.isoformat(), **WHO}
    assert (await spring("POST", "/suppressions", sent)).body["expires_in"] == 86400
    assert (await spring("POST", "/suppressions", sent | {"until": "2026-01-01T00:00:00Z"})).status == 422
    assert (await spring("POST", "/suppressions", sent | {"caller": "acne"})).status == 422


async def test_the_evidence_is_whole(spring: Client, world: World) -> None:
    head = await spring("GET", "/evidence/head", role=Role.AUDITOR)
    assert head.body["seq"] == 1
    verified = await spring("POST", "/evidence/verify", head.body, role=Role.AUDITOR)
    assert (verified.body["whole"], verified.body["entries"], verified.body["head"]) == (True, 1, head.body)
    wrong = head.body | {"hash": "f" * 64}
    found = await spring("POST", "/evidence/verify", wrong, role=Role.AUDITOR)
    assert (found.body["whole"], len(found.body["findings"])) == (False, 1)
    assert (await spring("POST", "/evidence/verify", {}, role=Role.AUDITOR)).body["whole"]
    assert GENESIS.hex() == "0" * 64


async def test_a_person_is_given_their_data(spring: Client) -> None:
    await spring("POST", "/campaigns/spring/contacts", {"contacts": [{"number": ADA, "name": "Ada"}]})
    await spring("POST", "/suppressions", {"caller": "acme", "number": ADA, **WHO})
    said = await spring("POST", "/persons/export", {"number": ADA})
    assert (said.body["number"], said.body["contacts"][0]["name"]) == (ADA, "Ada")
    assert [each["caller"] for each in said.body["suppressions"]] == ["acme"]


async def test_the_law_is_data(client: Client) -> None:
    listed = await client("GET", "/regulations", role=Role.AGENT)
    assert [each["name"] for each in listed.body["items"]] == ["it-garante-2014", "lax"]
    one = await client("GET", "/regulations/it-garante-2014", role=Role.AGENT)
    assert one.body["name"] == "it-garante-2014"
    assert one.body["rules"]["consent_required"] is True
    assert (await client("GET", "/regulations/none", role=Role.AGENT)).status == 404
