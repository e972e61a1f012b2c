"""The other end of the control socket: ``Operations`` of a controller in another process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import aiohttp
from pydantic import TypeAdapter, ValidationError
from yarl import URL

from controller.api.messages import PACING, STATUS, error_of
from controller.domain.ids import AgentId, CallId, CampaignId
from controller.errors import ProtocolError, Refused, Unreachable
from controller.ports import RECENT, ControllerStatus, PacingReport

T = TypeVar("T")

_TIMEOUT = 25.0
"""Seconds for an answer: longer than the controller's own limit, whose message says more."""


class ControlClient:
    """Asks a running controller, to be used as ``async with``. Its errors are raised here as they were there.

    The same methods as ``ports.Operations``; only what is read has to be awaited as well, for it travels.
    """

    def __init__(self, path: Path, *, timeout: float = _TIMEOUT) -> None:
        """Nothing is opened yet.

        Args:
            path: of the control socket.
            timeout: seconds to wait for an answer.
        """
        self._path = path
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path=str(self._path)),
            timeout=aiohttp.ClientTimeout(total=self._timeout),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def status(self) -> ControllerStatus:
        """How things stand."""
        return _read(STATUS, await self._ask("GET", "status"))

    async def pacing(
        self, campaign: CampaignId, limit: int = RECENT, before: datetime | None = None
    ) -> PacingReport | None:
        """Why a campaign dials as it does; None if it has not dialed since the controller started."""
        query = {"limit": str(limit)} | ({"before": before.isoformat()} if before else {})
        return _read(PACING, await self._ask("GET", "campaigns", campaign, "pacing", query=query))

    async def start_campaign(self, campaign: CampaignId) -> None:
        """Let a campaign dial."""
        await self._ask("POST", "campaigns", campaign, "start")

    async def pause_campaign(self, campaign: CampaignId, reason: str = "") -> None:
        """Place no more calls; those in flight go on."""
        await self._ask("POST", "campaigns", campaign, "pause", body={"reason": reason})

    async def stop_campaign(self, campaign: CampaignId) -> None:
        """Like pause, for good."""
        await self._ask("POST", "campaigns", campaign, "stop")

    async def campaign_changed(self, campaign: CampaignId) -> None:
        """Take over what was changed about a campaign, if it is one that runs there."""
        await self._ask("POST", "campaigns", campaign, "changed")

    async def agent_login(self, agent: AgentId) -> None:
        """Call the agent's phone and seat it."""
        await self._ask("POST", "agents", agent, "login")

    async def agent_logout(self, agent: AgentId) -> None:
        """Let the agent go, as soon as no call counts on them."""
        await self._ask("POST", "agents", agent, "logout")

    async def agent_pause(self, agent: AgentId) -> None:
        """No more calls for the agent, as soon as none counts on them."""
        await self._ask("POST", "agents", agent, "pause")

    async def agent_ready(self, agent: AgentId) -> None:
        """End the agent's pause or wrap-up."""
        await self._ask("POST", "agents", agent, "ready")

    async def accept_offer(self, agent: AgentId, offer: CallId | None = None) -> CallId:
        """Have the contact called that the agent looks at; returns the call."""
        answer = _document(await self._ask("POST", "agents", agent, "accept", body={"offer": offer or ""}))
        return CallId(str(answer.get("call", "")))

    async def skip_offer(self, agent: AgentId, offer: CallId | None = None, reason: str = "") -> None:
        """Put the contact off that the agent looks at."""
        await self._ask("POST", "agents", agent, "skip", body={"offer": offer or "", "reason": reason})

    async def _ask(
        self, method: str, *path: str, body: object = None, query: Mapping[str, str] | None = None
    ) -> bytes:
        if self._session is None:
            raise RuntimeError("ControlClient is used outside of its `async with`")
        url = URL("http://controller/" + "/".join(quote(part, safe="") for part in path), encoded=True)
        url = url.with_query(query)
        try:
            async with self._session.request(method, url, json=body) as answer:
                content = await answer.read()
        except aiohttp.ClientConnectorError as error:
            raise self._not_connected(error.os_error) from error
        except TimeoutError as error:
            raise Unreachable(
                f"the controller did not answer {method} {url.path} within {self._timeout:g} s; "
                "it may still do it: look at the status"
            ) from error
        except aiohttp.ClientError as error:
            raise Unreachable(f"the controller broke off in {method} {url.path}: {error}") from error
        if answer.status < 400:
            return content
        raise error_of(answer.status, _document(content))

    def _not_connected(self, error: OSError) -> Unreachable | Refused:
        if isinstance(error, PermissionError):
            return Refused(
                f"you may not use the control socket {self._path}: "
                "run this as the controller's user, or as root"
            )
        if isinstance(error, FileNotFoundError | ConnectionRefusedError):
            return Unreachable(
                f"the controller is not running (nothing serves {self._path}): "
                "start it with `campaign-controller run`"
            )
        return Unreachable(f"the control socket {self._path} cannot be reached: {error.strerror or error}")


def _read(told: TypeAdapter[T], body: bytes) -> T:
    try:
        return told.validate_json(body)
    except ValidationError as error:
        raise ProtocolError(
            "the controller's answer cannot be read; are this command and the controller of one version?"
        ) from error


def _document(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
