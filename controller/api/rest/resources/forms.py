"""Forms: by which leads come in by themselves."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import Field

from controller.api.rest.ask import Ask
from controller.api.rest.models import (
    CampaignName,
    Line,
    Model,
    Page,
    Paging,
    Text,
    Wanted,
    Words,
)
from controller.api.rest.problems import NOT_FOUND, Problem
from controller.api.rest.routes import Reply, Resource
from controller.domain.access import Right
from controller.domain.intake import IntakeForm, IntakeState, Submission
from controller.domain.signing import SECRET_BYTES, secret_text
from controller.errors import BadInput

forms = Resource("Forms", "By which leads come in by themselves: landing pages, signed deliveries")


class FormView(Model):
    """By what people come into a campaign, and what they agree to by it."""

    id: str
    campaign: str
    open: bool
    basis: str
    reason: str
    consent_text: str
    consent_version: str
    double_opt_in: bool
    template: str
    language: str
    origin: str
    segment: str
    tags: list[str]
    author: str
    created_at: datetime
    counts: Mapping[IntakeState, int] = Field(description="What became of all that came in by it")


class NewFormView(FormView):
    """A form that was made, with its secret."""

    secret: str = Field(description="With which another system signs what it delivers; shown only now")


class WantedForm(Wanted):
    """A form to be made. It is never changed: what people agreed to must stay known."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    campaign: CampaignName
    reason: Words = Field(description="Why those who fill it in are called; agents read it")
    consent_text: Text = Field(min_length=1, description="What they agree to, as it stands beside the box")
    consent_version: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,32}$", description="Names that text")
    basis: Words = "consent"
    double_opt_in: bool = Field(default=True, description="They confirm by the link in a mail")
    template: str = Field(default="", pattern=r"^[A-Za-z0-9_.-]{0,64}$", description="Of that mail")
    language: Literal["it", "en"] = "it"
    origin: str = Field(
        default="",
        pattern=r"^(https?://[a-z0-9.-]+(:[0-9]{1,5})?)?$",
        description="Site whose pages may send it by a script",
    )
    segment: Line = ""
    tags: list[Words] = Field(default_factory=list, max_length=100)


class FormPath(Wanted):
    """One form."""

    form: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")


class SubmissionView(Model):
    """Something that came in."""

    id: int
    form: str
    received_at: datetime
    state: IntakeState
    reason: str = Field(description="Why it was rejected; else empty")
    values: Mapping[str, str] = Field(description="What was sent; empty without the right `personal-data`")
    ended_at: datetime | None


class WhichSubmissions(Paging):
    """Which of what came in."""

    form: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    state: IntakeState | None = None


@forms.get("/forms", Right.SEE_DESIGN)
async def list_forms(ask: Ask, query: Paging) -> Page[FormView]:
    """The forms, by id, and what became of all that came in by them."""
    after = ask.place(query)
    forms = [
        form for form in await ask.services.outward.intake.forms() if after is None or form.id > str(after[0])
    ]
    views = [await _form(ask, form) for form in forms[: query.limit + 1]]
    return ask.page(query, views, lambda view: view, lambda view: [view.id])


@forms.post("/forms", Right.EDIT_DESIGN, status=201)
async def create_form(ask: Ask, body: WantedForm) -> Reply[NewFormView]:
    """Make a form; its secret is shown in this answer only."""
    campaign = (await ask.named_campaign(body.campaign)).campaign.id
    outward = ask.services.outward
    if body.template and await outward.followups.template(body.template, body.language) is None:
        raise BadInput("template", f"there is no {body.template} in {body.language}")
    secret = secrets.token_bytes(SECRET_BYTES)
    form = IntakeForm(
        id=body.id,
        campaign=campaign,
        secret=secret,
        basis=body.basis.strip(),
        reason=body.reason.strip(),
        consent_text=body.consent_text.strip(),
        consent_version=body.consent_version,
        double_opt_in=body.double_opt_in,
        template=body.template,
        language=body.language,
        origin=body.origin,
        segment=body.segment.strip(),
        tags=frozenset(tag.strip() for tag in body.tags),
        author=ask.author,
        created_at=ask.now,
    )
    await outward.intake.add_form(form)
    view = NewFormView(**(await _form(ask, form)).model_dump(), secret=secret_text(secret))
    return Reply(body=view, location=f"/forms/{form.id}")


@forms.get("/forms/{form}", Right.SEE_DESIGN)
async def get_form(ask: Ask, path: FormPath) -> FormView:
    """One form."""
    form = await ask.services.outward.intake.form(path.form)
    if form is None:
        raise Problem(NOT_FOUND, f"there is no form {path.form!r}")
    return await _form(ask, form)


@forms.post("/forms/{form}/open", Right.EDIT_DESIGN, keeps=False)
async def open_form(ask: Ask, path: FormPath) -> FormView:
    """Let a form take leads again."""
    await ask.services.outward.intake.open_form(path.form, open=True)
    return await get_form(ask, path)


@forms.post("/forms/{form}/close", Right.EDIT_DESIGN, keeps=False)
async def close_form(ask: Ask, path: FormPath) -> FormView:
    """Let a form take nothing more; what waits for its confirmation can still be confirmed."""
    await ask.services.outward.intake.open_form(path.form, open=False)
    return await get_form(ask, path)


@forms.get("/submissions", Right.SEE_CONTACTS)
async def list_submissions(ask: Ask, query: WhichSubmissions) -> Page[SubmissionView]:
    """What came in by forms, and why some of it was rejected."""
    place = ask.place(query)
    found = await ask.services.outward.intake.submissions(
        form=query.form,
        state=query.state,
        after=0 if place is None else int(place[0]),
        limit=query.limit + 1,
    )
    return ask.page(query, found, lambda each: _submission(ask, each), lambda each: [each.id])


# --- between the two worlds -------------------------------------------------------------------------------


async def _form(ask: Ask, form: IntakeForm) -> FormView:
    return FormView(
        id=form.id,
        campaign=form.campaign,
        open=form.open,
        basis=form.basis,
        reason=form.reason,
        consent_text=form.consent_text,
        consent_version=form.consent_version,
        double_opt_in=form.double_opt_in,
        template=form.template,
        language=form.language,
        origin=form.origin,
        segment=form.segment,
        tags=sorted(form.tags),
        author=form.author,
        created_at=form.created_at,
        counts=dict(await ask.services.outward.intake.counts(form.id)),
    )


def _submission(ask: Ask, each: Submission) -> SubmissionView:
    return SubmissionView(
        id=each.id,
        form=each.form,
        received_at=each.received_at,
        state=each.state,
        reason=each.reason,
        values=dict(each.values) if ask.in_clear else {},
        ended_at=each.ended_at,
    )
