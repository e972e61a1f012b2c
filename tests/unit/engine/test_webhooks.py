"""Webhooks: every event to everyone who wants it, once or more under one id, and to nobody else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer

from controller.domain.campaign import Campaign
from controller.domain.contact import NewContact
from controller.domain.ids import E164, CampaignId
from controller.domain.outbox import JobKind, JobState
from controller.domain.signing import verified
from controller.domain.webhook import Subscription
from controller.engine.feed import Feed
from controller.engine.outbox import Outbox
from controller.engine.webhooks import Webhooks
from controller.errors import Refused, Unreachable
from controller.outward.hooks import HttpPoster
from controller.ports import Authorship
from controller.ports.outbox import NewSubscription
from controller.store.memory_records import MemoryRecords
from tests.fakes.law import LAX

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
SECRET = bytes(range(24))
SPRING = CampaignId("spring")


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


class FakePoster:
    """Answers with the statuses it is given, the last one for ever."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers or [200])
        self.posts: list[tuple[str, Mapping[str, str], bytes]] = []

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        self.posts.append((url, headers, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class House:
    def __init__(self, poster: Any, **more: Any) -> None:
        self.records = MemoryRecords(profiles={LAX.name: LAX})
        self.clock = Clock()
        self.feed = Feed(self.clock)
        outward = self.records.outward
        self.hooks = Webhooks(outward.hooks, outward.jobs, outward.leads, poster, self.clock, **more)
        self.outbox = Outbox(outward.jobs, {JobKind.WEBHOOK: self.hooks.send}, self.clock)

    async def subscribed(self, url: str = "https://example.org/hook", **more: Any) -> Subscription:
        known: dict[str, Any] = {
            "url": url,
            "secret": SECRET,
            "kinds": frozenset({"call.ended"}),
            "author": "a",
        }
        return await self.records.outward.hooks.add(NewSubscription(**known | more), NOW)

    async def happened(self, kind: str = "call.ended", **data: Any) -> int:
        self.clock.at += timedelta(seconds=10)
        return await self.hooks.queue([self.feed.publish(kind, {"campaign": SPRING, **data})])

    async def until_waiting(self, count: int) -> None:
        while await self.records.outward.jobs.waiting(JobKind.WEBHOOK) < count:  # noqa: ASYNC110 - as below
            await asyncio.sleep(0.01)

    async def states(self) -> list[tuple[JobState, str]]:
        return [(job.state, job.error) for job in await self.records.outward.jobs.jobs()]

    async def subscription(self) -> Subscription:
        [found] = await self.records.outward.hooks.subscriptions()
        return found


async def test_an_event_is_delivered_signed() -> None:
    poster = FakePoster()
    house = House(poster)
    await house.subscribed()
    assert await house.happened(call="c-1", outcome="connected") == 1
    await house.outbox.drain()
    [(url, headers, body)] = poster.posts
    assert url == "https://example.org/hook"
    assert headers["Content-Type"] == "application/json"
    assert verified(SECRET, headers, body, house.clock.at).startswith("msg_1_main_")
    told = json.loads(body)
    assert told["type"] == "call.ended"
    assert told["data"] == {"campaign": "spring", "call": "c-1", "outcome": "connected"}
    assert datetime.fromisoformat(told["timestamp"]) == house.clock.at


async def test_only_who_wants_an_event_gets_it() -> None:
    house = House(FakePoster())
    await house.subscribed(kinds=frozenset({"lead.stage"}))
    await house.subscribed(campaign="autumn")
    mine = await house.subscribed(campaign="spring")
    off = await house.subscribed()
    await house.records.outward.hooks.disable(off.id, "by anna")
    assert await house.happened() == 1
    [job] = await house.records.outward.jobs.jobs()
    assert job.about == str(mine.id)


async def test_an_event_is_queued_once_however_often_it_is_seen() -> None:
    house = House(FakePoster())
    await house.subscribed()
    event = house.feed.publish("call.ended", {})
    assert [await house.hooks.queue([event]) for _ in range(3)] == [1, 0, 0]


# --- personal data


async def with_ada(house: House) -> None:
    await house.records.save_campaign(Campaign(id=SPRING, caller="Acme", law=LAX))
    ada = NewContact(number=E164("+393471234567"), name="Ada", email="ada@example.org")
    await house.records.add_contacts(SPRING, [ada])


async def test_who_it_was_is_told_only_to_whom_it_may_be() -> None:
    poster = FakePoster()
    house = House(poster)
    await with_ada(house)
    await house.subscribed()
    await house.subscribed(personal=True)
    await house.happened(contact=1, name="Ada", number="+393471234567", notes="ill")
    await house.outbox.drain()
    bodies = [json.loads(body)["data"] for _, _, body in poster.posts]
    plain, personal = sorted(bodies, key=len)
    assert plain == {"campaign": "spring", "contact": 1}
    assert personal["person"] == {
        "name": "Ada",
        "numbers": ["+393471234567"],
        "email": "ada@example.org",
        "attributes": {},
    }
    assert all("Ada" not in str(job.payload) for job in await house.records.outward.jobs.jobs())


async def test_who_was_erased_meanwhile_is_not_told_of() -> None:
    poster = FakePoster()
    house = House(poster)
    await with_ada(house)
    await house.subscribed(personal=True)
    await house.happened(contact=1)
    who = Authorship(author="anna", reason="asked")
    await house.records.people.erase(E164("+393471234567"), who, house.clock.at)
    await house.outbox.drain()
    assert json.loads(poster.posts[0][2])["data"] == {"campaign": "spring", "contact": 1}


# --- what goes wrong


@pytest.mark.parametrize("fault", [500, 429, 302, 404, Unreachable("no answer within 10 s")])
async def test_what_is_not_taken_is_sent_again_under_the_same_id(fault: int | Exception) -> None:
    poster = FakePoster(fault, 204)
    house = House(poster)
    await house.subscribed()
    await house.happened()
    await house.outbox.drain()
    assert (await house.subscription()).failing_since == house.clock.at
    house.clock.at += timedelta(minutes=1)
    await house.outbox.drain()
    assert [state for state, _ in await house.states()] == [JobState.SENT]
    assert (await house.subscription()).failing_since is None
    first, second = poster.posts
    assert first[1]["webhook-id"] == second[1]["webhook-id"]
    assert first[1]["webhook-timestamp"] != second[1]["webhook-timestamp"]
    assert first[2] == second[2]


async def test_a_receiver_that_fails_for_days_is_switched_off_and_says_why() -> None:
    house = House(FakePoster(500), give_up=timedelta(days=3))
    await house.subscribed()
    for _ in range(20):
        await house.happened()
        await house.outbox.drain()
        house.clock.at += timedelta(hours=4)
        if not (await house.subscription()).active:
            break
    off = await house.subscription()
    assert not off.active
    assert off.why == "failing for more than 3 days: the receiver answered 500"
    assert off.failing_since is not None
    assert timedelta(days=3) < house.clock.at - off.failing_since < timedelta(days=4)
    assert {state for state, _ in await house.states()} == {JobState.FAILED, JobState.CANCELLED}
    assert await house.happened() == 0


async def test_one_that_works_in_between_is_not_switched_off() -> None:
    house = House(FakePoster(*[500, 200] * 30), give_up=timedelta(days=1))
    await house.subscribed()
    for _ in range(20):
        await house.happened()
        await house.outbox.drain()
        house.clock.at += timedelta(hours=6)
    assert (await house.subscription()).active


@pytest.mark.parametrize(
    ("answer", "why"),
    [(410, "410 Gone"), (Refused("hooks.example.org leads to no public address"), "no public address")],
)
async def test_what_will_never_work_is_switched_off_at_once(answer: int | Exception, why: str) -> None:
    house = House(FakePoster(answer))
    await house.subscribed()
    await house.happened()
    await house.outbox.drain()
    off = await house.subscription()
    assert not off.active
    assert why in off.why


async def test_what_waits_for_a_subscription_that_is_gone_is_cancelled() -> None:
    poster = FakePoster()
    house = House(poster)
    made = await house.subscribed()
    other = await house.subscribed()
    await house.happened()
    await house.records.outward.hooks.remove(made.id)
    await house.records.outward.hooks.disable(other.id, "by anna")
    await house.outbox.drain()
    assert poster.posts == []
    assert await house.states() == [
        (JobState.CANCELLED, "the subscription was removed"),
        (JobState.CANCELLED, "the subscription is switched off: by anna"),
    ]


async def test_a_receiver_that_fails_does_not_hold_up_the_others() -> None:
    poster = FakePoster(500)
    house = House(poster)
    await house.subscribed()
    for _ in range(30):
        await house.happened()
    tried = await house.outbox.drain()
    assert tried <= 8  # those that were claimed together; the others wait without being tried


async def test_of_too_many_waiting_the_rest_is_dropped_and_counted() -> None:
    house = House(FakePoster(), most_waiting=2)
    await house.subscribed()
    events = [house.feed.publish("call.ended", {}) for _ in range(5)]
    assert await house.hooks.queue(events) == 2
    assert (await house.subscription()).dropped == 3


# --- from the feed


async def test_events_of_the_feed_are_queued_until_it_stops() -> None:
    house = House(FakePoster())
    await house.subscribed()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(house.hooks.run(house.feed, poll=0.01))
        await asyncio.sleep(0.02)
        for _ in range(500):
            house.feed.publish("call.ended", {"campaign": SPRING})
        await house.until_waiting(500)
        house.hooks.stop()


async def test_a_listener_that_was_too_slow_goes_on_where_it_was() -> None:
    house = House(FakePoster())
    house.feed = Feed(house.clock, queue=10, ring=1000)
    await house.subscribed()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(house.hooks.run(house.feed, poll=0.01))
        await asyncio.sleep(0.02)
        for _ in range(100):
            house.feed.publish("call.ended", {"campaign": SPRING})
        await house.until_waiting(100)
        house.hooks.stop()
    assert (await house.subscription()).dropped == 0


async def test_what_the_feed_has_forgotten_is_counted() -> None:
    house = House(FakePoster())
    house.feed = Feed(house.clock, queue=10, ring=20)
    await house.subscribed()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(house.hooks.run(house.feed, poll=0.01))
        await asyncio.sleep(0.02)
        for _ in range(100):
            house.feed.publish("call.ended", {"campaign": SPRING})
        while (await house.subscription()).dropped < 1:  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.01)
        house.hooks.stop()


async def test_a_feed_that_has_no_place_or_is_closed_is_asked_again() -> None:
    house = House(FakePoster())
    house.feed = Feed(house.clock, listeners=0)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        task = group.create_task(house.hooks.run(house.feed, poll=0.01))
        await asyncio.sleep(0.02)
        assert not task.done()
        house.feed._most = 1
        house.feed.close()
        await asyncio.sleep(0.1)
        assert not task.done()
        house.hooks.stop()


async def test_while_the_store_does_not_answer_events_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.engine.webhooks._PAUSE", 0.01)
    house = House(FakePoster())
    await house.subscribed()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(house.hooks.run(house.feed, poll=0.01))
        await asyncio.sleep(0.02)
        house.records.fail = True
        house.feed.publish("call.ended", {"campaign": SPRING})
        await asyncio.sleep(0.05)
        house.records.fail = False
        await house.until_waiting(1)
        house.hooks.stop()


# --- a real receiver


@asynccontextmanager
async def receiver(answers: list[Any], got: list[tuple[str, bytes]]) -> AsyncIterator[BaseTestServer]:
    """A server that misbehaves as it is told, and then takes what it gets."""

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        answer = answers.pop(0) if answers else 200
        if answer == "drop":
            assert request.transport is not None
            request.transport.close()
        if answer == "hang":
            await asyncio.sleep(0.3)
        if isinstance(answer, str):
            return web.Response()
        if answer == 200:
            got.append((verified(SECRET, request.headers, body, datetime.now(UTC)), body))
        return web.Response(status=answer)

    app = web.Application()
    app.router.add_post("/hook", take)
    async with TestServer(app) as server:
        yield server


async def test_through_faults_of_all_kinds_every_event_arrives_once() -> None:
    got: list[tuple[str, bytes]] = []
    async with (
        receiver([500, "drop", "hang", 503, 307], got) as server,
        HttpPoster([ip_network("127.0.0.0/8")], timeout=0.1) as poster,
    ):
        house = House(poster)
        house.clock.at = datetime.now(UTC)
        await house.subscribed(str(server.make_url("/hook")))
        for i in range(3):
            await house.hooks.queue([house.feed.publish("call.ended", {"call": f"c-{i}"})])
        begun = house.clock.at
        for _ in range(8):
            await house.outbox.drain()
            # The receiver looks at the time: sign with the true one, but let what waits be due.
            for job in await house.records.outward.jobs.jobs(state=JobState.QUEUED):
                jobs: Any = house.records.outward.jobs
                jobs._jobs[job.id] = type(job)(
                    **{name: getattr(job, name) for name in type(job).__slots__} | {"due_at": begun}
                )
    assert sorted(json.loads(body)["data"]["call"] for _, body in got) == ["c-0", "c-1", "c-2"]
    assert len({message for message, _ in got}) == 3
    assert {state for state, _ in await house.states()} == {JobState.SENT}
