"""What talks to the outside world, as it is wired: real SQLite, mail server, receiver of webhooks, pages."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import BaseTestServer, TestServer
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr

from controller import app_outward
from controller.app_outward import open_outside, running
from controller.config import (
    AsteriskSettings,
    ControllerSettings,
    MailSettings,
    PublicSettings,
    Settings,
    WebhookSettings,
)
from controller.domain.contact import NewContact
from controller.domain.ids import E164
from controller.domain.intake import IntakeForm
from controller.domain.outbox import JobKind, JobState
from controller.domain.signing import verified
from controller.engine.clock import SystemClock
from controller.engine.feed import Feed
from controller.engine.outbox import OutboxSettings
from controller.law import IT_GARANTE_2014
from controller.ports.leads import NewRule, NewTemplate
from controller.ports.outbox import NewSubscription
from controller.store.records import SqlRecords
from tests.contract.leads.builders import called, noted
from tests.contract.records.builders import KEY, SPRING, campaign, sql
from tests.unit.outward.test_smtp import Sink, served

SECRET = bytes(24)
ADA = NewContact(number=E164("+393471234567"), name="Ada", email="ada@example.net")


@pytest.fixture
def state_dir() -> Iterator[Path]:
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        (Path(folder) / "number.key").write_text(KEY.secret.hex())
        yield Path(folder)


def configured(state_dir: Path, port: int) -> Settings:
    return Settings(
        controller=ControllerSettings(state_dir=state_dir),
        asterisk=AsteriskSettings(password=SecretStr("x")),
        public=PublicSettings(base_url="https://calls.example.org"),
        mail=MailSettings(host="127.0.0.1", port=port, tls="none", sender="acme@example.org"),
        webhooks=WebhookSettings(networks="127.0.0.0/8"),
    )


@asynccontextmanager
async def receiver(got: asyncio.Queue[str]) -> AsyncIterator[BaseTestServer]:
    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        verified(SECRET, request.headers, body, datetime.now(UTC))
        got.put_nowait(body.decode())
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", take)
    async with TestServer(app) as server:
        yield server


async def stored(records: SqlRecords, hook: str) -> None:
    """A campaign with a contact, a follow-up rule, a form and a subscription."""
    await records.save_campaign(replace(campaign(), law=IT_GARANTE_2014))
    await records.add_contacts(SPRING, [ADA])
    before = datetime.now(UTC) - timedelta(hours=1)
    outward = records.outward
    template = NewTemplate(name="thanks", language="it", subject="Grazie", text="Ciao", author="anna")
    await outward.followups.add_template(template, before)
    rule = NewRule(
        campaign=SPRING,
        disposition="lead",
        template="thanks",
        language="it",
        delay=timedelta(),
        author="anna",
    )
    await outward.followups.add_rule(rule, before)
    form = IntakeForm(
        id="web",
        campaign=SPRING,
        secret=SECRET,
        reason="wants an offer",
        consent_text="I agree",
        consent_version="v1",
        author="anna",
        created_at=before,
    )
    await outward.intake.add_form(form)
    new = NewSubscription(url=hook, secret=SECRET, kinds=frozenset({"contact.imported"}), author="anna")
    await outward.hooks.add(new, before)


async def arrived(sink: Sink, count: int) -> str:
    """The text of the last mail, once there are so many."""
    async with asyncio.timeout(10):
        while len(sink.got) < count:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)
    body = sink.got[-1][2].get_body(("plain",))
    assert body is not None
    text: str = body.get_content()
    return text


async def test_from_a_disposition_to_the_mail_and_from_a_form_to_contact_and_webhook(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_outward, "OutboxSettings", partial(OutboxSettings, poll=0.02))
    sink, got = Sink(), asyncio.Queue[str]()
    clock = SystemClock()
    feed = Feed(clock)
    async with (
        served(sink) as port,
        receiver(got) as hook,
        sql(f"sqlite+aiosqlite:///{state_dir}/records.sqlite", timeout=10) as records,
    ):
        settings = configured(state_dir, port)
        await stored(records, str(hook.make_url("/hook")))
        async with open_outside(settings, records, clock, feed) as outside, running(outside, feed):
            app = web.Application()
            app.add_routes(outside.routes(settings, clock))
            async with TestServer(app) as pages, ClientSession() as browser:
                # An agent notes a lead: a mail goes out, and can be unsubscribed from.
                [contact] = await records.due_contacts(SPRING, datetime.now(UTC), 1)
                await called(records, contact, "a", datetime.now(UTC))
                await noted(records, contact.id, "a", "lead", datetime.now(UTC))
                text = await arrived(sink, 1)
                link = re.search(r"https://calls\.example\.org(/public/unsubscribe/\S+)", text)
                assert link is not None
                async with browser.post(pages.make_url(link[1])) as done:
                    assert done.status == 200
                # Somebody fills in the form, and confirms: they are a contact, and a system is told.
                sent = {"number": "347 7654321", "email": "bea@example.net", "consent": "on"}
                async with browser.post(pages.make_url("/public/forms/web"), json=sent) as answer:
                    assert await answer.json() == {"state": "pending"}
                text = await arrived(sink, 2)
                link = re.search(r"https://calls\.example\.org(/public/confirm/\S+)", text)
                assert link is not None
                async with browser.post(pages.make_url(link[1])) as done:
                    assert done.status == 200
                async with asyncio.timeout(10):
                    told = await got.get()
        assert '"type":"contact.imported"' in told
        assert [each.contact.number for each in await records.contacts(SPRING)][-1] == "+393477654321"
        counts = await records.outward.jobs.counts()
        assert dict(counts) == {(JobKind.MAIL, JobState.SENT): 2, (JobKind.WEBHOOK, JobState.SENT): 1}


class Later(SystemClock):
    """A clock that is ahead, past the end of every lease of now."""

    def now(self) -> datetime:
        return super().now() + timedelta(minutes=6)


class Dying(Sink):
    """Takes the first mail, and never gets to saying so."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = asyncio.Event()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        if not self.taken.is_set():
            self.taken.set()
            await asyncio.sleep(60)
        return answer


