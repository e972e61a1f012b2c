"""What a run on the real lab came to, beside what the simulator says of the same day. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from statistics import fmean, pstdev
from typing import Any, Final

from controller.domain.agent import AgentState
from controller.domain.ids import AgentId
from controller.domain.latency import Latency
from controller.simulation.record import Record
from lab.demo.judgement import Attempt
from lab.evidence import CalleeCall

TOLERANCE: Final = 0.05
"""Occupancy by which simulator and lab may differ (5 points)."""
WAITED: Final = 0.1
"""Seconds from answer to agent beyond which a callee had waited; else it takes 0.02 to 0.05 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The stretch that is looked at. Times in seconds since the epoch.

    Attributes:
        wrap_up: seconds that an agent needs after each conversation.
    """

    began: float
    ended: float
    agents: int
    wrap_up: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.ended - self.began

    def occupied(self, conversations: Iterable[tuple[float, float | None]]) -> float:
        """Occupancy by conversations: their time and the wrap-ups', over the agents' time.

        Args:
            conversations: when each began and ended; None: it goes on.
        """
        total = 0.0
        for began, ended in conversations:
            until = self.ended if ended is None else min(self.ended, ended + self.wrap_up)
            total += max(0.0, until - max(self.began, began))
        return total / (self.agents * self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One run, simulated or real. Times in seconds.

    Attributes:
        occupancy: conversation and wrap-up over the time agents were there.
        placed: calls dialed.
        answered: of these.
        successes: of these, which reached an agent.
        rescued: of these, which waited for their agent.
        silent: answered calls that reached none.
        taken_back: calls whose ringing we ended.
        idle_p50, idle_p90: how long an agent was free between two calls.
    """

    occupancy: float
    placed: float
    answered: float
    successes: float
    rescued: float
    silent: float
    taken_back: float
    idle_p50: float
    idle_p90: float

    @classmethod
    def simulated(cls, record: Record) -> Figures:
        """Of a run of the simulator."""
        return cls(
            occupancy=record.occupancy,
            placed=record.placed,
            answered=record.answered,
            successes=record.successes,
            rescued=record.rescued,
            silent=record.silent,
            taken_back=record.cancelled,
            idle_p50=record.wait(0.5),
            idle_p90=record.wait(0.9),
        )

    @classmethod
    def heard(cls, calls: Sequence[CalleeCall], window: Window, states: Record, taken_back: int) -> Figures:
        """Of a run on the lab, by the callees' phones; only the agents' idle times are the controller's word.

        Args:
            calls: as the callees saw them, and what their recordings hold.
            window: what is looked at.
            states: the agents' states, as `follow` made it.
            taken_back: by the controller; callees cannot tell who gave up.
        """
        answered = [c for c in calls if c.answered_at is not None and c.answered_at < window.ended]
        met = [
            (call, call.answered_at + call.agent_heard_after)
            for call in answered
            if call.answered_at is not None and call.agent_heard_after is not None
        ]
        successes = [(call, since) for call, since in met if since < window.ended]
        return cls(
            occupancy=window.occupied((since, call.ended_at) for call, since in successes),
            placed=sum(call.dialed_at < window.ended for call in calls),
            answered=len(answered),
            successes=len(successes),
            rescued=sum((call.agent_heard_after or 0.0) > WAITED for call, _ in successes),
            silent=sum(
                call.agent_heard_after is None and call.ended_at is not None and call.ended_at < window.ended
                for call in answered
            ),
            taken_back=taken_back,
            idle_p50=states.wait(0.5),
            idle_p90=states.wait(0.9),
        )


def recorded(attempts: Iterable[Attempt], window: Window) -> float:
    """Occupancy by the controller's record of attempts."""
    return window.occupied((a.bridged_at, a.ended_at) for a in attempts if a.bridged_at is not None)


def set_up(calls: Iterable[CalleeCall], attempts: Iterable[Attempt]) -> Latency | None:
    """Seconds from the decision to dial, by the record, to the call's arrival at the callee's network."""
    decided = {attempt.number: attempt.admitted_at for attempt in attempts}
    return Latency.of(call.dialed_at - at for call in calls if (at := decided.get(call.number)) is not None)


def follow(states: Iterable[tuple[float, str, AgentState]], window: Window, into: Record) -> Record:
    """Count the agents' states as the simulator counts them.

    Args:
        states: when which agent came into which state, in order.
        window: what is looked at; who is not heard of in it is idle.
        into: an empty record.
    """
    agents: set[AgentId] = set()
    for at, name, state in states:
        agent = AgentId(name)
        agents.add(agent)
        if at < window.ended:
            into.state(agent, state, max(0.0, at - window.began))
    for agent in agents:
        into.state(agent, None, window.seconds)
    return into


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The lab's run beside simulated ones.

    Attributes:
        lab: what happened.
        same: what the simulator says of the same people, several times, each a little different in time.
        others: what it says of other people of the same kind, which shows how much is luck.
    """

    lab: Figures
    same: Sequence[Figures]
    others: Sequence[Figures]

    @property
    def expected(self) -> float:
        """Occupancy that the simulator expects of the same people."""
        return fmean(run.occupancy for run in self.same)

    @property
    def difference(self) -> float:
        """By how much the lab's occupancy is above what is expected."""
        return self.lab.occupancy - self.expected

    @property
    def agrees(self) -> bool:
        """Whether that is within the tolerance."""
        return abs(self.difference) <= TOLERANCE

    def table(self) -> list[str]:
        """All figures in Markdown."""
        lines = ["| | lab | simulator, same people | simulator, other people |", "|---|---|---|---|"]
        for field in fields(Figures):
            name = field.name
            sides = [[getattr(run, name) for run in runs] for runs in (self.same, self.others)]
            shown = [_written(name, getattr(self.lab, name)), *(_spread(name, values) for values in sides)]
            lines.append(f"| {name.replace('_', ' ')} | {' | '.join(shown)} |")
        return lines

    def verdict(self) -> list[str]:
        """Whether they agree, in words."""
        others = [run.occupancy for run in self.others]
        return [
            f"occupancy: lab {100 * self.lab.occupancy:.1f}, simulator {100 * self.expected:.1f};"
            f" difference {100 * self.difference:+.1f} points (at most {100 * TOLERANCE:g}):"
            f" {'agrees' if self.agrees else 'DOES NOT AGREE'}",
            f"other people of the same kind, simulated: {100 * fmean(others):.1f}"
            f" (standard deviation {100 * pstdev(others):.1f}); so much is luck",
        ]

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "lab": asdict(self.lab),
            "same": [asdict(run) for run in self.same],
            "others": [asdict(run) for run in self.others],
            "difference": self.difference,
            "agrees": self.agrees,
        }


def _spread(name: str, values: Sequence[float]) -> str:
    low, high = _written(name, min(values)), _written(name, max(values))
    return f"{_written(name, fmean(values))} ({low} to {high})"


def _written(name: str, value: float) -> str:
    if name == "occupancy":
        return f"{value:.3f}"
    return f"{value:.1f}" if name.startswith("idle") or value % 1 else f"{value:.0f}"


def reason_of(decision: str) -> str:
    """The reason in a decision as the status shows it, without its figures."""
    _, found, rest = decision.partition(": ")
    reason = (rest if found else decision).partition(" (")[0]
    return reason.partition(":")[0] or "(no decision yet)"
