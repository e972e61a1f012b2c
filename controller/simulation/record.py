"""What a simulation measured."""

from __future__ import annotations

from dataclasses import dataclass, field

from controller.domain.agent import AgentState
from controller.domain.budget import Tally
from controller.domain.ids import AgentId
from controller.simulation.scenario import Scenario

_WORKING = (AgentState.TALKING, AgentState.WRAP_UP)
_FREE = (AgentState.IDLE, AgentState.RESERVED)


@dataclass(slots=True)
class Record:
    """The figures of one run. Times in seconds from the start.

    Attributes:
        placed: calls dialed.
        answered: of these, by people or machines.
        cancelled: of these, taken back while they rang.
        successes: calls that reached an agent.
        silent: calls that did not although they were answered.
        rescued: calls that waited for an agent and got one.
        working: agent-seconds in conversation or wrap-up.
        idle: agent-seconds free.
        waits: how long agents were free between two calls.
        breaches: successes and silent calls at each moment at which the limit was broken (first 1,000).
        course: (time, successes, silent), once a minute.
        worst: the highest silent per success, from the first allowed silent call on, and of all.
    """

    policy: str
    scenario: Scenario
    seed: int
    placed: int = 0
    answered: int = 0
    cancelled: int = 0
    successes: int = 0
    silent: int = 0
    rescued: int = 0
    working: float = 0.0
    idle: float = 0.0
    waits: list[float] = field(default_factory=list)
    breach_time: float = 0.0
    breaches: int = 0
    worst: float = 0.0
    most_over: int = 0
    course: list[tuple[float, int, int]] = field(default_factory=list)
    _states: dict[AgentId, tuple[AgentState | None, float]] = field(default_factory=dict)
    _free_since: dict[AgentId, float] = field(default_factory=dict)
    _kept: bool = True

    @property
    def occupancy(self) -> float:
        """Conversation and wrap-up over the time agents were there for calls."""
        present = self.working + self.idle
        return self.working / present if present else 0.0

    @property
    def silent_share(self) -> float:
        """Silent calls per success at the end."""
        return self.silent / self.successes if self.successes else float(self.silent > 0)

    @property
    def calls_per_success(self) -> float:
        """Calls dialed for one that reached an agent."""
        return self.placed / self.successes if self.successes else 0.0

    @property
    def rescue_share(self) -> float:
        """Share of the successes that waited for their agent."""
        return self.rescued / self.successes if self.successes else 0.0

    def wait(self, quantile: float) -> float:
        """How long agents wait between two calls."""
        waits = sorted(self.waits)
        return waits[min(len(waits) - 1, int(quantile * len(waits)))] if waits else 0.0

    # --- being told -----------------------------------------------------------------------------------

    def state(self, agent: AgentId, state: AgentState | None, now: float) -> None:
        """The agent is in this state from now on; None: the simulation ends."""
        before, since = self._states.get(agent, (None, now))
        if before is state:
            return
        if before in _WORKING:
            self.working += now - since
        elif before in _FREE:
            self.idle += now - since
        if state in _FREE and before not in _FREE:
            self._free_since[agent] = now
        if state is AgentState.TALKING and (free := self._free_since.pop(agent, None)) is not None:
            self.waits.append(now - free)
        elif state is AgentState.TALKING:
            self.waits.append(0.0)  # a waiting call was taken in the instant of becoming free
        self._states[agent] = (state, now)

    def success_at(self, now: float, *, rescued: bool) -> None:
        """A call has reached an agent."""
        self.successes += 1
        self.rescued += rescued

    def silent_at(self, now: float) -> None:
        """A call was silent."""
        self.silent += 1

    def balance(self, now: float, tally: Tally) -> None:
        """Look at the budget at this instant."""
        kept = tally.kept
        if not kept:
            self.breaches += self._kept
            self.most_over = max(self.most_over, tally.silent - tally.allowance)
        self._kept = kept
        if self.successes >= 100:
            self.worst = max(self.worst, self.silent_share)
        if not self.course or now - self.course[-1][0] >= 60:
            self.course.append((now, self.successes, self.silent))
