"""What travels over the control socket: status, pacing, and errors as problem documents (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from controller.errors import BadInput, ControllerError, Refused, Unreachable
from controller.ports import ControllerStatus, PacingReport

STATUS: TypeAdapter[ControllerStatus] = TypeAdapter(ControllerStatus)
"""Writes and reads a status as JSON; enums by value, times in ISO 8601."""

PACING: TypeAdapter[PacingReport | None] = TypeAdapter(PacingReport | None)
"""The same for why a campaign dials as it does."""

PROBLEM_TYPE = "application/problem+json"

_FAMILIES: tuple[tuple[type[ControllerError], int, str], ...] = (
    (BadInput, 400, "Bad input"),
    (Refused, 409, "Refused"),
    (Unreachable, 503, "Unreachable"),
    (ControllerError, 500, "Failed"),
)


def problem_of(error: ControllerError) -> dict[str, Any]:
    """The document that tells of an error. ``place``, ``problem`` and ``allowed`` only for bad input."""
    status, title = next((status, title) for family, status, title in _FAMILIES if isinstance(error, family))
    document: dict[str, Any] = {"title": title, "detail": str(error), "status": status}
    if isinstance(error, BadInput):
        document |= {"place": error.place, "problem": error.problem, "allowed": error.allowed}
    return document


def error_of(status: int, document: Mapping[str, Any]) -> ControllerError:
    """The error a problem document tells of, of the same family as it was raised."""
    detail = str(document.get("detail") or f"the controller answered with status {status}")
    match status:
        case 400:
            if "problem" not in document:
                return BadInput("control socket", detail)
            place, problem = str(document.get("place", "")), str(document["problem"])
            return BadInput(place, problem, str(document.get("allowed", "")))
        case 409:
            return Refused(detail)
        case 503:
            return Unreachable(detail)
        case _:
            return ControllerError(detail)
