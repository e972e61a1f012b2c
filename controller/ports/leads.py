"""Leads: how far they came, what is written to them, and how they come in by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from controller.domain.followup import CallNote, FollowUpRule, MailOptOut, MailTemplate, Recipient
from controller.domain.funnel import By, Funnel, Stage, StageChange
from controller.domain.ids import CallId, CampaignId, ContactId
from controller.domain.intake import Answer, IntakeForm, IntakeState, Submission
from controller.ports.compliance import Authorship
from controller.ports.outbox import Jobs, Subscriptions


class Leads(Protocol):
    """How far a campaign's contacts came."""

    async def funnel(self, campaign: CampaignId, by: By = By.NOTHING) -> Funnel:
        """A campaign's funnel; ``domain.funnel.Funnel`` says what is counted where.

        Raises:
            BadInput: there is no such campaign.
        """
        ...

    async def set_stage(
        self, contact: ContactId, stage: Stage, who: Authorship, now: datetime
    ) -> StageChange | None:
        """Set a contact's stage by hand, forward or back, and record it. None if it is there already.

        Raises:
            BadInput: there is no such contact.
        """
        ...

    async def stage_changes(self, campaign: CampaignId, limit: int = 1000) -> Sequence[StageChange]:
        """Stages that were set by hand, the last ones first."""
        ...

    async def recipient(self, contact: ContactId) -> Recipient | None:
        """A contact as mails need it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTemplate:
    """A mail template to be stored; see MailTemplate."""

    name: str
    language: str
    subject: str
    text: str
    html: str = ""
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRule:
    """A follow-up rule to be stored; see FollowUpRule."""

    campaign: CampaignId
    disposition: str
    template: str
    language: str
    delay: timedelta
    author: str


class FollowUps(Protocol):
    """Mail templates, rules, and who must not be written to."""

    async def add_template(self, new: NewTemplate, now: datetime) -> MailTemplate:
        """Store the next version of a template in one language."""
        ...

    async def template(self, name: str, language: str, version: int | None = None) -> MailTemplate | None:
        """A version of a template; the newest if none is named."""
        ...

    async def templates(self) -> Sequence[MailTemplate]:
        """The newest version of each, by name and language."""
        ...

    async def add_rule(self, new: NewRule, now: datetime) -> FollowUpRule:
        """Store a rule, active.

        Raises:
            BadInput: there is no such campaign.
        """
        ...

    async def set_rule(self, rule: int, *, active: bool) -> bool:
        """Switch a rule on or off; False if there is none such."""
        ...

    async def rules(self, campaign: CampaignId | None = None) -> Sequence[FollowUpRule]:
        """Rules by id, of one campaign or of all."""
        ...

    async def queue_due(self, now: datetime, *, room: int) -> int:
        """Queue the follow-ups of dispositions that were recorded since the last time; how many.

        At most ``room``; what finds no room is queued the next time.
        """
        ...

    async def note_of(self, call: CallId) -> CallNote | None:
        """What was noted last of a call."""
        ...

    async def opt_out(self, entry: MailOptOut) -> bool:
        """Note that an address must not be written to; False if that was noted before."""
        ...

    async def opt_in(self, scope: str, person: str) -> bool:
        """Take it back; False if it was not noted."""
        ...

    async def opted_out(self, person: str, scopes: Sequence[str]) -> MailOptOut | None:
        """What binds of an address, if anything does."""
        ...


class IntakeStore(Protocol):
    """Forms, and what came in by them."""

    async def add_form(self, form: IntakeForm) -> None:
        """Store a form.

        Raises:
            BadInput: the id is taken, or there is no such campaign.
        """
        ...

    async def form(self, form: str) -> IntakeForm | None:
        """One form."""
        ...

    async def forms(self) -> Sequence[IntakeForm]:
        """All, by id."""
        ...

    async def open_form(self, form: str, *, open: bool) -> bool:
        """Open or close a form; False if there is none such."""
        ...

    async def receive(self, submission: Submission) -> tuple[Submission, bool]:
        """Store what came in, unless its delivery is known; returns what is stored, and whether it is new."""
        ...

    async def submission(self, submission: int) -> Submission | None:
        """One of what came in."""
        ...

    async def end(
        self, submission: int, state: IntakeState, now: datetime, *, reason: str = "", keep: bool = False
    ) -> bool:
        """Say what became of one that is PENDING; its values are emptied unless they are to be kept.

        Returns:
            False if it was not pending any more.
        """
        ...

    async def pending(self, form: str, mail_person: str, since: datetime) -> Submission | None:
        """What waits already for the double opt-in of an address, received since."""
        ...

    async def submissions(
        self,
        *,
        form: str | None = None,
        state: IntakeState | None = None,
        after: int = 0,
        limit: int = 1000,
    ) -> Sequence[Submission]:
        """What came in, by id, from the one after ``after``."""
        ...

    async def counts(self, form: str) -> Mapping[IntakeState, int]:
        """What became of all that came in by a form."""
        ...

    async def expire(self, pending_before: datetime, rejected_before: datetime, now: datetime) -> int:
        """Empty what waited too long for its double opt-in, and rejects whose time is over; how many."""
        ...

    async def forget(self, person: str) -> int:
        """Empty all that a person (keyed hash of the number) sent; how many."""
        ...


@dataclass(frozen=True, slots=True)
class Outward:
    """All of the record store that has to do with the outside world."""

    leads: Leads
    followups: FollowUps
    intake: IntakeStore
    jobs: Jobs
    hooks: Subscriptions


UNSUBSCRIBE, CONFIRM, FORMS, DELIVERIES = (
    "/public/unsubscribe/",
    "/public/confirm/",
    "/public/forms/",
    "/public/intake/",
)
"""Where strangers reach us: links in mails, pages of a site that send a form, machines that deliver leads."""


class IntakeDesk(Protocol):
    """What landing pages and other systems may hand in, and who follows a confirmation link."""

    async def form(self, form: str) -> IntakeForm | None:
        """A form that is open."""
        ...

    async def submit(self, form: IntakeForm, values: Mapping[str, str], delivery: str) -> Answer:
        """Take what somebody filled in; ``delivery`` names it, so that it is taken once."""
        ...

    async def deliver(self, form: IntakeForm, headers: Mapping[str, str], body: bytes) -> Answer:
        """Take what another system signed.

        Raises:
            Refused: the signature is wrong, or too old.
            BadInput: the body is not what was agreed.
        """
        ...

    async def confirmable(self, token: str) -> IntakeForm | None:
        """The form of a confirmation link that is ours; changes nothing."""
        ...

    async def confirm(self, token: str) -> Answer | None:
        """Confirm a double opt-in; None if the link is not ours."""
        ...


class UnsubscribeDesk(Protocol):
    """Who follows an unsubscribe link."""

    def language(self, token: str) -> str | None:
        """The language of the link's page; None if the link is not ours."""
        ...

    async def unsubscribe(self, token: str) -> bool:
        """Never write to the address again; False if the link is not ours. Saying it twice is no harm."""
        ...
