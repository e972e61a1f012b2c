from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.authority.history import span
from controller.authority.limits import per_100
from controller.authority.period import Period
from controller.domain.answer import AnswerClass, Answerer
from controller.domain.budget import Tally
from controller.domain.call import HungUpBy
from controller.domain.evidence import Entry, Head, Kind, Sealed, seal
from controller.domain.ids import CallId
from controller.domain.outcome import Outcome
from controller.law import PROFILES
from tests.unit.authority.calls import MONDAY, NINE, call, campaign, history, many

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def test_a_small_history_by_hand() -> None:
    after = NINE + 100 * MINUTE
    facts = [
        *many(68),  # 3 per 100 of 68 allow 2
        call("s1", Outcome.SILENT, after),
        call("s2", Outcome.SILENT, after + MINUTE, ended_by=HungUpBy.CALLEE, answer_class=AnswerClass.LEFT),
        call("m", Outcome.CONNECTED, after, answer_class=AnswerClass.MACHINE, answerer=Answerer.MACHINE),
        call("e", Outcome.LEFT_EARLY, after),
        call("b", Outcome.BUSY, after),
        call("open", None, after),
    ]
    made = history(facts)
    counts = made.counts
    assert (counts.attempts, counts.answered, counts.under_way, counts.silent) == (74, 72, 1, 2)
    assert {each.value: n for each, n in counts.classes.items() if n} == {
        "agent": 68, "silent": 1, "left": 2, "machine": 1,
    }  # fmt: skip
    assert counts.counted_silent[AnswerClass.LEFT] == 1
    assert counts.unanswered[Outcome.BUSY] == 1
    of_campaign, of_day = made.limits
    assert (of_campaign.final.silent, of_campaign.final.successes) == (2, 69)
    assert of_campaign.kept
    assert of_day.kept
    assert of_campaign.worst is not None
    # The second one: the machine had been counted by then.
    assert of_campaign.worst.at == after + MINUTE + timedelta(seconds=12.7)
    assert of_campaign.worst.per_100 == pytest.approx(200 / 69)
    assert made.times.silent is not None
    assert (made.times.silent.longest, made.times.too_long) == (2.7, 0)
    assert made.times.to_noise is not None
    assert (made.times.to_noise.longest, made.times.noise_late, made.times.noise_missing) == (0.02, 0, 0)
    assert dict(made.times.lengths)[3.0] == 2
    assert made.caller_numbers == {"+390844123456": 74}
    assert made.limits_kept


def test_the_first_instant_over_the_limit_is_found_though_it_ends_within_it() -> None:
    early = call("s", Outcome.SILENT, NINE + 32 * MINUTE)  # after 32 successes: none is allowed yet
    limit = history([*many(100), early]).limits[0]
    assert limit.final.kept
    assert not limit.kept
    assert limit.first_over is not None
    assert limit.first_over.at == early.ended_at
    assert (limit.first_over.tally.silent, limit.first_over.tally.successes) == (1, 33)
    assert limit.over == 1  # the 34th success makes it lawful


def test_of_events_at_one_instant_the_silent_call_goes_first() -> None:
    last = NINE + 33 * MINUTE
    at = last + timedelta(seconds=10)
    facts = [
        *many(33),
        call("c", Outcome.CONNECTED, last, heard_at=at),
        call("s", Outcome.SILENT, last, ended_at=at),
    ]
    assert history(facts).limits[0].over == 1


def test_a_silent_call_before_any_success_is_infinitely_many() -> None:
    limit = history([call("s", Outcome.SILENT)]).limits[0]
    assert limit.worst is not None
    assert math.isinf(limit.worst.per_100)
    assert not limit.kept


def test_a_limit_of_the_day_begins_anew_at_midnight_and_counts_by_when_a_call_was_placed() -> None:
    tuesday = NINE + DAY
    before_midnight = NINE + timedelta(hours=14, minutes=59, seconds=59)
    facts = [*many(50), call("late", Outcome.SILENT, before_midnight), *many(30, tuesday, "t")]
    made = history(facts, MONDAY, MONDAY + DAY)
    of_day = made.limits[1]
    assert of_day.kept
    assert of_day.windows == 2
    assert (of_day.final.successes, of_day.final.silent) == (30, 0)
    monday, other = made.days
    assert (monday.highest["day"], monday.at_end["day"]) == (2.0, 2.0)
    assert other.highest["day"] == 0.0
    assert (monday.counts.silent, other.counts.silent) == (1, 0)


