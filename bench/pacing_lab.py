"""The same day on the real lab and in the simulator: does the simulator tell the truth?

The lab is PBX, simulated network with callees and agents' phones, Redis and a controller as its users run it.
Judged is by what the callees' phones logged and recorded; what the controller says stands beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import fmean
from typing import Any, Final

import redis

from bench.clients import log_in, until
from bench.lab_day import AGENTS, RING_TIMEOUT, WRAP_UP, Late, pacer, people, scenario, successes_before
from bench.lab_figures import Comparison, Figures, Window, follow, reason_of, recorded
from bench.lab_watch import Looks, States, campaign_of
from bench.meter import Meter, Usage
from bench.window import parts
from controller.api.client import ControlClient
from controller.domain.campaign import Campaign
from controller.domain.contact import NewContact
from controller.domain.ids import E164, CallId, CampaignId
from controller.domain.latency import Latency
from controller.domain.outcome import Outcome
from controller.domain.retry import RetryRule
from controller.ports import Admitting, ControllerStatus, Exposure
from controller.simulation.model import Centre, simulate
from controller.simulation.ours import Ours
from controller.simulation.record import Record
from controller.simulation.scenario import Scenario
from controller.store.ledger import RedisLedger
from lab.controller import ControllerProcess, Value
from lab.demo.judgement import Attempt, Judgement, judge
from lab.demo.stores import read_attempts, read_suppressed
from lab.errors import LabError
from lab.evidence import CalleeCall
from lab.lab import Lab

MINUTES: Final = 10.0
BANK: Final = 20
"""Silent calls allowed from the start: with none, ten minutes are too short to earn what overdialing takes."""
SIMULATED: Final = 20
"""Seeds that the simulator is run with."""
_CAMPAIGN: Final = CampaignId("pacing-lab")
_DRAIN: Final = 150.0
"""Seconds in which the last conversation ends; none lasts longer than 99 s."""
_RECORDINGS: Final = 20.0
_ASK_AGAIN: Final = 0.5
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is left of a run on the lab when everything has been stopped."""

    campaign: Campaign
    day: Scenario
    window: Window
    calls: Sequence[CalleeCall]
    attempts: Sequence[Attempt]
    states: States
    looks: Looks
    judgement: Judgement
    usage: Usage
    answer_to_command: Latency | None
    taken_back: int


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


# --- the lab ------------------------------------------------------------------------------------------------


async def run_on_lab(minutes: float, seed: int, bank: int, show: Callable[[str], object]) -> Run:
    """Dial for so long on a lab of its own; everything is stopped again.

    Args:
        minutes: how long.
        seed: of the people who are called.
        bank: silent calls that the budget allows from the start.
        show: is told what happens.

    Raises:
        LabError: Something did not start, or did not come to its end.
    """
    async with Lab(agents=AGENTS) as lab:
        overrides: dict[str, dict[str, Value]] = {
            "controller": {"log_level": "info"},
            "api": {"enabled": True, "port": lab.free_port()},
        }
        process = ControllerProcess(lab, overrides=overrides)
        try:
            await process.start()
            campaign = _campaign(lab, process)
            day = scenario(campaign, minutes, bank)
            contacts = people(day, seed)
            async with process.open_records() as records:
                await records.save_campaign(campaign)
                await records.add_contacts(campaign.id, [NewContact(number=E164(n)) for n in contacts])
            await _credit(lab, process, campaign, successes_before(day))
            states = States(f"http://127.0.0.1:{overrides['api']['port']}/api/v1", await _token(process))
            async with _listening(states):
                await log_in(lab, process)
                show(f"{AGENTS} agents are logged in; {len(contacts)} contacts; {minutes:g} minutes from now")
                return await _dial(lab, process, campaign, states, day)
        except BaseException:
            show(process.log_tail())
            raise
        finally:
            await asyncio.to_thread(process.process.stop)
            shutil.rmtree(process.root, ignore_errors=True)


def _campaign(lab: Lab, process: ControllerProcess) -> Campaign:
    """As the default has it, but for what makes it short."""
    return Campaign(
        id=_CAMPAIGN,
        law=process.law,
        caller="bench",
        dial_string=lab.dial_string,
        trunk=lab.trunk_endpoint,
        wrap_up=WRAP_UP,
        ring_timeout=RING_TIMEOUT,
        retry=RetryRule(max_attempts=1),  # the n-th call meets the n-th person
    )


