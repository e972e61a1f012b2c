"""The demo's agents: they hear of their calls by the API's live stream, and note what came of them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zlib import crc32

import aiohttp

from lab.errors import LabError
from lab.numbers import Behaviour, parse

_WORDS: Final = (
    *("lead",) * 3,
    *("interested",) * 3,
    *("not-interested",) * 7,
    "sale",
    "do-not-call",
    "call-back",
)
"""What people say, as often as they do."""
_CALL_BACK_IN: Final = timedelta(seconds=15)
_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, connect=5, sock_read=60)


class Team:
    """All agents' screens in one: notes a disposition for each conversation, while it goes on.

    Attributes:
        noted: Dispositions by their code.
        problems: What the API refused, in its words.
    """

    def __init__(self, api: str, token: str) -> None:
        """Describe it.

        Args:
            api: Address of the API, up to its version.
            token: Of a supervisor, who may note for every agent and sees whole numbers.
        """
        self._api = api
        self._headers = {"Authorization": f"Bearer {token}"}
        self.noted: Counter[str] = Counter()
        self.problems: list[str] = []

    async def work(self) -> None:
        """Note what comes of every conversation, until cancelled."""
        async with aiohttp.ClientSession(headers=self._headers, timeout=_TIMEOUT) as session:
            async for event in self._events(session):
                await self._note(session, event)

    async def _events(self, session: aiohttp.ClientSession) -> AsyncIterator[dict[str, Any]]:
        last = ""
        while True:
            headers = {"Last-Event-ID": last} if last else {}
            async with session.get(
                f"{self._api}/events", params={"kind": "call.connected"}, headers=headers
            ) as stream:
                if stream.status != 200:
                    raise LabError(f"the API's live stream: {stream.status} {await stream.text()}")
                with suppress(aiohttp.ClientPayloadError):
                    async for line in stream.content:
                        field, _, value = line.decode().rstrip("\n").partition(": ")
                        if field == "id":
                            last = value
                        elif field == "data":
                            yield json.loads(value)
            await asyncio.sleep(0.2)

    async def _note(self, session: aiohttp.ClientSession, data: Mapping[str, Any]) -> None:
        call = data["call"]
        async with session.get(
            f"{self._api}/campaigns/{data['campaign']}/contacts/{data['contact']}"
        ) as found:
            contact = await found.json()
        async with session.get(f"{self._api}/calls/{call}/script") as read:
            script = await read.json()
        said: dict[str, Any] = {
            "code": _said(call, contact["number"]),
            "script_version": script.get("version", 0),
        }
        if said["code"] == "call-back":
            at = datetime.now(UTC) + _CALL_BACK_IN
            said["callback"] = {"at": at.isoformat(), "note": "asked to be called again at once"}
        async with session.post(f"{self._api}/calls/{call}/dispositions", json=said) as answer:
            if answer.status == 201:
                self.noted[said["code"]] += 1
            else:
                self.problems.append(f"call {call}: {answer.status} {await answer.text()}")


def _said(call: str, number: str) -> str:
    """Machines are told by their voice; of people, the same call has the same answer at every run of it."""
    if parse(number).behaviour is Behaviour.MACHINE:
        return "machine"
    return _WORDS[crc32(call.encode()) % len(_WORDS)]
