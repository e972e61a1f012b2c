"""``person export | erase``: what a person may ask for, their data and that they be forgotten."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.dnc import Author, Number, Reason, authorship, new_private_file
from controller.cli.numbers import parsed
from controller.cli.shell import print_json, run_async, settings_of

if TYPE_CHECKING:
    from controller.config import Settings
    from controller.domain.ids import E164
    from controller.engine.persons import Persons
    from controller.ports import Authorship, Reduced

app = typer.Typer(help="Personal data: show a person's, erase them.", no_args_is_help=True)


@app.command()
def export(
    ctx: typer.Context,
    number: Number,
    output: Annotated[
        Path | None,
        typer.Option(
            help="JSON to be written; it must not exist yet.", show_default="standard output", dir_okay=False
        ),
    ] = None,
) -> None:
    """Everything that is stored of a person, as JSON."""
    settings = settings_of(ctx)
    wanted = parsed(number, settings.campaign_defaults.region)
    found = run_async(_person(settings, wanted))
    if output is None:
        print_json(found)
        return
    with new_private_file(output) as stream:
        stream.write(json.dumps(found, indent=2, ensure_ascii=False, default=str) + "\n")
    typer.echo(f"what is stored of {wanted} was written to {output}")


@app.command()
def erase(
    ctx: typer.Context,
    number: Number,
    author: Author,
    reason: Reason,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a person's data everywhere; they are never called again. Cannot be undone."""
    settings = settings_of(ctx)
    wanted = parsed(number, settings.campaign_defaults.region)
    who = authorship(author, reason)
    if not yes:
        typer.confirm(f"Erase all that is stored of {wanted}? It cannot be undone", abort=True)
    done, forgotten = run_async(_erase(settings, wanted, who))
    typer.echo(
        f"{wanted}: number, name and attributes erased in {done.contacts} contacts and {done.attempts} "
        f"attempts{f', and in Redis for {forgotten} callers' if forgotten else ''}"
    )
    typer.echo(
        "its keyed hash is on the do-not-call list of everybody, so the number is not called again; "
        "statistics and evidence stay, without the number"
    )


async def _person(settings: Settings, number: E164) -> dict[str, Any]:
    async with _persons(settings) as persons:
        return await persons.export(number)


async def _erase(settings: Settings, number: E164, who: Authorship) -> tuple[Reduced, int]:
    async with _persons(settings) as persons:
        return await persons.erase(number, who)


@asynccontextmanager
async def _persons(settings: Settings) -> AsyncIterator[Persons]:
    from controller.app import open_ledger, open_records
    from controller.engine.clock import SystemClock
    from controller.engine.persons import Persons

    # Both are opened before anything is done: where Redis is not there, nothing is erased by halves.
    async with open_records(settings) as records, open_ledger(settings) as ledger:
        caller = settings.campaign_defaults.caller
        yield Persons(records, records.people, ledger, SystemClock(), default_caller=caller)
