from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from controller.errors import BadInput
from controller.simulation.scenario import Exponential, Fixed, LogNormal, Samples, Scenario, Shift, Uniform
from controller.simulation.scenario_file import load, parse

DAY = """
name = "Tuesday"
hours = 6
answer_rate = {drift = [[0, 0.2], [3, 0.4]]}
ring = {uniform = [2, 20]}
ring_timeout = 20
failing = 0.25
failing_after = 2
machine_share = 0.1
talk = {log_normal = [90, 0.8]}
wrap_up = {exponential = 12}
patience = {samples = [1, 2, 30]}
max_lines = 30
share = "1/100"
bank = 7

[[shifts]]
agents = 4
breaks = [[2, 2.25]]

[[shifts]]
agents = 2
from = 1
to = 5
"""


def test_all_of_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "day.toml"
    file.write_text(DAY)
    day = load(file)

    assert day.name == "Tuesday"
    assert day.shifts == (
        Shift(agents=4, breaks=((7200.0, 8100.0),)),
        Shift(agents=2, begins=3600.0, ends=18000.0),
    )
    assert day.answer_rate.at(1.5 * 3600) == pytest.approx(0.3)
    assert (day.ring, day.talk) == (Uniform(2, 20), LogNormal(90, 0.8))
    assert (day.wrap_up, day.failing_after, day.patience) == (Exponential(12), Fixed(2), Samples([1, 2, 30]))
    assert (day.hours, day.max_lines, day.bank, day.failing) == (6, 30, 7, 0.25)
    assert day.share == Fraction(1, 100)


def test_segments_are_read() -> None:
    warm, cold = parse(
        {
            "segments": [
                {"name": "warm", "answer_rate": 0.6, "share": {"jump": [[0, 1], [2, 0]]}, "talk": 40},
                {"name": "cold", "answer_rate": {"drift": [[0, 0], [2, 0.2]]}, "ring": {"uniform": [2, 9]}},
            ]
        }
    ).segments

    assert (warm.share.at(3600), warm.share.at(2 * 3600), cold.share.at(0)) == (1, 0, 1)
    assert (warm.answer_rate.at(0), cold.answer_rate.at(3600)) == (0.6, 0.1)
    assert (warm.ring, warm.talk, cold.ring, cold.talk) == (None, Fixed(40), Uniform(2, 9), None)


def test_what_is_not_said_is_as_usual() -> None:
    assert parse({}) == Scenario()
    assert math.isinf(Scenario().patience.mean)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"agnets": 3}, "agnets"),
        ({"hours": 0}, "hours"),
        ({"hours": True}, "hours"),
        ({"talk": {"gamma": 3}}, "talk"),
        ({"talk": {"uniform": [1]}}, "talk"),
        ({"ring": "long"}, "ring"),
        ({"answer_rate": 1.2}, "answer_rate"),
        ({"answer_rate": {"jump": [[2, 0.1], [1, 0.2]]}}, "answer_rate"),
        ({"shifts": []}, "shifts"),
        ({"shifts": [{"agents": 0}]}, "shifts[0].agents"),
        ({"shifts": [{"agents": 2, "until": 3}]}, "shifts[0].until"),
        ({"shifts": [{"agents": 2, "from": 4, "to": 3}]}, "shifts[0]"),
        ({"share": "3 per cent"}, "share"),
        ({"share": 1}, "share"),
        ({"segments": []}, "segments"),
        ({"segments": [{"answer_rate": 0.2}]}, "segments[0].name"),
        ({"segments": [{"name": "warm"}]}, "segments[0].answer_rate"),
        ({"segments": [{"name": "warm", "answer_rate": 2}]}, "segments[0].answer_rate"),
        ({"segments": [{"name": "warm", "answer_rate": 0.2, "rings": 3}]}, "segments[0].rings"),
        ({"segments": [{"name": "warm", "answer_rate": 0.2}] * 2}, "segments"),
        (
            {"segments": [{"name": "warm", "answer_rate": 0.2, "share": {"jump": [[0, 1], [2, 0]]}}]},
            "segments",
        ),
        ({"answer_rate": 0.2, "segments": [{"name": "warm", "answer_rate": 0.2}]}, "answer_rate"),
    ],
)
def test_what_is_not_allowed_is_refused_with_its_place(data: dict[str, Any], place: str) -> None:
    with pytest.raises(BadInput) as refusal:
        parse(data)
    assert refusal.value.place == place


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        load(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("hours = = 3")
    with pytest.raises(BadInput, match="TOML"):
        load(tmp_path / "bad.toml")
