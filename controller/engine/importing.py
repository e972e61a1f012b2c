"""Importing contacts from a CSV file (docs/contacts.md).

No row is ever lost: each is stored, or written into the rejects file with its line and a reason. Memory is
bounded by the batch, but for about 150 bytes per number, kept to tell which line another is a duplicate of.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TextIO, TypeVar
from zoneinfo import ZoneInfo

from controller.domain.campaign import Campaign
from controller.domain.contact import NewContact
from controller.domain.ids import CampaignId
from controller.engine.contact_list import (
    REJECTS_HEADERS,
    Columns,
    Reject,
    checked,
    is_rejects_file,
)
from controller.engine.contact_terms import CONSENT, ListTerms, Term, basis_of, date_of
from controller.engine.delimited import Record, delimited, open_text
from controller.engine.number_cells import checked_country
from controller.errors import BadInput, RecordsUnreachable
from controller.ports import Records

T = TypeVar("T")

_READ_TIMEOUT = 60.0


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
    consent_basis: str = "",
    consent_source: str = "",
    consent_date: str = "",
    now: datetime | None = None,
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
        consent_basis: why all of these people may be called; empty: the file says it, or nobody does.
        consent_source: where all of them said so, likewise.
        consent_date: when, as a date or a date with its time, by the campaign's clock, likewise.
        now: no consent is younger (aware); None: the time it is.
        batch: contacts per transaction.

    Raises:
        BadInput: the file cannot be read, it is not clear which column has the numbers, or the consent given
            for all rows cannot be used; nothing is stored.
        RecordsUnreachable: the store failed. What was stored before stays; importing again skips it.
    """
    source, target = Path(path), Path(rejects_path) if rejects_path else _beside(Path(path))
    checked_country(region)
    row = await records.campaign(campaign)
    if row is None:
        raise BadInput("campaign", f"there is no campaign {campaign!r}")
    said = {Term.BASIS: consent_basis, Term.SOURCE: consent_source, Term.DATE: consent_date}
    terms = _terms(said, row.campaign, region, now or datetime.now(UTC))
    reading = await _in_thread(source, lambda: _Source(source, region, number_column, name_column, terms))
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


def _terms(said: Mapping[Term, str], campaign: Campaign, region: str, now: datetime) -> ListTerms:
    """What holds for all rows."""
    consent = {term: text.strip() for term, text in said.items() if text.strip()}
    terms = ListTerms(
        consent=consent,
        zone=ZoneInfo(campaign.zone),
        country=region,
        segments=frozenset(campaign.segment_hours),
        now=now,
    )
    for term, check in ((Term.BASIS, basis_of), (Term.DATE, lambda text: date_of(text, terms))):
        if term in consent:
            try:
                check(consent[term])
            except ValueError as error:
                raise BadInput(term.option, str(error)) from None
    return terms


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

    def __init__(
        self, path: Path, region: str, number_column: str | None, name_column: str | None, terms: ListTerms
    ) -> None:
        """Open it and find its encoding, delimiter and columns."""
        self.path = path
        self._region = region
        self._terms = terms
        self._first_line: dict[int, int] = {}  # of each number; integers, for they are small

        def columns_of(headers: Sequence[str]) -> Columns:
            return Columns.find(headers, str(path), number_column, name_column, said=terms.consent)

        self._stream: TextIO = open_text(path)
        try:
            self.delimiter, self.columns, self._records = delimited(self._stream, str(path), columns_of)
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

    def close(self) -> None:
        self._stream.close()

    def take(self, count: int) -> list[Row]:
        """The next rows, ``count`` at most; empty at the end of the file."""
        rows = (record for record in self._records if not record.blank)
        return [(record, self._check(record)) for record in islice(rows, count)]

    def _check(self, record: Record) -> NewContact | Reject:
        found = checked(record, self.columns, self._region, self._terms)
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
