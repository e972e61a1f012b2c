"""What only a store that lasts must do: survive, refuse, stay quick."""

import asyncio
import shutil
import sqlite3
import stat
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, event
from sqlalchemy.dialects import sqlite

from controller.domain.campaign import CampaignState, Override
from controller.domain.ids import CallId, ContactId
from controller.domain.outcome import Outcome
from controller.errors import BadInput, RecordsUnreachable
from controller.ports import Records
from controller.store import records_contacts as module
from controller.store.attempt_rows import select_calls, select_recent
from controller.store.memory_records import MemoryRecords
from controller.store.records_database import FileDatabase
from controller.store.schema import attempts

from .builders import NOW, PROFILES, SPRING, begun, call_to, campaign, end, new_contact, sql, with_contacts

EVERYTHING: dict[str, Callable[[Records], Awaitable[object]]] = {
    "ping": lambda r: r.ping(),
    "save_campaign": lambda r: r.save_campaign(campaign("other")),
    "campaign": lambda r: r.campaign(SPRING),
    "campaigns": lambda r: r.campaigns(),
    "set_campaign_state": lambda r: r.set_campaign_state(SPRING, CampaignState.RUNNING),
    "record_override": lambda r: r.record_override(SPRING, Override(author="a", reason="b"), NOW),
    "add_contacts": lambda r: r.add_contacts(SPRING, [new_contact(77)]),
    "due_contacts": lambda r: r.due_contacts(SPRING, NOW, 1),
    "next_due": lambda r: r.next_due(SPRING, NOW),
    "postpone": lambda r: r.postpone([ContactId(1)], NOW),
    "attempt": lambda r: r.attempt(CallId("call-1")),
    "open_attempts": lambda r: r.open_attempts(),
    "figures": lambda r: r.figures(SPRING),
}


@pytest.mark.parametrize("method", EVERYTHING)
async def test_memory_told_to_fail_fails_everywhere(method: str) -> None:
    records = MemoryRecords(profiles=PROFILES)
    await with_contacts(records, 1)
    records.fail = True
    with pytest.raises(RecordsUnreachable):
        await EVERYTHING[method](records)
    records.fail = False
    await EVERYTHING[method](records)


async def test_memory_told_to_fail_records_no_attempt() -> None:
    records = MemoryRecords(profiles=PROFILES)
    (contact,) = await with_contacts(records, 1)
    records.fail = True
    with pytest.raises(RecordsUnreachable):
        await begun(records, call_to(contact))
    with pytest.raises(RecordsUnreachable):
        await records.attempt_ended(end(call_to(contact), Outcome.BUSY))
    records.fail = False
    assert await records.open_attempts() == []


def _files(file: Path) -> list[Path]:
    return list(file.parent.glob(f"{file.name}*"))


async def test_a_crash_loses_nothing_that_was_confirmed(url: str, file: Path, directory: Path) -> None:
    (directory / "crashed").mkdir()
    async with sql(url, timeout=10) as records:
        first, second = await with_contacts(records, 2)
        await begun(records, call_to(first, "call-1"))
        await begun(records, call_to(second, "call-2"))
        await records.attempt_ended(end(call_to(second, "call-2"), Outcome.SILENT, NOW, counts=False))
        # What the disk holds at this instant, with nothing closed, is what a crash leaves behind.
        for part in _files(file):
            shutil.copy(part, directory / "crashed")
    async with sql(f"sqlite+aiosqlite:///{directory / 'crashed' / 'records.db'}", timeout=10) as left:
        assert await left.open_attempts() == [call_to(first, "call-1")]
        (due,) = await left.due_contacts(SPRING, NOW, 10)
        assert (due.id, due.operator_due) == (second.id, True)


