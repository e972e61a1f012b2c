"""Sends what waits in the outbox: mails and webhooks, each until it is sent, refused or not wanted any more.

Overflow: what waits is in the record store, not in memory. Mails are queued from the dispositions only while
there is room (``followups.MOST_WAITING``), the rest stays where it is; of a webhook subscription that has too
much waiting, further events are dropped and counted (``webhooks.MOST_WAITING``). In memory are only the jobs
being sent, ``concurrency`` at most.

Two controllers never send a job at the same time: it is claimed for ``lease``, and ``limit`` ends the sending
well before. After a crash in the middle it is claimed once more, and sent once more under the same id.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import structlog

from controller.domain.outbox import Backoff, Job, JobKind, JobState, Verdict, again, failed
from controller.errors import ControllerError, Unreachable
from controller.ports import Clock
from controller.ports.outbox import Jobs

log = structlog.get_logger(__name__)

Handler = Callable[[Job], Awaitable[Verdict]]
"""Sends one job and says how it ended. May raise Unreachable: then it is tried again."""
Chore = Callable[[], Awaitable[object]]
"""Something done again and again, such as queueing what has become due."""

BACKOFFS: Mapping[JobKind, Backoff] = {
    JobKind.MAIL: Backoff(),
    JobKind.WEBHOOK: Backoff(first=timedelta(seconds=5), longest=timedelta(hours=1), tries=100),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxSettings:
    """How the outbox is worked off.

    Attributes:
        concurrency: jobs sent at the same time.
        poll: seconds between two looks while there is nothing to do.
        limit: seconds a job may take.
        lease: for how long a job is claimed; longer than ``limit`` by far.
        backoffs: how often each kind is tried.
        rare: seconds between two rounds of the rare chores.
    """

    concurrency: int = 8
    poll: float = 1.0
    limit: float = 60.0
    lease: timedelta = timedelta(minutes=5)
    backoffs: Mapping[JobKind, Backoff] = field(default_factory=lambda: BACKOFFS)
    rare: float = 3600.0


class Outbox:
    """One task that works the outbox off, until it is told to stop."""

    def __init__(
        self,
        jobs: Jobs,
        handlers: Mapping[JobKind, Handler],
        clock: Clock,
        settings: OutboxSettings = OutboxSettings(),
        *,
        controller_id: str = "main",
        chores: Sequence[Chore] = (),
        rare: Sequence[Chore] = (),
    ) -> None:
        """Take the queue and who sends what.

        Args:
            jobs: the queue.
            handlers: by kind; jobs of other kinds are left alone.
            clock: for when a job is due.
            settings: bounds and pauses.
            controller_id: names our claims.
            chores: done before each look.
            rare: done once at the start and then every ``settings.rare`` seconds.
        """
        self._jobs = jobs
        self._handlers = dict(handlers)
        self._clock = clock
        self._settings = settings
        self._id = controller_id
        self._chores = chores
        self._rare = rare
        self._sending: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopping = False
        self._faulty = False
        self._tried = 0
        self._rare_at = -settings.rare

    def stop(self) -> None:
        """Claim nothing more. What is being sent is sent to its end, or until its limit."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Work the outbox off until ``stop``."""
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                self._wake.clear()
                more = await self._round(group)
                if not more and not self._stopping:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._settings.poll):
                            await self._wake.wait()

    async def drain(self) -> int:
        """Send all that is due now, and return how many jobs were tried. For commands and tests."""
        tried = self._tried
        async with asyncio.TaskGroup() as group:
            while await self._round(group) or self._sending:
                if self._sending:
                    await asyncio.wait(self._sending, timeout=self._settings.limit)
        return self._tried - tried

    async def _round(self, group: asyncio.TaskGroup) -> bool:
        """Look once; returns whether to look again at once."""
        claimed: Sequence[Job] = ()
        faults = [fault for chore in self._due_chores() if (fault := await _fault(chore))]
        try:
            claimed = await self._claim()
        except Exception as error:
            faults.append(error)
        for fault in faults[: 0 if self._faulty else 1]:  # said once, until all is well again
            if isinstance(fault, ControllerError):
                log.warning("the outbox waits", why=str(fault))
            else:
                # A bug here must not end the controller, and with it the calls that it watches over.
                log.error("the outbox waits: a bug, please report it", exc_info=fault)
        self._faulty = bool(faults)
        self._tried += len(claimed)
        for job in claimed:
            task = group.create_task(self._do(job), name=f"outbox-{job.id}")
            self._sending.add(task)
            task.add_done_callback(self._done)
        return bool(claimed) and len(self._sending) < self._settings.concurrency

    def _due_chores(self) -> list[Chore]:
        chores = list(self._chores)
        now = self._clock.monotonic()
        if now - self._rare_at >= self._settings.rare:
            self._rare_at = now
            chores += self._rare
        return chores

    async def _claim(self) -> Sequence[Job]:
        free = self._settings.concurrency - len(self._sending)
        if free <= 0 or self._stopping:
            return ()
        return await self._jobs.claim(
            list(self._handlers),
            f"{self._id}:{uuid4().hex}",
            self._clock.now(),
            limit=free,
            lease=self._settings.lease,
        )

    def _done(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._wake.set()

    async def _do(self, job: Job) -> None:
        verdict = await self._verdict(job)
        now, due = self._clock.now(), None
        if verdict.state is JobState.QUEUED:
            # Not for security: what failed together is only not to be tried again at the same moment.
            pause = self._settings.backoffs[job.kind].pause(job.tries, random.random())
            if pause is None:
                verdict = failed(f"given up after {job.tries} tries: {verdict.why}")
            else:
                due = now + pause
        try:
            await self._jobs.settle(job, verdict, now, due)
        except ControllerError as error:
            # Its claim ends by itself, and it is tried again under the same id.
            log.warning("how a job ended was not stored", job=job.id, why=str(error))
            return
        if verdict.state is not JobState.SENT:
            log.info("not sent", job=job.id, kind=job.kind.value, state=verdict.state.value, why=verdict.why)

    async def _verdict(self, job: Job) -> Verdict:
        try:
            async with asyncio.timeout(self._settings.limit):
                return await self._handlers[job.kind](job)
        except TimeoutError:
            return again(f"not done within {self._settings.limit:g} s")
        except Unreachable as error:
            return again(str(error))
        except ControllerError as error:
            return failed(str(error))
        except Exception as error:
            # One job that cannot be handled must not stop all others. Not its text: it may quote a value.
            log.exception("a job cannot be handled", job=job.id, kind=job.kind.value)
            return failed(f"a bug: {type(error).__name__}; please report it")


async def _fault(chore: Chore) -> Exception | None:
    """Do a chore; returns what went wrong with it."""
    try:
        await chore()
    except Exception as error:
        return error
    return None
