"""``campaign create | edit | show | list | schedule | start | pause | stop | archive | status``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.shell import (
    AsJson,
    CampaignArgument,
    control_of,
    print_json,
    print_table,
    run_async,
    settings_of,
)
from controller.domain.ids import CampaignId
from controller.errors import Refused

if TYPE_CHECKING:
    from controller.config import Settings
    from controller.domain.campaign import Campaign
    from controller.engine.campaigns import Campaigns
    from controller.ports import CampaignRow, Records

app = typer.Typer(help="Make, start, pause and stop campaigns.", no_args_is_help=True)

_CHECK_TIMEOUT = 600.0


async def with_campaigns(
    settings: Settings, work: Callable[[Campaigns], Awaitable[CampaignRow]]
) -> CampaignRow:
    """Do something with the campaigns, as a manager does."""
    from controller.app import open_records
    from controller.engine.campaigns import Campaigns

    async with open_records(settings) as records:
        return await work(Campaigns(records, records.segments, records.work))


async def must_exist(records: Records, campaign: CampaignId) -> CampaignRow:
    """The campaign as stored.

    Raises:
        BadInput: there is no such campaign.
    """
    from controller.engine.campaigns import existing

    return await existing(records, campaign, "CAMPAIGN")


@app.command()
def show(ctx: typer.Context, campaign: CampaignArgument, as_json: AsJson = False) -> None:
    """One campaign, with everything that can be set."""
    row = run_async(with_campaigns(settings_of(ctx), lambda all_: all_.get(CampaignId(campaign))))
    told = _as_dict(row)
    if as_json:
        print_json(told)
    else:
        print_table(["field", "value"], [[name, _shown(value)] for name, value in told.items()], "")


def _shown(value: object) -> str:
    import json

    if value in (None, "", [], {}):
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _moved(ctx: typer.Context, campaign: str, move: str) -> None:
    row = run_async(
        with_campaigns(settings_of(ctx), lambda campaigns: getattr(campaigns, move)(CampaignId(campaign)))
    )
    typer.echo(f"campaign {campaign} is {row.state.value}")


@app.command()
def schedule(ctx: typer.Context, campaign: CampaignArgument) -> None:
    """Let the clock start a campaign, when its opens_at has come."""
    _moved(ctx, campaign, "schedule")


@app.command()
def unschedule(ctx: typer.Context, campaign: CampaignArgument) -> None:
    """Make a scheduled campaign a draft again."""
    _moved(ctx, campaign, "unschedule")


@app.command()
def archive(ctx: typer.Context, campaign: CampaignArgument) -> None:
    """Put a campaign out of sight; its record stays."""
    _moved(ctx, campaign, "archive")


@app.command()
def restore(ctx: typer.Context, campaign: CampaignArgument) -> None:
    """Take a campaign out of the archive; it is stopped then."""
    _moved(ctx, campaign, "restore")


@app.command("list")
def list_(
    ctx: typer.Context,
    archived: Annotated[bool, typer.Option("--archived", help="Those in the archive, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """All campaigns, as stored; needs no running controller."""
    rows = [row for row in run_async(_rows(settings_of(ctx))) if archived or row.state.value != "archived"]
    if as_json:
        print_json([_as_dict(row) for row in rows])
        return
    print_table(
        ["campaign", "state", "caller", "regulation", "reason"],
        [
            [row.campaign.id, row.state.value, row.campaign.caller, row.campaign.law.name, row.reason]
            for row in rows
        ],
        "no campaigns yet; make one with: campaign-controller campaign create NAME",
    )


async def _rows(settings: Settings) -> Sequence[CampaignRow]:
    from controller.app import open_records

    async with open_records(settings) as records:
        return await records.campaigns()


def _as_dict(row: CampaignRow) -> dict[str, object]:
    from controller.engine.campaign_fields import shown

    campaign = row.campaign
    return {
        "id": campaign.id,
        "state": row.state.value,
        "reason": row.reason,
        "paused_by": row.paused_by.value if row.paused_by else None,
        "version": row.version,
        "regulation": campaign.law.name,
        "budget_lifted": campaign.override is not None,
        **shown(campaign),
    }


@app.command()
def check(ctx: typer.Context, campaign: CampaignArgument, as_json: AsJson = False) -> None:
    """What a campaign would do if it were started now: who may be called, and why not the others."""
    from controller.cli import inspection

    found = run_async(inspection.forecast_of(settings_of(ctx), CampaignId(campaign)), timeout=_CHECK_TIMEOUT)
    if as_json:
        print_json(inspection.forecast_as_dict(found))
    else:
        typer.echo(inspection.forecast_as_text(campaign, found))


@app.command()
def start(ctx: typer.Context, campaign: CampaignArgument) -> None:
    """Let a campaign dial (again); tells what its law enforces, and what it does not see to."""
    from controller.law import plain_words

    settings = settings_of(ctx)

    async def ask() -> Campaign:
        from controller.app import open_records

        async with control_of(settings) as control:
            await control.start_campaign(CampaignId(campaign))
        async with open_records(settings) as records:
            return (await must_exist(records, CampaignId(campaign))).campaign

    law = run_async(ask()).law
    typer.echo(f"campaign {campaign} runs under {law.name}")
    for line in plain_words(law):
        typer.echo(f"  {line}")


@app.command()
def pause(
    ctx: typer.Context,
    campaign: CampaignArgument,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
) -> None:
    """Place no more calls; those in flight go on."""

    async def ask() -> None:
        async with control_of(settings_of(ctx)) as control:
            await control.pause_campaign(CampaignId(campaign), reason)

    run_async(ask())
    typer.echo(f"campaign {campaign} is paused; calls in flight go on")


@app.command()
def stop(ctx: typer.Context, campaign: CampaignArgument) -> None:
    """End a campaign; calls in flight go on."""

    async def ask() -> None:
        async with control_of(settings_of(ctx)) as control:
            await control.stop_campaign(CampaignId(campaign))

    run_async(ask())
    typer.echo(f"campaign {campaign} is stopped; calls in flight go on")


@app.command()
def status(
    ctx: typer.Context,
    campaign: Annotated[str | None, typer.Argument(help="Only this one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Campaigns in the running controller."""
    from controller.cli import live

    now = run_async(live.status_of(control_of(settings_of(ctx))))
    chosen = [one for one in now.campaigns if campaign in (None, one.id)]
    if campaign is not None and not chosen:
        raise Refused(
            f"campaign {campaign} has not run since the controller started; "
            f"`campaign-controller report {campaign}` tells what it did before"
        )
    if as_json:
        print_json([live.campaign_as_dict(one) for one in chosen])
    else:
        live.show_campaigns(chosen)
