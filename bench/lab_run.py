"""A campaign on a lab of its own, and all that is left of it as evidence when it is over."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import redis

from bench.clients import log_in, until
from bench.lab_day import AGENTS, RING_TIMEOUT, WRAP_UP, people, scenario, successes_before
from bench.lab_figures import Window
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
from controller.simulation.scenario import Scenario
from controller.store.ledger import RedisLedger
from lab.controller import ControllerProcess, Value
from lab.demo.judgement import Attempt, Judgement, judge
from lab.demo.stores import read_attempts, read_suppressed
from lab.errors import LabError
from lab.evidence import CalleeCall
from lab.lab import Lab

_CAMPAIGN: Final = CampaignId("pacing-lab")
_LISTENING: Final = 10.0
_DRAIN: Final = 150.0
"""Seconds in which the last conversation ends; none lasts longer than 99 s."""
_RECORDINGS: Final = 20.0
_ASK_AGAIN: Final = 0.5


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
        except Exception:
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
        async with asyncio.timeout(_LISTENING):
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
