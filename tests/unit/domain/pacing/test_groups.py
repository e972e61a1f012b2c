from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.pacing import AnswerCurve, AnswerGroups, Group, Pacer, Scene, part_of_day
from controller.domain.pacing.curves import LONGEST_RING

WARM, COLD = Group("warm", 5), Group("cold", 5)
RATES = {WARM: 0.5, COLD: 0.15}

segments = st.sampled_from(["", "warm", "cold", "old"])
groups = st.none() | st.builds(Group, segments, st.integers(0, 11))
calls = st.lists(
    st.tuples(groups, st.floats(0, 70), st.sampled_from(["answered", "ended", "back"])), max_size=120
)


def call(pacer: Pacer, group: Group | None, random: Random, rates: dict[Group, float] = RATES) -> None:
    """One call; answered after 2 to 25 s, or it fails at 2 s or rings out at 25 s."""
    if random.random() < (rates[group] if group else 0.3):
        pacer.rang("a", random.uniform(2, 25), answered=True, group=group)
    else:
        pacer.rang("a", 2.0 if random.random() < 1 / 3 else 25.0, answered=False, group=group)


def learned(count: int, seed: int = 1, rates: dict[Group, float] = RATES) -> Pacer:
    pacer, random = Pacer(), Random(seed)
    for place in range(count):
        call(pacer, list(rates)[place % len(rates)], random, rates)
    return pacer


def rate(pacer: Pacer, group: Group | None) -> float:
    return pacer.answers.rate_of(pacer.groups.odds(group))


# --- what always holds


@settings(max_examples=60, deadline=None)
@given(calls, groups, st.floats(0, 70), st.floats(0, 70), st.floats(0, 30))
def test_chances_are_chances_and_grow_with_time(
    past: list[tuple[Group | None, float, str]], group: Group | None, rang: float, seconds: float, more: float
) -> None:
    pacer = Pacer()
    for whose, after, what in past:
        if what == "back":
            pacer.cancelled("a", after, whose)
        else:
            pacer.rang("a", after, answered=what == "answered", group=whose)
    odds = pacer.groups.odds(group)
    soon, later = (pacer.answers.within(rang, time, odds) for time in (seconds, seconds + more))

    assert 0 <= soon <= later + 1e-9 <= 1 + 1e-9
    assert 0 <= pacer.answers.rate_of(odds) <= 1
    assert 1 / 21 < odds < 21
    assert pacer.answers.within(0.0, LONGEST_RING, odds) == pytest.approx(
        pacer.answers.rate_of(odds), abs=0.01
    )


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 50), st.floats(0, 30), st.floats(0.05, 20), st.floats(1, 3))
def test_better_odds_never_make_an_answer_less_likely(
    rang: float, seconds: float, odds: float, more: float
) -> None:
    curve = AnswerCurve()

    assert curve.within(rang, seconds, odds) <= curve.within(rang, seconds, odds * more) + 1e-9


@settings(max_examples=60, deadline=None)
@given(calls, st.floats(0, 60), st.floats(0, 60))
def test_a_group_that_nobody_has_called_behaves_as_the_campaign(
    past: list[tuple[Group | None, float, str]], rang: float, seconds: float
) -> None:
    pacer = Pacer()
    for whose, after, what in past:
        pacer.rang("a", after, answered=what == "answered", group=whose)
    unseen = Group("never called", 3)

    assert pacer.groups.odds(unseen) == pacer.groups.odds(None) == 1
    assert pacer.groups.step(unseen) == 0
    curve = pacer.answers
    assert curve.within(rang, seconds, pacer.groups.odds(unseen)) == curve.within(rang, seconds)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 30), max_size=30), st.integers(0, 10))
def test_without_groups_all_is_as_it_was(ringing: list[float], room: int) -> None:
    plain = Pacer().decide(Scene(now=9.0, ringing=ringing, talking=[50.0] * 5, room=room))
    named = [Group("never called", 3)] * len(ringing)
    scene = Scene(now=9.0, ringing=ringing, groups=named, coming=named, talking=[50.0] * 5, room=room)

    assert Pacer().decide(scene) == plain


# --- learning


@pytest.mark.parametrize("seed", range(5))
def test_two_groups_are_told_apart_after_some_tens_of_calls(seed: int) -> None:
    pacer = learned(80, seed)

    assert rate(pacer, WARM) > 1.5 * rate(pacer, COLD)


def test_the_share_of_each_is_learned() -> None:
    pacer = learned(3000)

    for group, share in RATES.items():
        assert rate(pacer, group) == pytest.approx(share, abs=0.08)
        assert pacer.answers.within(0.0, 60.0, pacer.groups.odds(group)) == pytest.approx(share, abs=0.08)
    assert pacer.answers.rate == pytest.approx(0.325, abs=0.04)


def test_groups_of_a_kind_are_not_told_apart() -> None:
    same = {WARM: 0.3, COLD: 0.3, Group("old", 5): 0.3}
    pacer = learned(2000, rates=same)

    for group in same:
        assert 0.65 < pacer.groups.odds(group) < 1.55


def test_another_time_of_the_day_begins_as_its_segment() -> None:
    pacer = learned(600)

    assert rate(pacer, Group("warm", 9)) > 2 * rate(pacer, Group("cold", 9))


