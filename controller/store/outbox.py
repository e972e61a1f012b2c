"""The queue of what is to be sent, and who is told of events, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, literal, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from controller.domain.ids import CampaignId
from controller.domain.outbox import Job, JobKind, JobState, NewJob, Verdict
from controller.domain.webhook import Subscription
from controller.ports.outbox import NewSubscription
from controller.store.access import Access, chunks
from controller.store.schema import Instant
from controller.store.schema_leads import outbox, webhook_subscriptions

# Just as in the indexes of open jobs, and without parameters: SQLite takes them only then.
_OPEN = text("outbox.state IN ('queued', 'sending')")
_CLAIMED = text("outbox.claim <> ''")
_LOOK = "a look at what is to be sent"
_PER_TIMEOUT = 2000
"""Jobs for which ``put`` is given once the store's timeout."""


def queued(job: NewJob, now: datetime) -> dict[str, Any]:
    """A row for a new job."""
    return {
        "kind": job.kind.value,
        "key": job.key,
        "about": job.about,
        "payload": dict(job.payload),
        "state": JobState.QUEUED.value,
        "due_at": job.due_at,
        "tries": 0,
        "error": "",
        "claim": "",
        "lease_until": None,
        "created_at": now,
        "ended_at": None,
    }


class SqlJobs:
    """``Jobs`` (controller.ports.outbox) in the record store."""

    def __init__(self, access: Access, dialect: str) -> None:
        self._access = access
        make: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
        self._add = make(outbox).on_conflict_do_nothing(index_elements=["key"])

    async def put(self, jobs: Sequence[NewJob], now: datetime) -> int:
        """Queue jobs, all or none; returns how many were new."""
        timeout = self._access.timeout * (1 + len(jobs) / _PER_TIMEOUT)
        return await self._access.write(lambda c: self.insert(c, jobs, now), "what is to be sent", timeout)

    def insert(self, connection: Connection, jobs: Sequence[NewJob], now: datetime) -> int:
        """Queue jobs inside a transaction of the caller's."""
        rows = {job.key: queued(job, now) for job in jobs}
        new = 0
        for some in chunks(list(rows.values()), 60):  # 12 values each, within SQLite's bound of old
            new += connection.execute(self._add.values(some)).rowcount
        return new

    async def claim(
        self, kinds: Sequence[JobKind], claim: str, now: datetime, *, limit: int, lease: timedelta
    ) -> Sequence[Job]:
        """Take jobs that are due, longest due first."""
        free = or_(
            and_(outbox.c.state == JobState.QUEUED.value, outbox.c.due_at <= now),
            and_(outbox.c.state == JobState.SENDING.value, outbox.c.lease_until <= now),
        )
        wanted = (
            select(outbox.c.id)
            .where(_OPEN, outbox.c.kind.in_([kind.value for kind in kinds]), outbox.c.due_at <= now, free)
            .order_by(outbox.c.due_at, outbox.c.id)
            .limit(limit)
        )

        def take(connection: Connection) -> list[Job]:
            # One statement looks and takes, so that no two can take the same.
            # Locks are for PostgreSQL; SQLite has one writer at a time.
            chosen = wanted.with_for_update(skip_locked=True).cte("chosen")
            connection.execute(
                update(outbox)
                .where(outbox.c.id.in_(select(chosen.c.id)))
                .values(
                    state=JobState.SENDING.value,
                    claim=claim,
                    lease_until=now + lease,
                    tries=outbox.c.tries + 1,
                )
            )
            mine = (
                select(outbox).where(_CLAIMED, outbox.c.claim == claim).order_by(outbox.c.due_at, outbox.c.id)
            )
            return [job_of(row) for row in connection.execute(mine)]

        # Looked at first without a transaction of the writer's, which calls wait for: mostly nothing is due.
        if not await self._access.read(lambda c: c.execute(wanted).first() is not None, _LOOK):
            return []
        return await self._access.write(take, _LOOK)

    async def settle(self, job: Job, verdict: Verdict, now: datetime, due_at: datetime | None = None) -> bool:
        """Say how a try ended, if the claim still holds."""
        values: dict[str, Any] = {
            "state": verdict.state.value,
            "error": verdict.why,
            "claim": "",
            "lease_until": None,
            "ended_at": now if verdict.state.over else None,
        }
        if due_at is not None:
            values["due_at"] = due_at
        mine = update(outbox).where(outbox.c.id == job.id, outbox.c.claim == job.claim)
        return await self._access.write(
            lambda c: c.execute(mine.values(**values)).rowcount > 0, "what was sent"
        )

    async def note(self, job: Job, payload: Mapping[str, Any]) -> None:
        """Replace a claimed job's payload."""
        mine = update(outbox).where(outbox.c.id == job.id, outbox.c.claim == job.claim)
        await self._access.write(lambda c: c.execute(mine.values(payload=dict(payload))), "what is sent")

    async def cancel(self, job: int, why: str, now: datetime) -> bool:
        """Take a job out that is not being sent."""
        waits = update(outbox).where(outbox.c.id == job, outbox.c.state == JobState.QUEUED.value)
        values = {"state": JobState.CANCELLED.value, "error": why, "ended_at": now}
        return await self._access.write(lambda c: c.execute(waits.values(**values)).rowcount > 0, "a job")

    async def revive(self, job: int, now: datetime) -> bool:
        """Queue a failed or cancelled job once more."""
        over = outbox.c.state.in_([JobState.FAILED.value, JobState.CANCELLED.value])
        values = {"state": JobState.QUEUED.value, "tries": 0, "due_at": now, "ended_at": None, "error": ""}
        statement = update(outbox).where(outbox.c.id == job, over).values(**values)
        return await self._access.write(lambda c: c.execute(statement).rowcount > 0, "a job")

    async def hold(self, kind: JobKind, about: str, until: datetime) -> int:
        """Put off what is queued for a campaign or subscription and due before."""
        theirs = update(outbox).where(
            outbox.c.kind == kind.value,
            outbox.c.about == about,
            outbox.c.state == JobState.QUEUED.value,
            outbox.c.due_at < until,
        )
        return await self._access.write(lambda c: c.execute(theirs.values(due_at=until)).rowcount, "jobs")

    async def cancel_about(self, kind: JobKind, about: str, why: str, now: datetime) -> int:
        """Take out all jobs of a kind that belong to a campaign or subscription."""
        theirs = update(outbox).where(
            outbox.c.kind == kind.value, outbox.c.about == about, outbox.c.state == JobState.QUEUED.value
        )
        values = {"state": JobState.CANCELLED.value, "error": why, "ended_at": now}
        return await self._access.write(lambda c: c.execute(theirs.values(**values)).rowcount, "jobs")

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
        statement = select(outbox).where(outbox.c.id > after).order_by(outbox.c.id).limit(limit)
        if kind is not None:
            statement = statement.where(outbox.c.kind == kind.value)
        if state is not None:
            statement = statement.where(outbox.c.state == state.value)
        if about is not None:
            statement = statement.where(outbox.c.about == about)
        return [job_of(row) for row in await self._access.rows(statement, "a look at the outbox")]

    async def counts(self) -> Mapping[tuple[JobKind, JobState], int]:
        """How many jobs of each kind stand where."""
        statement = select(outbox.c.kind, outbox.c.state, func.count().label("jobs"))
        rows = await self._access.rows(
            statement.group_by(outbox.c.kind, outbox.c.state), "a look at the outbox"
        )
        return {(JobKind(row.kind), JobState(row.state)): row.jobs for row in rows}

    async def waiting(self, kind: JobKind, about: str | None = None) -> int:
        """How many jobs of a kind are not over."""
        statement = select(func.count()).where(outbox.c.kind == kind.value, _OPEN)
        if about is not None:
            statement = statement.where(outbox.c.about == about)
        return await self._access.read(lambda c: c.scalar(statement) or 0, "a look at the outbox")

    async def forget(self, before: datetime) -> int:
        """Drop webhook jobs that ended before."""
        old = delete(outbox).where(outbox.c.kind == JobKind.WEBHOOK.value, outbox.c.ended_at < before)
        return await self._access.write(lambda c: c.execute(old).rowcount, "old jobs")


