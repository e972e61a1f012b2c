"""A regulation profile as plain values: what the evidence says of the rules a campaign was started under."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import timedelta
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from hashlib import sha256
from typing import Any

from controller.domain.hours import Hours, written
from controller.domain.regulation import Regulation

_NOT_IN_FORCE = frozenset({"sources", "not_covered", "title"})
"""Fields that say something about the profile, not what it demands."""


def document(law: Regulation) -> dict[str, Any]:
    """Everything that is in force, fit for JSON: durations in seconds, shares as ``3/100``."""
    return {
        field.name: _plain(getattr(law, field.name))
        for field in fields(law)
        if field.name not in _NOT_IN_FORCE
    }


@lru_cache(maxsize=64)  # it is asked for at each call, and telling a law takes 0.1 ms
def digest(law: Regulation) -> str:
    """SHA-256 of the document, as hexadecimal digits."""
    return sha256(json.dumps(document(law), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _plain(value: Any) -> Any:
    match value:
        case timedelta():
            return value.total_seconds()
        case Fraction():
            return str(value)
        case Enum():
            return value.value
        case Hours():
            return written(value)
        case tuple():
            return [_plain(each) for each in value]
        case None | str() | int() | float():
            return value
        case _:
            return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
