"""Databases of older versions: what becomes of them, and that it is what a new one is.

version_2/ holds what the program of schema version 2 itself wrote: a morning's calls, with their evidence.
"""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from controller import store
from controller.domain.ids import CallId, CampaignId
from controller.domain.outcome import Outcome
from controller.engine.verification import Verifier
from controller.errors import BadInput, RecordsUnreachable
from controller.store import migrations, upgrading, versions
from controller.store.schema import SCHEMA_VERSION, metadata
from controller.store.upgrading import Upgraded, back_up, status_of, upgrade, upgrade_at_start
from tests.contract.compliance.inspector import script
from tests.contract.conftest import postgres
from tests.contract.postgres import Postgres
from tests.contract.records.builders import SPRING, campaign, new_contact, sql
from tests.contract.records.conftest import directory, file, url

__all__ = ["directory", "file", "postgres", "url"]

OLD = Path(__file__).parent / "version_2"


def make_old(file: Path) -> None:
    """The database that the program of version 2 wrote."""
    with closing(sqlite3.connect(file)) as raw:
        raw.executescript((OLD / "sqlite.sql").read_text("utf-8"))
        raw.execute("PRAGMA journal_mode=WAL")


def with_connection(url: str, work: Callable[[Connection], Any]) -> Any:
    """Run work in a transaction as the upgrade does."""

    async def on_server() -> Any:
        engine = create_async_engine(url, poolclass=NullPool)
        async with engine.begin() as connection:
            return await connection.run_sync(work)

    if url.startswith("postgresql"):
        return asyncio.run(on_server())
    engine = create_engine(url.replace("+aiosqlite", ""), poolclass=NullPool)
    with engine.begin() as connection:
        return work(connection)


def layout(connection: Connection) -> dict[str, Any]:
    """Everything that the database itself knows about its tables."""
    seen = inspect(connection)
    found: dict[str, Any] = {}
    for name in sorted(seen.get_table_names()):
        columns = [
            (c["name"], str(c["type"]), c["nullable"], _default(c["default"]), c.get("comment"))
            for c in seen.get_columns(name)
        ]
        found[name] = {
            "columns": sorted(columns, key=str),
            "key": seen.get_pk_constraint(name)["constrained_columns"],
            "references": sorted(
                (f["constrained_columns"], f["referred_table"]) for f in seen.get_foreign_keys(name)
            ),
            "unique": sorted((str(u["name"]), u["column_names"]) for u in seen.get_unique_constraints(name)),
            "indexes": sorted(
                (i["name"], i["column_names"], bool(i["unique"]), _where(i)) for i in seen.get_indexes(name)
            ),
        }
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
        statements = {name: (kind, statement) for kind, name, statement in rows}
        found["triggers"] = {n: s for n, (kind, s) in statements.items() if kind == "trigger"}
        found["numbered"] = {n for n, (_, s) in statements.items() if "AUTOINCREMENT" in s}
    else:
        for what, query in {
            "triggers": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
            "functions": "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
            "sequences": "SELECT sequencename::text, max_value FROM pg_sequences",
        }.items():
            found[what] = dict(connection.execute(text(query)).all())
    return found


def _default(default: str | None) -> str | None:
    return None if default is None else {"0": "false", "1": "true"}.get(default, default)


def _where(index: Any) -> str:
    options = index.get("dialect_options", {})
    return str(options.get("sqlite_where", options.get("postgresql_where", "")))


def differences(connection: Connection) -> list[Any]:
    """What Alembic finds different from the ``Table`` objects, indexes and comments too."""
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, directory: Path) -> Callable[[str], str]:
    """Makes databases without tables; returns the URL."""
    if request.param == "sqlite":
        return lambda name: f"sqlite+aiosqlite:///{directory / name}.db"
    server: Postgres = request.getfixturevalue("postgres")
    return lambda name: asyncio.run(server.new_database(name))


