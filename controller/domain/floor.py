"""The floor: which agent stands ready for which call, and who takes an answered one.

Every call in flight (ringing or waiting) is either *covered* by a free agent reserved for it or *exposed*:
nobody stands ready. The floor keeps three promises:

* An answered call takes the agent who has been idle longest, even one reserved for another call of the
  same campaign: the call that loses its agent takes over the exposure of the one that is served, so the
  number of exposed calls does not grow. A *guaranteed* call (rule L5) never loses its agent.
* An agent who becomes free first rescues the call that waits longest, else covers an exposed call.
* A pause or log-out waits as long as a call counts on that agent. Only a dead phone leaves at once.

An agent may look at a contact before it is called (``offer``): nothing counts on them then, until they have
it called (``take_up``) or the offer ends. A pause, a log-out or a dead phone ends it at once.

A campaign may have a staff of its own (``staff``): nobody else takes its calls or stands ready for them. A
call may also be for one agent alone, who promised to call back; until then they are kept free (``keep``).

The floor is plain state changed by plain methods: no await, so a change is atomic in the event loop. Each
method returns what follows for others (``Effect``), in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from controller.domain.agent import Agent, AgentState, Wish
from controller.domain.ids import AgentId, CallId, CampaignId


@dataclass(frozen=True, slots=True)
class Assign:
    """This call has this agent now."""

    call: CallId
    agent: AgentId


@dataclass(frozen=True, slots=True)
class Exposed:
    """A covered call has lost its agent and nobody else could step in.

    It has to be taken back, if it still rings, unless the budget has room for it. (A call that loses its
    agent in a trade, see above, is not reported: the number of exposed calls is as before.)
    """

    call: CallId
    campaign: CampaignId


@dataclass(frozen=True, slots=True)
class Departed:
    """An agent who asked to leave may be let go now."""

    agent: AgentId


@dataclass(frozen=True, slots=True)
class LostAgent:
    """The call that an agent had when their phone died."""

    call: CallId
    agent: AgentId


@dataclass(frozen=True, slots=True)
class WrapUp:
    """An agent is in wrap-up; ``wrapped_up`` is due when its time is over."""

    agent: AgentId
    campaign: CampaignId


Effect = Assign | Exposed | Departed | LostAgent | WrapUp


@dataclass(slots=True)
class _Flight:
    """A call between admission and agent (or end)."""

    campaign: CampaignId
    cover: AgentId | None
    guaranteed: bool
    only: AgentId | None = None
    waiting: bool = False
    doomed: bool = False


class Floor:
    """Agents and calls in flight of one controller."""

    def __init__(self) -> None:
        self._agents: dict[AgentId, Agent] = {}
        self._flights: dict[CallId, _Flight] = {}  # in order of admission; waiting ones re-inserted
        self._staff: dict[CampaignId, frozenset[AgentId]] = {}
        self._kept: set[AgentId] = set()

    def staff(self, campaign: CampaignId, agents: frozenset[AgentId] | None) -> None:
        """Say who takes a campaign's calls from now on; None: everybody. Calls in flight keep theirs."""
        if agents is None:
            self._staff.pop(campaign, None)
        else:
            self._staff[campaign] = agents

    def keep(self, agent: AgentId) -> None:
        """Give the agent no call but one that is for them alone. What counts on them already, still does."""
        self._kept.add(agent)

    def unkeep(self, agent: AgentId, now: datetime) -> list[Effect]:
        """The agent may be given any call again."""
        if agent not in self._kept:
            return []
        self._kept.discard(agent)
        known = self._agents.get(agent)
        if known is None or known.state is not AgentState.IDLE:
            return []
        return self._free(known, now, idle_since=known.since)

    # --- views ---------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Agent]:
        return iter(self._agents.values())

    def agent(self, agent: AgentId) -> Agent | None:
        """The agent as the floor knows them; None if they never logged in."""
        return self._agents.get(agent)

    def present(self, agent: AgentId) -> bool:
        """Whether the agent's phone is in its bridge."""
        known = self._agents.get(agent)
        return known is not None and known.state is not AgentState.AWAY

    def count(self, state: AgentState) -> int:
        """How many agents are in this state."""
        return sum(agent.state is state for agent in self._agents.values())

    def serves(self, agent: AgentId, campaign: CampaignId) -> bool:
        """Whether the agent takes calls of the campaign."""
        staff = self._staff.get(campaign)
        return staff is None or agent in staff

    def count_for(self, campaign: CampaignId, state: AgentState) -> int:
        """How many agents who take the campaign's calls, whichever come, are in this state."""
        return sum(
            agent.state is state and agent.id not in self._kept and self.serves(agent.id, campaign)
            for agent in self._agents.values()
        )

    def in_flight(self, campaign: CampaignId) -> int:
        """Calls of the campaign that are ringing or waiting."""
        return sum(flight.campaign == campaign for flight in self._flights.values())

    def exposed(self, campaign: CampaignId) -> int:
        """Calls in flight of the campaign that nobody stands ready for."""
        return sum(f.campaign == campaign and f.cover is None for f in self._flights.values())

    def is_exposed(self, call: CallId) -> bool:
        """Whether this call is in flight and nobody stands ready for it."""
        flight = self._flights.get(call)
        return flight is not None and flight.cover is None

    # --- agents --------------------------------------------------------------------------------------

    def log_in(self, agent: AgentId, now: datetime) -> list[Effect]:
        """The agent's phone is in its bridge. Logging in twice changes nothing."""
        if self.present(agent):
            return []
        return self._free(Agent(id=agent, state=AgentState.IDLE, since=now), now)

    def ask(self, agent: AgentId, wish: Wish, now: datetime) -> list[Effect]:
        """The agent wants to pause or leave: granted at once, or when no call counts on them any more."""
        known = self._agents.get(agent)
        if known is None or known.state is AgentState.AWAY:
            return []
        effects: list[Effect] = []
        if known.state is AgentState.RESERVED:
            assert known.call is not None
            if other := self._longest_idle(self._flights[known.call]):
                self._cover(known.call, other)
                known = known.idle(known.since)
        self._agents[agent] = replace(known, wish=wish)
        if known.state not in (AgentState.RESERVED, AgentState.TALKING):
            effects += self._grant(agent, now)
        return effects

    def ready(self, agent: AgentId, now: datetime) -> list[Effect]:
        """The agent ends a pause or a wrap-up, or takes a wish back."""
        known = self._agents.get(agent)
        if known is None or known.state is AgentState.AWAY:
            return []
        if known.state in (AgentState.PAUSED, AgentState.WRAP_UP):
            return self._free(known, now)
        self._agents[agent] = replace(known, wish=None)
        return []

    def wrapped_up(self, agent: AgentId, now: datetime) -> list[Effect]:
        """The time for the wrap-up is over. Changes nothing if the agent has moved on."""
        known = self._agents.get(agent)
        if known is None or known.state is not AgentState.WRAP_UP:
            return []
        return self._free(known, now)

    def lose(self, agent: AgentId, now: datetime) -> list[Effect]:
        """The agent's phone is gone, without asking."""
        known = self._agents.get(agent)
        if known is None or known.state is AgentState.AWAY:
            return []
        self._agents[agent] = Agent(id=agent, state=AgentState.AWAY, since=now)
        if known.call is None:
            return []
        if known.state is AgentState.TALKING:
            return [LostAgent(known.call, agent)]
        return self._uncover(known.call)

    # --- offers --------------------------------------------------------------------------------------

    def offerable(self, campaign: CampaignId) -> list[AgentId]:
        """Idle agents to whom a contact of the campaign could be offered, the longest idle first."""
        idle = [a for a in self._agents.values() if a.state is AgentState.IDLE and self._open_to(a, campaign)]
        return [agent.id for agent in sorted(idle, key=lambda agent: agent.since)]

    def offer(self, agent: AgentId, campaign: CampaignId) -> bool:
        """The agent looks at a contact of the campaign; False, and nothing has changed, if they are not free.

        They get no call meanwhile, and are as long idle as before.
        """
        known = self._agents.get(agent)
        if known is None or known.state is not AgentState.IDLE or not self._open_to(known, campaign):
            return False
        self._agents[agent] = replace(known, state=AgentState.PREVIEW, campaign=campaign)
        return True

    def looks(self, agent: AgentId, campaign: CampaignId) -> bool:
        """Whether the agent looks at a contact of the campaign, and may go on doing so."""
        known = self._agents.get(agent)
        if known is None or known.state is not AgentState.PREVIEW or known.campaign != campaign:
            return False
        return self._open_to(known, campaign)

    def take_up(self, agent: AgentId, call: CallId) -> bool:
        """The agent has the contact called that they look at: a call for them alone (L5).

        False, and nothing has changed, if they do not look at one any more.
        """
        known = self._agents.get(agent)
        if known is None or known.state is not AgentState.PREVIEW or known.campaign is None:
            return False
        self._flights[call] = _Flight(known.campaign, None, guaranteed=True, only=agent)
        self._cover(call, known)
        return True

    def end_offer(self, agent: AgentId, now: datetime, *, pause: str = "") -> list[Effect]:
        """The agent looks at nothing any more: they are free, or with ``pause`` paused for this reason."""
        known = self._agents.get(agent)
        if known is None or known.state is not AgentState.PREVIEW:
            return []
        if not pause:
            return self._free(known, now, idle_since=known.since)
        self._agents[agent] = Agent(id=agent, state=AgentState.PAUSED, since=now, reason=pause)
        return []

    def _open_to(self, agent: Agent, campaign: CampaignId) -> bool:
        return agent.id not in self._kept and self.serves(agent.id, campaign)

    # --- calls ---------------------------------------------------------------------------------------

    def admit(
        self,
        call: CallId,
        campaign: CampaignId,
        *,
        cover: bool,
        guaranteed: bool = False,
        only: AgentId | None = None,
    ) -> bool:
        """Take a call on, before it is admitted by the ledger.

        Args:
            call: the new call.
            campaign: its campaign.
            cover: reserve the longest-idle agent for it.
            guaranteed: that agent stays reserved for it alone (L5). Implies ``cover``.
            only: the one agent who may take it. Implies ``guaranteed``.

        Returns:
            False if it was to be covered and no agent who may take it is idle; then nothing has changed.
        """
        flight = _Flight(campaign, None, guaranteed or only is not None, only)
        agent = self._longest_idle(flight) if cover or flight.guaranteed else None
        if agent is None and (cover or flight.guaranteed):
            return False
        self._flights[call] = flight
        if agent is not None:
            self._cover(call, agent)
        return True

    def answered(self, call: CallId, now: datetime) -> list[Effect]:
        """The call is answered: it gets the longest-idle agent it may take, or joins the waiting list."""
        flight = self._flights.get(call)
        if flight is None:
            return []
        taken = self._for_answered(flight)
        if taken is None:
            self._flights[call] = self._flights.pop(call)
            flight.waiting = True
            return []
        return self._assign(call, taken, now)

    def give_back(self, agent: AgentId, *, worked: bool, now: datetime) -> list[Effect]:
        """An assigned agent is not needed any more."""
        known = self._agents.get(agent)
        if known is None or known.state is not AgentState.TALKING:
            return []
        if known.wish is not None:
            return self._grant(agent, now)
        if not worked:
            return self._free(known, now)
        assert known.campaign is not None
        self._agents[agent] = Agent(id=agent, state=AgentState.WRAP_UP, since=now)
        return [WrapUp(agent, known.campaign)]

    def resume(self, agent: AgentId, call: CallId, campaign: CampaignId, now: datetime) -> None:
        """The agent is found in conversation, after a restart of the controller."""
        self._agents[agent] = Agent(
            id=agent, state=AgentState.TALKING, since=now, call=call, campaign=campaign
        )

    def return_to_flight(self, call: CallId, campaign: CampaignId) -> None:
        """The bridging of an answered call failed: nobody stands ready for it any more."""
        self._flights.setdefault(call, _Flight(campaign, None, guaranteed=False))

    def withdraw(self, call: CallId, now: datetime) -> list[Effect]:
        """The call is being hung up: no agent is to stand ready for it, or to be given to it, any more.

        It stays exposed until ``over``: as long as its end is not confirmed it may turn out silent.
        """
        flight = self._flights.get(call)
        if flight is None:
            return []
        flight.doomed, flight.waiting = True, False
        cover, flight.cover = flight.cover, None
        return [] if cover is None else self._release(self._agents[cover], now)

    def over(self, call: CallId, now: datetime) -> list[Effect]:
        """The call's part in the budget is over: whoever stood ready for it is free.

        To be called when the ledger has confirmed how it ended, not before: until then the call counts
        as exposed here, so at no instant does it count nowhere.
        """
        flight = self._flights.pop(call, None)
        if flight is None or flight.cover is None:
            return []
        return self._release(self._agents[flight.cover], now)

    # --- inside --------------------------------------------------------------------------------------

    def _longest_idle(self, flight: _Flight) -> Agent | None:
        """Who could stand ready for a call."""
        idle = (
            agent
            for agent in self._agents.values()
            if agent.state is AgentState.IDLE and self._suits(flight, agent)
        )
        return min(idle, key=lambda agent: agent.since, default=None)

    def _suits(self, flight: _Flight, agent: Agent) -> bool:
        if flight.only is not None:
            return flight.only == agent.id
        return agent.id not in self._kept and self.serves(agent.id, flight.campaign)

    def _for_answered(self, flight: _Flight) -> Agent | None:
        if flight.guaranteed and flight.cover is not None:
            return self._agents[flight.cover]
        free = (agent for agent in self._agents.values() if self._may_take(flight, agent))
        return min(free, key=lambda agent: agent.since, default=None)

    def _may_take(self, flight: _Flight, agent: Agent) -> bool:
        if flight.cover == agent.id:
            return True
        if not self._suits(flight, agent):
            return False
        if agent.state is AgentState.IDLE:
            return True
        if agent.state is not AgentState.RESERVED or agent.call is None:
            return False
        robbed = self._flights[agent.call]
        # Across campaigns the trade would charge one campaign's budget for another's call. (The call's own
        # agent has passed already, also if they serve the campaign no more, or are kept for another call.)
        return not robbed.guaranteed and robbed.campaign == flight.campaign

    def _assign(self, call: CallId, agent: Agent, now: datetime) -> list[Effect]:
        flight = self._flights.pop(call)
        effects: list[Effect] = []
        robbed = agent.call if agent.call != call else None
        self._agents[agent.id] = agent.talking(call, flight.campaign, now)
        own = self._agents[flight.cover] if flight.cover not in (None, agent.id) else None
        if robbed is not None:
            self._flights[robbed].cover = None
            substitute = own or self._longest_idle(self._flights[robbed])
            if substitute is not None:
                self._cover(robbed, substitute)
        elif own is not None:
            effects += self._release(own, now)
        return [*effects, Assign(call, agent.id)]

    def _cover(self, call: CallId, agent: Agent) -> None:
        flight = self._flights[call]
        flight.cover = agent.id
        self._agents[agent.id] = agent.reserved(call, flight.campaign)

    def _uncover(self, call: CallId) -> list[Effect]:
        flight = self._flights[call]
        flight.cover = None
        substitute = self._longest_idle(flight)
        if substitute is not None:
            self._cover(call, substitute)
            return []
        return [Exposed(call, flight.campaign)]

    def _release(self, agent: Agent, now: datetime) -> list[Effect]:
        """No call counts on the agent any more: grant their wish, else they are as long idle as before."""
        if agent.wish is not None:
            return self._grant(agent.id, now)
        return self._free(agent, now, idle_since=agent.since)

    def _free(self, agent: Agent, now: datetime, *, idle_since: datetime | None = None) -> list[Effect]:
        """The agent is free: rescue who waits longest, else cover an exposed call, else idle."""
        self._agents[agent.id] = idle = agent.idle(idle_since or now)
        uncovered = [
            (call, flight)
            for call, flight in self._flights.items()
            if flight.cover is None and not flight.doomed and self._suits(flight, idle)
        ]
        waiting = next((call for call, flight in uncovered if flight.waiting), None)
        if waiting is not None:
            return self._assign(waiting, idle, now)
        if uncovered:
            self._cover(uncovered[0][0], idle)
        return []

    def _grant(self, agent: AgentId, now: datetime) -> list[Effect]:
        wish = self._agents[agent].wish
        state = AgentState.PAUSED if wish is Wish.PAUSE else AgentState.AWAY
        self._agents[agent] = Agent(id=agent, state=state, since=now)
        return [Departed(agent)] if wish is Wish.LEAVE else []
