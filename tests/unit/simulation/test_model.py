from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from controller.domain.pacing import Terms
from controller.simulation.baselines import Brake, Issabel, OneToOne, Ratio, Vicidial
from controller.simulation.clairvoyant import upper_bound
from controller.simulation.model import Centre, Happening, Policy, simulate
from controller.simulation.ours import Ours
from controller.simulation.scenario import (
    Curve,
    Exponential,
    Fates,
    Fixed,
    LogNormal,
    Samples,
    Scenario,
    Segment,
    Shift,
    Uniform,
)

HOUR = Scenario(hours=1.0, shifts=(Shift(agents=5),))


def ours() -> Ours:
    return Ours(Terms(cancel_after=15.0))


def test_one_agent_one_call_at_a_time() -> None:
    scenario = Scenario(
        hours=1.0,
        shifts=(Shift(agents=1),),
        answer_rate=Curve.constant(1.0),
        ring=Fixed(10.0),
        talk=Fixed(75.0),
        wrap_up=Fixed(15.0),
    )
    record = simulate(scenario, OneToOne())

    # Cycles of 100 s: ringing 10, talking 75, wrapping up 15.
    assert record.occupancy == pytest.approx(0.9)
    assert record.successes == record.placed == 36
    assert record.wait(0.5) == pytest.approx(10.0)
    assert record.calls_per_success == 1.0


@pytest.mark.parametrize(
    "policy", [ours, lambda: Vicidial(Brake.AVERAGE), Issabel, OneToOne, lambda: Ratio(2.0)]
)
def test_the_same_seed_gives_the_same_result(policy: type[OneToOne]) -> None:
    short = replace(HOUR, hours=0.3)
    first, again, other = (simulate(short, policy(), seed) for seed in (1, 1, 2))

    def figures(record: object) -> str:
        return repr(record)

    assert figures(first) == figures(again)
    assert figures(first) != figures(other)


@pytest.mark.parametrize(
    "scenario",
    [
        HOUR,
        replace(
            HOUR, shifts=(Shift(agents=12),), answer_rate=Curve(points=((0, 0.1), (1800, 0.6)), steps=True)
        ),
        replace(HOUR, shifts=(Shift(agents=6), Shift(agents=6, ends=1800.0)), share=Fraction(1, 10)),
        replace(
            HOUR, shifts=(Shift(agents=8, breaks=((600.0, 900.0), (2000.0, 2400.0))),), share=Fraction(1, 10)
        ),
        replace(HOUR, machine_share=0.4, patience=Exponential(2.0), share=Fraction(1, 5), max_lines=9),
    ],
    ids=["plain", "jump", "leaving", "breaks", "machines"],
)
def test_ours_never_breaks_the_limit_at_any_instant(scenario: Scenario) -> None:
    record = simulate(scenario, ours())

    assert record.breaches == 0
    assert record.silent <= scenario.share * record.successes
    assert record.successes > 50


def test_ours_beats_one_call_per_agent() -> None:
    scenario = replace(HOUR, shifts=(Shift(agents=10),), share=Fraction(1, 10))

    assert simulate(scenario, ours()).occupancy > simulate(scenario, OneToOne()).occupancy + 0.1


def test_a_dialer_without_a_budget_is_seen_to_break_it() -> None:
    record = simulate(replace(HOUR, shifts=(Shift(agents=10),)), Ratio(3.0))

    assert record.breaches > 0
    assert record.most_over > 0
    assert record.worst > 0.03


def test_nobody_is_better_than_the_clairvoyant() -> None:
    for scenario in (HOUR, replace(HOUR, shifts=(Shift(agents=3), Shift(agents=3, ends=1800.0)))):
        bound = upper_bound(scenario, 1)
        assert simulate(scenario, Ratio(3.0)).occupancy < bound <= 1.0
        assert bound > 0.98


def test_agents_on_a_break_are_not_counted_as_waiting() -> None:
    scenario = replace(HOUR, shifts=(Shift(agents=2, breaks=((600.0, 1800.0),)),))
    record = simulate(scenario, OneToOne())

    assert record.working + record.idle == pytest.approx(2 * 2400, abs=150)


