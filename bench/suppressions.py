"""A million suppressed numbers: what one costs in Redis, and how fast the ledger answers beside them."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis as Client

from controller.domain.campaign import Campaign
from controller.domain.ids import E164, CallId, CampaignId
from controller.domain.latency import Latency
from controller.domain.outcome import Outcome
from controller.domain.privacy import NumberKey
from controller.law import IT_GARANTE_2014
from controller.ports import Admission, Admitting, Exposure
from controller.store import keys
from controller.store.ledger import RedisLedger
from lab.ports import PortSlot
from lab.provision import toolchain
from lab.redis import Redis

COUNT: Final = 1_000_000
SAMPLES: Final = 5000
"""Questions of each kind; 50 of them lie above the 99th percentile."""
BYTES_LIMIT: Final = 200
"""Bytes of memory that one suppressed number may take."""
P99_LIMIT: Final = 0.001
"""Seconds within which 99 look-ups in 100 must be answered."""

_CALLER: Final = "Acme S.p.A."
_BATCH: Final = 10_000
_FREE: Final = "+39029"
"""How numbers begin that are not suppressed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What came of it.

    Attributes:
        count: suppressed numbers.
        bytes_each: memory that one takes: what Redis allocated for all, divided.
        shown: asking why a number is not called.
        refused: asking to call a number that is suppressed.
        admitted: asking to call one that is not, which takes it.
    """

    count: int
    bytes_each: float
    shown: Latency | None
    refused: Latency | None
    admitted: Latency | None

    @property
    def shortcomings(self) -> list[str]:
        """Which goals were missed; empty if none."""
        found = []
        if not 0 < self.bytes_each < BYTES_LIMIT:
            found.append(f"{self.bytes_each:.0f} bytes each")
        for name, latency in self._questions():
            if latency is None or latency.p99 >= P99_LIMIT:
                found.append(f"{name} p99 {latency.p99 * 1000:.2f} ms" if latency else f"{name} not measured")
        return found

    def _questions(self) -> list[tuple[str, Latency | None]]:
        return [("look-up", self.shown), ("refusal", self.refused), ("admission", self.admitted)]

    def summary(self) -> list[str]:
        """The answers, one a line."""
        missed = self.shortcomings
        return [
            f"{self.count:,} suppressions: {self.bytes_each:.0f} bytes each in Redis "
            f"(goal: below {BYTES_LIMIT})",
            *(
                f"{name} beside them: p50 {latency.p50 * 1000:.2f} ms, p99 {latency.p99 * 1000:.2f} ms, "
                f"max {latency.max * 1000:.2f} ms (goal: p99 below {P99_LIMIT * 1000:g} ms)"
                for name, latency in self._questions()
                if latency
            ),
            f"suppressions: goal missed: {'; '.join(missed)}" if missed else "suppressions: goals met",
        ]

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        goals = {"bytes_limit": BYTES_LIMIT, "p99_limit": P99_LIMIT, "shortcomings": self.shortcomings}
        return asdict(self) | goals


async def measure(count: int = COUNT, samples: int = SAMPLES) -> Measured:
    """Fill a Redis of our own with suppressed numbers, and ask the ledger about them one by one.

    Raises:
        LabError: Redis cannot be started.
    """
    with PortSlot() as slot, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        server = Redis(toolchain(), Path(folder), slot)
        server.configure()
        server.start()
        try:
            bytes_each = await _fill(server.url, count)
            ledger = RedisLedger(server.url, "bench", number_key=NumberKey(bytes(range(32))))
            try:
                await ledger.open()
                return await _ask(ledger, count, samples, bytes_each)
            finally:
                await ledger.aclose()
        finally:
            server.stop()


async def _fill(url: str, count: int) -> float:
    """Write keys as the ledger leaves them after silent calls; returns bytes of memory for each."""
    ttl, now = keys.milliseconds(IT_GARANTE_2014.leave_alone), datetime.now(UTC)
    async with Client.from_url(url) as client:
        before = int((await client.info("memory"))["used_memory"])
        for first in range(0, count, _BATCH):
            async with client.pipeline(transaction=False) as pipe:
                for i in range(first, min(count, first + _BATCH)):
                    value = keys.held(Outcome.SILENT, CallId(f"{i:016x}"), now)
                    pipe.set(keys.suppress(_CALLER, _suppressed(i)), value, px=ttl - i % 1000)
                await pipe.execute()
        after = int((await client.info("memory"))["used_memory"])
    return (after - before) / count


async def _ask(ledger: RedisLedger, count: int, samples: int, bytes_each: float) -> Measured:
    campaign = Campaign(id=CampaignId("bench"), caller=_CALLER, law=IT_GARANTE_2014)
    chosen = [_suppressed(random.randrange(count)) for _ in range(samples)]

    def wish(number: E164, serial: int) -> Admitting:
        return Admitting(
            call=CallId(f"bench-{serial:010}"),
            campaign=campaign,
            number=number,
            covered=True,
            guaranteed=True,
            exposure=Exposure(count=0, serial=serial),
            now=datetime.now(UTC),
        )

    async def show(index: int) -> bool:
        found = await ledger.suppression(_CALLER, chosen[index])
        return found is not None and timedelta(seconds=found.expires_in) > timedelta(days=4)

    async def refuse(index: int) -> bool:
        return (await ledger.admit(wish(chosen[index], index))).admission is Admission.SUPPRESSED

    async def admit(index: int) -> bool:
        free = E164(f"{_FREE}{index:07}")
        return (await ledger.admit(wish(free, samples + index))).admission is Admission.ADMITTED

    return Measured(
        count=count,
        bytes_each=bytes_each,
        shown=await _timed(show, samples),
        refused=await _timed(refuse, samples),
        admitted=await _timed(admit, samples),
    )


async def _timed(ask: Callable[[int], Awaitable[bool]], samples: int) -> Latency | None:
    """How long the right answer took, one question after the other; a wrong one is a bug."""
    seconds = []
    for index in range(samples):
        began = time.perf_counter()
        right = await ask(index)
        seconds.append(time.perf_counter() - began)
        if not right:
            raise AssertionError(f"wrong answer to question {index}")
    return Latency.of(seconds)


def _suppressed(index: int) -> E164:
    return E164(f"+3934{index:08}")
