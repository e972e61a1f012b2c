"""Commands of funnel, follow-ups, forms and webhooks, on a real SQLite store."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import queue
import shutil
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import CliRunner

from controller.app import open_records
from controller.cli.root import app
from controller.config import load
from controller.domain.campaign import Campaign
from controller.domain.contact import Habits, NewContact
from controller.domain.followup import mail_person
from controller.domain.funnel import Stage
from controller.domain.ids import E164, CampaignId, ContactId
from controller.domain.outbox import JobKind, NewJob
from controller.domain.privacy import NumberKey
from controller.domain.signing import secret_bytes
from controller.law import IT_GARANTE_2014
from controller.ports import Authorship
from controller.ports.leads import NewRule
from controller.store.records import SqlRecords
from tests.contract.leads.builders import called, noted
from tests.unit.outward.test_smtp import Sink, served

SPRING = CampaignId("spring")
KEY = NumberKey(bytes(range(32)))
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
Cli = Callable[..., Any]


def done(work: Callable[[SqlRecords], Awaitable[Any]]) -> Any:
    async def within() -> Any:
        async with open_records(load()) as records:
            return await work(records)

    return asyncio.run(within())


def in_memory() -> str | None:
    """A directory that no disk has to wait for, where the system has one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@pytest.fixture(scope="module")
def cli() -> Cli:
    """Run a command. The tree of commands is made once: that takes longer than most commands."""
    command: Any = typer.main.get_command(app)

    def run(*args: str) -> Any:
        return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(command, list(args))

    return run


@pytest.fixture(scope="module")
def seed() -> Iterator[Path]:
    """A store with a campaign, made once."""

    async def make() -> None:
        async with SqlRecords(f"sqlite+aiosqlite:///{folder}/records.sqlite", number_key=KEY) as records:
            await filled(records)

    with tempfile.TemporaryDirectory(dir=in_memory()) as folder:
        asyncio.run(make())
        yield Path(folder)


@pytest.fixture
def state_dir(seed: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=in_memory()) as folder:
        shutil.copy(seed / "records.sqlite", folder)
        (Path(folder) / "number.key").write_text(KEY.secret.hex())
        yield Path(folder)


async def filled(records: SqlRecords) -> None:
    await records.save_campaign(Campaign(id=SPRING, caller="Acme", law=IT_GARANTE_2014))
    contacts = [
        NewContact(
            number=E164("+393471234567"), name="Ada", email="ada@example.net", habits=Habits(segment="=north")
        ),
        NewContact(number=E164("+393471234568"), name="Bruno"),
    ]
    await records.add_contacts(SPRING, contacts)
    who = Authorship(author="anna", reason="test")
    await records.outward.leads.set_stage(ContactId(1), Stage.LEAD, who, NOW)


def ok(result: Any) -> str:
    assert result.exit_code == 0, result.output
    text: str = result.stdout
    return text


# --- funnel


def test_the_funnel_as_table_json_and_csv(cli: Cli) -> None:
    table = ok(cli("funnel", "show", "spring"))
    assert "1 (50.0%)" in table
    told = json.loads(ok(cli("funnel", "show", "spring", "--by", "segment", "--json")))
    assert told["total"]["counts"]["lead"] == 1
    assert told["total"]["rates"] == {"reached": 0.5, "interested": 1.0, "lead": 1.0, "customer": 0.0}
    assert [line["label"] for line in told["lines"]] == ["", "=north"]
    rows = list(csv.DictReader(io.StringIO(ok(cli("funnel", "show", "spring", "--by", "segment", "--csv")))))
    assert [(row["segment"], row["contact"], row["lead"], row["lead_rate"]) for row in rows] == [
        ("(none)", "1", "0", ""),
        ("'=north", "1", "1", "1.0000"),
        ("total", "2", "1", "1.0000"),
    ]


@pytest.mark.parametrize("by", ["hour", "script", "disposition"])
def test_a_funnel_by_calls_of_a_campaign_that_called_nobody(cli: Cli, by: str) -> None:
    assert json.loads(ok(cli("funnel", "show", "spring", "--by", by, "--json")))["lines"] == []


