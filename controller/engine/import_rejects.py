"""The rejects file: every row that was not stored, with its line and the reason."""

from __future__ import annotations

import csv
import fcntl
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from io import BufferedWriter, TextIOWrapper
from pathlib import Path

from controller.domain.contact import NewContact
from controller.engine.import_columns import REJECTS_HEADERS, is_rejects_file
from controller.engine.import_reader import DUPLICATE, ListReader, Row
from controller.errors import BadInput

_KNOWN = "already in campaign"


def beside(source: Path) -> Path:
    """Where the rejects of a file go if nobody says otherwise."""
    return source.with_name(f"{source.stem}.rejects.csv")


@dataclass(frozen=True, slots=True)
class Judged:
    """How many of some rows were rejected, and why."""

    invalid: int = 0
    duplicates: int = 0
    known: int = 0

    def __add__(self, other: Judged) -> Judged:
        return Judged(
            self.invalid + other.invalid, self.duplicates + other.duplicates, self.known + other.known
        )


def judged(rows: Sequence[Row]) -> Judged:
    """How many of these rows bring no contact to be stored."""
    reasons = [found.reason for _, found in rows if not isinstance(found, NewContact)]
    duplicates = sum(reason.startswith(DUPLICATE) for reason in reasons)
    return Judged(invalid=len(reasons) - duplicates, duplicates=duplicates)


def _taken_over(path: Path) -> BufferedWriter:
    """The file, empty, unless another program writes to it: that would lose what it has written."""
    stream = path.open("ab")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        stream.truncate(0)
    except BlockingIOError:
        stream.close()
        problem = "is being written to by another import; wait for it, or name another file"
        raise BadInput(str(path), problem) from None
    except BaseException:
        stream.close()
        raise
    return stream


class Rejects:
    """The rejects file being written: line, reason, and the row as it was."""

    def __init__(self, path: Path, source: ListReader) -> None:
        """Make it, before anything is stored: a row that is not stored must have a place to go.

        Raises:
            BadInput: it is the file that is imported, or another import writes to it.
            OSError: it cannot be made.
        """
        if path.resolve() == source.path.resolve():
            raise BadInput(str(path), "is the file to be imported; the rejects need a file of their own")
        headers = source.columns.headers
        self.path = path
        self._again = 2 if is_rejects_file(headers) else 0
        self._empty = True
        raw = _taken_over(path)
        # With the mark at its start, spreadsheets take it for what it is: UTF-8.
        self._stream = TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="")
        self._csv = csv.writer(self._stream, delimiter=source.delimiter)
        self._csv.writerow([*REJECTS_HEADERS, *headers[self._again :]])

    def add(self, rows: Sequence[Row], known: Collection[int]) -> Judged:
        """Write those of the rows that were not stored.

        Args:
            rows: as read.
            known: lines of those that were not stored because the campaign had a number of theirs.
        """
        again = 0
        for record, found in rows:
            if isinstance(found, NewContact):
                if record.line not in known:
                    continue
                reason, again = _KNOWN, again + 1
            else:
                reason = found.reason
            fields = record.fields if record.problem else record.fields[self._again :]
            self._csv.writerow([record.line, reason, *fields])
            self._empty = False
        self._stream.flush()
        return judged(rows) + Judged(known=again)

    def close(self) -> None:
        """Close it, all of it on the disk; if nothing was rejected it goes."""
        if not self._stream.closed:
            os.fsync(self._stream.fileno())
            if self._empty:
                self.path.unlink(missing_ok=True)
            self._stream.close()
