"""The chained record: each entry is sealed with the hash of the one before it.

    hash = SHA-256( previous hash, 32 bytes | content )
    content = the JSON array [seq, at, kind, campaign, call, person, body], UTF-8, no spaces

``at`` is in microseconds since 1970 UTC, ``body`` a JSON object with its keys sorted. The first entry has
seq 1 and follows a hash of 32 zero bytes. docs/evidence.md tells an inspector how to check it without us.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from hashlib import sha256
from typing import Any

from controller.domain.instants import micros

GENESIS = bytes(32)
"""What the first entry follows."""


class Kind(Enum):
    """What an entry tells of."""

    ATTEMPT = "attempt"
    """A call was recorded, before it was dialed; with its checks."""
    ANSWER = "answer"
    NOISE = "noise"
    BRIDGE = "bridge"
    HANG_UP = "hang-up"
    """A call is over; with outcome, class, cause and who ended it."""
    ANSWERER = "answerer"
    """An agent said who had picked up."""
    CAMPAIGN = "campaign"
    """A campaign was made or changed its state."""
    PROFILE = "profile"
    """A campaign was started under this regulation profile, told in full."""
    OVERRIDE = "override"
    """A limit was lifted: who, why."""
    OPT_OUT = "opt-out"
    """A do-not-call list was changed."""
    REGISTER = "register"
    """An answer of the opposition register was loaded."""
    SUPPRESSION = "suppression"
    """A person suppressed or released a number."""
    ERASURE = "erasure"
    """A person's data were erased."""
    RETENTION = "retention"
    """Personal data past their time were reduced."""
    IMPORT = "import"
    """Contacts were imported, or an import was undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that happened and must be provable.

    Attributes:
        at: when it happened (aware).
        campaign: empty if it concerns none.
        call: empty if it concerns none.
        person: keyed hash of the number it concerns, never the number; empty if it concerns none.
        body: the rest: plain values, no personal data.
    """

    kind: Kind
    at: datetime
    campaign: str = ""
    call: str = ""
    person: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """An entry as it stands in the chain, in the very form that was hashed.

    Attributes:
        seq: 1 for the first, no gaps.
        at: microseconds since 1970 UTC.
        body: JSON text.
        hash: 64 hexadecimal digits.
    """

    seq: int
    at: int
    kind: str
    campaign: str
    call: str
    person: str
    body: str
    hash: str

    def expected_hash(self, previous: bytes) -> str:
        """What the hash has to be, if nothing was changed."""
        content = [self.seq, self.at, self.kind, self.campaign, self.call, self.person, self.body]
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return sha256(previous + text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: what the next entry follows."""

    seq: int = 0
    hash: str = GENESIS.hex()


def seal(entry: Entry, head: Head) -> Sealed:
    """Chain an entry to what was there.

    Raises:
        ValueError: a naive time, or a body that JSON cannot hold.
    """
    if entry.at.tzinfo is None:
        raise ValueError(f"naive datetime {entry.at!r} in the evidence")
    sealed = Sealed(
        seq=head.seq + 1,
        at=micros(entry.at),
        kind=entry.kind.value,
        campaign=entry.campaign,
        call=entry.call,
        person=entry.person,
        body=json.dumps(
            entry.body, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False
        ),
        hash="",
    )
    fields = {name: getattr(sealed, name) for name in Sealed.__slots__}
    return Sealed(**fields | {"hash": sealed.expected_hash(bytes.fromhex(head.hash))})