def test_a_stage_is_set_by_hand_and_listed(cli: Cli) -> None:
    why = ("--author", "anna", "--reason", "signed in the shop")
    assert "contact is now customer" in ok(cli("funnel", "set", "2", "customer", *why))
    assert "was customer already" in ok(cli("funnel", "set", "2", "customer", *why))
    first, second = json.loads(ok(cli("funnel", "changes", "spring", "--json")))
    assert (first["contact"], first["after"], first["reason"]) == (2, "customer", "signed in the shop")
    assert second["after"] == "lead"
    assert "signed in the shop" in ok(cli("funnel", "changes", "spring"))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("show", "autumn"), "autumn"),
        (("show", "spring", "--json", "--csv"), "one of them"),
        (("set", "2", "friend", "--author", "a", "--reason", "b"), "contact, reached, interested"),
        (("set", "99", "lead", "--author", "a", "--reason", "b"), "no contact 99"),
        (("set", "2", "lead", "--author", " ", "--reason", "b"), "--author"),
    ],
)
def test_what_a_funnel_refuses(cli: Cli, args: tuple[str, ...], words: str) -> None:
    result = cli("funnel", *args)
    assert result.exit_code == 2
    assert words in result.stderr


# --- follow-ups


@pytest.fixture
def template(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "thanks.txt").write_text("Ciao {{ contact.first_name or 'cliente' }} da {{ caller }}")
    args = ("--subject", "Grazie {{ contact.name }}", "--text", str(tmp_path / "thanks.txt"))
    text = ok(cli("followups", "add-template", "thanks", *args, "--author", "anna"))
    assert "thanks (it) has now version 1" in text


@pytest.mark.usefixtures("template")
def test_templates_are_listed_and_previewed(cli: Cli) -> None:
    assert "Grazie {{ contact.name }}" in ok(cli("followups", "templates"))
    [shown] = json.loads(ok(cli("followups", "templates", "--json")))
    assert (shown["name"], shown["version"]) == ("thanks", 1)
    text = ok(cli("followups", "preview", "thanks"))
    assert text.startswith("Subject: Grazie Ada Rossi\n\nCiao Ada da Acme S.p.A.")
    assert "/public/unsubscribe/" in text
    assert "Grazie Bruno\n\nCiao cliente da Acme\n" in ok(
        cli("followups", "preview", "thanks", "--contact", "2")
    )


@pytest.mark.usefixtures("template")
def test_rules_are_made_listed_and_switched(cli: Cli) -> None:
    made = cli("followups", "add-rule", "spring", "lead", "thanks", "--after", "2h", "--author", "anna")
    assert "rule 1: thanks 2h after lead" in ok(made)
    ok(cli("followups", "switch-off", "1"))
    [rule] = json.loads(ok(cli("followups", "rules", "spring", "--json")))
    assert (rule["delay"], rule["on"]) == ("2:00:00", False)
    ok(cli("followups", "switch-on", "1"))
    assert "thanks" in ok(cli("followups", "rules"))


def test_the_queue_is_listed_and_changed(cli: Cli) -> None:
    job = NewJob(kind=JobKind.MAIL, key="followup:1:1", about=SPRING, due_at=NOW)
    done(lambda records: records.outward.jobs.put([job], NOW))
    assert "followup:1:1" in ok(cli("followups", "queue", "--campaign", "spring"))
    ok(cli("followups", "cancel", "1", "--author", "anna"))
    [told] = json.loads(ok(cli("followups", "queue", "--state", "cancelled", "--json")))
    assert told["error"] == "taken out by anna"
    assert cli("followups", "cancel", "1", "--author", "anna").exit_code == 2
    ok(cli("followups", "retry", "1"))
    assert cli("followups", "retry", "1").exit_code == 2
    assert "there is nothing" in ok(cli("followups", "queue", "--state", "sent"))


