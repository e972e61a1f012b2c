"""AriClient: one Asterisk, one Stasis application. The facade of the package.

async with AriClient(config) as ari:
    async for item in ari.events():
        match item:
            case Connected():
                await reconcile(await ari.snapshot())
            case StasisStart(channel=channel):
                await ari.bridges.add_channel(bridge_id, channel.id)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from controller.ari import requests
from controller.ari.config import AriConfig
from controller.ari.counters import AriCounters
from controller.ari.events import StreamItem, UnknownEvent, parse_event
from controller.ari.models import Application, Bridge, Channel, Snapshot, decode
from controller.ari.protocol import Request, Response, require_success
from controller.ari.queue import EventQueue
from controller.ari.resources import Applications, AsteriskResource, Bridges, Channels, Endpoints, Playbacks
from controller.ari.stream import EventStream
from controller.ari.transport import HttpTransport, Transport, open_session
from controller.ari.ws_transport import SplitTransport, WebSocketTransport
from controller.errors import AsteriskUnreachable

SNAPSHOT_TIMEOUT = 10.0
"""Seconds for each list of a snapshot: a thousand channels take Asterisk longer than the usual request."""


class AriClient:
    """Requests to Asterisk and events from it, while entered as a context manager.

    Requests work as soon as the client is entered; events need the WebSocket, which connects and reconnects
    by itself.

    Attributes:
        channels, bridges, playbacks, endpoints, applications, asterisk: ARI's resources.
        counters: what happened so far.
    """

    def __init__(self, config: AriConfig) -> None:
        self.config = config
        self.counters = AriCounters()
        self.channels = Channels(self._send)
        self.bridges = Bridges(self._send)
        self.playbacks = Playbacks(self._send)
        self.endpoints = Endpoints(self._send)
        self.applications = Applications(self._send)
        self.asterisk = AsteriskResource(self._send)
        self._stack = AsyncExitStack()
        self._queue = EventQueue(config.event_queue_size)
        self._transport: Transport | None = None
        self._stream: EventStream | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        session = await self._stack.enter_async_context(open_session(self.config))
        http = HttpTransport(session, self.config.url, self.counters)
        websocket = WebSocketTransport(self.counters) if self.config.transport == "websocket" else None
        self._transport = SplitTransport(websocket, http, self.counters) if websocket else http
        self._stream = EventStream(self.config, session, http, self._queue, self.counters, websocket)
        # Not a TaskGroup: as a context manager that would wrap every exception of the caller's block into a
        # group. The task is no orphan for it: __aexit__ awaits it, and its crash comes out of events().
        self._reader = asyncio.create_task(self._read(self._stream), name=f"ari-events-{self.config.app}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reader is not None:
            self._reader.cancel()
            # wait() and not await: the task's own end, cancelled or crashed, must not replace the caller's
            # exception.
            await asyncio.wait([self._reader])
        await self._stack.aclose()
        self._transport = None
        if error is None:
            self._raise_crash()

    async def _read(self, stream: EventStream) -> None:
        try:
            await stream.run()
        finally:
            self._queue.announce(None)

    def _raise_crash(self) -> None:
        """Raise what ended the reader, if that was a bug: with no events the process must not go on."""
        reader = self._reader
        if reader is not None and reader.done() and not reader.cancelled() and (crash := reader.exception()):
            raise crash

    async def _send(self, request: Request) -> Response:
        if self._transport is None:
            raise AsteriskUnreachable("The ARI client is not open")
        return await self._transport.request(request, timeout=self.config.request_timeout)

    @property
    def connected(self) -> bool:
        """Events arrive: the WebSocket is open, filtered and subscribed."""
        return self._stream is not None and self._stream.connected.is_set()

    async def wait_connected(self, timeout: float) -> None:
        """Wait at most `timeout` seconds for the event WebSocket.

        Raises:
            AsteriskUnreachable: it did not connect, and why not.
        """
        if self._stream is None:
            raise AsteriskUnreachable("The ARI client is not open")
        try:
            async with asyncio.timeout(0 if self._stream.replaced else timeout):
                await self._stream.connected.wait()
        except TimeoutError:
            why = self._stream.last_failure or "no answer"
            raise AsteriskUnreachable(f"No events from Asterisk within {timeout:g} s: {why}") from None

    @property
    def waiting(self) -> int:
        """Events that wait to be taken."""
        return len(self._queue)

    async def events(self) -> AsyncIterator[StreamItem]:
        """Yield what happens, in order; for one consumer only.

        Between `Connected` and `Disconnected` come the events of that connection. At `Connected` take
        `snapshot()` and reconcile before going on: events that came meanwhile wait, bounded by
        `event_queue_size`, and are yielded after. A slow consumer loses nothing without notice: on overflow
        the connection is dropped, so that a `Disconnected` and, with a new `Connected`, the call to
        resynchronise follow.

        Ends after `ApplicationReplaced`, or when the client is closed.
        """
        while (item := await self._queue.take()) is not None:
            if isinstance(item, dict):
                event = parse_event(item)
                if isinstance(event, UnknownEvent) and event.problem:
                    self.counters.malformed += 1
                yield event
            else:
                yield item
        self._raise_crash()

    async def snapshot(self) -> Snapshot:
        """Return all channels and bridges, and what the application follows.

        Asked one after the other, the application first: a channel that comes between is then in the list of
            channels,
        and its events are in the queue.

        Raises:
            AsteriskUnreachable, AsteriskRefused, AriProtocolError.
        """
        application = await self._ask(requests.get("applications", self.config.app))
        channels = await self._ask(requests.get("channels"))
        bridges = await self._ask(requests.get("bridges"))
        return Snapshot(
            channels={c.id: c for c in (decode(Channel.parse, raw) for raw in channels.json_objects())},
            bridges={b.id: b for b in (decode(Bridge.parse, raw) for raw in bridges.json_objects())},
            application=decode(Application.parse, application.json_object()),
        )

    async def _ask(self, request: Request) -> Response:
        if self._transport is None:
            raise AsteriskUnreachable("The ARI client is not open")
        return require_success(request, await self._transport.request(request, timeout=SNAPSHOT_TIMEOUT))
