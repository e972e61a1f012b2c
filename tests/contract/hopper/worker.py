"""A controller as far as its contacts are concerned; run as a process of its own, to be killed at any point.

    python -m tests.contract.hopper.worker NAME REDIS_URL RECORDS_URL DIALED

It takes contacts, records an attempt for each, writes a line into DIALED for each that the store let it
dial, and ends the attempt. When it starts it puts right what its predecessor left. It never ends by itself.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from controller.domain.call import Call
from controller.domain.campaign import Campaign
from controller.domain.contact import Contact
from controller.domain.ids import CallId
from controller.domain.outcome import Outcome
from controller.engine.clock import SystemClock
from controller.engine.filler import Filler
from controller.ports import AttemptEnd
from controller.store.hopper import RedisHopper
from controller.store.records import SqlRecords
from tests.contract.records.builders import ended, sql

LEASE = timedelta(seconds=0.3)
CAPACITY = 20


class Worker:
    def __init__(self, campaign: Campaign, records: SqlRecords, hopper: RedisHopper, dialed: int) -> None:
        self.campaign = campaign
        self.records = records
        self.hopper = hopper
        self.dialed = dialed
        self.names = (CallId(f"{os.getpid()}-{number}") for number in itertools.count())

    async def due(self, lane: str, now: datetime, limit: int) -> Sequence[Contact]:
        return await self.records.due_contacts(self.campaign.id, now, limit)

    async def recover(self) -> None:
        """End what a predecessor left under way, and give back what it held."""
        for call in await self.records.open_attempts():
            await self._end(call)
        await self.hopper.abandon(self.campaign)

    async def work(self) -> None:
        filler = Filler(self, self.hopper, SystemClock(), capacity=CAPACITY)
        while True:
            taken = await self.hopper.take(self.campaign, [("", 3)], 3, datetime.now(UTC))
            if not taken:
                await filler.fill(self.campaign, [""], datetime.now(UTC))
                await asyncio.sleep(0.01)
                continue
            ids = [entry.contact for entry in taken]
            for listed in await self.records.contacts_by_id(ids):
                call = Call(id=next(self.names), contact=listed.contact)
                if await self.records.attempt_started(call, self.campaign) is None:
                    os.write(self.dialed, f"{listed.contact.id}\n".encode())
                    await self._end(call)
                await self.hopper.done(self.campaign, [listed.contact.id])

    async def _end(self, call: Call) -> None:
        over = ended(call, Outcome.NO_ANSWER)
        await self.records.attempt_ended(AttemptEnd(call=over, next_due=None, counts_as_attempt=True))


async def main(name: str, redis_url: str, records_url: str, dialed: str) -> None:
    hopper = RedisHopper(redis_url, name, 5.0, capacity=CAPACITY, lease=LEASE)
    out = os.open(dialed, os.O_WRONLY | os.O_APPEND)
    async with sql(records_url, timeout=10, controller_id=name, linger=0.001) as records:
        (row,) = await records.campaigns()
        worker = Worker(row.campaign, records, hopper, out)
        await worker.recover()
        await worker.work()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
