"""Every key that the controller uses in Redis: one table, and the functions that make the keys.

Everything of one caller has the hash tag ``{caller}``, so all of it lies in one hash slot and one Lua script
can read and change it atomically, on a Redis Cluster too.

    key                             type    lives                  meaning
    cc:{caller}:suppress:<e164>     string  5 days at most         the number is not called: "<why> <call>
                                                                   <since>", see below. Taken before dialing
                                                                   (L4), given back if the call ended and was
                                                                   not silent
    cc:{caller}:barred:<e164>       string  as a person said       the number is not called, by hand: JSON of
                                                                   author, reason, since (ISO 8601)
    cc:{caller}:operator-due        set     for ever               numbers whose next call needs an operator
                                                                   guaranteed (L5); left by a conversation
    cc:{caller}:budget:<campaign>   hash    for ever               successes, silent, outcome:<outcome>; and
                                                                   successes:<window>, silent:<window> (L3)
    cc:{caller}:exposed:<campaign>  hash    for ever               controller id -> "serial:count" of its
                                                                   calls that no agent stands ready for (L3)
    cc:{caller}:flights             hash    until each call ends   call id -> JSON of campaign, number,
                                                                   controller, connected, placed, windows
    cc:{caller}:closed:<call>       string  1 day; 7 if silent     outcome of a call that is over: it counts
                                                                   once, and no late admission revives it
    cc:{caller}:hopper:<campaign>:  four    a day unused           contacts laid ready, see hopper_common.lua:
      waiting, places, taken, takers                               ids only, no numbers
    cc:ping                         string  60 s                   proof that writes are taken

The value of a suppression key is short because there may be a million of them: ``S 5f0c1d2e3f4a5b6c t68m2o``.
First why: F, a call is in flight; S, a silent call; U, nobody saw the call end. Then the call, which names
the attempt in the record store, and since when, as seconds since 1970 in base 36.

The key of a call in flight lives for ``leave_alone + ring_timeout + MARGIN``: at whatever later point a crash
leaves it behind, the number is left alone for the full time. A second silent call, after the first one's
time is over, begins the time anew; of two protections the longer one always stays. What a person bars has a
key of its own, so releasing it never shortens what the law demands.

When a person's data are erased, ``<e164>`` becomes ``#<keyed hash of the number>`` in all of these, and what
people wrote is taken out: what protected the number goes on protecting it for as long as it would have, and
every admission looks for both.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

from controller.domain.campaign import Campaign
from controller.domain.ids import CallId, CampaignId
from controller.domain.outcome import Outcome
from controller.domain.recital import LONGEST_MESSAGE

PING: Final = "cc:ping"
PING_TTL: Final = timedelta(seconds=60)

MARGIN: Final = timedelta(seconds=60)
"""Time that an admitted call may spend before it rings and after it is answered."""

IN_FLIGHT: Final = "call in flight"
"""Reason of a suppression key while its call is not over."""

ERASED: Final = "suppressed before the number was erased"
"""What takes the place of a person's words when the number is erased."""

_REASONS: Final = {"F": IN_FLIGHT, "S": "silent call", "U": "outcome unknown"}
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"

HOPPER_TTL: Final = timedelta(days=1)
"""How long a hopper that nobody uses is kept; it can be filled anew at any time."""

_CLOSED_TTL: Final = timedelta(days=1)
_CLOSED_SILENT_TTL: Final = timedelta(days=7)


@lru_cache(maxsize=1024)
def _space(caller: str) -> str:
    # Quoted, so that no caller's name can end the hash tag, be a pattern for SCAN or run into another's keys.
    return f"cc:{{{quote(caller, safe=' ')}}}:"


def suppress(caller: str, number: str) -> str:
    """Why the number is not called."""
    return f"{_space(caller)}suppress:{number}"


def barred(caller: str, number: str) -> str:
    """Who barred the number by hand, and why."""
    return f"{_space(caller)}barred:{number}"


