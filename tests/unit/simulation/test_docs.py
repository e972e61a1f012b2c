from __future__ import annotations

import re
import tomllib
from pathlib import Path

from controller.domain.pacing import Mode
from controller.simulation.scenario_file import parse

TEXT = (Path(__file__).parents[3] / "docs" / "pacing.md").read_text()


def test_the_scenario_shown_is_a_scenario() -> None:
    example, segments = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)

    day = parse(tomllib.loads(example))
    assert day.agents == 12
    assert day.answer_rate.at(5.5 * 3600) == 0.3
    assert [each.name for each in parse(tomllib.loads(segments)).segments] == ["shops", "homes"]


def test_every_mode_is_described() -> None:
    assert all(f"`{mode.value}`" in TEXT for mode in Mode)
