"""Filters as conditions on the table of contacts. No I/O.

Each says what ``matches`` (controller.domain.segment_match) says, on SQLite and PostgreSQL; a property test
holds them together. Values are bound, never part of the statement; no pattern language is used on texts, so
there is nothing to escape. A comparison with what is not there is NULL, which a WHERE takes for false; only
under ``Not`` it has to be made false first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from math import ceil, floor
from operator import eq, ge, gt, le, lt
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Float,
    Text,
    and_,
    case,
    cast,
    collate,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)

from controller.domain.funnel import stage_of
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
    Relation,
    StartsWith,
    Test,
    comparisons,
)
from controller.domain.segment_areas import AREA_CODES
from controller.domain.segment_fields import BIRTH_DATE, FIELDS, UNKNOWN_KIND, FieldKind, column_of
from controller.domain.segment_values import NUMBER_LENGTH, birthdays, folded, midnight, next_day
from controller.store.schema import Instant, attempts, contacts
from controller.store.schema_work import dispositions

Condition: TypeAlias = ColumnElement[bool]

_OPERATORS: Final[Mapping[Relation, Callable[[Any, Any], Condition]]] = {
    Relation.EQUAL: eq,
    Relation.LESS: lt,
    Relation.AT_MOST: le,
    Relation.MORE: gt,
    Relation.AT_LEAST: ge,
}
_COSTS: Final = {
    "age": 4,
    "birthday": 4,
    "tags": 5,
    "last_called": 6,
    "disposition": 6,
    "disposition_kind": 6,
}
_A_DAY: Final = (
    r"^[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))$"
    r"|^([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29$"
)
"""The days of our calendar, for PostgreSQL, whose casts fail where there is no such day."""
_FIRST_DAY: Final = "0001-01-01"

_LATEST_CALL: Final = (
    select(func.max(func.coalesce(attempts.c.admitted_at, attempts.c.started_at)))
    .where(attempts.c.contact == contacts.c.id)
    .correlate(contacts)
    .scalar_subquery()
)


def _latest_disposition(column: Column[str]) -> ColumnElement[str]:
    return (
        select(column)
        .where(dispositions.c.contact == contacts.c.id)
        .correlate(contacts)
        .order_by(dispositions.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )


_COLUMNS: Final[Mapping[str, ColumnElement[Any]]] = {
    "number": contacts.c.number,
    "name": contacts.c.name,
    "email": contacts.c.email,
    "key": contacts.c.key,
    "segment": contacts.c.segment,
    "region": contacts.c.region,
    "zone": contacts.c.zone,
    "consent": contacts.c.consent_basis,
    "consent_source": contacts.c.consent_source,
    "consent_at": contacts.c.consent_at,
    "last_called": _LATEST_CALL,
    "last_outcome": contacts.c.last_outcome,
    "disposition": _latest_disposition(dispositions.c.code),
    "disposition_kind": _latest_disposition(dispositions.c.kind),
    "callback": contacts.c.callback_at,
}


def condition(filter_: Filter, now: datetime, dialect: str) -> Condition:
    """The condition that holds for the contacts that match.

    Args:
        filter_: the question.
        now: aware, on the clock by which days begin and end: the campaign's.
        dialect: ``sqlite`` or ``postgresql``.
    """
    return _Conditions(now, _SQLITE if dialect == "sqlite" else _POSTGRESQL).of(filter_)


# --- where the databases differ -------------------------------------------------------------------------


class _Sqlite:
    """How SQLite takes texts apart."""

    def lower(self, text: ColumnElement[Any]) -> ColumnElement[str]:
        return func.lower(text, type_=Text)

    def contains(self, text: ColumnElement[str], part: str) -> Condition:
        return func.instr(text, literal(part, Text)) > 0

    def attribute(self, column: str) -> ColumnElement[str]:
        # Letters beyond ASCII are stored as escapes, which SQLite before 3.45 does not see through.
        paths = dict.fromkeys((f'$."{column}"', f"$.{json.dumps(column)}"))
        found = [func.json_extract(contacts.c.attributes, literal(path, Text), type_=Text) for path in paths]
        return found[0] if len(found) == 1 else func.coalesce(*found, type_=Text)

    def number(self, text: ColumnElement[str], asked: Callable[[Any], Condition]) -> Condition:
        # What is no number is cast to some other one, which costs less than to look at every text's shape.
        return and_(
            asked(cast(text, Float)),
            func.length(text) <= NUMBER_LENGTH,
            or_(text.bool_op("GLOB")("[0-9]*"), text.bool_op("GLOB")("-[0-9]*")),
            text.bool_op("GLOB")("*[0-9]"),
            not_(func.substr(text, 2).bool_op("GLOB")("*[^0-9.]*")),
            not_(text.bool_op("GLOB")("*.*.*")),
        )

    def is_day(self, text: ColumnElement[str]) -> Condition:
        # Only what is reckoned with becomes a day that there is: 30 February comes out as 2 March.
        return and_(func.date(text, "+0 days") == text, text >= _FIRST_DAY)

    def day(self, text: ColumnElement[str]) -> ColumnElement[str]:
        return text

    def tag(self, values: Sequence[str]) -> Condition:
        tag = func.json_each(contacts.c.tags).table_valued("value").alias("tag")
        return exists(select(1).select_from(tag).where(func.lower(tag.c.value).in_(values)))


class _Postgresql:
    """How PostgreSQL does."""

    def lower(self, text: ColumnElement[Any]) -> ColumnElement[str]:
        return func.lower(collate(text, "C"), type_=Text)

    def contains(self, text: ColumnElement[str], part: str) -> Condition:
        return func.strpos(text, literal(part, Text)) > 0

    def attribute(self, column: str) -> ColumnElement[str]:
        return contacts.c.attributes.op("->>", return_type=Text())(literal(column, Text))

    def number(self, text: ColumnElement[str], asked: Callable[[Any], Condition]) -> Condition:
        shape = and_(
            func.length(text) <= NUMBER_LENGTH, text.regexp_match(literal(r"^-?[0-9]+(\.[0-9]+)?$", Text))
        )
        return case((shape, asked(cast(text, Float(53)))))  # a cast of what is no number would fail

    def is_day(self, text: ColumnElement[str]) -> Condition:
        return and_(text.regexp_match(literal(_A_DAY, Text)), self.day(text) >= _FIRST_DAY)

    def day(self, text: ColumnElement[str]) -> ColumnElement[str]:
        return collate(text, "C")

    def tag(self, values: Sequence[str]) -> Condition:
        tag = func.json_array_elements_text(contacts.c.tags).table_valued("value").alias("tag")
        return exists(select(1).select_from(tag).where(self.lower(tag.c.value).in_(values)))


_SQLITE: Final = _Sqlite()
_POSTGRESQL: Final = _Postgresql()


# --- the conditions -------------------------------------------------------------------------------------


class _Conditions:
    """Makes conditions for one moment and one database."""

    def __init__(self, now: datetime, database: _Sqlite | _Postgresql) -> None:
        self._now = now
        self._today = now.date()
        self._database = database

    def of(self, filter_: Filter) -> Condition:
        match filter_:
            case All(parts):
                return and_(true(), *(self.of(part) for part in sorted(parts, key=_cost)))
            case AnyOf(parts):
                return or_(false(), *(self.of(part) for part in sorted(parts, key=_cost)))
            case Not(part):
                return not_(func.coalesce(self.of(part), false(), type_=Boolean))
            case Comparison(field, test):
                return self._comparison(field, test)

    def _comparison(self, field: str, test: Test) -> Condition:
        column = column_of(field)
        if column is not None:
            return self._free(self._database.attribute(column), test)
        match FIELDS[field]:
            case FieldKind.TAGS:
                return self._tags(test)
            case FieldKind.STAGE:
                return _stage(test)
            case FieldKind.NUMBER:
                return self._age(test) if field == "age" else _number(contacts.c.attempts, test)
            case FieldKind.TIME:
                return self._time(_COLUMNS[field], test)
            case FieldKind.BIRTHDAY:
                return self._birthday(test)
        if field == "area":
            return _area(test)
        if field == "kind":
            return _kind(test)
        return self._text(_COLUMNS[field], test)

    def _text(self, text: ColumnElement[str], test: Test) -> Condition:
        have = self._database.lower(text)
        match test:
            case OneOf(values):
                return have.in_([folded(value) for value in values])
            case StartsWith(values):
                return _begins(have, [folded(value) for value in values])
            case Contains(values):
                return or_(false(), *(self._database.contains(have, folded(value)) for value in values))
        return text != ""

    def _free(self, text: ColumnElement[str], test: Test) -> Condition:
        if isinstance(test, Compare | NumberBetween):
            return self._database.number(text, lambda number: _number(number, test))
        if not isinstance(test, Before | After | DaysBetween):
            return self._text(text, test)
        return and_(self._day(self._database.day(text), test), self._database.is_day(text))

    def _day(self, day: ColumnElement[str], test: Before | After | DaysBetween) -> Condition:
        match test:
            case Before(asked):
                return day < asked.when(self._today).isoformat()
            case After(asked):
                return day > asked.when(self._today).isoformat()
            case DaysBetween(first, last):
                ends = (first.when(self._today).isoformat(), last.when(self._today).isoformat())
                return and_(day >= ends[0], day <= ends[1])

    def _time(self, at: ColumnElement[Any], test: Test) -> Condition:
        match test:
            case Before(asked):
                return at < self._midnight(asked.when(self._today))
            case After(asked):
                return at >= self._midnight(next_day(asked.when(self._today)))
            case DaysBetween(first, last):
                begin, end = first.when(self._today), next_day(last.when(self._today))
                return and_(at >= self._midnight(begin), at < self._midnight(end))
        return at.is_not(None)

    def _midnight(self, day: Any) -> ColumnElement[Any]:
        return literal(midnight(day, self._now), Instant)

    def _born(self) -> tuple[ColumnElement[str], Condition]:
        text = self._database.attribute(BIRTH_DATE)
        return self._database.day(text), self._database.is_day(text)

    def _age(self, test: Test) -> Condition:
        born, known = self._born()
        youngest, oldest = _ages(test, self._today.year)
        return and_(born <= self._born_for(youngest), born > self._born_for(oldest + 1), known)

    def _born_for(self, years: int) -> str:
        """The last day, as text, on which who is at least that old may have been born."""
        year = self._today.year - years
        return f"{year:04}-{self._today:%m-%d}" if year > 0 else ""

    def _birthday(self, test: Test) -> Condition:
        born, known = self._born()
        if not isinstance(test, DaysBetween):
            return known
        days = birthdays(test.first.when(self._today), test.last.when(self._today))
        return and_(func.substr(born, 6, 5).in_(sorted(days)), known)

    def _tags(self, test: Test) -> Condition:
        match test:
            case HasAny(values):
                return self._database.tag([folded(value) for value in values])
            case HasAll(values):
                return and_(true(), *(self._database.tag([folded(value)]) for value in values))
        return func.json_array_length(contacts.c.tags) > 0


def _cost(part: Filter) -> int:
    """What a part costs for each contact, roughly: what is cheap is asked first, and often decides."""
    return sum(_COSTS.get(each.field, 4 if column_of(each.field) else 1) for each in comparisons(part))


def _begins(text: ColumnElement[str], starts: Sequence[str]) -> Condition:
    """Whether a text begins like one of these."""
    lengths = sorted({len(start) for start in starts})
    return or_(
        false(),
        *(
            func.substr(text, 1, length).in_([start for start in starts if len(start) == length])
            for length in lengths
        ),
    )


def _number(number: ColumnElement[Any], test: Test) -> Condition:
    match test:
        case Compare(relation, asked):
            return _OPERATORS[relation](number, literal(asked, Float(53)))
        case NumberBetween(low, high):
            return and_(number >= literal(low, Float(53)), number <= literal(high, Float(53)))
    return number.is_not(None)


def _ages(test: Test, most: int) -> tuple[int, int]:
    """The youngest and the oldest that are asked for, in full years from 0 to ``most``."""
    low, high = 0, most
    match test:
        case NumberBetween(at_least, at_most):
            low, high = ceil(at_least), floor(at_most)
        case Compare(Relation.EQUAL, years):
            low, high = ceil(years), floor(years)
        case Compare(Relation.LESS, years):
            high = ceil(years) - 1
        case Compare(Relation.AT_MOST, years):
            high = floor(years)
        case Compare(Relation.MORE, years):
            low = floor(years) + 1
        case Compare(Relation.AT_LEAST, years):
            low = ceil(years)
    return max(0, low), min(most, high)


def _stage(test: Test) -> Condition:
    if isinstance(test, AtLeast):
        return contacts.c.stage >= int(stage_of(test.stage))
    values = test.values if isinstance(test, OneOf) else ()
    return contacts.c.stage.in_([int(stage_of(value)) for value in values])


def _area(test: Test) -> Condition:
    areas = test.values if isinstance(test, OneOf) else tuple(AREA_CODES)
    return _begins(contacts.c.number, [code for area in dict.fromkeys(areas) for code in AREA_CODES[area]])


def _kind(test: Test) -> Condition:
    if not isinstance(test, OneOf):
        return true()
    return contacts.c.kind.in_(["" if value == UNKNOWN_KIND else value for value in test.values])
