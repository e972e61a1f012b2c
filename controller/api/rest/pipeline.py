"""What becomes of a request on its way to its handler, and of the handler's answer on its way back.

    token -> rate -> right -> Accept -> If-Match -> content type -> path, query, body -> Idempotency-Key
          -> handler

In this order, so that who has no token learns nothing, and nothing is read of whom we refuse.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

from controller.api.rest import reading
from controller.api.rest.ask import Ask
from controller.api.rest.cursors import Cursors
from controller.api.rest.door import Door
from controller.api.rest.problems import (
    FORBIDDEN,
    IN_PROGRESS,
    KEY_REUSED,
    PREFIX,
    TIMEOUT,
    TOO_MANY,
    Problem,
    of_error,
)
from controller.api.rest.routes import Reply, Route
from controller.api.rest.services import Services
from controller.domain.access import Role, may
from controller.errors import ControllerError, Unreachable
from controller.ports.tokens import Answer, Token

log = structlog.get_logger(__name__)

_NOBODY = Role.READ_ONLY


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a request may take.

    Attributes:
        seconds: for reading it and for answering it, each.
        body: bytes of a body of JSON.
        upload: bytes of a file.
        slow_seconds: for reading a file, and for what looks at everything there is.
        uploads: where files are while they are worked on; None: the system's place for such.
        streams: live streams of one token at a time.
    """

    seconds: float = 20.0
    body: int = 1024 * 1024
    upload: int = 256 * 1024 * 1024
    slow_seconds: float = 600.0
    uploads: Path | None = None
    streams: int = 10


