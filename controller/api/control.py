"""The control socket: what a local user may ask of the running controller.

HTTP over a Unix socket, in a directory of mode 0700 and itself of mode 0600: the file system says who may
speak to the controller, so no password is needed and nothing listens on the network.

    GET  /status
    GET  /campaigns/{id}/pacing?limit=&before=         before: as in ISO 8601, with its offset
    POST /campaigns/{id}/start | pause | stop          pause takes {"reason": "..."}
    POST /agents/{id}/login | logout | pause | ready
    POST /agents/{id}/accept                           takes {"offer": "..."}, answers {"call": "..."}
    POST /agents/{id}/skip                             takes {"offer": "...", "reason": "..."}
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Self

import structlog
from aiohttp import web

from controller.api.messages import PACING, PROBLEM_TYPE, STATUS, problem_of
from controller.domain.ids import AgentId, CallId, CampaignId
from controller.errors import BadInput, ControllerError, Refused, Unreachable
from controller.ports import RECENT, Operations

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OPERATION_TIMEOUT = 20.0
"""Seconds an operation may take. Longer than every time limit below it, so that theirs speak first."""
_CLOSE_TIMEOUT = 2.0
_BACKLOG = 16
_BODY_AT_MOST = 64 * 1024


class ControlServer:
    """Serves an ``Operations`` on a Unix socket, from ``start`` to ``stop`` or as ``async with``."""

    def __init__(
        self, operations: Operations, path: Path, *, operation_timeout: float = OPERATION_TIMEOUT
    ) -> None:
        """Nothing is opened yet.

        Args:
            operations: what is served.
            path: of the socket; its directory is made if need be.
            operation_timeout: seconds an operation may take.
        """
        self._operations = operations
        self._path = path
        self._timeout = operation_timeout
        self._lock: int | None = None
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Open the socket; one left behind by a controller that died is replaced.

        Raises:
            Refused: another controller uses it, or it cannot be made.
        """
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _take_lock(self._path)
            listener = _listen(self._path)
        except OSError as error:
            self._release()
            raise Refused(
                f"the control socket {self._path} cannot be made: {error.strerror}; "
                "is controller.state_dir a directory of the controller's user?"
            ) from error
        except Refused:
            self._release()
            raise
        app = web.Application(middlewares=[self._answer_in_time], client_max_size=_BODY_AT_MOST)
        app.add_routes(
            [
                web.get("/status", self._status),
                web.get("/campaigns/{id}/pacing", self._pacing),
                web.post("/campaigns/{id}/{action}", self._campaign),
                web.post("/agents/{id}/{action}", self._agent),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSE_TIMEOUT)
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()

    async def stop(self) -> None:
        """Close the socket and take it away. Stopping twice changes nothing."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._lock is not None:
            # Only who holds the lock owns the path: it might be another controller's by now.
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
            self._release()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.stop()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # --- requests ------------------------------------------------------------------------------------

    @web.middleware
    async def _answer_in_time(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            async with asyncio.timeout(self._timeout):
                return await handler(request)
        except ControllerError as error:
            return _problem(error)
        except TimeoutError:
            return _problem(
                Unreachable(
                    f"{request.method} {request.path} was not done within {self._timeout:g} s; "
                    "it may still happen: look at the status"
                )
            )
        except web.HTTPException as error:
            return _problem(
                ControllerError(f"{request.method} {request.path}: {error.reason}"), status=error.status
            )
        except Exception:
            log.exception("a request on the control socket failed", path=request.path)
            return _problem(
                ControllerError(f"{request.method} {request.path} failed inside the controller; see its log")
            )

    async def _status(self, _request: web.Request) -> web.StreamResponse:
        body = STATUS.dump_json(self._operations.status())
        return web.Response(body=body, content_type="application/json")

    async def _pacing(self, request: web.Request) -> web.StreamResponse:
        limit, before = _limits(request.query)
        found = self._operations.pacing(CampaignId(request.match_info["id"]), limit, before)
        return web.Response(body=PACING.dump_json(found), content_type="application/json")

    async def _campaign(self, request: web.Request) -> web.StreamResponse:
        campaign = CampaignId(request.match_info["id"])
        match request.match_info["action"]:
            case "start":
                await self._operations.start_campaign(campaign)
            case "pause":
                await self._operations.pause_campaign(campaign, await _reason(request))
            case "stop":
                await self._operations.stop_campaign(campaign)
            case "changed":
                await self._operations.campaign_changed(campaign)
            case _:
                raise web.HTTPNotFound
        return web.Response(status=204)

    async def _agent(self, request: web.Request) -> web.StreamResponse:
        agent = AgentId(request.match_info["id"])
        match request.match_info["action"]:
            case "login":
                await self._operations.agent_login(agent)
            case "logout":
                await self._operations.agent_logout(agent)
            case "pause":
                await self._operations.agent_pause(agent)
            case "ready":
                await self._operations.agent_ready(agent)
            case "accept":
                call = await self._operations.accept_offer(agent, await _offer(request))
                return web.json_response({"call": call})
            case "skip":
                await self._operations.skip_offer(agent, await _offer(request), await _reason(request))
            case _:
                raise web.HTTPNotFound
        return web.Response(status=204)


def _limits(query: Mapping[str, str]) -> tuple[int, datetime | None]:
    try:
        limit = int(query.get("limit", RECENT))
        before = datetime.fromisoformat(query["before"]) if "before" in query else None
    except ValueError:
        limit, before = 0, None
    if limit < 1 or (before is not None and before.tzinfo is None):
        raise BadInput("query of the request", "it says not how many, or not when", "limit=50&before=...Z")
    return limit, before


async def _reason(request: web.Request) -> str:
    return await _field(request, "reason")


async def _offer(request: web.Request) -> CallId | None:
    return CallId(await _field(request, "offer")) or None


async def _field(request: web.Request, name: str) -> str:
    body = await request.read()
    if not body:
        return ""
    try:
        value = json.loads(body)[name]
    except (ValueError, KeyError, TypeError):
        value = None
    if not isinstance(value, str):
        raise BadInput("body of the request", f"there is no {name} in it", f'{{"{name}": "..."}} or no body')
    return value


def _problem(error: ControllerError, status: int | None = None) -> web.Response:
    document = problem_of(error)
    document["status"] = status or document["status"]
    return web.json_response(document, status=document["status"], content_type=PROBLEM_TYPE)


def _take_lock(path: Path) -> int:
    # The kernel gives a lock back when its holder dies, however it dies. Asking the socket itself would
    # take a frozen controller for a dead one, or two that start together for none.
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Refused(
            f"another controller runs here ({path}); stop it, or give this one its own controller.state_dir"
        ) from None
    return lock


def _listen(path: Path) -> socket.socket:
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise Refused(f"{path} is in the way and is no socket; move it")
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # A chmod after bind would leave an instant in which anyone could connect.
    before = os.umask(0o177)
    try:
        listener.bind(os.fspath(path))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener
