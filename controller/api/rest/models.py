"""What all models of the API share: strict fields, RFC 3339 times, pages.

A ``ValueError`` inside a model says that the form is wrong (400), a ``BadInput`` that the form is right and
what is said cannot be used (422); pydantic lets the latter through.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from controller.errors import BadInput

T = TypeVar("T")

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_YEARS = range(1970, 2200)

PAGE_AT_MOST = 1000


class Model(BaseModel):
    """What is sent: every field is documented, all of them are always there."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_serialization_defaults_required=True)


class Wanted(BaseModel):
    """What is received: nothing is guessed, nothing that is not known is passed over."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def _without_defaults(schema: dict[str, Any]) -> None:
    for field in schema.get("properties", {}).values():
        field.pop("default", None)


class Changes(Wanted):
    """What is to be changed; what is left out stays. Read with ``given``, never field by field."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    def given(self) -> dict[str, Any]:
        """The fields that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


def _instant(value: object) -> datetime:
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("should be a time as RFC 3339 writes it, such as 2026-12-01T09:00:00+01:00")
    try:
        found = datetime.fromisoformat(value.upper())
    except ValueError:
        raise BadInput("time", f"{value!r} is no time that there is") from None
    if found.year not in _YEARS:
        raise BadInput("time", f"{value!r} is of no year that can be meant", "a year from 1970 to 2199")
    return found.astimezone(UTC)


def _line(pattern: str, at_most: int, at_least: int = 0) -> StringConstraints:
    return StringConstraints(pattern=pattern, min_length=at_least, max_length=at_most)


def _whole(value: object) -> object:
    # To JSON Schema 7.0 is an integer, too.
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
Whole = Annotated[int, WHOLE]
"""A whole number. Bounds of a type go before WHOLE, or pydantic leaves them out of the schema."""
VersionNumber = Annotated[int, Field(ge=1, le=1_000_000), WHOLE]
Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation"),
]
"""A time with its offset; in UTC inside."""
Line = Annotated[str, _line(r"^[^\x00-\x1f\x7f]*$", 500)]
"""One line of text, perhaps empty."""
Words = Annotated[str, _line(r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$", 500, 1)]
"""One line of text that is not blank."""
Word = Annotated[str, _line(r"^[A-Za-z0-9_.-]{1,64}$", 64)]
"""A name in a configuration, of an agent, a segment, a script."""
Text = Annotated[str, _line(r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$", 20_000)]
"""Text of several lines."""
CampaignName = Annotated[str, _line(r"^[A-Za-z0-9_-]{1,64}$", 64)]
CallName = Annotated[str, _line(r"^[A-Za-z0-9_-]{1,64}$", 64)]
Number = Annotated[str, _line(r"^[+0-9][0-9 ()./-]{2,29}$", 30)]
"""A telephone number as people write it; national form counts as of campaign_defaults.region."""
RowNumber = Annotated[int, Field(ge=1, le=2**53 - 1), WHOLE]


class NoPath(Wanted):
    """Nothing in the path varies."""


class NoQuery(Wanted):
    """No query parameters."""


class Paging(Wanted):
    """Which part of a list."""

    cursor: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]{1,1024}$",
        description="`next` of the page before; none: the first page",
    )
    limit: Whole = Field(default=100, ge=1, le=PAGE_AT_MOST, description="Items at most")


class Page(Model, Generic[T]):
    """A part of a list."""

    items: list[T]
    next: str | None = Field(
        description="`cursor` of the next page; null: this is the last. "
        "A page may be shorter than `limit` all the same"
    )


class CampaignPath(Wanted):
    """One campaign."""

    campaign: CampaignName


class AgentPath(Wanted):
    """One agent."""

    agent: Word


class Because(Wanted):
    """Who decides something, and why; recorded as evidence."""

    author: Words = Field(description="Who decides it; recorded")
    reason: Words = Field(description="Why; recorded")
