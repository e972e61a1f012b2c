"""Where a person lives, what time it is there, and whether it is a holiday.

Numbers tell it only roughly: a range belongs to a region, its owner may have moved. What is known of the
person wins (Habits); what a number leaves open is taken by its strict side, all the zones that it may be in.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

import holidays
import phonenumbers
from phonenumbers import PhoneNumber
from phonenumbers import timezone as number_zones

from controller.domain.campaign import Campaign
from controller.domain.clearance import Check
from controller.domain.contact import Habits
from controller.domain.hours import Hours, IsHoliday
from controller.domain.ids import E164
from controller.domain.timetable import Window, hours_check, next_window
from controller.errors import BadInput

_UNKNOWN_ZONE: Final = "Etc/Unknown"
_NO_COUNTRY: Final = "001"
"""What phonenumbers calls the country of +800 and the like."""
_REMEMBERED: Final = 4096
"""Windows kept at most: one per combination of hours, zones, region and ring time that occurs."""
_ASK_AGAIN: Final = timedelta(hours=1)
"""How long it is believed that no window is in sight."""

_Key = tuple[tuple[Hours, ...], tuple[ZoneInfo, ...], str, timedelta]


class Calendar:
    """Checks the hours by the callee's own clock and holidays.

    Most contacts of a campaign share hours, zone and region, and so their next window: it is looked for once.
    """

    def __init__(self) -> None:
        self._found: dict[_Key, tuple[datetime, datetime, Window | None]] = {}

    def check(self, campaign: Campaign, number: E164, habits: Habits, now: datetime) -> Check:
        """Whether the person may be called now.

        Raises:
            BadInput: the holidays of their region are not known.
        """
        zones = zones_of(number, habits.zone, campaign.zone)
        region = region_of(number, habits, campaign)

        def find(hours: tuple[Hours, ...], at: datetime, room: timedelta) -> Window | None:
            return self._window((hours, zones, region, room), at)

        return hours_check(campaign, habits, now, zones, find)

    def _window(self, key: _Key, at: datetime) -> Window | None:
        known = self._found.get(key)
        # Also looked for anew if the clock was set back.
        if known is not None and known[0] <= at <= known[1]:
            return known[2]
        hours, zones, region, room = key
        window = next_window(hours, at, zones, is_holiday(region), room)
        if len(self._found) >= _REMEMBERED:
            self._found.clear()
        good_until = window.closes - room if window else at + _ASK_AGAIN
        self._found[key] = at.astimezone(UTC), good_until, window
        return window


# --- time zones ---------------------------------------------------------------------------------------


def zones_of(number: E164, own: str, fallback: str) -> tuple[ZoneInfo, ...]:
    """The time zones in which the owner of a number may be, by name, each clock once.

    The person's own, if it is known; else all that the number may belong to, which are several for mobile
    numbers of some countries; the campaign's where the number tells nothing.
    """
    if own:
        return (ZoneInfo(own),)
    country = _zones_of_country(_country_code(number))
    if len(country) > 1:
        # Numbers of no known range may be anywhere in their country.
        return _zones_of_number(number) or country
    return country or (ZoneInfo(fallback),)


@lru_cache(maxsize=65536)
def _zones_of_number(number: E164) -> tuple[ZoneInfo, ...]:
    parsed = _parsed(number)
    return _clocks(number_zones.time_zones_for_number(parsed)) if parsed else ()


@cache
def _zones_of_country(code: int) -> tuple[ZoneInfo, ...]:
    # A number that consists of the country code alone belongs to the country as a whole.
    names = number_zones.time_zones_for_geographical_number(PhoneNumber(country_code=code))
    example = phonenumbers.example_number(_countries(code)[0]) if _countries(code) else None
    return _clocks(names, number_zones.time_zones_for_number(example) if example else ())


@cache
def _clocks(names: tuple[str, ...], known_best: tuple[str, ...] = ()) -> tuple[ZoneInfo, ...]:
    """The zones of these names that show different times, now or in the years to come.

    Of those that show the same, the one is kept that people know best: Europe/London, not Europe/Guernsey.
    """
    clocks: dict[tuple[timedelta | None, ...], ZoneInfo] = {}
    for name in sorted(set(names) - {_UNKNOWN_ZONE}, key=lambda name: (name not in known_best, name)):
        zone = ZoneInfo(name)
        clocks.setdefault(tuple(at.astimezone(zone).utcoffset() for at in _SAMPLES), zone)
    return tuple(clocks.values())


_SAMPLES: Final = tuple(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=3 * i) for i in range(5 * 122))
"""Instants at which clocks are compared: often enough that two weeks between clock changes show."""


# --- regions ------------------------------------------------------------------------------------------


def region_of(number: E164, habits: Habits, campaign: Campaign) -> str:
    """Whose holidays hold for a person, as ``IT`` or ``IT-MI``.

    Their own, if it is known; the country's of the number, if that is another than the campaign's; else the
    campaign's.
    """
    if habits.region:
        return habits.region
    home = campaign.region.partition("-")[0]
    country = _country_of(number, home)
    return country if country != home and country in _supported() else campaign.region


def _country_of(number: E164, home: str) -> str:
    """The country of a number; ``home`` where several share the code and the number does not tell."""
    countries = _countries(_country_code(number))
    if len(countries) > 1:
        return _country_of_shared(number) or (home if home in countries else countries[0])
    return countries[0] if countries else home


def _country_code(number: E164) -> int:
    """The calling code that a number begins with; 0 if there is no such code."""
    # No code is the beginning of another one.
    return next((code for end in (2, 3, 4) if _countries(code := int(number[1:end]))), 0)


def _countries(code: int) -> tuple[str, ...]:
    """The countries that share a calling code, the main one first; none if it belongs to no country."""
    found = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code, ())
    return tuple(country for country in found if country != _NO_COUNTRY)


@lru_cache(maxsize=65536)
def _country_of_shared(number: E164) -> str | None:
    parsed = _parsed(number)
    return phonenumbers.region_code_for_number(parsed) if parsed else None


def _parsed(number: E164) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None


@cache
def is_holiday(region: str) -> IsHoliday:
    """Whether a day is a public holiday in a region.

    Raises:
        BadInput: there is no such region.
    """
    country, _, part = checked_region(region).partition("-")
    calendar = holidays.country_holidays(country, subdiv=part or None)
    known: dict[date, bool] = {}

    def answer(day: date) -> bool:
        found = known.get(day)
        if found is None:
            found = known[day] = day in calendar
        return found

    return answer


def checked_region(text: str) -> str:
    """A region as ``IT`` or ``IT-MI``.

    Raises:
        BadInput: nobody knows its holidays.
    """
    country, dash, part = text.strip().upper().partition("-")
    supported = _supported()
    if country not in supported:
        raise BadInput("region", f"{text!r} is no country whose holidays are known", "such as IT or IT-MI")
    if dash and part not in supported[country]:
        parts = ", ".join(supported[country]) or "none"
        raise BadInput("region", f"{text!r}: {country} has no part {part!r} with holidays of its own", parts)
    return f"{country}-{part}" if dash else country


@cache
def _supported() -> dict[str, list[str]]:
    every = holidays.list_supported_countries(include_aliases=False)
    return {country: list(parts) for country, parts in every.items()}


# --- names --------------------------------------------------------------------------------------------


def checked_zone(text: str) -> str:
    """A time zone by its IANA name.

    Raises:
        BadInput: there is none of that name.
    """
    if text not in _zone_names():
        raise BadInput("zone", f"{text!r} is no time zone", "an IANA name, such as Europe/Rome")
    return text


_zone_names: Callable[[], set[str]] = cache(available_timezones)
