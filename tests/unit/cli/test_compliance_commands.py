"""``dnc``, ``register``, ``person``: on a real record store, and where Redis has a part in it a real one."""

from __future__ import annotations

import asyncio
import csv
import json
import stat
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from controller.app import open_ledger, open_records
from controller.config import Settings, load
from controller.domain.call import Call
from controller.domain.campaign import Campaign
from controller.domain.evidence import Kind
from controller.domain.ids import E164, CallId, CampaignId
from controller.law import IT_GARANTE_2014
from controller.ports import Admission, Admitting, Exposure, Ledger, ManualSuppression
from controller.store.records import SqlRecords
from lab.redis import Redis
from tests.contract.ledger.conftest import redis_server  # noqa: F401 - a fixture
from tests.fakes.law import LAX
from tests.unit.cli.conftest import Cli

ADA, BEA, CIRO = E164("+393471234567"), E164("+393471234568"), E164("+393471234569")
WHO = ("--author", "Dora", "--reason", "asked for it")
T = TypeVar("T")


def stored(work: Callable[[SqlRecords], Awaitable[T]]) -> T:
    """Look into the record store that the commands used."""

    async def run() -> T:
        async with open_records(load(None)) as records:
            return await work(records)

    return asyncio.run(run())


def ok(done: Any) -> str:
    assert done.exit_code == 0, done.output
    return str(done.stdout)


def make_campaign(name: str = "spring", caller: str = "Acme", contacts: str = "") -> None:
    from controller.engine.importing import import_contacts

    file = Path("contacts.csv")
    file.write_text("telefono;nome;note\n" + contacts)

    async def make(records: SqlRecords) -> None:
        campaign = Campaign(id=CampaignId(name), caller=caller, law=IT_GARANTE_2014)
        await records.save_campaign(campaign)
        if contacts:
            await import_contacts(file, campaign.id, records)

    stored(make)


def listed() -> set[tuple[str, str | None]]:
    async def look(records: SqlRecords) -> set[tuple[str, str | None]]:
        return {(entry.scope, entry.number) for entry in await records.lists.opt_outs()}

    return stored(look)


def kinds() -> list[str]:
    async def look(records: SqlRecords) -> list[str]:
        return [entry.kind for entry in await records.evidence.entries()]

    return stored(look)


# --- do-not-call lists


def test_a_number_is_put_on_a_list_and_taken_off(cli: Cli) -> None:
    make_campaign()
    assert ok(cli("dnc", "add", "347 1234567", *WHO)) == f"{ADA} is now on the do-not-call list everybody\n"
    assert "was already on" in ok(cli("dnc", "add", "347 1234567", *WHO))
    ok(cli("dnc", "add", ADA, "--caller", "Acme", *WHO))
    ok(cli("dnc", "add", BEA, "--scope", "campaign", "--campaign", "spring", *WHO))
    assert listed() == {("*", ADA), ("caller:Acme", ADA), ("campaign:spring", BEA)}

    out = ok(cli("dnc", "remove", ADA, *WHO))
    assert f"{ADA} is no longer on the do-not-call list everybody" in out
    assert f"{ADA} stays on the do-not-call list caller:Acme" in out
    assert "was not on" in ok(cli("dnc", "remove", ADA, *WHO))
    assert listed() == {("caller:Acme", ADA), ("campaign:spring", BEA)}
    assert kinds().count(Kind.OPT_OUT.value) == 6


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--caller", "Acne"], "no campaign calls for 'Acne' (allowed: Acme)"),
        (["--campaign", "sprint"], "sprint"),
        (["--scope", "caller"], "--caller: is needed"),
        (["--scope", "everybody", "--caller", "Acme"], "cannot be used together"),
        (["--caller", "Acme", "--campaign", "spring"], "each has a list of its own"),
        (["--scope", "world"], "allowed: everybody, caller, campaign"),
        (["--author", " "], "--author: is empty"),
    ],
)
def test_a_list_that_would_bind_nobody_is_refused(cli: Cli, options: list[str], problem: str) -> None:
    make_campaign()
    done = cli("dnc", "add", ADA, *WHO, *options)
    assert done.exit_code == 2
    assert problem in done.stderr
    assert listed() == set()