def test_times_of_the_day_are_told_apart() -> None:
    morning, evening = Group("", 4), Group("", 9)
    pacer = learned(2000, rates={morning: 0.15, evening: 0.45})

    assert rate(pacer, evening) > 1.8 * rate(pacer, morning)


def test_what_has_changed_is_forgotten() -> None:
    pacer, random = learned(1500), Random(2)
    for place in range(1600):
        call(pacer, (WARM, COLD)[place % 2], random, {WARM: 0.15, COLD: 0.5})

    assert rate(pacer, COLD) > 1.5 * rate(pacer, WARM)


def test_when_groups_take_turns_the_level_does_not_move() -> None:
    pacer, random, levels = learned(1200), Random(3), []
    for group in (WARM, COLD) * 3:
        for _ in range(60):
            call(pacer, group, random)
        levels.append(pacer.answers.level)

    assert all(0.7 < level < 1.4 for level in levels), levels


def test_a_call_that_was_taken_back_early_says_little() -> None:
    early, late = Pacer(), Pacer()
    for _ in range(30):
        early.cancelled("a", 1.0, COLD)
        late.cancelled("a", 24.0, COLD)

    assert late.groups.odds(COLD) < early.groups.odds(COLD) <= 1


def test_what_counts_for_less_moves_less() -> None:
    whole, tenth = AnswerGroups(), AnswerGroups()
    for known, weight in ((whole, 1.0), (tenth, 0.1)):
        for _ in range(20):
            known.saw(COLD, expected=0.3, answered=0.3, weight=weight)
            known.saw(WARM, expected=0.3, answered=1.0, weight=weight)

    assert whole.odds(WARM) > 1.5 * tenth.odds(WARM) > 1.6
    assert whole.known()["warm"] == whole.odds(Group("warm", 0))


def test_the_only_segment_is_the_campaign() -> None:
    pacer = learned(300, rates={WARM: 0.6})

    assert pacer.groups.odds(WARM) == pytest.approx(1, abs=0.2)
    assert rate(pacer, Group("never called", 5)) == pytest.approx(0.6, abs=0.1)


def test_no_more_segments_are_remembered_than_a_campaign_can_have() -> None:
    known = AnswerGroups()
    for number in range(200):
        known.saw(Group("kept", 1), expected=0.3, answered=1.0)
        known.saw(Group(f"{number}", 1), expected=0.3, answered=1.0)

    assert len(known.known()) == 64
    assert "kept" in known.known()
    assert "1" not in known.known()


# --- deciding


def test_ringing_calls_are_weighed_by_their_own_group() -> None:
    pacer = learned(2000)

    def exposed(group: Group) -> int:
        scene = Scene(now=9.0, reserved=2, ringing=[3.0] * 4, groups=[group] * 4, talking=[60.0] * 3, room=20)
        return pacer.decide(scene).exposed

    assert exposed(COLD) > exposed(WARM)


def test_who_comes_next_is_what_is_expected() -> None:
    pacer = learned(2000)

    def told(*coming: Group) -> float:
        return pacer.decide(Scene(now=9.0, idle=1, room=9, coming=coming)).answer_rate

    assert told(WARM) > told(WARM, COLD) > told(COLD)
    assert told(WARM, COLD) == pytest.approx((told(WARM) + told(COLD)) / 2)


def test_many_calls_are_weighed_as_few() -> None:
    pacer = learned(500)
    few = Scene(
        now=9.0, idle=1, reserved=40, ringing=[6.6] * 100, groups=[WARM] * 100, room=0, talking=[60.0]
    )
    many = Scene(
        now=9.0, idle=1, reserved=80, ringing=[6.6] * 200, groups=[WARM] * 200, room=0, talking=[60.0]
    )
    few_answered, many_answered = (pacer.decide(scene).soon_answered for scene in (few, many))

    assert many_answered == pytest.approx(2 * few_answered, rel=0.03)


def test_parts_of_the_day() -> None:
    assert part_of_day(datetime(2026, 3, 2, 9, 59, tzinfo=UTC)) == 4
    assert part_of_day(datetime(2026, 3, 2, 10, 0, tzinfo=UTC)) == 5


def test_what_is_known_of_a_segment_outlasts_the_others_turn() -> None:
    pacer, random = learned(1200), Random(4)
    for _ in range(2500):
        call(pacer, COLD, random)

    assert pacer.answers.usual_rate < 0.25, "the campaign's average follows who is called"
    assert rate(pacer, WARM) == pytest.approx(0.5, abs=0.12)


def test_groups_foresee_what_the_campaign_alone_does_not() -> None:
    errors = {}
    for named in (True, False):
        pacer, random, errors[named] = Pacer(), Random(5), 0.0
        for place in range(2000):
            whose = (WARM, COLD)[place // 100 % 2]
            group = whose if named else None
            errors[named] += (rate(pacer, group) - RATES[whose]) ** 2
            answered = random.random() < RATES[whose]
            pacer.rang("a", random.uniform(2, 25) if answered else 25.0, answered=answered, group=group)

    assert errors[True] < errors[False] / 4
