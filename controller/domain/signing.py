"""Signatures: of messages between machines, and of links that people get by mail.

Messages are signed as the Standard Webhooks are: HMAC-SHA-256 over ``id.timestamp.body``, in the headers
``webhook-id``, ``webhook-timestamp`` and ``webhook-signature`` (``v1,`` and Base64; several, parted by
spaces, while a secret is being changed).
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from controller.domain.privacy import NumberKey

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"

WINDOW = timedelta(minutes=5)
"""How far a message's time may be from ours: what is older may be a recording, played once more."""

SECRET_BYTES = 24
_PREFIX = "whsec_"
_VERSION = "v1,"
_LONGEST_ID = 128
_TAG_BYTES = 16
_TOKEN_AT_MOST = 1024


def secret_text(secret: bytes) -> str:
    """A secret as people copy it from one system to another."""
    return _PREFIX + b64encode(secret).decode()


def secret_bytes(text: str) -> bytes:
    """The secret that is written so.

    Raises:
        ValueError: it is none.
    """
    if not text.startswith(_PREFIX):
        raise ValueError(f"a secret begins with {_PREFIX}")
    secret = b64decode(text.removeprefix(_PREFIX), validate=True)
    if len(secret) < SECRET_BYTES:
        raise ValueError(f"a secret has {SECRET_BYTES} bytes at least")
    return secret


def signature_headers(secret: bytes, message: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers that sign a message; ``message`` is its id, the same at every try."""
    seconds = str(int(at.timestamp()))
    return {ID: message, TIMESTAMP: seconds, SIGNATURE: _signature(secret, message, seconds, body)}


def verified(secret: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The id of a message whose signature is right and whose time is near.

    Args:
        secret: that both sides know.
        headers: in lower case, or a mapping that does not care.
        body: just as it came.
        now: aware.

    Raises:
        ValueError: it is not to be believed; the text says why, and nothing of the secret.
    """
    message, seconds, given = (headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not (message and seconds and given):
        raise ValueError(f"the headers {ID}, {TIMESTAMP} and {SIGNATURE} are needed")
    if len(message) > _LONGEST_ID or not message.isprintable() or not message.isascii():
        raise ValueError(f"{ID} has {_LONGEST_ID} printable characters at most")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 12):
        raise ValueError(f"{TIMESTAMP} is no number of seconds since 1970")
    right = _signature(secret, message, seconds, body).encode()
    # All are compared, and each in constant time: how long it takes must not tell how much was right.
    fits = [hmac.compare_digest(right, one.encode()) for one in given.split(" ")[:8]]
    if not any(fits):
        raise ValueError("the signature is wrong")
    if abs(now - datetime.fromtimestamp(int(seconds), UTC)) > WINDOW:
        raise ValueError(f"{TIMESTAMP} is more than {int(WINDOW.total_seconds())} s from the time here")
    return message


def _signature(secret: bytes, message: str, seconds: str, body: bytes) -> str:
    digest = hmac.new(secret, f"{message}.{seconds}.".encode() + body, sha256).digest()
    return _VERSION + b64encode(digest).decode()


@dataclass(frozen=True, slots=True)
class LinkKey:
    """The key of links that only we can have made.

    Attributes:
        secret: derived from the number key, so that there is no second secret to be kept.
    """

    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, key: NumberKey) -> LinkKey:
        """The key of links, from the number key. Who knows one link's tag learns nothing of either."""
        return cls(hmac.new(key.secret, b"campaign-controller links", sha256).digest())

    def token(self, purpose: str, *parts: str) -> str:
        """What stands in a link: some words, readable to who decodes them, and the proof that they are ours.

        Args:
            purpose: what the link is for; a token of one purpose is good for no other.
            parts: without line ends. Never a number or an address: links end in logs.
        """
        text = "\n".join(parts).encode()
        return f"{_url64(text)}.{_url64(self._tag(purpose, text))}"

    def opened(self, purpose: str, token: str) -> tuple[str, ...] | None:
        """The parts of a token that we made for this purpose; None of any other."""
        words, _, tag = token.partition(".")
        if len(token) > _TOKEN_AT_MOST or not token.isascii():
            return None
        try:
            text, given = _from_url64(words), _from_url64(tag)
        except ValueError:
            return None
        # Compared as written, too: Base64 has several spellings of the same bytes, and we make only one.
        if not hmac.compare_digest(given, self._tag(purpose, text)) or _url64(text) != words:
            return None
        return tuple(text.decode().split("\n"))

    def _tag(self, purpose: str, text: bytes) -> bytes:
        return hmac.new(self.secret, purpose.encode() + b"\0" + text, sha256).digest()[:_TAG_BYTES]


def _url64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _from_url64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
