"""Leads that come by themselves: checked, confirmed where that is asked for, and made contacts of a campaign.

What came in is stored before anything follows from it, so nothing is lost: what cannot be used is kept with
the reason, and what was cut off in the middle by a crash is finished by ``finish_pending``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from controller.domain.campaign import Campaign
from controller.domain.clearance import scopes
from controller.domain.contact import Consent, Habits, NewContact
from controller.domain.followup import MailTemplate, address, mail_person
from controller.domain.ids import E164
from controller.domain.intake import Answer, IntakeForm, IntakeState, Submission, plain_fields
from controller.domain.outbox import Job, JobKind, NewJob, Verdict, blocked, cancelled, failed
from controller.domain.privacy import NumberKey
from controller.domain.signing import verified
from controller.engine.links import Links
from controller.engine.mail import MissingValueError, fill, message_id
from controller.engine.number_cells import callable_number
from controller.errors import BadInput, Refused
from controller.ports import Clock, Records
from controller.ports.feed import EventFeed
from controller.ports.leads import Outward
from controller.ports.outbox import Mail

log = structlog.get_logger(__name__)

HONEYPOT = "website"
"""A field that people do not see and machines fill in."""
NUMBER, EMAIL, NAME, CONSENT = "number", "email", "name", "consent"
_NUMBERS = (NUMBER, "phone", "tel", "telefono", "cellulare")
_YES = frozenset({"1", "true", "yes", "on", "si", "sì", "x"})
_MOST_FIELDS, _LONGEST_NAME, _LONGEST_VALUE = 40, 64, 2000
_OWN = frozenset({*_NUMBERS, EMAIL, NAME, CONSENT, HONEYPOT})
_REPEATED = timedelta(minutes=15)
"""For so long after a confirmation mail nobody gets another one by the same form."""
_LOOK_BACK = 1000
_LOOK_AGAIN = 5.0
"""Seconds for which the list of forms is taken to be true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeSettings:
    """How long things are kept.

    Attributes:
        confirm_within: how long a double opt-in can be confirmed.
        keep_rejects: how long the values of what was rejected are kept.
    """

    confirm_within: timedelta = timedelta(days=7)
    keep_rejects: timedelta = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """What was sent, as far as it could be understood."""

    number: E164 | None = None
    email: str = ""
    problem: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


