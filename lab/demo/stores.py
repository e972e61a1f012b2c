"""The controller's stores, read by somebody else: none of its code is used."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import redis

from lab.demo.judgement import Attempt

_MICROSECONDS = 1_000_000
_SILENT = ("S ", "U ")
"""How the values of keys begin that a silent call left, or one that may have been silent."""


def read_attempts(records: Path) -> list[Attempt]:
    """Read all attempts from an SQLite file of the controller, in order."""
    with closing(sqlite3.connect(f"file:{records}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        return [
            Attempt(
                number=row["number"],
                outcome=row["outcome"],
                answered_at=_seconds(row["answered_at"]),
                bridged_at=_seconds(row["bridged_at"]),
                ended_at=_seconds(row["ended_at"]),
                admitted_at=_seconds(row["admitted_at"]),
            )
            for row in db.execute("SELECT * FROM attempts ORDER BY started_at, id")
        ]


def read_suppressed(reader: redis.Redis) -> dict[str, int]:
    """Seconds of rest of each number that got a silent call, out of Redis.

    Numbers of calls under way are held as well, and left out.
    """
    found = {}
    for key in reader.scan_iter(match="*:suppress:*", count=1000):
        if str(reader.get(key) or "").startswith(_SILENT):
            found[str(key).rpartition(":")[2]] = int(str(reader.ttl(key)))
    return found


def _seconds(stored: int | None) -> float | None:
    return None if stored is None else stored / _MICROSECONDS
