"""ARI in a few lines, so that the lab's tests need nothing of the controller."""

from __future__ import annotations

import asyncio
import base64
from typing import Any, Self

import aiohttp

from lab.lab import Lab

Event = dict[str, Any]


class Ari:
    """Requests only, no application. Use it as a context manager."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    async def __aenter__(self) -> Self:
        token = base64.b64encode(f"{self._lab.ari_user}:{self._lab.ari_password}".encode()).decode()
        self._http = aiohttp.ClientSession(
            headers={"Authorization": f"Basic {token}"}, timeout=aiohttp.ClientTimeout(total=5.0)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def request(
        self, method: str, path: str, body: dict[str, Any] | None = None, **params: str | int
    ) -> Any:
        url = self._lab.ari_url + path
        async with self._http.request(method, url, params=params, json=body) as response:
            response.raise_for_status()
            return await response.json() if response.content_type == "application/json" else None

    async def originate(self, endpoint: str, context: str, timeout: int = 10, **variables: str) -> str:
        """Originate as the controller does; returns the channel's id."""
        channel = await self.request(
            "POST",
            "/channels",
            {"variables": variables},
            endpoint=endpoint,
            context=context,
            extension="s",
            priority=1,
            callerId="+390612345678",
            timeout=timeout,
        )
        return str(channel["id"])

    async def call(self, number: str, context: str = "campaign-call", **more: Any) -> str:
        return await self.originate(self._lab.dial_string.format(number=number), context, **more)


class Stasis(Ari):
    """Registers an application and collects its events."""

    def __init__(self, lab: Lab, app: str = "campaign-controller") -> None:
        super().__init__(lab)
        self.app = app
        self.events: list[Event] = []

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._socket = await self._http.ws_connect(f"{self._lab.ari_url}/events", params={"app": self.app})
        self._reader = asyncio.create_task(self._read())
        await self.request(
            "POST", f"/applications/{self.app}/subscription", eventSource="endpoint:PJSIP/trunk"
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reader.cancel()
        await self._socket.close()
        await super().__aexit__()

    async def _read(self) -> None:
        async for message in self._socket:
            self.events.append(message.json())

    async def event(self, kind: str, channel: str | None = None, timeout: float = 10.0) -> Event:
        """Wait for an event, which may have come already."""
        async with asyncio.timeout(timeout):
            while True:
                for event in self.events:
                    if event["type"] == kind and channel in (None, event.get("channel", {}).get("id")):
                        return event
                await asyncio.sleep(0.002)
