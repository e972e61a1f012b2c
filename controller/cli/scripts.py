"""``script save | show | list | preview``: what agents read out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.campaigns import must_exist
from controller.cli.dnc import Region
from controller.cli.numbers import parsed
from controller.cli.shell import AsJson, print_json, print_table, run_async, settings_of
from controller.domain.ids import CampaignId
from controller.errors import BadInput

if TYPE_CHECKING:
    from controller.config import Settings
    from controller.domain.contact import Contact
    from controller.domain.ids import E164
    from controller.domain.script import Question, Script
    from controller.engine.scripting import Rendered
    from controller.ports import Records

app = typer.Typer(help="Scripts that agents read out, in versions.", no_args_is_help=True)

_LARGEST_FILE = 1_000_000

Name = Annotated[str, typer.Argument(metavar="NAME", help="The script's short name.")]
Version = Annotated[int | None, typer.Option(help="Which version.", show_default="the latest", min=1)]


@app.command()
def save(
    ctx: typer.Context,
    name: Name,
    file: Annotated[Path, typer.Argument(help="The text, with its fields.", exists=True, dir_okay=False)],
    author: Annotated[str, typer.Option(help="Who writes it; recorded.")],
    questions: Annotated[
        Path | None,
        typer.Option(
            help="JSON with the questions.",
            exists=True,
            dir_okay=False,
            show_default="those of the latest version",
        ),
    ] = None,
) -> None:
    """Store the next version of a script; versions already stored never change."""
    settings = settings_of(ctx)
    body = _text_of(file)
    asked = None if questions is None else _questions_of(questions)
    if not author.strip():
        raise BadInput("--author", "is empty", "who writes it")
    saved, before = run_async(_save(settings, name, body, asked, author.strip()))
    same = before is not None and before.version == saved.version
    typer.echo(f"script {name}: {'nothing changed, still' if same else 'saved as'} version {saved.version}")


@app.command()
def show(ctx: typer.Context, name: Name, version: Version = None, as_json: AsJson = False) -> None:
    """A script as it was written, with its questions."""
    found = run_async(_find(settings_of(ctx), name, version))
    if as_json:
        print_json(script_as_dict(found))
        return
    typer.echo(
        f"{found.name}, version {found.version}, by {found.author}, {found.created_at:%Y-%m-%d %H:%M} UTC\n"
    )
    typer.echo(found.body)
    for question in found.questions:
        choices = f" ({' | '.join(question.choices)})" if question.choices else ""
        required = ", required" if question.required else ""
        typer.echo(f"[{question.id}: {question.kind.value}{required}] {question.text}{choices}")


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """The latest version of every script."""
    found = run_async(_all(settings_of(ctx)))
    if as_json:
        print_json([script_as_dict(each) for each in found])
        return
    print_table(
        ["script", "version", "questions", "by", "since (UTC)"],
        [
            [each.name, each.version, len(each.questions), each.author, f"{each.created_at:%Y-%m-%d %H:%M}"]
            for each in found
        ],
        "there is no script yet: script save",
    )


@app.command()
def preview(
    ctx: typer.Context,
    name: Name,
    campaign: Annotated[str, typer.Option(help="In whose name it is read.")],
    number: Annotated[
        str | None, typer.Option(help="To which contact of the campaign.", show_default="a sample")
    ] = None,
    version: Version = None,
    agent: Annotated[str, typer.Option(help="Who reads it, by name.")] = "",
    html: Annotated[bool, typer.Option("--html", help="Write it as for a web page.")] = False,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """A script as it is read to a contact; what is not known of them is left blank."""
    settings = settings_of(ctx)
    where = (region or settings.campaign_defaults.region).upper()
    to = None if number is None else parsed(number, where)
    made = run_async(_preview(settings, name, version, CampaignId(campaign), to, agent))
    if as_json:
        print_json(rendered_as_dict(made))
        return
    typer.echo(made.html if html else made.text)
    if made.gaps:
        typer.echo(f"not known of this contact: {', '.join(made.gaps)}", err=True)


def script_as_dict(script: Script) -> dict[str, Any]:
    """A script as plain values."""
    return {
        "name": script.name,
        "version": script.version,
        "body": script.body,
        "questions": [question.to_json() for question in script.questions],
        "author": script.author,
        "created_at": script.created_at.isoformat(),
    }


def rendered_as_dict(made: Rendered) -> dict[str, Any]:
    """A script filled in, as plain values."""
    return {
        "script": made.script.name,
        "version": made.script.version,
        "text": made.text,
        "html": made.html,
        "gaps": list(made.gaps),
        "questions": [question.to_json() for question in made.script.questions],
    }


def _text_of(file: Path) -> str:
    try:
        raw = file.read_bytes()
        if len(raw) > _LARGEST_FILE:
            raise BadInput(str(file), f"has more than {_LARGEST_FILE} bytes")
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise BadInput(str(file), f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput(str(file), f"is not UTF-8: {error.reason} at byte {error.start}") from error


def _questions_of(file: Path) -> tuple[Question, ...]:
    from controller.domain.script import questions_from_json

    try:
        return questions_from_json(json.loads(_text_of(file)))
    except RecursionError:
        raise BadInput(str(file), "is nested too deeply") from None
    except ValueError as error:
        raise BadInput(str(file), str(error)) from None


async def _save(
    settings: Settings, name: str, body: str, questions: tuple[Question, ...] | None, author: str
) -> tuple[Script, Script | None]:
    from controller.app import open_records
    from controller.engine.scripting import Scripting

    async with open_records(settings) as records:
        before = await records.work.script(name)
        if questions is None:
            questions = before.questions if before else ()
        saved = await Scripting(records.work).save(name, body, questions, author, datetime.now(UTC))
        return saved, before


async def _find(settings: Settings, name: str, version: int | None) -> Script:
    from controller.app import open_records
    from controller.engine.scripting import Scripting

    async with open_records(settings) as records:
        return await Scripting(records.work).script(name, version)


async def _all(settings: Settings) -> list[Script]:
    from controller.app import open_records

    async with open_records(settings) as records:
        return list(await records.work.scripts())


async def _preview(
    settings: Settings,
    name: str,
    version: int | None,
    campaign: CampaignId,
    number: E164 | None,
    agent: str,
) -> Rendered:
    from controller.app import open_records
    from controller.engine.scripting import Agent, Scripting, Situation, sample_contact

    async with open_records(settings) as records:
        row = await must_exist(records, campaign)
        to = sample_contact(campaign) if number is None else await contact_with(records, campaign, number)
        situation = Situation(
            contact=to, campaign=row.campaign, agent=Agent(name=agent), now=datetime.now(UTC)
        )
        return await Scripting(records.work).read(name, situation, version)


async def contact_with(records: Records, campaign: CampaignId, number: E164) -> Contact:
    """The campaign's contact that has this number.

    Raises:
        BadInput: it has none.
    """
    for listed in await records.contacts_of(number):
        if listed.contact.campaign == campaign:
            return listed.contact
    raise BadInput("number", f"campaign {campaign} has no contact with this number")
