"""``campaign create | list | start | pause | stop | status``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

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
from controller.errors import BadInput, Refused

if TYPE_CHECKING:
    from controller.config import CampaignDefaults, Settings
    from controller.domain.campaign import Campaign, Override
    from controller.domain.hours import Hours
    from controller.ports import CampaignRow, Records

app = typer.Typer(help="Make, start, pause and stop campaigns.", no_args_is_help=True)

_CHECK_TIMEOUT = 600.0
_FROM_DEFAULTS = "from [campaign_defaults]"


def _option(help_: str) -> Any:
    return typer.Option(help=help_, show_default=_FROM_DEFAULTS)


@app.command()
def create(
    ctx: typer.Context,
    campaign: CampaignArgument,
    caller: Annotated[str | None, _option("On whose behalf one calls.")] = None,
    caller_number: Annotated[str | None, _option("Number presented to the callees.")] = None,
    dial_string: Annotated[str | None, _option("Endpoint dialed, with {number} in it.")] = None,
    trunk: Annotated[str | None, _option("Endpoint of the trunk's events.")] = None,
    regulation: Annotated[str | None, _option("Regulation profile.")] = None,
    overdial: Annotated[float | None, _option("Lines per free agent once the budget allows.")] = None,
    ring_timeout: Annotated[float | None, _option("Seconds a phone may ring.")] = None,
    wrap_up: Annotated[float | None, _option("Seconds after a conversation.")] = None,
    calls_per_second: Annotated[float | None, _option("Ceiling of new calls per second.")] = None,
    max_lines: Annotated[int | None, _option("Ceiling of calls in flight.")] = None,
    max_attempts: Annotated[int | None, _option("Calls to a contact that is not reached.")] = None,
    caller_number_answers: Annotated[
        bool | None, _option("Whether calls to the number presented are answered.")
    ] = None,
    zone: Annotated[
        str | None, _option("Time zone of its days, and of callees whose own is unknown.")
    ] = None,
    hours: Annotated[str | None, _option("Calling hours narrower than the law's.")] = None,
    segment_hours: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SEGMENT=HOURS", help="Narrower still for contacts of a segment; may be repeated."
        ),
    ] = None,
    message: Annotated[str | None, _option("Sound for callees whom no agent reaches.")] = None,
    opens: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it is started by itself, as 2026-12-01 09:00.")
    ] = None,
    closes: Annotated[str | None, typer.Option(metavar="TIME", help="When it is stopped by itself.")] = None,
    override_budget: Annotated[
        bool, typer.Option("--override-budget", help="LAB ONLY: lift the budget of silent calls.")
    ] = False,
    author: Annotated[str, typer.Option(help="Who lifts the budget.")] = "",
    reason: Annotated[str, typer.Option(help="Why it is lifted.")] = "",
) -> None:
    """Make a campaign; it is a draft until it is started."""
    from controller.engine.calendar import checked_region

    settings = settings_of(ctx)
    options = {
        "caller": caller,
        "caller_number": caller_number,
        "dial_string": dial_string,
        "trunk": trunk,
        "regulation": regulation,
        "overdial": overdial,
        "ring_timeout": ring_timeout,
        "wrap_up": wrap_up,
        "calls_per_second": calls_per_second,
        "max_lines": max_lines,
        "max_attempts": max_attempts,
        "caller_number_answers": caller_number_answers,
        "zone": zone,
        "hours": hours,
        "message": message,
    }
    override = _override(settings, author, reason, wanted=override_budget)
    values = _overlaid(settings.campaign_defaults, {k: v for k, v in options.items() if v is not None})
    if values.regulation not in settings.profiles:
        raise BadInput("--regulation", f"{values.regulation!r} is unknown", ", ".join(settings.profiles))
    opens_at, closes_at = _times(values.zone, opens, closes)
    made = values.campaign(
        _checked_id(campaign),
        settings.profiles[values.regulation],
        override,
        segment_hours=_segment_hours(segment_hours or []),
        opens_at=opens_at,
        closes_at=closes_at,
    )
    checked_region(made.region)
    if not made.caller:
        raise BadInput("--caller", "is missing", "a name, here or as campaign_defaults.caller")
    run_async(_save(settings, made))
    typer.echo(f"campaign {campaign} made; next: campaign-controller import {campaign} FILE.csv")


def _times(zone: str, opens: str | None, closes: str | None) -> tuple[datetime | None, datetime | None]:
    """The campaign's beginning and end, given by the clock of its zone."""
    opens_at = _time("--opens", opens, zone)
    closes_at = _time("--closes", closes, zone)
    if opens_at is not None and closes_at is not None and closes_at <= opens_at:
        raise BadInput("--closes", f"{closes} is not after --opens {opens}", "a later time")
    return opens_at, closes_at


