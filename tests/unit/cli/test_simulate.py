from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Cli

DAY = "hours = 0.2\nshifts = [{agents = 3}]\n"


def test_a_scenario_is_simulated_and_told(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "day.toml").write_text(DAY)
    done = cli("simulate", "day.toml", "--policy", "1:1", "--csv", "out.csv", "--chart", "out.svg")

    assert done.exit_code == 0, done.output
    assert "day: 3 agents, 0.2 h" in done.output
    assert "occupancy" in done.output
    assert (tmp_path / "out.csv").read_text().startswith("policy,agents,occupancy")
    assert (tmp_path / "out.svg").read_text().startswith("<svg")


def test_the_same_seed_gives_the_same_day(cli: Cli) -> None:
    def day(seed: str) -> Any:
        return json.loads(cli("simulate", "--hours", "0.2", "--agents", "2", "--seed", seed, "--json").stdout)

    assert day("1") == day("1")
    assert day("1")["results"] != day("2")["results"]
    assert [each["policy"] for each in day("1")["results"]] == ["ours", "1:1"]


@pytest.mark.parametrize(("more", "agents"), [("3", "6"), ("-1", "2"), ("0", "3")])
def test_what_more_agents_would_do(cli: Cli, tmp_path: Path, more: str, agents: str) -> None:
    (tmp_path / "day.toml").write_text(DAY)
    done = json.loads(
        cli("simulate", "day.toml", "--more-agents", more, "--policy", "ratio-2", "--json").stdout
    )

    assert done["results"][0]["agents"] == agents


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--policy", "magic"), "none named magic"),
        (("--policy", "ratio-x"), "such as ratio-1.5"),
        (("--more-agents", "-10"), "leaves nobody"),
        (("--from-campaign", "spring", "day.toml"), "one of the two"),
        (("missing.toml",), "cannot be read"),
        (("--hours", "0.01", "--csv", "no/such/place"), "cannot be written"),
    ],
)
def test_what_cannot_be_is_told(cli: Cli, arguments: tuple[str, ...], words: str) -> None:
    done = cli("simulate", *arguments)

    assert done.exit_code == 2, done.output
    assert words in done.output + done.stderr