async def _credit(lab: Lab, process: ControllerProcess, campaign: Campaign, successes: int) -> None:
    """Let the budget know of successes, as those of the days before would have left it."""
    ledger = RedisLedger(lab.redis_url, "the days before", number_key=process.number_key)
    await ledger.open()
    try:
        for nth in range(1, successes + 1):
            call, callee = CallId(f"before-{nth}"), E164(f"+39070{nth:06d}")
            exposure = Exposure(count=0, serial=nth)
            wish = Admitting(
                call=call,
                campaign=campaign,
                number=callee,
                covered=True,
                guaranteed=False,
                exposure=exposure,
                now=datetime.now(UTC),
            )
            await ledger.admit(wish)
            await ledger.close(call, campaign, callee, Outcome.CONNECTED, timedelta(0), exposure, wish.now)
    finally:
        await ledger.aclose()


async def _token(process: ControllerProcess) -> str:
    words = ("token", "create", "--role", "read-only", "--label", "bench", "--days", "1", "--json")
    argv = [sys.executable, "-m", "controller", "--config", str(process.config), *words]
    made = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    output, _ = await asyncio.wait_for(made.communicate(), timeout=60)
    if made.returncode:
        raise LabError("no token for the API could be made; what was said is above")
    return str(json.loads(output)["token"])


@asynccontextmanager
async def _listening(states: States) -> AsyncIterator[None]:
    task = asyncio.create_task(states.listen(), name="the agents' states")
    try:
        async with asyncio.timeout(10):
            await states.listening.wait()
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _dial(
    lab: Lab, process: ControllerProcess, campaign: Campaign, states: States, day: Scenario
) -> Run:
    meter = Meter({"controller": process.process.pid, **parts(lab)})
    looks = Looks()
    async with ControlClient(process.socket) as control:
        before, began = meter.read(), lab.mark()
        await control.start_campaign(campaign.id)
        await looks.watch(control, campaign.id, began + day.seconds - lab.mark())
        ended, after = lab.mark(), meter.read()
        status = await control.status()
        await control.stop_campaign(campaign.id)
        if not await until(control, lambda now: _idle(now, campaign.id), _DRAIN):
            raise LabError(f"calls were not over {_DRAIN:g} s after the end")
    calls, attempts, suppressed = await _evidence(lab, process)
    return Run(
        campaign=campaign,
        day=day,
        window=Window(began=began, ended=ended, agents=AGENTS, wrap_up=WRAP_UP.total_seconds()),
        calls=calls,
        attempts=attempts,
        states=states,
        looks=looks,
        judgement=judge(calls, attempts, suppressed, before=successes_before(day)),
        usage=Usage.between(before, after),
        answer_to_command=status.answer_to_command,
        taken_back=campaign_of(status, campaign.id).taken_back,
    )


def _idle(status: ControllerStatus, campaign: CampaignId) -> bool:
    now = campaign_of(status, campaign)
    return now.in_flight + now.talking == 0


async def _evidence(
    lab: Lab, process: ControllerProcess
) -> tuple[list[CalleeCall], list[Attempt], dict[str, int]]:
    """What callees' phones, record and Redis hold, once all of it is written."""
    deadline = time.monotonic() + _RECORDINGS
    while time.monotonic() < deadline:
        calls = await asyncio.to_thread(lab.calls, analyse=False)
        attempts = await asyncio.to_thread(read_attempts, process.records)
        answered = [call for call in calls if call.answered_at is not None]
        over = all(call.ended_at is not None for call in calls)
        if over and all(call.recording for call in answered) and all(a.outcome for a in attempts):
            break
        await asyncio.sleep(_ASK_AGAIN)
    with redis.Redis.from_url(lab.redis_url, decode_responses=True) as reader:
        suppressed = await asyncio.to_thread(read_suppressed, reader)
    calls = await asyncio.to_thread(lab.calls)
    return calls, await asyncio.to_thread(read_attempts, process.records), suppressed


# --- the simulator, and both --------------------------------------------------------------------------------


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
    cores, loads, latency = run.usage.cores(), run.looks.loads, run.answer_to_command
    lines = [
        "cores: " + ", ".join(f"{name} {used:.2f}" for name, used in cores.items()),
        f"load average: {min(loads):.1f} to {max(loads):.1f}, mean {fmean(loads):.1f}",
    ]
    if latency is not None:
        lines.append(
            f"answer to command to bridge: p50 {latency.p50 * 1000:.1f} ms, p99 {latency.p99 * 1000:.1f} ms,"
            f" longest {latency.max * 1000:.0f} ms"
        )
    lost = [call.recording_lost for call in run.calls if call.recording_lost > _LOST]
    if lost:
        lines.append(
            f"{len(lost)} recordings lack up to {max(lost):.2f} s: Asterisk had to wait for the machine"
        )
    if cores["others"] > _BUSY_OTHERS:
        lines.append(f"DISTURBED: other programs used {cores['others']:.2f} cores")
    return lines + [f"for {n} s: {fault}" for fault, n in run.looks.faults.items()]


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
