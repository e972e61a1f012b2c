"""The hopper is filled ahead, from any source, without ever taking all the time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.campaign import Campaign, ListOrder
from controller.domain.contact import Contact
from controller.domain.ids import E164, CampaignId, ContactId
from controller.engine import filler as module
from controller.engine.filler import DUTY, LOOK_AGAIN, READ, Filler, rank_of
from controller.errors import RecordsUnreachable
from controller.ports.hopper import MAX_RANK
from controller.store.memory_hopper import MemoryHopper
from tests.fakes.call_centre import virtual
from tests.fakes.law import LAX

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
CAMPAIGN = Campaign(id=CampaignId("spring"), caller="acme", law=LAX)
CAPACITY = 10


class VirtualClock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class LoopClock:
    """The time of the event loop."""

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


def contact(number: int, due: datetime | None = None, callback: datetime | None = None) -> Contact:
    return Contact(
        id=ContactId(number),
        campaign=CAMPAIGN.id,
        number=E164("+393471234567"),
        due_at=due,
        callback_at=callback,
    )


class List:
    """A source that has so many contacts in each lane; a look takes ``cost`` seconds."""

    def __init__(self, clock: VirtualClock, **lanes: int) -> None:
        self.clock, self.cost, self.fail = clock, 0.0, False
        self.lanes = {
            lane: [contact(1000 * place + n) for n in range(count)]
            for place, (lane, count) in enumerate(lanes.items())
        }
        self.asked: list[tuple[str, int]] = []

    async def due(self, lane: str, now: datetime, limit: int) -> Sequence[Contact]:
        self.asked.append((lane, limit))
        self.clock.seconds += self.cost
        if self.fail:
            raise RecordsUnreachable
        return self.lanes[lane][:limit]


class World:
    """A filler, its source and its hopper."""

    def __init__(self, **lanes: int) -> None:
        self.clock = VirtualClock()
        self.source = List(self.clock, **lanes)
        self.hopper = MemoryHopper("one", capacity=CAPACITY)
        self.filler = Filler(self.source, self.hopper, self.clock, capacity=CAPACITY)

    async def fill(self) -> float:
        return await self.filler.fill(CAMPAIGN, list(self.source.lanes), self.clock.now())

    async def passing(self, seconds: float) -> None:
        """Fill as often as it wants to be called, for so long."""
        end = self.clock.seconds + seconds
        while self.clock.seconds < end:
            pause = await self.fill()
            self.clock.seconds += pause

    async def dial(self, lane: str, count: int) -> list[int]:
        """Take contacts and be done with them; the source does not offer them again."""
        taken = await self.hopper.take(CAMPAIGN, [(lane, count)], count, self.clock.now())
        ids = [entry.contact for entry in taken]
        await self.hopper.done(CAMPAIGN, ids)
        self.source.lanes[lane] = [each for each in self.source.lanes[lane] if each.id not in ids]
        return list(ids)

    async def waiting(self) -> dict[str, int]:
        return dict((await self.hopper.sizes(CAMPAIGN)).waiting)


@pytest.fixture
def world() -> World:
    return World(a=100, b=3)


async def test_every_lane_is_filled_up_to_its_bound(world: World) -> None:
    assert await world.fill() == LOOK_AGAIN
    assert await world.waiting() == {"a": CAPACITY, "b": 3}
    assert await world.dial("a", 2) == [0, 1]


async def test_a_lane_is_asked_when_it_runs_low_and_not_before(world: World) -> None:
    await world.passing(1)
    await world.dial("a", 4)
    await world.passing(1)
    assert [lane for lane, _ in world.source.asked if lane == "a"] == ["a"]
    await world.dial("a", 1)
    await world.passing(1)
    assert [lane for lane, _ in world.source.asked if lane == "a"] == ["a", "a"]
    assert (await world.waiting())["a"] == CAPACITY


async def test_everybody_is_dialed_once_and_in_order() -> None:
    world, dialed = World(a=57), list[int]()
    for _ in range(30):
        await world.passing(LOOK_AGAIN)
        dialed += await world.dial("a", 4)
    assert dialed == list(range(57))


async def test_a_source_without_more_is_not_asked_again_for_a_while() -> None:
    world = World(b=3)
    await world.passing(60)
    # After 1, 2, 2, ... seconds, and not 120 times.
    assert 25 <= len(world.source.asked) <= 32
    world.source.lanes["b"] += [contact(77)]
    while await world.waiting() != {"b": 4}:
        await world.passing(LOOK_AGAIN)
    before = len(world.source.asked)
    await world.passing(module.REST[0])
    assert len(world.source.asked) > before  # something came: it is watched closely again


async def test_it_can_be_told_that_there_are_more() -> None:
    world = World(b=3)
    await world.passing(60)
    world.source.lanes["b"] += [contact(77)]
    world.filler.awake()
    await world.passing(LOOK_AGAIN)
    assert await world.waiting() == {"b": 4}


async def test_called_too_early_it_does_nothing(world: World) -> None:
    await world.fill()
    await world.dial("a", 10)
    assert await world.fill() == LOOK_AGAIN
    assert await world.waiting() == {"b": 3}
    world.clock.seconds += LOOK_AGAIN
    await world.fill()
    assert (await world.waiting())["a"] == CAPACITY


async def test_it_never_takes_more_than_its_part_of_the_time() -> None:
    world = World(a=1000)
    world.source.cost = 3.0
    began, asked = world.clock.seconds, 0
    for _ in range(20):
        pause = await world.fill()
        world.clock.seconds += pause
        await world.dial("a", 10)
        asked = len(world.source.asked)
    assert asked > 10
    assert asked * world.source.cost <= DUTY * (world.clock.seconds - began) * 1.001


async def test_a_fault_is_told_and_does_not_make_it_hurry(world: World) -> None:
    world.source.fail, world.source.cost = True, 2.0
    with pytest.raises(RecordsUnreachable):
        await world.fill()
    assert await world.fill() == pytest.approx(2.0 * (1 / DUTY - 1))
    world.source.fail = False
    await world.passing(30)
    assert await world.waiting() == {"a": CAPACITY, "b": 3}


@virtual
async def test_kept_filled_beside_the_calls() -> None:
    loop = asyncio.get_running_loop()
    world, told = World(a=30), list[float]()
    world.filler = Filler(world.source, world.hopper, LoopClock(), capacity=CAPACITY)

    def plan() -> tuple[Campaign, list[str]]:
        return CAMPAIGN, list(world.source.lanes)

    keeping = asyncio.create_task(world.filler.keep(plan, lambda: told.append(loop.time())))
    began = loop.time()
    await asyncio.sleep(3)
    assert await world.waiting() == {"a": CAPACITY}
    assert told == [began]
    world.source.fail = True
    await world.dial("a", 10)
    await asyncio.sleep(3)
    assert await world.waiting() == {}
    assert len(told) == 1
    world.source.fail = False
    await asyncio.sleep(1)
    assert await world.waiting() == {"a": CAPACITY}
    assert len(told) == 2
    keeping.cancel()
    await asyncio.wait({keeping})
    assert keeping.cancelled()


async def test_what_a_dead_controller_had_is_put_back(world: World) -> None:
    await world.fill()
    dead = world.hopper.sibling("two")
    lost = await dead.take(CAMPAIGN, [("a", 5)], 5, world.clock.now())
    await world.passing(90)
    ids = await world.dial("a", 5)
    assert ids == [entry.contact for entry in lost]


async def test_redis_is_emptied(world: World) -> None:
    await world.passing(20)
    world.hopper.lose_everything()
    await world.passing(module.REST[1] + LOOK_AGAIN)
    assert await world.waiting() == {"a": CAPACITY, "b": 3}


async def test_who_is_in_two_lanes_does_not_keep_the_second_empty() -> None:
    world = World(a=50, b=0)
    world.source.lanes["b"] = world.source.lanes["a"]
    await world.passing(2)
    assert await world.waiting() == {"a": CAPACITY, "b": CAPACITY}


async def test_one_look_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(a=READ)
    world.hopper = MemoryHopper("one", capacity=2 * READ)
    world.filler = Filler(world.source, world.hopper, world.clock, capacity=2 * READ)
    await world.fill()
    assert world.source.asked == [("a", READ)]


async def test_lanes_of_an_old_plan_are_forgotten(world: World) -> None:
    await world.passing(5)
    await world.filler.fill(CAMPAIGN, ["a"], NOW)
    world.clock.seconds += 1
    await world.filler.fill(CAMPAIGN, ["a"], NOW)
    assert "b" not in world.filler._rests


# --- the order ----------------------------------------------------------------------------------------------

EARLY, LATE = NOW - timedelta(days=2), NOW - timedelta(days=1)
LIST = [
    contact(1),
    contact(2, due=LATE),
    contact(3, due=EARLY),
    contact(4),
    contact(5, due=LATE, callback=LATE),
    contact(6, due=EARLY, callback=EARLY),
]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (ListOrder.RETRIES_FIRST, [6, 5, 3, 2, 1, 4]),
        (ListOrder.FRESH_FIRST, [6, 5, 1, 4, 3, 2]),
        (ListOrder.NEWEST_FIRST, [6, 5, 4, 3, 2, 1]),
    ],
)
async def test_the_order_that_the_campaign_wants(order: ListOrder, expected: list[int]) -> None:
    world = World(a=0)
    world.source.lanes["a"] = LIST
    await world.filler.fill(replace(CAMPAIGN, order=order), ["a"], NOW)
    assert await world.dial("a", 6) == expected


@given(
    number=st.integers(0, 2**63 - 1),
    due=st.none() | st.integers(0, 4000).map(lambda weeks: NOW + timedelta(weeks=weeks)),
    order=st.sampled_from(ListOrder),
)
def test_every_contact_has_a_rank(number: int, due: datetime | None, order: ListOrder) -> None:
    assert 0 <= rank_of(contact(number, due), order) <= MAX_RANK
    assert rank_of(contact(number, due, NOW), order) < rank_of(contact(number, due), order)
