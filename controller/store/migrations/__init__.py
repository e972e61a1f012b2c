"""The migrations of the record store, run by the program itself; docs/database.md tells how one is added."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def settings(connection: Connection) -> Config:
    """What Alembic has to know to work on an open connection, inside the transaction that is under way."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def stamp(connection: Connection, revision: str) -> None:
    """Mark the database as having had the migrations up to this one."""
    command.stamp(settings(connection), revision)


def run(connection: Connection, revision: str = "head") -> None:
    """Run the migrations that the database has not had, up to this one."""
    command.upgrade(settings(connection), revision)
