"""The next contact, of ten thousand and of ten million: how long it takes, and how that grows.

Measured is what the dialer waits for: ids out of the hopper in Redis, and their rows by primary key. Filling
the hopper goes on beside the calls, and is measured apart; so is the query that finds due contacts, which a
dialer without a hopper waits for.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from controller.domain.campaign import Campaign
from controller.domain.contact import Contact
from controller.domain.ids import CampaignId, ContactId
from controller.domain.instants import micros
from controller.domain.latency import Latency
from controller.domain.privacy import NumberKey
from controller.engine.clock import SystemClock
from controller.engine.filler import Filler
from controller.law import IT_GARANTE_2014
from controller.store.hopper import RedisHopper
from controller.store.records import SqlRecords
from lab.ports import PortSlot
from lab.provision import toolchain
from lab.redis import Redis

COUNTS: Final = (10_000, 10_000_000)
SAMPLES: Final = 2000
GROWTH_LIMIT: Final = 2.0
"""Times as long that the next contact may take of the long list, in the median."""

_BATCH: Final = 100_000
_AHEAD: Final = 200
"""Contacts that one look without a hopper reads."""
_ROUND: Final = 250
"""Contacts taken between two fillings."""
_NOW: Final = datetime(2026, 11, 24, 10, tzinfo=UTC)

# Of four contacts one is done, one is due later, one is due (the last one longest), one was never called.
_FILL: Final = """
WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last)
INSERT INTO contacts (id, campaign, number, name, attributes, attempts, operator_due, due_at, status, person,
                      segment, zone, region)
SELECT i, :campaign, '+3934' || printf('%08d', i), 'Maria Rossi', '{"city": "Bologna", "debt": "120"}',
       i % 2, 0, CASE i % 4 WHEN 1 THEN :now + i WHEN 2 THEN :now - i END,
       CASE i % 4 WHEN 0 THEN 'done' ELSE 'pending' END, printf('%022d', i), '', '', ''
