"""What agents spend their time on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from controller.domain.agent import Agent, AgentState

FREE: Final = "free"
"""Waiting for a call, whether one in flight counts on them or none does."""

_FREE = (AgentState.IDLE, AgentState.RESERVED)
SPENT: Final[Mapping[AgentState, str]] = {
    state: FREE if state in _FREE else state.value for state in AgentState if state is not AgentState.AWAY
}
"""What an agent in a state spends time on: what the state is called, but for those who are free."""


class Occupancy:
    """Seconds that agents have spent, by what on: the number of agents who do it, summed up over time.

    Exact as long as ``saw`` is called whenever agents have changed, at once; the sums only ever grow.
    """

    def __init__(self) -> None:
        """Nobody is logged in."""
        self._seconds = dict.fromkeys(SPENT.values(), 0.0)
        self._agents: Counter[str] = Counter()
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
        states = [agent.state for agent in agents]
        self._agents = Counter([SPENT[state] for state in states if state is not AgentState.AWAY])

    @property
    def seconds(self) -> Mapping[str, float]:
        """The sums up to when agents were seen last."""
        return dict(self._seconds)
