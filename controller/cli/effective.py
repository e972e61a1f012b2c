"""The configuration in force, as a TOML file without its secrets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel

    from controller.config import Settings

_HIDDEN = "********"


def as_toml(settings: Settings) -> str:
    """Every setting with its value, the defaults written out, passwords replaced by asterisks."""
    from controller.config import TABLES

    blocks = []
    for name in TABLES:
        table = getattr(settings, name)
        if isinstance(table, tuple):
            blocks += [_block(f"[[{name}]]", entry) for entry in table]
        else:
            blocks.append(_block(f"[{name}]", table))
    return "\n".join(blocks)


def _block(header: str, table: BaseModel) -> str:
    lines = [f"{key} = {_value(value)}" for key, value in table if value is not None]
    return "\n".join([header, *lines, ""])


def _value(value: object) -> str:
    from pydantic import SecretStr

    from controller.config import without_password

    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case SecretStr():
            return json.dumps(_HIDDEN if value.get_secret_value() else "")
        case tuple():
            return "[" + ", ".join(_value(each) for each in value) + "]"
        case _:
            # A basic string of TOML takes JSON's escapes; unlike JSON it wants DEL escaped, which no
            # setting can hold.
            return json.dumps(without_password(str(value)), ensure_ascii=False)
