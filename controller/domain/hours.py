"""Calling hours: when a person may be called, by the clock on their wall.

Hours are written as ``mon-fri 09:00-20:00; sat,eve 10:00-19:00``: days not named are closed. ``eve`` is the
day before a public holiday (the Italian *prefestivo*), ``holiday`` the holiday itself; a holiday is closed
unless named, whatever its weekday. On an eve both its weekday's hours and those of ``eve`` must allow a call;
where ``eve`` is not named it is a day like any other, and ``eve closed`` closes it. ``always`` stands for all
days, holidays too, ``never`` for none.

What is asked about is always an instant; its wall clock is looked up. So nothing is ambiguous when the clocks
change: an hour that comes twice in autumn is open or closed both times, one that is skipped never comes. What
looks ahead collects the instants at which the wall clock may pass an edge, and asks about each of them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import lru_cache
from zoneinfo import ZoneInfo


class DayKind(Enum):
    """What a day is for the hours. Weekdays are in the order of ``date.weekday()``."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"
    EVE = "eve"
    HOLIDAY = "holiday"


WEEKDAYS = tuple(DayKind)[:7]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a day by the wall clock, in minutes from midnight: from ``start`` to before ``end``."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end <= _DAY:
            raise ValueError(f"{self} is no stretch of a day")


_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Hours:
    """When calls are allowed, by kind of day; kinds not named are closed (``EVE``: like any such weekday).

    Hours that mean the same are equal, however they were put: stretches are brought in order and joined where
    they touch, and a day without any is left out.
    """

    spans: Mapping[DayKind, tuple[Span, ...]]
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # An eve without stretches is closed; an eve that is left out is a day like any other.
        given = ((kind, _joined(self.spans[kind])) for kind in DayKind if kind in self.spans)
        spans = {kind: joined for kind, joined in given if joined or kind is DayKind.EVE}
        object.__setattr__(self, "spans", spans)
        object.__setattr__(self, "_hash", hash(tuple(spans.items())))

    def __hash__(self) -> int:
        return self._hash

    def on(self, day: date, is_holiday: IsHoliday) -> tuple[Span, ...]:
        """The stretches of one day in which calls are allowed, in order."""
        if is_holiday(day):
            return self.spans.get(DayKind.HOLIDAY, ())
        usual = self.spans.get(WEEKDAYS[day.weekday()], ())
        eve = self.spans.get(DayKind.EVE)
        if eve is None or not is_holiday(day + timedelta(days=1)):
            return usual
        return common(usual, eve)


IsHoliday = Callable[[date], bool]
"""Whether a day is a public holiday where the callee lives."""


def _joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    joined: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(span.end, joined[-1].end))
        else:
            joined.append(span)
    return tuple(joined)


def common(one: Sequence[Span], other: Sequence[Span]) -> tuple[Span, ...]:
    """What two lists of stretches have in common."""
    shared = ((max(a.start, b.start), min(a.end, b.end)) for a in one for b in other)
    return tuple(Span(start, end) for start, end in sorted(shared) if start < end)


# --- as text ------------------------------------------------------------------------------------------

_ALLOWED = "such as mon-fri 09:00-13:00,15:00-20:00; sat,eve 10:00-19:00; or always, or never"
_SPAN = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})", re.ASCII)


ALWAYS = Hours({kind: (Span(0, _DAY),) for kind in DayKind if kind is not DayKind.EVE})
NEVER = Hours({})
_WORDS = {"always": ALWAYS, "never": NEVER}


@lru_cache(maxsize=4096)
def parse_hours(text: str) -> Hours:
    """Hours as people write them.

    Raises:
        ValueError: what cannot be read, and what is allowed.
    """
    if (known := _WORDS.get(text.strip().lower())) is not None:
        return known
    spans: dict[DayKind, tuple[Span, ...]] = {}
    for part in text.split(";"):
        words = part.split(maxsplit=1)
        if len(words) != 2:
            raise ValueError(f"{part.strip()!r} is not days and times ({_ALLOWED})")
        for kind in _kinds(words[0]):
            if kind in spans:
                raise ValueError(f"{kind.value} is named twice in {text.strip()!r}")
            spans[kind] = _spans(words[1])
    return Hours(spans)


def _kinds(text: str) -> list[DayKind]:
    found: list[DayKind] = []
    for item in text.lower().split(","):
        first, dash, last = item.partition("-")
        try:
            begin = DayKind(first)
            end = DayKind(last) if dash else begin
        except ValueError:
            days = ", ".join(kind.value for kind in DayKind)
            raise ValueError(f"{item!r} is no day (allowed: {days}; mon-fri)") from None
        if begin is end:
            found.append(begin)
            continue
        order = list(DayKind)
        if end not in WEEKDAYS or begin not in WEEKDAYS or order.index(end) < order.index(begin):
            raise ValueError(f"{item!r} is no row of weekdays (allowed: from mon to sun, as mon-fri)")
        found += order[order.index(begin) : order.index(end) + 1]
    return found


def _spans(text: str) -> tuple[Span, ...]:
    if text.strip().lower() == "closed":
        return ()
    spans: list[Span] = []
    for item in text.split(","):
        match = _SPAN.fullmatch(item.strip())
        if match is None:
            raise ValueError(f"{item.strip()!r} is no stretch of time ({_ALLOWED})")
        hour, minute, to_hour, to_minute = map(int, match.groups())
        start, end = 60 * hour + minute, 60 * to_hour + to_minute
        if minute > 59 or to_minute > 59 or not 0 <= start < end <= _DAY:
            raise ValueError(f"{item.strip()!r} must run forward within one day, from 00:00 to 24:00 at most")
        spans.append(Span(start, end))
    spans.sort(key=lambda span: span.start)
    for before, after in itertools.pairwise(spans):
        if after.start < before.end:
            raise ValueError(f"{text.strip()!r} overlaps itself")
    return tuple(spans)


