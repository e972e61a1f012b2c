"""Reading do-not-call lists and answers of the opposition register (docs/do-not-call.md).

Unlike a list of contacts, such a file is taken whole or not at all: of a number that was left out, nobody
would know that it may not be called.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple, TextIO, TypeVar

from controller.domain.ids import E164
from controller.engine.contact_list import fitted, number_index, one_index
from controller.engine.delimited import Record, delimited, open_text, read_lines
from controller.engine.number_cells import checked_country, possible_number
from controller.errors import BadInput

T = TypeVar("T")

_SHOWN = 20
"""Bad places that are told one by one."""

_OPPOSED = frozenset(
    """
    opposed opposition registered inregister optedout optout donotcall opposto opposta opposizione iscritto
    iscrizione iscrittorpo iscrittoalrpo inregistro nelregistro rpo
    """.split()
)
_YES = frozenset(("yes", "y", "si", "s", "1", "true", "vero"))
_NO = frozenset(("no", "n", "0", "false", "falso"))
_ANSWERS = "yes or no, sì or no, 1 or 0, true or false"


def read_numbers(path: Path | str, region: str) -> Sequence[E164]:
    """The numbers in a file: one a line, or a CSV file whose headers tell the number's column.

    Args:
        path: the file; its encoding and delimiter are found as in imports.
        region: country of numbers in national form, as two capital letters.

    Returns:
        At least one, in the file's order; a number may be there twice.

    Raises:
        BadInput: the file cannot be read, or any line of it has no possible telephone number; the text names
            the first 20 of them.
    """
    checked_country(region)
    with _opened(Path(path)) as stream:
        reading = _Reading(str(path), region)
        if _is_plain(stream, region):
            for line, text in enumerate(read_lines(stream), 1):
                if text.strip(_BLANK):
                    reading.take(line, "number", text, _number_in(region))
        else:
            _, column, records = delimited(stream, str(path), lambda headers: _columns(headers, str(path)))
            for record in records:
                if cells := reading.cells(record, column.width):
                    reading.take(record.line, column.header, cells[column.number], _number_in(region))
        return reading.all(str(path))
