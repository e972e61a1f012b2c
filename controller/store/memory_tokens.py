"""Tokens of the REST API and its kept answers in memory: the twins of those in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from controller.ports.tokens import KEPT, Answer, Earlier, Token
from controller.store.tokens import token_taken


class MemoryTokens:
    """``Tokens`` (controller.ports.tokens) in memory."""

    def __init__(self) -> None:
        self._by_digest: dict[bytes, Token] = {}

    async def add(self, token: Token, digest: bytes) -> None:
        """Store a new one."""
        if digest in self._by_digest or any(token.id == known.id for known in self._by_digest.values()):
            raise token_taken(token)
        self._by_digest[digest] = token

    async def find(self, digest: bytes) -> Token | None:
        """The token with this digest, whether it is valid or not."""
        return self._by_digest.get(digest)

    async def all(self) -> Sequence[Token]:
        """All of them, those made first first."""
        return sorted(self._by_digest.values(), key=lambda token: (token.created_at, token.id))

    async def revoke(self, token: str, now: datetime) -> bool:
        """Make one invalid for good; False if there is none, or none that is not revoked."""
        for digest, known in self._by_digest.items():
            if known.id == token and known.revoked_at is None:
                self._by_digest[digest] = replace(known, revoked_at=now)
                return True
        return False

    async def used(self, token: str, at: datetime) -> None:
        """Note that it was used; an older time never replaces a newer one."""
        for digest, known in self._by_digest.items():
            if known.id == token and (known.last_used_at is None or known.last_used_at < at):
                self._by_digest[digest] = replace(known, last_used_at=at)


@dataclass(frozen=True, slots=True)
class _Kept:
    request: bytes
    begun_at: datetime
    answer: Answer | None = None


class MemoryAnswers:
    """``Answers`` (controller.ports.tokens) in memory."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], _Kept] = {}

    async def begin(self, token: str, key: str, request: bytes, now: datetime) -> Earlier | None:
        """Take a key for a request, unless it is taken; forget answers that are too old."""
        self._kept = {each: kept for each, kept in self._kept.items() if kept.begun_at > now - KEPT}
        kept = self._kept.get((token, key))
        if kept is None:
            self._kept[token, key] = _Kept(request, now)
            return None
        return Earlier(same=kept.request == request, answer=kept.answer)

    async def finish(self, token: str, key: str, answer: Answer) -> None:
        """Keep what was answered."""
        if (token, key) in self._kept:
            self._kept[token, key] = replace(self._kept[token, key], answer=answer)

    async def release(self, token: str, key: str) -> None:
        """Give the key back: nothing was done, so the same may be asked again."""
        self._kept.pop((token, key), None)

    async def forget(self) -> None:
        """Forget every answer that is kept; what was asked, and that it was done, stays."""
        self._kept = {
            each: replace(kept, answer=replace(kept.answer, body=b"")) if kept.answer else kept
            for each, kept in self._kept.items()
        }
