"""Who may use the API, and what it answered to whom: in the record store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from controller.domain.access import Role
from controller.domain.ids import AgentId

KEPT = timedelta(hours=24)
"""How long an answer is kept for a request that comes again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as stored: everything but the token.

    Attributes:
        id: by which it is revoked; also what the token begins with, so that one can be recognised.
        agent: whom it acts for; only and always with Role.AGENT.
        label: what it is for, in its maker's words.
        last_used_at: about when (aware), see ``Tokens.used``; None if never.
    """

    id: str
    role: Role
    label: str
    created_at: datetime
    agent: AgentId | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def valid(self, now: datetime) -> bool:
        """Whether it opens anything at this time."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class Tokens(Protocol):
    """The tokens. Of each only its SHA-256 is kept."""

    async def add(self, token: Token, digest: bytes) -> None:
        """Store a new one.

        Raises:
            BadInput: the id or the digest is taken.
        """
        ...

    async def find(self, digest: bytes) -> Token | None:
        """The token with this digest, whether it is valid or not."""
        ...

    async def all(self) -> Sequence[Token]:
        """All of them, those made first first."""
        ...

    async def revoke(self, token: str, now: datetime) -> bool:
        """Make one invalid for good; False if there is none, or none that is not revoked."""
        ...

    async def used(self, token: str, at: datetime) -> None:
        """Note that it was used; an older time never replaces a newer one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered to a request.

    Attributes:
        location: of what was made; empty if the answer names nothing.
        body: as sent; empty if there was none.
    """

    status: int
    content_type: str = ""
    location: str = ""
    etag: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An earlier request with the same key.

    Attributes:
        same: it asked for the very same.
        answer: what was answered; None while it is under way, or if its end was never recorded.
    """

    same: bool
    answer: Answer | None


class Answers(Protocol):
    """Answers to requests with an Idempotency-Key, by token and key, for as long as ``KEPT`` says."""

    async def begin(self, token: str, key: str, request: bytes, now: datetime) -> Earlier | None:
        """Take a key for a request, unless it is taken; forget answers that are too old.

        Args:
            token: id of the token.
            key: as given by its holder.
            request: digest of what is asked.
            now: aware.

        Returns:
            None if the key is now this request's, which then has to end in ``finish`` or ``release``.
        """
        ...

    async def finish(self, token: str, key: str, answer: Answer) -> None:
        """Keep what was answered."""
        ...

    async def release(self, token: str, key: str) -> None:
        """Give the key back: nothing was done, so the same may be asked again."""
        ...

    async def forget(self) -> None:
        """Forget what every kept answer said, for there may be personal data in it that is to be erased.

        That the requests were done stays known: none is carried out again.
        """
        ...
