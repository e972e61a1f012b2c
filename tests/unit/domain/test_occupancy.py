from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.agent import Agent, AgentState
from controller.domain.ids import AgentId
from controller.domain.occupancy import FREE, SPENT, Occupancy

SINCE = datetime(2026, 3, 2, tzinfo=UTC)


def team(*states: AgentState) -> list[Agent]:
    return [Agent(id=AgentId(str(i)), state=state, since=SINCE) for i, state in enumerate(states)]


def test_time_is_counted_for_what_agents_did_until_now() -> None:
    occupancy = Occupancy()
    occupancy.saw(team(AgentState.IDLE, AgentState.TALKING), 100.0)
    occupancy.saw(team(AgentState.RESERVED, AgentState.WRAP_UP), 103.0)
    occupancy.saw(team(AgentState.AWAY, AgentState.PAUSED), 104.5)
    occupancy.saw([], 110.0)

    found = {spent: seconds for spent, seconds in occupancy.seconds.items() if seconds}
    assert found == {FREE: 4.5, "talking": 3.0, "wrap-up": 1.5, "paused": 5.5}


@given(
    st.lists(st.tuples(st.lists(st.sampled_from(AgentState), max_size=5), st.floats(-10, 1000)), min_size=1)
)
def test_the_sums_never_shrink_and_are_all_the_time_logged_in(
    seen: list[tuple[list[AgentState], float]],
) -> None:
    occupancy, latest, present, logged_in = Occupancy(), 0.0, 0, 0.0
    for states, now in seen:
        before = occupancy.seconds
        logged_in += present * max(0.0, now - latest)
        latest = max(latest, now)
        occupancy.saw(team(*states), now)
        present = sum(state is not AgentState.AWAY for state in states)
        assert all(occupancy.seconds[spent] >= before[spent] for spent in SPENT.values())
    assert sum(occupancy.seconds.values()) == pytest.approx(logged_in)
