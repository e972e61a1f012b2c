from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.regulation import Denominator, Limit
from controller.law import IT_GARANTE_2014

ROME = ZoneInfo("Europe/Rome")
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
BEGUN = date(2026, 11, 2)


def seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


@pytest.mark.parametrize("share", [Fraction(-1, 100), Fraction(1), Fraction(3)])
def test_a_share_outside_of_zero_to_one_is_refused(share: Fraction) -> None:
    with pytest.raises(ValueError, match="share"):
        Limit(name="x", share=share)


def test_a_window_of_no_days_is_refused() -> None:
    with pytest.raises(ValueError, match="1 day or more"):
        Limit(name="x", share=Fraction(3, 100), days=0)


def test_two_limits_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="names of their own"):
        replace(IT_GARANTE_2014, limits=(IT_GARANTE_2014.limits[0],) * 2)


@pytest.mark.parametrize(
    ("hang_up", "dead_man", "cut"),
    [(0, 2.9, 3), (-1, 2.9, 3), (2.9, 2.9, 3), (2.95, 2.9, 3), (2.7, 3, 3), (2.7, 3.1, 3)],
)
def test_the_controller_cuts_before_asterisk_and_asterisk_before_the_law(
    hang_up: float, dead_man: float, cut: float
) -> None:
    with pytest.raises(ValueError, match="hang_up_after"):
        replace(
            IT_GARANTE_2014,
            hang_up_after=seconds(hang_up),
            dead_man_after=seconds(dead_man),
            cut_after=seconds(cut),
        )


def test_three_of_a_hundred_answered_are_three_for_ninety_seven_successes() -> None:
    limit = Limit(name="x", share=Fraction(3, 100), denominator=Denominator.ANSWERED)
    assert limit.per_success == Fraction(3, 97)
    assert replace(limit, denominator=Denominator.SUCCESSES).per_success == Fraction(3, 100)


def test_a_day_begins_at_midnight_of_the_campaigns_zone() -> None:
    day = Limit(name="day", share=Fraction(4, 100), days=1)
    assert day.window(datetime(2026, 11, 24, 22, 59, tzinfo=UTC), ROME, BEGUN) == "day:2026-11-24"
    assert day.window(datetime(2026, 11, 24, 23, 0, tzinfo=UTC), ROME, BEGUN) == "day:2026-11-25"


def test_thirty_days_are_counted_from_the_campaigns_first_day() -> None:
    month = Limit(name="month", share=Fraction(3, 100), days=30)
    noon = datetime(2026, 11, 2, 12, tzinfo=UTC)
    labels = [month.window(noon + timedelta(days=days), ROME, BEGUN) for days in (0, 29, 30, 59, 60)]
    first, second, third = "30d:2026-11-02", "30d:2026-12-02", "30d:2027-01-01"
    assert labels == [first, first, second, second, third]


def test_the_whole_campaign_is_one_window() -> None:
    assert Limit(name="all", share=Fraction(3, 100)).window(datetime.now(UTC), ROME, None) == ""


@given(
    st.integers(0, 730 * 24 * 60).map(lambda minutes: FIRST + timedelta(minutes=minutes)),
    st.sampled_from([None, 1, 2, 7, 30]),
    st.dates(date(2026, 1, 1), date(2027, 12, 31)),
)
def test_every_call_belongs_to_one_window_of_its_limit_also_before_the_campaign_was_made(
    placed: datetime, days: int | None, begun: date
) -> None:
    """A clock may step back behind the day a campaign was made."""
    limit = Limit(name="x", share=Fraction(3, 100), days=days)
    label = limit.window(placed, ROME, begun)
    others = [Limit(name="y", share=Fraction(0), days=each) for each in (None, 1, 2, 7, 30) if each != days]
    assert limit.has_window(label)
    assert not any(other.has_window(label) for other in others)
    if days is not None:
        first = date.fromisoformat(label.partition(":")[2])
        assert first <= placed.astimezone(ROME).date() < first + timedelta(days=days)
