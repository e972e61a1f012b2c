"""``agent login | logout | pause | ready | list | offer | accept | skip | skips``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.campaigns import must_exist
from controller.cli.shell import (
    AsJson,
    CampaignArgument,
    FullNumbers,
    control_of,
    print_json,
    print_table,
    run_async,
    settings_of,
)
from controller.domain.ids import AgentId, CallId, CampaignId
from controller.errors import Refused

if TYPE_CHECKING:
    from controller.api.client import ControlClient
    from controller.config import Settings
    from controller.domain.preview import Skip

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
    away = {"state": "away", "since": None, "call": None, "wish": "", "offer": None, "reason": ""}
    agents = [
        {"id": agent, "name": names.get(agent, ""), **present.get(AgentId(agent), away)}
        for agent in sorted({*names, *present})
    ]
    if as_json:
        print_json(agents)
        return
    print_table(
        ["agent", "name", "state", "since", "call", "asked for, or why"],
        [
            [
                *(a["id"], a["name"], a["state"], a["since"] or "-", a["call"] or "-"),
                a["wish"] or a["reason"] or "-",
            ]
            for a in agents
        ],
        "no agents; add [[agents]] to the configuration",
    )


@app.command()
def offer(
    ctx: typer.Context, agent: AgentArgument, full_numbers: FullNumbers = False, as_json: AsJson = False
) -> None:
    """The contact that an agent looks at before it is called (mode preview), with the script."""
    shown = run_async(_offer(settings_of(ctx), AgentId(agent), full_numbers=full_numbers))
    if as_json:
        print_json(shown)
        return
    contact = shown["contact"]
    for name, value in {
        "name": contact["name"],
        "number": contact["number"],
        **contact["attributes"],
    }.items():
        typer.echo(f"{name}: {value or '-'}")
    typer.echo(f"campaign {shown['campaign']}, offer {shown['offer']}, until {shown['until']}")
    if shown["script"]:
        typer.echo(f"\n{shown['script']}")


@app.command()
def accept(ctx: typer.Context, agent: AgentArgument) -> None:
    """Have the contact called that an agent looks at, for this agent alone."""

    async def ask() -> CallId:
        async with control_of(settings_of(ctx)) as control:
            return await control.accept_offer(AgentId(agent))

    typer.echo(f"call {run_async(ask())} is placed for agent {agent}")


@app.command()
def skip(
    ctx: typer.Context,
    agent: AgentArgument,
    reason: Annotated[str, typer.Option(help="Why, in one word, such as wrong-person.")] = "",
) -> None:
    """Put the contact off that an agent looks at, for half an hour; the next one is offered."""
    _ask(ctx, lambda control: control.skip_offer(AgentId(agent), reason=reason))
    typer.echo(f"the contact that agent {agent} looked at is put off")


@app.command()
def skips(
    ctx: typer.Context,
    campaign: CampaignArgument,
    agent: Annotated[str | None, typer.Option(help="Of this agent only.")] = None,
    limit: Annotated[int, typer.Option(help="At most.", min=1)] = 1000,
    as_json: AsJson = False,
) -> None:
    """Contacts that a campaign's agents looked at and skipped: who, and why."""
    found = run_async(_skips(settings_of(ctx), CampaignId(campaign), agent, limit))
    if as_json:
        print_json([{**asdict(each), "at": each.at.isoformat()} for each in found])
        return
    print_table(
        ["at (UTC)", "agent", "contact", "reason"],
        [[f"{each.at:%Y-%m-%d %H:%M:%S}", each.agent, each.contact, each.reason or "-"] for each in found],
        "nobody was skipped",
    )


async def _skips(settings: Settings, campaign: CampaignId, agent: str | None, limit: int) -> Sequence[Skip]:
    from controller.app import open_records

    async with open_records(settings) as records:
        await must_exist(records, campaign)
        return await records.work.skips(campaign, agent=AgentId(agent) if agent else None, limit=limit)


async def _offer(settings: Settings, agent: AgentId, *, full_numbers: bool) -> dict[str, Any]:
    from datetime import UTC, datetime

    from controller.app import open_records
    from controller.domain.ids import masked
    from controller.engine.scripting import Agent, Scripting, Situation

    async with control_of(settings) as control:
        now = await control.status()
    known = next((each.offer for each in now.agents if each.id == agent), None)
    if known is None:
        raise Refused(f"agent {agent} has no offer")
    async with open_records(settings) as records:
        rows = await records.contacts_by_id([known.contact])
        row = await records.campaign(known.campaign)
        if not rows or row is None:
            raise Refused(f"contact {known.contact} is gone")
        contact, script = rows[0].contact, ""
        if row.campaign.script:
            names = {AgentId(each.id): each.name for each in settings.agents}
            reader = Agent(id=agent, name=names.get(agent, ""))
            situation = Situation(contact=contact, campaign=row.campaign, agent=reader, now=datetime.now(UTC))
            script = (await Scripting(records.work).read(row.campaign.script, situation)).text
    return {
        "offer": known.id,
        "agent": agent,
        "campaign": known.campaign,
        "since": known.since.isoformat(),
        "until": known.until.isoformat(),
        "contact": {
            "id": contact.id,
            "number": contact.number if full_numbers else masked(contact.number),
            "name": contact.name,
            "attributes": dict(contact.attributes),
        },
        "script": script,
    }
