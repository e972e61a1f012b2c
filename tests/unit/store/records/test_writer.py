"""The writer's rules, on a database that does as the test says."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import chain
from typing import Any, TypeVar, cast

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, OperationalError

from controller.errors import BadInput, ProtocolError, RecordsUnreachable
from controller.store.record_writer import RecordWriter
from controller.store.records_database import Database, translated

T = TypeVar("T")


class Fake(Database):
    """Keeps what is committed; can be held up or told to fail."""

    dialect = "fake"

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.written: list[int] = []
        self.commits: list[list[int]] = []

    async def transact(self, work: Callable[[Connection], T], timeout: float) -> T:
        self.written = []
        async with asyncio.timeout(timeout):
            await self.gate.wait()
            if self.error:
                raise self.error
            result = work(cast(Connection, None))
        self.commits.append(self.written)
        return result

    async def read(self, work: Callable[[Connection], T], timeout: float) -> T:
        raise NotImplementedError

    async def close(self, timeout: float) -> None:
        raise NotImplementedError

    def store(self, _: Connection, rows: Sequence[int]) -> Sequence[None]:
        if any(row < 0 for row in rows):
            raise IntegrityError("INSERT", {}, Exception("constraint failed"))
        self.written += rows
        return [None for _ in rows]


@asynccontextmanager
async def writing(**settings: Any) -> AsyncIterator[tuple[Fake, RecordWriter[int]]]:
    fake = Fake()
    writer: RecordWriter[int] = RecordWriter(
        fake, fake.store, **({"timeout": 0.2, "linger": 0.01} | settings)
    )
    writer.start()
    try:
        yield fake, writer
    finally:
        fake.gate.set()
        await writer.close()
    left = {task.get_name() for task in asyncio.all_tasks()}
    assert "record-writer" not in left


async def put_all(writer: RecordWriter[int], rows: Sequence[int]) -> list[BaseException | None]:
    return list(await asyncio.gather(*(writer.put(row, "it") for row in rows), return_exceptions=True))


async def test_rows_that_come_together_share_a_commit() -> None:
    async with writing() as (fake, writer):
        await put_all(writer, range(100))
        assert fake.commits == [list(range(100))]


async def test_a_group_is_bounded() -> None:
    async with writing(group=10) as (fake, writer):
        await put_all(writer, range(25))
        assert [len(commit) for commit in fake.commits] == [10, 10, 5]


async def test_bad_rows_do_not_fail_their_neighbours() -> None:
    async with writing() as (fake, writer):
        rows = [-1 if i in (3, 4, 60) else i for i in range(100)]
        results = await put_all(writer, rows)
        assert [i for i, result in enumerate(results) if isinstance(result, ProtocolError)] == [3, 4, 60]
        assert sorted(chain(*fake.commits)) == [row for row in rows if row >= 0]
        assert len(fake.commits) < 25


async def test_circumstances_fail_all_at_once() -> None:
    async with writing() as (fake, writer):
        fake.error = OperationalError("INSERT", {}, Exception("database or disk is full"))
        results = await put_all(writer, range(50))
        assert {type(result) for result in results} == {RecordsUnreachable}
        assert len({id(result) for result in results}) == 50  # one traceback each
        fake.error = None
        await writer.put(1, "it")
        assert fake.commits == [[1]]


async def test_what_nobody_waits_for_any_more_is_not_written() -> None:
    async with writing(timeout=0.1) as (fake, writer):
        fake.gate.clear()
        first = asyncio.create_task(put_all(writer, [1]))
        await asyncio.sleep(0.05)  # the writer holds 1 now; 2 comes too late for it
        second = await put_all(writer, [2])
        assert isinstance(second[0], RecordsUnreachable)
        assert isinstance((await first)[0], RecordsUnreachable)
        fake.gate.set()
        await writer.put(3, "it")
        assert 2 not in chain(*fake.commits)


async def test_a_full_queue_makes_wait_and_then_fails() -> None:
    async with writing(timeout=0.1, places=2, group=1) as (fake, writer):
        fake.gate.clear()
        results = await put_all(writer, range(10))
        assert {type(result) for result in results} == {RecordsUnreachable}


async def test_other_work_keeps_its_place_between_rows() -> None:
    async with writing() as (fake, writer):

        def work(_: Connection) -> str:
            fake.written.append(1000)
            return "done"

        results = await asyncio.gather(
            writer.put(1, "it"), writer.put(2, "it"), writer.run(work, "work"), writer.put(3, "it")
        )
        assert results[2] == "done"
        assert fake.commits == [[1, 2], [1000], [3]]


async def test_errors_of_other_work_reach_who_asked() -> None:
    async with writing() as (_, writer):

        def refuse(_: Connection) -> None:
            raise BadInput("campaign", "taken")

        def stumble(_: Connection) -> None:
            raise KeyError("bug")

        with pytest.raises(BadInput, match="taken"):
            await writer.run(refuse, "work")
        with pytest.raises(ProtocolError, match="bug"):
            await writer.run(stumble, "work")


async def test_closing_writes_the_rest_and_refuses_more() -> None:
    async with writing(linger=0.05, timeout=2) as (fake, writer):
        waiting = asyncio.create_task(put_all(writer, range(5)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await writer.close()
        assert await waiting == [None] * 5
        assert fake.commits == [list(range(5))]
        with pytest.raises(RecordsUnreachable, match="not open"):
            await writer.put(1, "it")


async def test_closing_does_not_wait_for_ever() -> None:
    async with writing(timeout=0.1, group=1) as (fake, writer):
        fake.gate.clear()
        waiting = asyncio.create_task(put_all(writer, range(3)))
        await asyncio.sleep(0.02)
        await writer.close()
        assert {type(result) for result in await waiting} == {RecordsUnreachable}


async def test_who_gives_up_by_itself_leaves_no_trace() -> None:
    async with writing(linger=0.05) as (fake, writer):
        given_up = asyncio.create_task(writer.put(1, "it"))
        await asyncio.sleep(0.01)
        given_up.cancel()
        await writer.put(2, "it")
        assert fake.commits == [[2]]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), RecordsUnreachable),
        (OSError(28, "No space left on device"), RecordsUnreachable),
        (OperationalError("x", {}, Exception("database is locked")), RecordsUnreachable),
        (IntegrityError("x", {}, Exception("UNIQUE constraint failed")), ProtocolError),
        (OverflowError("Python int too large"), ProtocolError),
        (ValueError("naive datetime"), ProtocolError),
    ],
)
def test_errors_are_told_apart(error: Exception, kind: type[Exception]) -> None:
    found = translated(error, "a test")
    assert type(found) is kind
    assert "a test" in str(found)