async def test_a_mail_whose_sender_was_killed_is_sent_again_under_the_same_id(
    state_dir: Path,
) -> None:
    sink = Dying()
    url = f"sqlite+aiosqlite:///{state_dir}/records.sqlite"
    async with served(sink) as port, sql(url, timeout=10) as records:
        settings = configured(state_dir, port)
        await stored(records, "https://example.org/hook")
        now = datetime.now(UTC)
        [contact] = await records.due_contacts(SPRING, now, 1)
        await called(records, contact, "a", now)
        await noted(records, contact.id, "a", "lead", now)
        config = state_dir / "campaign-controller.toml"
        config.write_text(
            f'[controller]\nstate_dir = "{state_dir}"\n[asterisk]\npassword = "x"\n'
            '[public]\nbase_url = "https://calls.example.org"\n'
            f'[mail]\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\nsender = "acme@example.org"\n'
        )
        command = [sys.executable, "-m", "controller", "--config", str(config), "followups", "send"]
        sender = await asyncio.create_subprocess_exec(*command)
        async with asyncio.timeout(30):
            await sink.taken.wait()
            sender.kill()
            await sender.wait()
        [job] = await records.outward.jobs.jobs()
        assert (job.state, job.tries) == (JobState.SENDING, 1)
        async with open_outside(settings, records, SystemClock()) as outside:
            assert await outside.outbox.drain() == 0  # its lease may still be somebody's
        async with open_outside(settings, records, Later()) as outside:
            assert await outside.outbox.drain() == 1
            assert await outside.outbox.drain() == 0
        [job] = await records.outward.jobs.jobs()
    assert (job.state, job.tries) == (JobState.SENT, 2)
    first, second = (message for _, _, message in sink.got)
    assert first["Message-ID"] == second["Message-ID"]
    assert first.get_content() == second.get_content()


async def test_without_a_mail_server_mails_wait_and_pages_are_not_served(state_dir: Path) -> None:
    clock = SystemClock()
    async with sql(f"sqlite+aiosqlite:///{state_dir}/records.sqlite", timeout=10) as records:
        full = configured(state_dir, 25)
        settings = full.model_copy(update={"mail": MailSettings(), "public": PublicSettings()})
        await stored(records, "https://example.org/hook")
        [contact] = await records.due_contacts(SPRING, datetime.now(UTC), 1)
        await called(records, contact, "a", datetime.now(UTC))
        await noted(records, contact.id, "a", "lead", datetime.now(UTC))
        async with open_outside(settings, records, clock) as outside:
            assert await outside.outbox.drain() == 0
            assert outside.routes(settings, clock) == []
        assert await records.outward.jobs.jobs() == []


@pytest.mark.parametrize(
    ("mail", "public", "words"),
    [
        ({"host": "mail.example.org", "sender": "a@example.org"}, {}, "public.base_url is empty"),
        ({"host": "mail.example.org"}, {"base_url": "https://x.example.org"}, "need a sender"),
        ({"host": "mail.example.org", "sender": "nobody"}, {}, "no mail address"),
        ({"host": "mail.example.org", "tls": "none", "sender": "a@example.org"}, {}, "in clear"),
        ({"username": "acme"}, {}, "go together"),
        ({"password_file": "/nowhere", "username": "x"}, {}, "cannot be read"),
        ({"ca_file": "/nowhere"}, {}, "is no file"),
        ({}, {"base_url": "http://calls.example.org"}, "no https URL"),
        ({}, {"base_url": "https://calls.example.org/?a=b"}, "more than a path"),
        ({}, {"proxies": "10.0.0.1/8"}, "host bits"),
    ],
)
def test_settings_that_cannot_be_used(mail: dict[str, str], public: dict[str, str], words: str) -> None:
    tables = {"asterisk": {"password": "x"}, "mail": mail, "public": public}
    with pytest.raises(ValueError, match=re.escape(words)):
        Settings(**tables)  # type: ignore[arg-type]


def test_settings_that_can() -> None:
    public = PublicSettings(base_url="http://127.0.0.1:8080/", proxies="10.0.0.0/8 ,::1/128")
    assert public.base_url == "http://127.0.0.1:8080"
    assert [str(net) for net in public.proxy_networks] == ["10.0.0.0/8", "::1/128"]
