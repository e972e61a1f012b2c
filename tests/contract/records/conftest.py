"""Every store that has to obey the contract."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from controller.ports import Records
from controller.store.memory_records import MemoryRecords
from controller.store.records import SqlRecords

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


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def records(request: pytest.FixtureRequest) -> AsyncIterator[Records]:
    if request.param == "memory":
        yield MemoryRecords(profiles=PROFILES, number_key=KEY)
        return
    if request.param == "sqlite":
        url = request.getfixturevalue("url")
    else:
        url = await request.getfixturevalue("postgres").emptied()
    async with SqlRecords(url, timeout=10, linger=0.001, number_key=KEY, profiles=PROFILES) as sql:
        yield sql
