"""The server over loopback sockets, with a client that plays Asterisk well or badly."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from controller.agi import protocol
from controller.agi.config import AgiConfig, AgiCounters
from controller.agi.protocol import AgiCommandError
from controller.agi.server import AgiServer
from controller.agi.session import AgiSession
from controller.errors import BadInput, ConfigError
from tests.unit.agi.asterisk import PATIENCE, FakeAsterisk, call

CONFIG = AgiConfig(port=0, session_timeout=1.0, drain_timeout=1.0)


async def wait_until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - the server has no events for tests
            await asyncio.sleep(0.002)


async def still_serves(server: AgiServer) -> bool:
    async with call(server.port) as asterisk:
        await asterisk.header("x")
        return bool(await asterisk.command())


async def greet(session: AgiSession) -> None:
    await session.set_variable("HELLO", 'say "hi"')
    await session.set_variable("AGAIN", f"{await session.get_variable('HELLO')}!")
    assert await session.get_variable("NOBODY") is None
    await session.verbose("two\nlines")


async def test_a_session() -> None:
    async with AgiServer(greet, CONFIG) as server, call(server.port) as asterisk:
        assert await asterisk.ask("x") == {"HELLO": 'say "hi"', "AGAIN": 'say "hi"!'}
        assert asterisk.console == ["two lines"]
        assert not asterisk.failed
        await wait_until(lambda: server.sessions == 0)
        assert server.counters == AgiCounters(accepted=1, completed=1)


async def test_a_header_that_arrives_byte_by_byte() -> None:
    async with AgiServer(greet, CONFIG) as server, call(server.port) as asterisk:
        for byte in b"agi_request: x\n\n":
            await asterisk.send(bytes([byte]))
            await asyncio.sleep(0)
        await asterisk.obey()
        assert "AGAIN" in asterisk.variables


async def test_hangup_by_the_handler() -> None:
    async def handler(session: AgiSession) -> None:
        await session.hangup()
        await session.verbose("nobody hears this")

    async with AgiServer(handler, CONFIG) as server, call(server.port) as asterisk:
        await asterisk.ask("x")
        await wait_until(lambda: server.counters.hangups == 1)
        assert not asterisk.failed


async def test_interim_answers_are_passed_over() -> None:
    async with AgiServer(greet, CONFIG) as server, call(server.port) as asterisk:
        await asterisk.header("x")
        await asterisk.command()
        await asterisk.send(b"100 result=0 Trying...\n200 result=1\n")
        assert await asterisk.command() == ["GET", "VARIABLE", "HELLO"]


async def test_a_usage_answer_of_several_lines_keeps_the_conversation_in_step() -> None:
    seen: list[Any] = []

    async def handler(session: AgiSession) -> None:
        with pytest.raises(AgiCommandError):
            await session.verbose("x")
        seen.append(await session.get_variable("V"))

    async with AgiServer(handler, CONFIG) as server, call(server.port) as asterisk:
        await asterisk.header("x")
        await asterisk.command()
        await asterisk.send(b"520-Invalid command syntax.  Proper usage follows:\n Usage: VERBOSE\n")
        await asterisk.send(b"200 result=1 (usage, not an answer)520 End of proper usage.\n")
        asterisk.variables["V"] = "right"
        await asterisk.obey()
        assert seen == ["right"]


async def test_usage_without_end_is_not_read_for_ever() -> None:
    async with AgiServer(greet, CONFIG) as server, call(server.port) as asterisk:
        await asterisk.header("x")
        await asterisk.command()
        await asterisk.send(b"520-x\n" + b"more\n" * 100)
        await asterisk.obey()
        assert asterisk.failed
        assert server.counters.malformed == 1


# --- Asterisk, or what claims to be it, behaves badly ----------------------------------------------------


async def _hangup_in_the_middle(asterisk: FakeAsterisk) -> None:
    await asterisk.header("x")
    await asterisk.command()
    await asterisk.send(b"HANGUP\n200 result=1\n")


async def _gone_before_the_header(asterisk: FakeAsterisk) -> None:
    asterisk.writer.close()


async def _gone_in_the_header(asterisk: FakeAsterisk) -> None:
    await asterisk.send(b"agi_request: x\nagi_ch")
    asterisk.writer.write_eof()


async def _gone_in_the_middle(asterisk: FakeAsterisk) -> None:
    await asterisk.header("x")
    await asterisk.command()
    asterisk.writer.write_eof()


async def _reset_in_the_middle(asterisk: FakeAsterisk) -> None:
    await asterisk.header("x")
    await asterisk.command()
    linger = b"\1\0\0\0\0\0\0\0"  # On, 0 s: closing resets the connection.
    asterisk.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    asterisk.writer.transport.abort()


@pytest.mark.parametrize(
    "leave",
    [
        _hangup_in_the_middle,
        _gone_before_the_header,
        _gone_in_the_header,
        _gone_in_the_middle,
        _reset_in_the_middle,
    ],
)
async def test_the_call_ends_while_its_session_runs(leave: Callable[[FakeAsterisk], Awaitable[None]]) -> None:
    async with AgiServer(greet, CONFIG) as server:
        async with call(server.port) as asterisk:
            await leave(asterisk)
            await wait_until(lambda: server.counters.hangups == 1)
        assert await still_serves(server)


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n\n\n",
        b"\x16\x03\x01\x02\x00\x01\n\n",
        b"\n\n",
        b"agi_request: " + b"x" * 3 * protocol.MAX_BLOCK,
        b"agi_a: 1\n" * 10_000,
    ],
)
async def test_garbage_instead_of_a_header(garbage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with AgiServer(greet, CONFIG) as server:
        async with call(server.port) as asterisk:
            asterisk.writer.write(garbage)
            await asterisk.obey()
            await wait_until(lambda: server.counters.malformed == 1)
        assert await still_serves(server)
    assert not [record for record in caplog.records if record.levelno > logging.WARNING]


@pytest.mark.parametrize("answer", [b"nonsense\n", b"200 result=1 (a\nb)\n", b"x" * 3 * protocol.MAX_BLOCK])
async def test_garbage_instead_of_an_answer(answer: bytes) -> None:
    async with AgiServer(greet, CONFIG) as server, call(server.port) as asterisk:
        await asterisk.header("x")
        await asterisk.command()
        await asterisk.send(answer)
        await asterisk.obey()
        assert server.counters.malformed == 1


@pytest.mark.parametrize("sent", [b"", b"agi_request: x\n", b"agi_request: x\n\n"])
async def test_a_slow_client_is_sent_away_in_time(sent: bytes) -> None:
    async with AgiServer(greet, replace(CONFIG, session_timeout=0.05)) as server:
        async with call(server.port) as asterisk:
            await asterisk.send(sent)
            await wait_until(lambda: server.counters.timeouts == 1)
            await asterisk.command()  # The first command, if the header was complete.
            await asterisk.command()
            assert asterisk.failed
        await wait_until(lambda: server.sessions == 0)


async def test_too_many_sessions() -> None:
    async with AgiServer(greet, replace(CONFIG, max_sessions=1)) as server, call(server.port) as first:
        await first.header("x")
        command = await first.command()
        async with call(server.port) as second:
            await second.command()
            assert second.failed
        assert (server.counters.overloaded, server.sessions) == (1, 1)
        assert command[0] == "SET"
        await first.send(b"200 result=1\n")
        await first.obey()
        await wait_until(lambda: server.sessions == 0)
        assert server.counters.completed == 1
        assert await still_serves(server)


# --- The handler behaves badly ------------------------------------------------------------------------


async def test_a_handler_that_fails() -> None:
    async def handler(session: AgiSession) -> None:
        raise TimeoutError("its own, not the session's")

    async with AgiServer(handler, CONFIG) as server, call(server.port) as asterisk:
        await asterisk.ask("x")
        assert asterisk.failed
        assert (server.counters.failed, server.counters.timeouts) == (1, 0)


async def test_what_the_dialplan_did_wrong_is_said_on_its_console() -> None:
    async def handler(session: AgiSession) -> None:
        raise BadInput("AGI()", "no such thing")

    async with AgiServer(handler, CONFIG) as server, call(server.port) as asterisk:
        await asterisk.ask("x")
        assert asterisk.console == ["campaign-controller: AGI(): no such thing"]
        assert asterisk.failed
        assert server.counters.refused == 1


# --- Start and end --------------------------------------------------------------------------------------


async def _go_on_once_the_server_closes(server: AgiServer, asterisk: FakeAsterisk, port: int) -> None:
    with suppress(ConnectionError):
        while True:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.transport.abort()
            await asyncio.sleep(0.005)
    assert server.sessions == 1
    await asterisk.send(b"200 result=1\n")
    await asterisk.obey()


async def test_sessions_under_way_may_end_when_the_server_closes() -> None:
    async with asyncio.TaskGroup() as group, AgiServer(greet, CONFIG) as server:
        asterisk = FakeAsterisk(*await asyncio.open_connection("127.0.0.1", server.port))
        await asterisk.header("x")
        await asterisk.command()
        group.create_task(_go_on_once_the_server_closes(server, asterisk, server.port))
    assert "AGAIN" in asterisk.variables
    assert (server.counters.completed, server.counters.cancelled) == (1, 0)
    asterisk.writer.close()


async def test_sessions_that_do_not_end_are_cancelled() -> None:
    async with AgiServer(greet, replace(CONFIG, drain_timeout=0.02)) as server:
        port = server.port
        _, idle = await asyncio.open_connection("127.0.0.1", port)
        await wait_until(lambda: server.sessions == 1)
    assert server.counters == AgiCounters(accepted=1, cancelled=1)
    idle.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_an_error_in_the_block_ends_sessions_at_once() -> None:
    server = AgiServer(greet, replace(CONFIG, drain_timeout=30.0))

    async def fail() -> None:
        async with server, call(server.port):
            await wait_until(lambda: server.sessions == 1)
            raise KeyError("the user's")

    with pytest.raises(KeyError, match="the user's"):
        await fail()
    assert server.sessions == 0


async def test_a_port_that_is_taken() -> None:
    async with AgiServer(greet, CONFIG) as server:
        with pytest.raises(ConfigError, match=r"cannot be listened on"):
            async with AgiServer(greet, replace(CONFIG, port=server.port)):
                pass


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": ""},
        {"port": 70_000},
        {"session_timeout": 0.0},
        {"max_sessions": 0},
        {"drain_timeout": -1.0},
    ],
)
def test_settings_that_could_never_work(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        AgiConfig(**wrong)
