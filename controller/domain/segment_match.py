"""What a filter means: whether a contact belongs to a segment. A property test holds the SQL twin to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from controller.domain.contact import Contact
from controller.domain.funnel import Stage, stage_of
from controller.domain.outcome import Outcome
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
    Relation,
    StartsWith,
    Test,
)
from controller.domain.segment_areas import area_of
from controller.domain.segment_fields import BIRTH_DATE, FIELDS, UNKNOWN_KIND, FieldKind, column_of
from controller.domain.segment_values import (
    age,
    birthdays,
    day_in,
    folded,
    midnight,
    next_day,
    number_in,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a contact.

    Attributes:
        last_called: when its latest call was placed (aware); None if none was.
        last_outcome: of the latest call that is over; None if none is.
        disposition: code of the latest disposition; empty if there is none.
        disposition_kind: the kind that it stood for.
    """

    contact: Contact
    last_called: datetime | None = None
    last_outcome: Outcome | None = None
    stage: Stage = Stage.CONTACT
    disposition: str = ""
    disposition_kind: str = ""


def matches(filter_: Filter, facts: Facts, now: datetime) -> bool:
    """Whether the contact belongs to the segment.

    A comparison with what is not there is false: with an empty or missing column, with a text asked as a
    number or a day that is none, with a call that never was. ``Not`` turns that round: ``not age >= 18`` is
    true of everybody whose birth date is unknown.

    Args:
        filter_: the question.
        facts: about one contact.
        now: aware, on the clock by which days begin and end: the campaign's.
    """
    match filter_:
        case All(parts):
            return all(matches(part, facts, now) for part in parts)
        case AnyOf(parts):
            return any(matches(part, facts, now) for part in parts)
        case Not(part):
            return not matches(part, facts, now)
        case Comparison(field, test):
            return _answers(field, test, facts, now)


def _answers(field: str, test: Test, facts: Facts, now: datetime) -> bool:
    column = column_of(field)
    if column is not None:
        return _free(facts.contact.attributes.get(column) or "", test, now.date())
    match FIELDS[field]:
        case FieldKind.TAGS:
            return _tags({folded(tag) for tag in facts.contact.tags}, test)
        case FieldKind.STAGE:
            return _stage(facts.stage, test)
        case FieldKind.NUMBER:
            number = facts.contact.attempts if field == "attempts" else _age(facts, now.date())
            return number is not None and _number(number, test)
        case FieldKind.TIME:
            at = _TIMES[field](facts)
            return at is not None and _time(at, test, now)
        case FieldKind.BIRTHDAY:
            born = _born(facts)
            return born is not None and _birthday(born, test, now.date())
        case _:
            return _text(_TEXTS[field](facts) or "", test)


def _text(text: str, test: Test) -> bool:
    if not text:
        return False
    have = folded(text)
    match test:
        case OneOf(values):
            return any(have == folded(value) for value in values)
        case StartsWith(values):
            return any(have.startswith(folded(value)) for value in values)
        case Contains(values):
            return any(folded(value) in have for value in values)
    return isinstance(test, Present)


def _free(text: str, test: Test, today: date) -> bool:
    match test:
        case Compare() | NumberBetween():
            number = number_in(text)
            return number is not None and _number(number, test)
        case Before() | After() | DaysBetween():
            day = day_in(text)
            return day is not None and _day(day, test, today)
    return _text(text, test)


_RELATIONS: Final[Mapping[Relation, Callable[[float, float], bool]]] = {
    Relation.EQUAL: lambda have, asked: have == asked,
    Relation.LESS: lambda have, asked: have < asked,
    Relation.AT_MOST: lambda have, asked: have <= asked,
    Relation.MORE: lambda have, asked: have > asked,
    Relation.AT_LEAST: lambda have, asked: have >= asked,
}


def _number(number: float, test: Test) -> bool:
    match test:
        case Compare(relation, asked):
            return _RELATIONS[relation](number, asked)
        case NumberBetween(low, high):
            return low <= number <= high
    return isinstance(test, Present)


def _day(day: date, test: Test, today: date) -> bool:
    match test:
        case Before(asked):
            return day < asked.when(today)
        case After(asked):
            return day > asked.when(today)
        case DaysBetween(first, last):
            return first.when(today) <= day <= last.when(today)
    return isinstance(test, Present)


def _time(at: datetime, test: Test, now: datetime) -> bool:
    today = now.date()
    match test:
        case Before(asked):
            return at < midnight(asked.when(today), now)
        case After(asked):
            return at >= midnight(next_day(asked.when(today)), now)
        case DaysBetween(first, last):
            begin, end = first.when(today), next_day(last.when(today))
            return midnight(begin, now) <= at < midnight(end, now)
    return isinstance(test, Present)


def _birthday(born: date, test: Test, today: date) -> bool:
    if isinstance(test, DaysBetween):
        return f"{born:%m-%d}" in birthdays(test.first.when(today), test.last.when(today))
    return isinstance(test, Present)


def _tags(tags: set[str], test: Test) -> bool:
    match test:
        case HasAny(values):
            return any(folded(value) in tags for value in values)
        case HasAll(values):
            return all(folded(value) in tags for value in values)
    return isinstance(test, Present) and bool(tags)


def _stage(stage: Stage, test: Test) -> bool:
    if isinstance(test, AtLeast):
        return stage >= stage_of(test.stage)
    return isinstance(test, OneOf) and stage.word in test.values


def _born(facts: Facts) -> date | None:
    return day_in(facts.contact.attributes.get(BIRTH_DATE) or "")


def _age(facts: Facts, today: date) -> int | None:
    born = _born(facts)
    return None if born is None else age(born, today)


_TEXTS: Final[Mapping[str, Callable[[Facts], str | None]]] = {
    "number": lambda facts: facts.contact.number,
    "kind": lambda facts: facts.contact.kind.value or UNKNOWN_KIND,
    "area": lambda facts: area_of(facts.contact.number),
    "name": lambda facts: facts.contact.name,
    "email": lambda facts: facts.contact.email,
    "key": lambda facts: facts.contact.key,
    "segment": lambda facts: facts.contact.habits.segment,
    "region": lambda facts: facts.contact.habits.region,
    "zone": lambda facts: facts.contact.habits.zone,
    "consent": lambda facts: facts.contact.consent.basis if facts.contact.consent else None,
    "consent_source": lambda facts: facts.contact.consent.source if facts.contact.consent else None,
    "last_outcome": lambda facts: facts.last_outcome.value if facts.last_outcome else None,
    "disposition": lambda facts: facts.disposition,
    "disposition_kind": lambda facts: facts.disposition_kind,
}
_TIMES: Final[Mapping[str, Callable[[Facts], datetime | None]]] = {
    "consent_at": lambda facts: facts.contact.consent.given_at if facts.contact.consent else None,
    "last_called": lambda facts: facts.last_called,
    "callback": lambda facts: facts.contact.callback_at,
}
