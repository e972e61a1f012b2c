"""The queue of what is to be sent, and who is told of events, in memory: twins of those in SQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from controller.domain.ids import CampaignId
from controller.domain.outbox import Job, JobKind, JobState, NewJob, Verdict
from controller.domain.webhook import Subscription
from controller.errors import Refused, Unreachable
from controller.ports.outbox import Mail, NewSubscription


class MemoryJobs:
    """``Jobs`` (controller.ports.outbox) in memory."""

    def __init__(self, answer: Callable[[], None]) -> None:
        """An empty queue; ``answer`` raises while the store is told to fail."""
        self._answer = answer
        self._jobs: dict[int, Job] = {}
        self._keys: set[str] = set()
        self._leases: dict[int, datetime] = {}
        self._last = 0

    async def put(self, jobs: Sequence[NewJob], now: datetime) -> int:
        """Queue jobs, all or none; returns how many were new."""
        self._answer()
        return self.insert(jobs, now)

    def insert(self, jobs: Sequence[NewJob], now: datetime) -> int:
        """As ``put``, at once."""
        before = self._last
        for job in jobs:
            if job.key in self._keys:
                continue
            self._last += 1
            self._keys.add(job.key)
            self._jobs[self._last] = Job(
                id=self._last,
                kind=job.kind,
                key=job.key,
                about=job.about,
                payload=dict(job.payload),
                state=JobState.QUEUED,
                due_at=job.due_at,
                created_at=now,
            )
        return self._last - before

    def known(self, key: str) -> bool:
        """Whether there is a job of this key."""
        return key in self._keys

    async def claim(
        self, kinds: Sequence[JobKind], claim: str, now: datetime, *, limit: int, lease: timedelta
    ) -> Sequence[Job]:
        """Take jobs that are due, longest due first."""
        self._answer()
        free = [
            job
            for job in self._jobs.values()
            if job.kind in kinds
            and job.due_at <= now
            and (
                job.state is JobState.QUEUED
                or (job.state is JobState.SENDING and self._leases[job.id] <= now)
            )
        ]
        taken = sorted(free, key=lambda job: (job.due_at, job.id))[:limit]
        for job in taken:
            self._leases[job.id] = now + lease
            self._jobs[job.id] = replace(job, state=JobState.SENDING, claim=claim, tries=job.tries + 1)
        return [self._jobs[job.id] for job in taken]

    async def settle(self, job: Job, verdict: Verdict, now: datetime, due_at: datetime | None = None) -> bool:
        """Say how a try ended, if the claim still holds."""
        self._answer()
        found = self._jobs.get(job.id)
        if found is None or found.claim != job.claim:
            return False
        self._jobs[job.id] = replace(
            found,
            state=verdict.state,
            error=verdict.why,
            claim="",
            due_at=due_at or found.due_at,
            ended_at=now if verdict.state.over else None,
        )
        return True

    async def note(self, job: Job, payload: Mapping[str, Any]) -> None:
        """Replace a claimed job's payload."""
        self._answer()
        found = self._jobs.get(job.id)
        if found is not None and found.claim == job.claim:
            self._jobs[job.id] = replace(found, payload=dict(payload))

    async def cancel(self, job: int, why: str, now: datetime) -> bool:
        """Take a job out that is not being sent."""
        self._answer()
        return self._cancel([found for found in self._jobs.values() if found.id == job], why, now) > 0

    async def revive(self, job: int, now: datetime) -> bool:
        """Queue a failed or cancelled job once more."""
        self._answer()
        found = self._jobs.get(job)
        if found is None or found.state not in (JobState.FAILED, JobState.CANCELLED):
            return False
        self._jobs[job] = replace(found, state=JobState.QUEUED, tries=0, due_at=now, ended_at=None, error="")
        return True

    async def hold(self, kind: JobKind, about: str, until: datetime) -> int:
        """Put off what is queued for a campaign or subscription and due before."""
        self._answer()
        theirs = [
            job
            for job in self._jobs.values()
            if job.kind is kind and job.about == about and job.state is JobState.QUEUED and job.due_at < until
        ]
        for job in theirs:
            self._jobs[job.id] = replace(job, due_at=until)
        return len(theirs)

    async def cancel_about(self, kind: JobKind, about: str, why: str, now: datetime) -> int:
        """Take out all jobs of a kind that belong to a campaign or subscription."""
        self._answer()
        theirs = [job for job in self._jobs.values() if job.kind is kind and job.about == about]
        return self._cancel(theirs, why, now)

    def _cancel(self, jobs: Sequence[Job], why: str, now: datetime) -> int:
        queued = [job for job in jobs if job.state is JobState.QUEUED]
        for job in queued:
            self._jobs[job.id] = replace(job, state=JobState.CANCELLED, error=why, ended_at=now)
        return len(queued)

    async def jobs(
        self,
        *,
        kind: JobKind | None = None,
        state: JobState | None = None,
        about: str | None = None,
        after: int = 0,
        limit: int = 1000,
    ) -> Sequence[Job]:
        """Jobs by id, from the one after ``after``."""
        self._answer()
        return [
            job
            for job in self._jobs.values()
            if job.id > after
            and kind in (None, job.kind)
            and state in (None, job.state)
            and about in (None, job.about)
        ][:limit]

    async def counts(self) -> Mapping[tuple[JobKind, JobState], int]:
        """How many jobs of each kind stand where."""
        self._answer()
        return Counter((job.kind, job.state) for job in self._jobs.values())

    async def waiting(self, kind: JobKind, about: str | None = None) -> int:
        """How many jobs of a kind are not over."""
        self._answer()
        return sum(
            job.kind is kind and not job.state.over and about in (None, job.about)
            for job in self._jobs.values()
        )

    async def forget(self, before: datetime) -> int:
        """Drop webhook jobs that ended before."""
        self._answer()
        old = [
            job
            for job in self._jobs.values()
            if job.kind is JobKind.WEBHOOK and job.ended_at is not None and job.ended_at < before
        ]
        for job in old:
            del self._jobs[job.id]
            self._keys.discard(job.key)
        return len(old)


