"""One call through the simulated network, from dialing to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from controller.domain.ids import AgentId, CallId
from controller.domain.recital import Told
from controller.ports import PhoneEvent
from controller.simulation.callee import (
    Answers,
    Behaviour,
    Callee,
    EndedBy,
    Fails,
    Heard,
    Leaves,
    NoAnswer,
    Presses,
)

LONGEST_MESSAGE = 60.0
"""Seconds: the dialplan's TIMEOUT(absolute) for a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long things take, in seconds.

    Attributes:
        ring: from dialing until the callee's phone rings.
        stasis: from the answer until the call can be bridged.
        noise: from the answer until the noise is heard.
        message: how long a campaign's message is.
        key: how long an agentless call waits for the callee's key after it.
        playable: an agentless campaign's sound is where it should be.
    """

    ring: float = 0.05
    stasis: float = 0.003
    noise: float = 0.02
    message: float = 8.0
    key: float = 2.5
    playable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the controller gives with a call for the time when it may be dead; times in seconds.

    Attributes:
        ring_timeout: how long the phone may ring.
        dead_man: from the answer until Asterisk ends a call that was not connected.
        message: it plays a message first.
        agentless: it plays the message from the answer on, and nobody is to speak.
    """

    ring_timeout: float
    dead_man: float
    message: bool
    agentless: bool = False


class Exchange(Protocol):
    """What a line needs of the PBX it belongs to."""

    timing: Timing

    def rang(self, line: Line) -> None:
        """The callee's phone rings."""
        ...

    def picked_up(self, line: Line) -> None:
        """The callee has answered."""
        ...

    def at_stasis(self, line: Line) -> None:
        """The dialplan has come to its Stasis()."""
        ...

    def attended(self, line: Line) -> AgentId | None:
        """The agent whose live phone is in the same bridge."""
        ...

    def note(self, line: Line, told: Told, *, ours: bool = False) -> None:
        """How far an agentless call's message has come."""
        ...

    def left(self, line: Line) -> None:
        """The channel is not in Stasis any more."""
        ...

    def ended(self, line: Line, cause: int, sip: int | None) -> None:
        """The channel is destroyed."""
        ...

    def tell(self, event: PhoneEvent) -> None:
        """Send an event to the controller."""
        ...


