"""Between imports and their rows, and the evidence of them. No I/O."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from controller.domain.evidence import Entry, Kind
from controller.domain.imports import ImportCounts, ImportId, ImportJob, ImportState, SavedMapping, Undone
from controller.errors import BadInput, Refused
from controller.ports import Authorship

COUNTS = ("rows", "stored", "invalid", "duplicates", "known")


def job_values(job: ImportJob) -> dict[str, Any]:
    """A row for a job."""
    counts = {name: getattr(job.counts, name) for name in COUNTS}
    names = ("id", "campaign", "source", "file", "digest", "way", "line", "author", "started_at")
    more = ("updated_at", "ended_at", "problem")
    return {name: getattr(job, name) for name in names + more} | counts | {"state": job.state.value}


def job_of(row: Any) -> ImportJob:
    """A job from its row."""
    return ImportJob(
        id=ImportId(row.id),
        campaign=row.campaign,
        source=row.source,
        file=row.file,
        digest=row.digest,
        way=row.way,
        state=ImportState(row.state),
        counts=ImportCounts(**{name: getattr(row, name) for name in COUNTS}),
        line=row.line,
        author=row.author,
        started_at=row.started_at,
        updated_at=row.updated_at,
        ended_at=row.ended_at,
        problem=row.problem,
    )


def mapping_of(row: Any) -> SavedMapping:
    """What the columns of a source mean, from its row."""
    return SavedMapping(
        source=row.source, columns=dict(row.columns), author=row.author, saved_at=row.saved_at
    )


def import_entry(job: ImportJob, action: str, now: datetime, **more: Any) -> Entry:
    """The evidence of an import: begun, done, failed. No file name: who knows what people write there."""
    counts = {"rows": job.counts.rows, "stored": job.counts.stored, "rejected": job.counts.rejected}
    body = {"import": job.id, "action": action, "digest": job.digest, "author": job.author, "line": job.line}
    return Entry(kind=Kind.IMPORT, at=now, campaign=job.campaign, body=body | counts | more)


def undo_entry(job: ImportJob, done: Undone, who: Authorship, now: datetime) -> Entry:
    """The evidence that an import was undone."""
    body = {
        "import": job.id,
        "action": "undo",
        "digest": job.digest,
        "author": who.author,
        "reason": who.reason,
        "deleted": done.deleted,
        "closed": done.closed,
    }
    return Entry(kind=Kind.IMPORT, at=now, campaign=job.campaign, body=body)


def no_such_import(import_id: str) -> BadInput:
    """The error for an id that no import has."""
    return BadInput(
        "import", f"there is no import {import_id!r}", "one of those that `contacts imports` lists"
    )


def not_running(job: ImportJob) -> Refused:
    """The error for a job that somebody else ended."""
    return Refused(f"the import {job.id} is {job.state.value}; nothing more is stored of it")


def gone_on_elsewhere(job: ImportJob) -> Refused:
    """The error for a job that two programs go on with."""
    return Refused(
        f"another program goes on with the import {job.id} and has reached line {job.line}; it is left to it"
    )


def undone_already(job: ImportJob) -> Refused:
    """The error for undoing twice."""
    return Refused(f"the import {job.id} is undone already")


def calls_under_way(job: ImportJob, count: int) -> Refused:
    """The error for undoing what is being called."""
    calls = "a call" if count == 1 else f"{count} calls"
    return Refused(
        f"{calls} to contacts of the import {job.id} under way: nothing was undone; "
        "pause the campaign and try again when they are over"
    )
