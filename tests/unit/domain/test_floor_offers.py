"""An agent who looks at a contact is nobody's, until they have it called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from controller.domain.agent import AgentState, Wish
from controller.domain.floor import Assign, Departed, Exposed, Floor
from controller.domain.ids import AgentId, CallId, CampaignId

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
SPRING, OTHER = CampaignId("spring"), CampaignId("other")
ANNA, BEA, CARLA = (AgentId(name) for name in ("anna", "bea", "carla"))
CALL = CallId("call")


def floor(*agents: AgentId) -> Floor:
    made = Floor()
    for seconds, agent in enumerate(agents):
        made.log_in(agent, NOW + timedelta(seconds=seconds))
    return made


def test_they_are_not_free_for_any_other_call() -> None:
    it = floor(ANNA)
    assert it.offer(ANNA, SPRING)
    assert it.count_for(SPRING, AgentState.IDLE) == it.count_for(OTHER, AgentState.IDLE) == 0
    assert not it.admit(CALL, SPRING, cover=True)
    assert not it.admit(CALL, SPRING, cover=True, only=ANNA)
    assert it.admit(CALL, OTHER, cover=False)
    assert it.answered(CALL, NOW) == []
    assert it.looks(ANNA, SPRING)
    assert not it.looks(ANNA, OTHER)


def test_the_longest_idle_is_offered_first_and_stays_that_long_idle() -> None:
    it = floor(ANNA, BEA, CARLA)
    it.keep(BEA)
    assert it.offerable(SPRING) == [ANNA, CARLA]
    it.offer(ANNA, SPRING)
    assert it.offerable(SPRING) == [CARLA]
    assert it.end_offer(ANNA, NOW + timedelta(seconds=50)) == []
    assert it.offerable(SPRING) == [ANNA, CARLA]
    it.staff(SPRING, frozenset({CARLA}))
    assert it.offerable(SPRING) == [CARLA]


def test_who_is_busy_kept_or_no_staff_is_offered_nothing() -> None:
    it = floor(ANNA, BEA)
    it.keep(ANNA)
    assert not it.offer(ANNA, SPRING)
    assert not it.offer(CARLA, SPRING)
    it.staff(SPRING, frozenset({ANNA}))
    assert not it.offer(BEA, SPRING)
    assert it.admit(CALL, OTHER, cover=True)
    assert not it.offer(BEA, OTHER)


def test_what_they_have_called_is_theirs_alone() -> None:
    it = floor(ANNA, BEA)
    it.offer(BEA, SPRING)
    assert it.take_up(BEA, CALL)
    assert not it.take_up(BEA, CallId("twice"))
    other = CallId("other")
    assert it.admit(other, SPRING, cover=True)
    third = CallId("third")
    assert it.admit(third, SPRING, cover=False)
    assert it.answered(third, NOW) == [Assign(third, ANNA)]  # Bea cannot be robbed
    assert it.answered(CALL, NOW) == [Assign(CALL, BEA)]


def test_a_phone_that_dies_after_it_exposes_the_call_to_nobody_else() -> None:
    it = floor(ANNA, BEA)
    it.offer(ANNA, SPRING)
    it.take_up(ANNA, CALL)
    assert it.lose(ANNA, NOW) == [Exposed(CALL, SPRING)]
    assert it.answered(CALL, NOW) == []


def test_a_wish_is_granted_at_once() -> None:
    it = floor(ANNA, BEA)
    it.offer(ANNA, SPRING)
    it.offer(BEA, SPRING)
    assert it.ask(ANNA, Wish.LEAVE, NOW) == [Departed(ANNA)]
    assert it.ask(BEA, Wish.PAUSE, NOW) == []
    assert not it.looks(ANNA, SPRING)
    assert not it.looks(BEA, SPRING)
    assert not it.take_up(BEA, CALL)
    assert it.end_offer(BEA, NOW) == []


def test_who_does_not_answer_is_paused_with_a_reason_that_ends_with_the_pause() -> None:
    it = floor(ANNA)
    it.offer(ANNA, SPRING)
    assert it.end_offer(ANNA, NOW, pause="not there") == []
    paused = it.agent(ANNA)
    assert paused is not None
    assert (paused.state, paused.reason) == (AgentState.PAUSED, "not there")
    it.ready(ANNA, NOW)
    ready = it.agent(ANNA)
    assert ready is not None
    assert (ready.state, ready.reason) == (AgentState.IDLE, "")


def test_who_is_free_again_rescues_a_call_that_waits() -> None:
    it = floor(ANNA)
    it.offer(ANNA, SPRING)
    it.admit(CALL, OTHER, cover=False)
    it.answered(CALL, NOW)
    assert it.end_offer(ANNA, NOW) == [Assign(CALL, ANNA)]


ACTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=60)


@given(ACTS)
def test_nobody_looks_and_stands_ready_at_once(acts: list[tuple[int, int]]) -> None:
    """Whatever happens in whatever order, an agent with a call looks at nothing, and the other way round."""
    it, people, now = floor(ANNA, BEA, CARLA), (ANNA, BEA, CARLA), NOW
    calls: list[CallId] = []
    for serial, (act, who) in enumerate(acts):
        now += timedelta(seconds=1)
        agent, call = people[who], CallId(str(serial))
        match act:
            case 0 | 1:
                it.offer(agent, SPRING)
            case 2:
                if it.take_up(agent, call):
                    calls.append(call)
            case 3:
                it.end_offer(agent, now, pause="x" * (serial % 2))
            case 4:
                if it.admit(call, (SPRING, OTHER)[who % 2], cover=who > 0):
                    calls.append(call)
            case 5 if calls:
                it.answered(calls[who % len(calls)], now)
            case 6 if calls:
                it.over(calls.pop(), now)
            case 7:
                it.ask(agent, (Wish.PAUSE, Wish.LEAVE)[who % 2], now)
            case 8:
                it.ready(agent, now)
                it.give_back(agent, worked=False, now=now)
            case 9:
                it.lose(agent, now)
                it.log_in(agent, now)
        for one in it:
            assert (one.call is not None) == (one.state in (AgentState.RESERVED, AgentState.TALKING))
            if one.state is AgentState.PREVIEW:
                assert one.campaign == SPRING
                assert one.wish is None
        covered = [one.call for one in it if one.state is AgentState.RESERVED]
        assert len(covered) == len(set(covered))
