"""``contacts import | preview | imports | undo | mapping``: lists of contacts, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli import list_preview, mappings
from controller.cli.campaigns import must_exist
from controller.cli.dnc import Author, Reason, authorship
from controller.cli.mappings import user_name
from controller.cli.shell import (
    AsJson,
    CampaignArgument,
    FullNumbers,
    print_json,
    print_table,
    run_async,
    settings_of,
)
from controller.domain.ids import CampaignId

if TYPE_CHECKING:
    from controller.config import Settings
    from controller.domain.imports import ImportJob, Undone
    from controller.engine.contact_terms import ListTerms
    from controller.engine.import_fields import Meaning
    from controller.engine.import_reader import ListOptions
    from controller.engine.importing import ImportReport, OnProgress
    from controller.ports import Authorship

app = typer.Typer(help="Lists of contacts: import, look, take back.", no_args_is_help=True)
app.add_typer(mappings.app, name="mapping")

IMPORT_TIMEOUT = 6 * 3600.0
"""Seconds an import may take: a million rows take some minutes."""
_UNDO_TIMEOUT = 300.0

ListArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="CSV or XLSX with a header line.", exists=True, dir_okay=False)
]
NumberColumn = Annotated[
    str | None,
    typer.Option(help="Header of the number that is called first.", show_default="found by name"),
]
NameColumn = Annotated[
    str | None, typer.Option(help="Header of the name's column.", show_default="found by name")
]
Region = Annotated[
    str | None, typer.Option(help="Country of national numbers.", show_default="campaign_defaults.region")
]
SheetName = Annotated[str | None, typer.Option(help="Sheet of a spreadsheet.", show_default="the first")]
Source = Annotated[
    str, typer.Option(help="Where the list comes from; its mapping of columns.", show_default="not said")
]
ConsentBasis = Annotated[
    str, typer.Option(help="Why all of them may be called.", show_default="as the file says")
]
ConsentSource = Annotated[
    str, typer.Option(help="Where all of them said so.", show_default="as the file says")
]
ConsentDate = Annotated[str, typer.Option(help="When all of them said so.", show_default="as the file says")]


@app.command("import")
def import_(
    ctx: typer.Context,
    campaign: CampaignArgument,
    file: ListArgument,
    number_column: NumberColumn = None,
    name_column: NameColumn = None,
    region: Region = None,
    sheet: SheetName = None,
    source: Source = "",
    rejects: Annotated[
        Path | None, typer.Option(help="Where rejected rows go.", show_default="beside FILE")
    ] = None,
    consent_basis: ConsentBasis = "",
    consent_source: ConsentSource = "",
    consent_date: ConsentDate = "",
    author: Annotated[str, typer.Option(help="Who imports; recorded.", show_default="who you are")] = "",
    again: Annotated[bool, typer.Option("--again", help="Even if it was imported before.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import contacts. What was broken off goes on; what was done before is not done twice."""
    settings = settings_of(ctx)
    with _progress(shown=not as_json) as tell:
        report = run_async(
            _import(
                settings, file, CampaignId(campaign), region=_region(settings, region),
                number_column=number_column, name_column=name_column, sheet=sheet, source=source.strip(),
                rejects_path=rejects, consent_basis=consent_basis, consent_source=consent_source,
                consent_date=consent_date, author=author.strip() or user_name(), again=again,
                on_progress=tell,
            ),
            timeout=IMPORT_TIMEOUT,
        )  # fmt: skip
    if as_json:
        print_json(report_as_dict(report))
        return
    for line in report_as_text(report):
        typer.echo(line)


def _region(settings: Settings, wanted: str | None) -> str:
    return (wanted or settings.campaign_defaults.region).upper()


async def _import(settings: Settings, file: Path, campaign: CampaignId, **options: Any) -> ImportReport:
    from controller.app import open_records
    from controller.engine.importing import import_contacts

    async with open_records(settings) as records:
        await must_exist(records, campaign)
        return await import_contacts(file, campaign, records, **options)


def report_as_dict(report: ImportReport) -> dict[str, Any]:
    """What became of a file, for machines."""
    return {
        "import": report.import_id,
        "already": report.already,
        "resumed_after_line": report.resumed_after,
        "rows": report.rows,
        "stored": report.stored,
        "rejected": report.rejected,
        "invalid": report.invalid,
        "duplicates": report.duplicates,
        "known": report.known,
        "rejects": str(report.rejects_path) if report.rejects_path else None,
    }


def report_as_text(report: ImportReport) -> Iterator[str]:
    """What became of a file, for people."""
    if report.already:
        yield (
            f"this file was imported before, by the import {report.import_id}: nothing was stored now. "
            f"It brought {report.stored} contacts of {report.rows} rows; --again imports it all the same"
        )
        return
    if report.resumed_after:
        yield f"went on after line {report.resumed_after}, where the import had been broken off"
    yield f"{report.rows} rows: {report.stored} contacts stored, {report.rejected} rejected"
    if report.rejected:
        yield (
            f"of these {report.invalid} cannot be used, {report.duplicates} are twice in the file, "
            f"{report.known} are in the campaign already"
        )
        yield f"the rejected rows, each with its reason, are in {report.rejects_path}"
    yield f"import {report.import_id}; `contacts undo {report.import_id}` takes all of it back"


