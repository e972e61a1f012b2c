"""Scenarios as TOML files; docs/pacing.md shows one. Times of day are hours from the start."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from controller.errors import BadInput
from controller.simulation.scenario import (
    Curve,
    Distribution,
    Exponential,
    Fixed,
    LogNormal,
    Samples,
    Scenario,
    Segment,
    Shift,
    Uniform,
)

_NUMBERS: Final = {
    "hours": (0.01, 168.0),
    "ring_timeout": (1.0, 60.0),
    "failing": (0.0, 1.0),
    "machine_share": (0.0, 1.0),
    "max_lines": (1, 100_000),
    "calls_per_second": (0.1, 1000.0),
    "window": (0.0, 60.0),
    "bank": (0, 100_000),
}
_DISTRIBUTIONS: Final = ("ring", "failing_after", "machine_talk", "talk", "wrap_up", "patience")
_KINDS: Final = "a number of seconds, {uniform = [low, high]}, {exponential = mean}, "
_SEGMENT: Final = "name, share, answer_rate, ring, talk"
_ALLOWED: Final = _KINDS + "{log_normal = [mean, sigma]} or {samples = [seconds, ...]}"


def load(path: Path) -> Scenario:
    """Read a scenario.

    Raises:
        BadInput: the file cannot be read, or says something that is not allowed.
    """
    try:
        with path.open("rb") as file:
            data = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadInput(str(path), f"cannot be read as TOML: {error}") from error
    return parse(data, path.stem)


def parse(data: Mapping[str, Any], name: str = "unnamed") -> Scenario:
    """Make a scenario of what a file says; whatever it does not say is as in ``Scenario``.

    Raises:
        BadInput: something in it is not allowed.
    """
    known = {*_NUMBERS, *_DISTRIBUTIONS, "name", "shifts", "answer_rate", "share", "segments"}
    for key in data:
        if key not in known:
            raise BadInput(key, "no such key", ", ".join(sorted(known)))
    changes: dict[str, Any] = {"name": str(data.get("name", name))}
    for key, (low, high) in _NUMBERS.items():
        if key in data:
            value = _number(key, data[key], low, high)
            changes[key] = int(value) if key in ("max_lines", "bank") else value
    for key in _DISTRIBUTIONS:
        if key in data:
            changes[key] = _distribution(key, data[key])
    if "shifts" in data:
        shifts = _list("shifts", data["shifts"])
        changes["shifts"] = tuple(_shift(f"shifts[{i}]", each) for i, each in enumerate(shifts))
    if "answer_rate" in data:
        changes["answer_rate"] = _curve("answer_rate", data["answer_rate"])
    if "share" in data:
        changes["share"] = _share(data["share"])
    if "segments" in data:
        if "answer_rate" in data:
            raise BadInput("answer_rate", "is that of the segments where there are some", "one of the two")
        changes["segments"] = _segments(data["segments"])
    return Scenario(**changes)


def _number(field: str, value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadInput(field, f"not {value!r}", f"a number from {low:g} to {high:g}")
    return float(value)


def _list(field: str, value: object) -> Sequence[Any]:
    if not isinstance(value, list) or not value:
        raise BadInput(field, f"not {value!r}", "a list that is not empty")
    return value


def _pair(field: str, value: object, low: float, high: float) -> tuple[float, float]:
    pair = _list(field, value)
    if len(pair) != 2:
        raise BadInput(field, f"not {value!r}", "two numbers")
    return _number(field, pair[0], low, high), _number(field, pair[1], low, high)


def _distribution(field: str, value: object) -> Distribution:
    if isinstance(value, int | float):
        return Fixed(_number(field, value, 0.0, 86400.0))
    if not isinstance(value, dict) or len(value) != 1:
        raise BadInput(field, f"not {value!r}", _ALLOWED)
    (kind, given) = next(iter(value.items()))
    match kind:
        case "uniform":
            low, high = _pair(field, given, 0.0, 86400.0)
            return Uniform(min(low, high), max(low, high))
        case "exponential":
            return Exponential(_number(field, given, 0.01, 86400.0))
        case "log_normal":
            mean, sigma = _pair(field, given, 0.0, 86400.0)
            return LogNormal(_number(field, mean, 0.01, 86400.0), _number(field, sigma, 0.0, 5.0))
        case "samples":
            return Samples([_number(field, each, 0.0, 86400.0) for each in _list(field, given)])
    raise BadInput(field, f"not {value!r}", _ALLOWED)


def _shift(field: str, value: object) -> Shift:
    if not isinstance(value, dict):
        raise BadInput(field, f"not {value!r}", "agents, from, to, breaks")
    if unknown := set(value) - {"agents", "from", "to", "breaks"}:
        raise BadInput(f"{field}.{min(unknown)}", "no such key", "agents, from, to, breaks")
    breaks = [_pair(f"{field}.breaks", each, 0.0, 168.0) for each in value.get("breaks", [])]
    begins = _number(f"{field}.from", value.get("from", 0.0), 0.0, 168.0)
    ends = _number(f"{field}.to", value.get("to", 168.0), 0.0, 168.0)
    for begin, end in [(begins, ends), *breaks]:
        if not begin < end:
            raise BadInput(
                field, f"ends at {end:g} h, and begins at {begin:g} h", "an end after the beginning"
            )
    return Shift(
        agents=int(_number(f"{field}.agents", value.get("agents"), 1, 10_000)),
        begins=begins * 3600,
        ends=ends * 3600 if "to" in value else float("inf"),
        breaks=tuple((begin * 3600, end * 3600) for begin, end in breaks),
    )


def _segments(value: object) -> tuple[Segment, ...]:
    segments = [_segment(f"segments[{i}]", each) for i, each in enumerate(_list("segments", value))]
    if len({segment.name for segment in segments}) < len(segments):
        raise BadInput("segments", "two have the same name", "a name for each")
    hours = {at for segment in segments for at, _ in segment.share.points}
    for hour in sorted(hours):
        if not sum(segment.share.at(hour) for segment in segments) > 0:
            raise BadInput("segments", f"at {hour / 3600:g} h all shares are 0", "one above 0 at any time")
    return tuple(segments)


def _segment(field: str, value: object) -> Segment:
    if not isinstance(value, dict):
        raise BadInput(field, f"not {value!r}", _SEGMENT)
    if unknown := set(value) - {"name", "share", "answer_rate", "ring", "talk"}:
        raise BadInput(f"{field}.{min(unknown)}", "no such key", _SEGMENT)
    for key in ("name", "answer_rate"):
        if not value.get(key):
            raise BadInput(f"{field}.{key}", "is missing", _SEGMENT)
    return Segment(
        name=str(value["name"]),
        share=_curve(f"{field}.share", value.get("share", 1.0)),
        answer_rate=_curve(f"{field}.answer_rate", value["answer_rate"]),
        ring=_distribution(f"{field}.ring", value["ring"]) if "ring" in value else None,
        talk=_distribution(f"{field}.talk", value["talk"]) if "talk" in value else None,
    )


def _curve(field: str, value: object) -> Curve:
    """A share, or points of (hour, share) that it drifts through or jumps at."""
    if isinstance(value, int | float):
        return Curve.constant(_number(field, value, 0.0, 1.0))
    if not isinstance(value, dict) or len(value) != 1 or (kind := next(iter(value))) not in ("drift", "jump"):
        raise BadInput(field, f"not {value!r}", "a share, {drift = [[hour, share], ...]} or {jump = ...}")
    points: list[tuple[float, float]] = []
    for each in _list(field, value[kind]):
        hour, share = _pair(field, each, 0.0, 168.0)
        if points and hour * 3600 <= points[-1][0]:
            raise BadInput(field, f"{hour:g} h comes after a later one", "hours in order")
        points.append((hour * 3600, _number(field, share, 0.0, 1.0)))
    return Curve(points=tuple(points), steps=kind == "jump")


def _share(value: object) -> Fraction:
    try:
        share = Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        share = Fraction(-1)
    if not 0 <= share < 1:
        raise BadInput("share", f"not {value!r}", 'a fraction below 1, such as "3/100"')
    return share
