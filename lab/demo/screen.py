"""What the demo shows: the live view while a campaign runs, and the report at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from controller.domain.agent import AgentState
from controller.ports import AgentStatus, CampaignStatus, ControllerStatus
from lab.demo.judgement import Judgement, Side, Spread

_COLOURS = {
    AgentState.AWAY: "dim",
    AgentState.IDLE: "green",
    AgentState.RESERVED: "cyan",
    AgentState.PREVIEW: "blue",
    AgentState.TALKING: "bold yellow",
    AgentState.WRAP_UP: "magenta",
    AgentState.PAUSED: "dim",
}


def live(title: str, status: ControllerStatus, campaign: str, left: float) -> RenderableType:
    """The state of one campaign, to be shown again and again."""
    mine = [entry for entry in status.campaigns if entry.id == campaign]
    lines: list[RenderableType] = [Text(f"{title}   {max(0.0, left):4.0f} s left", style="bold")]
    lines += [campaign_line(entry) for entry in mine]
    lines.append(agents_line(status.agents))
    lines += [Text(f"! {fault}", style="red") for fault in status.faults]
    return Group(*lines)


def campaign_line(campaign: CampaignStatus) -> Text:
    """Calls and budget of a campaign, in one line."""
    outcomes = Counter({outcome.value: count for outcome, count in campaign.outcomes.items()})
    line = Text(
        f"  calls {campaign.placed:3}   ringing or waiting {campaign.in_flight:2}"
        f"   talking {campaign.talking}   successes {campaign.budget.successes:3}"
        f"   silent {campaign.budget.silent:2}"
    )
    allowed = "lifted" if campaign.override else str(campaign.allowance)
    line.append(f"   allowed {allowed}", style="bold red" if campaign.override else "green")
    others = ", ".join(f"{name} {count}" for name, count in outcomes.most_common() if name != "connected")
    if others:
        line.append(f"\n  {others}", style="dim")
    return line


def agents_line(agents: Sequence[AgentStatus]) -> Text:
    """What each agent does."""
    line = Text("  agents ")
    for agent in sorted(agents, key=lambda agent: agent.id):
        line.append(f" {agent.id} {agent.state.value:<8}", style=_COLOURS[agent.state])
    return line


def show(console: Console, title: str, judgement: Judgement, note: str = "") -> None:
    """Print the report of one campaign."""
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("")
    table.add_column("callees' side", justify="right")
    table.add_column("controller", justify="right")
    for name, value in _ROWS:
        table.add_row(name, value(judgement.callees), value(judgement.controller))
    console.print(table)
    facts = [
        ("numbers suppressed for 5 days", judgement.suppressed, None),
        ("silent calls whose number is not suppressed", len(judgement.unprotected), judgement.unprotected),
        ("numbers called twice within 5 days", len(judgement.called_again), judgement.called_again),
        ("breaches of the limits", len(judgement.breaches), judgement.breaches),
        ("disagreements between the two sides", len(judgement.disagreements), judgement.disagreements),
    ]
    for name, count, bad in facts:
        console.print(f"  {name}: {count}", style="bold red" if bad else None, highlight=False)
        for line in (bad or [])[:10]:
            console.print(f"    {line}", style="red", highlight=False)
    if note:
        console.print(f"  {note}", style="dim", highlight=False)
    console.print()


def _count(name: str) -> Callable[[Side], str]:
    return lambda side: str(getattr(side, name))


def _spread(name: str) -> Callable[[Side], str]:
    def value(side: Side) -> str:
        spread: Spread | None = getattr(side, name)
        return f"{spread.p50:.3f} / {spread.p99:.3f} / {spread.worst:.3f} s" if spread else "-"

    return value


def _optional(name: str, unit: str, digits: int) -> Callable[[Side], str]:
    def value(side: Side) -> str:
        number: float | None = getattr(side, name)
        return "-" if number is None else f"{number:.{digits}f}{unit}"

    return value


_ROWS: Sequence[tuple[str, Callable[[Side], str]]] = (
    ("calls", _count("calls")),
    ("answered", _count("answered")),
    ("bridged to an agent", _count("bridged")),
    ("  of these rescued while waiting", _count("rescued")),
    ("silent", _count("silent")),
    ("silent per 100 successes", _optional("silent_per_100", "", 1)),
    ("answer to agent p50 / p99 / max", _spread("answer_to_bridge")),
    ("answer to first sound p50 / p99 / max", _spread("answer_to_noise")),
    ("longest silent call", _optional("longest_silent", " s", 3)),
)
