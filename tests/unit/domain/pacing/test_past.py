from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.ids import CampaignId
from controller.domain.pacing import AnswerCurve, DurationCurve, Group, Pacer, Scene
from controller.domain.pacing.past import MOST, Experience, PastCall

NOW = datetime(2026, 3, 4, 11, 0, tzinfo=UTC)
SPRING, WINTER = CampaignId("spring"), CampaignId("winter")


def past(
    rate: float, count: int, *, age: timedelta = timedelta(0), segment: str | None = "", seed: int = 1
) -> list[PastCall]:
    """So many calls, one each 5 s, the last of them so long ago."""
    random, calls = Random(seed), []
    for place in range(count):
        placed = NOW - age - timedelta(seconds=5 * place)
        answered = random.random() < rate
        rang = random.uniform(2, 20) if answered else 25.0
        talked = random.uniform(40, 60) if answered else None
        calls.append(PastCall(placed=placed, rang=rang, answered=answered, talked=talked, segment=segment))
    return calls


def learned(
    own: Sequence[PastCall], others: Sequence[tuple[CampaignId, Sequence[PastCall]]] = ()
) -> Experience:
    return Experience(own, others, campaign=SPRING, now=NOW, zone=UTC, ring_timeout=25.0)


def test_no_past_is_the_usual_prior() -> None:
    nothing = learned([])

    assert nothing.answers.rate == AnswerCurve(ring_timeout=25.0).rate
    assert nothing.talks is None
    assert (nothing.calls, str(nothing)) == (0, "")


@pytest.mark.parametrize("rate", [0.05, 0.6, 0.95])
def test_the_pacer_begins_with_the_record(rate: float) -> None:
    pacer = Pacer()
    pacer.start_from(learned(past(rate, 600)))
    decision = pacer.decide(Scene(now=9.0, idle=1, room=1))

    assert decision.answer_rate == pytest.approx(rate, abs=0.06)
    assert pacer.talks.quantiles(1)[0] == pytest.approx(50, abs=8)
    # Nobody was answered later than after 20 s.
    assert pacer.answers.within(21.0, 9.0) < 0.5 * pacer.answers.within(5.0, 9.0)


def test_a_few_calls_move_little() -> None:
    usual = AnswerCurve(ring_timeout=25.0).rate

    assert usual < learned(past(1.0, 5)).answers.rate < 0.65


def test_the_present_soon_weighs_more_than_any_past() -> None:
    pacer, random = Pacer(), Random(1)
    pacer.start_from(learned(past(0.1, 1000)))
    for place in range(150):
        pacer.rang(place, random.uniform(2, 20), answered=random.random() < 0.6)

    assert pacer.answers.rate > 0.35


def test_own_calls_come_before_those_of_others() -> None:
    alone = learned(past(0.2, 900))
    beside = learned(past(0.2, 900), [(WINTER, past(0.8, 900))])
    few = learned(past(0.2, 30), [(WINTER, past(0.8, 300))])

    assert beside.answers.rate == pytest.approx(alone.answers.rate)
    assert few.answers.rate > 0.4
    assert str(few) == "30 calls of campaign spring and 300 calls of campaign winter"
    assert str(learned([], [(WINTER, past(0.8, 30))])) == "30 calls of campaign winter"


def test_old_calls_fade() -> None:
    old, new = past(0.8, 150, age=timedelta(days=12)), past(0.2, 150)

    assert learned([*new, *old]).answers.rate < 0.3


def test_segments_and_parts_of_the_day_are_known_from_the_past() -> None:
    warm = past(0.6, 300, segment="warm")
    cold = past(0.1, 300, segment="cold")
    evening = past(0.6, 200, segment="cold", age=timedelta(hours=14))
    taught = learned([*warm, *cold, *evening])
    odds = taught.groups.odds

    assert odds(Group("warm", 5)) > 3 * odds(Group("cold", 5))
    assert odds(Group("cold", 10)) > 1.5 * odds(Group("cold", 5))
    assert learned(past(0.6, 100, segment=None)).groups.known() == {}


def test_calls_that_were_taken_back_say_that_nobody_answered_so_far() -> None:
    back = [PastCall(placed=NOW, rang=15.0, answered=None, segment="") for _ in range(100)]
    taught = learned([*past(0.3, 200), *back])

    assert 0 < taught.answers.within(0.0, 12.0) < learned(past(0.3, 200)).answers.within(0.0, 12.0)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.builds(
            PastCall,
            placed=st.integers(-300, 300).map(lambda hours: NOW + timedelta(hours=hours)),
            rang=st.floats(0, 5000),
            answered=st.none() | st.booleans(),
            talked=st.none() | st.floats(0, 50_000),
            segment=st.none() | st.sampled_from(["", "warm"]),
        ),
        max_size=40,
    ),
    st.floats(0, 60),
    st.floats(0, 60),
)
def test_whatever_is_recorded_chances_are_chances(calls: list[PastCall], rang: float, seconds: float) -> None:
    taught = learned(calls, [(WINTER, calls)])

    assert 0 <= taught.answers.within(rang, seconds, taught.groups.odds(Group("warm", 5))) <= 1
    assert 0 < taught.answers.rate < 1
    if taught.talks is not None:
        assert 0 <= taught.talks.ends_within(rang, seconds) <= 1


def test_the_past_as_a_whole_is_bounded() -> None:
    def moved(count: int) -> float:
        curve = learned(past(0.8, count)).answers
        for _ in range(int(MOST)):
            curve.ended(25.0, answered=False)
        return curve.rate_of(1.0) / curve.level  # without the fast level

    assert moved(1000) == pytest.approx(moved(3000), abs=0.03)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 58), st.none() | st.booleans()), max_size=40))
def test_teaching_at_once_is_seeing_one_after_the_other(calls: list[tuple[float, bool | None]]) -> None:
    at_once, seen = AnswerCurve(), AnswerCurve()
    at_once.teach((rang, answered, 1.0) for rang, answered in calls)
    for rang, answered in calls:
        if answered is None:
            seen.cancelled(rang)
        else:
            seen.ended(rang, answered=answered)
    seen._refresh()

    assert at_once.rate == pytest.approx(seen.rate / max(1.0, seen.level), abs=0.12)
    for second in range(0, 58, 7):
        assert at_once._risk[second] == pytest.approx(seen._risk[second], rel=0.05, abs=1e-6)


def test_a_log_normal_prior_is_what_it_was() -> None:
    assert DurationCurve.log_normal(90.0, 1.0, 12.0).quantiles(3)[1] == pytest.approx(90 / 1.65, rel=0.1)
