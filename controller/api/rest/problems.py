"""What goes wrong, as problem documents (RFC 9457): a kind for each, and errors of ours told in its words.

400 is for a request that has not the documented form, 422 for one that has it but says what cannot be used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from controller.errors import BadInput, Conflict, ControllerError, Refused, Unreachable

PROBLEM_TYPE = "application/problem+json"
PREFIX = "/api/v1"
_RETRY_AFTER = 2
_SHOWN = 50
"""Errors of one request that are told one by one."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem; its name ends the URI by which it is recognised, and looked up."""

    name: str
    status: int
    title: str

    @property
    def uri(self) -> str:
        """The problem's type."""
        return f"{PREFIX}/problems/{self.name}"


INVALID = Kind("invalid-request", 400, "The request has not the documented form")
UNAUTHENTICATED = Kind("unauthenticated", 401, "No valid token was presented")
FORBIDDEN = Kind("forbidden", 403, "The token's role does not allow this")
NOT_FOUND = Kind("not-found", 404, "There is no such thing")
METHOD = Kind("method-not-allowed", 405, "This cannot be done with it")
NOT_ACCEPTABLE = Kind("not-acceptable", 406, "The answer cannot be given in an accepted form")
REFUSED = Kind("refused", 409, "Things stand so that this is refused")
IN_PROGRESS = Kind(
    "request-in-progress", 409, "An earlier request with this Idempotency-Key has no answer yet"
)
CHANGED = Kind("changed-meanwhile", 412, "It was changed since it was read")
TOO_LARGE = Kind("too-large", 413, "The request is too large")
MEDIA_TYPE = Kind("unsupported-media-type", 415, "The body is of a type that is not read here")
UNUSABLE = Kind("unusable", 422, "What the request says cannot be used")
KEY_REUSED = Kind("idempotency-key-reused", 422, "The Idempotency-Key was used for another request")
UNCONDITIONAL = Kind("precondition-required", 428, "Say which version is to be changed, by If-Match")
TOO_MANY = Kind("too-many-requests", 429, "Too many requests")
FAILED = Kind("failed", 500, "It failed inside the controller")
ABSENT = Kind("not-available", 501, "This controller runs without that part")
UNREACHABLE = Kind("unreachable", 503, "Something the controller needs gave no answer")
TIMEOUT = Kind("timeout", 504, "It was not done in time, and may still happen")

KINDS = (
    INVALID, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, METHOD, NOT_ACCEPTABLE, REFUSED, IN_PROGRESS, CHANGED,
    TOO_LARGE, MEDIA_TYPE, UNUSABLE, KEY_REUSED, UNCONDITIONAL, TOO_MANY, FAILED, ABSENT, UNREACHABLE,
    TIMEOUT,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request.

    Attributes:
        place: ``body``, ``query``, ``path`` or ``header``, or the domain's own name of the place.
        pointer: into the body, as a JSON pointer, or the parameter's name; empty: the whole.
    """

    place: str
    pointer: str
    detail: str
    allowed: str = ""


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """An answer that tells of a problem."""

    def __init__(
        self,
        kind: Kind,
        detail: str = "",
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or kind.title)
        self.kind = kind
        self.faults = tuple(faults[:_SHOWN])
        self.headers = dict(headers or {})


class FaultView(BaseModel):
    """One thing that is wrong with the request."""

    model_config = ConfigDict(title="Fault")

    place: str = Field(
        description="`body`, `query`, `path`, `header`, or what the controller calls the place"
    )
    pointer: str = Field(description="JSON pointer into the body, or the parameter's name")
    detail: str
    allowed: str = Field(description="What would be right; empty where that goes without saying")


class ProblemView(BaseModel):
    """A problem, after RFC 9457."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(description="URI of the kind of problem; GET it to read what it means")
    title: str
    status: int
    detail: str
    request_id: str = Field(description="To be quoted when asking for help: the controller's log has it, too")
    errors: list[FaultView] = Field(default=[], description="What is wrong with the request, one by one")


def document(problem: Problem, request_id: str) -> bytes:
    """A problem as it is sent."""
    view = ProblemView(
        type=problem.kind.uri,
        title=problem.kind.title,
        status=problem.kind.status,
        detail=str(problem),
        request_id=request_id,
        errors=[
            FaultView(**{name: getattr(fault, name) for name in Fault.__slots__}) for fault in problem.faults
        ],
    )
    return view.model_dump_json(exclude_defaults=True).encode()


def of_error(error: ControllerError) -> Problem:
    """An error of ours as a problem."""
    if isinstance(error, BadInput):
        fault = Fault("body", "", f"{error.place}: {error.problem}", error.allowed)
        return Problem(UNUSABLE, str(error), faults=[fault])
    if isinstance(error, Conflict):
        return Problem(CHANGED, str(error))
    if isinstance(error, Refused):
        return Problem(REFUSED, str(error))
    if isinstance(error, Unreachable):
        return Problem(UNREACHABLE, str(error), headers={"Retry-After": str(_RETRY_AFTER)})
    return Problem(FAILED, str(error))


def of_validation(error: ValidationError, place: str) -> Problem:
    """What pydantic found, as a problem. The values stay out of it: they may be somebody's number."""
    faults = list(_faults(error, place))
    more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
    first = faults[0]
    return Problem(INVALID, f"{first.place} {first.pointer}: {first.detail}{more}", faults=faults)


def _faults(error: ValidationError, place: str) -> Iterator[Fault]:
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        steps = [str(step) for step in each["loc"]]
        pointer = (
            "/" + "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps) if steps else ""
        )
        yield Fault(place, pointer if place == "body" else ".".join(steps), each["msg"])


def of_http(error: web.HTTPException) -> Problem:
    """What aiohttp refused, as a problem."""
    match error:
        case web.HTTPMethodNotAllowed():
            allow = ", ".join(sorted({*error.allowed_methods, "OPTIONS"}))
            return Problem(METHOD, f"{error.method} cannot be done here", headers={"Allow": allow})
        case web.HTTPRequestEntityTooLarge():
            return Problem(TOO_LARGE)
        case _:
            by_status: dict[int, Any] = {kind.status: kind for kind in reversed(KINDS)}
            return Problem(
                by_status.get(error.status, INVALID if error.status < 500 else FAILED), error.reason
            )
