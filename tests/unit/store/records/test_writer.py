"""The writer's rules, on a database that does as the test says."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, OperationalError

from controller.errors import ProtocolError, RecordsUnreachable
from controller.store.record_writer import RecordWriter
from controller.store.records_database import Database, translated

NO_CONNECTION = cast(Connection, None)


class Fake(Database):
    """Keeps what is committed; can be held up or told to fail."""

    dialect = "fake"

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.pending: list[int] = []
        self.commits: list[list[int]] = []

    async def transact[T](self, work: Callable[[Connection], T], timeout: float) -> T:  # type: ignore[override]
        raise NotImplementedError

    async def read(self, work: Callable[[Connection], Any], timeout: float) -> Any:
        raise NotImplementedError

    async def close(self, timeout: float) -> None: ...
