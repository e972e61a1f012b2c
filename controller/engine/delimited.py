"""Delimited files as people have them: encodings, delimiters, records out of lines.

What imports of contacts and lists of numbers have in common (docs/contacts.md).
"""

from __future__ import annotations

import codecs
import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Self, TextIO, TypeVar

from controller.errors import BadInput

C = TypeVar("C")

_DELIMITERS = ",;\t|"
_HEAD = 60  # lines among which the headers are looked for
_CHUNK = 1 << 20

MAX_RECORD = 65_536
"""Characters in a record at most: what bounds the memory of an import. No contact is that long."""
_MAX_LINES = 50
"""Lines in a record at most. A quotation mark that is never closed would else swallow the file."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a CSV file.

    Attributes:
        line: its first line in the file, from 1.
        last_line: its last.
        fields: as written; the whole line as one field if it could not be taken apart.
        problem: why it could not be taken apart.
    """

    line: int
    last_line: int
    fields: Sequence[str]
    problem: str = ""

    @property
    def blank(self) -> bool:
        """Nothing is in it: an empty line, or one of delimiters only."""
        return not self.problem and not any(field.strip() for field in self.fields)

    def cells(self, width: int) -> list[str]:
        """The fields, as many as there are headers; those that are missing are empty.

        Raises:
            ValueError: the record could not be taken apart, or has more of them; the text says so.
        """
        if self.problem:
            raise ValueError(self.problem)
        if any("\0" in field for field in self.fields):
            raise ValueError("has a NUL character: the file is damaged")
        if any(field.strip() for field in self.fields[width:]):
            raise ValueError(f"has {len(self.fields)} columns, the headers are {width}")
        return [*self.fields[:width], *[""] * (width - len(self.fields))]


class _Unfinished(Exception):  # noqa: N818 - never leaves this module
    """A record goes on for too long, or the file ends within it."""


class _Lines:
    """Lines, those of the record under way kept so that they can be read again."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._again: deque[str] = deque()
        self.number = 0
        self.taken: list[str] = []

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= _MAX_LINES or sum(map(len, self.taken)) > MAX_RECORD:
            raise _Unfinished
        line = self._again.popleft() if self._again else next(self._lines, None)
        if line is None:
            if self.taken:
                raise _Unfinished
            raise StopIteration
        self.taken.append(line)
        self.number += 1
        return line

    def keep_first(self) -> str:
        """Give all lines but the first back."""
        self._again.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        del self.taken[1:]
        return self.taken[0]


def records_of(lines: Iterable[str], delimiter: str) -> Iterator[Record]:
    """Take lines (with their line ends) apart. Every line belongs to exactly one record.

    Where a record cannot be taken apart, its first line becomes a record with a ``problem``, and the next
    line starts a new one: one stray quotation mark costs one row.
    """
    source = _Lines(lines)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        source.taken = []
        problem = ""
        try:
            fields = next(reader)
        except StopIteration:
            return
        except _Unfinished:
            problem = "a quotation mark is not closed"
        except csv.Error:  # strict, lest a mark left open joins its row to the next
            problem = "a quotation mark is not closed, or not doubled within a quoted field"
        if len(source.taken) == 1 and len(source.taken[0]) >= MAX_RECORD:
            problem = f"longer than {MAX_RECORD} characters; only its start is shown"
        if problem:
            fields = [source.keep_first().rstrip("\r\n")]
            reader = csv.reader(source, delimiter=delimiter, strict=True)
        yield Record(source.number - len(source.taken) + 1, source.number, fields, problem)


def encoding_of(path: Path) -> str:
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


def read_lines(stream: TextIO) -> Iterator[str]:
    """The lines of a file, each cut to MAX_RECORD characters."""
    while line := stream.readline(MAX_RECORD):
        yield line
        while len(line) == MAX_RECORD and not line.endswith(("\n", "\r")):
            line = stream.readline(MAX_RECORD)


def open_text(path: Path) -> TextIO:
    """Open a file for reading, in the encoding that it has; what cannot be decoded is replaced.

    Raises:
        BadInput: it is empty, or no file at all.
        OSError: it cannot be read.
    """
    if path.exists() and not path.is_file():
        raise BadInput(str(path), "is not a file")
    return path.open(encoding=encoding_of(path), errors="replace", newline="")


def delimited(
    stream: TextIO, place: str, columns_of: Callable[[Sequence[str]], C]
) -> tuple[str, C, Iterator[Record]]:
    """Find out how a file is delimited: its delimiter, its columns, and the records after its headers.

    Args:
        stream: of the file, at its start.
        place: the file, for errors.
        columns_of: what the columns mean, from their headers; BadInput if nothing sensible.

    Raises:
        BadInput: there are no headers, or with no delimiter are they what ``columns_of`` accepts.
    """
    lines = read_lines(stream)
    head = list(islice(lines, _HEAD))
    delimiter, columns = _recognised(head, place, columns_of)
    records = records_of(chain(head, lines), delimiter)
    first_record(records)
    return delimiter, columns, records


def _recognised(head: Sequence[str], place: str, columns_of: Callable[[Sequence[str]], C]) -> tuple[str, C]:
    """The delimiter, and the columns it makes of the headers: that with the most of them."""
    if not head:
        raise BadInput(place, "is empty")
    best: tuple[int, str, C] | None = None
    refusal: tuple[int, BadInput] | None = None
    for delimiter in _delimiters(head[0]):
        headers = first_record(records_of(head, delimiter))
        if headers is None:
            raise BadInput(place, "has nothing but empty lines")
        if headers.problem:
            raise BadInput(f"{place} line {headers.line}", headers.problem)
        width = len(headers.fields)
        try:
            columns = columns_of(headers.fields)
        except BadInput as error:
            if refusal is None or width > refusal[0]:
                refusal = width, error
            continue
        if best is None or width > best[0]:
            best = width, delimiter, columns
    if best is None:
        assert refusal is not None
        raise refusal[1]
    return best[1], best[2]


def _delimiters(first_line: str) -> str:
    """Those to be tried; only one if the file says it."""
    text = first_line.strip()
    said = text[4:5] or "\t"
    return said if text[:4].lower() == "sep=" and said in _DELIMITERS else _DELIMITERS


def first_record(records: Iterator[Record]) -> Record | None:
    """Read up to the headers; a line that tells spreadsheets the delimiter comes before them."""
    for record in records:
        said = record.line == 1 and "".join(record.fields).strip().lower()[:4] == "sep="
        if not record.blank and not said:
            return record
    return None
