"""Who may do what, cell by cell; and what a token is."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.access import MATRIX, TOKEN_BYTES, Right, Role, Secret, may

TABLE = """
                    admin  supervisor  agent  read-only  auditor
see-self            yes    yes         yes    yes        yes
see-campaigns       yes    yes         yes    yes        yes
edit-campaigns      yes    yes         -      -          -
run-campaigns       yes    yes         -      -          -
see-contacts        yes    yes         -      yes        yes
edit-contacts       yes    yes         -      -          -
personal-data       yes    yes         yes    -          -
see-calls           yes    yes         -      yes        yes
see-agents          yes    yes         -      yes        yes
direct-agents       yes    yes         yes    -          -
work                yes    yes         yes    -          -
see-lists           yes    yes         -      yes        yes
edit-lists          yes    yes         -      -          -
see-evidence        yes    -           -      -          yes
persons             yes    -           -      -          -
listen              yes    yes         yes    yes        yes
see-design          yes    yes         -      yes        yes
edit-design         yes    yes         -      -          -
"""
"""As docs/api.md shows it; written a second time on purpose."""

HEADERS, *LINES = (line.split() for line in TABLE.strip().splitlines())
CELLS = [
    (Role(role), Right(right), cell == "yes")
    for right, *cells in LINES
    for role, cell in zip(HEADERS, cells, strict=True)
]


@pytest.mark.parametrize(("role", "right", "allowed"), CELLS)
def test_a_cell(role: Role, right: Right, allowed: bool) -> None:
    assert may(role, right) is allowed


def test_the_table_has_every_role_and_every_right() -> None:
    assert len({(role, right) for role, right, _ in CELLS}) == len(Role) * len(Right)
    assert set(MATRIX) == set(Right)


@given(st.binary(min_size=TOKEN_BYTES, max_size=TOKEN_BYTES))
def test_a_token_is_read_as_it_was_made(random: bytes) -> None:
    secret = Secret.of(random)
    assert Secret.read(secret.text) == secret
    assert secret.text.startswith(f"cc_{secret.id}_")
    assert secret.digest == sha256(secret.text.encode()).digest()
    assert secret.text not in repr(secret)


def test_different_bytes_are_different_tokens() -> None:
    first, second = (Secret.of(bytes(TOKEN_BYTES - 1) + bytes([last])) for last in (0, 1))
    assert first.text != second.text
    assert first.digest != second.digest


@pytest.mark.parametrize("text", ["", "cc_", "cc_aaaaaaaa_", "cc_aaaaaaaa_" + "a" * 51, "é" * 64, "CC" * 40])
def test_what_cannot_be_a_token_is_none(text: str) -> None:
    assert Secret.read(text) is None


def test_a_token_is_not_made_of_less() -> None:
    with pytest.raises(ValueError, match="37 bytes"):
        Secret.of(b"short")
