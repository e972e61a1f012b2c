"""``regulation list | show | check``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from controller.cli.root import app
from controller.law import PROFILES

Cli = Callable[..., Any]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The commands, with a directory of profiles of one's own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "laws").mkdir()
    Path("campaign-controller.toml").write_text(
        f'[controller]\nstate_dir = "{tmp_path}"\n[asterisk]\npassword = "x"\n'
        f'[regulation]\ndirectory = "{tmp_path / "laws"}"\n'
    )

    def run(*args: str) -> Any:
        return CliRunner(env={"COLUMNS": "300", "NO_COLOR": "1"}).invoke(app, ["regulation", *args])

    return run


def write(name: str, text: str) -> str:
    path = Path("laws") / f"{name}.toml"
    path.write_text(f'extends = "it-garante-2014"\n{text}')
    return str(path)


def test_the_list_has_the_shipped_ones_and_one_s_own(cli: Cli) -> None:
    write("ours", "leave_alone_days = 30\n")
    write("lab", 'hours = "always"\n[override]\nauthor = "me"\nreason = "a lab"\n')
    done = cli("list")
    assert done.exit_code == 0
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert rows.keys() >= {*PROFILES, "ours", "lab"}
    assert "superseded" in rows["uk-ofcom-2010"]
    assert "looser, by override" in rows["lab"]
    assert "in force" in rows["ours"]
    assert {row["name"] for row in json.loads(cli("list", "--json").stdout)} == {*PROFILES, "ours", "lab"}


def test_show_says_what_is_enforced_what_is_not_and_why(cli: Cli) -> None:
    text = cli("show", "it-garante-2014").stdout
    assert "enforced: at most 3 silent per 100 calls that reached an agent" in text
    assert "does not cover: whether a consent is valid" in text
    assert "stricter reading" in text
    shown = json.loads(cli("show", "it-garante-2014", "--json").stdout)
    assert shown["limits"][0]["share"] == "3/100"
    assert shown["sources"]["limits.day"]["sure"] == "single source"


def test_an_unknown_one_is_refused(cli: Cli) -> None:
    done = cli("show", "nowhere")
    assert done.exit_code == 2
    assert "there is no profile 'nowhere'" in done.stderr


def test_check_says_what_a_file_means(cli: Cli) -> None:
    done = cli("check", write("ours", "leave_alone_days = 30\n"))
    assert done.exit_code == 0, done.output
    assert "ours.toml can be used: it is not looser than it-garante-2014" in done.stdout
    assert "enforced: a number is left alone for 30 days" in done.stdout


def test_check_names_what_is_wrong_even_if_the_directory_is(cli: Cli) -> None:
    write("broken", "hours = 7\n")
    done = cli("check", write("loose", "leave_alone_days = 1\n"))
    assert done.exit_code == 2
    assert "loose.toml line 2: looser than it-garante-2014: leave_alone" in done.stderr
    assert cli("list").exit_code == 2
    assert cli("check", write("ours", "")).exit_code == 0
