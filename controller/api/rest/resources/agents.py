"""Agents: who is there, and logging them in and out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from pydantic import Field

from controller.api.rest.ask import Ask
from controller.api.rest.models import AgentPath, Model, Page, Paging
from controller.api.rest.problems import NOT_FOUND, Problem
from controller.api.rest.routes import Resource
from controller.domain.access import Right
from controller.domain.agent import AgentState
from controller.domain.ids import AgentId
from controller.ports import AgentStatus

agents = Resource(
    "Agents", "Who takes the calls. A token of role `agent` sees and directs its own agent only"
)


class AgentView(Model):
    """An agent now."""

    id: str
    name: str
    state: AgentState
    since: datetime | None = Field(description="Null: away since the controller started")
    call: str | None
    wish: str = Field(
        description="What they asked for and get as soon as no call counts on them; often empty"
    )
    offer: str | None = Field(description="The offer that they look at, in mode preview")
    reason: str = Field(description="Why they are paused, if they did not ask for it; else empty")


@agents.get("/agents", Right.SEE_AGENTS)
async def list_agents(ask: Ask, query: Paging) -> Page[AgentView]:
    """The agents of the configuration and whoever else is there, by id, with what they do now."""
    after = ask.place(query)
    found = [view for view in _all(ask) if after is None or view.id > str(after[0])]
    return ask.page(query, found[: query.limit + 1], lambda view: view, lambda view: [view.id])


@agents.get("/agents/{agent}", Right.SEE_SELF)
async def get_agent(ask: Ask, path: AgentPath) -> AgentView:
    """One agent; whose token is an agent's sees that one only."""
    return _one(ask, path)


@agents.post("/agents/{agent}/login", Right.DIRECT_AGENTS, keeps=False)
async def login_agent(ask: Ask, path: AgentPath) -> AgentView:
    """Call an agent's phone; who answers it is logged in."""
    return await _direct(ask, path, ask.services.operations.agent_login)


@agents.post("/agents/{agent}/logout", Right.DIRECT_AGENTS, keeps=False)
async def logout_agent(ask: Ask, path: AgentPath) -> AgentView:
    """Let an agent go, as soon as no call counts on them."""
    return await _direct(ask, path, ask.services.operations.agent_logout)


@agents.post("/agents/{agent}/pause", Right.DIRECT_AGENTS, keeps=False)
async def pause_agent(ask: Ask, path: AgentPath) -> AgentView:
    """No more calls for an agent, as soon as none counts on them."""
    return await _direct(ask, path, ask.services.operations.agent_pause)


@agents.post("/agents/{agent}/ready", Right.DIRECT_AGENTS, keeps=False)
async def ready_agent(ask: Ask, path: AgentPath) -> AgentView:
    """End an agent's pause or wrap-up."""
    return await _direct(ask, path, ask.services.operations.agent_ready)


async def _direct(ask: Ask, path: AgentPath, operation: Callable[[AgentId], Awaitable[None]]) -> AgentView:
    view = _one(ask, path)
    await operation(AgentId(view.id))
    return _one(ask, path)


def _one(ask: Ask, path: AgentPath) -> AgentView:
    ask.only_own(path.agent)
    found = next((view for view in _all(ask) if view.id == path.agent), None)
    if found is None:
        raise Problem(NOT_FOUND, f"there is no agent {path.agent!r}")
    return found


def _all(ask: Ask) -> list[AgentView]:
    present = {agent.id: agent for agent in ask.services.operations.status().agents}
    names = ask.services.agents
    return [_view(agent, names.get(agent, ""), present.get(agent)) for agent in sorted({*names, *present})]


def _view(agent: AgentId, name: str, now: AgentStatus | None) -> AgentView:
    if now is None:
        return AgentView(
            id=agent,
            name=name,
            state=AgentState.AWAY,
            since=None,
            call=None,
            wish="",
            offer=None,
            reason="",
        )
    return AgentView(
        id=agent,
        name=name,
        state=now.state,
        since=now.since,
        call=now.call,
        wish=now.wish,
        offer=now.offer.id if now.offer else None,
        reason=now.reason,
    )
