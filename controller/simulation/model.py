"""A call centre as a lean discrete-event loop: the real floor and budget, without the engine around them.

For pacing only the order of events matters, so this leaves out everything that takes no time worth
mentioning: stores, requests, tasks. An agent and calls are led by the same ``Floor`` and counted by the same
``Tally`` as in production; test_agreement.py holds it to the results of the whole engine. Times are seconds
from the start.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Protocol

from controller.domain.agent import AgentState, Wish
from controller.domain.budget import Tally
from controller.domain.floor import Assign, Effect, Exposed, Floor, WrapUp
from controller.domain.ids import AgentId, CallId, CampaignId
from controller.domain.lifecycle import HEARD_AFTER
from controller.domain.regulation import Limit
from controller.simulation.clock import EPOCH
from controller.simulation.record import Record
from controller.simulation.scenario import Fate, Fates, Scenario

_CAMPAIGN = CampaignId("simulated")
_HEARD = HEARD_AFTER.total_seconds()


class Policy(Protocol):
    """Who decides how many calls to place.

    Attributes:
        name: as shown in tables.
        keeps_budget: calls that nobody stands ready for are placed only within the budget (L3).
        every: seconds between two wake-ups at which nothing else happens; None: at events only.
    """

    name: str
    keeps_budget: bool
    every: float | None

    def wanted(self, centre: Centre) -> int:
        """How many calls to place now."""
        ...

    def placed(self, call: CallId) -> None:
        """One of these has been placed."""
        ...

    def saw(self, centre: Centre, what: Happening) -> None:
        """Something happened that a policy may learn from."""
        ...


@dataclass(frozen=True, slots=True)
class CallEnded:
    """A call stopped ringing after so many seconds."""

    call: CallId
    rang: float
    answered: bool
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Talked:
    """A conversation has ended after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class WrappedUp:
    """A wrap-up has ended after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Dropped:
    """An answered call found no agent."""

    call: CallId


@dataclass(frozen=True, slots=True)
class Connected:
    """An answered call has an agent."""

    call: CallId
    rescued: bool


Happening = CallEnded | Talked | WrappedUp | Dropped | Connected


@dataclass(slots=True)
class Flight:
    """A call that rings or waits.

    Attributes:
        placed: when it was dialed.
        answered: when it was answered; None while it rings.
        agent: who has it.
        heard: the callee has heard the agent.
    """

    fate: Fate
    placed: float
    answered: float | None = None
    agent: AgentId | None = None
    heard: bool = False
    over: bool = False


@dataclass(slots=True)
class Centre:
    """The simulated call centre, as policies see it.

    Attributes:
        now: seconds from the start.
        ringing: when each ringing call was placed.
        waiting: answered calls without an agent.
        busy: since when each agent in conversation or wrap-up is so.
    """

    scenario: Scenario
    policy: Policy
    seed: int
    now: float = 0.0
    floor: Floor = field(default_factory=Floor)
    ringing: dict[CallId, float] = field(default_factory=dict)
    waiting: dict[CallId, float] = field(default_factory=dict)
    talking: dict[AgentId, float] = field(default_factory=dict)
    wrapping: dict[AgentId, float] = field(default_factory=dict)
    free_at: dict[AgentId, float] = field(default_factory=dict)
    in_flight: int = 0
    at_risk: int = 0
    record: Record = field(init=False)
    tally: Tally = field(init=False)
    _flights: dict[CallId, Flight] = field(default_factory=dict)
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _serial: count[int] = field(default_factory=count)
    _fates: Fates = field(init=False)
    _tokens: float = 1.0
    _refilled: float = 0.0
    _looks_at: float = -1.0
    _restless: bool = False

    def __post_init__(self) -> None:
        self._restless = any(each.breaks or each.ends < math.inf for each in self.scenario.shifts)
        self._fates = Fates(self.scenario, self.seed)
        share, bank = self.scenario.share, self.scenario.bank
        before = math.ceil(bank / share) if bank else 0
        self.tally = Tally(limit=Limit(name="campaign", share=share), successes=before)
        self.record = Record(policy=self.policy.name, scenario=self.scenario, seed=self.seed)

    # --- what policies ask ----------------------------------------------------------------------------

    @property
    def ready(self) -> int:
        """Agents who could take an answered call now."""
        return sum(agent.free for agent in self.floor)

    @property
    def idle(self) -> int:
        """Free agents whom no call counts on."""
        return self.floor.count(AgentState.IDLE)

    @property
    def exposed(self) -> int:
        """Calls that may turn silent."""
        return self.floor.exposed(_CAMPAIGN) + self.at_risk

    @property
    def room(self) -> int:
        """Exposed calls that the budget still allows."""
        return max(0, self.tally.room(self.exposed))

    @property
    def logged_in(self) -> int:
        """Agents who are there, paused ones included."""
        return sum(agent.state is not AgentState.AWAY for agent in self.floor)

    @property
    def lines(self) -> int:
        """Lines that are still free."""
        return self.scenario.max_lines - self.in_flight - len(self.talking)

    def segment_of(self, call: CallId) -> str:
        """The segment of a call that has not ended; empty if the scenario has none."""
        return self._flights[call].fate.segment

    def coming(self, count: int) -> list[str]:
        """The segments of those who are called next; empty if the scenario has none."""
        return self._fates.coming(self.now, count)

    # --- running --------------------------------------------------------------------------------------

    def run(self) -> Record:
        """Simulate the whole scenario."""
        end = self.scenario.seconds
        self._seat()
        if self.policy.every is not None:
            self._tick(self.policy.every)
        self._look()
        while self._events and self._events[0][0] < end:
            self.now, _, what = heapq.heappop(self._events)
            what()
            if not self._events or self._events[0][0] > self.now:
                self._look()
                self.record.balance(self.now, self.tally)
        self.now = end
        for agent in list(self.floor):
            self.record.state(agent.id, None, end)
        return self.record

    def at(self, seconds: float, what: Callable[[], None]) -> None:
        """Let something happen then."""
        heapq.heappush(self._events, (seconds, next(self._serial), what))

    def look_at(self, seconds: float) -> None:
        """Ask the policy again then, even if nothing happens."""
        if not self.now < self._looks_at <= seconds:
            self._looks_at = seconds
            self.at(seconds, _nothing)

    def _tick(self, every: float) -> None:
        self.at(self.now + every, lambda: self._tick(every))

    def _look(self) -> None:
        wanted = self.policy.wanted(self)
        for _ in range(min(wanted, self.lines)):
            if (pause := self._until_token()) > 0:
                self.look_at(self.now + pause)
                return
            if not self.place():
                return
            self._tokens -= 1

    def _until_token(self) -> float:
        rate = self.scenario.calls_per_second
        self._tokens = min(max(1.0, rate / 10), self._tokens + (self.now - self._refilled) * rate)
        self._refilled = self.now
        return max(0.001, (1 - self._tokens) / rate) if self._tokens < 1 else 0.0

    def place(self) -> bool:
        """Place one call, covered if an agent is idle; returns whether the budget allowed it."""
        covered = self.idle > 0
        if not covered and self.policy.keeps_budget and self.room < 1:
            return False
        number = next(self._serial)
        call, fate = CallId(str(number)), self._fates.next(self.now)
        self.floor.admit(call, _CAMPAIGN, cover=covered)
        self._flights[call] = Flight(fate, self.now)
        self.ringing[call] = self.now
        self.in_flight += 1
        self.record.placed += 1
        self.policy.placed(call)
        self.at(self.now + fate.after, lambda: self._rang_out(call))
        return True

    def take_one_back(self, rang: float) -> bool:
        """Take back who has just rung so long, of the calls that nobody stands ready for.

        Returns:
            Whether there was one.
        """
        begun = self.now - rang
        late = [c for c, placed in self.ringing.items() if placed <= begun and self.floor.is_exposed(c)]
        if late:
            self.cancel(late[-1])
        return bool(late)

    def cancel(self, call: CallId) -> None:
        """Take a ringing call back."""
        flight = self._flights[call]
        self.record.cancelled += 1
        self._saw(CallEnded(call, self.now - flight.placed, answered=False, cancelled=True))
        self._over(call)

    # --- calls ----------------------------------------------------------------------------------------

    def _rang_out(self, call: CallId) -> None:
        flight = self._flights.get(call)
        if flight is None:
            return
        self._saw(CallEnded(call, flight.fate.after, flight.fate.answered))
        del self.ringing[call]
        if not flight.fate.answered:
            self._over(call)
            return
        flight.answered = self.now
        self.record.answered += 1
        effects = self.floor.answered(call, self._date())
        if not any(isinstance(effect, Assign) and effect.call == call for effect in effects):
            self.waiting[call] = self.now
            patience = min(self.scenario.window, flight.fate.patience)
            self.at(self.now + patience, lambda: self._cut(call))
        self._apply(effects)

    def _cut(self, call: CallId) -> None:
        if self.waiting.pop(call, None) is None:
            return
        self.tally = replace(self.tally, silent=self.tally.silent + 1)
        self.record.silent_at(self.now)
        self._saw(Dropped(call))
        self._over(call)

    def _over(self, call: CallId) -> None:
        self.ringing.pop(call, None)
        del self._flights[call]
        self.in_flight -= 1
        self._apply(self.floor.over(call, self._date()))

    def _assigned(self, call: CallId, agent: AgentId) -> None:
        flight = self._flights[call]
        rescued = self.waiting.pop(call, None) is not None
        flight.agent = agent
        self.in_flight -= 1
        self.at_risk += 1
        self.record.state(agent, AgentState.TALKING, self.now)
        self.talking[agent] = self.now
        self.free_at[agent] = self.now + flight.fate.talk + flight.fate.wrap_up
        self.at(self.now + _HEARD, lambda: self._heard(call, rescued=rescued))
        self.at(self.now + max(_HEARD, flight.fate.talk), lambda: self._talked(call, agent))

    def _heard(self, call: CallId, *, rescued: bool) -> None:
        self.at_risk -= 1
        self.tally = replace(self.tally, successes=self.tally.successes + 1)
        self.record.success_at(self.now, rescued=rescued)
        self._saw(Connected(call, rescued))

    def _talked(self, call: CallId, agent: AgentId) -> None:
        flight = self._flights.pop(call)
        self._saw(Talked(self.now - self.talking.pop(agent)))
        effects = self.floor.give_back(agent, worked=True, now=self._date())
        for effect in effects:
            if isinstance(effect, WrapUp):
                self.wrapping[agent] = self.now
                self.record.state(agent, AgentState.WRAP_UP, self.now)
                self.at(self.now + flight.fate.wrap_up, lambda: self._wrapped_up(agent))
        self._apply(effects)

    def _wrapped_up(self, agent: AgentId) -> None:
        began = self.wrapping.pop(agent, None)
        if began is None:
            return
        self._saw(WrappedUp(self.now - began))
        self._apply(self.floor.wrapped_up(agent, self._date()))
        self._note(agent)

    # --- agents ---------------------------------------------------------------------------------------

    def _seat(self) -> None:
        serial = count(1)
        for shift in self.scenario.shifts:
            for _ in range(shift.agents):
                agent = AgentId(str(next(serial)))
                self.at(shift.begins, lambda agent=agent: self._come(agent))  # type: ignore[misc]
                for begin, end in shift.breaks:
                    self.at(begin, lambda agent=agent: self._ask(agent, Wish.PAUSE))  # type: ignore[misc]
                    self.at(end, lambda agent=agent: self._back(agent))  # type: ignore[misc]
                if shift.ends < self.scenario.seconds:
                    self.at(shift.ends, lambda agent=agent: self._ask(agent, Wish.LEAVE))  # type: ignore[misc]

    def _come(self, agent: AgentId) -> None:
        self._apply(self.floor.log_in(agent, self._date()))
        self._note(agent)

    def _ask(self, agent: AgentId, wish: Wish) -> None:
        self.wrapping.pop(agent, None)
        self._apply(self.floor.ask(agent, wish, self._date()))

    def _back(self, agent: AgentId) -> None:
        self._apply(self.floor.ready(agent, self._date()))

    # --- what follows ---------------------------------------------------------------------------------

    def _apply(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Assign(call, agent):
                    self._assigned(call, agent)
                case Exposed(call, _) if self.policy.keeps_budget and self.tally.room(self.exposed) < 0:
                    self.cancel(call)
                case _:
                    pass
        if self._restless:
            for each in self.floor:  # a pause or log-out may have been granted
                self._note(each.id)

    def _note(self, agent: AgentId) -> None:
        known = self.floor.agent(agent)
        if known is not None:
            self.record.state(agent, known.state, self.now)

    def _saw(self, what: Happening) -> None:
        self.policy.saw(self, what)

    def _date(self) -> datetime:
        return EPOCH + timedelta(seconds=self.now)


def _nothing() -> None:
    return None


def simulate(scenario: Scenario, policy: Policy, seed: int = 1) -> Record:
    """Run a scenario under a policy."""
    return Centre(scenario, policy, seed).run()
