"""The status of the running controller, once or refreshed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from controller.cli.shell import print_table, table
from controller.domain.campaign import CampaignState
from controller.domain.latency import Latency
from controller.errors import Unreachable
from controller.ports import AgentStatus, CampaignStatus, ControllerStatus, OfferStatus

if TYPE_CHECKING:
    from controller.api.client import ControlClient

_REFRESH = 1.0

_CAMPAIGN_HEADERS = (
    "campaign", "state", "in flight", "talking", "placed", "connected", "rescued", "silent", "allowed", "why",
)  # fmt: skip
_AGENT_HEADERS = ("agent", "state", "since (UTC)", "call or offer", "asked for, or why")


async def status_of(client: ControlClient) -> ControllerStatus:
    """Ask once."""
    async with client as control:
        return await control.status()


def campaign_as_dict(campaign: CampaignStatus) -> dict[str, Any]:
    """For machines."""
    return {
        "id": campaign.id,
        "state": campaign.state.value,
        "reason": campaign.reason,
        "blocked": campaign.blocked,
        "successes": campaign.budget.successes,
        "silent": campaign.budget.silent,
        "exposed": campaign.budget.exposed,
        "silent_allowed": campaign.allowance,
        "in_flight": campaign.in_flight,
        "talking": campaign.talking,
        "placed": campaign.placed,
        "outcomes": {outcome.value: count for outcome, count in campaign.outcomes.items()},
        "rescued": campaign.rescued,
        "budget_lifted": campaign.override,
        "mode": campaign.mode,
        "pacing": campaign.pacing,
        "pacing_began_with": campaign.began_with,
        "taken_back": campaign.taken_back,
        "offers": campaign.offers,
    }


def agent_as_dict(agent: AgentStatus) -> dict[str, Any]:
    """For machines."""
    return {
        "id": agent.id,
        "state": agent.state.value,
        "since": agent.since.isoformat(),
        "call": agent.call,
        "wish": agent.wish,
        "offer": None if agent.offer is None else {**asdict(agent.offer), **_times(agent.offer)},
        "reason": agent.reason,
    }


def _times(offer: OfferStatus) -> dict[str, str]:
    return {"since": offer.since.isoformat(), "until": offer.until.isoformat()}


def as_dict(status: ControllerStatus) -> dict[str, Any]:
    """For machines."""
    return {
        "faults": list(status.faults),
        "campaigns": [campaign_as_dict(campaign) for campaign in status.campaigns],
        "agents": [agent_as_dict(agent) for agent in status.agents],
        "answer_to_command": asdict(status.answer_to_command) if status.answer_to_command else None,
    }


def show(status: ControllerStatus) -> None:
    """Print all of it."""
    for fault in status.faults:
        typer.echo(f"FAULT: {fault}")
    show_campaigns(status.campaigns)
    print_table(_AGENT_HEADERS, [_agent_row(agent) for agent in status.agents], "no agent is logged in")
    if status.answer_to_command:
        typer.echo(_latency_line(status.answer_to_command))


def show_campaigns(campaigns: Sequence[CampaignStatus]) -> None:
    """Print the campaigns."""
    print_table(
        _CAMPAIGN_HEADERS, [_campaign_row(campaign) for campaign in campaigns], "no campaign has run yet"
    )
    for campaign in campaigns:
        if campaign.state is not CampaignState.RUNNING:
            continue
        pacing = f"pacing of {campaign.id} ({campaign.mode})"
        if campaign.pacing:
            typer.echo(f"{pacing}: {campaign.pacing}")
        if campaign.began_with:
            typer.echo(f"{pacing} began with what it learned from {campaign.began_with}")


def _campaign_row(campaign: CampaignStatus) -> list[object]:
    lifted = "BUDGET LIFTED (lab)" if campaign.override else ""
    return [
        campaign.id,
        campaign.state.value,
        campaign.in_flight,
        campaign.talking,
        campaign.placed,
        campaign.budget.successes,
        campaign.rescued,
        campaign.budget.silent,
        campaign.allowance,
        "; ".join(part for part in (lifted, campaign.blocked, campaign.reason) if part) or "-",
    ]


def _agent_row(agent: AgentStatus) -> list[object]:
    since = f"{agent.since:%Y-%m-%d %H:%M:%S}"
    call = agent.offer.id if agent.offer else agent.call
    return [agent.id, agent.state.value, since, call or "-", agent.wish or agent.reason or "-"]


def _latency_line(latency: Latency) -> str:
    p50, p99, most = (f"{seconds * 1000:.1f} ms" for seconds in (latency.p50, latency.p99, latency.max))
    return f"answer to command: p50 {p50}, p99 {p99}, max {most} (last {latency.count} answered calls)"


async def watch(client: ControlClient) -> None:
    """Show it until Ctrl-C. A controller that goes away is waited for.

    Raises:
        Unreachable: no controller answers at the start.
    """
    import asyncio

    from rich.console import Console
    from rich.live import Live

    async with client as control:
        view = _view(await control.status())
        with Live(view, console=Console(file=sys.stdout), auto_refresh=False) as live:
            while True:
                await asyncio.sleep(_REFRESH)
                try:
                    view = _view(await control.status())
                except Unreachable as error:
                    view = str(error)
                live.update(view, refresh=True)


def _view(status: ControllerStatus) -> Any:
    from rich.console import Group
    from rich.text import Text

    return Group(
        *(Text(f"FAULT: {fault}", style="bold red") for fault in status.faults),
        table(_CAMPAIGN_HEADERS, [_campaign_row(campaign) for campaign in status.campaigns]),
        table(_AGENT_HEADERS, [_agent_row(agent) for agent in status.agents]),
        *([Text(_latency_line(status.answer_to_command))] if status.answer_to_command else []),
    )
