"""The FastAGI server: accepts Asterisk's connections, bounds them in number, size and time, runs the handler.

What goes wrong in a session stays in it: the dialplan gets AGISTATUS=FAILURE and goes on, and so does the
server.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from types import TracebackType
from typing import Final, Self, TypeAlias

from controller.agi import protocol
from controller.agi.config import AgiConfig, AgiCounters
from controller.agi.protocol import AgiHangup, AgiProtocolError
from controller.agi.session import AgiSession, read_block
from controller.errors import BadInput, ConfigError

Handler: TypeAlias = Callable[[AgiSession], Awaitable[None]]

_LOG: Final = logging.getLogger(__name__)
_CLOSE_TIMEOUT: Final = 0.5
"""Seconds for what is still to be sent when a session ends."""


class AgiServer:
    """Serves FastAGI while its ``async with`` block runs.

    Attributes:
        counters: what became of the connections.
    """

    def __init__(self, handler: Handler, config: AgiConfig | None = None) -> None:
        """Prepare; nothing listens yet.

        Args:
            handler: called for each session; see `controller.agi.routes.Routes`.
            config: the limits.
        """
        self.counters = AgiCounters()
        self._handler = handler
        self._config = config or AgiConfig()
        self._group = asyncio.TaskGroup()
        self._sessions: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._closing = False

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises:
            RuntimeError: it does not listen.
        """
        if self._listener is None or not self._listener.sockets:
            raise RuntimeError("the FastAGI server does not listen")
        return int(self._listener.sockets[0].getsockname()[1])

    @property
    def sessions(self) -> int:
        """How many sessions are under way."""
        return len(self._sessions)

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            ConfigError: the address cannot be listened on.
        """
        host, port = self._config.host, self._config.port
        await self._group.__aenter__()
        try:
            self._listener = await asyncio.start_server(self._accept, host, port, limit=protocol.MAX_BLOCK)
        except OSError as error:
            raise ConfigError(
                "agi.host, agi.port",
                f"{host}:{port} cannot be listened on: {error.strerror}",
                "a free port of an address of this machine",
            ) from error
        _LOG.info("FastAGI listens on %s:%d", host, self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening, let sessions under way end, then cancel those that have not."""
        self._closing = True
        if self._listener is not None:
            self._listener.close()
        try:
            if self._sessions and error is None:
                await asyncio.wait(self._sessions, timeout=self._config.drain_timeout)
        finally:
            for session in self._sessions:
                session.cancel()
            # Not told of the block's error: the group would wrap it, and has nothing left to cancel.
            await self._group.__aexit__(None, None, None)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Start a session, or send Asterisk away. No coroutine: asyncio would own its task, not our group."""
        self.counters.accepted += 1
        if self._closing or len(self._sessions) >= self._config.max_sessions:
            self.counters.overloaded += 1
            _LOG.warning("FastAGI: connection sent away, %d sessions are under way", len(self._sessions))
            writer.write(protocol.FAILURE)
            writer.close()
            return
        session = self._group.create_task(self._serve(reader, writer))
        self._sessions.add(session)
        session.add_done_callback(partial(self._ended, writer))

    def _ended(self, writer: asyncio.StreamWriter, session: asyncio.Task[None]) -> None:
        self._sessions.discard(session)
        if session.cancelled():
            self.counters.cancelled += 1
            writer.close()  # Cancelled before its first step, it could not do so itself.

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Run one session to its end, and close its connection whatever happens."""
        failed = True
        try:
            failed = await self._failed(reader, writer)
        finally:
            if failed and not writer.is_closing():
                writer.write(protocol.FAILURE)
            await _close(writer)

    async def _failed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Run one session within its time. Returns whether the dialplan must be told that it failed."""
        limit = asyncio.timeout(self._config.session_timeout)
        try:
            async with limit:
                header = await read_block(reader, b"\n\n", "header")
                session = AgiSession(protocol.parse_request(header), reader, writer)
                await self._handle(session)
        except AgiHangup:
            self.counters.hangups += 1
            return False  # So that AGISTATUS is HANGUP; there is nobody left to be told.
        except AgiProtocolError as error:
            self.counters.malformed += 1
            _LOG.warning("FastAGI: %s", error)
        except BadInput as error:
            self.counters.refused += 1
            _LOG.warning("FastAGI: the dialplan asked for what is not there: %s", error)
        except Exception as error:
            if isinstance(error, TimeoutError) and limit.expired():
                self.counters.timeouts += 1
                _LOG.warning("FastAGI: session not ended within %g s", self._config.session_timeout)
            else:
                self.counters.failed += 1
                _LOG.exception("FastAGI: a session's handler failed")
        else:
            self.counters.completed += 1
            return False
        return True

    async def _handle(self, session: AgiSession) -> None:
        try:
            await self._handler(session)
        except BadInput as error:
            # Whoever wrote the dialplan looks at Asterisk's console, not at our log.
            await session.verbose(f"campaign-controller: {error}")
            raise


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close a connection; what the peer does not take in time is dropped."""
    writer.close()
    try:
        async with asyncio.timeout(_CLOSE_TIMEOUT):
            await writer.wait_closed()
    except OSError:  # TimeoutError is one; a connection that broke is closed as well.
        pass
    finally:
        writer.transport.abort()
