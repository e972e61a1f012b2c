"""A list of contacts read row by row: each row a contact, or why it is none (docs/contacts.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from controller.domain.contact import NewContact
from controller.engine.contact_list import Reject, checked
from controller.engine.contact_terms import CONSENT, ListTerms, Term, basis_of, date_of
from controller.engine.delimited import Record
from controller.engine.import_columns import Columns
from controller.engine.import_fields import Meaning
from controller.engine.import_seen import SeenNumbers
from controller.engine.import_source import ListFile, open_list
from controller.engine.number_cells import checked_country
from controller.errors import BadInput

Row = tuple[Record, NewContact | Reject]
DUPLICATE = "duplicate of line"
"""How the reason begins for which a row is rejected whose number an earlier row has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOptions:
    """How a list is to be read, beside what it says itself.

    Attributes:
        region: country of the numbers without a country code, as two letters.
        number_column: header of the column whose number is called first; None: it is recognised.
        name_column: header of the name's column, likewise.
        sheet: name of a spreadsheet's sheet; None: the first.
        consent: what is said once for all rows, as written.
        mapping: what is known of the columns, by header; None: nothing.
    """

    region: str = "IT"
    number_column: str | None = None
    name_column: str | None = None
    sheet: str | None = None
    consent: Mapping[Term, str] = field(default_factory=dict)
    mapping: Mapping[str, Meaning] | None = None

    def terms(self, zone: str, segments: Sequence[str], now: datetime) -> ListTerms:
        """What holds for all rows.

        Args:
            zone: IANA name; of dates without an offset.
            segments: names of the campaign's segments.
            now: no consent is younger (aware).

        Raises:
            BadInput: there is no such country, or the consent given for all rows cannot be used.
        """
        consent = {term: text.strip() for term, text in self.consent.items() if text.strip()}
        terms = ListTerms(
            consent=consent,
            zone=ZoneInfo(zone),
            country=checked_country(self.region),
            segments=frozenset(segments),
            now=now,
        )
        for term, check in ((Term.BASIS, basis_of), (Term.DATE, lambda text: date_of(text, terms))):
            if term in consent:
                try:
                    check(consent[term])
                except ValueError as error:
                    raise BadInput(term.option, str(error)) from None
        return terms


class ListReader:
    """A list being read."""

    def __init__(self, path: Path, options: ListOptions, terms: ListTerms) -> None:
        """Open it and find out what it is and what its columns mean.

        Raises:
            BadInput: it cannot be read, or it is not clear which columns have the numbers.
            OSError: it cannot be read.
        """
        self.path = path
        self._options = options
        self._terms = terms
        self._seen = SeenNumbers()
        self._ahead: Record | None = None

        def columns_of(headers: Sequence[str]) -> Columns:
            return Columns.find(
                headers,
                str(path),
                options.number_column,
                options.name_column,
                terms.consent.keys(),
                options.mapping,
            )

        self._file: ListFile = open_list(path, options.sheet, columns_of)
        self.columns, self.delimiter = self._file.columns, self._file.delimiter
        self.sheet, self.size = self._file.sheet, self._file.size
        try:
            self._insist_on_whole_consent()
        except BaseException:
            self.close()
            raise

    def _insist_on_whole_consent(self) -> None:
        # Said for all rows but in part, with no column for the rest, it would have every row rejected.
        said = self._terms.consent
        missing = [term for term in CONSENT if term not in said and term not in self.columns.terms]
        if said and missing:
            lacks = " and ".join(term.value for term in missing)
            raise BadInput(
                ", ".join(term.option for term in said),
                f"is not enough: {self.path} has no column for {lacks}",
                "with " + " and ".join(term.option for term in missing),
            )

    def as_of(self, now: datetime) -> None:
        """Read it as it was read then: an import that goes on must judge its rows as it did."""
        self._terms = replace(self._terms, now=now)

    @property
    def way(self) -> str:
        """A digest of how the list is read: of what each column means, and of what holds for all rows."""
        columns = self.columns
        told = [
            [[i, kind.value] for i, kind in columns.numbers],
            list(columns.name),
            sorted([term.value, i] for term, i in columns.terms.items()),
            sorted([each.value, i] for each, i in columns.fields.items()),
            [list(pair) for pair in columns.free],
            sorted([term.value, text] for term, text in self._terms.consent.items()),
            [self._options.region, self.sheet, self.delimiter],
        ]
        return sha256(json.dumps(told, ensure_ascii=True).encode()).hexdigest()

    @property
    def position(self) -> int:
        """How far the file is read; ``size`` at its end."""
        return self._file.position()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def take(self, count: int, up_to: int | None = None) -> list[Row]:
        """The next rows, ``count`` at most; empty at the end of the file, or of what ends by line ``up_to``.

        Raises:
            BadInput: the file is damaged from here on.
        """
        rows: list[Row] = []
        while len(rows) < count and (record := self._next()) is not None:
            if up_to is not None and record.last_line > up_to:
                self._ahead = record
                break
            rows.append((record, self._check(record)))
        return rows

    def _next(self) -> Record | None:
        if self._ahead is not None:
            record, self._ahead = self._ahead, None
            return record
        return next(islice((record for record in self._file.records if not record.blank), 1), None)

    def _check(self, record: Record) -> NewContact | Reject:
        found = checked(record, self.columns, self._options.region, self._terms)
        if isinstance(found, Reject):
            return found
        first = self._seen.first(found.every_number)
        if first is not None:
            return Reject(record, f"{DUPLICATE} {first}")
        self._seen.add(found.every_number, record.line)
        return found
