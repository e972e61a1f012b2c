"""What only the twin in memory can do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import pytest

from controller.domain.outcome import Outcome
from controller.errors import RedisUnreachable, Unreachable
from controller.ports import Ledger
from controller.store.memory_ledger import MemoryLedger
from tests.contract.ledger.subjects import (
    NUMBER,
    PLACED,
    MemorySubject,
    SettableClock,
    campaign,
    exposure,
    new_call,
    new_caller,
    wish,
)


async def test_failing_on_demand() -> None:
    ledger = MemoryLedger(SettableClock())
    port: Ledger = ledger
    one, call = campaign(new_caller()), new_call()
    ledger.fail = True
    asks: list[Callable[[], Awaitable[object]]] = [
        port.check,
        port.ping,
        partial(port.admit, wish(one, call)),
        partial(port.connected, call, one, exposure()),
        partial(port.close, call, one, NUMBER, Outcome.BUSY, timedelta(0), exposure(), PLACED),
        partial(port.report, one, exposure()),
        partial(port.budget, one),
        partial(port.flights, one.caller),
        partial(port.suppression, one.caller, NUMBER),
        partial(port.suppressions, one.caller),
    ]
    for ask in asks:
        with pytest.raises(RedisUnreachable):
            await ask()
    assert issubclass(RedisUnreachable, Unreachable)
    ledger.fail = False
    await port.ping()
    assert await port.flights(one.caller) == []


async def test_what_is_over_is_forgotten_in_time() -> None:
    subject = MemorySubject()
    ledger, one = await subject.ledger(), campaign(new_caller())
    for _ in range(3):
        for _ in range(1500):
            await ledger.close(new_call(), one, NUMBER, Outcome.BUSY, timedelta(0), exposure(), PLACED)
        await subject.pass_time(2 * 86_400)
    assert len(ledger._callers[one.caller].closed) < 3100