FROM n
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfList:
    """What came of one list.

    Attributes:
        contacts: how many it has.
        megabytes: of the database.
        next: taking one contact from the hopper and reading its row.
        filled: laying ready what half a hopper lacks, beside the calls.
        query: reading due contacts without a hopper, ``_AHEAD`` at a time.
    """

    contacts: int
    megabytes: float
    next: Latency | None
    filled: Latency | None
    query: Latency | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What came of it: the shortest list first."""

    lists: Sequence[OfList]

    @property
    def growth(self) -> float:
        """How many times as long the next contact takes of the longest list, in the median."""
        first, last = self.lists[0].next, self.lists[-1].next
        return last.p50 / first.p50 if first and last else float("inf")

    @property
    def shortcomings(self) -> list[str]:
        """Which goals were missed; empty if none."""
        return [f"growth {self.growth:.1f}"] if self.growth > GROWTH_LIMIT else []

    def summary(self) -> list[str]:
        """The answers, one a line."""
        lines = []
        for each in self.lists:
            lines.append(f"{each.contacts:,} contacts, {each.megabytes:,.0f} MB:")
            for name, latency in (
                ("next contact", each.next),
                ("filling", each.filled),
                (f"query for {_AHEAD}", each.query),
            ):
                if latency:
                    lines.append(
                        f"  {name:<13} p50 {latency.p50 * 1000:6.2f} ms, p99 {latency.p99 * 1000:6.2f} ms, "
                        f"max {latency.max * 1000:6.2f} ms"
                    )
        missed = self.shortcomings
        lines.append(
            f"next contact: {self.growth:.2f} times as long of the longest list "
            f"(goal: at most {GROWTH_LIMIT:g}){': goal missed' if missed else ''}"
        )
        return lines

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self) | {"growth": self.growth, "shortcomings": self.shortcomings}


async def measure(counts: Sequence[int] = COUNTS, samples: int = SAMPLES) -> Measured:
    """Make lists of these lengths, and dial through a part of each.

    They take turns, so that what else the machine does concerns all of them.

    Raises:
        LabError: Redis cannot be started.
    """
    async with AsyncExitStack() as stack:
        slot = stack.enter_context(PortSlot())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        server = Redis(toolchain(), folder, slot)
        server.configure()
        server.start()
        stack.callback(server.stop)
        dialings = [await _made(stack, folder, server.url, count) for count in counts]
        for dialing in dialings:
            await dialing.warm_up()
        for _ in range(-(-samples // _ROUND)):
            for dialing in dialings:
                await dialing.round(min(samples, _ROUND))
        return Measured(lists=[dialing.result() for dialing in dialings])


async def _made(stack: AsyncExitStack, folder: Path, redis_url: str, count: int) -> _Dialing:
    campaign = Campaign(id=CampaignId(f"bench-{count}"), caller="Acme S.p.A.", law=IT_GARANTE_2014)
    file = folder / f"{campaign.id}.sqlite"
    url, key = f"sqlite+aiosqlite:///{file}", NumberKey(bytes(range(32)))
    async with SqlRecords(url, timeout=30, number_key=key) as records:
        await records.save_campaign(campaign)
    _make_list(file, campaign.id, count)
    records = await stack.enter_async_context(SqlRecords(url, timeout=30, number_key=key))
    hopper = await stack.enter_async_context(aclosing(RedisHopper(redis_url, "bench", 30.0)))
    return _Dialing(file, campaign, count, records, hopper)


def _make_list(file: Path, campaign: CampaignId, count: int) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as raw:
        for pragma in ("synchronous=OFF", "cache_size=-500000", "journal_mode=WAL"):
            raw.execute(f"PRAGMA {pragma}")
        for first in range(1, count + 1, _BATCH):
            last = min(count, first + _BATCH - 1)
            values = {"first": first, "last": last, "now": micros(_NOW), "campaign": campaign}
            raw.execute(_FILL, values)
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class _Dialing:
    """A dialer that takes one contact of a list after the other, and a filler that keeps ahead of it."""

    def __init__(
        self, file: Path, campaign: Campaign, count: int, records: SqlRecords, hopper: RedisHopper
    ) -> None:
        self._file = file
        self._campaign = campaign
        self._count = count
        self._records = records
        self._hopper = hopper
        self._taken: list[ContactId] = []
        self._taking: list[float] = []
        self._filling: list[float] = []
        self._querying: list[float] = []

    async def due(self, lane: str, now: datetime, limit: int) -> Sequence[Contact]:
        """The source of the one lane."""
        return await self._records.due_contacts(self._campaign.id, now, limit)

    async def warm_up(self) -> None:
        """Do everything once, so that connections are open and statements known."""
        await self._fill()
        await self._next()
        await self.due("", _NOW, _AHEAD)

    async def round(self, count: int) -> None:
        """Take so many contacts, fill the hopper again, and ask without it."""
        self._taking += [await _seconds(self._next) for _ in range(count)]
        await self._mark_in_flight()
        self._filling.append(await _seconds(self._fill))
        self._querying += [await _seconds(lambda: self.due("", _NOW, _AHEAD)) for _ in range(count // 10)]

    def result(self) -> OfList:
        """What came of it."""
        return OfList(
            contacts=self._count,
            megabytes=self._file.stat().st_size / 1e6,
            next=Latency.of(self._taking),
            filled=Latency.of(self._filling),
            query=Latency.of(self._querying),
        )

    async def _fill(self) -> None:
        # A new filler each time: it does not rest, and here nobody waits for it.
        await Filler(self, self._hopper, SystemClock()).fill(self._campaign, [""], _NOW)

    async def _next(self) -> None:
        taken = await self._hopper.take(self._campaign, [("", 1)], 1, _NOW)
        ids = [entry.contact for entry in taken]
        (found,) = await self._records.contacts_by_id(ids)
        if found.done or found.in_flight:
            raise AssertionError(f"contact {found.contact.id} was laid ready and must not be called")
        self._taken += ids

    async def _mark_in_flight(self) -> None:
        """As recording an attempt does, so that the source offers them no more."""
        await self._hopper.done(self._campaign, self._taken)
        with closing(sqlite3.connect(self._file)) as raw, raw:
            raw.executemany(
                "UPDATE contacts SET status = 'in_flight' WHERE id = ?", [[each] for each in self._taken]
            )
        self._taken.clear()


async def _seconds(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began
