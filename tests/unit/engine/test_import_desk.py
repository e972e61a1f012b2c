"""Imports while the controller runs: bounded, watched, ended with it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from controller.domain.campaign import Campaign
from controller.domain.ids import CampaignId
from controller.domain.imports import ImportState
from controller.engine import import_desk
from controller.engine.clock import SystemClock
from controller.engine.import_desk import ImportDesk
from controller.engine.importing import import_contacts
from controller.errors import BadInput, Refused
from controller.ports import Authorship
from controller.ports.import_desk import ImportOptions
from controller.store.memory_records import MemoryRecords
from tests.fakes.law import LAX

SPRING = CampaignId("spring")
PLAIN = ImportOptions()


@pytest.fixture
async def records() -> MemoryRecords:
    records = MemoryRecords(profiles={LAX.name: LAX})
    await records.save_campaign(Campaign(id=SPRING, caller="acme", law=LAX))
    return records


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_desk, "import_contacts", partial(import_contacts, batch=20))


@pytest.fixture
async def desk(records: MemoryRecords, tmp_path: Path) -> AsyncIterator[ImportDesk]:
    async with ImportDesk(records, tmp_path / "imports", SystemClock()) as desk:
        yield desk


def written(tmp_path: Path, rows: int, name: str = "upload") -> Path:
    path = tmp_path / name
    path.write_text("phone\n" + "".join(f"+39347{i:07d}\n" for i in range(rows)))
    return path


async def test_a_list_is_taken_to_its_end(desk: ImportDesk, tmp_path: Path) -> None:
    job = await desk.start(written(tmp_path, 3), "people.csv", SPRING, PLAIN, "anna")
    assert (job.state, job.counts.stored, job.file, job.author) == (ImportState.DONE, 3, "people.csv", "anna")
    assert desk.progress(job.id) is None
    assert desk.rejects(job.id) is None
    assert list((tmp_path / "imports").iterdir()) == []


async def test_a_file_that_cannot_be_read_is_told_under_its_name(desk: ImportDesk, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_text("name\nAda\n")
    with pytest.raises(BadInput, match=r"^people\.csv"):
        await desk.start(path, "people.csv", SPRING, PLAIN, "anna")
    with pytest.raises(BadInput, match="there is no campaign"):
        await desk.start(written(tmp_path, 1), "people.csv", CampaignId("none"), PLAIN, "anna")


async def test_a_long_list_is_watched_and_no_third_is_taken(
    desk: ImportDesk, records: MemoryRecords, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_desk, "_PATIENCE", 0.01)
    go_on = asyncio.Event()
    store = records.imports.store_batch

    async def slowly(job: Any, contacts: Any, step: Any, now: Any) -> object:
        if step.after:
            await go_on.wait()
        return await store(job, contacts, step, now)

    monkeypatch.setattr(records.imports, "store_batch", slowly)
    jobs = [
        await desk.start(written(tmp_path, 25 + n, f"{n}"), f"{n}.csv", SPRING, PLAIN, "anna")
        for n in range(2)
    ]
    for job in jobs:
        assert job.state is ImportState.RUNNING
        progress = desk.progress(job.id)
        assert progress is not None
        assert 0 < progress <= 1
        with pytest.raises(Refused, match="under way"):
            await desk.undo(job.id, Authorship(author="anna", reason="wrong"))
    with pytest.raises(Refused, match="2 imports are under way"):
        await desk.start(written(tmp_path, 1), "third.csv", SPRING, PLAIN, "anna")
    go_on.set()
    async with asyncio.timeout(10):
        while any(desk.progress(job.id) is not None for job in jobs):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    ended = [await desk.job(job.id) for job in jobs]
    assert [job.state for job in ended if job] == [ImportState.DONE, ImportState.DONE]


async def test_the_end_of_the_controller_cuts_it_off_and_it_goes_on_later(
    records: MemoryRecords, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_desk, "_PATIENCE", 0.01)
    store = records.imports.store_batch

    async def stuck(job: Any, contacts: Any, step: Any, now: Any) -> object:
        if step.after:
            await asyncio.sleep(60)
        return await store(job, contacts, step, now)

    monkeypatch.setattr(records.imports, "store_batch", stuck)
    directory = tmp_path / "imports"
    async with asyncio.timeout(10), ImportDesk(records, directory, SystemClock()) as desk:
        job = await desk.start(written(tmp_path, 25), "people.csv", SPRING, PLAIN, "anna")
    with pytest.raises(Refused, match="stopping"):
        await desk.start(written(tmp_path, 1), "people.csv", SPRING, PLAIN, "anna")
    monkeypatch.setattr(import_desk, "_PATIENCE", 10.0)
    monkeypatch.setattr(records.imports, "store_batch", store)
    async with ImportDesk(records, directory, SystemClock()) as desk:
        again = await desk.start(written(tmp_path, 25), "people.csv", SPRING, PLAIN, "anna")
    assert (again.id, again.state, again.counts.stored) == (job.id, ImportState.DONE, 25)


async def test_rejects_are_kept_for_a_while(desk: ImportDesk, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_text("phone\n12\n+393471234567\n")
    job = await desk.start(path, "people.csv", SPRING, PLAIN, "anna")
    rejects = desk.rejects(job.id)
    assert rejects is not None
    assert "12" in rejects.read_text()
    os.utime(rejects, (0, 0))
    await desk.start(written(tmp_path, 2), "more.csv", SPRING, PLAIN, "anna")
    assert desk.rejects(job.id) is None
