"""The key under which telephone numbers are hashed: a file of the controller's own."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from controller.domain.privacy import KEY_BYTES, NumberKey
from controller.errors import ConfigError


def number_key(path: Path) -> NumberKey:
    """The key in a file, as hexadecimal digits; made anew, for its user alone, if there is no such file.

    Raises:
        ConfigError: it cannot be read or made, or holds something else.
    """
    place = "privacy.number_key_file"
    if not path.exists():
        try:
            _make_key(path)
        except OSError as error:
            raise ConfigError(
                place, f"{path} cannot be made: {error.strerror}", "a file to be made"
            ) from error
    try:
        return NumberKey(bytes.fromhex(path.read_text("ascii").strip()))
    except (OSError, ValueError) as error:
        raise ConfigError(
            place, f"{path} cannot be used: {error}", f"a readable file of {2 * KEY_BYTES} hexadecimal digits"
        ) from error


def _make_key(path: Path) -> None:
    # Complete before it has its name: two programs may start at once, and must not get two keys.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
