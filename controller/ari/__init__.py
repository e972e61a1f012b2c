"""Asynchronous client of the Asterisk REST Interface (ARI), in the vocabulary of ari-py.

An adapter. Pure are protocol, models, events, requests, config and counters; transport, ws_transport, queue,
stream, resources and client do the I/O, and none of these knows more of the project than
`controller.errors`. Only control and translate, which put the engine's port on top of the client, do.
"""

from controller.ari.client import AriClient
from controller.ari.config import DISALLOWED_EVENTS, AriConfig
from controller.ari.counters import AriCounters
from controller.ari.events import (
    ApplicationReplaced,
    AriEvent,
    BridgeCreated,
    BridgeDestroyed,
    ChannelCreated,
    ChannelDestroyed,
    ChannelDtmfReceived,
    ChannelEnteredBridge,
    ChannelHangupRequest,
    ChannelLeftBridge,
    ChannelStateChange,
    Connected,
    ContactStatusChange,
    Dial,
    Disconnected,
    EndpointStateChange,
    PeerStatusChange,
    PlaybackFinished,
    PlaybackStarted,
    StasisEnd,
    StasisStart,
    StreamItem,
    UnknownEvent,
    parse_event,
)
from controller.ari.models import Application, AsteriskInfo, Bridge, Channel, Endpoint, Playback, Snapshot
from controller.ari.protocol import AriProtocolError

__all__ = [
    "DISALLOWED_EVENTS",
    "Application",
    "ApplicationReplaced",
    "AriClient",
    "AriConfig",
    "AriCounters",
    "AriEvent",
    "AriProtocolError",
    "AsteriskInfo",
    "Bridge",
    "BridgeCreated",
    "BridgeDestroyed",
    "Channel",
    "ChannelCreated",
    "ChannelDestroyed",
    "ChannelDtmfReceived",
    "ChannelEnteredBridge",
    "ChannelHangupRequest",
    "ChannelLeftBridge",
    "ChannelStateChange",
    "Connected",
    "ContactStatusChange",
    "Dial",
    "Disconnected",
    "Endpoint",
    "EndpointStateChange",
    "PeerStatusChange",
    "Playback",
    "PlaybackFinished",
    "PlaybackStarted",
    "Snapshot",
    "StasisEnd",
    "StasisStart",
    "StreamItem",
    "UnknownEvent",
    "parse_event",
]
