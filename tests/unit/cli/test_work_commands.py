"""``script``, ``disposition``, ``callback``: on a real record store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from controller.app import open_records
from controller.config import load
from controller.domain.call import Call, CallState
from controller.domain.campaign import Campaign
from controller.domain.contact import NewContact
from controller.domain.ids import E164, AgentId, CallId, CampaignId
from controller.domain.outcome import Outcome
from controller.domain.preview import Skip
from controller.errors import Refused
from controller.law import IT_GARANTE_2014
from controller.ports import AttemptEnd
from controller.store.records import SqlRecords
from tests.unit.api.operations import FakeOperations, looking
from tests.unit.cli.conftest import Cli

ADA, NUMBER = "Ada", E164("+393471234567")
T = TypeVar("T")
CAMPAIGN = Campaign(id=CampaignId("spring"), caller="Acme", law=IT_GARANTE_2014, script="roofs")


def stored(work: Callable[[SqlRecords], Awaitable[T]]) -> T:
    """Look into the record store that the commands use."""

    async def run() -> T:
        async with open_records(load(None)) as records:
            return await work(records)

    return asyncio.run(run())


def ok(done: Any) -> str:
    assert done.exit_code == 0, done.output
    return str(done.stdout)


def refused(done: Any, code: int = 2) -> str:
    assert done.exit_code == code, done.output
    return str(done.stderr)


@pytest.fixture(autouse=True)
def campaign() -> None:
    async def make(records: SqlRecords) -> None:
        await records.save_campaign(CAMPAIGN)
        await records.add_contacts(CAMPAIGN.id, [NewContact(number=NUMBER, name=ADA)])

    stored(make)


@pytest.fixture
def conversation() -> None:
    async def speak(records: SqlRecords) -> None:
        now = datetime.now(UTC)
        (contact,) = await records.due_contacts(CAMPAIGN.id, now, 1)
        call = Call(id=CallId("call-1"), contact=contact, admitted_at=now)
        over = replace(
            call,
            state=CallState.ENDED,
            outcome=Outcome.CONNECTED,
            agent=AgentId("1001"),
            answered_at=now,
            ended_at=now,
        )
        await records.attempt_ended(AttemptEnd(call=over, next_due=None, counts_as_attempt=True))

    stored(speak)


def workday() -> str:
    """The next day but today on which Italy works, at three in the afternoon."""
    from controller.engine.calendar import is_holiday

    day = datetime.now(UTC).date() + timedelta(days=1)
    while day.weekday() > 4 or is_holiday("IT")(day) or is_holiday("IT")(day + timedelta(days=1)):
        day += timedelta(days=1)
    return f"{day} 15:00"


# --- scripts


def saved(
    cli: Cli, text: str = "{{ greeting }}, {{ contact.name }}? {{ contact.city }}", **files: Any
) -> str:
    Path("roofs.txt").write_text(text)
    options = []
    if files:
        Path("asked.json").write_text(json.dumps(files["questions"]))
        options = ["--questions", "asked.json"]
    return ok(cli("script", "save", "roofs", "roofs.txt", "--author", "Dora", *options))


def test_a_script_is_saved_in_versions_and_shown(cli: Cli) -> None:
    asked = [{"id": "rooms", "text": "How many?", "kind": "number", "required": True}]
    assert "version 1" in saved(cli, questions=asked)
    assert "nothing changed, still version 1" in saved(cli)
    assert "version 2" in saved(cli, "Hello, {{ contact.name }}")
    shown = ok(cli("script", "show", "roofs"))
    assert "Hello, {{ contact.name }}" in shown
    assert "[rooms: number, required] How many?" in shown
    first = json.loads(ok(cli("script", "show", "roofs", "--version", "1", "--json")))
    assert (first["version"], first["author"], first["questions"]) == (1, "Dora", asked)
    listed = json.loads(ok(cli("script", "list", "--json")))
    assert [(each["name"], each["version"]) for each in listed] == [("roofs", 2)]
    assert "Dora" in ok(cli("script", "list"))


def test_what_is_no_script_is_refused_with_its_line(cli: Cli) -> None:
    Path("bad.txt").write_text("Hello\n{{ contact.nmae }}")
    save = ("script", "save", "roofs", "bad.txt", "--author")
    assert "script line 2" in refused(cli(*save, "Dora"))
    Path("bad.txt").write_bytes(b"\xff\xfe")
    assert "not UTF-8" in refused(cli(*save, "Dora"))
    Path("bad.txt").write_text("Hello")
    assert "--author" in refused(cli(*save, " "))
    for text in ("{", '[{"id": 1}]', "[" * 100_000):
        Path("asked.json").write_text(text)
        assert "asked.json" in refused(cli(*save, "Dora", "--questions", "asked.json"))
    assert ok(cli("script", "list")) == "there is no script yet: script save\n"


def test_a_preview_for_a_sample_and_for_a_contact(cli: Cli) -> None:
    saved(cli)
    assert "Maria Rossi? Forlì" in ok(cli("script", "preview", "roofs", "--campaign", "spring"))
    done = cli("script", "preview", "roofs", "--campaign", "spring", "--number", NUMBER)
    assert ", Ada? _____" in ok(done)
    assert "not known of this contact: city" in done.stderr
    html = ok(cli("script", "preview", "roofs", "--campaign", "spring", "--number", NUMBER, "--html"))
    assert '<mark class="gap" title="city"></mark></p>' in html
    as_json = ("script", "preview", "roofs", "--campaign", "spring", "--number", NUMBER, "--json")
    assert json.loads(ok(cli(*as_json)))["gaps"] == ["city"]
    other = ("script", "preview", "roofs", "--campaign", "spring", "--number", "+393470000000")
    assert "no contact with this number" in refused(cli(*other))
    assert "no script 'gates'" in refused(cli("script", "preview", "gates", "--campaign", "spring"))


# --- dispositions


def test_a_campaigns_words_are_listed(cli: Cli) -> None:
    shown = ok(cli("disposition", "list", "spring"))
    assert "do-not-call list of the caller" in shown
    assert "called again after 3 h" in shown
    plain = json.loads(ok(cli("disposition", "list", "spring", "--json")))
    assert {"code": "sale", "label": "Venduto", "kind": "customer", "key": "1"} in plain
    assert "autumn" in refused(cli("disposition", "list", "autumn"))


@pytest.mark.usefixtures("conversation")
def test_what_came_of_a_call_is_recorded_and_told(cli: Cli) -> None:
    asked = [
        {"id": "rooms", "text": "How many?", "kind": "number"},
        {"id": "parts", "text": "Which?", "kind": "several", "choices": ["roof", "door"]},
    ]
    saved(cli, questions=asked)
    record = ("disposition", "record", "call-1")
    said = cli(
        *record, "lead", "--author", "Anna", "--notes", "Send the offer.", "--script-version", "1",
        "--answer", "rooms=3", "--answer", "parts=door", "--answer", "parts=roof",
    )  # fmt: skip
    assert "call call-1: lead (lead) recorded" in ok(said)
    (found,) = json.loads(ok(cli("disposition", "history", "--call", "call-1", "--json")))
    assert (found["code"], found["agent"], found["author"]) == ("lead", "1001", "Anna")
    assert found["answers"] == {"rooms": 3, "parts": ["roof", "door"]}
    of_contact = cli("disposition", "history", "--campaign", "spring", "--number", NUMBER)
    assert "Send the offer." in ok(of_contact)
    for bad, why in (
        (("gold",), "no disposition 'gold'"),
        (("lead", "--answer", "rooms"), "no answer"),
        (("lead", "--script-version", "1", "--answer", "rooms=x"), "rooms is to be a number"),
        (("lead", "--agent", "1001"), "--call-back"),
        (("call-back",), "when do they want"),
    ):
        assert why in refused(cli(*record, *bad, "--author", "Anna"))
    assert "no agent reached" in refused(cli("disposition", "record", "call-9", "sale", "--author", "Anna"))
    for less in ([], ["--call", "x", "--campaign", "spring"], ["--campaign", "spring"], ["--number", "+391"]):
        assert "--call, or" in refused(cli("disposition", "history", *less))


@pytest.mark.usefixtures("conversation")
def test_a_call_back_promised_in_a_call(cli: Cli) -> None:
    record = ("disposition", "record", "call-1", "call-back", "--author", "Anna", "--agent", "1001")
    night = workday().replace("15:00", "03:00")
    assert "nobody can be promised" in refused(cli(*record, "--call-back", night), 1)
    ok(cli(*record, "--call-back", workday(), "--call-back-note", "after lunch"))
    (made,) = json.loads(ok(cli("callback", "list", "--json")))
    assert (made["agent"], made["note"], made["call"]) == ("1001", "after lunch", "call-1")


# --- call-backs


def test_a_promise_is_listed_moved_and_cancelled(cli: Cli) -> None:
    add = ("callback", "add", "spring", NUMBER)
    told = ok(cli(*add, workday(), "--author", "Dora", "--agent", "1001", "--note", "ring twice"))
    assert "call-back 1 for" in told
    assert "15:00 Europe/Rome" in told
    shown = ok(cli("callback", "list", "--campaign", "spring", "--agent", "1001"))
    assert "ring twice" in shown
    assert "no call-back is open" in ok(cli("callback", "list", "--agent", "1002"))

    later = workday().replace("15:00", "16:30")
    assert "16:30" in ok(cli("callback", "move", "1", later))
    (made,) = json.loads(ok(cli("callback", "list", "--json")))
    assert made["agent"] == "1001"
    ok(cli("callback", "move", "1", later, "--anybody"))
    (made,) = json.loads(ok(cli("callback", "list", "--json")))
    assert made["agent"] is None
    ok(cli("callback", "move", "1", later, "--agent", "1002"))
    assert "one of them" in refused(cli("callback", "move", "1", later, "--agent", "1002", "--anybody"))
    night = workday().replace("15:00", "03:00")
    assert "nobody can be promised" in refused(cli("callback", "move", "1", night), 1)
    assert "3:00" not in ok(cli("callback", "move", "1", night, "--nearest"))

    ok(cli("callback", "cancel", "1"))
    assert "no call-back is open" in ok(cli("callback", "list"))
    (over,) = json.loads(ok(cli("callback", "list", "--state", "cancelled", "--json")))
    assert over["ended_at"] is not None
    assert "is cancelled" in refused(cli("callback", "cancel", "1"), 1)


def test_what_cannot_be_promised(cli: Cli) -> None:
    add = ("callback", "add", "spring", NUMBER)
    assert "no time" in refused(cli(*add, "soon", "--author", "Dora"))
    assert "--author" in refused(cli(*add, workday(), "--author", " "))
    other = ("callback", "add", "spring", "+393470000000", workday(), "--author", "Dora")
    assert "no contact with this number" in refused(cli(*other))
    assert "no call-back 9" in refused(cli("callback", "cancel", "9"))
    assert "no call-back 9" in refused(cli("callback", "move", "9", workday()))


# --- offers


def test_an_agent_looks_at_who_is_to_be_called(cli: Cli, operations: FakeOperations) -> None:
    operations.now = looking("1001")
    script = Path("roofs.txt")
    script.write_text("Hello {{ contact.name }}, I am {{ agent.name }}.")
    ok(cli("script", "save", "roofs", str(script), "--author", "dora"))
    out = ok(cli("agent", "offer", "1001"))
    assert "name: Ada" in out
    assert "Hello Ada, I am Anna." in out
    assert NUMBER not in out
    assert "offer 0ffe7" in out
    shown = json.loads(ok(cli("agent", "offer", "1001", "--json", "--full-numbers")))
    assert (shown["contact"]["number"], shown["campaign"]) == (NUMBER, "spring")
    assert "has no offer" in refused(cli("agent", "offer", "1002"), 1)
    (agent, *_) = json.loads(ok(cli("agent", "list", "--json")))
    assert (agent["state"], agent["offer"]["id"]) == ("preview", "0ffe7")


def test_an_agent_has_them_called_or_skips_them(cli: Cli, operations: FakeOperations) -> None:
    assert "call call-2" in ok(cli("agent", "accept", "1001"))
    ok(cli("agent", "skip", "1001", "--reason", "wrong-person"))
    assert operations.asked == [("accept", "1001", ""), ("skip", "1001", "", "wrong-person")]
    operations.error = Refused("the contact is not called: on the do-not-call list")
    assert "do-not-call list" in refused(cli("agent", "accept", "1001"), 1)


def test_skipped_contacts_are_listed(cli: Cli) -> None:
    assert "nobody was skipped" in ok(cli("agent", "skips", "spring"))

    async def skip(records: SqlRecords) -> None:
        now = datetime.now(UTC)
        (contact,) = await records.due_contacts(CAMPAIGN.id, now, 1)
        for offer, agent in (("a", "1001"), ("b", "1002")):
            await records.work.skipped(
                Skip(
                    offer=CallId(offer),
                    campaign=CAMPAIGN.id,
                    contact=contact.id,
                    agent=AgentId(agent),
                    reason="wrong-person",
                    at=now,
                )
            )

    stored(skip)
    assert "wrong-person" in ok(cli("agent", "skips", "spring"))
    (found,) = json.loads(ok(cli("agent", "skips", "spring", "--agent", "1002", "--json")))
    assert (found["offer"], found["agent"]) == ("b", "1002")
    refused(cli("agent", "skips", "autumn"))
