"""Reading a list of contacts: contacts out of records. Pure; no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controller.domain.contact import NewContact, NumberKind, PhoneNumber
from controller.domain.ids import E164
from controller.engine.contact_terms import ListTerms, Term, consent_of, habits_of
from controller.engine.delimited import Record
from controller.engine.headers import plain
from controller.engine.import_columns import Columns
from controller.engine.import_fields import SINGLE, Field, preferred_field
from controller.engine.import_values import attribute_of, email_of, filled, tags_of
from controller.engine.number_cells import callable_number, region_of_code


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that does not become a contact, and why."""

    record: Record
    reason: str


def checked(record: Record, columns: Columns, region: str, terms: ListTerms) -> NewContact | Reject:
    """The contact in a record, or why there is none.

    Args:
        record: as read.
        columns: what its fields mean.
        region: country of numbers in national form.
        terms: what holds for the whole list.
    """

    def term(term: Term) -> str:
        return cells[columns.terms[term]].strip() if term in columns.terms else ""

    def cell(field: Field) -> str:
        return cells[columns.fields[field]] if field in columns.fields else ""

    try:
        cells = record.cells(len(columns.headers))
        first, *others = _numbers(cells, columns, region)
        attributes = {
            each.value: value
            for each, i in columns.fields.items()
            if each not in SINGLE and (value := attribute_of(each, cells[i], terms.country, terms.now))
        }
        attributes |= {key: value for i, key in columns.free if (value := cells[i].strip())}
        return NewContact(
            number=first.number,
            kind=first.kind,
            others=tuple(others),
            name=" ".join(filter(None, (cells[i].strip() for i in columns.name))),
            email=email_of(cell(Field.EMAIL)),
            attributes=attributes,
            tags=tags_of(cell(Field.TAGS)),
            key=cell(Field.KEY).strip(),
            line=record.line,
            consent=consent_of(term, terms),
            habits=habits_of(term, terms),
        )
    except ValueError as error:
        return Reject(record, str(error))


def _numbers(cells: Sequence[str], columns: Columns, region: str) -> list[PhoneNumber]:
    """A row's numbers, each once, the one that is called first first.

    Raises:
        ValueError: there is none, or one that cannot be called.
    """
    code = columns.fields.get(Field.PHONE_CODE)
    if code is not None and filled(cells[code]):
        region = region_of_code(cells[code])
    several = len(columns.numbers) > 1
    found: dict[E164, NumberKind] = {}
    for i, kind in _in_order(cells, columns):
        if several and not filled(cells[i]):
            continue
        try:
            number = callable_number(cells[i], region)
        except ValueError as error:
            raise ValueError(f"{columns.headers[i].strip()}: {error}" if several else str(error)) from None
        if found.get(number, NumberKind.UNKNOWN) is NumberKind.UNKNOWN:
            found[number] = kind
    if not found:
        raise ValueError("no telephone number")
    return [PhoneNumber(number=number, kind=kind) for number, kind in found.items()]


def _in_order(cells: Sequence[str], columns: Columns) -> Sequence[tuple[int, NumberKind]]:
    """The columns of numbers as they are to be tried for a row that may prefer one."""
    column = columns.fields.get(Field.PREFERRED)
    said = filled(cells[column]) if column is not None else ""
    if not said:
        return columns.numbers
    wanted = preferred_field(said)
    if said.isascii() and said.isdecimal():
        first = columns.numbers[int(said[:4]) - 1 : int(said[:4])] if int(said[:4]) else ()
    else:
        first = [each for each in columns.numbers if plain(columns.headers[each[0]]) == plain(said)]
        first = first or [each for each in columns.numbers if wanted is not None and each[1] is wanted.kind]
    if not first and wanted is None:
        raise ValueError(f"which number is preferred, {said[:40]!r}, is not understood")
    return [*first, *(each for each in columns.numbers if each not in first)]
