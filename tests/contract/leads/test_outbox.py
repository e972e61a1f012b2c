from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from controller.domain.outbox import SENT, Job, JobKind, JobState, NewJob, again, blocked, failed
from controller.errors import Unreachable
from controller.ports.outbox import NewSubscription
from controller.store.memory_records import MemoryRecords
from tests.contract.records.builders import DAY, HOUR, NOW, Store, sql

LEASE, MINUTE = timedelta(minutes=5), timedelta(minutes=1)
BOTH = [JobKind.MAIL, JobKind.WEBHOOK]


def job(key: str, due_at: datetime = NOW, kind: JobKind = JobKind.MAIL, about: str = "spring") -> NewJob:
    return NewJob(kind=kind, key=key, about=about, due_at=due_at, payload={"what": "followup", "è": 1})


async def claimed(records: Store, claim: str, now: datetime = NOW, limit: int = 10) -> list[Job]:
    return list(await records.outward.jobs.claim(BOTH, claim, now, limit=limit, lease=LEASE))


async def test_a_job_is_queued_once_for_ever(records: Store) -> None:
    jobs = records.outward.jobs
    assert await jobs.put([job("a"), job("b"), job("a")], NOW) == 2
    assert await jobs.put([job("b"), job("c")], NOW) == 1
    [first, *_] = await claimed(records, "me")
    assert await jobs.settle(first, SENT, NOW)
    assert await jobs.put([job("a")], NOW) == 0
    assert [found.key for found in await jobs.jobs()] == ["a", "b", "c"]


async def test_a_long_list_is_queued_whole(records: Store) -> None:
    assert await records.outward.jobs.put([job(str(i)) for i in range(150)], NOW) == 150
    assert await records.outward.jobs.waiting(JobKind.MAIL) == 150


async def test_jobs_are_claimed_when_due_the_longest_due_first(records: Store) -> None:
    await records.outward.jobs.put(
        [job("later", NOW + HOUR), job("now"), job("before", NOW - HOUR), job("hook", kind=JobKind.WEBHOOK)],
        NOW,
    )
    found = await records.outward.jobs.claim([JobKind.MAIL], "me", NOW, limit=10, lease=LEASE)
    assert [each.key for each in found] == ["before", "now"]
    assert found[0].payload == {"what": "followup", "è": 1}
    assert (found[0].tries, found[0].state, found[0].claim) == (1, JobState.SENDING, "me")
    assert [each.key for each in await claimed(records, "other")] == ["hook"]


async def test_nobody_gets_a_claimed_job_before_its_lease_ends(records: Store) -> None:
    await records.outward.jobs.put([job("a")], NOW)
    [mine] = await claimed(records, "me")
    assert await claimed(records, "other", NOW + LEASE - timedelta(seconds=1)) == []
    [theirs] = await claimed(records, "other", NOW + LEASE)
    assert theirs.tries == 2
    assert not await records.outward.jobs.settle(mine, SENT, NOW + LEASE)  # it is not mine any more
    await records.outward.jobs.note(mine, {"stale": True})
    [now] = await records.outward.jobs.jobs()
    assert (now.state, now.payload) == (JobState.SENDING, mine.payload)
    assert await records.outward.jobs.settle(theirs, SENT, NOW + LEASE)


async def test_many_who_claim_at_once_never_get_the_same(records: Store) -> None:
    await records.outward.jobs.put([job(str(i)) for i in range(40)], NOW)
    found = await asyncio.gather(*(claimed(records, f"worker-{i}", limit=7) for i in range(8)))
    keys = [each.key for some in found for each in some]
    assert len(keys) == len(set(keys)) == 40


async def test_two_controllers_never_claim_the_same(url: str) -> None:
    async with sql(url, timeout=10) as one, sql(url, timeout=10) as two:
        await one.outward.jobs.put([job(str(i)) for i in range(30)], NOW)
        found = await asyncio.gather(
            *(claimed(store, f"{i}", limit=4) for i, store in enumerate([one, two] * 5))
        )
        keys = [each.key for some in found for each in some]
        assert len(keys) == len(set(keys)) == 30


async def test_a_job_that_did_not_work_is_due_again_later(records: Store) -> None:
    await records.outward.jobs.put([job("a")], NOW)
    [first] = await claimed(records, "me")
    assert await records.outward.jobs.settle(first, again("no answer"), NOW, NOW + HOUR)
    assert await claimed(records, "you") == []
    [second] = await claimed(records, "you", NOW + HOUR)
    assert (second.tries, second.error) == (2, "no answer")


async def test_an_ended_job_stays_with_its_reason_and_is_never_claimed(records: Store) -> None:
    await records.outward.jobs.put([job("a"), job("b")], NOW)
    one, two = await claimed(records, "me")
    await records.outward.jobs.settle(one, blocked("opted out"), NOW)
    await records.outward.jobs.settle(two, failed("no such mailbox"), NOW)
    assert await claimed(records, "me again", NOW + DAY) == []
    assert [(j.state, j.error, j.ended_at) for j in await records.outward.jobs.jobs()] == [
        (JobState.BLOCKED, "opted out", NOW),
        (JobState.FAILED, "no such mailbox", NOW),
    ]
    assert dict(await records.outward.jobs.counts()) == {
        (JobKind.MAIL, JobState.BLOCKED): 1,
        (JobKind.MAIL, JobState.FAILED): 1,
    }


