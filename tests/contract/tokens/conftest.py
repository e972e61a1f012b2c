"""Every store of tokens that has to obey the contract, on the databases of the records."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from controller.ports.tokens import Answers, Tokens
from controller.store.memory_tokens import MemoryAnswers, MemoryTokens
from controller.store.records import SqlRecords
from tests.contract.records.builders import sql
from tests.contract.records.conftest import directory, file, url

__all__ = ["directory", "file", "url"]


@dataclass(frozen=True)
class Subject:
    """What the API keeps."""

    tokens: Tokens
    answers: Answers
    records: SqlRecords | None = None


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    if request.param == "memory":
        yield Subject(MemoryTokens(), MemoryAnswers())
        return
    if request.param == "sqlite":
        url = request.getfixturevalue("url")
    else:
        url = await request.getfixturevalue("postgres").emptied()
    async with sql(url, linger=0.001) as records:
        yield Subject(records.tokens, records.answers, records)
