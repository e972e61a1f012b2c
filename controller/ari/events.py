"""What Asterisk tells on its event WebSocket, and what the client tells of the WebSocket itself. PURE.

`parse_event` never raises: a type without a class here, or an event that lacks what its type requires, comes
out as `UnknownEvent`. One broken event must not end the reader on which every call depends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

from controller.ari.models import (
    Bridge,
    Channel,
    Endpoint,
    Playback,
    instant,
    number,
    section,
    text,
    texts,
)
from controller.ari.protocol import Json

EPOCH = datetime.fromtimestamp(0, UTC)
"""Timestamp of an event whose own could not be read."""


@dataclass(frozen=True, slots=True)
class AriEvent:
    """Any event: the Stasis application it came to, and Asterisk's timestamp, aware, in UTC."""

    application: str
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class UnknownEvent(AriEvent):
    """An event this module has no class for; with a `problem`, one that is not as its type requires."""

    type: str
    raw: Mapping[str, Any] = field(repr=False)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ChannelEvent(AriEvent):
    """Any event about one channel."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class StasisStart(ChannelEvent):
    """A channel entered our application; `args` are those given to Stasis() in the dialplan."""

    args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StasisEnd(ChannelEvent):
    """A channel left our application. Not final, and not always sent: ChannelDestroyed is the last word."""


@dataclass(frozen=True, slots=True)
class ChannelCreated(ChannelEvent):
    """A channel exists."""


@dataclass(frozen=True, slots=True)
class ChannelStateChange(ChannelEvent):
    """A channel rings, is up, ...; see `channel.state`."""


@dataclass(frozen=True, slots=True)
class ChannelDestroyed(ChannelEvent):
    """A channel is gone: Q.850 `cause`, and the SIP status as `tech_cause` where the end was off-nominal."""

    cause: int
    cause_txt: str
    tech_cause: int | None


@dataclass(frozen=True, slots=True)
class ChannelHangupRequest(ChannelEvent):
    """Somebody asked for the end of a channel; it is not yet over."""

    cause: int
    soft: bool
    tech_cause: int | None


@dataclass(frozen=True, slots=True)
class ChannelDtmfReceived(ChannelEvent):
    """A key was pressed, for `duration_ms` milliseconds."""

    digit: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class BridgeEvent(AriEvent):
    """Any event about one bridge."""

    bridge: Bridge


@dataclass(frozen=True, slots=True)
class BridgeCreated(BridgeEvent):
    """A bridge exists."""


@dataclass(frozen=True, slots=True)
class BridgeDestroyed(BridgeEvent):
    """A bridge is gone."""


@dataclass(frozen=True, slots=True)
class ChannelEnteredBridge(BridgeEvent):
    """A channel joined a bridge."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class ChannelLeftBridge(BridgeEvent):
    """A channel left a bridge."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class Dial(AriEvent):
    """Progress of a dialled channel; dialstatus is "", RINGING, PROGRESS, ANSWER, BUSY, NOANSWER, ..."""

    peer: Channel
    dialstring: str
    dialstatus: str


@dataclass(frozen=True, slots=True)
class PlaybackEvent(AriEvent):
    """Any event about one playback."""

    playback: Playback


@dataclass(frozen=True, slots=True)
class PlaybackStarted(PlaybackEvent):
    """A sound is heard."""


@dataclass(frozen=True, slots=True)
class PlaybackFinished(PlaybackEvent):
    """A sound is over; `playback.state` is "failed" where it was cut short by the end of the call."""


@dataclass(frozen=True, slots=True)
class EndpointEvent(AriEvent):
    """Any event about one trunk or phone."""

    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class EndpointStateChange(EndpointEvent):
    """A trunk or phone went online or offline."""


@dataclass(frozen=True, slots=True)
class PeerStatusChange(EndpointEvent):
    """A phone's registration changed: Reachable, Unreachable, Registered, ..."""

    peer_status: str


@dataclass(frozen=True, slots=True)
class ContactStatusChange(EndpointEvent):
    """One contact of an endpoint was qualified: Reachable, Unreachable, NonQualified, ..."""

    uri: str
    contact_status: str


