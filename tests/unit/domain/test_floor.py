from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from controller.domain.agent import Agent, AgentState, Wish
from controller.domain.floor import Assign, Departed, Effect, Exposed, Floor, LostAgent, WrapUp
from controller.domain.ids import AgentId, CallId, CampaignId

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANNA, BRUNO, CARLA = AgentId("101"), AgentId("102"), AgentId("103")
SPRING, AUTUMN = CampaignId("spring"), CampaignId("autumn")
C1, C2, C3, C4 = CallId("c1"), CallId("c2"), CallId("c3"), CallId("c4")


def at(second: float) -> datetime:
    return T0 + timedelta(seconds=second)


NOW = at(1000)


def floor_with(*agents: AgentId) -> Floor:
    """The first named is idle longest."""
    floor = Floor()
    for second, agent in enumerate(agents):
        floor.log_in(agent, at(second))
    return floor


def the(floor: Floor, agent: AgentId) -> Agent:
    known = floor.agent(agent)
    assert known is not None
    return known


def stands(floor: Floor, agent: AgentId) -> tuple[AgentState, CallId | None]:
    return the(floor, agent).state, the(floor, agent).call


def busy(floor: Floor, agent: AgentId, call: CallId, campaign: CampaignId = SPRING) -> None:
    """Give the only idle agent a call."""
    assert floor.admit(call, campaign, cover=True)
    assert floor.answered(call, at(500)) == [Assign(call, agent)]


IDLE, RESERVED, TALKING = AgentState.IDLE, AgentState.RESERVED, AgentState.TALKING
WRAP_UP, PAUSED, AWAY = AgentState.WRAP_UP, AgentState.PAUSED, AgentState.AWAY


# --- an answered call takes the agent who has been idle longest ------------------------------------------


def test_a_covered_call_reserves_the_longest_idle_agent() -> None:
    floor = floor_with(ANNA, BRUNO)

    assert floor.admit(C1, SPRING, cover=True)

    assert stands(floor, ANNA) == (RESERVED, C1)
    assert stands(floor, BRUNO) == (IDLE, None)
    assert the(floor, ANNA).since == at(0), "as long idle as before"
    assert not floor.is_exposed(C1)


@pytest.mark.parametrize("guaranteed", [False, True])
def test_a_call_to_be_covered_is_refused_when_no_agent_is_idle(guaranteed: bool) -> None:
    floor = floor_with(ANNA)
    floor.admit(C1, SPRING, cover=True)

    assert not floor.admit(C2, SPRING, cover=not guaranteed, guaranteed=guaranteed)

    assert floor.in_flight(SPRING) == 1
    assert stands(floor, ANNA) == (RESERVED, C1)


def test_an_answered_call_takes_its_own_agent_when_they_are_idle_longest() -> None:
    floor = floor_with(ANNA, BRUNO)
    floor.admit(C1, SPRING, cover=True)
    floor.admit(C2, SPRING, cover=True)

    assert floor.answered(C1, NOW) == [Assign(C1, ANNA)]

    assert stands(floor, ANNA) == (TALKING, C1)
    assert the(floor, ANNA).since == NOW
    assert stands(floor, BRUNO) == (RESERVED, C2)


def test_an_answered_call_takes_a_longer_idle_agent_and_its_own_stands_in() -> None:
    floor = floor_with(ANNA, BRUNO)
    floor.admit(C1, SPRING, cover=True)
    floor.admit(C2, SPRING, cover=True)

    assert floor.answered(C2, NOW) == [Assign(C2, ANNA)]

    assert stands(floor, ANNA) == (TALKING, C2)
    assert stands(floor, BRUNO) == (RESERVED, C1)
    assert floor.exposed(SPRING) == 0


def test_the_call_that_loses_its_agent_takes_over_the_exposure() -> None:
    floor = floor_with(ANNA)
    floor.admit(C1, SPRING, cover=True)
    floor.admit(C2, SPRING, cover=False)

    assert floor.answered(C2, NOW) == [Assign(C2, ANNA)], "and nothing is reported as exposed"

    assert floor.is_exposed(C1)
    assert floor.exposed(SPRING) == 1


def test_a_trade_never_crosses_campaigns() -> None:
    floor = floor_with(ANNA)
    floor.admit(C1, AUTUMN, cover=True)
    floor.admit(C2, SPRING, cover=False)

    assert floor.answered(C2, NOW) == []

    assert stands(floor, ANNA) == (RESERVED, C1)
    assert floor.exposed(SPRING) == 1