@contextmanager
def _progress(*, shown: bool) -> Iterator[OnProgress | None]:
    """A bar on a terminal; nothing elsewhere."""
    import sys

    if not (shown and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from controller.engine.importing import ImportProgress

    columns = (
        TextColumn("{task.fields[rows]:,} rows"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, rows=0)

        def tell(now: ImportProgress) -> None:
            bar.update(task, completed=now.position, total=now.size or None, rows=now.rows)

        yield tell


@app.command()
def preview(
    ctx: typer.Context,
    file: ListArgument,
    rows: Annotated[int, typer.Option(help="Rows to be shown.", min=1, max=1000)] = 10,
    campaign: Annotated[
        str | None, typer.Option(help="For its clock and segments.", show_default="none")
    ] = None,
    number_column: NumberColumn = None,
    name_column: NameColumn = None,
    region: Region = None,
    sheet: SheetName = None,
    source: Source = "",
    consent_basis: ConsentBasis = "",
    consent_source: ConsentSource = "",
    consent_date: ConsentDate = "",
    full_numbers: FullNumbers = False,
    as_json: AsJson = False,
) -> None:
    """What a list's columns mean, and its first rows as they would be stored. Stores nothing."""
    from controller.engine.contact_terms import Term
    from controller.engine.import_preview import preview as look
    from controller.engine.import_reader import ListOptions

    settings = settings_of(ctx)
    options = ListOptions(
        region=_region(settings, region),
        number_column=number_column,
        name_column=name_column,
        sheet=sheet,
        consent={Term.BASIS: consent_basis, Term.SOURCE: consent_source, Term.DATE: consent_date},
        mapping=run_async(_meanings(settings, source.strip())) if source.strip() else None,
    )
    found = look(file, options, run_async(_terms(settings, options, campaign)), rows)
    if as_json:
        print_json(list_preview.as_dict(found, full=full_numbers))
    else:
        list_preview.show(found, full=full_numbers)


async def _meanings(settings: Settings, source: str) -> dict[str, Meaning] | None:
    from controller.app import open_records
    from controller.engine.importing import meanings

    async with open_records(settings) as records:
        saved = await records.imports.mapping(source)
    return None if saved is None else meanings(saved)


async def _terms(settings: Settings, options: ListOptions, campaign: str | None) -> ListTerms:
    now = datetime.now(UTC)
    if campaign is None:
        return options.terms(settings.campaign_defaults.zone, (), now)
    from controller.app import open_records

    async with open_records(settings) as records:
        row = await must_exist(records, CampaignId(campaign))
    return options.terms(row.campaign.zone, list(row.campaign.segment_hours), now)


@app.command("imports")
def imports(
    ctx: typer.Context,
    campaign: Annotated[str | None, typer.Argument(metavar="[CAMPAIGN]", help="Of this one only.")] = None,
    limit: Annotated[int, typer.Option(help="Imports at most.", min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """The imports, the newest first."""
    jobs = run_async(_jobs(settings_of(ctx), campaign, limit))
    if as_json:
        print_json([job_as_dict(job) for job in jobs])
        return
    print_table(
        [
            "import",
            "campaign",
            "source",
            "file",
            "state",
            "rows",
            "stored",
            "rejected",
            "line",
            "by",
            "begun (UTC)",
        ],
        [
            [
                job.id,
                job.campaign,
                list_preview.visible(job.source),
                list_preview.visible(job.file),
                job.state.value + (f": {job.problem}" if job.problem else ""),
                job.counts.rows,
                job.counts.stored,
                job.counts.rejected,
                job.line,
                job.author,
                f"{job.started_at:%Y-%m-%d %H:%M:%S}",
            ]
            for job in jobs
        ],
        "no imports",
    )


async def _jobs(settings: Settings, campaign: str | None, limit: int) -> Sequence[ImportJob]:
    from controller.app import open_records

    async with open_records(settings) as records:
        if campaign is not None:
            await must_exist(records, CampaignId(campaign))
        return await records.imports.jobs(None if campaign is None else CampaignId(campaign), limit=limit)


def job_as_dict(job: ImportJob) -> dict[str, Any]:
    """An import, for machines."""
    return {
        "import": job.id,
        "campaign": job.campaign,
        "source": job.source,
        "file": job.file,
        "sha256": job.digest,
        "state": job.state.value,
        "rows": job.counts.rows,
        "stored": job.counts.stored,
        "rejected": job.counts.rejected,
        "invalid": job.counts.invalid,
        "duplicates": job.counts.duplicates,
        "known": job.counts.known,
        "line": job.line,
        "author": job.author,
        "started_at": job.started_at.isoformat(),
        "updated_at": job.updated_at.isoformat(),
        "ended_at": job.ended_at.isoformat() if job.ended_at else None,
        "problem": job.problem,
    }


@app.command()
def undo(
    ctx: typer.Context,
    import_id: Annotated[str, typer.Argument(metavar="IMPORT", help="As `contacts imports` lists it.")],
    author: Author,
    reason: Reason,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take back all contacts of an import. Who was called already stays, and is not called again."""
    settings = settings_of(ctx)
    who = authorship(author, reason)
    if not yes:
        typer.confirm(f"Delete the contacts of the import {import_id} that nobody called?", abort=True)
    done = run_async(_undo(settings, import_id, who), timeout=_UNDO_TIMEOUT)
    typer.echo(
        f"import {import_id} is undone: {done.deleted} contacts deleted, {done.closed} that had been called "
        "stay and are not called again"
    )


async def _undo(settings: Settings, import_id: str, who: Authorship) -> Undone:
    from controller.app import open_records
    from controller.domain.imports import ImportId

    async with open_records(settings) as records:
        return await records.imports.undo(ImportId(import_id), who, datetime.now(UTC))
