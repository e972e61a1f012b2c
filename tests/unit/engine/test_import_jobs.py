"""Imports as jobs: done once, gone on with after a kill, taken back."""
# ruff: noqa: ASYNC240 - the files are small

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.campaign import CampaignState
from controller.domain.contact import NewContact
from controller.domain.ids import E164
from controller.domain.imports import ImportId, ImportState, ImportStep, SavedMapping
from controller.engine.import_preview import preview
from controller.engine.import_reader import ListOptions, ListReader
from controller.engine.import_rejects import Rejects
from controller.engine.import_seen import SeenNumbers
from controller.engine.importing import ImportProgress, import_contacts
from controller.errors import BadInput, RecordsUnreachable, Refused
from controller.ports import Authorship, ImportResult
from controller.store.memory_imports import MemoryImports
from controller.store.memory_records import MemoryRecords

from .lists import SPRING, bring_in, read_rejects, spring

ANNA = Authorship(author="anna", reason="the wrong list")
LIST = (
    "tel;nome\n3471234500;A\n34;B\n3471234501;C\n3471234500;D\n3471234502;E\n3471234503;F\n;G\n"
    "3471234504;H\n3471234502;I\n3471234505;J\n"
)
"""Ten rows: five are stored if the campaign has the number of F, two of the others are duplicates."""
KNOWN = E164("+393471234503")


class Killed(BaseException):
    """What a kill is to a test: nothing of the import's runs any more."""


class Fragile(MemoryImports):
    """Dies at the n-th batch: before it is stored, or after it is, with the confirmation lost."""

    def __init__(self, records: MemoryRecords, at: int, error: BaseException, *, stored: bool) -> None:
        super().__init__(records)
        self._left, self._error, self._stored = at, error, stored

    async def store_batch(
        self, import_id: ImportId, contacts: Sequence[NewContact], step: ImportStep, now: datetime
    ) -> ImportResult:
        self._left -= 1
        if self._left != 0:
            return await super().store_batch(import_id, contacts, step, now)
        if self._stored:
            await super().store_batch(import_id, contacts, step, now)
        raise self._error


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "contacts.csv"
    path.write_text(LIST)
    return path


async def store() -> MemoryRecords:
    records = MemoryRecords()
    await records.save_campaign(spring())
    await records.add_contacts(SPRING, [NewContact(number=KNOWN)])
    return records


async def job_of(records: MemoryRecords) -> Any:
    (job,) = await records.imports.jobs()
    return job


# --- once


async def test_the_same_file_is_not_imported_twice(file: Path) -> None:
    records = await store()
    first, _, rejects = await bring_in(file, records=records)
    assert (first.rows, first.stored, first.invalid, first.duplicates, first.known) == (10, 5, 2, 2, 1)
    assert first.rejects_path is not None
    first.rejects_path.unlink()
    copy = file.with_name("copy.csv")
    copy.write_bytes(file.read_bytes())
    again, contacts, _ = await bring_in(copy, records=records)
    assert (again.already, again.import_id, again.rows, again.stored) == (True, first.import_id, 10, 5)
    assert len(contacts) == 6
    assert sorted(file.parent.iterdir()) == [file, copy]
    forced, _, _ = await bring_in(copy, records=records, again=True)
    assert (forced.already, forced.stored, forced.known) == (False, 0, 6)
    assert forced.import_id != first.import_id
    assert len(rejects) == 6


async def test_the_same_file_read_otherwise_is_another_import(file: Path) -> None:
    file.write_text("tel;ufficio\n3471234567;\n")
    records = MemoryRecords()
    await records.save_campaign(spring())
    await bring_in(file, records=records)
    said = {"consent_basis": "contract", "consent_source": "CRM", "consent_date": "2026-01-01"}
    for options in (said, {"number_column": "ufficio"}):
        report, _, _ = await bring_in(file, records=records, **options)
        assert not report.already
    (contact,) = await records.due_contacts(SPRING, datetime.now(UTC), 9)
    assert contact.consent is not None
    report, _, _ = await bring_in(file, records=records)
    assert report.already


async def test_a_job_tells_what_became_of_it(file: Path) -> None:
    records = await store()
    seen: list[ImportProgress] = []
    began = datetime.now(UTC)
    report, _, _ = await bring_in(
        file, records=records, source="", author="bea", batch=4, on_progress=seen.append
    )
    job = await job_of(records)
    assert (job.id, job.campaign, job.file, job.author) == (report.import_id, SPRING, "contacts.csv", "bea")
    assert (job.state, job.counts.rows, job.line, job.problem) == (ImportState.DONE, 10, 11, "")
    assert timedelta(0) <= job.started_at - began < timedelta(minutes=1)
    assert job.started_at <= job.updated_at <= job.ended_at
    assert [progress.rows for progress in seen] == [4, 8, 10]
    assert all(0 < progress.position <= progress.size == file.stat().st_size for progress in seen)
    assert {progress.import_id for progress in seen} == {report.import_id}


