from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.lab_day import (
    RING_TIMEOUT,
    SETTING_UP,
    WRAP_UP,
    Late,
    Steps,
    pacer,
    people,
    scenario,
    successes_before,
)
from controller.domain.budget import Tally
from controller.domain.campaign import Campaign
from controller.domain.ids import CampaignId
from controller.domain.pacing import Scene
from controller.domain.regulation import Limit
from controller.law import IT_GARANTE_2014
from controller.simulation.scenario import Fates, LogNormal
from lab.numbers import Behaviour, parse

CAMPAIGN = Campaign(
    id=CampaignId("c"), caller="a", law=IT_GARANTE_2014, wrap_up=WRAP_UP, ring_timeout=RING_TIMEOUT
)
DAY = scenario(CAMPAIGN, 2, bank=20)


@given(st.integers(), st.sampled_from([1, 10]))
def test_what_is_drawn_can_be_said_in_a_number(seed: int, per_second: int) -> None:
    steps = Steps(LogNormal(25.0, 3.0), per_second, 4.0, 9.9 if per_second == 10 else 99.0)

    value = steps.draw(Random(seed))

    assert 4.0 <= value <= steps.high
    assert value * per_second == pytest.approx(round(value * per_second))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_nth_number_is_the_nth_person_of_the_simulator(seed: int) -> None:
    fates = Fates(DAY, seed)

    numbers = people(DAY, seed)

    assert len(set(numbers)) == len(numbers) == 600
    for number in numbers:
        plan, fate = parse(number), fates.next(0.0)
        if fate.answered:
            assert plan.behaviour is Behaviour.PERSON
            assert plan.hold == fate.talk
            assert plan.ring == pytest.approx(fate.after)
        elif fate.after < DAY.ring_timeout:
            assert plan.behaviour is Behaviour.BUSY
            assert plan.ring == pytest.approx(fate.after)
        else:
            assert plan.behaviour is Behaviour.NO_ANSWER


def test_all_kinds_of_people_are_there() -> None:
    kinds = {parse(number).behaviour for number in people(DAY, 1)}

    assert kinds == {Behaviour.PERSON, Behaviour.BUSY, Behaviour.NO_ANSWER}


def test_a_delay_changes_nobody() -> None:
    late = replace(DAY, ring=Late(DAY.ring, Random(3)))
    there, here = Fates(DAY, 1), Fates(late, 1)

    for _ in range(200):
        before, after = there.next(0.0), here.next(0.0)
        assert (before.answered, before.talk) == (after.answered, after.talk)
        assert 0.0 <= after.after - before.after <= SETTING_UP


@given(st.integers(0, 1000))
def test_so_many_successes_make_the_bank_and_one_less_does_not(bank: int) -> None:
    day = replace(DAY, bank=bank)
    limit, before = Limit(name="campaign", share=day.share), successes_before(day)

    assert Tally(limit=limit, successes=before).allowance == bank
    assert bank == 0 or Tally(limit=limit, successes=before - 1).allowance < bank


def test_the_pacer_is_that_of_production() -> None:
    campaign = replace(CAMPAIGN, ring_timeout=timedelta(seconds=23), wrap_up=timedelta(seconds=7))
    scene = Scene(now=5.0, reserved=2, ringing=[1.0, 4.0], talking=[3.0, 30.0] * 8, wrapping=[2.0], room=12)

    ours = pacer(campaign)

    assert ours.terms.window == campaign.law.hang_up_after.total_seconds()
    assert ours.mode is campaign.mode
    assert ours.decide(scene).exposed > 0
