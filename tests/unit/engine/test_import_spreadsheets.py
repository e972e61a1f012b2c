"""Contacts from spreadsheets: those that programs write, and those that nobody should."""

import asyncio
import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.engine import sheet_rows, spreadsheet, spreadsheet_xml
from controller.engine.delimited import MAX_RECORD, Record
from controller.engine.importing import import_contacts
from controller.engine.sheet_rows import MAX_COLUMNS, SheetRows
from controller.engine.spreadsheet import Package
from controller.errors import BadInput
from controller.store.memory_records import MemoryRecords

from .lists import SPRING, bring_in, spring

AFTERNOON = datetime.fromisoformat("2026-03-31T14:30")  # spreadsheets know no time zones
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "contacts.xlsx"


def write(path: Path, rows: list[list[Any]], **more: list[list[Any]]) -> Path:
    """A workbook as openpyxl writes it; ``more``: further sheets."""
    book = openpyxl.Workbook()
    sheets = {"Foglio1": rows} | more
    book.remove(book.active)
    for name, cells in sheets.items():
        sheet = book.create_sheet(name)
        for row in cells:
            sheet.append(row)
    book.save(path)
    return path


def read(path: Path, sheet: str | None = None) -> list[Record]:
    package = Package(path)
    rows = SheetRows(package, package.sheet(sheet))
    try:
        return list(rows)
    finally:
        rows.close()


def raw(path: Path, sheet: str, *, strings: str = "", sheets: str = "", **parts: str | bytes) -> Path:
    """A workbook with this XML as its only sheet's, and these further parts."""
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    book = sheets or '<sheet name="S" sheetId="1" r:id="r1"/>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{relation}"><sheets>{book}</sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships><Relationship Id="r1" Type="{relation}/worksheet" Target="worksheets/s.xml"/>'
            f'<Relationship Id="r2" Type="{relation}/sharedStrings" Target="sharedStrings.xml"/>'
            "</Relationships>",
        )
        archive.writestr("xl/worksheets/s.xml", sheet)
        if strings:
            archive.writestr("xl/sharedStrings.xml", strings)
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def rows_of(*rows: str) -> str:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(rows)}</sheetData></worksheet>'


def fields(path: Path) -> list[list[str]]:
    return [list(record.fields) for record in read(path)]


# --- what programs write


async def test_a_plain_spreadsheet(file: Path) -> None:
    write(
        file,
        [
            ["Nome", "Cellulare", "Casa", "CAP", "Data di nascita", "Punti", "Socio"],
            ["Ada", 393471234567, "06 1234 5678", 184, date(1980, 12, 31), 12.5, True],
            ["Bea", 3471234568.0, None, "00100", AFTERNOON, 7, False],
            [None, None, None, None, None, None, None],
            ["Cai", "abc", None, None, None, None, None],
        ],
    )
    report, contacts, rejects = await bring_in(file)
    assert (report.rows, report.stored, report.rejected) == (3, 2, 1)
    ada, bea = contacts
    assert (ada.name, ada.every_number) == ("Ada", ("+393471234567", "+390612345678"))
    assert ada.attributes == {
        "postal_code": "00184",
        "birth_date": "1980-12-31",
        "Punti": "12.5",
        "Socio": "true",
    }
    assert (bea.number, bea.attributes["birth_date"]) == ("+393471234568", "2026-03-31")
    assert rejects[1][:2] == ["5", "Cellulare: letters or signs that are not part of a telephone number"]
    assert rejects[1][2:] == ["Cai", "abc"]


async def test_a_sheet_by_name_or_the_first(file: Path) -> None:
    write(file, [["tel"], ["3471234567"]], Clienti=[["x"], [], ["tel", "nome"], ["3471234568", "Bea"]][2:])
    _, (first,), _ = await bring_in(file)
    _, (named,), _ = await bring_in(file, sheet="clienti")
    assert (first.number, named.number) == ("+393471234567", "+393471234568")
    with pytest.raises(BadInput, match=r"has no sheet 'X' .allowed: one of 'Foglio1', 'Clienti'"):
        await bring_in(file, sheet="X")


def test_a_hidden_sheet_is_not_the_first(file: Path) -> None:
    write(file, [["hidden"]], Shown=[["shown"]])
    book = openpyxl.load_workbook(file)
    book["Foglio1"].sheet_state = "hidden"
    book.active = 1
    book.save(file)
    assert fields(file) == [["shown"]]