# --- after a kill


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("at", range(1, 6))
async def test_a_killed_import_goes_on_and_its_rejects_are_whole(
    file: Path, at: int, *, stored: bool
) -> None:
    whole_records = await store()
    whole, _, whole_rejects = await bring_in(file, records=whole_records, batch=2)

    records = await store()
    healthy = records.imports
    fragile = Fragile(records, at, Killed(), stored=stored)
    fragile.__dict__ |= {name: healthy.__dict__[name] for name in ("_jobs", "_known", "_mappings")}
    records.imports = fragile
    with pytest.raises(Killed):
        await bring_in(file, records=records, batch=2)
    killed = await job_of(records)
    assert killed.state is ImportState.RUNNING
    assert killed.line == (2 * (at - 1 + stored) + 1 if at > 1 or stored else 0)
    assert killed.counts.rows == killed.counts.stored + killed.counts.rejected
    assert killed.counts.stored == (await records.figures(SPRING)).contacts - 1

    file.with_name("contacts.rejects.csv").unlink(missing_ok=True)  # even if it is lost
    records.imports = healthy
    report, contacts, rejects = await bring_in(file, records=records, batch=3)
    assert (report.import_id, report.resumed_after) == (killed.id, killed.line)
    assert rejects == whole_rejects
    counts = [(each.rows, each.stored, each.invalid, each.duplicates, each.known) for each in (report, whole)]
    assert counts[0] == counts[1]
    assert len(contacts) == 6
    assert (await job_of(records)).state is ImportState.DONE


async def test_a_store_that_fails_says_where(file: Path) -> None:
    records = await store()
    records.imports = Fragile(records, 2, RecordsUnreachable("The disk is full."), stored=False)
    with pytest.raises(RecordsUnreachable, match=r"disk is full\. .* stopped after line 4; 2 are stored"):
        await bring_in(file, records=records, batch=3)
    assert len(read_rejects(file.with_name("contacts.rejects.csv"))) == 2
    report, _, _ = await bring_in(file, records=records, batch=3)
    assert (report.rows, report.stored, report.resumed_after) == (10, 5, 4)


async def test_two_programs_do_not_share_an_import(file: Path) -> None:
    records = await store()

    def another(now: ImportProgress) -> None:
        job = records.imports._jobs[ImportId(now.import_id)]
        records.imports._jobs[job.id] = type(job)(
            **{name: getattr(job, name) for name in job.__slots__} | {"line": job.line + 1}
        )

    with pytest.raises(Refused, match="another program goes on"):
        await bring_in(file, records=records, batch=4, on_progress=another)
    assert (await job_of(records)).state is ImportState.RUNNING


async def test_two_programs_do_not_share_a_rejects_file(file: Path) -> None:
    records = await store()
    refused: list[BadInput] = []
    reader = ListReader(file, ListOptions(), ListOptions().terms("Europe/Rome", (), datetime.now(UTC)))

    def another(_: ImportProgress) -> None:
        try:
            Rejects(file.with_name("contacts.rejects.csv"), reader)
        except BadInput as error:
            refused.append(error)

    _, _, rejects = await bring_in(file, records=records, batch=4, on_progress=another)
    reader.close()
    assert len(refused) == 3
    assert "another import" in str(refused[0])
    assert len(rejects) == 6


async def test_a_file_that_changes_under_the_import_is_not_called_done(file: Path) -> None:
    records = await store()

    def meddle(_: ImportProgress) -> None:
        with file.open("a") as stream:
            stream.write("3471234599;X\n")

    with pytest.raises(BadInput, match="was written to while it was imported"):
        await import_contacts(file, SPRING, records, on_progress=meddle)
    job = await job_of(records)
    assert job.state is ImportState.FAILED
    assert "was written to" in job.problem


async def test_an_import_that_goes_on_judges_by_the_clock_of_its_begin(file: Path) -> None:
    file.write_text(
        "tel;consenso;fonte;data consenso\n3471234501;s;x;2026-05-02\n3471234502;s;x;2026-05-02\n"
    )
    records = await store()
    records.imports = Fragile(records, 2, RecordsUnreachable("gone"), stored=False)
    with pytest.raises(RecordsUnreachable):
        await bring_in(file, records=records, batch=1, now=datetime(2026, 5, 3, tzinfo=UTC))
    report, _, _ = await bring_in(
        file, records=records, batch=1, now=datetime(2026, 4, 1, tzinfo=UTC), again=False
    )
    assert (report.stored, report.rejected) == (2, 0)


