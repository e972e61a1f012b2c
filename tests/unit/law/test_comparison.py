"""Stricter and looser: no tightening is called looser, no loosening gets by."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.hours import parse_hours
from controller.domain.law_document import digest
from controller.domain.regulation import CallerIdRule, Denominator, Limit, Regulation
from controller.law import IT_GARANTE_2014, PROFILES, looser
from tests.unit.law.changes import loosenings, tighter

ITALY = IT_GARANTE_2014
LAWS = st.sampled_from(list(PROFILES.values()))
ROME = ZoneInfo("Europe/Rome")


@settings(deadline=None)
@given(LAWS.flatmap(lambda law: st.tuples(st.just(law), tighter(law))))
def test_a_tightening_is_never_looser(laws: tuple[Regulation, Regulation]) -> None:
    base, own = laws
    assert looser(own, base) == ()


CASES = [(law, field) for law in PROFILES.values() for field in loosenings(law)]


@pytest.mark.parametrize(("base", "field"), CASES, ids=[f"{law.name}-{field}" for law, field in CASES])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_loosening_of_any_one_field_is_found(base: Regulation, field: str, data: st.DataObject) -> None:
    own = data.draw(loosenings(base)[field])
    assert [words.partition(":")[0] for words in looser(own, base)] == [field]
    assert digest(own) != digest(base)
    if field in {"cut_after", "hang_up_after", "dead_man_after"}:
        return  # Their order binds them to each other.
    tightened = replace(data.draw(tighter(base)), **{field: getattr(own, field)})
    assert [words.partition(":")[0] for words in looser(tightened, base)] == [field]


LIMITS = st.builds(
    Limit,
    name=st.just("x"),
    share=st.sampled_from([Fraction(n, 10) for n in range(6)]),
    denominator=st.sampled_from(Denominator),
    days=st.sampled_from([None, 1, 2, 3, 4, 6]),
)
CALLS = st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=80)
"""Answered calls: on which day, and whether silent."""


@settings(deadline=None)
@given(own=LIMITS, base=LIMITS, calls=CALLS)
def test_who_keeps_a_limit_that_is_not_looser_keeps_the_other(
    own: Limit, base: Limit, calls: list[tuple[int, bool]]
) -> None:
    laws = [replace(ITALY, limits=(limit,)) for limit in (own, base)]
    if looser(*laws):
        return
    # Calls that would break the own limit are not placed.
    placed: list[tuple[int, bool]] = []
    for call in sorted(calls, key=lambda call: call[1]):  # The successes first: the most that is allowed.
        if _kept(own, [*placed, call]):
            placed.append(call)
    assert _kept(base, placed)


def _kept(limit: Limit, calls: list[tuple[int, bool]]) -> bool:
    silent: dict[str, int] = defaultdict(int)
    good: dict[str, int] = defaultdict(int)
    for day, was_silent in calls:
        placed = datetime(2026, 11, 2, 12, tzinfo=UTC) + timedelta(days=day)
        window = limit.window(placed, ROME, date(2026, 11, 2))
        (silent if was_silent else good)[window] += 1
    return all(count <= limit.per_success * good[window] for window, count in silent.items())


@pytest.mark.parametrize(("days", "of"), list(itertools.permutations([2, 3, 7, 30], 2)))
def test_windows_that_do_not_make_up_each_other_cannot_be_compared(days: int, of: int) -> None:
    own = replace(ITALY, limits=(Limit(name="own", share=Fraction(1, 1000), days=days),))
    base = replace(ITALY, limits=(Limit(name="base", share=Fraction(1, 10), days=of),))
    assert bool(looser(own, base)) == (of % days != 0)


def test_a_whole_campaign_does_not_keep_its_days() -> None:
    own = replace(ITALY, limits=(Limit(name="own", share=Fraction(0)),))
    assert looser(own, ITALY) == ("limits: more silent calls are allowed, or a limit is missing",)


def test_three_of_a_hundred_answered_are_more_than_three_for_a_hundred_successes() -> None:
    base = replace(ITALY, limits=ITALY.limits[:1])
    answered = replace(base.limits[0], denominator=Denominator.ANSWERED)
    assert looser(replace(base, limits=(answered,)), base)
    assert not looser(base, replace(base, limits=(answered,)))


def test_an_eve_with_no_hours_of_its_own_is_looser() -> None:
    assert looser(replace(ITALY, hours=parse_hours("mon-fri 09:00-20:00; sat 10:00-19:00")), ITALY)
    assert not looser(replace(ITALY, hours=parse_hours("mon-fri 10:00-19:00; sat 10:00-19:00")), ITALY)


def test_a_caller_who_presents_only_free_numbers_needs_no_other_ranges() -> None:
    rule = CallerIdRule(required=True, must_answer=True, free_prefixes=("+39084412",))
    assert not looser(replace(ITALY, caller_id=rule), ITALY)
    wider = replace(rule, free_prefixes=("+39084412", "+39085"))
    assert looser(replace(ITALY, caller_id=wider), ITALY)


def test_where_any_number_may_be_presented_no_range_is_looser() -> None:
    base = PROFILES["us-ftc-tsr"]
    assert not looser(replace(base, caller_id=replace(base.caller_id, free_prefixes=("+1800",))), base)