class Pipeline:
    """Carries requests to their handlers."""

    def __init__(self, services: Services, door: Door, bounds: Bounds) -> None:
        self._services = services
        self._door = door
        self._bounds = bounds
        self._cursors = Cursors(services.number_key)
        self._streams: Counter[str] = Counter()
        self._open: set[asyncio.Task[Any]] = set()

    def serves(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """What aiohttp is to call for a route."""

        async def serve(request: web.Request) -> web.StreamResponse:
            return await self._serve(route, request)

        return serve

    async def close(self, _app: web.Application) -> None:
        """End the streams: they would go on for ever, and hold up the server's own end."""
        for task in self._open:
            task.cancel()

    async def _serve(self, route: Route, request: web.Request) -> web.StreamResponse:
        now = self._services.clock.now()
        token = Token(id="", role=_NOBODY, label="", created_at=now)
        if route.right is not None:
            token = await self._door.enter(request, now)
            if not may(token.role, route.right):
                raise Problem(FORBIDDEN, f"{token.role.value} has not the right {route.right.value!r}")
        reading.must_accept(request, route)
        ask = Ask(
            services=self._services,
            token=token,
            now=now,
            cursors=self._cursors,
            request=request,
            if_match=reading.if_match(request, route),
            creates=reading.creates(request, route),
        )
        async with AsyncExitStack() as stack:
            arguments, digest = await self._arguments(route, request, stack)
            arguments["ask"] = ask
            if route.streams:
                return await self._stream(route, ask, arguments)
            key = reading.idempotency_key(request) if route.keeps else None
            if key is None:
                return self._written(route, request, await self._handled(route, arguments))
            return await self._once(route, ask, key, digest, arguments)

    async def _arguments(
        self, route: Route, request: web.Request, stack: AsyncExitStack
    ) -> tuple[dict[str, Any], bytes]:
        """What the handler is called with, and the body's digest."""
        arguments: dict[str, Any] = {}
        digest = b""
        reading.must_send(request, route)
        path = reading.path_of(request, route.path_model)
        query = reading.query_of(request, route.query_model)
        try:
            if route.takes:
                async with asyncio.timeout(self._bounds.slow_seconds):
                    upload = await stack.enter_async_context(
                        reading.upload_of(request, self._bounds.upload, self._bounds.uploads)
                    )
                arguments["body"], digest = upload, upload.digest
            elif route.body_model is not None:
                async with asyncio.timeout(self._bounds.seconds):
                    arguments["body"], digest = await reading.body_of(
                        request, route.body_model, self._bounds.body
                    )
        except TimeoutError:
            raise Problem(TIMEOUT, "the body did not arrive in time; nothing was done") from None
        arguments |= {name: each for name, each in (("path", path), ("query", query)) if name in route.wanted}
        return arguments, digest

    async def _handled(self, route: Route, arguments: dict[str, Any]) -> Any:
        slow = route.patient or bool(route.takes)
        limit = asyncio.timeout(self._bounds.slow_seconds if slow else self._bounds.seconds)
        try:
            async with limit:
                return await route.handler(**arguments)
        except TimeoutError:
            if not limit.expired():
                raise
            raise Problem(TIMEOUT) from None

    async def _stream(self, route: Route, ask: Ask, arguments: dict[str, Any]) -> web.StreamResponse:
        mine = ask.token.id
        if self._streams[mine] >= self._bounds.streams:
            raise Problem(
                TOO_MANY,
                f"this token has {self._bounds.streams} streams already",
                headers={"Retry-After": "60"},
            )
        self._streams[mine] += 1
        if task := asyncio.current_task():
            self._open.add(task)
        try:
            answer: web.StreamResponse = await route.handler(**arguments)
            return answer
        finally:
            if task:
                self._open.discard(task)
            self._streams[mine] -= 1
            self._streams += Counter()  # drops those at zero

    async def _once(
        self, route: Route, ask: Ask, key: str, digest: bytes, arguments: dict[str, Any]
    ) -> web.Response:
        """Carry out what was never carried out under this key; else tell what was answered then."""
        answers, request, mine = self._services.answers, ask.request, ask.token.id
        what = sha256(b"\0".join([route.method.encode(), request.raw_path.encode(), digest])).digest()
        earlier = await answers.begin(mine, key, what, ask.now)
        if earlier is not None:
            if not earlier.same:
                raise Problem(KEY_REUSED, "the same key came with another path or body; use a new key")
            if earlier.answer is None:
                raise Problem(
                    IN_PROGRESS,
                    "it is under way, or broke off so that nobody knows whether it was done: look, and if it "
                    "was not, ask with a new key",
                )
            return _again(earlier.answer)
        try:
            response = self._written(route, request, await self._handled(route, arguments))
        except (Problem, ControllerError) as error:
            if _nothing_done(error):
                await answers.release(mine, key)
            raise
        try:
            await answers.finish(mine, key, _kept(response))
        except ControllerError as error:  # it is done, and is never done again: the key stays taken
            log.warning("an answer was not kept", route=route.name, why=str(error))
        return response

    def _written(self, route: Route, request: web.Request, answer: Any) -> web.Response:
        """The answer as it is sent."""
        reply: Reply[Any] = answer if isinstance(answer, Reply) else Reply(body=answer)
        headers = {}
        if reply.etag is not None:
            headers["ETag"] = f'"{reply.etag}"'
            if route.method == "GET" and {"*", reply.etag}.intersection(reading.none_match(request)):
                return web.Response(status=304, headers=headers)
        if reply.location is not None:
            headers["Location"] = PREFIX + reply.location
        if route.answer is None:
            return web.Response(status=route.status, headers=headers)
        body = route.writer.dump_json(reply.body)
        status = 201 if reply.made else route.status
        return web.Response(status=status, headers=headers, body=body, content_type=route.produces)


def _nothing_done(error: Problem | ControllerError) -> bool:
    """Whether it is certain that nothing was done; in doubt it is not."""
    if isinstance(error, Unreachable):
        return not getattr(error, "outcome_unknown", True)
    problem = error if isinstance(error, Problem) else of_error(error)
    return problem.kind.status < 500


def _kept(response: web.Response) -> Answer:
    return Answer(
        status=response.status,
        content_type=response.content_type if response.body else "",
        location=response.headers.get("Location", ""),
        etag=response.headers.get("ETag", ""),
        body=bytes(response.body or b""),  # type: ignore[arg-type]
    )


def _again(answer: Answer) -> web.Response:
    headers = {"Location": answer.location, "ETag": answer.etag, "Idempotent-Replayed": "true"}
    return web.Response(
        status=answer.status,
        headers={name: value for name, value in headers.items() if value},
        body=answer.body or None,
        content_type=answer.content_type or None,
    )
