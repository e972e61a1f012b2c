"""``suppression show | list | count | export | add | release``: numbers that are not called for now.

Spoken with Redis and the record store directly, so they work with or without a running controller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from controller.cli.dnc import Author, Number, Reason, authorship, callers_of, new_private_file
from controller.cli.numbers import parsed, shown
from controller.cli.shell import AsJson, FullNumbers, print_json, print_table, run_async, settings_of
from controller.errors import BadInput

if TYPE_CHECKING:
    from controller.config import Settings
    from controller.domain.ids import E164
    from controller.engine.suppressing import Suppressing
    from controller.ports import Authorship, Suppression

app = typer.Typer(help="Numbers that are not called for now, and why.", no_args_is_help=True)

_LONG = 3600.0
"""Seconds that all keys of a big Redis may take."""
_ALL = 10**9
_BY_HAND = "by hand"

Caller = Annotated[
    str | None,
    typer.Option(help="On whose behalf one calls.", show_default="every caller of the stored campaigns"),
]
OneCaller = Annotated[str, typer.Option("--caller", help="On whose behalf one calls.")]


@app.command()
def show(ctx: typer.Context, number: Number, caller: Caller = None, as_json: AsJson = False) -> None:
    """Whether a number may be called now, and if not, why and until when."""
    settings = settings_of(ctx)
    wanted = parsed(number, settings.campaign_defaults.region)
    found = run_async(_of_number(settings, caller, wanted))
    if as_json:
        print_json([_as_dict(who, entry, full=True) for who, entry in found])
        return
    if not found:
        typer.echo(f"{wanted} is not suppressed")
    for who, entry in found:
        typer.echo(f"{wanted} is not called for {who}: {_why(entry)}")


@app.command("list")
def list_(
    ctx: typer.Context,
    caller: Caller = None,
    limit: Annotated[int, typer.Option(help="Entries at most, per caller.", min=1)] = 1000,
    full_numbers: FullNumbers = False,
    as_json: AsJson = False,
) -> None:
    """Suppressed numbers, those first that are free first."""
    found = run_async(_all(settings_of(ctx), caller, limit), timeout=_LONG)
    found.sort(key=lambda item: (item[1].expires_in < 0, item[1].expires_in, item[1].number))
    if as_json:
        print_json([_as_dict(who, entry, full=full_numbers) for who, entry in found])
        return
    print_table(
        ["number", "caller", "reason", "since (UTC)", "call", "free in"],
        [
            [
                _owner(entry, full=full_numbers),
                who,
                entry.reason,
                f"{entry.since:%Y-%m-%d %H:%M:%S}",
                entry.call,
                "never" if entry.expires_in < 0 else _duration(entry.expires_in),
            ]
            for who, entry in found
        ],
        "no number is suppressed",
    )


@app.command()
def count(ctx: typer.Context, caller: Caller = None, as_json: AsJson = False) -> None:
    """How many numbers are suppressed, by caller and kind. One barred by hand as well counts in both."""
    found = run_async(_all(settings_of(ctx), caller, _ALL), timeout=_LONG)
    counts = Counter((who, _kind(entry)) for who, entry in found)
    rows = [(who, kind, number) for (who, kind), number in sorted(counts.items())]
    if as_json:
        print_json([{"caller": who, "kind": kind, "numbers": number} for who, kind, number in rows])
        return
    print_table(["caller", "kind", "numbers"], rows, "no number is suppressed")


@app.command()
def export(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV to be written; it must not exist yet. - is standard output.", dir_okay=False
        ),
    ],
    caller: Caller = None,
) -> None:
    """Write all suppressions into a CSV file, numbers in full; only its owner may read it."""
    found = run_async(_all(settings_of(ctx), caller, _ALL), timeout=_LONG)
    now = datetime.now(UTC)
    if str(file) == "-":
        _write(typer.get_text_stream("stdout"), found, now)
    else:
        with new_private_file(file) as stream:
            _write(stream, found, now)
    typer.echo(f"{len(found)} suppressions written", err=True)


@app.command()
def add(
    ctx: typer.Context,
    number: Number,
    caller: OneCaller,
    author: Author,
    reason: Reason,
    days: Annotated[
        int | None, typer.Option(help="It ends after so many days.", show_default="never", min=1, max=36500)
    ] = None,
) -> None:
    """Suppress a number by hand, beside whatever a silent call has suppressed. Recorded as evidence.

    Said again, it replaces what was said by hand before.
    """
    settings = settings_of(ctx)
    wanted = parsed(number, settings.campaign_defaults.region)
    run_async(_add(settings, caller, wanted, authorship(author, reason), days))
    end = "until a person releases it" if days is None else f"for {days} days"
    typer.echo(f"{wanted} is not called for {caller} {end}")


@app.command()
def release(ctx: typer.Context, number: Number, caller: OneCaller, author: Author, reason: Reason) -> None:
    """Lift what was suppressed by hand. What a silent call suppressed nobody can shorten. Recorded."""
    settings = settings_of(ctx)
    wanted = parsed(number, settings.campaign_defaults.region)
    left = run_async(_release(settings, caller, wanted, authorship(author, reason)))
    typer.echo(f"{wanted} is released for {caller}")
    if left is not None:
        typer.echo(f"it is not called all the same: {_why(left)}")


# --- what is asked of the stores --------------------------------------------------------------------------


async def _of_number(settings: Settings, caller: str | None, number: E164) -> list[tuple[str, Suppression]]:
    from controller.app import open_ledger

    callers = await _callers(settings, caller)
    async with open_ledger(settings) as ledger:
        found = [(who, await ledger.suppression(who, number)) for who in callers]
    return [(who, entry) for who, entry in found if entry is not None]


async def _all(settings: Settings, caller: str | None, limit: int) -> list[tuple[str, Suppression]]:
    from controller.app import open_ledger

    callers = await _callers(settings, caller)
    async with open_ledger(settings) as ledger:
        return [(who, entry) for who in callers for entry in await ledger.suppressions(who, limit)]


async def _callers(settings: Settings, caller: str | None) -> list[str]:
    if caller is not None:
        return [caller]
    from controller.app import open_records

    # Not only the default one: "is not suppressed" has to mean for nobody.
    async with open_records(settings) as records:
        return await callers_of(settings, records)


async def _add(settings: Settings, caller: str, number: E164, who: Authorship, days: int | None) -> None:
    until = None if days is None else datetime.now(UTC) + timedelta(days=days)
    async with _suppressing(settings) as suppressing:
        await suppressing.bar(caller, number, who, until)


async def _release(settings: Settings, caller: str, number: E164, who: Authorship) -> Suppression | None:
    async with _suppressing(settings) as suppressing:
        return await suppressing.release(caller, number, who)


@asynccontextmanager
async def _suppressing(settings: Settings) -> AsyncIterator[Suppressing]:
    from controller.app import open_ledger, open_records
    from controller.engine.clock import SystemClock
    from controller.engine.suppressing import Suppressing

    key, caller = settings.number_key(), settings.campaign_defaults.caller
    async with open_records(settings) as records, open_ledger(settings) as ledger:
        try:
            yield Suppressing(ledger, records, records.evidence, key, SystemClock(), default_caller=caller)
        except BadInput as error:
            raise BadInput(f"--{error.place}", error.problem, error.allowed) from None


# --- words ------------------------------------------------------------------------------------------------


def _write(stream: TextIO, found: Iterable[tuple[str, Suppression]], now: datetime) -> None:
    import csv

    rows = csv.writer(stream)
    rows.writerow(["number", "caller", "kind", "reason", "since", "free at", "by"])
    for who, entry in found:
        free_at = now + timedelta(seconds=entry.expires_in)
        rows.writerow(
            [
                _owner(entry, full=True),
                who,
                _kind(entry),
                entry.reason.removesuffix(f" (by {entry.author})"),
                entry.since.astimezone(UTC).isoformat(timespec="seconds"),
                "" if entry.expires_in < 0 else free_at.isoformat(timespec="seconds"),
                entry.author or entry.call,
            ]
        )


def _kind(entry: Suppression) -> str:
    """What suppressed a number: a call, for the ledger's reason, or a person, be it with redis-cli."""
    return entry.reason if entry.call and not entry.by_hand else _BY_HAND


def _owner(entry: Suppression, *, full: bool) -> str:
    return shown(entry.number, full=full) if entry.number else f"erased ({entry.number_hash})"


def _why(entry: Suppression) -> str:
    from controller.engine.suppressing import why_suppressed

    return why_suppressed(entry)


def _as_dict(caller: str, entry: Suppression, *, full: bool) -> dict[str, object]:
    return {
        "number": shown(entry.number, full=full) if entry.number else None,
        "number_hash": entry.number_hash,
        "caller": caller,
        "kind": _kind(entry),
        "reason": entry.reason,
        "since": entry.since.isoformat(),
        "call": entry.call,
        "expires_in": entry.expires_in,
    }


def _duration(seconds: int) -> str:
    return str(timedelta(seconds=max(0, seconds)))