def test_what_was_before_the_period_counts_in_the_campaigns_window() -> None:
    facts = [*many(40), call("s", Outcome.SILENT, NINE + 60 * MINUTE)]
    made = history(facts, MONDAY + DAY, MONDAY + DAY)
    assert made.counts.attempts == 0
    assert made.limits[0].steps[0].highest == pytest.approx(2.5)
    assert made.limits[1].steps[0].highest is None
    broken = history([call("s", Outcome.SILENT)], MONDAY + DAY, MONDAY + DAY)
    assert not broken.limits[0].kept  # it goes on being over


def test_the_american_limit_counts_the_silent_ones_among_the_answered() -> None:
    law = PROFILES["us-ftc-tsr"]
    facts = [*many(97), *(call(f"s{n}", Outcome.SILENT, NINE + (100 + n) * MINUTE) for n in range(3))]
    made = history(facts, of=campaign(law=law))
    assert made.limits[0].kept
    assert per_100(made.limits[0].final) == 3.0
    assert made.times.too_long == 0  # how long its message was is no question of this law


@pytest.mark.parametrize(
    ("later", "guaranteed", "broken"),
    [(5 * DAY, True, 0), (5 * DAY - timedelta(seconds=1), True, 1), (6 * DAY, False, 1)],
)
def test_the_next_call_comes_late_enough_and_with_an_agent(
    later: timedelta, guaranteed: bool, broken: int
) -> None:
    silent = call("s", Outcome.SILENT)
    assert silent.ended_at is not None
    again = call("a", Outcome.BUSY, silent.ended_at + later, person=silent.person, guaranteed=guaranteed)
    made = history([silent], others=[again])
    assert (made.keeping.silent, made.keeping.called_again, made.keeping.earliest) == (1, 1, later)
    assert len(made.keeping.broken) == broken == made.days[0].broken
    somebody_elses = replace(again, caller="Other Ltd")
    assert history([silent], others=[somebody_elses]).keeping.called_again == 0


def test_the_agent_is_owed_until_the_person_heard_one() -> None:
    silent = call("s", Outcome.SILENT)

    def again(name: str, days: int, outcome: Outcome, *, guaranteed: bool) -> object:
        return call(name, outcome, NINE + days * DAY, person=silent.person, guaranteed=guaranteed)

    busy = again("1", 6, Outcome.BUSY, guaranteed=True)
    unguaranteed = again("2", 7, Outcome.CONNECTED, guaranteed=False)
    heard = again("2", 7, Outcome.CONNECTED, guaranteed=True)
    after = again("3", 8, Outcome.CONNECTED, guaranteed=False)
    assert history([silent], others=[busy, unguaranteed]).keeping.unguaranteed  # type: ignore[list-item]
    assert history([silent], others=[busy, heard, after]).keeping.kept  # type: ignore[list-item]


def test_a_late_cut_a_late_agent_and_late_noise_are_found() -> None:
    answered = NINE + timedelta(seconds=10)
    facts = [
        call("s", Outcome.SILENT, ended_at=answered + timedelta(seconds=3.001)),
        call("a", Outcome.CONNECTED, bridged_at=answered + timedelta(seconds=3.2)),
        call("n", Outcome.CONNECTED, noise_at=answered + timedelta(seconds=0.201)),
        call("l", Outcome.LOST, answered_at=None, noise_at=None),
    ]
    times = history(facts).times
    assert (times.too_long, times.noise_late, times.noise_missing, times.unseen) == (2, 1, 0, 1)
    assert times.lengths[-1] == (math.inf, 1)


def test_calls_under_a_lifted_limit_are_counted_apart() -> None:
    facts = [call("s", Outcome.SILENT, override=True), call("b", Outcome.BUSY, override=True), *many(2)]
    counts = history(facts).counts
    assert (counts.lifted, counts.lifted_silent, counts.attempts) == (2, 1, 4)


def test_decisions_are_told_from_the_evidence_looser_profiles_once() -> None:
    law = {"name": "mine", "override": {"author": "Anna", "reason": "pilot", "looser": ["cut_after"]}}
    entries = [
        Entry(kind=Kind.OVERRIDE, at=NINE, campaign="spring", body={"author": "Bruno", "reason": "lab"}),
        Entry(kind=Kind.PROFILE, at=NINE, campaign="spring", body={"law": law}),
        Entry(kind=Kind.PROFILE, at=NINE + MINUTE, campaign="spring", body={"law": law}),
        Entry(kind=Kind.PROFILE, at=NINE, campaign="spring", body={"law": {"name": "it", "override": None}}),
        Entry(kind=Kind.OVERRIDE, at=NINE + DAY, campaign="spring", body={"author": "later", "reason": ""}),
    ]
    decisions = history([], entries=[seal(each, Head()) for each in entries]).decisions
    assert [(each.author, each.profile, each.looser) for each in decisions] == [
        ("Bruno", "", ()),
        ("Anna", "mine", ("cut_after",)),
    ]


