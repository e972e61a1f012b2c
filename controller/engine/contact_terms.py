"""On what terms a contact may be called: consent and habits, out of the cells of a list. Pure; no I/O.

A list that says something that is not understood is not taken to say nothing: the row is rejected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from zoneinfo import ZoneInfo

from controller.domain.contact import Consent, Habits
from controller.domain.hours import parse_hours
from controller.engine.calendar import checked_region, checked_zone
from controller.engine.import_provinces import province_code
from controller.errors import BadInput


class Term(Enum):
    """What a column may say beside number and name."""

    BASIS = "consent basis"
    SOURCE = "consent source"
    DATE = "consent date"
    SEGMENT = "segment"
    ZONE = "time zone"
    REGION = "region"
    PROVINCE = "province"
    HOURS = "hours"

    @property
    def option(self) -> str:
        """The option of ``import`` that says it for a whole list."""
        return "--" + self.value.replace(" ", "-")


CONSENT = (Term.BASIS, Term.SOURCE, Term.DATE)
"""What makes up a consent: all of them, or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTerms:
    """What holds for a whole list.

    Attributes:
        consent: what is said once for all rows, as written; the file then has no column for it.
        zone: time zone of dates without one.
        country: of bare provinces, as ``IT``.
        segments: names of the campaign's segments; written differently in the file, they mean these.
        now: when the list is read (aware).
    """

    consent: Mapping[Term, str] = field(default_factory=dict)
    zone: ZoneInfo
    country: str
    segments: frozenset[str] = frozenset()
    now: datetime


Cell = Callable[[Term], str]
"""What a row says on a term, stripped; empty if nothing."""


def consent_of(cell: Cell, terms: ListTerms) -> Consent | None:
    """The consent that a row tells of; None if it tells of none.

    Raises:
        ValueError: it is incomplete, refused, still to come or cannot be read; the text says which.
    """
    said = {term: _filled(terms.consent.get(term) or cell(term)) for term in CONSENT}
    if not any(said.values()):
        return None
    basis = basis_of(said[Term.BASIS]) if said[Term.BASIS] else ""
    if missing := [term.value for term in CONSENT if not said[term]]:
        raise ValueError(f"the consent is incomplete: no {' and no '.join(missing)}")
    given_at = date_of(said[Term.DATE], terms)
    return Consent(basis=basis, source=said[Term.SOURCE], given_at=given_at)


def _filled(text: str) -> str:
    # A dash stands for an empty cell, and is neither a source nor a basis.
    return text if any(letter.isalnum() for letter in text) else ""


_YES = frozenset(("yes", "y", "si", "sì", "s", "true", "vero", "1", "x"))
_NO = frozenset(
    ("no", "n", "not", "none", "false", "falso", "0", "nessuno", "negato", "revocato", "withdrawn", "denied")
)


def basis_of(text: str) -> str:
    """The basis as stored; that a box is ticked means consent.

    Raises:
        ValueError: it says that there is none.
    """
    plain = text.strip().casefold()
    if plain in _NO:
        raise ValueError(f"the list says that there is no consent ({text.strip()!r})")
    return "consent" if plain in _YES else text.strip()


def date_of(text: str, terms: ListTerms) -> datetime:
    """When a consent was given.

    Raises:
        ValueError: it cannot be read, or it is still to come.
    """
    try:
        given_at = instant_of(text, terms.zone)
    except ValueError as error:
        raise ValueError(f"the consent's date {error}") from None
    if given_at > terms.now:
        raise ValueError(f"the consent's date {text.strip()!r} is still to come")
    return given_at


_DAY_FIRST = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?:[ T](\d.*))?", re.ASCII)
_DATES = "such as 2026-03-31, 31/03/2026 or 2026-03-31 14:30"
_FIRST_YEAR, _LAST_YEAR = 1900, 2999  # else a mistake, or a program's idea of an empty cell


def instant_of(text: str, zone: ZoneInfo) -> datetime:
    """The instant that a date (its local midnight), or a date with its time, stands for, in UTC.

    Args:
        text: ISO 8601, or day, month and year in this order.
        zone: of what is written without an offset.

    Raises:
        ValueError: it cannot be read; the text says so, without naming what was to be read.
    """
    found = written_moment(text)
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)


def written_moment(text: str) -> datetime:
    """A date, or a date with its time, as written; naive unless it has an offset.

    Raises:
        ValueError: as of ``instant_of``.
    """
    written = text.strip()
    match = _DAY_FIRST.fullmatch(written)
    if match:
        day, _, month, year, clock = match.groups()
        written = f"{year}-{month:0>2}-{day:0>2}" + (f"T{clock}" if clock else "")
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise ValueError(f"{text.strip()!r} cannot be read (allowed: {_DATES})") from None
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise ValueError(f"{text.strip()!r} is of no year that can be meant")
    return found


def habits_of(cell: Cell, terms: ListTerms) -> Habits:
    """When and where a person may be called, as a row says.

    Raises:
        ValueError: it cannot be read; the text says what.
    """
    segment, zone, hours = cell(Term.SEGMENT), cell(Term.ZONE), cell(Term.HOURS)
    names = {name.casefold(): name for name in terms.segments}
    try:
        return Habits(
            segment=segment if segment in terms.segments else names.get(segment.casefold(), segment),
            zone=checked_zone(zone) if zone else "",
            region=_region(cell, terms.country),
            hours=parse_hours(hours) if hours else None,
        )
    except BadInput as error:
        raise ValueError(f"{error.place}: {error.problem}") from None  # what is allowed is too long for a row


def _region(cell: Cell, country: str) -> str:
    """The region as ``IT`` or ``IT-MI``; empty if the row says none."""
    province, region = province_code(cell(Term.PROVINCE), country).upper(), cell(Term.REGION).upper()
    if province:
        return checked_region(province if "-" in province else f"{country}-{province}")
    if not region or "-" in region:
        return checked_region(region) if region else ""
    is_country, is_part = _is_region(region), _is_region(f"{country}-{region}")
    if is_country and is_part:
        raise ValueError(
            f"region: {region!r} is a country and a part of {country}; for the part write "
            f"{country}-{region}, for the country leave it out: the number tells it"
        )
    return checked_region(f"{country}-{region}" if is_part else region)


def _is_region(text: str) -> bool:
    try:
        return bool(checked_region(text))
    except BadInput:
        return False
