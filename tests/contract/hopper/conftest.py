"""The two hoppers under test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from controller.domain.campaign import Campaign
from controller.ports import Hopper
from controller.store.hopper import RedisHopper
from controller.store.memory_hopper import MemoryHopper
from tests.contract.ledger.conftest import redis_server
from tests.contract.ledger.subjects import campaign, new_caller

__all__ = ["redis_server"]

CAPACITY = 5
LEASE = timedelta(seconds=30)


class Subject:
    """A hopper as two controllers see it, of a campaign that nobody else has."""

    def __init__(self, one: Hopper, two: Hopper) -> None:
        self.one, self.two = one, two
        self.campaign: Campaign = campaign(new_caller())


class RedisSubject(Subject):
    def __init__(self, url: str) -> None:
        self.controllers = [
            RedisHopper(url, name, 5.0, capacity=CAPACITY, lease=LEASE) for name in ("one", "two")
        ]
        self.raw = Redis.from_url(url, protocol=2)
        super().__init__(*self.controllers)

    async def close(self) -> None:
        for controller in self.controllers:
            await controller.aclose()
        await self.raw.aclose()


class MemorySubject(Subject):
    def __init__(self) -> None:
        root = MemoryHopper("one", capacity=CAPACITY, lease=LEASE)
        super().__init__(root, root.sibling("two"))


@pytest.fixture
async def redis_subject(request: pytest.FixtureRequest) -> AsyncIterator[RedisSubject]:
    made = RedisSubject(request.getfixturevalue("redis_server").url)
    yield made
    await made.close()


@pytest.fixture(params=["memory", "redis"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    if request.param == "memory":
        yield MemorySubject()
        return
    made = RedisSubject(request.getfixturevalue("redis_server").url)
    yield made
    await made.close()
