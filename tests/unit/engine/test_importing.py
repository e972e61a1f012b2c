"""Contacts from CSV files as people have them."""
# ruff: noqa: ASYNC240 - the files are small

import asyncio
import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.campaign import Campaign
from controller.domain.contact import Consent, Habits, NumberKind
from controller.domain.hours import parse_hours
from controller.engine.contact_terms import Term
from controller.engine.delimited import MAX_RECORD, records_of
from controller.engine.import_columns import Columns
from controller.engine.importing import ImportReport, import_contacts
from controller.engine.number_cells import callable_number
from controller.errors import BadInput
from controller.law import IT_GARANTE_2014
from controller.store.memory_records import MemoryRecords

from .lists import SPRING, bring_in


def lines_of(text: str) -> list[str]:
    """As a file opened with newline="" gives them."""
    return list(io.StringIO(text, newline=""))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "contacts.csv"


# --- whole files


async def test_a_plain_list(file: Path) -> None:
    file.write_text("number,name,city\n+393471234567,Ada,Roma\n06 1234 5678,Bruno,\n")
    report, contacts, rejects = await bring_in(file)
    assert report == ImportReport(rows=2, stored=2, number_column="number", import_id=report.import_id)
    assert [(c.number, c.name, c.attributes) for c in contacts] == [
        ("+393471234567", "Ada", {"city": "Roma"}),
        ("+390612345678", "Bruno", {}),
    ]
    assert rejects == []
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_as_programs_write_it(file: Path, delimiter: str, encoding: str, end: str) -> None:
    rows = [["Città", "Telefono", "Nome", "Cognome"], ["Forlì", "347 1234567", "Zoë", "D'Amicò"]]
    text = end.join(delimiter.join(row) for row in rows) + end
    file.write_bytes(text.encode(encoding))
    report, (contact,), _ = await bring_in(file)
    assert report.number_column == "Telefono"
    assert contact.name == "Zoë D'Amicò"
    assert contact.attributes == {"city": "Forlì", "first_name": "Zoë", "last_name": "D'Amicò"}


async def test_the_line_that_tells_excel_the_delimiter(file: Path) -> None:
    file.write_text("sep=;\nphone;a,b,c\n3471234567;x\n")
    report, (contact,), _ = await bring_in(file)
    assert (report.rows, contact.attributes) == (1, {"a,b,c": "x"})


async def test_rejects_say_line_and_reason_and_keep_the_row(file: Path) -> None:
    file.write_text(
        "nome;telefono;note\n"
        "Ada;3471234567;ciao\n"
        'Bea;;"=HYPERLINK(""x"")"\n'
        "Ciro;347 123 45 67;\n"
        '"Dario\nsu due righe";abc;\n'
        ";;\n"
        "Elsa;3477654321;x;y\n"
        "Fabio;113;\n"
        "Gina;899123456;\n"
        "Ivo;3,47123E+09;\n"
    )
    report, contacts, rejects = await bring_in(file)
    assert rejects == [
        ["line", "reason", "nome", "telefono", "note"],
        ["3", "no telephone number", "Bea", "", '=HYPERLINK("x")'],
        ["4", "duplicate of line 2", "Ciro", "347 123 45 67", ""],
        ["5", "letters or signs that are not part of a telephone number", "Dario\nsu due righe", "abc", ""],
        ["8", "has 4 columns, the headers are 3", "Elsa", "3477654321", "x", "y"],
        ["9", "an emergency number", "Fabio", "113", ""],
        ["10", "a premium-rate number", "Gina", "899123456", ""],
        [
            "11",
            "a spreadsheet has rounded the number; make the column a Text column and export anew",
            "Ivo",
            "3,47123E+09",
            "",
        ],
    ]
    assert (report.rows, report.stored, report.invalid, report.duplicates) == (8, 1, 6, 1)
    assert report.rejects_path == file.with_name("contacts.rejects.csv")
    assert [contact.name for contact in contacts] == ["Ada"]


async def test_importing_again_stores_nothing_twice(file: Path) -> None:
    file.write_text("phone\n3471234567\n3471234568\n")
    records = MemoryRecords()
    await bring_in(file, records=records)
    with file.open("a") as stream:
        stream.write("3471234569\n3471234567\n")
    report, contacts, rejects = await bring_in(file, records=records, batch=1)
    assert (report.rows, report.stored, report.known, report.duplicates) == (4, 1, 2, 1)
    assert [row[:2] for row in rejects[1:]] == [
        ["2", "already in campaign"],
        ["3", "already in campaign"],
        ["5", "duplicate of line 2"],
    ]
    assert len(contacts) == 3


