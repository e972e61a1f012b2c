from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from controller.ari import AriClient, AriConfig
from tests.fakes.fake_ari import PASSWORD, USER, FakeAri


async def until_lost(ari: AriClient) -> None:
    async with asyncio.timeout(2):
        while ari.connected:  # noqa: ASYNC110 - the client has no event for it, its users read Disconnected
            await asyncio.sleep(0.001)


@pytest.fixture
async def asterisk() -> AsyncIterator[FakeAri]:
    async with FakeAri() as fake:
        yield fake


@pytest.fixture
def configure(asterisk: FakeAri) -> Callable[..., AriConfig]:
    def make(**settings: Any) -> AriConfig:
        defaults = {"url": asterisk.url, "username": USER, "password": PASSWORD, "app": "ctl"}
        return AriConfig(**(defaults | settings))

    return make
