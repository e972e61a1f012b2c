"""Calling hours, held against an oracle that looks at every single minute."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from controller.domain.hours import (
    ALWAYS,
    NEVER,
    WEEKDAYS,
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

MINUTE = timedelta(minutes=1)
ROME = ZoneInfo("Europe/Rome")

CHANGES = [
    ("Europe/Rome", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Rome", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    # Half an hour only.
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    # Back for Ramadan, and on again.
    ("Africa/Casablanca", datetime(2026, 2, 15, 2, tzinfo=UTC)),
    ("Africa/Casablanca", datetime(2026, 3, 22, 2, tzinfo=UTC)),
    # At midnight: a day that begins at one o'clock, a day whose midnight comes twice, one that ends twice.
    ("Africa/Cairo", datetime(2026, 4, 23, 22, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 11, 1, 5, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 2, 18, 2, tzinfo=UTC)),
]


def spans() -> st.SearchStrategy[tuple[Span, ...]]:
    # Clocks are changed in the first hours, so most edges are put there.
    minute = st.one_of(
        st.integers(0, 240), st.integers(0, 1440), st.sampled_from([0, 60, 90, 120, 180, 1440])
    )
    pairs = st.tuples(minute, minute).filter(lambda pair: pair[0] != pair[1])
    return st.lists(pairs.map(lambda pair: Span(min(pair), max(pair))), max_size=3).map(tuple)


HOURS = st.dictionaries(st.sampled_from(list(DayKind)), spans(), max_size=9).map(Hours)
WIDE = st.dictionaries(st.sampled_from(WEEKDAYS), spans(), min_size=7).map(Hours)
WITH_EVES = st.builds(lambda usual, eve: Hours({**usual.spans, DayKind.EVE: eve}), WIDE, spans())
SEVERAL = st.lists(st.one_of(HOURS, WIDE, WITH_EVES, st.just(ALWAYS)), max_size=3)
HOLIDAYS = st.frozensets(st.integers(-1, 2), max_size=3)


def allows(hours: Hours, wall: datetime, holidays: set[date]) -> bool:
    """The definition, once more, minute by minute and without stretches in common."""
    day, minute = wall.date(), wall.hour * 60 + wall.minute

    def within(kind: DayKind) -> bool:
        return any(span.start <= minute < span.end for span in hours.spans.get(kind, ()))

    if day in holidays:
        return within(DayKind.HOLIDAY)
    if day + timedelta(days=1) in holidays and DayKind.EVE in hours.spans and not within(DayKind.EVE):
        return False
    return within(WEEKDAYS[day.weekday()])


def every_minute(
    hours: Sequence[Hours], begin: datetime, zone: ZoneInfo, holidays: set[date], minutes: int
) -> list[bool]:
    moments = ((begin + n * MINUTE).astimezone(zone) for n in range(minutes))
    return [all(allows(each, wall, holidays) for each in hours) for wall in moments]


@settings(max_examples=120)
@given(SEVERAL, st.sampled_from(CHANGES), st.integers(-1500, 400), st.integers(0, 59), HOLIDAYS)
def test_hours_are_what_every_single_minute_says(
    hours: list[Hours], change: tuple[str, datetime], minutes: int, seconds: int, days: frozenset[int]
) -> None:
    zone, at = ZoneInfo(change[0]), change[1] + minutes * MINUTE
    local = change[1].astimezone(zone).date()
    holidays = {local + timedelta(days=day) for day in days}
    truth = every_minute(hours, at, zone, holidays, 2000)
    late = at + timedelta(seconds=seconds)

    def is_holiday(day: date) -> bool:
        return day in holidays

    assert is_open(hours, late, zone, is_holiday) is truth[0]
    until = open_until(hours, late, zone, is_holiday)
    opening = next_opening(hours, late, zone, is_holiday)
    if truth[0]:
        assert until is not None
        assert until.tzinfo is UTC
        assert opening == late
        if False in truth:
            assert until == at + truth.index(False) * MINUTE
        else:
            assert until >= at + len(truth) * MINUTE
    else:
        assert until is None
        if True in truth:
            assert opening == at + truth.index(True) * MINUTE
        else:
            assert opening is None or opening >= at + len(truth) * MINUTE
    if opening is not None:
        assert is_open(hours, opening, zone, is_holiday)


@given(SEVERAL, HOURS, st.sampled_from(CHANGES), st.integers(-3000, 3000))
def test_more_hours_never_allow_more(
    hours: list[Hours], more: Hours, change: tuple[str, datetime], minutes: int
) -> None:
    zone, at = ZoneInfo(change[0]), change[1] + minutes * MINUTE
    until = open_until([*hours, more], at, zone, never)
    if until is not None:
        wide = open_until(hours, at, zone, never)
        assert wide is not None
        assert until <= wide


@given(HOURS)
def test_what_is_written_is_read_again(hours: Hours) -> None:
    assert parse_hours(written(hours)) == hours
    assert hash(parse_hours(written(hours))) == hash(hours)


@given(HOURS, HOURS)
@example(ALWAYS, parse_hours("mon-sun,holiday 00:00-24:00; eve 10:00-12:00"))
@example(parse_hours("mon-sun 09:00-20:00; eve closed"), parse_hours("mon-sun 09:00-20:00"))
@example(parse_hours("sat,holiday 09:00-10:00"), parse_hours("sat 09:00-10:00"))
def test_never_wider_is_what_all_minutes_of_all_kinds_of_days_say(own: Hours, base: Hours) -> None:
    monday = datetime(2026, 6, 1, tzinfo=UTC)  # A week without and one with holidays after each day.
    cases = [set[date](), {monday.date() + timedelta(days=n) for n in range(0, 15, 2)}]
    cases += [{monday.date() + timedelta(days=n) for n in range(1, 15, 2)}]
    cases += [{monday.date() + timedelta(days=n) for n in range(15)}]
    zone = ZoneInfo("UTC")
    wider = any(
        mine and not theirs
        for holidays in cases
        for mine, theirs in zip(
            _edges([own, base], own, monday, zone, holidays),
            _edges([own, base], base, monday, zone, holidays),
            strict=True,
        )
    )
    assert never_wider(own, base) is not wider


def _edges(
    both: list[Hours], hours: Hours, monday: datetime, zone: ZoneInfo, holidays: set[date]
) -> list[bool]:
    """Whether it is open at each minute at which anything may change, of two weeks."""
    edges = {0} | {
        edge
        for each in both
        for row in each.spans.values()
        for span in row
        for edge in (span.start, span.end)
    }
    moments = (
        monday + timedelta(days=day, minutes=edge)
        for day in range(14)
        for edge in sorted(edge for edge in edges if edge < 1440)
    )
    return [allows(hours, at.astimezone(zone), holidays) for at in moments]


def test_hours_that_mean_the_same_are_equal() -> None:
    apart = parse_hours("mon 15:00-20:00,09:00-13:00,13:00-15:00; tue closed")
    assert apart == parse_hours("mon 09:00-20:00")
    assert written(apart) == "mon 09:00-20:00"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("mon-fri 9:00-20:00;SAT,eve 10:00-19:00", "mon-fri 09:00-20:00; sat,eve 10:00-19:00"),
        ("mon,tue,wed 09:00-13:00, 15:00-24:00", "mon-wed 09:00-13:00,15:00-24:00"),
        ("mon,tue 09:00-10:00; eve closed", "mon,tue 09:00-10:00; eve closed"),
        ("always", "mon-sun,holiday 00:00-24:00"),
        ("never", "never"),
        ("mon-sun closed", "never"),
    ],
)
def test_hours_as_text(text: str, canonical: str) -> None:
    assert written(parse_hours(text)) == canonical


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not days and times"),
        ("mon", "'mon' is not days and times"),
        ("mon-fri 09:00-20:00; sat", "'sat' is not days and times"),
        ("mon-fri 09:00-20:00;", "'' is not days and times"),
        ("lun-ven 09:00-20:00", "'lun-ven' is no day"),
        ("fri-mon 09:00-20:00", "'fri-mon' is no row of weekdays"),
        ("sat-eve 09:00-20:00", "'sat-eve' is no row of weekdays"),
        ("mon-wed,tue 09:00-20:00", "tue is named twice"),
        ("mon 9-20", "'9-20' is no stretch of time"),
        ("mon 20:00-09:00", "must run forward"),
        ("mon 09:00-24:01", "must run forward"),
        ("mon 09:00-12:60", "must run forward"),
        ("mon 09:00-12:00,11:00-13:00", "overlaps itself"),
        ("mon ٠٩:00-12:00", "is no stretch of time"),
        ("mon 09:00-12:00,closed", "'closed' is no stretch of time"),
    ],
)
def test_hours_that_cannot_be_read_are_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_hours(text)


def never(_: date) -> bool:
    return False


def rome(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=ROME)


def test_an_hour_that_comes_twice_is_open_twice() -> None:
    hours = [parse_hours("sun 02:00-02:30")]
    first, second = (datetime(2026, 10, 25, hour, 0, tzinfo=UTC) for hour in (0, 1))
    assert open_until(hours, first, ROME, never) == first + 30 * MINUTE
    assert next_opening(hours, first + 30 * MINUTE, ROME, never) == second
    assert open_until(hours, second, ROME, never) == second + 30 * MINUTE


def test_an_end_that_does_not_exist_is_where_the_clock_jumps_over_it() -> None:
    hours = [parse_hours("sun 01:00-02:30")]
    assert open_until(hours, rome(29, 1), ROME, never) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    # And what begins in the hour that is skipped begins after it.
    begins = [parse_hours("sun 02:30-04:00")]
    assert next_opening(begins, rome(29, 1), ROME, never) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    skipped = [parse_hours("sun 02:10-02:50")]
    opening = next_opening(skipped, rome(29, 1), ROME, never)
    assert opening == datetime(2026, 4, 5, 2, 10, tzinfo=ROME).astimezone(UTC)


def test_what_is_open_over_midnight_has_one_end() -> None:
    hours = [parse_hours("fri 20:00-24:00; sat 00:00-02:00")]
    assert open_until(hours, rome(6, 21), ROME, never) == rome(7, 2).astimezone(UTC)


def test_an_eve_is_the_strictest_of_its_weekday_and_the_eve() -> None:
    hours = [parse_hours("mon-fri 09:00-20:00; sat,eve 10:00-19:00")]
    easter = {date(2026, 4, 3), date(2026, 4, 5), date(2026, 4, 6)}.__contains__
    assert not is_open(hours, rome(2, 9, 59, month=4), ROME, easter)
    assert open_until(hours, rome(2, 10, month=4), ROME, easter) == rome(2, 19, month=4).astimezone(UTC)
    assert not is_open(hours, rome(3, 12, month=4), ROME, easter)  # a Friday
    # A Saturday, and the eve of Easter; then nothing until Tuesday.
    assert is_open(hours, rome(4, 18, month=4), ROME, easter)
    assert next_opening(hours, rome(4, 19, month=4), ROME, easter) == rome(7, 9, month=4).astimezone(UTC)


def test_an_eve_opens_no_day_that_is_closed() -> None:
    hours = [parse_hours("mon-fri 09:00-20:00; sat,eve 10:00-19:00")]
    ambrose = {date(2026, 12, 7), date(2026, 12, 8)}.__contains__  # Monday and Tuesday, in Milan
    assert not is_open(hours, rome(6, 12, month=12), ROME, ambrose)
    assert next_opening(hours, rome(5, 19, month=12), ROME, ambrose) == rome(9, 9, month=12).astimezone(UTC)


def test_an_end_a_week_ahead_is_not_overlooked() -> None:
    holiday = {date(2026, 3, 10)}.__contains__
    hours = [parse_hours("mon-sun 00:00-24:00")]
    end = rome(10, 0).astimezone(UTC)
    assert open_until(hours, rome(2, 1), ROME, holiday) == end
    assert open_until(hours, rome(2, 0), ROME, holiday) == end


def test_no_hours_allow_everything_and_never_allows_nothing() -> None:
    at = rome(1, 3)
    assert is_open([], at, ROME, never)
    assert open_until([], at, ROME, never) == at.astimezone(UTC) + timedelta(days=8)
    assert open_until([ALWAYS], at, ROME, lambda _: True) == at.astimezone(UTC) + timedelta(days=8)
    assert next_opening([ALWAYS, NEVER], at, ROME, never) is None
