"""What was measured, and what follows from it: sustained or not, ratios, the table, the JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import mean
from typing import Any, Literal

from rich import box
from rich.table import Table

from controller.domain.latency import Latency

Client = Literal["bare", "controller"]
Transport = Literal["http", "websocket"]

COMPARED_AT = 100.0
"""Calls per second at which CPU is compared."""
GOAL = 3.0
"""Times the bare client's CPU per call that the controller may use."""
P99_LIMIT = 0.020
"""Seconds from the answer to the command that 99 calls in 100 must stay below."""
_ENOUGH = 0.97
"""Part of the offered calls that must be answered within the window: the rest is the window's edges."""
_SATURATED = 0.9
"""Share of the machine from which it, and not the controller, is the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One client at one rate.

    Attributes:
        client: whose calls.
        transport: how its requests travel.
        rate: calls per second that were offered.
        seconds: length of the window in which all below was measured.
        answered: calls that callees answered in the window, by the callees' own record.
        cpu: CPU seconds the client used in the window.
        latency: answer to command.
        failures: whatever did not go as it has to; empty if all calls were as they should be.
        cores: CPU seconds per second, by process, and of everything else on the machine as `others`.
    """

    client: Client
    transport: Transport
    rate: float
    seconds: float
    answered: int
    cpu: float
    latency: Latency | None
    failures: Sequence[str] = ()
    cores: Mapping[str, float] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        """Answered calls per second."""
        return self.answered / self.seconds

    @property
    def cpu_per_call(self) -> float:
        """CPU milliseconds the client used for each answered call."""
        return self.cpu * 1000 / self.answered if self.answered else float("nan")

    @property
    def shortcomings(self) -> list[str]:
        """Why this rate is not sustained; empty if it is."""
        found = list(self.failures)
        if self.per_second < _ENOUGH * self.rate:
            found.append(f"only {self.per_second:.0f} answered calls/s")
        if self.latency is None:
            found.append("no latency measured")
        elif self.latency.p99 >= P99_LIMIT:
            found.append(f"p99 {self.latency.p99 * 1000:.1f} ms")
        return found

    @property
    def sustained(self) -> bool:
        """Whether the client keeps this rate up."""
        return not self.shortcomings


@dataclass(slots=True, kw_only=True)
class Results:
    """A whole run.

    Attributes:
        machine: what it ran on, in words.
        began: when, ISO 8601.
        cpus: processors of the machine.
        steps: in the order in which they were measured.
    """

    machine: str
    began: str
    cpus: int
    steps: list[Step] = field(default_factory=list)

    def of(self, client: Client, transport: Transport) -> list[Step]:
        """The steps of one client over one transport."""
        return [step for step in self.steps if step.client == client and step.transport == transport]

    def ratio(self, transport: Transport, bare: Transport | None = None) -> float | None:
        """CPU per call at 100 calls/s: the controller's by that of the bare client.

        Args:
            transport: the controller's.
            bare: the bare client's; the same unless given.
        """
        of_controller = self._compared("controller", transport)
        of_bare = self._compared("bare", bare or transport)
        return of_controller / of_bare if of_controller and of_bare else None

    def _compared(self, client: Client, transport: Transport) -> float | None:
        """CPU per call at the rate at which is compared, the mean of all steps there."""
        steps = [step for step in self.of(client, transport) if step.rate == COMPARED_AT and step.answered]
        return mean(step.cpu_per_call for step in steps) if steps else None

    def sustained(self, transport: Transport) -> float | None:
        """The highest rate that the controller kept up."""
        return max((s.rate for s in self.of("controller", transport) if s.sustained), default=None)

    def limit(self, transport: Transport) -> str:
        """What kept the controller from the next rate."""
        steps = self.of("controller", transport)
        kept = {step.rate for step in steps if step.sustained}
        missed = [step for step in steps if step.rate not in kept]
        if not missed:
            return "nothing, up to the highest rate tried"
        step = min(missed, key=lambda step: step.rate)
        busiest = sorted(step.cores.items(), key=lambda item: -item[1])
        share = sum(step.cores.values()) / self.cpus
        uses = ", ".join(f"{name} {cores:.2f}" for name, cores in busiest)
        verdict = "the machine is full" if share > _SATURATED else f"the machine is {share:.0%} busy"
        return f"at {step.rate:.0f}/s: {'; '.join(step.shortcomings)}; {verdict} (cores: {uses})"

    def summary(self) -> list[str]:
        """The answers, one a line."""
        lines = []
        for transport in transports(self.steps):
            ratio, rate = self.ratio(transport), self.sustained(transport)
            kept = f"{rate:.0f} answered calls/s" if rate else "no rate that was tried"
            lines.append(f"{transport}: sustains {kept} with p99 below {P99_LIMIT * 1000:.0f} ms")
            if ratio is not None:
                verdict = "goal met" if ratio <= GOAL else "goal missed"
                lines.append(
                    f"{transport}: {ratio:.2f} times the bare client's CPU per call "
                    f"at {COMPARED_AT:.0f} calls/s (goal: at most {GOAL:g}; {verdict})"
                )
            if transport != "http" and (ratio := self.ratio(transport, "http")) is not None:
                lines.append(f"{transport}: {ratio:.2f} times that of the bare client over HTTP")
            lines.append(f"{transport}: next limit: {self.limit(transport)}")
        return lines

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "began": self.began,
            "machine": self.machine,
            "cpus": self.cpus,
            "goal": GOAL,
            "p99_limit": P99_LIMIT,
            "transports": {
                transport: {
                    "cpu_ratio": self.ratio(transport),
                    "cpu_ratio_to_bare_http": self.ratio(transport, "http"),
                    "sustained": self.sustained(transport),
                    "limit": self.limit(transport),
                }
                for transport in transports(self.steps)
            },
            "steps": [
                asdict(step) | {"cpu_ms_per_call": step.cpu_per_call, "shortcomings": step.shortcomings}
                for step in self.steps
            ],
        }

    def table(self) -> Table:
        """For people."""
        names = list(dict.fromkeys(name for step in self.steps for name in step.cores))
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for header in (
            "client",
            "transport",
            "calls/s",
            "answered/s",
            "CPU ms/call",
            "p50 ms",
            "p99 ms",
            "max ms",
        ):
            table.add_column(header, justify="left" if header in ("client", "transport") else "right")
        for name in names:
            table.add_column(f"{name} cores", justify="right")
        table.add_column("")
        for step in self.steps:
            latency = step.latency
            times = (latency.p50, latency.p99, latency.max) if latency else (None, None, None)
            table.add_row(
                step.client,
                step.transport,
                f"{step.rate:.0f}",
                f"{step.per_second:.1f}",
                f"{step.cpu_per_call:.2f}",
                *("-" if seconds is None else f"{seconds * 1000:.1f}" for seconds in times),
                *(f"{step.cores[name]:.2f}" if name in step.cores else "-" for name in names),
                "; ".join(step.shortcomings) or "ok",
            )
        return table


def transports(steps: Sequence[Step]) -> list[Transport]:
    """Those that were measured, in order."""
    return list(dict.fromkeys(step.transport for step in steps))
