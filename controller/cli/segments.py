"""``segment save | show | list | count | sample | remove``: saved filters of contacts (docs/segments.md)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.mappings import user_name
from controller.cli.numbers import shown
from controller.cli.shell import (
    AsJson,
    CampaignArgument,
    FullNumbers,
    print_json,
    print_table,
    run_async,
    settings_of,
)
from controller.domain.ids import CampaignId
from controller.errors import BadInput

if TYPE_CHECKING:
    from controller.config import Settings
    from controller.domain.segment import Filter, Segment
    from controller.engine.segmenting import Segmenting
    from controller.ports import ListedContact

app = typer.Typer(help="Segments: saved filters of contacts.", no_args_is_help=True)

_COUNT_TIMEOUT = 120.0
_LONGEST_FILE = 1_000_000

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The segment's name.")]
MaybeName = Annotated[str | None, typer.Argument(metavar="[NAME]", help="A saved segment.")]
FilterOption = Annotated[
    str | None, typer.Option("--filter", metavar="FILTER", help="A filter, in the place of a saved segment.")
]
Expect = Annotated[
    int | None,
    typer.Option(
        metavar="VERSION",
        help="The version that is meant; if it was changed meanwhile, nothing is done. 0: there is none yet.",
        show_default="whichever there is",
    ),
]


@app.command()
def save(
    ctx: typer.Context,
    name: NameArgument,
    filter_: Annotated[
        str | None, typer.Argument(metavar="[FILTER]", help='Such as "province in (MI, RM) and age >= 18".')
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where the filter is written, as text or as JSON.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    description: Annotated[str, typer.Option(help="What it is for, in words.", show_default="none")] = "",
    author: Annotated[
        str, typer.Option(help="Who decides it; recorded.", show_default="the user who gives the command")
    ] = "",
    expect: Expect = None,
) -> None:
    """Store a filter under a name, in the place of what was there."""
    if (filter_ is None) == (file is None):
        raise BadInput("FILTER", "is given twice, or not at all", "a filter, or --file")
    asked = _parsed(filter_) if filter_ is not None else _from_file(file or Path())
    settings = settings_of(ctx)

    async def work() -> Segment:
        async with _segmenting(settings) as segmenting:
            who = author.strip() or user_name()
            return await segmenting.save(name, asked, author=who, description=description, expected=expect)

    segment = run_async(work())
    typer.echo(f"segment {segment.name}, version {segment.version}: {_text(segment)}")


@app.command()
def show(ctx: typer.Context, name: NameArgument, as_json: AsJson = False) -> None:
    """A segment's filter, and which campaigns dial it."""
    settings = settings_of(ctx)

    async def work() -> tuple[Segment, list[str]]:
        async with _segmenting(settings) as segmenting:
            return await segmenting.get(name), list(await segmenting.used_by(name))

    segment, users = run_async(work())
    if as_json:
        print_json(_as_dict(segment) | {"used_by": users})
        return
    typer.echo(_text(segment))
    for what, value in (
        ("description", segment.description),
        ("version", f"{segment.version}, by {segment.author}, {segment.updated_at:%Y-%m-%d %H:%M} UTC"),
        ("dialed by", ", ".join(users) or "no campaign"),
    ):
        if value:
            typer.echo(f"{what}: {value}")


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """All segments."""
    settings = settings_of(ctx)

    async def work() -> list[Segment]:
        async with _segmenting(settings) as segmenting:
            return list(await segmenting.all())

    found = run_async(work())
    if as_json:
        print_json([_as_dict(segment) for segment in found])
        return
    rows = [(segment.name, segment.version, segment.description, _text(segment)) for segment in found]
    print_table(("segment", "version", "description", "filter"), rows, "no segments; segment save makes one")


@app.command()
def count(
    ctx: typer.Context,
    campaign: CampaignArgument,
    name: MaybeName = None,
    filter_: FilterOption = None,
    as_json: AsJson = False,
) -> None:
    """How many of a campaign's contacts match now, whatever became of them."""
    settings = settings_of(ctx)

    async def work() -> int:
        async with _segmenting(settings) as segmenting:
            return await segmenting.count(CampaignId(campaign), await _asked(segmenting, name, filter_))

    found = run_async(work(), _COUNT_TIMEOUT)
    if as_json:
        print_json({"campaign": campaign, "matching": found})
    else:
        typer.echo(f"{found} contacts of {campaign} match")


