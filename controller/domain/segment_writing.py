"""Filters written as text that segment_text reads back as they were."""

from __future__ import annotations

from decimal import Decimal

from controller.domain.segment import (
    After,
    All,
    AnyOf,
    AtLeast,
    Before,
    Compare,
    Comparison,
    Contains,
    DaysBetween,
    Filter,
    HasAll,
    HasAny,
    Not,
    NumberBetween,
    OneOf,
    Present,
    StartsWith,
    Test,
)
from controller.domain.segment_fields import ATTRIBUTES, column_of, short_name
from controller.domain.segment_values import TODAY, Day
from controller.domain.segment_words import BARE, written


def text_of(filter_: Filter) -> str:
    """A filter as text, on one line."""
    match filter_:
        case All(()):
            return "everybody"
        case All(parts):
            return " and ".join(_inside(part) for part in parts)
        case AnyOf(parts):
            return " or ".join(_inside(part) for part in parts)
        case Not(part):
            return f"not {_inside(part)}"
        case Comparison(field, test):
            return f"{_field(field)} {_test(test)}"


def _inside(part: Filter) -> str:
    """A part of a larger filter: what is itself a row of parts goes into parentheses."""
    rows = isinstance(part, AnyOf) or (isinstance(part, All) and part.parts)
    return f"({text_of(part)})" if rows else text_of(part)


def _field(field: str) -> str:
    column = column_of(field)
    if column is None or short_name(field) == column:
        return short_name(field)
    return field if BARE.fullmatch(column) else f'{ATTRIBUTES}"{column}"'


def _test(test: Test) -> str:
    match test:
        case Present():
            return "is present"
        case OneOf((value,)):
            return f"is {written(value)}"
        case OneOf(values):
            return f"in {_list(values)}"
        case StartsWith(values):
            return f"starts with {_one_or_list(values)}"
        case Contains(values):
            return f"contains {_one_or_list(values)}"
        case HasAny((value,)):
            return f"has {written(value)}"
        case HasAny(values):
            return f"has any {_list(values)}"
        case HasAll(values):
            return f"has all {_list(values)}"
        case Compare(relation, number):
            return f"{relation.value} {_number(number)}"
        case NumberBetween(low, high):
            return f"between {_number(low)} and {_number(high)}"
        case Before(day):
            return f"before {_day(day)}"
        case After(day):
            return f"after {_day(day)}"
        case DaysBetween(first, last):
            return _days(first, last)
        case AtLeast(stage):
            return f"at least {stage}"


def _list(values: tuple[str, ...]) -> str:
    return f"({', '.join(written(value) for value in values)})"


def _one_or_list(values: tuple[str, ...]) -> str:
    return written(values[0]) if len(values) == 1 else _list(values)


def _number(number: float) -> str:
    return format(Decimal(repr(number)), "f").removesuffix(".0")


def _days(first: Day, last: Day) -> str:
    if first == last:
        return f"on {_day(first)}"
    if first == TODAY and last.away is not None and last.away > 0:
        return f"within next {_count(last.away)}"
    if last == TODAY and first.away is not None and first.away < 0:
        return f"within last {_count(-first.away)}"
    return f"between {_day(first)} and {_day(last)}"


def _day(day: Day) -> str:
    if day.on is not None:
        return day.on.isoformat()
    away = day.away or 0
    if away == 0:
        return "today"
    return f"in {_count(away)}" if away > 0 else f"{_count(-away)} ago"


def _count(days: int) -> str:
    return f"{days} day" if days == 1 else f"{days} days"
