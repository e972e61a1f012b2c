"""Webhooks by HTTP, to public addresses only."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from controller.domain.webhook import Network, checked_url, reachable
from controller.errors import Refused, Unreachable

_PER_HOST = 4
"""Connections to one receiver at a time."""


class _NotPublicError(OSError):
    """A name leads to an address that may not be sent to."""


class PublicResolver(AbstractResolver):
    """Resolves names, and keeps of the addresses only those that may be sent to.

    The connection is made to the very address that was looked at: a name that changes its mind in between is
    of no use to whoever owns it.
    """

    def __init__(self, allowed: Sequence[Network], resolver: AbstractResolver | None = None) -> None:
        """Take the networks that are not public and may be sent to all the same."""
        self._allowed = tuple(allowed)
        self._resolver = resolver or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name that may be sent to.

        Raises:
            OSError: there is none.
        """
        found = await self._resolver.resolve(host, port, family)
        fit = [result for result in found if reachable(ip_address(result["host"]), self._allowed)]
        if not fit:
            raise _NotPublicError(f"{host} leads to no public address")
        return fit

    async def close(self) -> None:
        """Let go of the resolver below."""
        await self._resolver.close()


class HttpPoster:
    """``Poster`` (controller.ports.outbox). Use it as ``async with``.

    Redirects are not followed, proxies and cookies not used; of the answer nothing but its status is read.
    """

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        *,
        timeout: float = 10.0,
        resolver: AbstractResolver | None = None,
    ) -> None:
        """Nothing is opened yet.

        Args:
            allowed: networks that are not public and may be sent to.
            timeout: seconds from the connection to the status.
            resolver: of names; the system's by default.
        """
        self._allowed = tuple(allowed)
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            resolver=PublicResolver(self._allowed, self._resolver), limit_per_host=_PER_HOST
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "campaign-controller"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Post a body; returns the status of the answer.

        Raises:
            Refused: the URL may not be sent to.
            Unreachable: no answer in time.
        """
        if self._session is None:
            raise Unreachable("webhooks cannot be sent: the sender is not open")
        try:
            # An address that stands in the URL itself never comes to the resolver.
            checked_url(url, self._allowed)
        except ValueError as error:
            raise Refused(f"the URL may not be sent to: {error}") from None
        try:
            async with self._session.post(
                url, headers=dict(headers), data=body, allow_redirects=False
            ) as answer:
                return answer.status
        except _NotPublicError as error:
            raise Refused(f"{error}, and webhooks.networks does not name it") from None
        except aiohttp.ClientConnectorDNSError as error:
            if isinstance(error.os_error, _NotPublicError):
                raise Refused(f"{error.os_error}, and webhooks.networks does not name it") from None
            raise Unreachable("its host has no address") from None
        except TimeoutError:
            raise Unreachable(f"no answer within {self._timeout.total:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"no answer: {type(error).__name__}") from None
