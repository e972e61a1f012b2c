"""Importing contacts from a CSV file (docs/contacts.md).

No row is ever lost: each is stored, or written into the rejects file with its line and a reason. Memory is
bounded by the batch, but for about 150 bytes per number, kept to tell which line another is a duplicate of.
"""

from __future__ import annotations

import asyncio
import codecs
import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import TextIO, TypeVar

import phonenumbers

from controller.domain.contact import NewContact
from controller.domain.ids import CampaignId
from controller.engine.contact_list import (
    MAX_RECORD,
    REJECTS_HEADERS,
    Columns,
    Record,
    Reject,
    checked,
    is_rejects_file,
    records_of,
)
from controller.errors import BadInput, RecordsUnreachable
from controller.ports import Records

T = TypeVar("T")

_DELIMITERS = ",;\t"
_HEAD = 60  # lines among which the headers are looked for
_READ_TIMEOUT = 60.0
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of a file.

    Attributes:
        rows: rows with anything in them, the headers not counted; always ``stored + rejected``.
        stored: new contacts.
        rejected: rows written into the rejects file: ``invalid + duplicates + known``.
        invalid: of these, rows from which no contact can be made.
        duplicates: of these, rows whose number an earlier row of the file has.
        known: of these, rows whose number the campaign had before.
        rejects_path: the rejects file; None if nothing was rejected.
        number_column: header of the column that the numbers were taken from.
    """

    rows: int = 0
    stored: int = 0
    rejected: int = 0
    invalid: int = 0
    duplicates: int = 0
    known: int = 0
    rejects_path: Path | None = None
    number_column: str = ""


async def import_contacts(
    path: Path | str,
    campaign: CampaignId,
    records: Records,
    region: str = "IT",
    *,
    number_column: str | None = None,
    name_column: str | None = None,
    rejects_path: Path | str | None = None,
    batch: int = 2000,
) -> ImportReport:
    """Store the contacts of a CSV file.

    Args:
        path: the file.
        campaign: whose contacts they become.
        records: where they are stored.
        region: country of the numbers without a country code, as two letters.
        number_column: header of the number's column; recognised by its name if not given.
        name_column: header of the name's column, likewise.
        rejects_path: where the rejected rows go; ``<name>.rejects.csv`` beside the file if not given. What
            was there is overwritten, and removed if nothing is rejected.
        batch: contacts per transaction.

    Raises:
        BadInput: the file cannot be read, or it is not clear which column has the numbers; nothing is stored.
        RecordsUnreachable: the store failed. What was stored before stays; importing again skips it.
    """
    source, target = Path(path), Path(rejects_path) if rejects_path else _beside(Path(path))
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise BadInput("region", f"{region!r} is no country", "two capital letters, such as IT")
    if await records.campaign(campaign) is None:
        raise BadInput("campaign", f"there is no campaign {campaign!r}")
    reading = await _in_thread(source, lambda: _Source(source, region, number_column, name_column))
    report = ImportReport(number_column=reading.columns.headers[reading.columns.number])
    rejects: _Rejects | None = None
    try:
        rejects = await _in_thread(target, lambda: _Rejects(target, reading))
        while rows := await _in_thread(source, lambda: reading.take(batch)):
            known = await _store(records, campaign, rows, source, report.stored)
            report = await _in_thread(target, lambda: rejects.add(rows, known, report))  # noqa: B023
    finally:
        reading.close()
        if rejects is not None:
            rejects.close()
    return replace(report, rejects_path=target if report.rejected else None)


def _beside(source: Path) -> Path:
    return source.with_name(f"{source.stem}.rejects.csv")


async def _in_thread(place: Path, work: Callable[[], T]) -> T:
    # Files and the checking of numbers would hold up a controller that imports while it dials.
    try:
        async with asyncio.timeout(_READ_TIMEOUT):
            return await asyncio.to_thread(work)
    except TimeoutError:
        raise BadInput(str(place), f"could not be read or written within {_READ_TIMEOUT:.0f} s") from None
    except OSError as error:
        raise BadInput(str(place), f"cannot be used: {error.strerror or error}") from error


Row = tuple[Record, NewContact | Reject]


async def _store(
    records: Records, campaign: CampaignId, rows: Sequence[Row], source: Path, stored: int
) -> frozenset[int]:
    """Store the contacts among the rows; return the lines of those whose number was known."""
    contacts = [found for _, found in rows if isinstance(found, NewContact)]
    if not contacts:
        return frozenset()
    try:
        return frozenset((await records.add_contacts(campaign, contacts)).known)
    except RecordsUnreachable as error:
        raise RecordsUnreachable(
            f"{error} The import of {source} stopped at line {contacts[0].line}; {stored} are stored. "
            "Import the file again later: those are then skipped, as already in the campaign."
        ) from error


class _Source:
    """A file of contacts being read."""

    def __init__(self, path: Path, region: str, number_column: str | None, name_column: str | None) -> None:
        """Open it and find its encoding, delimiter and columns."""
        if path.exists() and not path.is_file():
            raise BadInput(str(path), "is not a file")
        self.path = path
        self._region = region
        self._first_line: dict[int, int] = {}  # of each number; integers, for they are small
        self._stream: TextIO = path.open(encoding=_encoding_of(path), errors="replace", newline="")
        try:
            lines = _read_lines(self._stream)
            head = list(islice(lines, _HEAD))
            self.delimiter, self.columns = _recognise(head, str(path), number_column, name_column)
            self._records = records_of(chain(head, lines), self.delimiter)
            _skip_headers(self._records)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._stream.close()

    def take(self, count: int) -> list[Row]:
        """The next rows, ``count`` at most; empty at the end of the file."""
        rows = (record for record in self._records if not record.blank)
        return [(record, self._check(record)) for record in islice(rows, count)]

    def _check(self, record: Record) -> NewContact | Reject:
        found = checked(record, self.columns, self._region)
        if isinstance(found, Reject):
            return found
        first = self._first_line.setdefault(int(found.number), record.line)
        return found if first == record.line else Reject(record, f"{_DUPLICATE} {first}")


_DUPLICATE = "duplicate of line"
_KNOWN = "already in campaign"


class _Rejects:
    """The rejects file being written: line, reason, and the row as it was."""

    def __init__(self, path: Path, source: _Source) -> None:
        """Make it, before anything is stored: a row that is not stored must have a place to go."""
        if path.resolve() == source.path.resolve():
            raise BadInput(str(path), "is the file to be imported; the rejects need a file of their own")
        headers = source.columns.headers
        self._path = path
        self._again = 2 if is_rejects_file(headers) else 0
        self._empty = True
        # With the mark at its start, spreadsheets take it for what it is: UTF-8.
        self._stream = path.open("w", encoding="utf-8-sig", errors="replace", newline="")
        self._csv = csv.writer(self._stream, delimiter=source.delimiter)
        self._csv.writerow([*REJECTS_HEADERS, *headers[self._again :]])

    def add(self, rows: Sequence[Row], known: frozenset[int], report: ImportReport) -> ImportReport:
        """Write those of the rows that were not stored; return the report with all of them in it."""
        invalid = duplicates = again = 0
        for record, found in rows:
            if isinstance(found, NewContact):
                if record.line not in known:
                    continue
                reason, again = _KNOWN, again + 1
            elif found.reason.startswith(_DUPLICATE):
                reason, duplicates = found.reason, duplicates + 1
            else:
                reason, invalid = found.reason, invalid + 1
            fields = record.fields if record.problem else record.fields[self._again :]
            self._csv.writerow([record.line, reason, *fields])
            self._empty = False
        rejected = invalid + duplicates + again
        self._stream.flush()
        return replace(
            report,
            rows=report.rows + len(rows),
            stored=report.stored + len(rows) - rejected,
            rejected=report.rejected + rejected,
            invalid=report.invalid + invalid,
            duplicates=report.duplicates + duplicates,
            known=report.known + again,
        )

    def close(self) -> None:
        self._stream.close()
        if self._empty:
            self._path.unlink(missing_ok=True)


def _encoding_of(path: Path) -> str:
    """UTF-8 if all of the file is that; UTF-16 if it says so; else Western European Windows."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as stream:
        chunk = stream.read(_CHUNK)
        if not chunk:
            raise BadInput(str(path), "is empty")
        if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        try:
            while chunk:
                decoder.decode(chunk)
                chunk = stream.read(_CHUNK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"


def _read_lines(stream: TextIO) -> Iterator[str]:
    """The lines of a file, each cut to MAX_RECORD characters."""
    while line := stream.readline(MAX_RECORD):
        yield line
        while len(line) == MAX_RECORD and not line.endswith(("\n", "\r")):
            line = stream.readline(MAX_RECORD)


def _recognise(
    head: Sequence[str], place: str, number_column: str | None, name_column: str | None
) -> tuple[str, Columns]:
    """The delimiter, and the columns it makes of the headers."""
    if not head:
        raise BadInput(place, "is empty")
    if head[0].strip()[:4].lower() == "sep=" and (said := head[0].strip()[4:5] or "\t") in _DELIMITERS:
        delimiters: Sequence[str] = (said,)
    else:
        delimiters = _DELIMITERS
    best: tuple[str, Columns] | None = None
    refusal: tuple[int, BadInput] | None = None
    for delimiter in delimiters:
        headers = _skip_headers(records_of(head, delimiter))
        if headers is None:
            raise BadInput(place, "has nothing but empty lines")
        if headers.problem:
            raise BadInput(f"{place} line {headers.line}", headers.problem)
        try:
            columns = Columns.find(headers.fields, place, number_column, name_column)
        except BadInput as error:
            if refusal is None or len(headers.fields) > refusal[0]:
                refusal = len(headers.fields), error
            continue
        if best is None or len(columns.headers) > len(best[1].headers):
            best = delimiter, columns
    if best is None:
        assert refusal is not None
        raise refusal[1]
    return best


def _skip_headers(records: Iterator[Record]) -> Record | None:
    """Read up to the headers; a line that tells spreadsheets the delimiter comes before them."""
    for record in records:
        said = record.line == 1 and "".join(record.fields).strip().lower()[:4] == "sep="
        if not record.blank and not said:
            return record
    return None