def test_an_idle_agent_serves_any_campaign_and_the_own_agent_is_free_again() -> None:
    floor = floor_with(ANNA, BRUNO)
    floor.admit(C1, AUTUMN, cover=True)  # Anna
    floor.admit(C2, SPRING, cover=True)  # Bruno
    floor.over(C1, at(100))

    assert floor.answered(C2, NOW) == [Assign(C2, ANNA)]

    assert stands(floor, BRUNO) == (IDLE, None)
    assert the(floor, BRUNO).since == at(1)


def test_a_guaranteed_call_never_loses_its_agent_to_another_call() -> None:
    floor = floor_with(ANNA)
    floor.admit(C1, SPRING, cover=True, guaranteed=True)
    floor.admit(C2, SPRING, cover=False)

    assert floor.answered(C2, NOW) == []
    assert floor.answered(C1, NOW) == [Assign(C1, ANNA)]


def test_a_call_without_cover_takes_nobody_before_it_is_answered() -> None:
    floor = floor_with(ANNA)

    assert floor.admit(C1, SPRING, cover=False)

    assert floor.is_exposed(C1)
    assert stands(floor, ANNA) == (IDLE, None)
    assert floor.answered(C1, NOW) == [Assign(C1, ANNA)]


def test_guaranteed_implies_cover() -> None:
    floor = floor_with(ANNA)

    assert floor.admit(C1, SPRING, cover=False, guaranteed=True)

    assert stands(floor, ANNA) == (RESERVED, C1)


def test_a_guaranteed_call_takes_its_own_agent_even_if_another_is_idle_longer() -> None:
    floor = floor_with(ANNA, BRUNO)
    floor.admit(C1, SPRING, cover=True)  # Anna
    floor.admit(C2, SPRING, cover=True, guaranteed=True)  # Bruno
    floor.over(C1, at(100))

    assert floor.answered(C2, NOW) == [Assign(C2, BRUNO)]
    assert stands(floor, ANNA) == (IDLE, None)


def test_an_unknown_call_gets_no_agent() -> None:
    floor = floor_with(ANNA)

    assert floor.answered(C1, NOW) == []
    assert floor.over(C1, NOW) == []
    assert not floor.is_exposed(C1)
    assert stands(floor, ANNA) == (IDLE, None)


# --- an agent who becomes free rescues, else covers ------------------------------------------------------


def test_an_agent_who_becomes_free_rescues_the_call_that_waits_longest() -> None:
    floor = floor_with()
    floor.admit(C1, SPRING, cover=False)
    floor.admit(C2, SPRING, cover=False)
    floor.admit(C3, SPRING, cover=False)
    assert floor.answered(C2, at(1)) == []
    assert floor.answered(C1, at(2)) == []

    assert floor.log_in(ANNA, at(3)) == [Assign(C2, ANNA)]
    assert floor.log_in(BRUNO, at(4)) == [Assign(C1, BRUNO)]
    assert floor.log_in(CARLA, at(5)) == []
    assert stands(floor, CARLA) == (RESERVED, C3)


@pytest.mark.parametrize("how", ["wrapped_up", "ready from wrap-up", "ready from pause", "not worked"])
def test_every_way_to_become_free_rescues(how: str) -> None:
    floor = floor_with(ANNA)
    if how == "ready from pause":
        floor.ask(ANNA, Wish.PAUSE, at(1))
    else:
        busy(floor, ANNA, C1)
    floor.admit(C2, SPRING, cover=False)
    assert floor.answered(C2, at(501)) == []

    match how:
        case "wrapped_up":
            floor.give_back(ANNA, worked=True, now=at(502))
            effects = floor.wrapped_up(ANNA, NOW)
        case "ready from wrap-up":
            floor.give_back(ANNA, worked=True, now=at(502))
            effects = floor.ready(ANNA, NOW)
        case "ready from pause":
            effects = floor.ready(ANNA, NOW)
        case _:
            effects = floor.give_back(ANNA, worked=False, now=NOW)

    assert effects == [Assign(C2, ANNA)]
    assert stands(floor, ANNA) == (TALKING, C2)
    assert the(floor, ANNA).since == NOW


def test_the_agent_of_a_call_that_is_over_rescues_and_talks_from_then_on() -> None:
    floor = floor_with(ANNA)
    floor.admit(C1, AUTUMN, cover=True)
    floor.admit(C2, SPRING, cover=False)
    floor.answered(C2, at(10))

    assert floor.over(C1, NOW) == [Assign(C2, ANNA)]
    assert the(floor, ANNA).since == NOW


def test_an_agent_whose_call_is_served_by_another_covers_an_exposed_call() -> None:
    floor = floor_with(ANNA, BRUNO)
    floor.admit(C1, SPRING, cover=True)  # Anna
    floor.admit(C2, AUTUMN, cover=True)  # Bruno
    floor.over(C1, at(10))
    floor.return_to_flight(C3, SPRING)  # not answered again yet, so Anna is still idle

    assert floor.answered(C2, NOW) == [Assign(C2, ANNA)]
    assert stands(floor, BRUNO) == (RESERVED, C3)
    assert the(floor, BRUNO).since == at(1)


