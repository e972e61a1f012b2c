"""Signatures and links: ours are believed, nobody else's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.privacy import NumberKey
from controller.domain.signing import (
    ID,
    SIGNATURE,
    TIMESTAMP,
    WINDOW,
    LinkKey,
    secret_bytes,
    secret_text,
    signature_headers,
    verified,
)

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
SECRET = b"x" * 24
KEY = LinkKey.of(NumberKey(bytes(range(32))))
ids = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)


def test_the_published_example_of_the_standard_is_verified() -> None:
    # Of the Standard Webhooks' specification.
    secret = secret_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = {
        ID: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        TIMESTAMP: "1614265330",
        SIGNATURE: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    body = b'{"test": 2432232314}'
    assert verified(secret, headers, body, datetime.fromtimestamp(1614265330, UTC)) == headers[ID]


@given(message=ids, body=st.binary(max_size=200), late=st.integers(-300, 300))
def test_what_we_sign_is_verified_within_the_window(message: str, body: bytes, late: int) -> None:
    headers = signature_headers(SECRET, message, NOW, body)
    assert verified(SECRET, headers, body, NOW + timedelta(seconds=late)) == message


@given(body=st.binary(max_size=50), other=st.binary(max_size=50))
def test_another_body_is_not(body: bytes, other: bytes) -> None:
    headers = signature_headers(SECRET, "m", NOW, body)
    if other != body:
        with pytest.raises(ValueError, match="signature is wrong"):
            verified(SECRET, headers, other, NOW)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({ID: "other"}, "signature is wrong"),
        ({TIMESTAMP: "1772445601"}, "signature is wrong"),
        ({SIGNATURE: ""}, "are needed"),
        ({ID: ""}, "are needed"),
        ({SIGNATURE: "v1,AAAA"}, "signature is wrong"),
        ({SIGNATURE: "v2,AAAA é"}, "signature is wrong"),
        ({TIMESTAMP: "soon"}, "no number of seconds"),
        ({TIMESTAMP: "٣"}, "no number of seconds"),
        ({TIMESTAMP: "9" * 40}, "no number of seconds"),
        ({ID: "x" * 200}, "printable"),
        ({ID: "a\nb"}, "printable"),
    ],
)
def test_what_is_not_to_be_believed(change: dict[str, str], words: str) -> None:
    headers = signature_headers(SECRET, "m", NOW, b"{}") | change
    with pytest.raises(ValueError, match=words):
        verified(SECRET, headers, b"{}", NOW)


@pytest.mark.parametrize("late", [WINDOW + timedelta(seconds=1), -WINDOW - timedelta(seconds=1)])
def test_a_recording_is_not_believed(late: timedelta) -> None:
    headers = signature_headers(SECRET, "m", NOW, b"{}")
    with pytest.raises(ValueError, match="more than 300 s"):
        verified(SECRET, headers, b"{}", NOW + late)


def test_another_secret_verifies_nothing() -> None:
    headers = signature_headers(SECRET, "m", NOW, b"{}")
    with pytest.raises(ValueError, match="signature is wrong"):
        verified(b"y" * 24, headers, b"{}", NOW)


def test_while_a_secret_is_changed_one_of_several_signatures_is_enough() -> None:
    old, new = (signature_headers(secret, "m", NOW, b"{}") for secret in (b"y" * 24, SECRET))
    both = new | {SIGNATURE: f"{old[SIGNATURE]} {new[SIGNATURE]}"}
    assert verified(SECRET, both, b"{}", NOW) == "m"


def test_secrets_are_written_and_read() -> None:
    assert secret_bytes(secret_text(SECRET)) == SECRET
    for text in ("abc", "whsec_", "whsec_!!!!", secret_text(b"short")):
        with pytest.raises(ValueError, match=r"."):
            secret_bytes(text)


# --- links

parts = st.lists(st.text(st.characters(blacklist_characters="\n", blacklist_categories=["Cs"])), min_size=1)


@given(parts.filter(lambda words: sum(len(word.encode()) for word in words) < 300))
def test_a_link_tells_what_was_put_into_it(words: list[str]) -> None:
    token = KEY.token("confirm", *words)
    assert KEY.opened("confirm", token) == tuple(words)
    assert KEY.opened("unsubscribe", token) is None


@given(position=st.integers(0, 200), sign=st.sampled_from("AZaz09-_.=é "))
def test_a_link_that_was_changed_anywhere_is_not_ours(position: int, sign: str) -> None:
    token = KEY.token("confirm", "12345", "spring")
    at = position % len(token)
    changed = token[:at] + sign + token[at + 1 :]
    if changed != token:
        opened = KEY.opened("confirm", changed)
        # The last sign of the tag holds bits that say nothing; what it says must then be the same.
        assert opened is None or (at == len(token) - 1 and opened == ("12345", "spring"))


@given(st.text(max_size=2000))
def test_anything_else_is_not_ours(text: str) -> None:
    assert KEY.opened("confirm", text) is None


def test_the_key_of_links_is_not_the_number_key() -> None:
    assert KEY.secret != bytes(range(32))
    assert "x" * 3 not in repr(LinkKey(b"x" * 32))
