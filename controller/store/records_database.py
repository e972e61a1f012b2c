"""Reaching the record store's database, and telling its errors apart.

Work is a plain function of a synchronous SQLAlchemy connection. SQLite runs it in a thread of its own: one
hop to the thread and back per transaction. (An asynchronous SQLite driver hops for every cursor, statement
and commit; measured, that made recording a call cost half as much CPU again.) PostgreSQL runs the same
functions on its asynchronous driver.
"""

from __future__ import annotations

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from controller.errors import BadInput, ControllerError, ProtocolError, RecordsUnreachable

T = TypeVar("T")
Work = Callable[[Connection], T]

_SQLITE = ("sqlite+aiosqlite", "sqlite", "sqlite+pysqlite")
_SERVERS = ("postgresql+asyncpg",)
_READERS = 3
_BUSY_SHARE = 0.7
"""SQLite stops waiting for another program's lock after this share of the timeout, so before we stop waiting
for SQLite: a refused transaction is certainly not stored, an abandoned one may be."""


class Database(ABC):
    """A database that answers within a given time, or not at all."""

    dialect: str

    async def open(self) -> None:  # noqa: B027 - most need nothing here
        """Make ready what the first connection needs."""

    @abstractmethod
    async def transact(self, work: Work[T], timeout: float) -> T:
        """Run ``work`` in a transaction; return when it is durable. Called by one task at a time.

        Raises:
            TimeoutError: no answer in time. It may be stored all the same.
            Exception: whatever went wrong, see ``translated``. Nothing is stored.
        """

    @abstractmethod
    async def read(self, work: Work[T], timeout: float) -> T:
        """Run ``work``, which only reads. Raises as ``transact`` does."""

    @abstractmethod
    async def close(self, timeout: float) -> None:
        """Close every connection."""


class FileDatabase(Database):
    """SQLite (``sqlite+aiosqlite`` URLs, too): one thread writes, a few read beside it. Opened once."""

    dialect = "sqlite"

    def __init__(self, url: URL, timeout: float) -> None:
        """Describe it; nothing is opened yet."""
        self._engine: Engine = create_engine(
            url.set(drivername="sqlite+pysqlite"),
            hide_parameters=True,  # they hold telephone numbers, and errors end in logs
            pool_size=_READERS + 1,
            max_overflow=0,
            pool_timeout=timeout,
            connect_args={"timeout": timeout * _BUSY_SHARE},
        )
        event.listen(self._engine, "connect", _prepare_sqlite)
        self._writer = ThreadPoolExecutor(1, "records-writer")
        self._readers = ThreadPoolExecutor(_READERS, "records-reader")
        # Bounds what is handed to the readers' threads. Who finds no place waits, up to the timeout.
        self._places = asyncio.Semaphore(_READERS)
        self._writing: asyncio.Future[Any] | None = None
        self._open = False

    async def open(self) -> None:
        """Make the file, if it is missing."""
        self._open = True
        if path := self._engine.url.database:
            _reserve_file(path)

    def _require_open(self) -> None:
        if not self._open:
            raise RecordsUnreachable("The record store is not open.")

    async def transact(self, work: Work[T], timeout: float) -> T:
        """Run ``work`` in the writer's thread."""
        self._require_open()
        async with asyncio.timeout(timeout):
            if self._writing is not None and not self._writing.done():
                # An abandoned transaction still holds the thread. Nothing is queued behind it: it would be
                # written when nobody waits for it any more.
                await asyncio.wait([self._writing])
            future = asyncio.get_running_loop().run_in_executor(self._writer, self._commit, work)
            self._writing = future
            return await asyncio.shield(future)

    def _commit(self, work: Work[T]) -> T:
        with self._engine.begin() as connection:
            return work(connection)

    async def read(self, work: Work[T], timeout: float) -> T:
        """Run ``work`` in a reader's thread."""
        self._require_open()
        async with asyncio.timeout(timeout):
            await self._places.acquire()
            future = asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)
            future.add_done_callback(lambda _: self._places.release())
            return await asyncio.shield(future)

    def _read(self, work: Work[T]) -> T:
        with self._engine.connect() as connection:
            return work(connection)

    async def close(self, timeout: float) -> None:
        """Close every connection, which also merges SQLite's write-ahead log into the file."""
        if not self._open:
            return
        self._open = False
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await asyncio.get_running_loop().run_in_executor(self._writer, self._engine.dispose)
        self._writer.shutdown(wait=False)
        self._readers.shutdown(wait=False)


