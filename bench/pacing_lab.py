"""The same day on the real lab and in the simulator: does the simulator tell the truth?

The lab is PBX, simulated network with callees and agents' phones, Redis and a controller (bench/lab_run.py).
Judged is by what the callees' phones logged and recorded; what the controller says stands beside it.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from statistics import fmean
from typing import Any, Final

from bench.lab_day import Late, pacer
from bench.lab_figures import Comparison, Figures, follow, reason_of, recorded, set_up
from bench.lab_run import Run
from controller.domain.campaign import Campaign
from controller.domain.latency import Latency
from controller.simulation.model import Centre, simulate
from controller.simulation.ours import Ours
from controller.simulation.record import Record
from controller.simulation.scenario import Scenario

MINUTES: Final = 10.0
BANK: Final = 20
"""Silent calls allowed from the start: ten minutes do not earn what overdialing takes."""
SIMULATED: Final = 20
"""Seeds that the simulator is run with."""
_BUSY_OTHERS: Final = 0.5
"""Cores that other programs may use before the output says that the run was disturbed."""
_LOST: Final = 0.1
"""Seconds that a recording may lack without a word."""
_SHOWN: Final = 10


def add_options(parser: argparse.ArgumentParser) -> None:
    """What can be chosen."""
    own = parser.add_argument_group("pacing-lab")
    own.add_argument("--minutes", type=float, default=MINUTES, metavar="N", help="how long to dial")
    own.add_argument("--seed", type=int, default=1, metavar="N", help="which people are called")
    own.add_argument(
        "--bank",
        type=int,
        default=BANK,
        metavar="N",
        help="silent calls that the budget allows from the start",
    )


class Watched(Ours):
    """The pacer of production, and what held it back for how long.

    Attributes:
        reasons: why not one call more was placed, for how many seconds.
        ringing: seconds of ringing of all calls.
    """

    def __init__(self, campaign: Campaign) -> None:
        super().__init__()
        self.pacer = pacer(campaign)
        self.reasons: dict[str, float] = {}
        self.ringing = 0.0
        self._since = 0.0
        self._rang = 0

    def wanted(self, centre: Centre) -> int:
        """How many calls to place now; until now the decision before held."""
        lasted, reason = centre.now - self._since, reason_of(str(self.pacer.decision))
        self.reasons[reason] = self.reasons.get(reason, 0.0) + lasted
        self.ringing += lasted * self._rang
        wanted = super().wanted(centre)
        self._since, self._rang = centre.now, centre.in_flight + wanted
        return wanted


@dataclass(frozen=True, slots=True)
class Simulated:
    """Runs of the same day in the simulator, and the pacer of each."""

    records: list[Record] = field(default_factory=list)
    policies: list[Watched] = field(default_factory=list)

    def run(self, campaign: Campaign, day: Scenario, seed: int) -> None:
        """Once more, with the pacer as the campaign has it."""
        policy = Watched(campaign)
        self.records.append(simulate(day, policy, seed))
        self.policies.append(policy)

    @property
    def figures(self) -> list[Figures]:
        """What each came to."""
        return [Figures.simulated(record) for record in self.records]


def run_simulated(
    campaign: Campaign, day: Scenario, seed: int, runs: int = SIMULATED
) -> tuple[Simulated, Simulated]:
    """Simulate the day of a run on the lab.

    Args:
        campaign: as it ran on the lab.
        day: as it was there.
        seed: of the people who were called there.
        runs: how many of each kind.

    Returns:
        With the same people, and with others.
    """
    same, others = Simulated(), Simulated()
    for nth in range(1, runs + 1):
        late = replace(
            day, ring=Late(day.ring, Random(nth)), failing_after=Late(day.failing_after, Random(-nth))
        )
        same.run(campaign, late, seed)
        others.run(campaign, day, seed + nth)
    return same, others


def report(run: Run, same: Simulated, others: Simulated) -> tuple[Comparison, list[str]]:
    """All beside each other, and what speaks for and against the run."""
    window, day = run.window, run.day
    states = follow(run.states.seen, window, Record(policy="lab", scenario=day, seed=0))
    comparison = Comparison(
        lab=Figures.heard(run.calls, window, states, run.taken_back),
        same=same.figures,
        others=others.figures,
    )
    lines = [
        *comparison.table(),
        f"occupancy of the lab, by source: callees' phones {comparison.lab.occupancy:.3f},"
        f" the controller's record {recorded(run.attempts, window):.3f},"
        f" the agents' states {states.occupancy:.3f}",
        f"calls in flight: lab {fmean(run.looks.ringing):.1f}, simulator"
        f" {fmean(each.ringing / day.seconds for each in same.policies):.1f}",
        "why not one call more, share of the time: lab / simulator",
        *_reasons(run, same),
        *_machine(run),
        *_law(run, [*same.records, *others.records]),
        *comparison.verdict(),
    ]
    return comparison, lines


def _reasons(run: Run, simulated: Simulated) -> list[str]:
    lab, looks = run.looks.reasons, run.looks.reasons.total()
    total: Counter[str] = Counter()
    for policy in simulated.policies:
        total.update({reason: round(seconds) for reason, seconds in policy.reasons.items()})
    names = sorted({*lab, *total}, key=lambda name: -lab[name])
    return [f"  {lab[name] / looks:6.1%} / {total[name] / total.total():6.1%}  {name}" for name in names]


def _machine(run: Run) -> list[str]:
    cores, loads = run.usage.cores(), run.looks.loads
    lines = [
        "cores: " + ", ".join(f"{name} {used:.2f}" for name, used in cores.items()),
        f"load average: {min(loads):.1f} to {max(loads):.1f}, mean {fmean(loads):.1f}",
        *_took("decision to the callee's network", set_up(run.calls, run.attempts)),
        *_took("answer to command to bridge", run.answer_to_command),
    ]
    lost = [call.recording_lost for call in run.calls if call.recording_lost > _LOST]
    if lost:
        lines.append(f"{len(lost)} recordings lack up to {max(lost):.2f} s: the machine was busy")
    if cores["others"] > _BUSY_OTHERS:
        lines.append(f"DISTURBED: other programs used {cores['others']:.2f} cores")
    return lines + [f"in {looks} looks: {fault}" for fault, looks in run.looks.faults.items()]


def _took(what: str, took: Latency | None) -> list[str]:
    if took is None:
        return []
    return [f"{what}: p50 {1000 * took.p50:.1f} ms, p99 {1000 * took.p99:.1f}, longest {1000 * took.max:.0f}"]


def _law(run: Run, records: Sequence[Record]) -> list[str]:
    judged = run.judgement
    told = {
        "breaches, at any instant": judged.breaches,
        "numbers not left alone after a silent call": judged.unprotected,
        "numbers called again after a silent call": judged.called_again,
        "calls of which callee and controller do not say the same": judged.disagreements,
    }
    lines = []
    for what, found in told.items():
        lines += [f"{what}: {len(found)}", *(f"  {each}" for each in found[:_SHOWN])]
    return [*lines, f"breaches in the simulator: {sum(record.breaches for record in records)}"]


def as_dict(run: Run, comparison: Comparison) -> dict[str, Any]:
    """For machines."""
    return {
        **comparison.as_dict(),
        "clean": run.judgement.clean,
        "breaches": list(run.judgement.breaches),
        "cores": run.usage.cores(),
        "load": fmean(run.looks.loads),
    }
