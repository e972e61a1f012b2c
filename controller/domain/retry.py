"""When a contact is called again after an attempt, and on which of its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from controller.domain.contact import Contact, PhoneNumber
from controller.domain.outcome import Outcome
from controller.domain.regulation import Regulation

_RETRYABLE = {
    Outcome.BUSY: timedelta(minutes=20),
    Outcome.NO_ANSWER: timedelta(hours=3),
    Outcome.REJECTED: timedelta(hours=24),
    Outcome.UNREACHABLE: timedelta(hours=6),
    Outcome.CONGESTION: timedelta(minutes=10),
    Outcome.FAILED: timedelta(minutes=10),
    Outcome.CANCELLED: timedelta(minutes=20),
    Outcome.LEFT_EARLY: timedelta(hours=24),
}

_SUPPRESSION_MARGIN = timedelta(minutes=1)

_OTHER_NUMBER = frozenset({Outcome.NO_ANSWER, Outcome.UNREACHABLE, Outcome.INVALID_NUMBER})
"""After these another number of the contact is tried. Who is busy is there, and who refuses does not want to
be rung elsewhere a few minutes later."""

PARTS_OF_DAY = (time(0), time(12, 30), time(17, 30))
"""When night and morning, afternoon, and evening begin: who is out in one of them may be in in another."""

TRIED_KEPT = 50
"""Attempts whose times are kept with a contact: as many as ``per_week`` may allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextCall:
    """What follows for a contact.

    Attributes:
        due: when it is called again (aware); None if the campaign is done with it.
        numbers: its numbers, the one that is called then first; never empty.
    """

    due: datetime | None
    numbers: tuple[PhoneNumber, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """How often and how soon a contact that was not reached is tried again.

    Attributes:
        max_attempts: attempts in all, 1 or more; those that use none up (Outcome) are not counted.
        pauses: time from one attempt's end to the next attempt, by outcome; outcomes not named are final.
        per_day: attempts in one day by the callee's clock at most; None: as many as the pauses allow.
        per_week: attempts in any 7 days at most, 1 to TRIED_KEPT; None likewise.
        other_number_after: time until another number of the same contact is tried.
        change_part_of_day: who does not answer is tried again in another part of the day.
    """

    max_attempts: int = 3
    pauses: Mapping[Outcome, timedelta] = field(default_factory=lambda: dict(_RETRYABLE))
    per_day: int | None = None
    per_week: int | None = None
    other_number_after: timedelta = timedelta(minutes=5)
    change_part_of_day: bool = False

    def next_call(
        self, outcome: Outcome, contact: Contact, ended: datetime, law: Regulation, zone: ZoneInfo
    ) -> NextCall:
        """What follows for a contact after an attempt.

        Args:
            outcome: of the attempt that just ended.
            contact: as it was called, with ``attempts`` and ``tried`` as they are with this attempt counted.
            ended: when it ended (aware).
            law: the profile of the campaign; a silent call waits as long as it says.
            zone: the callee's clock.
        """
        numbers = (PhoneNumber(number=contact.number, kind=contact.kind), *contact.others)
        if outcome.counts_as_silent:
            # Redis decides when the number may be called; asking a minute later than its key
            # expires saves a refused admission. Their other numbers ring the same person.
            return NextCall(due=ended + law.leave_alone + _SUPPRESSION_MARGIN, numbers=numbers)
        if outcome is Outcome.INVALID_NUMBER and len(numbers) > 1:
            left = numbers[1:]  # nobody needs to be left alone for a number that is nobody's
            due = self.within_limits(ended + self.other_number_after, contact, zone)
            return NextCall(due=due, numbers=left)
        pause = self.pauses.get(outcome)
        if pause is None or contact.attempts >= self.max_attempts:
            return NextCall(due=None, numbers=numbers)
        due = ended + pause
        if outcome in _OTHER_NUMBER and len(numbers) > 1:
            if contact.attempts % len(numbers):  # not all of them were tried in this round
                due = min(due, ended + self.other_number_after)
            elif self.change_part_of_day:
                due = in_another_part_of_day(due, ended, zone)
            numbers = (*numbers[1:], numbers[0])
        elif outcome is Outcome.NO_ANSWER and self.change_part_of_day:
            due = in_another_part_of_day(due, ended, zone)
        return NextCall(due=self.within_limits(due, contact, zone), numbers=numbers)

    def within_limits(self, due: datetime, contact: Contact, zone: ZoneInfo) -> datetime | None:
        """The first time from ``due`` on at which another attempt is within the limits per day and week."""
        if contact.attempts >= self.max_attempts:
            return None
        if self.per_week is not None and len(contact.tried) >= self.per_week:
            due = max(due, contact.tried[-self.per_week] + timedelta(days=7))
        if self.per_day is not None and _on_day_of(due, contact.tried, zone) >= self.per_day:
            tomorrow = due.astimezone(zone).date() + timedelta(days=1)
            # At the first minute of the day: the calling hours say when it may ring.
            due = datetime.combine(tomorrow, time(0), zone).astimezone(due.tzinfo)
        return due


def _on_day_of(due: datetime, tried: Sequence[datetime], zone: ZoneInfo) -> int:
    day = due.astimezone(zone).date()
    return sum(at.astimezone(zone).date() == day for at in tried)


def in_another_part_of_day(due: datetime, tried: datetime, zone: ZoneInfo) -> datetime:
    """``due``, or the first time after it that is in another part of the day than ``tried``."""
    local = due.astimezone(zone)
    if _part(local.time()) != _part(tried.astimezone(zone).time()):
        return due
    later = [begin for begin in PARTS_OF_DAY if begin > local.time()]
    day = local.date() if later else local.date() + timedelta(days=1)
    return datetime.combine(day, min(later, default=PARTS_OF_DAY[0]), zone).astimezone(due.tzinfo)


def _part(at: time) -> int:
    ends = (end for _, end in pairwise(PARTS_OF_DAY))
    return sum(at >= end for end in ends)
