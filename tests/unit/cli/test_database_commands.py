"""``database``: on real SQLite files, old and new."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from controller.app import run
from controller.config import load
from controller.errors import ControllerError
from controller.store.schema import SCHEMA_VERSION
from tests.contract.records.builders import KEY
from tests.unit.cli.conftest import Cli
from tests.unit.store.test_migrations import make_old


@pytest.fixture
def file(state_dir: Path) -> Path:
    return state_dir / "records.sqlite"


def copies(file: Path) -> list[Path]:
    return list(file.parent.glob("records.sqlite.version-2-*Z"))


def test_before_there_is_one(cli: Cli, file: Path) -> None:
    done = cli("database", "status")
    assert done.exit_code == 0
    assert "no tables yet" in done.stdout
    assert not file.exists()
    refused = cli("database", "upgrade")
    assert refused.exit_code == 2
    assert "no tables yet" in refused.stderr


def test_an_old_one_is_named_refused_and_upgraded(cli: Cli, file: Path) -> None:
    make_old(file)
    told = cli("database", "status")
    assert told.exit_code == 1
    assert f"schema version 2, this program needs {SCHEMA_VERSION}: campaign-controller" in told.stdout
    refused = cli("campaign", "list")
    assert refused.exit_code == 2
    assert "campaign-controller database upgrade" in refused.stderr

    done = cli("database", "upgrade")
    assert done.exit_code == 0, done.output
    (copy,) = copies(file)
    assert done.stdout == (f"as it was: {copy}\nupgraded from schema version 2 to {SCHEMA_VERSION}\n")
    assert "nothing to do" in cli("database", "upgrade").stdout
    found = json.loads(cli("database", "status", "--json").stdout)
    assert found == {
        "database": f"sqlite+aiosqlite:///{file}",
        "version": SCHEMA_VERSION,
        "needed": SCHEMA_VERSION,
        "current": True,
        "copies": [str(copy)],
    }
    assert f"  {copy}\n" in cli("database", "status").stdout


def test_upgraded_without_a_copy(cli: Cli, file: Path) -> None:
    make_old(file)
    assert cli("database", "upgrade", "--no-copy").exit_code == 0
    assert copies(file) == []


def test_copied(cli: Cli, file: Path, tmp_path: Path) -> None:
    make_old(file)
    assert cli("database", "backup", "copy.sqlite").exit_code == 0
    assert (tmp_path / "copy.sqlite").stat().st_size >= file.stat().st_size
    refused = cli("database", "backup", "copy.sqlite")
    assert refused.exit_code == 2
    assert "is there already" in refused.stderr


def test_the_controller_upgrades_when_it_starts(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_old(file)
    key = file.with_name("number.key")
    key.write_text(KEY.secret.hex() + "\n")
    key.chmod(0o600)
    # Nothing answers there: the start fails, after the database was opened.
    monkeypatch.setenv("CC_REDIS__URL", "redis://127.0.0.1:1/0")
    with pytest.raises(ControllerError, match="Redis"):
        asyncio.run(run(load(None)))
    assert len(copies(file)) == 1
