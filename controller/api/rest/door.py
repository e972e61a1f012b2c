"""The door: who asks, whether their token opens anything, and whether they ask too often."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime, timedelta
from math import ceil

import structlog
from aiohttp import web

from controller.api.rest.limits import RateLimit
from controller.api.rest.problems import TOO_MANY, UNAUTHENTICATED, Problem
from controller.domain.access import Secret
from controller.errors import ControllerError
from controller.ports.tokens import Token, Tokens

log = structlog.get_logger(__name__)

ASKER: ContextVar[str] = ContextVar("asker", default="")
"""Id of the token whose request this is; for the log."""

_NOTED_EVERY = timedelta(minutes=1)
"""A token's last use is noted this often: a write at every request would cost more than the request."""
_CHALLENGE = 'Bearer realm="campaign-controller"'


class Door:
    """Lets in who has a valid token.

    A valid token always passes the limit on failures: nobody guesses one of 256 random bits, so that limit
    is against floods, and must not lock out those who share an address with a broken client.
    """

    def __init__(self, tokens: Tokens, requests: RateLimit, failures: RateLimit) -> None:
        """Guard the tokens.

        Args:
            tokens: those that exist.
            requests: how often each token may ask.
            failures: how often each address may fail.
        """
        self._tokens = tokens
        self._requests = requests
        self._failures = failures

    async def enter(self, request: web.Request, now: datetime) -> Token:
        """Whose request it is.

        Raises:
            Problem: no valid token, or too many requests.
        """
        secret = _presented(request)
        token = None if secret is None else await self._tokens.find(secret.digest)
        if token is None or not token.valid(now):
            raise self._turned_away(request, token)
        if wait := self._requests.take(token.id):
            raise _too_many(wait, "this token asks too often")
        ASKER.set(token.id)
        await self._note(token, now)
        return token

    def _turned_away(self, request: web.Request, token: Token | None) -> Problem:
        address = request.remote or ""
        if wait := self._failures.take(address):
            return _too_many(wait, "too many requests without a valid token from this address")
        log.warning("a request without a valid token", address=address, token=token.id if token else "")
        why = "" if token is None else "it is revoked" if token.revoked_at else "it has expired"
        presented = "Authorization" in request.headers
        challenge = _CHALLENGE + (', error="invalid_token"' if presented else "")
        return Problem(UNAUTHENTICATED, why, headers={"WWW-Authenticate": challenge})

    async def _note(self, token: Token, now: datetime) -> None:
        if token.last_used_at is not None and now - token.last_used_at < _NOTED_EVERY:
            return
        try:
            await self._tokens.used(token.id, now)
        except ControllerError as error:
            log.warning("a token's use was not noted", token=token.id, why=str(error))


def _presented(request: web.Request) -> Secret | None:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return Secret.read(text.strip()) if scheme.casefold() == "bearer" else None


def _too_many(wait: float, why: str) -> Problem:
    return Problem(TOO_MANY, why, headers={"Retry-After": str(ceil(wait))})
