"""What the campaign tests stand on: a controller process on the lab, and readers that do not trust it."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import redis

from controller.api.client import ControlClient
from controller.domain.agent import AgentState
from controller.domain.campaign import Campaign, CampaignState
from controller.domain.contact import Consent, NewContact
from controller.domain.ids import E164, AgentId, CampaignId
from controller.domain.pacing import Mode
from controller.errors import Refused
from controller.ports import ControllerStatus
from lab.controller import ControllerProcess
from lab.evidence import CalleeCall
from lab.lab import Lab

CALLER = "acme"
FIVE_DAYS = 432_000


@asynccontextmanager
async def running(lab: Lab, controller: ControllerProcess, api_port: int = 0) -> AsyncGenerator[Rig]:
    """A rig whose controller runs; everything it did is undone afterwards."""
    rig = Rig(lab, controller, api_port)
    try:
        await controller.start()
        yield rig
        if controller.process.alive:
            await rig.log_out_all()
    finally:
        rig.redis.close()
        controller.process.stop()
        print(controller.log_tail(200))  # shown by pytest where the test failed
        shutil.rmtree(controller.root, ignore_errors=True)


class Rig:
    """A controller on the lab, with a second reader of Redis and SQL beside it."""

    def __init__(self, lab: Lab, controller: ControllerProcess, api_port: int = 0) -> None:
        self.lab = lab
        self.api_port = api_port
        self.controller = controller
        self.began = lab.mark()
        self.redis = redis.Redis.from_url(lab.redis_url, decode_responses=True, socket_timeout=2)

    # --- doing ----------------------------------------------------------------------------------------

    async def campaign(
        self, name: str, numbers: Sequence[str], consent: Consent | None = None, **changes: Any
    ) -> Campaign:
        """Store a campaign with these contacts; not started."""
        campaign = Campaign(
            id=CampaignId(name),
            caller=CALLER,
            law=self.controller.law,
            dial_string=self.lab.dial_string,
            trunk=self.lab.trunk_endpoint,
            wrap_up=timedelta(0),
            mode=Mode.RATIO,
            overdial=1.0,
        )
        campaign = replace(campaign, **changes)
        async with self.controller.open_records() as records:
            await records.save_campaign(campaign)
            contacts = [NewContact(number=E164(n), consent=consent) for n in numbers]
            await records.add_contacts(campaign.id, contacts)
        return campaign

    def control(self) -> ControlClient:
        """The way the CLI speaks to the controller."""
        return ControlClient(self.controller.socket)

    async def start(self, name: str) -> None:
        async with self.control() as control:
            await control.start_campaign(CampaignId(name))

    async def log_in(self, *phones: str) -> None:
        """Log phones in by the feature code; returns when the controller has seated them."""
        for phone in phones:
            await self.lab.phone_login(phone)
        await self.until(lambda s: set(phones) <= {a.id for a in s.agents if a.state is not AgentState.AWAY})

    async def log_out_all(self) -> None:
        """Let all agents go, also in the middle of a campaign.

        A campaign may finish, or an agent hang up, between the look at the status and the command: the
        command is refused then, and what it was for holds already. Anything else shows in the wait below.
        """
        async with self.control() as control:
            status = await control.status()
            for campaign in status.campaigns:
                if campaign.state is CampaignState.RUNNING:
                    with suppress(Refused):
                        await control.pause_campaign(campaign.id)
            for agent in status.agents:
                if agent.state is not AgentState.AWAY:
                    with suppress(Refused):
                        await control.agent_logout(AgentId(agent.id))
        await self.until(lambda s: all(a.state is AgentState.AWAY for a in s.agents), timeout=20)

    # --- waiting --------------------------------------------------------------------------------------

    async def until(
        self, holds: Callable[[ControllerStatus], bool], timeout: float = 10.0
    ) -> ControllerStatus:
        """Wait until the controller's own status says so."""
        deadline = time.monotonic() + timeout
        async with self.control() as control:
            while not holds(status := await control.status()):
                assert time.monotonic() < deadline, f"not within {timeout} s: {status}"
                await asyncio.sleep(0.02)
        return status

    async def callees(self, count: int, timeout: float = 15.0) -> list[CalleeCall]:
        """The callees' own record, when at least ``count`` calls are over."""
        return await self.lab.ended_calls(count, since=self.began, timeout=timeout)

    async def answered(self, count: int = 1, timeout: float = 10.0) -> None:
        """Wait until callees have picked up ``count`` calls."""
        deadline = time.monotonic() + timeout
        while True:
            calls = self.lab.calls(self.began, analyse=False)
            if sum(call.answered_at is not None for call in calls) >= count:
                return
            assert time.monotonic() < deadline, f"not answered within {timeout} s: {calls}"
            await asyncio.sleep(0.01)

    async def rings(self, count: int = 1, timeout: float = 10.0) -> None:
        """Wait until callees' phones ring."""
        deadline = time.monotonic() + timeout
        while sum(call.rang_at is not None for call in self.lab.calls(self.began, analyse=False)) < count:
            assert time.monotonic() < deadline, f"nothing rings within {timeout} s"
            await asyncio.sleep(0.01)

    # --- judging, without asking the controller -------------------------------------------------------

    def outcomes(self) -> dict[str, str | None]:
        """What the record store says became of each number."""
        with closing(sqlite3.connect(f"file:{self.controller.records}?mode=ro", uri=True)) as db:
            return dict(db.execute("SELECT number, outcome FROM attempts"))

    def attempts(self) -> list[dict[str, Any]]:
        """The record store's attempts, raw."""
        with closing(sqlite3.connect(f"file:{self.controller.records}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute("SELECT * FROM attempts")]

    def suppressed_for(self, number: str) -> float:
        """Seconds for which Redis leaves the number alone; 0 if it may be called."""
        return max(0.0, float(self.redis.pttl(f"cc:{{{CALLER}}}:suppress:{number}")) / 1000)

    def counters(self, campaign: str) -> dict[str, int]:
        """The campaign's budget in Redis."""
        found = self.redis.hgetall(f"cc:{{{CALLER}}}:budget:{campaign}")
        return {str(name): int(count) for name, count in found.items()}

    async def settled(self, count: int, timeout: float = 10.0) -> None:
        """Wait until the record store holds ``count`` ended attempts and Redis no flight."""
        deadline = time.monotonic() + timeout
        while True:
            ended = sum(outcome is not None for outcome in self.outcomes().values())
            if ended >= count and not self.redis.hlen(f"cc:{{{CALLER}}}:flights"):
                return
            assert time.monotonic() < deadline, f"not settled within {timeout} s: {self.outcomes()}"
            await asyncio.sleep(0.05)


def unattended(call: CalleeCall) -> float:
    """Seconds for which an answered callee had no agent, by the callee's own record."""
    assert call.answered_at is not None
    if call.agent_heard_after is not None:
        return call.agent_heard_after
    assert call.ended_at is not None
    return call.ended_at - call.answered_at


def keeps_the_law(call: CalleeCall) -> None:
    """L1 and L2 for one answered call, judged by the callee's phone and recording."""
    assert unattended(call) < 3.0, f"L1: {unattended(call):.3f} s without an agent: {call}"
    assert call.first_audio_after is not None, f"L2: nothing heard: {call}"
    assert call.first_audio_after <= 0.2, f"L2: silent for {call.first_audio_after:.3f} s: {call}"
    assert call.longest_silence_before_agent <= 0.2, f"L2: a gap in the noise: {call}"
