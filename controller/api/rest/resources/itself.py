"""The API itself: who one is, how the controller stands, what a problem means, and this very document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from controller.api.rest.ask import Ask
from controller.api.rest.models import Model, Wanted
from controller.api.rest.problems import KINDS, NOT_FOUND, Problem
from controller.api.rest.resources.campaigns import CampaignStatusView, status_view
from controller.api.rest.routes import Resource
from controller.domain.access import Right, Role, may

itself = Resource("Itself", "Who you are, how the controller stands, and what this API is")


class TokenView(Model):
    """The token of the request."""

    id: str
    label: str
    role: Role
    rights: list[Right]
    agent: str | None
    expires_at: datetime | None


class LatencyView(Model):
    """Seconds from the arrival of an answered call to the command to bridge it."""

    count: int
    p50: float
    p99: float
    max: float


class StatusView(Model):
    """The whole controller now."""

    faults: list[str] = Field(description="What gives no confirmed answer, so that no call is placed")
    campaigns: list[CampaignStatusView]
    answer_to_command: LatencyView | None


class KindView(Model):
    """A kind of problem."""

    type: str
    status: int
    title: str


class KindPath(Wanted):
    """One kind of problem."""

    name: str = Field(pattern="^[a-z-]{1,40}$")


@itself.get("/token", Right.SEE_SELF)
async def get_token(ask: Ask) -> TokenView:
    """What the token of this request is, and what it may do."""
    token = ask.token
    return TokenView(
        id=token.id,
        label=token.label,
        role=token.role,
        rights=[right for right in Right if may(token.role, right)],
        agent=token.agent,
        expires_at=token.expires_at,
    )


@itself.get("/status", Right.SEE_AGENTS)
async def get_status(ask: Ask) -> StatusView:
    """How the controller stands: faults, and the campaigns that ran since it started."""
    status = ask.services.operations.status()
    latency = status.answer_to_command
    return StatusView(
        faults=list(status.faults),
        campaigns=[status_view(one) for one in status.campaigns],
        answer_to_command=None
        if latency is None
        else LatencyView(count=latency.count, p50=latency.p50, p99=latency.p99, max=latency.max),
    )


@itself.get("/problems/{name}", None)
async def get_problem(ask: Ask, path: KindPath) -> KindView:
    """What a kind of problem means; its `type` leads here."""
    for kind in KINDS:
        if kind.name == path.name:
            return KindView(type=kind.uri, status=kind.status, title=kind.title)
    raise Problem(NOT_FOUND, f"there is no kind of problem {path.name!r}")


@itself.get("/openapi.json", None)
async def get_openapi(ask: Ask) -> Mapping[str, Any]:
    """The OpenAPI document of this API."""
    # Not at the top: the document tells of all resources, this one included.
    from controller.api.rest.resources import openapi_document

    return openapi_document()
