"""A small AGI client over loopback that plays Asterisk, and a ledger that says what a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from controller.domain.ids import E164
from controller.ports import Suppression
from tests.unit.agi.words import split_command

PATIENCE = 2.0


class FakeAsterisk:
    """One connection to the server under test."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.variables: dict[str, str] = {}
        self.console: list[str] = []
        self.failed = False

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def header(self, script: str, *arguments: str) -> None:
        lines = [
            "agi_network: yes",
            f"agi_network_script: {script}",
            f"agi_request: agi://127.0.0.1/{script}",
        ]
        lines += ["agi_channel: PJSIP/201-00000001", "agi_callerid: 201", "agi_accountcode: "]
        lines += [f"agi_arg_{number}: {value}" for number, value in enumerate(arguments, 1)]
        await self.send("\n".join([*lines, "", ""]).encode())

    async def command(self) -> list[str]:
        """The next command's words; empty at the end of the connection."""
        async with asyncio.timeout(PATIENCE):
            try:
                line = await self.reader.readline()
            except ConnectionError:
                line = b""
        if line == b"failure\n":
            self.failed = True
            line = b""
        return split_command(line.decode().removesuffix("\n"))

    async def obey(self) -> None:
        """Carry out commands until the server ends the session."""
        while words := await self.command():
            match words:
                case ["SET", "VARIABLE", name, value]:
                    self.variables[name] = value
                    await self.send(b"200 result=1\n")
                case ["GET", "VARIABLE", name] if name in self.variables:
                    await self.send(f"200 result=1 ({self.variables[name]})\n".encode())
                case ["GET", "VARIABLE", _]:
                    await self.send(b"200 result=0\n")
                case ["VERBOSE", message, _]:
                    self.console.append(message)
                    await self.send(b"200 result=1\n")
                case ["HANGUP"]:
                    await self.send(b"200 result=1\nHANGUP\n")
                case _:
                    await self.send(b"510 Invalid or unknown command\n")

    async def ask(self, script: str, *arguments: str) -> dict[str, str]:
        await self.header(script, *arguments)
        await self.obey()
        return self.variables


@asynccontextmanager
async def call(port: int) -> AsyncIterator[FakeAsterisk]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield FakeAsterisk(reader, writer)
    finally:
        writer.transport.abort()
        # The transport closes in the loop's next turn; before the test ends, so that nothing warns.
        await asyncio.sleep(0)


class FakeLedger:
    """The one method of the port that the routes use."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, E164]] = []
        self.found: Suppression | None = None
        self.error: Exception | None = None
        self.delay = 0.0

    async def suppression(self, caller: str, number: E164) -> Suppression | None:
        self.asked.append((caller, number))
        await asyncio.sleep(self.delay)
        if self.error is not None:
            raise self.error
        return self.found


def suppressed(reason: str, expires_in: int = 3600) -> Suppression:
    return Suppression(
        number=E164("+393471234567"),
        reason=reason,
        since=datetime(2025, 3, 1, 9, 30, tzinfo=UTC),
        call="c1",
        expires_in=expires_in,
    )
