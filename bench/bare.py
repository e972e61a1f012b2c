"""The bare client, which everything is compared with: originate, and hang up at StasisStart. No project code.

A program of its own, so that its CPU time is nobody else's: `python -m bench.bare` reads what to do as JSON
from standard input (so that no password shows in the process list), prints "ready" when it begins to dial
and at the end what came of it, as JSON. It is written as one writes such a client on aiohttp when one
knows ARI, with nothing tuned and nothing wasted.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import urlencode

import aiohttp

CONTEXT = "campaign-call"
PREFIX = "bare-"
LAST_CALLS = 5.0
"""Seconds that calls under way get at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What the client is to do.

    Attributes:
        url: base of the REST interface.
        username, password: of ari.conf.
        app: its Stasis application.
        transport: "http", or "websocket": requests travel on the event WebSocket.
        rate: calls per second.
        endpoints: what to originate, one after the other.
    """

    url: str
    username: str
    password: str
    app: str
    transport: str
    rate: float
    endpoints: list[str]


@dataclass(slots=True)
class Outcome:
    """What came of it.

    Attributes:
        placed: calls that Asterisk took.
        arrived: calls that were answered and came to us.
        failed: requests that were refused.
        lags: seconds from StasisStart (Asterisk's clock) to the hang-up being sent.
    """

    placed: int = 0
    arrived: int = 0
    failed: int = 0
    lags: list[float] = field(default_factory=list)


class Client:
    """One run of the bare client."""

    def __init__(
        self, orders: Orders, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse
    ) -> None:
        self.outcome = Outcome()
        self._orders = orders
        self._session = session
        self._socket = socket
        self._ids = count(1)
        self._answers: dict[str, asyncio.Future[int]] = {}
        self._calls = 0
        self._over = asyncio.Event()
        over_http = orders.transport == "http"
        self._ask: Callable[[str, str, Any], Awaitable[int]] = self._by_http if over_http else self._by_frame

    async def run(self) -> Outcome:
        """Place every call, hang each up when it is answered."""
        async with asyncio.TaskGroup() as tasks:
            reader = tasks.create_task(self._read(tasks))
            clock = asyncio.get_running_loop().time
            began = clock()
            for number, endpoint in enumerate(self._orders.endpoints):
                await asyncio.sleep(began + number / self._orders.rate - clock())
                tasks.create_task(self._originate(endpoint))
            try:
                async with asyncio.timeout(LAST_CALLS):
                    await self._over.wait()
            except TimeoutError:
                pass
            reader.cancel()
        return self.outcome

    async def _originate(self, endpoint: str) -> None:
        body = {
            "endpoint": endpoint,
            "channelId": f"{PREFIX}{next(self._ids)}",
            "context": CONTEXT,
            "extension": "s",
            "priority": 1,
            "timeout": 30,
            "variables": {"CC_APP": self._orders.app},
        }
        if await self._ask("POST", "channels", body) == 200:
            self.outcome.placed += 1
        else:
            self._done(failed=True)

    async def _hang_up(self, channel: str) -> None:
        status = await self._ask("DELETE", f"channels/{channel}", None)
        self._done(failed=status != 204)

    def _done(self, *, failed: bool) -> None:
        self.outcome.failed += failed
        self._calls += 1
        if self._calls == len(self._orders.endpoints):
            self._over.set()

    async def _read(self, tasks: asyncio.TaskGroup) -> None:
        async for message in self._socket:
            event = json.loads(message.data)
            if event["type"] == "RESTResponse":
                self._answers.pop(event["request_id"]).set_result(event["status_code"])
            elif event["type"] == "StasisStart":
                self.outcome.arrived += 1
                since = datetime.fromisoformat(event["timestamp"])
                self.outcome.lags.append((datetime.now(UTC) - since).total_seconds())
                tasks.create_task(self._hang_up(event["channel"]["id"]))

    async def _by_http(self, method: str, path: str, body: Any) -> int:
        async with self._session.request(method, f"{self._orders.url}/{path}", json=body) as answer:
            await answer.read()
            return answer.status

    async def _by_frame(self, method: str, path: str, body: Any) -> int:
        request_id = str(next(self._ids))
        frame = {"type": "RESTRequest", "request_id": request_id, "method": method, "uri": path}
        if body is not None:
            frame |= {"content_type": "application/json", "message_body": json.dumps(body)}
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._answers[request_id] = answer
        await self._socket.send_json(frame)
        return await answer


async def dial(orders: Orders, ready: Callable[[], None]) -> Outcome:
    """Connect, tell that we are `ready`, and dial."""
    auth = aiohttp.encode_basic_auth(orders.username, orders.password)
    query = urlencode({"app": orders.app})
    async with (
        aiohttp.ClientSession(headers={"Authorization": auth}) as session,
        session.ws_connect(f"{orders.url}/events?{query}") as socket,
    ):
        ready()
        return await Client(orders, session, socket).run()


def main() -> None:
    orders = Orders(**json.load(sys.stdin))
    outcome = asyncio.run(dial(orders, lambda: print("ready", flush=True)))
    print(json.dumps(asdict(outcome)), flush=True)


if __name__ == "__main__":
    main()