class Intake:
    """Implements ports.leads.IntakeDesk."""

    def __init__(
        self,
        outward: Outward,
        records: Records,
        links: Links,
        clock: Clock,
        settings: IntakeSettings = IntakeSettings(),
        *,
        number_key: NumberKey,
        sender_domain: str = "",
        feed: EventFeed | None = None,
    ) -> None:
        """Take the stores, and what mails need to know of us.

        Args:
            outward: forms, what came in, the queue.
            records: campaigns, and where contacts go.
            links: for confirming.
            clock: for consents and for what is too old.
            settings: how long things are kept.
            number_key: under which numbers and addresses are hashed.
            sender_domain: of the address that mails come from.
            feed: told of new contacts.
        """
        self._outward = outward
        self._records = records
        self._links = links
        self._clock = clock
        self._settings = settings
        self._key = number_key
        self._domain = sender_domain
        self._feed = feed
        # Strangers ask for forms as often as they like, and must not keep the record store busy.
        self._forms: dict[str, IntakeForm] = {}
        self._forms_at = float("-inf")

    async def form(self, form: str) -> IntakeForm | None:
        """A form that is open."""
        now = self._clock.monotonic()
        if now - self._forms_at > _LOOK_AGAIN:
            self._forms = {each.id: each for each in await self._outward.intake.forms() if each.open}
            self._forms_at = now
        return self._forms.get(form)

    async def deliver(self, form: IntakeForm, headers: Mapping[str, str], body: bytes) -> Answer:
        """Take what another system signed."""
        try:
            delivery = verified(form.secret, headers, body, self._clock.now())
        except ValueError as error:
            raise Refused(str(error)) from None
        return await self.submit(form, _fields(body), f"signed:{delivery}")

    async def submit(self, form: IntakeForm, values: Mapping[str, str], delivery: str) -> Answer:
        """Take what somebody filled in."""
        now = self._clock.now()
        campaign = await self._campaign(form)
        checked = check(form, values, campaign.region)
        mailed = mail_person(self._key, checked.email) if checked.email else ""
        state, reason = IntakeState.PENDING, checked.problem
        if checked.problem:
            state = IntakeState.REJECTED
        elif form.double_opt_in:
            waiting = await self._outward.intake.pending(form.id, mailed, now - _REPEATED)
            if waiting is not None and waiting.delivery != delivery:
                state, reason = IntakeState.REPEATED, f"confirmation asked for already: {waiting.id}"
        stored, new = await self._outward.intake.receive(
            Submission(
                form=form.id,
                delivery=delivery,
                received_at=now,
                state=state,
                values=checked.values,
                person=self._key.of(checked.number) if checked.number else "",
                mail_person=mailed,
                reason=reason,
                ended_at=None if state is IntakeState.PENDING else now,
            )
        )
        if new:
            log.info("a form was sent", form=form.id, submission=stored.id, state=state.value, why=reason)
        return await self._further(form, stored)

    async def _further(self, form: IntakeForm, stored: Submission) -> Answer:
        """What follows for something stored; may be done twice."""
        if stored.state is IntakeState.PENDING:
            if not form.double_opt_in:
                return await self._accept(form, stored, stored.received_at)
            await self._outward.jobs.put([_confirmation(form, stored, self._clock.now())], self._clock.now())
        return _answer(form, stored)

    async def _accept(self, form: IntakeForm, stored: Submission, given_at: datetime) -> Answer:
        """Make a contact. The store leaves alone what it has already, so this may be done twice."""
        campaign = await self._campaign(form)
        result = await self._records.add_contacts(
            form.campaign, [contact_of(form, stored.values, campaign.region, given_at)]
        )
        known = "a contact already; its consent was renewed" if result.known else ""
        now = self._clock.now()
        if await self._outward.intake.end(stored.id, IntakeState.ACCEPTED, now, reason=known):
            log.info("a lead came in", form=form.id, campaign=form.campaign, new=not result.known)
            if self._feed is not None:
                data = {"campaign": form.campaign, "form": form.id, "contacts": result.stored}
                self._feed.publish("contact.imported", data)
        return Answer(state=IntakeState.ACCEPTED, language=form.language)

    async def confirmable(self, token: str) -> IntakeForm | None:
        """The form of a confirmation link that is ours; changes nothing."""
        found = await self._of_token(token)
        return found[0] if found else None

    async def confirm(self, token: str) -> Answer | None:
        """Confirm a double opt-in; None if the link is not ours."""
        found = await self._of_token(token)
        if found is None:
            return None
        form, stored = found
        if stored.state is not IntakeState.PENDING:
            return _answer(form, stored)
        now = self._clock.now()
        if now > stored.received_at + self._settings.confirm_within:
            return Answer(state=IntakeState.EXPIRED, language=form.language)
        return await self._accept(form, stored, now)

    async def _of_token(self, token: str) -> tuple[IntakeForm, Submission] | None:
        number = self._links.confirm_of(token)
        stored = None if number is None else await self._outward.intake.submission(number)
        form = None if stored is None else await self._outward.intake.form(stored.form)
        return (form, stored) if form is not None and stored is not None else None

    async def _campaign(self, form: IntakeForm) -> Campaign:
        row = await self._records.campaign(form.campaign)
        if row is None:
            raise Refused(f"the campaign {form.campaign} of form {form.id} is gone")
        return row.campaign

    # --- what is done again and again

    async def finish_pending(self) -> int:
        """Go on with what a crash has cut off; how much was looked at."""
        forms = {form.id: form for form in await self._outward.intake.forms()}
        pending = await self._outward.intake.submissions(state=IntakeState.PENDING, limit=_LOOK_BACK)
        for stored in pending:
            if self._clock.now() - stored.received_at > timedelta(minutes=1):
                await self._further(forms[stored.form], stored)
        return len(pending)

    async def expire(self) -> int:
        """Empty what is too old; how much."""
        now, settings = self._clock.now(), self._settings
        return await self._outward.intake.expire(
            now - settings.confirm_within, now - settings.keep_rejects, now
        )

    async def compose(self, job: Job) -> Mail | Verdict:
        """The mail that asks for a confirmation."""
        stored = await self._outward.intake.submission(int(job.payload["submission"]))
        form = None if stored is None else await self._outward.intake.form(stored.form)
        if stored is None or form is None:
            return failed("what was to be confirmed is gone")
        if stored.state is not IntakeState.PENDING:
            return cancelled(f"it is {stored.state.value} already")
        try:
            mailbox = address(stored.values.get(EMAIL, ""))
        except ValueError as error:
            return blocked(f"the mail address cannot be used: {error}")
        campaign = await self._campaign(form)
        binding = scopes(campaign.caller, campaign.id)
        if await self._outward.followups.opted_out(stored.mail_person, binding) is not None:
            return blocked("opted out of mails")
        link = self._links.confirm(stored.id)
        template = await self._template(form)
        try:
            filled = fill(template, _values(form, stored, campaign) | {"confirm_url": link})
        except (MissingValueError, BadInput) as error:
            return failed(str(error))
        if link not in filled.text:
            return failed(f"template {template.name} does not write confirm_url into its text")
        return Mail(
            message_id=message_id(job, self._domain),
            to=mailbox,
            subject=filled.subject,
            text=filled.text,
            html=filled.html,
            language=template.language,
        )

    async def _template(self, form: IntakeForm) -> MailTemplate:
        found = None
        if form.template:
            found = await self._outward.followups.template(form.template, form.language)
        return found or _OWN_WORDS.get(form.language, _OWN_WORDS["en"])


