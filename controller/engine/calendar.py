"""Where a person lives, what time it is there, and whether it is a holiday."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

import holidays
import phonenumbers
from phonenumbers import timezone as number_zones

from controller.domain.campaign import Campaign
from controller.domain.clearance import Check
from controller.domain.contact import Habits
from controller.domain.hours import IsHoliday
from controller.domain.ids import E164
from controller.domain.timetable import hours_check
from controller.errors import BadInput

_UNKNOWN_ZONE = "Etc/Unknown"


class Calendar:
    """Checks the hours by the callee's own clock and holidays."""

    def check(self, campaign: Campaign, number: E164, habits: Habits, now: datetime) -> Check:
        """Whether the person may be called now."""
        zones = zones_of(number, habits.zone, campaign.zone)
        return hours_check(campaign, habits, now, zones, is_holiday(region_of(number, habits, campaign)))


def zones_of(number: E164, own: str, fallback: str) -> tuple[ZoneInfo, ...]:
    """The time zones in which the owner of a number may be.

    The person's own, if it is known; else all that the number may belong to, which are several for many
    mobile numbers of large countries; the campaign's where the number tells nothing.
    """
    if own:
        return (ZoneInfo(own),)
    return _zones_of_range(number[:-4] if len(number) > 8 else number, number, fallback)


@lru_cache(maxsize=4096)
def _zones_by_range(start: str, sample: str, fallback: str) -> tuple[ZoneInfo, ...]:
    try:
        names = number_zones.time_zones_for_number(phonenumbers.parse(sample))
    except phonenumbers.NumberParseException:
        names = ()
    # Distinct clocks only: Europe/Vatican and Europe/San_Marino show what Europe/Rome does.
    zones = {ZoneInfo(name) for name in names if name != _UNKNOWN_ZONE}
    return tuple(sorted(zones, key=lambda zone: zone.key)) or (ZoneInfo(fallback),)


def _zones_of_range(start: str, sample: str, fallback: str) -> tuple[ZoneInfo, ...]:
    # The last digits of a number never tell the zone: one look-up serves ten thousand numbers.
    return _zones_by_range(start, start + "0" * (len(sample) - len(start)), fallback)


def region_of(number: E164, habits: Habits, campaign: Campaign) -> str:
    """Whose holidays hold for a person, as ``IT`` or ``IT-MI``."""
    if habits.region:
        return habits.region
    country = _country_of(number[:7])
    home = campaign.region.partition("-")[0]
    return country if country and country != home and _is_known(country) else campaign.region


@lru_cache(maxsize=4096)
def _country_of(start: str) -> str:
    try:
        return phonenumbers.region_code_for_country_code(phonenumbers.parse(start + "0000").country_code or 0)
    except phonenumbers.NumberParseException:
        return ""


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
    return {country: list(parts) for country, parts in holidays.list_supported_countries().items()}


def _is_known(country: str) -> bool:
    return country in _supported()


def checked_zone(text: str) -> str:
    """A time zone by its IANA name.

    Raises:
        BadInput: there is none of that name.
    """
    if text not in _zone_names():
        raise BadInput("zone", f"{text!r} is no time zone", "an IANA name, such as Europe/Rome")
    return text


_zone_names: Callable[[], set[str]] = cache(available_timezones)
