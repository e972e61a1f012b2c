"""``evidence verify | export | show``, and what an inspector does with the export."""

import asyncio
import json
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from controller.cli.root import app
from tests.contract.compliance.inspector import a_morning, ours, script, script_places, tamper
from tests.contract.records.builders import KEY


@pytest.fixture(scope="module")
def morning() -> Iterator[Path]:
    with TemporaryDirectory() as directory:
        file = Path(directory) / "morning.db"
        asyncio.run(a_morning(file))
        yield file


@pytest.fixture(autouse=True)
def here(morning: Path, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a configuration, the morning's record store and its key."""
    monkeypatch.chdir(directory)
    shutil.copy(morning, directory / "records.db")
    key = directory / "number.key"
    key.write_text(KEY.secret.hex() + "\n")
    key.chmod(0o600)
    # The morning's campaign is under a law of the tests.
    laws = directory / "laws"
    laws.mkdir()
    (directory / "campaign-controller.toml").write_text(
        f'[controller]\nstate_dir = "{directory}"\n[asterisk]\npassword = "x"\n'
        f'[records]\nurl = "sqlite+aiosqlite:///{directory}/records.db"\n'
    )
    return directory


def cli(*args: str) -> Result:
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, ["evidence", *args])
