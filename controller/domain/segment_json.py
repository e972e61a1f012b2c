"""Filters as JSON values, for the API and the store: ``filter_of(json_of(filter)) == filter``.

    {"all": [...]}  {"any": [...]}  {"not": {...}}
    {"field": "province", "op": "in", "value": ["MI", "RM"]}

A day is "2026-03-01", or {"days": -5} for five days ago.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final, TypeVar

from controller.domain.segment import (
    DEEPEST,
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
    FilterError,
    HasAll,
    HasAny,
    Not,
    NumberBetween,
    OneOf,
    Present,
    Relation,
    StartsWith,
    Test,
    Texts,
    checked,
)
from controller.domain.segment_fields import full_name, short_name
from controller.domain.segment_values import Day, day_in
from controller.errors import BadInput

T = TypeVar("T")

_TEXT_OPS: Final[dict[str, type[Texts]]] = {
    "in": OneOf,
    "starts_with": StartsWith,
    "contains": Contains,
    "has_any": HasAny,
    "has_all": HasAll,
}
_DAY_OPS: Final[dict[str, type[Before | After]]] = {"before": Before, "after": After}
_OP_OF_TEXTS: Final = {kind: op for op, kind in _TEXT_OPS.items()}
_RELATIONS: Final = {relation.value: relation for relation in Relation}
OPS: Final = (*_TEXT_OPS, "is", "has", "present", *_RELATIONS, "between", *_DAY_OPS, "on", "at_least")
"""Every ``op``; ``is``, ``has`` and ``on`` take one value, short for ``in``, ``has_any`` and ``between``."""

_FORMS: Final = '{"all": [...]}, {"any": [...]}, {"not": {...}}, {"field": ..., "op": ..., "value": ...}'


# --- to JSON --------------------------------------------------------------------------------------------


def json_of(filter_: Filter) -> dict[str, Any]:
    """A filter as JSON values."""
    match filter_:
        case All(parts):
            return {"all": [json_of(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [json_of(part) for part in parts]}
        case Not(part):
            return {"not": json_of(part)}
        case Comparison(field, test):
            return {"field": short_name(field)} | _test_json(test)


def _test_json(test: Test) -> dict[str, Any]:
    match test:
        case Present():
            return {"op": "present"}
        case Compare(relation, number):
            return {"op": relation.value, "value": _number_json(number)}
        case NumberBetween(low, high):
            return {"op": "between", "value": [_number_json(low), _number_json(high)]}
        case Before(day):
            return {"op": "before", "value": _day_json(day)}
        case After(day):
            return {"op": "after", "value": _day_json(day)}
        case DaysBetween(first, last):
            return {"op": "between", "value": [_day_json(first), _day_json(last)]}
        case AtLeast(stage):
            return {"op": "at_least", "value": stage}
        case OneOf(values) | StartsWith(values) | Contains(values) | HasAny(values) | HasAll(values):
            return {"op": _OP_OF_TEXTS[type(test)], "value": list(values)}


def _number_json(number: float) -> float:
    return int(number) if number.is_integer() else number


def _day_json(day: Day) -> str | dict[str, int]:
    return day.on.isoformat() if day.on is not None else {"days": day.away or 0}


# --- from JSON ------------------------------------------------------------------------------------------


def filter_of(value: object, place: str = "filter") -> Filter:
    """A filter from JSON values.

    Args:
        value: as ``json.loads`` gives it.
        place: what to call it; errors add the path into it, as ``filter.all[2].value``.

    Raises:
        BadInput: it is no filter; the place is the path to what is wrong.
    """
    filter_ = _filter(value, place, DEEPEST)
    try:
        return checked(filter_)
    except FilterError as error:
        raise BadInput(place, error.problem, error.allowed) from None


def _filter(value: object, place: str, levels: int) -> Filter:
    if levels == 0:
        raise BadInput(place, f"the filter is more than {DEEPEST} levels deep", f"{DEEPEST} at most")
    if not isinstance(value, Mapping):
        raise BadInput(place, f"{_shown(value)} is no filter", _FORMS)
    if "field" in value:
        return _comparison(value, place)
    if len(value) != 1 or not value.keys() & {"all", "any", "not"}:
        raise BadInput(place, f"no filter has the members {', '.join(map(str, value)) or 'none'}", _FORMS)
    [(name, inner)] = value.items()
    place = f"{place}.{name}"
    if name == "not":
        return Not(_filter(inner, place, levels - 1))
    if not isinstance(inner, list):
        raise BadInput(place, f"{_shown(inner)} is no list of filters", "[...]")
    parts = tuple(_filter(part, f"{place}[{i}]", levels - 1) for i, part in enumerate(inner))
    if len(parts) == 1:
        return parts[0]
    if name == "any" and not parts:
        raise BadInput(place, "is empty, so nobody would match", "one filter or more")
    return All(parts) if name == "all" else AnyOf(parts)


def _comparison(value: Mapping[object, object], place: str) -> Comparison:
    unknown = [str(name) for name in value if name not in ("field", "op", "value")]
    if unknown:
        raise BadInput(place, f"a comparison has no member {unknown[0]!r}", "field, op, value")
    field, op = value["field"], value.get("op")
    if not isinstance(field, str):
        raise BadInput(f"{place}.field", f"{_shown(field)} is no name of a field", "a string")
    if not isinstance(op, str) or op not in OPS:
        raise BadInput(f"{place}.op", f"{_shown(op)} is no way to compare", ", ".join(OPS))
    if ("value" in value) == (op == "present"):
        problem = "takes no value" if op == "present" else "needs a value"
        raise BadInput(f"{place}.value", f"{op!r} {problem}")
    test = _test(op, value.get("value"), f"{place}.value")
    try:
        return Comparison(full_name(field), test)
    except FilterError as error:
        raise BadInput(place, error.problem, error.allowed) from None


def _test(op: str, value: object, place: str) -> Test:
    """What is asked."""
    if op in _TEXT_OPS:
        return _TEXT_OPS[op](tuple(_list(value, place, _text)))
    if op in _RELATIONS:
        return Compare(_RELATIONS[op], _number(value, place))
    if op in _DAY_OPS:
        return _DAY_OPS[op](_day(value, place))
    match op:
        case "is":
            return OneOf((_text(value, place),))
        case "has":
            return HasAny((_text(value, place),))
        case "on":
            day = _day(value, place)
            return DaysBetween(day, day)
        case "at_least":
            return AtLeast(_text(value, place))
        case "between":
            return _between(value, place)
    return Present()


def _between(value: object, place: str) -> Test:
    if not isinstance(value, list) or len(value) != 2:
        raise BadInput(place, f"{_shown(value)} are no two ends", "[from, to]")
    if any(isinstance(end, str | Mapping) for end in value):
        first, last = _list(value, place, _day)
        return DaysBetween(first, last)
    low, high = _list(value, place, _number)
    return NumberBetween(low, high)


def _list(value: object, place: str, read: Callable[[object, str], T]) -> list[T]:
    if not isinstance(value, list):
        raise BadInput(place, f"{_shown(value)} is no list", "[...]")
    return [read(each, f"{place}[{i}]") for i, each in enumerate(value)]


def _text(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise BadInput(place, f"{_shown(value)} is no text", "a string")
    return value


def _number(value: object, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(place, f"{_shown(value)} is no number", "a number of up to 15 digits")
    try:
        return float(value)
    except OverflowError:
        raise BadInput(place, "is too large a number", "15 digits") from None


def _day(value: object, place: str) -> Day:
    on: date | None = day_in(value) if isinstance(value, str) else None
    if on is not None:
        return Day(on=on)
    if isinstance(value, Mapping) and list(value) == ["days"]:
        away = value["days"]
        if isinstance(away, int) and not isinstance(away, bool):
            try:
                return Day(away=away)
            except ValueError as error:
                raise BadInput(place, str(error)) from None
    raise BadInput(place, f"{_shown(value)} is no day", '"2026-03-01" or {"days": -5}, days from today')


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
