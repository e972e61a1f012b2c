"""What the columns of a list mean, and what becomes of their cells."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from controller.domain.contact import NewContact, NumberKind, PhoneNumber
from controller.domain.ids import E164
from controller.engine.calendar import checked_region
from controller.engine.contact_list import Reject, checked
from controller.engine.contact_terms import Term
from controller.engine.delimited import Record
from controller.engine.import_columns import Columns
from controller.engine.import_fields import Field, Meaning, meaning_of
from controller.engine.import_provinces import PROVINCES
from controller.engine.import_reader import ListOptions
from controller.engine.import_values import attribute_of, email_of, tags_of
from controller.engine.number_cells import callable_number, region_of_code
from controller.errors import BadInput

from .lists import bring_in

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
UNKNOWN, MOBILE, HOME, WORK = NumberKind.UNKNOWN, NumberKind.MOBILE, NumberKind.HOME, NumberKind.WORK
TERMS = ListOptions().terms("Europe/Rome", (), NOW)


def found(*headers: str, number: str | None = None, mapping: dict[str, str] | None = None) -> Columns:
    meant = {header: meaning_of(text, "a mapping") for header, text in (mapping or {}).items()}
    return Columns.find(headers, "a file", number, None, mapping=meant)


def contact(
    headers: list[str], cells: list[str], mapping: dict[str, str] | None = None
) -> NewContact | Reject:
    return checked(Record(2, 2, cells), found(*headers, mapping=mapping), "IT", TERMS)


def made(headers: list[str], cells: list[str], mapping: dict[str, str] | None = None) -> NewContact:
    one = contact(headers, cells, mapping)
    assert isinstance(one, NewContact), one
    return one


def why_not(headers: list[str], cells: list[str]) -> str:
    one = contact(headers, cells)
    assert isinstance(one, Reject), one
    return one.reason


# --- several numbers


@pytest.mark.parametrize(
    ("headers", "numbers"),
    [
        (["phone"], [(0, UNKNOWN)]),
        (["Casa", "Cellulare", "ufficio"], [(0, HOME), (1, MOBILE), (2, WORK)]),
        (["phone", "phone2", "Phone 3"], [(0, UNKNOWN), (1, UNKNOWN), (2, UNKNOWN)]),
        (["Mobile", "Mobile_2", "work phone"], [(0, MOBILE), (1, MOBILE), (2, WORK)]),
        (["phone_number", "alt_phone"], [(0, UNKNOWN), (1, UNKNOWN)]),
        (["nome", "Tel. casa", "Telefono fisso", "altro telefono"], [(1, HOME), (2, UNKNOWN), (3, UNKNOWN)]),
        (["numero", "cellulare"], [(1, MOBILE)]),
        (["numero"], [(0, UNKNOWN)]),
    ],
)
def test_columns_of_numbers(headers: list[str], numbers: list[tuple[int, NumberKind]]) -> None:
    assert found(*headers).numbers == numbers


def test_the_number_asked_for_is_called_first() -> None:
    assert found("casa", "cellulare", number="Cellulare").numbers == [(1, MOBILE), (0, HOME)]
    assert found("casa", "numero", number="numero").numbers == [(1, UNKNOWN), (0, HOME)]


def test_a_contact_with_several_numbers() -> None:
    one = made(["casa", "cellulare", "ufficio"], ["06 1234 5678", "347 1234567", ""])
    assert (one.number, one.kind) == ("+390612345678", HOME)
    assert one.others == (PhoneNumber(number=E164("+393471234567"), kind=MOBILE),)


def test_without_the_first_number_the_second_is_called() -> None:
    one = made(["casa", "cellulare"], ["-", "347 1234567"])
    assert (one.number, one.kind, one.others) == ("+393471234567", MOBILE, ())


def test_a_number_is_there_once_and_of_the_kind_that_says_more() -> None:
    one = made(["phone", "mobile", "home"], ["3471234567", "+393471234567", "3471234567"])
    assert (one.number, one.kind, one.others) == ("+393471234567", MOBILE, ())


def test_any_number_that_cannot_be_called_costs_the_row() -> None:
    assert (
        why_not(["casa", "cellulare"], ["06 12345678", "347"])
        == "cellulare: too short for a telephone number"
    )
    assert why_not(["casa", "cellulare"], ["", " "]) == "no telephone number"
    assert why_not(["casa", "cellulare"], ["n/d", "3471234567"]).startswith("casa: letters")


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ("", HOME),
        ("mobile", MOBILE),
        ("Cellulare", MOBILE),
        ("cell.", MOBILE),
        ("Tel. ufficio", WORK),
        ("lavoro", None),
        ("ufficio", WORK),
        ("3", WORK),
        ("1", HOME),
        ("0", None),
        ("4", None),
    ],
)
def test_a_row_may_prefer_a_number(said: str, first: NumberKind | None) -> None:
    headers = ["casa", "cellulare", "Tel. ufficio", "preferito"]
    cells = ["0612345678", "3471234567", "0212345678", said]
    if first is None:
        assert "which number is preferred" in why_not(headers, cells)
        return
    one = made(headers, cells)
    assert one.kind is first
    assert len(one.others) == 2


def test_with_one_number_there_is_nothing_to_prefer() -> None:
    assert made(["tel", "preferred"], ["3471234567", "mornings"]).attributes == {"preferred": "mornings"}


def test_a_preference_for_a_number_that_is_not_there_changes_nothing() -> None:
    one = made(["casa", "cellulare", "preferred"], ["0612345678", "", "mobile"])
    assert one.kind is HOME


async def test_a_number_is_nobody_elses(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(
        "nome;cellulare;casa\nAda;3471234567;0612345678\nBea;3471234568;0612345678\nCai;0612345678;\n"
        "Dea;3471234569;\n"
    )
    report, contacts, rejects = await bring_in(file)
    assert [contact.name for contact in contacts] == ["Ada", "Dea"]
    assert report.duplicates == 2
    assert [row[:2] for row in rejects[1:]] == [["3", "duplicate of line 2"], ["4", "duplicate of line 2"]]


# --- the other fields


def test_well_known_attributes_have_one_key() -> None:
    headers = ["Nome", "COGNOME", "tel", "Comune", "Prov.", "C.A.P.", "Indirizzo", "Sesso", "Data di nascita",
               "Professione", "Lingua", "Nazione", "Titolo", "Note"]  # fmt: skip
    cells = ["Ada", "Rossi", "3471234567", "Forlì", "fc", "184", "via Roma 1", "femmina", "31/12/1980",
             "Medico", "it", "Italia", "Dott.ssa", " socia "]  # fmt: skip
    one = made(headers, cells)
    assert one.name == "Ada Rossi"
    assert one.habits.region == "IT-FC"
    assert one.attributes == {
        "first_name": "Ada",
        "last_name": "Rossi",
        "city": "Forlì",
        "province": "FC",
        "postal_code": "00184",
        "address": "via Roma 1",
        "gender": "F",
        "birth_date": "1980-12-31",
        "profession": "Medico",
        "language": "it",
        "country": "Italia",
        "title": "Dott.ssa",
        "Note": "socia",
    }


def test_a_second_column_of_a_field_is_kept_under_its_header() -> None:
    one = made(
        ["tel", "city", "Comune", "email", "mail"], ["3471234567", "Roma", "Ostia", "a@b.it", "c@d.it"]
    )
    assert one.email == "a@b.it"
    assert one.attributes == {"city": "Roma", "Comune": "Ostia", "mail": "c@d.it"}


def test_a_header_that_is_the_key_of_a_field() -> None:
    one = made(["tel", "comune", "City "], ["3471234567", "Roma", "x"], {"City": "attribute"})
    assert one.attributes == {"city": "Roma", "City": "x"}


def test_email_tags_and_key() -> None:
    one = made(
        ["tel", "E-mail", "Tags", "ID"], ["3471234567", " Ada@Example.org ", "vip; 2026 |vip,a  b", "C-1"]
    )
    assert (one.email, one.tags, one.key) == ("Ada@Example.org", frozenset({"vip", "2026", "a b"}), "C-1")
    assert one.attributes == {}


@pytest.mark.parametrize(
    "text", ["a@b.it", "a.b+c@sub.example.co.uk", "mailto:x@y.org", "ü@exämple.de", "-", ""]
)
def test_e_mail_addresses(text: str) -> None:
    assert email_of(text) == ("" if text == "-" else text.removeprefix("mailto:"))


@pytest.mark.parametrize(
    "text",
    ["a", "a@b", "a@b.", "@b.it", "a b@c.it", "a@b@c.it", ".a@b.it", "a..b@c.it", "a@-b.it", "a@b_.it-",
     "a@b.it;c@d.it", "a@" + "b" * 64 + ".it", "x" * 250 + "@b.it"],
)  # fmt: skip
def test_what_is_no_e_mail_address(text: str) -> None:
    with pytest.raises(ValueError, match="no e-mail address"):
        email_of(text)


def test_tags_have_bounds() -> None:
    assert tags_of(" , ;") == frozenset()
    with pytest.raises(ValueError, match="51 tags"):
        tags_of(",".join(map(str, range(51))))
    with pytest.raises(ValueError, match="longer than 60"):
        tags_of("x" * 61)


@pytest.mark.parametrize(
    ("text", "stored"),
    [("1980-01-31", "1980-01-31"), ("31.1.1980", "1980-01-31"), ("1980-01-31T00:00:00", "1980-01-31"),
     ("0000-00-00", ""), ("-", ""), ("", "")],
)  # fmt: skip
def test_dates_of_birth(text: str, stored: str) -> None:
    assert attribute_of(Field.BIRTH_DATE, text, "IT", NOW) == stored


@pytest.mark.parametrize("text", ["12/31/1980", "29252", "2026-04-02", "1880-01-01"])
def test_dates_on_which_nobody_was_born(text: str) -> None:
    with pytest.raises(ValueError, match="date of birth"):
        attribute_of(Field.BIRTH_DATE, text, "IT", NOW)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("mi", "MI"),
        ("Milano", "MI"),
        ("L’AQUILA", "AQ"),
        ("it-mi", "IT-MI"),
        ("Forli' - Cesena", "FC"),
        ("Oz-Land", "Oz-Land"),
    ],
)
def test_provinces(text: str, stored: str) -> None:
    assert attribute_of(Field.PROVINCE, text, "IT", NOW) == stored


def test_every_province_has_its_holidays() -> None:
    assert len(PROVINCES) == 107
    for code in PROVINCES:
        assert checked_region(f"IT-{code}") == f"IT-{code}"


def test_postal_codes_of_other_countries_stay() -> None:
    assert attribute_of(Field.POSTAL_CODE, "184", "DE", NOW) == "184"
    assert attribute_of(Field.POSTAL_CODE, "SW1A 1AA", "IT", NOW) == "SW1A 1AA"


# --- VICIdial


VICIDIAL = [
    "vendor_lead_code",
    "source_id",
    "list_id",
    "phone_code",
    "phone_number",
    "title",
    "first_name",
    "middle_initial",
    "last_name",
    "address1",
    "address2",
    "address3",
    "city",
    "state",
    "province",
    "postal_code",
    "country_code",
    "gender",
    "date_of_birth",
    "alt_phone",
    "email",
    "security_phrase",
    "comments",
    "rank",
    "owner",
]


def test_vicidials_columns() -> None:
    row = dict.fromkeys(VICIDIAL, "")
    row |= {
        "vendor_lead_code": "L77", "source_id": "web", "list_id": "101", "phone_code": "44",
        "phone_number": "02079460958", "alt_phone": "7911123456", "first_name": "Ann", "middle_initial": "B",
        "last_name": "Lee", "address1": "1 High St", "address2": "Flat 2", "city": "Leeds", "state": "WY",
        "province": "Yorkshire", "country_code": "GBR", "gender": "U", "date_of_birth": "0000-00-00",
        "email": "ann@example.org", "comments": "call late", "rank": "5", "owner": "bob",
    }  # fmt: skip
    one = made(VICIDIAL, list(row.values()))
    assert (one.key, one.name, one.email) == ("L77", "Ann Lee", "ann@example.org")
    assert one.every_number == ("+442079460958", "+447911123456")
    assert one.attributes == {
        "first_name": "Ann", "last_name": "Lee", "address": "1 High St", "city": "Leeds",
        "province": "Yorkshire", "country": "GBR", "source_id": "web", "list_id": "101",
        "middle_initial": "B",
        "address2": "Flat 2", "state": "WY", "comments": "call late", "rank": "5", "owner": "bob",
    }  # fmt: skip
    assert one.habits.region == ""


@pytest.mark.parametrize(
    ("code", "number", "e164"),
    [
        ("1", "2125551234", "+12125551234"),
        ("39", "3471234567", "+393471234567"),
        ("39", "0612345678", "+390612345678"),
        ("+39", "+442079460958", "+442079460958"),
        ("0044", "07911123456", "+447911123456"),
        ("", "3471234567", "+393471234567"),
    ],
)
def test_country_codes_beside_numbers(code: str, number: str, e164: str) -> None:
    assert made(["phone_code", "phone_number"], [code, number]).number == e164


@pytest.mark.parametrize("code", ["999", "IT", "12345", "1a"])
def test_country_codes_that_there_are_not(code: str) -> None:
    assert "country code" in why_not(["phone_code", "phone_number"], [code, "3471234567"])
    with pytest.raises(ValueError, match="country code"):
        region_of_code(code)


async def test_a_list_of_vicidials_with_bars(tmp_path: Path) -> None:
    file = tmp_path / "leads.txt"
    file.write_text(
        "|".join(VICIDIAL) + "\n" + "|".join(["L1", "", "9", "39", "3471234567"] + [""] * 20) + "\n"
    )
    _, (one,), _ = await bring_in(file)
    assert (one.number, one.key, one.attributes) == ("+393471234567", "L1", {"list_id": "9"})


# --- mappings


def test_a_mapping_says_what_columns_mean() -> None:
    mapping = {
        "A": "mobile:2",
        "B": "home:1",
        "C": "name",
        "D": "ignore",
        "E": "attribute:score",
        "F": "email",
    }
    headers = ["A", "B", "C", "D", "E", "F", "phone", "city"]
    one = made(
        headers,
        ["3471234567", "0612345678", "Ada", "x", "7", "a@b.it", "0212345678", "Roma"],
        mapping,
    )
    assert one.every_number == ("+390612345678", "+393471234567", "+390212345678")
    assert (one.name, one.email, one.attributes) == ("Ada", "a@b.it", {"city": "Roma", "score": "7"})
    assert found(*headers, mapping=mapping).meanings == {
        "A": "mobile:2", "B": "home:1", "C": "name", "D": "ignore", "E": "attribute:score", "F": "email",
        "phone": "number:3", "city": "city",
    }  # fmt: skip


@pytest.mark.parametrize(
    "headers",
    [
        [
            "nome",
            "cognome",
            "cellulare",
            "casa",
            "provincia",
            "consenso",
            "fonte",
            "data consenso",
            "note",
            "id",
        ],
        ["name", "phone", "x", "email", "preferred", "region"],
        ["phone", "email", "Email", "email", "x", "x", "phone2", "preferred"],
        VICIDIAL,
    ],
)
def test_what_was_found_is_found_again_by_its_mapping(headers: list[str]) -> None:
    first = found(*headers)
    again = found(*headers, mapping=dict(first.meanings))
    assert again == first


def test_a_mapping_wins_over_headers() -> None:
    mapped = found(
        "phone", "mobile", "provincia", "nome", mapping={"phone": "attribute", "PROVINCIA": "city"}
    )
    assert mapped.numbers == [(1, MOBILE)]
    assert mapped.fields == {Field.CITY: 2}
    assert mapped.free == [(0, "phone")]


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        ({"fax": "number"}, "has no column 'fax', which by the mapping of its source has the number"),
        ({"tel": "email", "nome": "email"}, "has the email in any of 'tel', 'nome'"),
    ],
)
def test_mappings_that_do_not_fit_the_file(mapping: dict[str, str], problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        found("tel", "nome", "cell", mapping=mapping)


def test_a_mapping_may_name_columns_that_do_not_matter() -> None:
    assert found("tel", mapping={"old": "ignore", "older": "attribute"}).numbers == [(0, UNKNOWN)]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("mobile", Meaning(Field.MOBILE)),
        ("Birth-Date", Meaning(Field.BIRTH_DATE)),
        ("home: 2", Meaning(Field.HOME, rank=2)),
        ("attribute:Plan", Meaning(Field.ATTRIBUTE, key="Plan")),
    ],
)
def test_words_of_mappings(text: str, meaning: Meaning) -> None:
    assert meaning_of(text, "x") == meaning
    assert meaning_of(str(meaning), "x") == meaning


@pytest.mark.parametrize("text", ["", "phone", "name:1", "mobile:0", "mobile:x", "ignore:this"])
def test_words_that_mappings_have_not(text: str) -> None:
    with pytest.raises(BadInput, match=r"is no field|is not understood"):
        meaning_of(text, "x")


def test_terms_by_mapping() -> None:
    mapping = {"quando": "consent_date", "dove": "consent_source", "perché": "consent_basis"}
    columns = found("tel", "quando", "dove", "perché", mapping=mapping)
    assert columns.terms == {Term.DATE: 1, Term.SOURCE: 2, Term.BASIS: 3}


# --- what spreadsheets do to numbers


@pytest.mark.parametrize("cell", ["3.93471234567e11", "3,93471234567E+11", "393471234567.0"])
def test_numbers_that_became_fractions_are_repaired(cell: str) -> None:
    assert callable_number(cell, "IT") == "+393471234567"


@pytest.mark.parametrize("cell", ["3.9347123456E+11", "3.93e11", "39.3471234567e10", "3.93471234567e999"])
def test_numbers_that_were_rounded_are_not_guessed(cell: str) -> None:
    with pytest.raises(ValueError, match="rounded"):
        callable_number(cell, "IT")
