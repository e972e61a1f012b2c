"""Contacts over the API: batches, filters, pages that are stable, changes by version."""

from __future__ import annotations

from typing import Any

import pytest

from controller.domain.access import Role

from .conftest import Client, World


def person(i: int, **more: Any) -> dict[str, Any]:
    return {"number": f"+39 347 {i:07d}", "name": f"Name {i}", **more}


@pytest.fixture
async def spring(client: Client) -> Client:
    await client("POST", "/campaigns", {"id": "spring"})
    return client


async def add(client: Client, *people: dict[str, Any]) -> Any:
    said = await client("POST", "/campaigns/spring/contacts", {"contacts": people})
    assert said.status == 200, said.text
    return said.body


async def test_a_contact_is_stored_as_it_was_sent(spring: Client) -> None:
    sent = {
        "number": "347 1234567",
        "kind": "mobile",
        "others": [{"number": "+39 02 1234567", "kind": "work"}],
        "name": " Ada Rossi ",
        "email": "ada@Example.org",
        "key": "K-17",
        "attributes": {"city": "Forlì"},
        "tags": ["vip", "b2b"],
        "consent": {"basis": "consent", "source": "form 7", "given_at": "2026-01-01T12:00:00+01:00"},
        "segment": "seniors",
        "zone": "Europe/Rome",
        "region": "IT-MI",
        "hours": "mon-fri 10:00-12:00",
    }
    assert await add(spring, sent) == {"stored": 1, "known": []}
    assert (await spring("GET", "/campaigns/spring/contacts/1")).body == {
        "id": 1,
        "campaign": "spring",
        "number": "+393471234567",
        "kind": "mobile",
        "others": [{"number": "+39021234567", "kind": "work"}],
        "name": "Ada Rossi",
        "email": "ada@example.org",
        "key": "K-17",
        "attributes": {"city": "Forlì"},
        "tags": ["b2b", "vip"],
        "standing": "pending",
        "attempts": 0,
        "due_at": None,
        "operator_due": False,
        "callback_at": None,
        "callback_for": None,
        "consent": {"basis": "consent", "source": "form 7", "given_at": "2026-01-01T11:00:00Z"},
        "segment": "seniors",
        "zone": "Europe/Rome",
        "region": "IT-MI",
        "hours": "mon-fri 10:00-12:00",
    }


async def test_a_batch_is_stored_whole_or_not_at_all(spring: Client) -> None:
    bad = [person(1), {"number": "12"}, person(2, email="nobody"), person(3, zone="Mars/Crater")]
    said = await spring("POST", "/campaigns/spring/contacts", {"contacts": bad})
    assert said.status == 400  # too short for a number even by its form
    bad[1] = {"number": "+39 347"}
    said = await spring("POST", "/campaigns/spring/contacts", {"contacts": bad})
    assert said.status == 422
    assert [fault["pointer"] for fault in said.body["errors"]] == [
        "/contacts/1/number",
        "/contacts/2/email",
        "/contacts/3/zone",
    ]
    assert (await spring("GET", "/campaigns/spring/contacts")).body["items"] == []


async def test_who_is_known_is_told_by_position(spring: Client, world: World) -> None:
    before = world.feed.publish("x", {}).id
    await add(spring, person(1), person(2))
    assert await add(spring, person(3), person(2), person(1)) == {"stored": 1, "known": [1, 2]}
    told = world.feed.since(before) or []
    assert [(event.kind, dict(event.data)) for event in told] == [
        ("contact.imported", {"campaign": "spring", "contacts": 2}),
        ("contact.imported", {"campaign": "spring", "contacts": 1}),
    ]


async def test_pages_neither_skip_nor_repeat_while_contacts_are_added(spring: Client) -> None:
    await add(spring, *(person(i) for i in range(10)))
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = await spring("GET", "/campaigns/spring/contacts", params=params)
        seen += [each["id"] for each in page.body["items"]]
        if len(seen) == 3:
            await add(spring, person(100), person(101))
        cursor = page.body["next"]
    assert seen == list(range(1, 13))


