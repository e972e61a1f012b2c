"""``explain`` and ``audit``, and the dry run of ``campaign check``: what is, without changing anything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.numbers import parsed
from controller.cli.shell import FAILED, AsJson, print_json, run_async, settings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controller.config import Settings
    from controller.domain.clearance import Check
    from controller.domain.ids import E164, CampaignId
    from controller.engine.audit import Audit
    from controller.engine.explain import Explanation, Forecast, PastAttempt

_AUDIT_TIMEOUT = 3600.0


def explain(
    ctx: typer.Context,
    number: Annotated[str, typer.Argument(help="In international or national form.")],
    as_json: AsJson = False,
) -> None:
    """Why a number is, or is not, called: every check, now and at each past attempt."""
    settings = settings_of(ctx)
    wanted = parsed(number, settings.campaign_defaults.region)
    now, past = run_async(_explained(settings, wanted))
    if as_json:
        print_json({"now": [_now_as_dict(one) for one in now], "past": [_past_as_dict(one) for one in past]})
        return
    if not now:
        typer.echo(f"{wanted} is in no campaign")
    for explanation in now:
        verdict = "may be called now" if explanation.callable else "is not called now"
        typer.echo(f"{wanted} {verdict} by {explanation.campaign} (for {explanation.caller}):")
        typer.echo(_checks_as_text(explanation.checks))
    for attempt in past:
        ended = attempt.ended or "under way"
        typer.echo(f"called {attempt.placed:%Y-%m-%d %H:%M:%S} UTC by {attempt.campaign}: {ended}; then:")
        typer.echo(_checks_as_text(attempt.checks))


def audit(
    ctx: typer.Context,
    campaign: Annotated[str | None, typer.Argument(help="Only this one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute the ledger from the records and name every difference. Exit code 1 if there is any."""
    audits = run_async(_audited(settings_of(ctx), campaign), timeout=_AUDIT_TIMEOUT)
    if as_json:
        print_json([_audit_as_dict(one) for one in audits])
    elif not audits:
        typer.echo("no campaigns yet")
    else:
        for one in audits:
            typer.echo(_audit_as_text(one))
    if not all(one.clean for one in audits):
        raise typer.Exit(FAILED)


async def forecast_of(settings: Settings, campaign: CampaignId) -> Forecast:
    """What a campaign would do if it were started now."""
    from controller.app import open_ledger, open_records
    from controller.cli.campaigns import must_exist
    from controller.engine.explain import Explainer

    async with open_records(settings) as records, open_ledger(settings) as ledger:
        row = await must_exist(records, campaign)
        explainer = Explainer(ledger, records, records.evidence, settings.number_key())
        return await explainer.forecast(row, datetime.now(UTC))


def forecast_as_text(campaign: str, found: Forecast) -> str:
    """A forecast for people."""
    lines = [f"campaign {campaign}: {found.contacts} contacts, {found.done} done already"]
    lines += [f"  would not start: {why}" for why in found.unfit]
    lines.append(f"  {found.callable} may be called now, {found.operator} of them with a reserved agent only")
    for name, count in sorted(found.held.items(), key=lambda item: -item[1]):
        until = found.until.get(name)
        when = f", the first until {until:%Y-%m-%d %H:%M} UTC" if until else ", until a person changes that"
        lines.append(f"  {count} held back by {name.value}{when}")
    return "\n".join(lines)


def forecast_as_dict(found: Forecast) -> dict[str, object]:
    """A forecast for machines."""
    return {
        "contacts": found.contacts,
        "done": found.done,
        "unfit": list(found.unfit),
        "callable": found.callable,
        "needing_reserved_agent": found.operator,
        "held": {
            name.value: {"contacts": count, "until": found.until.get(name)}
            for name, count in found.held.items()
        },
    }


# --- inside -----------------------------------------------------------------------------------------------


async def _explained(settings: Settings, number: E164) -> tuple[Sequence[Explanation], Sequence[PastAttempt]]:
    from controller.app import open_ledger, open_records
    from controller.engine.explain import Explainer

    async with open_records(settings) as records, open_ledger(settings) as ledger:
        explainer = Explainer(ledger, records, records.evidence, settings.number_key())
        return await explainer.explain(number, datetime.now(UTC)), await explainer.history(number)


async def _audited(settings: Settings, campaign: str | None) -> Sequence[Audit]:
    from controller.app import open_ledger, open_records
    from controller.cli.campaigns import must_exist
    from controller.domain.ids import CampaignId
    from controller.engine.audit import Auditor

    async with open_records(settings) as records, open_ledger(settings) as ledger:
        if campaign is None:
            rows = await records.campaigns()
        else:
            rows = [await must_exist(records, CampaignId(campaign))]
        auditor = Auditor(ledger, records, settings.number_key())
        return [await auditor.audit(row.campaign, datetime.now(UTC)) for row in rows]


def _checks_as_text(checks: Sequence[Check]) -> str:
    return "\n".join(
        f"  {'ok ' if check.passed else 'NO '} {check.name.value:<12} {check.why}" for check in checks
    )


def _checks_as_dicts(checks: Sequence[Check]) -> list[dict[str, object]]:
    return [
        {"check": check.name.value, "passed": check.passed, "why": check.why, "until": check.until}
        for check in checks
    ]


def _now_as_dict(one: Explanation) -> dict[str, object]:
    return {
        "campaign": one.campaign,
        "caller": one.caller,
        "callable": one.callable,
        "checks": _checks_as_dicts(one.checks),
    }


def _past_as_dict(one: PastAttempt) -> dict[str, object]:
    return {
        "call": one.call,
        "campaign": one.campaign,
        "placed": one.placed.isoformat(),
        "outcome": one.ended or None,
        "checks": _checks_as_dicts(one.checks),
    }


def _audit_as_text(one: Audit) -> str:
    lines = [f"campaign {one.campaign}: {one.attempts} attempts recomputed"]
    if one.clean:
        lines[0] += ", Redis says the same, every limit kept"
    lines += [f"  {each.what}: Redis {each.redis}, records {each.records}" for each in one.differences]
    lines += [f"  over the limit: {each}" for each in one.over]
    return "\n".join(lines)


def _audit_as_dict(one: Audit) -> dict[str, object]:
    return {
        "campaign": one.campaign,
        "attempts": one.attempts,
        "clean": one.clean,
        "differences": [
            {"what": each.what, "redis": each.redis, "records": each.records} for each in one.differences
        ],
        "over": list(one.over),
    }