def test_an_agent_who_was_only_reserved_is_as_long_idle_as_before() -> None:
    floor = floor_with(ANNA, BRUNO)
    floor.admit(C1, SPRING, cover=True)

    floor.over(C1, NOW)

    assert stands(floor, ANNA) == (IDLE, None)
    assert the(floor, ANNA).since == at(0)


# --- wishes, departures, dead phones ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "state", "effects"), [(Wish.PAUSE, PAUSED, []), (Wish.LEAVE, AWAY, [Departed(ANNA)])]
)
class TestWish:
    def test_is_granted_at_once_to_an_idle_agent(
        self, wish: Wish, state: AgentState, effects: list[Effect]
    ) -> None:
        floor = floor_with(ANNA)

        assert floor.ask(ANNA, wish, NOW) == effects

        assert the(floor, ANNA) == Agent(id=ANNA, state=state, since=NOW)

    def test_is_granted_at_once_in_wrap_up(
        self, wish: Wish, state: AgentState, effects: list[Effect]
    ) -> None:
        floor = floor_with(ANNA)
        busy(floor, ANNA, C1)
        floor.give_back(ANNA, worked=True, now=at(600))

        assert floor.ask(ANNA, wish, NOW) == effects

        assert floor.wrapped_up(ANNA, at(1001)) == []
        assert the(floor, ANNA) == Agent(id=ANNA, state=state, since=NOW)

    def test_waits_for_the_call_that_counts_on_the_agent(
        self, wish: Wish, state: AgentState, effects: list[Effect]
    ) -> None:
        floor = floor_with(ANNA)
        floor.admit(C1, SPRING, cover=True)

        assert floor.ask(ANNA, wish, at(10)) == []
        assert stands(floor, ANNA) == (RESERVED, C1)
        assert not floor.is_exposed(C1)

        assert floor.over(C1, NOW) == effects
        assert the(floor, ANNA) == Agent(id=ANNA, state=state, since=NOW)

    @pytest.mark.parametrize("worked", [True, False])
    def test_waits_for_the_conversation_and_replaces_the_wrap_up(
        self, wish: Wish, state: AgentState, effects: list[Effect], worked: bool
    ) -> None:
        floor = floor_with(ANNA)
        floor.admit(C1, SPRING, cover=True)
        floor.ask(ANNA, wish, at(10))
        assert floor.answered(C1, at(11)) == [Assign(C1, ANNA)]
        assert stands(floor, ANNA) == (TALKING, C1)

        assert floor.give_back(ANNA, worked=worked, now=NOW) == effects
        assert the(floor, ANNA) == Agent(id=ANNA, state=state, since=NOW)

    def test_is_granted_at_once_if_another_agent_can_stand_in(
        self, wish: Wish, state: AgentState, effects: list[Effect]
    ) -> None:
        floor = floor_with(ANNA, BRUNO)
        floor.admit(C1, SPRING, cover=True)

        assert floor.ask(ANNA, wish, NOW) == effects

        assert the(floor, ANNA).state is state
        assert stands(floor, BRUNO) == (RESERVED, C1)

    def test_is_granted_when_a_trade_leaves_the_agent_without_a_call(
        self, wish: Wish, state: AgentState, effects: list[Effect]
    ) -> None:
        floor = floor_with(BRUNO, ANNA)
        floor.admit(C1, SPRING, cover=True)  # Bruno
        floor.admit(C2, SPRING, cover=True)  # Anna
        floor.ask(ANNA, wish, at(10))
        floor.over(C1, at(11))  # Bruno is idle, longer than Anna

        assert floor.answered(C2, NOW) == [*effects, Assign(C2, BRUNO)]
        assert the(floor, ANNA) == Agent(id=ANNA, state=state, since=NOW)

    def test_can_be_taken_back(self, wish: Wish, state: AgentState, effects: list[Effect]) -> None:
        floor = floor_with(ANNA)
        floor.admit(C1, SPRING, cover=True)
        floor.ask(ANNA, wish, at(10))

        assert floor.ready(ANNA, at(11)) == []

        assert floor.over(C1, NOW) == []
        assert stands(floor, ANNA) == (IDLE, None)

    def test_of_somebody_who_is_away_is_nothing(
        self, wish: Wish, state: AgentState, effects: list[Effect]
    ) -> None:
        floor = floor_with(ANNA)
        floor.lose(ANNA, at(10))

        assert floor.ask(ANNA, wish, NOW) == []
        assert floor.ask(BRUNO, wish, NOW) == []
        assert the(floor, ANNA) == Agent(id=ANNA, state=AWAY, since=at(10))
        assert floor.agent(BRUNO) is None


