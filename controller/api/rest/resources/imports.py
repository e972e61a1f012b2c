"""Imports: lists of contacts, uploaded as files, each a job that can be watched and undone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from aiohttp import web
from pydantic import Field

from controller.api.rest.ask import Ask
from controller.api.rest.models import Because, CampaignName, CampaignPath, Model, Page, Paging, Wanted, Whole
from controller.api.rest.problems import NOT_FOUND, Problem
from controller.api.rest.routes import Reply, Resource, Upload
from controller.domain.access import Right
from controller.domain.ids import CampaignId
from controller.domain.imports import ImportId, ImportJob, ImportState
from controller.ports import Authorship
from controller.ports.import_desk import ImportOptions

imports = Resource("Imports", "Lists of contacts as CSV or XLSX (docs/contacts.md)")

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_LISTS = (CSV, XLSX)


class ImportView(Model):
    """An import."""

    id: str
    campaign: str
    state: ImportState
    source: str
    file: str
    rows: int = Field(description="Rows dealt with; always stored + invalid + duplicates + known")
    stored: int
    invalid: int
    duplicates: int
    known: int
    line: int = Field(description="The last line that is dealt with")
    author: str
    started_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    problem: str
    progress: float | None = Field(description="From 0 to 1; null where it does not run in this controller")
    rejects: bool = Field(description="The rejected rows can be fetched")


class RowView(Model):
    """A row of a list, as it would be stored."""

    line: int
    number: str
    name: str
    problem: str = Field(description="Why it would not be stored; else empty")


class PreviewView(Model):
    """How a list would be imported."""

    meanings: Mapping[str, str] = Field(description="What each column means, by its header")
    delimiter: str = Field(description="Of a CSV file; empty for a spreadsheet")
    sheet: str = Field(description="Of a spreadsheet; empty for a CSV file")
    rows: list[RowView]


class UndoneView(Model):
    """What undoing an import did."""

    deleted: int = Field(description="Contacts that had never been called; nothing is left of them")
    closed: int = Field(description="Contacts that had been called; they are not called again")


_HEADER = r"^[^\x00-\x1f\x7f]{1,200}$"


class HowToRead(Wanted):
    """How a list is to be read, where it is not to be recognised."""

    number_column: str | None = Field(
        default=None, pattern=_HEADER, description="Header of the number's column"
    )
    name_column: str | None = Field(default=None, pattern=_HEADER)
    sheet: str | None = Field(default=None, pattern=_HEADER, description="Of a spreadsheet; else the first")
    source: str = Field(
        default="",
        pattern=r"^[^\x00-\x1f\x7f]{0,200}$",
        description="Where such lists come from: names the saved mapping",
    )
    consent_basis: str = Field(default="", pattern=r"^[^\x00-\x1f\x7f]{0,200}$", description="Of all rows")
    consent_source: str = Field(default="", pattern=r"^[^\x00-\x1f\x7f]{0,200}$", description="Of all rows")
    consent_date: str = Field(default="", pattern=r"^[^\x00-\x1f\x7f]{0,40}$", description="Of all rows")

    def options(self) -> ImportOptions:
        """As the engine takes it."""
        return ImportOptions(**{name: getattr(self, name) for name in HowToRead.model_fields})


class HowToImport(HowToRead):
    """How a list is to be imported."""

    file: str = Field(default="upload", pattern=r"^[A-Za-z0-9 _.()-]{1,100}$", description="The file's name")
    again: bool = Field(default=False, description="Also if the very same file was imported before")


class HowToPreview(HowToRead):
    """How the beginning of a list is to be shown."""

    rows: Whole = Field(default=10, ge=1, le=100)


class ImportPath(Wanted):
    """One import."""

    id: str = Field(pattern="^[0-9a-f]{12}$")


class WhichImports(Paging):
    """Which imports."""

    campaign: CampaignName | None = None


@imports.post("/campaigns/{campaign}/imports", Right.EDIT_CONTACTS, status=202, takes=_LISTS)
async def start_import(ask: Ask, path: CampaignPath, query: HowToImport, body: Upload) -> Reply[ImportView]:
    """Import a list of contacts: the file is the body.

    Answered when it is done, or soon after its first rows are stored; GET the import to watch it. The same
    file is not imported twice; one whose import was broken off goes on. A file that cannot be read stores
    nothing.
    """
    campaign = (await ask.campaign(path.campaign)).campaign.id
    job = await ask.services.imports.start(
        body.path,
        f"{query.file}{_ending(query.file, body)}",
        campaign,
        query.options(),
        ask.author,
        again=query.again,
    )
    return Reply(body=_view(ask, job), location=f"/imports/{job.id}")


@imports.post("/campaigns/{campaign}/imports/preview", Right.EDIT_CONTACTS, keeps=False, takes=_LISTS)
async def preview_import(ask: Ask, path: CampaignPath, query: HowToPreview, body: Upload) -> PreviewView:
    """What a list's columns mean, and its first rows as they would be stored. Stores nothing."""
    campaign = (await ask.campaign(path.campaign)).campaign
    file = f"list{_ending('', body)}"
    found = await ask.services.imports.preview(body.path, file, campaign, query.options(), query.rows)
    return PreviewView(
        meanings=dict(found.meanings),
        delimiter=found.delimiter,
        sheet=found.sheet,
        rows=[
            RowView(line=row.line, number=ask.shown(row.number), name=row.name, problem=row.problem)
            for row in found.rows
        ],
    )


