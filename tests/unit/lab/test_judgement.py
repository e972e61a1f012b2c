from __future__ import annotations

from dataclasses import replace

import pytest

from lab.demo.judgement import Attempt, Judgement, Spread, judge
from lab.evidence import CalleeCall

SERVED = CalleeCall(
    number="+393401030300",
    dialed_at=100.0,
    rang_at=100.1,
    answered_at=101.0,
    ended_at=106.0,
    hung_up_by="callee",
    first_audio_after=0.02,
    agent_heard_after=0.04,
)
SILENT = replace(
    SERVED,
    number="+393401030301",
    dialed_at=200.0,
    answered_at=201.0,
    ended_at=203.7,
    hung_up_by="caller",
    agent_heard_after=None,
)
UNANSWERED = CalleeCall(number="+393402000002", dialed_at=300.0, rang_at=300.1, ended_at=301.0)

RECORDED = {
    SERVED.number: Attempt(
        number=SERVED.number,
        outcome="connected",
        answered_at=101.0,
        bridged_at=101.003,
        ended_at=106.0,
    ),
    SILENT.number: Attempt(
        number=SILENT.number,
        outcome="silent",
        answered_at=201.0,
        bridged_at=None,
        ended_at=203.7,
    ),
    UNANSWERED.number: Attempt(
        number=UNANSWERED.number,
        outcome="busy",
        answered_at=None,
        bridged_at=None,
        ended_at=301.0,
    ),
}


def verdict(*calls: CalleeCall, share: tuple[int, int] | None = None, **changes: object) -> Judgement:
    attempts = [RECORDED[call.number] for call in calls]
    suppressed = {SILENT.number: 432_000}
    return judge(calls, changes.get("attempts", attempts), changes.get("suppressed", suppressed), share=share)  # type: ignore[arg-type]


def test_both_sides_agree() -> None:
    found = verdict(SERVED, SILENT, UNANSWERED)
    assert found.clean
    assert (found.callees.calls, found.callees.answered, found.callees.bridged, found.callees.silent) == (
        3,
        2,
        1,
        1,
    )
    assert found.callees.silent_per_100 == pytest.approx(100)
    assert found.callees.longest_silent == pytest.approx(2.7)
    assert found.controller.answer_to_bridge is not None
    assert found.controller.answer_to_bridge.worst == pytest.approx(0.003)


def test_a_silent_call_of_three_seconds_is_a_breach() -> None:
    assert "3.000 s without an agent" in verdict(replace(SILENT, ended_at=204.0)).breaches[0]
    assert not verdict(replace(SILENT, ended_at=203.99)).breaches


def test_an_agent_who_comes_after_three_seconds_is_a_breach() -> None:
    assert verdict(replace(SERVED, agent_heard_after=3.1)).breaches


def test_silence_after_the_answer_is_a_breach() -> None:
    assert "heard nothing" in verdict(replace(SILENT, first_audio_after=0.21)).breaches[0]
    assert "heard nothing" in verdict(replace(SILENT, first_audio_after=None)).breaches[0]
    assert not verdict(replace(SILENT, first_audio_after=0.2)).breaches


def test_the_budget_is_replayed_in_the_order_of_the_callees_lives() -> None:
    served = [replace(SERVED, answered_at=101.0 + i, ended_at=106.0 + i) for i in range(34)]
    assert not verdict(*served, SILENT, share=(3, 100)).breaches
    assert verdict(*served[1:], SILENT, share=(3, 100)).breaches
    early = replace(SILENT, dialed_at=90.0, answered_at=91.0, ended_at=93.7)
    assert verdict(early, *served, share=(3, 100)).breaches, "the successes came later"


def test_a_silent_call_that_is_not_suppressed_is_named() -> None:
    assert verdict(SILENT, suppressed={}).unprotected == [SILENT.number]


def test_a_number_called_again_after_a_silent_call_is_named() -> None:
    again = replace(SILENT, dialed_at=500.0, answered_at=501.0, ended_at=502.0)
    found = verdict(SILENT, again)
    assert found.called_again == [SILENT.number]
    assert not found.clean


@pytest.mark.parametrize("outcome", ["connected", "busy", None])
def test_the_controller_says_otherwise(outcome: str | None) -> None:
    wrong = replace(RECORDED[SILENT.number], outcome=outcome)
    assert SILENT.number in verdict(SILENT, attempts=[wrong]).disagreements[0]


def test_a_call_only_one_side_knows_of_is_a_disagreement() -> None:
    assert verdict(SERVED, attempts=[]).disagreements
    assert judge([], [RECORDED[SERVED.number]], {}).disagreements


def test_an_agent_heard_for_an_instant_may_count_either_way() -> None:
    brief = replace(SERVED, agent_heard_after=1.0, ended_at=102.2)
    for outcome in ("connected", "silent"):
        recorded = replace(RECORDED[SERVED.number], outcome=outcome)
        assert not verdict(brief, attempts=[recorded]).disagreements
    unheard = replace(brief, agent_heard_after=None)
    recorded = replace(RECORDED[SERVED.number], bridged_at=102.0, ended_at=102.25)
    assert not verdict(unheard, attempts=[recorded]).disagreements
    assert verdict(unheard, attempts=[replace(recorded, ended_at=102.35)]).disagreements
    longer = replace(brief, ended_at=102.4)
    assert verdict(longer, attempts=[replace(RECORDED[SERVED.number], outcome="silent")]).disagreements


def test_percentiles_are_values_that_occurred() -> None:
    spread = Spread.of([float(n) for n in range(1, 101)])
    assert spread == Spread(p50=50.0, p99=99.0, worst=100.0)
    assert Spread.of([]) is None


def test_successes_before_these_calls_allow_silent_ones() -> None:
    attempts, suppressed = [RECORDED[SILENT.number]], {SILENT.number: 432_000}

    assert judge([SILENT], attempts, suppressed, before=34).clean
    assert not judge([SILENT], attempts, suppressed, before=33).clean
