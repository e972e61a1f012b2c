"""What the FastAGI server has to know, validated once at start. PURE: standard library and errors only."""

from __future__ import annotations

from dataclasses import dataclass

from controller.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class AgiConfig:
    """Settings of the FastAGI server.

    Attributes:
        host: address to listen on. FastAGI knows no password: whoever reaches the port can ask which numbers
            are suppressed.
        port: 4573 is what ``agi://host/`` means in the dialplan; 0 takes any free one.
        session_timeout: seconds from connection to end. The caller waits in the dialplan meanwhile.
        max_sessions: sessions at the same time; one more is sent away at once, with AGISTATUS=FAILURE.
        drain_timeout: seconds that sessions under way get to end when the server closes.
    """

    host: str = "127.0.0.1"
    port: int = 4573
    session_timeout: float = 5.0
    max_sessions: int = 200
    drain_timeout: float = 2.0

    def __post_init__(self) -> None:
        """Refuse what could never work.

        Raises:
            ConfigError: naming the setting.
        """
        if not self.host:
            raise ConfigError("agi.host", "is empty", "an address, such as 127.0.0.1")
        if not 0 <= self.port <= 65535:
            raise ConfigError("agi.port", f"{self.port} is no port", "1 to 65535")
        if self.session_timeout <= 0:
            raise ConfigError("agi.session_timeout", "must be positive", "seconds, such as 5.0")
        if self.max_sessions < 1:
            raise ConfigError("agi.max_sessions", "at least one is needed", "1 or more")
        if self.drain_timeout < 0:
            raise ConfigError("agi.drain_timeout", "must not be negative", "seconds, such as 2.0")


@dataclass(slots=True)
class AgiCounters:
    """Totals since the server was made; each accepted connection ends in exactly one of the others.

    Attributes:
        accepted: connections made to the port.
        completed: sessions whose handler did its work.
        overloaded: sent away because too many sessions were under way.
        hangups: the caller hung up, or Asterisk closed the connection.
        timeouts: not ended within the session's time.
        refused: the dialplan asked for something that does not exist.
        malformed: not AGI, or beyond its limits.
        failed: the handler raised something else; a bug.
        cancelled: still under way when the server closed.
    """

    accepted: int = 0
    completed: int = 0
    overloaded: int = 0
    hangups: int = 0
    timeouts: int = 0
    refused: int = 0
    malformed: int = 0
    failed: int = 0
    cancelled: int = 0
