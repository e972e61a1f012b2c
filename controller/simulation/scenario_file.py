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
    known = {*_NUMBERS, *_DISTRIBUTIONS, "name", "shifts", "answer_rate", "share"}
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
