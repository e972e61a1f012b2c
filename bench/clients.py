"""One step of each client on a lab: the bare one as a child process, the controller with a campaign."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import asdict
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Final

from bench import bare, plan
from bench.results import Step, Transport
from bench.window import Window, measure
from controller.api.client import ControlClient
from controller.domain.agent import AgentState
from controller.domain.campaign import Campaign, CampaignState
from controller.domain.contact import NewContact
from controller.domain.ids import E164, CampaignId
from controller.domain.latency import Latency
from controller.domain.pacing import Mode
from controller.ports import CampaignStatus, ControllerStatus
from lab.controller import ControllerProcess, Value
from lab.errors import LabError
from lab.lab import Lab

BARE_APP: Final = "bare"
_ROOT: Final = Path(__file__).resolve().parent.parent
_ASK_AGAIN: Final = 0.1
_AFTER: Final = 10.0
"""Seconds that calls get to end after the last was due to be placed."""
_LOGINS_AT_ONCE: Final = 8
_LOGINS: Final = 30.0


async def measure_bare(lab: Lab, transport: Transport, rate: float) -> Step:
    """One step of the bare client."""
    seconds = plan.window(rate)
    numbers = plan.callees(plan.calls(rate, seconds))
    orders = bare.Orders(
        url=lab.ari_url,
        username=lab.ari_user,
        password=lab.ari_password,
        app=BARE_APP,
        transport=transport,
        rate=rate,
        endpoints=[lab.dial_string.format(number=number) for number in numbers],
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.bare", cwd=_ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        outcome, window = await _watch_bare(lab, process, orders, seconds)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    return Step(
        client="bare",
        transport=transport,
        rate=rate,
        seconds=window.usage.seconds,
        answered=window.answered(lab),
        cpu=window.usage.cpu["client"],
        latency=Latency.of(outcome.lags),
        failures=[f"{outcome.failed} requests refused"] if outcome.failed else [],
        cores=window.usage.cores(),
    )


async def _watch_bare(
    lab: Lab, process: asyncio.subprocess.Process, orders: bare.Orders, seconds: float
) -> tuple[bare.Outcome, Window]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(asdict(orders)).encode())
    process.stdin.close()
    async with asyncio.timeout(plan.WARM_UP + seconds + plan.TAIL + bare.LAST_CALLS + _AFTER):
        if not await process.stdout.readline():
            raise LabError("the bare client could not connect; what it said is above")
        window = await measure(lab, process.pid, seconds)
        outcome = bare.Outcome(**json.loads(await process.stdout.read()))
        await process.wait()
        return outcome, window


class Loaded:
    """A running controller with agents, to be loaded with campaigns."""

    def __init__(self, lab: Lab, transport: Transport, process: ControllerProcess) -> None:
        self._lab = lab
        self._transport = transport
        self._process = process
        self._names = (CampaignId(f"bench-{number}") for number in count(1))

    async def measure(self, rate: float) -> Step:
        """One step: a campaign of its own, in which every call is bridged."""
        seconds = plan.window(rate)
        calls = min(plan.calls(rate, seconds), plan.most_callees())
        campaign = await self._save(next(self._names), rate, calls)
        async with ControlClient(self._process.socket) as control:
            began = self._lab.mark()
            await control.start_campaign(campaign)
            window = await measure(self._lab, self._process.process.pid, seconds)
            latency = (await control.status()).answer_to_command
            failures = await self._end(control, campaign, calls)
        outcomes = await self._outcomes(campaign)
        failures += [
            f"{n} calls {what or 'never ended'}" for what, n in outcomes.items() if what != "connected"
        ]
        answered = sum(call.answered_at is not None for call in self._lab.calls(began, analyse=False))
        if answered != outcomes.total():
            failures.append(f"{outcomes.total()} calls in the records, {answered} answered by callees")
        return Step(
            client="controller",
            transport=self._transport,
            rate=rate,
            seconds=window.usage.seconds,
            answered=window.answered(self._lab),
            cpu=window.usage.cpu["client"],
            latency=latency,
            failures=failures,
            cores=window.usage.cores(),
        )

    async def _save(self, name: CampaignId, rate: float, calls: int) -> CampaignId:
        campaign = Campaign(
            id=name,
            law=self._process.law,
            caller=name,  # its own: a number that got a silent call is left alone by the same caller
            dial_string=self._lab.dial_string,
            trunk=self._lab.trunk_endpoint,
            wrap_up=timedelta(0),
            mode=Mode.RATIO,
            overdial=1.0,
            calls_per_second=rate,
        )
        async with self._process.open_records() as records:
            await records.save_campaign(campaign)
            await records.add_contacts(name, [NewContact(number=E164(n)) for n in plan.callees(calls)])
        return name

    async def _end(self, control: ControlClient, campaign: CampaignId, calls: int) -> list[str]:
        """Wait until every contact was called and no call is up; what is not done in time is a failure."""
        failures = []
        if not await until(control, lambda status: _campaign(status, campaign).placed >= calls, _AFTER):
            failures.append("fell behind")
        halted = _campaign(await control.status(), campaign)
        if halted.state is CampaignState.RUNNING:  # contacts that failed would be tried again
            await control.pause_campaign(campaign, "the benchmark's step is over")
        elif halted.state is not CampaignState.FINISHED:
            failures.append(f"{halted.state.value}: {halted.reason}")
        if not await until(control, lambda status: _idle(_campaign(status, campaign)), _AFTER):
            failures.append("calls did not end")
        return failures

    async def _outcomes(self, campaign: CampaignId) -> Counter[str]:
        """Calls by outcome, from the record store; "" for those that have none in time."""
        deadline = time.monotonic() + _AFTER
        while True:
            found = self._recorded(campaign)
            if not found[""] or time.monotonic() > deadline:
                return found
            await asyncio.sleep(_ASK_AGAIN)

    def _recorded(self, campaign: CampaignId) -> Counter[str]:
        with closing(sqlite3.connect(f"file:{self._process.records}?mode=ro", uri=True)) as db:
            rows = db.execute(
                "SELECT coalesce(outcome, ''), count(*) FROM attempts WHERE campaign = ? GROUP BY 1",
                (campaign,),
            )
            return Counter(dict(rows))


@asynccontextmanager
async def loaded_controller(lab: Lab, transport: Transport) -> AsyncIterator[Loaded]:
    """A controller process with every phone of the lab logged in, while entered."""
    overrides: dict[str, dict[str, Value]] = {
        "controller": {"log_level": "info"},
        "asterisk": {"transport": transport},
    }
    process = ControllerProcess(lab, overrides=overrides)
    try:
        await process.start()
        await log_in(lab, process)
        yield Loaded(lab, transport, process)
    finally:
        await asyncio.to_thread(process.process.stop)
        shutil.rmtree(process.root, ignore_errors=True)


async def log_in(lab: Lab, process: ControllerProcess) -> None:
    """Log all phones in, but for those that an earlier controller has left seated."""
    async with ControlClient(process.socket) as control:
        there = _present(await control.status())
        some = asyncio.Semaphore(_LOGINS_AT_ONCE)

        async def one(phone: str) -> None:
            async with some:
                await lab.phone_login(phone)

        async with asyncio.TaskGroup() as tasks:
            for phone in lab.phones:
                if phone not in there:
                    tasks.create_task(one(phone))
        if not await until(control, lambda status: _present(status) >= set(lab.phones), _LOGINS):
            raise LabError(f"not all agents are logged in after {_LOGINS:g} s")


def _present(status: ControllerStatus) -> set[str]:
    return {agent.id for agent in status.agents if agent.state is not AgentState.AWAY}


def _campaign(status: ControllerStatus, campaign: CampaignId) -> CampaignStatus:
    return next(each for each in status.campaigns if each.id == campaign)


def _idle(campaign: CampaignStatus) -> bool:
    return campaign.in_flight + campaign.talking == 0


async def until(control: ControlClient, holds: Callable[[ControllerStatus], bool], timeout: float) -> bool:
    """Wait until the controller's status says so; False if it does not in time."""
    deadline = time.monotonic() + timeout
    while not holds(await control.status()):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_ASK_AGAIN)
    return True
