"""What a column of a list of contacts may mean, and the headers by which it is recognised. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from controller.domain.contact import NumberKind
from controller.engine.contact_terms import Term
from controller.engine.headers import is_number_word, plain
from controller.errors import BadInput


class Field(Enum):
    """A field of a contact. The values are what mappings are written in."""

    NUMBER = "number"
    MOBILE = "mobile"
    HOME = "home"
    WORK = "work"
    PREFERRED = "preferred"
    """Which of the numbers is called first."""
    PHONE_CODE = "phone_code"
    """Country code of the numbers that have none, as digits."""
    NAME = "name"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    EMAIL = "email"
    TAGS = "tags"
    KEY = "key"
    """The list's own id of the contact."""
    TITLE = "title"
    ADDRESS = "address"
    CITY = "city"
    PROVINCE = "province"
    POSTAL_CODE = "postal_code"
    COUNTRY = "country"
    GENDER = "gender"
    BIRTH_DATE = "birth_date"
    LANGUAGE = "language"
    PROFESSION = "profession"
    CONSENT_BASIS = "consent_basis"
    CONSENT_SOURCE = "consent_source"
    CONSENT_DATE = "consent_date"
    SEGMENT = "segment"
    TIME_ZONE = "time_zone"
    REGION = "region"
    HOURS = "hours"
    ATTRIBUTE = "attribute"
    """Kept under its header."""
    IGNORE = "ignore"
    """Left out."""

    @property
    def kind(self) -> NumberKind | None:
        """What kind of number it is; None if it is none."""
        return _KINDS.get(self)

    @property
    def term(self) -> Term | None:
        """What it says on the terms of calling; None if nothing."""
        return _TERMS.get(self)


_KINDS = {
    Field.NUMBER: NumberKind.UNKNOWN,
    Field.MOBILE: NumberKind.MOBILE,
    Field.HOME: NumberKind.HOME,
    Field.WORK: NumberKind.WORK,
}
_TERMS = {
    Field.CONSENT_BASIS: Term.BASIS,
    Field.CONSENT_SOURCE: Term.SOURCE,
    Field.CONSENT_DATE: Term.DATE,
    Field.SEGMENT: Term.SEGMENT,
    Field.TIME_ZONE: Term.ZONE,
    Field.PROVINCE: Term.PROVINCE,
    Field.REGION: Term.REGION,
    Field.HOURS: Term.HOURS,
}
FIELD_OF_TERM = {term: field for field, term in _TERMS.items()}

WELL_KNOWN = (
    Field.TITLE,
    Field.ADDRESS,
    Field.CITY,
    Field.PROVINCE,
    Field.POSTAL_CODE,
    Field.COUNTRY,
    Field.GENDER,
    Field.BIRTH_DATE,
    Field.LANGUAGE,
    Field.PROFESSION,
)
"""Attributes that every list has under the same key, whatever its headers say."""
SINGLE = (Field.PREFERRED, Field.PHONE_CODE, Field.EMAIL, Field.TAGS, Field.KEY)
"""Fields of which a contact has one."""

# Of several headers, the first in this order is meant: an "id" beside a customer's number is the row's.
_WORDS: Mapping[Field, str] = {
    Field.PREFERRED: "preferred preferredphone preferrednumber preferito preferenza numeropreferito "
    "telefonopreferito recapitopreferito",
    Field.PHONE_CODE: "phonecode dialcode countrycallingcode prefissointernazionale",
    Field.EMAIL: "email emailaddress mail indirizzoemail indirizzomail postaelettronica",
    Field.TAGS: "tags tag etichette etichetta labels",
    Field.KEY: "vendorleadcode externalid crmid customerid clientid contactid leadid codicecliente idcliente "
    "idcontatto clienteid key id",
    Field.TITLE: "title salutation titolo appellativo",
    Field.ADDRESS: "address streetaddress street address1 addressline1 indirizzo via",
    Field.CITY: "city town locality citta comune localita",
    Field.PROVINCE: "province provincia prov",
    Field.POSTAL_CODE: "postalcode postcode zipcode zip cap codicepostale codiceavviamentopostale",
    Field.COUNTRY: "country countrycode countryname paese nazione",
    Field.GENDER: "gender sex sesso genere",
    Field.BIRTH_DATE: "birthdate dateofbirth dob birthday datadinascita datanascita natoil",
    Field.LANGUAGE: "language lingua",
    Field.PROFESSION: "profession occupation job jobtitle professione occupazione mestiere",
}
WORDS: Mapping[Field, Sequence[str]] = {field: words.split() for field, words in _WORDS.items()}

_KIND_WORDS: Mapping[Field, str] = {
    Field.MOBILE: "mobile mobilenumber mobilephone mobilephonenumber cell cellphone cellphonenumber "
    "cellulare numerocellulare numerodicellulare telefonocellulare telcellulare telcell",
    Field.HOME: "home homephone homenumber hometelephone phonehome casa telefonocasa telefonodicasa telcasa "
    "numerodicasa abitazione telefonoabitazione telabitazione",
    Field.WORK: "work workphone worknumber office officephone businessphone phonework phoneoffice ufficio "
    "telefonoufficio telufficio telefonolavoro tellavoro",
}
_KIND_OF = {word: field for field, words in _KIND_WORDS.items() for word in words.split()}
_OTHER_WORDS = """
altphone altnumber alternatephone alternativephone otherphone othernumber secondaryphone secondphone fixedline
landline altrotelefono altronumero secondotelefono secondonumero telefonoalternativo telefonofisso telfisso
"""
_OTHER = frozenset(_OTHER_WORDS.split())
_DIGITS = "0123456789"


def number_field(header: str) -> Field | None:
    """What kind of number a column has, by its header; None if it is not known to have numbers."""
    word = plain(header)
    for form in (word, word.rstrip(_DIGITS)):  # phone2, cellulare 3
        if form in _KIND_OF:
            return _KIND_OF[form]
        if form in _OTHER or is_number_word(form):
            return Field.NUMBER
    return None


def preferred_field(cell: str) -> Field | None:
    """The kind of number that a cell says is to be called first; None if it says none."""
    word = plain(cell)
    return _KIND_OF.get(word) or (Field.NUMBER if is_number_word(word) else None)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a mapping says of a column.

    Attributes:
        rank: among the numbers, which is tried first; 0 if that is as the columns stand.
        key: of an attribute that is kept under another name than its header; else empty.
    """

    field: Field
    rank: int = 0
    key: str = ""

    def __str__(self) -> str:
        if self.key:
            return f"{self.field.value}:{self.key}"
        return f"{self.field.value}:{self.rank}" if self.rank else self.field.value


def meaning_of(text: str, place: str) -> Meaning:
    """What a mapping's word says: a field, ``mobile:1`` for the number tried first, ``attribute:NAME``.

    Raises:
        BadInput: it says nothing that is known.
    """
    name, _, more = (part.strip() for part in text.partition(":"))
    try:
        field = Field(name.lower().replace("-", "_").replace(" ", "_"))
    except ValueError:
        allowed = ", ".join(field.value for field in Field)
        raise BadInput(place, f"{name!r} is no field of a contact", allowed) from None
    if not more:
        return Meaning(field)
    if field is Field.ATTRIBUTE:
        return Meaning(field, key=more)
    if field.kind is not None and more.isascii() and more.isdecimal() and 1 <= int(more[:4]) <= 99:
        return Meaning(field, rank=int(more[:4]))
    raise BadInput(
        place, f"{text!r} is not understood", "mobile:1 (tried first), attribute:NAME, or the field alone"
    )
