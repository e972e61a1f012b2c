"""The days a report is about, by the clock of the campaign's zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_HOURLY_UP_TO = 2
"""Days; a longer period is drawn by the day."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days, the first and the last included. A call belongs to the day on which it was placed.

    Raises:
        ValueError: ``until`` is before ``since``.
    """

    since: date
    until: date
    zone: ZoneInfo

    def __post_init__(self) -> None:
        if self.until < self.since:
            raise ValueError(f"{self.until} is before {self.since}")

    @property
    def start(self) -> datetime:
        """Its first instant, in UTC."""
        return midnight(self.since, self.zone)

    @property
    def end(self) -> datetime:
        """The first instant after it, in UTC."""
        return midnight(self.until + timedelta(days=1), self.zone)

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end

    def day_of(self, at: datetime) -> date:
        """The day of an instant."""
        return at.astimezone(self.zone).date()

    def days(self) -> Iterator[date]:
        """Its days."""
        for passed in range((self.until - self.since).days + 1):
            yield self.since + timedelta(days=passed)

    @property
    def hourly(self) -> bool:
        """It is short enough to be drawn by the hour."""
        return (self.until - self.since).days < _HOURLY_UP_TO

    def steps(self) -> list[datetime]:
        """The beginnings of its hours or days, in UTC; a day of a change of clocks has 23 or 25 hours."""
        if not self.hourly:
            return [midnight(day, self.zone) for day in self.days()]
        count = -(-(self.end - self.start) // timedelta(hours=1))
        return [self.start + timedelta(hours=passed) for passed in range(count)]


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
