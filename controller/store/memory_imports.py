"""Imports as jobs, in memory: the twin of those in SQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from controller.domain.callback import CallbackState
from controller.domain.contact import NewContact
from controller.domain.ids import CampaignId
from controller.domain.imports import (
    ImportCounts,
    ImportId,
    ImportJob,
    ImportState,
    ImportStep,
    SavedMapping,
    Undone,
)
from controller.ports import Authorship, ImportResult
from controller.store.import_rows import (
    calls_under_way,
    gone_on_elsewhere,
    import_entry,
    no_such_import,
    not_running,
    undo_entry,
    undone_already,
)
from controller.store.schema import DONE, IN_FLIGHT

if TYPE_CHECKING:
    from controller.store.memory_records import MemoryRecords, _Entry


class MemoryImports:
    """``Imports`` (controller.ports) in memory."""

    def __init__(self, records: MemoryRecords) -> None:
        self._records = records
        self._jobs: dict[ImportId, ImportJob] = {}
        self._known: dict[ImportId, set[int]] = {}
        self._mappings: dict[str, SavedMapping] = {}

    async def begin(self, job: ImportJob) -> None:
        """Store a new job, or one that goes on: it runs (again)."""
        self._records._answer()
        self._records._known(job.campaign)
        found = self._jobs.get(job.id)
        if found is None:
            self._jobs[job.id], self._known[job.id] = job, set()
            self._records.evidence.append(import_entry(job, "begin", job.started_at))
            return
        if found.state not in (ImportState.RUNNING, ImportState.FAILED):
            raise not_running(found)
        self._jobs[job.id] = replace(found, state=ImportState.RUNNING, ended_at=None, problem="")

    async def job(self, import_id: ImportId) -> ImportJob | None:
        """One job."""
        self._records._answer()
        return self._jobs.get(import_id)

    async def jobs(
        self, campaign: CampaignId | None = None, *, after: ImportId | None = None, limit: int = 100
    ) -> Sequence[ImportJob]:
        """Jobs, the newest first, from the one after ``after``, ``limit`` at most."""
        self._records._answer()
        found = [job for job in self._jobs.values() if campaign in (None, job.campaign)]
        found.sort(key=lambda job: (job.started_at, job.id), reverse=True)
        if after is not None:
            last = self._jobs.get(after)
            found = [job for job in found if last and (job.started_at, job.id) < (last.started_at, last.id)]
        return found[:limit]

    async def same(self, campaign: CampaignId, digest: str, way: str) -> ImportJob | None:
        """The newest job that imports this file in this way and is not undone."""
        return next(
            (
                job
                for job in await self.jobs(campaign, limit=len(self._jobs))
                if (job.digest, job.way) == (digest, way) and job.state is not ImportState.UNDONE
            ),
            None,
        )

    async def store_batch(
        self, import_id: ImportId, contacts: Sequence[NewContact], step: ImportStep, now: datetime
    ) -> ImportResult:
        """Store contacts, and that it is done."""
        self._records._answer()
        job = self._existing(import_id)
        if job.state is not ImportState.RUNNING:
            raise not_running(job)
        if job.line != step.after:
            raise gone_on_elsewhere(job)
        result = await self._records.add_contacts(job.campaign, contacts, import_id)
        known = len(result.known)
        counts = ImportCounts(
            rows=job.counts.rows + result.stored + known + step.invalid + step.duplicates,
            stored=job.counts.stored + result.stored,
            invalid=job.counts.invalid + step.invalid,
            duplicates=job.counts.duplicates + step.duplicates,
            known=job.counts.known + known,
        )
        self._jobs[import_id] = replace(job, counts=counts, line=step.line, updated_at=now)
        self._known[import_id].update(result.known)
        return result

    async def known_lines(self, import_id: ImportId) -> Collection[int]:
        """Lines that were not stored because the campaign had a number of theirs; while it is not done."""
        self._records._answer()
        return frozenset(self._known.get(import_id, ()))

    async def finish(
        self, import_id: ImportId, state: ImportState, now: datetime, problem: str = ""
    ) -> ImportJob:
        """The job is done, or has failed; returns it as it is now."""
        self._records._answer()
        job = self._existing(import_id)
        if job.state is not ImportState.RUNNING:
            raise not_running(job)
        self._jobs[import_id] = replace(job, state=state, ended_at=now, problem=problem)
        if state is ImportState.DONE:
            self._known[import_id].clear()
        self._records.evidence.append(import_entry(job, state.value, now))
        return self._jobs[import_id]

    async def undo(self, import_id: ImportId, who: Authorship, now: datetime) -> Undone:
        """Take back all of an import's contacts."""
        self._records._answer()
        job = self._existing(import_id)
        if job.state is ImportState.UNDONE:
            raise undone_already(job)
        theirs = [entry for entry in self._records._contacts.values() if entry.import_id == import_id]
        busy = sum(entry.status == IN_FLIGHT for entry in theirs)
        if busy:
            raise calls_under_way(job, busy)
        work = self._records.work
        told_of = {call.contact.id for call in self._records._calls.values()}
        told_of |= {callback.contact for callback in work._callbacks.values()}
        told_of |= {skip.contact for skip in work._skips.values()}
        deleted = closed = 0
        for entry in theirs:
            if entry.contact.id not in told_of:
                self._delete(entry)
                deleted += 1
                continue
            if (promise := work._open(entry.contact.id)) is not None:
                work._end(promise, CallbackState.CANCELLED, now)
            if entry.status != DONE:
                entry.status = DONE
                entry.contact = replace(entry.contact, due_at=None)
                self._records._file(entry)
                closed += 1
        what = f"undone by {who.author}: {who.reason}"
        self._jobs[import_id] = replace(job, state=ImportState.UNDONE, ended_at=now, problem=what)
        self._known[import_id].clear()
        done = Undone(deleted=deleted, closed=closed)
        self._records.evidence.append(undo_entry(job, done, who, now))
        return done

    async def mapping(self, source: str) -> SavedMapping | None:
        """What the columns of a source mean; None if nothing is saved."""
        self._records._answer()
        return self._mappings.get(source)

    async def mappings(self) -> Sequence[SavedMapping]:
        """All that are saved, by source."""
        self._records._answer()
        return [self._mappings[source] for source in sorted(self._mappings)]

    async def save_mapping(self, mapping: SavedMapping) -> None:
        """Save what the columns of a source mean, in the place of what was saved."""
        self._records._answer()
        self._mappings[mapping.source] = mapping

    async def remove_mapping(self, source: str) -> bool:
        """Forget it; whether there was one."""
        self._records._answer()
        return self._mappings.pop(source, None) is not None

    def _existing(self, import_id: ImportId) -> ImportJob:
        if import_id not in self._jobs:
            raise no_such_import(import_id)
        return self._jobs[import_id]

    def _delete(self, entry: _Entry) -> None:
        contact, of = entry.contact, self._records._campaigns[entry.contact.campaign]
        del self._records._contacts[contact.id]
        for number in [number for number, key in of.by_number.items() if key == contact.id]:
            del of.by_number[number]
        of.fresh.pop(contact.id, None)
        of.waiting.discard(contact.id)
