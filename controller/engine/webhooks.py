"""Webhooks: live events into the outbox, and from there to whoever subscribed to them.

Overflow: of a subscription that has ``MOST_WAITING`` deliveries waiting, further events are dropped and
counted (``dropped``). While the record store does not answer, events wait in the feed's ring; what falls out
of that counts as dropped for every subscription, as one.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from controller.domain.ids import ContactId
from controller.domain.outbox import SENT, Job, JobKind, NewJob, Verdict, again, cancelled, failed
from controller.domain.signing import signature_headers
from controller.domain.webhook import Subscription, impersonal
from controller.errors import Refused, Unreachable
from controller.ports import Clock
from controller.ports.feed import Event, EventFeed, Listening
from controller.ports.leads import Leads
from controller.ports.outbox import Jobs, Poster, Subscriptions

log = structlog.get_logger(__name__)

MOST_WAITING = 10_000
GIVE_UP = timedelta(days=3)
_AT_ONCE = 200
_LOOK_AGAIN = 5.0
"""Seconds for which the list of subscriptions is taken to be true."""
_PAUSE, _AGAIN = 1.0, 0.05
_GONE = 410
_HOLD = (timedelta(seconds=5), timedelta(minutes=10))


class Webhooks:
    """Queues events for subscribers, and delivers them."""

    def __init__(
        self,
        hooks: Subscriptions,
        jobs: Jobs,
        leads: Leads,
        poster: Poster,
        clock: Clock,
        *,
        give_up: timedelta = GIVE_UP,
        controller_id: str = "main",
        most_waiting: int = MOST_WAITING,
    ) -> None:
        """Take the stores and a way to post.

        Args:
            hooks: who is told.
            jobs: the queue.
            leads: who a contact is, for subscriptions that may know it.
            poster: sends.
            clock: for times.
            give_up: a subscription that fails for longer is switched off.
            controller_id: events are numbered by each controller for itself.
            most_waiting: deliveries that may wait for one subscription.
        """
        self._hooks = hooks
        self._jobs = jobs
        self._leads = leads
        self._poster = poster
        self._clock = clock
        self._give_up = give_up
        self._id = controller_id
        self._most = most_waiting
        self._known: Sequence[Subscription] = ()
        self._known_at = float("-inf")
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Queue what has happened so far, then end."""
        self._stopping.set()

    # --- from events to jobs

    async def run(self, feed: EventFeed, poll: float = 1.0) -> None:
        """Queue events, from now on, until ``stop``.

        Args:
            feed: what happens.
            poll: seconds after which ``stop`` is noticed at the latest.
        """
        position: int | None = None
        while not self._stopping.is_set():
            try:
                async with feed.listen(position) as listener:
                    position = listener.position
                    if listener.gap:
                        await self._insisting(self._lost)
                    while True:
                        events = await _events(listener, poll)
                        if events:
                            await self._insisting(partial(self.queue, events))
                        position = listener.position
                        # One that was too slow still has what it took before its end.
                        if self._stopping.is_set() or (listener.ended and not events):
                            break
            except Refused as error:
                log.warning("events do not reach the webhooks", why=str(error))
            if not self._stopping.is_set():
                await asyncio.sleep(_AGAIN)  # a feed that was closed ends every listener at once

    async def _lost(self) -> None:
        log.warning("events were lost to webhooks: the record store did not answer for too long")
        for subscription in await self._subscriptions():
            if subscription.active:
                await self._hooks.drop(subscription.id, 1)

    async def _insisting(self, work: Callable[[], Awaitable[object]]) -> None:
        """Store something, however often it has to be tried."""
        while True:
            try:
                await work()
                return
            except Unreachable as error:
                log.warning("events for webhooks wait", why=str(error))
                if self._stopping.is_set():
                    return
            except Exception:
                # A bug here must not end the controller, and with it the calls that it watches over.
                log.exception("events for webhooks are lost: a bug, please report it")
                return
            await asyncio.sleep(_PAUSE)

    async def queue(self, events: Iterable[Event]) -> int:
        """Queue the deliveries of some events; how many."""
        now = self._clock.now()
        wanted: defaultdict[int, list[NewJob]] = defaultdict(list)
        subscriptions = await self._subscriptions()
        for event in events:
            for subscription in subscriptions:
                if subscription.wants(event.kind, event.data):
                    wanted[subscription.id].append(self._job(subscription, event))
        queued = 0
        for subscription_id, jobs in wanted.items():
            room = self._most - await self._jobs.waiting(JobKind.WEBHOOK, str(subscription_id))
            fit = jobs[: max(room, 0)]
            queued += await self._jobs.put(fit, now)
            if len(fit) < len(jobs):
                await self._hooks.drop(subscription_id, len(jobs) - len(fit))
        return queued

    def _job(self, subscription: Subscription, event: Event) -> NewJob:
        return NewJob(
            kind=JobKind.WEBHOOK,
            key=f"webhook:{subscription.id}:{self._id}:{event.id}",
            about=str(subscription.id),
            due_at=event.at,
            payload={
                "subscription": subscription.id,
                "type": event.kind,
                "at": event.at.isoformat(),
                "data": impersonal(event.data),
            },
        )

    async def _subscriptions(self) -> Sequence[Subscription]:
        now = self._clock.monotonic()
        if now - self._known_at > _LOOK_AGAIN:
            self._known = await self._hooks.subscriptions()
            self._known_at = now
        return self._known

    # --- from jobs to receivers

    async def send(self, job: Job) -> Verdict:
        """Deliver one event."""
        subscription = await self._hooks.subscription(int(job.payload["subscription"]))
        if subscription is None:
            return cancelled("the subscription was removed")
        if not subscription.active:
            return cancelled(f"the subscription is switched off: {subscription.why}")
        body = await self._body(job, subscription)
        headers = signature_headers(subscription.secret, message_of(job), self._clock.now(), body)
        headers["Content-Type"] = "application/json"
        try:
            status = await self._poster.post(subscription.url, headers, body)
        except Refused as error:
            await self._switch_off(subscription, str(error))
            return failed(str(error))
        except Unreachable as error:
            return await self._undelivered(subscription, str(error))
        if 200 <= status < 300:
            if subscription.failing_since is not None:
                await self._hooks.delivered(subscription.id)
            return SENT
        if status == _GONE:
            await self._switch_off(subscription, "the receiver answered 410 Gone")
            return failed("the receiver answered 410 Gone")
        return await self._undelivered(subscription, f"the receiver answered {status}")

    async def _body(self, job: Job, subscription: Subscription) -> bytes:
        data: dict[str, Any] = dict(job.payload["data"])
        contact = data.get("contact")
        if subscription.personal and isinstance(contact, int):
            # Looked up now, not when it happened: who was erased since is not told of.
            person = await self._leads.recipient(ContactId(contact))
            if person is not None and not person.erased:
                data["person"] = {
                    "name": person.name,
                    "numbers": list(person.numbers),
                    "email": person.email,
                    "attributes": dict(person.attributes),
                }
        event = {"type": job.payload["type"], "timestamp": job.payload["at"], "data": data}
        return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()

    async def _undelivered(self, subscription: Subscription, why: str) -> Verdict:
        now = self._clock.now()
        since = await self._hooks.undelivered(subscription.id, now)
        failing = now - since if since else timedelta()
        if failing > self._give_up:
            days = self._give_up.total_seconds() / 86400
            await self._switch_off(subscription, f"failing for more than {days:g} days: {why}")
            return failed(why)
        # Its other deliveries would fail as well, each waiting for its time to run out, in the places that
        # those of other receivers need.
        pause = min(max(failing / 4, _HOLD[0]), _HOLD[1])
        await self._jobs.hold(JobKind.WEBHOOK, str(subscription.id), now + pause)
        return again(why)

    async def _switch_off(self, subscription: Subscription, why: str) -> None:
        await self._hooks.disable(subscription.id, why)
        self._known_at = float("-inf")
        taken = await self._jobs.cancel_about(
            JobKind.WEBHOOK, str(subscription.id), "the subscription was switched off", self._clock.now()
        )
        log.warning("a webhook was switched off", subscription=subscription.id, why=why, cancelled=taken)


def message_of(job: Job) -> str:
    """A delivery's id, the same at every try: who gets it twice can tell."""
    return f"msg_{job.key.removeprefix('webhook:').replace(':', '_')}"


async def _events(listener: Listening, poll: float) -> list[Event]:
    """What has happened, up to some; waits for the first only."""
    events: list[Event] = []
    wait = poll
    while len(events) < _AT_ONCE:
        event = await listener.next(wait)
        if event is None:
            break
        events.append(event)
        wait = 0.0
    return events
