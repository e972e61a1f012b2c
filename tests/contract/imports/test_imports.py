"""What every store of imports does, in memory or in SQL."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from controller.domain.callback import CallbackState, Promise
from controller.domain.contact import NewContact, NumberKind, PhoneNumber
from controller.domain.evidence import Kind
from controller.domain.ids import E164, CallId, CampaignId
from controller.domain.imports import (
    ImportCounts,
    ImportId,
    ImportJob,
    ImportState,
    ImportStep,
    SavedMapping,
    Undone,
)
from controller.domain.outcome import Outcome
from controller.errors import BadInput, Refused
from controller.ports import ImportResult
from controller.store.records import SqlRecords
from tests.contract.records.builders import (
    ANNA,
    HOUR,
    NOW,
    SPRING,
    Store,
    admitted,
    begun,
    body,
    campaign,
    chain,
    end,
    new_contact,
)

LATER = NOW + HOUR


def job(name: str = "one", of: CampaignId = SPRING, started: datetime = NOW, **changes: Any) -> ImportJob:
    plain = ImportJob(
        id=ImportId(name), campaign=of, file="list.csv", digest="d" * 64, way="w", author="anna",
        started_at=started, updated_at=started,
    )  # fmt: skip
    return replace(plain, **changes)


async def import_of(records: Store, *batches: Sequence[NewContact], name: str = "one") -> ImportJob:
    """A job that has stored these, one row a contact."""
    await records.imports.begin(job(name))
    line = 1
    for contacts in batches:
        step = ImportStep(after=line if line > 1 else 0, line=line + len(contacts))
        await records.imports.store_batch(ImportId(name), contacts, step, NOW)
        line = step.line
    found = await records.imports.job(ImportId(name))
    assert found is not None
    return found


def rows(first: int, count: int) -> list[NewContact]:
    return [new_contact(i, line=i + 2) for i in range(first, first + count)]


@pytest.fixture
async def spring(records: Store) -> Store:
    await records.save_campaign(campaign())
    return records


async def test_a_job_from_begin_to_end(spring: Store) -> None:
    imports = spring.imports
    await imports.begin(job(source="crm"))
    assert await imports.job(ImportId("one")) == job(source="crm")
    step = ImportStep(after=0, line=9, invalid=2, duplicates=1)
    result = await imports.store_batch(ImportId("one"), [*rows(0, 3), new_contact(1, line=8)], step, LATER)
    assert result == ImportResult(stored=3, known=(8,))
    assert await imports.known_lines(ImportId("one")) == {8}
    counts = ImportCounts(rows=7, stored=3, invalid=2, duplicates=1, known=1)
    running = job(source="crm", counts=counts, line=9, updated_at=LATER)
    assert await imports.job(ImportId("one")) == running
    assert (counts.rejected, counts.rows) == (4, counts.stored + counts.rejected)

    done = await imports.finish(ImportId("one"), ImportState.DONE, LATER)
    assert done == replace(running, state=ImportState.DONE, ended_at=LATER)
    assert await imports.job(ImportId("one")) == done
    assert not await imports.known_lines(ImportId("one"))
    entries = [entry for entry in await chain(spring) if entry.kind == Kind.IMPORT.value]
    assert [body(entry)["action"] for entry in entries] == ["begin", "done"]
    told = {"import": "one", "digest": "d" * 64, "author": "anna", "line": 9, "action": "done"}
    assert body(entries[1]) == told | {"rows": 7, "stored": 3, "rejected": 4}
    assert entries[1].campaign == SPRING


async def test_what_is_done_is_not_begun_again(spring: Store) -> None:
    await import_of(spring, rows(0, 1))
    await spring.imports.finish(ImportId("one"), ImportState.DONE, LATER)
    with pytest.raises(Refused, match="one is done"):
        await spring.imports.begin(job())
    with pytest.raises(Refused, match="one is done"):
        await spring.imports.finish(ImportId("one"), ImportState.FAILED, LATER)
    with pytest.raises(Refused, match="nothing more is stored"):
        await spring.imports.store_batch(ImportId("one"), rows(5, 1), ImportStep(after=2, line=9), LATER)
    assert (await spring.figures(SPRING)).contacts == 1


async def test_what_failed_goes_on(spring: Store) -> None:
    before = await import_of(spring, rows(0, 2), [*rows(1, 1), *rows(2, 1)])
    failed = await spring.imports.finish(ImportId("one"), ImportState.FAILED, LATER, "the disk is full")
    assert (failed.state, failed.problem, failed.ended_at) == (ImportState.FAILED, "the disk is full", LATER)
    assert await spring.imports.known_lines(ImportId("one")) == {3}
    await spring.imports.begin(failed)
    assert await spring.imports.job(ImportId("one")) == before


async def test_two_programs_cannot_go_on_with_one_job(spring: Store) -> None:
    await import_of(spring, rows(0, 2))
    step = ImportStep(after=3, line=9)
    await spring.imports.store_batch(ImportId("one"), rows(2, 1), step, LATER)
    with pytest.raises(Refused, match="reached line 9"):
        await spring.imports.store_batch(ImportId("one"), rows(3, 1), step, LATER)
    assert (await spring.figures(SPRING)).contacts == 3


async def test_a_batch_is_stored_whole_or_not_at_all(spring: Store) -> None:
    await spring.imports.begin(job())
    broken = replace(new_contact(1), attributes={"x": object()})  # type: ignore[dict-item]
    if isinstance(spring, SqlRecords):
        with pytest.raises(Exception, match="bug"):
            await spring.imports.store_batch(
                ImportId("one"), [new_contact(0), broken], ImportStep(after=0, line=3), NOW
            )
        assert await spring.imports.job(ImportId("one")) == job()
    assert (await spring.figures(SPRING)).contacts == 0


async def test_unknown_campaigns_and_jobs(spring: Store) -> None:
    imports, other = spring.imports, ImportId("other")
    with pytest.raises(BadInput, match="autumn"):
        await imports.begin(job(of=CampaignId("autumn")))
    assert await imports.job(other) is None
    assert not await imports.known_lines(other)
    with pytest.raises(BadInput, match="no import 'other'"):
        await imports.store_batch(other, [], ImportStep(after=0, line=1), NOW)
    with pytest.raises(BadInput, match="no import 'other'"):
        await imports.finish(other, ImportState.DONE, NOW)
    with pytest.raises(BadInput, match="no import 'other'"):
        await imports.undo(other, ANNA, NOW)


async def test_jobs_are_listed_newest_first(spring: Store) -> None:
    await spring.save_campaign(campaign("autumn"))
    imports = spring.imports
    jobs = [
        job("a", started=NOW),
        job("b", started=NOW + HOUR),
        job("c", started=NOW + HOUR),
        job("d", of=CampaignId("autumn"), started=NOW + 2 * HOUR),
    ]
    for each in jobs:
        await imports.begin(each)
    assert [each.id for each in await imports.jobs()] == ["d", "c", "b", "a"]
    assert [each.id for each in await imports.jobs(SPRING)] == ["c", "b", "a"]
    assert [each.id for each in await imports.jobs(SPRING, after=ImportId("c"), limit=1)] == ["b"]
    assert [each.id for each in await imports.jobs(after=ImportId("b"))] == ["a"]
    assert await imports.jobs(after=ImportId("none")) == []


async def test_the_same_file_is_found(spring: Store) -> None:
    imports = spring.imports
    assert await imports.same(SPRING, "d" * 64, "w") is None
    await imports.begin(job("a"))
    await imports.begin(job("b", started=LATER))
    await imports.begin(job("c", started=LATER, way="other"))
    found = await imports.same(SPRING, "d" * 64, "w")
    assert found is not None
    assert found.id == "b"
    await imports.undo(ImportId("b"), ANNA, LATER)
    found = await imports.same(SPRING, "d" * 64, "w")
    assert found is not None
    assert found.id == "a"
    assert await imports.same(CampaignId("autumn"), "d" * 64, "w") is None


# --- undoing


async def test_what_nobody_called_is_deleted(spring: Store) -> None:
    await spring.add_contacts(SPRING, rows(0, 1))
    await import_of(spring, rows(0, 3))  # of which the first is known
    assert await spring.imports.undo(ImportId("one"), ANNA, LATER) == Undone(deleted=2)
    left = await spring.contacts(SPRING)
    assert [each.contact.number for each in left] == [new_contact(0).number]
    assert await spring.contacts_of(new_contact(1).number) == []
    undone = await spring.imports.job(ImportId("one"))
    assert undone is not None
    assert (undone.state, undone.ended_at) == (ImportState.UNDONE, LATER)
    assert undone.problem == f"undone by {ANNA.author}: {ANNA.reason}"
    entry = (await chain(spring))[-1]
    assert entry.kind == Kind.IMPORT.value
    told = {"action": "undo", "deleted": 2, "closed": 0, "author": ANNA.author, "reason": ANNA.reason}
    assert body(entry) == told | {"import": "one", "digest": "d" * 64}
    with pytest.raises(Refused, match="undone already"):
        await spring.imports.undo(ImportId("one"), ANNA, LATER)


async def test_what_was_called_stays_and_is_not_called_again(spring: Store) -> None:
    await import_of(spring, rows(0, 3))
    called, busy, _ = await spring.due_contacts(SPRING, NOW, 3)
    await begun(spring, admitted(called))
    await spring.attempt_ended(end(admitted(called), Outcome.BUSY, NOW + HOUR))
    await begun(spring, admitted(busy, "call-2"))
    with pytest.raises(Refused, match="a call to contacts of the import one under way"):
        await spring.imports.undo(ImportId("one"), ANNA, LATER)
    assert (await spring.figures(SPRING)).contacts == 3
    await spring.attempt_ended(end(admitted(busy, "call-2"), Outcome.CONNECTED))
    assert await spring.imports.undo(ImportId("one"), ANNA, LATER) == Undone(deleted=1, closed=1)
    left = await spring.contacts(SPRING)
    assert [(each.contact.id, each.done, each.contact.due_at) for each in left] == [
        (called.id, True, None),
        (busy.id, True, None),
    ]
    assert await spring.due_contacts(SPRING, NOW + timedelta(days=9), 9) == []
    assert await spring.next_due(SPRING, LATER) is None
    assert await spring.attempt(CallId("call-1")) is not None
    assert len(await spring.facts(SPRING)) == 2


async def test_who_was_deleted_meanwhile_is_not_called(spring: Store) -> None:
    await import_of(spring, rows(0, 1))
    (read_ahead,) = await spring.due_contacts(SPRING, NOW, 1)
    await spring.imports.undo(ImportId("one"), ANNA, LATER)
    failed = await spring.attempt_started(admitted(read_ahead), campaign())
    assert failed is not None
    assert "its import was undone" in failed.why
    await spring.postpone([read_ahead.id], LATER)
    assert await spring.open_attempts() == []


async def test_a_promise_is_kept_on_record_and_cancelled(spring: Store) -> None:
    await import_of(spring, rows(0, 2))
    promised, _ = await spring.due_contacts(SPRING, NOW, 2)
    promise = await spring.work.promise(promised.id, Promise(at=LATER), "anna", NOW)
    assert await spring.imports.undo(ImportId("one"), ANNA, LATER) == Undone(deleted=1, closed=1)
    (left,) = await spring.contacts(SPRING)
    assert (left.contact.id, left.done, left.contact.callback_at) == (promised.id, True, None)
    cancelled = await spring.work.callback(promise.id)
    assert cancelled is not None
    assert (cancelled.state, cancelled.ended_at) == (CallbackState.CANCELLED, LATER)
    assert await spring.due_contacts(SPRING, LATER + HOUR, 9) == []


async def test_what_was_undone_may_be_imported_again(spring: Store) -> None:
    several = replace(
        new_contact(0), others=(PhoneNumber(number=E164("+390612345678"), kind=NumberKind.HOME),)
    )
    await import_of(spring, [several, new_contact(1)])
    (first, _) = await spring.due_contacts(SPRING, NOW, 2)
    await spring.imports.undo(ImportId("one"), ANNA, LATER)
    again = await import_of(spring, [several, new_contact(1)], name="two")
    assert again.counts.stored == 2
    (anew, _) = await spring.due_contacts(SPRING, NOW, 2)
    assert anew.number == first.number
    # Else what a running campaign has read ahead would be somebody else.
    assert anew.id != first.id


async def test_an_undone_job_stores_nothing_more(spring: Store) -> None:
    await import_of(spring, rows(0, 1))
    await spring.imports.undo(ImportId("one"), ANNA, LATER)
    with pytest.raises(Refused, match="one is undone"):
        await spring.imports.store_batch(ImportId("one"), rows(1, 1), ImportStep(after=2, line=3), LATER)


async def test_a_known_other_number_is_known(spring: Store) -> None:
    home = PhoneNumber(number=E164("+390612345678"), kind=NumberKind.HOME)
    await import_of(spring, [replace(new_contact(0), others=(home,))])
    await spring.imports.finish(ImportId("one"), ImportState.DONE, NOW)
    by_first = NewContact(number=home.number, line=2)
    by_other = replace(new_contact(1, line=3), others=(home,))
    found = await import_of(spring, [by_first, by_other, new_contact(2, line=4)], name="two")
    assert (found.counts.known, found.counts.stored) == (2, 1)


# --- what columns mean


async def test_mappings(spring: Store) -> None:
    imports = spring.imports
    crm = SavedMapping(source="crm", columns={"Tel": "mobile", "Anno": "ignore"}, author="anna", saved_at=NOW)
    assert await imports.mapping("crm") is None
    await imports.save_mapping(crm)
    await imports.save_mapping(replace(crm, source="a"))
    assert await imports.mapping("crm") == crm
    newer = replace(crm, columns={"Z": "number", "A": "name"}, author="bea", saved_at=LATER)
    await imports.save_mapping(newer)
    found = await imports.mapping("crm")
    assert found == newer
    assert found is not None
    assert list(found.columns) == ["Z", "A"]
    assert [each.source for each in await imports.mappings()] == ["a", "crm"]
    assert await imports.remove_mapping("a")
    assert not await imports.remove_mapping("a")
    assert [each.source for each in await imports.mappings()] == ["crm"]
