"""What a running controller tells Prometheus: its status, in the text format of metrics.

Nothing is counted here: each scrape reads the status as it stands, into a registry of its own. No metric has
a label whose values grow with the work (numbers, contacts, calls, agents): campaigns are as many as dial.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from controller.api.metrics.campaigns import campaign_metrics
from controller.api.metrics.pacing import pacing_metrics
from controller.api.metrics.whole import whole_metrics
from controller.ports import ControllerStatus

__all__ = ["CONTENT_TYPE", "StatusCollector", "exposition"]

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
"""Of the text format that every Prometheus reads."""


class StatusCollector(Collector):
    """Makes metrics of a status."""

    def __init__(self, status: ControllerStatus) -> None:
        """Nothing is made yet.

        Args:
            status: how things stand.
        """
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """All metrics; those of what there is none of have no samples."""
        yield from whole_metrics(self._status)
        yield from campaign_metrics(self._status.campaigns)
        yield from pacing_metrics(self._status.campaigns)


def exposition(status: ControllerStatus) -> bytes:
    """A status in the text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(StatusCollector(status))
    return generate_latest(registry)
