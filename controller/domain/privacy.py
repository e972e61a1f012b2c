"""Telephone numbers under a key: recognisable to who holds the key, to nobody else."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256

from controller.domain.ids import E164

KEY_BYTES = 32
_HASH_BYTES = 16


@dataclass(frozen=True, slots=True)
class NumberKey:
    """The secret under which numbers are hashed: what survives when a person's data are erased.

    Attributes:
        secret: 32 random bytes, kept apart from the record store. A number has so few digits that without
            the secret's protection anybody could find it by trying all.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError(f"the number key has {KEY_BYTES} bytes, not {len(self.secret)}")

    def of(self, number: E164) -> str:
        """The number's keyed hash: 22 characters of URL-safe Base64, 128 bits of HMAC-SHA-256."""
        digest = hmac.new(self.secret, number.encode(), sha256).digest()
        return urlsafe_b64encode(digest[:_HASH_BYTES]).rstrip(b"=").decode()

    @property
    def fingerprint(self) -> str:
        """What tells two keys apart without telling either, as 16 hexadecimal digits."""
        return hmac.new(self.secret, b"campaign-controller number key", sha256).hexdigest()[:16]
