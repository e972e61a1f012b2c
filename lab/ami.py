"""As much of Asterisk's manager interface as the lab needs: log in, one action at a time, log off."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Final

from lab.errors import LabError

_TIMEOUT: Final = 5.0


class AmiError(LabError):
    """Asterisk refused the action, or the connection failed."""


class Ami:
    """One connection, as a context manager."""

    def __init__(self, host: str, port: int, user: str, secret: str) -> None:
        self._address = (host, port)
        self._login = {"Username": user, "Secret": secret, "Events": "off"}
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Ami:
        try:
            async with asyncio.timeout(_TIMEOUT):
                self._reader, self._writer = await asyncio.open_connection(*self._address)
                await self._reader.readline()  # The greeting.
            await self.action("Login", self._login)
        except (OSError, TimeoutError) as error:
            await self._close()
            raise AmiError(f"cannot reach the manager interface: {error!r}") from None
        except AmiError:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            with suppress(OSError):
                await self._writer.wait_closed()

    async def action(self, name: str, fields: Mapping[str, str], timeout: float = _TIMEOUT) -> dict[str, str]:
        """Do one action.

        Args:
            name: Its name, such as `Originate`.
            fields: Its fields.
            timeout: How long to wait for the response, in seconds.

        Returns:
            The fields of the response.

        Raises:
            AmiError: The response is an error, does not come, or the connection failed.
        """
        reader, writer = self._reader, self._writer
        if reader is None or writer is None:
            raise AmiError("not connected")
        lines = [f"{key}: {value}" for key, value in {"Action": name, **fields}.items()]
        if any("\r" in line or "\n" in line for line in lines):
            raise AmiError(f"{name}: a field holds a line break")
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        try:
            async with asyncio.timeout(timeout):
                await writer.drain()
                response = await _response(reader)
        except (OSError, EOFError) as error:
            raise AmiError(f"{name}: connection lost ({error})") from None
        except TimeoutError:
            raise AmiError(f"{name}: no response within {timeout:g} s") from None
        if response.get("Response") != "Success":
            raise AmiError(f"{name}: {response.get('Message', response)}")
        return response


async def _response(reader: asyncio.StreamReader) -> dict[str, str]:
    """Read messages up to a response; some events come even where none are wanted."""
    while True:
        block = (await reader.readuntil(b"\r\n\r\n")).decode(errors="replace")
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "Response" in fields:
            return fields
