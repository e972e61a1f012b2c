"""Do-not-call lists and answers of the register, from files as people have them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.engine.number_cells import callable_number, possible_number
from controller.engine.number_list import read_numbers, read_register
from controller.errors import BadInput


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


# --- numbers


@pytest.mark.parametrize(
    "text",
    [
        "3471234567\n+39 06 1234 5678\n",
        "3471234567;\n\n'0612345678;\n",
        '"3471234567"\n"06 12345678"\n',
        "numero\n3471234567\n0612345678\n",
        "sep=;\nnome;cellulare\nAda;347 1234567\n;;\nBea;06-12345678\n",
        "\n\nTel.,nota\n3471234567,x\n0612345678\n",
        '="3471234567"\ntel:0612345678',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_numbers_however_they_are_written(file: Path, text: str, encoding: str, end: str) -> None:
    file.write_bytes(text.replace("\n", end).encode(encoding))
    assert read_numbers(file, "IT") == ["+393471234567", "+390612345678"]


def test_duplicates_do_no_harm(file: Path) -> None:
    file.write_text("3471234567\n+393471234567\n")
    assert read_numbers(file, "IT") == ["+393471234567"] * 2


def test_the_column_can_be_named(file: Path) -> None:
    file.write_text("casa;chi\n3471234567;Ada\n")
    assert read_numbers(file, "IT", "Casa") == ["+393471234567"]
    with pytest.raises(BadInput, match="has no column 'fax'"):
        read_numbers(file, "IT", "fax")


def test_what_is_not_called_can_be_listed_all_the_same(file: Path) -> None:
    # Premium-rate, and a range that nobody has yet.
    file.write_text("899123456\n+15551234567\n")
    assert read_numbers(file, "IT") == ["+39899123456", "+15551234567"]
    with pytest.raises(ValueError, match="not assigned"):
        callable_number("+15551234567", "IT")


def test_a_bad_line_refuses_the_whole_file(file: Path) -> None:
    file.write_text("nome;telefono\nAda;3471234567\nBea;347\nCiro;n/d\nDora;\nEva;3477654321;x\n")
    with pytest.raises(BadInput) as caught:
        read_numbers(file, "IT")
    assert caught.value.place == str(file)
    assert caught.value.problem == (
        "is refused whole, because of lines that cannot be used: "
        "line 3: telefono: too short for a telephone number; "
        "line 4: telefono: letters or signs that are not part of a telephone number; "
        "line 5: telefono: no telephone number; "
        "line 6: has 3 columns, the headers are 2"
    )


def test_the_first_20_places_are_told(file: Path) -> None:
    file.write_text("3471234567\n" + "12\n" * 33)
    with pytest.raises(BadInput, match=r"line 21: number: too short.*; and 13 more$") as caught:
        read_numbers(file, "IT")
    assert "line 22" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("\n \n", "has no telephone numbers"),
        ("telefono\n", "has no telephone numbers"),
        ("nome\nAda\n", "no column that is known to hold telephone numbers"),
        ("tel;cell\n1;2\n", "in any of 'tel', 'cell'; say with --number-column"),
        ('numero\n"3471234567\n', "line 2: a quotation mark is not closed"),
        ("numero\n34712\x0034567\n", "line 2: has a NUL character"),
    ],
)
def test_files_that_cannot_be_used(file: Path, text: str, problem: str) -> None:
    file.write_text(text)
    with pytest.raises(BadInput, match=problem) as caught:
        read_numbers(file, "IT")
    assert caught.value.place.startswith(str(file))


def test_places_that_cannot_be_used(tmp_path: Path) -> None:
    for wrong in (tmp_path, tmp_path / "missing"):
        with pytest.raises(BadInput, match=str(wrong)):
            read_numbers(wrong, "IT")
    with pytest.raises(BadInput, match="two capital letters"):
        read_numbers(tmp_path, "Italy")


REGIONS = ["IT", "US", "GB", "DE", "AR", "BR", "SM", "FR"]


@given(st.sampled_from(REGIONS), st.sampled_from(REGIONS), st.text("0123456789", min_size=3, max_size=12))
@settings(max_examples=500, deadline=None)
def test_whoever_can_be_called_can_be_listed_and_under_the_same_number(
    region: str, country: str, digits: str
) -> None:
    code = phonenumbers.country_code_for_region(country)
    for cell in (digits, f"+{code}{digits}", f"00{code} {digits}"):
        try:
            called = callable_number(cell, region)
        except ValueError:
            continue
        assert possible_number(cell, region) == called
        assert possible_number(called, "IT") == called


@given(st.lists(st.integers(0, 9999), min_size=1, max_size=30), st.data())
@settings(max_examples=60, deadline=None)
def test_no_line_is_passed_over(ends: list[int], data: st.DataObject) -> None:
    lines = [f"347123{end:04d}" for end in ends]
    bad = data.draw(st.sets(st.integers(0, len(lines) - 1), max_size=5))
    for i in bad:
        lines[i] = data.draw(st.sampled_from(["12", "nobody", "3471234567 o 3477654321"]))
    with TemporaryDirectory() as directory:
        path = Path(directory) / "list.csv"
        path.write_text("\n".join(["numero", *lines]))
        if not bad:
            assert read_numbers(path, "IT") == [f"+39{line}" for line in lines]
            return
        with pytest.raises(BadInput) as caught:
            read_numbers(path, "IT")
    assert [f"line {i + 2}:" in str(caught.value) for i in range(len(lines))] == [
        i in bad for i in range(len(lines))
    ]


# --- the register's answer


def test_an_answer_of_the_register(file: Path) -> None:
    file.write_text(
        "numero;iscritto;nota\n3471234567;sì;\n3471234568;NO;x\n3471234569;1\n3471234560;false\n3471234567;SI\n"
    )
    assert read_register(file, "IT") == {
        "+393471234567": True,
        "+393471234568": False,
        "+393471234569": True,
        "+393471234560": False,
    }


def test_its_columns_can_be_named(file: Path) -> None:
    file.write_text("a,b\nyes,3471234567\n")
    assert read_register(file, "IT", "b", "a") == {"+393471234567": True}


def test_a_contradiction_refuses_it_whole(file: Path) -> None:
    file.write_text("numero;iscritto\n3471234567;no\n3471234568;no\n347 123 45 67;si\n")
    with pytest.raises(BadInput, match=r"line 4: says the contrary of line 2 of the same number$"):
        read_register(file, "IT")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("numero;iscritto\n3471234567;\n", r"line 2: iscritto: '' \(allowed: yes or no, sì or no"),
        ("numero;iscritto\n3471234567;forse\n", "line 2: iscritto: 'forse'"),
        ("numero;iscritto\n34;si\n", "line 2: numero: too short"),
        ("numero;iscritto\n", "has no telephone numbers"),
        ("3471234567\n", "no column that is known to hold telephone numbers"),
        ("numero;esito\n3471234567;si\n", "no column that is known to hold the register's answer"),
        ("numero;rpo;iscritto\n3471234567;si;no\n", "in any of 'rpo', 'iscritto'; say with --answer-column"),
    ],
)
def test_answers_that_cannot_be_used(file: Path, text: str, problem: str) -> None:
    file.write_text(text)
    with pytest.raises(BadInput, match=problem):
        read_register(file, "IT")
