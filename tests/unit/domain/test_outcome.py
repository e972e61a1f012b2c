from __future__ import annotations

import pytest

from controller.domain.outcome import Outcome, unanswered_outcome

REACHED = {Outcome.CONNECTED, Outcome.MESSAGE, Outcome.MESSAGE_PART}
ANSWERED = {*REACHED, Outcome.SILENT, Outcome.LEFT_EARLY, Outcome.LOST}


@pytest.mark.parametrize("outcome", Outcome)
def test_only_silent_and_lost_calls_count_as_silent(outcome: Outcome) -> None:
    assert outcome.counts_as_silent == (outcome in {Outcome.SILENT, Outcome.LOST})


@pytest.mark.parametrize("outcome", Outcome)
def test_no_rule_has_anybody_called_again_who_was_reached(outcome: Outcome) -> None:
    assert outcome.final == (outcome in REACHED)


@pytest.mark.parametrize("outcome", Outcome)
def test_a_call_counts_as_answered_if_it_was_or_may_have_been(outcome: Outcome) -> None:
    assert outcome.answered == (outcome in ANSWERED)


@pytest.mark.parametrize(
    ("cause", "sip", "outcome"),
    [
        (1, None, Outcome.INVALID_NUMBER),
        (3, None, Outcome.UNREACHABLE),
        (16, None, Outcome.NO_ANSWER),
        (17, None, Outcome.BUSY),
        (18, None, Outcome.NO_ANSWER),
        (19, None, Outcome.NO_ANSWER),
        (20, None, Outcome.UNREACHABLE),
        (21, None, Outcome.REJECTED),
        (22, None, Outcome.INVALID_NUMBER),
        (27, None, Outcome.UNREACHABLE),
        (28, None, Outcome.INVALID_NUMBER),
        (34, None, Outcome.CONGESTION),
        (38, None, Outcome.CONGESTION),
        (41, None, Outcome.CONGESTION),
        (42, None, Outcome.CONGESTION),
        (0, 404, Outcome.INVALID_NUMBER),
        (0, 408, Outcome.NO_ANSWER),
        (0, 410, Outcome.INVALID_NUMBER),
        (0, 480, Outcome.UNREACHABLE),
        (0, 484, Outcome.INVALID_NUMBER),
        (0, 486, Outcome.BUSY),
        (0, 487, Outcome.NO_ANSWER),
        (0, 503, Outcome.CONGESTION),
        (0, 600, Outcome.BUSY),
        (0, 603, Outcome.REJECTED),
        (0, 604, Outcome.INVALID_NUMBER),
        (0, 607, Outcome.REJECTED),
        (0, 608, Outcome.REJECTED),
    ],
)
def test_each_known_cause_has_its_outcome(cause: int, sip: int | None, outcome: Outcome) -> None:
    assert unanswered_outcome(cause, sip) is outcome


@pytest.mark.parametrize(
    ("cause", "sip", "outcome"),
    [(20, 480, Outcome.NO_ANSWER), (20, None, Outcome.UNREACHABLE), (17, 486, Outcome.BUSY)],
)
def test_ringing_makes_a_difference_to_480_alone(cause: int, sip: int | None, outcome: Outcome) -> None:
    assert unanswered_outcome(cause, sip, rang=True) is outcome


def test_the_sip_code_wins_over_the_cause() -> None:
    assert unanswered_outcome(17, 603) is Outcome.REJECTED


@pytest.mark.parametrize("sip", [None, 0, 200, 488, 999])
def test_without_a_telling_sip_code_the_cause_decides(sip: int | None) -> None:
    assert unanswered_outcome(17, sip) is Outcome.BUSY


@pytest.mark.parametrize("cause", [0, -1, 127, 9999])
def test_what_no_table_knows_is_failed(cause: int) -> None:
    assert unanswered_outcome(cause, None) is Outcome.FAILED


def test_an_unanswered_call_never_passes_for_an_answered_one() -> None:
    outcomes = {
        unanswered_outcome(cause, sip, rang=rang)
        for cause in range(128)
        for sip in (None, *range(400, 700))
        for rang in (False, True)
    }

    assert outcomes.isdisjoint(ANSWERED | {Outcome.CANCELLED})
