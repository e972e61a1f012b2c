"""The one task that writes attempts, many per transaction.

A durable commit costs a disk flush and most of a millisecond of CPU, whether it carries one row or many. So
rows that arrive within some milliseconds share one (group commit), and whoever handed a row in waits for that
commit. All other writes of the store go through here as well, each in a transaction of its own: with one
writer, SQLite's lock is never waited for inside the program.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

from controller.errors import ControllerError, RecordsUnreachable, Unreachable
from controller.store.records_database import Database, Work, translated

RowT = TypeVar("RowT")
ResultT = TypeVar("ResultT")


@dataclass(slots=True, eq=False)
class _Row(Generic[RowT]):
    row: RowT
    done: asyncio.Future[Any]


@dataclass(slots=True, eq=False)
class _Work:
    work: Work[Any]
    timeout: float
    doing: str
    done: asyncio.Future[Any]


class RecordWriter(Generic[RowT]):
    """Writes rows in groups, and other work one by one, in the order in which they were handed in.

    The queue is bounded. When it is full, who hands in waits for a place; what is not durable within the
    timeout fails with RecordsUnreachable, so the engine dials nothing. What has not been begun by then is
    dropped and certainly not stored; what is under way may still be.
    """

    def __init__(
        self,
        database: Database,
        store: Callable[[Connection, Sequence[RowT]], Sequence[object]],
        *,
        timeout: float,
        linger: float = 0.04,
        places: int = 2000,
        group: int = 500,
    ) -> None:
        """Describe the writer; ``start`` starts it.

        Args:
            database: where to.
            store: writes a group of rows inside the transaction it is given; returns what is to be told to
                whom handed each in.
            timeout: seconds from handing in to durable.
            linger: how long a row waits for company. Costs that much latency, and saves most of the CPU.
            places: bound of the queue.
            group: rows per transaction at most.
        """
        self._database = database
        self._store = store
        self._timeout = timeout
        self._linger = linger
        self._group = group
        self._queue: asyncio.Queue[_Row[RowT] | _Work | None] = asyncio.Queue(places)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the task that writes."""
        self._task = asyncio.create_task(self._run(), name="record-writer")

    async def close(self) -> None:
        """Write what has been handed in, within the timeout; then stop."""
        task, self._task = self._task, None
        if task is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout):
                await self._queue.put(None)
                await task
        if not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=self._timeout)
        while not self._queue.empty():
            job = self._queue.get_nowait()
            if job is not None:
                _fail(job, RecordsUnreachable("The record store was closed before this was stored."))

    async def put(self, row: RowT, doing: str) -> Any:
        """Return what the store said of the row, when it is durable.

        Raises:
            RecordsUnreachable: no confirmation in time.
            ProtocolError: the database refused this very row.
        """
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        return await self._hand_in(_Row(row, done), self._timeout, doing)

    async def run(self, work: Work[ResultT], doing: str, timeout: float | None = None) -> ResultT:
        """Return what ``work`` returned, when its transaction is durable. Raises as ``put`` does."""
        done: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        limit = self._timeout if timeout is None else timeout
        result: ResultT = await self._hand_in(_Work(work, limit, doing, done), limit, doing)
        return result

    async def _hand_in(self, job: _Row[RowT] | _Work, timeout: float, doing: str) -> Any:
        if self._task is None or self._task.done():
            raise RecordsUnreachable("The record store is not open.")
        try:
            async with asyncio.timeout(timeout):
                await self._queue.put(job)
                return await job.done
        except TimeoutError as error:
            raise translated(error, doing) from error

    async def _run(self) -> None:
        # Waiting for something to do needs no timeout: close() ends it.
        while True:
            jobs = await self._gather()
            if jobs is None:
                return
            rows: list[_Row[RowT]] = []
            for job in jobs:
                if job.done.done():  # who handed it in has given up
                    continue
                if isinstance(job, _Row):
                    rows.append(job)
                    continue
                await self._write(rows)
                rows = []
                await self._do(job)
            await self._write(rows)

    async def _gather(self) -> list[_Row[RowT] | _Work] | None:
        first = await self._queue.get()
        if first is None:
            return None
        jobs = [first]
        if isinstance(first, _Row) and self._queue.qsize() < self._group:
            await asyncio.sleep(self._linger)
        while len(jobs) < self._group and not self._queue.empty():
            job = self._queue.get_nowait()
            if job is None:
                self._queue.put_nowait(None)  # there is a place: one was just taken
                break
            jobs.append(job)
        return jobs

    async def _write(self, jobs: Sequence[_Row[RowT]]) -> None:
        if not jobs:
            return

        def store(connection: Connection) -> Sequence[tuple[_Row[RowT], object]]:
            # The database may have been long in coming to it: look again who still waits.
            waiting = [job for job in jobs if not job.done.done()]
            return list(zip(waiting, self._store(connection, [job.row for job in waiting]), strict=True))

        try:
            answers = await self._transaction(store, self._timeout, "the attempts")
        except Unreachable as error:
            # Not a matter of rows: trying them one by one would only wait for the same lock many times.
            for job in jobs:
                _fail(job, RecordsUnreachable(str(error)))
        except ControllerError as error:
            if len(jobs) == 1:
                _fail(jobs[0], error)
                return
            # One bad row must not fail its neighbours; halving finds it in few transactions.
            middle = len(jobs) // 2
            await self._write(jobs[:middle])
            await self._write(jobs[middle:])
        else:
            for job, answer in answers:
                _succeed(job, answer)

    async def _do(self, job: _Work) -> None:
        try:
            result = await self._transaction(job.work, job.timeout, job.doing)
        except ControllerError as error:
            _fail(job, error)
        else:
            _succeed(job, result)

    async def _transaction(self, work: Work[Any], timeout: float, doing: str) -> Any:
        try:
            return await self._database.transact(work, timeout)
        except Exception as error:
            raise translated(error, doing) from error


def _succeed(job: _Row[Any] | _Work, result: Any) -> None:
    if not job.done.done():
        job.done.set_result(result)


def _fail(job: _Row[Any] | _Work, error: Exception) -> None:
    if not job.done.done():
        job.done.set_exception(error)
