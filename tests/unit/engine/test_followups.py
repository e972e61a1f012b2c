"""Follow-ups: what is written, to whom, and to whom never."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.domain.call import Call
from controller.domain.campaign import Campaign
from controller.domain.contact import NewContact, PhoneNumber
from controller.domain.followup import MailOptOut, mail_person
from controller.domain.ids import E164, AgentId, CallId, CampaignId
from controller.domain.outbox import JobKind, JobState
from controller.domain.outcome import Outcome
from controller.domain.privacy import NumberKey
from controller.engine.followups import FollowUpMails, Unsubscribing
from controller.engine.links import Links, UnsubscribeLink
from controller.engine.mail import MailJobs
from controller.engine.outbox import Outbox
from controller.ports import AttemptEnd, Authorship
from controller.ports.leads import NewRule, NewTemplate
from controller.ports.outbox import Mail
from controller.store.memory_leads import MemoryLeads, Noted
from controller.store.memory_outbox import MemoryMailer
from controller.store.memory_records import MemoryRecords
from tests.fakes.law import LAX

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
SPRING = CampaignId("spring")
KEY = NumberKey(bytes(range(32)))
ADA = NewContact(
    number=E164("+393471234567"),
    others=(PhoneNumber(number=E164("+390612345678")),),
    name="Ada Rossi",
    email="Ada.Rossi@Example.NET",
    attributes={"first_name": "Ada", "city": "Forlì"},
)
WHO = Authorship(author="anna", reason="asked")


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


class House:
    """A campaign with a contact, a template, a rule, and all that writes to them."""

    def __init__(self) -> None:
        self.records = MemoryRecords(number_key=KEY, profiles={LAX.name: LAX})
        self.clock = Clock()
        self.mailer = MemoryMailer()
        self.links = Links("https://calls.example.org", KEY)
        self.mails = FollowUpMails(
            self.records.outward,
            self.records,
            self.records.lists,
            self.links,
            self.clock,
            number_key=KEY,
            sender_domain="example.org",
        )
        jobs = MailJobs(self.mailer, {"followup": self.mails.compose})
        self.outbox = Outbox(
            self.records.outward.jobs,
            {JobKind.MAIL: jobs.send},
            self.clock,
            chores=[self.mails.queue_due],
        )

    async def opened(self, contact: NewContact = ADA, **template: Any) -> None:
        await self.records.save_campaign(Campaign(id=SPRING, caller="Acme", law=LAX))
        await self.records.add_contacts(SPRING, [contact])
        new = NewTemplate(
            name="thanks",
            language="it",
            subject="Grazie, {{ contact.first_name }}",
            text="Ciao {{ contact.name }}, di {{ contact.city }}.",
            author="anna",
        )
        await self.records.outward.followups.add_template(replace(new, **template), NOW)
        rule = NewRule(
            campaign=SPRING,
            disposition="lead",
            template="thanks",
            language="it",
            delay=timedelta(hours=1),
            author="anna",
        )
        await self.records.outward.followups.add_rule(rule, NOW)

    async def said(self, code: str = "lead", call: str = "call-1") -> None:
        """A conversation with the contact, noted with this code."""
        [contact] = await self.records.due_contacts(SPRING, self.clock.at, 1)
        begun = Call(id=CallId(call), contact=contact, admitted_at=self.clock.at)
        row = await self.records.campaign(SPRING)
        assert row is not None
        assert await self.records.attempt_started(begun, row.campaign) is None
        over = begun.evolve(outcome=Outcome.CONNECTED, agent=AgentId("1001"), ended_at=self.clock.at)
        end = AttemptEnd(call=over, next_due=self.clock.at, counts_as_attempt=True)
        await self.records.attempt_ended(end)
        self.note(code, call)

    def note(self, code: str, call: str = "call-1") -> None:
        leads = self.records.outward.leads
        assert isinstance(leads, MemoryLeads)
        contact = self.records._calls[CallId(call)].contact.id
        leads.noted.append(
            Noted(call=CallId(call), contact=contact, campaign=SPRING, code=code, at=self.clock.at)
        )

    async def later(self, **time: float) -> list[Mail]:
        """Everything sent so far, after this time."""
        await self.outbox.drain()
        self.clock.at += timedelta(**time)
        await self.outbox.drain()
        return self.mailer.sent

    async def ended(self) -> tuple[JobState, str]:
        """How the only job ended."""
        [job] = await self.records.outward.jobs.jobs()
        return job.state, job.error


@pytest.fixture
def house() -> House:
    return House()


async def test_a_follow_up_is_sent_after_its_delay(house: House) -> None:
    await house.opened()
    await house.said()
    assert await house.later(minutes=59) == []
    [mail] = await house.later(minutes=1)
    assert (mail.to, mail.subject) == ("Ada.Rossi@example.net", "Grazie, Ada")
    assert mail.text.startswith("Ciao Ada Rossi, di Forlì.")
    assert mail.message_id.endswith("@example.org")
    assert await house.ended() == (JobState.SENT, "")


async def test_another_disposition_writes_nothing(house: House) -> None:
    await house.opened()
    await house.said("refused")
    assert await house.later(days=1) == []
    assert await house.records.outward.jobs.jobs() == []


async def test_a_mail_can_be_unsubscribed_from_and_its_link_tells_nothing(house: House) -> None:
    await house.opened(html="<html><body><p>Ciao</p></body></html>")
    await house.said()
    [mail] = await house.later(hours=1)
    assert mail.unsubscribe.startswith("https://calls.example.org/public/unsubscribe/")
    assert mail.unsubscribe in mail.text
    assert f'<a href="{mail.unsubscribe}">' in mail.html
    assert mail.html.endswith("</p></body></html>")
    assert not any(word in mail.unsubscribe.lower() for word in ("ada", "rossi", "example.net", "347"))
    token = mail.unsubscribe.rpartition("/")[2]
    desk = Unsubscribing(house.records.outward.followups, house.records, house.links, house.clock)
    assert desk.language(token) == "it"
    assert await desk.unsubscribe(token)
    assert await desk.unsubscribe(token)
    entry = await house.records.outward.followups.opted_out(
        mail_person(KEY, "ada.rossi@example.net"), ["caller:Acme"]
    )
    assert entry is not None


async def test_a_template_that_names_the_link_itself_gets_no_second_one(house: House) -> None:
    await house.opened(text="Basta? {{ unsubscribe_url }}", html="<a href='{{ unsubscribe_url }}'>basta</a>")
    await house.said()
    [mail] = await house.later(hours=1)
    assert mail.text == f"Basta? {mail.unsubscribe}"
    assert mail.html.count(mail.unsubscribe) == 1


@pytest.mark.parametrize("change", ["x", ".x", "AAAA"])
async def test_a_link_that_is_not_ours_unsubscribes_nobody(house: House, change: str) -> None:
    desk = Unsubscribing(house.records.outward.followups, house.records, house.links, house.clock)
    token = house.links.unsubscribe(UnsubscribeLink("p" * 22, SPRING, "it")).rpartition("/")[2]
    assert desk.language(token + change) is None
    assert not await desk.unsubscribe(change + token)
    foreign = Links("https://calls.example.org", NumberKey(bytes(32)))
    theirs = foreign.unsubscribe(UnsubscribeLink("p" * 22, SPRING, "it")).rpartition("/")[2]
    assert not await desk.unsubscribe(theirs)
    assert not await desk.unsubscribe(house.links.confirm(1).rpartition("/")[2])


async def test_a_campaign_that_is_gone_leaves_nobody_who_may_write(house: House) -> None:
    desk = Unsubscribing(house.records.outward.followups, house.records, house.links, house.clock)
    token = house.links.unsubscribe(UnsubscribeLink("p" * 22, SPRING, "it")).rpartition("/")[2]
    assert await desk.unsubscribe(token)
    assert await house.records.outward.followups.opted_out("p" * 22, ["*", "caller:any"]) is not None


# --- never to who opted out


@pytest.mark.parametrize("scope", ["*", "caller:Acme"])
async def test_who_opted_out_of_mails_gets_none(house: House, scope: str) -> None:
    await house.opened()
    await house.said()
    await house.outbox.drain()  # queued already
    entry = MailOptOut(
        scope=scope,
        person=mail_person(KEY, "ADA.ROSSI@example.net"),
        source="link",
        author="them",
        at=NOW,
    )
    await house.records.outward.followups.opt_out(entry)
    assert await house.later(days=1) == []
    state, why = await house.ended()
    assert state is JobState.BLOCKED
    assert "opted out" in why


async def test_an_opt_out_of_another_callers_mails_does_not_bind(house: House) -> None:
    await house.opened()
    await house.said()
    person = mail_person(KEY, "ada.rossi@example.net")
    entry = MailOptOut(scope="caller:Other", person=person, source="link", author="them", at=NOW)
    await house.records.outward.followups.opt_out(entry)
    assert len(await house.later(days=1)) == 1


@pytest.mark.parametrize("number", ["+393471234567", "+390612345678"])
@pytest.mark.parametrize("scope", ["*", "caller:Acme", "campaign:spring"])
async def test_who_is_on_a_do_not_call_list_with_any_number_gets_none(
    house: House, number: str, scope: str
) -> None:
    await house.opened()
    await house.said()
    await house.outbox.drain()
    await house.records.lists.opt_out(scope, [E164(number)], WHO, NOW)
    assert await house.later(days=1) == []
    assert await house.ended() == (
        JobState.BLOCKED,
        f"a number of theirs is on the do-not-call list {scope}",
    )


async def test_who_was_erased_gets_none(house: House) -> None:
    await house.opened()
    await house.said()
    await house.outbox.drain()
    await house.records.people.erase(ADA.number, WHO, NOW)
    assert await house.later(days=1) == []
    assert await house.ended() == (JobState.BLOCKED, "the contact was erased")


@pytest.mark.parametrize("email", ["", "nobody", "a b@example.org", "ada@localhost", "à@example.org"])
async def test_an_address_that_is_none_is_said_and_not_written_to(house: House, email: str) -> None:
    await house.opened(replace(ADA, email=email))
    await house.said()
    assert await house.later(days=1) == []
    state, why = await house.ended()
    assert state is JobState.BLOCKED
    assert "mail address" in why
    assert not email or email not in why


async def test_in_doubt_nothing_is_sent(house: House) -> None:
    await house.opened()
    await house.said()
    await house.outbox.drain()
    house.clock.at += timedelta(hours=1)
    claimed = await house.records.outward.jobs.claim(
        [JobKind.MAIL], "x", house.clock.at, limit=1, lease=timedelta(minutes=5)
    )
    house.records.fail = True
    with pytest.raises(Exception, match="told to fail"):
        await house.mails.compose(claimed[0])
    assert house.mailer.sent == []


# --- not wanted any more


async def test_a_disposition_that_was_put_right_takes_the_mail_back(house: House) -> None:
    await house.opened()
    await house.said()
    await house.outbox.drain()
    house.note("refused")
    assert await house.later(days=1) == []
    assert await house.ended() == (JobState.CANCELLED, "the call is not lead any more")


async def test_a_rule_that_was_switched_off_sends_nothing_more(house: House) -> None:
    await house.opened()
    await house.said()
    await house.outbox.drain()
    await house.records.outward.followups.set_rule(1, active=False)
    assert await house.later(days=1) == []
    assert await house.ended() == (JobState.CANCELLED, "its rule was switched off")


async def test_a_follow_up_of_last_month_is_not_sent(house: House) -> None:
    await house.opened()
    await house.said()
    house.clock.at += timedelta(days=30)  # there was no mail server
    await house.outbox.drain()
    assert house.mailer.sent == []
    assert (await house.ended())[0] is JobState.CANCELLED


# --- templates


async def test_the_contacts_own_language_is_taken_where_there_is_one(house: House) -> None:
    await house.opened(replace(ADA, attributes={**ADA.attributes, "language": "EN"}))
    english = NewTemplate(name="thanks", language="en", subject="Thanks", text="Hello", author="anna")
    await house.records.outward.followups.add_template(english, NOW)
    await house.said()
    [mail] = await house.later(hours=1)
    assert (mail.subject, mail.language) == ("Thanks", "en")
    assert "hear from us" in mail.text


async def test_a_template_can_be_put_right_until_the_first_try_and_not_after_it(house: House) -> None:
    followups = house.records.outward.followups
    await house.opened()
    await house.said()
    await house.outbox.drain()
    second = NewTemplate(name="thanks", language="it", subject="Due", text="2", author="anna")
    await followups.add_template(second, NOW)
    house.mailer.unreachable = True
    await house.later(hours=1)
    await followups.add_template(replace(second, subject="Tre"), NOW)
    house.mailer.unreachable = False
    [mail] = await house.later(hours=1)
    assert mail.subject == "Due"


async def test_a_value_that_is_missing_sends_nothing(house: House) -> None:
    await house.opened(text="Il Suo contratto {{ contact.contract }}")
    await house.said()
    assert await house.later(days=1) == []
    state, why = await house.ended()
    assert state is JobState.FAILED
    assert "contract" in why


async def test_a_mail_that_the_server_refuses_has_failed(house: House) -> None:
    await house.opened()
    await house.said()
    house.mailer.refuse = True
    await house.later(hours=1)
    assert (await house.ended())[0] is JobState.FAILED


async def test_every_try_has_the_same_message_id(house: House) -> None:
    await house.opened()
    await house.said()
    await house.outbox.drain()
    house.clock.at += timedelta(hours=1)
    for _ in range(2):  # the second claims what the first died with
        [job] = await house.records.outward.jobs.claim(
            [JobKind.MAIL], f"{house.clock.at}", house.clock.at, limit=1, lease=timedelta(minutes=5)
        )
        mail = await house.mails.compose(job)
        assert isinstance(mail, Mail)
        house.mailer.sent.append(mail)
        house.clock.at += timedelta(minutes=5)
    assert house.mailer.sent[0] == house.mailer.sent[1]


async def test_queueing_waits_while_too_much_is_waiting(house: House) -> None:
    await house.opened()
    await house.said()
    house.mails._most = 0
    assert await house.later(hours=2) == []
    house.mails._most = 10
    assert len(await house.later(hours=2)) == 1
