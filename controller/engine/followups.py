"""Follow-ups: composed at the last moment, from what is true then, and never for who opted out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog

from controller.domain.campaign import Campaign
from controller.domain.clearance import EVERYBODY, caller_scope, scopes
from controller.domain.followup import (
    CallNote,
    FollowUpRule,
    MailOptOut,
    MailTemplate,
    Recipient,
    address,
    mail_person,
)
from controller.domain.ids import CallId, ContactId
from controller.domain.outbox import Job, JobKind, Verdict, blocked, cancelled, failed
from controller.domain.privacy import NumberKey
from controller.engine.links import Links, UnsubscribeLink
from controller.engine.mail import MissingValueError, fill, message_id, with_unsubscribe
from controller.errors import BadInput
from controller.ports import Clock, Lists, Records
from controller.ports.leads import FollowUps, Outward
from controller.ports.outbox import Mail

log = structlog.get_logger(__name__)

TOO_LATE = timedelta(days=7)
"""A follow-up that is overdue by more is not sent: who gets it would not know any more what it is about."""
MOST_WAITING = 100_000
"""Mails that may wait. More dispositions are left where they are, and queued when there is room."""


class FollowUpMails:
    """Composes follow-ups, and queues those that have become due."""

    def __init__(
        self,
        outward: Outward,
        records: Records,
        lists: Lists,
        links: Links,
        clock: Clock,
        *,
        number_key: NumberKey,
        sender_domain: str,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        """Take the stores, and what mails need to know of us.

        Args:
            outward: templates, rules, contacts, the queue.
            records: campaigns.
            lists: do-not-call lists; who is on one is not written to either.
            links: for unsubscribing.
            clock: for what is too late.
            number_key: under which addresses are hashed.
            sender_domain: of the address that mails come from; message ids end in it.
            most_waiting: mails that may wait in the queue.
        """
        self._outward = outward
        self._records = records
        self._lists = lists
        self._links = links
        self._clock = clock
        self._key = number_key
        self._domain = sender_domain
        self._most = most_waiting

    async def queue_due(self) -> int:
        """Queue the follow-ups of what agents noted since the last time."""
        room = self._most - await self._outward.jobs.waiting(JobKind.MAIL)
        if room <= 0:
            return 0
        return await self._outward.followups.queue_due(self._clock.now(), room=min(room, 500))

    async def compose(self, job: Job) -> Mail | Verdict:
        """The mail of a job, or why there is none."""
        found = await self._wanted(job)
        if isinstance(found, Verdict):
            return found
        rule, note, to = found
        row = await self._records.campaign(rule.campaign)
        if row is None:
            return failed("its campaign is gone")
        mailbox = await self._mailbox(to, row.campaign)
        if isinstance(mailbox, Verdict):
            return mailbox
        template = await self._template(job, rule, to)
        if template is None:
            return failed(f"there is no template {rule.template}")
        person = mail_person(self._key, mailbox)
        unsubscribe = self._links.unsubscribe(UnsubscribeLink(person, rule.campaign, template.language))
        try:
            filled = fill(template, values(to, row.campaign, note) | {"unsubscribe_url": unsubscribe})
        except (MissingValueError, BadInput) as error:
            return failed(str(error))
        filled = with_unsubscribe(filled, unsubscribe, template.language)
        return Mail(
            message_id=message_id(job, self._domain),
            to=mailbox,
            subject=filled.subject,
            text=filled.text,
            html=filled.html,
            language=template.language,
            unsubscribe=unsubscribe,
        )

    async def _wanted(self, job: Job) -> tuple[FollowUpRule, CallNote, Recipient] | Verdict:
        """What a job is about, if it still is to be sent."""
        rules = await self._outward.followups.rules()
        rule = next((rule for rule in rules if rule.id == job.payload["rule"]), None)
        if rule is None or not rule.active:
            return cancelled("its rule was switched off")
        note = await self._outward.followups.note_of(CallId(job.payload["call"]))
        if note is None or note.code.lower() != rule.disposition.lower():
            return cancelled(f"the call is not {rule.disposition} any more")
        if self._clock.now() > note.at + rule.delay + TOO_LATE:
            return cancelled(f"overdue by more than {TOO_LATE.days} days")
        to = await self._outward.leads.recipient(ContactId(job.payload["contact"]))
        if to is None or to.erased:
            return blocked("the contact was erased")
        return rule, note, to

    async def _mailbox(self, to: Recipient, campaign: Campaign) -> str | Verdict:
        """Where to write to, if one may."""
        if not to.email:
            return blocked("the contact has no mail address")
        try:
            mailbox = address(to.email)
        except ValueError as error:
            return blocked(f"the contact's mail address cannot be used: {error}")
        binding = scopes(campaign.caller, campaign.id)
        entry = await self._outward.followups.opted_out(mail_person(self._key, mailbox), binding)
        if entry is not None:
            return blocked(f"opted out of mails on {entry.at:%Y-%m-%d} ({entry.source})")
        for number in to.numbers:
            standing = await self._lists.standing(number, binding)
            if standing.opt_outs:
                scope = standing.opt_outs[0].scope
                return blocked(f"a number of theirs is on the do-not-call list {scope}")
        return mailbox

    async def _template(self, job: Job, rule: FollowUpRule, to: Recipient) -> MailTemplate | None:
        """The newest version at the first try; that same one at all others, so that a repetition is one."""
        followups = self._outward.followups
        if "version" in job.payload:
            return await followups.template(
                rule.template, job.payload["language"], int(job.payload["version"])
            )
        language = to.attributes.get("language", "").strip().lower()[:2]
        template = await followups.template(rule.template, language) if language else None
        template = template or await followups.template(rule.template, rule.language)
        if template is not None:
            chosen = {"language": template.language, "version": template.version}
            await self._outward.jobs.note(job, {**job.payload, **chosen})
        return template


def values(to: Recipient, campaign: Campaign, note: CallNote | None) -> dict[str, Any]:
    """What a template may write of a contact and of the call."""
    contact = dict(to.attributes) | {"name": to.name, "id": to.contact}
    return {
        "contact": contact,
        "campaign": campaign.id,
        "caller": campaign.caller,
        "caller_number": campaign.caller_number,
        "disposition": note.code if note else "",
        "agent": note.agent if note else "",
    }


SAMPLE: Mapping[str, Any] = {
    "contact": {"name": "Ada Rossi", "first_name": "Ada", "last_name": "Rossi", "city": "Forlì", "id": 1},
    "campaign": "spring",
    "caller": "Acme S.p.A.",
    "caller_number": "+390212345678",
    "disposition": "lead",
    "agent": "1001",
    "unsubscribe_url": "https://example.org/public/unsubscribe/...",
    "confirm_url": "https://example.org/public/confirm/...",
}
"""What a preview is filled in with."""


class Unsubscribing:
    """Implements ports.leads.UnsubscribeDesk."""

    def __init__(self, followups: FollowUps, records: Records, links: Links, clock: Clock) -> None:
        """Take the stores, and who made the links."""
        self._followups = followups
        self._records = records
        self._links = links
        self._clock = clock

    def language(self, token: str) -> str | None:
        """The language of the link's page; None if the link is not ours."""
        link = self._links.unsubscribe_of(token)
        return link.language if link else None

    async def unsubscribe(self, token: str) -> bool:
        """Never write to the address again, for any campaign of the caller."""
        link = self._links.unsubscribe_of(token)
        if link is None:
            return False
        row = await self._records.campaign(link.campaign)
        # A campaign that is gone had a caller whom we do not know any more: then nobody may write.
        scope = caller_scope(row.campaign.caller) if row else EVERYBODY
        entry = MailOptOut(
            scope=scope,
            person=link.person,
            source="unsubscribe link",
            author="the recipient",
            at=self._clock.now(),
        )
        if await self._followups.opt_out(entry):
            log.info("mail opt-out", campaign=link.campaign, scope=scope)
        return True
