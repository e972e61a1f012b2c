"""Reading a list of contacts: records out of lines, contacts out of records. Pure; no I/O."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import phonenumbers
from phonenumbers import PhoneNumberType, ValidationResult, shortnumberinfo

from controller.domain.contact import NewContact
from controller.domain.ids import E164
from controller.errors import BadInput

MAX_RECORD = 65_536
"""Characters in a record at most: what bounds the memory of an import. No contact is that long."""
_MAX_LINES = 50
"""Lines in a record at most. A quotation mark that is never closed would else swallow the file."""

# --- records out of lines ------------------------------------------------------------------------------


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
        return not any(field.strip() for field in self.fields)


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


# --- contacts out of records ---------------------------------------------------------------------------

_NUMBER_WORDS = """
phone phonenumber telephone telephonenumber tel telnumber telno phoneno telefono numeroditelefono
numerotelefono numtelefono cellulare numerocellulare numerodicellulare cell cellphone cellphonenumber mobile
mobilenumber mobilephone mobilephonenumber recapitotelefonico utenza msisdn e164 callee
"""
_NAME_WORDS = """
name fullname nome nomecompleto nominativo nomecognome nomeecognome cognomenome cognomeenome customer
customername cliente ragionesociale contact contactname
"""
_NUMBER = frozenset(_NUMBER_WORDS.split())
_PERHAPS_NUMBER = frozenset(("number", "numero", "num"))  # may be that of a house
_NAME = frozenset(_NAME_WORDS.split())
_FIRST_NAME = frozenset(("firstname", "givenname", "nome", "name"))
_LAST_NAME = frozenset(("lastname", "surname", "familyname", "cognome"))
REJECTS_HEADERS = ["line", "reason"]
"""First headers of a rejects file. Corrected and imported again, they are nobody's attributes."""


def _plain(header: str) -> str:
    """A header without case, accents, spaces and signs."""
    letters = unicodedata.normalize("NFKD", header).casefold()
    return "".join(letter for letter in letters if letter.isalnum())