def _time(option: str, text: str | None, zone: str) -> datetime | None:
    if text is None:
        return None
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(option, f"{text!r} is no time", "such as 2026-12-01 09:00") from None
    return (local if local.tzinfo else local.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _segment_hours(given: Sequence[str]) -> dict[str, Hours]:
    from controller.domain.hours import parse_hours

    made: dict[str, Hours] = {}
    for item in given:
        segment, equals, text = item.partition("=")
        segment = segment.strip()
        if not equals or not segment or segment in made:
            raise BadInput("--segment-hours", f"{item!r} cannot be used", "SEGMENT=HOURS, each segment once")
        try:
            made[segment] = parse_hours(text)
        except ValueError as error:
            raise BadInput("--segment-hours", f"{segment}: {error}", "such as mon-fri 18:00-20:00") from None
    return made


def _checked_id(campaign: str) -> CampaignId:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", campaign):
        raise BadInput("CAMPAIGN", f"{campaign!r} cannot name a campaign", "1 to 64 letters, digits, - and _")
    return CampaignId(campaign)


def _overlaid(defaults: CampaignDefaults, options: dict[str, object]) -> CampaignDefaults:
    from pydantic import ValidationError

    from controller.config import CampaignDefaults, InvalidConfigError, problem_of

    try:
        return CampaignDefaults.model_validate(defaults.model_dump() | options)
    except ValidationError as error:
        problems = [
            problem_of(
                item, f"--{str(item['loc'][0]).replace('_', '-')}", ("campaign_defaults", *item["loc"])
            )
            for item in error.errors(include_url=False)
        ]
        raise problems[0] if len(problems) == 1 else InvalidConfigError(problems, "options") from None


def _override(settings: Settings, author: str, reason: str, *, wanted: bool) -> Override | None:
    from controller.domain.campaign import Override

    if not wanted:
        if author or reason:
            raise BadInput("--author, --reason", "belong to --override-budget", "all three or none")
        return None
    if not author.strip() or not reason.strip():
        raise BadInput("--override-budget", "needs --author and --reason", "who lifts the budget, and why")
    if not settings.lab.allow_budget_override:
        raise Refused(
            "the budget of silent calls is the law; it is lifted in a lab only: "
            "lab.allow_budget_override is not set here"
        )
    return Override(author=author.strip(), reason=reason.strip())


async def _save(settings: Settings, campaign: Campaign) -> None:
    from controller.app import open_records

    async with open_records(settings) as records:
        await records.save_campaign(campaign)


async def must_exist(records: Records, campaign: CampaignId) -> CampaignRow:
    """The campaign as stored.

    Raises:
        BadInput: there is no such campaign.
    """
    row = await records.campaign(campaign)
    if row is None:
        known = ", ".join(known.campaign.id for known in await records.campaigns())
        raise BadInput("CAMPAIGN", f"there is no campaign {campaign!r}", known or "none yet: campaign create")
    return row


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """All campaigns, as stored; needs no running controller."""
    rows = run_async(_rows(settings_of(ctx)))
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
    from controller.domain.hours import written

    campaign = row.campaign
    return {
        "id": campaign.id,
        "state": row.state.value,
        "reason": row.reason,
        "caller": campaign.caller,
        "caller_number": campaign.caller_number,
        "dial_string": campaign.dial_string,
        "trunk": campaign.trunk,
        "regulation": campaign.law.name,
        "overdial": campaign.overdial,
        "ring_timeout": campaign.ring_timeout.total_seconds(),
        "wrap_up": campaign.wrap_up.total_seconds(),
        "calls_per_second": campaign.calls_per_second,
        "max_lines": campaign.max_lines,
        "max_attempts": campaign.retry.max_attempts,
        "budget_lifted": campaign.override is not None,
        "caller_number_answers": campaign.caller_number_answers,
        "zone": campaign.zone,
        "region": campaign.region,
        "hours": written(campaign.hours) if campaign.hours else None,
        "segment_hours": {segment: written(hours) for segment, hours in campaign.segment_hours.items()},
        "opens_at": campaign.opens_at,
        "closes_at": campaign.closes_at,
        "message": campaign.message,
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
