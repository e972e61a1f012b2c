"""Values as JSON or a command line give them, read one by one. Each reader raises ValueError in words.

Where JSON has a number, a list or an object, a command line has text: both are understood.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from controller.domain.hours import Hours, parse_hours

Value = Any
"""What JSON can say: text, number, truth value, list, object, null."""


def text_of(value: Value, pattern: str, allowed: str) -> str:
    """Text that the pattern allows, without spaces around it."""
    if not isinstance(value, str) or not re.fullmatch(pattern, value.strip()):
        raise ValueError(f"{value!r} cannot be used: {allowed}")
    return value.strip()


def truth_of(value: Value) -> bool:
    """True or false."""
    known = {"true": True, "yes": True, "false": False, "no": False}
    found = known.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return found


def number_of(value: Value, least: float, most: float) -> float:
    """A number within bounds."""
    try:
        number = float(value) if isinstance(value, str | int | float) else None
    except ValueError:
        number = None
    if number is None or isinstance(value, bool) or not least <= number <= most:
        raise ValueError(f"{value!r} is no number from {least:g} to {most:g}")
    return number


def whole_of(value: Value, least: int, most: int) -> int:
    """A whole number within bounds."""
    number = number_of(value, least, most)
    if number != int(number):
        raise ValueError(f"{value!r} is no whole number from {least} to {most}")
    return int(number)


_UNITS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


def pause_of(value: Value, most: timedelta) -> timedelta:
    """A time span: seconds as a number, or a number with its unit, such as ``20m``."""
    if isinstance(value, str) and (found := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h|d)\s*", value)):
        value = float(found[1]) * _UNITS[found[2]]
    try:
        return timedelta(seconds=number_of(value, 0, most.total_seconds()))
    except ValueError:
        limit = f"{most.total_seconds():g} s"
        raise ValueError(f"{value!r} is no time up to {limit}: seconds, or such as 20m, 3h, 1d") from None


def words_of(value: Value, pattern: str, allowed: str) -> list[str]:
    """A list, or text with commas."""
    if isinstance(value, str):
        value = [word for word in value.split(",") if word.strip()]
    if not isinstance(value, Sequence):
        raise ValueError(f"{value!r} is no list: {allowed}")
    return [text_of(word, pattern, allowed) for word in value]


def hours_of(value: Value) -> Hours | None:
    """Calling hours; None if there are none."""
    if value in (None, ""):
        return None
    if not isinstance(value, str):
        raise ValueError(f"{value!r} cannot be used: such as mon-fri 09:00-13:00,15:00-19:00")
    return parse_hours(value)


def instant_of(value: Value, zone: str) -> datetime | None:
    """A time, by the clock of ``zone`` where it names none; None if there is none."""
    if value in (None, ""):
        return None
    try:
        local = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is no time, such as 2026-12-01 09:00") from None
    return (local if local.tzinfo else local.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def mapping_of(value: Value, allowed: str) -> Mapping[str, Value]:
    """An object, or text such as ``a=1; b=2``."""
    if isinstance(value, str):
        pairs = [part.partition("=") for part in value.split(";") if part.strip()]
        if any(not equals for _, equals, _ in pairs) or len({name.strip() for name, *_ in pairs}) < len(
            pairs
        ):
            raise ValueError(f"{value!r} cannot be used: {allowed}")
        return {name.strip(): text.strip() for name, _, text in pairs}
    if not isinstance(value, Mapping):
        raise ValueError(f"{value!r} cannot be used: {allowed}")
    return value
