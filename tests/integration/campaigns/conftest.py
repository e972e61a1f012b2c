from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lab.controller import ControllerProcess
from lab.lab import Lab
from tests.integration.rig import Rig, running


@pytest.fixture
async def rig(lab: Lab, redis_url: str) -> AsyncIterator[Rig]:
    """A fresh controller, with empty stores; everything it did is undone afterwards."""
    async with running(lab, ControllerProcess(lab)) as rig:
        yield rig
