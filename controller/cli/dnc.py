"""``dnc add | load | remove | list | count | export``: who must not be called, for good.

Read from and written to the record store directly, so they work with or without a running controller; it
looks at the lists in the very transaction that records a call.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from controller.cli.campaigns import must_exist
from controller.cli.numbers import parsed, shown
from controller.cli.shell import AsJson, FullNumbers, print_json, print_table, run_async, settings_of
from controller.errors import BadInput

if TYPE_CHECKING:
    from controller.config import Settings
    from controller.domain.clearance import OptOut
    from controller.domain.ids import E164
    from controller.ports import Authorship, Records
    from controller.ports.compliance import Lists

app = typer.Typer(help="Do-not-call lists: numbers that are never called.", no_args_is_help=True)

LOAD_TIMEOUT = 3600.0
"""Seconds a long list may take: a million numbers are stored in some minutes."""
_PAGE = 5000

Scope = Annotated[
    str | None,
    typer.Option(
        help="everybody, caller or campaign: for whom the list holds.",
        show_default="what --caller or --campaign says, else everybody",
    ),
]
OfCaller = Annotated[str | None, typer.Option("--caller", help="The list of this caller.")]
OfCampaign = Annotated[str | None, typer.Option("--campaign", help="The list of this campaign.")]
Author = Annotated[str, typer.Option(help="Who decides it; recorded.")]
Reason = Annotated[str, typer.Option(help="Why; recorded.")]
Number = Annotated[str, typer.Argument(metavar="NUMBER", help="In international or national form.")]
Region = Annotated[
    str | None, typer.Option(help="Country of national numbers.", show_default="campaign_defaults.region")
]
NumberColumn = Annotated[
    str | None, typer.Option(help="Header of the telephone number's column.", show_default="found by name")
]


@app.command()
def add(
    ctx: typer.Context,
    number: Number,
    author: Author,
    reason: Reason,
    scope: Scope = None,
    caller: OfCaller = None,
    campaign: OfCampaign = None,
) -> None:
    """Put a number on a list. It holds before the next call."""
    settings = settings_of(ctx)
    wanted = parsed(number, settings.campaign_defaults.region)
    which = scope_of(scope, caller, campaign)
    added = run_async(_add(settings, which, [wanted], authorship(author, reason)))
    typer.echo(f"{wanted} {'is now' if added else 'was already'} on the do-not-call list {in_words(which)}")


@app.command()
def load(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(help="One number a line, or CSV with a header line.", exists=True, dir_okay=False),
    ],
    author: Author,
    reason: Reason,
    scope: Scope = None,
    caller: OfCaller = None,
    campaign: OfCampaign = None,
    number_column: NumberColumn = None,
    region: Region = None,
) -> None:
    """Put all numbers of a file on a list: all, or none if any line is bad."""
    from controller.engine.number_list import read_numbers

    settings = settings_of(ctx)
    which = scope_of(scope, caller, campaign)
    who = authorship(author, reason, file.name)
    numbers = read_numbers(file, (region or settings.campaign_defaults.region).upper(), number_column)
    added = run_async(_add(settings, which, numbers, who), timeout=LOAD_TIMEOUT)
    distinct = len(set(numbers))
    known = f", {distinct - added} were there already" if added < distinct else ""
    typer.echo(f"{distinct} numbers: {added} put on the do-not-call list {in_words(which)}{known}")


@app.command()
def remove(
    ctx: typer.Context,
    number: Number,
    author: Author,
    reason: Reason,
    scope: Scope = None,
    caller: OfCaller = None,
    campaign: OfCampaign = None,
) -> None:
    """Take a number off a list, such as of a person who changed their mind."""
    settings = settings_of(ctx)
    wanted = parsed(number, settings.campaign_defaults.region)
    which = scope_of(scope, caller, campaign)
    removed, left = run_async(_remove(settings, which, wanted, authorship(author, reason)))
    typer.echo(
        f"{wanted} {'is no longer' if removed else 'was not'} on the do-not-call list {in_words(which)}"
    )
    for other in left:
        typer.echo(f"{wanted} stays on the do-not-call list {in_words(other)}")


@app.command("list")
def list_(
    ctx: typer.Context,
    scope: Scope = None,
    caller: OfCaller = None,
    campaign: OfCampaign = None,
    limit: Annotated[int, typer.Option(help="Entries at most.", min=1)] = 1000,
    full_numbers: FullNumbers = False,
    as_json: AsJson = False,
) -> None:
    """The entries of a list, or of all lists, in no order that means anything."""
    settings = settings_of(ctx)
    which = scope_of(scope, caller, campaign) if scope or caller or campaign else None
    found = run_async(_listed(settings, which, limit))
    if as_json:
        print_json([_as_dict(entry, full=full_numbers) for entry in found])
        return
    print_table(
        ["number", "list", "since (UTC)", "reason", "source", "author"],
        [
            [
                _number(entry, full=full_numbers),
                in_words(entry.scope),
                f"{entry.added_at:%Y-%m-%d %H:%M:%S}",
                entry.reason,
                entry.source,
                entry.author,
            ]
            for entry in found
        ],
        "no number is on a do-not-call list" if which is None else f"nobody is on the list {in_words(which)}",
    )


@app.command()
def count(ctx: typer.Context, as_json: AsJson = False) -> None:
    """How many numbers each list has."""
    counts = run_async(_counts(settings_of(ctx)))
    if as_json:
        print_json(counts)
        return
    rows = [[in_words(scope), number] for scope, number in sorted(counts.items())]
    print_table(["list", "numbers"], rows, "no number is on a do-not-call list")


@app.command()
def export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV to be written; it must not exist yet.", dir_okay=False)],
    scope: Scope = None,
    caller: OfCaller = None,
    campaign: OfCampaign = None,
) -> None:
    """Write a list, or all lists, into a CSV file, numbers in full; only its owner may read it."""
    settings = settings_of(ctx)
    which = scope_of(scope, caller, campaign) if scope or caller or campaign else None
    written, nameless = run_async(_export(settings, which, file), timeout=LOAD_TIMEOUT)
    typer.echo(f"{written} entries written to {file}")
    if nameless:
        typer.echo(
            f"{nameless} entries are not in it: those persons had their data erased, and only keyed hashes "
            "of their numbers are left, which go on holding here"
        )


# --- what is asked of the store ---------------------------------------------------------------------------


async def _add(settings: Settings, scope: str, numbers: Sequence[E164], who: Authorship) -> int:
    from controller.app import open_records

    async with open_records(settings) as records:
        await _must_bind(settings, records, scope)
        return await records.lists.opt_out(scope, numbers, who, datetime.now(UTC))


async def _remove(settings: Settings, scope: str, number: E164, who: Authorship) -> tuple[int, Sequence[str]]:
    from controller.app import open_records

    async with open_records(settings) as records:
        removed = await records.lists.opt_in(scope, [number], who, datetime.now(UTC))
        left = [str(row["scope"]) for row in (await records.people.person(number)).opt_outs]
    return removed, left


async def _listed(settings: Settings, scope: str | None, limit: int) -> Sequence[OptOut]:
    from controller.app import open_records

    async with open_records(settings) as records:
        return await records.lists.opt_outs(scope, limit=limit)


async def _counts(settings: Settings) -> dict[str, int]:
    from controller.app import open_records

    async with open_records(settings) as records:
        return dict(await records.lists.opt_out_counts())


async def _export(settings: Settings, scope: str | None, file: Path) -> tuple[int, int]:
    """Write the entries; returns how many were written, and how many have no number any more."""
    import csv

    from controller.app import open_records

    written = nameless = 0
    async with open_records(settings) as records:
        with new_private_file(file) as stream:
            rows = csv.writer(stream)
            rows.writerow(["number", "list", "since", "reason", "list source", "author"])
            async for entry in _all(records.lists, scope):
                if entry.number is None:
                    nameless += 1
                    continue
                written += 1
                rows.writerow(
                    [
                        entry.number,
                        in_words(entry.scope),
                        entry.added_at.isoformat(),
                        entry.reason,
                        entry.source,
                        entry.author,
                    ]
                )
    return written, nameless


async def _all(lists: Lists, scope: str | None) -> AsyncIterator[OptOut]:
    after = ("", "")
    while page := await lists.opt_outs(scope, after=after, limit=_PAGE):
        for entry in page:
            yield entry
        after = (page[-1].number_hash, page[-1].scope)


async def _must_bind(settings: Settings, records: Records, scope: str) -> None:
    """Refuse a list that would bind nobody: one with a caller's or a campaign's name mistyped.

    Raises:
        BadInput: there is no such campaign, or none that calls for this caller.
    """
    from controller.domain.ids import CampaignId

    kind, _, name = scope.partition(":")
    if kind == "campaign":
        await must_exist(records, CampaignId(name))
    elif kind == "caller" and name not in (known := await callers_of(settings, records)):
        allowed = ", ".join(known) or "none yet: make the campaign first"
        raise BadInput("--caller", f"no campaign calls for {name!r}", allowed)


# --- what other commands share ----------------------------------------------------------------------------


async def callers_of(settings: Settings, records: Records) -> list[str]:
    """On whose behalf one calls: the callers of all stored campaigns, and the default one."""
    known = {row.campaign.caller for row in await records.campaigns()}
    return sorted((known | {settings.campaign_defaults.caller}) - {""})


def scope_of(scope: str | None, caller: str | None, campaign: str | None) -> str:
    """The scope as it is stored (controller.domain.clearance.scopes).

    Raises:
        BadInput: the options contradict each other, or the caller or the campaign is missing.
    """
    if caller is not None and campaign is not None:
        raise BadInput("--caller, --campaign", "each has a list of its own", "one of them")
    kind = scope or ("caller" if caller is not None else "campaign" if campaign is not None else "everybody")
    if kind not in ("everybody", "caller", "campaign"):
        raise BadInput("--scope", f"{kind!r} is unknown", "everybody, caller, campaign")
    given = {"caller": caller, "campaign": campaign}
    for option, name in given.items():
        if option == kind and not (name or "").strip():
            raise BadInput(f"--{option}", f"is needed with --scope {kind}", "whose list it is")
        if option != kind and name is not None:
            raise BadInput(f"--scope {kind}", f"cannot be used together with --{option}", "one of them")
    return "*" if kind == "everybody" else f"{kind}:{given[kind]}"


def in_words(scope: str) -> str:
    """A stored scope for people: ``everybody``, ``caller:Acme``, ``campaign:spring``."""
    return "everybody" if scope == "*" else scope


def authorship(author: str, reason: str, source: str = "") -> Authorship:
    """Who decides something, and why.

    Raises:
        BadInput: either is blank.
    """
    from controller.ports import Authorship

    for option, text in (("--author", author), ("--reason", reason)):
        if not text.strip():
            raise BadInput(option, "is empty", "who decides it" if option == "--author" else "why")
    return Authorship(author=author.strip(), reason=reason.strip(), source=source)


@contextmanager
def new_private_file(path: Path) -> Iterator[TextIO]:
    """Make a file that only its owner may read; it goes again if it cannot be written to its end.

    What is there already is never overwritten.

    Raises:
        BadInput: it is there, or cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise BadInput(str(path), "is there already, and is not overwritten", "a new file") from None
    except OSError as error:
        raise BadInput(str(path), f"cannot be written: {error.strerror or error}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
        try:
            yield stream
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _number(entry: OptOut, *, full: bool) -> str:
    if entry.number is None:
        return f"erased ({entry.number_hash})"
    return shown(entry.number, full=full)


def _as_dict(entry: OptOut, *, full: bool) -> dict[str, object]:
    return {
        "number": None if entry.number is None else shown(entry.number, full=full),
        "number_hash": entry.number_hash,
        "list": in_words(entry.scope),
        "since": entry.added_at.isoformat(),
        "reason": entry.reason,
        "source": entry.source,
        "author": entry.author,
    }
