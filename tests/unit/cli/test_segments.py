"""``segment``, on a real record store; and every example of docs/segments.md."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from controller.app import open_records
from controller.config import load
from controller.domain.campaign import Campaign
from controller.domain.contact import NewContact
from controller.domain.dialing_plan import SegmentShare
from controller.domain.ids import E164, CampaignId
from controller.domain.segment_json import OPS, filter_of, json_of
from controller.domain.segment_text import parse_filter
from controller.domain.segment_writing import text_of
from controller.law import IT_GARANTE_2014
from controller.store.records import SqlRecords
from tests.unit.cli.conftest import Cli

DOCS = Path(__file__).parents[3] / "docs"
GUIDE = (DOCS / "segments.md").read_text()
SPRING = CampaignId("spring")
T = TypeVar("T")


def stored(work: Callable[[SqlRecords], Awaitable[T]]) -> T:
    """Do something in the record store that the commands use."""

    async def run() -> T:
        async with open_records(load(None)) as records:
            return await work(records)

    return asyncio.run(run())


@pytest.fixture
def spring(environment: None) -> None:
    """A campaign with ten contacts, every other one in Milan."""

    async def make(records: SqlRecords) -> None:
        await records.save_campaign(Campaign(id=SPRING, caller="Acme", law=IT_GARANTE_2014))
        contacts = [
            NewContact(
                number=E164(f"+3934712345{i:02}"),
                name=f"Name {i}",
                attributes={"province": ("MI", "RM")[i % 2], "city": "Milano", "debt": f"{i * 50}"},
            )
            for i in range(10)
        ]
        await records.add_contacts(SPRING, contacts)

    stored(make)


def ok(done: Any) -> str:
    assert done.exit_code == 0, done.output
    return str(done.stdout)


def test_a_segment_is_saved_shown_listed_and_removed(cli: Cli) -> None:
    assert "no segments" in ok(cli("segment", "list"))
    saved = ok(cli("segment", "save", "milan", 'province  is "MI" and (age>=18)', "--author", "Dora"))
    assert saved == "segment milan, version 1: province is MI and age >= 18\n"
    ok(cli("segment", "save", "milan", "province is MI", "--description", "In Milan", "--author", "Dora"))
    shown = ok(cli("segment", "show", "milan"))
    assert "province is MI\ndescription: In Milan\nversion: 2, by Dora, " in shown
    assert shown.endswith("dialed by: no campaign\n")
    [listed] = json.loads(ok(cli("segment", "list", "--json")))
    assert (listed["name"], listed["version"], listed["text"]) == ("milan", 2, "province is MI")
    assert filter_of(listed["filter"]) == parse_filter("province is MI")
    assert "In Milan" in ok(cli("segment", "list"))
    assert ok(cli("segment", "remove", "milan")) == "segment milan removed\n"
    assert "there is no segment 'milan'" in cli("segment", "remove", "milan").stderr


@pytest.mark.parametrize(
    "text", ["# mine\nprovince is MI\n", '\n{"field": "province", "op": "is", "value": "MI"}']
)
def test_a_filter_comes_from_a_file_as_text_or_json(cli: Cli, text: str) -> None:
    Path("filter.txt").write_text(text)
    assert "version 1: province is MI" in ok(cli("segment", "save", "milan", "--file", "filter.txt"))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"province\nwas MI", "filter.txt line 2 column 1"),
        (b'{"all": [{"field": "nome", "op": "present"}]}', "filter.txt.all[0]: there is no field 'nome'"),
        (b'{"all": [', "filter.txt: is no JSON"),
        (b"{" + b'"not": {' * 100_000, "filter.txt: is"),
        (b"name is \xff", "filter.txt: is no text in UTF-8"),
        (b"x" * 1_000_001, "filter.txt: is too long"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(cli: Cli, content: bytes, problem: str) -> None:
    Path("filter.txt").write_bytes(content)
    done = cli("segment", "save", "milan", "--file", "filter.txt")
    assert done.exit_code == 2
    assert problem in done.stderr


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (("save", "milan"), "FILTER: is given twice, or not at all"),
        (("save", "in Milan", "everybody"), "'in Milan' cannot be used"),
        (("save", "milan", "everybody", "--description", "two\nlines"), "description: cannot be used"),
        (("save", "milan", "name is"), "filter line 1 column 8"),
        (("show", "rome"), "there is no segment 'rome'"),
        (("count", "spring"), "NAME: is given twice, or not at all"),
        (("count", "spring", "rome"), "there is no segment 'rome'"),
        (("count", "autumn", "--filter", "everybody"), "'autumn' does not exist"),
        (("sample", "spring", "--filter", "everybody", "--limit", "101"), "1 to 100"),
    ],
)
def test_wrong_usage(cli: Cli, spring: None, args: tuple[str, ...], problem: str) -> None:
    done = cli("segment", *args)
    assert done.exit_code == 2
    assert problem in done.stderr


def test_who_looked_at_another_version_changes_nothing(cli: Cli) -> None:
    ok(cli("segment", "save", "milan", "province is MI", "--expect", "0"))
    for args in (("save", "milan", "everybody", "--expect", "0"), ("remove", "milan", "--expect", "2")):
        done = cli("segment", *args)
        assert done.exit_code == 1
        assert "milan" in done.stderr
    assert "province is MI" in ok(cli("segment", "show", "milan"))


def test_a_segment_that_a_campaign_dials_is_not_removed(cli: Cli, spring: None) -> None:
    ok(cli("segment", "save", "milan", "province is MI"))

    async def dial(records: SqlRecords) -> None:
        row = await records.campaign(SPRING)
        assert row is not None
        dialing = replace(row.campaign, dialing=(SegmentShare(segment="milan"),))
        await records.edit_campaign(dialing, row.version, {}, "Dora")

    stored(dial)
    done = cli("segment", "remove", "milan")
    assert done.exit_code == 1
    assert "segment milan is dialed by spring" in done.stderr
    assert json.loads(ok(cli("segment", "show", "milan", "--json")))["used_by"] == ["spring"]


def test_contacts_are_counted_and_shown_masked(cli: Cli, spring: None) -> None:
    ok(cli("segment", "save", "milan", "province is MI and attributes.debt >= 100"))
    assert ok(cli("segment", "count", "spring", "milan")) == "4 contacts of spring match\n"
    counted = json.loads(ok(cli("segment", "count", "spring", "--filter", "province is RM", "--json")))
    assert counted == {"campaign": "spring", "matching": 5}
    shown = ok(cli("segment", "sample", "spring", "milan"))
    assert "Name 2" in shown
    assert "+393471234502" not in shown
    full = json.loads(ok(cli("segment", "sample", "spring", "milan", "--full-numbers", "--json")))
    assert {entry["number"] for entry in full} == {f"+3934712345{i:02}" for i in (2, 4, 6, 8)}
    assert full[0]["standing"] == "waiting"
    none = ok(cli("segment", "sample", "spring", "--filter", "province is PA"))
    assert "no contact of spring matches" in none


# --- the guide


EXAMPLES = re.findall(r"```segment\n(.*?)```", GUIDE, re.DOTALL)
AS_JSON = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_filter_of_the_guide_is_one(text: str) -> None:
    filter_ = parse_filter(text, "docs/segments.md")
    assert parse_filter(text_of(filter_)) == filter_


def test_the_guide_has_examples_and_its_json_is_a_filter() -> None:
    assert len(EXAMPLES) > 10
    [value] = AS_JSON
    filter_ = filter_of(json.loads(value))
    assert filter_of(json_of(filter_)) == filter_


def test_the_guide_names_every_field_and_every_op() -> None:
    from controller.domain.segment_fields import COLUMNS, FIELDS, WORDS
    from controller.domain.segment_words import KEYWORDS

    fields = GUIDE.split("## The fields")[1].split("## Examples")[0]
    words = [word for field, words in WORDS.items() if field != "area" for word in words]
    for word in (*FIELDS, *COLUMNS, *words):
        assert re.search(rf"\b{re.escape(word)}\b", fields), word
    for op in OPS:
        assert f"`{op}`" in GUIDE, op
    grammar = GUIDE.split("## The grammar")[1]
    for keyword in KEYWORDS:
        assert f'"{keyword}"' in grammar, keyword


def test_the_guides_commands_work_in_their_order(cli: Cli, spring: None) -> None:
    Path("birthdays.txt").write_text("birthday within next 7 days")
    ok(cli("segment", "save", "rest", "everybody"))
    commands = re.findall(r"^    campaign-controller (.*)$", GUIDE, re.MULTILINE)
    assert len(commands) > 8
    for command in commands:
        ok(cli(*shlex.split(command)))
