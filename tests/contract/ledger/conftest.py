"""A Redis for the contract tests, made as the lab makes it: durable, own port, own directory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from lab.ports import PortSlot
from lab.provision import toolchain
from lab.redis import Redis
from tests.contract.ledger.subjects import MemorySubject, RedisSubject, Subject


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with PortSlot() as slot:
        server = Redis(toolchain(), tmp_path_factory.mktemp("redis"), slot)
        server.configure()
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture
async def redis_subject(redis_server: Redis) -> AsyncIterator[RedisSubject]:
    subject = RedisSubject(redis_server.url)
    yield subject
    await subject.close()


@pytest.fixture(params=["memory", "redis"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    if request.param == "memory":
        yield MemorySubject()
        return
    made = RedisSubject(request.getfixturevalue("redis_server").url)
    yield made
    await made.close()
