"""From pydantic's errors to messages that name the place, the value and what is allowed."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from controller.config.base import SettingError, without_password
from controller.config.tables import PREFIX, TABLES, Settings
from controller.errors import ConfigError
from controller.toml_lines import Place, nearest


class InvalidConfigError(ConfigError):
    """The configuration cannot be used.

    Attributes:
        problems: every mistake, each with its place.
    """

    def __init__(self, problems: Sequence[ConfigError], what: str = "configuration") -> None:
        count = "1 value" if len(problems) == 1 else f"{len(problems)} values"
        super().__init__(what, f"{count} cannot be used")
        self.problems = tuple(problems)

    def __str__(self) -> str:
        """The whole list, one mistake a line."""
        return "\n".join([f"{self.place}: {self.problem}:", *(f"  {problem}" for problem in self.problems)])


_SECRETS = frozenset({"password", "lab_token"})


def unknown_variables() -> Iterator[ConfigError]:
    """Variables of tables that do not exist; pydantic-settings would pass over a slip of the pen."""
    for name in sorted(os.environ):
        table, delimiter, _ = name.upper().removeprefix(PREFIX).partition("__")
        if name.upper().startswith(PREFIX) and delimiter and table.lower() not in Settings.model_fields:
            known = ", ".join(f"{PREFIX}{field.upper()}__" for field in Settings.model_fields)
            yield ConfigError(f"environment {name}", "there is no such table", known)


def problem_of(error: Any, place: str, loc: Place) -> ConfigError:
    """One of pydantic's errors, in our words.

    Args:
        error: as ``ValidationError.errors()`` gives it.
        place: where the user wrote it.
        loc: which setting it is, from the table on.
    """
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, SettingError):
        return ConfigError(place, str(cause), cause.allowed)
    if error["type"] == "extra_forbidden":
        known = sorted(_table(loc[:-1]).model_fields)
        near = difflib.get_close_matches(str(loc[-1]), known, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return ConfigError(place, f"there is no such setting{hint}", ", ".join(known))
    allowed = re.sub(r"^(Input|String|Value) should (be )?", "", error["msg"])
    if error["type"] == "missing":
        return ConfigError(place, "is missing", _description(loc))
    return ConfigError(place, _shown(loc, error["input"]), allowed)


def place_of(loc: Place, path: Path | None, lines: dict[Place, int]) -> str:
    """Where a setting was written, or where it could be.

    Args:
        loc: the setting, from the table on.
        path: the file read, if one was.
        lines: of that file, see ``controller.toml_lines.lines_of``.
    """
    variable = PREFIX + "__".join(str(part) for part in loc).upper()
    for length in range(len(loc), 0, -1):
        whole = PREFIX + "__".join(str(part) for part in loc[:length]).upper()
        if any(name.upper() == whole for name in os.environ):
            return f"environment {whole}" + ("" if length == len(loc) else f" ({_dotted(loc)})")
    if path is None:
        return f"environment {variable}"
    line = nearest(lines, loc)
    return f"{path}{f' line {line}' if line else ''}: {_dotted(loc)}"


def _dotted(loc: Place) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")


def _table(loc: Place) -> type[BaseModel]:
    return TABLES[str(loc[0])] if loc else Settings


def _description(loc: Place) -> str:
    return _table(loc[:-1]).model_fields[str(loc[-1])].description or ""


def _shown(loc: Place, value: object) -> str:
    # A whole table, or what was to become one, may hold a password: only single settings are shown.
    if (
        len(loc) < 2
        or _SECRETS.intersection(map(str, loc))
        or not isinstance(value, str | int | float | bool)
    ):
        return f"this {type(value).__name__} cannot be used"
    return f"{without_password(repr(value))} cannot be used"