def test_a_dead_phone_leaves_at_once_and_exposes_its_call() -> None:
    floor = floor_with(ANNA)
    floor.admit(C1, SPRING, cover=True)

    assert floor.lose(ANNA, NOW) == [Exposed(C1, SPRING)]

    assert the(floor, ANNA) == Agent(id=ANNA, state=AWAY, since=NOW)
    assert not floor.present(ANNA)
    assert floor.exposed(SPRING) == 1


def test_an_idle_agent_stands_in_for_a_dead_phone() -> None:
    floor = floor_with(ANNA, BRUNO, CARLA)
    floor.admit(C1, SPRING, cover=True)

    assert floor.lose(ANNA, NOW) == []

    assert stands(floor, BRUNO) == (RESERVED, C1)
    assert stands(floor, CARLA) == (IDLE, None)
    assert floor.exposed(SPRING) == 0


def test_the_call_of_an_agent_whose_phone_dies_is_told() -> None:
    floor = floor_with(ANNA)
    busy(floor, ANNA, C1)

    assert floor.lose(ANNA, NOW) == [LostAgent(C1, ANNA)]
    assert floor.give_back(ANNA, worked=True, now=NOW) == []
    assert stands(floor, ANNA) == (AWAY, None)


@pytest.mark.parametrize("known", [True, False])
def test_nobody_is_lost_twice(known: bool) -> None:
    floor = floor_with(*([ANNA] if known else []))
    floor.lose(ANNA, at(10))

    assert floor.lose(ANNA, NOW) == []
    assert floor.agent(ANNA) == (Agent(id=ANNA, state=AWAY, since=at(10)) if known else None)


# --- conversation, wrap-up, the rest ---------------------------------------------------------------------


def test_a_conversation_is_followed_by_a_wrap_up() -> None:
    floor = floor_with(ANNA)
    busy(floor, ANNA, C1)

    assert floor.give_back(ANNA, worked=True, now=NOW) == [WrapUp(ANNA, SPRING)]
    assert the(floor, ANNA) == Agent(id=ANNA, state=WRAP_UP, since=NOW)

    assert floor.wrapped_up(ANNA, at(1010)) == []
    assert the(floor, ANNA) == Agent(id=ANNA, state=IDLE, since=at(1010))


def test_an_agent_who_did_not_speak_needs_no_wrap_up() -> None:
    floor = floor_with(ANNA)
    busy(floor, ANNA, C1)

    assert floor.give_back(ANNA, worked=False, now=NOW) == []
    assert the(floor, ANNA) == Agent(id=ANNA, state=IDLE, since=NOW)


@pytest.mark.parametrize("state", [IDLE, RESERVED, TALKING, PAUSED])
def test_a_late_end_of_a_wrap_up_changes_nothing(state: AgentState) -> None:
    floor = floor_with(ANNA)
    match state:
        case AgentState.RESERVED:
            floor.admit(C1, SPRING, cover=True)
        case AgentState.TALKING:
            busy(floor, ANNA, C1)
        case AgentState.PAUSED:
            floor.ask(ANNA, Wish.PAUSE, at(1))
        case _:
            pass
    before = the(floor, ANNA)
    assert before.state is state

    assert floor.wrapped_up(ANNA, NOW) == []
    assert the(floor, ANNA) == before


@pytest.mark.parametrize("state", [IDLE, RESERVED, WRAP_UP, PAUSED, AWAY])
def test_only_an_agent_with_a_call_can_be_given_back(state: AgentState) -> None:
    floor = floor_with(ANNA)
    match state:
        case AgentState.RESERVED:
            floor.admit(C1, SPRING, cover=True)
        case AgentState.WRAP_UP:
            busy(floor, ANNA, C1)
            floor.give_back(ANNA, worked=True, now=at(600))
        case AgentState.PAUSED:
            floor.ask(ANNA, Wish.PAUSE, at(1))
        case AgentState.AWAY:
            floor.lose(ANNA, at(1))
        case _:
            pass
    before = the(floor, ANNA)
    assert before.state is state

    assert floor.give_back(ANNA, worked=True, now=NOW) == []
    assert the(floor, ANNA) == before


def test_who_never_logged_in_is_never_given_back() -> None:
    floor = floor_with()

    assert floor.give_back(ANNA, worked=True, now=NOW) == []
    assert floor.wrapped_up(ANNA, NOW) == []
    assert floor.ready(ANNA, NOW) == []
    assert floor.agent(ANNA) is None


def test_logging_in_twice_changes_nothing() -> None:
    floor = floor_with(ANNA)

    assert floor.log_in(ANNA, NOW) == []
    assert the(floor, ANNA).since == at(0)