async def test_rejects_corrected_and_imported(file: Path) -> None:
    file.write_text("phone,name\n34712,Ada\n12,Bea\n")
    records = MemoryRecords()
    report, _, _ = await bring_in(file, records=records)
    again = report.rejects_path
    assert again is not None
    again.write_text(again.read_text(encoding="utf-8-sig").replace("34712,", "3471234567,"))
    report, (contact,), rejects = await bring_in(again, records=records)
    assert (report.stored, report.rejected) == (1, 1)
    assert (contact.name, contact.attributes) == ("Ada", {})
    assert rejects[0] == ["line", "reason", "phone", "name"]
    assert rejects[1][2:] == ["12", "Bea"]


async def test_a_stale_rejects_file_goes(file: Path) -> None:
    file.write_text("phone\n347\n")
    report, _, _ = await bring_in(file)
    assert report.rejects_path is not None
    file.write_text("phone\n3471234567\n")
    report, _, _ = await bring_in(file)
    assert report.rejects_path is None
    assert not file.with_name("contacts.rejects.csv").exists()


async def test_a_quotation_mark_left_open_costs_one_row(file: Path) -> None:
    rows = "".join(f'34712345{i:02d},"Name {i}"\n' for i in range(70))
    file.write_text(f'phone,name\n3470000000,"Ada\n{rows}3470000001,"Zoe')
    report, contacts, rejects = await bring_in(file)
    assert (report.rows, report.stored, report.rejected) == (72, 70, 2)
    assert rejects[1:] == [
        ["2", "a quotation mark is not closed, or not doubled within a quoted field", '3470000000,"Ada'],
        ["73", "a quotation mark is not closed", '3470000001,"Zoe'],
    ]
    assert contacts[0].name == "Name 0"


async def test_a_huge_line_is_one_row(file: Path) -> None:
    huge = "x" * (3 * MAX_RECORD)
    file.write_text(f"phone,name\n3471234567,{huge}\n3471234568,Bea\n")
    report, (contact,), rejects = await bring_in(file)
    assert (report.rows, contact.name) == (2, "Bea")
    assert rejects[1][1].startswith("longer than")


async def test_nul_characters(file: Path) -> None:
    file.write_text("phone,name\n3471234567,A\0da\n")
    report, contacts, rejects = await bring_in(file)
    assert (report.rejected, contacts) == (1, [])
    assert "NUL" in rejects[1][1]


# --- what is refused as a whole


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "is empty"),
        ("\n\n , \n", "nothing but empty lines"),
        ("a,b\n1,2\n", "known to hold telephone numbers; its first line has 'a', 'b'"),
        ("+393471234567,Ada\n", "put headers above it"),
        ("numero;num\n1;2\n", "in any of 'numero', 'num'"),
        ('phone,"name\n3471234567,Ada', "line 1: a quotation mark is not closed"),
    ],
)
async def test_files_that_cannot_be_used(file: Path, content: str, problem: str) -> None:
    file.write_text(content)
    with pytest.raises(BadInput, match=problem) as caught:
        await bring_in(file)
    assert caught.value.place.startswith(str(file))
    assert list(file.parent.iterdir()) == [file]


async def test_places_that_cannot_be_used(file: Path, tmp_path: Path) -> None:
    for wrong in (file, tmp_path):
        with pytest.raises(BadInput, match=str(wrong)):
            await bring_in(wrong)
    file.write_text("phone\n3471234567\n")
    for rejects in (file, tmp_path, tmp_path / "missing" / "r.csv"):
        records = MemoryRecords()
        with pytest.raises(BadInput, match=str(rejects)):
            await bring_in(file, records=records, rejects_path=rejects)
        assert (await records.figures(SPRING)).contacts == 0
    assert file.read_text() == "phone\n3471234567\n"


async def test_region_and_campaign_are_checked(file: Path) -> None:
    file.write_text("phone\n020 7946 0958\n")
    with pytest.raises(BadInput, match="two capital letters"):
        await bring_in(file, region="Italy")
    with pytest.raises(BadInput, match="no campaign"):
        await import_contacts(file, SPRING, MemoryRecords())
    _, (contact,), _ = await bring_in(file, region="GB")
    assert contact.number == "+442079460958"


# --- columns