@dataclass(frozen=True, slots=True)
class ApplicationReplaced(AriEvent):
    """Another controller took over our application. The last event there is: we must not fight for it."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The event WebSocket is open, filtered and subscribed; events follow.

    What happened before is lost: take `AriClient.snapshot()` now, reconcile, and then go on iterating.
    Events that came meanwhile wait in the queue; some are older than the snapshot, so applying one twice
    must do no harm.

    Attributes:
        first: no earlier connection was made by this client.
        asterisk_restarted: Asterisk started anew since the last connection: every call of then is over.
    """

    first: bool
    asterisk_restarted: bool


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The event WebSocket is lost and events with it; `reason` says how. The client reconnects by itself."""

    reason: str


StreamItem: TypeAlias = AriEvent | Connected | Disconnected
_Parser: TypeAlias = Callable[[str, datetime, Json], AriEvent]


def _channel(raw: Json) -> Channel:
    return Channel.parse(raw["channel"])


def _bridge(raw: Json) -> Bridge:
    return Bridge.parse(raw["bridge"])


def _endpoint(raw: Json) -> Endpoint:
    return Endpoint.parse(raw["endpoint"])


def _tech_cause(raw: Json) -> int | None:
    value = raw.get("tech_cause")
    return value if type(value) is int else None


def _destroyed(a: str, t: datetime, e: Json) -> AriEvent:
    return ChannelDestroyed(a, t, _channel(e), number(e, "cause"), text(e, "cause_txt"), _tech_cause(e))


def _hangup_request(a: str, t: datetime, e: Json) -> AriEvent:
    return ChannelHangupRequest(a, t, _channel(e), number(e, "cause"), e.get("soft") is True, _tech_cause(e))


def _contact_status(a: str, t: datetime, e: Json) -> AriEvent:
    info = section(e, "contact_info")
    return ContactStatusChange(a, t, _endpoint(e), text(info, "uri"), text(info, "contact_status"))


_PARSERS: dict[str, _Parser] = {
    "StasisStart": lambda a, t, e: StasisStart(a, t, _channel(e), texts(e, "args")),
    "StasisEnd": lambda a, t, e: StasisEnd(a, t, _channel(e)),
    "ChannelCreated": lambda a, t, e: ChannelCreated(a, t, _channel(e)),
    "ChannelStateChange": lambda a, t, e: ChannelStateChange(a, t, _channel(e)),
    "ChannelDestroyed": _destroyed,
    "ChannelHangupRequest": _hangup_request,
    "ChannelDtmfReceived": lambda a, t, e: ChannelDtmfReceived(
        a, t, _channel(e), text(e, "digit"), number(e, "duration_ms")
    ),
    "ChannelEnteredBridge": lambda a, t, e: ChannelEnteredBridge(a, t, _bridge(e), _channel(e)),
    "ChannelLeftBridge": lambda a, t, e: ChannelLeftBridge(a, t, _bridge(e), _channel(e)),
    "BridgeCreated": lambda a, t, e: BridgeCreated(a, t, _bridge(e)),
    "BridgeDestroyed": lambda a, t, e: BridgeDestroyed(a, t, _bridge(e)),
    "Dial": lambda a, t, e: Dial(
        a, t, Channel.parse(e["peer"]), text(e, "dialstring"), text(e, "dialstatus")
    ),
    "PlaybackStarted": lambda a, t, e: PlaybackStarted(a, t, Playback.parse(e["playback"])),
    "PlaybackFinished": lambda a, t, e: PlaybackFinished(a, t, Playback.parse(e["playback"])),
    "EndpointStateChange": lambda a, t, e: EndpointStateChange(a, t, _endpoint(e)),
    "PeerStatusChange": lambda a, t, e: PeerStatusChange(
        a, t, _endpoint(e), text(section(e, "peer"), "peer_status")
    ),
    "ContactStatusChange": _contact_status,
    "ApplicationReplaced": lambda a, t, e: ApplicationReplaced(a, t),
}


def parse_event(raw: object) -> AriEvent:
    """Return the event in a decoded frame. Never raises, whatever the frame holds."""
    if not isinstance(raw, dict):
        return UnknownEvent("", EPOCH, "", {}, problem=f"no object but {type(raw).__name__}")
    kind, application = text(raw, "type"), text(raw, "application")
    try:
        timestamp = instant(raw.get("timestamp"))
    except (ValueError, OverflowError) as error:
        return UnknownEvent(application, EPOCH, kind, raw, problem=str(error))
    parser = _PARSERS.get(kind)
    if parser is None:
        return UnknownEvent(application, timestamp, kind, raw, problem="" if kind else "no type")
    try:
        return parser(application, timestamp, raw)
    except (KeyError, TypeError, AttributeError) as error:
        return UnknownEvent(application, timestamp, kind, raw, problem=f"lacks {error}")
