"""Importing contacts from a CSV file or a spreadsheet, as a job (docs/contacts.md).

No row is ever lost: each is stored, or written into the rejects file with its line and a reason. Contacts and
how far their import has come are one transaction, so an import that was killed goes on where it stopped, and
one that is done is not done twice. Memory is bounded by the batch, but for some 30 bytes per number, kept to
tell which line another is a duplicate of.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from controller.domain.campaign import Campaign
from controller.domain.contact import NewContact
from controller.domain.ids import CampaignId
from controller.domain.imports import ImportId, ImportJob, ImportState, ImportStep, SavedMapping
from controller.engine.contact_terms import Term
from controller.engine.import_fields import Meaning, meaning_of
from controller.engine.import_reader import ListOptions, ListReader, Row
from controller.engine.import_rejects import Judged, Rejects, beside, judged
from controller.engine.import_source import digest_of
from controller.engine.number_cells import checked_country
from controller.errors import BadInput, ControllerError, RecordsUnreachable, Refused, Unreachable
from controller.ports.imports import ImportRecords, Imports

T = TypeVar("T")

_READ_TIMEOUT = 60.0
_OPEN_TIMEOUT = 600.0
"""Seconds until a file must be open: a large spreadsheet is unpacked first, to see that it is whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of a file.

    Attributes:
        rows: rows with anything in them, the headers not counted; always ``stored + rejected``.
        stored: new contacts.
        rejected: rows written into the rejects file: ``invalid + duplicates + known``.
        invalid: of these, rows from which no contact can be made.
        duplicates: of these, rows that have a number of an earlier row of the file.
        known: of these, rows that have a number which the campaign had before.
        rejects_path: the rejects file; None if nothing was rejected.
        number_column: header of the column that the numbers called first were taken from.
        import_id: of the job; by it the import is undone.
        already: the job had been done before; now nothing was stored, and no rejects were written.
        resumed_after: the line after which it went on; 0 if it began at the start.
    """

    rows: int = 0
    stored: int = 0
    rejected: int = 0
    invalid: int = 0
    duplicates: int = 0
    known: int = 0
    rejects_path: Path | None = None
    number_column: str = ""
    import_id: str = ""
    already: bool = False
    resumed_after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProgress:
    """How far an import has come.

    Attributes:
        rows: dealt with so far.
        position, size: of the file, or of the unpacked sheet, in bytes.
    """

    import_id: str
    rows: int
    position: int
    size: int


OnProgress = Callable[[ImportProgress], None]


async def import_contacts(
    path: Path | str,
    campaign: CampaignId,
    records: ImportRecords,
    region: str = "IT",
    *,
    number_column: str | None = None,
    name_column: str | None = None,
    rejects_path: Path | str | None = None,
    consent_basis: str = "",
    consent_source: str = "",
    consent_date: str = "",
    sheet: str | None = None,
    source: str = "",
    file_name: str = "",
    author: str = "unnamed",
    again: bool = False,
    on_progress: OnProgress | None = None,
    now: datetime | None = None,
    batch: int = 2000,
) -> ImportReport:
    """Store the contacts of a CSV file or spreadsheet.

    The same file, read in the same way, is not imported twice into a campaign; if its import was broken off,
    it goes on.

    Args:
        path: the file.
        campaign: whose contacts they become.
        records: where they are stored.
        region: country of the numbers without a country code, as two letters.
        number_column: header of the column whose number is called first; recognised if not given.
        name_column: header of the name's column, likewise.
        rejects_path: where the rejected rows go; ``<name>.rejects.csv`` beside the file if not given. What
            was there is overwritten, and removed if nothing is rejected.
        consent_basis: why all of these people may be called; empty: the file says it, or nobody does.
        consent_source: where all of them said so, likewise.
        consent_date: when, as a date or a date with its time, by the campaign's clock, likewise.
        sheet: name of a spreadsheet's sheet; the first if not given.
        source: where such lists come from; what their columns mean is saved under this name at the first
            import, and holds from then on.
        file_name: the file's name, where ``path`` is a copy with another one; recorded.
        author: who imports; recorded.
        again: import a file that was imported before.
        on_progress: told after each batch.
        now: no consent is younger (aware); None: the time it is.
        batch: contacts per transaction.

    Raises:
        BadInput: the file cannot be read, it is not clear which columns have the numbers, or the consent
            given for all rows cannot be used; nothing is stored. Or the file is damaged in the middle.
        Refused: another program goes on with this import, or it was undone meanwhile.
        RecordsUnreachable: the store failed. What was stored before stays; importing again goes on with it.
    """
    file, target = Path(path), Path(rejects_path) if rejects_path else beside(Path(path))
    checked_country(region)
    row = await records.campaign(campaign)
    if row is None:
        raise BadInput("campaign", f"there is no campaign {campaign!r}")
    saved = await records.imports.mapping(source) if source else None
    options = ListOptions(
        region=region,
        number_column=number_column,
        name_column=name_column,
        sheet=sheet,
        consent={Term.BASIS: consent_basis, Term.SOURCE: consent_source, Term.DATE: consent_date},
        mapping=None if saved is None else meanings(saved),
    )
    begun = now or datetime.now(UTC)
    state = await _in_thread(file, lambda: _stamp(file))
    digest = await _in_thread(file, lambda: digest_of(file), _OPEN_TIMEOUT)
    reader = await _open(file, options, row.campaign, begun)
    try:
        job = None if again else await records.imports.same(campaign, digest, reader.way)
        if job is not None and job.state is ImportState.DONE:
            return _report(job, reader, already=True)
        if job is None:
            job = ImportJob(
                id=ImportId(secrets.token_hex(6)), campaign=campaign, source=source,
                file=file_name or file.name, digest=digest, way=reader.way, author=author,
                started_at=begun, updated_at=begun,
            )  # fmt: skip
        reader.as_of(job.started_at)
        rejects = await _in_thread(target, lambda: Rejects(target, reader))
        try:
            running = _Running(records.imports, reader, rejects, job, state, on_progress)
            if source and saved is None:
                await _save_mapping(records.imports, reader, source, author, begun)
            ended = await running.run(batch)
        finally:
            rejects.close()
    finally:
        reader.close()
    report = _report(ended, reader, resumed_after=job.line)
    return replace(report, rejects_path=target if report.rejected else None)


async def _open(file: Path, options: ListOptions, campaign: Campaign, now: datetime) -> ListReader:
    terms = options.terms(campaign.zone, list(campaign.segment_hours), now)
    return await _in_thread(file, lambda: ListReader(file, options, terms), _OPEN_TIMEOUT)


def meanings(saved: SavedMapping) -> dict[str, Meaning]:
    """What is saved of a source's columns, read."""
    return {
        header: meaning_of(text, f"the mapping of {saved.source!r}, {header!r}")
        for header, text in saved.columns.items()
    }


