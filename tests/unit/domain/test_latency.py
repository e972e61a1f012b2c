from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.latency import BOUNDS, Durations, Latency, percentile


@pytest.mark.parametrize(
    ("percent", "count", "expected"), [(50, 1, 1), (99, 1, 1), (50, 100, 50), (99, 100, 99), (99, 101, 100)]
)
def test_percentiles_are_values_that_occurred(percent: int, count: int, expected: int) -> None:
    assert percentile([float(n) for n in range(1, count + 1)], percent) == expected


def test_a_summary_in_any_order() -> None:
    assert Latency.of([0.5, 0.01, 0.02]) == Latency(count=3, p50=0.02, p99=0.5, max=0.5)


def test_nothing_measured_is_no_summary() -> None:
    assert Latency.of([]) is None


@given(st.lists(st.floats(-1, 10)))
def test_a_histogram_counts_what_is_not_longer_than_each_bound(seconds: list[float]) -> None:
    durations = Durations(kept=3)
    for each in seconds:
        durations.append(each)

    histogram = durations.histogram
    assert list(histogram.counts) == [sum(each <= bound for each in seconds) for bound in (*BOUNDS, inf)]
    assert histogram.total == pytest.approx(sum(max(0.0, each) for each in seconds))
    assert list(durations) == seconds[-3:]
