"""What the dialplan can ask, and how the questions are told apart.

    agi://127.0.0.1/may-call,NUMBER[,CALLER]     before a call that a human dials
    agi://127.0.0.1/caller-info,NUMBER[,CALLER]  when a call comes in

Only questions: nothing here takes a suppression key or changes anything else. The dialplan's side is in
docs/agi.md.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable
from datetime import UTC
from typing import Final, TypeVar

import phonenumbers
from phonenumbers import shortnumberinfo

from controller.agi.server import Handler
from controller.agi.session import AgiSession
from controller.domain.clearance import EVERYBODY, caller_scope
from controller.domain.ids import E164, masked
from controller.errors import BadInput, ConfigError, Unreachable
from controller.ports import Ledger, Lists, Suppression

CANNOT_BE_CHECKED: Final = "cannot be checked"
NOT_A_NUMBER: Final = "not a number"
EMERGENCY: Final = "emergency number"
SILENT: Final = frozenset({"silent call", "outcome unknown"})
"""The ledger's reasons that mean that somebody heard nobody; the second may have been one. Not: in flight."""

T = TypeVar("T")

_LOG: Final = logging.getLogger(__name__)
_STORE_TIMEOUT: Final = 1.5
"""Seconds that each of the two stores has; together below the session's, so that "cannot be checked" can
still be said."""
_DIALED: Final = re.compile(r"\+?[0-9][0-9 ()./-]{1,40}", re.ASCII)
"""What may stand for a number. phonenumbers reads more than that: letters, extensions, tel: addresses."""


class Routes:
    """A handler for `AgiServer` that passes each session on by the path of its address."""

    def __init__(self) -> None:
        self._routes: dict[str, Handler] = {}

    def add(self, path: str, handler: Handler) -> None:
        """Let `handler` serve a path.

        Raises:
            ValueError: the path is taken.
        """
        if path in self._routes:
            raise ValueError(f"AGI path {path!r} is taken")
        self._routes[path] = handler

    async def __call__(self, session: AgiSession) -> None:
        """Serve a session.

        Raises:
            BadInput: no route has its path.
        """
        handler = self._routes.get(session.request.path)
        if handler is None:
            # The path itself is not repeated: a dialplan that writes /may-call/${EXTEN} put a number into it.
            raise BadInput(
                "AGI() in the dialplan", "its address has an unknown path", ", ".join(self._routes)
            )
        await handler(session)


class DialplanRoutes:
    """The questions about numbers, answered out of the ledger."""

    def __init__(self, ledger: Ledger, lists: Lists, *, caller: str, region: str) -> None:
        """Prepare.

        Args:
            ledger: where suppressed numbers are.
            lists: who must not be called at all.
            caller: on whose behalf one calls, where the dialplan does not say.
            region: country of numbers without international prefix, as "IT".

        Raises:
            ConfigError: there is no such region.
        """
        if region not in phonenumbers.SUPPORTED_REGIONS:
            raise ConfigError("agi.region", f"{region!r} is no country", "two capital letters, such as IT")
        self._ledger = ledger
        self._lists = lists
        self._caller = caller
        self._region = region

    def routes(self) -> Routes:
        """All of them under their paths."""
        routes = Routes()
        routes.add("may-call", self.may_call)
        routes.add("caller-info", self.caller_info)
        return routes

    async def may_call(self, session: AgiSession) -> None:
        """Say whether a human may call a number now: CC_MAY_CALL, CC_REASON, CC_FREE_IN. In doubt: NO."""
        dialed = session.request.argument(0)
        number = self._number(dialed)
        found: Suppression | None = None
        if _DIALED.fullmatch(dialed) and shortnumberinfo.is_emergency_number(dialed, self._region):
            reason, allowed = EMERGENCY, True
        elif number is None:
            reason, allowed = NOT_A_NUMBER, False
        else:
            try:
                objection = await self._objection(session, number)
                found = await self._suppression(session, number)
            except Unreachable:
                reason, allowed = CANNOT_BE_CHECKED, False
            else:
                # A list has no end: it is told first.
                reason = objection or (_words(found.reason) if found else "")
                allowed = not reason and found is None
                found = None if objection else found
        _LOG.info("may-call %s: %s %s", masked(number or dialed), "YES" if allowed else "NO", reason)
        await session.set_variable("CC_REASON", reason)
        await session.set_variable("CC_FREE_IN", str(max(0, found.expires_in) if found else 0))
        # Last: if the session breaks before, the dialplan has no YES.
        await session.set_variable("CC_MAY_CALL", "YES" if allowed else "NO")

    async def caller_info(self, session: AgiSession) -> None:
        """Say whether a caller got a silent call lately: CC_KNOWN, CC_LAST_SILENT, CC_REASON."""
        given = session.request.argument(0)
        number = self._number(given)
        since, reason = "", ""
        if number is None:
            reason = NOT_A_NUMBER
        else:
            try:
                found = await self._suppression(session, number)
            except Unreachable:
                reason = CANNOT_BE_CHECKED
            else:
                if found is not None:
                    reason = _words(found.reason)
                    if reason in SILENT:
                        since = found.since.astimezone(UTC).isoformat(timespec="seconds")
        _LOG.info("caller-info %s: %s %s", masked(number or given), "YES" if since else "NO", reason)
        await session.set_variable("CC_REASON", reason)
        await session.set_variable("CC_LAST_SILENT", since)
        await session.set_variable("CC_KNOWN", "YES" if since else "NO")

    async def _objection(self, session: AgiSession, number: E164) -> str:
        """Why the number must not be called at all; empty if nobody objects. Raises as ``_asked`` does."""
        caller = session.request.argument(1) or self._caller
        standing = await self._asked(number, self._lists.standing(number, (EVERYBODY, caller_scope(caller))))
        if standing.opt_outs:
            return _words(f"do-not-call list: {standing.opt_outs[0].reason}")
        if standing.register is not None and standing.register.opposed:
            return "opposition register"
        return ""

    async def _suppression(self, session: AgiSession, number: E164) -> Suppression | None:
        """Why the number is left alone, if it is. Raises as ``_asked`` does."""
        caller = session.request.argument(1) or self._caller
        return await self._asked(number, self._ledger.suppression(caller, number))

    async def _asked(self, number: E164, question: Awaitable[T]) -> T:
        """The answer of a store, in time.

        Raises:
            Unreachable: it gave no answer; also where it failed in a way that nobody foresaw, for a dialplan
                must hear NO then, not silence.
        """
        try:
            async with asyncio.timeout(_STORE_TIMEOUT):
                return await question
        except Unreachable as error:
            _LOG.warning("%s cannot be checked: %s", masked(number), error)
            raise
        except TimeoutError:
            _LOG.warning("%s cannot be checked: no answer within %g s", masked(number), _STORE_TIMEOUT)
            raise Unreachable from None
        except Exception as error:
            _LOG.exception("%s cannot be checked", masked(number))
            raise Unreachable from error

    def _number(self, text: str) -> E164 | None:
        """What was dialed, or sent by the network, as E.164; None if it is no telephone number."""
        if not _DIALED.fullmatch(text):
            return None
        try:
            number = phonenumbers.parse(text, self._region)
        except phonenumbers.NumberParseException:
            return None
        # Possible, not valid: numbering plans change faster than this library, and a number that a campaign
        # could call must not escape the check.
        if not phonenumbers.is_possible_number(number):
            return None
        return E164(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _words(reason: str) -> str:
    """A reason, fit for a channel variable: what was set by hand may hold any text."""
    return " ".join(reason.replace("\0", " ").split())[:200]
