from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from controller.domain.outcome import Outcome
from controller.domain.retry import RetryRule
from controller.law import IT_GARANTE_2014

ENDED = datetime(2026, 3, 27, 18, 0, tzinfo=UTC)
FINAL = {Outcome.CONNECTED, Outcome.INVALID_NUMBER}
PAUSES = {
    Outcome.BUSY: timedelta(minutes=20),
    Outcome.NO_ANSWER: timedelta(hours=3),
    Outcome.REJECTED: timedelta(hours=24),
    Outcome.UNREACHABLE: timedelta(hours=6),
    Outcome.CONGESTION: timedelta(minutes=10),
    Outcome.FAILED: timedelta(minutes=10),
    Outcome.CANCELLED: timedelta(minutes=20),
    Outcome.LEFT_EARLY: timedelta(hours=24),
}
SILENT = [outcome for outcome in Outcome if outcome.counts_as_silent]


def due(outcome: Outcome, attempts: int = 1, rule: RetryRule | None = None) -> datetime | None:
    return (rule or RetryRule()).next_attempt(outcome, attempts, ENDED, IT_GARANTE_2014)


def test_every_outcome_has_a_rule() -> None:
    assert FINAL | PAUSES.keys() | set(SILENT) == set(Outcome)


@pytest.mark.parametrize(("outcome", "pause"), PAUSES.items())
def test_who_was_not_reached_is_tried_again_after_the_pause(outcome: Outcome, pause: timedelta) -> None:
    assert due(outcome) == ENDED + pause


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome in FINAL])
def test_who_was_reached_or_cannot_be_is_not_called_again(outcome: Outcome) -> None:
    assert due(outcome) is None


@pytest.mark.parametrize("outcome", PAUSES)
def test_the_last_attempt_is_the_last(outcome: Outcome) -> None:
    rule = RetryRule(max_attempts=2)

    assert due(outcome, 1, rule) is not None
    assert due(outcome, 2, rule) is None
    assert due(outcome, 3, rule) is None


@pytest.mark.parametrize("outcome", SILENT)
@pytest.mark.parametrize("attempts", [0, 1, 99])
def test_after_a_silent_call_the_contact_waits_longer_than_the_law_says_whatever_the_attempts(
    outcome: Outcome, attempts: int
) -> None:
    again = due(outcome, attempts, RetryRule(max_attempts=1, pauses={outcome: timedelta(0)}))

    assert again is not None
    assert timedelta(days=5) < again - ENDED <= timedelta(days=5, minutes=1)


def test_a_contact_is_tried_three_times_unless_the_campaign_says_otherwise() -> None:
    assert due(Outcome.BUSY, 2) is not None
    assert due(Outcome.BUSY, 3) is None


def test_a_campaign_may_set_its_own_pauses() -> None:
    rule = RetryRule(pauses={Outcome.BUSY: timedelta(minutes=5)})

    assert due(Outcome.BUSY, 1, rule) == ENDED + timedelta(minutes=5)
    assert due(Outcome.NO_ANSWER, 1, rule) is None


def test_one_rules_pauses_are_not_anothers() -> None:
    assert RetryRule().pauses is not RetryRule().pauses