@pytest.fixture
def old(database: Callable[[str], str], request: pytest.FixtureRequest, directory: Path) -> str:
    """The URL of a database of version 2, with a morning's calls."""
    url = database("old")
    if url.startswith("sqlite"):
        make_old(directory / "old.db")
        return url

    async def fill() -> None:
        connection = await request.getfixturevalue("postgres").connect("old")
        await connection.execute((OLD / "postgresql.sql").read_text("utf-8"))
        await connection.close()

    asyncio.run(fill())
    return url


# --- the same tables by both ways -------------------------------------------------------------------------


def test_migrations_lead_to_the_tables_that_a_new_database_has(database: Callable[[str], str]) -> None:
    migrated, made = database("migrated"), database("made")
    with_connection(migrated, migrations.run)
    with_connection(made, versions.make_tables)
    for each in (migrated, made):
        assert with_connection(each, differences) == []
        assert with_connection(each, versions.version_of) == SCHEMA_VERSION
    expected = with_connection(made, layout)
    assert expected["triggers"].keys() >= {"evidence_no_change"} or expected["triggers"].keys() >= {
        "evidence_no_update",
        "evidence_no_delete",
        "evidence_no_replace",
    }
    assert with_connection(migrated, layout) == expected

    def marks(connection: Connection) -> Any:
        return connection.execute(text("SELECT version_num FROM alembic_version")).all()

    assert with_connection(made, marks) == with_connection(migrated, marks) == [(versions.HEAD,)]


def test_the_old_program_wrote_what_the_first_migration_makes(
    old: str, database: Callable[[str], str]
) -> None:
    first = database("first")
    with_connection(first, lambda connection: migrations.run(connection, "0001"))
    expected = with_connection(first, layout)
    del expected["alembic_version"]
    assert with_connection(old, layout) == expected


def test_every_module_with_tables_is_known() -> None:
    folder = Path(store.__file__).parent
    assert {part.__name__.rpartition(".")[2] for part in versions.PARTS} == {
        path.stem for path in folder.glob("schema_*.py")
    }


def test_there_is_one_line_of_migrations_and_its_end_is_known() -> None:
    found = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert found.get_heads() == [versions.HEAD]
    assert found.get_bases() == [versions.BASELINE[1]]


# --- an old database --------------------------------------------------------------------------------------


async def test_refused_in_plain_words_until_it_is_upgraded(url: str, file: Path) -> None:
    make_old(file)
    with pytest.raises(BadInput, match=r"older schema version 2.*database upgrade"):
        await sql(url, timeout=10).open()
    await upgrade(url)
    async with sql(url, timeout=10) as records:
        await records.ping()


def rows_of(connection: Connection) -> dict[str, list[Any]]:
    """What is recorded, column by column, in tables that both versions have."""
    found = {}
    for name in (
        "campaigns",
        "contacts",
        "attempts",
        "opt_outs",
        "register_checks",
        "evidence",
        "evidence_head",
    ):
        rows = connection.execute(text(f"SELECT * FROM {name}")).mappings()
        found[name] = sorted((dict(row) for row in rows), key=str)
    return found


def test_everything_is_there_afterwards(old: str, database: Callable[[str], str]) -> None:
    before = with_connection(old, rows_of)
    assert asyncio.run(upgrade(old, copy=False)) == Upgraded(before=2, after=SCHEMA_VERSION)
    after = with_connection(old, rows_of)
    assert len(before["evidence"]) == 28
    for name, rows in before.items():
        columns = rows[0].keys()
        assert [{column: row[column] for column in columns} for row in after[name]] == rows
    assert with_connection(old, differences) == []
    made = database("made")
    with_connection(made, versions.make_tables)
    assert with_connection(old, layout) == with_connection(made, layout)


