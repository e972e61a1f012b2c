"""``evidence verify | export | show``: the chained record, for who wants to check it."""

from __future__ import annotations

import json
import re
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.dnc import new_private_file
from controller.cli.numbers import parsed
from controller.cli.shell import FAILED, AsJson, print_json, print_table, run_async, settings_of
from controller.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from controller.config import Settings
    from controller.domain.evidence import Head, Sealed
    from controller.engine.verification import Verification

app = typer.Typer(help="The chained record of calls and changes.", no_args_is_help=True)

_LONG = 3600.0


@app.command()
def verify(
    ctx: typer.Context,
    expect: Annotated[
        str | None, typer.Option(metavar="SEQ:HASH", help="An entry as it was noted earlier, as in a report.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read the whole chain and the record beside it; name what is not as it was written. Exit code 1 then."""
    found = run_async(_verified(settings_of(ctx), _noted(expect)), timeout=_LONG)
    from controller.engine.verification import printable

    head = printable(f"{found.head.seq}:{found.head.hash}")
    if as_json:
        print_json(
            {
                "whole": found.whole,
                "entries": found.entries,
                "attempts": found.attempts,
                "head": head,
                "findings": [{"place": each.place, "what": each.what} for each in found.findings],
            }
        )
    else:
        for finding in found.findings:
            typer.echo(str(finding))
        typer.echo(
            "whole: nothing was changed" if found.whole else f"NOT AS WRITTEN: {len(found.findings)} findings"
        )
        typer.echo(f"{found.entries} entries, {found.attempts} attempts; the last entry is")
        typer.echo(head)
    if not found.whole:
        raise typer.Exit(FAILED)


@app.command()
def export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A new file; - is standard output.", dir_okay=False)],
) -> None:
    """Write all entries as JSON, one a line, for `scripts/verify-evidence` or any program of one's own.

    The last line is the end of the chain as the record store has it written down.
    """
    count = run_async(_exported(settings_of(ctx), file), timeout=_LONG)
    typer.echo(f"{count} entries written", err=True)


@app.command()
def show(
    ctx: typer.Context,
    call: Annotated[str, typer.Option(help="Only of this call.")] = "",
    number: Annotated[str | None, typer.Option(help="Only of this number's owner.")] = None,
    campaign: Annotated[str, typer.Option(help="Only of this campaign.")] = "",
    limit: Annotated[int, typer.Option(help="Entries at most.", min=1)] = 1000,
    as_json: AsJson = False,
) -> None:
    """Entries, in order."""
    settings = settings_of(ctx)
    person = ""
    if number is not None:
        person = settings.number_key().of(parsed(number, settings.campaign_defaults.region))
    from controller.domain.instants import moment
    from controller.engine.verification import printable

    entries = run_async(_entries_of(settings, call, person, campaign, limit))
    if as_json:
        print_json([_as_dict(entry, printable) for entry in entries])
        return
    print_table(
        ["entry", "at (UTC)", "kind", "campaign", "call", "what"],
        [
            [
                entry.seq,
                f"{moment(entry.at):%Y-%m-%d %H:%M:%S.%f}",
                *map(printable, (entry.kind, entry.campaign, entry.call, entry.body)),
            ]
            for entry in entries
        ],
        "no such entry",
    )


def _noted(text: str | None) -> Head | None:
    from controller.domain.evidence import Head

    if text is None:
        return None
    seq, _, digest = text.partition(":")
    if not seq.isdecimal() or not re.fullmatch(f"[0-9a-fA-F]{{{len(Head().hash)}}}", digest):
        raise BadInput("--expect", f"{text!r} is no entry", "SEQ:HASH, as a report or `verify` shows it")
    return Head(int(seq), digest.lower())


async def _verified(settings: Settings, expected: Head | None) -> Verification:
    from controller.app import open_records
    from controller.engine.verification import Verifier

    async with open_records(settings) as records:
        return await Verifier(records.evidence, records).verify(expected)


async def _exported(settings: Settings, file: Path) -> int:
    from controller.app import open_records
    from controller.engine.verification import read_chain

    count = 0
    # A file at a time that nobody else waits for: this process does nothing but this.
    with nullcontext(sys.stdout) if str(file) == "-" else new_private_file(file) as out:

        async def write(page: Sequence[Sealed]) -> None:
            nonlocal count
            out.writelines(json.dumps(_as_dict(entry)) + "\n" for entry in page)
            count += len(page)

        async with open_records(settings) as records:
            head = await read_chain(records.evidence, write)
        out.write(json.dumps({"head": head.seq, "hash": head.hash}) + "\n")
    return count


async def _entries_of(
    settings: Settings, call: str, person: str, campaign: str, limit: int
) -> Sequence[Sealed]:
    from controller.app import open_records

    async with open_records(settings) as records:
        return await records.evidence.entries_of(call=call, person=person, campaign=campaign, limit=limit)


def _as_dict(entry: Sealed, text: Callable[[str], str] = str) -> dict[str, Any]:
    fields = {name: getattr(entry, name) for name in type(entry).__slots__}
    return {name: text(value) if isinstance(value, str) else value for name, value in fields.items()}
