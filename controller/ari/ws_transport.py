"""REST over the event WebSocket, for requests that cannot block (docs/adr/0002).

Asterisk serves the requests of one WebSocket one at a time (ari_websockets.c:856), which makes them cheap,
and makes one that blocks a disaster. `SplitTransport` therefore sends only `Request.nonblocking` ones here.
"""

from __future__ import annotations

import asyncio
from itertools import count

import aiohttp

from controller.ari.counters import AriCounters
from controller.ari.protocol import (
    AriProtocolError,
    Json,
    Repeat,
    Request,
    Response,
    decode_frame,
    encode_frame,
)
from controller.ari.transport import Transport
from controller.errors import AsteriskUnreachable

MAX_PENDING = 512
"""Requests awaiting an answer at most. Overflow policy: `ready` is False, further ones go over HTTP."""


class SocketLost(AsteriskUnreachable):
    """The WebSocket broke before the answer came; Asterisk may have acted or not."""

    def __init__(self, message: str) -> None:
        super().__init__(message, outcome_unknown=True)


class WebSocketTransport:
    """Requests as frames on a WebSocket that somebody else, the event stream, opens and reads."""

    def __init__(self, counters: AriCounters) -> None:
        self._counters = counters
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._pending: dict[str, asyncio.Future[Response]] = {}
        self._ids = count(1)

    @property
    def ready(self) -> bool:
        """A request would be sent now."""
        return self._socket is not None and not self._socket.closed and len(self._pending) < MAX_PENDING

    def attach(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Use `socket` from now on; its reader must hand every RESTResponse to `receive`."""
        self._socket = socket

    def detach(self, reason: str) -> None:
        """Use no socket any more; fail all requests that await an answer, for it cannot come elsewhere."""
        self._socket = None
        pending, self._pending = self._pending, {}
        for answer in pending.values():
            if not answer.done():
                answer.set_exception(SocketLost(f"The WebSocket closed before the answer: {reason}"))

    def receive(self, frame: Json) -> None:
        """Give the answer in a RESTResponse frame to the request that awaits it; never raises."""
        try:
            request_id, response = decode_frame(frame)
        except AriProtocolError:
            self._counters.malformed += 1
            return
        answer = self._pending.pop(request_id, None)
        if answer is not None and not answer.done():
            answer.set_result(response)
        elif request_id:
            self._counters.late_responses += 1
        else:  # Asterisk could not read one of our frames, and cannot say which
            self._counters.malformed += 1

    async def request(self, request: Request, *, timeout: float) -> Response:
        """Carry `request`, never twice: when a WebSocket breaks there is none to repeat it on."""
        socket = self._socket
        if socket is None or not self.ready:
            raise AsteriskUnreachable(f"No WebSocket to send {request} on")
        self._counters.requests += 1
        request_id = str(next(self._ids))
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._pending[request_id] = answer
        try:
            async with asyncio.timeout(timeout):
                await socket.send_str(encode_frame(request, request_id))
                return await answer
        except TimeoutError:
            self._counters.timeouts += 1
            raise AsteriskUnreachable(
                f"Asterisk did not answer {request} within {timeout:g} s", outcome_unknown=True
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise SocketLost(f"The WebSocket broke under {request}: {error!r}") from error
        finally:
            self._pending.pop(request_id, None)
            # Where sending failed, detach() may have set an exception that nobody will await: take it off
            # the future, or asyncio complains of it when it is collected.
            if answer.done() and not answer.cancelled():
                answer.exception()


class SplitTransport:
    """Nonblocking requests over the WebSocket while there is one, all others over HTTP.

    A call must be hung up even while the WebSocket is away or breaking: hence the fallback, and the
    repetition over HTTP of whatever may be repeated.
    """

    def __init__(self, websocket: WebSocketTransport, http: Transport, counters: AriCounters) -> None:
        self._websocket = websocket
        self._http = http
        self._counters = counters

    async def request(self, request: Request, *, timeout: float) -> Response:
        """Carry `request` the way it may go (see `Transport.request`)."""
        if not (request.nonblocking and self._websocket.ready):
            return await self._http.request(request, timeout=timeout)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        try:
            return await self._websocket.request(request, timeout=timeout)
        except SocketLost:
            if request.repeat is Repeat.NEVER:
                raise
        self._counters.retries += 1
        try:
            answer = await self._http.request(request, timeout=deadline - loop.time())
        except AsteriskUnreachable as error:
            error.outcome_unknown = True  # whatever became of this one, the first may have been carried out
            raise
        return Response(answer.status, answer.body, repeated=True)