def test_it_is_used_afterwards_and_the_evidence_is_whole(old: str) -> None:
    asyncio.run(upgrade(old, copy=False))

    async def use() -> None:
        async with sql(old, timeout=10) as records:
            found = await Verifier(records.evidence, records).verify()
            assert (found.whole, found.head.seq) == (True, 28)
            call = await records.attempt(CallId("call-1"))
            assert call is not None
            assert (call.outcome, call.contact.others, call.contact.email) == (Outcome.SILENT, (), "")
            row = await records.campaign(SPRING)
            assert row is not None
            assert (row.campaign.caller, row.campaign.law.name) == ("acme", "lax")
            known = max(contact.contact.id for contact in await records.contacts(SPRING))
            await records.save_campaign(campaign("autumn"))
            await records.add_contacts(CampaignId("autumn"), [new_contact(1)])
            (new,) = await records.contacts(CampaignId("autumn"))
            assert new.contact.id == known + 1

    asyncio.run(use())


def test_the_evidence_still_cannot_be_changed(old: str) -> None:
    asyncio.run(upgrade(old, copy=False))
    for statement in ("UPDATE evidence SET body = '{}'", "DELETE FROM evidence WHERE seq = 1"):
        with pytest.raises(Exception, match="append-only"):
            with_connection(old, partial(Connection.execute, statement=text(statement)))