def suppress_pattern(caller: str) -> str:
    """What SCAN finds the suppression keys of a caller by."""
    return f"{_space(caller)}suppress:*"


def barred_pattern(caller: str) -> str:
    """What SCAN finds by what a caller's people barred by hand."""
    return f"{_space(caller)}barred:*"


def is_barred(key: bytes) -> bool:
    """Whether a suppression key was set by hand."""
    return key.rpartition(b":")[0].endswith(b":barred")


def owner_of(key: bytes) -> str:
    """Whom a suppression key is about: a number, or the alias of one that was erased."""
    return key.rpartition(b":")[2].decode()


def alias(number_hash: str) -> str:
    """What stands in the place of a number that was erased."""
    return f"#{number_hash}"


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


def hopper(caller: str, campaign: CampaignId) -> tuple[str, str, str, str]:
    """The keys of a campaign's hopper, in the order in which its scripts want them."""
    start = f"{_space(caller)}hopper:{campaign}:"
    return f"{start}waiting", f"{start}places", f"{start}taken", f"{start}takers"


def outcome_field(outcome: Outcome) -> str:
    """Field of the budget hash that counts an outcome; apart from ``silent``, which counts lost calls too."""
    return f"outcome:{outcome.value}"


def suppress_ttl(campaign: Campaign) -> timedelta:
    """How long the suppression key of a call in flight lives."""
    message = LONGEST_MESSAGE if campaign.message else timedelta(0)
    return campaign.law.leave_alone + campaign.ring_timeout + message + MARGIN


def closed_ttl(outcome: Outcome) -> timedelta:
    """How long it is remembered that a call is over.

    Silent calls are few, and one counted twice takes the room of another, so they are remembered for longer
    than the number is left alone. Others are many.
    """
    return _CLOSED_SILENT_TTL if outcome.counts_as_silent else _CLOSED_TTL


def reason(outcome: Outcome) -> str:
    """Reason of the suppression key after a call that counts as silent."""
    return _REASONS[_letter(outcome)]


def held(outcome: Outcome | None, call: CallId, since: datetime) -> str:
    """Value of a suppression key.

    Args:
        outcome: of the call, which counts as silent; None while it is in flight.
        call: the call.
        since: from when on the number is left alone (aware).
    """
    letter = "F" if outcome is None else _letter(outcome)
    return f"{letter} {call} {_base36(int(since.timestamp()))}"


def read_held(value: bytes) -> tuple[str, str, datetime]:
    """Reason, call and since of a suppression key. One set by hand may hold any text: that is the reason."""
    text = value.decode(errors="replace")
    letter, _, rest = text.partition(" ")
    call, _, since = rest.rpartition(" ")
    if letter in _REASONS and call:
        try:
            return _REASONS[letter], call, datetime.fromtimestamp(int(since, 36), UTC)
        except (ValueError, OverflowError, OSError):
            pass
    return text, "", datetime.fromtimestamp(0, UTC)


def by_hand(author: str, reason: str, since: datetime) -> str:
    """Value of the key of a number that a person barred."""
    return json.dumps({"author": author, "reason": reason, "since": since.isoformat()})


def read_by_hand(value: bytes) -> tuple[str, str, datetime]:
    """Reason, author and since of a number that a person barred; set with redis-cli, it may hold any text."""
    try:
        said: Any = json.loads(value)
        since = datetime.fromisoformat(said["since"])
        return str(said["reason"]), str(said["author"]), since if since.tzinfo else since.replace(tzinfo=UTC)
    except (ValueError, TypeError, KeyError):
        return value.decode(errors="replace"), "", datetime.fromtimestamp(0, UTC)


def _letter(outcome: Outcome) -> str:
    return "S" if outcome is Outcome.SILENT else "U"


def _base36(number: int) -> str:
    digits = ""
    while number > 0:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"


def milliseconds(time: timedelta) -> int:
    """Whole milliseconds, rounded up: a number is never free too early."""
    return -(-time // timedelta(milliseconds=1))