def check(form: IntakeForm, values: Mapping[str, str], region: str) -> _Checked:
    """Look at what was sent: the first thing that is wrong with it, and what is kept of it in any case."""
    kept = {name.strip()[:_LONGEST_NAME]: value.strip()[:_LONGEST_VALUE] for name, value in values.items()}
    kept = dict(list(kept.items())[:_MOST_FIELDS])
    number, email, problem = None, "", ""
    try:
        number = callable_number(_first(kept, _NUMBERS), region.partition("-")[0])
    except ValueError as error:
        problem = f"{NUMBER}: {error}"
    if kept.get(EMAIL) or form.double_opt_in:
        try:
            email = address(kept.get(EMAIL, ""))
        except ValueError as error:
            problem = problem or f"{EMAIL}: {error}"
    if kept.get(CONSENT, "").lower() not in _YES:
        problem = problem or f"{CONSENT}: not given"
    if len(values) > _MOST_FIELDS:
        problem = problem or f"more than {_MOST_FIELDS} fields"
    if any(len(value.strip()) > _LONGEST_VALUE for value in values.values()):
        problem = problem or f"a field of more than {_LONGEST_VALUE} characters"
    if kept.get(HONEYPOT):
        problem = f"{HONEYPOT}: filled in, as only machines do"
    return _Checked(number=number, email=email, problem=problem, values=kept)


def contact_of(form: IntakeForm, values: Mapping[str, str], region: str, given_at: datetime) -> NewContact:
    """The contact that somebody becomes, with the consent that they gave at this time."""
    first, last = values.get("first_name", ""), values.get("last_name", "")
    attributes = {name: value for name, value in values.items() if name not in _OWN and value}
    return NewContact(
        number=callable_number(_first(values, _NUMBERS), region.partition("-")[0]),
        name=values.get(NAME) or f"{first} {last}".strip(),
        email=address(values[EMAIL]) if values.get(EMAIL) else "",
        attributes=attributes | {"reason": form.reason, "form": form.id},
        tags=form.tags,
        consent=Consent(basis=form.basis, source=form.source, given_at=given_at),
        habits=Habits(segment=form.segment),
    )


def _fields(body: bytes) -> dict[str, str]:
    try:
        return plain_fields(body)
    except ValueError as error:
        raise BadInput("body", str(error)) from None


def _first(values: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((values[name] for name in names if values.get(name)), "")


def _answer(form: IntakeForm, stored: Submission) -> Answer:
    """What is said; a machine that filled in the honeypot is not told that we noticed."""
    if stored.state is IntakeState.REJECTED and stored.reason.startswith(HONEYPOT):
        state = IntakeState.PENDING if form.double_opt_in else IntakeState.ACCEPTED
        return Answer(state=state, language=form.language)
    problem = stored.reason if stored.state is IntakeState.REJECTED else ""
    return Answer(state=stored.state, problem=problem, language=form.language)


def _confirmation(form: IntakeForm, stored: Submission, now: datetime) -> NewJob:
    return NewJob(
        kind=JobKind.MAIL,
        key=f"confirm:{stored.id}",
        about=form.campaign,
        due_at=now,
        payload={"what": "confirm", "submission": stored.id},
    )


def _values(form: IntakeForm, stored: Submission, campaign: Campaign) -> dict[str, object]:
    return {
        "contact": dict(stored.values),
        "campaign": campaign.id,
        "caller": campaign.caller,
        "caller_number": campaign.caller_number,
        "consent_text": form.consent_text,
    }


def _own_words(language: str, subject: str, text: str) -> MailTemplate:
    return MailTemplate(
        name="confirmation",
        language=language,
        version=0,
        subject=subject,
        text=text,
        author="",
        created_at=datetime.fromisoformat("2026-01-01T00:00:00+00:00"),
    )


_OWN_WORDS = {
    "it": _own_words(
        "it",
        "Confermi la Sua richiesta a {{ caller }}",
        "Buongiorno,\n\nqualcuno ha lasciato questo indirizzo a {{ caller }}, acconsentendo a "
        "quanto segue:\n\n"
        "    {{ consent_text }}\n\nSe è stato Lei, lo confermi qui:\n\n{{ confirm_url }}\n\n"
        "Altrimenti non faccia nulla: non La chiameremo.\n",
    ),
    "en": _own_words(
        "en",
        "Please confirm your request to {{ caller }}",
        "Hello,\n\nsomebody left this address with {{ caller }} and agreed to this:\n\n"
        "    {{ consent_text }}\n\nIf it was you, please confirm it here:\n\n{{ confirm_url }}\n\n"
        "Otherwise do nothing: you will not be called.\n",
    ),
}
"""Where a form names no template of its own."""