def test_who_comes_back_starts_anew() -> None:
    floor = floor_with(ANNA)
    floor.admit(C1, SPRING, cover=True)
    floor.ask(ANNA, Wish.PAUSE, at(1))
    floor.lose(ANNA, at(2))
    floor.over(C1, at(3))

    floor.log_in(ANNA, NOW)

    assert the(floor, ANNA) == Agent(id=ANNA, state=IDLE, since=NOW)


def test_a_resumed_conversation_has_its_agent() -> None:
    floor = floor_with(ANNA)

    floor.resume(ANNA, C1, SPRING, NOW)

    assert stands(floor, ANNA) == (TALKING, C1)
    assert floor.in_flight(SPRING) == 0
    assert floor.give_back(ANNA, worked=True, now=NOW) == [WrapUp(ANNA, SPRING)]


def test_a_failed_bridging_returns_the_call_to_flight_exposed() -> None:
    floor = floor_with(ANNA)
    busy(floor, ANNA, C1)
    floor.lose(ANNA, at(600))

    floor.return_to_flight(C1, SPRING)

    assert floor.exposed(SPRING) == 1
    assert floor.answered(C1, NOW) == []
    assert floor.log_in(BRUNO, NOW) == [Assign(C1, BRUNO)]


def test_a_call_that_is_in_flight_does_not_lose_its_agent_by_returning_to_it() -> None:
    floor = floor_with(ANNA)
    floor.admit(C1, SPRING, cover=True)

    floor.return_to_flight(C1, SPRING)

    assert not floor.is_exposed(C1)
    assert floor.in_flight(SPRING) == 1


def test_calls_are_counted_by_campaign() -> None:
    floor = floor_with(ANNA)
    floor.admit(C1, SPRING, cover=True)
    floor.admit(C2, SPRING, cover=False)
    floor.admit(C3, AUTUMN, cover=False)
    floor.admit(C4, AUTUMN, cover=False)

    assert (floor.in_flight(SPRING), floor.exposed(SPRING)) == (2, 1)
    assert (floor.in_flight(AUTUMN), floor.exposed(AUTUMN)) == (2, 2)
    assert floor.count(RESERVED) == 1
    assert floor.count(IDLE) == 0
    assert [agent.id for agent in floor] == [ANNA]


# --- any order of everything -----------------------------------------------------------------------------

AGENTS = [AgentId(str(number)) for number in range(101, 106)]
CAMPAIGNS = [SPRING, AUTUMN]


class Phase(Enum):
    RINGING = "ringing"
    WAITING = "waiting"
    ASSIGNED = "assigned"
    CONNECTED = "connected"


IN_FLIGHT = (Phase.RINGING, Phase.WAITING)
WITH_AGENT = (Phase.ASSIGNED, Phase.CONNECTED)
GRANTED = {Wish.PAUSE: PAUSED, Wish.LEAVE: AWAY}


@dataclass
class Known:
    """A call as the machine believes it to be, from the floor's effects alone."""

    campaign: CampaignId
    guaranteed: bool
    phase: Phase = Phase.RINGING
    agent: AgentId | None = None
    agent_died: bool = False


