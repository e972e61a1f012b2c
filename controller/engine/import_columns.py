"""What the columns of a list of contacts mean: by a mapping that is saved, else by their headers. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from controller.domain.contact import NumberKind
from controller.engine.contact_terms import Term
from controller.engine.headers import column_of, listed, number_column_of, plain
from controller.engine.import_fields import (
    FIELD_OF_TERM,
    SINGLE,
    WELL_KNOWN,
    WORDS,
    Field,
    Meaning,
    number_field,
)
from controller.errors import BadInput

_NAME_WORDS = """
name fullname nome nomecompleto nominativo nomecognome nomeecognome cognomenome cognomeenome customer
customername cliente ragionesociale contact contactname
"""
_NAME = frozenset(_NAME_WORDS.split())
_FIRST_NAME = ("firstname", "givenname", "nome", "name")
_LAST_NAME = ("lastname", "surname", "familyname", "cognome")
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
_TERM = {term: frozenset(words.split()) for term, words in _TERM_WORDS.items()}
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
        numbers: index and kind of each telephone number, the one that is called first first.
        name: indices of what makes up the name, in order.
        terms: indices of what says on which terms one may call.
        fields: indices of fields that a contact has once, and of attributes with a key of their own.
        free: the other columns, as index and key of the contact's attributes.
        meanings: field of each column by header, as mappings are written.
    """

    headers: Sequence[str]
    numbers: Sequence[tuple[int, NumberKind]]
    name: Sequence[int]
    free: Sequence[tuple[int, str]]
    terms: Mapping[Term, int] = field(default_factory=dict)
    fields: Mapping[Field, int] = field(default_factory=dict)
    meanings: Mapping[str, str] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """Index of the number that is called first."""
        return self.numbers[0][0]

    @classmethod
    def find(
        cls,
        headers: Sequence[str],
        place: str,
        number: str | None,
        name: str | None,
        said: Collection[Term] = (),
        mapping: Mapping[str, Meaning] | None = None,
    ) -> Columns:
        """Recognise the columns: by what is saved of their source, else by their headers.

        Args:
            headers: of the file.
            place: the file, for errors.
            number: header of the column whose number is called first, where it is not to be recognised.
            name: header of the name's column, likewise.
            said: terms that are said for the whole list.
            mapping: what is known of the columns, by header.

        Raises:
            BadInput: no column has numbers, or more than one may mean the same term; a term is said for the
                whole list and in a column, too; or a header asked for is not there.
        """
        found = _Search(headers, place, said, mapping or {})
        numbers = found.numbers(number)
        names = found.names(name)
        terms = found.terms()
        fields = found.fields(terms)
        free = found.free(fields)
        return cls(headers, numbers, names, free, terms, fields, found.meanings(numbers, names, fields))


