"""Reading a list of contacts: what its columns mean, contacts out of records. Pure; no I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from controller.domain.contact import NewContact
from controller.engine.contact_terms import ListTerms, Term, consent_of, habits_of
from controller.engine.delimited import Record
from controller.engine.headers import column_of, listed, number_column_of, plain
from controller.engine.number_cells import callable_number
from controller.errors import BadInput

_NAME_WORDS = """
name fullname nome nomecompleto nominativo nomecognome nomeecognome cognomenome cognomeenome customer
customername cliente ragionesociale contact contactname
"""
_NAME = frozenset(_NAME_WORDS.split())
_FIRST_NAME = frozenset(("firstname", "givenname", "nome", "name"))
_LAST_NAME = frozenset(("lastname", "surname", "familyname", "cognome"))
# A "source" may be that of the address: it is the consent's only where more is said of consents.
_TERM_WORDS: Mapping[Term, str] = {
    Term.BASIS: "consentbasis legalbasis lawfulbasis consent basegiuridica basedelconsenso consenso",
    Term.SOURCE: "consentsource sourceofconsent fonteconsenso fontedelconsenso origineconsenso",
    Term.DATE: "consentdate dateofconsent consentgivenat consentat dataconsenso datadelconsenso",
    Term.SEGMENT: "segment segmento",
    Term.ZONE: "timezone tz fuso fusoorario",
    Term.PROVINCE: "province provincia prov",
    Term.REGION: "region holidayregion",
    Term.HOURS: "hours callinghours orari orarichiamata oraridichiamata",
}
_TERMS = {term: frozenset(words.split()) for term, words in _TERM_WORDS.items()}
_PERHAPS_SOURCE = frozenset(("source", "fonte", "origine"))
REJECTS_HEADERS = ["line", "reason"]
"""First headers of a rejects file. Corrected and imported again, they are nobody's attributes."""


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
        terms: indices of what says on which terms one may call.
        free: the other columns, as index and key of the contact's attributes.
    """

    headers: Sequence[str]
    number: int
    name: Sequence[int]
    free: Sequence[tuple[int, str]]
    terms: Mapping[Term, int] = field(default_factory=dict)

    @classmethod
    def find(
        cls,
        headers: Sequence[str],
        place: str,
        number: str | None,
        name: str | None,
        said: Collection[Term] = (),
    ) -> Columns:
        """Recognise the columns by their headers.

        Args:
            headers: of the file.
            place: the file, for errors.
            number: header of the number's column, where it is not to be recognised.
            name: header of the name's column, likewise.
            said: terms that are said for the whole list.

        Raises:
            BadInput: no column, or more than one, may be the number's, or mean the same term; a term is said
                for the whole list and in a column, too; or a header asked for is not there.
        """
        index = number_column_of(headers, place, number)
        names = [column_of(headers, name, place)] if name is not None else _name_indices(headers)
        taken = {index, *names} | ({0, 1} if is_rejects_file(headers) else set())
        terms = _terms(headers, taken, place, said)
        taken |= set(terms.values())
        keys: dict[str, int] = {}
        for i, header in enumerate(headers):
            if i in taken:
                continue
            key = base = header.strip() or f"column {i + 1}"
            twin = 2
            while key in keys:
                key, twin = f"{base} ({twin})", twin + 1
            keys[key] = i
        return cls(headers, index, names, [(i, key) for key, i in keys.items()], terms)


def _terms(
    headers: Sequence[str], taken: Collection[int], place: str, said: Collection[Term]
) -> Mapping[Term, int]:
    """The columns that say on which terms one may call."""
    free = {i: plain(header) for i, header in enumerate(headers) if i not in taken}
    found: dict[Term, int] = {}

    def look(term: Term, words: Collection[str]) -> None:
        columns = [i for i, header in free.items() if header in words]
        if len(columns) > 1:
            names = listed([headers[i] for i in columns])
            raise BadInput(place, f"has the {term.value} in any of {names}; rename all but one")
        if columns and term in said:
            header = headers[columns[0]]
            raise BadInput(
                place, f"has the {term.value} in {header!r}, and {term.option} says it too", "one of them"
            )
        if columns:
            found[term] = columns[0]

    for term, words in _TERMS.items():
        if term is not Term.REGION or Term.PROVINCE not in found:
            look(term, words)
    consent = {Term.BASIS, Term.DATE} & {*found, *said}
    if consent and Term.SOURCE not in found and Term.SOURCE not in said:
        look(Term.SOURCE, _PERHAPS_SOURCE)
    return found


def _name_indices(headers: Sequence[str]) -> list[int]:
    found = [plain(header) for header in headers]
    last = [i for i, header in enumerate(found) if header in _LAST_NAME][:1]
    first = [i for i, header in enumerate(found) if header in _FIRST_NAME][:1]
    return (
        first + last if last else [i for i, header in enumerate(found) if header in _NAME or i in first][:1]
    )


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

    def cell(term: Term) -> str:
        return cells[columns.terms[term]].strip() if term in columns.terms else ""

    try:
        cells = record.cells(len(columns.headers))
        return NewContact(
            number=callable_number(cells[columns.number], region),
            name=" ".join(filter(None, (cells[i].strip() for i in columns.name))),
            attributes={key: cells[i].strip() for i, key in columns.free if cells[i].strip()},
            line=record.line,
            consent=consent_of(cell, terms),
            habits=habits_of(cell, terms),
        )
    except ValueError as error:
        return Reject(record, str(error))
