"""What happens now, as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiohttp import web
from pydantic import Field

from controller.api.rest.ask import Ask
from controller.api.rest.models import Wanted
from controller.api.rest.problems import INVALID, Fault, Problem
from controller.api.rest.routes import EVENT_STREAM, Resource
from controller.domain.access import Right
from controller.ports.feed import Event, Listening

events = Resource("Events", "What happens now, as server-sent events that can be resumed")

_HEARTBEAT = 15.0
"""Seconds of silence at most: longer, and a proxy takes the connection for dead. Then the token is looked at
again, too: one that was revoked hears nothing more."""
_LOOK = 1.0
"""Seconds after which is looked whether anybody is still there."""
_AGAIN = 2000
"""Milliseconds after which a client comes back."""
_LONGEST_ID = 19


class WhichEvents(Wanted):
    """Which events."""

    kind: list[str] = Field(
        default_factory=list, max_length=20, description="Only these kinds, such as `call.ended`; none: all"
    )
    last_event_id: str | None = Field(
        default=None,
        pattern=r"^[0-9]{1,19}$",
        description="As the header `Last-Event-ID`, for clients that cannot set one; the header goes before",
    )
    heartbeat: float = Field(default=_HEARTBEAT, ge=0.05, le=_HEARTBEAT, description="Seconds")


@events.get("/events", Right.LISTEN, streams=True)
async def stream_events(ask: Ask, query: WhichEvents) -> web.StreamResponse:
    """Live events, each with its id, as `text/event-stream`.

    Send the id of the last event you have as `Last-Event-ID` and you get what came since. Where that is not
    known any more, the first event is of the kind `gap`: read anew what you need to know. A client that is
    too slow is cut off, and resumes. Numbers and names are never in an event. A token of role `agent` hears
    of its own agent only.
    """
    after = _last(ask.request, query)
    async with ask.services.feed.listen(after, query.kind) as listening:
        response = web.StreamResponse(headers={"Content-Type": f"{EVENT_STREAM}; charset=utf-8"})
        await response.prepare(ask.request)
        await response.write(f"retry: {_AGAIN}\n\n".encode())
        if listening.gap:
            await response.write(_written("gap", listening.position, {"reason": "too long ago"}))
        await _pass_on(ask, listening, response, query.heartbeat)
    return response


async def _pass_on(ask: Ask, listening: Listening, response: web.StreamResponse, heartbeat: float) -> None:
    time = asyncio.get_running_loop().time
    looked = time()
    while True:
        event = await listening.next(min(heartbeat, _LOOK))
        if event is None and (listening.ended or _gone(ask.request)):
            return
        if event is not None and _is_for(ask, event):
            await response.write(_written(event.kind, event.id, {"at": _at(event.at)} | dict(event.data)))
        if time() - looked >= heartbeat:
            if not await _still_welcome(ask):
                return
            # An id without data moves the client on without telling it anything.
            await response.write(f": still here\nid: {listening.position}\n\n".encode())
            looked = time()


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


async def _still_welcome(ask: Ask) -> bool:
    known = {token.id: token for token in await ask.services.tokens.all()}
    token = known.get(ask.token.id)
    return token is not None and token.valid(ask.services.clock.now())


def _is_for(ask: Ask, event: Event) -> bool:
    return ask.agent is None or event.data.get("agent") == ask.agent


def _last(request: web.Request, query: WhichEvents) -> int | None:
    header = request.headers.get("Last-Event-ID", "").strip()
    if header and not (header.isascii() and header.isdigit() and len(header) <= _LONGEST_ID):
        raise Problem(
            INVALID,
            "Last-Event-ID is no id of an event",
            faults=[Fault("header", "Last-Event-ID", "is no id of an event")],
        )
    given = header or query.last_event_id
    return int(given) if given else None


def _written(kind: str, event_id: int, data: Mapping[str, Any]) -> bytes:
    # One line of JSON: a line break inside a value is escaped there, and cannot end the event.
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str)
    return f"id: {event_id}\nevent: {kind}\ndata: {text}\n\n".encode()


def _at(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