class Line:
    """A call's channel, with the callee at its end.

    Attributes:
        desk: the agent whose bridge the channel is in.
        answered: the callee's phone is off the hook.
        arrived: the channel is in Stasis.
    """

    def __init__(
        self, call: CallId, callee: Callee, behaviour: Behaviour, order: Order, pbx: Exchange
    ) -> None:
        self.call = call
        self.callee = callee
        self.desk: AgentId | None = None
        self.answered = False
        self.arrived = False
        self._behaviour = behaviour
        self._order = order
        self._pbx = pbx
        self._loop = asyncio.get_running_loop()
        self._timers: set[asyncio.TimerHandle] = set()
        self._noise = False
        self._audible = False
        self._message = False
        self._dead_man: asyncio.TimerHandle | None = None
        self._dial(order.ring_timeout)

    # --- what the network does ------------------------------------------------------------------------

    def _dial(self, ring_timeout: float) -> None:
        match self._behaviour:
            case Fails(after=after, cause=cause, sip=sip):
                self._after(after, lambda: self.end(EndedBy.NETWORK, cause, sip))
                return
            case Answers(after=after) | Leaves(after=after) | Presses(after=after):
                self._after(after, self._answer)
            case NoAnswer():
                pass
        self._after(self._pbx.timing.ring, self._ring)
        self._after(ring_timeout, self._give_up)

    def _ring(self) -> None:
        if not self.answered:
            self.callee.rang_at = self._loop.time()
            self._pbx.rang(self)

    def _give_up(self) -> None:
        if not self.answered:
            self.end(EndedBy.RING_TIMEOUT, 16)

    def _answer(self) -> None:
        self.answered = True
        self.callee.answered_at = self._loop.time()
        self._pbx.picked_up(self)
        if self._order.agentless:
            self._recite()
        else:
            self._wait_for_an_agent()
        match self._behaviour:
            case Presses(at=at) if self._order.agentless:
                self._after(at, self._press)
            case Leaves(stays=stays):
                self._after(stays, lambda: self.end(EndedBy.CALLEE, 16))
            case Answers(patience=patience):
                self._after(patience, self._lose_patience)
            case _:
                pass

    def _wait_for_an_agent(self) -> None:
        timing = self._pbx.timing
        self._noise = True
        self.listen()
        self.arm(self._order.dead_man)
        self._after(timing.stasis, lambda: self._pbx.at_stasis(self))
        self._after(timing.noise, self._become_audible)

    def _recite(self) -> None:
        """The dialplan's context for calls in which nobody speaks."""
        if not self._pbx.timing.playable:
            self._pbx.note(self, Told.FAILED, ours=True)
            self._after(0.001, lambda: self.end(EndedBy.MESSAGE, 16))
            return
        self._message = True
        self._pbx.note(self, Told.PART)
        self.arm(LONGEST_MESSAGE)
        self._after(self._pbx.timing.message, self._recited)
        self.listen()

    def _recited(self) -> None:
        self._message, self._noise, self._audible = False, True, True
        self._pbx.note(self, Told.ALL)
        self.listen()
        self._after(self._pbx.timing.key, self._done)

    def _done(self) -> None:
        self._pbx.note(self, Told.ALL, ours=True)
        self.end(EndedBy.MESSAGE, 16)

    def _press(self) -> None:
        self._pbx.note(self, Told.KEY, ours=True)
        self.end(EndedBy.KEY, 16)

    def _become_audible(self) -> None:
        self._audible = True
        self.listen()

    def _lose_patience(self) -> None:
        if self.callee.agent_from is None:
            self.end(EndedBy.CALLEE, 16)

    def end(self, by: EndedBy, cause: int, sip: int | None = None) -> None:
        """The channel is destroyed, and with it everything that was to come."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._leave_stasis()
        self.callee.ended_at, self.callee.ended_by = self._loop.time(), by
        self._pbx.ended(self, cause, sip)

    # --- what the PBX does ----------------------------------------------------------------------------

    def play_noise(self, on: bool) -> None:
        """Start or stop the music on hold."""
        self._noise = on
        self.listen()

    def arm(self, seconds: float) -> None:
        """Set TIMEOUT(absolute)."""
        self.disarm()
        self._dead_man = self._after(max(0.1, seconds), self._time_is_over)

    def _time_is_over(self) -> None:
        if self._order.agentless:
            self._pbx.note(self, Told.PART, ours=True)
        if self._order.message and not self._message:
            self.play_message()
        else:
            self.end(EndedBy.DEAD_MAN, 16)

    def play_message(self) -> None:
        """The dialplan's extension "message": out of Stasis and of any bridge, and at its end hung up."""
        self._message, self._noise, self.desk = True, False, None
        self._leave_stasis()
        self.arm(LONGEST_MESSAGE)
        self._after(self._pbx.timing.message, lambda: self.end(EndedBy.MESSAGE, 16))
        self.listen()

    def _leave_stasis(self) -> None:
        if self.arrived:
            self.arrived = False
            self._pbx.left(self)

    def disarm(self) -> None:
        """Clear TIMEOUT(absolute)."""
        if self._dead_man is not None:
            self._dead_man.cancel()

    def listen(self) -> None:
        """Something changed that the callee may hear."""
        if not self.answered:
            return
        agent, now, callee = self._pbx.attended(self), self._loop.time(), self.callee
        if self._message:
            callee.hear(Heard.MESSAGE, now)
            return
        if agent is None:
            callee.hear(Heard.NOISE if self._noise and self._audible else Heard.NOTHING, now)
            return
        if callee.agent_from is None and isinstance(self._behaviour, Answers):
            self._after(self._behaviour.talks, lambda: self.end(EndedBy.CALLEE, 16))
        if not callee.agents or callee.agents[-1] != agent:
            callee.agents.append(agent)
        callee.hear(Heard.AGENT, now)

    def _after(self, seconds: float, what: Callable[[], None]) -> asyncio.TimerHandle | None:
        if seconds == float("inf"):
            return None
        timer = self._loop.call_later(seconds, what)
        self._timers.add(timer)
        return timer
