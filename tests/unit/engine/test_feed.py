"""The feed of live events: order, resuming, and what becomes of slow listeners."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.instants import micros
from controller.engine.feed import Feed
from controller.errors import Refused
from controller.ports.feed import EventFeed

START = datetime(2026, 3, 2, 10, tzinfo=UTC)


class HandClock:
    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def test_it_is_the_port() -> None:
    feed: EventFeed = Feed(HandClock())
    assert feed.publish("call.ended", {}).kind == "call.ended"


@given(st.lists(st.integers(-5, 5)))
def test_ids_grow_whatever_the_clock_does(steps: list[int]) -> None:
    clock = HandClock()
    feed = Feed(clock)
    ids = []
    for step in steps:
        clock.at += timedelta(microseconds=step)
        ids.append(feed.publish("call.ended", {}).id)
    assert ids == sorted(set(ids))


def test_ids_grow_across_restarts(clock: HandClock) -> None:
    old = [Feed(clock).publish("call.ended", {}).id for _ in range(3)][-1]
    clock.at += timedelta(seconds=1)
    feed = Feed(clock)
    assert feed.publish("call.ended", {}).id > old
    assert feed.since(old) is None  # what happened in between nobody knows


@given(st.integers(0, 12), st.integers(0, 12))
def test_what_was_missed_is_whole_or_a_gap(published: int, seen: int) -> None:
    feed = Feed(HandClock(), ring=5)
    ids = [micros(START), *(feed.publish("call.ended", {"n": n}).id for n in range(published))]
    if seen > published:
        return
    missed = feed.since(ids[seen])
    if published - seen <= 5:
        assert missed is not None
        assert [event.id for event in missed] == ids[seen + 1 :]
    else:
        assert missed is None


def test_an_id_that_is_still_to_come_is_a_gap(clock: HandClock) -> None:
    feed = Feed(clock)
    assert feed.since(feed.publish("call.ended", {}).id + 1) is None


async def test_a_listener_resumes_where_it_was(clock: HandClock) -> None:
    feed = Feed(clock)
    events = [feed.publish("call.ended", {"n": n}) for n in range(3)]
    async with feed.listen(after=events[0].id) as listening:
        events.append(feed.publish("call.ended", {"n": 3}))
        assert not listening.gap
        assert [await listening.next(1) for _ in range(3)] == events[1:]
        assert await listening.next(0.001) is None
        assert not listening.ended


async def test_a_new_listener_hears_only_what_is_new(clock: HandClock) -> None:
    feed = Feed(clock)
    feed.publish("call.ended", {})
    async with feed.listen() as listening:
        event = feed.publish("agent.state", {})
        assert [await anext(listening), listening.gap] == [event, False]


async def test_who_comes_too_late_is_told_so(clock: HandClock) -> None:
    feed = Feed(clock, ring=2)
    first = feed.publish("call.ended", {})
    for _ in range(3):
        feed.publish("call.ended", {})
    async with feed.listen(after=first.id) as listening:
        assert listening.gap


async def test_only_the_kinds_asked_for(clock: HandClock) -> None:
    feed = Feed(clock, queue=1)
    before = feed.publish("call.ended", {}).id
    feed.publish("call.answered", {})
    async with feed.listen(before, ["agent.state"]) as listening:
        feed.publish("call.ended", {})
        wanted = feed.publish("agent.state", {})
        assert await listening.next(1) == wanted
        assert listening.position == wanted.id
        # What is passed over is behind as well: resuming from there leaves no gap.
        passed_over = feed.publish("call.ended", {})
        assert listening.position == passed_over.id


async def test_a_slow_listener_is_ended_and_loses_nothing_by_resuming(clock: HandClock) -> None:
    feed = Feed(clock, queue=3)
    async with feed.listen() as slow, feed.listen() as quick:
        published = []
        for n in range(5):
            published.append(feed.publish("call.ended", {"n": n}))
            assert await quick.next(1) == published[-1]
        taken = [event async for event in slow]
        assert taken == published[:3]
        assert slow.ended
        assert not quick.ended
    async with feed.listen(taken[-1].id) as again:
        assert [await again.next(1), await again.next(1)] == published[3:]


async def test_listeners_are_counted(clock: HandClock) -> None:
    feed = Feed(clock, listeners=1)
    async with feed.listen():
        with pytest.raises(Refused, match="1 listen"):
            await feed.listen().__aenter__()
    async with feed.listen():
        pass


async def test_closing_ends_those_who_wait(clock: HandClock) -> None:
    feed = Feed(clock)
    async with feed.listen() as listening, asyncio.timeout(5):
        waiting = asyncio.ensure_future(listening.next(60))
        await asyncio.sleep(0)
        feed.close()
        assert await waiting is None
        assert listening.ended
