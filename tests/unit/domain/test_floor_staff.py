"""Campaigns with a staff of their own, and calls that are for one agent alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.agent import AgentState, Wish
from controller.domain.floor import Assign, Departed, Exposed, Floor
from controller.domain.ids import AgentId, CallId, CampaignId

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANNA, BRUNO, CARLA = AGENTS = tuple(AgentId(str(i)) for i in (101, 102, 103))
SPRING, AUTUMN = CampaignId("spring"), CampaignId("autumn")
C1, C2 = CallId("c1"), CallId("c2")


def at(second: float) -> datetime:
    return T0 + timedelta(seconds=second)


def floor_with(*agents: AgentId) -> Floor:
    floor = Floor()
    for second, agent in enumerate(agents):
        floor.log_in(agent, at(second))
    return floor


def covers(floor: Floor) -> dict[CallId, AgentId]:
    return {agent.call: agent.id for agent in floor if agent.call is not None}


def test_only_the_staff_stands_ready_for_a_campaigns_calls() -> None:
    floor = floor_with(ANNA, BRUNO)
    floor.staff(SPRING, frozenset({BRUNO}))

    assert floor.admit(C1, SPRING, cover=True)
    assert covers(floor) == {C1: BRUNO}
    assert not floor.admit(C2, SPRING, cover=True), "ANNA does not take its calls"
    assert floor.admit(C2, AUTUMN, cover=True)
    assert floor.count_for(SPRING, AgentState.IDLE) == 0
    assert floor.count_for(SPRING, AgentState.RESERVED) == 1


def test_an_answered_call_waits_rather_than_get_somebody_who_does_not_serve_it() -> None:
    floor = floor_with(ANNA)
    floor.staff(SPRING, frozenset({BRUNO}))
    assert floor.admit(C1, SPRING, cover=False)

    assert floor.answered(C1, at(10)) == []
    floor.log_in(CARLA, at(11))
    assert floor.log_in(BRUNO, at(12)) == [Assign(C1, BRUNO)]


def test_a_call_for_one_agent_is_not_placed_without_them() -> None:
    floor = floor_with(ANNA)

    assert not floor.admit(C1, SPRING, cover=False, only=BRUNO)
    floor.log_in(BRUNO, at(5))
    assert floor.admit(C1, SPRING, cover=False, only=BRUNO)
    assert floor.answered(C1, at(10)) == [Assign(C1, BRUNO)]


def test_the_one_agent_of_a_call_cannot_be_replaced() -> None:
    floor = floor_with(ANNA, BRUNO)
    assert floor.admit(C1, SPRING, cover=True, only=BRUNO)

    assert floor.ask(BRUNO, Wish.LEAVE, at(5)) == [], "the log-out waits for the call"
    assert floor.lose(BRUNO, at(6)) == [Exposed(C1, SPRING)]
    assert floor.ask(ANNA, Wish.LEAVE, at(7)) == [Departed(ANNA)]


def test_who_promised_to_call_is_kept_free_for_that_call() -> None:
    floor = floor_with(ANNA)
    floor.keep(ANNA)

    assert not floor.admit(C1, SPRING, cover=True)
    assert floor.admit(C1, SPRING, cover=False)
    assert floor.answered(C1, at(5)) == [], "it waits, and ANNA is idle"
    assert floor.count_for(SPRING, AgentState.IDLE) == 0
    assert floor.admit(C2, SPRING, cover=False, only=ANNA)
    assert floor.answered(C2, at(6)) == [Assign(C2, ANNA)]


def test_who_is_not_kept_any_more_rescues_at_once() -> None:
    floor = floor_with(ANNA)
    floor.keep(ANNA)
    assert floor.admit(C1, SPRING, cover=False)
    assert floor.answered(C1, at(5)) == []

    assert floor.unkeep(ANNA, at(6)) == [Assign(C1, ANNA)]
    assert floor.unkeep(ANNA, at(6)) == []


def test_keeping_does_not_take_an_agent_from_a_call_that_counts_on_them() -> None:
    floor = floor_with(ANNA)
    assert floor.admit(C1, SPRING, cover=True)
    floor.keep(ANNA)

    assert floor.answered(C1, at(5)) == [Assign(C1, ANNA)]


def test_taking_the_staff_back_lets_everybody_serve() -> None:
    floor = floor_with(ANNA)
    floor.staff(SPRING, frozenset())
    assert not floor.admit(C1, SPRING, cover=True)
    floor.staff(SPRING, None)
    assert floor.admit(C1, SPRING, cover=True)


@settings(max_examples=150, deadline=None)
@given(
    staff=st.lists(st.frozensets(st.sampled_from(AGENTS)), min_size=2, max_size=2),
    steps=st.lists(
        st.tuples(
            st.sampled_from(
                ["admit", "answer", "over", "log in", "lose", "leave", "give back", "keep", "unkeep"]
            ),
            st.integers(0, 7),
            st.sampled_from(AGENTS),
            st.booleans(),
        ),
        max_size=40,
    ),
)
def test_nobody_ever_stands_ready_for_or_gets_a_call_they_may_not_take(
    staff: list[frozenset[AgentId]], steps: list[tuple[str, int, AgentId, bool]]
) -> None:
    floor, only = floor_with(*AGENTS), dict[CallId, AgentId | None]()
    campaigns = dict(zip((SPRING, AUTUMN), staff, strict=True))
    for campaign, agents in campaigns.items():
        floor.staff(campaign, agents)
    for second, (what, index, agent, flag) in enumerate(steps, 10):
        call, campaign = CallId(f"c{index}"), SPRING if index % 2 else AUTUMN
        match what:
            case "admit" if call not in only:
                wanted = agent if flag else None
                if floor.admit(call, campaign, cover=not flag, only=wanted):
                    only[call] = wanted
            case "answer":
                floor.answered(call, at(second))
            case "over":
                floor.over(call, at(second))
            case "log in":
                floor.log_in(agent, at(second))
            case "lose":
                floor.lose(agent, at(second))
            case "leave":
                floor.ask(agent, Wish.LEAVE if flag else Wish.PAUSE, at(second))
            case "keep":
                floor.keep(agent)
            case "unkeep":
                floor.unkeep(agent, at(second))
            case "give back":
                floor.give_back(agent, worked=flag, now=at(second))
        for call, agent in covers(floor).items():
            campaign = SPRING if int(call[1:]) % 2 else AUTUMN
            # Who promised to call does it, whoever serves the campaign by now.
            assert only[call] == agent or (only[call] is None and agent in campaigns[campaign])