async def test_it_opens_again_and_two_programs_may_share_it(url: str) -> None:
    async with (
        sql(url, timeout=10) as one,
        sql(url, timeout=10) as two,
    ):
        contacts = await with_contacts(one, 50)
        await asyncio.gather(
            *(begun(one, call_to(contact, f"one-{contact.id}")) for contact in contacts[:25]),
            *(begun(two, call_to(contact, f"two-{contact.id}")) for contact in contacts[25:]),
            two.add_contacts(SPRING, [new_contact(i) for i in range(40, 140)]),
        )
    async with sql(url, timeout=10) as again:
        assert len(await again.open_attempts()) == 50
        assert (await again.figures(SPRING)).contacts == 140


async def test_locked_by_another_program(url: str, file: Path) -> None:
    async with sql(url, timeout=0.3) as records:
        (contact,) = await with_contacts(records, 1)
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        results = await asyncio.gather(
            begun(records, call_to(contact)),
            records.ping(),
            records.postpone([contact.id], NOW),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [RecordsUnreachable] * 3
        assert contact.number not in str(results[0])
        assert time.monotonic() - began < 2
        assert await records.due_contacts(SPRING, NOW, 1) == [contact]  # reading goes on
        other.execute("ROLLBACK")
        other.close()
        await records.ping()
        assert await records.open_attempts() == []


async def test_disk_full(url: str) -> None:
    async with sql(url, timeout=5) as records:
        database = records._database
        assert isinstance(database, FileDatabase)

        def limit(connection: Any, *_: object) -> None:
            connection.execute("PRAGMA max_page_count=1")  # SQLite takes the pages in use as the limit

        await with_contacts(records, 1)
        event.listen(database._engine, "checkout", limit)
        with pytest.raises(RecordsUnreachable, match="full"):
            await records.add_contacts(SPRING, [new_contact(i) for i in range(1000, 3000)])
        event.remove(database._engine, "checkout", limit)
        assert (await records.figures(SPRING)).contacts == 1


async def test_read_only(url: str, file: Path) -> None:
    async with sql(url, timeout=10) as records:
        (contact,) = await with_contacts(records, 1)
    async with sql(f"sqlite+aiosqlite:///file:{file}?mode=ro&uri=true", timeout=10) as records:
        for refused in (records.ping(), begun(records, call_to(contact))):
            with pytest.raises(RecordsUnreachable, match="readonly"):
                await refused
        assert await records.campaign(SPRING) is not None


async def test_no_directory(directory: Path) -> None:
    with pytest.raises(RecordsUnreachable, match="directory exists"):
        await sql(f"sqlite+aiosqlite:///{directory / 'missing' / 'a.db'}").open()


async def test_no_database(url: str, file: Path) -> None:
    file.write_text("this is a letter to my aunt" * 100)  # noqa: ASYNC240
    with pytest.raises(RecordsUnreachable, match="not a database"):
        await sql(url).open()


@pytest.mark.parametrize(
    "url",
    ["nonsense", "mysql://host/db", "sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:", "sqlite:///"],
)
def test_urls_that_cannot_be_used(url: str) -> None:
    with pytest.raises(BadInput, match="records url"):
        sql(url)


async def test_a_newer_schema_is_refused(url: str, file: Path) -> None:
    async with sql(url, timeout=10):
        pass
    with sqlite3.connect(file) as other:
        other.execute("UPDATE schema_version SET version = 99")
    other.close()
    with pytest.raises(BadInput, match="newer schema version 99"):
        await sql(url, timeout=10).open()


async def test_a_profile_gone_from_the_program(url: str) -> None:
    async with sql(url, timeout=10) as records:
        await records.save_campaign(campaign())
    async with sql(url, timeout=10, profiles={}) as records:
        with pytest.raises(BadInput, match="lax"):
            await records.campaign(SPRING)


async def test_closed(url: str) -> None:
    records = sql(url, timeout=10)
    await records.open()
    await records.close()
    await records.close()
    for method in EVERYTHING.values():
        with pytest.raises(RecordsUnreachable):
            await method(records)


async def test_closing_writes_what_was_handed_in(url: str) -> None:
    async with sql(url, timeout=10, linger=0.2) as records:
        (contact,) = await with_contacts(records, 1)
        waiting = asyncio.create_task(begun(records, call_to(contact)))
        await asyncio.sleep(0)
    await waiting
    async with sql(url, timeout=10) as records:
        assert len(await records.open_attempts()) == 1


async def test_only_the_owner_may_read_the_file(url: str, file: Path) -> None:
    async with sql(url, timeout=10) as records:
        await records.save_campaign(campaign())
        for part in _files(file):
            assert stat.S_IMODE(part.stat().st_mode) == 0o600


async def test_evidence_is_copied_into_the_attempt(url: str, file: Path) -> None:
    async with sql(url, timeout=10) as records:
        (contact,) = await with_contacts(records, 1)
        override = Override(author="lab", reason="burst")
        await records.save_campaign(replace(campaign("autumn"), override=override))
        await records.add_contacts(campaign("autumn").id, [new_contact(5)])
        (other,) = await records.due_contacts(campaign("autumn").id, NOW, 1)
        await begun(records, call_to(contact, "call-1"))
        await begun(records, call_to(other, "call-2"))
        await records.record_override(SPRING, override, NOW)
    with sqlite3.connect(file) as raw:
        rows = raw.execute(
            "SELECT number, caller, caller_number, override, outcome FROM attempts ORDER BY id"
        ).fetchall()
        assert rows == [
            (contact.number, "acme", "+390212345678", 0, None),
            (other.number, "acme", "+390212345678", 1, None),
        ]
        assert raw.execute("SELECT campaign, author, reason FROM overrides").fetchall() == [
            ("spring", "lab", "burst")
        ]
        (at,) = raw.execute("SELECT at FROM overrides").fetchone()
        assert at == 1772445600123456
    raw.close()


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (module._DUE, "contacts_due (campaign=? AND status=? AND due_at<?)"),
        (module._FRESH, "contacts_due (campaign=? AND status=? AND due_at=?)"),
        (module._LATER, "contacts_due (campaign=? AND status=? AND due_at>?)"),
        (module._LEFT, "contacts_due (campaign=? AND status=?)"),
        (select_calls().where(attempts.c.outcome.is_(None)), "attempts USING INDEX attempts_open"),
        (select_recent(SPRING, 5, NOW), "attempts_recent (campaign=? AND admitted_at>?)"),
        (
            select_recent(SPRING, 5, NOW, NOW),
            "attempts_recent (campaign=? AND admitted_at>? AND admitted_at<?)",
        ),
    ],
)
async def test_no_look_at_the_store_reads_a_whole_table(
    url: str, file: Path, statement: Select[Any], index: str
) -> None:
    async with sql(url, timeout=10):
        pass
    filled = statement.params(p_campaign="c", p_now=NOW, p_limit=1)
    text = str(filled.compile(dialect=sqlite.dialect(), compile_kwargs={"render_postcompile": True}))
    raw = sqlite3.connect(file)
    plan = [row[3] for row in raw.execute("EXPLAIN QUERY PLAN " + text, (1,) * text.count("?"))]
    raw.close()
    assert index in plan[0]
    # A sort would have to read every contact that is due before it knows the first.
    assert not any("TEMP B-TREE" in step for step in plan)


async def test_looking_for_due_contacts_takes_as_long_with_many_as_with_few(url: str) -> None:
    async def quickest(records: Records) -> float:
        times = []
        for _ in range(5):
            began = time.perf_counter()
            assert len(await records.due_contacts(SPRING, NOW, 20)) == 20
            times.append(time.perf_counter() - began)
        return min(times)

    async with sql(url, timeout=10) as records:
        await with_contacts(records, 100)
        few = await quickest(records)
        for start in range(1000, 31000, 5000):
            await records.add_contacts(SPRING, [new_contact(i) for i in range(start, start + 5000)])
        assert await quickest(records) < 5 * few + 0.002
