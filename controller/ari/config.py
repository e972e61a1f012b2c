"""What the ARI client has to know, validated once at start. PURE: standard library and errors only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from controller.errors import ConfigError

DISALLOWED_EVENTS: tuple[str, ...] = (
    "ChannelCallerId",
    "ChannelConnectedLine",
    "ChannelDialplan",
    "ChannelVarset",
    "DeviceStateChanged",
)
"""Event types Asterisk is told not to send: several come per call and nobody here reads them.

It is a `disallowed` list on purpose. Asterisk puts REST responses through the same filter
(res/ari/ari_websockets.c:323), so an `allowed` list without RESTResponse would swallow every answer.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AriConfig:
    """Settings of one connection to one Asterisk.

    Attributes:
        url: base of the REST interface, such as http://127.0.0.1:8088/ari; "/ari" is not added.
        username: user of ari.conf; it needs write access.
        password: its password; never shown in a repr.
        app: name of the Stasis application. One controller at a time may hold it.
        transport: "http" sends every request over HTTP. "websocket" sends those that cannot block over the
            event WebSocket, which costs about a fifth less CPU (docs/adr/0002).
        request_timeout: seconds a request may take, waiting for a connection and repetition included.
        max_connections: HTTP connections at most; keep it well below `sessionlimit` of http.conf (100).
        event_queue_size: events waiting to be handled at most. Overflow drops the connection and forces a
            resynchronisation, for that is the only repair of lost events.
        subscriptions: event sources the application follows beside its own channels, as
            "endpoint:PJSIP/trunk". Avoid deviceState: Asterisk can deadlock when the WebSocket closes
            (asterisk issue 2170).
        disallowed_events: event types Asterisk shall not send.
    """

    url: str
    username: str
    password: str = field(repr=False)
    app: str
    transport: Literal["http", "websocket"] = "http"
    request_timeout: float = 2.0
    max_connections: int = 32
    event_queue_size: int = 20_000
    subscriptions: tuple[str, ...] = ()
    disallowed_events: tuple[str, ...] = DISALLOWED_EVENTS

    def __post_init__(self) -> None:
        """Refuse what could never work.

        Raises:
            ConfigError: naming the setting.
        """
        if not self.url.startswith(("http://", "https://")):
            raise ConfigError("ari.url", f"{self.url!r} is no HTTP address", "http://host:port/ari")
        if not self.app or set(self.app) & set(",:/?&# "):
            raise ConfigError(
                "ari.app", f"{self.app!r} cannot name an application", "letters, digits, - and _"
            )
        if self.transport not in ("http", "websocket"):
            raise ConfigError("ari.transport", f"{self.transport!r} is unknown", "http, websocket")
        if self.request_timeout <= 0:
            raise ConfigError("ari.request_timeout", "must be positive", "seconds, such as 2.0")
        if self.max_connections < 1:
            raise ConfigError("ari.max_connections", "at least one is needed", "1 to 64")
        if self.event_queue_size < 1:
            raise ConfigError("ari.event_queue_size", "must be positive", "events, such as 20000")