def test_an_entry_that_cannot_be_read_is_not_passed_over() -> None:
    sealed = seal(Entry(kind=Kind.OVERRIDE, at=NINE, campaign="spring", body={}), Head())
    torn = Sealed(**{name: getattr(sealed, name) for name in Sealed.__slots__} | {"body": "{"})
    assert "cannot be read" in history([], entries=[torn]).decisions[0].reason


def test_a_law_without_limits_allows_no_silent_call() -> None:
    none = campaign(law=replace(campaign().law, limits=()))
    assert history(many(3), of=none).limits_kept
    assert not history([*many(300), call("s", Outcome.SILENT)], of=none).limits_kept


def test_days_are_those_of_the_zone() -> None:
    late = NINE + timedelta(hours=14)  # 23:00 in Rome
    facts = [call("1", Outcome.BUSY, late), call("2", Outcome.BUSY, late + timedelta(hours=1))]
    assert span(facts, "Europe/Rome", MONDAY) == (MONDAY, MONDAY + DAY)
    assert span([], "Europe/Rome", MONDAY) == (MONDAY, MONDAY)
    assert history(facts).counts.attempts == 1


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (MONDAY, 24)])
def test_a_day_has_the_hours_it_has(day: date, hours: int) -> None:
    assert len(Period(day, day, ZoneInfo("Europe/Rome")).steps()) == hours


def test_a_period_ends_after_it_begins() -> None:
    with pytest.raises(ValueError, match="before"):
        Period(MONDAY, MONDAY - DAY, ZoneInfo("Europe/Rome"))


# --- properties -------------------------------------------------------------------------------------------

_OUTCOMES = st.sampled_from([None, *Outcome])
_SOME = st.lists(st.tuples(_OUTCOMES, st.integers(0, 5 * 24 * 3600)), max_size=60)


@given(_SOME, st.integers(0, 4), st.integers(0, 4), st.sampled_from(sorted(PROFILES)))
def test_every_call_is_counted_once_and_the_curve_ends_where_the_total_is(
    drawn: list[tuple[Outcome | None, int]], first: int, length: int, law: str
) -> None:
    facts = [
        call(f"c{n:03}", outcome, NINE + timedelta(seconds=seconds))
        for n, (outcome, seconds) in enumerate(drawn)
    ]
    since = MONDAY + first * DAY
    made = history(facts, since, since + length * DAY, of=campaign(law=PROFILES[law]))
    counts = made.counts
    assert counts.attempts == sum(fact.placed in made.period for fact in facts)
    assert counts.answered + sum(counts.unanswered.values()) + counts.under_way == counts.attempts
    assert sum(day.counts.attempts for day in made.days) == counts.attempts
    assert sum(day.counts.silent for day in made.days) == counts.silent
    for limit in made.limits:
        assert limit.steps[-1].at_end == per_100(limit.final)
        highest = max((step.highest for step in limit.steps if step.highest is not None), default=None)
        assert highest == (limit.worst.per_100 if limit.worst else None)
        assert limit.kept == (not any(step.over for step in limit.steps))
        assert limit.kept == (limit.worst is None or limit.worst.tally.kept)


@given(_SOME)
def test_over_the_whole_campaign_it_agrees_with_a_count_by_hand(
    drawn: list[tuple[Outcome | None, int]],
) -> None:
    facts = [
        call(f"c{n:03}", outcome, NINE + timedelta(seconds=seconds))
        for n, (outcome, seconds) in enumerate(drawn)
    ]
    limit = history(facts, MONDAY, MONDAY + 9 * DAY).limits[0]
    events = sorted(
        [(f.ended_at, 0) for f in facts if f.outcome in (Outcome.SILENT, Outcome.LOST) and f.ended_at]
        + [(f.heard_at, 1) for f in facts if f.outcome is Outcome.CONNECTED and f.heard_at]
    )
    silent = successes = over = 0
    for _, success in events:
        successes, silent = successes + success, silent + (not success)
        over += 100 * silent > 3 * successes
    assert (limit.final.silent, limit.final.successes, limit.over) == (silent, successes, over)


def test_the_ratio_of_nothing_is_none() -> None:
    assert per_100(Tally(limit=campaign().law.limits[0])) is None
    assert CallId("x") not in history([]).keeping.broken
