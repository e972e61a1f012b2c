"""How requests reach Asterisk: the Transport protocol and its HTTP implementation.

A transport carries a request, keeps its deadline and repeats it where that is safe. It does not judge the
answer: an error status is a `Response` like any other.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import Protocol

import aiohttp
from yarl import URL

from controller.ari.config import AriConfig
from controller.ari.counters import AriCounters
from controller.ari.protocol import Repeat, Request, Response, encode_body, encode_target
from controller.errors import AsteriskUnreachable

log = logging.getLogger(__name__)

KEEPALIVE = 10.0
"""Seconds an idle connection is kept: less than Asterisk's session_keep_alive (15 s by default,
main/http.c:72-78), so that it is never Asterisk who closes first, under a request that must not be
repeated."""


class Transport(Protocol):
    """Carries requests."""

    async def request(self, request: Request, *, timeout: float) -> Response:
        """Carry `request` and return Asterisk's answer, whatever its status.

        Args:
            request: what to ask.
            timeout: seconds for everything, waiting for a free connection and the repetition included.

        Raises:
            AsteriskUnreachable: no answer in time, or no connection.
        """
        ...


def open_session(config: AriConfig) -> aiohttp.ClientSession:
    """Return the one HTTP session of a client, for requests and WebSocket; the caller closes it."""
    credentials = base64.b64encode(f"{config.username}:{config.password}".encode()).decode("ascii")
    return aiohttp.ClientSession(
        # One more than configured: the event WebSocket occupies a connection for good.
        connector=aiohttp.TCPConnector(limit=config.max_connections + 1, keepalive_timeout=KEEPALIVE),
        headers={"Authorization": f"Basic {credentials}"},
        # Every deadline is ours (asyncio.timeout): one timer per request instead of aiohttp's three.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        # Asterisk sets no cookies, compresses nothing and reads none of these headers; each costs time per
        # request.
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
    )


class HttpTransport:
    """Requests over a bounded pool of HTTP connections: one that blocks holds up no other."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, counters: AriCounters) -> None:
        self._session = session
        self._base = base_url.rstrip("/")
        self._counters = counters

    async def request(self, request: Request, *, timeout: float) -> Response:
        """Carry `request`; once more if its connection broke and twice does no harm."""
        self._counters.requests += 1
        try:
            async with asyncio.timeout(timeout):
                return await self._once_or_twice(request)
        except TimeoutError:
            self._counters.timeouts += 1
            raise AsteriskUnreachable(
                f"Asterisk did not answer {request} within {timeout:g} s", outcome_unknown=True
            ) from None

    async def _once_or_twice(self, request: Request) -> Response:
        # aiohttp may, below this, repeat a GET, PUT or DELETE once more on a connection found dead; all of
        # ours are SAFE.
        try:
            return await self._once(request)
        except aiohttp.ClientConnectorError as error:
            raise AsteriskUnreachable(f"No connection to Asterisk for {request}: {error}") from error
        except (aiohttp.ClientError, OSError) as error:
            if request.repeat is Repeat.NEVER:
                raise _broken(request, error) from error
            log.info("ari connection broke under %s (%r): sending it again", request, error)
        self._counters.retries += 1
        try:
            answer = await self._once(request)
        except (aiohttp.ClientError, OSError) as error:
            raise _broken(request, error) from error
        return Response(answer.status, answer.body, repeated=True)

    async def _once(self, request: Request) -> Response:
        body, headers = None, None
        if request.body is not None:
            body, headers = encode_body(request.body).encode(), {"Content-Type": "application/json"}
        # The path is quoted already; encoded=True spares yarl the work of parsing and quoting it again.
        url = URL(self._base + encode_target(request), encoded=True)
        async with self._session.request(
            request.method, url, data=body, headers=headers, allow_redirects=False
        ) as answer:
            return Response(answer.status, await answer.read())


def _broken(request: Request, error: Exception) -> AsteriskUnreachable:
    return AsteriskUnreachable(
        f"The connection to Asterisk broke under {request}: {error!r}", outcome_unknown=True
    )
