"""Rows for tables of which only some columns matter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import JSON, Boolean, Float, Integer, Table, Text

from controller.store.schema import Duration, Instant

_SOMETHING: tuple[tuple[type[Any], Any], ...] = (
    (Text, ""),
    (Boolean, False),
    (Integer, 0),
    (Float, 0.0),
    (JSON, {}),
    (Instant, datetime(2026, 3, 2, tzinfo=UTC)),
    (Duration, timedelta()),
)


@cache
def blank(table: Table) -> dict[str, Any]:
    """A row whose every column that needs something has something of its type; without the id."""
    return {
        column.name: next(value for kind, value in _SOMETHING if isinstance(column.type, kind))
        for column in table.columns
        if not column.nullable and column.name != "id"
    }
