"""Contacts in the shared hopper while controllers die: nobody is called twice, and nobody is lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

from controller.domain.ids import CampaignId
from controller.domain.retry import RetryRule
from lab.numbers import Behaviour, number
from tests.integration.rig import Rig

_CLOSED_BY_THE_DEATH = ("lost", "silent")
"""What a call may have become that was in flight when the controller died; its number is left alone."""


async def test_when_a_controller_dies_nobody_is_called_twice_and_nobody_is_lost(rig: Rig) -> None:
    callees = [number(Behaviour.PERSON, ring=0.4, hold=1, serial=serial) for serial in range(24)]
    await rig.campaign("c", callees, retry=RetryRule(max_attempts=1), wrap_up=timedelta(0))
    await rig.log_in("1001", "1002", "1003")
    await rig.start("c")
    for calls in (4, 12):
        await rig.answered(calls)
        rig.controller.process.kill()
        await asyncio.sleep(1.0)
        await rig.controller.start()
    # Taken by the dead controller, and given back at once by its next life, which has the same name.
    await rig.settled(24, timeout=40)
    rang = Counter(call.number for call in rig.lab.calls(rig.began, analyse=False))
    assert set(rang) == set(callees)
    assert set(rang.values()) == {1}
    outcomes = rig.outcomes()
    assert set(outcomes) == set(callees)
    assert all(outcome == "connected" or outcome in _CLOSED_BY_THE_DEATH for outcome in outcomes.values())
    left = rig.redis.keys(f"cc:{{acme}}:hopper:{CampaignId('c')}*")
    assert all(not rig.redis.zcard(key) for key in left if rig.redis.type(key) == "zset")
