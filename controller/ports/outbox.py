"""What goes out: jobs that are waiting, who is told of events, and the two ways of sending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from controller.domain.outbox import Job, JobKind, JobState, NewJob, Verdict
from controller.domain.webhook import Subscription


class Jobs(Protocol):
    """The queue of what is to be sent. It lasts; several controllers may share it."""

    async def put(self, jobs: Sequence[NewJob], now: datetime) -> int:
        """Queue jobs, all or none; returns how many were new. A key that is known is passed over."""
        ...

    async def claim(
        self, kinds: Sequence[JobKind], claim: str, now: datetime, *, limit: int, lease: timedelta
    ) -> Sequence[Job]:
        """Take jobs that are due, longest due first; nobody else gets them before the lease ends.

        Each counts a try, also if its worker dies.

        Args:
            kinds: of jobs.
            claim: unique; who settles a job must know it.
            now: aware.
            limit: jobs at most.
            lease: how long they are kept from others.
        """
        ...

    async def settle(self, job: Job, verdict: Verdict, now: datetime, due_at: datetime | None = None) -> bool:
        """Say how a try ended; with QUEUED, when the next one is due.

        Returns:
            False if the claim had ended and somebody else has the job: nothing was changed.
        """
        ...

    async def note(self, job: Job, payload: Mapping[str, Any]) -> None:
        """Replace a claimed job's payload, before it is sent: what further tries must repeat."""
        ...

    async def cancel(self, job: int, why: str, now: datetime) -> bool:
        """Take a job out that is not being sent; False if there is none such."""
        ...

    async def revive(self, job: int, now: datetime) -> bool:
        """Queue a failed or cancelled job once more; False if there is none such."""
        ...

    async def hold(self, kind: JobKind, about: str, until: datetime) -> int:
        """Put off what is queued for this campaign or subscription and due before; how many."""
        ...

    async def cancel_about(self, kind: JobKind, about: str, why: str, now: datetime) -> int:
        """Take out all jobs of a kind that belong to this campaign or subscription; how many."""
        ...

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
        ...

    async def counts(self) -> Mapping[tuple[JobKind, JobState], int]:
        """How many jobs of each kind stand where."""
        ...

    async def waiting(self, kind: JobKind, about: str | None = None) -> int:
        """How many jobs of a kind are not over."""
        ...

    async def forget(self, before: datetime) -> int:
        """Drop webhook jobs that ended before; how many. Mails stay: their keys bar a second one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSubscription:
    """A subscription to be made; see Subscription."""

    url: str
    secret: bytes = field(repr=False)
    kinds: frozenset[str]
    campaign: str | None = None
    personal: bool = False
    author: str


class Subscriptions(Protocol):
    """Who is told of events."""

    async def add(self, new: NewSubscription, now: datetime) -> Subscription:
        """Store it, active."""
        ...

    async def subscription(self, subscription: int) -> Subscription | None:
        """One of them."""
        ...

    async def subscriptions(self) -> Sequence[Subscription]:
        """All, by id."""
        ...

    async def enable(self, subscription: int) -> bool:
        """Let it be told (again); False if there is none such."""
        ...

    async def disable(self, subscription: int, why: str) -> bool:
        """Tell it nothing any more; False if there is none such."""
        ...

    async def remove(self, subscription: int) -> bool:
        """Drop it; False if there is none such."""
        ...

    async def delivered(self, subscription: int) -> None:
        """Note that something reached it."""
        ...

    async def undelivered(self, subscription: int, now: datetime) -> datetime | None:
        """Note that something did not; returns since when nothing does. None if there is none such."""
        ...

    async def drop(self, subscription: int, count: int) -> None:
        """Note that events were not queued for it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail, ready to be sent.

    Attributes:
        message_id: without angle brackets; the same at every try, so that a repetition can be recognised.
        to: one address, checked (domain.followup.address).
        html: empty if there is none.
        unsubscribe: https URL for List-Unsubscribe; empty in mails that a person asked for themselves.
    """

    message_id: str
    to: str
    subject: str
    text: str
    html: str = ""
    language: str = ""
    unsubscribe: str = ""


class Mailer(Protocol):
    """A way to send mail."""

    async def send(self, mail: Mail) -> None:
        """Hand a mail over; returns when the server has taken it.

        Raises:
            Refused: it will never be taken, such as for an address that does not exist.
            Unreachable: it was not taken this time.
        """
        ...


class Poster(Protocol):
    """A way to send webhooks."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Post a body; returns the status of the answer.

        Raises:
            Refused: the URL may not be sent to.
            Unreachable: no answer in time.
        """
        ...
