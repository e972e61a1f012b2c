from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

import pytest

from lab.controller import ControllerProcess
from lab.lab import Lab
from tests.integration.rig import Rig


@pytest.fixture
async def rig(lab: Lab, redis_url: str) -> AsyncIterator[Rig]:
    """A fresh controller, with empty stores; everything it did is undone afterwards."""
    controller = ControllerProcess(lab)
    rig = Rig(lab, controller)
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
