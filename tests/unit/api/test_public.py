"""The public pages over HTTP, with the engine behind them: what strangers may do, and what not."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.api.public import Limiter, public_routes
from controller.domain.campaign import Campaign
from controller.domain.contact import Contact
from controller.domain.followup import MailOptOut, mail_person
from controller.domain.ids import E164, CampaignId
from controller.domain.intake import IntakeForm, IntakeState, plain_fields
from controller.domain.outbox import JobKind, JobState
from controller.domain.privacy import NumberKey
from controller.domain.signing import signature_headers
from controller.engine.followups import Unsubscribing
from controller.engine.intake import Intake
from controller.engine.links import Links, UnsubscribeLink
from controller.engine.mail import MailJobs
from controller.engine.outbox import Outbox
from controller.ports import Authorship
from controller.ports.leads import NewTemplate
from controller.store.memory_outbox import MemoryMailer
from controller.store.memory_records import MemoryRecords
from tests.fakes.law import LAX

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
KEY = NumberKey(bytes(range(32)))
SPRING = CampaignId("spring")
SITE = "https://www.example.org"
SECRET = bytes(24)
ADA = {
    "number": "347 1234567",
    "name": "Ada Rossi",
    "email": "ada@example.org",
    "consent": "on",
    "città": "Forlì",
}
FORM = IntakeForm(
    id="web",
    campaign=SPRING,
    secret=SECRET,
    reason="wants an offer",
    consent_text="I agree to <be called> by Acme",
    consent_version="v3",
    origin=SITE,
    segment="web",
    tags=frozenset({"landing"}),
    language="en",
    author="anna",
    created_at=NOW,
)


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


@dataclass
class House:
    client: TestClient[web.Request, web.Application]
    records: MemoryRecords
    clock: Clock
    mailer: MemoryMailer
    outbox: Outbox
    links: Links
    intake: Intake

    async def post(self, path: str, **more: Any) -> ClientResponse:
        return await self.client.post(f"/public/{path}", **more)

    async def deliver(self, values: Mapping[str, Any], message: str = "m-1", **more: Any) -> ClientResponse:
        body = json.dumps(values).encode()
        headers = signature_headers(more.get("secret", SECRET), message, self.clock.at, body)
        return await self.post("intake/web", data=body, headers=headers)

    async def contacts(self) -> list[Contact]:
        return [listed.contact for listed in await self.records.contacts(SPRING)]

    async def states(self) -> list[IntakeState]:
        return [each.state for each in await self.records.outward.intake.submissions()]

    async def confirm_path(self, which: int = -1) -> str:
        await self.outbox.drain()
        found = re.search(r"https://calls\.example\.org(/public/confirm/\S+)", self.mailer.sent[which].text)
        assert found is not None
        return found[1]


@asynccontextmanager
async def opened(form: IntakeForm = FORM, **options: Any) -> AsyncIterator[House]:
    records, clock, mailer = MemoryRecords(number_key=KEY, profiles={LAX.name: LAX}), Clock(), MemoryMailer()
    links = Links("https://calls.example.org", KEY)
    outward = records.outward
    await records.save_campaign(Campaign(id=SPRING, caller="Acme", law=LAX, region="IT-MI"))
    await outward.intake.add_form(form)
    intake = Intake(outward, records, links, clock, number_key=KEY, sender_domain="example.org")
    unsubscribing = Unsubscribing(outward.followups, records, links, clock)
    send = MailJobs(mailer, {"confirm": intake.compose}).send
    outbox = Outbox(outward.jobs, {JobKind.MAIL: send}, clock, rare=[intake.finish_pending, intake.expire])
    app = web.Application()
    app.add_routes(public_routes(intake, unsubscribing, clock, **{"per_minute": 100} | options))
    async with TestClient(TestServer(app)) as client:
        yield House(client, records, clock, mailer, outbox, links, intake)


# --- a form with single opt-in


SINGLE = replace(FORM, double_opt_in=False)


async def test_a_form_makes_a_contact_with_reason_and_consent() -> None:
    async with opened(SINGLE) as house:
        answer = await house.post("forms/web", data=ADA)
        assert (answer.status, answer.content_type) == (200, "text/html")
        assert "Thank you" in await answer.text()
        [contact] = await house.contacts()
        assert (contact.number, contact.name, contact.email) == (
            "+393471234567",
            "Ada Rossi",
            "ada@example.org",
        )
        assert contact.attributes == {"città": "Forlì", "reason": "wants an offer", "form": "web"}
        assert contact.tags == {"landing"}
        assert contact.habits.segment == "web"
        assert contact.consent is not None
        assert (contact.consent.basis, contact.consent.source, contact.consent.given_at) == (
            "consent",
            "form web v3",
            NOW,
        )
        [kept] = await house.records.outward.intake.submissions()
        assert (kept.state, kept.values) == (IntakeState.ACCEPTED, {})


async def test_a_form_answers_a_script_in_json() -> None:
    async with opened(SINGLE) as house:
        answer = await house.post("forms/web", json=ADA | {"consent": True}, headers={"Origin": SITE})
        assert (answer.status, await answer.json()) == (200, {"state": "accepted"})
        assert answer.headers["Access-Control-Allow-Origin"] == SITE


async def test_first_and_last_name_and_other_names_of_the_number_are_understood() -> None:
    async with opened(SINGLE) as house:
        sent = {"telefono": "+39 06 12345678", "first_name": "Ada", "last_name": "Rossi", "consent": "sì"}
        assert (await house.post("forms/web", data=sent)).status == 200
        [contact] = await house.contacts()
        assert (contact.number, contact.name, contact.email) == ("+390612345678", "Ada Rossi", "")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"number": ""}, "number: no telephone number"),
        ({"number": "12"}, "number: "),
        ({"number": "899123456"}, "number: "),
        ({"number": "112"}, "number: an emergency number"),
        ({"consent": ""}, "consent: not given"),
        ({"consent": "no"}, "consent: not given"),
        ({"email": "nobody"}, "email: a mail address has an @"),
        ({"note": "x" * 2001}, "a field of more than 2000 characters"),
        ({f"field-{i}": "x" for i in range(41)}, "more than 40 fields"),
    ],
)
async def test_what_cannot_be_used_is_answered_and_kept(change: dict[str, str], problem: str) -> None:
    async with opened(SINGLE) as house:
        answer = await house.post("forms/web", json=ADA | change)
        told = await answer.json()
        assert (answer.status, told["state"]) == (422, "rejected")
        assert problem in told["problem"]
        assert await house.contacts() == []
        [kept] = await house.records.outward.intake.submissions(state=IntakeState.REJECTED)
        assert problem in kept.reason
        assert kept.values["name"] == "Ada Rossi"


async def test_a_machine_that_fills_in_the_hidden_field_is_told_nothing() -> None:
    async with opened(SINGLE) as house:
        answer = await house.post("forms/web", json=ADA | {"website": "https://spam.example"})
        assert (answer.status, await answer.json()) == (200, {"state": "accepted"})
        assert await house.contacts() == []
        assert await house.states() == [IntakeState.REJECTED]


async def test_a_second_press_of_the_button_is_the_same_submission() -> None:
    async with opened(SINGLE) as house:
        for _ in range(2):
            assert (await house.post("forms/web", data=ADA | {"delivery": "d-1"})).status == 200
        assert await house.states() == [IntakeState.ACCEPTED]


async def test_who_is_a_contact_already_renews_their_consent() -> None:
    async with opened(SINGLE) as house:
        await house.post("forms/web", data=ADA)
        house.clock.at += timedelta(days=30)
        await house.post("forms/web", data=ADA)
        [contact] = await house.contacts()
        assert contact.consent is not None
        assert contact.consent.given_at == house.clock.at
        last = (await house.records.outward.intake.submissions())[-1]
        assert "renewed" in last.reason


@pytest.mark.parametrize("form", ["other", "web%2F..", "x" * 200])
async def test_a_form_that_is_not_there(form: str) -> None:
    async with opened() as house:
        assert (await house.post(f"forms/{form}", data=ADA)).status == 404
        assert (await house.post(f"intake/{form}", data=b"{}")).status == 404


async def test_a_closed_form_takes_nothing() -> None:
    async with opened(replace(SINGLE, open=False)) as house:
        assert (await house.post("forms/web", data=ADA)).status == 404
        assert await house.states() == []


# --- who may send it


@pytest.mark.parametrize("origin", ["https://evil.example", "http://www.example.org", "null", ""])
async def test_a_page_of_another_site_may_not_send_it(origin: str) -> None:
    async with opened(SINGLE) as house:
        answer = await house.post("forms/web", json=ADA, headers={"Origin": origin})
        assert answer.status == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert await house.states() == []
        ask = await house.client.options("/public/forms/web", headers={"Origin": origin})
        assert ask.status == 403


async def test_a_browser_may_ask_first() -> None:
    async with opened() as house:
        answer = await house.client.options("/public/forms/web", headers={"Origin": SITE})
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Origin"] == SITE
        assert answer.headers["Access-Control-Allow-Methods"] == "POST"
        assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_one_address_may_send_so_many_in_a_minute() -> None:
    async with opened(SINGLE, per_minute=3) as house:
        statuses = [(await house.post("forms/web", data=ADA)).status for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        house.clock.at += timedelta(seconds=21)
        assert (await house.post("forms/web", data=ADA)).status == 200
        assert (await house.post("forms/web", data=ADA)).status == 429


@pytest.mark.parametrize(("trusted", "statuses"), [(True, [200, 200]), (False, [200, 429])])
async def test_behind_a_proxy_each_address_is_counted_for_itself(trusted: bool, statuses: list[int]) -> None:
    proxies = [ip_network("127.0.0.0/8")] if trusted else []
    async with opened(SINGLE, per_minute=1, proxies=proxies) as house:
        found = [
            (await house.post("forms/web", data=ADA, headers={"X-Forwarded-For": address})).status
            # The first is what the client claims; only what our proxy adds counts.
            for address in ("9.9.9.9, 198.51.100.1", "9.9.9.9, 198.51.100.2")
        ]
        assert found == statuses


def test_the_limiter_remembers_a_bounded_number_of_addresses() -> None:
    limiter = Limiter(1, Clock())
    for i in range(20_000):
        assert limiter.admits(str(i))
    assert len(limiter._seen) == 10_000
    assert not limiter.admits("19999")


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"data": b"x" * 70_000, "headers": {"Content-Type": "application/json"}}, 413),
        ({"data": b"[1]", "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": b'{"a": {"b": 1}}', "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": b"[" * 60_000, "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": b"\xff=1", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 400),
        ({"data": b"a&" * 200, "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 400),
        ({"data": b"a", "headers": {"Content-Type": "text/plain"}}, 415),
    ],
)
async def test_bodies_that_are_none_are_refused(options: dict[str, Any], status: int) -> None:
    async with opened(SINGLE) as house:
        assert (await house.post("forms/web", **options)).status == status
        assert await house.states() == []


@given(
    st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: json.dumps([text]).encode()))
)
def test_fields_are_read_or_refused(body: bytes) -> None:
    try:
        fields = plain_fields(body)
    except ValueError:
        return
    assert all(isinstance(part, str) for field in fields.items() for part in field)


async def test_while_the_store_does_not_answer_strangers_are_asked_to_come_again() -> None:
    async with opened(SINGLE) as house:
        await house.intake.form("web")
        house.records.fail = True
        answer = await house.post("forms/web", data=ADA)
        assert answer.status == 503
        assert "Retry-After" in answer.headers
        assert "record store" not in await answer.text()


# --- signed deliveries


async def test_a_signed_delivery_makes_a_contact_once() -> None:
    async with opened(SINGLE) as house:
        for _ in range(3):
            answer = await house.deliver(ADA | {"consent": True})
            assert (answer.status, await answer.json()) == (200, {"state": "accepted"})
        assert len(await house.contacts()) == 1
        assert await house.states() == [IntakeState.ACCEPTED]
        assert (await house.deliver(ADA | {"consent": False}, "m-2")).status == 422


async def test_a_delivery_that_is_not_signed_by_who_knows_the_secret_is_refused() -> None:
    async with opened(SINGLE) as house:
        answer = await house.deliver(ADA, secret=b"y" * 24)
        assert answer.status == 401
        assert (await answer.json())["detail"] == "the signature is wrong"
        assert (await house.post("intake/web", json=ADA)).status == 401
        assert await house.states() == []


async def test_a_recording_played_once_more_is_refused() -> None:
    async with opened(SINGLE) as house:
        body = json.dumps(ADA).encode()
        headers = signature_headers(SECRET, "m-1", NOW - timedelta(minutes=6), body)
        assert (await house.post("intake/web", data=body, headers=headers)).status == 401


async def test_a_signed_body_that_is_none_is_bad_input() -> None:
    async with opened(SINGLE) as house:
        headers = signature_headers(SECRET, "m-1", NOW, b"[]")
        answer = await house.post("intake/web", data=b"[]", headers=headers)
        assert (answer.status, answer.content_type) == (400, "application/problem+json")


# --- double opt-in


async def test_nobody_is_a_contact_before_they_confirm() -> None:
    async with opened() as house:
        answer = await house.post("forms/web", json=ADA)
        assert await answer.json() == {"state": "pending"}
        assert await house.contacts() == []
        path = await house.confirm_path()
        [mail] = house.mailer.sent
        assert (mail.to, mail.unsubscribe, mail.language) == ("ada@example.org", "", "en")
        assert FORM.consent_text in mail.text
        assert "ada" not in path.lower()
        page = await house.client.get(path)
        assert page.status == 200
        assert "I agree to &lt;be called&gt; by Acme" in await page.text()
        assert await house.contacts() == []  # a scanner that follows every link confirms nothing
        house.clock.at += timedelta(hours=5)
        for _ in range(2):
            done = await house.client.post(path)
            assert done.status == 200
            assert "is confirmed" in await done.text()
        [contact] = await house.contacts()
        assert contact.consent is not None
        assert contact.consent.given_at == house.clock.at
        assert await house.states() == [IntakeState.ACCEPTED]


async def test_a_confirmation_that_comes_too_late_is_told_so() -> None:
    async with opened() as house:
        await house.post("forms/web", json=ADA)
        path = await house.confirm_path()
        house.clock.at += timedelta(days=8)
        assert (await house.client.post(path)).status == 410
        await house.outbox.drain()
        assert await house.states() == [IntakeState.EXPIRED]
        assert (await house.client.post(path)).status == 410
        assert await house.contacts() == []


async def test_the_same_person_gets_one_mail_in_a_quarter_of_an_hour() -> None:
    async with opened() as house:
        answers = [await (await house.post("forms/web", json=ADA)).json() for _ in range(3)]
        assert [answer["state"] for answer in answers] == ["pending", "repeated", "repeated"]
        await house.outbox.drain()
        assert len(house.mailer.sent) == 1
        house.clock.at += timedelta(minutes=16)
        await house.post("forms/web", json=ADA)
        await house.outbox.drain()
        assert len(house.mailer.sent) == 2


async def test_who_opted_out_of_mails_gets_no_confirmation_either() -> None:
    async with opened() as house:
        person = mail_person(KEY, "ADA@example.org")
        entry = MailOptOut(scope="caller:Acme", person=person, source="link", author="them", at=NOW)
        await house.records.outward.followups.opt_out(entry)
        await house.post("forms/web", json=ADA)
        await house.outbox.drain()
        [job] = await house.records.outward.jobs.jobs()
        assert (job.state, house.mailer.sent) == (JobState.BLOCKED, [])


async def test_what_a_crash_cut_off_is_finished() -> None:
    async with opened() as house:
        await house.post("forms/web", json=ADA)
        jobs: Any = house.records.outward.jobs
        jobs._jobs.clear()  # it died before the mail was queued
        jobs._keys.clear()
        house.clock.at += timedelta(hours=2)
        await house.outbox.drain()
        await house.outbox.drain()
        assert len(house.mailer.sent) == 1


async def test_who_was_erased_meanwhile_cannot_confirm_any_more() -> None:
    async with opened() as house:
        await house.post("forms/web", json=ADA)
        path = await house.confirm_path()
        await house.records.outward.intake.forget(KEY.of(E164("+393471234567")))
        assert (await house.client.post(path)).status == 410
        assert await house.contacts() == []


async def test_a_template_of_ones_own_needs_the_link() -> None:
    async with opened(replace(FORM, template="hello")) as house:
        template = NewTemplate(name="hello", language="en", subject="Hello", text="no link", author="a")
        await house.records.outward.followups.add_template(template, NOW)
        await house.post("forms/web", json=ADA)
        await house.outbox.drain()
        [job] = await house.records.outward.jobs.jobs()
        assert job.state is JobState.FAILED
        assert "confirm_url" in job.error


@pytest.mark.parametrize("what", ["confirm", "unsubscribe"])
@pytest.mark.parametrize("token", ["x", "a.b", "MQ.AAAA", "é.é", "x" * 3000])
async def test_a_link_that_is_not_ours_is_not_found(what: str, token: str) -> None:
    async with opened() as house:
        assert (await house.client.get(f"/public/{what}/{token}")).status == 404
        assert (await house.client.post(f"/public/{what}/{token}")).status == 404


# --- unsubscribing


async def test_unsubscribing_takes_a_press_of_a_button_and_no_more() -> None:
    async with opened() as house:
        person = mail_person(KEY, "ada@example.org")
        url = house.links.unsubscribe(UnsubscribeLink(person, SPRING, "it"))
        path = url.removeprefix("https://calls.example.org")
        page = await house.client.get(path)
        assert page.status == 200
        assert "<button>Non scrivetemi più</button>" in await page.text()
        opted_out = house.records.outward.followups.opted_out
        assert await opted_out(person, ["caller:Acme"]) is None
        done = await house.client.post(path, data={"List-Unsubscribe": "One-Click"})
        assert done.status == 200
        assert "non Le scriveremo più" in await done.text()
        assert await opted_out(person, ["caller:Acme"]) is not None


async def test_who_was_erased_can_still_unsubscribe() -> None:
    async with opened(SINGLE) as house:
        await house.post("forms/web", data=ADA)
        who = Authorship(author="anna", reason="asked")
        await house.records.people.erase(E164("+393471234567"), who, NOW)
        person = mail_person(KEY, "ada@example.org")
        url = house.links.unsubscribe(UnsubscribeLink(person, SPRING, "en"))
        assert (await house.client.post(url.removeprefix("https://calls.example.org"))).status == 200


async def test_pages_load_nothing_and_are_kept_nowhere() -> None:
    async with opened() as house:
        url = house.links.unsubscribe(UnsubscribeLink("p" * 22, SPRING, "en"))
        page = await house.client.get(url.removeprefix("https://calls.example.org"))
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "Set-Cookie" not in page.headers
        assert not re.search(r"src=|href=|<script", await page.text())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values=st.dictionaries(st.text(max_size=20), st.text(max_size=50), max_size=8))
def test_whatever_is_sent_is_accepted_or_kept_with_its_reason(values: dict[str, str]) -> None:
    async def send() -> None:
        async with opened(SINGLE) as house:
            before = len(await house.contacts())
            await house.intake.submit(SINGLE, ADA | values, "d-1")
            [kept] = await house.records.outward.intake.submissions()
            accepted = len(await house.contacts()) - before
            assert (kept.state is IntakeState.ACCEPTED) == (accepted == 1)
            assert accepted or kept.reason

    asyncio.run(send())
