"""A small Asterisk that speaks ARI and fails on command.

It keeps the traits the client is built around: REST over HTTP serves requests side by side, REST over the
WebSocket one at a time; an application has one WebSocket, a second one replaces the first; a channel id is
given once; the filter and the subscriptions belong to the application; a restart forgets everything. Beyond
these it is no model of Asterisk.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Self
from urllib.parse import unquote

from aiohttp import WSMsgType, hdrs, web

USER, PASSWORD = "ctl", "secret"
CREDENTIALS = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
STAMP = "2026-11-24T05:53:20.889+0000"


class Fault(Enum):
    """What goes wrong with a request."""

    DELAY = "answered after `seconds`"
    DROP_BEFORE = "the connection breaks, nothing was done"
    DROP_AFTER = "it is done, the connection breaks before the answer"
    ERROR = "answered with 500, nothing was done"
    SILENCE = "never answered, nothing was done"
    GARBAGE = "answered with something that is no JSON"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it arrived; `via` is "http" or "websocket"."""

    method: str
    path: str
    params: dict[str, Any]
    via: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(slots=True)
class _Plan:
    method: str
    prefix: str
    fault: Fault
    seconds: float
    times: int


class _DropError(Exception):
    """The connection is to be broken."""


@dataclass
class FakeAri:
    """An ARI server on loopback; use as `async with FakeAri() as asterisk`."""

    requests: list[Recorded] = field(default_factory=list)
    channels: dict[str, dict[str, Any]] = field(default_factory=dict)
    bridges: dict[str, dict[str, Any]] = field(default_factory=dict)
    filters: dict[str, Any] = field(default_factory=dict)
    subscriptions: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    modules: set[str] = field(default_factory=lambda: {"func_global.so"})
    labels: set[str] = field(default_factory=lambda: {"campaign-message,begin"})
    startup_time: str = STAMP
    websockets: int = 0
    app: str = "ctl"
    _socket: web.WebSocketResponse | None = None
    _plans: list[_Plan] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        server = web.Application()
        server.router.add_get("/ari/events", self._events)
        server.router.add_route(hdrs.METH_ANY, "/ari/{path:.*}", self._http)
        self._runner = web.AppRunner(server, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/ari"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping.set()
        await self.close_websocket()
        await self._runner.cleanup()

    # What a test commands

    def plan(self, fault: Fault, method: str, prefix: str, *, seconds: float = 0.0, times: int = 1) -> None:
        """Let the next `times` requests with this method and path prefix fail."""
        self._plans.append(_Plan(method, prefix, fault, seconds, times))

    async def send(self, type_: str, **fields: Any) -> None:
        """Send an event."""
        await self.send_text(
            json.dumps({"type": type_, "application": self.app, "timestamp": STAMP, **fields})
        )

    async def send_text(self, text: str) -> None:
        """Send any frame."""
        assert self._socket is not None
        await self._socket.send_str(text)

    async def close_websocket(self) -> None:
        """Close the event WebSocket in order."""
        if self._socket is not None:
            socket, self._socket = self._socket, None
            await socket.close()

    def cut_websocket(self) -> None:
        """Break the event WebSocket without a word."""
        if self._socket is not None and self._request.transport is not None:
            self._socket = None
            self._request.transport.abort()

    async def restart(self) -> None:
        """Forget everything, as Asterisk does."""
        self.startup_time = "2026-11-24T06:00:00.000+0000"
        for thing in (self.channels, self.bridges, self.filters):
            thing.clear()
        self.subscriptions.clear()
        await self.close_websocket()

    async def until(self, condition: Callable[[], bool], timeout: float = 2.0) -> None:
        """Wait until something is so; conditions are looked at after each request and WebSocket."""
        async with asyncio.timeout(timeout):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def seen(self, text: str) -> int:
        """Count the requests whose "METHOD /path" is `text`."""
        return sum(str(request) == text for request in self.requests)

    # The event WebSocket

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != CREDENTIALS:
            return web.json_response({"error": "Authentication required"}, status=401)
        if plan := self._take_plan("GET", "/events"):
            await self._suffer(plan)
            return web.json_response({"message": "not yet"}, status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        old, self._socket, self._request = self._socket, socket, request
        self.websockets += 1
        self._changed.set()
        if old is not None:
            replaced = {"type": "ApplicationReplaced", "application": self.app, "timestamp": STAMP}
            await old.send_str(json.dumps(replaced))
        async for message in socket:
            if message.type is WSMsgType.TEXT and not await self._frame(socket, json.loads(message.data)):
                break
        return socket

    async def _frame(self, socket: web.WebSocketResponse, frame: dict[str, Any]) -> bool:
        """Serve one REST request, the next only afterwards; False if the connection is to be broken."""
        params = {p["name"]: p["value"] for p in frame.get("query_strings", ())}
        params |= json.loads(frame.get("message_body", "{}"))
        try:
            status, body = await self._serve(
                frame["method"], "/" + unquote(frame["uri"]), params, "websocket"
            )
        except _DropError:
            self.cut_websocket()
            return False
        answer = {"type": "RESTResponse", "request_id": frame["request_id"], "status_code": status}
        if body is not None:
            answer["message_body"] = body
        await socket.send_str(json.dumps(answer))
        return True

    # REST

    async def _http(self, request: web.Request) -> web.Response:
        params: dict[str, Any] = dict(request.query)
        if request.can_read_body:
            params |= await request.json()
        try:
            status, body = await self._serve(request.method, "/" + request.match_info["path"], params, "http")
        except _DropError:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        return web.Response(status=status, text=body or "")

    async def _serve(
        self, method: str, path: str, params: dict[str, Any], via: str
    ) -> tuple[int, str | None]:
        self.requests.append(Recorded(method, path, params, via))
        self._changed.set()
        plan = self._take_plan(method, path)
        if plan is None:
            return self._do(method, path, params)
        await self._suffer(plan)
        if plan.fault is Fault.ERROR:
            return 500, json.dumps({"error": "Allocation failed"})
        status, body = self._do(method, path, params)
        if plan.fault is Fault.DROP_AFTER:
            raise _DropError
        return status, "<html>" if plan.fault is Fault.GARBAGE else body

    def _take_plan(self, method: str, path: str) -> _Plan | None:
        for plan in self._plans:
            if plan.times and plan.method == method and path.startswith(plan.prefix):
                plan.times -= 1
                return plan
        return None

    async def _suffer(self, plan: _Plan) -> None:
        if plan.fault is Fault.DELAY:
            await asyncio.sleep(plan.seconds)
        elif plan.fault is Fault.SILENCE:
            await self._stopping.wait()
        elif plan.fault is Fault.DROP_BEFORE:
            raise _DropError

    def _do(self, method: str, path: str, params: dict[str, Any]) -> tuple[int, str | None]:
        """Do what a request asks; returns status and body."""
        result: Any
        match method, path.strip("/").split("/"):
            case "GET", ["asterisk", "info"]:
                system = {"version": "22.10.1", "entity_id": "02:fc"}
                result = {"system": system, "status": {"startup_time": self.startup_time}}
            case "GET", ["asterisk", "ping"]:
                result = {"ping": "pong", "timestamp": STAMP, "asterisk_id": "02:fc"}
            case "GET", ["asterisk", "variable"]:
                result = {"value": self.variables.get(params["variable"], "")}
            case "POST", ["asterisk", "variable"]:
                if "value" in params:
                    self.variables[params["variable"]] = params["value"]
                else:
                    self.variables.pop(params["variable"], None)
                return 204, None
            case "GET", ["asterisk", "modules", name]:
                result = {"name": name, "status": "Running" if name in self.modules else "Not Running"}
            case "PUT", ["applications", name, "eventFilter"]:
                self.filters[name] = params
                result = self._application(name)
            case "POST", ["applications", name, "subscription"]:
                if params["eventSource"].endswith("/missing"):
                    return 404, json.dumps({"message": "Event source does not exist"})
                self.subscriptions.append(params["eventSource"])
                result = self._application(name)
            case "GET", ["applications", name]:
                result = self._application(name)
            case "POST", ["channels"]:
                return self._originate(params)
            case "POST", ["bridges"]:
                return self._create_bridge(params)
            case "GET", ["channels" | "bridges" as kind]:
                result = list(self._table(kind).values())
            case "GET", ["channels" | "bridges" as kind, id_]:
                if id_ not in self._table(kind):
                    return 404, json.dumps({"message": "Not found"})
                result = self._table(kind)[id_]
            case "DELETE", ["channels" | "bridges" as kind, id_]:
                gone = self._table(kind).pop(id_, None) is None
                return (404, json.dumps({"message": "Not found"})) if gone else (204, None)
            case _:
                return 204, None
        return 200, json.dumps(result)

    def _table(self, kind: str) -> dict[str, dict[str, Any]]:
        return self.channels if kind == "channels" else self.bridges

    def _application(self, name: str) -> dict[str, Any]:
        endpoints = [s.removeprefix("endpoint:") for s in self.subscriptions]
        return {"name": name, "channel_ids": list(self.channels), "bridge_ids": [], "endpoint_ids": endpoints}

    def _originate(self, params: dict[str, Any]) -> tuple[int, str]:
        id_ = params.get("channelId") or f"1795500000.{len(self.requests)}"
        if id_ in self.channels:
            return 409, json.dumps({"message": "Channel with given unique ID already exists"})
        if "label" in params and f"{params['context']},{params['label']}" not in self.labels:
            return 404, json.dumps({"message": "Requested label can not be found"})
        if params["endpoint"].startswith("Nowhere/"):
            return 500, json.dumps({"error": "Allocation failed"})
        self.channels[id_] = channel(id_, name=params["endpoint"])
        return 200, json.dumps(self.channels[id_])

    def _create_bridge(self, params: dict[str, Any]) -> tuple[int, str]:
        id_ = params.get("bridgeId") or f"bridge-{len(self.requests)}"
        if id_ in self.bridges:
            return 409, json.dumps({"message": f"Bridge with id '{id_}' already exists"})
        bridge = {"id": id_, "name": params.get("name", ""), "bridge_type": "mixing", "channels": []}
        self.bridges[id_] = bridge
        return 200, json.dumps(bridge)


def channel(id_: str, **fields: Any) -> dict[str, Any]:
    """Return a channel snapshot as Asterisk writes it."""
    party = {"name": "", "number": ""}
    dialplan = {"context": "out", "exten": "call", "app_name": "AppDial2", "app_data": "(Outgoing Line)"}
    return {
        "id": id_, "name": "PJSIP/trunk-00000001", "state": "Down", "protocol_id": "", "caller": party,
        "connected": party, "accountcode": "", "dialplan": dialplan, "creationtime": STAMP, "language": "en",
    } | fields  # fmt: skip
