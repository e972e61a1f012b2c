"""The API as the controller opens it: on real records, with a token made for it."""

from __future__ import annotations

import socket
from pathlib import Path

import aiohttp
import pytest

from controller.app_api import open_api
from controller.config import Settings
from controller.domain.access import TOKEN_BYTES, Role, Secret
from controller.engine.clock import SystemClock
from controller.engine.feed import Feed
from controller.ports.tokens import Token
from controller.store.memory_ledger import MemoryLedger
from controller.store.records import SqlRecords
from tests.unit.api.operations import FakeOperations


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def settings_of(tmp_path: Path, *, enabled: bool, port: int) -> Settings:
    tables = {
        "controller": {"state_dir": str(tmp_path)},
        "asterisk": {"password": "x"},
        "api": {"enabled": enabled, "port": port},
        "campaign_defaults": {"caller": "acme"},
    }
    return Settings(**tables)  # type: ignore[arg-type]


async def test_it_is_served_on_real_records(tmp_path: Path, port: int) -> None:
    settings, clock = settings_of(tmp_path, enabled=True, port=port), SystemClock()
    secret = Secret.of(bytes(TOKEN_BYTES))
    token = Token(id=secret.id, role=Role.ADMIN, label="a test", created_at=clock.now())
    base, bearer = f"http://127.0.0.1:{port}/api/v1", {"Authorization": f"Bearer {secret.text}"}
    async with SqlRecords(settings.records_url, number_key=settings.number_key()) as records:
        await records.tokens.add(token, secret.digest)
        ledger = MemoryLedger(clock)
        async with (
            open_api(settings, FakeOperations(), records, ledger, clock, Feed(clock)),
            aiohttp.ClientSession(headers=bearer) as session,
        ):
            async with session.post(f"{base}/campaigns", json={"id": "spring"}) as answer:
                assert answer.status == 201, await answer.text()
            contacts = {"contacts": [{"number": "347 1234567", "tags": ["vip"]}]}
            once = {"Idempotency-Key": "k"}
            for replayed in (None, "true"):
                url = f"{base}/campaigns/spring/contacts"
                async with session.post(url, json=contacts, headers=once) as answer:
                    assert (await answer.json())["stored"] == 1
                    assert answer.headers.get("Idempotent-Replayed") == replayed
            list_ = b"phone,name\n+39 347 7654321,Ada\n"
            csv = {"Content-Type": "text/csv"}
            async with session.post(f"{base}/campaigns/spring/imports", data=list_, headers=csv) as answer:
                assert (await answer.json())["stored"] == 1
            question = {"campaign": "spring", "text": "tags has vip"}
            async with session.post(f"{base}/segments/count", json=question) as answer:
                assert await answer.json() == {"contacts": 1}
            async with session.get(f"{base}/campaigns/spring/report") as answer:
                assert (await answer.json())["contacts"] == 2


async def test_where_it_is_not_enabled_nothing_listens(tmp_path: Path, port: int) -> None:
    settings, clock = settings_of(tmp_path, enabled=False, port=port), SystemClock()
    async with (
        SqlRecords(settings.records_url, number_key=settings.number_key()) as records,
        open_api(settings, FakeOperations(), records, MemoryLedger(clock), clock, Feed(clock)),
    ):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
