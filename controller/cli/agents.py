"""``agent login | logout | pause | ready | list``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.shell import AsJson, control_of, print_json, print_table, run_async, settings_of
from controller.domain.ids import AgentId

if TYPE_CHECKING:
    from controller.api.client import ControlClient

app = typer.Typer(help="Log agents in and out.", no_args_is_help=True)

AgentArgument = Annotated[str, typer.Argument(metavar="AGENT", help="The agent's extension.")]


def _ask(ctx: typer.Context, what: Callable[[ControlClient], Awaitable[None]]) -> None:
    async def ask() -> None:
        async with control_of(settings_of(ctx)) as control:
            await what(control)

    run_async(ask())


@app.command()
def login(ctx: typer.Context, agent: AgentArgument) -> None:
    """Call an agent's phone; who answers it is logged in."""
    _ask(ctx, lambda control: control.agent_login(AgentId(agent)))
    typer.echo(f"the phone of agent {agent} rings; answering it logs them in")


@app.command()
def logout(ctx: typer.Context, agent: AgentArgument) -> None:
    """Let an agent go, as soon as no call counts on them."""
    _ask(ctx, lambda control: control.agent_logout(AgentId(agent)))
    typer.echo(f"agent {agent} is logged out as soon as no call counts on them")


@app.command()
def pause(ctx: typer.Context, agent: AgentArgument) -> None:
    """No more calls for an agent, as soon as none counts on them."""
    _ask(ctx, lambda control: control.agent_pause(AgentId(agent)))
    typer.echo(f"agent {agent} pauses as soon as no call counts on them")


@app.command()
def ready(ctx: typer.Context, agent: AgentArgument) -> None:
    """End an agent's pause or wrap-up."""
    _ask(ctx, lambda control: control.agent_ready(AgentId(agent)))
    typer.echo(f"agent {agent} is ready")


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """The agents of the configuration, with what they do now."""
    from controller.cli import live

    settings = settings_of(ctx)
    now = run_async(live.status_of(control_of(settings)))
    names = {agent.id: agent.name for agent in settings.agents}
    present = {agent.id: live.agent_as_dict(agent) for agent in now.agents}
    away = {"state": "away", "since": None, "call": None, "wish": ""}
    agents = [
        {"id": agent, "name": names.get(agent, ""), **present.get(AgentId(agent), away)}
        for agent in sorted({*names, *present})
    ]
    if as_json:
        print_json(agents)
        return
    print_table(
        ["agent", "name", "state", "since", "call", "asked for"],
        [
            [a["id"], a["name"], a["state"], a["since"] or "-", a["call"] or "-", a["wish"] or "-"]
            for a in agents
        ],
        "no agents; add [[agents]] to the configuration",
    )
