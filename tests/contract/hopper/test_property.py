"""However two controllers take turns, die and come back: nobody is taken twice while leased, nobody is lost.

Redis and memory get the same operations and must give the same answers; a model of the test's own says what
these may be.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.domain.ids import ContactId
from controller.ports import Hopper, HopperEntry
from lab.redis import Redis
from tests.contract.hopper.conftest import LEASE, MemorySubject, RedisSubject

LANES = ("a", "b")
STEPS = [
    *("offer", "offer", "take", "take", "take", "lost", "done", "done", "back", "renew", "reclaim", "leap"),
    *("kill", "restart"),
]

step = st.tuples(st.sampled_from(STEPS), st.integers(0, 1), st.integers(0, 11))


class World:
    """Two controllers on both hoppers, and what each believes to have."""

    def __init__(self, url: str) -> None:
        self.subjects = (MemorySubject(), RedisSubject(url))
        self.campaign = self.subjects[0].campaign
        self.now = datetime(2026, 3, 2, 10, tzinfo=UTC)
        self.waiting: dict[ContactId, HopperEntry] = {}
        self.leased: dict[ContactId, tuple[int, datetime, HopperEntry]] = {}
        self.hands: tuple[list[ContactId], list[ContactId]] = ([], [])

    async def both(self, who: int, operation: str, *arguments: object) -> object:
        """The answer that both hoppers give."""
        answers = []
        for subject in self.subjects:
            hopper: Hopper = (subject.one, subject.two)[who]
            answers.append(await getattr(hopper, operation)(self.campaign, *arguments))
        assert answers[0] == answers[1]
        return answers[0]

    async def do(self, what: str, who: int, choice: int) -> None:
        hand = self.hands[who]
        some = hand[: 1 + choice % 3]
        match what:
            case "offer":
                await self.offer(who, choice)
            case "take" | "lost":
                await self.take(who, 1 + choice % 4, heard=what == "take")
            case "done":
                await self.both(who, "done", some)
                for contact in self.own(who, some):
                    del self.leased[contact]
                self.drop(who, some)
            case "back":
                await self.both(who, "give_back", some)
                self.put_back(self.own(who, some))
                self.drop(who, some)
            case "renew":
                kept = await self.both(who, "renew", some, self.now)
                assert kept == self.own(who, some)
                for contact in self.own(who, some):
                    self.leased[contact] = (who, self.now + LEASE, self.leased[contact][2])
            case "reclaim":
                over = [contact for contact, (_, ends, _) in self.leased.items() if ends <= self.now]
                assert await self.both(who, "reclaim", self.now) == len(over)
                self.put_back(over)
            case "leap":
                self.now += LEASE * choice / 8
            case "kill":  # what it had in its hands is forgotten, and nobody is told
                hand.clear()
            case "restart":
                mine = [contact for contact, (by, _, _) in self.leased.items() if by == who]
                assert await self.both(who, "abandon") == len(mine)
                self.put_back(mine)
                hand.clear()

    async def offer(self, who: int, choice: int) -> None:
        entries = [
            HopperEntry(contact=ContactId(n % 12), lane=LANES[n % 2], rank=n % 3)
            for n in range(choice, choice + 4)
        ]
        laid = await self.both(who, "offer", entries)
        fresh = [e for e in entries if e.contact not in self.waiting and e.contact not in self.leased]
        for entry in fresh:
            if sum(other.lane == entry.lane for other in self.waiting.values()) < 5:
                self.waiting[entry.contact] = entry
                assert isinstance(laid, int)
                laid -= 1
        assert laid == 0

    async def take(self, who: int, count: int, *, heard: bool) -> None:
        entries = await self.both(who, "take", [("b", 1), ("a", count)], count, self.now)
        assert isinstance(entries, list)
        for entry in entries:
            assert entry.contact not in self.leased  # L: taken by one at a time
            assert self.waiting.pop(entry.contact) == entry
            self.leased[entry.contact] = (who, self.now + LEASE, entry)
            if heard:
                self.hands[who].append(entry.contact)
        assert len(entries) == count or not self.waiting

    def own(self, who: int, contacts: list[ContactId]) -> list[ContactId]:
        return [contact for contact in contacts if contact in self.leased and self.leased[contact][0] == who]

    def put_back(self, contacts: list[ContactId]) -> None:
        self.waiting.update((contact, self.leased.pop(contact)[2]) for contact in contacts)

    def drop(self, who: int, contacts: list[ContactId]) -> None:
        self.hands[who][:] = [contact for contact in self.hands[who] if contact not in contacts]

    async def compare(self) -> None:
        """Nobody is lost: once every lease is over, everybody who was not done can be taken."""
        sizes = [await subject.one.sizes(self.campaign) for subject in self.subjects]
        assert sizes[0] == sizes[1]
        assert sizes[0].taken == len(self.leased)
        assert sum(sizes[0].waiting.values()) == len(self.waiting)
        everybody = set(self.waiting) | set(self.leased)
        self.now += LEASE + timedelta(seconds=1)
        await self.both(0, "reclaim", self.now)
        left = await self.both(1, "take", [(lane, 20) for lane in LANES], 20, self.now)
        assert isinstance(left, list)
        assert sorted(entry.contact for entry in left) == sorted(everybody)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, max_size=30))
def test_any_interleaving_with_kills(redis_server: Redis, steps: list[tuple[str, int, int]]) -> None:
    async def run() -> None:
        world = World(redis_server.url)
        try:
            for what, who, choice in steps:
                await world.do(what, who, choice)
            await world.compare()
        finally:
            await world.subjects[1].close()

    asyncio.run(run())