def written(hours: Hours) -> str:
    """Hours as text, always the same for the same hours: ``parse_hours(written(h)) == h``."""
    if not hours.spans:
        return "never"
    parts: list[tuple[list[DayKind], str]] = []
    for kind, spans in hours.spans.items():
        text = ",".join(f"{_clock(span.start)}-{_clock(span.end)}" for span in spans) or "closed"
        if parts and parts[-1][1] == text:
            parts[-1][0].append(kind)
        else:
            parts.append(([kind], text))
    return "; ".join(f"{_days(kinds)} {text}" for kinds, text in parts)


def _days(kinds: Sequence[DayKind]) -> str:
    """Days in their order, rows of three weekdays and more as ``mon-fri``."""
    order, rows = list(DayKind), list[list[DayKind]]()
    for kind in kinds:
        follows = rows and kind in WEEKDAYS and order.index(kind) == order.index(rows[-1][-1]) + 1
        if follows:
            rows[-1].append(kind)
        else:
            rows.append([kind])
    return ",".join(
        f"{row[0].value}-{row[-1].value}" if len(row) > 2 else ",".join(kind.value for kind in row)
        for row in rows
    )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


# --- asked about instants -----------------------------------------------------------------------------

_FAR = 370
"""Days that are looked ahead for the next opening."""
_NEAR = 8
"""Days that are looked ahead for the end of what is open now."""


def is_open(hours: Sequence[Hours], at: datetime, zone: ZoneInfo, is_holiday: IsHoliday) -> bool:
    """Whether all of ``hours`` allow a call at this instant (aware). No hours at all allow everything."""
    local = at.astimezone(zone)
    minute = 60 * local.hour + local.minute
    return all(
        any(span.start <= minute < span.end for span in each.on(local.date(), is_holiday)) for each in hours
    )


def open_until(
    hours: Sequence[Hours], at: datetime, zone: ZoneInfo, is_holiday: IsHoliday
) -> datetime | None:
    """When what is open at this instant closes (aware UTC); None if it is closed.

    Where it stays open for more than a week, that far ahead.
    """
    if not is_open(hours, at, zone, is_holiday):
        return None
    for change in _changes(hours, at, zone, is_holiday, _NEAR):
        if not is_open(hours, change, zone, is_holiday):
            return change
    return at.astimezone(UTC) + timedelta(days=_NEAR)


def next_opening(
    hours: Sequence[Hours], at: datetime, zone: ZoneInfo, is_holiday: IsHoliday
) -> datetime | None:
    """The first instant from ``at`` on at which it is open (aware UTC); None if there is none in a year."""
    if is_open(hours, at, zone, is_holiday):
        return at.astimezone(UTC)
    for change in _changes(hours, at, zone, is_holiday, _FAR):
        if is_open(hours, change, zone, is_holiday):
            return change
    return None


def _changes(
    hours: Sequence[Hours], at: datetime, zone: ZoneInfo, is_holiday: IsHoliday, days: int
) -> Iterator[datetime]:
    """Instants after ``at`` at which the hours may open or close, in order: more of them than do."""
    first = at.astimezone(zone).date()
    for ahead in range(days + 1):
        day = first + timedelta(days=ahead)
        minutes = {
            edge for each in hours for span in each.on(day, is_holiday) for edge in (span.start, span.end)
        }
        shift = _shift(day, zone)
        # Where the clocks are not changed, no time of the day comes twice, and none is missing.
        folds = (0,) if shift is None else (0, 1)
        instants = {_instant(day, minute, zone, fold) for minute in minutes for fold in folds}
        if shift is not None:
            instants.add(shift)
        yield from sorted(instant for instant in instants if instant > at)


def _instant(day: date, minute: int, zone: ZoneInfo, fold: int) -> datetime:
    midnight = datetime.combine(day + timedelta(days=minute // _DAY), time(), zone)
    wall = midnight.replace(hour=minute % _DAY // 60, minute=minute % 60, fold=fold)
    return wall.astimezone(UTC)


def _shift(day: date, zone: ZoneInfo) -> datetime | None:
    """The instant at which the zone's clocks are changed on a day; None if they are not."""
    low = datetime.combine(day, time(), zone).astimezone(UTC)
    high = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    before = low.astimezone(zone).utcoffset()
    if before == high.astimezone(zone).utcoffset():
        return None
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def never_wider(own: Hours, base: Hours) -> bool:
    """Whether ``own`` allows nothing that ``base`` does not, on any kind of day."""
    for holiday in (False, True):
        for eve in (False, True):
            for weekday in range(7):
                day = _MONDAY + timedelta(days=weekday)

                def is_holiday(asked: date, day: date = day, eve: bool = eve, now: bool = holiday) -> bool:
                    return (asked == day and now) or (asked > day and eve)

                mine, theirs = own.on(day, is_holiday), base.on(day, is_holiday)
                if _length(common(mine, theirs)) < _length(mine):
                    return False
    return True


_MONDAY = date(2026, 1, 5)


def _length(spans: Sequence[Span]) -> int:
    return sum(span.end - span.start for span in spans)
