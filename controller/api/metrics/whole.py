"""Metrics of the controller as a whole: its edges, its agents, how fast it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import HistogramMetricFamily, Metric

from controller import __version__
from controller.api.metrics.families import PREFIX, counter, gauge
from controller.domain.agent import AgentState
from controller.domain.latency import BOUNDS, Histogram
from controller.ports import ControllerStatus


def whole_metrics(status: ControllerStatus) -> Iterator[Metric]:
    """What there is to say of no campaign in particular."""
    yield gauge("build_info", "The program that runs.", ["version"], {(__version__,): 1})
    yield gauge(
        "edge_up",
        "Whether Asterisk, its events, Redis and the record store give confirmed answers (1). While one does "
        "not (0), no campaign places a call.",
        ["edge"],
        {(edge,): up for edge, up in status.edges.items()},
    )
    yield gauge(
        "unsettled_calls",
        "Ended calls whose outcome Redis or the record store has not confirmed yet. Meanwhile no campaign "
        "places a call.",
        [],
        {(): status.unsettled},
    )
    agents = Counter(agent.state for agent in status.agents)
    yield gauge(
        "agents",
        "Agents by what they do now. Reserved: free, and a ringing call counts on them.",
        ["state"],
        {(state.value,): agents[state] for state in AgentState},
    )
    yield counter(
        "agent_seconds",
        "Seconds that all agents together have spent, by what on. All of them together: logged in. "
        "Occupancy: talking and wrap-up, of all but paused.",
        ["state"],
        {(spent,): seconds for spent, seconds in status.spent.items()},
    )
    if status.answer_times is not None:
        yield _answer_times(status.answer_times)
    yield gauge(
        "queue_length",
        "What waits to be dealt with: events of Asterisk, requests of agents' phones.",
        ["queue"],
        {(queue.name,): queue.waiting for queue in status.queues},
    )
    yield counter(
        "queue_overflows",
        "How often a queue had no room. Asterisk is then asked how things stand; an agent has to dial again.",
        ["queue"],
        {(queue.name,): queue.overflows for queue in status.queues},
    )


def _answer_times(times: Histogram) -> Metric:
    metric = HistogramMetricFamily(
        PREFIX + "answer_to_command_seconds",
        "From the arrival of an answered call at Asterisk to our command to bridge it, where an agent was "
        "free.",
    )
    bounds = [*map(str, BOUNDS), "+Inf"]
    metric.add_metric([], list(zip(bounds, times.counts, strict=True)), times.total)
    return metric
