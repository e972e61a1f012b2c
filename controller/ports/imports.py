"""Imports of contacts, and what the columns of each source mean. In the record store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from controller.domain.contact import NewContact
from controller.domain.ids import CampaignId
from controller.domain.imports import ImportId, ImportJob, ImportState, ImportStep, SavedMapping, Undone
from controller.ports.compliance import Authorship
from controller.ports.records import CampaignRow, ImportResult


class Imports(Protocol):
    """The jobs. Begin, end and undoing of each are evidence, too: counts and digests, nobody's data."""

    async def begin(self, job: ImportJob) -> None:
        """Store a new job, or one that goes on: it runs (again).

        Raises:
            BadInput: there is no such campaign.
            Refused: it is done or undone.
        """
        ...

    async def job(self, import_id: ImportId) -> ImportJob | None:
        """One job."""
        ...

    async def jobs(
        self, campaign: CampaignId | None = None, *, after: ImportId | None = None, limit: int = 100
    ) -> Sequence[ImportJob]:
        """Jobs, the newest first, from the one after ``after``, ``limit`` at most."""
        ...

    async def same(self, campaign: CampaignId, digest: str, way: str) -> ImportJob | None:
        """The newest job that imports this file in this way and is not undone."""
        ...

    async def store_batch(
        self, import_id: ImportId, contacts: Sequence[NewContact], step: ImportStep, now: datetime
    ) -> ImportResult:
        """Store contacts as ``Records.add_contacts`` does, and that it is done, in one transaction.

        Raises:
            Refused: the job does not run, or not from ``step.after``: another program goes on with it.
        """
        ...

    async def known_lines(self, import_id: ImportId) -> Collection[int]:
        """Lines that were not stored because the campaign had a number of theirs; while it is not done."""
        ...

    async def finish(
        self, import_id: ImportId, state: ImportState, now: datetime, problem: str = ""
    ) -> ImportJob:
        """The job is done, or has failed; returns it as it is now.

        Raises:
            Refused: it does not run.
        """
        ...

    async def undo(self, import_id: ImportId, who: Authorship, now: datetime) -> Undone:
        """Take back all of an import's contacts, in one transaction.

        Those never called, and of whom nothing else is recorded, are deleted; the others are not called
        again, and what was promised them is cancelled. A consent that the import renewed stays as it is.

        Raises:
            BadInput: there is no such import.
            Refused: a call to one of them is under way, or it is undone already.
        """
        ...

    async def mapping(self, source: str) -> SavedMapping | None:
        """What the columns of a source mean; None if nothing is saved."""
        ...

    async def mappings(self) -> Sequence[SavedMapping]:
        """All that are saved, by source."""
        ...

    async def save_mapping(self, mapping: SavedMapping) -> None:
        """Save what the columns of a source mean, in the place of what was saved."""
        ...

    async def remove_mapping(self, source: str) -> bool:
        """Forget it; whether there was one."""
        ...


class ImportRecords(Protocol):
    """What an import needs of the record store."""

    @property
    def imports(self) -> Imports:
        """The jobs."""
        ...

    async def campaign(self, campaign: CampaignId) -> CampaignRow | None:
        """One campaign."""
        ...
