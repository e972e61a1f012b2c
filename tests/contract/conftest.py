"""The PostgreSQL server that contract tests share, one for each process that runs tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.postgres import Postgres, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running() as server:
        yield server


@pytest.fixture
async def postgres_url(postgres: Postgres) -> str:
    """Of a database in which nothing is recorded."""
    return await postgres.emptied()
