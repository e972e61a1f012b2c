"""How the parts of the record store reach its database: the writer's transactions, and readers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, TypeVar

from sqlalchemy import Row, Select

from controller.store.records_database import Work

T = TypeVar("T")

PER_STATEMENT = 500
"""Values in one ``IN (...)`` at most: SQLite's older builds take 999 parameters."""


class _Write(Protocol):
    def __call__(self, work: Work[T], doing: str, timeout: float | None = None) -> Awaitable[T]: ...


class _Read(Protocol):
    def __call__(self, work: Work[T], doing: str, timeout: float | None = None) -> Awaitable[T]: ...


@dataclass(frozen=True, slots=True)
class Access:
    """Reading and writing, each within the store's timeout.

    Attributes:
        read: runs work that only reads.
        write: runs work in a transaction of the writer's; returns when it is durable.
        timeout: seconds that the store allows; long work is given more.
    """

    read: _Read
    write: _Write
    timeout: float

    async def rows(
        self, statement: Select[Any], doing: str, timeout: float | None = None
    ) -> Sequence[Row[Any]]:
        """What a query finds."""
        return await self.read(lambda connection: connection.execute(statement).all(), doing, timeout)


def chunks(values: Sequence[T], size: int = PER_STATEMENT) -> list[list[T]]:
    """A long list in pieces that fit into one statement."""
    remaining = iter(values)
    pieces: Callable[[], list[T]] = lambda: list(islice(remaining, size))  # noqa: E731
    return list(iter(pieces, []))
