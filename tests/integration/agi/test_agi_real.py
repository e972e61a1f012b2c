"""The FastAGI server asked by a real Asterisk's dialplan; the snippets of docs/agi.md among it."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

import aiohttp
import pytest

from controller.agi.config import AgiConfig
from controller.agi.protocol import AgiCommandError, AgiHangup, build_command
from controller.agi.routes import DialplanRoutes
from controller.agi.server import AgiServer
from controller.agi.session import AgiSession
from controller.domain.ids import E164
from controller.errors import RedisUnreachable
from controller.ports import Ledger, Suppression
from controller.store.memory_records import MemoryRecords
from lab.lab import Lab
from lab.numbers import Behaviour, number

FREE: Final = number(Behaviour.PERSON, hold=1.0, serial=1)
SILENT: Final = number(Behaviour.PERSON, hold=1.0, serial=2)
UNKNOWN: Final = number(Behaviour.PERSON, hold=1.0, serial=3)
WAIT: Final = 5.0
DOCS: Final = Path(__file__).parents[3] / "docs" / "agi.md"

# Each question is followed by a report of what Asterisk then holds, made by AGI as well: no log to read.
DIALPLAN: Final = """
[agi-idle]
exten => s,1,Answer()
 same => n,Wait(20)

[agi-ask]
exten => may-call,1,Set(CC_MAY_CALL=)
 same => n,AGI(agi://127.0.0.1:{port}/may-call,${{NUMBER}})
 same => n,AGI(agi://127.0.0.1:{port}/report,${{AGISTATUS}},${{CC_MAY_CALL}},${{CC_REASON}},${{CC_FREE_IN}})
exten => caller-info,1,AGI(agi://127.0.0.1:{port}/caller-info,${{NUMBER}})
 same => n,AGI(agi://127.0.0.1:{port}/report,${{AGISTATUS}},${{CC_KNOWN}},${{CC_REASON}},${{CC_LAST_SILENT}})
exten => other,1,AGI(agi://127.0.0.1:${{PORT}}/${{NUMBER}},one,,three)
 same => n,AGI(agi://127.0.0.1:{port}/report,${{AGISTATUS}})
exten => wait,1,Answer()
 same => n,AGI(agi://127.0.0.1:{port}/wait)
exten => h,1,AGI(agi://127.0.0.1:{port}/dead)
 same => n,AGI(agi://127.0.0.1:{port}/report,${{AGISTATUS}},${{DEAD}})
"""


class ScriptedLedger:
    async def suppression(self, caller: str, number: E164) -> Suppression | None:
        if number == UNKNOWN:
            raise RedisUnreachable
        if number != SILENT:
            return None
        since = datetime(2025, 3, 1, 9, 30, tzinfo=UTC)
        return Suppression(number=number, reason="silent call", since=since, call="k", expires_in=4711)


class Desk:
    """A server that Asterisk can ask, and a way to make Asterisk ask."""

    def __init__(self, lab: Lab, http: aiohttp.ClientSession) -> None:
        self.lab = lab
        self.http = http
        self.reports: asyncio.Queue[tuple[str, ...]] = asyncio.Queue(100)
        self.routes = DialplanRoutes(
            cast(Ledger, ScriptedLedger()), MemoryRecords().lists, caller="acme", region="IT"
        ).routes()
        self.routes.add("report", self._report)
        self.server = AgiServer(self.routes, AgiConfig(port=0, session_timeout=1.0))

    async def _report(self, session: AgiSession) -> None:
        self.reports.put_nowait(tuple(session.request.arguments))

    async def originate(self, extension: str, context: str = "agi-ask", **variables: str) -> str:
        call = {"endpoint": "Local/s@agi-idle", "context": context, "extension": extension, "priority": 1}
        body = {**call, "variables": variables}
        async with self.http.post(f"{self.lab.ari_url}/channels", json=body) as answer:
            answer.raise_for_status()
            return str((await answer.json())["id"])

    async def hang_up(self, channel: str) -> None:
        async with self.http.delete(f"{self.lab.ari_url}/channels/{channel}") as answer:
            assert answer.status in (204, 404)  # 404: it ended by itself.

    async def report(self) -> tuple[str, ...]:
        async with asyncio.timeout(WAIT):
            return await self.reports.get()

    async def ask(self, extension: str, **variables: str) -> tuple[str, ...]:
        await self.originate(extension, **variables)
        said = await self.report()
        await self.report()  # The extension h of the same call.
        return said


def _documented(port: int) -> str:
    snippet = re.search(r"```ini\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert snippet is not None
    return snippet[1].replace("agi://127.0.0.1/", f"agi://127.0.0.1:{port}/")


@asynccontextmanager
async def _dialplan(lab: Lab, text: str) -> AsyncIterator[None]:
    file = lab.pbx.home.etc / "local.extensions.conf"
    before = file.read_text()
    try:
        file.write_text(f"{before}\n{text}")
        await lab.pbx.cli("dialplan reload")
        yield
    finally:
        file.write_text(before)
        await lab.pbx.cli("dialplan reload")


@pytest.fixture
async def desk(lab: Lab) -> AsyncIterator[Desk]:
    credentials = b64encode(f"{lab.ari_user}:{lab.ari_password}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"}
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=WAIT))
        )
        desk = Desk(lab, http)
        # pytest-asyncio ends a fixture in another task than it began it; a TaskGroup needs one and the same.
        running, stop = asyncio.Event(), asyncio.Event()

        async def serve() -> None:
            async with desk.server:
                running.set()
                await stop.wait()

        serving = asyncio.create_task(serve())
        async with asyncio.timeout(WAIT):
            await running.wait()
        port = desk.server.port
        await stack.enter_async_context(_dialplan(lab, DIALPLAN.format(port=port) + _documented(port)))
        try:
            yield desk
        finally:
            stop.set()
            await asyncio.wait_for(serving, WAIT)


@pytest.mark.parametrize(
    ("dialed", "said"),
    [
        (FREE, ("YES", "", "0")),
        (FREE.removeprefix("+39"), ("YES", "", "0")),
        (SILENT, ("NO", "silent call", "4711")),
        (UNKNOWN, ("NO", "cannot be checked", "0")),
        ("1001", ("NO", "not a number", "0")),
        ("", ("NO", "not a number", "0")),
        ("112", ("YES", "emergency number", "0")),
    ],
)
async def test_may_call(desk: Desk, dialed: str, said: tuple[str, ...]) -> None:
    assert await desk.ask("may-call", NUMBER=dialed) == ("SUCCESS", *said)


async def test_caller_info(desk: Desk) -> None:
    silent = ("SUCCESS", "YES", "silent call", "2025-03-01T09:30:00+00:00")

    assert await desk.ask("caller-info", NUMBER=SILENT) == silent
    assert await desk.ask("caller-info", NUMBER=FREE) == ("SUCCESS", "NO", "", "")


async def test_values_survive_the_way_to_asterisk_and_back(desk: Desk) -> None:
    value = 'q"\\ ,;$[1] ${CHANNEL} é)('
    seen: list[Any] = []

    async def odd(session: AgiSession) -> None:
        seen.append((session.request.query, session.request.arguments))
        await session.set_variable("ODD", value)
        seen.append(await session.get_variable("ODD"))
        seen.append(await session.get_variable("NEVER_SET"))
        for words in ("SET VARIABLE", "GIBBERISH"):  # 520 with its usage, 510.
            with pytest.raises(AgiCommandError):
                await session._command(build_command(words))
        await session.verbose('two\nlines "quoted"')
        seen.append(await session.get_variable("ODD"))

    desk.routes.add("odd", odd)
    assert await desk.ask("other", PORT=str(desk.server.port), NUMBER="odd?a=+39&b=x%20y") == ("SUCCESS",)
    assert seen == [({"a": "+39", "b": "x y"}, ("one", "", "three")), value, None, value]


async def test_the_dialplan_learns_of_every_failure(desk: Desk) -> None:
    async def fail(session: AgiSession) -> None:
        raise KeyError("a bug")

    async def sleep(session: AgiSession) -> None:
        await asyncio.sleep(30)

    desk.routes.add("fail", fail)
    desk.routes.add("sleep", sleep)
    for path in ("fail", "sleep", "no-such-path"):
        assert await desk.ask("other", PORT=str(desk.server.port), NUMBER=path) == ("FAILURE",), path


async def test_overload_is_a_failure_to_the_dialplan(desk: Desk) -> None:
    async def sleep(session: AgiSession) -> None:
        await asyncio.sleep(30)

    config = AgiConfig(port=0, max_sessions=1, session_timeout=20.0, drain_timeout=0.0)
    async with AgiServer(sleep, config) as busy:
        _, writer = await asyncio.open_connection("127.0.0.1", busy.port)
        # Again and again: Asterisk still writes its header while it is sent away.
        said = [await desk.ask("other", PORT=str(busy.port), NUMBER="x") for _ in range(20)]
        writer.close()
    assert said == [("FAILURE",)] * 20
    assert busy.counters.overloaded == 20


async def test_a_broken_connection_is_a_success_to_asterisk(desk: Desk) -> None:
    # Why docs/agi.md has the dialplan ask for YES.
    def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(break_off, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await desk.ask("other", PORT=str(port), NUMBER="x") == ("SUCCESS",)


async def test_the_caller_hangs_up_meanwhile(desk: Desk) -> None:
    entered, ended = asyncio.Event(), asyncio.Event()

    async def wait(session: AgiSession) -> None:
        entered.set()
        try:
            while True:
                await session.verbose("still there")
                await asyncio.sleep(0.02)
        except AgiHangup:
            ended.set()
            raise

    async def dead(session: AgiSession) -> None:
        await session.set_variable("DEAD", "can be set")
        await session.hangup()

    desk.routes.add("wait", wait)
    desk.routes.add("dead", dead)
    channel = await desk.originate("wait")
    async with asyncio.timeout(WAIT):
        await entered.wait()
        await desk.hang_up(channel)
        await ended.wait()
    assert await desk.report() == ("SUCCESS", "can be set")


async def test_the_documented_dialplan_calls_whom_it_may(desk: Desk) -> None:
    lab = desk.lab
    mark = lab.mark()
    for module in ("func_strings.so", "app_dial.so"):  # The campaigns' own dialplan does without.
        await lab.pbx.cli(f"module load {module}")
    channels = [await desk.originate(f"0{callee}", "manual-calls") for callee in (SILENT, UNKNOWN, FREE)]
    await lab.ended_calls(1, mark)
    for channel in channels:
        await desk.hang_up(channel)

    assert desk.server.counters.completed == 3
    assert [call.number for call in lab.calls(mark, analyse=False)] == [FREE]
    assert "caller-info" in await lab.pbx.cli("dialplan show inbound")
