"""Other dialers' rules against vectors computed by hand from their published behaviour."""

from __future__ import annotations

import math

import pytest

from controller.simulation.baselines import Brake, LevelSettings, Means, about_to_be_free, next_level

BUSY_DAY = {"calls_today": 400, "dropped_today": 3.4}


@pytest.mark.parametrize(
    ("level", "means", "settings", "new"),
    [
        (1.5, Means(ready=2, waiting=0, total=10), {}, 1.8),
        (1.5, Means(ready=2, waiting=0, total=10), {"intensity": 20}, 1.86),
        (2.0, Means(ready=0, waiting=1, total=10), {}, 1.8),
        (2.0, Means(ready=0, waiting=1, total=10), {"intensity": 20}, 1.84),
        (2.0, Means(ready=0, waiting=1, total=10), {"intensity": -20}, 1.76),
        (2.8, Means(ready=3, waiting=0, total=10), {}, 3.0),
        (2.0, Means(ready=1, waiting=0, total=10), {"target": -1}, 2.0),
        (2.4, Means(ready=1, waiting=0, total=12, **BUSY_DAY), {"brake": Brake.HARD_LIMIT}, 1.0),  # type: ignore[arg-type]
        (2.4, Means(ready=1, waiting=0, total=12, **BUSY_DAY), {"brake": Brake.AVERAGE}, 1.3),  # type: ignore[arg-type]
        (
            2.4,
            Means(ready=1, waiting=0, total=12, clock=1500, **BUSY_DAY),  # type: ignore[arg-type]
            {"brake": Brake.TAPERED},
            1.56,
        ),
        (2.4, Means(ready=1, waiting=0, total=12, calls_today=40, dropped_today=30), {}, 2.6),
        (2.6, Means(ready=0, waiting=4, total=12, calls_minute=30, dropped_minute=55), {}, 1.0),
    ],
)
def test_the_level_follows_the_published_rule(
    level: float, means: Means, settings: dict[str, object], new: float
) -> None:
    settings = {"brake": Brake.HARD_LIMIT} | settings
    assert next_level(level, means, LevelSettings(**settings)) == pytest.approx(new)  # type: ignore[arg-type]


def test_issabel_counts_only_conversations_three_and_a_half_times_the_mean() -> None:
    bound = math.log(1 / 0.03) * 60 - 8

    assert bound == pytest.approx(3.51 * 60 - 8, abs=1)
    assert about_to_be_free(bound + 1, 8, 60)
    assert not about_to_be_free(bound - 1, 8, 60)