def test_a_trunk_limit_is_kept() -> None:
    class Watching(Ours):
        most = 0

        def saw(self, centre: Centre, what: Happening) -> None:
            super().saw(centre, what)
            self.most = max(self.most, centre.in_flight + len(centre.talking))

    policy = Watching(Terms())
    simulate(replace(HOUR, max_lines=7), policy)
    assert 5 <= policy.most <= 7


def test_the_nth_person_is_the_same_whatever_the_policy() -> None:
    early, late = Fates(HOUR, 1), Fates(HOUR, 1)
    for moment in range(50):
        assert early.next(float(moment)) == late.next(3000.0)


def segments(warm: float, cold: float, share: Curve | None = None) -> tuple[Segment, ...]:
    half = Curve.constant(0.5)
    return (
        Segment(name="warm", share=share or half, answer_rate=Curve.constant(warm), ring=Fixed(4.0)),
        Segment(name="cold", share=half, answer_rate=Curve.constant(cold), talk=Fixed(33.0)),
    )


def test_people_are_of_their_segments() -> None:
    fates = Fates(replace(HOUR, segments=segments(0.6, 0.1)), 1)
    people = [fates.next(0.0) for _ in range(4000)]

    assert sum(each.segment == "warm" for each in people) == pytest.approx(2000, rel=0.1)
    for name, rate in (("warm", 0.6), ("cold", 0.1)):
        answered = [each.answered for each in people if each.segment == name]
        assert sum(answered) / len(answered) == pytest.approx(rate, abs=0.04)
    assert {each.after for each in people if each.segment == "warm" and each.answered} == {4.0}
    assert {each.talk for each in people if each.segment == "cold" and each.answered} == {33.0}


def test_who_comes_next_is_known() -> None:
    fates = Fates(replace(HOUR, segments=segments(0.6, 0.1)), 1)
    coming = fates.coming(0.0, 30)

    assert [fates.next(0.0).segment for _ in range(10)] == coming[:10]
    assert fates.coming(0.0, 5) == coming[10:15]
    assert Fates(HOUR, 1).coming(0.0, 5) == []


def test_shares_change_with_the_time_of_day() -> None:
    only_later = Curve(points=((0.0, 0.0), (3600.0, 1.0)), steps=True)
    fates = Fates(replace(HOUR, segments=segments(0.6, 0.1, only_later)), 1)

    assert {fates.next(60.0).segment for _ in range(100)} == {"cold"}
    assert {fates.next(3700.0).segment for _ in range(100)} == {"warm", "cold"}


@pytest.mark.parametrize("groups", [True, False])
def test_with_segments_the_limit_is_kept_too(groups: bool) -> None:
    scenario = replace(HOUR, shifts=(Shift(agents=8),), segments=segments(0.6, 0.1), share=Fraction(1, 10))
    policy = Ours(Terms(cancel_after=15.0), groups=groups)
    record = simulate(scenario, policy)

    assert record.breaches == 0
    assert record.occupancy > 0.6
    known = policy.pacer.groups.known()
    assert (known.keys() == {"warm", "cold"} and known["warm"] > 4 * known["cold"]) is groups


def test_curves_drift_or_jump() -> None:
    points = ((0.0, 0.2), (100.0, 0.4))

    assert Curve(points=points).at(50.0) == pytest.approx(0.3)
    assert Curve(points=points, steps=True).at(99.0) == 0.2
    assert Curve(points=points).at(500.0) == 0.4


@pytest.mark.parametrize(
    "distribution",
    [Fixed(3.0), Uniform(1.0, 5.0), Exponential(3.0), LogNormal(3.0, 0.5), Samples([1.0, 5.0])],
)
def test_what_is_drawn_has_the_mean(distribution: Fixed) -> None:
    from random import Random

    random = Random(1)
    assert sum(distribution.draw(random) for _ in range(4000)) / 4000 == pytest.approx(3.0, rel=0.1)
    assert distribution.mean == pytest.approx(3.0)


def test_a_policy_is_a_policy() -> None:
    policies: list[Policy] = [ours(), OneToOne(), Ratio(2.0), Vicidial(Brake.TAPERED), Issabel()]
    assert len({policy.name for policy in policies}) == len(policies)