@app.command()
def sample(
    ctx: typer.Context,
    campaign: CampaignArgument,
    name: MaybeName = None,
    filter_: FilterOption = None,
    limit: Annotated[int, typer.Option(help="How many, 100 at most.")] = 10,
    full_numbers: FullNumbers = False,
    as_json: AsJson = False,
) -> None:
    """Some of a campaign's contacts that match, from all over the list."""
    settings = settings_of(ctx)

    async def work() -> list[ListedContact]:
        async with _segmenting(settings) as segmenting:
            asked = await _asked(segmenting, name, filter_)
            return list(await segmenting.sample(CampaignId(campaign), asked, limit))

    found = run_async(work(), _COUNT_TIMEOUT)
    if as_json:
        print_json([_contact(entry, full=full_numbers) for entry in found])
        return
    rows = [
        (
            entry.contact.id,
            shown(entry.contact.number, full=full_numbers),
            entry.contact.name,
            entry.contact.attributes.get("city", ""),
            entry.contact.attributes.get("province", ""),
            entry.contact.attempts,
            _standing(entry),
        )
        for entry in found
    ]
    headers = ("id", "number", "name", "city", "province", "attempts", "standing")
    print_table(headers, rows, f"no contact of {campaign} matches")


@app.command()
def remove(ctx: typer.Context, name: NameArgument, expect: Expect = None) -> None:
    """Remove a segment that no campaign dials."""
    settings = settings_of(ctx)

    async def work() -> None:
        async with _segmenting(settings) as segmenting:
            await segmenting.remove(name, expect)

    run_async(work())
    typer.echo(f"segment {name} removed")


@asynccontextmanager
async def _segmenting(settings: Settings) -> AsyncIterator[Segmenting]:
    from controller.app import open_records
    from controller.engine.clock import SystemClock
    from controller.engine.segmenting import Segmenting

    async with open_records(settings) as records:
        yield Segmenting(records.segments, records, SystemClock())


async def _asked(segmenting: Segmenting, name: str | None, filter_: str | None) -> Filter:
    """The filter of a saved segment, or the one that was typed."""
    if (name is None) == (filter_ is None):
        raise BadInput("NAME", "is given twice, or not at all", "a segment, or --filter")
    return _parsed(filter_) if filter_ is not None else (await segmenting.get(name or "")).filter


def _parsed(text: str) -> Filter:
    from controller.domain.segment_text import parse_filter

    return parse_filter(text)


def _from_file(path: Path) -> Filter:
    """A filter from a file: JSON if it begins like that, else text."""
    from controller.domain.segment_json import filter_of
    from controller.domain.segment_text import parse_filter

    try:
        with path.open(encoding="utf-8-sig") as stream:
            text = stream.read(_LONGEST_FILE + 1)
    except UnicodeDecodeError:
        raise BadInput(str(path), "is no text in UTF-8") from None
    if len(text) > _LONGEST_FILE:
        raise BadInput(str(path), "is too long for a filter", f"{_LONGEST_FILE} characters")
    if not text.lstrip().startswith("{"):
        return parse_filter(text, str(path))
    try:
        return filter_of(json.loads(text), str(path))
    except ValueError as error:
        raise BadInput(str(path), f"is no JSON: {error}") from None
    except RecursionError:
        raise BadInput(str(path), "is nested too deep") from None


def _text(segment: Segment) -> str:
    from controller.domain.segment_writing import text_of

    return text_of(segment.filter)


def _as_dict(segment: Segment) -> dict[str, Any]:
    from controller.domain.segment_json import json_of

    return {
        "name": segment.name,
        "description": segment.description,
        "text": _text(segment),
        "filter": json_of(segment.filter),
        "version": segment.version,
        "author": segment.author,
        "created_at": segment.created_at.isoformat(),
        "updated_at": segment.updated_at.isoformat(),
    }


def _contact(entry: ListedContact, *, full: bool) -> dict[str, Any]:
    contact = entry.contact
    return {
        "id": contact.id,
        "number": shown(contact.number, full=full),
        "name": contact.name,
        "attributes": dict(contact.attributes),
        "tags": sorted(contact.tags),
        "attempts": contact.attempts,
        "standing": _standing(entry),
    }


def _standing(entry: ListedContact) -> str:
    if entry.in_flight:
        return "being called"
    return "done" if entry.done else "waiting"