def is_rejects_file(headers: Sequence[str]) -> bool:
    """Whether the headers are those of a rejects file of ours."""
    return list(headers[:2]) == REJECTS_HEADERS


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a file mean.

    Attributes:
        headers: as written.
        number: index of the telephone number.
        name: indices of what makes up the name, in order.
        free: the other columns, as index and key of the contact's attributes.
    """

    headers: Sequence[str]
    number: int
    name: Sequence[int]
    free: Sequence[tuple[int, str]]

    @classmethod
    def find(cls, headers: Sequence[str], place: str, number: str | None, name: str | None) -> Columns:
        """Recognise the columns by their headers.

        Args:
            headers: of the file.
            place: the file, for errors.
            number: header of the number's column, where it is not to be recognised.
            name: header of the name's column, likewise.

        Raises:
            BadInput: no column, or more than one, may be the number's; or a header asked for is not there.
        """
        index = _index_of(headers, number, place) if number is not None else _number_index(headers, place)
        names = [_index_of(headers, name, place)] if name is not None else _name_indices(headers)
        keys: dict[str, int] = {}
        for i, header in enumerate(headers):
            if i == index or i in names or (i < 2 and is_rejects_file(headers)):
                continue
            key = base = header.strip() or f"column {i + 1}"
            twin = 2
            while key in keys:
                key, twin = f"{base} ({twin})", twin + 1
            keys[key] = i
        return cls(headers, index, names, [(i, key) for key, i in keys.items()])


def _index_of(headers: Sequence[str], wanted: str, place: str) -> int:
    for form in (str, str.strip, _plain):
        found = [i for i, header in enumerate(headers) if form(header) == form(wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            raise BadInput(place, f"has more than one column {wanted!r}; rename one")
    raise BadInput(place, f"has no column {wanted!r}", "one of " + _listed(headers))


def _number_index(headers: Sequence[str], place: str) -> int:
    for words in (_NUMBER, _PERHAPS_NUMBER):
        found = [i for i, header in enumerate(headers) if _plain(header) in words]
        if len(found) == 1:
            return found[0]
        if found:
            columns = _listed([headers[i] for i in found])
            raise BadInput(
                place, f"has the telephone number in any of {columns}; say with --number-column in which"
            )
    raise BadInput(
        place,
        f"has no column that is known to hold telephone numbers; its first line has {_listed(headers)}. "
        "Say with --number-column which it is; if that line is a contact already, put headers above it",
    )


def _name_indices(headers: Sequence[str]) -> list[int]:
    plain = [_plain(header) for header in headers]
    last = [i for i, header in enumerate(plain) if header in _LAST_NAME][:1]
    first = [i for i, header in enumerate(plain) if header in _FIRST_NAME][:1]
    return (
        first + last if last else [i for i, header in enumerate(plain) if header in _NAME or i in first][:1]
    )


def _listed(headers: Sequence[str]) -> str:
    shown = ", ".join(repr(header.strip()[:40]) for header in headers[:20])
    return shown + (f" and {len(headers) - 20} more" if len(headers) > 20 else "")


_INVISIBLE = "\ufeff\u200b\u200e\u200f\u202a\u202c\u00a0 \t\r\n"
_DIALABLE = re.compile(r"[+\d\s()./\-\u2010-\u2015]+")
_SCIENTIFIC = re.compile(r"\d+([.,]\d+)?E\+?\d+", re.IGNORECASE)
_AS_FRACTION = re.compile(r"\+?\d{6,15}\.0")
_WHY_NONE = {
    phonenumbers.NumberParseException.INVALID_COUNTRY_CODE: "no country has this country code",
    phonenumbers.NumberParseException.TOO_SHORT_NSN: "too short for a telephone number",
    phonenumbers.NumberParseException.TOO_LONG: "too long for a telephone number",
}
_WHY_NOT = {
    ValidationResult.INVALID_COUNTRY_CODE: "no country has this country code",
    ValidationResult.TOO_SHORT: "too short for a telephone number",
    ValidationResult.TOO_LONG: "too long for a telephone number",
    ValidationResult.INVALID_LENGTH: "no telephone number has this length",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "the area code is missing",
}


def e164(cell: str, region: str) -> E164:
    """The number in a cell.

    Raises:
        ValueError: it cannot be called; the text says why.
    """
    text = cell.strip(_INVISIBLE)
    if text.startswith('="') and text.endswith(
        '"'
    ):  # how spreadsheets are kept from taking it for a quantity
        text = text[2:-1]
    text = text.removeprefix("'").removeprefix("tel:").strip(_INVISIBLE)
    if not text:
        raise ValueError("no telephone number")
    if _SCIENTIFIC.fullmatch(text):
        raise ValueError(
            "a spreadsheet has rounded the number; make the column a Text column and export anew"
        )
    if _AS_FRACTION.fullmatch(text):
        text = text[:-2]
    if not _DIALABLE.fullmatch(text):
        raise ValueError("letters or signs that are not part of a telephone number")
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise ValueError(_WHY_NONE.get(error.error_type, "no telephone number")) from None
    return _callable(number)


def _callable(number: phonenumbers.PhoneNumber) -> E164:
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:
        where = phonenumbers.region_code_for_country_code(number.country_code or 0)
        if shortnumberinfo.is_emergency_number(phonenumbers.national_significant_number(number), where):
            raise ValueError("an emergency number")
        reason = phonenumbers.is_possible_number_with_reason(number)
        raise ValueError(_WHY_NOT.get(reason, "the number is not assigned to anything in its country"))
    if kind == PhoneNumberType.PREMIUM_RATE:
        raise ValueError("a premium-rate number")
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not 8 <= len(text) <= 16:
        raise ValueError("not 7 to 15 digits long")
    return E164(text)


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that does not become a contact, and why."""

    record: Record
    reason: str


def checked(record: Record, columns: Columns, region: str) -> NewContact | Reject:
    """The contact in a record, or why there is none."""
    fields = record.fields
    if record.problem:
        return Reject(record, record.problem)
    if any("\0" in field for field in fields):
        return Reject(record, "has a NUL character: the file is damaged")
    width = len(columns.headers)
    if any(field.strip() for field in fields[width:]):
        return Reject(record, f"has {len(fields)} columns, the headers are {width}")
    cells = [*fields[:width], *[""] * (width - len(fields))]
    try:
        number = e164(cells[columns.number], region)
    except ValueError as error:
        return Reject(record, str(error))
    return NewContact(
        number=number,
        name=" ".join(filter(None, (cells[i].strip() for i in columns.name))),
        attributes={key: cells[i].strip() for i, key in columns.free if cells[i].strip()},
        line=record.line,
    )
