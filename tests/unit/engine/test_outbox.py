"""The outbox: every job is sent, refused or given up, and says why."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.outbox import (
    SENT,
    Backoff,
    Job,
    JobKind,
    JobState,
    NewJob,
    Verdict,
    again,
    blocked,
)
from controller.engine.outbox import Handler, Outbox, OutboxSettings
from controller.errors import BadInput, Unreachable
from controller.store.memory_records import MemoryRecords

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
QUICK = OutboxSettings(
    concurrency=3,
    poll=0.01,
    limit=0.2,
    backoffs=dict.fromkeys(JobKind, Backoff(first=timedelta(minutes=1), tries=3)),
)


class Clock:
    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records() -> MemoryRecords:
    return MemoryRecords()


def outbox(records: MemoryRecords, clock: Clock, handler: Handler, **more: object) -> Outbox:
    return Outbox(records.outward.jobs, {JobKind.MAIL: handler}, clock, QUICK, **more)  # type: ignore[arg-type]


async def queued(records: MemoryRecords, count: int = 1, kind: JobKind = JobKind.MAIL) -> None:
    jobs = [NewJob(kind=kind, key=f"{kind.value}-{i}", about="spring", due_at=START) for i in range(count)]
    await records.outward.jobs.put(jobs, START)


async def states(records: MemoryRecords) -> list[tuple[JobState, str]]:
    return [(job.state, job.error) for job in await records.outward.jobs.jobs()]


async def test_all_that_is_due_is_sent_few_at_a_time(records: MemoryRecords, clock: Clock) -> None:
    await queued(records, 10)
    now, most = 0, 0

    async def send(job: Job) -> Verdict:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        return SENT

    assert await outbox(records, clock, send).drain() == 10
    assert most == QUICK.concurrency
    assert await states(records) == [(JobState.SENT, "")] * 10


async def test_what_fails_is_tried_again_later_and_given_up_at_last(
    records: MemoryRecords, clock: Clock
) -> None:
    await queued(records)
    tried: list[datetime] = []

    async def send(job: Job) -> Verdict:
        tried.append(clock.at)
        return again("no answer")

    worker = outbox(records, clock, send)
    for _ in range(30):
        await worker.drain()
        clock.at += timedelta(seconds=30)
    assert len(tried) == 3
    assert timedelta(seconds=48) <= tried[1] - tried[0] <= timedelta(seconds=90)
    assert timedelta(seconds=144) <= tried[2] - tried[1] <= timedelta(seconds=246)
    assert await states(records) == [(JobState.FAILED, "given up after 3 tries: no answer")]


async def test_one_that_works_at_the_second_try_is_sent(records: MemoryRecords, clock: Clock) -> None:
    await queued(records)

    async def send(job: Job) -> Verdict:
        if job.tries == 1:
            raise Unreachable("the mail server sleeps")
        return SENT

    worker = outbox(records, clock, send)
    await worker.drain()
    assert await states(records) == [(JobState.QUEUED, "the mail server sleeps")]
    clock.at += timedelta(hours=1)
    await worker.drain()
    assert await states(records) == [(JobState.SENT, "")]


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        (BadInput("template", "no such value"), JobState.FAILED, "no such value"),
        (ValueError("+393471234567"), JobState.FAILED, "a bug: ValueError"),
        (Unreachable("records"), JobState.QUEUED, "records"),
    ],
)
async def test_a_job_that_cannot_be_handled_stops_no_other(
    records: MemoryRecords, clock: Clock, error: Exception, state: JobState, words: str
) -> None:
    await queued(records, 2)

    async def send(job: Job) -> Verdict:
        if job.id == 1:
            raise error
        return SENT

    await outbox(records, clock, send).drain()
    first, second = await states(records)
    assert first[0] is state
    assert words in first[1]
    assert "347" not in first[1]
    assert second == (JobState.SENT, "")


async def test_a_job_that_hangs_is_ended_and_tried_again(records: MemoryRecords, clock: Clock) -> None:
    await queued(records)

    async def send(job: Job) -> Verdict:
        await asyncio.sleep(30)
        return SENT

    await outbox(records, clock, send).drain()
    assert await states(records) == [(JobState.QUEUED, "not done within 0.2 s")]


async def test_jobs_of_a_kind_that_nobody_sends_wait(records: MemoryRecords, clock: Clock) -> None:
    await queued(records, kind=JobKind.WEBHOOK)

    async def send(job: Job) -> Verdict:
        raise AssertionError

    assert await outbox(records, clock, send).drain() == 0
    assert await states(records) == [(JobState.QUEUED, "")]


async def test_after_a_crash_in_the_middle_it_is_sent_under_the_same_key(
    records: MemoryRecords, clock: Clock
) -> None:
    await queued(records)
    keys: list[tuple[str, int]] = []
    begun = asyncio.Event()

    async def die(job: Job) -> Verdict:
        keys.append((job.key, job.tries))
        begun.set()
        raise asyncio.CancelledError

    dying = asyncio.create_task(outbox(records, clock, die).run())
    await begun.wait()
    dying.cancel()
    await asyncio.wait([dying])

    async def send(job: Job) -> Verdict:
        keys.append((job.key, job.tries))
        return SENT

    worker = outbox(records, clock, send)
    assert await worker.drain() == 0  # its lease may still be somebody's
    clock.at += QUICK.lease
    assert await worker.drain() == 1
    assert keys == [("mail-0", 1), ("mail-0", 2)]


async def test_two_workers_send_each_job_once(records: MemoryRecords, clock: Clock) -> None:
    await queued(records, 20)
    sent: list[int] = []

    async def send(job: Job) -> Verdict:
        sent.append(job.id)
        await asyncio.sleep(0)
        return SENT

    one, two = (outbox(records, clock, send, controller_id=name) for name in "ab")
    await asyncio.gather(one.drain(), two.drain())
    assert sorted(sent) == list(range(1, 21))


async def test_it_runs_until_it_is_stopped_and_ends_what_it_began(
    records: MemoryRecords, clock: Clock
) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def send(job: Job) -> Verdict:
        began.set()
        await go_on.wait()
        return SENT

    worker = outbox(records, clock, send)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        await queued(records, 5)
        await began.wait()
        worker.stop()
        go_on.set()
    found = [state for state, _ in await states(records)]
    assert found.count(JobState.SENT) == QUICK.concurrency
    assert found.count(JobState.QUEUED) == 5 - QUICK.concurrency


async def test_it_waits_for_a_record_store_that_does_not_answer(records: MemoryRecords, clock: Clock) -> None:
    sent = asyncio.Event()

    async def send(job: Job) -> Verdict:
        sent.set()
        return blocked("opted out")

    await queued(records)
    records.fail = True
    worker = outbox(records, clock, send)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        await asyncio.sleep(0.05)
        assert not sent.is_set()
        records.fail = False
        await sent.wait()
        worker.stop()
    assert await states(records) == [(JobState.BLOCKED, "opted out")]


async def test_a_bug_in_a_chore_stops_no_job(records: MemoryRecords, clock: Clock) -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    async def send(job: Job) -> Verdict:
        return SENT

    await queued(records)
    assert await outbox(records, clock, send, chores=[broken]).drain() == 1
    assert await states(records) == [(JobState.SENT, "")]


async def test_chores_are_done_at_each_look_and_rare_ones_seldom(
    records: MemoryRecords, clock: Clock
) -> None:
    done: list[str] = []

    async def often() -> None:
        done.append("often")

    async def rarely() -> None:
        done.append("rarely")

    async def send(job: Job) -> Verdict:
        return SENT

    worker = outbox(records, clock, send, chores=[often], rare=[rarely])
    await worker.drain()
    await worker.drain()
    clock.at += timedelta(hours=2)
    await worker.drain()
    assert done == ["often", "rarely", "often", "often", "rarely"]


# --- how long to wait


@given(tries=st.integers(1, 10_000), spread=st.floats(0, 1))
def test_waits_are_bounded_and_end(tries: int, spread: float) -> None:
    backoff = Backoff()
    pause = backoff.pause(tries, spread)
    if tries >= backoff.tries:
        assert pause is None
    else:
        assert pause is not None
        assert backoff.first * 0.79 < pause <= backoff.longest * 1.2


def test_waits_grow() -> None:
    backoff = Backoff(first=timedelta(seconds=10), factor=2, longest=timedelta(seconds=35), tries=9)
    assert [backoff.pause(tries, 0.5) for tries in range(1, 5)] == [
        timedelta(seconds=seconds) for seconds in (10, 20, 35, 35)
    ]