class _Search:
    """Columns being recognised, one meaning after the other; a column has one meaning, but for provinces."""

    def __init__(
        self, headers: Sequence[str], place: str, said: Collection[Term], mapping: Mapping[str, Meaning]
    ) -> None:
        self._headers = headers
        self._plain = [plain(header) for header in headers]
        self._place = place
        self._said = said
        self._mapped = _mapped(headers, place, mapping)
        self._taken = {0, 1} if is_rejects_file(headers) else set[int]()
        self._ignored_first = len(self._taken)
        self._terms: dict[Term, int] = {}
        self._parts: Mapping[Field, int] = {}
        self._several = False

    def _open(self, i: int) -> bool:
        """Nothing is known of the column yet."""
        return i not in self._taken and i not in self._mapped

    def _of(self, *fields: Field) -> list[int]:
        """Columns that the mapping gives one of these meanings."""
        return [i for i, meaning in self._mapped.items() if meaning.field in fields]

    def _only(self, field: Field) -> int | None:
        """The column that the mapping gives this meaning."""
        found = self._of(field)
        if len(found) > 1:
            names = listed([self._headers[i] for i in found])
            raise BadInput(
                self._place, f"has the {field.value} in any of {names}, by the mapping of its source"
            )
        return found[0] if found else None

    def numbers(self, wanted: str | None) -> list[tuple[int, NumberKind]]:
        kinds: dict[int, NumberKind] = {}
        ranks: dict[int, int] = {}
        first = column_of(self._headers, wanted, self._place) if wanted is not None else None
        if first is not None:
            known = self._mapped[first].field if first in self._mapped else number_field(self._headers[first])
            kinds[first] = (known and known.kind) or NumberKind.UNKNOWN
            ranks[first] = -1
        for i, header in enumerate(self._headers):
            if i in self._mapped:
                known, ranks[i] = self._mapped[i].field, ranks.get(i, self._mapped[i].rank or 100)
            else:
                known = number_field(header) if self._open(i) else None
            if known is not None and known.kind is not None:
                kinds.setdefault(i, known.kind)
        if not kinds:
            kinds[number_column_of(self._headers, self._place, None)] = NumberKind.UNKNOWN
        self._taken |= kinds.keys()
        self._several = len(kinds) > 1
        order = sorted(kinds, key=lambda i: (ranks.get(i, 100), i))
        return [(i, kinds[i]) for i in order]

    def names(self, wanted: str | None) -> list[int]:
        """Columns of the name; where it is in two, also which is the first and which the last name."""
        if wanted is not None:
            names = [column_of(self._headers, wanted, self._place)]
        elif (whole := self._only(Field.NAME)) is not None:
            names = [whole]
        else:
            first, last = self._only(Field.FIRST_NAME), self._only(Field.LAST_NAME)
            last = self._by_words(_LAST_NAME) if last is None else last
            if first is None and last is not None:
                first = self._by_words(_FIRST_NAME)
            parts = {Field.FIRST_NAME: first, Field.LAST_NAME: last}
            self._parts = {part: i for part, i in parts.items() if i is not None}
            names = list(self._parts.values())
            if not names:
                words = {*_NAME, *_FIRST_NAME}
                names = [i for i, word in enumerate(self._plain) if word in words and self._open(i)][:1]
        self._taken |= set(names)
        return names

    def _by_words(self, words: Sequence[str]) -> int | None:
        """The open column whose header is the first of these words that any has."""
        for word in words:
            for i, header in enumerate(self._plain):
                if header == word and self._open(i):
                    return i
        return None

    def terms(self) -> Mapping[Term, int]:
        # Of VICIdial's lists, the country of a province is not the campaign's.
        foreign = self._by_words(WORDS[Field.PHONE_CODE]) is not None or bool(self._of(Field.PHONE_CODE))
        for term, words in _TERM.items():
            if term is Term.PROVINCE and foreign:
                continue
            mapped = self._only(FIELD_OF_TERM[term])
            if mapped is not None:
                self._take(term, [mapped])
            elif term is Term.REGION and Term.PROVINCE in self._terms:
                continue
            else:
                self._take(term, [i for i, word in enumerate(self._plain) if word in words and self._open(i)])
        consent = {Term.BASIS, Term.DATE} & {*self._terms, *self._said}
        if consent and Term.SOURCE not in self._terms and Term.SOURCE not in self._said:
            perhaps = [i for i, word in enumerate(self._plain) if word in _PERHAPS_SOURCE and self._open(i)]
            self._take(Term.SOURCE, perhaps)
        return self._terms

    def _take(self, term: Term, columns: Sequence[int]) -> None:
        if len(columns) > 1:
            names = listed([self._headers[i] for i in columns])
            raise BadInput(self._place, f"has the {term.value} in any of {names}; rename all but one")
        if columns and term in self._said:
            header = self._headers[columns[0]]
            raise BadInput(
                self._place,
                f"has the {term.value} in {header!r}, and {term.option} says it too",
                "one of them",
            )
        if columns:
            self._terms[term] = columns[0]
            self._taken.add(columns[0])

    def fields(self, terms: Mapping[Term, int]) -> Mapping[Field, int]:
        found = dict(self._parts)
        for single in (*SINGLE, *WELL_KNOWN):
            if single is Field.PROVINCE and Term.PROVINCE in terms:
                found[single] = terms[Term.PROVINCE]
                continue
            i = self._only(single)
            if i is None and (self._several or single is not Field.PREFERRED):
                i = self._by_words(WORDS[single])
            if i is not None:
                found[single] = i
                self._taken.add(i)
        return found

    def free(self, fields: Mapping[Field, int]) -> list[tuple[int, str]]:
        keys: dict[str, int] = {field.value: -1 for field in fields if field not in SINGLE}
        free = []
        for i, header in enumerate(self._headers):
            meaning = self._mapped.get(i)
            if i in self._taken or (meaning is not None and meaning.field is Field.IGNORE):
                continue
            key = base = (meaning.key if meaning else "") or header.strip() or f"column {i + 1}"
            twin = 2
            while key in keys:
                key, twin = f"{base} ({twin})", twin + 1
            keys[key] = i
            free.append((i, key))
        return free

    def meanings(
        self, numbers: Sequence[tuple[int, NumberKind]], names: Sequence[int], fields: Mapping[Field, int]
    ) -> Mapping[str, str]:
        """What was found, as a mapping that finds the same again."""
        found = {i: meaning for i, meaning in self._mapped.items() if i not in self._taken}
        found |= {i: Meaning(Field.NAME) for i in names if i not in fields.values()}
        found |= {i: Meaning(FIELD_OF_TERM[term]) for term, i in self._terms.items()}
        found |= {i: Meaning(single) for single, i in fields.items()}
        of_kind = {kind: each for each in Field if (kind := each.kind) is not None}
        for rank, (i, kind) in enumerate(numbers, 1):
            found[i] = Meaning(of_kind[kind], rank if len(numbers) > 1 else 0)
        told: dict[str, str] = {}
        for i, header in enumerate(self._headers):
            if header.strip() and i >= self._ignored_first:
                told.setdefault(header.strip(), str(found.get(i, Meaning(Field.ATTRIBUTE))))
        return told


def _mapped(headers: Sequence[str], place: str, mapping: Mapping[str, Meaning]) -> dict[int, Meaning]:
    """What the mapping says of each column.

    Raises:
        BadInput: it names a column that the file has not; then the file is not what it is taken for.
    """
    found: dict[int, Meaning] = {}
    for header, meaning in mapping.items():
        for form in (str.strip, plain):
            columns = [i for i, each in enumerate(headers) if form(each) == form(header)]
            if columns:
                break
        single = meaning.field.kind is None and meaning.field not in (Field.ATTRIBUTE, Field.IGNORE)
        found |= dict.fromkeys(columns[:1] if single else columns, meaning)
        if not columns and meaning.field not in (Field.ATTRIBUTE, Field.IGNORE):
            raise BadInput(
                place,
                f"has no column {header!r}, which by the mapping of its source has the {meaning.field.value}",
                f"one of {listed(headers)}; see `contacts mapping`",
            )
    return found
