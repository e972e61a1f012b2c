"""Lists uploaded over the API: watched, fetched back what was rejected, undone."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest

from controller.api.rest import Bounds, RestConfig
from controller.domain.access import Role

from .conftest import Client, Said, World

LIST = "phone,name,city\n+39 347 1234567,Ada,Forlì\n12,Nobody,\n+39 347 7654321,Bea,\n".encode()
WHO = {"author": "anna", "reason": "the wrong list"}


@pytest.fixture
async def spring(client: Client) -> Client:
    await client("POST", "/campaigns", {"id": "spring"})
    return client


async def upload(
    client: Client, body: bytes = LIST, kind: str = "text/csv", path: str = "/imports", **more: Any
) -> Said:
    return await client("POST", f"/campaigns/spring{path}", data=body, headers={"Content-Type": kind}, **more)


async def test_a_list_is_imported(spring: Client, world: World) -> None:
    said = await upload(spring, params={"file": "people.csv"})
    assert said.status == 202, said.text
    assert said.headers["Location"] == f"/api/v1/imports/{said.body['id']}"
    shown = await spring("GET", said.headers["Location"], role=Role.READ_ONLY)
    assert {name: shown.body[name] for name in ("file", "rows", "stored", "invalid", "state")} == {
        "file": "people.csv",
        "rows": 3,
        "stored": 2,
        "invalid": 1,
        "state": "done",
    }
    contacts = await spring("GET", "/campaigns/spring/contacts")
    assert [each["name"] for each in contacts.body["items"]] == ["Ada", "Bea"]
    listed = await spring("GET", "/imports", params={"campaign": "spring"})
    assert [each["id"] for each in listed.body["items"]] == [said.body["id"]]


async def test_what_was_rejected_can_be_fetched(spring: Client) -> None:
    made = (await upload(spring)).body
    path = f"/imports/{made['id']}/rejects"
    said = await spring("GET", path)
    assert (said.status, said.headers["Content-Type"]) == (200, "text/csv; charset=utf-8"), said.text
    assert "Nobody" in said.text
    assert (await spring("GET", path, role=Role.READ_ONLY)).status == 403
    assert (await spring("GET", path, headers={"Accept": "application/json"})).status == 406


async def test_the_same_file_is_imported_once(spring: Client) -> None:
    first, second = await upload(spring), await upload(spring)
    assert second.body["id"] == first.body["id"]
    again = await upload(spring, params={"again": "true"})
    assert (again.body["stored"], again.body["known"]) == (0, 2)


async def test_an_import_is_undone(spring: Client) -> None:
    made = (await upload(spring)).body
    undone = await spring("POST", f"/imports/{made['id']}/undo", WHO)
    assert undone.body == {"deleted": 2, "closed": 0}
    assert (await spring("GET", "/campaigns/spring/contacts")).body["items"] == []
    assert (await spring("POST", f"/imports/{made['id']}/undo", WHO)).status == 409


async def test_a_list_is_shown_before_it_is_imported(spring: Client) -> None:
    said = await upload(spring, path="/imports/preview", params={"rows": "2"})
    assert said.body["delimiter"] == ","
    assert said.body["rows"][0] == {"line": 2, "number": "+393471234567", "name": "Ada", "problem": ""}
    assert said.body["rows"][1]["problem"]
    assert (await spring("GET", "/campaigns/spring/contacts")).body["items"] == []


async def test_a_spreadsheet_is_read_as_one(spring: Client) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["phone", "name"], ["+39 347 1234567", "Ada"]):
        sheet.append(row)
    raw = io.BytesIO()
    book.save(raw)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    said = await upload(spring, raw.getvalue(), kind)
    assert (said.status, said.body["stored"], said.body["file"]) == (202, 1, "upload.xlsx"), said.text


@pytest.mark.parametrize("body", [b"", b"name\nAda\n"])
async def test_a_file_that_is_no_list_is_refused(spring: Client, body: bytes) -> None:
    said = await upload(spring, body)
    assert said.status == 422, said.text
    assert "upload.csv" in said.body["detail"]
    assert "/tmp" not in said.text
    assert (await spring("GET", "/campaigns/spring/contacts")).body["items"] == []


async def test_other_files_are_not_taken(spring: Client) -> None:
    assert (await upload(spring, kind="application/zip")).status == 415


async def test_events_tell_of_it(spring: Client, world: World) -> None:
    before = world.feed.publish("x", {}).id
    made = (await upload(spring)).body
    told = world.feed.since(before) or []
    assert [dict(event.data) for event in told] == [
        {"campaign": "spring", "contacts": 2, "import": made["id"]}
    ]


class TestSize:
    @pytest.fixture
    def config(self) -> RestConfig:
        return RestConfig(port=0, bounds=Bounds(upload=100))

    async def test_a_file_has_its_size(self, client: Client) -> None:
        await client("POST", "/campaigns", {"id": "spring"})
        assert (await upload(client, LIST * 10)).status == 413
