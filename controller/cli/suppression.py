"""``suppression show | list``: read from Redis directly, so they work without a running controller."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.numbers import parsed, shown
from controller.cli.shell import AsJson, FullNumbers, print_json, print_table, run_async, settings_of

if TYPE_CHECKING:
    from controller.config import Settings
    from controller.domain.ids import E164
    from controller.ports import Suppression

app = typer.Typer(help="Numbers that are not called for now, and why.", no_args_is_help=True)

Caller = Annotated[
    str | None,
    typer.Option(help="On whose behalf one calls.", show_default="every caller of the stored campaigns"),
]


@app.command()
def show(
    ctx: typer.Context,
    number: Annotated[str, typer.Argument(help="In international or national form.")],
    caller: Caller = None,
    as_json: AsJson = False,
) -> None:
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
        typer.echo(
            f"{wanted} is not called for {who}: {entry.reason}, since {entry.since:%Y-%m-%d %H:%M:%S} UTC"
            f"{f' (call {entry.call})' if entry.call else ''}, {_end(entry.expires_in)}"
        )


@app.command("list")
def list_(
    ctx: typer.Context,
    caller: Caller = None,
    limit: Annotated[int, typer.Option(help="Entries at most, per caller.", min=1)] = 1000,
    full_numbers: FullNumbers = False,
    as_json: AsJson = False,
) -> None:
    """Suppressed numbers, those first that are free first."""
    found = run_async(_all(settings_of(ctx), caller, limit))
    found.sort(key=lambda item: (item[1].expires_in, item[1].number))
    if as_json:
        print_json([_as_dict(who, entry, full=full_numbers) for who, entry in found])
        return
    print_table(
        ["number", "caller", "reason", "since (UTC)", "call", "free in"],
        [
            [
                shown(entry.number, full=full_numbers),
                who,
                entry.reason,
                f"{entry.since:%Y-%m-%d %H:%M:%S}",
                entry.call,
                _duration(entry.expires_in),
            ]
            for who, entry in found
        ],
        "no number is suppressed",
    )


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
        known = {row.campaign.caller for row in await records.campaigns()}
    return sorted(known | ({settings.campaign_defaults.caller} - {""}))


def _as_dict(caller: str, entry: Suppression, *, full: bool) -> dict[str, object]:
    return {
        "number": shown(entry.number, full=full),
        "caller": caller,
        "reason": entry.reason,
        "since": entry.since.isoformat(),
        "call": entry.call,
        "expires_in": entry.expires_in,
    }


def _end(seconds: int) -> str:
    return "until a person releases it" if seconds < 0 else f"for another {_duration(seconds)}"


def _duration(seconds: int) -> str:
    return str(timedelta(seconds=max(0, seconds)))
