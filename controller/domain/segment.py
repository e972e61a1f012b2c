"""Segments: a campaign manager's saved questions about contacts, as data.

A filter is a tree of comparisons under ``All``, ``AnyOf`` and ``Not``. It has two written forms, text
(segment_text) and JSON (segment_json), and two that answer it: ``matches`` (segment_match), which says what
it means, and SQL (controller.store.segment_sql). What cannot be asked cannot be built: every filter that
exists is one that both can answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, TypeAlias

from controller.domain.segment_fields import COLUMNS, FIELDS, WORDS, FieldKind, kind_of
from controller.domain.segment_values import Day

MOST_COMPARISONS: Final = 100
MOST_VALUES: Final = 500
"""Of all comparisons of a filter together: each is a parameter in SQL; older SQLite takes 999 of them."""
DEEPEST: Final = 12
LONGEST_VALUE: Final = 200
LARGEST_NUMBER: Final = 1e15
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
"""What a segment may be called."""


class FilterError(ValueError):
    """A filter asks what cannot be asked.

    Attributes:
        problem: what is wrong.
        allowed: what would be right, "" if that goes without saying.
    """

    def __init__(self, problem: str, allowed: str = "") -> None:
        super().__init__(problem + (f" (allowed: {allowed})" if allowed else ""))
        self.problem = problem
        self.allowed = allowed


class Relation(Enum):
    """How a number is compared."""

    EQUAL = "="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


# --- what can be asked of a field ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OneOf:
    """It is one of these, whatever the case of its letters."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StartsWith:
    """It begins like one of these."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contains:
    """One of these is in it."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Present:
    """There is one, and it is not empty."""


@dataclass(frozen=True, slots=True)
class HasAny:
    """One of these tags is there."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HasAll:
    """All of these tags are there."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """It is a number that compares so."""

    relation: Relation
    number: float


@dataclass(frozen=True, slots=True)
class NumberBetween:
    """It is a number from ``low`` to ``high``, these included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Before:
    """It is, or lies on, an earlier day."""

    day: Day


@dataclass(frozen=True, slots=True)
class After:
    """It is, or lies on, a later day."""

    day: Day


@dataclass(frozen=True, slots=True)
class DaysBetween:
    """It is, or lies on, a day from ``first`` to ``last``, these included."""

    first: Day
    last: Day


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The contact has come this far in the funnel, or further."""

    stage: str


Texts: TypeAlias = OneOf | StartsWith | Contains | HasAny | HasAll
Test: TypeAlias = Texts | Present | Compare | NumberBetween | Before | After | DaysBetween | AtLeast

_TEXTS = (OneOf, StartsWith, Contains, Present)
_NUMBERS = (Compare, NumberBetween)
_DAYS = (Before, After, DaysBetween)
TESTS: Final[dict[FieldKind, tuple[type[Test], ...]]] = {
    FieldKind.TEXT: _TEXTS,
    FieldKind.FREE: (*_TEXTS, *_NUMBERS, *_DAYS),
    FieldKind.WORD: (OneOf, Present),
    FieldKind.STAGE: (OneOf, AtLeast),
    FieldKind.TAGS: (HasAny, HasAll, Present),
    FieldKind.NUMBER: (*_NUMBERS, Present),
    FieldKind.TIME: (*_DAYS, Present),
    FieldKind.BIRTHDAY: (DaysBetween, Present),
}
"""What can be asked of each kind of field."""

_WRITTEN: Final[dict[type[Test], str]] = {
    OneOf: "is, in (...)",
    StartsWith: "starts with",
    Contains: "contains",
    Present: "is present",
    HasAny: "has, has any (...)",
    HasAll: "has all (...)",
    Compare: "= < <= > >=",
    NumberBetween: "between 1 and 5",
    Before: "before",
    After: "after",
    DaysBetween: "on, between, within",
    AtLeast: "at least",
}
"""How a question is written."""


def ways_to_ask(kind: FieldKind) -> str:
    """How such a field can be compared, for messages."""
    return "; ".join(_WRITTEN[test] for test in TESTS[kind])


# --- the tree -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Comparison:
    """One question about one field.

    Attributes:
        field: one of FIELDS, or ``attributes.`` and the name of a column.
        test: what is asked.

    Raises:
        FilterError: this cannot be asked of this field.
    """

    field: str
    test: Test

    def __post_init__(self) -> None:
        kind = known_field(self.field)
        if not isinstance(self.test, TESTS[kind]):
            problem = f"{self.field} is {kind.value}: it cannot be asked that way"
            raise FilterError(problem, ways_to_ask(kind))
        _check(self.field, kind, self.test)


@dataclass(frozen=True, slots=True)
class Not:
    """The other contacts: also those of whom nothing is known."""

    part: Filter


@dataclass(frozen=True, slots=True)
class All:
    """Contacts that every part matches; without parts, every contact.

    Raises:
        FilterError: it has just one part, which could stand alone.
    """

    parts: tuple[Filter, ...] = ()

    def __post_init__(self) -> None:
        if len(self.parts) == 1:
            raise FilterError("a single part needs no 'all' around it")


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Contacts that some part matches.

    Raises:
        FilterError: it has fewer than two parts.
    """

    parts: tuple[Filter, ...]

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise FilterError("'any' needs two parts or more")


