"""When a contact is called again after an attempt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

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


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """How often and how soon a contact that was not reached is tried again.

    Attributes:
        max_attempts: attempts in all, 1 or more; those that use none up (Outcome) are not counted.
        pauses: time from one attempt's end to the next attempt, by outcome; outcomes not named are final.
    """

    max_attempts: int = 3
    pauses: Mapping[Outcome, timedelta] = field(default_factory=lambda: dict(_RETRYABLE))

    def next_attempt(
        self, outcome: Outcome, attempts: int, ended: datetime, law: Regulation
    ) -> datetime | None:
        """When the contact is due again, or None if the campaign is done with it.

        Args:
            outcome: of the attempt that just ended.
            attempts: how many attempts there were, this one included.
            ended: when it ended (aware).
            law: the profile of the campaign; a silent call waits as long as it says.
        """
        if outcome.counts_as_silent:
            # Redis decides when the number may be called; asking a minute later than its key
            # expires saves a refused admission.
            return ended + law.leave_alone + _SUPPRESSION_MARGIN
        pause = self.pauses.get(outcome)
        if pause is None or attempts >= self.max_attempts:
            return None
        return ended + pause