def test_an_address_is_opted_out_whatever_its_case(cli: Cli) -> None:
    out = ("followups", "opt-out", "Ada@Example.org", "--author", "anna")
    assert "noted: no mails of everybody" in ok(cli(*out))
    assert "noted already" in ok(cli(*out))
    person = mail_person(KEY, "ada@example.org")
    assert done(lambda records: records.outward.followups.opted_out(person, ["*"])).author == "anna"
    assert "taken back" in ok(cli("followups", "opt-in", "ada@example.org"))
    assert "caller:Acme" in ok(cli(*out, "--caller", "Acme"))


@pytest.mark.usefixtures("template")
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("add-rule", "spring", "lead", "thanks", "--after", "soon", "--author", "a"), "30m, 2h, 3d"),
        (("add-rule", "spring", "lead", "other", "--author", "a"), "add-template"),
        (("add-rule", "spring", "nothing", "thanks", "--author", "a"), "lead"),
        (("add-rule", "autumn", "lead", "thanks", "--author", "a"), "autumn"),
        (("preview", "other"), "no other in it"),
        (("preview", "thanks", "--contact", "99"), "no contact 99"),
        (("switch-off", "7"), "no rule 7"),
        (("opt-out", "nobody", "--author", "a"), "has an @"),
        (("opt-out", "a@example.org", "--author", "a", "--caller", "Other"), "Acme"),
        (("send",), "mail.host"),
    ],
)
def test_what_follow_ups_refuse(cli: Cli, args: tuple[str, ...], words: str) -> None:
    result = cli("followups", *args)
    assert result.exit_code == 2
    assert words in result.stderr


@pytest.mark.parametrize("text", ["{% for x in y %}{% endfor %}", "{{ contact.name", "{{ x() }}"])
def test_a_template_that_computes_is_refused(cli: Cli, tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.txt").write_text(text)
    args = ("--subject", "x", "--text", str(tmp_path / "bad.txt"), "--author", "anna")
    result = cli("followups", "add-template", "bad", *args)
    assert result.exit_code == 2
    assert "--text" in result.stderr


@contextmanager
def mail_server() -> Iterator[tuple[Sink, int]]:
    """In a thread of its own: a command has its own event loop."""
    sink, ready, over = Sink(), queue.Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]](), 5.0

    async def serve() -> None:
        done = asyncio.Event()
        async with served(sink) as port:
            ready.put((asyncio.get_running_loop(), done, port))
            await done.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    loop, end, port = ready.get(timeout=over)
    try:
        yield sink, port
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(over)


@pytest.mark.usefixtures("template")
def test_what_is_due_is_sent_by_a_command(cli: Cli) -> None:
    rule = NewRule(
        campaign=SPRING,
        disposition="lead",
        template="thanks",
        language="it",
        delay=timedelta(),
        author="anna",
    )

    async def say(records: SqlRecords) -> None:
        now = datetime.now(UTC)
        await records.outward.followups.add_rule(rule, now - timedelta(hours=1))
        [contact, *_] = await records.due_contacts(SPRING, now, 1)
        await called(records, contact, "a", now)
        await noted(records, contact.id, "a", "lead", now)

    done(say)
    with mail_server() as (sink, port):
        with Path("campaign-controller.toml").open("a") as file:
            file.write('[public]\nbase_url = "https://calls.example.org"\n')
            file.write(f'[mail]\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\n')
            file.write('sender = "acme@example.org"\n')
        assert "1 tried" in ok(cli("followups", "send"))
        assert "0 tried" in ok(cli("followups", "send"))
    [(_, recipients, message)] = sink.got
    assert (recipients, message["Subject"]) == (["ada@example.net"], "Grazie Ada")
    [told] = json.loads(ok(cli("followups", "queue", "--json")))
    assert (told["state"], told["tries"]) == ("sent", 1)


# --- forms


def form_args(tmp_path: Path, *more: str) -> tuple[str, ...]:
    (tmp_path / "consent.txt").write_text("Acconsento a essere chiamato da Acme.\n")
    known = ("--reason", "wants an offer", "--consent-file", str(tmp_path / "consent.txt"))
    return ("forms", "add", "web", "spring", *known, "--consent-version", "v1", "--author", "anna", *more)


