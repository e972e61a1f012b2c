"""The API on memory's twins, served on a port of this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import pytest

from controller.api.rest import Bounds, RestConfig, RestServer, Services
from controller.app_api import services_of
from controller.domain.access import TOKEN_BYTES, Role, Secret
from controller.domain.campaign import Campaign
from controller.domain.ids import AgentId, CampaignId
from controller.domain.privacy import NumberKey
from controller.engine.feed import Feed
from controller.engine.import_desk import ImportDesk
from controller.law import IT_GARANTE_2014
from controller.ports.tokens import Token
from controller.store.contact_edits import MemoryContactEdits
from controller.store.memory_ledger import MemoryLedger
from controller.store.memory_records import MemoryRecords
from controller.store.memory_tokens import MemoryAnswers, MemoryTokens
from tests.fakes.law import LAX
from tests.unit.api.operations import FakeOperations

KEY = NumberKey(bytes(range(32)))
PROFILES = {LAX.name: LAX, IT_GARANTE_2014.name: IT_GARANTE_2014}
AGENT = AgentId("1001")
TEMPLATE = Campaign(id=CampaignId("-"), caller="acme", caller_number="+390299887766", law=LAX)
SECRETS = {role: Secret.of(bytes([number]) * TOKEN_BYTES) for number, role in enumerate(Role, start=1)}
"""A token for each role."""


class HandClock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 2, 10, tzinfo=UTC)
        self.seconds = 1000.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class World:
    """Everything behind the API."""

    clock: HandClock = field(default_factory=HandClock)
    operations: FakeOperations = field(default_factory=FakeOperations)
    tokens: MemoryTokens = field(default_factory=MemoryTokens)
    answers: MemoryAnswers = field(default_factory=MemoryAnswers)
    records: MemoryRecords = field(default_factory=lambda: MemoryRecords(profiles=PROFILES, number_key=KEY))

    def __post_init__(self) -> None:
        self.ledger = MemoryLedger(self.clock, number_key=KEY)
        self.feed = Feed(self.clock)

    def services(self, imports: ImportDesk) -> Services:
        records = self.records
        return services_of(
            operations=self.operations,
            records=records,
            ledger=self.ledger,
            lists=records.lists,
            evidence=records.evidence,
            people=records.people,
            tokens=self.tokens,
            answers=self.answers,
            contact_edits=MemoryContactEdits(records),
            imports=imports,
            outward=records.outward,
            segments=records.segments,
            work=records.work,
            feed=self.feed,
            clock=self.clock,
            key=KEY,
            template=TEMPLATE,
            profiles=PROFILES,
            agents={AGENT: "Anna", AgentId("1002"): "Bea"},
        )

    async def add_tokens(self) -> None:
        for role, secret in SECRETS.items():
            agent = AGENT if role is Role.AGENT else None
            token = Token(id=secret.id, role=role, label=role.value, created_at=self.clock.now(), agent=agent)
            await self.tokens.add(token, secret.digest)


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    headers: Any
    body: Any
    text: str


class Client:
    """Asks the API as a role."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self.session = session
        self.base = f"http://127.0.0.1:{port}"

    async def __call__(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        role: Role | None = Role.ADMIN,
        headers: dict[str, str] | None = None,
        data: bytes | None = None,
        params: dict[str, str] | None = None,
    ) -> Said:
        sent = dict(headers or {})
        if role is not None:
            sent.setdefault("Authorization", f"Bearer {SECRETS[role].text}")
        url = self.base + (path if path.startswith(("/api", "/metrics")) else f"/api/v1{path}")
        async with self.session.request(
            method, url, json=json, data=data, headers=sent, params=params
        ) as answer:
            text = await answer.text()
            body = await answer.json(content_type=None) if "json" in answer.content_type and text else None
            return Said(answer.status, answer.headers, body, text)


@asynccontextmanager
async def served(world: World, config: RestConfig) -> AsyncIterator[RestServer]:
    """The API on a world, with a place for uploads that is gone afterwards."""
    with TemporaryDirectory() as directory:
        desk = ImportDesk(world.records, Path(directory) / "imports", world.clock, feed=world.feed)
        async with desk, RestServer(config, world.services(desk)) as server:
            yield server


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def config() -> RestConfig:
    return RestConfig(
        port=0, requests_per_second=1000, burst=1000, failures_per_minute=1000, bounds=Bounds(seconds=5)
    )


@pytest.fixture
async def client(world: World, config: RestConfig) -> AsyncIterator[Client]:
    await world.add_tokens()
    async with served(world, config) as server, aiohttp.ClientSession() as session:
        yield Client(session, server.port)
