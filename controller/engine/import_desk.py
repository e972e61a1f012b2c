"""Imports that are asked for while the controller runs: a few at a time, each in a task of its own.

An import that is cut off by the controller's end is not lost: uploaded again, it goes on where it stopped.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import structlog

from controller.domain.campaign import Campaign
from controller.domain.contact import NewContact
from controller.domain.ids import CampaignId
from controller.domain.imports import ImportId, ImportJob, Undone
from controller.engine.contact_terms import Term
from controller.engine.import_preview import preview
from controller.engine.import_reader import ListOptions, Row
from controller.engine.importing import ImportProgress, import_contacts, meanings
from controller.errors import BadInput, ControllerError, ProtocolError, Refused
from controller.ports import Authorship, Clock
from controller.ports.feed import EventFeed
from controller.ports.import_desk import ImportOptions, ListPreview, PreviewRow
from controller.ports.imports import ImportRecords

log = structlog.get_logger(__name__)

AT_ONCE: Final = 2
"""Imports under way: each reads, checks and stores as fast as it can, beside the dialing."""
REJECTS_KEPT: Final = 7 * 86_400.0
"""Seconds for which rejected rows, which are personal data, can be fetched."""
_PATIENCE: Final = 2.0
_PREVIEW_TIMEOUT: Final = 60.0


@dataclass(slots=True, eq=False)
class _Running:
    """An import under way.

    Attributes:
        told: it has an id, or has failed.
    """

    folder: Path
    told: asyncio.Event = field(default_factory=asyncio.Event)
    import_id: str = ""
    done: float = 0.0
    error: ControllerError | None = None

    def tell(self, progress: ImportProgress) -> None:
        """Take note of how far it has come."""
        self.import_id = progress.import_id
        self.done = min(1.0, progress.position / progress.size) if progress.size else 0.0
        self.told.set()


class ImportDesk:
    """Implements ports.import_desk.ImportDesk. Takes imports while entered."""

    def __init__(
        self,
        records: ImportRecords,
        directory: Path,
        clock: Clock,
        *,
        region: str = "IT",
        feed: EventFeed | None = None,
    ) -> None:
        """Nothing is opened yet.

        Args:
            records: where contacts are stored.
            directory: of its own, for files while they are imported, and for rejected rows.
            clock: for the record.
            region: country of the numbers without a country code.
            feed: told of imports that are done.
        """
        self._records = records
        self._directory = directory
        self._clock = clock
        self._region = region
        self._feed = feed
        self._group: asyncio.TaskGroup | None = None
        self._running: dict[_Running, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._tidy)
        self._group = await asyncio.TaskGroup().__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        group, self._group = self._group, None
        for task in self._running.values():
            task.cancel()
        if group is not None:
            await group.__aexit__(None, None, None)

    # --- what is asked --------------------------------------------------------------------------------

    async def start(
        self,
        path: Path,
        name: str,
        campaign: CampaignId,
        options: ImportOptions,
        author: str,
        *,
        again: bool = False,
    ) -> ImportJob:
        """Begin to import a file; returns when it is done, or soon after its first rows are stored."""
        if self._group is None:
            raise _stopping()
        if len(self._running) >= AT_ONCE:
            raise Refused(f"{AT_ONCE} imports are under way already; wait for one of them to end")
        running = _Running(self._directory / secrets.token_hex(6))
        work = self._import(running, path, name, campaign, options, author, again=again)
        task = self._group.create_task(work, name=f"import {name}")
        self._running[running] = task
        await running.told.wait()
        # A short list is worth waiting for: its reader need not ask again how it ended.
        await asyncio.wait({task}, timeout=_PATIENCE)
        if not running.import_id:
            raise running.error or _stopping()
        job = await self._records.imports.job(ImportId(running.import_id))
        if job is None:
            raise ProtocolError(f"the import {running.import_id} is not on record")
        return job

    async def preview(
        self, path: Path, name: str, campaign: Campaign, options: ImportOptions, rows: int
    ) -> ListPreview:
        """What a list's columns mean, and its first rows as they would be stored."""
        saved = await self._records.imports.mapping(options.source) if options.source else None
        consent = {
            Term.BASIS: options.consent_basis,
            Term.SOURCE: options.consent_source,
            Term.DATE: options.consent_date,
        }
        wanted = ListOptions(
            region=self._region,
            number_column=options.number_column,
            name_column=options.name_column,
            sheet=options.sheet,
            consent=consent,
            mapping=None if saved is None else meanings(saved),
        )
        terms = wanted.terms(campaign.zone, list(campaign.segment_hours), self._clock.now())
        try:
            async with asyncio.timeout(_PREVIEW_TIMEOUT):
                found = await asyncio.to_thread(preview, path, wanted, terms, rows)
        except TimeoutError:
            raise BadInput(name, f"could not be read within {_PREVIEW_TIMEOUT:.0f} s") from None
        except BadInput as error:
            raise _named(error, path, name) from None
        return ListPreview(
            meanings=found.meanings,
            delimiter=found.delimiter,
            sheet=found.sheet,
            rows=[_shown(row) for row in found.rows],
        )

    async def job(self, import_id: ImportId) -> ImportJob | None:
        """One import."""
        return await self._records.imports.job(import_id)

    async def jobs(
        self, campaign: CampaignId | None = None, *, after: ImportId | None = None, limit: int = 100
    ) -> Sequence[ImportJob]:
        """Imports, the newest first, from the one after ``after``."""
        return await self._records.imports.jobs(campaign, after=after, limit=limit)

    async def undo(self, import_id: ImportId, who: Authorship) -> Undone:
        """Take back all of an import's contacts."""
        if self.progress(import_id) is not None:
            raise Refused(f"the import {import_id} is under way; wait for its end")
        return await self._records.imports.undo(import_id, who, self._clock.now())

    def progress(self, import_id: ImportId) -> float | None:
        """How far an import has come, from 0 to 1; None if it does not run here."""
        return next((each.done for each in self._running if each.import_id == import_id), None)

    def rejects(self, import_id: ImportId) -> Path | None:
        """The file of its rejected rows, as long as it is kept."""
        path = self._rejects(import_id)
        return path if path.is_file() else None

    # --- inside ---------------------------------------------------------------------------------------

    async def _import(
        self,
        running: _Running,
        path: Path,
        name: str,
        campaign: CampaignId,
        options: ImportOptions,
        author: str,
        *,
        again: bool,
    ) -> None:
        file, rejects = running.folder / name, running.folder / "rejects"
        try:
            await asyncio.to_thread(_take, path, file)
            report = await import_contacts(
                file, campaign, self._records, self._region,
                number_column=options.number_column, name_column=options.name_column, sheet=options.sheet,
                source=options.source, consent_basis=options.consent_basis,
                consent_source=options.consent_source, consent_date=options.consent_date,
                rejects_path=rejects, author=author, again=again, on_progress=running.tell,
            )  # fmt: skip
            running.import_id = report.import_id
            if report.rejects_path is not None:
                await asyncio.to_thread(rejects.replace, self._rejects(report.import_id))
            if self._feed is not None and not report.already:
                told = {"campaign": campaign, "contacts": report.stored, "import": report.import_id}
                self._feed.publish("contact.imported", told)
        except ControllerError as error:
            running.error = _named(error, file, name) if isinstance(error, BadInput) else error
            log.warning("an import failed", campaign=campaign, why=str(running.error))
        except OSError as error:
            running.error = Refused(f"the file cannot be kept while it is imported: {error.strerror}")
        finally:
            del self._running[running]
            running.told.set()
            await asyncio.to_thread(self._tidy, running.folder)

    def _rejects(self, import_id: str) -> Path:
        return self._directory / f"{import_id}.rejects.csv"

    def _tidy(self, folder: Path | None = None) -> None:
        """Take away rejects whose time is over, and a folder; None: all that a killed controller left."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        until = self._clock.now().timestamp() - REJECTS_KEPT
        for path in self._directory.iterdir():
            with suppress(FileNotFoundError):
                if path.is_dir():
                    if folder in (None, path):
                        shutil.rmtree(path, ignore_errors=True)
                elif path.stat().st_mtime < until:
                    path.unlink()


def _stopping() -> Refused:
    return Refused("the controller is stopping; import the list again when it is back, and it goes on")


def _take(path: Path, target: Path) -> None:
    """Have the file under another name; on the same file system this costs nothing."""
    target.parent.mkdir(mode=0o700)
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)


def _named(error: BadInput, path: Path, name: str) -> BadInput:
    """The error under the name that its reader knows."""
    return BadInput(error.place.replace(str(path), name), error.problem, error.allowed)


def _shown(row: Row) -> PreviewRow:
    record, found = row
    if isinstance(found, NewContact):
        return PreviewRow(line=record.line, number=found.number, name=found.name)
    return PreviewRow(line=record.line, problem=found.reason)