async def test_an_undone_import_begins_anew(file: Path) -> None:
    records = await store()
    first, _, _ = await bring_in(file, records=records)
    undone = await records.imports.undo(ImportId(first.import_id), ANNA, datetime.now(UTC))
    assert (undone.deleted, undone.closed) == (5, 0)
    second, contacts, _ = await bring_in(file, records=records)
    assert (second.already, second.stored, len(contacts)) == (False, 5, 6)


async def test_undoing_while_it_runs_stops_it(file: Path) -> None:
    records = await store()
    imports = records.imports

    class Undoing(Fragile):
        async def store_batch(self, import_id: ImportId, *rest: Any) -> ImportResult:
            result = await imports.store_batch(import_id, *rest)
            await imports.undo(import_id, ANNA, datetime.now(UTC))
            return result

    undoing = Undoing(records, 0, Killed(), stored=True)
    undoing.__dict__ |= {name: imports.__dict__[name] for name in ("_jobs", "_known", "_mappings")}
    records.imports = undoing
    with pytest.raises(Refused, match="is undone"):
        await bring_in(file, records=records, batch=20)
    assert (await records.figures(SPRING)).contacts == 1
    assert (await records.campaign(SPRING)).state is CampaignState.DRAFT  # type: ignore[union-attr]


# --- sources


async def test_a_sources_mapping_is_saved_at_its_first_import(file: Path) -> None:
    file.write_text("casa;cellulare;nome;note\n0612345678;3471234567;Ada;x\n")
    records = await store()
    await bring_in(file, records=records, source="crm", number_column="cellulare", author="bea")
    saved = await records.imports.mapping("crm")
    assert saved is not None
    assert saved.author == "bea"
    assert saved.columns == {"casa": "home:2", "cellulare": "mobile:1", "nome": "name", "note": "attribute"}
    file.write_text("nome;note;cellulare;casa\nBea;y;3471234568;0612345679\n")
    _, contacts, _ = await bring_in(file, records=records, source="crm")
    assert contacts[-1].number == "+393471234568"
    file.write_text("nome;cell;casa\nCai;3471234569;\n")
    with pytest.raises(BadInput, match="has no column 'cellulare'"):
        await bring_in(file, records=records, source="crm")


async def test_a_mapping_that_was_set_is_used_and_kept(file: Path) -> None:
    file.write_text("tel;x\n3471234567;a@b.it\n")
    records = await store()
    mapping = SavedMapping(source="crm", columns={"x": "email"}, author="bea", saved_at=datetime.now(UTC))
    await records.imports.save_mapping(mapping)
    _, contacts, _ = await bring_in(file, records=records, source="crm")
    assert contacts[-1].email == "a@b.it"
    assert await records.imports.mapping("crm") == mapping


# --- preview


def test_a_preview_shows_the_first_rows_and_stores_nothing(file: Path) -> None:
    terms = ListOptions().terms("Europe/Rome", (), datetime.now(UTC))
    found = preview(file, ListOptions(), terms, 4)
    assert (found.meanings, found.delimiter, found.sheet) == ({"tel": "number", "nome": "name"}, ";", "")
    assert [record.line for record, _ in found.rows] == [2, 3, 4, 5]
    assert [type(each).__name__ for _, each in found.rows] == ["NewContact", "Reject", "NewContact", "Reject"]
    assert list(file.parent.iterdir()) == [file]
    with pytest.raises(BadInput, match="cannot be used"):
        preview(file.with_name("none"), ListOptions(), terms, 4)


# --- numbers seen


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 10**15 - 1)), max_size=60))
def test_seen_numbers_are_a_dictionary(rows: list[tuple[int, int]]) -> None:
    seen, told = SeenNumbers(), dict[int, int]()
    for line, number in rows:
        as_number = E164(f"+{number}")
        assert seen.first([as_number]) == told.get(number)
        told.setdefault(number, line)
        seen.add([as_number], line)
    assert len(seen) == len(told)


def test_many_numbers_are_seen() -> None:
    seen = SeenNumbers()
    for i in range(10_000):
        seen.add([E164(f"+3934{i:08d}")], i + 2)
    assert len(seen) == 10_000
    assert all(seen.first([E164(f"+3934{i:08d}")]) == i + 2 for i in range(0, 10_000, 7))
    assert seen.first([E164("+393500000000")]) is None
