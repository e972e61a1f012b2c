"""What all parts of the record store share: its database, its writer, its opening and closing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import (
    Connection,
    Row,
    Select,
    update,
)

from controller.domain.privacy import NumberKey
from controller.domain.regulation import Regulation
from controller.law import PROFILES
from controller.store.access import Access
from controller.store.attempt_rows import (
    AttemptRow,
)
from controller.store.contact_edits import SqlContactEdits
from controller.store.evidence import SqlEvidence
from controller.store.lists import SqlLists
from controller.store.outward import sql_outward
from controller.store.people import SqlPeople
from controller.store.record_statements import attempt_statements
from controller.store.record_writer import RecordWriter
from controller.store.records_database import Work, database_for, translated
from controller.store.schema import (
    check_number_key,
    heartbeat,
)
from controller.store.segments import SqlSegments
from controller.store.tokens import SqlAnswers, SqlTokens
from controller.store.versions import make_tables
from controller.store.work import SqlWork

T = TypeVar("T")


class RecordsBase:
    """A store that is open or closed; see SqlRecords for how it is used.

    Attributes:
        lists, evidence, people: the ports of compliance, on the same database.
        outward: leads, follow-ups, intake, outbox and webhooks, likewise.
        tokens, answers, contact_edits: the ports of the REST API, likewise.
        segments: saved filters of contacts, likewise.
        work: what agents do with their calls, likewise.
    """

    def __init__(
        self,
        url: str,
        timeout: float = 2.0,
        *,
        number_key: NumberKey,
        controller_id: str = "main",
        linger: float = 0.04,
        profiles: Mapping[str, Regulation] = PROFILES,
    ) -> None:
        """Describe the store.

        Args:
            url: of the database, as ``sqlite+aiosqlite:///path`` or ``postgresql+asyncpg://...``.
            timeout: seconds until a call gives up.
            number_key: under which people are recorded.
            controller_id: whose calls these are; several controllers may share a database.
            linger: seconds an attempt waits for others to share its commit with.
            profiles: regulation profiles by name.

        Raises:
            BadInput: the URL cannot be used.
        """
        self._timeout = timeout
        self._profiles = profiles
        self._database = database_for(url, timeout)
        statements = attempt_statements(self._database.dialect)
        self._writer: RecordWriter[AttemptRow] = RecordWriter(
            self._database, statements.store, timeout=timeout, linger=linger
        )
        self._key = number_key
        self._controller = controller_id
        access = Access(self._read, self._writer.run, timeout)
        self.lists = SqlLists(access, number_key, self._database.dialect)
        self.evidence = SqlEvidence(access)
        self.people = SqlPeople(access, number_key, self._database.dialect)
        self.outward = sql_outward(access, self._database.dialect)
        self.work = SqlWork(access)
        self.tokens = SqlTokens(access, self._database.dialect)
        self.answers = SqlAnswers(access, self._database.dialect)
        self.contact_edits = SqlContactEdits(access)
        self.segments = SqlSegments(access, self._database.dialect)

    async def open(self) -> None:
        """Make the tables if they are missing and start the writer.

        Raises:
            BadInput: the database belongs to another version of the program.
        """
        self._writer.start()
        try:
            await self._database.open()
            await self._writer.run(make_tables, "its opening")
            await self._writer.run(lambda c: check_number_key(c, self._key), "its opening")
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Write what has been handed in, then close every connection."""
        await self._writer.close()
        await self._database.close(self._timeout)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _read(self, work: Work[T], doing: str, timeout: float | None = None) -> T:
        try:
            return await self._database.read(work, timeout or self._timeout)
        except Exception as error:
            raise translated(error, doing) from error

    async def _rows(self, statement: Select[Any], doing: str) -> Sequence[Row[Any]]:
        return await self._read(lambda connection: connection.execute(statement).all(), doing)

    async def ping(self) -> None:
        """Raise RecordsUnreachable unless the store takes writes."""

        def beat(connection: Connection) -> None:
            connection.execute(update(heartbeat).values(beats=heartbeat.c.beats + 1))

        await self._writer.run(beat, "a test write")
