"""Every key that the controller uses in Redis: one table, and the functions that make the keys.

Everything of one caller has the hash tag ``{caller}``, so all of it lies in one hash slot and one Lua script
can read and change it atomically, on a Redis Cluster too.

    key                             type    lives                  meaning
    cc:{caller}:suppress:<e164>     string  5 days at most         the number is not called; JSON of call,
                                                                   campaign, reason, since (ISO 8601, UTC).
                                                                   Taken before dialing (L4), given back if
                                                                   the call ended and was not silent
    cc:{caller}:operator-due        set     for ever               numbers whose next call needs an operator
                                                                   guaranteed (L5); left by a conversation
    cc:{caller}:budget:<campaign>   hash    for ever               successes, silent, outcome:<outcome> (L3)
    cc:{caller}:exposed:<campaign>  hash    for ever               controller id -> "serial:count" of its
                                                                   calls that no agent stands ready for (L3)
    cc:{caller}:flights             hash    until each call ends   call id -> JSON of campaign, number,
                                                                   controller, connected, since; for recovery
    cc:{caller}:closed:<call>       string  1 day; 7 if silent     outcome of a call that is over: it counts
                                                                   once, and no late admission revives it
    cc:ping                         string  60 s                   proof that writes are taken

The suppression key of a call in flight lives for ``leave_alone + ring_timeout + MARGIN``: at whatever later
point a crash leaves it behind, the number is left alone for the full time. A person may set a suppression key
by hand, with any text and without expiry: such a number is not called until somebody removes the key.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from controller.domain.campaign import Campaign
from controller.domain.ids import E164, CallId, CampaignId
from controller.domain.outcome import Outcome

PING: Final = "cc:ping"
PING_TTL: Final = timedelta(seconds=60)

MARGIN: Final = timedelta(seconds=60)
"""Time that an admitted call may spend before it rings and after it is answered."""

IN_FLIGHT: Final = "call in flight"
"""Reason of a suppression key while its call is not over."""

_CLOSED_TTL: Final = timedelta(days=1)
_CLOSED_SILENT_TTL: Final = timedelta(days=7)


@lru_cache(maxsize=1024)
def _space(caller: str) -> str:
    # Quoted, so that no caller's name can end the hash tag, be a pattern for SCAN or run into another's keys.
    return f"cc:{{{quote(caller, safe=' ')}}}:"


def suppress(caller: str, number: str) -> str:
    """Why the number is not called."""
    return f"{_space(caller)}suppress:{number}"


def suppress_pattern(caller: str) -> str:
    """What SCAN finds the suppression keys of a caller by."""
    return f"{_space(caller)}suppress:*"


def number_of(key: bytes) -> E164:
    """The number that a suppression key is about."""
    return E164(key.rpartition(b":")[2].decode())


def operator_due(caller: str) -> str:
    """Numbers whose next call needs an operator."""
    return f"{_space(caller)}operator-due"


def budget(caller: str, campaign: CampaignId) -> str:
    """Counters of a campaign."""
    return f"{_space(caller)}budget:{campaign}"


def exposed(caller: str, campaign: CampaignId) -> str:
    """Exposed calls of a campaign, by controller."""
    return f"{_space(caller)}exposed:{campaign}"


def flights(caller: str) -> str:
    """Marks of calls in flight."""
    return f"{_space(caller)}flights"


def closed(caller: str, call: CallId) -> str:
    """Proof that a call is over."""
    return f"{_space(caller)}closed:{call}"


def outcome_field(outcome: Outcome) -> str:
    """Field of the budget hash that counts an outcome; apart from ``silent``, which counts lost calls too."""
    return f"outcome:{outcome.value}"


def suppress_ttl(campaign: Campaign) -> timedelta:
    """How long the suppression key of a call in flight lives."""
    return campaign.law.leave_alone + campaign.ring_timeout + MARGIN


def closed_ttl(outcome: Outcome) -> timedelta:
    """How long it is remembered that a call is over.

    Silent calls are few, and one counted twice takes the room of another, so they are remembered for longer
    than the number is left alone. Others are many.
    """
    return _CLOSED_SILENT_TTL if outcome.counts_as_silent else _CLOSED_TTL


def reason(outcome: Outcome) -> str:
    """Reason of the suppression key after a call that counts as silent."""
    return "silent call" if outcome is Outcome.SILENT else "outcome unknown"


def milliseconds(time: timedelta) -> int:
    """Whole milliseconds, rounded up: a number is never free too early."""
    return -(-time // timedelta(milliseconds=1))
