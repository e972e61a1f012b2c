"""The two ledgers under test, and what a test may do to the world around them."""

from __future__ import annotations

import asyncio
import itertools
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from redis.asyncio import Redis

from controller.domain.budget import Budget
from controller.domain.campaign import Campaign, Override
from controller.domain.ids import E164, CallId, CampaignId
from controller.domain.privacy import NumberKey
from controller.domain.regulation import Limit, Regulation
from controller.ports import Admitting, Exposure, Ledger
from controller.store import keys
from controller.store.ledger import RedisLedger
from controller.store.memory_ledger import MemoryLedger
from tests.fakes.law import LAX

NUMBER = E164("+390299990001")
OTHER_NUMBER = E164("+390299990002")
LAW = LAX
KEY = NumberKey(bytes(range(32)))
PLACED = datetime.now(UTC)
"""When a call was placed, where it does not matter."""
SECOND = timedelta(seconds=1)

_callers = itertools.count()
_calls = itertools.count()
_serials = itertools.count(1)


def new_caller() -> str:
    """A caller nobody has used before: tests share the server."""
    return f"Caller {os.getpid()}-{next(_callers)} & Co. {{}}*"


def campaign(caller: str, name: str = "spring", *, override: bool = False, **law: Any) -> Campaign:
    """A campaign; keyword arguments change its regulation, ``silent_share`` its only limit."""
    if (share := law.pop("silent_share", None)) is not None:
        law["limits"] = (Limit(name="campaign", share=share),)
    regulation: Regulation = replace(LAW, **law)
    lifted = Override(author="a test", reason="to see") if override else None
    return Campaign(id=CampaignId(name), caller=caller, law=regulation, override=lifted)


def plain(budget: Budget) -> Budget:
    """A budget without its tallies."""
    return replace(budget, tallies=())


def new_call() -> CallId:
    return CallId(f"{next(_calls):016x}")


def exposure(count: int = 0, serial: int | None = None) -> Exposure:
    """A reading, newer than all before unless told otherwise."""
    return Exposure(count=count, serial=next(_serials) if serial is None else serial)


def wish(
    of: Campaign,
    call: CallId,
    number: E164 = NUMBER,
    *,
    covered: bool = True,
    guaranteed: bool = False,
    agentless: bool = False,
    reading: Exposure | None = None,
    now: datetime | None = None,
) -> Admitting:
    """A wish; without a reading it counts this call alone, if it is exposed."""
    return Admitting(
        call=call,
        campaign=of,
        number=number,
        covered=covered,
        guaranteed=guaranteed,
        exposure=reading or exposure(0 if covered or agentless else 1),
        now=now or datetime.now(UTC),
        agentless=agentless,
    )


class SettableClock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class Subject(Protocol):
    """A ledger and its surroundings."""

    async def ledger(self, controller: str = "one") -> Ledger:
        """The ledger as a controller sees it."""
        ...

    async def pass_time(self, seconds: float) -> None: ...

    async def lifetime(self, caller: str, number: E164 = NUMBER) -> float:
        """Milliseconds that the suppression key has left; 0 if there is none."""
        ...

    async def grant(self, of: Campaign, successes: int) -> None:
        """Let the campaign have had this many successes."""
        ...

    async def lose_everything(self) -> None: ...

    async def close(self) -> None: ...


class MemorySubject:
    def __init__(self) -> None:
        self.clock = SettableClock()
        self.root = MemoryLedger(self.clock, number_key=KEY)

    async def ledger(self, controller: str = "one") -> MemoryLedger:
        return self.root.sibling(controller)

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    async def lifetime(self, caller: str, number: E164 = NUMBER) -> float:
        held = self.root._callers[caller].held.get(number)
        if held is None or held.expires is None:
            return 0.0
        return max(0.0, (held.expires - self.clock.now()) / timedelta(milliseconds=1))

    async def grant(self, of: Campaign, successes: int) -> None:
        books = self.root._books(of)
        books.successes = successes
        books.windows |= {label: [successes, 0] for _, label in of.windows(self.clock.now()) if label}

    async def lose_everything(self) -> None:
        self.root.clear()

    async def close(self) -> None:
        """Nothing to close."""


class RedisSubject:
    def __init__(self, url: str) -> None:
        self.url = url
        self.raw = Redis.from_url(url, protocol=2)
        self._opened: list[RedisLedger] = []

    async def ledger(self, controller: str = "one", timeout: float = 5.0) -> RedisLedger:
        ledger = RedisLedger(self.url, controller, timeout, number_key=KEY)
        self._opened.append(ledger)
        return ledger

    async def pass_time(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def lifetime(self, caller: str, number: E164 = NUMBER) -> float:
        return max(0, await self.raw.pttl(keys.suppress(caller, number)))

    async def grant(self, of: Campaign, successes: int) -> None:
        for label in {"", *(label for _, label in of.windows(datetime.now(UTC)))}:
            field = f"successes:{label}" if label else "successes"
            await self.raw.execute_command(  # type: ignore[no-untyped-call]
                "HSET", keys.budget(of.caller, of.id), field, successes
            )

    async def lose_everything(self) -> None:
        await self.raw.flushall()

    async def close(self) -> None:
        for ledger in self._opened:
            await ledger.aclose()
        await self.raw.aclose()
