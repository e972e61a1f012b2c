"""One conversation with Asterisk over FastAGI, as its handler sees it."""

from __future__ import annotations

import asyncio

from controller.agi import protocol
from controller.agi.protocol import AgiHangup, AgiProtocolError, AgiReply, AgiRequest


class AgiSession:
    """Commands to the channel whose dialplan runs AGI(). The server bounds its time as a whole.

    Every command raises `AgiHangup` when the call is over and `AgiProtocolError` when the answer makes no
    sense; a handler need not catch either.

    Attributes:
        request: what Asterisk told about the call.
    """

    def __init__(
        self, request: AgiRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.request = request
        self._reader = reader
        self._writer = writer

    async def set_variable(self, name: str, value: str) -> None:
        """Set a channel variable."""
        await self._command(protocol.set_variable(name, value))

    async def get_variable(self, name: str) -> str | None:
        """A channel variable's value, which Asterisk cuts at 1023 bytes; None if it is not set."""
        reply = await self._command(protocol.get_variable(name))
        return reply.data if reply.result == "1" else None

    async def verbose(self, message: str, level: int = 1) -> None:
        """Show a message on Asterisk's console. Line breaks in it become blanks."""
        text = " ".join(message.replace("\0", " ").split())[:500]
        await self._command(protocol.build_command("VERBOSE", text, str(level)))

    async def hangup(self) -> None:
        """Hang the channel up."""
        await self._command(protocol.build_command("HANGUP"))

    async def _command(self, line: bytes) -> AgiReply:
        try:
            self._writer.write(line)
            await self._writer.drain()
            answer = await self._read_line()
            while protocol.is_interim(answer):
                answer = await self._read_line()
            if protocol.wants_more(answer):
                await self._skip_usage()
        except ConnectionError:
            raise AgiHangup("Asterisk closed the AGI connection.") from None
        return protocol.parse_reply(answer)

    async def _skip_usage(self) -> None:
        for _ in range(protocol.MAX_REPLY_LINES):
            if protocol.ends_usage(await self._read_line()):
                return
        raise AgiProtocolError(f"Asterisk's answer has more than {protocol.MAX_REPLY_LINES} lines")

    async def _read_line(self) -> str:
        return (await read_block(self._reader, b"\n", "line")).decode("utf-8", "replace").rstrip("\r\n")


async def read_block(reader: asyncio.StreamReader, end: bytes, what: str) -> bytes:
    """Read up to and including `end`; the reader's limit bounds it.

    Raises:
        AgiHangup: the connection ended before.
        AgiProtocolError: `end` is not within the limit.
    """
    try:
        return await reader.readuntil(end)
    except (asyncio.IncompleteReadError, ConnectionError):
        raise AgiHangup("Asterisk closed the AGI connection.") from None
    except asyncio.LimitOverrunError:
        raise AgiProtocolError(f"the AGI peer sent a {what} that does not end") from None