def test_author_and_reason_are_demanded(cli: Cli) -> None:
    for command in (["dnc", "add", ADA], ["dnc", "remove", ADA], ["person", "erase", ADA]):
        assert cli(*command, "--author", "Dora").exit_code == 2
        assert cli(*command, "--reason", "so").exit_code == 2


def test_a_file_is_loaded_whole_or_not_at_all(cli: Cli) -> None:
    file = Path("list.csv")
    file.write_text(f"numero\n{ADA}\n{BEA}\n347 123 45 67\n")
    ok(cli("dnc", "add", ADA, *WHO))
    out = ok(cli("dnc", "load", "list.csv", *WHO))
    assert out == "2 numbers: 1 put on the do-not-call list everybody, 1 were there already\n"
    assert listed() == {("*", ADA), ("*", BEA)}

    file.write_text(f"numero\n{CIRO}\n347\n")
    done = cli("dnc", "load", "list.csv", *WHO)
    assert done.exit_code == 2
    assert "line 3: numero: too short" in done.stderr
    assert listed() == {("*", ADA), ("*", BEA)}


def test_lists_are_shown_counted_and_exported(cli: Cli) -> None:
    make_campaign()
    ok(cli("dnc", "add", ADA, *WHO))
    ok(cli("dnc", "add", BEA, "--caller", "Acme", *WHO))
    assert json.loads(ok(cli("dnc", "count", "--json"))) == {"*": 1, "caller:Acme": 1}
    assert "caller:Acme" in ok(cli("dnc", "count"))
    assert ADA not in ok(cli("dnc", "list"))
    assert ADA in ok(cli("dnc", "list", "--full-numbers"))
    (entry,) = json.loads(ok(cli("dnc", "list", "--caller", "Acme", "--full-numbers", "--json")))
    assert (entry["number"], entry["list"], entry["author"]) == (BEA, "caller:Acme", "Dora")

    assert ok(cli("dnc", "export", "out.csv")) == "2 entries written to out.csv\n"
    assert stat.S_IMODE(Path("out.csv").stat().st_mode) == 0o600
    with Path("out.csv").open(newline="") as stream:
        rows = {row["number"]: row["list"] for row in csv.DictReader(stream)}
    assert rows == {ADA: "everybody", BEA: "caller:Acme"}
    assert "is there already" in cli("dnc", "export", "out.csv").stderr
    # What was exported can be loaded.
    assert "2 numbers: 1 put" in ok(cli("dnc", "load", "out.csv", *WHO))


