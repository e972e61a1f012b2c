"""The controller's ARI user, with a password made for this installation."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from lab.asterisk import write_private

USER: Final = "campaign-controller"
FILE: Final = "campaign-controller.ari-user.conf"


def content(password: str) -> str:
    """The file's content.

    The password is kept as it is, not hashed: Asterisk checks it with each request, and a crypt hash would
    cost more than the request. The file's mode (0600, Asterisk's user) protects it.
    """
    return f"""; Generated. Never under version control.
[{USER}]
type = user
read_only = no
password = {password}
password_format = plain
"""


def new_password() -> str:
    """A password of 256 random bits."""
    return secrets.token_urlsafe(32)


def write(folder: Path) -> str:
    """Write the file into Asterisk's configuration directory.

    Args:
        folder: The directory.

    Returns:
        The password.
    """
    password = new_password()
    write_private(folder / FILE, content(password))
    return password
