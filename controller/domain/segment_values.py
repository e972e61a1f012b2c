"""How segments read the texts of a list: as words, as numbers, as days. The SQL twin reads them the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

NUMBER_LENGTH: Final = 16
"""Longer texts are no numbers: with up to 15 digits every database finds the same one."""

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_UPPER: Final = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_FURTHEST: Final = 366 * 200
_DAYS_A_YEAR: Final = 366
_FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 31, tzinfo=UTC)


def folded(text: str) -> str:
    """A text as it is compared: A to Z as a to z. Letters with accents stay, as in every database."""
    return text.translate(_UPPER)


def number_in(text: str) -> float | None:
    """The number that a text is: digits, with a sign and a decimal point if need be; None if it is none."""
    if len(text) > NUMBER_LENGTH or not _NUMBER.fullmatch(text):
        return None
    return float(text)


def day_in(text: str) -> date | None:
    """The day that a text is, as 2026-03-01; None if it is none."""
    if not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Day:
    """A day as a filter names it: one of the calendar, or one so many days from today.

    Raises:
        ValueError: it is both or neither, or more than 200 years away.
    """

    on: date | None = None
    away: int | None = None

    def __post_init__(self) -> None:
        if (self.on is None) == (self.away is None):
            raise ValueError("a day is either of the calendar or so many days from today")
        if self.away is not None and abs(self.away) > _FURTHEST:
            raise ValueError(f"{self.away} days are more than 200 years")

    def when(self, today: date) -> date:
        """Which day it is; what lies beyond all calendars is the first or last day there is."""
        if self.on is not None:
            return self.on
        try:
            return today + timedelta(days=self.away or 0)
        except OverflowError:
            return date.max if (self.away or 0) > 0 else date.min


TODAY: Final = Day(away=0)


def midnight(day: date, now: datetime) -> datetime:
    """When a day begins where ``now`` is read from a clock (in UTC); the last of all days never ends."""
    try:
        return datetime.combine(day, time(), tzinfo=now.tzinfo).astimezone(UTC)
    except OverflowError:
        return _FIRST if day.year == 1 else _LAST


def next_day(day: date) -> date:
    """The day after, or the same if there is none."""
    return day if day == date.max else day + timedelta(days=1)


def tomorrow(now: datetime) -> datetime:
    """When the next day begins, on the clock that ``now`` is read from; in UTC."""
    return midnight(next_day(now.date()), now)


def age(born: date, today: date) -> int | None:
    """Full years; None for who is not born yet. Who was born on 29 February grows older on 1 March."""
    if born > today:
        return None
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def birthdays(first: date, last: date) -> frozenset[str]:
    """Birthdays, as MM-DD, that are kept on some day from ``first`` to ``last``."""
    days = min((last - first).days, _DAYS_A_YEAR) + 1
    found = {f"{day:%m-%d}" for day in (first + timedelta(days=i) for i in range(days))}
    # In a year without it, 29 February is kept on the next day.
    kept = [year for year in range(first.year, last.year + 1) if not _leap(year)]
    if any(first <= date(year, 3, 1) <= last for year in kept):
        found.add("02-29")
    return frozenset(found)


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
