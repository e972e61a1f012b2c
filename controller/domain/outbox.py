"""What is to be sent to the outside world, and how often it is tried. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any


class JobKind(Enum):
    """What a job sends."""

    MAIL = "mail"
    WEBHOOK = "webhook"


class JobState(Enum):
    """Where a job stands."""

    QUEUED = "queued"
    SENDING = "sending"
    """Claimed by a worker, until its lease ends. If the worker dies it is claimed again after that: what is
    sent may then be sent twice, under the same id, but is never lost."""
    SENT = "sent"
    FAILED = "failed"
    """Refused for good, or tried as often as it may be."""
    CANCELLED = "cancelled"
    """No longer wanted: its rule was switched off, the disposition changed, a person took it out."""
    BLOCKED = "blocked"
    """Must not be sent: the person opted out, is on a do-not-call list, was erased, has no address."""

    @property
    def over(self) -> bool:
        """Whether nothing will happen by itself any more."""
        return self not in (JobState.QUEUED, JobState.SENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """Something to be sent.

    Attributes:
        key: names it among all jobs, for ever: a job whose key is known is not queued again.
        about: whom it belongs to: a campaign's id, or a subscription's.
        due_at: not to be sent before (aware).
        payload: what it is made from, at the time of sending: ids, never personal data, so that what was
            erased meanwhile cannot be sent and nothing has to be erased here.
    """

    kind: JobKind
    key: str
    about: str
    due_at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as stored.

    Attributes:
        tries: how often it was begun to be sent, this time included.
        error: why it was not sent at the last try, or why it never will be.
        claim: names who may say how this try ended; empty while nobody sends it.
        ended_at: when it came to its end (aware); None before that.
    """

    id: int
    kind: JobKind
    key: str
    about: str
    payload: Mapping[str, Any]
    state: JobState
    due_at: datetime
    created_at: datetime
    tries: int = 0
    error: str = ""
    claim: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a try ended.

    Attributes:
        state: QUEUED: it did not work, and is tried again if it may be.
        why: in words, without personal data; empty if it was sent.
    """

    state: JobState
    why: str = ""


SENT = Verdict(state=JobState.SENT)


def again(why: str) -> Verdict:
    """It did not work this time."""
    return Verdict(state=JobState.QUEUED, why=why)


def failed(why: str) -> Verdict:
    """It will never work."""
    return Verdict(state=JobState.FAILED, why=why)


def blocked(why: str) -> Verdict:
    """It must not be sent."""
    return Verdict(state=JobState.BLOCKED, why=why)


def cancelled(why: str) -> Verdict:
    """It is not wanted any more."""
    return Verdict(state=JobState.CANCELLED, why=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait after each try that failed.

    Attributes:
        first: after the first try.
        factor: by which each wait is longer than the one before.
        longest: no wait is longer.
        tries: after so many the job has failed.
    """

    first: timedelta = timedelta(seconds=30)
    factor: float = 3.0
    longest: timedelta = timedelta(hours=6)
    tries: int = 18

    def pause(self, tries: int, spread: float) -> timedelta | None:
        """How long to wait after so many tries; None if it was the last.

        Args:
            tries: 1 or more.
            spread: from 0 to 1, at random: what failed together is not tried again all at once.
        """
        if tries >= self.tries:
            return None
        pause: timedelta = min(self.first * self.factor ** min(tries - 1, 32), self.longest)
        return pause * (0.8 + 0.4 * spread)
