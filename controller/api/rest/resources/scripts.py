"""Scripts: what agents read out, in versions that never change."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from controller.api.rest.ask import Ask
from controller.api.rest.models import (
    CampaignName,
    Model,
    Page,
    Paging,
    RowNumber,
    Text,
    VersionNumber,
    Wanted,
)
from controller.api.rest.problems import NOT_FOUND, Problem
from controller.api.rest.routes import Reply, Resource
from controller.api.rest.services import Filled
from controller.domain.access import Right
from controller.domain.ids import ContactId
from controller.domain.script import LONGEST_BODY, MOST_QUESTIONS, QuestionKind, Script, questions_from_json
from controller.errors import BadInput

scripts = Resource(
    "Scripts", "What agents read out, with fields of the contact and questions (docs/scripts.md)"
)


class QuestionView(Model):
    """A question that an agent asks."""

    id: str
    text: str
    kind: QuestionKind
    required: bool
    choices: list[str]


class ScriptView(Model):
    """A version of a script."""

    name: str
    version: int
    body: str
    questions: list[QuestionView]
    author: str
    created_at: datetime


class FilledView(Model):
    """A script as it is read to somebody."""

    name: str
    version: int
    text: str = Field(description="What is missing is a blank")
    html: str = Field(description="The same as markup that is safe in a page")
    gaps: list[str] = Field(description="Fields that nobody knows of the contact")
    questions: list[QuestionView]


class WantedQuestion(Wanted):
    """A question that an agent asks."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")
    text: str = Field(min_length=1, max_length=500)
    kind: QuestionKind = QuestionKind.TEXT
    required: bool = False
    choices: list[str] = Field(default_factory=list, max_length=50)


class WantedScript(Wanted):
    """The next version of a script."""

    body: Text = Field(max_length=LONGEST_BODY, description="Jinja2, in a sandbox")
    questions: list[WantedQuestion] = Field(default_factory=list, max_length=MOST_QUESTIONS)


class Preview(Wanted):
    """For whom a script is filled in."""

    campaign: CampaignName
    contact: RowNumber | None = Field(default=None, description="Of the campaign; null: nobody in particular")
    version: VersionNumber | None = None


class ScriptPath(Wanted):
    """One script."""

    script: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")


class Version(Wanted):
    """Which version."""

    version: VersionNumber | None = Field(default=None, description="None: the latest")


@scripts.get("/scripts", Right.SEE_DESIGN)
async def list_scripts(ask: Ask, query: Paging) -> Page[ScriptView]:
    """The latest version of every script, by name."""
    after = ask.place(query)
    every = await ask.services.scripts.scripts()
    found = [script for script in every if after is None or script.name > str(after[0])]
    return ask.page(query, found[: query.limit + 1], _view, lambda script: [script.name])


@scripts.get("/scripts/{script}", Right.SEE_DESIGN)
async def get_script(ask: Ask, path: ScriptPath, query: Version) -> ScriptView:
    """A version of a script."""
    found = await ask.services.scripts.script(path.script, query.version)
    if found is None:
        raise Problem(NOT_FOUND, f"there is no such version of a script {path.script!r}")
    return _view(found)


@scripts.get("/scripts/{script}/versions", Right.SEE_DESIGN)
async def list_script_versions(ask: Ask, path: ScriptPath) -> Page[ScriptView]:
    """A script's versions, the latest first, 100 at most."""
    found = await ask.services.scripts.versions(path.script, 100)
    if not found:
        raise Problem(NOT_FOUND, f"there is no script {path.script!r}")
    return Page(items=[_view(script) for script in found], next=None)


@scripts.post("/scripts/{script}", Right.EDIT_DESIGN, status=201)
async def save_script(ask: Ask, path: ScriptPath, body: WantedScript) -> Reply[ScriptView]:
    """Store the next version of a script; the latest one is answered if nothing is different."""
    try:
        questions = questions_from_json([each.model_dump(mode="json") for each in body.questions])
    except ValueError as error:
        raise BadInput("questions", str(error)) from None
    saved = await ask.services.scripting.save(path.script, body.body, questions, ask.author, ask.now)
    return Reply(body=_view(saved), location=f"/scripts/{saved.name}?version={saved.version}")


@scripts.post("/scripts/{script}/preview", Right.EDIT_DESIGN, keeps=False)
async def preview_script(ask: Ask, path: ScriptPath, body: Preview) -> FilledView:
    """A script filled in for a contact of a campaign, or for nobody in particular."""
    if await ask.services.scripts.script(path.script, body.version) is None:
        raise Problem(NOT_FOUND, f"there is no such version of a script {path.script!r}")
    campaign = (await ask.named_campaign(body.campaign)).campaign
    contact = None
    if body.contact is not None:
        listed = await ask.services.contact_edits.contact(ContactId(body.contact))
        if listed is None or listed.contact.campaign != campaign.id:
            raise BadInput("contact", f"campaign {campaign.id!r} has no contact {body.contact}")
        contact = listed.contact
    filled = await ask.services.scripting.fill(path.script, body.version, campaign, contact, None, ask.now)
    return filled_view(filled)


def _view(script: Script) -> ScriptView:
    return ScriptView(
        name=script.name,
        version=script.version,
        body=script.body,
        questions=_questions(script),
        author=script.author,
        created_at=script.created_at,
    )


def filled_view(filled: Filled) -> FilledView:
    """A script that was filled in, as it is shown."""
    return FilledView(
        name=filled.script.name,
        version=filled.script.version,
        text=filled.text,
        html=filled.html,
        gaps=list(filled.gaps),
        questions=_questions(filled.script),
    )


def _questions(script: Script) -> list[QuestionView]:
    return [
        QuestionView(
            id=each.id, text=each.text, kind=each.kind, required=each.required, choices=list(each.choices)
        )
        for each in script.questions
    ]
