"""Pacing compared: occupancy and breaches by policy, team, answer rate and talk time, in simulation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from random import Random
from statistics import fmean
from typing import Any, Final

from bench.look import look_cost
from controller import log
from controller.domain.pacing import Group, Pacer, Scene, Terms
from controller.simulation.baselines import Brake, Issabel, OneToOne, Ratio, Vicidial
from controller.simulation.clairvoyant import upper_bound
from controller.simulation.model import Policy, simulate
from controller.simulation.ours import Ours
from controller.simulation.scenario import Curve, LogNormal, Scenario, Shift

OURS: Final = "ours"
NEVER: Final = "ours, never cancels"
CANCEL_AFTER: Final = 15.0
LIMIT: Final = 0.03
DECISION_LIMIT: Final = 0.001
"""Seconds that one decision may take at 200 agents and 500 calls."""

POLICIES: Final[dict[str, Callable[[], Policy]]] = {
    OURS: lambda: Ours(Terms(cancel_after=CANCEL_AFTER), OURS),
    NEVER: lambda: Ours(Terms(), NEVER),
    "1:1": OneToOne,
    "ratio 1.5": lambda: Ratio(1.5),
    "ratio 2": lambda: Ratio(2.0),
    "ratio 2.5": lambda: Ratio(2.5),
    "VICIdial hard limit": lambda: Vicidial(Brake.HARD_LIMIT),
    "VICIdial average": lambda: Vicidial(Brake.AVERAGE),
    "VICIdial tapered": lambda: Vicidial(Brake.TAPERED),
    "Issabel": Issabel,
}

QUICK_AGENTS: Final = (3, 5, 20)
ALL_AGENTS: Final = (3, 5, 10, 20, 50, 200)
RATES: Final = (0.3, 0.15, 0.5)
TALKS: Final = (60.0, 180.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One scenario, and the seeds it is run with."""

    name: str
    scenario: Scenario
    seeds: tuple[int, ...] = (1,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a policy reached in a cell, as means over the seeds; breaches and worst as the worst of them.

    Attributes:
        silent: silent calls per success at the end.
        worst: highest silent per success at any time from the hundredth success on.
        breaches: how many times the limit was passed, at any instant from the first call on.
        over: the most silent calls beyond the limit.
        cancelled: share of the calls placed that were taken back while they rang.
    """

    cell: str
    policy: str
    occupancy: float
    bound: float
    silent: float
    worst: float
    breaches: int
    over: int
    idle_p50: float
    idle_p90: float
    calls_per_success: float
    rescued: float
    cancelled: float


def cells(*, full: bool) -> Iterator[Cell]:
    """The grid, small teams first; then the scenarios in which something changes at once."""
    for rate in RATES if full else RATES[:1]:
        for agents in ALL_AGENTS if full else QUICK_AGENTS:
            for talk in TALKS:
                yield Cell(
                    name=f"{agents} agents, {rate:g}, {talk:g} s",
                    scenario=Scenario(
                        hours=_hours(agents),
                        shifts=(Shift(agents=agents),),
                        answer_rate=Curve.constant(rate),
                        talk=LogNormal(talk, 0.9),
                    ),
                    seeds=_seeds(agents) if full else (1,),
                )
    for agents in (5, 20) if full else (5,):
        jump = Curve(points=((0.0, 0.1), (4 * 3600.0, 0.6)), steps=True)
        yield Cell(
            name=f"{agents} agents, jump 0.1 to 0.6",
            scenario=Scenario(shifts=(Shift(agents=agents),), answer_rate=jump),
        )
        stay, leave = Shift(agents=agents - agents // 2), Shift(agents=agents // 2, ends=4 * 3600.0)
        yield Cell(name=f"{agents} agents, half leave", scenario=Scenario(shifts=(stay, leave)))


def _hours(agents: int) -> float:
    return {50: 4.0, 200: 2.0}.get(agents, 8.0)


def _seeds(agents: int) -> tuple[int, ...]:
    return (1, 2) if agents <= 5 else (1,)


def measure(cell: Cell, policy: str) -> Result:
    """Run one policy in one cell."""
    runs = [simulate(cell.scenario, POLICIES[policy](), seed) for seed in cell.seeds]
    return Result(
        cell=cell.name,
        policy=policy,
        occupancy=fmean(run.occupancy for run in runs),
        bound=fmean(upper_bound(cell.scenario, seed) for seed in cell.seeds),
        silent=fmean(run.silent_share for run in runs),
        worst=max(run.worst for run in runs),
        breaches=sum(run.breaches for run in runs),
        over=max(run.most_over for run in runs),
        idle_p50=fmean(run.wait(0.5) for run in runs),
        idle_p90=fmean(run.wait(0.9) for run in runs),
        calls_per_success=fmean(run.calls_per_success for run in runs),
        rescued=fmean(run.rescue_share for run in runs),
        cancelled=fmean(run.cancelled / max(1, run.placed) for run in runs),
    )


def best_lawful(results: Sequence[Result]) -> Result | None:
    """The best of the other dialers that ended within the limit, whatever it did on the way."""
    others = [each for each in results if each.policy not in (OURS, NEVER) and each.silent <= LIMIT]
    return max(others, key=lambda each: each.occupancy, default=None)


def table(results: Sequence[Result]) -> list[str]:
    """A line of Markdown for each cell."""
    lines = [
        "| cell | ours | never cancels | best other within 3 % at the end | bound "
        "| ours: silent | cancelled | breaches ours / others |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for cell in dict.fromkeys(each.cell for each in results):
        here = {each.policy: each for each in results if each.cell == cell}
        ours, never, best = here[OURS], here[NEVER], best_lawful(list(here.values()))
        other = f"{best.occupancy:.3f} {best.policy}" if best else "none"
        if best and best.breaches:
            other += f" ({best.over} too many on the way)"
        worst = sum(each.breaches > 0 for each in here.values() if each.policy not in (OURS, NEVER))
        lines.append(
            f"| {cell} | {ours.occupancy:.3f} | {never.occupancy:.3f} | {other} | {ours.bound:.3f} "
            f"| {ours.silent:.2%} | {ours.cancelled:.1%} "
            f"| {ours.breaches + never.breaches} / {worst} of {len(here) - 2} dialers |"
        )
    return lines


def decision_cost(samples: int = 300) -> float:
    """Seconds of one decision at 200 agents and 500 calls in flight: the mean, what is learned included.

    The calls are of six segments, each with an answer rate of its own.
    """
    random, pacer = Random(1), Pacer(Terms(cancel_after=CANCEL_AFTER))
    rates = {Group(f"segment {each}", 5): 0.1 + 0.1 * each for each in range(6)}
    groups = list(rates)

    def call() -> None:
        group = random.choice(groups)
        pacer.rang(0, random.uniform(2, 25), answered=random.random() < rates[group], group=group)

    for _ in range(2000):
        call()
        pacer.talked(random.lognormvariate(4.0, 0.9))
    spent = 0.0
    for sample in range(samples + 50):
        call()
        scene = Scene(
            now=float(sample),
            reserved=10,
            ringing=[random.uniform(0, 25) for _ in range(490)],
            groups=random.choices(groups, k=490),
            coming=random.choices(groups, k=50),
            talking=[random.uniform(0, 300) for _ in range(160)],
            wrapping=[random.uniform(0, 15) for _ in range(30)],
            exposed=480,
            room=100,
        )
        began = time.perf_counter()
        pacer.decide(scene)
        if sample >= 50:
            spent += time.perf_counter() - began
    return spent / samples


def measure_all(*, full: bool, show: Callable[[str], object]) -> dict[str, Any]:
    """Run the grid; each cell is shown when done."""
    results: list[Result] = []
    log.configure("info")  # as it is in production: what is not told costs next to nothing
    cost, look = decision_cost(), look_cost()
    limit = f"(limit {DECISION_LIMIT * 1000:g} ms)"
    show(f"one decision at 200 agents and 500 calls: {cost * 1000:.2f} ms {limit}")
    show(f"one look of the engine, with its decision: {look * 1000:.2f} ms of CPU {limit}")
    for line in table([])[:2]:
        show(line)
    for cell in cells(full=full):
        here = [measure(cell, policy) for policy in POLICIES]
        results += here
        show(table(here)[-1])
    ours = [each for each in results if each.policy in (OURS, NEVER)]
    show(f"breaches of ours: {sum(each.breaches for each in ours)} in {len(ours)} runs of cells")
    return {"decision_seconds": cost, "look_seconds": look, "results": [asdict(each) for each in results]}
