"""Where things stand in a TOML file, so that a message about one can name its line."""

from __future__ import annotations

import re

Place = tuple[int | str, ...]
"""A value in a file, as pydantic names it: ("agents", 0, "id")."""

_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\"-]+)\s*\]")
_KEY = re.compile(r"\s*([\w\"-]+(?:\s*\.\s*[\w\"-]+)*)\s*=")


def lines_of(text: str) -> dict[Place, int]:
    """Where each table and key stands. Good enough for messages: multi-line strings may fool it."""
    found: dict[Place, int] = {}
    table: Place = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            name = tuple(part.strip('"') for part in header[2].split("."))
            seen = sum(place[:-1] == name and isinstance(place[-1], int) for place in found)
            table = (*name, seen) if header[1] == "[[" else name
            found[table] = number
        elif key := _KEY.match(line):
            found[(*table, *(part.strip().strip('"') for part in key[1].split(".")))] = number
    return found


def nearest(lines: dict[Place, int], place: Place) -> int | None:
    """The line of a value, or else of the innermost table around it that has one."""
    return next((lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in lines), None)
