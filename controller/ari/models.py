"""Snapshots of what lives in Asterisk. PURE.

They are tolerant: Asterisk adds and omits fields with versions and channel drivers, so only the id is
required, and a field of the wrong type counts as missing. Each `parse` raises KeyError or TypeError for a
snapshot without its id; `events.parse_event` and `decode` turn that into their own words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from controller.ari.protocol import AriProtocolError, Json

T = TypeVar("T")

EMPTY: Json = {}


def text(raw: Json, key: str) -> str:
    """Return a string field, "" where it is missing or something else."""
    value = raw.get(key)
    return value if isinstance(value, str) else ""


def number(raw: Json, key: str, default: int = 0) -> int:
    """Return an integer field, `default` where it is missing or something else (True is no number)."""
    value = raw.get(key)
    return value if type(value) is int else default


def section(raw: Json, key: str) -> Json:
    """Return an object field, an empty one where it is missing or something else."""
    value = raw.get(key)
    return value if isinstance(value, dict) else EMPTY


def texts(raw: Json, key: str) -> tuple[str, ...]:
    """Return a list of strings, leaving out whatever is none."""
    value = raw.get(key)
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()


def instant(value: object) -> datetime:
    """Return an Asterisk timestamp in UTC.

    Asterisk writes its local time with offset, as 2026-11-24T05:53:20.889+0000.

    Raises:
        ValueError: it is no timestamp, or has no offset.
        OverflowError: it lies outside the calendar.
    """
    if not isinstance(value, str):
        raise ValueError(f"no timestamp: {value!r:.40}")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is UTC:  # the usual case, and no conversion then
        return moment
    if moment.tzinfo is None:
        raise ValueError(f"timestamp without offset: {value!r:.40}")
    return moment.astimezone(UTC)


def _identity(raw: Json, key: str = "id") -> str:
    """Return the one field that must be there.

    Raises:
        KeyError: it is not.
    """
    value = raw[key]
    if not isinstance(value, str) or not value:
        raise KeyError(key)
    return value


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as Asterisk described it at one moment.

    Attributes:
        id: unique id; ours, if we originated it.
        name: "PJSIP/trunk-00000001".
        state: Down, Ring, Ringing, Up, Busy, ...
        caller_number: caller's number as Asterisk sees it.
        connected_number: the other side's.
        accountcode: as set at origination.
        app_name: dialplan application being run; "Stasis" while a controller holds the channel.
        app_data: its arguments; the first, up to the comma, is then the Stasis application.
        context: dialplan context.
        exten: dialplan extension.
        channelvars: the variables ari.conf embeds; usually none.
        creationtime: as Asterisk wrote it, "" if it did not; see `created_at`.
    """

    id: str
    name: str = ""
    state: str = ""
    caller_number: str = ""
    connected_number: str = ""
    accountcode: str = ""
    app_name: str = ""
    app_data: str = ""
    context: str = ""
    exten: str = ""
    channelvars: Mapping[str, Any] = field(default_factory=dict, hash=False)
    creationtime: str = ""

    @classmethod
    def parse(cls, raw: Json) -> Channel:
        """Read a channel snapshot."""
        dialplan = section(raw, "dialplan")
        return cls(
            _identity(raw),
            text(raw, "name"),
            text(raw, "state"),
            text(section(raw, "caller"), "number"),
            text(section(raw, "connected"), "number"),
            text(raw, "accountcode"),
            text(dialplan, "app_name"),
            text(dialplan, "app_data"),
            text(dialplan, "context"),
            text(dialplan, "exten"),
            section(raw, "channelvars"),
            text(raw, "creationtime"),
        )

    @property
    def created_at(self) -> datetime | None:
        """Creation time in UTC; None if Asterisk did not tell."""
        try:
            return instant(self.creationtime)
        except (ValueError, OverflowError):
            return None

    @property
    def stasis_app(self) -> str:
        """The Stasis application that holds this channel, "" if none does."""
        return self.app_data.partition(",")[0] if self.app_name == "Stasis" else ""


@dataclass(frozen=True, slots=True)
class Bridge:
    """A bridge and who is in it; `type` is Asterisk's bridge_type, such as mixing or holding."""

    id: str
    name: str = ""
    type: str = ""
    channel_ids: tuple[str, ...] = ()

    @classmethod
    def parse(cls, raw: Json) -> Bridge:
        """Read a bridge snapshot."""
        return cls(_identity(raw), text(raw, "name"), text(raw, "bridge_type"), texts(raw, "channels"))


@dataclass(frozen=True, slots=True)
class Application:
    """A Stasis application and what it is subscribed to."""

    name: str
    channel_ids: tuple[str, ...] = ()
    bridge_ids: tuple[str, ...] = ()
    endpoint_ids: tuple[str, ...] = ()

    @classmethod
    def parse(cls, raw: Json) -> Application:
        """Read an application snapshot."""
        return cls(
            _identity(raw, "name"),
            texts(raw, "channel_ids"),
            texts(raw, "bridge_ids"),
            texts(raw, "endpoint_ids"),
        )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A trunk or a phone; state is "online", "offline", "unknown", or "" where there are no states."""

    technology: str
    resource: str
    state: str = ""
    channel_ids: tuple[str, ...] = ()

    @classmethod
    def parse(cls, raw: Json) -> Endpoint:
        """Read an endpoint snapshot."""
        return cls(
            _identity(raw, "technology"),
            _identity(raw, "resource"),
            text(raw, "state"),
            texts(raw, "channel_ids"),
        )


@dataclass(frozen=True, slots=True)
class Playback:
    """A sound being played; state is queued, playing, continuing, done or failed."""

    id: str
    media_uri: str = ""
    target_uri: str = ""
    state: str = ""

    @classmethod
    def parse(cls, raw: Json) -> Playback:
        """Read a playback snapshot."""
        return cls(_identity(raw), text(raw, "media_uri"), text(raw, "target_uri"), text(raw, "state"))


@dataclass(frozen=True, slots=True)
class AsteriskInfo:
    """Which Asterisk this is; a new startup_time means that all calls of the old one are gone."""

    version: str = ""
    entity_id: str = ""
    startup_time: str = ""
    last_reload_time: str = ""

    @classmethod
    def parse(cls, raw: Json) -> AsteriskInfo:
        """Read an asterisk info object, whole or in part."""
        system, status = section(raw, "system"), section(raw, "status")
        return cls(
            text(system, "version"),
            text(system, "entity_id"),
            text(status, "startup_time"),
            text(status, "last_reload_time"),
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a resynchronisation compares with: channels and bridges by id, and the application."""

    channels: Mapping[str, Channel]
    bridges: Mapping[str, Bridge]
    application: Application


def decode(parse: Callable[[Json], T], raw: Json) -> T:
    """Read a snapshot out of an answer.

    Raises:
        AriProtocolError: it lacks its id.
    """
    try:
        return parse(raw)
    except (KeyError, TypeError) as error:
        raise AriProtocolError(f"Asterisk's answer lacks {error}: {raw!r:.200}") from error