class MemorySubscriptions:
    """``Subscriptions`` (controller.ports.outbox) in memory."""

    def __init__(self, answer: Callable[[], None]) -> None:
        self._answer = answer
        self._known: dict[int, Subscription] = {}
        self._last = 0

    async def add(self, new: NewSubscription, now: datetime) -> Subscription:
        """Store it, active."""
        self._answer()
        self._last += 1
        made = Subscription(
            id=self._last,
            url=new.url,
            secret=new.secret,
            kinds=new.kinds,
            campaign=None if new.campaign is None else CampaignId(new.campaign),
            personal=new.personal,
            author=new.author,
            created_at=now,
        )
        self._known[made.id] = made
        return made

    async def subscription(self, subscription: int) -> Subscription | None:
        """One of them."""
        self._answer()
        return self._known.get(subscription)

    async def subscriptions(self) -> Sequence[Subscription]:
        """All, by id."""
        self._answer()
        return list(self._known.values())

    async def enable(self, subscription: int) -> bool:
        """Let it be told (again)."""
        return self._change(subscription, active=True, why="", failing_since=None)

    async def disable(self, subscription: int, why: str) -> bool:
        """Tell it nothing any more."""
        return self._change(subscription, active=False, why=why)

    async def remove(self, subscription: int) -> bool:
        """Drop it."""
        self._answer()
        return self._known.pop(subscription, None) is not None

    async def delivered(self, subscription: int) -> None:
        """Note that something reached it."""
        self._change(subscription, failing_since=None)

    async def undelivered(self, subscription: int, now: datetime) -> datetime | None:
        """Note that something did not; returns since when nothing does."""
        self._answer()
        found = self._known.get(subscription)
        if found is None:
            return None
        since = found.failing_since or now
        self._change(subscription, failing_since=since)
        return since

    async def drop(self, subscription: int, count: int) -> None:
        """Note that events were not queued for it."""
        self._answer()
        found = self._known.get(subscription)
        if found is not None:
            self._change(subscription, dropped=found.dropped + count)

    def _change(self, subscription: int, **values: Any) -> bool:
        self._answer()
        found = self._known.get(subscription)
        if found is None:
            return False
        self._known[subscription] = replace(found, **values)
        return True


class MemoryMailer:
    """``Mailer`` (controller.ports.outbox) that keeps what it is given.

    Attributes:
        sent: in order.
        refuse: mails are refused for good while True.
        unreachable: nothing is taken while True.
    """

    def __init__(self) -> None:
        self.sent: list[Mail] = []
        self.refuse = self.unreachable = False

    async def send(self, mail: Mail) -> None:
        """Keep a mail."""
        if self.unreachable:
            raise Unreachable("The mail server (in memory) was told to fail.")
        if self.refuse:
            raise Refused("The mail server (in memory) was told to refuse.")
        self.sent.append(mail)