async def test_filters_go_with_their_cursor(spring: Client) -> None:
    await add(spring, *(person(i, tags=["even"] if i % 2 == 0 else []) for i in range(7)))
    params = {"tag": "even", "limit": "2"}
    first = await spring("GET", "/campaigns/spring/contacts", params=params)
    assert [each["id"] for each in first.body["items"]] == [1, 3]
    rest = await spring("GET", "/campaigns/spring/contacts", params=params | {"cursor": first.body["next"]})
    assert ([each["id"] for each in rest.body["items"]], rest.body["next"]) == ([5, 7], None)
    for other in ({"tag": "odd"}, {}):
        said = await spring(
            "GET", "/campaigns/spring/contacts", params=other | {"cursor": first.body["next"]}
        )
        assert (said.status, said.body["errors"][0]["pointer"]) == (422, "cursor")
    forged = first.body["next"][:-1] + ("A" if first.body["next"][-1] != "A" else "B")
    said = await spring("GET", "/campaigns/spring/contacts", params=params | {"cursor": forged})
    assert said.status == 422


async def test_a_long_list_is_looked_through_in_pieces(
    spring: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from controller.api.rest.resources import contacts

    monkeypatch.setattr(contacts, "_SCANNED", 1000)
    await add(spring, *(person(i) for i in range(1000)))
    await add(spring, *(person(1000 + i, tags=["late"]) for i in range(3)))
    page = await spring("GET", "/campaigns/spring/contacts", params={"tag": "late"})
    assert page.body["items"] == []
    rest = await spring(
        "GET", "/campaigns/spring/contacts", params={"tag": "late", "cursor": page.body["next"]}
    )
    assert ([each["id"] for each in rest.body["items"]], rest.body["next"]) == ([1001, 1002, 1003], None)


async def test_what_is_said_of_a_contact_is_changed_by_version(spring: Client) -> None:
    await add(spring, person(1, attributes={"city": "Forlì"}, tags=["a"]))
    path = "/campaigns/spring/contacts/1"
    etag = (await spring("GET", path)).headers["ETag"]
    changed = await spring("PATCH", path, {"tags": ["b", "b "]}, headers={"If-Match": etag})
    assert (changed.body["tags"], changed.body["attributes"]) == (["b"], {"city": "Forlì"})
    assert (await spring("PATCH", path, {"tags": []}, headers={"If-Match": etag})).status == 412
    again = {"If-Match": changed.headers["ETag"]}
    changed = await spring("PATCH", path, {"attributes": {}}, headers=again)
    assert (changed.body["tags"], changed.body["attributes"]) == (["b"], {})


async def test_a_contact_is_put_off(spring: Client) -> None:
    await add(spring, person(1))
    path = "/campaigns/spring/contacts/1"
    said = await spring("POST", f"{path}/put-off", {"until": "2026-04-01T10:00:00+02:00"})
    assert said.body["due_at"] == "2026-04-01T08:00:00Z"
    said = await spring("POST", f"{path}/put-off", {"until": "2026-03-15T10:00:00Z"})
    assert said.body["due_at"] == "2026-04-01T08:00:00Z"


async def test_why_a_contact_is_not_called(spring: Client) -> None:
    await add(spring, person(1))
    said = await spring("GET", "/campaigns/spring/contacts/1/history", role=Role.AUDITOR)
    (now,) = said.body["now"]
    assert (now["campaign"], now["callable"], said.body["past"]) == ("spring", False, [])
    assert now["checks"][0] == {"check": "campaign", "passed": False, "why": "is draft", "until": None}


async def test_contacts_belong_to_their_campaign(spring: Client) -> None:
    await add(spring, person(1))
    await spring("POST", "/campaigns", {"id": "summer"})
    assert (await spring("GET", "/campaigns/summer/contacts/1")).status == 404
    assert (await spring("GET", "/campaigns/spring/contacts/2")).status == 404
    assert (await spring("GET", "/campaigns/none/contacts")).status == 404


async def test_of_who_was_erased_nothing_is_shown(spring: Client) -> None:
    await add(spring, person(1, attributes={"city": "Forlì"}))
    who = {"number": "+39 347 0000001", "author": "anna", "reason": "asked by letter"}
    said = await spring("POST", "/persons/erase", who)
    assert said.body == {"contacts": 1, "attempts": 0, "opt_outs": 0, "callers": 0}
    seen = (await spring("GET", "/campaigns/spring/contacts/1")).body
    assert (seen["number"], seen["name"], seen["attributes"], seen["standing"]) == ("", "", {}, "done")
    history = await spring("GET", "/campaigns/spring/contacts/1/history")
    assert history.body == {"now": [], "past": []}
