"""The command `simulate`: what would this day bring, with how many agents, under which rule?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.shell import AsJson, print_json, run_async, settings_of
from controller.domain.ids import CampaignId
from controller.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.config import Settings
    from controller.simulation.model import Policy
    from controller.simulation.scenario import Scenario

_READING_TIMEOUT = 600.0
"""Seconds in which a campaign's attempts must be read."""
_CHOICE = "ours, 1:1, ratio-N, vicidial-hard-limit, vicidial-average, vicidial-tapered, issabel"


def simulate(
    ctx: typer.Context,
    scenario: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="The scenario, a TOML file; without it a plain day."),
    ] = None,
    from_campaign: Annotated[
        str | None,
        typer.Option(
            "--from-campaign",
            metavar="CAMPAIGN",
            help="Take answer rate, ringing and talk times from what this campaign has recorded.",
        ),
    ] = None,
    agents: Annotated[
        int | None, typer.Option("--agents", min=1, max=10_000, help="So many agents, all day.")
    ] = None,
    more_agents: Annotated[
        int, typer.Option("--more-agents", help="So many more (or, below 0, fewer), all day.")
    ] = 0,
    hours: Annotated[
        float | None, typer.Option("--hours", min=0.01, max=168.0, help="So many hours.")
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option("--policy", metavar="NAME", help=f"Who paces; may be repeated. One of {_CHOICE}."),
    ] = None,
    cancel_after: Annotated[
        float,
        typer.Option(
            "--cancel-after",
            min=0.0,
            help="Ours takes hopeless calls back that have rung so many seconds; 0: never.",
        ),
    ] = 15.0,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same day.")] = 1,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the figures there.")
    ] = None,
    chart: Annotated[
        Path | None,
        typer.Option("--chart", metavar="FILE", help="Draw silent calls over time there, as SVG."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Simulate a day of dialing, in seconds: occupancy, waiting, silent calls. Nobody is called."""
    from controller.simulation import model, scenario_file, summary
    from controller.simulation.clairvoyant import upper_bound
    from controller.simulation.scenario import Scenario, Shift

    if scenario is not None and from_campaign is not None:
        raise BadInput("--from-campaign", "cannot be combined with a scenario file", "one of the two")
    day = scenario_file.load(scenario) if scenario else Scenario(name="plain day")
    if from_campaign is not None:
        recorded = _recorded(settings_of(ctx), CampaignId(from_campaign))
        day = run_async(recorded, timeout=_READING_TIMEOUT)
    if agents is not None:
        day = replace(day, shifts=(Shift(agents=agents),))
    if more_agents:
        day = _with_more(day, more_agents)
    if hours is not None:
        day = replace(day, hours=hours)
    makers = [_policy(name, cancel_after) for name in policy or ["ours", "1:1"]]
    records = [model.simulate(day, make(), seed) for make in makers]
    rows = [summary.row(record) for record in records]
    bound = upper_bound(day, seed)
    if csv is not None:
        _write(csv, summary.as_csv(records))
    if chart is not None:
        _write(chart, summary.as_svg(records))
    if as_json:
        print_json({"scenario": day.name, "seed": seed, "upper_bound": round(bound, 3), "results": rows})
        return
    _show(day, rows, bound)


def _policy(name: str, cancel_after: float) -> Callable[[], Policy]:
    from controller.domain.pacing import Terms
    from controller.simulation.baselines import Brake, Issabel, OneToOne, Ratio, Vicidial
    from controller.simulation.ours import Ours

    if name.startswith("ratio-"):
        try:
            ratio = float(name.removeprefix("ratio-"))
        except ValueError:
            raise BadInput("--policy", f"not {name}", "such as ratio-1.5") from None
        return lambda: Ratio(ratio)
    makers: dict[str, Callable[[], Policy]] = {
        "ours": lambda: Ours(Terms(cancel_after=cancel_after or None)),
        "1:1": OneToOne,
        "vicidial-hard-limit": lambda: Vicidial(Brake.HARD_LIMIT),
        "vicidial-average": lambda: Vicidial(Brake.AVERAGE),
        "vicidial-tapered": lambda: Vicidial(Brake.TAPERED),
        "issabel": Issabel,
    }
    if name not in makers:
        raise BadInput("--policy", f"there is none named {name}", _CHOICE)
    return makers[name]


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise BadInput(str(path), f"cannot be written: {error.strerror}") from error


def _show(day: Scenario, rows: list[dict[str, str]], bound: float) -> None:
    from rich.console import Console
    from rich.table import Table

    from controller.simulation.summary import COLUMNS

    table = Table(title=f"{day.name}: {day.agents} agents, {day.hours:g} h")
    table.add_column("")
    for row in rows:
        table.add_column(row["policy"], justify="right")
    for column in COLUMNS[1:]:
        table.add_row(column.replace("_", " "), *(row[column] for row in rows))
    console = Console(soft_wrap=True)
    console.print(table)
    console.print(
        f"Nobody could exceed an occupancy of {bound:.3f}: that takes knowing all times beforehand."
    )


def _with_more(day: Scenario, more: int) -> Scenario:
    from controller.simulation.scenario import Shift

    if more > 0:
        return replace(day, shifts=(*day.shifts, Shift(agents=more)))
    first = day.shifts[0]
    if first.agents + more < 1:
        raise BadInput("--more-agents", f"{more} leaves nobody of the {first.agents} agents", "fewer")
    return replace(day, shifts=(replace(first, agents=first.agents + more), *day.shifts[1:]))


async def _recorded(settings: Settings, campaign: CampaignId) -> Scenario:
    from controller.app import open_records
    from controller.cli.campaigns import must_exist
    from controller.engine.pages import facts_of
    from controller.simulation.recorded import Recording

    async with open_records(settings) as records:
        row = await must_exist(records, campaign)
        recording = Recording(row.campaign)
        async for fact in facts_of(records, campaign):
            recording.add(fact)
    return recording.scenario()
