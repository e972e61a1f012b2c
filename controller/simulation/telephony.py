"""The in-memory twin of Asterisk (ports.CallControl), with the network and the agents' phones behind it.

What it keeps of the real one: the dead man's switch and the noise belong to the dialplan, so they work with
the controller dead; a call that is answered while no controller listens never becomes bridgeable; events
that nobody hears are lost; requests take time each way, and what has been sent is done even if the sender
dies; bridging takes three requests, so a sender may die between them.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count

from controller.domain.campaign import Campaign
from controller.domain.ids import E164, AgentId, CallId, ChannelId, channel_of_agent_call
from controller.domain.recital import Recital, Told
from controller.domain.regulation import Played
from controller.errors import AsteriskRefused, AsteriskUnreachable
from controller.ports import (
    AgentAction,
    AgentArrived,
    AgentAsked,
    AgentGone,
    AgentOnWire,
    CallArrived,
    CallGone,
    CallLeft,
    CallOnWire,
    CallPickedUp,
    CallRang,
    Clock,
    LinkDown,
    LinkUp,
    PhoneEvent,
    QueueStatus,
    Wire,
)
from controller.simulation.callee import Answers, Behaviour, Callee, EndedBy, Habit
from controller.simulation.line import Line, Order, Timing
from controller.simulation.link import Delay, EventStream, Fault, Requests

_KEYS = {
    "*": AgentAction.END_CALL,
    "#": AgentAction.READY,
    "1": AgentAction.CALL,
    "2": AgentAction.SKIP,
}
_FEATURES = {"*52": AgentAction.LOG_OUT, "*53": AgentAction.TOGGLE_PAUSE}


class MemoryTelephony:
    """A PBX, its trunk, everybody's phones.

    Attributes:
        callees: what every callee went through, in order of dialing; the evidence.
        habit: what callees do who have not been told otherwise by ``behave``.
        phones: seconds after which an agent's phone answers the controller's call; None: never. Agents
            that are not named answer after half a second.
        lab_token: the PBX's ``CC_LAB``.
        lost_events: how many events nobody heard.
        timing: how long things take.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        timing: Timing | None = None,
        delay: Delay = lambda: 0.001,
        request_timeout: float = 2.0,
        lab_token: str = "",
    ) -> None:
        """Switch it on.

        Args:
            clock: what the PBX's clock shows.
            timing: how long things take.
            delay: seconds that a message between controller and PBX takes one way.
            request_timeout: after how many seconds a request without an answer fails.
            lab_token: the PBX's ``CC_LAB``.
        """
        self.callees: list[Callee] = []
        self.habit: Habit = Answers()
        self.phones: dict[AgentId, float | None] = {}
        self.lab_token = lab_token
        self.lost_events = 0
        self.timing = timing or Timing()
        self._clock = clock
        self._delay = delay
        self._requests = Requests(delay, request_timeout)
        self._stream: EventStream | None = None
        self._link_up = True
        self._habits: dict[E164, Habit] = {}
        self._lines: dict[CallId, Line] = {}
        self._channels: dict[ChannelId, AgentId] = {}
        self._desks: dict[AgentId, ChannelId | None] = {}
        self._serial = count(1)
        self._notes: dict[CallId, Recital] = {}

    # --- for the test or simulation: the network and its people ---------------------------------------

    def behave(self, number: E164, habit: Habit) -> None:
        """Say what the owner of a number does from now on."""
        self._habits[number] = habit

    def calls_to(self, number: E164) -> list[Callee]:
        """What the owner of a number went through, call by call."""
        return [callee for callee in self.callees if callee.number == number]

    @property
    def live(self) -> list[Callee]:
        """Callees whose call has not ended."""
        return [line.callee for line in self._lines.values()]

    def dial(self, agent: AgentId, code: str) -> ChannelId:
        """An agent dials a feature code: ``*51`` in, ``*52`` out, ``*53`` pause."""
        channel = ChannelId(f"phone-{agent}-{next(self._serial)}")
        if not self._listened_to:
            return channel
        self._channels[channel] = agent
        if code == "*51":
            self.tell(AgentArrived(agent, channel))
        else:
            self.tell(AgentAsked(agent, _FEATURES[code], channel))
        return channel

    def press(self, agent: AgentId, key: str) -> None:
        """A seated agent presses a key: ``*`` ends the call, ``#`` the pause; ``1`` calls, ``2`` skips."""
        if self._desks.get(agent) is not None:
            self.tell(AgentAsked(agent, _KEYS[key]))

    def phone_dies(self, agent: AgentId) -> None:
        """The phone in the agent's bridge is gone."""
        channel = self._desks.get(agent)
        if channel is not None:
            self._hang_up_phone(channel)

    def seated(self, agent: AgentId) -> bool:
        """Whether the agent's phone is in its bridge."""
        return self._desks.get(agent) is not None

    # --- for the test or simulation: what goes wrong --------------------------------------------------

    def fault(self, operation: str, fault: Fault, times: int | None = 1) -> None:
        """Let the next requests of a kind fail (the name of a method of the port)."""
        self._requests.plan(operation, fault, times)

    def mend(self, operation: str) -> None:
        """Let requests of a kind succeed again."""
        self._requests.mend(operation)

    def requests(self, operation: str) -> int:
        """How many requests of a kind there were."""
        return self._requests.count[operation]

    def link_down(self, reason: str = "connection lost", *, requests_too: bool = False) -> None:
        """The event stream breaks; with ``requests_too`` nothing is answered either."""
        self._requests.down = requests_too
        if self._link_up:
            self._link_up = False
            if self._stream is not None:
                self._stream.cut(LinkDown(reason))

    def link_up(self) -> None:
        """Events flow and requests are answered again."""
        self._requests.down = False
        if not self._link_up:
            self._link_up = True
            if self._stream is not None:
                self._stream.send(LinkUp(self.lab_token))

    def restart(self) -> None:
        """The PBX dies with all channels and bridges; ``link_up`` when it is back."""
        self.link_down("Asterisk died", requests_too=True)
        for line in list(self._lines.values()):
            line.end(EndedBy.PBX, 0)
        self._channels.clear()
        self._desks.clear()
        self._notes.clear()

    def replace(self) -> None:
        """Another controller takes the application over."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.cut(LinkDown("another controller took the application over", replaced=True))
            stream.end()

    def close(self) -> None:
        """End the controller's event stream in order."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.end()

    # --- the port: events -----------------------------------------------------------------------------

    async def events(self) -> AsyncIterator[PhoneEvent]:
        """What happens; see ports.CallControl. Who asks first is replaced by who asks next."""
        self.replace()
        stream = self._stream = EventStream(self._delay)
        if self._link_up:
            stream.send(LinkUp(self.lab_token))
        try:
            while (event := await stream.next()) is not None:
                yield event
        finally:
            if self._stream is stream:
                self._stream = None

    def backlog(self) -> QueueStatus:
        """The events that wait; see ports.CallControl. There is room for all."""
        waiting = self._stream.waiting if self._stream else 0
        return QueueStatus(name="events", waiting=waiting, room=sys.maxsize, overflows=0)

    async def ping(self) -> None:
        """Raise Unreachable unless events flow; see ports.CallControl."""
        await self._requests.ask("ping", lambda: None)
        if not self._listened_to:
            raise AsteriskUnreachable("no events flow")

    # --- the port: calls ------------------------------------------------------------------------------

    async def place(self, call: CallId, number: E164, campaign: Campaign, *, agentless: bool = False) -> None:
        """Dial; see ports.CallControl."""

        def originate() -> None:
            if call in self._lines:
                return
            if agentless:
                self._notes[call] = Recital(told=Told.NOTHING)
            callee = Callee(call, number, asyncio.get_running_loop().time())
            self.callees.append(callee)
            order = Order(
                ring_timeout=max(1.0, round(campaign.ring_timeout.total_seconds())),
                dead_man=campaign.law.dead_man_after.total_seconds(),
                message=campaign.law.played is Played.MESSAGE and not agentless,
                agentless=agentless,
            )
            self._lines[call] = Line(call, callee, self._behaviour(number), order, self)

        await self._requests.ask("place", originate)

    async def can_recite(self) -> None:
        """Whether agentless calls can be led; see ports.CallControl. They can."""
        await self._requests.ask("can_recite", lambda: None)

    async def recital(self, call: CallId) -> Recital:
        """What was noted; see ports.CallControl."""
        return await self._requests.ask("recital", lambda: self._notes.get(call, Recital()))

    async def forget_recital(self, call: CallId) -> None:
        """Remove the note; see ports.CallControl."""
        await self._requests.ask("forget_recital", lambda: self._notes.pop(call, None))

    async def connect(self, call: CallId, agent: AgentId) -> None:
        """Bridge; see ports.CallControl. Three requests, like the real one's."""

        def add_channel() -> None:
            line = self._line(call, "connect")
            if not line.arrived or self._desks.get(agent) is None:
                raise AsteriskRefused(404 if line.arrived else 409, "cannot be bridged", "connect")
            line.desk = agent
            line.listen()

        await self._requests.ask("connect", add_channel)
        await self._requests.ask("connect", lambda: self._in_stasis(call, "connect").play_noise(False))
        await self._requests.ask("connect", lambda: self._in_stasis(call, "connect").disarm())

    async def back_to_noise(self, call: CallId, dead_man_after: timedelta) -> None:
        """Out of the bridge; see ports.CallControl."""

        def leave() -> None:
            line = self._in_stasis(call, "back_to_noise")
            line.arm(dead_man_after.total_seconds())
            line.desk = None
            line.play_noise(True)

        await self._requests.ask("back_to_noise", leave)

    async def play_message(self, call: CallId) -> None:
        """Let the message be heard; see ports.CallControl."""
        await self._requests.ask("play_message", lambda: self._in_stasis(call, "play_message").play_message())

    async def hang_up(self, call: CallId) -> bool:
        """Hang up; see ports.CallControl."""

        def hang_up() -> bool:
            line = self._lines.get(call)
            if line is not None:
                line.end(EndedBy.CONTROLLER, 16)
            return line is not None

        return await self._requests.ask("hang_up", hang_up)

    async def exists(self, call: CallId) -> bool:
        """Whether the channel is there; see ports.CallControl."""
        return await self._requests.ask("exists", lambda: call in self._lines)

    # --- the port: agents -----------------------------------------------------------------------------

    async def seat(self, agent: AgentId, channel: ChannelId) -> None:
        """Put the phone into a bridge made anew; see ports.CallControl."""

        def seat() -> None:
            if channel not in self._channels:
                raise AsteriskRefused(404, "Channel not found", "seat")
            self._destroy_desk(agent)
            self._desks[agent] = channel

        await self._requests.ask("seat", seat)

    async def unseat(self, agent: AgentId) -> None:
        """Let the phone go; see ports.CallControl."""

        def unseat() -> None:
            channel = self._desks.get(agent)
            if channel is not None:
                self._hang_up_phone(channel)
            self._destroy_desk(agent)

        await self._requests.ask("unseat", unseat)

    async def call_agent(self, agent: AgentId, endpoint: str) -> None:
        """Ring the phone; see ports.CallControl."""

        def ring() -> None:
            after = self.phones.get(agent, 0.5)
            if after is not None:
                asyncio.get_running_loop().call_later(after, self._phone_answers, agent)

        await self._requests.ask("call_agent", ring)

    async def drop(self, channel: ChannelId) -> None:
        """Hang up a feature-code call; see ports.CallControl."""
        await self._requests.ask("drop", lambda: self._hang_up_phone(channel))

    async def wire(self) -> Wire:
        """What the PBX holds; see ports.CallControl."""
        return await self._requests.ask("wire", self._snapshot)

    # --- what lines ask -------------------------------------------------------------------------------

    def rang(self, line: Line) -> None:
        """The callee's phone rings."""
        self.tell(CallRang(line.call))

    def picked_up(self, line: Line) -> None:
        """The callee has answered."""
        self.tell(CallPickedUp(line.call, self._clock.now()))

    def at_stasis(self, line: Line) -> None:
        """The dialplan has come to Stasis(), which fails at once if no controller listens."""
        if self._listened_to:
            line.arrived = True
            now = self._clock.now()
            self.tell(CallArrived(line.call, now, now))

    def attended(self, line: Line) -> AgentId | None:
        """The agent whose live phone is in the same bridge."""
        return line.desk if line.desk is not None and self._desks.get(line.desk) is not None else None

    def note(self, line: Line, told: Told, *, ours: bool = False) -> None:
        """How far an agentless call's message has come; the time at which it began is kept."""
        now = None if told is Told.FAILED else self._clock.now()
        began = self._notes[line.call].began_at or now
        self._notes[line.call] = Recital(told=told, began_at=began, ours=ours)

    def left(self, line: Line) -> None:
        """The channel is not in Stasis any more."""
        self.tell(CallLeft(line.call))

    def ended(self, line: Line, cause: int, sip: int | None) -> None:
        """The channel is destroyed."""
        del self._lines[line.call]
        self.tell(CallGone(line.call, cause, sip))

    def tell(self, event: PhoneEvent) -> None:
        """Send an event, if anybody listens."""
        if self._link_up and self._stream is not None:
            self._stream.send(event)
        else:
            self.lost_events += 1

    # --- inside ---------------------------------------------------------------------------------------

    @property
    def _listened_to(self) -> bool:
        return self._link_up and self._stream is not None

    def _behaviour(self, number: E164) -> Behaviour:
        habit = self._habits.get(number, self.habit)
        return habit(number) if callable(habit) else habit

    def _line(self, call: CallId, operation: str) -> Line:
        line = self._lines.get(call)
        if line is None:
            raise AsteriskRefused(404, "Channel not found", operation)
        return line

    def _in_stasis(self, call: CallId, operation: str) -> Line:
        line = self._line(call, operation)
        if not line.arrived:
            raise AsteriskRefused(409, "Channel not in Stasis application", operation)
        return line

    def _phone_answers(self, agent: AgentId) -> None:
        if self._listened_to:
            channel = channel_of_agent_call(agent, str(next(self._serial)))
            self._channels[channel] = agent
            self.tell(AgentArrived(agent, channel))

    def _hang_up_phone(self, channel: ChannelId) -> None:
        agent = self._channels.pop(channel, None)
        if agent is None:
            return
        if self._desks.get(agent) == channel:
            self._desks[agent] = None
            self._listen(agent)
        self.tell(AgentGone(channel))

    def _destroy_desk(self, agent: AgentId) -> None:
        self._desks.pop(agent, None)
        for line in self._lines.values():
            if line.desk == agent:
                line.desk = None
                line.listen()

    def _listen(self, agent: AgentId) -> None:
        for line in self._lines.values():
            if line.desk == agent:
                line.listen()

    def _snapshot(self) -> Wire:
        calls = [
            CallOnWire(
                call=line.call,
                answered=line.answered,
                arrived=line.arrived,
                agent=line.desk,
                rings=line.callee.rang_at is not None and not line.answered,
            )
            for line in self._lines.values()
        ]
        agents = [
            AgentOnWire(agent=agent, channel=channel)
            for agent, channel in self._desks.items()
            if channel is not None
        ]
        return Wire(calls=calls, agents=agents)
