"""The check of the hours: may this person's phone ring now, and for how long?

Several hours bind a call, several time zones may be the callee's: all must allow it. What is looked for is a
window: a stretch of time that is open by all of them, with room for a phone to ring out in it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from controller.domain.campaign import Campaign
from controller.domain.clearance import Check, CheckName
from controller.domain.contact import Habits
from controller.domain.hours import Hours, IsHoliday, next_opening, open_until

DIAL_WITHIN: Final = timedelta(seconds=5)
"""Reckoned from the check to the moment the phone begins to ring: the stores are asked in between."""

ALONE_WITHIN: Final = timedelta(days=366)
"""One zone is searched that far ahead for a window."""

TOGETHER_WITHIN: Final = timedelta(days=10)
"""Several zones are searched that far ahead for a common window: past any row of holidays."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time in which calls are allowed: from ``opens`` to before ``closes`` (aware UTC)."""

    opens: datetime
    closes: datetime


FindWindow = Callable[[tuple[Hours, ...], datetime, timedelta], Window | None]
"""``next_window`` for one person's zones and holidays; whoever asks often may remember the answers."""


def hours_of(campaign: Campaign, habits: Habits) -> tuple[Hours, ...]:
    """All the hours that bind a call: the law's, the campaign's, the segment's, the person's own."""
    segment = campaign.segment_hours.get(habits.segment) if habits.segment else None
    every = (campaign.law.hours, campaign.hours, segment, habits.hours)
    return tuple(each for each in every if each is not None)


def next_window(
    hours: Sequence[Hours],
    at: datetime,
    zones: Sequence[ZoneInfo],
    is_holiday: IsHoliday,
    room: timedelta,
) -> Window | None:
    """The first window that has ``room`` left at ``at`` or later.

    As long as it has, the answer is the same for every later instant, but for an ``opens`` that has passed.

    Returns:
        The window; None if there is none within a year (several zones: within ten days).
    """
    begin = at.astimezone(UTC)
    limit = begin + (TOGETHER_WITHIN if len(zones) > 1 else ALONE_WITHIN)
    while (opens := _opening(hours, begin, zones, is_holiday, limit)) is not None:
        closes = min(open_until(hours, opens, zone, is_holiday) or opens for zone in zones)
        if opens + room <= closes:
            return Window(opens, closes)
        begin = closes
    return None


def _opening(
    hours: Sequence[Hours],
    begin: datetime,
    zones: Sequence[ZoneInfo],
    is_holiday: IsHoliday,
    limit: datetime,
) -> datetime | None:
    """The first instant from ``begin`` on that is open in every zone."""
    agreed = 0
    for zone in itertools.cycle(zones):
        opens = next_opening(hours, begin, zone, is_holiday)
        if opens is None or opens > limit:
            return None
        agreed = agreed + 1 if opens == begin else 1
        begin = opens
        if agreed == len(zones):
            return begin
    return None


def hours_check(
    campaign: Campaign, habits: Habits, at: datetime, zones: Sequence[ZoneInfo], find: FindWindow
) -> Check:
    """Whether a call may be placed now, so that the phone cannot ring outside of the hours.

    Args:
        campaign: whose law and hours bind, and which may have a beginning and an end of its own.
        habits: what is known of the person.
        at: now (aware).
        zones: where the person may be, at least one; for the words only.
        find: finds the person's windows.
    """
    room = campaign.ring_timeout + DIAL_WITHIN
    if campaign.opens_at is not None and at < campaign.opens_at:
        return _failed(f"the campaign opens at {_local(campaign.opens_at, zones)}", campaign.opens_at)
    if campaign.closes_at is not None and at + room > campaign.closes_at:
        return _failed(f"a phone could ring past the campaign's end, {_local(campaign.closes_at, zones)}")
    hours = hours_of(campaign, habits)
    if not hours:
        return Check(name=CheckName.HOURS, passed=True, why="at any hour")
    window = find(hours, at, room)
    if window is None:
        far = "a year" if len(zones) == 1 else f"{TOGETHER_WITHIN.days} days in all of its time zones"
        return _failed(f"{_local(at, zones)}, not open within {far}")
    if window.opens <= at:
        long = window.closes - at > timedelta(days=7)
        stays = "open for a week and more" if long else f"open until {_local(window.closes, zones)}"
        return Check(name=CheckName.HOURS, passed=True, why=f"{_local(at, zones)}, {stays}")
    # Closed, or about to close while the phone still rings.
    why = f"no phone may ring at {_local(at, zones)}, next from {_local(window.opens, zones)}"
    return _failed(why, window.opens)


def _failed(why: str, until: datetime | None = None) -> Check:
    return Check(name=CheckName.HOURS, passed=False, why=why, until=until)


def _local(at: datetime, zones: Sequence[ZoneInfo]) -> str:
    zone = zones[0]
    more = f" (and {len(zones) - 1} zones more)" if len(zones) > 1 else ""
    return f"{at.astimezone(zone):%a %Y-%m-%d %H:%M} {zone.key}{more}"
