"""``funnel show | set | changes``: how far a campaign's contacts came."""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from controller.cli.dnc import Author, Reason, authorship
from controller.cli.shell import AsJson, CampaignArgument, print_json, print_table, run_async, settings_of
from controller.domain.funnel import By, Funnel, FunnelLine, Stage, stage_of
from controller.domain.ids import CampaignId, ContactId
from controller.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controller.config import Settings
    from controller.domain.funnel import StageChange
    from controller.ports import Authorship

app = typer.Typer(help="How far contacts came: reached, interested, lead, customer.", no_args_is_help=True)

_PATIENCE = 120.0
"""Seconds that counting a campaign of millions may take."""


class Division(Enum):
    """What ``--by`` takes."""

    SEGMENT = "segment"
    HOUR = "hour"
    SCRIPT = "script"
    DISPOSITION = "disposition"


@app.command()
def show(
    ctx: typer.Context,
    campaign: CampaignArgument,
    by: Annotated[Division | None, typer.Option(help="One line for each of these.")] = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Write CSV, for spreadsheets.")] = False,
) -> None:
    """How many contacts came how far, and which share of those before them."""
    if as_json and as_csv:
        raise BadInput("--json, --csv", "cannot be used together", "one of them")
    wanted = By(by.value) if by else By.NOTHING
    found = run_async(_funnel(settings_of(ctx), CampaignId(campaign), wanted), timeout=_PATIENCE)
    if as_json:
        print_json(found.to_json())
    elif as_csv:
        write_csv(found, sys.stdout)
    else:
        headers = [wanted.value or "", *(stage.word for stage in Stage)]
        print_table(headers, [_cells(line) for line in _shown(found)], "")


@app.command("set")
def set_(
    ctx: typer.Context,
    contact: Annotated[int, typer.Argument(metavar="CONTACT-ID", help="The contact's id.", min=1)],
    stage: Annotated[str, typer.Argument(help="contact, reached, interested, lead or customer.")],
    author: Author,
    reason: Reason,
) -> None:
    """Set a contact's stage by hand, forward or back; recorded for ever."""
    try:
        wanted = stage_of(stage)
    except ValueError as error:
        raise BadInput("STAGE", str(error)) from None
    who = authorship(author, reason)
    made = run_async(_set(settings_of(ctx), ContactId(contact), wanted, who))
    if made is None:
        typer.echo(f"contact {contact} was {wanted.word} already")
    else:
        typer.echo(f"contact {contact} of {made.campaign}: {made.before.word} is now {made.after.word}")


@app.command()
def changes(ctx: typer.Context, campaign: CampaignArgument, as_json: AsJson = False) -> None:
    """Stages that were set by hand, the last ones first."""
    found = run_async(_changes(settings_of(ctx), CampaignId(campaign)))
    headers = ["at (UTC)", "contact", "before", "after", "author", "reason"]
    rows = [
        [
            f"{change.at:%Y-%m-%d %H:%M:%S}",
            change.contact,
            change.before.word,
            change.after.word,
            change.author,
            change.reason,
        ]
        for change in found
    ]
    if as_json:
        keys = ["at", *headers[1:]]
        print_json(
            [
                dict(zip(keys, [change.at.isoformat(), *row[1:]], strict=True))
                for change, row in zip(found, rows, strict=True)
            ]
        )
        return
    print_table(headers, rows, f"no stage of {campaign} was set by hand")


def write_csv(funnel: Funnel, stream: TextIO) -> None:
    """The funnel as CSV: counts and, as decimal fractions, rates."""
    writer = csv.writer(stream, lineterminator="\n")
    rates = [f"{stage.word}_rate" for stage in Stage if stage is not Stage.CONTACT]
    writer.writerow([funnel.by.value or "campaign", *(stage.word for stage in Stage), *rates])
    for line in _shown(funnel):
        shares = (line.rate(stage) for stage in Stage if stage is not Stage.CONTACT)
        written = ["" if share is None else f"{share:.4f}" for share in shares]
        writer.writerow([_safe(line.label), *line.counts, *written])


def _safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _shown(funnel: Funnel) -> list[FunnelLine]:
    """The lines, and the total below them; what has no label is told so."""
    named = [line if line.label else FunnelLine(label="(none)", counts=line.counts) for line in funnel.lines]
    return [
        *named,
        FunnelLine(label="total" if funnel.lines else funnel.campaign, counts=funnel.total.counts),
    ]


def _cells(line: FunnelLine) -> list[str]:
    cells = [line.label]
    for stage in Stage:
        share = line.rate(stage)
        cells.append(f"{line.at(stage)}" + ("" if share is None else f" ({share:.1%})"))
    return cells


async def _funnel(settings: Settings, campaign: CampaignId, by: By) -> Funnel:
    from controller.app import open_records

    async with open_records(settings) as records:
        return await records.outward.leads.funnel(campaign, by)


async def _set(settings: Settings, contact: ContactId, stage: Stage, who: Authorship) -> StageChange | None:
    from controller.app import open_records

    async with open_records(settings) as records:
        return await records.outward.leads.set_stage(contact, stage, who, datetime.now(UTC))


async def _changes(settings: Settings, campaign: CampaignId) -> Sequence[StageChange]:
    from controller.app import open_records
    from controller.cli.campaigns import must_exist

    async with open_records(settings) as records:
        await must_exist(records, campaign)
        return await records.outward.leads.stage_changes(campaign)