def test_an_upgrade_that_fails_changes_nothing(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = with_connection(old, layout)

    def run(connection: Connection) -> None:
        real(connection)
        raise OSError("the power is gone")

    real = migrations.run
    monkeypatch.setattr(migrations, "run", run)
    with pytest.raises(RecordsUnreachable, match="the power is gone"):
        asyncio.run(upgrade(old, copy=False))
    assert with_connection(old, layout) == before
    monkeypatch.undo()
    assert asyncio.run(upgrade(old, copy=False)).after == SCHEMA_VERSION


def test_tables_that_somebody_uses_are_not_waited_for_for_ever(
    old: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrading, "_BUSY", 0.3)

    async def meanwhile() -> None:
        if old.startswith("sqlite"):
            with closing(sqlite3.connect(old.partition("///")[2], isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                await upgrade(old, copy=False)
        other = await request.getfixturevalue("postgres").connect("old")
        try:
            async with other.transaction():
                await other.execute("LOCK TABLE contacts IN ACCESS SHARE MODE")
                await upgrade(old, copy=False)
        finally:
            await other.close()

    with pytest.raises(RecordsUnreachable, match="lock"):
        asyncio.run(meanwhile())
    assert with_connection(old, versions.version_of) == 2


def test_two_programs_upgrade_at_once(old: str) -> None:
    async def both() -> list[Upgraded]:
        return list(await asyncio.gather(*(upgrade(old, copy=False) for _ in range(3))))

    done = asyncio.run(both())
    assert sorted(each.before for each in done) == [2, SCHEMA_VERSION, SCHEMA_VERSION]
    assert with_connection(old, differences) == []


def test_two_programs_open_a_new_database_at_once(database: Callable[[str], str]) -> None:
    url = database("shared")

    async def opened() -> None:
        async with sql(url, timeout=10) as records:
            await records.ping()

    async def together() -> None:
        await asyncio.gather(*(opened() for _ in range(4)))

    asyncio.run(together())
    assert with_connection(url, versions.version_of) == SCHEMA_VERSION


@pytest.mark.parametrize(
    ("version", "words"), [(1, "older schema version 1"), (99, "newer schema version 99")]
)
async def test_what_this_program_does_not_know_is_left_alone(
    url: str, file: Path, version: int, words: str
) -> None:
    make_old(file)
    with closing(sqlite3.connect(file)) as raw, raw:
        raw.execute("UPDATE schema_version SET version = ?", [version])
    for refused in (sql(url, timeout=10).open(), upgrade(url)):
        with pytest.raises(BadInput, match=words):
            await refused
    assert (await status_of(url)).version == version
    assert (await status_of(url)).copies == ()


# --- copies -----------------------------------------------------------------------------------------------


async def test_a_copy_is_made_first(url: str, file: Path) -> None:
    make_old(file)
    done = await upgrade(url)
    assert done.copy is not None
    assert done.copy.name.startswith("records.db.version-2-")
    assert stat.S_IMODE(done.copy.stat().st_mode) == 0o600
    assert await status_of(f"sqlite+aiosqlite:///{done.copy}") == upgrading.DatabaseStatus(
        where=f"sqlite+aiosqlite:///{done.copy}", version=2
    )
    assert script(done.copy, "--sqlite").whole
    status = await status_of(url)
    assert (status.version, status.current, status.copies) == (SCHEMA_VERSION, True, (done.copy,))


async def test_without_room_for_the_copy_nothing_changes(url: str, file: Path, monkeypatch: Any) -> None:
    make_old(file)

    def full(path: Path, to: Path) -> None:
        raise RecordsUnreachable(f"The copy {to} cannot be made: no space left.")

    monkeypatch.setattr(upgrading, "_copy", full)
    with pytest.raises(RecordsUnreachable, match="no space left"):
        await upgrade(url)
    assert (await status_of(url)).version == 2


async def test_copied_while_it_is_in_use(url: str, directory: Path) -> None:
    to = directory / "copy.db"
    async with sql(url, timeout=10) as records:
        await records.save_campaign(campaign())
        await back_up(url, to)  # what it holds is in the write-ahead log still
        await records.save_campaign(campaign("later"))
        with pytest.raises(BadInput, match="is there already"):
            await back_up(url, to)
    async with sql(f"sqlite+aiosqlite:///{to}", timeout=10) as copy:
        assert [row.campaign.id for row in await copy.campaigns()] == [SPRING]


async def test_a_copy_that_cannot_be_made(url: str, directory: Path) -> None:
    with pytest.raises(BadInput, match="is not there"):
        await back_up(url, directory / "copy.db")
    async with sql(url, timeout=10):
        with pytest.raises(RecordsUnreachable, match="No such file"):
            await back_up(url, directory / "missing" / "copy.db")
    with pytest.raises(BadInput, match="pg_dump"):
        await back_up("postgresql+asyncpg://host/db", directory / "copy.db")


# --- at the controller's start ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "version"), [("auto", SCHEMA_VERSION), ("always", SCHEMA_VERSION), ("never", 2)]
)
async def test_a_file_is_upgraded_at_the_start(url: str, file: Path, how: str, version: int) -> None:
    make_old(file)
    await upgrade_at_start(url, how)
    assert (await status_of(url)).version == version
    assert len((await status_of(url)).copies) == (version != 2)
    await upgrade_at_start(url, how)
    assert len((await status_of(url)).copies) == (version != 2)


async def test_of_a_new_database_nothing_is_made(url: str, file: Path) -> None:
    await upgrade_at_start(url, "auto")
    assert not file.exists()  # noqa: ASYNC240
    assert (await status_of(url)).version is None
    with pytest.raises(BadInput, match="no tables yet"):
        await upgrade(url)


async def test_a_server_is_upgraded_only_if_it_shall_be() -> None:
    nobody = "postgresql+asyncpg://nobody:secret@127.0.0.1:1/none"
    await upgrade_at_start(nobody, "auto")  # does not even ask
    with pytest.raises(RecordsUnreachable) as raised:
        await upgrade_at_start(nobody, "always")
    assert "secret" not in str(raised.value)


def test_opening_an_up_to_date_database_does_not_import_alembic(directory: Path) -> None:
    program = f"""
import asyncio, sys
from controller.domain.privacy import NumberKey
from controller.store.records import SqlRecords
async def main():
    for _ in range(2):
        async with SqlRecords("sqlite+aiosqlite:///{directory}/new.db", number_key=NumberKey(bytes(32))):
            pass
asyncio.run(main())
print("alembic" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "False\n"
