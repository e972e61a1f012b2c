"""Tokens of the REST API and its kept answers, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from controller.domain.access import Role
from controller.domain.ids import AgentId
from controller.errors import BadInput
from controller.ports.tokens import KEPT, Answer, Earlier, Token
from controller.store.access import Access
from controller.store.schema_api import api_answers, api_tokens


def token_taken(token: Token) -> BadInput:
    """The error for a token that is there already."""
    return BadInput("token", f"there is a token {token.id!r} already", "another id")


class SqlTokens:
    """``Tokens`` (controller.ports.tokens) in the record store."""

    def __init__(self, access: Access, dialect: str) -> None:
        self._access = access
        make: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
        self._add = make(api_tokens).on_conflict_do_nothing()

    async def add(self, token: Token, digest: bytes) -> None:
        """Store a new one."""
        values = {name: getattr(token, name) for name in Token.__slots__}
        values |= {"digest": digest, "role": token.role.value}

        def add(connection: Connection) -> None:
            if not connection.execute(self._add, values).rowcount:
                raise token_taken(token)

        await self._access.write(add, "a token")

    async def find(self, digest: bytes) -> Token | None:
        """The token with this digest, whether it is valid or not."""
        rows = await self._access.rows(
            select(api_tokens).where(api_tokens.c.digest == digest), "a look at the tokens"
        )
        return _token(rows[0]) if rows else None

    async def all(self) -> Sequence[Token]:
        """All of them, those made first first."""
        statement = select(api_tokens).order_by(api_tokens.c.created_at, api_tokens.c.id)
        return [_token(row) for row in await self._access.rows(statement, "a look at the tokens")]

    async def revoke(self, token: str, now: datetime) -> bool:
        """Make one invalid for good; False if there is none, or none that is not revoked."""
        statement = (
            update(api_tokens)
            .where(api_tokens.c.id == token, api_tokens.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        return await self._access.write(
            lambda connection: connection.execute(statement).rowcount > 0, "a token's revocation"
        )

    async def used(self, token: str, at: datetime) -> None:
        """Note that it was used; an older time never replaces a newer one."""
        last = api_tokens.c.last_used_at
        statement = (
            update(api_tokens)
            .where(api_tokens.c.id == token, or_(last.is_(None), last < at))
            .values(last_used_at=at)
        )
        await self._access.write(
            lambda connection: connection.execute(statement).rowcount, "a token's last use"
        )


class SqlAnswers:
    """``Answers`` (controller.ports.tokens) in the record store."""

    def __init__(self, access: Access, dialect: str) -> None:
        self._access = access
        make: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
        self._take = make(api_answers).on_conflict_do_nothing(index_elements=["token", "key"])

    async def begin(self, token: str, key: str, request: bytes, now: datetime) -> Earlier | None:
        """Take a key for a request, unless it is taken; forget answers that are too old."""
        values = {
            "token": token,
            "key": key,
            "request": request,
            "begun_at": now,
            "content_type": "",
            "location": "",
            "etag": "",
            "body": b"",
        }

        def begin(connection: Connection) -> Earlier | None:
            connection.execute(delete(api_answers).where(api_answers.c.begun_at <= now - KEPT))
            if connection.execute(self._take, values).rowcount:
                return None
            return _earlier(connection.execute(select(api_answers).where(_of(token, key))).one(), request)

        return await self._access.write(begin, "a request's key")

    async def finish(self, token: str, key: str, answer: Answer) -> None:
        """Keep what was answered."""
        values = {name: getattr(answer, name) for name in Answer.__slots__}
        statement = update(api_answers).where(_of(token, key)).values(**values)
        await self._access.write(
            lambda connection: connection.execute(statement).rowcount, "a request's answer"
        )

    async def release(self, token: str, key: str) -> None:
        """Give the key back: nothing was done, so the same may be asked again."""
        statement = delete(api_answers).where(_of(token, key))
        await self._access.write(lambda connection: connection.execute(statement).rowcount, "a request's key")

    async def forget(self) -> None:
        """Forget every answer that is kept; what was asked, and that it was done, stays."""
        statement = update(api_answers).where(api_answers.c.status.is_not(None)).values(body=b"")
        await self._access.write(lambda connection: connection.execute(statement).rowcount, "kept answers")


def _of(token: str, key: str) -> Any:
    return (api_answers.c.token == token) & (api_answers.c.key == key)


def _token(row: Row[Any]) -> Token:
    values = {name: getattr(row, name) for name in Token.__slots__}
    agent = None if row.agent is None else AgentId(row.agent)
    return Token(**values | {"role": Role(row.role), "agent": agent})


def _earlier(row: Row[Any], request: bytes) -> Earlier:
    answer = None
    if row.status is not None:
        answer = Answer(**{name: getattr(row, name) for name in Answer.__slots__})
    return Earlier(same=row.request == request, answer=answer)