@imports.get("/imports", Right.SEE_CONTACTS)
async def list_imports(ask: Ask, query: WhichImports) -> Page[ImportView]:
    """The imports, the newest first."""
    place = ask.place(query)
    found = await ask.services.imports.jobs(
        None if query.campaign is None else CampaignId(query.campaign),
        after=None if place is None else ImportId(str(place[0])),
        limit=query.limit + 1,
    )
    return ask.page(query, found, lambda job: _view(ask, job), lambda job: [job.id])


@imports.get("/imports/{id}", Right.SEE_CONTACTS)
async def get_import(ask: Ask, path: ImportPath) -> ImportView:
    """One import, and how far it has come."""
    return _view(ask, await _job(ask, path))


@imports.get("/imports/{id}/rejects", Right.EDIT_CONTACTS, streams=True, sends=CSV)
async def get_rejects(ask: Ask, path: ImportPath) -> web.StreamResponse:
    """The rejected rows as CSV, each with its line and the reason; kept for a week."""
    job = await _job(ask, path)
    file = ask.services.imports.rejects(job.id)
    if file is None:
        raise Problem(NOT_FOUND, f"import {path.id} has no rejected rows any more")
    headers = {
        "Content-Type": f"{CSV}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{job.id}.csv"',
    }
    return web.FileResponse(file, headers=headers)


@imports.post("/imports/{id}/undo", Right.EDIT_CONTACTS)
async def undo_import(ask: Ask, path: ImportPath, body: Because) -> UndoneView:
    """Take back all of an import's contacts.

    Those who were never called are deleted, the others are not called again.
    """
    job = await _job(ask, path)
    who = Authorship(author=body.author.strip(), reason=body.reason.strip(), source="API")
    undone = await ask.services.imports.undo(job.id, who)
    return UndoneView(deleted=undone.deleted, closed=undone.closed)


async def _job(ask: Ask, path: ImportPath) -> ImportJob:
    job = await ask.services.imports.job(ImportId(path.id))
    if job is None:
        raise Problem(NOT_FOUND, f"there is no import {path.id!r}")
    return job


def _ending(name: str, body: Upload) -> str:
    """What is missing at the end of a file's name: by it, readers tell lists from spreadsheets."""
    ending = ".xlsx" if body.content_type == XLSX else ".csv"
    return "" if name.lower().endswith(ending) else ending


def _view(ask: Ask, job: ImportJob) -> ImportView:
    return ImportView(
        id=job.id,
        campaign=job.campaign,
        state=job.state,
        source=job.source,
        file=job.file,
        rows=job.counts.rows,
        stored=job.counts.stored,
        invalid=job.counts.invalid,
        duplicates=job.counts.duplicates,
        known=job.counts.known,
        line=job.line,
        author=job.author,
        started_at=job.started_at,
        updated_at=job.updated_at,
        ended_at=job.ended_at,
        problem=job.problem,
        progress=ask.services.imports.progress(job.id),
        rejects=ask.services.imports.rejects(job.id) is not None,
    )
