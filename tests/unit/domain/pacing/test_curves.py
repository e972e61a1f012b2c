from __future__ import annotations

from random import Random

import pytest

from controller.domain.pacing import AnswerCurve, DurationCurve


def learned(answer_rate: float, calls: int, curve: AnswerCurve | None = None, seed: int = 1) -> AnswerCurve:
    """A curve that has seen calls answered after 2 to 25 s; the others fail at 2 s or ring out at 25 s."""
    curve, random = curve or AnswerCurve(), Random(seed)
    for _ in range(calls):
        if random.random() < answer_rate:
            curve.ended(random.uniform(2, 25), answered=True)
        else:
            curve.ended(2.0 if random.random() < 1 / 3 else 25.0, answered=False)
    return curve


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.6])
def test_the_share_of_answers_is_learned(rate: float) -> None:
    assert learned(rate, 3000).rate == pytest.approx(rate, abs=0.04)


def test_the_prior_is_the_answer_rate_given() -> None:
    assert AnswerCurve(answer_rate=0.2).rate == pytest.approx(0.2, abs=0.01)
    assert AnswerCurve(answer_rate=0.5).rate == pytest.approx(0.5, abs=0.02)


def test_a_call_that_has_rung_long_is_less_likely_answered() -> None:
    curve = learned(0.4, 3000)

    fresh, late, over = curve.within(4.0, 60.0), curve.within(20.0, 60.0), curve.within(59.0, 60.0)
    assert fresh > late > over
    # Of calls that still ring at 20 s: 0.4 x 5/23 are answered, against 0.4 that ring out.
    assert late == pytest.approx(0.4 * 5 / 23 / (0.4 * 5 / 23 + 0.4), abs=0.06)


def test_nobody_answers_before_they_can() -> None:
    curve = learned(0.4, 3000)

    assert curve.within(0.0, 1.9) < 0.02
    assert curve.within(0.0, 12.0) < curve.within(0.0, 20.0)


def test_a_jump_is_learned_within_a_hundred_calls() -> None:
    curve = learned(0.1, 2000)
    learned(0.6, 100, curve)

    assert curve.rate > 0.3
    assert curve.level > 2


def test_chance_is_not_taken_for_a_change() -> None:
    curve = learned(0.3, 2000)
    levels = []
    for seed in range(20):
        learned(0.3, 20, curve, seed)
        levels.append(curve.level)

    assert sum(level == 1 for level in levels) >= 12


def test_typical_answer_times_are_in_order_and_within_the_ringing() -> None:
    times = learned(0.3, 3000).answer_times(5)

    assert times == sorted(times)
    assert times[0] == pytest.approx(2 + 2.3, abs=1)
    assert times[-1] == pytest.approx(25 - 2.3, abs=1)


def test_a_cancelled_call_tells_only_that_nobody_answered_until_then() -> None:
    curve = learned(0.3, 1000)
    early, late = curve.within(0.0, 10.0), curve.within(15.0, 10.0)
    for _ in range(300):
        curve.cancelled(15.0)
    for _ in range(60):
        curve.ended(40.0, answered=False)  # whatever makes it compute anew

    assert curve.within(0.0, 10.0) < early
    assert curve.within(15.0, 10.0) == pytest.approx(late, abs=0.1)


def test_durations_are_learned() -> None:
    curve, random = DurationCurve.log_normal(200.0, 1.0, 10), Random(1)
    for _ in range(1000):
        curve.lasted(random.expovariate(1 / 60))

    # Memoryless: the chance to end within 30 s is the same whatever has passed.
    for passed in (5.0, 40.0, 100.0):
        assert curve.ends_within(passed, 30.0) == pytest.approx(0.393, abs=0.08), passed


def test_a_fixed_duration_is_foreseen() -> None:
    curve = DurationCurve([(60.0, 2.0)])
    for _ in range(200):
        curve.lasted(15.0)

    assert curve.ends_within(5.0, 8.0) < 0.02
    assert curve.ends_within(5.0, 11.0) > 0.9
    assert curve.quantiles(3)[1] == pytest.approx(15.0, abs=1)


def test_what_lasts_longer_than_anything_seen_may_end_any_time() -> None:
    assert 0 < DurationCurve([(10.0, 5.0)]).ends_within(500.0, 5.0) < 1
    assert DurationCurve([(10.0, 5.0)]).ends_within(500.0, 0.0) == 0