async def test_what_is_noted_is_repeated_at_the_next_try(records: Store) -> None:
    await records.outward.jobs.put([job("a")], NOW)
    [first] = await claimed(records, "me")
    await records.outward.jobs.note(first, {"version": 3})
    await records.outward.jobs.settle(first, again("no answer"), NOW, NOW)
    assert (await claimed(records, "me too"))[0].payload == {"version": 3}


async def test_a_person_takes_jobs_out_and_puts_them_back(records: Store) -> None:
    jobs = records.outward.jobs
    await jobs.put([job("a"), job("b")], NOW)
    one, two = await jobs.jobs()
    assert await jobs.cancel(one.id, "by anna", NOW)
    assert not await jobs.cancel(one.id, "by anna", NOW)
    assert [each.key for each in await claimed(records, "me")] == ["b"]
    assert not await jobs.cancel(two.id, "too late", NOW)  # it is being sent
    assert not await jobs.revive(two.id, NOW)
    assert await jobs.revive(one.id, NOW + MINUTE)
    [back] = await claimed(records, "me again", NOW + MINUTE)
    assert (back.key, back.tries, back.error) == ("a", 1, "")


async def test_what_was_blocked_cannot_be_put_back(records: Store) -> None:
    await records.outward.jobs.put([job("a")], NOW)
    [one] = await claimed(records, "me")
    await records.outward.jobs.settle(one, blocked("opted out"), NOW)
    assert not await records.outward.jobs.revive(one.id, NOW)


async def test_jobs_of_one_owner_are_held_and_cancelled_together(records: Store) -> None:
    jobs, hook = records.outward.jobs, JobKind.WEBHOOK
    await jobs.put([job(f"{about}-{i}", kind=hook, about=about) for about in "12" for i in range(2)], NOW)
    assert await jobs.waiting(hook, "1") == 2
    assert await jobs.hold(hook, "1", NOW + HOUR) == 2
    assert [each.key for each in await claimed(records, "me")] == ["2-0", "2-1"]
    assert await jobs.cancel_about(hook, "1", "disabled", NOW) == 2
    assert await jobs.waiting(hook, "1") == 0
    assert await jobs.waiting(hook) == 2
    assert [each.key for each in await jobs.jobs(about="1", state=JobState.CANCELLED)] == ["1-0", "1-1"]


async def test_old_webhooks_are_forgotten_and_mails_never(records: Store) -> None:
    jobs = records.outward.jobs
    await jobs.put([job("mail"), job("hook", kind=JobKind.WEBHOOK), job("open", kind=JobKind.WEBHOOK)], NOW)
    for each in await claimed(records, "me"):
        if each.key != "open":
            await jobs.settle(each, SENT, NOW)
    assert await jobs.forget(NOW) == 0
    assert await jobs.forget(NOW + DAY) == 1
    assert [each.key for each in await jobs.jobs()] == ["mail", "open"]


async def test_jobs_are_listed_by_page(records: Store) -> None:
    await records.outward.jobs.put([job(str(i)) for i in range(5)], NOW)
    first = await records.outward.jobs.jobs(limit=2)
    rest = await records.outward.jobs.jobs(after=first[-1].id, kind=JobKind.MAIL)
    assert [each.key for each in [*first, *rest]] == ["0", "1", "2", "3", "4"]


# --- subscriptions


NEW = NewSubscription(
    url="https://example.org/hook", secret=bytes(24), kinds=frozenset({"call.ended"}), author="anna"
)


async def test_a_subscription_is_kept_as_it_was_made(records: Store) -> None:
    hooks = records.outward.hooks
    made = await hooks.add(NEW, NOW)
    assert (made.url, made.secret, made.kinds, made.active) == (NEW.url, NEW.secret, NEW.kinds, True)
    other = await hooks.add(NEW, NOW)
    assert list(await hooks.subscriptions()) == [made, other]
    assert await hooks.subscription(other.id) == other
    assert await hooks.remove(other.id)
    assert not await hooks.remove(other.id)
    assert await hooks.subscription(other.id) is None


async def test_a_subscription_remembers_since_when_it_fails(records: Store) -> None:
    hooks = records.outward.hooks
    made = await hooks.add(NEW, NOW)
    assert await hooks.undelivered(made.id, NOW) == NOW
    assert await hooks.undelivered(made.id, NOW + HOUR) == NOW
    await hooks.delivered(made.id)
    assert await hooks.undelivered(made.id, NOW + DAY) == NOW + DAY
    assert await hooks.undelivered(99, NOW) is None


async def test_a_disabled_subscription_says_why_and_begins_anew(records: Store) -> None:
    hooks = records.outward.hooks
    made = await hooks.add(NEW, NOW)
    await hooks.undelivered(made.id, NOW)
    await hooks.drop(made.id, 3)
    await hooks.drop(made.id, 2)
    assert await hooks.disable(made.id, "failing for 3 days")
    now = await hooks.subscription(made.id)
    assert now is not None
    assert (now.active, now.why, now.dropped) == (False, "failing for 3 days", 5)
    assert await hooks.enable(made.id)
    now = await hooks.subscription(made.id)
    assert now is not None
    assert (now.active, now.why, now.failing_since) == (True, "", None)
    assert not await hooks.enable(99)


async def test_what_fails_leaves_nothing_behind() -> None:
    memory = MemoryRecords()
    memory.fail = True
    with pytest.raises(Unreachable, match="told to fail"):
        await memory.outward.jobs.put([job("a")], NOW)
    memory.fail = False
    assert await memory.outward.jobs.jobs() == []