@pytest.mark.parametrize(
    ("headers", "number", "name", "free"),
    [
        (["Phone Number", "Full name"], 0, [1], []),
        (["First name", "Last name", "tel."], 2, [0, 1], []),
        (["COGNOME", "NOME", "Cellulare"], 2, [1, 0], []),
        (["indirizzo", "numero", "telefono"], 2, [], ["numero"]),
        (["numero", "nome"], 0, [1], []),
        (["phone", "x", "x", "", " x "], 0, [], ["x", "x (2)", "column 4", "x (3)"]),
        (["line", "reason", "phone", "line"], 2, [], ["line"]),
        (["Numéro de téléphone", "mobile"], 1, [], ["Numéro de téléphone"]),
    ],
)
def test_columns_are_recognised(headers: list[str], number: int, name: list[int], free: list[str]) -> None:
    found = Columns.find(headers, "a file", None, None)
    assert (found.number, list(found.name), [key for _, key in found.free]) == (number, name, free)


def test_columns_asked_for() -> None:
    headers = ["Tel. casa", "Tel. Ufficio", "Chi"]
    found = Columns.find(headers, "a file", "tel ufficio", "Chi")
    assert (found.number, list(found.name), list(found.free)) == (1, [2], [])
    assert found.numbers == [(1, NumberKind.WORK), (0, NumberKind.HOME)]
    with pytest.raises(BadInput, match=r"has no column 'fax' .allowed: one of 'Tel\. casa'"):
        Columns.find(headers, "a file", "fax", None)
    with pytest.raises(BadInput, match="more than one column 'x'"):
        Columns.find(["x", "x"], "a file", "x", None)