class FloorMachine(RuleBasedStateMachine):
    """Agents and calls of two campaigns do as they please; the floor's promises hold after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.floor = Floor()
        self.calls: dict[CallId, Known] = {}
        self.waiting: list[CallId] = []
        self.wishes: dict[AgentId, Wish] = {}
        self.guarantors: dict[CallId, AgentId] = {}
        self.may_change_guarantor: set[AgentId] = set()
        self.second = 0
        self.serial = 0

    # helpers

    def now(self) -> datetime:
        self.second += 1
        return at(self.second)

    def covers(self) -> dict[CallId, AgentId]:
        return {agent.call: agent.id for agent in self.floor if agent.state is RESERVED and agent.call}

    def exposures(self) -> dict[CampaignId, int]:
        return {campaign: self.floor.exposed(campaign) for campaign in CAMPAIGNS}

    def grew(self, before: dict[CampaignId, int]) -> dict[CampaignId, int]:
        """By how much each campaign has more exposed calls than before; only what grew."""
        now = self.exposures()
        return {c: now[c] - before[c] for c in CAMPAIGNS if now[c] > before[c]}

    def apply(self, effects: list[Effect]) -> None:
        """Believe the floor, but check that each effect speaks of what is, and is true by now."""
        for effect in effects:
            match effect:
                case Assign(call, agent):
                    known = self.calls[call]
                    assert known.phase in IN_FLIGHT
                    if known.phase is Phase.WAITING:
                        assert call == self.waiting.pop(0), "rescued out of turn"
                    assert stands(self.floor, agent) == (TALKING, call)
                    assert the(self.floor, agent).since == at(self.second)
                    known.phase, known.agent, known.agent_died = Phase.ASSIGNED, agent, False
                case LostAgent(call, agent):
                    assert self.calls[call].agent == agent
                    assert self.calls[call].phase in WITH_AGENT
                    assert the(self.floor, agent).state is AWAY
                    self.calls[call].agent_died = True
                case Exposed(call, campaign):
                    assert self.calls[call].campaign == campaign
                    assert self.calls[call].phase is Phase.RINGING
                    assert self.floor.is_exposed(call)
                case Departed(agent):
                    assert self.wishes[agent] is Wish.LEAVE
                    assert the(self.floor, agent).state is AWAY
                case WrapUp(agent, campaign):
                    assert campaign in CAMPAIGNS
                    assert the(self.floor, agent).state is WRAP_UP

    def pick(self, index: int, *phases: Phase) -> CallId:
        found = [call for call, known in self.calls.items() if known.phase in phases]
        return found[index % len(found)]

    def any_in(self, *phases: Phase) -> bool:
        return any(known.phase in phases for known in self.calls.values())

    def may_take(self, call: CallId, agent: Agent) -> bool:
        if agent.state is not RESERVED or agent.call is None or agent.call == call:
            return agent.state in (IDLE, RESERVED)
        other = self.calls[agent.call]
        return not other.guaranteed and other.campaign == self.calls[call].campaign

    def must_get(self, call: CallId) -> AgentId | None:
        """Who must get the call if it is answered now."""
        if self.calls[call].guaranteed and call in self.covers():
            return self.covers()[call]
        may = [agent for agent in self.floor if self.may_take(call, agent)]
        return min(may, key=lambda agent: agent.since).id if may else None

    def answer(self, call: CallId, now: datetime) -> None:
        expected = self.must_get(call)
        effects = self.floor.answered(call, now)
        if expected is None:
            assert effects == []
            self.calls[call].phase = Phase.WAITING
            self.waiting.append(call)
        else:
            assert Assign(call, expected) in effects
        self.apply(effects)

    # agents

    @initialize(count=st.integers(0, len(AGENTS)))
    def shift_begins(self, count: int) -> None:
        for agent in AGENTS[:count]:
            self.log_in(agent)

    @rule(agent=st.sampled_from(AGENTS))
    def log_in(self, agent: AgentId) -> None:
        if any(known.agent == agent and known.agent_died for known in self.calls.values()):
            return  # give_back does not name the call, so the old one has to be over first
        before, was_present = self.exposures(), self.floor.present(agent)
        was = self.floor.agent(agent)
        effects = self.floor.log_in(agent, self.now())
        self.apply(effects)
        assert self.floor.present(agent)
        assert not was_present or (effects, self.floor.agent(agent)) == ([], was)
        assert self.grew(before) == {}

    @rule(agent=st.sampled_from(AGENTS), wish=st.sampled_from(Wish))
    def ask(self, agent: AgentId, wish: Wish) -> None:
        before, was = self.exposures(), self.floor.agent(agent)
        if self.floor.present(agent):
            self.wishes[agent] = wish
            self.may_change_guarantor = {agent}
        stand_in = was is not None and was.state is RESERVED and self.floor.count(IDLE) > 0
        self.apply(self.floor.ask(agent, wish, self.now()))
        assert self.exposures() == before
        if was is None or was.state is AWAY:
            assert self.floor.agent(agent) == was
        elif stand_in or was.state in (IDLE, PAUSED, WRAP_UP):
            assert the(self.floor, agent).state is GRANTED[wish]
        else:
            assert the(self.floor, agent) == replace(was, wish=wish)

    @rule(agent=st.sampled_from(AGENTS))
    def ready(self, agent: AgentId) -> None:
        before = self.exposures()
        self.wishes.pop(agent, None)
        self.apply(self.floor.ready(agent, self.now()))
        known = self.floor.agent(agent)
        assert known is None or (known.state not in (PAUSED, WRAP_UP) and known.wish is None)
        assert self.grew(before) == {}

    @rule(agent=st.sampled_from(AGENTS))
    def wrapped_up(self, agent: AgentId) -> None:
        before, was = self.exposures(), self.floor.agent(agent)
        self.apply(self.floor.wrapped_up(agent, self.now()))
        known = self.floor.agent(agent)
        if was is None or was.state is not WRAP_UP:
            assert known == was
        else:
            assert the(self.floor, agent).state in (IDLE, RESERVED, TALKING)
        assert self.grew(before) == {}

    @rule(agent=st.sampled_from(AGENTS))
    def phone_dies(self, agent: AgentId) -> None:
        before, was = self.exposures(), self.floor.agent(agent)
        self.wishes.pop(agent, None)
        self.may_change_guarantor = {agent}
        stand_in = self.floor.count(IDLE) > (was is not None and was.state is IDLE)
        effects = self.floor.lose(agent, self.now())
        self.apply(effects)
        assert not self.floor.present(agent)
        if was is not None and was.state is TALKING and was.call is not None:
            assert effects == [LostAgent(was.call, agent)]
        elif was is not None and was.state is RESERVED and was.call is not None and not stand_in:
            assert effects == [Exposed(was.call, self.calls[was.call].campaign)]
            assert self.grew(before) == {self.calls[was.call].campaign: 1}
        else:
            assert effects == []
            assert self.grew(before) == {}

    # calls

    def admit(self, campaign: CampaignId, *, cover: bool, guaranteed: bool) -> None:
        self.serial += 1
        call = CallId(f"c{self.serial}")
        before, idle = self.exposures(), self.floor.count(IDLE)
        taken = self.floor.admit(call, campaign, cover=cover, guaranteed=guaranteed)
        assert taken == (idle > 0 or not cover)
        if taken:
            self.calls[call] = Known(campaign, guaranteed)
        assert (call in self.covers()) == (taken and cover)
        assert self.grew(before) == ({} if cover else {campaign: 1})

    @rule(campaign=st.sampled_from(CAMPAIGNS), guaranteed=st.booleans())
    def admit_covered(self, campaign: CampaignId, guaranteed: bool) -> None:
        self.admit(campaign, cover=True, guaranteed=guaranteed)

    # The pacer places exposed calls only after every idle agent has a covered one (pacing/test_pacer.py).
    @precondition(lambda self: self.floor.count(IDLE) == 0)
    @rule(campaign=st.sampled_from(CAMPAIGNS))
    def admit_exposed(self, campaign: CampaignId) -> None:
        self.admit(campaign, cover=False, guaranteed=False)

    @precondition(lambda self: self.any_in(Phase.RINGING))
    @rule(index=st.integers(0, 99))
    def callee_answers(self, index: int) -> None:
        call = self.pick(index, Phase.RINGING)
        before = self.exposures()
        self.answer(call, self.now())
        assert self.grew(before) == {}, "a trade never adds an exposed call"

    @precondition(lambda self: self.any_in(Phase.ASSIGNED))
    @rule(index=st.integers(0, 99))
    def bridging_succeeds(self, index: int) -> None:
        self.calls[self.pick(index, Phase.ASSIGNED)].phase = Phase.CONNECTED

    @precondition(lambda self: self.any_in(Phase.ASSIGNED))
    @rule(index=st.integers(0, 99))
    def bridging_fails(self, index: int) -> None:
        """What the owner of a call does then: give back, return to flight, ask again."""
        call = self.pick(index, Phase.ASSIGNED)
        known, before, now = self.calls[call], self.exposures(), self.now()
        assert known.agent is not None
        self.apply(self.floor.give_back(known.agent, worked=False, now=now))
        self.floor.return_to_flight(call, known.campaign)
        known.phase, known.agent, known.guaranteed = Phase.RINGING, None, False
        self.answer(call, now)
        assert self.grew(before) in ({}, {known.campaign: 1})

    @precondition(lambda self: self.any_in(*WITH_AGENT))
    @rule(index=st.integers(0, 99))
    def call_with_an_agent_ends(self, index: int) -> None:
        call = self.pick(index, *WITH_AGENT)
        known, before, now = self.calls.pop(call), self.exposures(), self.now()
        assert known.agent is not None
        effects = self.floor.give_back(known.agent, worked=known.phase is Phase.CONNECTED, now=now)
        self.apply(effects)
        if known.phase is Phase.CONNECTED and not known.agent_died and known.agent not in self.wishes:
            assert effects == [WrapUp(known.agent, known.campaign)]
        assert self.floor.over(call, now) == []
        assert self.grew(before) == {}

    @precondition(lambda self: self.any_in(*IN_FLIGHT))
    @rule(index=st.integers(0, 99))
    def call_in_flight_ends(self, index: int) -> None:
        call = self.pick(index, *IN_FLIGHT)
        before, now = self.exposures(), self.now()
        if self.calls.pop(call).phase is Phase.WAITING:
            self.waiting.remove(call)
        self.apply(self.floor.over(call, now))
        assert self.floor.over(call, now) == []
        assert self.grew(before) == {}

    # what holds after every step

    @invariant()
    def cover_is_one_to_one_and_the_counts_agree(self) -> None:
        reserved = [agent for agent in self.floor if agent.state is RESERVED]
        covered = [agent.call for agent in reserved]
        assert len(set(covered)) == len(covered), "two agents for one call"
        in_flight = {c: known for c, known in self.calls.items() if known.phase in IN_FLIGHT}
        assert set(covered) <= in_flight.keys()
        for call, known in in_flight.items():
            assert self.floor.is_exposed(call) == (call not in covered)
            assert call not in covered or the(self.floor, self.covers()[call]).campaign == known.campaign
        for campaign in CAMPAIGNS:
            ours = [call for call, known in in_flight.items() if known.campaign == campaign]
            assert self.floor.in_flight(campaign) == len(ours)
            assert self.floor.exposed(campaign) == sum(call not in covered for call in ours)

    @invariant()
    def an_agent_has_one_call_or_none(self) -> None:
        theirs = {
            known.agent: call
            for call, known in self.calls.items()
            if known.phase in WITH_AGENT and not known.agent_died
        }
        talking = {agent.id: agent.call for agent in self.floor if agent.state is TALKING}
        assert talking == theirs
        for agent in self.floor:
            assert (agent.call is not None) == (agent.state in (RESERVED, TALKING))
            assert (agent.campaign is not None) == (agent.call is not None)

    @invariant()
    def nobody_idles_while_a_call_needs_them(self) -> None:
        if self.waiting or any(self.exposures().values()):
            assert self.floor.count(IDLE) == 0
        for call in self.waiting:
            assert not any(self.may_take(call, agent) for agent in self.floor)

    @invariant()
    def a_wish_waits_only_for_a_call_and_is_never_forgotten(self) -> None:
        for agent in self.floor:
            wish = self.wishes.get(agent.id)
            if agent.state in (RESERVED, TALKING):
                assert agent.wish is wish
            else:
                assert agent.wish is None
                assert wish is None or agent.state is GRANTED[wish]
                self.wishes.pop(agent.id, None)

    @invariant()
    def a_guaranteed_call_keeps_its_agent(self) -> None:
        covers = self.covers()
        guaranteed = [c for c, known in self.calls.items() if known.guaranteed and known.phase in IN_FLIGHT]
        for call in guaranteed:
            if call in self.guarantors and covers.get(call) != self.guarantors[call]:
                assert self.guarantors[call] in self.may_change_guarantor
                died = not self.floor.present(self.guarantors[call]) and self.floor.count(IDLE) == 0
                assert call in covers or died
        self.guarantors = {call: covers[call] for call in guaranteed if call in covers}
        self.may_change_guarantor = set()


FloorMachine.TestCase.settings = settings(max_examples=20, stateful_step_count=40, deadline=None)
TestFloorMachine = FloorMachine.TestCase


@pytest.mark.parametrize("seed", range(30))
def test_a_long_busy_shift_keeps_every_promise(seed: int) -> None:
    """The same machine led by dice that keep the floor busy, into states that short examples rarely reach."""
    dice = random.Random(seed)
    floor = FloorMachine()
    floor.shift_begins(count=4)
    for _ in range(500):
        one_more_step(floor, dice)
        floor.cover_is_one_to_one_and_the_counts_agree()
        floor.an_agent_has_one_call_or_none()
        floor.nobody_idles_while_a_call_needs_them()
        floor.a_wish_waits_only_for_a_call_and_is_never_forgotten()
        floor.a_guaranteed_call_keeps_its_agent()


def one_more_step(floor: FloorMachine, dice: random.Random) -> None:
    agent, campaign, index = dice.choice(AGENTS), dice.choice(CAMPAIGNS), dice.randrange(100)
    match dice.randrange(20):
        case 0 | 1:
            floor.log_in(agent=agent)
        case 2:
            floor.ask(agent=agent, wish=dice.choice(list(Wish)))
        case 3 | 4:
            floor.ready(agent=agent)
        case 5 | 6:
            floor.wrapped_up(agent=agent)
        case 7 if index < 60:
            floor.phone_dies(agent=agent)
        case 8 | 9 | 10:
            floor.admit_covered(campaign=campaign, guaranteed=index < 25)
        case 11 | 12 if floor.floor.count(IDLE) == 0 and len(floor.calls) < 12:
            floor.admit_exposed(campaign=campaign)
        case 13 | 14 if floor.any_in(Phase.RINGING):
            floor.callee_answers(index=index)
        case 15 if floor.any_in(Phase.ASSIGNED):
            floor.bridging_succeeds(index=index)
        case 16 if floor.any_in(Phase.ASSIGNED):
            floor.bridging_fails(index=index)
        case 17 | 18 if floor.any_in(*WITH_AGENT):
            floor.call_with_an_agent_ends(index=index)
        case 19 if floor.any_in(*IN_FLIGHT):
            floor.call_in_flight_ends(index=index)
        case _:
            pass
