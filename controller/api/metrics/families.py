"""What the metrics of the modules beside this one are made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final, TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

PREFIX: Final = "campaign_controller_"
CAMPAIGN: Final = "campaign"

Samples: TypeAlias = Mapping[tuple[str, ...], float]
"""By the values of the labels."""


def gauge(name: str, about: str, labels: Sequence[str], samples: Samples) -> Metric:
    """What goes up and down."""
    return _filled(GaugeMetricFamily(PREFIX + name, about, labels=labels), samples)


def counter(name: str, about: str, labels: Sequence[str], samples: Samples) -> Metric:
    """What only grows, until the controller starts anew; ``_total`` is added to its name."""
    return _filled(CounterMetricFamily(PREFIX + name, about, labels=labels), samples)


def states(name: str, about: str, label: str, all_: type[Enum], now: Mapping[str, Enum | None]) -> Metric:
    """Which one of a few states each campaign is in: a sample for each of them, so that none vanishes.

    Args:
        name: of the metric.
        about: its help.
        label: what the states are called.
        all_: the states.
        now: the state of each campaign; None if it is in none of them.
    """
    samples: Samples = {(campaign, each.value): each is at for campaign, at in now.items() for each in all_}
    return gauge(name, f"{about} (1; the others are 0)", [CAMPAIGN, label], samples)


def _filled(metric: GaugeMetricFamily | CounterMetricFamily, samples: Samples) -> Metric:
    for values, sample in samples.items():
        metric.add_metric(values, sample)
    return metric
