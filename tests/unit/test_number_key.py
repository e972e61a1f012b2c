"""The key file: made once, for its user alone, and never guessed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from controller.config import number_key
from controller.domain.ids import E164
from controller.domain.privacy import NumberKey
from controller.errors import ConfigError

NUMBER = E164("+390212345678")


def test_it_is_made_once_and_for_its_user_alone(tmp_path: Path) -> None:
    file = tmp_path / "number.key"
    made = number_key(file)
    assert number_key(file) == made
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]
    assert number_key(tmp_path / "other.key") != made


def test_programs_that_start_at_once_get_the_same_key(tmp_path: Path) -> None:
    found: list[NumberKey] = []
    starts = threading.Barrier(8)

    def start() -> None:
        starts.wait()
        found.append(number_key(tmp_path / "number.key"))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({key.secret for key in found}) == 1


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, "ab" * 31])
def test_what_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "number.key"
    file.write_text(text)
    with pytest.raises(ConfigError, match="number_key_file"):
        number_key(file)
    assert file.read_text() == text


def test_where_none_can_be_made_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be made"):
        number_key(tmp_path / "nowhere" / "number.key")


def test_a_hash_needs_the_key_and_does_not_show_it() -> None:
    one, other = NumberKey(bytes(32)), NumberKey(bytes(31) + b"\x01")
    assert one.of(NUMBER) == NumberKey(bytes(32)).of(NUMBER)
    assert one.of(NUMBER) != other.of(NUMBER)
    assert one.of(NUMBER) != one.of(E164("+390212345679"))
    assert len(one.of(NUMBER)) == 22
    assert one.fingerprint != other.fingerprint
    assert "secret" not in repr(one)
    with pytest.raises(ValueError, match="32 bytes"):
        NumberKey(b"short")
