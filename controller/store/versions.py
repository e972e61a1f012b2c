"""Which version of the tables a database has; making the tables in a new database.

What the tables are is told twice: by the ``Table`` objects (schema, schema_*) and, step by step, by the
migrations (migrations/versions). A test proves that both ways lead to the same tables, on SQLite and on
PostgreSQL, so a new database is made in the quicker way: from the ``Table`` objects, and marked as having had
every migration. By the migrations it takes several times as long, and the tests make thousands.

Opening a database asks for its version and nothing more: the migrations, and Alembic, are imported by
``upgrading`` when there is something to upgrade.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    Table,
    Text,
    create_mock_engine,
    inspect,
    select,
    text,
)
from sqlalchemy.schema import ExecutableDDLElement

from controller.domain.evidence import GENESIS
from controller.errors import BadInput
from controller.store import schema_api, schema_imports, schema_leads, schema_segments, schema_work
from controller.store.schema import (
    APPEND_ONLY,
    SCHEMA_VERSION,
    evidence_head,
    heartbeat,
    metadata,
    schema_version,
)

HEAD: Final = "0006"
"""The last migration. It leads to ``SCHEMA_VERSION``."""

BASELINE: Final = (2, "0001")
"""The version that databases had before there were migrations, and the migration that stands for it."""

PARTS: Final = (schema_api, schema_imports, schema_leads, schema_segments, schema_work)
"""Every module with tables beside ``schema``: tables that are not imported would not be made."""

alembic_version = Table("alembic_version", MetaData(), Column("version_num", Text, nullable=False))
"""Alembic's own table, as far as it concerns us."""

_MAKE_ALEMBIC_VERSION: Final = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
_LOCK: Final = 0x63632D7461626C65
"""Name of the advisory lock in PostgreSQL under which tables are made and changed."""


def version_of(connection: Connection) -> int | None:
    """The schema version of a database; None if it has no tables of ours."""
    if not inspect(connection).has_table(schema_version.name):
        return None
    return connection.scalar(select(schema_version.c.version)) or 0


def take_hold_of_tables(connection: Connection) -> None:
    """Wait until no other program makes or changes the tables, and keep others out until the commit."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def make_tables(connection: Connection) -> None:
    """Make the tables in a database that has none.

    Raises:
        BadInput: the tables are of another version than this program's.
    """
    found = version_of(connection)
    if found is None:
        # Two programs may open a new database at once; the second waits here and then finds the tables made.
        take_hold_of_tables(connection)
        found = version_of(connection)
    if found is None:
        _make(connection)
    elif found != SCHEMA_VERSION:
        raise refusal(found)


def refusal(found: int) -> BadInput:
    """Why a database of this version is not opened, and what to do."""
    problem = f"the database has the {{}} schema version {found}, this program needs {SCHEMA_VERSION}; {{}}"
    if found > SCHEMA_VERSION:
        remedy = "use the version of the program that made it, or another database"
        return BadInput("records url", problem.format("newer", remedy))
    if found < BASELINE[0]:
        remedy = f"open it with a version of the program that knows {BASELINE[0]}, or use another database"
        return BadInput("records url", problem.format("older", remedy))
    remedy = "bring it up to date: campaign-controller database upgrade (docs/database.md)"
    return BadInput("records url", problem.format("older", remedy))


@cache
def _statements(dialect: str) -> tuple[str, ...]:
    """What makes the tables and their first rows: written out once, which takes as long as executing it."""
    written: list[str] = []

    def write(statement: ExecutableDDLElement, *_: object, **__: object) -> None:
        written.append(str(statement.compile(dialect=engine.dialect)))

    engine = create_mock_engine(f"{dialect}://", write)
    metadata.create_all(engine, checkfirst=False)
    rows = (
        alembic_version.insert().values(version_num=HEAD),
        schema_version.insert().values(version=SCHEMA_VERSION),
        heartbeat.insert().values(id=1, beats=0),
        evidence_head.insert().values(id=1, seq=0, hash=GENESIS.hex()),
    )
    first_rows = [
        str(row.compile(dialect=engine.dialect, compile_kwargs={"literal_binds": True})) for row in rows
    ]
    return (*written, _MAKE_ALEMBIC_VERSION, *APPEND_ONLY.get(dialect, ()), *first_rows)


def _make(connection: Connection) -> None:
    for statement in _statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
