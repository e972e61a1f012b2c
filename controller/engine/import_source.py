"""A list of contacts as a file, opened: CSV or spreadsheet, its columns, its rows, how far it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from controller.engine.delimited import Record, delimited, first_record, open_text
from controller.engine.import_columns import Columns
from controller.engine.sheet_rows import SheetRows
from controller.engine.spreadsheet import Package, is_spreadsheet
from controller.errors import BadInput

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class ListFile:
    """A list being read.

    Attributes:
        columns: what its columns mean.
        records: its rows after the headers, one after the other.
        delimiter: of a CSV file; of a spreadsheet's rejects.
        sheet: the name of the sheet; empty for a CSV file.
        size: what ``position`` comes to at the end.
        position: how far it is read.
        close: closes it.
    """

    columns: Columns
    records: Iterator[Record]
    delimiter: str
    sheet: str
    size: int
    position: Callable[[], int]
    close: Callable[[], None]


def open_list(path: Path, sheet: str | None, columns_of: Callable[[Sequence[str]], Columns]) -> ListFile:
    """Open a list, whatever it is: what it is tells its content, not its name.

    Args:
        path: the file.
        sheet: name of a spreadsheet's sheet; None: the first.
        columns_of: what the columns mean, from their headers.

    Raises:
        BadInput: it cannot be read, or has no headers that ``columns_of`` accepts.
        OSError: it cannot be read.
    """
    if is_spreadsheet(path):
        return _spreadsheet(path, sheet, columns_of)
    if sheet is not None:
        raise BadInput("sheet", f"{path} is no spreadsheet, and so has no sheets")
    return _csv(path, columns_of)


def _csv(path: Path, columns_of: Callable[[Sequence[str]], Columns]) -> ListFile:
    stream = open_text(path)
    try:
        delimiter, columns, records = delimited(stream, str(path), columns_of)
        raw: Any = stream.buffer  # of which TextIO does not say that it can tell
        return ListFile(columns, records, delimiter, "", path.stat().st_size, raw.tell, stream.close)
    except BaseException:
        stream.close()
        raise


def _spreadsheet(path: Path, sheet: str | None, columns_of: Callable[[Sequence[str]], Columns]) -> ListFile:
    package = Package(path)
    rows: SheetRows | None = None
    try:
        rows = SheetRows(package, package.sheet(sheet))
        records = iter(rows)
        headers = first_record(records)
        if headers is None:
            raise BadInput(f"{path} sheet {rows.sheet.name!r}", "is empty")
        if headers.problem:
            raise BadInput(f"{path} line {headers.line}", headers.problem)
        columns = columns_of(headers.fields)
        return ListFile(columns, records, ",", rows.sheet.name, rows.size, rows.position, rows.close)
    except BaseException:
        package.close()
        if rows is not None:
            rows.close()
        raise


def digest_of(path: Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits.

    Raises:
        BadInput: it is no file.
        OSError: it cannot be read.
    """
    if path.exists() and not path.is_file():
        raise BadInput(str(path), "is not a file")
    found = sha256()
    with path.open("rb") as stream:
        while data := stream.read(_CHUNK):
            found.update(data)
    return found.hexdigest()
