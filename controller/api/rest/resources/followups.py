"""Follow-ups: mails to contacts after conversations."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import Field

from controller.api.rest.ask import Ask
from controller.api.rest.models import CampaignName, Line, Model, Page, Paging, RowNumber, Text, Wanted, Word
from controller.api.rest.problems import NOT_FOUND, Problem
from controller.api.rest.resources.webhooks import DeliveryView, delivery_view
from controller.api.rest.routes import Resource
from controller.domain.access import Right
from controller.domain.followup import FollowUpRule, MailTemplate
from controller.domain.ids import CampaignId
from controller.domain.outbox import JobKind, JobState
from controller.errors import BadInput
from controller.ports.leads import NewRule, NewTemplate

followups = Resource("Follow-ups", "Mails to contacts after conversations (docs/leads.md)")

_LONGEST_DELAY = timedelta(days=366).total_seconds()
_LANGUAGE = r"^[a-z]{2}$"


class TemplateView(Model):
    """The newest version of a mail template in one language."""

    name: str
    language: str
    version: int
    subject: str
    text: str
    html: str
    author: str
    created_at: datetime


class WantedTemplate(Wanted):
    """The next version of a mail template; all parts are Jinja2."""

    name: Word
    language: str = Field(default="it", pattern=_LANGUAGE)
    subject: Line = Field(min_length=1)
    text: Text = Field(min_length=1)
    html: Text = ""


class RuleView(Model):
    """After which disposition which mail is sent, once for each contact."""

    id: int
    campaign: str
    disposition: str
    template: str
    language: str
    delay: float = Field(description="Seconds after the disposition")
    active: bool
    author: str
    created_at: datetime


class WantedRule(Wanted):
    """A rule to be made."""

    campaign: CampaignName
    disposition: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")
    template: Word
    language: str = Field(default="it", pattern=_LANGUAGE)
    delay: float = Field(default=0.0, ge=0, le=_LONGEST_DELAY, description="Seconds after the disposition")


class RulePath(Wanted):
    """One rule."""

    rule: RowNumber


class MailPath(Wanted):
    """One mail."""

    mail: RowNumber


class WhichMails(Paging):
    """Which mails."""

    campaign: CampaignName | None = None
    state: JobState | None = None


@followups.get("/mail-templates", Right.SEE_DESIGN)
async def list_mail_templates(ask: Ask, query: Paging) -> Page[TemplateView]:
    """The mail templates, each in its newest version, by name and language."""
    place = ask.place(query)
    after = None if place is None else (str(place[0]), str(place[1]))
    every = await ask.services.outward.followups.templates()
    found = [each for each in every if after is None or (each.name, each.language) > after]
    return ask.page(query, found[: query.limit + 1], _template, lambda each: [each.name, each.language])


@followups.post("/mail-templates", Right.EDIT_DESIGN, status=201)
async def save_mail_template(ask: Ask, body: WantedTemplate) -> TemplateView:
    """Store a mail template, or its next version."""
    for part, source in (("subject", body.subject), ("text", body.text), ("html", body.html)):
        ask.services.check_template(part, source)
    new = NewTemplate(
        name=body.name,
        language=body.language,
        subject=body.subject,
        text=body.text,
        html=body.html,
        author=ask.author,
    )
    return _template(await ask.services.outward.followups.add_template(new, ask.now))


@followups.get("/follow-up-rules", Right.SEE_DESIGN)
async def list_follow_up_rules(ask: Ask, query: Paging) -> Page[RuleView]:
    """The follow-up rules, by id."""
    place = ask.place(query)
    every = await ask.services.outward.followups.rules()
    found = [each for each in every if place is None or each.id > int(place[0])]
    return ask.page(query, found[: query.limit + 1], _rule, lambda each: [each.id])


@followups.post("/follow-up-rules", Right.EDIT_DESIGN, status=201)
async def create_follow_up_rule(ask: Ask, body: WantedRule) -> RuleView:
    """Write to contacts after a disposition, once each. What was noted before does not count."""
    campaign = (await ask.named_campaign(body.campaign)).campaign
    if campaign.dispositions.of(body.disposition) is None:
        known = ", ".join(campaign.dispositions.codes)
        raise BadInput("disposition", f"{campaign.id} has no {body.disposition!r}", known)
    outward = ask.services.outward
    if await outward.followups.template(body.template, body.language) is None:
        raise BadInput("template", f"there is no {body.template} in {body.language}")
    new = NewRule(
        campaign=CampaignId(body.campaign),
        disposition=body.disposition,
        template=body.template,
        language=body.language,
        delay=timedelta(seconds=body.delay),
        author=ask.author,
    )
    return _rule(await outward.followups.add_rule(new, ask.now))


@followups.post("/follow-up-rules/{rule}/switch-on", Right.EDIT_DESIGN, keeps=False)
async def switch_on_rule(ask: Ask, path: RulePath) -> RuleView:
    """Let a rule hold again; what was noted while it was off is passed over."""
    return await _switched(ask, path, active=True)


@followups.post("/follow-up-rules/{rule}/switch-off", Right.EDIT_DESIGN, keeps=False)
async def switch_off_rule(ask: Ask, path: RulePath) -> RuleView:
    """Let a rule hold no more; what it has queued is not sent."""
    return await _switched(ask, path, active=False)


@followups.get("/mails", Right.SEE_DESIGN)
async def list_mails(ask: Ask, query: WhichMails) -> Page[DeliveryView]:
    """Mails that wait, were sent, or never will be, and why."""
    place = ask.place(query)
    found = await ask.services.outward.jobs.jobs(
        kind=JobKind.MAIL,
        state=query.state,
        about=query.campaign,
        after=0 if place is None else int(place[0]),
        limit=query.limit + 1,
    )
    return ask.page(query, found, delivery_view, lambda job: [job.id])


@followups.post("/mails/{mail}/cancel", Right.EDIT_DESIGN, keeps=False)
async def cancel_mail(ask: Ask, path: MailPath) -> None:
    """Take a mail out of the queue."""
    if not await ask.services.outward.jobs.cancel(path.mail, f"taken out by {ask.author}", ask.now):
        raise Problem(NOT_FOUND, f"mail {path.mail} does not wait")


@followups.post("/mails/{mail}/retry", Right.EDIT_DESIGN, keeps=False)
async def retry_mail(ask: Ask, path: MailPath) -> None:
    """Queue a mail that failed or was cancelled once more."""
    if not await ask.services.outward.jobs.revive(path.mail, ask.now):
        raise Problem(NOT_FOUND, f"mail {path.mail} has neither failed nor been cancelled")


async def _switched(ask: Ask, path: RulePath, *, active: bool) -> RuleView:
    store = ask.services.outward.followups
    await store.set_rule(path.rule, active=active)
    found = next((rule for rule in await store.rules() if rule.id == path.rule), None)
    if found is None:
        raise Problem(NOT_FOUND, f"there is no rule {path.rule}")
    return _rule(found)


def _template(each: MailTemplate) -> TemplateView:
    return TemplateView(**{name: getattr(each, name) for name in TemplateView.model_fields})


def _rule(each: FollowUpRule) -> RuleView:
    plain = {name: getattr(each, name) for name in RuleView.model_fields}
    return RuleView(**plain | {"delay": each.delay.total_seconds()})
