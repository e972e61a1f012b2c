"""A profile's file as pydantic checks it, and what its values are to the controller.

The descriptions of the fields say what is allowed; a message about a bad value ends with it.
"""

from __future__ import annotations

import re
from datetime import timedelta
from fractions import Fraction
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from controller.domain.hours import parse_hours
from controller.domain.regulation import CallerIdRule, Denominator, Limit, Played, RegisterRule, Source

Sure = Literal["sure", "stricter reading", "secondary", "single source", "from memory", "our choice"]
"""How sure a value is (docs/regulation.md says what each means)."""

Seconds = Annotated[float, Field(ge=0, le=60, strict=True, allow_inf_nan=False)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Flag = Annotated[bool, Field(strict=True)]

_FINEST: Final = 1_000_000
"""Shares are told apart to a millionth: the ledger's arithmetic is exact up to there."""
_SHARE: Final = re.compile(r"\d{1,7}(/[1-9]\d{0,6})?", re.ASCII)
_SECONDS = "seconds from the answer, 0 to 60"
_FLAG = "true or false"
_DAYS_FIELDS: Final = {"leave_alone": "leave_alone_days", "retention": "retention_days"}


def key_of(field: str) -> str:
    """The name in the file of a field of Regulation."""
    return _DAYS_FIELDS.get(field, field)


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LimitTable(_Table):
    """[[limits]]."""

    name: Text = Field(description="a short name of its own")
    share: str = Field(description='silent calls per call, such as "3/100", from 0 to below 1')
    of: Literal["successes", "answered"] = Field(description='"successes" or "answered"')
    days: Annotated[int, Field(ge=1, le=366, strict=True)] | None = Field(
        default=None, description="length of a window, 1 to 366; none: the whole campaign is one"
    )

    @field_validator("share")
    @classmethod
    def _is_a_share(cls, value: str) -> str:
        # Not just any text: Fraction("1e-999999999") would compute for hours.
        if not _SHARE.fullmatch(value):
            raise ValueError(f"{value!r} is no share")
        share = Fraction(value)
        if not 0 <= share < 1:
            raise ValueError(f"{value!r} is not from 0 to below 1")
        if (share / (1 - share)).denominator > _FINEST or share.denominator > _FINEST:
            raise ValueError(f"{value!r} is finer than a millionth")
        return value

    def limit(self) -> Limit:
        """What it says."""
        return Limit(
            name=self.name, share=Fraction(self.share), denominator=Denominator(self.of), days=self.days
        )


class CallerIdTable(_Table):
    """[caller_id]."""

    required: Flag = Field(description=_FLAG)
    must_answer: Flag = Field(description=_FLAG)
    free_prefixes: tuple[Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{0,13}$")], ...] = Field(
        default=(), description='beginnings of numbers, such as ["+390844"]'
    )


class RegisterTable(_Table):
    """[register]."""

    name: Text = Field(description="the register's name")
    max_age_days: Annotated[float, Field(gt=0, le=366, strict=True)] = Field(
        description="days, more than 0, 366 at most"
    )


class OverrideTable(_Table):
    """[override]."""

    author: Text = Field(description="who decided it")
    reason: Text = Field(description="why")


class ProfileTables(_Table):
    """A whole file; what a profile of one's own leaves out it takes from the one it extends."""

    extends: str = Field(default="", description="the name of a profile")
    title: Text | None = Field(default=None, description="one line")
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = Field(
        default=None, description='ISO 3166 code, such as "IT"'
    )
    superseded: Text | None = Field(default=None, description="why it must not be relied on any more")
    limits: tuple[LimitTable, ...] | None = Field(
        default=None, description="[[limits]] with name, share, of and days; or [] for none uncovered at all"
    )
    played: Literal["noise", "message"] | None = Field(default=None, description='"noise" or "message"')
    cut_after: Seconds | None = Field(default=None, description=_SECONDS)
    hang_up_after: Seconds | None = Field(default=None, description=_SECONDS)
    dead_man_after: Seconds | None = Field(default=None, description=_SECONDS)
    noise_within: Seconds | None = Field(default=None, description=_SECONDS)
    ring_at_least: Seconds | None = Field(default=None, description="seconds, 0 to 60")
    leave_alone_days: Annotated[float, Field(ge=0, le=3660, strict=True)] | None = Field(
        default=None, description="days, 0 to 3660"
    )
    operator_guaranteed: Flag | None = Field(default=None, description=_FLAG)
    hours: str | None = Field(
        default=None, description='such as "mon-fri 09:00-20:00; sat,eve 10:00-19:00", or "always"'
    )
    caller_id: CallerIdTable | None = Field(
        default=None, description="[caller_id] with required, must_answer and free_prefixes"
    )
    consent_required: Flag | None = Field(default=None, description=_FLAG)
    agentless: Flag | None = Field(default=None, description=_FLAG)
    # ``register`` is a method of pydantic's models.
    register_: Annotated[RegisterTable | Literal["none"] | None, Field(alias="register")] = Field(
        default=None, description='[register] with name and max_age_days, or "none"'
    )
    retention_days: Annotated[float, Field(ge=1, le=36_600, strict=True)] | None = Field(
        default=None, description="days, 1 to 36600"
    )
    sources: dict[str, tuple[Text, Sure]] = Field(
        default={}, description=f"field = [text, how sure], which is one of {', '.join(get_args(Sure))}"
    )
    not_covered: dict[str, Text] = Field(default={}, description="matter = what is not seen to")
    override: OverrideTable | None = Field(default=None, description="[override] with author and reason")

    @field_validator("hours")
    @classmethod
    def _are_hours(cls, value: str | None) -> str | None:
        if value is not None:
            parse_hours(value)
        return value

    @field_validator("register_", mode="before")
    @classmethod
    def _is_a_register_or_none(cls, value: object) -> object:
        if not isinstance(value, dict) and value != "none":
            raise ValueError(f"{value!r} is no register")
        return value

    def strays(self) -> list[str]:
        """Sources of what is no rule, or of limits that the file does not set."""
        limits = {f"limits.{limit.name}" for limit in self.limits or ()}
        return [name for name in self.sources if name not in SOURCED and name not in limits]

    def values(self) -> dict[str, Any]:
        """The rules that the file sets, as fields of a Regulation; without its sources."""
        texts = ("title", "country", "superseded", "operator_guaranteed", "consent_required", "agentless")
        seconds = ("cut_after", "hang_up_after", "dead_man_after", "noise_within", "ring_at_least")
        values: dict[str, Any] = {name: getattr(self, name) for name in texts}
        for name in seconds:
            if (value := getattr(self, name)) is not None:
                values[name] = timedelta(seconds=value)
        for name, key in _DAYS_FIELDS.items():
            if (value := getattr(self, key)) is not None:
                values[name] = timedelta(days=value)
        if self.limits is not None:
            values["limits"] = tuple(each.limit() for each in self.limits)
        if self.played is not None:
            values["played"] = Played(self.played)
        if self.hours is not None:
            values["hours"] = parse_hours(self.hours)
        if self.caller_id is not None:
            values["caller_id"] = CallerIdRule(**self.caller_id.model_dump())
        given = {name: value for name, value in values.items() if value is not None}
        if isinstance(self.register_, RegisterTable):
            days = timedelta(days=self.register_.max_age_days)
            given["register"] = RegisterRule(name=self.register_.name, max_age=days)
        elif self.register_ == "none":
            given["register"] = None
        return given

    def own_sources(self) -> dict[str, Source]:
        """The sources that the file gives, by field of Regulation; of one limit as ``limits.NAME``."""
        fields = {key: field for field, key in _DAYS_FIELDS.items()}
        return {fields.get(key, key): Source(*pair) for key, pair in self.sources.items()}


NAMED: Final = tuple(field.alias or name for name, field in ProfileTables.model_fields.items())
"""What may stand at the top of a file."""
SOURCED: Final = frozenset(NAMED) - {"extends", "title", "country", "sources", "not_covered", "override"}
"""What may have a source."""
OPTIONAL: Final = frozenset(
    {"extends", "superseded", "hours", "agentless", "sources", "not_covered", "override"}
)
"""What even a profile that extends none may leave out."""

_TABLES: Final[dict[str, type[BaseModel]]] = {
    "limits": LimitTable,
    "caller_id": CallerIdTable,
    "register": RegisterTable,
    "override": OverrideTable,
}


def allowed_at(place: tuple[int | str, ...]) -> str:
    """What is allowed at a place in the file, as pydantic names it; empty: there is no such place."""
    top, *below = (part for part in place if isinstance(part, str))
    field = ProfileTables.model_fields.get("register_" if top == "register" else top)
    if field is None:
        return ", ".join(NAMED)
    if top not in _TABLES or not below:
        return field.description or ""
    fields = _TABLES[top].model_fields
    return (fields[below[0]].description or "") if below[0] in fields else ", ".join(fields)
