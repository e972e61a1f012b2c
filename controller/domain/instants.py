"""Instants as integers: microseconds since 1970 UTC, in the record store and in what the evidence hashes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """An instant (aware) as an integer."""
    return (at - _EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    """An instant, in UTC, from its integer."""
    return _EPOCH + timedelta(microseconds=at)
