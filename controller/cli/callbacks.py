"""``callback list | add | move | cancel``: promises to call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.campaigns import must_exist
from controller.cli.dnc import Number, Region
from controller.cli.numbers import parsed
from controller.cli.scripts import contact_with
from controller.cli.shell import AsJson, CampaignArgument, print_json, print_table, run_async, settings_of
from controller.domain.callback import CallbackState, Promise
from controller.domain.ids import AgentId, CampaignId
from controller.errors import BadInput

if TYPE_CHECKING:
    from controller.config import Settings
    from controller.domain.callback import Callback
    from controller.domain.ids import E164
    from controller.engine.callbacks import CallbackDesk
    from controller.ports import Records

app = typer.Typer(help="Promises to call somebody back.", no_args_is_help=True)

Time = Annotated[str, typer.Argument(metavar="TIME", help="As 2026-12-01 15:30, by the callee's clock.")]
OfAgent = Annotated[str | None, typer.Option("--agent", help="Who calls.", show_default="anybody")]
Nearest = Annotated[
    bool, typer.Option("--nearest", help="Where no telephone may ring then, the next time at which one may.")
]
CallbackId = Annotated[int, typer.Argument(metavar="ID", help="As callback list tells it.", min=1)]


@app.command("list")
def list_(
    ctx: typer.Context,
    campaign: Annotated[str | None, typer.Option(help="Of this campaign.")] = None,
    agent: Annotated[str | None, typer.Option(help="Of this agent.")] = None,
    state: Annotated[CallbackState, typer.Option(help="In this state.")] = CallbackState.OPEN,
    limit: Annotated[int, typer.Option(help="At most.", min=1)] = 1000,
    as_json: AsJson = False,
) -> None:
    """Call-backs, by their hour."""
    found = run_async(
        _listed(settings_of(ctx), CampaignId(campaign) if campaign else None, agent, state, limit)
    )
    if as_json:
        print_json([callback_as_dict(each) for each in found])
        return
    print_table(
        ["id", "at (UTC)", "campaign", "contact", "agent", "tries", "state", "promised by", "note"],
        [
            [
                each.id,
                f"{each.at:%Y-%m-%d %H:%M}",
                each.campaign,
                each.contact,
                each.agent or "anybody",
                each.tries,
                each.state.value,
                each.author,
                each.note,
            ]
            for each in found
        ],
        f"no call-back is {state.value}",
    )


@app.command()
def add(
    ctx: typer.Context,
    campaign: CampaignArgument,
    number: Number,
    time: Time,
    author: Annotated[str, typer.Option(help="Who promises it; recorded.")],
    agent: OfAgent = None,
    note: Annotated[str, typer.Option(help="For who calls.")] = "",
    nearest: Nearest = False,
    region: Region = None,
) -> None:
    """Promise to call a contact; another promise to them that is open is taken back."""
    settings = settings_of(ctx)
    to = parsed(number, (region or settings.campaign_defaults.region).upper())
    wanted = (AgentId(agent) if agent else None, note)
    made, hour = run_async(_add(settings, CampaignId(campaign), to, time, wanted, author, nearest=nearest))
    typer.echo(f"call-back {made.id} for {hour}")


@app.command()
def move(
    ctx: typer.Context,
    callback: CallbackId,
    time: Time,
    agent: Annotated[str | None, typer.Option(help="Who calls.", show_default="who promised")] = None,
    anybody: Annotated[bool, typer.Option("--anybody", help="Anybody may call.")] = False,
    nearest: Nearest = False,
) -> None:
    """Promise it for another hour."""
    if anybody and agent is not None:
        raise BadInput("--anybody", "cannot be used together with --agent", "one of them")
    who = "" if anybody else agent
    moved, hour = run_async(_move(settings_of(ctx), callback, time, who, nearest=nearest))
    typer.echo(f"call-back {moved.id} is for {hour} now")


@app.command()
def cancel(ctx: typer.Context, callback: CallbackId) -> None:
    """Take it back."""
    run_async(_cancel(settings_of(ctx), callback))
    typer.echo(f"call-back {callback} is cancelled")


def callback_as_dict(callback: Callback) -> dict[str, Any]:
    """A call-back as plain values."""
    return {
        "id": callback.id,
        "campaign": callback.campaign,
        "contact": callback.contact,
        "at": callback.at.isoformat(),
        "agent": callback.agent,
        "note": callback.note,
        "state": callback.state.value,
        "tries": callback.tries,
        "author": callback.author,
        "call": callback.call,
        "created_at": callback.created_at.isoformat(),
        "ended_at": None if callback.ended_at is None else callback.ended_at.isoformat(),
    }


@asynccontextmanager
async def _desk(settings: Settings) -> AsyncIterator[tuple[Records, CallbackDesk]]:
    from controller.app import open_records
    from controller.engine.calendar import Calendar
    from controller.engine.callbacks import CallbackDesk

    async with open_records(settings) as records:
        yield records, CallbackDesk(records, records.work, Calendar())


async def _listed(
    settings: Settings, campaign: CampaignId | None, agent: str | None, state: CallbackState, limit: int
) -> list[Callback]:
    from controller.app import open_records

    async with open_records(settings) as records:
        by = None if agent is None else AgentId(agent)
        found = await records.work.callbacks(campaign=campaign, agent=by, state=state, limit=limit)
        return list(found)


async def _add(
    settings: Settings,
    campaign: CampaignId,
    number: E164,
    time: str,
    wanted: tuple[AgentId | None, str],
    author: str,
    *,
    nearest: bool,
) -> tuple[Callback, str]:
    from controller.engine.callbacks import clock_of, parse_hour

    if not author.strip():
        raise BadInput("--author", "is empty", "who promises it")
    async with _desk(settings) as (records, desk):
        row = await must_exist(records, campaign)
        contact = await contact_with(records, campaign, number)
        clock = clock_of(contact, row.campaign)
        promise = Promise(at=parse_hour(time, clock), agent=wanted[0], note=wanted[1])
        now = datetime.now(UTC)
        made = await desk.add(contact, row.campaign, promise, author.strip(), now, nearest=nearest)
        return made, f"{made.at.astimezone(clock):%a %Y-%m-%d %H:%M} {clock.key}"


async def _move(
    settings: Settings, callback: int, time: str, agent: str | None, *, nearest: bool
) -> tuple[Callback, str]:
    from controller.engine.callbacks import clock_of, parse_hour

    async with _desk(settings) as (_records, desk):
        known, contact, campaign = await desk.found(callback)
        who = known.agent if agent is None else AgentId(agent) if agent else None
        clock = clock_of(contact, campaign)
        at = parse_hour(time, clock)
        moved = await desk.move(callback, at, datetime.now(UTC), agent=who, nearest=nearest)
        return moved, f"{moved.at.astimezone(clock):%a %Y-%m-%d %H:%M} {clock.key}"


async def _cancel(settings: Settings, callback: int) -> None:
    async with _desk(settings) as (_records, desk):
        await desk.cancel(callback, datetime.now(UTC))