async def test_only_spreadsheets_have_sheets(tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_text("tel\n3471234567\n")
    with pytest.raises(BadInput, match="no spreadsheet, and so has no sheets"):
        await bring_in(file, sheet="S")


async def test_what_a_file_is_says_its_content(tmp_path: Path) -> None:
    file = write(tmp_path / "contacts.csv", [["tel"], ["3471234567"]])
    report, _, _ = await bring_in(file)
    assert report.stored == 1


def test_values_as_people_write_them(file: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    values = [393471234567.0, 1e20, 0.12345678901234, -5, date(2026, 3, 31), AFTERNOON, time(9, 5), "=1+1",
              "a\nb", " x ", "<&>", "é😀"]  # fmt: skip
    for column, value in enumerate(values, 1):
        sheet.cell(1, column, value)
    sheet.cell(2, 1, 46112).number_format = "dd/mm/yyyy"
    sheet.cell(2, 2, 1e12).number_format = "dd/mm/yyyy"
    sheet.cell(2, 3, 393471234567).number_format = "0.00E+00"
    book.save(file)
    first, second = read(file)
    assert first.problem.startswith("has a formula without its result")
    assert second.fields[:3] == ["2026-03-31", "1000000000000", "393471234567"]
    sheet.cell(1, 8).value = None
    book.save(file)
    assert fields(file)[0] == [
        "393471234567", "1e+20", "0.12345678901234", "-5", "2026-03-31", "2026-03-31T14:30:00", "09:05",
        "", "a\nb", " x ", "<&>", "é😀",
    ]  # fmt: skip


def test_days_since_1904(file: Path) -> None:
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.MAC_EPOCH
    book.active.append([date(2026, 3, 31)])
    book.save(file)
    assert fields(file) == [["2026-03-31"]]


def test_cells_of_every_type(file: Path) -> None:
    strings = (
        f'<sst xmlns="{MAIN}"><si><t>a_x000D_b_xD800__x005F_</t></si><si><r><t>ri</t></r><r><t>ch</t></r>'
        "<rPh><t>silent</t></rPh></si><si/></sst>"
    )
    raw(
        file,
        rows_of(
            '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="C2" t="s"><v>1</v></c><c r="D2" t="s"><v>2</v></c>'
            "</row>",
            '<row><c t="inlineStr"><is><t>in</t><rPh><t>x</t></rPh><t>line</t></is></c>'
            '<c t="str"><f>A1</f><v>f</v></c><c t="str"><f>B1</f><v></v></c>'
            '<c t="e"><v>#N/A</v></c><c t="b"><v>0</v></c><c t="d"><v>2026-03-31</v></c><c/></row>',
            '<row r="2"><c r="B9"><v>3.93471234567E11</v></c></row>',
        ),
        strings=strings,
    )
    assert [(record.line, list(record.fields)) for record in read(file)] == [
        (2, ["a\rb_xD800__", "", "rich", ""]),
        (3, ["inline", "f", "", "#N/A", "false", "2026-03-31"]),
        (4, ["", "393471234567"]),
    ]


def test_prefixes_of_names_do_not_matter(file: Path) -> None:
    raw(
        file,
        f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row><x:c><x:v>1</x:v></x:c></x:row></x:sheetData>'
        "</x:worksheet>",
    )
    assert fields(file) == [["1"]]


# --- what nobody should write


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600)), "of the old kind"),
        (lambda path: path.write_bytes(b"PK\x03\x04"), "breaks off"),
        (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(100)), "breaks off"),
        (lambda path: path.write_bytes(b"PK\x05\x06" + bytes(18)), "no workbook"),
        (lambda path: _zip(path, {"content.xml": "<x/>"}), "no workbook of the kind .xlsx; save it as .xlsx"),
        (lambda path: raw(path, rows_of(), sheets="<x/>"), "no sheet with cells"),
        (lambda path: raw(path, "<worksheet><sheetData><row>"), "its XML is damaged"),
        (lambda path: raw(path, '<!DOCTYPE x [<!ENTITY a "b">]><x/>'), "document type declaration"),
        (lambda path: raw(path, rows_of(), strings="<!DOCTYPE x><x/>"), "document type declaration"),
        (lambda path: raw(path, rows_of('<row><c t="s"><v>9</v></c></row>')), "shared string 9"),
        (lambda path: raw(path, rows_of('<row><c t="s"><v>x</v></c></row>')), "shared string -1"),
        (lambda path: raw(path, rows_of()), "is empty"),
    ],
)
async def test_files_that_are_no_spreadsheets(
    file: Path, make: Callable[[Path], object], problem: str
) -> None:
    make(file)
    with pytest.raises(BadInput, match=problem) as caught:
        await bring_in(file)
    assert str(file) in caught.value.place
    assert list(file.parent.iterdir()) == [file]


