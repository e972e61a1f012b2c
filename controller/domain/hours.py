"""Calling hours: when a person may be called, by the clock on their wall.

Hours are written as ``mon-fri 09:00-20:00; sat,eve 10:00-19:00``: days not named are closed. ``eve`` is the
day before a public holiday (the Italian *prefestivo*), ``holiday`` the holiday itself; a holiday is closed
unless named. On an eve both its weekday's hours and those of ``eve``, where there are any, must allow a call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time
from enum import Enum


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


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of a day by the wall clock, from ``start`` to before ``end``; ``end`` None means midnight."""

    start: time
    end: time | None


@dataclass(frozen=True, slots=True)
class Hours:
    """When calls are allowed, by kind of day; kinds not named are closed (``EVE``: like any such weekday)."""

    spans: Mapping[DayKind, tuple[Span, ...]]


IsHoliday = Callable[[date], bool]
"""Whether a day is a public holiday where the callee lives."""