def test_a_form_is_made_listed_closed_and_opened(cli: Cli, tmp_path: Path) -> None:
    text = ok(cli(*form_args(tmp_path, "--tag", "web", "--origin", "https://www.example.org")))
    secret = text.rpartition(": ")[2].strip()
    form = done(lambda records: records.outward.intake.form("web"))
    assert form.secret == secret_bytes(secret)
    assert (form.consent_text, form.double_opt_in, form.tags) == (
        "Acconsento a essere chiamato da Acme.",
        True,
        frozenset({"web"}),
    )
    ok(cli("forms", "close", "web"))
    [told] = json.loads(ok(cli("forms", "list", "--json")))
    assert (told["form"], told["state"], told["pending"]) == ("web", "closed", 0)
    assert secret not in ok(cli("forms", "list"))
    ok(cli("forms", "open", "web"))
    assert "nothing came in" in ok(cli("forms", "submissions"))
    assert json.loads(ok(cli("forms", "submissions", "web", "--json", "--full"))) == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--origin", "www.example.org"), "without a path"),
        (("--origin", "https://www.example.org/page"), "without a path"),
        (("--template", "none"), "no none in it"),
        (("--language", "de"), "it, en"),
    ],
)
def test_what_a_form_refuses(cli: Cli, tmp_path: Path, more: tuple[str, ...], words: str) -> None:
    result = cli(*form_args(tmp_path, *more))
    assert result.exit_code == 2
    assert words in result.stderr


def test_a_forms_name_is_taken_once(cli: Cli, tmp_path: Path) -> None:
    ok(cli(*form_args(tmp_path)))
    assert cli(*form_args(tmp_path)).exit_code == 2
    assert cli("forms", "close", "other").exit_code == 2


# --- webhooks


def test_a_webhook_is_made_switched_off_and_removed(cli: Cli) -> None:
    text = ok(cli("webhooks", "add", "https://example.org/x", "--kind", "call.ended", "--author", "anna"))
    secret = text.rpartition(": ")[2].strip()
    made = done(lambda records: records.outward.hooks.subscription(1))
    assert made.secret == secret_bytes(secret)
    job = NewJob(kind=JobKind.WEBHOOK, key="webhook:1:main:1", about="1", due_at=NOW + timedelta(days=900))
    done(lambda records: records.outward.jobs.put([job], NOW))
    [told] = json.loads(ok(cli("webhooks", "list", "--json")))
    assert (told["kinds"], told["state"], told["waiting"], told["personal"]) == (
        ["call.ended"],
        "on",
        1,
        False,
    )
    assert "1 deliveries cancelled" in ok(cli("webhooks", "disable", "1", "--author", "anna"))
    table = ok(cli("webhooks", "list"))
    assert "switched off by anna" in table
    assert secret not in table
    assert "cancelled" in ok(cli("webhooks", "deliveries", "1"))
    ok(cli("webhooks", "enable", "1"))
    ok(cli("webhooks", "remove", "1"))
    assert "nobody is told" in ok(cli("webhooks", "list"))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("http://example.org/x",), "use https"),
        (("https://10.0.0.1/x",), "webhooks.networks"),
        (("http://127.0.0.1:99/x",), "webhooks.networks"),
        (("https://u:p@example.org/",), "password"),
        (("https://example.org/", "--kind", "call.lost"), "call.ended"),
        (("https://example.org/", "--campaign", "autumn"), "autumn"),
        (("https://example.org/", "--secret", "abc"), "whsec_"),
    ],
)
def test_what_a_webhook_refuses(cli: Cli, args: tuple[str, ...], words: str) -> None:
    result = cli("webhooks", "add", *args, "--author", "anna")
    assert result.exit_code == 2
    assert words in result.stderr


@pytest.mark.parametrize("command", ["enable", "remove"])
def test_a_webhook_that_is_not_there(cli: Cli, command: str) -> None:
    result = cli("webhooks", command, "7")
    assert result.exit_code == 2
    assert "webhooks list" in result.stderr
