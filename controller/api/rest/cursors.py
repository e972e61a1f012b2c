"""Cursors: where a page of a list ended, opaque to whoever carries it.

A cursor is signed, together with the list and the filters it belongs to. So nobody can make one, nor use one
with other filters; and since it names the last item that was seen, not a count, pages neither skip nor repeat
items while others are added.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

from controller.api.rest.problems import UNUSABLE, Fault, Problem
from controller.domain.privacy import NumberKey

_MAC_BYTES = 12

Place = list[str | int]
"""Where a page ended: what its last item is sorted by."""


class Cursors:
    """Writes and reads cursors."""

    def __init__(self, key: NumberKey) -> None:
        """Derive the key of the signatures, so that all controllers of a store understand each other."""
        self._key = hmac.new(key.secret, b"cursors of the REST API", sha256).digest()

    def write(self, list_: str, place: Place) -> str:
        """The cursor for a place in a list (its path and filters)."""
        text = json.dumps(place, separators=(",", ":")).encode()
        return urlsafe_b64encode(self._mac(list_, text) + text).rstrip(b"=").decode()

    def read(self, list_: str, cursor: str) -> Place:
        """The place.

        Raises:
            Problem: it is none of ours, or of another list.
        """
        try:
            raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except ValueError:
            raise _foreign() from None
        mac, text = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(list_, text)):
            raise _foreign()
        place: Place = json.loads(text)
        return place

    def _mac(self, list_: str, text: bytes) -> bytes:
        return hmac.new(self._key, list_.encode() + b"\0" + text, sha256).digest()[:_MAC_BYTES]


def _foreign() -> Problem:
    detail = "this is no cursor of this list with these filters"
    allowed = "`next` of the page before, or none for the first page"
    return Problem(UNUSABLE, detail, faults=[Fault("query", "cursor", detail, allowed)])