# --- numbers


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("3471234567", "+393471234567"),
        (" +39 (347) 123-45.67 ", "+393471234567"),
        ("00393471234567", "+393471234567"),
        ("393471234567", "+393471234567"),
        ("393471234567.0", "+393471234567"),
        ("'3471234567", "+393471234567"),
        ('="3471234567"', "+393471234567"),
        ("tel:+393471234567", "+393471234567"),
        ("\u202a+39\u00a0347\u00a01234567\u202c", "+393471234567"),
        ("06/12345678", "+390612345678"),
        ("+12125551234", "+12125551234"),
        ("800123456", "+39800123456"),
    ],
)
def test_numbers(cell: str, number: str) -> None:
    assert callable_number(cell, "IT") == number


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("", "no telephone number"),
        ("-", "no telephone number"),
        ("n/d", "letters"),
        ("3471234567 ext 5", "letters"),
        ("3471234567 oppure 3477654321", "letters"),
        ("3.93E+11", "rounded"),
        ("12", "too short"),
        ("347123456789012345", "too long"),
        ("+999123456789", "country code"),
        ("112", "emergency"),
        ("+39118", "emergency"),
        ("892424", "premium-rate"),
        ("3471234567/3477654321", "too long"),
    ],
)
def test_numbers_that_are_not_called(cell: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        callable_number(cell, "IT")


# --- whatever the bytes

cells = st.one_of(
    st.sampled_from(
        ["3471234567", "3471234568", "+39 06 12345678", "", "abc", '"', "a,b", "x\ny", "\0", "é"]
    ),
    st.text(st.sampled_from('a,;\t"\r\n\0+039 é'), max_size=12),
)
fuzz = st.one_of(
    st.text(st.sampled_from('a1,;\t"\r\n\0 '), max_size=300),
    st.lists(st.lists(cells, max_size=4).map(",".join), max_size=25).map("\n".join),
)


@given(fuzz, st.sampled_from(",;\t"))
@settings(max_examples=100, deadline=None)
def test_every_line_belongs_to_one_record(text: str, delimiter: str) -> None:
    lines = lines_of(text)
    end = 0
    for record in records_of(lines, delimiter):
        assert record.line == end + 1
        assert record.last_line >= record.line
        end = record.last_line
        if record.problem:
            assert record.fields == [lines[record.line - 1].rstrip("\r\n")]
    assert end == len(lines)


@given(st.lists(st.lists(cells, min_size=2, max_size=4), max_size=20), st.sampled_from(",;\t"))
@settings(max_examples=50, deadline=None)
def test_what_csv_writes_is_read_as_it_was(rows: list[list[str]], delimiter: str) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(rows)
    assert [list(record.fields) for record in records_of(lines_of(out.getvalue()), delimiter)] == rows


@given(fuzz)
@settings(max_examples=60, deadline=None)
def test_no_row_is_lost(body: str) -> None:
    text = "phone,name\n" + body

    async def check(path: Path) -> None:
        report, contacts, rejects = await bring_in(path, batch=3)
        rows = [record for record in records_of(lines_of(text), ",") if not record.blank][1:]
        assert report.rows == len(rows)
        assert len(contacts) == report.stored
        rejected = {int(row[0]): row[2:] for row in rejects[1:]}
        assert len(rejected) == report.rejected
        for record in rows:
            if record.line in rejected:
                assert rejected.pop(record.line) == list(record.fields)
        assert not rejected

    with TemporaryDirectory() as directory:
        path = Path(directory) / "fuzz.csv"
        path.write_bytes(text.encode())
        asyncio.run(check(path))


@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "fuzz.csv"
        path.write_bytes(b"phone;name\n3471234567;Ada\n" + body)
        report, _, _ = asyncio.run(bring_in(path))
        assert report.rows >= 1


# --- on which terms they may be called

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
CONSENT_HEADERS = "telefono;base giuridica;fonte;data consenso\n"


def consent(text: str, given_at: datetime) -> Consent:
    basis, _, source = text.partition("/")
    return Consent(basis=basis, source=source, given_at=given_at)


async def test_consent_in_columns(file: Path) -> None:
    file.write_text(
        CONSENT_HEADERS + "3471234567;contratto;n. 12/2025;15/01/2026\n"
        "3471234568;Sì;sito;2026-03-31T14:00\n"
        "3471234569;;-;\n"
        "3471234560;consent;web;2026-03-31 10:00:00+00:00\n"
    )
    _, contacts, rejects = await bring_in(file, now=NOW)
    assert rejects == []
    assert [contact.consent for contact in contacts] == [
        # Midnight and two in the afternoon in Rome, before and after summer time begins.
        consent("contratto/n. 12/2025", datetime(2026, 1, 14, 23, tzinfo=UTC)),
        consent("consent/sito", datetime(2026, 3, 31, 12, tzinfo=UTC)),
        None,
        consent("consent/web", datetime(2026, 3, 31, 10, tzinfo=UTC)),
    ]
    assert all(contact.attributes == {} for contact in contacts)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("contratto;n. 1;", "the consent is incomplete: no consent date"),
        (";n. 1;", "the consent is incomplete: no consent basis and no consent date"),
        ("contratto;;2026-01-01", "the consent is incomplete: no consent source"),
        ("NO;sito;2026-01-01", "the list says that there is no consent ('NO')"),
        ("no;;", "the list says that there is no consent ('no')"),
        ("sì;sito;2026-04-01", "the consent's date '2026-04-01' is still to come"),
        ("sì;sito;2026-03-31T14:01", "the consent's date '2026-03-31T14:01' is still to come"),
        ("sì;sito;31/02/2026", "the consent's date '31/02/2026' cannot be read"),
        ("sì;sito;01/15/2026", "the consent's date '01/15/2026' cannot be read"),
        ("sì;sito;46022", "the consent's date '46022' cannot be read"),
        ("sì;sito;1/1/26", "the consent's date '1/1/26' cannot be read"),
        ("sì;sito;0001-01-01", "the consent's date '0001-01-01' is of no year that can be meant"),
    ],
)
async def test_consent_that_cannot_be_used_costs_its_row(file: Path, cells: str, reason: str) -> None:
    file.write_text(CONSENT_HEADERS + f"3471234567;{cells}\n3471234568;sì;sito;31/3/2026\n")
    report, (contact,), rejects = await bring_in(file, now=NOW)
    assert (report.stored, report.invalid) == (1, 1)
    assert rejects[1][1].startswith(reason)
    assert rejects[1][2:] == ["3471234567", *cells.split(";")]
    assert contact.number == "+393471234568"


async def test_a_date_counts_by_the_campaigns_clock(file: Path) -> None:
    file.write_text(CONSENT_HEADERS + "3471234567;sì;sito;01/04/2026\n")
    for zone, stored in (("Europe/Rome", 0), ("Pacific/Auckland", 1)):
        records = MemoryRecords()
        await records.save_campaign(Campaign(id=SPRING, caller="acme", law=IT_GARANTE_2014, zone=zone))
        report, _, _ = await bring_in(file, records=records, now=NOW)
        assert report.stored == stored


async def test_consent_of_all(file: Path) -> None:
    file.write_text("telefono;fonte\n3471234567;stampa\n")
    said = {"consent_basis": "sì", "consent_source": "fiera", "consent_date": "2026-01-01"}
    _, (contact,), _ = await bring_in(file, now=NOW, **said)
    assert contact.consent == consent("consent/fiera", datetime(2025, 12, 31, 23, tzinfo=UTC))
    assert contact.attributes == {"fonte": "stampa"}


