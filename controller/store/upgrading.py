"""Bringing a database of an older version up to date, and copying one; see docs/database.md.

Apart from the record store: this takes minutes where the store allows seconds, needs a connection of another
kind, and imports Alembic.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy import Connection, create_engine, event, inspect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from controller.errors import BadInput, ProtocolError, RecordsUnreachable
from controller.store.records_database import database_for, translated
from controller.store.schema import SCHEMA_VERSION
from controller.store.versions import (
    BASELINE,
    alembic_version,
    refusal,
    take_hold_of_tables,
    version_of,
)

log = structlog.get_logger(__name__)

T = TypeVar("T")

UPGRADE_TIMEOUT: Final = 3600.0
"""Seconds. A list of 10,000,000 contacts, the largest that was tried, takes minutes."""
_STATUS_TIMEOUT: Final = 10.0
_BUSY: Final = 30.0
"""Seconds to wait for another program's transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseStatus:
    """What is there.

    Attributes:
        where: the database, without a password.
        version: of its tables; None if it has none yet.
        needed: the version that this program works with.
        copies: of the file, made before upgrades, oldest first.
    """

    where: str
    version: int | None
    needed: int = SCHEMA_VERSION
    copies: tuple[Path, ...] = ()

    @property
    def current(self) -> bool:
        """Whether the database can be used as it is; a new one can."""
        return self.version in (None, self.needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgraded:
    """What an upgrade did.

    Attributes:
        before, after: schema versions; the same if there was nothing to do.
        copy: of the file as it was before; None if none was made.
    """

    before: int
    after: int
    copy: Path | None = None


async def status_of(url: str) -> DatabaseStatus:
    """Look at a database; nothing is made or changed.

    Raises:
        BadInput: the URL cannot be used.
        RecordsUnreachable: the database does not answer.
    """
    parsed = _checked(url)
    where = parsed.render_as_string(hide_password=True)
    if not _is_file(parsed):
        version = await _work(parsed, version_of, "a look at its version", _STATUS_TIMEOUT)
        return DatabaseStatus(where=where, version=version)
    path = _path(parsed)
    copies = tuple(sorted(path.parent.glob(f"{path.name}.version-*Z")))
    if not await asyncio.to_thread(path.exists):
        return DatabaseStatus(where=where, version=None, copies=copies)
    version = await _work(parsed, version_of, "a look at its version", _STATUS_TIMEOUT)
    return DatabaseStatus(where=where, version=version, copies=copies)


async def upgrade(url: str, *, copy: bool = True, timeout: float = UPGRADE_TIMEOUT) -> Upgraded:
    """Bring a database up to date, all or nothing; other programs wait meanwhile.

    Args:
        url: of the database.
        copy: of a SQLite file make a copy first, beside it: it is complete, personal data and all.
        timeout: seconds that it may take.

    Raises:
        BadInput: the URL cannot be used, or the database is of a version that cannot be upgraded.
        RecordsUnreachable: the database did not answer, or there is no place for the copy. Nothing changed.
    """
    parsed = _checked(url)
    saves = _path(parsed) if copy and _is_file(parsed) else None
    return await _work(parsed, lambda connection: _upgrade(connection, saves), "its upgrade", timeout)


async def upgrade_at_start(url: str, how: str) -> None:
    """What the controller does before it opens its database.

    Args:
        url: of the database.
        how: ``always``, ``never``, or ``auto``: a file of its own yes, a server that others may use too no.

    Raises:
        BadInput: the database is of a version that cannot be upgraded.
        RecordsUnreachable: the database did not answer. Nothing has changed.
    """
    if how == "never" or (how == "auto" and not _is_file(_checked(url))):
        return
    status = await status_of(url)
    if status.current:
        return
    log.info("upgrading the database", version=status.version, to=status.needed)
    done = await upgrade(url)
    log.info("database upgraded", version=done.after, copy=str(done.copy or ""))


async def back_up(url: str, to: Path) -> None:
    """Copy a SQLite file while it is in use.

    Raises:
        BadInput: the database is no file, or there is something at ``to``.
        RecordsUnreachable: it cannot be read or written.
    """
    parsed = _checked(url)
    if not _is_file(parsed):
        raise BadInput("records url", "names a PostgreSQL server, which copies itself", "pg_dump")
    path = _path(parsed)
    if not await asyncio.to_thread(path.exists):
        raise BadInput("records url", f"{path} is not there")
    await asyncio.to_thread(_copy, path, to)


def _upgrade(connection: Connection, saves: Path | None) -> Upgraded:
    take_hold_of_tables(connection)
    found = version_of(connection)
    if found is None:
        raise BadInput("records url", "the database has no tables yet; the program that opens it makes them")
    if found == SCHEMA_VERSION:  # another program was quicker, perhaps
        return Upgraded(before=found, after=found)
    if not BASELINE[0] <= found < SCHEMA_VERSION:
        raise refusal(found)
    if connection.dialect.name == "postgresql":
        # A table that somebody uses is waited for, but not for ever: everybody else waits behind us.
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(_BUSY * 1000)}")
    copied = None
    if saves is not None:
        copied = saves.with_name(f"{saves.name}.version-{found}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
        # We hold the lock, so nothing is written between the copy and the upgrade.
        _copy(saves, copied)
    from controller.store import migrations  # Alembic takes as long to import as all the rest of the program

    if not inspect(connection).has_table(alembic_version.name):
        migrations.stamp(connection, BASELINE[1])
    migrations.run(connection)
    after = version_of(connection)
    if after != SCHEMA_VERSION:
        raise ProtocolError(f"The migrations led to version {after}. This is a bug; please report it.")
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise ProtocolError("The migrations left rows that point nowhere. This is a bug; please report it.")
    return Upgraded(before=found, after=after, copy=copied)


def _copy(path: Path, to: Path) -> None:
    try:
        os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise BadInput(str(to), "is there already, and is not written over") from None
    except OSError as error:
        raise RecordsUnreachable(f"The copy {to} cannot be made: {error.strerror}.") from error
    try:
        # Both read and written by SQLite: what is in the write-ahead log is in the copy, and it is synced.
        with (
            closing(
                sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY)
            ) as source,
            closing(sqlite3.connect(to)) as target,
        ):
            source.backup(target)
    except sqlite3.Error as error:
        to.unlink(missing_ok=True)
        raise RecordsUnreachable(f"The copy {to} cannot be made: {error}.") from error


