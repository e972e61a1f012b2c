"""What a segment's filter may ask about: the fields, what kind each is, and the words it knows."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from controller.domain.contact import NumberKind
from controller.domain.disposition import DispositionKind
from controller.domain.funnel import Stage
from controller.domain.outcome import Outcome
from controller.domain.segment_areas import AREA_CODES


class FieldKind(Enum):
    """What can be asked of a field; the value is how messages call it."""

    TEXT = "a text"
    FREE = "a column of the list"
    """A text that may also be asked as a number or a day."""
    WORD = "one of some words"
    STAGE = "a stage of the funnel"
    TAGS = "tags"
    NUMBER = "a number"
    TIME = "a time"
    BIRTHDAY = "a birthday"


ATTRIBUTES: Final = "attributes."
"""What a field begins with that is a column of the list."""

FIELDS: Final[Mapping[str, FieldKind]] = {
    "number": FieldKind.TEXT,
    "kind": FieldKind.WORD,
    "area": FieldKind.WORD,
    "name": FieldKind.TEXT,
    "email": FieldKind.TEXT,
    "key": FieldKind.TEXT,
    "tags": FieldKind.TAGS,
    "segment": FieldKind.TEXT,
    "region": FieldKind.TEXT,
    "zone": FieldKind.TEXT,
    "consent": FieldKind.TEXT,
    "consent_source": FieldKind.TEXT,
    "consent_at": FieldKind.TIME,
    "age": FieldKind.NUMBER,
    "birthday": FieldKind.BIRTHDAY,
    "attempts": FieldKind.NUMBER,
    "last_called": FieldKind.TIME,
    "last_outcome": FieldKind.WORD,
    "disposition": FieldKind.TEXT,
    "disposition_kind": FieldKind.WORD,
    "stage": FieldKind.STAGE,
    "callback": FieldKind.TIME,
}
"""Every field but the columns of the list."""

COLUMNS: Final = (
    "first_name",
    "last_name",
    "title",
    "address",
    "city",
    "province",
    "postal_code",
    "country",
    "gender",
    "birth_date",
    "language",
    "profession",
)
"""Columns that may be written without ``attributes.`` before them."""

BIRTH_DATE: Final = "birth_date"
UNKNOWN_KIND: Final = "unknown"
"""How a filter names NumberKind.UNKNOWN, which lists leave empty."""

WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "kind": tuple(kind.value or UNKNOWN_KIND for kind in NumberKind),
    "area": tuple(AREA_CODES),
    "last_outcome": tuple(outcome.value for outcome in Outcome),
    "disposition_kind": tuple(kind.value for kind in DispositionKind),
    "stage": tuple(stage.word for stage in Stage),
}
"""The words that such a field knows."""


def column_of(field: str) -> str | None:
    """The list's column that a field stands for; None if it is none."""
    return field.removeprefix(ATTRIBUTES) if field.startswith(ATTRIBUTES) else None


def kind_of(field: str) -> FieldKind | None:
    """What kind of field this is; None if there is none of the name."""
    column = column_of(field)
    if column is None:
        return FIELDS.get(field)
    usable = column.isprintable() and len(column) <= _LONGEST_COLUMN and not set(column) & _UNUSABLE
    return FieldKind.FREE if column and usable else None


def full_name(field: str) -> str:
    """A field as it is stored: with ``attributes.`` before columns that may be written without it."""
    return ATTRIBUTES + field if field in COLUMNS else field


def short_name(field: str) -> str:
    """A field as it is written."""
    column = column_of(field)
    return column if column in COLUMNS else field


_LONGEST_COLUMN: Final = 100
_UNUSABLE: Final = frozenset('"\\')  # which not every database finds in the name of a JSON member
