from __future__ import annotations

import pytest

from controller.domain.latency import Latency, percentile


@pytest.mark.parametrize(
    ("percent", "count", "expected"), [(50, 1, 1), (99, 1, 1), (50, 100, 50), (99, 100, 99), (99, 101, 100)]
)
def test_percentiles_are_values_that_occurred(percent: int, count: int, expected: int) -> None:
    assert percentile([float(n) for n in range(1, count + 1)], percent) == expected


def test_a_summary_in_any_order() -> None:
    assert Latency.of([0.5, 0.01, 0.02]) == Latency(count=3, p50=0.02, p99=0.5, max=0.5)


def test_nothing_measured_is_no_summary() -> None:
    assert Latency.of([]) is None