async def _save_mapping(
    imports: Imports, reader: ListReader, source: str, author: str, now: datetime
) -> None:
    columns = reader.columns.meanings
    await imports.save_mapping(SavedMapping(source=source, columns=columns, author=author, saved_at=now))


def _report(
    job: ImportJob, reader: ListReader, *, already: bool = False, resumed_after: int = 0
) -> ImportReport:
    counts = job.counts
    return ImportReport(
        rows=counts.rows,
        stored=counts.stored,
        rejected=counts.rejected,
        invalid=counts.invalid,
        duplicates=counts.duplicates,
        known=counts.known,
        number_column=reader.columns.headers[reader.columns.number],
        import_id=job.id,
        already=already,
        resumed_after=resumed_after,
    )


def _stamp(path: Path) -> tuple[int, int]:
    """What changes when a file is written to."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


async def _in_thread(place: Path, work: Callable[[], T], timeout: float = _READ_TIMEOUT) -> T:
    # Files and the checking of numbers would hold up a controller that imports while it dials.
    try:
        async with asyncio.timeout(timeout):
            return await asyncio.to_thread(work)
    except TimeoutError:
        raise BadInput(str(place), f"could not be read or written within {timeout:.0f} s") from None
    except OSError as error:
        raise BadInput(str(place), f"cannot be used: {error.strerror or error}") from error


class _Running:
    """A job under way."""

    def __init__(
        self,
        imports: Imports,
        reader: ListReader,
        rejects: Rejects,
        job: ImportJob,
        stamp: tuple[int, int],
        on_progress: OnProgress | None,
    ) -> None:
        self._imports = imports
        self._reader = reader
        self._rejects = rejects
        self._job = job
        self._stamp = stamp
        self._on_progress = on_progress
        self._line = 0
        self._rows = self._stored = 0

    async def run(self, batch: int) -> ImportJob:
        """Do what is left to do of it; returns the job, done."""
        await self._imports.begin(self._job)
        try:
            if self._job.line:
                await self._catch_up(batch)
            while rows := await self._take(batch):
                await self._deal_with(rows)
            await self._insist_on_same_file()
        except (Refused, Unreachable):
            raise  # the job is another's, or cannot be told
        except ControllerError as error:
            with suppress(ControllerError):
                await self._imports.finish(self._job.id, ImportState.FAILED, datetime.now(UTC), str(error))
            raise
        await _in_thread(self._rejects.path, self._rejects.close)
        return await self._imports.finish(self._job.id, ImportState.DONE, datetime.now(UTC))

    async def _catch_up(self, batch: int) -> None:
        """Read again what is dealt with: for the rejects, and to know later rows for duplicates of it."""
        known = await self._imports.known_lines(self._job.id)
        found = Judged()
        while rows := await self._take(batch, self._job.line):
            found += await self._reject(rows, known)
            self._tell(len(rows))
        counts = self._job.counts
        if (self._rows, found) != (counts.rows, Judged(counts.invalid, counts.duplicates, counts.known)):
            raise BadInput(
                str(self._reader.path),
                "is read otherwise than when its import began, perhaps by another version of the program",
                f"`contacts undo {self._job.id}`, then import it again",
            )
        self._line, self._stored = self._job.line, counts.stored

    async def _deal_with(self, rows: list[Row]) -> None:
        """Store the contacts among the rows, write down the others."""
        contacts = [found for _, found in rows if isinstance(found, NewContact)]
        wrong = judged(rows)
        step = ImportStep(
            after=self._line, line=rows[-1][0].last_line, invalid=wrong.invalid, duplicates=wrong.duplicates
        )
        try:
            result = await self._imports.store_batch(self._job.id, contacts, step, datetime.now(UTC))
        except RecordsUnreachable as error:
            raise RecordsUnreachable(
                f"{error} The import of {self._reader.path} stopped after line {self._line}; {self._stored} "
                "are stored. Import the file again later: it then goes on from there."
            ) from error
        self._line, self._stored = step.line, self._stored + result.stored
        await self._reject(rows, frozenset(result.known))
        self._tell(len(rows))

    async def _take(self, count: int, up_to: int | None = None) -> list[Row]:
        return await _in_thread(self._reader.path, lambda: self._reader.take(count, up_to))

    async def _reject(self, rows: list[Row], known: Collection[int]) -> Judged:
        return await _in_thread(self._rejects.path, lambda: self._rejects.add(rows, known))

    def _tell(self, rows: int) -> None:
        self._rows += rows
        if self._on_progress is not None:
            position, size = self._reader.position, self._reader.size
            self._on_progress(
                ImportProgress(import_id=self._job.id, rows=self._rows, position=position, size=size)
            )

    async def _insist_on_same_file(self) -> None:
        if await _in_thread(self._reader.path, lambda: _stamp(self._reader.path)) != self._stamp:
            raise BadInput(
                str(self._reader.path),
                "was written to while it was imported; nobody knows which of its rows are stored",
                f"`contacts undo {self._job.id}`, then import it again",
            )