async def _work(url: URL, work: Callable[[Connection], T], doing: str, timeout: float) -> T:
    """Run work in a transaction of a connection that no rule of the store's hinders."""
    try:
        async with asyncio.timeout(timeout):
            if _is_file(url):
                return await asyncio.to_thread(_in_file, url, work)
            engine = create_async_engine(url, hide_parameters=True, poolclass=NullPool)
            async with engine.begin() as connection:
                return await connection.run_sync(work)
    except Exception as error:
        raise translated(error, doing) from error


def _in_file(url: URL, work: Callable[[Connection], T]) -> T:
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        hide_parameters=True,
        poolclass=NullPool,
        connect_args={"timeout": _BUSY},
    )
    event.listen(engine, "connect", _prepare)
    with engine.begin() as connection:
        return work(connection)


def _prepare(connection: Any, _record: object) -> None:
    # Foreign keys off: SQLite changes a table by making it anew under another name, and while the old one is
    # gone nothing may be checked. It is all checked before the commit.
    for pragma in ("foreign_keys=OFF", "synchronous=FULL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _checked(url: str) -> URL:
    database_for(url, 1.0)  # refuses what cannot be used
    parsed = make_url(url)
    if _is_file(parsed) and (parsed.database or "").startswith("file:"):
        raise BadInput("records url", "is a URI of SQLite's", "sqlite+aiosqlite:///path/to/file.db")
    return parsed


def _is_file(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _path(url: URL) -> Path:
    return Path(url.database or "")
