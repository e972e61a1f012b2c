"""Every store of tokens that has to obey the contract, on the databases of the records."""

from dataclasses import dataclass

import pytest

from controller.ports import Records
from controller.ports.tokens import Answers, Tokens
from controller.store.memory_tokens import MemoryAnswers, MemoryTokens
from controller.store.records import SqlRecords
from tests.contract.records.conftest import directory, file, records, url

__all__ = ["directory", "file", "records", "url"]


@dataclass(frozen=True)
class Subject:
    """What the API keeps."""

    tokens: Tokens
    answers: Answers


@pytest.fixture
def subject(records: Records) -> Subject:
    if isinstance(records, SqlRecords):
        return Subject(records.tokens, records.answers)
    return Subject(MemoryTokens(), MemoryAnswers())
