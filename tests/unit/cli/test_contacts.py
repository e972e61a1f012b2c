"""``contacts``: import, look, take back; on a real record store."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from controller.app import open_records
from controller.config import load
from controller.domain.campaign import Campaign
from controller.domain.ids import CampaignId
from controller.law import IT_GARANTE_2014
from tests.unit.cli.conftest import Cli

WHO = ("--author", "Dora", "--reason", "the wrong list")


@pytest.fixture(autouse=True)
def campaign() -> None:
    async def make() -> None:
        async with open_records(load(None)) as records:
            await records.save_campaign(Campaign(id=CampaignId("spring"), caller="Acme", law=IT_GARANTE_2014))

    asyncio.run(make())


def ok(done: Any) -> str:
    assert done.exit_code == 0, done.output
    return str(done.stdout)


def imported(cli: Cli, *options: str) -> Any:
    return json.loads(ok(cli("contacts", "import", "spring", "list.csv", "--json", *options)))


def write(text: str) -> None:
    Path("list.csv").write_text(text)


def test_import_twice_and_undo(cli: Cli) -> None:
    write("telefono;nome\n3471234567;Ada\n347;Bea\n3471234567;Cai\n")
    out = ok(cli("contacts", "import", "spring", "list.csv", "--author", "Dora"))
    assert "3 rows: 1 contacts stored, 2 rejected" in out
    assert "1 cannot be used, 1 are twice in the file, 0 are in the campaign already" in out
    assert "are in list.rejects.csv" in out
    again = imported(cli)
    assert again["already"] is True
    assert f"import {again['import']}; `contacts undo {again['import']}`" in out
    assert "imported before" in ok(cli("contacts", "import", "spring", "list.csv"))
    assert "imported before" in ok(cli("import", "spring", "list.csv"))
    assert imported(cli, "--again")["known"] == 1

    jobs = json.loads(ok(cli("contacts", "imports", "spring", "--json")))
    assert [(job["state"], job["stored"], job["rejected"]) for job in jobs] == [
        ("done", 0, 3),
        ("done", 1, 2),
    ]
    assert (jobs[1]["import"], jobs[1]["author"], jobs[1]["file"]) == (again["import"], "Dora", "list.csv")
    assert again["import"] in ok(cli("contacts", "imports"))

    done = cli("contacts", "undo", again["import"], *WHO, "--yes")
    assert "1 contacts deleted, 0 that had been called stay" in ok(done)
    assert cli("contacts", "undo", again["import"], *WHO, "--yes").exit_code == 1
    assert cli("contacts", "undo", "none", *WHO, "--yes").exit_code == 2
    assert cli("contacts", "undo", again["import"], "--author", " ", "--reason", "x", "--yes").exit_code == 2
    assert imported(cli)["stored"] == 0  # the import that --again made is not undone
    assert "undone: undone by Dora: the wrong list" in ok(cli("contacts", "imports"))
    assert '"action":"undo"' in ok(cli("evidence", "show", "--json")).replace('\\"', '"').replace(" ", "")


def test_undo_asks_first(cli: Cli) -> None:
    write("telefono\n3471234567\n")
    job = imported(cli)["import"]
    assert cli("contacts", "undo", job, *WHO).exit_code == 1
    assert json.loads(ok(cli("contacts", "imports", "--json")))[0]["state"] == "done"


def test_options_reach_the_import(cli: Cli) -> None:
    book = openpyxl.Workbook()
    book.active.append(["nothing"])
    sheet = book.create_sheet("Clienti")
    for row in (["Casa", "Chi", "Numero"], ["020 7946 0958", "Ann", "07911 123456"]):
        sheet.append(row)
    book.save("list.csv")
    report = imported(
        cli, "--sheet", "Clienti", "--region", "gb", "--number-column", "numero", "--name-column", "chi",
        "--rejects", "r.csv", "--consent-basis", "contract", "--consent-source", "CRM", "--consent-date",
        "2026-01-01", "--source", "crm",
    )  # fmt: skip
    assert (report["stored"], report["rejects"]) == (1, None)
    (saved,) = json.loads(ok(cli("contacts", "mapping", "show", "--json")))
    assert saved["source"] == "crm"
    assert saved["columns"] == {"Casa": "home:2", "Chi": "name", "Numero": "number:1"}


def test_a_preview(cli: Cli) -> None:
    write("cellulare;casa;nome;città;tags\n3471234567;0612345678;Ada;Roma;vip\n12;;Bea;;\n")
    out = ok(cli("contacts", "preview", "list.csv"))
    assert "CSV with ';' between the columns" in out
    for word in ("mobile:1", "home:2", "Ada", "city: Roma; tags: vip", "rejected: cellulare: too short"):
        assert word in out
    assert "+3934******67 (mobile), +3906******78 (home)" in out
    assert "+393471234567 (mobile)" in ok(
        cli("contacts", "preview", "list.csv", "--full-numbers", "--rows", "1")
    )
    shown = json.loads(ok(cli("contacts", "preview", "list.csv", "--campaign", "spring", "--json")))
    assert shown["columns"]["città"] == "city"
    assert [row.get("reason", row.get("name")) for row in shown["rows"]] == [
        "Ada",
        "cellulare: too short for a telephone number",
    ]
    assert "no imports" in ok(cli("contacts", "imports"))
    assert cli("contacts", "preview", "list.csv", "--campaign", "autumn").exit_code == 2


def test_what_strangers_write_does_not_command_the_terminal(cli: Cli) -> None:
    write("tel,no\x1b[2Jte\n3471234567,\x1b]0;x\x07ciao\n")
    out = ok(cli("contacts", "preview", "list.csv"))
    assert "\x1b" not in out
    assert "no\\x1b[2Jte: \\x1b]0;x\\x07ciao" in out


def test_mappings(cli: Cli) -> None:
    assert "no mappings" in ok(cli("contacts", "mapping", "show"))
    out = ok(cli("contacts", "mapping", "set", "crm", "Recapito=mobile:1", "a=b=Note=attribute:note"))
    assert "Recapito is mobile:1, a=b=Note is attribute:note" in out
    write("Recapito,a=b=Note\n3471234567,x\n")
    assert '"Recapito": "mobile"' in ok(cli("contacts", "preview", "list.csv", "--source", "crm", "--json"))
    assert imported(cli, "--source", "crm")["stored"] == 1
    assert "attribute:note" in ok(cli("contacts", "mapping", "show", "crm"))
    ok(cli("contacts", "mapping", "remove", "crm"))
    assert cli("contacts", "mapping", "remove", "crm").exit_code == 2
    assert cli("contacts", "mapping", "show", "crm").exit_code == 2


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        (["Tel"], "'Tel' is not understood (allowed: HEADER=FIELD"),
        (["=mobile"], "is not understood"),
        (["Tel=phone"], "'phone' is no field of a contact (allowed: number, mobile"),
        (["Tel=mobile", "Tel=home"], "says twice what 'Tel' is"),
    ],
)
def test_mappings_that_are_refused(cli: Cli, columns: list[str], problem: str) -> None:
    done = cli("contacts", "mapping", "set", "crm", *columns)
    assert done.exit_code == 2
    assert problem in done.stderr
    assert "no mappings" in ok(cli("contacts", "mapping", "show"))
