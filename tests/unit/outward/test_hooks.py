"""Webhooks against real HTTP servers on loopback, and against addresses they must never reach."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address, ip_network

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import BaseTestServer, TestServer
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.webhook import checked_url, reachable
from controller.errors import Refused, Unreachable
from controller.outward.hooks import HttpPoster

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[BaseTestServer]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server:
        yield server


class Names(AbstractResolver):
    """A name server in the hand of somebody who means no good."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        pass


async def test_a_body_and_its_headers_arrive() -> None:
    got: list[tuple[str, str, bytes]] = []

    async def take(request: web.Request) -> web.Response:
        got.append((request.path, request.headers["webhook-id"], await request.read()))
        return web.Response(status=202)

    async with served(take) as server, HttpPoster(LOOPBACK) as poster:
        assert await poster.post(str(server.make_url("/hook")), {"webhook-id": "msg_1"}, b"{}") == 202
    assert got == [("/hook", "msg_1", b"{}")]


async def test_redirects_are_not_followed() -> None:
    paths: list[str] = []

    async def away(request: web.Request) -> web.Response:
        paths.append(request.path)
        raise web.HTTPTemporaryRedirect("/elsewhere")

    async with served(away) as server, HttpPoster(LOOPBACK) as poster:
        assert await poster.post(str(server.make_url("/hook")), {}, b"{}") == 307
    assert paths == ["/hook"]


async def test_a_receiver_that_hangs_is_left_in_time() -> None:
    go_on = asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        await go_on.wait()
        return web.Response()

    async with served(hang) as server, HttpPoster(LOOPBACK, timeout=0.1) as poster:
        with pytest.raises(Unreachable, match=r"no answer within 0\.1 s"):
            await poster.post(str(server.make_url("/")), {}, b"{}")
        go_on.set()


async def test_a_receiver_that_drops_the_connection_gave_no_answer() -> None:
    async def drop(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async with served(drop) as server, HttpPoster(LOOPBACK) as poster:
        with pytest.raises(Unreachable, match="no answer"):
            await poster.post(str(server.make_url("/")), {}, b"{}")


async def test_nobody_there_gave_no_answer() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    async with HttpPoster(LOOPBACK) as poster:
        with pytest.raises(Unreachable):
            await poster.post(f"http://127.0.0.1:{port}/", {}, b"{}")


async def test_what_is_not_open_sends_nothing() -> None:
    with pytest.raises(Unreachable, match="not open"):
        await HttpPoster(LOOPBACK).post("https://example.org/", {}, b"{}")


# --- where they may not go


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:6379/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://10.1.2.3/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fd00::1]/",
        "https://0.0.0.0/",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
        "http://example.org/",
        "ftp://example.org/",
        "https://user:secret@example.org/",
        "https:///path",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://example.org/#x",
        "https://example.org/ x",
        "",
    ],
)
async def test_a_url_that_may_not_be_sent_to_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        checked_url(url, ())
    async with HttpPoster() as poster:
        with pytest.raises(Refused):
            await poster.post(url, {}, b"{}")


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254"])
async def test_a_name_that_leads_inside_is_not_followed(address: str) -> None:
    reached = False

    async def take(request: web.Request) -> web.Response:
        nonlocal reached
        reached = True
        return web.Response()

    async with served(take) as server, HttpPoster(resolver=Names(address)) as poster:
        with pytest.raises(Refused, match="no public address"):
            await poster.post(f"https://hooks.example.org:{server.port}/", {}, b"{}")
    assert not reached


async def test_of_a_names_addresses_only_those_outside_are_used() -> None:
    async with HttpPoster(resolver=Names("10.0.0.1", "8.8.8.8"), timeout=0.05) as poster:
        assert poster._session is not None
        connector = poster._session.connector
        assert connector is not None
        found = await connector._resolver.resolve("hooks.example.org", 443)  # type: ignore[attr-defined]
    assert [each["host"] for each in found] == ["8.8.8.8"]


@pytest.mark.parametrize(
    "url", ["https://example.org/hook?a=b", "https://8.8.8.8:8443/", "https://[2606:4700::1111]/x"]
)
def test_public_addresses_may_be_sent_to(url: str) -> None:
    assert checked_url(url, ()) == url


def test_what_the_operator_names_may_be_sent_to() -> None:
    assert checked_url("http://127.0.0.1:99/", LOOPBACK)
    assert checked_url("https://10.0.0.1/", [ip_network("10.0.0.0/8")])
    with pytest.raises(ValueError, match="https"):
        checked_url("http://10.0.0.1/", [ip_network("10.0.0.0/8")])


@given(st.ip_addresses(v=4))
def test_an_address_is_the_same_however_it_is_written(address: object) -> None:
    plain = ip_address(str(address))
    for wrapped in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert reachable(ip_address(wrapped), ()) == reachable(plain, ())


@given(st.one_of(st.ip_addresses(network="10.0.0.0/8"), st.ip_addresses(network="fc00::/7")))
def test_private_addresses_are_never_reachable(address: object) -> None:
    assert not reachable(ip_address(str(address)), ())
