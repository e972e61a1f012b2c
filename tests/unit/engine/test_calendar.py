"""Zones and holidays from real numbers and real calendars, and what is remembered of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import holidays
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers.tzdata import TIMEZONE_DATA

from controller.domain.campaign import Campaign
from controller.domain.contact import Habits
from controller.domain.hours import NEVER, parse_hours
from controller.domain.ids import E164, CampaignId
from controller.engine.calendar import (
    Calendar,
    checked_region,
    checked_zone,
    is_holiday,
    region_of,
    zones_of,
)
from controller.errors import BadInput
from controller.law import IT_GARANTE_2014
from tests.fakes.law import LAX

ROME = ZoneInfo("Europe/Rome")
HABITS = Habits()
ITALY = Campaign(id=CampaignId("c"), caller="acme", law=IT_GARANTE_2014)
MILAN = E164("+390212345678")
WASHINGTON = E164("+12025550123")


def zones(number: str, own: str = "") -> list[str]:
    return [zone.key for zone in zones_of(E164(number), own, "Europe/Rome")]


# --- zones --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (MILAN, ["Europe/Rome"]),
        ("+393471234567", ["Europe/Rome"]),
        ("+390669812345", ["Europe/Rome"]),
        ("+442071838750", ["Europe/London"]),
        ("+447400123456", ["Europe/London"]),
        (WASHINGTON, ["America/New_York"]),
        ("+14155550123", ["America/Los_Angeles"]),
        ("+551121234567", ["America/Sao_Paulo"]),
        ("+800123456789", ["Europe/Rome"]),  # of no country: the campaign's
    ],
)
def test_a_number_tells_its_zone(number: str, expected: list[str]) -> None:
    assert zones(number) == expected


@pytest.mark.parametrize("number", ["+79161234567", "+61412345678", "+18005551234", "+12345"])
def test_a_number_that_may_be_anywhere_in_a_large_country_is_everywhere(number: str) -> None:
    found = zones(number)
    assert len(found) > 3
    offsets = {
        tuple(
            (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)).astimezone(ZoneInfo(zone)).utcoffset()
            for day in range(365)
        )
        for zone in found
    }
    assert len(offsets) == len(found)  # each clock once


def test_the_persons_own_zone_wins() -> None:
    assert zones(WASHINGTON, "Asia/Tokyo") == ["Asia/Tokyo"]


def test_every_zone_a_number_can_have_exists() -> None:
    named = {name for names in TIMEZONE_DATA.values() for name in names}
    assert named <= available_timezones()


@given(st.integers(1_000_000, 999_999_999_999_999))
def test_every_number_has_a_zone_and_a_region(digits: int) -> None:
    number = E164(f"+{digits}")
    assert zones_of(number, "", "Europe/Rome")
    assert checked_region(region_of(number, HABITS, ITALY))


# --- regions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "home", "expected"),
    [
        (MILAN, "IT-MI", "IT-MI"),
        (WASHINGTON, "IT-MI", "US"),
        ("+16135550123", "IT", "CA"),
        ("+16135550123", "US", "CA"),
        ("+11112223333", "CA-ON", "CA-ON"),  # code shared, no such range
        ("+11112223333", "IT", "US"),
        ("+77011234567", "RU", "KZ"),
        ("+800123456789", "IT", "IT"),
        ("+2901234", "IT", "SH"),
    ],
)
def test_a_number_tells_whose_holidays_hold(number: str, home: str, expected: str) -> None:
    assert region_of(E164(number), HABITS, replace(ITALY, region=home)) == expected


def test_a_country_without_known_holidays_has_the_campaigns() -> None:
    known = holidays.list_supported_countries(include_aliases=False)
    unknown = next(
        country
        for country in sorted(phonenumbers.SUPPORTED_REGIONS - set(known))
        if phonenumbers.COUNTRY_CODE_TO_REGION_CODE[phonenumbers.country_code_for_region(country)]
        == (country,)
    )
    example = phonenumbers.example_number(unknown)
    assert example is not None
    number = E164(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164))
    assert region_of(number, HABITS, ITALY) == "IT"


def test_the_persons_own_region_wins() -> None:
    assert region_of(WASHINGTON, Habits(region="IT-RM"), ITALY) == "IT-RM"


def test_holidays_of_italy_and_of_its_cities() -> None:
    italy, milan, rome = is_holiday("IT"), is_holiday("IT-MI"), is_holiday("IT-RM")
    for day in (date(2026, 4, 6), date(2026, 6, 2), date(2026, 12, 8), date(2027, 1, 1), date(2026, 4, 5)):
        assert italy(day)
        assert milan(day)
    assert not italy(date(2026, 12, 7))
    assert milan(date(2026, 12, 7))  # St Ambrose
    assert not rome(date(2026, 12, 7))
    assert rome(date(2026, 6, 29))  # St Peter and Paul
    assert not italy(date(2026, 4, 7))


def test_every_region_that_is_accepted_has_a_calendar() -> None:
    for country in holidays.list_supported_countries(include_aliases=False):
        assert is_holiday(checked_region(country))(date(2026, 1, 2)) in (True, False)


@pytest.mark.parametrize(("text", "region"), [("IT", "IT"), (" it-mi ", "IT-MI"), ("us-CA", "US-CA")])
def test_regions_are_taken_as_people_write_them(text: str, region: str) -> None:
    assert checked_region(text) == region


@pytest.mark.parametrize(
    ("text", "problem", "allowed"),
    [
        ("", "no country", "IT or IT-MI"),
        ("Italy", "no country", "IT or IT-MI"),
        ("ITA", "no country", "IT or IT-MI"),
        ("XX", "no country", "IT or IT-MI"),
        ("IT-", "no part ''", "MI"),
        ("IT-ZZ", "no part 'ZZ'", "MI"),
    ],
)
def test_regions_without_holidays_are_refused(text: str, problem: str, allowed: str) -> None:
    with pytest.raises(BadInput, match=problem) as refused:
        checked_region(text)
    assert allowed in refused.value.allowed


def test_zones_are_checked() -> None:
    assert checked_zone("Europe/Rome") == "Europe/Rome"
    for text in ("", "Rome", "europe/rome", "../etc/passwd", "+01:00"):
        with pytest.raises(BadInput, match="no time zone"):
            checked_zone(text)


# --- put together -------------------------------------------------------------------------------------


def at(day: int, hour: int, minute: int = 0, month: int = 12) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=ROME)


def test_italys_hours_by_the_callees_clock_and_holidays() -> None:
    calendar = Calendar()
    ambrose = Habits(region="IT-MI")
    assert calendar.check(ITALY, MILAN, HABITS, at(4, 19, 58)).passed
    # Monday the 7th is St Ambrose in Milan only, and the eve of a holiday everywhere else.
    assert not calendar.check(ITALY, MILAN, HABITS, at(7, 9, 30)).passed
    assert calendar.check(ITALY, MILAN, HABITS, at(7, 10)).passed
    assert calendar.check(ITALY, MILAN, ambrose, at(7, 10)).until == at(9, 9)
    # 15:00 in Rome is 9:00 in Washington.
    assert calendar.check(ITALY, WASHINGTON, HABITS, at(4, 14, 59)).until == at(4, 15)
    assert calendar.check(ITALY, WASHINGTON, HABITS, at(4, 15)).passed
    # Thanksgiving is none of Italy's.
    thanksgiving = at(26, 16, month=11)
    assert calendar.check(ITALY, MILAN, HABITS, thanksgiving).passed
    assert not calendar.check(ITALY, WASHINGTON, HABITS, thanksgiving).passed


HOURS = st.sampled_from(["mon-fri 09:00-13:00,15:00-19:00", "mon-sun,holiday 00:00-24:00", "sat 02:00-02:40"])


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.integers(-3 * 86400, 3 * 86400),
            st.sampled_from([MILAN, WASHINGTON, E164("+61412345678")]),
            st.one_of(st.none(), HOURS),
            st.sampled_from(["", "IT-MI", "US"]),
        ),
        min_size=2,
        max_size=12,
    )
)
def test_what_is_remembered_is_what_would_be_found(
    asked: list[tuple[int, E164, str | None, str]],
) -> None:
    # In any order: the clock is set back as well.
    calendar, change = Calendar(), datetime(2026, 10, 25, 1, tzinfo=UTC)
    for seconds, number, hours, region in asked:
        habits = Habits(hours=parse_hours(hours) if hours else None, region=region)
        now = change + timedelta(seconds=seconds)
        assert calendar.check(ITALY, number, habits, now) == Calendar().check(ITALY, number, habits, now)


def test_what_was_out_of_sight_is_looked_for_again() -> None:
    # Open on St Ambrose's day alone, which was not within sight of a year before.
    campaign = replace(ITALY, law=LAX, hours=parse_hours("holiday 10:00-11:00; sun 12:00-13:00"))
    calendar = Calendar()
    habits = Habits(hours=NEVER)
    assert calendar.check(campaign, MILAN, habits, at(1, 9)).until is None
    assert calendar.check(campaign, MILAN, HABITS, at(1, 9)).until == at(6, 12)
    assert calendar.check(campaign, MILAN, habits, at(6, 12)).until is None


def test_memory_is_bounded() -> None:
    calendar = Calendar()
    for minute in range(5000):
        hours = parse_hours(f"mon {minute // 60 % 12:02d}:{minute % 60:02d}-{12 + minute // 720}:59")
        calendar.check(replace(ITALY, law=LAX), MILAN, Habits(hours=hours), at(7, 0))
    assert len(calendar._found) <= 4096
