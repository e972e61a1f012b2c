"""The check of the hours: may this person's phone ring now, and for how long?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from controller.domain.campaign import Campaign
from controller.domain.clearance import Check, CheckName
from controller.domain.contact import Habits
from controller.domain.hours import Hours, IsHoliday, next_opening, open_until


def hours_of(campaign: Campaign, habits: Habits) -> tuple[Hours, ...]:
    """All the hours that bind a call: the law's, the campaign's, the segment's, the person's own."""
    segment = campaign.segment_hours.get(habits.segment) if habits.segment else None
    return tuple(each for each in (campaign.law.hours, campaign.hours, segment, habits.hours) if each)


def hours_check(
    campaign: Campaign, habits: Habits, at: datetime, zones: Sequence[ZoneInfo], is_holiday: IsHoliday
) -> Check:
    """Whether a call may be placed now, so that the phone cannot ring outside of the hours.

    Args:
        campaign: whose law and hours bind, and which may have a beginning and an end of its own.
        habits: what is known of the person.
        at: now (aware).
        zones: where the person may be; the hours must allow the call in every one of them.
        is_holiday: where the person lives.
    """
    name, rings_until = CheckName.HOURS, at + campaign.ring_timeout
    if campaign.opens_at is not None and at < campaign.opens_at:
        why = f"the campaign opens at {_local(campaign.opens_at, zones)}"
        return Check(name=name, passed=False, why=why, until=campaign.opens_at)
    if campaign.closes_at is not None and rings_until > campaign.closes_at:
        why = f"the campaign closes at {_local(campaign.closes_at, zones)}"
        return Check(name=name, passed=False, why=why)
    hours = hours_of(campaign, habits)
    if not hours:
        return Check(name=name, passed=True, why="at any hour")
    ends = [open_until(hours, at, zone, is_holiday) for zone in zones]
    if all(end is not None and rings_until <= end for end in ends):
        end = min(end for end in ends if end is not None)
        long = end - at > timedelta(days=7)
        stays = "open for a week and more" if long else f"open until {_local(end, zones)}"
        return Check(name=name, passed=True, why=f"{_local(at, zones)}, {stays}")
    # What closes before the phone has rung out opens again; only then is it worth asking once more.
    asked = max((end for end in ends if end is not None), default=at)
    openings = [next_opening(hours, max(asked, at), zone, is_holiday) for zone in zones]
    until = max((opening for opening in openings if opening is not None), default=None)
    if None in openings:
        return Check(name=name, passed=False, why="never open within a year")
    opens = f", opens {_local(until, zones)}" if until else ""
    return Check(name=name, passed=False, why=f"closed at {_local(at, zones)}{opens}", until=until)


def _local(at: datetime, zones: Sequence[ZoneInfo]) -> str:
    zone = zones[0]
    return f"{at.astimezone(zone):%a %Y-%m-%d %H:%M} {zone.key}"
