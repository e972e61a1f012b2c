"""Reading do-not-call lists and answers of the opposition register (docs/do-not-call.md).

Unlike a list of contacts, such a file is taken whole or not at all: of a number that was left out, nobody
would know that it may not be called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

from controller.domain.ids import E164
from controller.engine.delimited import delimited, open_text, read_lines
from controller.engine.headers import column_of, listed, number_column_of, plain
from controller.engine.number_cells import checked_country, possible_number
from controller.errors import BadInput

_SHOWN = 20
"""Bad places that are told one by one."""
_FILLERS = " \t\r\n,;\u00a0"

_ANSWER_WORDS = """
opposed opposition registered inregister optedout optout donotcall opposto opposta opposizione iscritto
iscrizione iscrittorpo iscrittoalrpo inregistro nelregistro rpo
"""
_ANSWER = frozenset(_ANSWER_WORDS.split())
_YES = frozenset(("yes", "y", "si", "s", "1", "true", "vero"))
_NO = frozenset(("no", "n", "0", "false", "falso"))


def read_numbers(path: Path | str, region: str, number_column: str | None = None) -> Sequence[E164]:
    """The numbers in a file: one a line, or a CSV file whose headers tell the number's column.

    Args:
        path: the file; its encoding and delimiter are found as in imports.
        region: country of numbers in national form, as two capital letters.
        number_column: header of the number's column; recognised by its name if not given.

    Returns:
        At least one, in the file's order; a number may be there twice.

    Raises:
        BadInput: the file cannot be read, or a line of it has no possible telephone number; the text names
            the first 20 such lines.
    """
    checked_country(region)
    problems = _Problems(str(path))

    def columns(headers: Sequence[str]) -> _Columns:
        return _Columns(headers, number_column_of(headers, str(path), number_column), None)

    with _opened(Path(path)) as stream:
        if number_column is None and _has_no_headers(stream, region):
            numbers = list(_lines(stream, region, problems))
        else:
            numbers = [row.number for row in _rows(stream, columns, region, problems)]
    problems.refuse()
    if not numbers:
        raise BadInput(str(path), "has no telephone numbers")
    return numbers


def read_register(
    path: Path | str, region: str, number_column: str | None = None, answer_column: str | None = None
) -> Mapping[E164, bool]:
    """What the opposition register said of the numbers in a file: True for those that it has.

    Args:
        path: a CSV file with a column of numbers and one that says yes or no.
        region: country of numbers in national form, as two capital letters.
        number_column: header of the number's column; recognised by its name if not given.
        answer_column: header of the answer's column, likewise.

    Returns:
        At least one answer.

    Raises:
        BadInput: the file cannot be read, a line of it has no possible telephone number or no answer, or it
            says both yes and no of a number; the text names the first 20 such lines.
    """
    checked_country(region)
    problems = _Problems(str(path))

    def columns(headers: Sequence[str]) -> _Columns:
        number = number_column_of(headers, str(path), number_column)
        return _Columns(headers, number, _answer_of(headers, str(path), answer_column))

    answers: dict[E164, bool] = {}
    first_line: dict[E164, int] = {}
    with _opened(Path(path)) as stream:
        for row in _rows(stream, columns, region, problems):
            line = first_line.setdefault(row.number, row.line)
            if answers.setdefault(row.number, row.opposed) != row.opposed:
                problems.add(row.line, "", f"says the contrary of line {line} of the same number")
    problems.refuse()
    if not answers:
        raise BadInput(str(path), "has no telephone numbers")
    return answers


def _answer_of(headers: Sequence[str], place: str, wanted: str | None) -> int:
    """The column that says whether a number is in the register."""
    if wanted is not None:
        return column_of(headers, wanted, place)
    found = [i for i, header in enumerate(headers) if plain(header) in _ANSWER]
    if len(found) == 1:
        return found[0]
    if found:
        raise BadInput(
            place, f"has the register's answer in any of {listed([headers[i] for i in found])}; say with "
            "--answer-column in which",
        )  # fmt: skip
    raise BadInput(
        place,
        f"has no column that is known to hold the register's answer; its first line has {listed(headers)}. "
        "Say with --answer-column which it is",
    )


def _is_opposed(cell: str) -> bool:
    said = plain(cell)
    if said in _YES:
        return True
    if said in _NO:
        return False
    raise ValueError(f"{cell.strip()[:40]!r} (allowed: yes or no, sì or no, 1 or 0, true or false)")


class _Columns(NamedTuple):
    headers: Sequence[str]
    number: int
    answer: int | None


class _Row(NamedTuple):
    line: int
    number: E164
    opposed: bool


class _Problems:
    """What is wrong in a file, line by line."""

    def __init__(self, place: str) -> None:
        self.place = place
        self._shown: list[str] = []
        self._count = 0

    def add(self, line: int, header: str, why: str) -> None:
        """A line that cannot be used; ``header``: of the field that is to blame, if one is."""
        self._count += 1
        if self._count <= _SHOWN:
            self._shown.append(f"line {line}: {f'{header.strip()}: ' if header.strip() else ''}{why}")

    def refuse(self) -> None:
        """Refuse the file if anything is wrong in it.

        Raises:
            BadInput: with the first places.
        """
        if not self._count:
            return
        more = self._count - len(self._shown)
        told = "; ".join(self._shown) + (f"; and {more} more" if more else "")
        raise BadInput(self.place, f"is refused whole, because of lines that cannot be used: {told}")


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    try:
        with open_text(path) as stream:
            yield stream
    except OSError as error:
        raise BadInput(str(path), f"cannot be used: {error.strerror or error}") from error


def _has_no_headers(stream: TextIO, region: str) -> bool:
    """Whether the first line with anything in it is a number already. The stream is at its start again."""
    first = next((text for text in map(_bare, read_lines(stream)) if text), "")
    stream.seek(0)
    try:
        possible_number(first, region)
    except ValueError:
        return not any(letter.isalpha() for letter in first)
    return True


def _bare(line: str) -> str:
    """A line that has one number, without what spreadsheets put around it."""
    text = line.strip(_FILLERS)
    return text[1:-1] if text[:1] == text[-1:] == '"' else text


def _lines(stream: TextIO, region: str, problems: _Problems) -> Iterator[E164]:
    """The numbers of a file that has one a line, and nothing else."""
    for line, text in enumerate(map(_bare, read_lines(stream)), 1):
        if not text:
            continue
        try:
            yield possible_number(text, region)
        except ValueError as error:
            problems.add(line, "number", str(error))


def _rows(
    stream: TextIO, columns_of: Callable[[Sequence[str]], _Columns], region: str, problems: _Problems
) -> Iterator[_Row]:
    """The rows of a CSV file."""
    _, columns, records = delimited(stream, problems.place, columns_of)
    headers, answer = columns.headers, columns.answer
    for record in records:
        if record.blank:
            continue
        header = ""
        try:
            cells = record.cells(len(headers))
            header = headers[columns.number]
            number = possible_number(cells[columns.number], region)
            if answer is not None:
                header = headers[answer]
            yield _Row(record.line, number, answer is not None and _is_opposed(cells[answer]))
        except ValueError as error:
            problems.add(record.line, header, str(error))
