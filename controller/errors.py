"""Every error the controller raises on purpose, as one tree.

    ControllerError                 what happened and what to do, in words for the operator
    ├── Unreachable                 a peer gave no answer: the same thing may be tried again
    │   ├── AsteriskUnreachable     .outcome_unknown tells whether Asterisk may have acted
    │   ├── RedisUnreachable
    │   └── RecordsUnreachable
    ├── Refused                     a peer answered, and the answer was no: decide, do not repeat
    │   ├── AsteriskRefused         .status .reason .request .not_found .conflict
    │   └── Conflict                somebody else changed it meanwhile
    ├── BadInput                    .place .problem .allowed: the user must change something
    │   ├── BadAnswers          .errors by question
    │   └── ConfigError
    └── ProtocolError               a peer or we broke the protocol: a bug, not a circumstance

Catch the three families, not the leaves, unless the leaf's attributes matter. Any layer may import this
module; it imports nothing of the project.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import cleandoc


class ControllerError(Exception):
    """The controller could not do what was asked."""

    def __init__(self, message: str | None = None) -> None:
        """Take `message`, or let the class docstring speak for itself."""
        super().__init__(message or _docstring(type(self)))


def _docstring(cls: type) -> str:
    """Return the first paragraph of the class docstring on one line."""
    return " ".join(cleandoc(cls.__doc__ or cls.__name__).split("\n\n")[0].split())


class Unreachable(ControllerError):  # noqa: N818 - the families are named for what happened
    """A service the controller depends on gave no answer; no call is placed until it does."""


class AsteriskUnreachable(Unreachable):
    """Asterisk did not answer. Check that it runs and that http.conf and ari.conf let the controller in.

    Attributes:
        outcome_unknown: True where the request may have reached Asterisk (a deadline passed, a connection
            broke after sending): the thing asked for may have happened. False where it certainly did not.
    """

    def __init__(self, message: str | None = None, *, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown


class RedisUnreachable(Unreachable):
    """Redis did not answer. Check that it runs and that the controller's redis URL is right."""


class RecordsUnreachable(Unreachable):
    """The record store did not answer. Check the database and the controller's database URL."""


class Refused(ControllerError):  # noqa: N818
    """A service understood the request and refused it; repeating it unchanged would be refused again."""


class AsteriskRefused(Refused):
    """Asterisk answered a request with an error status.

    Attributes:
        status: HTTP status of the answer.
        reason: Asterisk's own words, "" if it gave none.
        request: the request in short, as "POST /channels".
    """

    def __init__(self, status: int, reason: str, request: str) -> None:
        super().__init__(f"Asterisk refused {request}: {status} {reason}".rstrip())
        self.status = status
        self.reason = reason
        self.request = request

    @property
    def not_found(self) -> bool:
        """The channel, bridge or playback does not exist (any more)."""
        return self.status == 404

    @property
    def conflict(self) -> bool:
        """The id is taken already, or the channel exists but is not in Stasis."""
        return self.status == 409


class Conflict(Refused):
    """Somebody else changed it meanwhile; look at it again."""


class BadInput(ControllerError):  # noqa: N818
    """Something the user wrote cannot be used.

    Attributes:
        place: where it was written, such as "ari.url" or "contacts.csv line 7".
        problem: what is wrong with it.
        allowed: what would be right, "" if that goes without saying.
    """

    def __init__(self, place: str, problem: str, allowed: str = "") -> None:
        super().__init__(f"{place}: {problem}" + (f" (allowed: {allowed})" if allowed else ""))
        self.place = place
        self.problem = problem
        self.allowed = allowed


class ConfigError(BadInput):
    """A setting cannot be used."""


class BadAnswers(BadInput):
    """Answers to a script's questions cannot be recorded.

    Attributes:
        errors: what is wrong, by question.
    """

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("answers", "; ".join(f"{name} {problem}" for name, problem in errors.items()))
        self.errors = dict(errors)


class ProtocolError(ControllerError):
    """A peer, or the controller, sent what the protocol does not allow: a bug; please report it."""
