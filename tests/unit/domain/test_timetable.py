"""Windows for a call: by all the hours, in all the zones, with room for a phone to ring out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.campaign import Campaign
from controller.domain.clearance import Check
from controller.domain.contact import Habits
from controller.domain.hours import ALWAYS, NEVER, WEEKDAYS, Hours, Span, is_open, parse_hours
from controller.domain.ids import CampaignId
from controller.domain.timetable import DIAL_WITHIN, Window, hours_check, hours_of, next_window
from tests.fakes.law import LAX

ROME, LONDON, NEW_YORK = ZoneInfo("Europe/Rome"), ZoneInfo("Europe/London"), ZoneInfo("America/New_York")
RING = timedelta(seconds=30)
CAMPAIGN = Campaign(id=CampaignId("c"), caller="acme", law=LAX, ring_timeout=RING)
MINUTE = timedelta(minutes=1)
WORK = parse_hours("mon-fri 09:00-20:00")


def never(_: date) -> bool:
    return False


def rome(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 6, day, hour, minute, second, tzinfo=ROME)


def check(
    campaign: Campaign, at: datetime, habits: Habits | None = None, zones: tuple[ZoneInfo, ...] = (ROME,)
) -> Check:
    def find(hours: tuple[Hours, ...], at: datetime, room: timedelta) -> Window | None:
        return next_window(hours, at, zones, never, room)

    return hours_check(campaign, habits or Habits(), at, zones, find)


# --- windows ------------------------------------------------------------------------------------------

_SPANS = st.tuples(st.integers(0, 288), st.integers(0, 288)).filter(lambda pair: pair[0] < pair[1])
_DAYS = st.lists(_SPANS.map(lambda pair: Span(5 * pair[0], 5 * pair[1])), max_size=2).map(tuple)
WEEKS = st.dictionaries(st.sampled_from(WEEKDAYS), _DAYS, min_size=4).map(Hours)
ZONES = st.lists(
    st.sampled_from([ROME, LONDON, NEW_YORK, ZoneInfo("Asia/Kolkata")]), min_size=1, max_size=3, unique=True
).map(tuple)
_CHANGE = datetime(2026, 10, 25, 1, tzinfo=UTC)


@settings(max_examples=80)
@given(
    st.lists(st.one_of(WEEKS, st.just(ALWAYS)), max_size=2),
    ZONES,
    st.integers(-4000, 300),
    st.sampled_from([1, 30, 240]),
)
def test_a_window_is_the_first_with_room_that_is_open_everywhere(
    hours: list[Hours], zones: tuple[ZoneInfo, ...], minutes: int, room: int
) -> None:
    at = _CHANGE + minutes * MINUTE
    at += -minutes % 5 * MINUTE  # edges are at every fifth minute
    steps = [at + 5 * n * MINUTE for n in range(900)]
    everywhere = [all(is_open(hours, step, zone, never) for zone in zones) for step in steps]
    needed = -(-room // 5)
    first = next((i for i in range(len(steps) - needed) if all(everywhere[i : i + needed])), None)
    window = next_window(hours, at, zones, never, room * MINUTE)
    if first is None:
        assert window is None or window.opens > steps[-1] - (room + 5) * MINUTE
        return
    assert window is not None
    assert window.opens == steps[first]
    closed = next((i for i in range(first, len(steps)) if not everywhere[i]), None)
    if closed is not None:
        assert window.closes == steps[closed]
    # Asked later, as long as there is room: the same.
    later = window.opens + (window.closes - window.opens - room * MINUTE) / 2
    again = next_window(hours, later, zones, never, room * MINUTE)
    assert again is not None
    assert again.opens == later
    assert again.closes >= window.closes
    if closed is not None:
        assert again.closes == window.closes


def test_zones_that_are_never_awake_together_have_no_window() -> None:
    zones = ROME, ZoneInfo("Pacific/Honolulu")
    assert next_window([WORK], rome(1, 12), zones, never, RING) is None
    assert next_window([WORK], rome(1, 12), zones[:1], never, RING) is not None


def test_a_zone_that_wakes_later_does_not_cost_the_day() -> None:
    # Monday, 10 o'clock in Rome is 4 in New York: together from 15 to 20 in Rome.
    window = next_window([WORK], rome(1, 10), (ROME, NEW_YORK), never, RING)
    assert window == Window(rome(1, 15).astimezone(UTC), rome(1, 20).astimezone(UTC))


def test_a_window_too_short_for_a_ring_is_passed_over() -> None:
    hours = [parse_hours("mon 09:00-09:01,10:00-11:00")]
    window = next_window(hours, rome(1, 8), (ROME,), never, timedelta(seconds=61))
    assert window is not None
    assert window.opens == rome(1, 10)
    assert next_window(hours, rome(1, 8), (ROME,), never, timedelta(minutes=61)) is None


# --- the check ----------------------------------------------------------------------------------------


def test_all_hours_bind() -> None:
    law = replace(LAX, hours=WORK)
    segment, own = parse_hours("mon 10:00-19:00"), parse_hours("mon 11:00-18:00")
    campaign = replace(CAMPAIGN, law=law, hours=parse_hours("mon-sun 09:30-23:00"))
    campaign = replace(campaign, segment_hours={"late": segment})
    assert hours_of(campaign, Habits()) == (WORK, campaign.hours)
    assert len(hours_of(campaign, Habits(segment="late", hours=own))) == 4
    assert hours_of(campaign, Habits(segment="unheard of")) == (WORK, campaign.hours)
    opens = {
        check(campaign, rome(1, 8), habits).until
        for habits in (Habits(), Habits(segment="late"), Habits(segment="late", hours=own))
    }
    assert opens == {rome(1, 9, 30), rome(1, 10), rome(1, 11)}
    assert check(campaign, rome(1, 20), Habits()).until == rome(2, 9, 30)


def test_a_call_is_placed_only_if_the_phone_has_rung_out_by_the_end() -> None:
    campaign = replace(CAMPAIGN, hours=WORK)
    last = rome(1, 20) - RING - DIAL_WITHIN
    assert check(campaign, rome(1, 9)).passed
    assert not check(campaign, rome(1, 8, 59, 59)).passed
    passed = check(campaign, last)
    assert passed.passed
    assert passed.why == "Mon 2026-06-01 19:59 Europe/Rome, open until Mon 2026-06-01 20:00 Europe/Rome"
    failed = check(campaign, last + timedelta(seconds=1))
    assert not failed.passed
    assert failed.until == rome(2, 9)
    assert failed.why == (
        "no phone may ring at Mon 2026-06-01 19:59 Europe/Rome, next from Tue 2026-06-02 09:00 Europe/Rome"
    )


def test_a_campaign_has_a_beginning_and_an_end() -> None:
    campaign = replace(CAMPAIGN, opens_at=rome(1, 12), closes_at=rome(1, 13))
    before = check(campaign, rome(1, 11, 59, 59))
    assert not before.passed
    assert before.until == rome(1, 12)
    assert check(campaign, rome(1, 12)).passed
    last = rome(1, 13) - RING - DIAL_WITHIN
    assert check(campaign, last).passed
    over = check(campaign, last + timedelta(seconds=1))
    assert not over.passed
    assert over.until is None
    assert "could ring past the campaign's end, Mon 2026-06-01 13:00" in over.why


def test_all_zones_bind() -> None:
    campaign = replace(CAMPAIGN, hours=WORK)
    assert check(campaign, rome(1, 10)).passed
    failed = check(campaign, rome(1, 10), zones=(ROME, NEW_YORK))
    assert not failed.passed
    assert failed.until == rome(1, 15)
    assert "Europe/Rome (and 1 zones more)" in failed.why


def test_what_is_never_open_never_passes() -> None:
    campaign = replace(CAMPAIGN, hours=WORK)
    failed = check(campaign, rome(1, 10), Habits(hours=NEVER))
    assert not failed.passed
    assert failed.until is None
    assert "not open within a year" in failed.why
    apart = check(campaign, rome(1, 10), zones=(ROME, ZoneInfo("Pacific/Honolulu")))
    assert "not open within 10 days in all of its time zones" in apart.why


def test_no_hours_at_all_are_any_hour() -> None:
    assert check(CAMPAIGN, rome(7, 3)).why == "at any hour"
