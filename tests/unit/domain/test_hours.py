"""Calling hours: what is written, what is read, and every minute around the changes of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.hours import (
    DayKind,
    Hours,
    Span,
    is_open,
    never_wider,
    next_opening,
    open_until,
    parse_hours,
    written,
)

ROME = ZoneInfo("Europe/Rome")
CODE = parse_hours("mon-fri 09:00-20:00; sat,eve 10:00-19:00")
MINUTE = timedelta(minutes=1)


def never(_day: date) -> bool:
    return False


def holidays(*days: str) -> object:
    return {date.fromisoformat(day) for day in days}.__contains__


def rome(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ROME)


# --- as text -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ("mon-fri 09:00-20:00; sat,eve 10:00-19:00", "mon-fri 09:00-20:00; sat,eve 10:00-19:00"),
        (" MON,tue 9:00-13:00 , 15:00-20:00 ", "mon,tue 09:00-13:00,15:00-20:00"),
        ("sun 15:00-20:00,09:00-13:00", "sun 09:00-13:00,15:00-20:00"),
        ("always", "mon-sun,holiday 00:00-24:00"),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, again: str) -> None:
    assert written(parse_hours(text)) == again
    assert parse_hours(again) == parse_hours(text)


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("", "''"),
        ("mon", "'mon'"),
        ("mon 9-20", "'9-20'"),
        ("mon 20:00-09:00", "run forward"),
        ("mon 09:00-09:00", "run forward"),
        ("mon 09:60-10:00", "within one day"),
        ("mon 09:00-24:01", "within one day"),
        ("mon 09:00-12:00,11:00-13:00", "overlaps"),
        ("noday 09:00-10:00", "'noday' is no day"),
        ("fri-mon 09:00-10:00", "no row of weekdays"),
        ("sat-holiday 09:00-10:00", "no row of weekdays"),
        ("mon 09:00-10:00; mon 11:00-12:00", "named twice"),
        ("mon-fri 09:00-10:00; wed 11:00-12:00", "wed is named twice"),
        ("mon 09:00-10:00;", "''"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, bad: str) -> None:
    with pytest.raises(ValueError, match=".") as refused:
        parse_hours(text)
    assert bad in str(refused.value)


spans = st.lists(st.integers(0, 1440), min_size=2, max_size=6, unique=True).map(
    lambda edges: tuple(Span(a, b) for a, b in zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False))
)
hours = st.dictionaries(st.sampled_from(DayKind), spans, min_size=1).map(Hours)


@given(hours)
def test_what_is_written_is_read_as_the_same(some: Hours) -> None:
    assert parse_hours(written(some)) == some


# --- Italy's week ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "is_it"),
    [
        ("2026-11-24 08:59", False),
        ("2026-11-24 09:00", True),
        ("2026-11-24 19:59", True),
        ("2026-11-24 20:00", False),
        ("2026-11-28 09:30", False),  # Saturday
        ("2026-11-28 10:00", True),
        ("2026-11-28 19:00", False),
        ("2026-11-29 12:00", False),  # Sunday
        ("2026-12-08 12:00", False),  # the Immaculate Conception, a Tuesday
        ("2026-12-07 09:30", False),  # its eve
        ("2026-12-07 10:00", True),
        ("2026-12-07 18:59", True),
        ("2026-12-07 19:00", False),
    ],
)
def test_the_italian_code_of_conduct(at: str, is_it: bool) -> None:
    assert is_open([CODE], rome(at), ROME, holidays("2026-12-08")) is is_it  # type: ignore[arg-type]


def test_an_eve_is_never_wider_than_its_weekday() -> None:
    sunday_before_a_holiday = rome("2026-06-01 12:00") - timedelta(days=1)
    assert not is_open([CODE], sunday_before_a_holiday, ROME, holidays("2026-06-01"))  # type: ignore[arg-type]


def test_all_hours_must_allow_it_and_no_hours_allow_everything() -> None:
    evening = parse_hours("mon-fri 18:00-21:00")
    assert is_open([CODE, evening], rome("2026-11-24 19:00"), ROME, never)
    assert not is_open([CODE, evening], rome("2026-11-24 20:30"), ROME, never)
    assert not is_open([CODE, evening], rome("2026-11-24 12:00"), ROME, never)
    assert is_open([], rome("2026-11-29 03:00"), ROME, never)


def test_what_never_opens_says_so() -> None:
    apart = [parse_hours("mon 09:00-10:00"), parse_hours("tue 09:00-10:00")]
    assert next_opening(apart, rome("2026-11-24 12:00"), ROME, never) is None
    assert open_until(apart, rome("2026-11-24 12:00"), ROME, never) is None


def test_what_never_closes_is_open_for_as_far_as_one_looks() -> None:
    at = rome("2026-11-24 12:00")
    assert open_until([parse_hours("always")], at, ROME, never) == at + timedelta(days=8)


# --- the clocks are changed --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "at", "end"),
    [
        # 2 o'clock is followed by 3: what ends within the gap ends as it begins.
        ("sun 00:00-02:30", "2026-03-29T00:30+00:00", "2026-03-29T01:00+00:00"),
        ("sun 01:00-03:30", "2026-03-29T00:30+00:00", "2026-03-29T01:30+00:00"),
        # 3 o'clock is followed by 2 again: from 2 to 3 it is open twice as long.
        ("sun 02:00-03:00", "2026-10-25T00:10+00:00", "2026-10-25T02:00+00:00"),
        # It closes as the wall clock jumps back to before its hour, and opens once more.
        ("sun 02:30-03:00", "2026-10-25T00:40+00:00", "2026-10-25T01:00+00:00"),
    ],
)
def test_the_end_on_the_days_of_change(text: str, at: str, end: str) -> None:
    found = open_until([parse_hours(text)], datetime.fromisoformat(at), ROME, never)
    assert found == datetime.fromisoformat(end)


CHANGES = [
    ("Europe/Rome", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Rome", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 3, 8, 5, tzinfo=UTC)),  # at midnight
]


def _brute(some: list[Hours], at: datetime, zone: ZoneInfo, is_holiday: object) -> bool:
    """What a person with a wall clock and a calendar would say."""
    local = at.astimezone(zone)
    day, minute = local.date(), 60 * local.hour + local.minute
    for each in some:
        kinds = [list(DayKind)[day.weekday()]]
        if is_holiday(day):  # type: ignore[operator]
            kinds = [DayKind.HOLIDAY]
        elif is_holiday(day + timedelta(days=1)) and DayKind.EVE in each.spans:  # type: ignore[operator]
            kinds.append(DayKind.EVE)
        for kind in kinds:
            if not any(span.start <= minute < span.end for span in each.spans.get(kind, ())):
                return False
    return True


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(CHANGES),
    st.lists(hours, min_size=1, max_size=2),
    st.integers(-1500, 1500),
    st.sets(st.integers(-2, 2)),
)
def test_every_minute_around_a_change_of_the_clocks(
    change: tuple[str, datetime], some: list[Hours], start: int, free: set[int]
) -> None:
    zone, moment = ZoneInfo(change[0]), change[1]
    days = {moment.astimezone(zone).date() + timedelta(days=offset) for offset in free}
    is_holiday = days.__contains__
    at = moment + start * MINUTE
    minutes = [at + i * MINUTE for i in range(2 * 1440)]
    truth = [_brute(some, minute, zone, is_holiday) for minute in minutes]
    assert is_open(some, at, zone, is_holiday) is truth[0]
    end = open_until(some, at, zone, is_holiday)
    opening = next_opening(some, at, zone, is_holiday)
    if truth[0]:
        assert opening == at
        assert end is not None
        closed = truth.index(False) if False in truth else None
        if closed is not None:
            assert end == minutes[closed]
    else:
        assert end is None
        opened = truth.index(True) if True in truth else None
        if opened is not None:
            assert opening == minutes[opened]
        elif opening is not None:
            assert opening > minutes[-1]


@settings(max_examples=80, deadline=None)
@given(hours, hours)
def test_never_wider_says_what_every_minute_of_a_week_says(own: Hours, base: Hours) -> None:
    monday = date(2026, 1, 5)
    wider = False
    for weekday in range(7):
        day = monday + timedelta(days=weekday)
        for free in (set(), {day}, {day + timedelta(days=1)}, {day, day + timedelta(days=1)}):
            is_holiday = free.__contains__
            mine, theirs = own.on(day, is_holiday), base.on(day, is_holiday)
            allowed = {m for span in theirs for m in range(span.start, span.end)}
            wider |= any(m not in allowed for span in mine for m in range(span.start, span.end))
    assert never_wider(own, base) is not wider
    assert never_wider(own, own)