async def test_consent_of_all_but_the_date(file: Path) -> None:
    file.write_text("telefono;data consenso\n3471234567;2026-01-01\n3471234568;\n")
    said = {"consent_basis": "contract", "consent_source": "CRM"}
    report, (contact,), rejects = await bring_in(file, now=NOW, **said)
    assert contact.consent == consent("contract/CRM", datetime(2025, 12, 31, 23, tzinfo=UTC))
    assert (report.rejected, rejects[1][1]) == (1, "the consent is incomplete: no consent date")


@pytest.mark.parametrize(
    ("headers", "said", "problem"),
    [
        ("telefono", {"consent_basis": "yes"}, "no column for consent source and consent date"),
        ("telefono", {"consent_date": "soon"}, "--consent-date: the consent's date 'soon' cannot be read"),
        ("telefono", {"consent_date": "2026-04-01"}, "--consent-date: .* still to come"),
        ("telefono", {"consent_basis": "no"}, "--consent-basis: the list says that there is no consent"),
        ("telefono;consenso", {"consent_basis": "yes"}, "in 'consenso', and --consent-basis says it too"),
        ("telefono;consenso;consent", {}, "has the consent basis in any of 'consenso', 'consent'; rename"),
    ],
)
async def test_consent_of_all_that_cannot_be_used(
    file: Path, headers: str, said: dict[str, str], problem: str
) -> None:
    file.write_text(f"{headers}\n3471234567\n")
    with pytest.raises(BadInput, match=problem):
        await bring_in(file, now=NOW, **said)
    assert list(file.parent.iterdir()) == [file]


async def test_habits(file: Path) -> None:
    file.write_text(
        "telefono;segmento;fuso;provincia;orari;regione\n"
        "3471234567;AZIENDE;Europe/Rome;mi;mon-fri 15:00-18:00;Lombardia\n"
        "3471234568;nuovo;;de-by;;\n"
        "3471234569\n"
    )
    records = MemoryRecords()
    hours = parse_hours("mon-fri 10:00-12:00")
    campaign = Campaign(id=SPRING, caller="acme", law=IT_GARANTE_2014, segment_hours={"aziende": hours})
    await records.save_campaign(campaign)
    _, contacts, rejects = await bring_in(file, records=records)
    assert rejects == []
    assert [contact.habits for contact in contacts] == [
        Habits(
            segment="aziende",
            zone="Europe/Rome",
            region="IT-MI",
            hours=parse_hours("mon-fri 15:00-18:00"),
        ),
        Habits(segment="nuovo", region="DE-BY"),
        Habits(),
    ]
    assert [contact.attributes for contact in contacts] == [
        {"province": "MI", "regione": "Lombardia"},
        {"province": "DE-BY"},
        {},
    ]


@pytest.mark.parametrize(
    ("headers", "cell", "region"),
    [
        ("telefono;provincia", "CH", "IT-CH"),
        ("telefono;provincia", "Forlì-Cesena", "IT-FC"),
        ("telefono;region", "DE", "DE"),
        ("telefono;region", "mi", "IT-MI"),
        ("telefono;region", "IT-CH", "IT-CH"),
    ],
)
async def test_regions(file: Path, headers: str, cell: str, region: str) -> None:
    file.write_text(f"{headers}\n3471234567;{cell}\n")
    _, (contact,), _ = await bring_in(file)
    assert contact.habits == Habits(region=region)


@pytest.mark.parametrize(
    ("header", "cell", "reason"),
    [
        ("timezone", "Rome", "zone: 'Rome' is no time zone"),
        ("provincia", "Milan", "region: 'IT-MILAN': IT has no part 'MILAN'"),
        ("region", "CH", "region: 'CH' is a country and a part of IT; for the part write IT-CH"),
        ("region", "Lombardia", "region: 'LOMBARDIA' is no country"),
        ("orari", "sempre", "'sempre' is not days and times"),
        ("orari", "mon 18:00-15:00", "'18:00-15:00' must run forward"),
    ],
)
async def test_habits_that_cannot_be_read_cost_their_row(
    file: Path, header: str, cell: str, reason: str
) -> None:
    file.write_text(f"telefono;{header}\n3471234567;{cell}\n3471234568;\n")
    report, (contact,), rejects = await bring_in(file)
    assert (report.rejected, contact.habits) == (1, Habits())
    assert rejects[1][1].startswith(reason)


def test_a_source_alone_is_none_of_a_consent() -> None:
    assert Columns.find(["tel", "Fonte", "regione"], "a file", None, None).terms == {}
    found = Columns.find(["tel", "Fonte", "Data consenso"], "a file", None, None)
    assert found.terms == {Term.SOURCE: 1, Term.DATE: 2}
    assert found.free == []