def test_an_export_goes_on_past_a_page(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.cli.dnc._PAGE", 3)
    Path("list.txt").write_text("".join(f"347123{i:04d}\n" for i in range(10)))
    ok(cli("dnc", "load", "list.txt", *WHO))
    assert "10 entries" in ok(cli("dnc", "export", "out.csv"))
    assert len(set(Path("out.csv").read_text().splitlines())) == 11


# --- the register


def days_ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def test_the_registers_answer_is_stored(cli: Cli) -> None:
    Path("rpo.csv").write_text(f"numero;iscritto\n{ADA};si\n{BEA};no\n")
    done = cli("register", "load", "rpo.csv", "--checked-at", days_ago(1), "--author", "Dora")
    assert "2 numbers checked on" in ok(done)
    assert "1 in the register, 1 not in it" in done.stdout
    assert done.stderr == ""
    check = stored(lambda records: records.lists.register_check(ADA))
    assert check is not None
    assert (check.opposed, check.source) == (True, "rpo.csv")
    assert kinds() == [Kind.REGISTER.value]
    now = json.loads(ok(cli("register", "status", "--json")))
    assert now["known"] == 2
    assert set(now["fresh"].values()) == {2}
    assert "2 numbers were checked" in ok(cli("register", "status"))


def test_an_old_answer_is_stored_with_a_warning(cli: Cli) -> None:
    Path("rpo.csv").write_text(f"numero;iscritto\n{ADA};si\n")
    done = cli("register", "load", "rpo.csv", "--checked-at", days_ago(400), "--author", "Dora")
    ok(done)
    assert "older than 15 days, which is all that it-garante-2014 allows" in done.stderr
    now = json.loads(ok(cli("register", "status", "--json")))
    assert (now["known"], now["fresh"]["it-garante-2014"]) == (1, 0)


@pytest.mark.parametrize(
    ("content", "checked_at", "problem"),
    [
        ("numero;iscritto\n3471234567;si\n", days_ago(-1), "is still to come"),
        ("numero;iscritto\n3471234567;si\n", "yesterday", "--checked-at: 'yesterday' cannot be read"),
        ("numero;iscritto\n3471234567;si\n3471234567;no\n", "2026-01-01", "line 3: says the contrary"),
        ("numero\n3471234567\n", "2026-01-01", "--answer-column"),
    ],
    ids=["to come", "no date", "contradicts itself", "no answers"],
)
def test_a_bad_answer_is_refused_and_the_former_stays(
    cli: Cli, content: str, checked_at: str, problem: str
) -> None:
    Path("good.csv").write_text(f"numero;iscritto\n{ADA};si\n")
    ok(cli("register", "load", "good.csv", "--checked-at", days_ago(3), "--author", "Dora"))
    Path("rpo.csv").write_text(content)
    done = cli("register", "load", "rpo.csv", "--checked-at", checked_at, "--author", "Dora")
    assert done.exit_code == 2
    assert problem in done.stderr
    check = stored(lambda records: records.lists.register_check(ADA))
    assert check is not None
    assert check.source == "good.csv"


# --- people


@pytest.fixture
def settings(redis_server: Redis, monkeypatch: pytest.MonkeyPatch) -> Settings:  # noqa: F811
    monkeypatch.setenv("CC_REDIS__URL", redis_server.url)
    return load(None)


def ledger(settings: Settings, work: Callable[[Ledger], Awaitable[T]]) -> T:
    async def run() -> T:
        async with open_ledger(settings) as opened:
            return await work(opened)

    return asyncio.run(run())


def bar(settings: Settings, caller: str, number: E164) -> None:
    who = ManualSuppression(author="Dora", reason="shouted", since=datetime.now(UTC))
    ledger(settings, lambda opened: opened.suppress(caller, number, who))


def test_a_person_sees_all_that_is_stored(cli: Cli, settings: Settings) -> None:
    make_campaign(caller="Export", contacts=f"{ADA};Ada;vegan\n{BEA};Bea;\n")
    ok(cli("dnc", "add", ADA, "--campaign", "spring", *WHO))
    bar(settings, "Export", ADA)
    found = json.loads(ok(cli("person", "export", "347 1234567")))
    assert found["number"] == ADA
    assert [(row["name"], row["attributes"]) for row in found["contacts"]] == [("Ada", {"note": "vegan"})]
    assert [row["scope"] for row in found["opt_outs"]] == ["campaign:spring"]
    assert [(entry["caller"], entry["by_hand"]) for entry in found["suppressions"]] == [("Export", True)]
    assert "Bea" not in json.dumps(found)

    ok(cli("person", "export", ADA, "--output", "ada.json"))
    assert json.loads(Path("ada.json").read_text())["contacts"] == found["contacts"]
    assert stat.S_IMODE(Path("ada.json").stat().st_mode) == 0o600
    assert cli("person", "export", ADA, "--output", "ada.json").exit_code == 2


def test_a_person_is_forgotten_and_stays_protected(cli: Cli, settings: Settings) -> None:
    make_campaign(caller="Erase", contacts=f"{ADA};Ada;vegan\n{BEA};Bea;\n")
    make_campaign("autumn", "Other")
    ok(cli("dnc", "add", ADA, "--campaign", "spring", *WHO))
    bar(settings, "Erase", ADA)
    out = ok(cli("person", "erase", ADA, *WHO, "--yes"))
    assert "erased in 1 contacts and 0 attempts, and in Redis for 1 callers" in out

    found = json.loads(ok(cli("person", "export", ADA)))
    assert [(row["name"], row["attributes"]) for row in found["contacts"]] == [("", {})]
    assert {(row["scope"], row["number"]) for row in found["opt_outs"]} == {
        ("*", None),
        ("campaign:spring", None),
    }
    assert [entry["caller"] for entry in found["suppressions"]] == ["Erase"]
    assert Kind.ERASURE.value in kinds()

    # Imported again, listed, exported: never a number again.
    assert "erased (" in ok(cli("dnc", "list", "--full-numbers"))
    out = ok(cli("dnc", "export", "out.csv"))
    assert "2 entries are not in it" in out
    assert ADA not in Path("out.csv").read_text()
    # Said twice, it does no harm.
    assert "erased in 0 contacts" in ok(cli("person", "erase", ADA, *WHO, "--yes"))


def test_who_does_not_confirm_erases_nothing(cli: Cli, settings: Settings) -> None:
    make_campaign(caller="Asks", contacts=f"{ADA};Ada;\n")
    assert cli("person", "erase", ADA, *WHO).exit_code == 1
    found = json.loads(ok(cli("person", "export", ADA)))
    assert found["contacts"][0]["name"] == "Ada"


async def _admit(opened: Ledger, campaign: Campaign, number: E164) -> None:
    wish = Admitting(
        call=CallId("call-1"),
        campaign=campaign,
        number=number,
        covered=True,
        guaranteed=False,
        exposure=Exposure(count=0, serial=1),
        now=datetime.now(UTC),
    )
    assert (await opened.admit(wish)).admission is Admission.ADMITTED


def test_nothing_is_erased_during_a_call(cli: Cli, settings: Settings) -> None:
    make_campaign(caller="Busy", contacts=f"{ADA};Ada;\n")
    campaign = Campaign(id=CampaignId("spring"), caller="Busy", law=LAX)

    async def start(records: SqlRecords) -> None:
        (each,) = await records.contacts_of(ADA)
        call = Call(id=CallId("call-1"), contact=each.contact).evolve(admitted_at=datetime.now(UTC))
        assert await records.attempt_started(call, campaign) is None

    stored(start)
    done = cli("person", "erase", ADA, *WHO, "--yes")
    assert done.exit_code == 1
    assert "under way; nothing was erased" in done.stderr
    assert listed() == set()


def test_a_call_admitted_but_not_recorded_leaves_redis_for_later(cli: Cli, settings: Settings) -> None:
    make_campaign(caller="Half", contacts=f"{BEA};Bea;\n")
    campaign = Campaign(id=CampaignId("spring"), caller="Half", law=IT_GARANTE_2014)
    ledger(settings, lambda opened: _admit(opened, campaign, BEA))
    done = cli("person", "erase", BEA, *WHO, "--yes")
    assert done.exit_code == 1
    assert "will not be called again, but Redis still has it: say the same again" in done.stderr
    assert listed() == {("*", None)}

    exposure = Exposure(count=0, serial=2)
    ledger(settings, lambda opened: opened.withdraw(CallId("call-1"), campaign, BEA, exposure))
    ok(cli("person", "erase", BEA, *WHO, "--yes"))


def test_without_redis_nothing_is_erased(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC_REDIS__URL", "redis://127.0.0.1:1/0")
    make_campaign(contacts=f"{ADA};Ada;\n")
    assert cli("person", "erase", ADA, *WHO, "--yes").exit_code == 3
    assert cli("person", "export", ADA).exit_code == 3
    assert listed() == set()