Filter: TypeAlias = All | AnyOf | Not | Comparison
EVERYBODY: Final = All()


def comparisons(filter_: Filter) -> Iterable[Comparison]:
    """Every question that a filter asks, from left to right."""
    match filter_:
        case Comparison():
            yield filter_
        case Not(part):
            yield from comparisons(part)
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from comparisons(part)


def moves(filter_: Filter) -> bool:
    """Whether days that pass may by themselves make contacts match; years of age are not waited for."""
    return any(day.away is not None for each in comparisons(filter_) for day in _days_of(each.test))


def _days_of(test: Test) -> tuple[Day, ...]:
    match test:
        case Before(day) | After(day):
            return (day,)
        case DaysBetween(first, last):
            return (first, last)
    return ()


def depth(filter_: Filter) -> int:
    """How deep the tree is; a comparison alone is 1."""
    match filter_:
        case Comparison():
            return 1
        case Not(part):
            return 1 + depth(part)
        case All(parts) | AnyOf(parts):
            return 1 + max((depth(part) for part in parts), default=0)


def checked(filter_: Filter) -> Filter:
    """The filter itself.

    Raises:
        FilterError: it is deeper or larger than what databases are to be asked.
    """
    if (deep := depth(filter_)) > DEEPEST:
        raise FilterError(f"the filter is {deep} levels deep", f"{DEEPEST} at most")
    every = list(comparisons(filter_))
    if len(every) > MOST_COMPARISONS:
        raise FilterError(f"the filter has {len(every)} comparisons", f"{MOST_COMPARISONS} at most")
    values = sum(len(each.test.values) for each in every if isinstance(each.test, Texts))
    if values > MOST_VALUES:
        raise FilterError(f"the filter names {values} values", f"{MOST_VALUES} at most")
    return filter_


def known_field(field: str) -> FieldKind:
    """What kind of field this is.

    Raises:
        FilterError: there is none of the name.
    """
    kind = kind_of(field)
    if kind is None:
        known = ", ".join([*FIELDS, *COLUMNS, "attributes.COLUMN for any other column of the list"])
        raise FilterError(f"there is no field {field!r}", known)
    return kind


def _check(field: str, kind: FieldKind, test: Test) -> None:
    match test:
        case OneOf(values) | StartsWith(values) | Contains(values) | HasAny(values) | HasAll(values):
            _check_values(field, values)
        case AtLeast(stage):
            _check_values(field, (stage,))
        case Compare(_, number):
            _check_numbers(number)
        case NumberBetween(low, high):
            _check_numbers(low, high)
        case DaysBetween(first, last) if kind is FieldKind.BIRTHDAY and None in (first.away, last.away):
            raise FilterError(
                "a birthday comes every year", "on today, within next 7 days, within last 7 days"
            )
        case DaysBetween(first, last):
            pair = (first.on, last.on) if first.on is not None else (first.away, last.away)
            if None not in pair and pair[0] > pair[1]:  # type: ignore[operator]
                raise FilterError("the first day comes after the last one")


def _check_values(field: str, values: tuple[str, ...]) -> None:
    if not values:
        raise FilterError(f"{field} is compared with nothing", "one value or more")
    known = WORDS.get(field)
    for value in values:
        if known is not None and value not in known:
            raise FilterError(f"{field} is never {value!r}", ", ".join(known))
        if not value or len(value) > LONGEST_VALUE or not value.isprintable():
            raise FilterError(f"{value!r} is no value", f"1 to {LONGEST_VALUE} characters on one line")


def _check_numbers(*numbers: float) -> None:
    for number in numbers:
        if not abs(number) < LARGEST_NUMBER:
            raise FilterError(f"{number:g} is too large a number", "15 digits")
    if len(numbers) == 2 and numbers[0] > numbers[1]:
        raise FilterError(f"{numbers[0]:g} is more than {numbers[1]:g}", "the smaller number first")


# --- saved ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A filter that is stored under a name.

    Attributes:
        name: as NAME says; unique.
        version: 1 when it is made, one more with every change.
        author: who changed it last.
    """

    name: str
    filter: Filter
    description: str = ""
    version: int
    author: str
    created_at: datetime
    updated_at: datetime
