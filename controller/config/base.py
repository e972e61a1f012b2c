"""What all tables of the configuration share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
"""What may stand in a Redis key, a log line and a channel name without quoting."""
Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]


class SettingError(ValueError):
    """A validator's verdict with what would be right."""

    def __init__(self, problem: str, allowed: str = "") -> None:
        super().__init__(problem)
        self.allowed = allowed


class Section(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def without_password(url: str) -> str:
    """A URL fit to be shown."""
    url = re.sub(r"(?<=://)([^:@/]*):.*@", r"\1:********@", url)
    return re.sub(r"([?&]password=)[^&'\"]*", r"\1********", url)


def first_line(path: Path) -> str:
    """The first line of a file, for passwords.

    Raises:
        SettingError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{str(path)!r} cannot be read: {error}", "a readable file") from error
