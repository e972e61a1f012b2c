"""Reading profiles: TOML, refused whole with file, line and field if anything is wrong."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from controller.domain.hours import parse_hours
from controller.domain.regulation import (
    CallerIdRule,
    Denominator,
    LawOverride,
    Limit,
    Played,
    RegisterRule,
    Regulation,
    Source,
)
from controller.errors import BadInput
from controller.law.comparison import looser

Seconds = Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_FINEST = 1_000_000  # the ledger's arithmetic is exact up to there


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Limit(_Table):
    name: Text
    share: Text
    of: Literal["successes", "answered"]
    days: Annotated[int, Field(ge=1, le=366)] | None = None

    @field_validator("share")
    @classmethod
    def _is_a_share(cls, value: str) -> str:
        try:
            share = Fraction(value)
        except (ValueError, ZeroDivisionError):
            raise ValueError(f"{value!r} is no share (allowed: such as 3/100)") from None
        if not 0 <= share < 1 or (share / (1 - share)).denominator > _FINEST:
            raise ValueError(f"{value!r} is not from 0 to below 1 in parts of a million")
        return value

    def limit(self) -> Limit:
        return Limit(
            name=self.name, share=Fraction(self.share), denominator=Denominator(self.of), days=self.days
        )


class _CallerId(_Table):
    required: bool
    must_answer: bool
    free_prefixes: tuple[Annotated[str, StringConstraints(pattern=r"^\+[0-9]{1,12}$")], ...] = ()


class _Register(_Table):
    name: Text
    max_age_days: Annotated[float, Field(gt=0, le=366)]


class _Override(_Table):
    author: Text
    reason: Text


class _Profile(_Table):
    """A profile's file; what a profile of one's own leaves out it takes from the one it extends."""

    extends: str = ""
    title: Text | None = None
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    superseded: str | None = None
    limits: tuple[_Limit, ...] | None = None
    played: Literal["noise", "message"] | None = None
    cut_after: Seconds | None = None
    hang_up_after: Seconds | None = None
    dead_man_after: Seconds | None = None
    noise_within: Seconds | None = None
    ring_at_least: Seconds | None = None
    leave_alone_days: Annotated[float, Field(ge=0, le=3660)] | None = None
    operator_guaranteed: bool | None = None
    hours: str | None = None
    caller_id: _CallerId | None = None
    consent_required: bool | None = None
    register_: Annotated[_Register | Literal["none"] | None, Field(alias="register")] = None
    retention_days: Annotated[float, Field(ge=1, le=36_600)] | None = None
    sources: dict[str, tuple[Text, Text]] = {}
    not_covered: dict[str, Text] = {}
    override: _Override | None = None

    @field_validator("hours")
    @classmethod
    def _are_hours(cls, value: str | None) -> str | None:
        if value is not None:
            parse_hours(value)
        return value


def read_profile(text: str, place: str, known: Mapping[str, Regulation]) -> Regulation:
    """A profile from the text of its file, whose name (without ``.toml``) is the profile's.

    Args:
        text: TOML.
        place: the file, for messages.
        known: profiles that it may extend; if there are none, it is a shipped one and says everything.

    Raises:
        BadInput: anything is wrong; with file, line and field.
    """
    name = Path(place).stem
    if not _NAME.fullmatch(name):
        raise BadInput(
            place, f"{name!r} cannot name a profile", "small letters, digits, . and - before .toml"
        )
    if name in known:
        raise BadInput(place, f"there is a profile {name!r} already", "another file name")
    profile = _parsed(text, place)
    values = _values(profile)
    if not known:
        return _made(place, name=name, **values)
    base = known.get(profile.extends)
    if base is None:
        raise BadInput(
            _at(place, text, "extends"), f"extends {profile.extends!r}, which is no profile", ", ".join(known)
        )
    own = _of_base(place, base, name, values)
    return _allowed(place, text, own, base, profile.override)


def load_directory(directory: Path, known: Mapping[str, Regulation]) -> dict[str, Regulation]:
    """All profiles in a directory of one's own; a file may extend another one of them.

    Raises:
        BadInput: a file cannot be used; none of them is in force then.
    """
    try:
        texts = {path: path.read_text("utf-8") for path in sorted(directory.glob("*.toml"))}
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(str(directory), f"cannot be read: {error}", "a directory of TOML files") from error
    made: dict[str, Regulation] = {}
    waiting = dict(texts)
    while waiting:
        ready = [
            path for path, text in waiting.items() if _parsed(text, str(path)).extends not in _names(waiting)
        ]
        if not ready:
            raise BadInput(str(next(iter(waiting))), "extends itself by way of others", ", ".join(known))
        for path in ready:
            law = read_profile(waiting.pop(path), str(path), {**known, **made})
            made[law.name] = law
    return made


def _names(paths: Mapping[Path, str]) -> set[str]:
    return {path.stem for path in paths}


def _parsed(text: str, place: str) -> _Profile:
    try:
        return _Profile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(place, f"this is no TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = [str(part) for part in first["loc"] if part != "_Register"]
        raise BadInput(
            _at(place, text, *where), f"{'.'.join(where)}: {first['msg'].removeprefix('Value error, ')}"
        ) from None


def _at(place: str, text: str, *where: str) -> str:
    """The file with the line on which a field stands, as far as it can be found."""
    keys = [re.escape(part) for part in where if not part.isdigit()]
    for key in reversed(keys):
        for number, line in enumerate(text.splitlines(), 1):
            if re.match(rf"\s*\[*{key}\]*\s*(=|$|#)", line):
                return f"{place} line {number}"
    return place


def _values(profile: _Profile) -> dict[str, Any]:
    """The fields of a Regulation that the file says something about."""
    days = {"leave_alone": profile.leave_alone_days, "retention": profile.retention_days}
    seconds = ("cut_after", "hang_up_after", "dead_man_after", "noise_within", "ring_at_least")
    values: dict[str, Any] = {
        "title": profile.title,
        "country": profile.country,
        "superseded": profile.superseded,
        "operator_guaranteed": profile.operator_guaranteed,
        "consent_required": profile.consent_required,
        "limits": None if profile.limits is None else tuple(each.limit() for each in profile.limits),
        "played": None if profile.played is None else Played(profile.played),
        "hours": None if profile.hours is None else parse_hours(profile.hours),
        "caller_id": None if profile.caller_id is None else CallerIdRule(**profile.caller_id.model_dump()),
        "sources": {field: Source(*pair) for field, pair in profile.sources.items()} or None,
        "not_covered": tuple(profile.not_covered.values()) or None,
        **{name: None if value is None else timedelta(days=value) for name, value in days.items()},
        **{
            name: None if (value := getattr(profile, name)) is None else timedelta(seconds=value)
            for name in seconds
        },
    }
    found = {name: value for name, value in values.items() if value is not None}
    if isinstance(profile.register_, _Register):
        rule = profile.register_
        found["register"] = RegisterRule(name=rule.name, max_age=timedelta(days=rule.max_age_days))
    elif profile.register_ == "none":
        found["register"] = None
    return found


def _made(place: str, **values: Any) -> Regulation:
    try:
        return Regulation(**values)
    except (TypeError, ValueError) as error:
        raise BadInput(place, str(error)) from None


def _of_base(place: str, base: Regulation, name: str, values: Mapping[str, Any]) -> Regulation:
    try:
        return replace(base, name=name, extends=base.name, override=None, **values)
    except ValueError as error:
        raise BadInput(place, str(error)) from None


def _allowed(
    place: str, text: str, own: Regulation, base: Regulation, override: _Override | None
) -> Regulation:
    """The profile, if it is not looser than its base, or somebody answers for that it is."""
    found = looser(own, base)
    if base.override is not None:
        found = tuple(dict.fromkeys((*base.override.looser, *found)))
    if found and override is None:
        raise BadInput(
            place,
            f"is looser than {base.name}: " + "; ".join(found),
            "stricter values, or [override] with author and reason, which is recorded",
        )
    if not found and override is not None:
        raise BadInput(
            _at(place, text, "override"), f"there is nothing to override: it is not looser than {base.name}"
        )
    if override is None:
        return own
    return replace(own, override=LawOverride(author=override.author, reason=override.reason, looser=found))
