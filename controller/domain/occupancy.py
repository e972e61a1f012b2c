"""What agents spend their time on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import Enum

from controller.domain.agent import Agent, AgentState


class Spent(Enum):
    """What an agent who is logged in spends time on."""

    FREE = "free"
    """Waiting for a call, whether one in flight counts on them or none does."""
    TALKING = "talking"
    WRAP_UP = "wrap-up"
    PAUSED = "paused"


_SPENT = {
    AgentState.IDLE: Spent.FREE,
    AgentState.RESERVED: Spent.FREE,
    AgentState.TALKING: Spent.TALKING,
    AgentState.WRAP_UP: Spent.WRAP_UP,
    AgentState.PAUSED: Spent.PAUSED,
}


class Occupancy:
    """Seconds that agents have spent, by what on: the number of agents who do it, summed up over time.

    Exact as long as ``saw`` is called whenever agents have changed, at once; the sums only ever grow.
    """

    def __init__(self) -> None:
        """Nobody is logged in."""
        self._seconds = dict.fromkeys(Spent, 0.0)
        self._agents: Counter[Spent] = Counter()
        self._at = 0.0

    def saw(self, agents: Iterable[Agent], now: float) -> None:
        """Agents may have changed just now.

        Args:
            agents: all of them, as they are from now on.
            now: seconds, by a clock that only goes forward.
        """
        passed, self._at = max(0.0, now - self._at), max(now, self._at)
        for spent, count in self._agents.items():
            self._seconds[spent] += count * passed
        self._agents = Counter(
            [_SPENT[agent.state] for agent in agents if agent.state is not AgentState.AWAY]
        )

    @property
    def seconds(self) -> Mapping[Spent, float]:
        """The sums up to when agents were seen last."""
        return dict(self._seconds)
