"""From ARI's events to what the engine understands. PURE.

Only events that mean something to a call or an agent come through; the rest is None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from controller.ari.events import (
    AriEvent,
    ChannelDestroyed,
    ChannelDtmfReceived,
    ChannelStateChange,
    StasisEnd,
    StasisStart,
)
from controller.domain.ids import AgentId, ChannelId, call_of_channel
from controller.domain.recital import Recital, Told
from controller.ports import (
    AgentAction,
    AgentArrived,
    AgentAsked,
    AgentGone,
    CallArrived,
    CallGone,
    CallLeft,
    CallPickedUp,
    CallRang,
    PhoneEvent,
)

KEYS = {
    "*": AgentAction.END_CALL,
    "#": AgentAction.READY,
    "1": AgentAction.CALL,
    "2": AgentAction.SKIP,
}
"""What an agent's keys mean while their phone is in its bridge."""

_FEATURES = {"agent-logout": AgentAction.LOG_OUT, "agent-pause": AgentAction.TOGGLE_PAUSE}
"""First argument of Stasis() in the feature codes' dialplan (campaign-controller.extensions.conf)."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
"""As the dialplan writes it: UTC, with microseconds."""


def translate(event: AriEvent, seats: Mapping[ChannelId, AgentId]) -> PhoneEvent | None:
    """What an event means to the engine, if anything.

    Args:
        event: as Asterisk sent it.
        seats: which agent sits on which channel.
    """
    match event:
        case ChannelStateChange(channel=channel):
            return _state_change(channel.id, channel.state, event.timestamp)
        case StasisStart(channel=channel, args=args):
            call = call_of_channel(channel.id)
            if call is not None:
                return CallArrived(call, event.timestamp, _noise_at(args))
            return _feature(ChannelId(channel.id), args)
        case ChannelDestroyed(channel=channel, cause=cause, tech_cause=sip):
            call = call_of_channel(channel.id)
            return AgentGone(ChannelId(channel.id)) if call is None else CallGone(call, cause, sip)
        case StasisEnd(channel=channel):
            call = call_of_channel(channel.id)
            # An agent's channel that leaves Stasis is about to be destroyed, and its ChannelDestroyed may
            # not reach us any more: leaving Stasis ends the subscription to it.
            return AgentGone(ChannelId(channel.id)) if call is None else CallLeft(call)
        case ChannelDtmfReceived(channel=channel, digit=digit):
            agent = seats.get(ChannelId(channel.id))
            action = KEYS.get(digit)
            return None if agent is None or action is None else AgentAsked(agent, action)
        case _:
            return None


def _noise_at(args: tuple[str, ...]) -> datetime | None:
    """When the noise began, from Stasis()'s third argument in the dialplan; None if it is not there."""
    match args:
        case ("call", _, text):
            return _time(text)
        case _:
            return None


def _time(text: str) -> datetime | None:
    """A time as the dialplan writes it; None if it is none."""
    if not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


PLACED = "placed"
NOTES = {
    PLACED: Recital(told=Told.NOTHING),
    "playing": Recital(told=Told.PART),
    "over": Recital(told=Told.ALL),
    "done": Recital(told=Told.ALL, ours=True),
    "cut": Recital(told=Told.PART, ours=True),
    "key": Recital(told=Told.KEY, ours=True),
    "failed": Recital(told=Told.FAILED, ours=True),
}
"""The words with which the dialplan notes how far a message has come; the first is the controller's own."""


def recital_of(note: str) -> Recital:
    """What the dialplan's note says: a word, and the time at which the message began (ISO 8601, UTC)."""
    word, _, text = note.partition(" ")
    known = NOTES.get(word)
    return Recital() if known is None else replace(known, began_at=_time(text))


def _state_change(channel: str, state: str, at: datetime) -> PhoneEvent | None:
    call = call_of_channel(channel)
    if call is None:
        return None
    match state:
        case "Ringing":
            return CallRang(call)
        case "Up":
            return CallPickedUp(call, at)
        case _:
            return None


def _feature(channel: ChannelId, args: tuple[str, ...]) -> PhoneEvent | None:
    match args:
        case ("agent-login", agent) if agent:
            return AgentArrived(AgentId(agent), channel)
        case (feature, agent) if agent and feature in _FEATURES:
            return AgentAsked(AgentId(agent), _FEATURES[feature], channel)
        case _:
            return None
