"""The event WebSocket: opened, set up, read, and opened again whenever it breaks.

One task runs `EventStream.run`. Its reader only decodes JSON and enqueues: Asterisk closes a WebSocket that
takes no data for `websocket_write_timeout` (100 ms unless ari.conf says more), and then events are lost.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import random
from collections.abc import Callable
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from controller.ari import requests
from controller.ari.config import AriConfig
from controller.ari.counters import AriCounters
from controller.ari.events import ApplicationReplaced, Connected, Disconnected, parse_event
from controller.ari.models import AsteriskInfo
from controller.ari.protocol import AriProtocolError, require_success
from controller.ari.queue import EventQueue
from controller.ari.transport import Transport
from controller.ari.ws_transport import WebSocketTransport
from controller.errors import AsteriskRefused, AsteriskUnreachable, ControllerError

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 5.0
"""Seconds to open the WebSocket, and again to set it up: one request per subscription and two more."""
HEARTBEAT = 5.0
"""Seconds between pings; a pong that takes over half of it means a dead connection, noticed after 7.5 s at
most. Only we ping: Asterisk 22.11.0-rc1 crashes at a pong it did not expect (issue 2085), so never send one
unasked."""
BACKOFF_FIRST, BACKOFF_LAST = 0.1, 5.0
"""Seconds before the first attempt to reconnect, and at most, doubling; jitter takes up to half off. A
connection that worked for less than the latter does not count as success: something breaks it, and haste
would not help."""
STALL_NOTICE = 5.0
"""Seconds between complaints that nobody takes events out of a full queue."""

CLOSED_BY_US = "closed by the controller"


def backoff(attempt: int, jitter: Callable[[], float] = random.random) -> float:
    """Return the seconds to wait before attempt number `attempt` (1, 2, ...) to reconnect."""
    return min(BACKOFF_LAST, math.ldexp(BACKOFF_FIRST, min(attempt - 1, 16))) * (1 - jitter() / 2)


class EventStream:
    """Keeps the event WebSocket of one application alive and its events flowing into `queue`.

    Attributes:
        connected: Set while the WebSocket is open and set up.
        replaced: True once another controller took over the application; nothing is done any more then.
        last_failure: why the last connection or attempt failed, "" if none did.
    """

    def __init__(
        self,
        config: AriConfig,
        session: aiohttp.ClientSession,
        http: Transport,
        queue: EventQueue,
        counters: AriCounters,
        commands: WebSocketTransport | None = None,
    ) -> None:
        """Prepare; `commands` is told of sockets and answers, if requests go over the WebSocket as well."""
        self.connected = asyncio.Event()
        self.replaced = False
        self.last_failure = ""
        self._config = config
        self._session = session
        self._http = http
        self._queue = queue
        self._counters = counters
        self._commands = commands
        self._startup_time = ""
        # subscribeAll stays off: with it a lost WebSocket destroys the application, and StasisEnd with it.
        query = urlencode({"app": config.app, "subscribeAll": "false"})
        self._url = URL(f"{config.url.rstrip('/')}/events?{query}", encoded=True)

    async def run(self) -> None:
        """Connect, read, reconnect; returns only when the application was replaced."""
        attempt = 0
        while not self.replaced:
            if attempt:
                await asyncio.sleep(backoff(attempt))
            await self._wait_for_room()
            attempt = 1 if await self._one_connection() > BACKOFF_LAST else attempt + 1

    async def _wait_for_room(self) -> None:
        """Do not reconnect into a full queue: the consumer is behind, and news would only be lost again."""
        while not await self._queue.wait_half_empty(STALL_NOTICE):
            log.warning("ari events pile up (%d): their consumer is too slow or stuck", len(self._queue))

    async def _one_connection(self) -> float:
        """Open, set up and read one WebSocket to its end; returns the seconds it worked, 0.0 for never."""
        try:
            socket = await self._open()
        except AsteriskUnreachable as error:
            self._failed(error)
            return 0.0
        try:
            try:
                news = await self._set_up()
            except (ControllerError, TimeoutError) as error:
                self._failed(error)
                return 0.0
            clock = asyncio.get_running_loop().time
            since = clock()
            self._up(socket, news)
            reason = CLOSED_BY_US
            try:
                reason = await self._read(socket)
            finally:
                self._down(reason)
            return clock() - since
        finally:
            # aiohttp waits for the peer's close frame; a dead peer must not hold up the next attempt.
            await _close(socket)

    async def _open(self) -> aiohttp.ClientWebSocketResponse:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                return await self._session.ws_connect(self._url, heartbeat=HEARTBEAT)
        except aiohttp.WSServerHandshakeError as error:
            hint = " (is the user right and not read-only?)" if error.status in (401, 403) else ""
            raise AsteriskUnreachable(
                f"Asterisk refused the event WebSocket: {error.status}{hint}"
            ) from error
        except TimeoutError:
            raise AsteriskUnreachable(
                f"Asterisk did not open the event WebSocket within {CONNECT_TIMEOUT:g} s"
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise AsteriskUnreachable(f"No event WebSocket to Asterisk: {error}") from error

    async def _set_up(self) -> Connected:
        """Filter and subscribe, for a new application has neither, and find out if Asterisk restarted.

        Events that come meanwhile wait in the socket's buffers, so that `Connected` precedes them all. Set-up
        goes over HTTP: nobody reads the WebSocket yet, so no answer could come there.

        Raises:
            AsteriskRefused, AsteriskUnreachable, AriProtocolError, TimeoutError.
        """
        config = self._config
        setup = [requests.set_event_filter(config.app, disallowed=config.disallowed_events)]
        setup += [requests.subscribe(config.app, source) for source in config.subscriptions]
        async with asyncio.timeout(CONNECT_TIMEOUT):
            status = requests.asterisk_info("status")
            answer = await self._http.request(status, timeout=config.request_timeout)
            started = AsteriskInfo.parse(require_success(status, answer).json_object()).startup_time
            for request in setup:
                answer = await self._http.request(request, timeout=config.request_timeout)
                require_success(request, answer)
        before, self._startup_time = self._startup_time, started
        return Connected(
            first=self._counters.connects == 0, asterisk_restarted=bool(before) and before != started
        )

    def _up(self, socket: aiohttp.ClientWebSocketResponse, news: Connected) -> None:
        self._counters.connects += 1
        self._queue.announce(news)
        if self._commands is not None:
            self._commands.attach(socket)
        self.connected.set()
        log.info("ari connected app=%s asterisk_restarted=%s", self._config.app, news.asterisk_restarted)

    def _down(self, reason: str) -> None:
        self.connected.clear()
        self.last_failure = reason
        self._counters.disconnects += 1
        if self._commands is not None:
            self._commands.detach(reason)
        if not self.replaced:
            self._queue.announce(Disconnected(reason))
        level = logging.INFO if reason is CLOSED_BY_US else logging.WARNING
        log.log(level, "ari disconnected app=%s: %s", self._config.app, reason)

    def _failed(self, error: BaseException) -> None:
        self._counters.connect_failures += 1
        first = not self.last_failure
        self.last_failure = str(error) or f"Setting up the application took over {CONNECT_TIMEOUT:g} s"
        # A refusal is a mistake in somebody's configuration and worth a line each time; silence is not.
        level = (
            logging.WARNING
            if first or isinstance(error, AsteriskRefused | AriProtocolError)
            else logging.DEBUG
        )
        log.log(level, "ari connection failed app=%s: %s", self._config.app, self.last_failure)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> str:
        """Enqueue events until the socket ends; returns why it did. The hot path."""
        counters, queue, commands = self._counters, self._queue, self._commands
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                # ERROR is aiohttp's own word for a broken connection; the loop ends with the next round.
                counters.malformed += message.type is not aiohttp.WSMsgType.ERROR
                continue
            try:
                frame = json.loads(message.data)
                kind = frame["type"]
            except (ValueError, TypeError, KeyError, RecursionError):
                counters.malformed += 1
                continue
            if kind == "RESTResponse":
                if commands is not None:
                    commands.receive(frame)
                continue
            counters.events += 1
            if kind == "ApplicationReplaced":
                self.replaced = True
                queue.announce(ApplicationReplaced(self._config.app, parse_event(frame).timestamp))
                return "another controller took over the application"
            if not queue.offer(frame):
                counters.overflows += 1
                return "the event queue overflowed"
        return f"the WebSocket closed ({socket.close_code}): {socket.exception() or 'by Asterisk'}"


async def _close(socket: aiohttp.ClientWebSocketResponse) -> None:
    try:
        async with asyncio.timeout(0.5):
            await socket.close()
    except (TimeoutError, aiohttp.ClientError, OSError):
        log.debug("ari websocket did not close in order")
