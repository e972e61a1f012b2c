"""``person export | erase``: what a person may ask for, their data and that they be forgotten."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.dnc import Author, Number, Reason, authorship, callers_of, new_private_file
from controller.cli.numbers import parsed
from controller.cli.shell import print_json, run_async, settings_of
from controller.errors import ControllerError, Refused, Unreachable

if TYPE_CHECKING:
    from controller.config import Settings
    from controller.domain.ids import E164
    from controller.ports import Authorship, Ledger, Reduced

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
    from controller.app import open_ledger, open_records

    async with open_records(settings) as records, open_ledger(settings) as ledger:
        found = asdict(await records.people.person(number))
        callers = await callers_of(settings, records)
        found["suppressions"] = [
            entry for caller in callers if (entry := await _suppression(ledger, caller, number)) is not None
        ]
    return found


async def _suppression(ledger: Ledger, caller: str, number: E164) -> dict[str, Any] | None:
    """What Redis has of a number for one caller; None if nothing."""
    entry = await ledger.suppression(caller, number)
    operator_due = await ledger.operator_due(caller, number)
    if entry is None and not operator_due:
        return None
    found: dict[str, Any] = {"caller": caller, "operator_due": operator_due}
    if entry is not None:
        found |= {
            "reason": entry.reason,
            "since": entry.since.isoformat(),
            "call": entry.call,
            "expires_in": entry.expires_in,
            "by_hand": entry.by_hand,
        }
    return found


async def _erase(settings: Settings, number: E164, who: Authorship) -> tuple[Reduced, int]:
    """Erase a person; returns what was done, and for how many callers Redis had something.

    The record store comes first: there the erasure, its evidence and the ban on further calls are one
    transaction. Redis only follows, so whatever goes wrong in between, the number is not called; and all of
    it may be said again until it is done.
    """
    from controller.app import open_ledger, open_records

    # Both are opened before anything is done: where Redis is not there, nothing is erased by halves.
    async with open_records(settings) as records, open_ledger(settings) as ledger:
        await ledger.ping()
        callers = await callers_of(settings, records)
        done = await records.people.erase(number, who, datetime.now(UTC))
        forgotten = 0
        for caller in callers:
            try:
                forgotten += await ledger.forget(caller, number)
            except (Refused, Unreachable) as error:
                raise _half_done(error) from error
    return done, forgotten


def _half_done(error: ControllerError) -> ControllerError:
    kind = Unreachable if isinstance(error, Unreachable) else Refused
    return kind(
        f"{error} The number is erased from the records and will not be called again, but Redis still has "
        "it: give the same command again"
    )
