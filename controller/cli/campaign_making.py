"""``campaign create | edit | fields``: what can be set of a campaign."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.campaigns import with_campaigns
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
from controller.errors import BadInput, Refused, Unreachable

if TYPE_CHECKING:
    from controller.config import CampaignDefaults, Settings
    from controller.domain.campaign import Override
    from controller.ports import CampaignRow

_FROM_DEFAULTS = "from [campaign_defaults]"


def _option(help_: str) -> Any:
    return typer.Option(help=help_, show_default=_FROM_DEFAULTS)


def create(
    ctx: typer.Context,
    campaign: CampaignArgument,
    caller: Annotated[str | None, _option("On whose behalf one calls.")] = None,
    caller_number: Annotated[str | None, _option("Number presented to the callees.")] = None,
    dial_string: Annotated[str | None, _option("Endpoint dialed, with {number} in it.")] = None,
    trunk: Annotated[str | None, _option("Endpoint of the trunk's events.")] = None,
    regulation: Annotated[str | None, _option("Regulation profile.")] = None,
    mode: Annotated[
        str | None,
        _option("How it dials: predictive, progressive, reserved, ratio, preview or agentless."),
    ] = None,
    overdial: Annotated[float | None, _option("Mode ratio: lines per free agent.")] = None,
    ring_timeout: Annotated[float | None, _option("Seconds a phone may ring.")] = None,
    take_back_after: Annotated[
        float | None, _option("Mode predictive: seconds a phone rings before its call may be taken back.")
    ] = None,
    wrap_up: Annotated[float | None, _option("Seconds after a conversation.")] = None,
    preview_timeout: Annotated[float | None, _option("Mode preview: seconds to decide on a contact.")] = None,
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
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="FIELD=VALUE", help="Any field that `campaign fields` names; may be repeated."
        ),
    ] = None,
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
        "mode": mode,
        "overdial": overdial,
        "ring_timeout": ring_timeout,
        "take_back_after": take_back_after,
        "wrap_up": wrap_up,
        "preview_timeout": preview_timeout,
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
    base = values.campaign(_checked_id(campaign), settings.profiles[values.regulation], override)
    checked_region(base.region)
    more = {
        "segment_hours": "; ".join(segment_hours) if segment_hours else None,
        "opens_at": opens,
        "closes_at": closes,
    }
    fields = {name: value for name, value in more.items() if value is not None} | _assigned(set_ or [])
    if not base.caller and not fields.get("caller"):
        raise BadInput("--caller", "is missing", "a name, here or as campaign_defaults.caller")
    run_async(with_campaigns(settings, lambda campaigns: campaigns.create(base, fields)))
    typer.echo(f"campaign {campaign} made; next: campaign-controller import {campaign} FILE.csv")


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


def _assigned(given: Sequence[str]) -> dict[str, Any]:
    """Fields as ``name=value``; a value that begins with ``@`` is in a JSON file, ``[`` or ``{`` is JSON."""
    import json
    from pathlib import Path

    values: dict[str, Any] = {}
    for item in given:
        name, equals, text = item.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name or name in values:
            raise BadInput("FIELD=VALUE", f"{item!r} cannot be used", "FIELD=VALUE, each field once")
        try:
            if text.startswith("@"):
                values[name] = json.loads(Path(text[1:]).read_text(encoding="utf-8"))
            else:
                values[name] = json.loads(text) if text[:1] in ("[", "{") else text
        except OSError as error:
            raise BadInput(name, f"{text[1:]} cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise BadInput(name, f"is no JSON: {error}") from None
    return values


async def _tell(settings: Settings, campaign: str) -> bool:
    """Tell the running controller that a campaign was changed; whether there is one."""
    try:
        async with control_of(settings) as control:
            await control.campaign_changed(CampaignId(campaign))
    except Unreachable:
        return False
    return True


def fields(as_json: AsJson = False) -> None:
    """What can be set of a campaign, by `create --set` and `edit`."""
    from controller.engine.campaign_fields import FIELDS

    if as_json:
        print_json({name: {"help": field.help, "fixed": field.fixed} for name, field in FIELDS.items()})
        return
    rows = [[name, field.help + (" (until its first start)" * field.fixed)] for name, field in FIELDS.items()]
    print_table(["field", "what it is"], rows, "")


def edit(
    ctx: typer.Context,
    campaign: CampaignArgument,
    values: Annotated[
        list[str], typer.Argument(metavar="FIELD=VALUE...", help="As `campaign fields` names them.")
    ],
    author: Annotated[str, typer.Option(help="Who changes it, for the record.")] = "",
) -> None:
    """Change a campaign, also while it runs."""
    from getpass import getuser

    settings = settings_of(ctx)
    who = author.strip() or getuser()
    changes = _assigned(values)

    async def change() -> tuple[CampaignRow, bool]:
        row = await with_campaigns(
            settings, lambda campaigns: campaigns.edit(CampaignId(campaign), changes, who)
        )
        return row, await _tell(settings, campaign)

    row, told = run_async(change())
    by = "the running controller has taken it over" if told else "no controller runs here"
    typer.echo(f"campaign {campaign} is at version {row.version}; {by}")


def register(app: typer.Typer) -> None:
    """Add these commands to ``campaign``."""
    for command in (create, edit, fields):
        app.command()(command)
