"""Every store that has to obey the contract."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import make_url

from controller.ports import Records
from controller.store import records_base as records_module
from controller.store.memory_records import MemoryRecords
from controller.store.records import SqlRecords
from controller.store.records_database import ServerDatabase

from .builders import KEY, PROFILES


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """In memory where the system has that: a hundred tests with durable commits wait long for a busy disk."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with TemporaryDirectory(dir=memory) as name:
        yield Path(name)


@pytest.fixture
def file(directory: Path) -> Path:
    return directory / "records.db"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


@pytest.fixture(params=["memory", "sqlite", "async driver"])
async def records(
    request: pytest.FixtureRequest, url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Records]:
    if request.param == "memory":
        yield MemoryRecords(profiles=PROFILES, number_key=KEY)
        return
    if request.param == "async driver":
        # The way PostgreSQL is reached, on the one asynchronous driver that needs no server.
        monkeypatch.setattr(records_module, "database_for", _by_async_driver)
    async with SqlRecords(url, timeout=10, linger=0.001, number_key=KEY, profiles=PROFILES) as sql:
        yield sql


def _by_async_driver(url: str, timeout: float) -> ServerDatabase:
    database = ServerDatabase(make_url(url), timeout)

    def prepare(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA foreign_keys=ON")

    event.listen(database._engine.sync_engine, "connect", prepare)
    return database
