"""How a list would be imported: what its columns mean, its first rows as they would be stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.engine.contact_terms import ListTerms
from controller.engine.import_reader import ListOptions, ListReader, Row
from controller.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The beginning of a list.

    Attributes:
        meanings: field of each column by header, as mappings are written.
        delimiter: of a CSV file; empty for a spreadsheet.
        sheet: of a spreadsheet; empty for a CSV file.
        rows: the first rows, each with the contact it becomes, or why it becomes none.
    """

    meanings: Mapping[str, str]
    delimiter: str
    sheet: str
    rows: Sequence[Row]


def preview(path: Path, options: ListOptions, terms: ListTerms, count: int) -> Preview:
    """Read the first rows of a list, ``count`` at most.

    What only the campaign knows (numbers that it has already) is not looked at.

    Raises:
        BadInput: the file cannot be read, or it is not clear what its columns mean.
    """
    try:
        reader = ListReader(path, options, terms)
    except OSError as error:
        raise BadInput(str(path), f"cannot be used: {error.strerror or error}") from error
    try:
        return Preview(
            meanings=reader.columns.meanings,
            delimiter="" if reader.sheet else reader.delimiter,
            sheet=reader.sheet,
            rows=reader.take(count),
        )
    finally:
        reader.close()