class ServerDatabase(Database):
    """A database with an asynchronous driver."""

    def __init__(self, url: URL, timeout: float) -> None:
        """Describe it; nothing is opened yet."""
        try:
            self._engine: AsyncEngine = create_async_engine(
                url,
                hide_parameters=True,
                pool_size=_READERS + 1,
                max_overflow=0,
                pool_timeout=timeout,
            )
        except ModuleNotFoundError as error:
            raise BadInput(
                "records url", f"needs the Python package {error.name}, which is missing"
            ) from None
        self.dialect = url.get_backend_name()

    async def transact(self, work: Work[T], timeout: float) -> T:
        """Run ``work`` in a transaction."""
        async with asyncio.timeout(timeout), self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def read(self, work: Work[T], timeout: float) -> T:
        """Run ``work`` on a connection."""
        async with asyncio.timeout(timeout), self._engine.connect() as connection:
            return await connection.run_sync(work)

    async def close(self, timeout: float) -> None:
        """Close every connection."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._engine.dispose()


def database_for(url: str, timeout: float) -> Database:
    """The database that a URL names.

    Raises:
        BadInput: the URL cannot be used.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadInput("records url", "is no database URL", "sqlite+aiosqlite:///path/to/file.db") from None
    if parsed.drivername in _SERVERS:
        return ServerDatabase(parsed, timeout)
    if parsed.drivername not in _SQLITE:
        raise BadInput(
            "records url", f"names the driver {parsed.drivername}", " or ".join(_SQLITE[:1] + _SERVERS)
        )
    if parsed.database in (None, "", ":memory:"):
        raise BadInput(
            "records url", "names no file, and what is recorded must last", "sqlite+aiosqlite:///file"
        )
    return FileDatabase(parsed, timeout)


def _reserve_file(path: str) -> None:
    # Made here if it is missing, because SQLite would let everybody read it; it holds telephone numbers.
    if path.startswith("file:") or os.path.exists(path):
        return
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        raise RecordsUnreachable(
            f"The record store {path} cannot be made: {error.strerror}. "
            "Check that its directory exists and may be written to, or name another in the database URL."
        ) from error


_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    "journal_size_limit=67108864",
)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Set what SQLite forgets between connections.

    WAL lets readers and the one writer work side by side. synchronous=FULL makes every commit survive a loss
    of power, not just of the process; group commit makes that cheap enough (measured: 0.3 ms per transaction
    on an SSD, 0.02 ms with NORMAL). secure_delete overwrites what is erased, which otherwise could still be
    read from the file.
    """
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def translated(error: BaseException, doing: str) -> ControllerError:
    """The project's error for what went wrong while ``doing`` something.

    Bad data (a broken constraint, a value that cannot be written) is a bug of ours and is refused again
    however often it is repeated. What else comes from the database (disk full, locked, read-only, connection
    lost, no answer) is circumstance.
    """
    if isinstance(error, ControllerError):
        return error
    cause = error.orig if isinstance(error, StatementError) and error.orig is not None else error
    words = str(cause) or type(cause).__name__
    circumstance = isinstance(error, DBAPIError | DisconnectionError | PoolTimeout | OSError | TimeoutError)
    bad_row = isinstance(error, IntegrityError | DataError) or "binding parameter" in words
    if bad_row or not circumstance:
        return ProtocolError(f"The record store refused {doing}: {words}. This is a bug; please report it.")
    if isinstance(error, TimeoutError | PoolTimeout):
        words = "no answer in time"
    return RecordsUnreachable(
        f"The record store did not confirm {doing}: {words}. No calls are placed until it does. "
        "Check the disk's free space, the file's permissions and what else uses the database."
    )