def job_of(row: Row[Any]) -> Job:
    """A job from its row."""
    return Job(
        id=row.id,
        kind=JobKind(row.kind),
        key=row.key,
        about=row.about,
        payload=row.payload,
        state=JobState(row.state),
        due_at=row.due_at,
        created_at=row.created_at,
        tries=row.tries,
        error=row.error,
        claim=row.claim,
        ended_at=row.ended_at,
    )


class SqlSubscriptions:
    """``Subscriptions`` (controller.ports.outbox) in the record store."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def add(self, new: NewSubscription, now: datetime) -> Subscription:
        """Store it, active."""
        values = {
            "url": new.url,
            "secret": new.secret,
            "kinds": sorted(new.kinds),
            "campaign": new.campaign,
            "personal": new.personal,
            "active": True,
            "why": "",
            "failing_since": None,
            "dropped": 0,
            "author": new.author,
            "created_at": now,
        }

        def add(connection: Connection) -> Subscription:
            made = connection.execute(webhook_subscriptions.insert().values(**values)).inserted_primary_key
            found = select(webhook_subscriptions).where(webhook_subscriptions.c.id == (made or [0])[0])
            return subscription_of(connection.execute(found).one())

        return await self._access.write(add, "a subscription")

    async def subscription(self, subscription: int) -> Subscription | None:
        """One of them."""
        statement = select(webhook_subscriptions).where(webhook_subscriptions.c.id == subscription)
        rows = await self._access.rows(statement, "a look at the subscriptions")
        return subscription_of(rows[0]) if rows else None

    async def subscriptions(self) -> Sequence[Subscription]:
        """All, by id."""
        statement = select(webhook_subscriptions).order_by(webhook_subscriptions.c.id)
        return [subscription_of(row) for row in await self._access.rows(statement, "the subscriptions")]

    async def enable(self, subscription: int) -> bool:
        """Let it be told (again)."""
        return await self._change(subscription, active=True, why="", failing_since=None)

    async def disable(self, subscription: int, why: str) -> bool:
        """Tell it nothing any more."""
        return await self._change(subscription, active=False, why=why)

    async def remove(self, subscription: int) -> bool:
        """Drop it."""
        statement = delete(webhook_subscriptions).where(webhook_subscriptions.c.id == subscription)
        return await self._access.write(lambda c: c.execute(statement).rowcount > 0, "a subscription")

    async def delivered(self, subscription: int) -> None:
        """Note that something reached it."""
        await self._change(subscription, failing_since=None)

    async def undelivered(self, subscription: int, now: datetime) -> datetime | None:
        """Note that something did not; returns since when nothing does."""
        one = webhook_subscriptions.c.id == subscription
        statement = (
            update(webhook_subscriptions)
            .where(one)
            .values(failing_since=func.coalesce(webhook_subscriptions.c.failing_since, literal(now, Instant)))
        )

        def note(connection: Connection) -> datetime | None:
            connection.execute(statement)
            return connection.scalar(select(webhook_subscriptions.c.failing_since).where(one))

        return await self._access.write(note, "a subscription")

    async def drop(self, subscription: int, count: int) -> None:
        """Note that events were not queued for it."""
        await self._change(subscription, dropped=webhook_subscriptions.c.dropped + count)

    async def _change(self, subscription: int, **values: Any) -> bool:
        statement = update(webhook_subscriptions).where(webhook_subscriptions.c.id == subscription)
        changed = statement.values(**values)
        return await self._access.write(lambda c: c.execute(changed).rowcount > 0, "a subscription")


def subscription_of(row: Row[Any]) -> Subscription:
    """A subscription from its row."""
    return Subscription(
        id=row.id,
        url=row.url,
        secret=row.secret,
        kinds=frozenset(row.kinds),
        campaign=None if row.campaign is None else CampaignId(row.campaign),
        personal=row.personal,
        active=row.active,
        why=row.why,
        failing_since=row.failing_since,
        dropped=row.dropped,
        author=row.author,
        created_at=row.created_at,
    )
