"""Two controllers on one Redis and one database, killed (SIGKILL) at whatever point they are at.

Nobody is dialed twice, nobody is lost.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from controller.domain.outcome import Outcome
from controller.ports import HopperSizes, Records
from controller.store.hopper import RedisHopper
from lab.redis import Redis
from tests.contract.records.builders import SPRING, campaign, new_contact, sql
from tests.contract.records.conftest import directory, file, url

__all__ = ["directory", "file", "url"]

CONTACTS = 90
KILLS = 2
LONGEST = 90.0


class Fleet:
    """Workers by name, each started anew when it was killed."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._workers: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        argv = [sys.executable, "-m", "tests.contract.hopper.worker", name, *self._arguments]
        self._workers[name] = subprocess.Popen(argv)

    def kill(self, name: str) -> None:
        worker = self._workers.pop(name)
        assert worker.poll() is None, f"worker {name} died by itself"
        worker.kill()
        worker.wait(10)

    def stop(self) -> None:
        for name in list(self._workers):
            self.kill(name)


async def dialing(records: Records, fleet: Fleet, hopper: RedisHopper) -> None:
    """Until everybody is done, kill a worker whenever a part of the list is."""
    kills = 0
    while True:
        figures = await records.figures(SPRING)
        if not figures.pending and not figures.open and await hopper.sizes(campaign()) == HopperSizes():
            break
        if kills < KILLS and CONTACTS - figures.pending > (kills + 1) * CONTACTS // (KILLS + 2):
            name = ("one", "two")[kills % 2]
            fleet.kill(name)
            fleet.start(name)
            kills += 1
        await asyncio.sleep(0.02)
    assert kills == KILLS


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def test_killed_at_any_point(
    redis_server: Redis, kind: str, request: pytest.FixtureRequest, url: str, directory: Path
) -> None:
    if kind == "postgresql":
        url = await request.getfixturevalue("postgres").emptied()
    dialed = directory / "dialed"
    dialed.touch()
    hopper = RedisHopper(redis_server.url, "test", 5.0)
    await hopper.clear(campaign())
    fleet = Fleet(redis_server.url, url, str(dialed))
    async with sql(url, timeout=10) as records:
        await records.save_campaign(campaign())
        await records.add_contacts(SPRING, [new_contact(number) for number in range(CONTACTS)])
        try:
            fleet.start("one")
            fleet.start("two")
            async with asyncio.timeout(LONGEST):
                await dialing(records, fleet, hopper)
        finally:
            fleet.stop()
            await hopper.aclose()
        figures = await records.figures(SPRING)
    # Each has one attempt, and was dialed once: or not at all, if its worker died between the two.
    assert figures.by_outcome == {Outcome.NO_ANSWER: CONTACTS}
    counted = Counter(dialed.read_text().split())
    assert set(counted.values()) == {1}
    assert CONTACTS - KILLS <= len(counted) <= CONTACTS