def _zip(path: Path, parts: dict[str, str]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def test_an_encrypted_archive(file: Path) -> None:
    raw(file, rows_of())
    content = bytearray(file.read_bytes())
    at = content.find(b"PK\x01\x02")
    while at >= 0:
        content[at + 8] |= 1  # says that the part is encrypted
        at = content.find(b"PK\x01\x02", at + 4)
    file.write_bytes(content)
    with pytest.raises(BadInput, match="encrypted"):
        read(file)


def test_a_damaged_sheet_is_found_before_anything_is_read(file: Path) -> None:
    write(file, [[i, f"name {i * 7919}"] for i in range(500)])
    content = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        info = archive.getinfo("xl/worksheets/sheet1.xml")
    content[info.header_offset + 200] ^= 0xFF
    file.write_bytes(content)
    package = Package(file)
    with pytest.raises(BadInput, match="no spreadsheet that can be read"):
        SheetRows(package, package.sheet(None))
    package.close()


def test_what_unpacks_to_too_much(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw(file, rows_of(" " * (3 << 20)))
    monkeypatch.setattr(spreadsheet.Package.open, "__defaults__", (2 << 20,))
    with pytest.raises(BadInput, match="unpacks to more than 2 MiB"):
        read(file)


def test_a_tag_without_end(file: Path) -> None:
    raw(file, rows_of(f'<row x="{"a" * (2 << 20)}"/>'))
    with pytest.raises(BadInput, match="a tag of more than 1024 KiB"):
        read(file)


def test_a_directory_of_a_million_names(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw(file, rows_of())
    monkeypatch.setattr(spreadsheet, "_MAX_DIRECTORY", 100)
    with pytest.raises(BadInput, match="its directory is larger"):
        read(file)


def test_a_string_that_is_too_long(file: Path) -> None:
    raw(file, rows_of(), strings=f"<sst><si><t>{'x' * (MAX_RECORD + 1)}</t></si></sst>")
    with pytest.raises(BadInput, match="a cell is longer than"):
        read(file)


async def test_rows_that_are_too_long_or_too_wide_are_rejected(file: Path) -> None:
    huge = "x" * (3 * MAX_RECORD)
    raw(
        file,
        rows_of(
            '<row r="1"><c t="str"><v>tel</v></c></row>',
            f'<row r="2"><c t="str"><v>3471234567</v></c><c t="str"><v>{huge}</v></c></row>',
            '<row r="3"><c t="str"><v>3471234568</v></c><c r="XFD3"><v>1</v></c></row>',
            '<row r="4"><c r="ZZZZZZ4" t="str"><v>1</v></c></row>',
            '<row r="99999999999"><c t="str"><v>3471234569</v></c></row>',
        ),
    )
    report, (one,), rejects = await bring_in(file)
    assert (report.rows, one.number) == (4, "+393471234569")
    assert [(row[0], row[1][:24]) for row in rejects[1:]] == [
        ("2", "longer than 65536 charac"),
        ("3", f"has something beyond column {MAX_COLUMNS}"[:24]),
        ("4", f"has something beyond column {MAX_COLUMNS}"[:24]),
    ]
    assert all(len(row[2]) <= MAX_RECORD for row in rejects[1:])


def test_shared_strings_are_not_held(file: Path) -> None:
    count = 20_000
    strings = "".join(f"<si><t>string number {i}</t></si>" for i in range(count))
    row = f'<row><c t="s"><v>0</v></c><c t="s"><v>{count - 1}</v></c></row>'
    raw(file, rows_of(row), strings=f"<sst>{strings}</sst>")
    assert fields(file) == [["string number 0", f"string number {count - 1}"]]


# --- whatever the bytes


def _valid() -> bytes:
    out = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.append(["tel", "nome"])
    for i in range(20):
        book.active.append([f"34712345{i:02d}", f"n{i}"])
    book.save(out)
    return out.getvalue()


VALID = _valid()


@given(st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.binary(min_size=1, max_size=8)), max_size=6))
@settings(max_examples=35, deadline=None)
def test_a_damaged_file_is_read_or_refused(damage: list[tuple[int, bytes]]) -> None:
    content = bytearray(VALID)
    for at, some in damage:
        content[at : at + len(some)] = some
    asyncio.run(_read_or_refused(bytes(content)))


cell = st.sampled_from(
    ['<c t="s"><v>0</v></c>', '<c r="B1"><v>3471234567</v></c>', "<c><v>x</v></c>", "<c><f>1</f></c>",
     "<c/>", "</row>", "<row>", '<row r="1"/>', '<c t="inlineStr"><is><t>tel</t></is></c>', "<v>1</v>",
     '<c r="-" s="9"><v>1e400</v></c>',
     '<c s="0"><v>nan</v></c>', '<row r="٣"><c r="Ω3"><v>1</v></c></row>', '<c t="s"><v>²</v></c>']
)  # fmt: skip


@given(st.lists(cell, max_size=12).map("".join))
@settings(max_examples=50, deadline=None)
def test_any_xml_is_read_or_refused(xml: str) -> None:
    head = '<row><c t="inlineStr"><is><t>tel</t></is></c></row>'

    async def check() -> None:
        with TemporaryDirectory() as folder:
            path = raw(
                Path(folder) / "f.xlsx", rows_of(head, "<row>", xml, "</row>"), strings="<sst><si/></sst>"
            )
            await _read_or_refused(path.read_bytes())

    asyncio.run(check())


async def _read_or_refused(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "f.xlsx"
        path.write_bytes(content)
        records = MemoryRecords()
        await records.save_campaign(spring())
        try:
            report = await import_contacts(path, SPRING, records, batch=7)
        except BadInput:
            jobs = await records.imports.jobs()
            stored = sum(job.counts.stored for job in jobs)
        else:
            assert report.rows == report.stored + report.rejected
            stored = report.stored
        assert (await records.figures(SPRING)).contacts == stored


def test_bounds_are_what_the_handbook_says() -> None:
    assert (spreadsheet.MAX_UNPACKED, sheet_rows.MAX_COLUMNS) == (4 << 30, 1024)
    assert spreadsheet_xml._MAX_TAG == 1 << 20
