"""A private PostgreSQL server for the tests: own directory, own socket, nothing on the network.

Its programs come from PATH or from where Debian puts them. `python -m tests.contract.postgres` says whether
they are there, and as root on Debian or Ubuntu installs them. The server refuses to run as root: where the
tests do, it runs as ``nobody``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import asyncpg

from controller.domain.evidence import GENESIS
from lab.errors import LabError
from lab.processes import Process

_DEBIAN: Final = Path("/usr/lib/postgresql")
_NOBODY: Final = "nobody"
_OWNER: Final = "records"
_READY: Final = 20.0
_INITDB: Final = 60.0
_SETTINGS: Final = {
    # What is lost with the machine is only a test's.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "shared_buffers": "32MB",
    "max_connections": "50",
    "autovacuum": "off",
    "jit": "off",
    # In its own directory, so that nothing outlives it.
    "dynamic_shared_memory_type": "mmap",
}

# Deleting few rows is ten times as quick as truncating all tables. As a replica the server minds no triggers.
_EMPTY: Final = f"""
SET session_replication_role = replica;
DO $$
DECLARE
    name text;
    filled boolean;
BEGIN
    FOR name IN SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'
        AND tablename NOT IN ('schema_version', 'alembic_version', 'heartbeat', 'evidence_head')
    LOOP
        EXECUTE 'SELECT EXISTS (SELECT FROM ' || name || ')' INTO filled;
        IF filled THEN
            EXECUTE 'DELETE FROM ' || name;
        END IF;
    END LOOP;
    FOR name IN SELECT quote_ident(sequencename) FROM pg_sequences WHERE last_value IS NOT NULL
    LOOP
        EXECUTE 'ALTER SEQUENCE ' || name || ' RESTART';
    END LOOP;
    IF to_regclass('evidence_head') IS NOT NULL THEN
        UPDATE evidence_head SET seq = 0, hash = '{GENESIS.hex()}';
    END IF;
END $$;
"""


def programs() -> Path | None:
    """The directory of PostgreSQL's programs; None if there is none."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3].partition(".")[0]))
    return versions[-1].parent if versions else None


def install() -> Path:
    """The programs, installed if they are missing.

    Raises:
        LabError: They are missing, and cannot be installed here.
    """
    if found := programs():
        return found
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
    # Debian would start a server at once; none is wanted but the tests' own.
    install += ["-o", "Dpkg::Options::=--force-confold", "postgresql"]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise LabError("the tests on PostgreSQL need its programs; run: sudo apt-get install -y postgresql")
    print("installing postgresql", file=sys.stderr)
    setting = Path("/etc/postgresql-common/createcluster.conf")
    if not setting.exists():
        setting.parent.mkdir(parents=True, exist_ok=True)
        setting.write_text("create_main_cluster = false\n")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for argv in (["apt-get", "update", "-qq"], install):
        subprocess.run(argv, env=env, stdout=sys.stderr, timeout=900, check=False)
    if found := programs():
        return found
    raise LabError("postgresql could not be installed: " + " ".join(install))


class Postgres:
    """A server in a directory of its own, which is gone with it."""

    def __init__(self, programs: Path, root: Path) -> None:
        self._programs = programs
        self._root = root
        self._data = root / "data"
        # Not by a change of user after the fork: the kernel would forget with whom the server has to die.
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            owner = pwd.getpwnam(_NOBODY)
            os.chown(root, owner.pw_uid, owner.pw_gid)
            self._as_user = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}"]
            self._as_user += ["--clear-groups", "--pdeathsig=SIGKILL", "--"]
        options = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        server = [str(programs / "postgres"), "-D", str(self._data), "-k", str(root), *options]
        self._process = Process("postgres", [*self._as_user, *server], root / "postgres.log")

    def start(self) -> None:
        """Make the cluster, start the server, wait until it serves.

        Raises:
            LabError: It cannot be started; the message holds what it said.
        """
        initdb = [str(self._programs / "initdb"), "-D", str(self._data), "-U", _OWNER, "-A", "trust"]
        initdb += ["-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        done = subprocess.run(
            [*self._as_user, *initdb],
            cwd="/",
            capture_output=True,
            text=True,
            timeout=_INITDB,
            check=False,
        )
        if done.returncode != 0:
            raise LabError(f"initdb failed: {done.stderr[-2000:]}")
        self._process.start()
        self._process.wait_ready(self._ready, _READY)

    def _ready(self) -> bool:
        status = self._data / "postmaster.pid"
        return status.exists() and "ready" in status.read_text()

    def stop(self) -> None:
        """End it at once, whoever is connected."""
        if self._process.alive:
            os.kill(self._process.pid, signal.SIGQUIT)
        self._process.stop()

    def url(self, database: str = "postgres") -> str:
        """Of a database, as the record store wants it."""
        return f"postgresql+asyncpg://{_OWNER}@/{database}?host={self._root}"

    async def connect(self, database: str = "postgres") -> asyncpg.Connection:
        """A connection to look at a database with."""
        return await asyncpg.connect(host=str(self._root), user=_OWNER, database=database)

    async def emptied(self) -> str:
        """The URL of a database whose tables, if it has them, are as if they had just been made."""
        connection = await self.connect()
        try:
            await connection.execute(_EMPTY)
        finally:
            await connection.close()
        return self.url()

    async def new_database(self, database: str) -> str:
        """Make a database without anything in it, in the place of one of the same name; returns its URL."""
        connection = await self.connect()
        try:
            await connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
            await connection.execute(f"CREATE DATABASE {database}")
        finally:
            await connection.close()
        return self.url(database)


@contextmanager
def running() -> Iterator[Postgres]:
    """A server, while entered. In memory where the system has that.

    Raises:
        LabError: There is no PostgreSQL here.
    """
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="pg-", dir=memory) as folder:
        server = Postgres(install(), Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop()


if __name__ == "__main__":
    try:
        print(f"PostgreSQL from {install()}")
    except LabError as error:
        sys.exit(f"tests: {error}")
