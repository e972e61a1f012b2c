"""``evidence verify | export | show``, and what an inspector does with the export."""

import asyncio
import json
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from controller.cli.root import app
from controller.config import Settings
from tests.contract.compliance.inspector import SCRIPT, a_morning, ours, script, script_places, tamper
from tests.contract.records.builders import KEY, PROFILES


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
    # The morning's campaign is under a law of the tests'.
    monkeypatch.setattr(Settings, "profiles", property(lambda self: PROFILES))
    (directory / "campaign-controller.toml").write_text(
        f'[controller]\nstate_dir = "{directory}"\n[asterisk]\npassword = "x"\n'
        f'[records]\nurl = "sqlite+aiosqlite:///{directory}/records.db"\n'
    )
    return directory


def cli(*args: str) -> Result:
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, ["evidence", *args])


def exported(here: Path) -> tuple[Path, list[dict[str, Any]]]:
    done = cli("export", "out.jsonl")
    assert done.exit_code == 0, done.output
    assert "28 entries written" in done.stderr
    file = here / "out.jsonl"
    return file, [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_verified(here: Path) -> None:
    found = ours(here / "records.db")
    done = cli("verify")
    assert done.exit_code == 0, done.output
    assert "28 entries, 7 attempts" in done.stdout
    assert f"\n{found.head.seq}:{found.head.hash}\n" in done.stdout
    assert "whole: nothing was changed" in done.stdout
    assert json.loads(cli("verify", "--json").stdout) == {
        "whole": True,
        "entries": 28,
        "attempts": 7,
        "head": f"{found.head.seq}:{found.head.hash}",
        "findings": [],
    }


def test_verified_against_what_was_noted(here: Path) -> None:
    head = ours(here / "records.db").head
    assert cli("verify", "--expect", f"{head.seq}:{head.hash.upper()}").exit_code == 0
    assert cli("verify", "--expect", f"{head.seq}:{'0' * 64}").exit_code == 1
    assert cli("verify", "--expect", f"{head.seq + 1}:{head.hash}").exit_code == 1


@pytest.mark.parametrize("noted", ["17", "x:" + "0" * 64, "17:abc", ":", "-1:" + "0" * 64, "17:" + "g" * 64])
def test_what_nobody_can_have_noted_is_refused(noted: str) -> None:
    done = cli("verify", "--expect", noted)
    assert done.exit_code == 2
    assert "--expect" in done.stderr
    assert "SEQ:HASH" in done.stderr


def test_what_was_tampered_with_is_named(here: Path) -> None:
    tamper(here / "records.db", ("UPDATE evidence SET body = CAST(x'7bff7d' AS TEXT) WHERE seq = 7", []))
    done = cli("verify")
    assert done.exit_code == 1
    assert "entry 7: its content" in done.stdout
    assert "NOT AS WRITTEN" in done.stdout
    found = json.loads(cli("verify", "--json").stdout)
    assert found["whole"] is False
    assert found["findings"][0]["place"] == "entry 7"
    file, _ = exported(here)
    assert script_places(script(file)) == ["entry 7"]
    assert cli("show").exit_code == 0  # also what is no text can be looked at


def test_an_export_is_whole_private_and_never_overwritten(here: Path) -> None:
    file, lines = exported(here)
    head = ours(here / "records.db").head
    assert lines[-1] == {"head": head.seq, "hash": head.hash}
    assert [line["seq"] for line in lines[:-1]] == list(range(1, 29))
    read = script(file, "--expect", f"{head.seq}:{head.hash}")
    assert read.whole
    assert read.end == f"{head.seq}:{head.hash}"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    refused = cli("export", "out.jsonl")
    assert refused.exit_code != 0
    assert "is there already" in refused.stderr
    assert file.read_bytes() == before
    assert cli("export", "-").stdout.encode() == before


def test_an_export_that_was_changed(here: Path) -> None:
    file, lines = exported(here)
    rows = file.read_text("utf-8").splitlines(keepends=True)

    def read(changed: list[str]) -> list[str]:
        (here / "changed.jsonl").write_text("".join(changed))
        return script_places(script(here / "changed.jsonl"))

    assert read(rows) == []
    assert read(rows[:4] + rows[5:]) == ["entry 6"]
    assert read(rows[:-2] + rows[-1:]) == ["end"]
    assert read(rows[:-1]) == ["end"]
    assert read([rows[-1]]) == ["end"]
    assert read([rows[1], rows[0], *rows[2:]]) == ["entry 2", "entry 1", "entry 3"]
    assert read([rows[0], *rows])[0] == "entry 1"
    edited = json.dumps(lines[9] | {"body": lines[9]["body"] + " "}) + "\n"
    assert read([*rows[:9], edited, *rows[10:]]) == ["entry 10"]


@pytest.mark.parametrize("text", ["", "not JSON\n", "[1]\n", "7\n", '{"seq": 1}\n'])
def test_a_file_that_is_no_export(here: Path, text: str) -> None:
    file = here / "other.jsonl"
    file.write_text(text)
    done = subprocess.run([sys.executable, "-I", SCRIPT, file], capture_output=True, text=True, check=False)
    assert done.returncode == (2 if text else 1)
    assert "line 1 is no entry" in done.stderr if text else "end: is missing" in done.stdout


def test_entries_are_shown(here: Path) -> None:
    def shown(*options: str) -> list[dict[str, Any]]:
        done = cli("show", "--json", *options)
        assert done.exit_code == 0, done.output
        return list(json.loads(done.stdout))

    assert len(shown()) == 28
    assert len(shown("--limit", "5")) == 5
    assert [entry["kind"] for entry in shown("--call", "call-1")] == ["attempt", "answer", "noise", "hang-up"]
    assert {entry["campaign"] for entry in shown("--campaign", "spring")} == {"spring"}
    number = "+393470000002"
    kinds = [entry["kind"] for entry in shown("--number", number)]
    assert kinds == ["attempt", "hang-up", "register", "erasure"]
    assert number not in cli("show", "--number", number).stdout
    table = cli("show", "--call", "call-1").stdout
    assert "2026-03-02 11:00:00.123456" in table
    assert "no such entry" in cli("show", "--call", "nobody").stdout
