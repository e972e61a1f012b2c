"""CallControl (controller.ports) on a real Asterisk, through the ARI client."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta

import structlog

from controller.ari.client import AriClient
from controller.ari.events import ApplicationReplaced, Connected, Disconnected, StreamItem
from controller.ari.models import Bridge
from controller.ari.translate import translate
from controller.domain.campaign import Campaign
from controller.domain.ids import (
    E164,
    AgentId,
    CallId,
    ChannelId,
    agent_of_bridge,
    bridge_of_agent,
    call_of_channel,
    channel_of_agent_call,
    channel_of_call,
)
from controller.domain.regulation import Played
from controller.errors import AsteriskRefused, AsteriskUnreachable, ControllerError
from controller.ports import AgentOnWire, CallOnWire, LinkDown, LinkUp, PhoneEvent, QueueStatus, Wire

log = structlog.get_logger(__name__)

CALL_CONTEXT = "campaign-call"
MESSAGE_EXTENSION = "message"
AGENT_CONTEXT = "campaign-agent-call"
NOISE_CLASS = "comfort-noise"
"""Names in asterisk-conf/campaign-controller.*.conf."""

AGENT_RING_SECONDS = 20

PREPARE_AGAIN = 1.0
"""Seconds between two tries to make a fresh connection ready."""

UNUSED_EVENTS = (
    "BridgeCreated",
    "BridgeDestroyed",
    "ChannelCreated",
    "ChannelEnteredBridge",
    "ChannelHangupRequest",
    "ChannelLeftBridge",
    "ChannelTalkingFinished",
    "ChannelTalkingStarted",
    "ContactStatusChange",
    "Dial",
    "EndpointStateChange",
    "PeerStatusChange",
)
"""Event types that ``translate`` makes nothing of: two thirds of what a call would cost to read."""

REQUIRED_MODULES = ("func_timeout.so", "res_musiconhold.so", "app_playback.so")
"""Without the first there is no dead-man's switch (L1), without the second no noise (L2), without the third
no message where a law demands one; and ARI answers 204 to a TIMEOUT(absolute) that was refused
(control.c:757), so nobody would notice."""


class AriCallControl:
    """Calls and agents' phones on one Asterisk. The client must be entered already."""

    def __init__(self, client: AriClient) -> None:
        self._ari = client
        self._app = client.config.app
        self._seats: dict[ChannelId, AgentId] = {}
        self._trunks: set[str] = set()
        self._unfit = "not connected to Asterisk yet"

    # --- events ---------------------------------------------------------------------------------------

    def backlog(self) -> QueueStatus:
        """The events that wait to be taken."""
        ari = self._ari
        return QueueStatus(
            name="events",
            waiting=ari.waiting,
            room=ari.config.event_queue_size,
            overflows=ari.counters.overflows,
        )

    async def events(self) -> AsyncIterator[PhoneEvent]:
        """What happens, in order; see ports.CallControl."""
        async for item in self._ari.events():
            event = await self._meaning(item)
            if event is not None:
                yield event

    async def _meaning(self, item: StreamItem) -> PhoneEvent | None:
        match item:
            case Connected():
                return await self._link_up()
            case Disconnected(reason=reason):
                self._unfit = reason
                return LinkDown(reason)
            case ApplicationReplaced():
                self._unfit = "another controller took the application over"
                return LinkDown(self._unfit, replaced=True)
            case _:
                return translate(item, self._seats)

    async def _link_up(self) -> PhoneEvent | None:
        """Prepare the fresh connection; None if it breaks meanwhile (a new Connected follows)."""
        while self._ari.connected:
            try:
                return await self._prepare()
            except ControllerError as error:
                self._unfit = str(error)
                log.warning("Asterisk is not fit for calls yet", why=self._unfit)
                await asyncio.sleep(PREPARE_AGAIN)
        return None

    async def _prepare(self) -> LinkUp:
        for trunk in self._trunks:
            await self._subscribe(trunk)
        for module in REQUIRED_MODULES:
            if not await self._ari.asterisk.module_running(module):
                raise AsteriskUnreachable(
                    f"Asterisk runs without {module}, which the limits of the law stand on: load it"
                )
        token = await self._ari.asterisk.get_variable("CC_LAB")
        self._unfit = ""
        return LinkUp(lab_token=token)

    async def ping(self) -> None:
        """Raise Unreachable unless events flow and Asterisk is fit for calls."""
        if self._unfit:
            raise AsteriskUnreachable(self._unfit)
        await self._ari.asterisk.ping()

    # --- calls ----------------------------------------------------------------------------------------

    async def place(self, call: CallId, number: E164, campaign: Campaign) -> None:
        """Dial into our own dialplan context; see ports.CallControl."""
        endpoint, trunk = campaign.endpoint(call, number)
        if trunk not in self._trunks:
            # Unanswered calls give no events otherwise; one subscription serves all calls of the trunk.
            await self._subscribe(trunk)
            self._trunks.add(trunk)
        await self._ari.channels.originate(
            endpoint=endpoint,
            channel_id=channel_of_call(call),
            context=CALL_CONTEXT,
            extension="s",
            priority=1,
            caller_id=campaign.caller_number or None,
            timeout=max(1, round(campaign.ring_timeout.total_seconds())),
            variables=self._variables(call, campaign),
        )

    def _variables(self, call: CallId, campaign: Campaign) -> dict[str, str]:
        """What the dialplan needs to keep the campaign's law by itself."""
        law = campaign.law
        variables = {
            "CC_CALL": call,
            "CC_APP": self._app,
            "CC_DEADMAN": f"{law.dead_man_after.total_seconds():.3f}",
        }
        return variables | ({"CC_MESSAGE": campaign.message} if law.played is Played.MESSAGE else {})

    async def _subscribe(self, trunk: str) -> None:
        await self._ari.applications.subscribe(self._app, f"endpoint:{trunk}")

    async def connect(self, call: CallId, agent: AgentId) -> None:
        """Bridge; see ports.CallControl.

        First into the bridge, then the noise away: in this order there is no instant of silence, and if the
        controller dies in between, the callee hears the noise until the dead-man's switch acts. (Taking the
        noise away works inside a bridge; without it the noise would go on there. docs/adr/0003)
        """
        channel = channel_of_call(call)
        await self._ari.bridges.add_channel(bridge_of_agent(agent), channel)
        await self._ari.channels.stop_moh(channel)
        await self._ari.channels.set_variable(channel, "TIMEOUT(absolute)", "0")

    async def back_to_noise(self, call: CallId, dead_man_after: timedelta) -> None:
        """Out of the bridge of an agent who is gone; see ports.CallControl."""
        channel = channel_of_call(call)
        # Asterisk takes 0 for "never": the switch first, and never that.
        seconds = max(0.1, dead_man_after.total_seconds())
        await self._ari.channels.set_variable(channel, "TIMEOUT(absolute)", f"{seconds:.3f}")
        for bridge in await self._ari.bridges.list():
            if channel in bridge.channel_ids:
                await self._ari.bridges.remove_channel(bridge.id, channel)
        await self._ari.channels.start_moh(channel, NOISE_CLASS)

    async def play_message(self, call: CallId) -> None:
        """Back into the dialplan, which does it; see ports.CallControl.

        There it is played even if the controller dies the next moment.
        """
        channel = channel_of_call(call)
        await self._ari.channels.continue_in_dialplan(channel, CALL_CONTEXT, MESSAGE_EXTENSION, 1)

    async def hang_up(self, call: CallId) -> bool:
        """Hang up; see ports.CallControl."""
        return await self._ari.channels.hangup(channel_of_call(call))

    async def exists(self, call: CallId) -> bool:
        """Whether the channel is there; see ports.CallControl."""
        try:
            await self._ari.channels.get(channel_of_call(call))
        except AsteriskRefused as error:
            if error.not_found:
                return False
            raise
        return True

    # --- agents ---------------------------------------------------------------------------------------

    async def seat(self, agent: AgentId, channel: ChannelId) -> None:
        """Put the phone into a bridge made anew; see ports.CallControl."""
        bridge = bridge_of_agent(agent)
        await self._ari.bridges.destroy(bridge)
        await self._ari.bridges.create(bridge, type="mixing", name=bridge)
        await self._ari.bridges.add_channel(bridge, channel)
        self._seats[channel] = agent

    async def unseat(self, agent: AgentId) -> None:
        """Hang the phone up, destroy the bridge; see ports.CallControl."""
        for channel in [channel for channel, seated in self._seats.items() if seated == agent]:
            del self._seats[channel]
            await self._ari.channels.hangup(channel)
        await self._ari.bridges.destroy(bridge_of_agent(agent))

    async def call_agent(self, agent: AgentId, endpoint: str) -> None:
        """Ring the phone; see ports.CallControl."""
        await self._ari.channels.originate(
            endpoint=endpoint,
            channel_id=channel_of_agent_call(agent, secrets.token_hex(4)),
            context=AGENT_CONTEXT,
            extension="s",
            priority=1,
            timeout=AGENT_RING_SECONDS,
            variables={"CC_AGENT": agent, "CC_APP": self._app},
        )

    async def drop(self, channel: ChannelId) -> None:
        """Hang up a feature-code call; see ports.CallControl."""
        await self._ari.channels.hangup(channel)

    # --- resynchronisation ----------------------------------------------------------------------------

    async def wire(self) -> Wire:
        """What Asterisk holds of ours; see ports.CallControl."""
        snapshot = await self._ari.snapshot()
        desks = {agent_of_bridge(bridge.id): bridge for bridge in snapshot.bridges.values()}
        agents, bridged = [], {}
        for agent, bridge in desks.items():
            if agent is None:
                continue
            agents += [AgentOnWire(agent=agent, channel=channel) for channel in _phones(bridge)]
            bridged.update(dict.fromkeys(bridge.channel_ids, agent))
        self._seats = {seat.channel: seat.agent for seat in agents}
        calls = [
            CallOnWire(
                call=call,
                answered=channel.state == "Up",
                arrived=channel.stasis_app == self._app,
                agent=bridged.get(channel.id),
            )
            for channel in snapshot.channels.values()
            if (call := call_of_channel(channel.id)) is not None
        ]
        return Wire(calls=calls, agents=agents)


def _phones(bridge: Bridge) -> list[ChannelId]:
    return [ChannelId(channel) for channel in bridge.channel_ids if call_of_channel(channel) is None]
