from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.contact import Contact, NumberKind, PhoneNumber
from controller.domain.ids import E164, CampaignId, ContactId
from controller.domain.outcome import Outcome
from controller.domain.retry import TRIED_KEPT, NextCall, RetryRule, in_another_part_of_day
from controller.law import IT_GARANTE_2014

ENDED = datetime(2026, 3, 27, 18, 0, tzinfo=UTC)
FINAL = {Outcome.CONNECTED, Outcome.MESSAGE, Outcome.MESSAGE_PART, Outcome.INVALID_NUMBER}
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


ROME = ZoneInfo("Europe/Rome")
MOBILE, HOME, WORK = (E164(f"+39347000000{i}") for i in range(3))


def contact(*others: E164, attempts: int = 1, tried: tuple[datetime, ...] = (ENDED,)) -> Contact:
    return Contact(
        id=ContactId(1),
        campaign=CampaignId("c"),
        number=MOBILE,
        kind=NumberKind.MOBILE,
        others=tuple(PhoneNumber(number=number) for number in others),
        attempts=attempts,
        tried=tried,
    )


def follows(
    outcome: Outcome, called: Contact, rule: RetryRule | None = None, ended: datetime = ENDED
) -> NextCall:
    return (rule or RetryRule()).next_call(outcome, called, ended, IT_GARANTE_2014, ROME)


def due(outcome: Outcome, attempts: int = 1, rule: RetryRule | None = None) -> datetime | None:
    return follows(outcome, contact(attempts=attempts), rule).due


def numbers(following: NextCall) -> list[E164]:
    return [each.number for each in following.numbers]


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


# --- several numbers


@pytest.mark.parametrize("outcome", [Outcome.NO_ANSWER, Outcome.UNREACHABLE])
def test_who_is_not_reached_on_one_number_is_tried_on_the_next_after_minutes(outcome: Outcome) -> None:
    next_call = follows(outcome, contact(HOME, WORK))

    assert next_call.due == ENDED + timedelta(minutes=5)
    assert numbers(next_call) == [HOME, WORK, MOBILE]
    assert next_call.numbers[-1].kind is NumberKind.MOBILE


def test_when_all_numbers_were_tried_the_whole_pause_is_kept() -> None:
    next_call = follows(Outcome.NO_ANSWER, contact(HOME, attempts=2))

    assert next_call.due == ENDED + PAUSES[Outcome.NO_ANSWER]


def test_a_number_that_does_not_exist_is_not_called_again() -> None:
    next_call = follows(Outcome.INVALID_NUMBER, contact(HOME))

    assert numbers(next_call) == [HOME]
    assert next_call.due == ENDED + timedelta(minutes=5)


@pytest.mark.parametrize("outcome", [Outcome.BUSY, Outcome.REJECTED, *SILENT])
def test_who_is_there_is_called_on_the_same_number_again(outcome: Outcome) -> None:
    assert numbers(follows(outcome, contact(HOME))) == [MOBILE, HOME]


def test_a_silent_call_keeps_all_numbers_of_the_person_alone() -> None:
    again = follows(Outcome.SILENT, contact(HOME)).due

    assert again is not None
    assert again - ENDED > timedelta(days=5)


# --- limits per day and week


def test_no_more_attempts_in_a_day_than_allowed() -> None:
    rule = RetryRule(max_attempts=9, per_day=2)
    tried = (ENDED - timedelta(hours=2), ENDED)

    again = follows(Outcome.BUSY, contact(attempts=2, tried=tried), rule).due

    assert again == datetime(2026, 3, 28, 0, 0, tzinfo=ROME)
    assert follows(Outcome.BUSY, contact(attempts=1), rule).due == ENDED + PAUSES[Outcome.BUSY]


def test_no_more_attempts_in_seven_days_than_allowed() -> None:
    rule = RetryRule(max_attempts=9, per_week=2)
    tried = (ENDED - timedelta(days=6), ENDED)

    again = follows(Outcome.BUSY, contact(attempts=2, tried=tried), rule).due

    assert again == tried[0] + timedelta(days=7)


@given(
    per_day=st.integers(1, 3),
    per_week=st.integers(1, 8),
    outcomes=st.lists(st.sampled_from(sorted(PAUSES, key=str)), min_size=1, max_size=30),
)
def test_whatever_happens_the_limits_per_day_and_week_hold(
    per_day: int, per_week: int, outcomes: list[Outcome]
) -> None:
    rule = RetryRule(max_attempts=1000, per_day=per_day, per_week=per_week)
    now, tried = ENDED, tuple[datetime, ...]()
    for attempts, outcome in enumerate(outcomes, 1):
        tried = (*tried, now)[-TRIED_KEPT:]
        again = follows(outcome, contact(attempts=attempts, tried=tried), rule, now).due
        assert again is not None
        assert again > now
        now = again
        day = now.astimezone(ROME).date()
        assert sum(at.astimezone(ROME).date() == day for at in tried) < per_day
        assert sum(now - at < timedelta(days=7) for at in tried) < per_week


# --- another part of the day


@pytest.mark.parametrize(
    ("tried", "pause", "again"),
    [
        ("2026-03-27 09:00", 1, "2026-03-27 12:30"),
        ("2026-03-27 09:00", 5, "2026-03-27 14:00"),
        ("2026-03-27 15:00", 1, "2026-03-27 17:30"),
        ("2026-03-27 18:00", 1, "2026-03-28 00:00"),
        ("2026-03-28 20:00", 1, "2026-03-29 00:00"),  # the night in which summer time begins
        ("2026-03-27 09:00", 24, "2026-03-28 12:30"),
    ],
)
def test_who_does_not_answer_is_tried_in_another_part_of_the_day(tried: str, pause: int, again: str) -> None:
    at = datetime.fromisoformat(tried).replace(tzinfo=ROME)
    wanted = datetime.fromisoformat(again).replace(tzinfo=ROME)

    assert in_another_part_of_day(at + timedelta(hours=pause), at, ROME) == wanted


def test_only_a_campaign_that_wants_it_changes_the_part_of_the_day() -> None:
    rule = RetryRule(change_part_of_day=True)

    assert due(Outcome.NO_ANSWER, 1, rule) == datetime(2026, 3, 28, 0, 0, tzinfo=ROME)
    assert due(Outcome.NO_ANSWER) == ENDED + timedelta(hours=3)
    assert due(Outcome.BUSY, 1, rule) == ENDED + PAUSES[Outcome.BUSY]
