"""``campaign pacing``: why a campaign dials as it does, and dialed as it did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Annotated, Any

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
    from controller.config import Settings
    from controller.domain.pacing import Explained
    from controller.ports import PacingFigures, PacingReport, Spread

_HEADERS = (
    "at (UTC)", "looks", "calls", "placed", "agents", "in flight", "room", "lines", "risk", "price",
    "why not one more",
)  # fmt: skip
_LEGEND = (
    "calls: covered + exposed; agents: idle / reserved / talking / wrap-up;"
    " in flight: ringing / waiting / exposed"
)


def register(app: typer.Typer) -> None:
    """Add the command to the group ``campaign``."""
    app.command()(pacing)


def pacing(
    ctx: typer.Context,
    campaign: CampaignArgument,
    limit: Annotated[int, typer.Option(help="Decisions at most.", min=1)] = 20,
    before: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Those made until then: 14:03, 14:03:20 or 2026-12-01T14:03Z. UTC if it says nothing else.",
            show_default="now",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Why a campaign dials as it does: what its pacing has learned, and its latest decisions."""
    until = None if before is None else _time(before, datetime.now(UTC).date())
    report = run_async(_asked(settings_of(ctx), CampaignId(campaign), limit, until))
    if report is None:
        raise Refused(f"campaign {campaign} has not dialed since the controller started")
    if as_json:
        print_json(as_dict(report))
        return
    for line in _lines(report):
        typer.echo(line)
    print_table(_HEADERS, [_row(each) for each in report.recent], "no decision was made until then")
    if report.recent:
        typer.echo(_LEGEND)


async def _asked(
    settings: Settings, campaign: CampaignId, limit: int, before: datetime | None
) -> PacingReport | None:
    async with control_of(settings) as control:
        return await control.pacing(campaign, limit, before)


def _time(text: str, today: date) -> datetime:
    try:
        if len(text) <= len("14:03:20"):
            at = datetime.combine(today, time.fromisoformat(text))
        else:
            at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput("--before", f"{text!r} is no time", "14:03, 14:03:20 or 2026-12-01T14:03Z") from error
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def as_dict(report: PacingReport) -> dict[str, Any]:
    """For machines, as the API tells it."""
    from controller.api.rest.resources.watching import pacing_view

    return pacing_view(report).model_dump(mode="json")


def _lines(report: PacingReport) -> Iterator[str]:
    figures = report.figures
    learned, terms = figures.learned, figures.terms
    mode = figures.mode.value
    if figures.effective is not figures.mode:
        mode += f", but {figures.effective.value} for now"
    yield f"campaign {report.campaign}: {mode}; {figures.decisions} decisions since the controller started"
    yield _predictions(figures)
    yield (
        f"learned: {learned.answer_rate:.0%} answer, after {_spread(learned.answers)};"
        f" conversations last {_spread(learned.talks)}, wrap-ups {_spread(learned.wrap_ups)}"
        " (a tenth, half, nine tenths are shorter)"
    )
    after = "never" if terms.cancel_after is None else f"after {terms.cancel_after:g} s of ringing"
    yield (
        f"terms: a call may wait {terms.window:g} s for an agent; hopeless ones are taken back {after};"
        f" the price is {terms.boldness:g} x bank / agents, {terms.highest:g} at most"
    )


def _predictions(figures: PacingFigures) -> str:
    verdict = "come true" if figures.calibrated else "are wrong, so nothing is predicted for now"
    return (
        f"predictions {verdict}: of late {figures.predicted:.1f} silent calls were predicted,"
        f" {figures.actual:.1f} happened"
    )


def _spread(spread: Spread) -> str:
    return f"{spread.p10:.0f} / {spread.p50:.0f} / {spread.p90:.0f} s"


def _row(one: Explained) -> list[object]:
    seen, decision = one.inputs, one.decision
    at = f"{one.at:%H:%M:%S.%f}"[:-5]
    if one.looks > 1:
        at += f" +{(one.until - one.at).total_seconds():.1f} s"
    return [
        at,
        one.looks,
        f"{decision.covered} + {decision.exposed}",
        one.placed,
        f"{seen.idle} / {seen.reserved} / {seen.talking} / {seen.wrapping}",
        f"{seen.ringing} / {seen.waiting} / {seen.exposed}",
        "lifted" if seen.room is None else seen.room,
        seen.lines,
        f"{decision.risk:.3f}" if decision.weighed else "-",
        f"{decision.price:.3f}" if decision.weighed else "-",
        decision.reason + (f"; {one.taken_back} hopeless calls taken back" if one.taken_back else ""),
    ]
