"""What a hopper does, in Redis as in memory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from redis.crc import key_slot

from controller.domain.ids import ContactId
from controller.errors import RedisUnreachable
from controller.ports import Hopper, HopperEntry, HopperSizes
from controller.ports.hopper import MAX_RANK
from controller.store import keys
from controller.store.hopper import RedisHopper
from controller.store.memory_hopper import MemoryHopper
from tests.contract.hopper.conftest import CAPACITY, LEASE, RedisSubject, Subject
from tests.contract.ledger.subjects import campaign

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
LATER = NOW + LEASE
INSTANT = timedelta(milliseconds=1)


def entry(contact: int, lane: str = "a", rank: int = 0) -> HopperEntry:
    return HopperEntry(contact=ContactId(contact), lane=lane, rank=rank)


def ids(entries: Iterable[HopperEntry]) -> list[int]:
    return [each.contact for each in entries]


async def offered(subject: Subject, *entries: HopperEntry) -> None:
    assert await subject.one.offer(subject.campaign, entries) == len(entries)


async def taken(subject: Subject, count: int, by: Hopper | None = None, lane: str = "a") -> list[int]:
    return ids(await (by or subject.one).take(subject.campaign, [(lane, count)], count, NOW))


async def sizes(subject: Subject) -> HopperSizes:
    return await subject.two.sizes(subject.campaign)


async def test_a_new_one_is_empty(subject: Subject) -> None:
    assert await sizes(subject) == HopperSizes()
    assert await taken(subject, 3) == []
    assert await subject.one.offer(subject.campaign, []) == 0
    assert await subject.one.reclaim(subject.campaign, NOW) == 0
    assert await subject.one.renew(subject.campaign, [ContactId(1)], NOW) == []
    await subject.one.clear(subject.campaign)


async def test_the_lowest_rank_is_taken_first_then_the_lowest_id(subject: Subject) -> None:
    await offered(subject, entry(10, rank=7), entry(9, rank=7), entry(2, rank=10), entry(100, rank=0))
    assert await taken(subject, 3) == [100, 9, 10]
    assert await sizes(subject) == HopperSizes(waiting={"a": 1}, taken=3)
    assert await taken(subject, 3, subject.two) == [2]


async def test_what_was_laid_ready_comes_back_whole(subject: Subject) -> None:
    whole = HopperEntry(contact=ContactId(2**62), lane="Nord-Est | 50 %}", rank=MAX_RANK)
    await offered(subject, whole)
    assert await subject.two.take(subject.campaign, [(whole.lane, 1)], 1, NOW) == [whole]


@pytest.mark.parametrize("lanes", [["", "a", "ab", "a|", "a}", "a~", "A", "à", " "]])
async def test_lanes_are_apart_whatever_they_are_called(subject: Subject, lanes: list[str]) -> None:
    await offered(subject, *(entry(number, lane) for number, lane in enumerate(lanes)))
    assert (await sizes(subject)).waiting == dict.fromkeys(lanes, 1)
    for number, lane in enumerate(lanes):
        assert await taken(subject, 5, lane=lane) == [number]


async def test_lanes_give_their_counts_then_what_is_left(subject: Subject) -> None:
    await offered(subject, *(entry(n) for n in range(4)), *(entry(n, "b") for n in range(10, 12)))
    first = await subject.one.take(subject.campaign, [("b", 1), ("a", 1)], 2, NOW)
    assert ids(first) == [10, 0]
    rest = await subject.one.take(subject.campaign, [("b", 3), ("a", 1), ("c", 1)], 4, NOW)
    assert ids(rest) == [11, 1, 2, 3]


async def test_no_more_than_asked_for(subject: Subject) -> None:
    await offered(subject, *(entry(n) for n in range(4)))
    assert ids(await subject.one.take(subject.campaign, [("a", 3)], 2, NOW)) == [0, 1]
    assert ids(await subject.one.take(subject.campaign, [("a", 3)], 0, NOW)) == []
    assert ids(await subject.one.take(subject.campaign, [], 3, NOW)) == []


async def test_a_contact_is_in_the_hopper_once(subject: Subject) -> None:
    await offered(subject, entry(1), entry(2))
    assert await taken(subject, 1) == [1]
    again = [entry(1, "b"), entry(2, "b"), entry(3, "b"), entry(3, "c")]
    assert await subject.two.offer(subject.campaign, again) == 1
    assert await sizes(subject) == HopperSizes(waiting={"a": 1, "b": 1}, taken=1)


async def test_a_full_lane_takes_no_more(subject: Subject) -> None:
    await offered(subject, *(entry(n) for n in range(CAPACITY - 1)))
    more = [entry(n) for n in range(10, 13)] + [entry(20, "b")]
    assert await subject.one.offer(subject.campaign, more) == 2
    assert (await sizes(subject)).waiting == {"a": CAPACITY, "b": 1}
    assert await subject.one.offer(subject.campaign, [entry(11)]) == 0


async def test_done_makes_room_for_the_next_time(subject: Subject) -> None:
    await offered(subject, entry(1))
    assert await taken(subject, 1) == [1]
    await subject.one.done(subject.campaign, [ContactId(1), ContactId(99)])
    assert await sizes(subject) == HopperSizes()
    await offered(subject, entry(1, "b"))


async def test_who_waits_cannot_be_done(subject: Subject) -> None:
    await offered(subject, entry(1))
    await subject.one.done(subject.campaign, [ContactId(1)])
    await subject.one.give_back(subject.campaign, [ContactId(1)])
    assert await sizes(subject) == HopperSizes(waiting={"a": 1})


async def test_given_back_to_the_front_even_of_a_full_lane(subject: Subject) -> None:
    await offered(subject, *(entry(n, rank=n) for n in range(CAPACITY)))
    assert await taken(subject, 2) == [0, 1]
    await offered(subject, entry(7, rank=7), entry(8, rank=8))
    await subject.one.give_back(subject.campaign, [ContactId(1), ContactId(0), ContactId(1)])
    assert await sizes(subject) == HopperSizes(waiting={"a": CAPACITY + 2})
    assert await taken(subject, 3) == [0, 1, 2]


async def test_only_who_took_it_can_end_it(subject: Subject) -> None:
    await offered(subject, entry(1))
    assert await taken(subject, 1) == [1]
    for call in (subject.two.done, subject.two.give_back):
        await call(subject.campaign, [ContactId(1)])
    assert await subject.two.abandon(subject.campaign) == 0
    assert await subject.two.renew(subject.campaign, [ContactId(1)], NOW) == []
    assert await sizes(subject) == HopperSizes(taken=1)


async def test_what_is_leased_stays_until_the_lease_ends(subject: Subject) -> None:
    await offered(subject, entry(1), entry(2))
    assert await taken(subject, 2) == [1, 2]
    assert await subject.one.renew(subject.campaign, [ContactId(2), ContactId(3)], NOW + INSTANT) == [2]
    assert await subject.two.reclaim(subject.campaign, LATER - INSTANT) == 0
    assert await subject.two.reclaim(subject.campaign, LATER) == 1
    assert await taken(subject, 2, subject.two) == [1]
    assert await subject.two.reclaim(subject.campaign, LATER + INSTANT) == 2


async def test_who_lost_a_lease_cannot_touch_the_next_ones(subject: Subject) -> None:
    await offered(subject, entry(1))
    assert await taken(subject, 1) == [1]
    assert await subject.two.reclaim(subject.campaign, LATER) == 1
    assert await taken(subject, 1, subject.two) == [1]
    await subject.one.done(subject.campaign, [ContactId(1)])
    assert await subject.one.renew(subject.campaign, [ContactId(1)], LATER) == []
    assert await sizes(subject) == HopperSizes(taken=1)


async def test_a_controller_that_starts_anew_gives_its_own_back(subject: Subject) -> None:
    await offered(subject, *(entry(n) for n in range(4)))
    assert await taken(subject, 2) == [0, 1]
    assert await taken(subject, 1, subject.two) == [2]
    assert await subject.one.abandon(subject.campaign) == 2
    assert await sizes(subject) == HopperSizes(waiting={"a": 3}, taken=1)
    assert await taken(subject, 4) == [0, 1, 3]


async def test_cleared(subject: Subject) -> None:
    await offered(subject, entry(1), entry(2), entry(3, "b"), entry(4, "c"))
    assert await taken(subject, 1) == [1]
    await subject.two.clear(subject.campaign, ["a", "b"])
    assert await sizes(subject) == HopperSizes(waiting={"c": 1}, taken=1)
    await subject.one.clear(subject.campaign, [])
    assert await subject.one.offer(subject.campaign, [entry(1, "b"), entry(2, "b"), entry(3)]) == 2
    await subject.one.clear(subject.campaign)
    assert await sizes(subject) == HopperSizes(taken=1)
    await subject.one.give_back(subject.campaign, [ContactId(1)])
    assert await sizes(subject) == HopperSizes(waiting={"a": 1})


async def test_campaigns_and_callers_are_apart(subject: Subject) -> None:
    others = [campaign(subject.campaign.caller, "autumn"), campaign("another", subject.campaign.id)]
    await offered(subject, entry(1))
    for other in others:
        assert await subject.one.sizes(other) == HopperSizes()
        assert await subject.one.offer(other, [entry(1)]) == 1
        await subject.one.clear(other)
    assert await taken(subject, 2) == [1]


@pytest.mark.parametrize(("contact", "rank"), [(-1, 0), (1, -1), (1, MAX_RANK + 1)])
def test_what_cannot_be_kept_in_order_is_refused(contact: int, rank: int) -> None:
    with pytest.raises(ValueError, match="rank"):
        entry(contact, rank=rank)


async def test_memory_told_to_fail_fails_everywhere() -> None:
    hopper = MemoryHopper()
    hopper.fail = True
    with pytest.raises(RedisUnreachable):
        await hopper.sizes(campaign("acme"))
    with pytest.raises(RedisUnreachable):
        await hopper.take(campaign("acme"), [("a", 1)], 1, NOW)


# --- Redis only ---------------------------------------------------------------------------------------------


async def test_one_slot_no_numbers_and_an_end(redis_subject: RedisSubject) -> None:
    where = redis_subject.campaign
    await redis_subject.controllers[0].open()
    await offered(redis_subject, *(entry(n) for n in range(3)))
    await taken(redis_subject, 1)
    names = [name.encode() for name in keys.hopper(where.caller, where.id)]
    assert len({key_slot(name) for name in (*names, keys.flights(where.caller).encode())}) == 1
    for name in names:
        assert 0 < await redis_subject.raw.pttl(name) <= keys.milliseconds(keys.HOPPER_TTL)
    await redis_subject.one.done(where, [ContactId(0)])
    await redis_subject.one.clear(where)
    assert await redis_subject.raw.exists(*names) == 0  # nothing is left behind


async def test_emptied_at_any_time(redis_subject: RedisSubject) -> None:
    where = redis_subject.campaign
    await offered(redis_subject, entry(1), entry(2))
    assert await taken(redis_subject, 1) == [1]
    await redis_subject.raw.delete(*keys.hopper(where.caller, where.id))
    await redis_subject.one.done(where, [ContactId(1)])
    await redis_subject.one.give_back(where, [ContactId(1)])
    assert await redis_subject.one.renew(where, [ContactId(1)], NOW) == []
    assert await sizes(redis_subject) == HopperSizes()
    await offered(redis_subject, entry(2), entry(1))


@pytest.mark.parametrize("part", range(4))
async def test_a_key_of_another_type_breaks_before_anything_is_written(
    redis_subject: RedisSubject, part: int
) -> None:
    where = redis_subject.campaign
    await offered(redis_subject, entry(1), entry(2))
    assert await taken(redis_subject, 1) == [1]
    names = keys.hopper(where.caller, where.id)
    await redis_subject.raw.set(names[part], "a letter to my aunt")
    rest = [name for name in names if name != names[part]]
    before = [await redis_subject.raw.dump(name) for name in rest]
    for call in (
        redis_subject.one.offer(where, [entry(3)]),
        redis_subject.one.take(where, [("a", 1)], 1, NOW),
        redis_subject.one.done(where, [ContactId(1)]),
        redis_subject.one.abandon(where),
        redis_subject.one.clear(where),
    ):
        with pytest.raises(RedisUnreachable):
            await call
    assert [await redis_subject.raw.dump(name) for name in rest] == before


async def test_nobody_there() -> None:
    hopper = RedisHopper("redis://127.0.0.1:1/0", "one", 0.5)
    with pytest.raises(RedisUnreachable):
        await hopper.open()
    with pytest.raises(RedisUnreachable):
        await hopper.take(campaign("acme"), [("a", 1)], 1, NOW)
    await hopper.aclose()
