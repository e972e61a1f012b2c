"""The agents' desk: phones are seated in their bridges and let go, feature codes and keys are obeyed.

Seating takes requests to Asterisk, so it is done by one task with a queue, in order. What must hold at once
(an agent's phone is gone, so no call may count on it) is done when the event comes, without waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from controller.domain.agent import AgentState, Wish
from controller.domain.call import EndAsked
from controller.domain.ids import AgentId, ChannelId
from controller.engine.offer_desk import OfferDesk
from controller.engine.office import Office
from controller.errors import ControllerError, Refused
from controller.ports import AgentAction, AgentArrived, AgentAsked, AgentGone, AgentOnWire, QueueStatus

log = structlog.get_logger(__name__)

QUEUE = 1000
"""Requests of agents' phones that may wait. If more come, the newest is dropped: the agent dials again."""


@dataclass(frozen=True, slots=True)
class _Departure:
    """An agent's seat is to be cleared."""

    agent: AgentId


SETTLE = 0.5
"""Seconds from the seating of an agent's phone until a call may count on it."""


class Desk:
    """Seats agents and carries out what they ask with their phones."""

    def __init__(self, office: Office, endpoints: Mapping[AgentId, str]) -> None:
        self._office = office
        self._endpoints = endpoints
        self._queue: asyncio.Queue[AgentArrived | AgentAsked | _Departure] = asyncio.Queue(QUEUE)
        self._dropped = 0
        self._seats: dict[AgentId, ChannelId] = {}
        self._busy = False
        self._offers = OfferDesk(office)
        office.see_off = self.see_off

    @property
    def idle(self) -> bool:
        """Whether everything that was asked for has been done."""
        return self._queue.empty() and not self._busy

    def backlog(self) -> QueueStatus:
        """The requests of agents' phones that wait."""
        return QueueStatus(name="agents", waiting=self._queue.qsize(), room=QUEUE, overflows=self._dropped)

    # --- from events, at once -------------------------------------------------------------------------

    def post(self, event: AgentArrived | AgentAsked) -> None:
        """An agent's phone wants something. Never waits."""
        self._enqueue(event)

    def see_off(self, agent: AgentId) -> None:
        """Let an agent go and clear the seat, before anything else that this agent asks for later."""
        self._enqueue(_Departure(agent))

    def _enqueue(self, event: AgentArrived | AgentAsked | _Departure) -> None:
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self._dropped += 1
            log.error("desk overrun, request dropped", agent=event.agent)

    def gone(self, event: AgentGone) -> None:
        """A channel that held an agent's phone is destroyed: no call may count on them from now on."""
        for agent, channel in list(self._seats.items()):
            if channel == event.channel:
                del self._seats[agent]
                log.info("agent's phone is gone", agent=agent)
                self._office.apply(self._office.floor.lose(agent, self._office.clock.now()))
                self.see_off(agent)

    def resync(self, on_wire: Mapping[AgentId, AgentOnWire]) -> None:
        """After a gap in the events: forget who is gone, take in who is there."""
        for agent in list(self._seats):
            if agent not in on_wire:
                self.gone(AgentGone(self._seats[agent]))
        for agent, seat in on_wire.items():
            self._seats[agent] = seat.channel
            self._office.apply(self._office.floor.log_in(agent, self._office.clock.now()))

    # --- from people ----------------------------------------------------------------------------------

    async def log_in(self, agent: AgentId) -> None:
        """Call the agent's phone; it is seated when answered.

        Raises:
            Refused: no such agent, or logged in already, or the phone cannot be called.
        """
        endpoint = self._endpoints.get(agent)
        if endpoint is None:
            known = ", ".join(sorted(self._endpoints)) or "none"
            raise Refused(
                f"agent {agent} is not in the configuration; add an [[agents]] entry (known: {known})"
            )
        if self._office.floor.present(agent):
            raise Refused(f"agent {agent} is logged in already")
        await self._office.control.call_agent(agent, endpoint)

    def wish(self, agent: AgentId, wish: Wish) -> None:
        """Pause or log out, as soon as no call counts on the agent."""
        self._must_be_present(agent)
        self._office.apply(self._office.floor.ask(agent, wish, self._office.clock.now()))

    def ready(self, agent: AgentId) -> None:
        """End a pause or a wrap-up."""
        self._must_be_present(agent)
        self._office.apply(self._office.floor.ready(agent, self._office.clock.now()))

    def _must_be_present(self, agent: AgentId) -> None:
        if not self._office.floor.present(agent):
            raise Refused(f"agent {agent} is not logged in")

    # --- tasks ----------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Obey phones, in order. Runs until cancelled."""
        while True:
            event = await self._queue.get()
            self._busy = True
            try:
                await self._obey(event)
            except ControllerError as error:
                log.warning("agent's request failed", agent=event.agent, why=str(error))
            self._busy = False

    async def _obey(self, event: AgentArrived | AgentAsked | _Departure) -> None:
        match event:
            case AgentArrived():
                await self._seat(event)
            case _Departure(agent):
                self._seats.pop(agent, None)
                await self._office.control.unseat(agent)
            case AgentAsked(channel=channel):
                self._carry_out(event)
                if channel is not None:
                    await self._office.control.drop(channel)

    def _carry_out(self, event: AgentAsked) -> None:
        known = self._office.floor.agent(event.agent)
        if known is None or known.state is AgentState.AWAY:
            return
        match event.action:
            case AgentAction.LOG_OUT:
                self.wish(event.agent, Wish.LEAVE)
            case AgentAction.TOGGLE_PAUSE if known.state is AgentState.PAUSED or known.wish is Wish.PAUSE:
                self.ready(event.agent)
            case AgentAction.TOGGLE_PAUSE:
                self.wish(event.agent, Wish.PAUSE)
            case AgentAction.READY:
                self.ready(event.agent)
            case AgentAction.CALL | AgentAction.SKIP:
                self._offers.press(event.agent, call=event.action is AgentAction.CALL)
            case AgentAction.END_CALL if known.call is not None:
                owner = self._office.owners.get(known.call)
                # A key pressed before the callee was heard was meant for the call before; obeyed, it would
                # make this one a silent call that no budget has allowed.
                if owner is not None and owner.call.heard_at is not None:
                    owner.post(EndAsked())

    async def _seat(self, event: AgentArrived) -> None:
        if event.agent not in self._endpoints:
            log.warning("unknown phone tried to log in", agent=event.agent)
            await self._office.control.drop(event.channel)
            return
        if self._office.floor.present(event.agent) or event.agent in self._seats:
            log.info("agent logged in twice, second call dropped", agent=event.agent)
            await self._office.control.drop(event.channel)
            return
        self._seats[event.agent] = event.channel
        try:
            await self._office.control.seat(event.agent, event.channel)
        except ControllerError:
            self._seats.pop(event.agent, None)
            raise
        # Until the phone sends sound, a callee in the bridge would hear nobody.
        self._office.later(SETTLE, lambda: self._take_in(event))

    def _take_in(self, event: AgentArrived) -> None:
        if self._seats.get(event.agent) != event.channel:
            return  # the phone was gone again
        log.info("agent logged in", agent=event.agent)
        self._office.apply(self._office.floor.log_in(event.agent, self._office.clock.now()))
