from __future__ import annotations

import functools
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import controller
from controller.cli.root import app
from tests.unit.api.operations import FakeOperations
from tests.unit.cli.fakes import Stores, served

Cli = Callable[..., Any]


_command = functools.cache(typer.main.get_command)


@pytest.fixture(autouse=True)
def made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Typer makes all our commands anew for each run of one, which takes longer than the run."""
    monkeypatch.setattr("typer.testing._get_command", _command)


@pytest.fixture
def state_dir() -> Iterator[Path]:
    # Not tmp_path: its name can be too long for a Unix socket.
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state_dir: Path) -> None:
    for name in os.environ:
        if name.startswith("CC_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    Path("campaign-controller.toml").write_text(
        f'[controller]\nstate_dir = "{state_dir}"\n[asterisk]\npassword = "hunter2"\n'
        '[[agents]]\nid = "1001"\nname = "Anna"\n[[agents]]\nid = "1002"\nname = "Bruno"\n'
    )


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Stores:
    """Stores in memory, in the place of the composition root and of the importer."""
    stores = Stores()
    root: Any = ModuleType("controller.app")
    root.open_records, root.open_ledger, root.run = stores.open_records, stores.open_ledger, stores.run
    importing: Any = ModuleType("controller.engine.importing")
    importing.import_contacts = stores.import_contacts
    monkeypatch.setitem(sys.modules, "controller.app", root)
    monkeypatch.setattr(controller, "app", root, raising=False)
    monkeypatch.setitem(sys.modules, "controller.engine.importing", importing)
    return stores


@pytest.fixture
def cli() -> Cli:
    """Run a command; standard output and standard error apart."""

    def run(*args: str) -> Any:
        return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, list(args))

    return run


@pytest.fixture
def operations(state_dir: Path) -> Iterator[FakeOperations]:
    """A running controller."""
    operations = FakeOperations()
    with served(operations, state_dir / "control.sock"):
        yield operations
