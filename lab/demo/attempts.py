"""The controller's record store, read by somebody else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from lab.demo.judgement import Attempt

_MICROSECONDS = 1_000_000


def read_attempts(records: Path) -> list[Attempt]:
    """Read all attempts from an SQLite file of the controller, in order, without using its code."""
    with closing(sqlite3.connect(f"file:{records}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        return [
            Attempt(
                number=row["number"],
                outcome=row["outcome"],
                answered_at=_seconds(row["answered_at"]),
                bridged_at=_seconds(row["bridged_at"]),
                ended_at=_seconds(row["ended_at"]),
                waited=bool(row["waited"]),
            )
            for row in db.execute("SELECT * FROM attempts ORDER BY started_at, id")
        ]


def _seconds(stored: int | None) -> float | None:
    return None if stored is None else stored / _MICROSECONDS
