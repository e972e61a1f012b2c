from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.meter import Meter, Reading, Usage

TICKS = os.sysconf("SC_CLK_TCK")


def test_user_and_system_time_with_children_whatever_the_name(tmp_path: Path) -> None:
    folder = tmp_path / "7"
    folder.mkdir()
    ticks = [TICKS, 2 * TICKS, 3 * TICKS, 4 * TICKS]
    fields = ["S", *["0"] * 10, *map(str, ticks), "20", "0", "99"]
    (folder / "stat").write_text(f"7 (a) b (c) {' '.join(fields)}\n")
    # user nice system idle iowait irq softirq steal guest guest_nice
    columns = [1, 2, 3, 1000, 500, 4, 5, 6, 1, 2]
    (tmp_path / "stat").write_text(f"cpu  {' '.join(str(n * TICKS) for n in columns)}\ncpu0 1 2 3\n")
    reading = Meter({"it": 7}, tmp_path).read()
    assert reading.used == {"it": pytest.approx(10.0)}
    assert reading.machine == pytest.approx(1 + 2 + 3 + 4 + 5 + 6)


def test_a_process_of_this_machine() -> None:
    meter = Meter({"me": os.getpid()})
    before = meter.read()
    while os.times().user + os.times().system < before.used["me"] + 0.05:
        pass
    usage = Usage.between(before, meter.read())
    assert 0.03 <= usage.cpu["me"] < 1.0
    assert usage.machine > 0


def test_what_is_left_of_the_machine_are_others() -> None:
    before = Reading(10.0, {"pbx": 1.0, "client": 2.0}, 100.0)
    after = Reading(12.0, {"pbx": 2.0, "client": 2.5}, 102.5)
    assert Usage.between(before, after).cores() == {"pbx": 0.5, "client": 0.25, "others": 0.5}


def test_others_are_never_less_than_none() -> None:
    # The kernel does not bring both sums up to date in the same instant.
    before, after = Reading(0.0, {"pbx": 0.0}, 0.0), Reading(1.0, {"pbx": 1.0}, 0.99)
    assert Usage.between(before, after).cores()["others"] == 0.0
