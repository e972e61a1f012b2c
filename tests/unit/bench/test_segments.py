from __future__ import annotations

import json

import pytest

from bench import segments
from bench.segments import DUE, FILTERS
from tests.contract import postgres


async def test_a_small_list_is_counted_on_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "programs", lambda: None)
    [measured] = await segments.measure(240)
    counts = {question.filter: question.count for question in measured.questions}
    assert list(counts) == list(FILTERS)
    assert counts["everybody"] == 240
    assert counts["attempts = 0"] == 160
    assert counts["last_outcome is busy"] == 20
    assert counts["disposition_kind is lead"] == 10
    assert 0 < counts["age between 18 and 35"] < 240
    assert {question.filter for question in measured.questions if question.due is not None} == set(DUE)
    assert any("province is MI" in line for line in segments.summary([measured]))
    assert json.loads(json.dumps(segments.as_dict([measured])))["SQLite"]["contacts"] == 240
