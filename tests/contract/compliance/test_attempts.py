"""The attempts beside the evidence: who changes one and not the other is found, by call and field."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.contract.compliance.inspector import a_morning, ours, tamper

EARLIER = 1_772_000_000_000_000
"""Microseconds since 1970: 25 February 2026."""


@pytest.fixture(scope="module")
def morning() -> Iterator[Path]:
    with TemporaryDirectory() as directory:
        file = Path(directory) / "morning.db"
        asyncio.run(a_morning(file))
        yield file


@pytest.fixture
def copy(morning: Path, directory: Path) -> Path:
    return Path(shutil.copy(morning, directory / "copy.db"))


@pytest.mark.parametrize(
    ("call", "column", "value", "told"),
    [
        ("call-1", "outcome", "no-answer", "outcome is no-answer in the record, silent in the evidence"),
        ("call-1", "answer_class", "silent", "answer_class is silent in the record, left in the evidence"),
        ("call-0", "answer_class", "agent", "answer_class is agent in the record, machine in the evidence"),
        ("call-0", "answerer", None, "answerer is None in the record, machine in the evidence"),
        ("call-3", "answerer", "fax", "answerer is fax in the record, None in the evidence"),
        ("call-1", "person", "x" * 22, f"person is {'x' * 22} in the record, "),
        ("call-1", "caller", "other", "caller is other in the record, acme in the evidence"),
        ("call-1", "caller_number", "+39", "caller_number is +39 in the record, +390212345678 in "),
        ("call-1", "law", "uk-ofcom-2010", "law is uk-ofcom-2010 in the record, lax in the evidence"),
        ("call-1", "override", 1, "override is True in the record, False in the evidence"),
        ("call-1", "covered", 1, "covered is True in the record, False in the evidence"),
        ("call-1", "guaranteed", 1, "guaranteed is True in the record, False in the evidence"),
        ("call-1", "admitted_at", EARLIER, "placed is 1772000000000000 in the record, "),
        ("call-1", "answered_at", None, "answered_at is None in the record, 1772"),
        (
            "call-2",
            "answered_at",
            EARLIER,
            "answered_at is 1772000000000000 in the record, None",
        ),
        ("call-1", "noise_at", None, "noise_at is None in the record, 1772"),
        ("call-3", "bridged_at", 1, "bridged_at is 1 in the record, 1772"),
        ("call-3", "heard_at", 1, "heard_at is 1 in the record, None in the evidence"),
        ("call-1", "ended_at", 1, "ended_at is 1 in the record, 1772"),
        ("call-1", "ended_by", "controller", "ended_by is controller in the record, callee in the evidence"),
        ("call-1", "cause", 17, "cause is 17 in the record, 16 in the evidence"),
        ("call-1", "sip", 486, "sip is 486 in the record, 200 in the evidence"),
        (
            "call-5",
            "answered_at",
            EARLIER,
            "answered_at is 1772000000000000 in the record, None",
        ),
        ("call-6", "cause", 17, "cause is 17 in the record, 16 in the evidence"),
    ],
)
def test_a_changed_field(copy: Path, call: str, column: str, value: object, told: str) -> None:
    tamper(copy, (f"UPDATE attempts SET {column} = ? WHERE id = ?", [value, call]))
    found = ours(copy)
    assert [finding.place for finding in found.findings] == [f"call {call}"]
    assert found.findings[0].what.startswith(told)


def test_what_tells_nothing_about_the_law_may_change(copy: Path) -> None:
    """An erasure blanks the number; that, too, is in the evidence, and the rest must still fit."""
    tamper(copy, ("UPDATE attempts SET number = '', agent = NULL", []))
    assert ours(copy).whole


def test_an_attempt_is_taken_out(copy: Path) -> None:
    tamper(copy, ("DELETE FROM attempts WHERE id = 'call-1'", []))
    assert [str(finding) for finding in ours(copy).findings] == [
        "call call-1: is in the evidence, but its attempt is not in the record"
    ]


def test_an_attempt_is_added(copy: Path) -> None:
    columns = (
        "campaign, contact, number, person, caller, caller_number, law, controller, override, state, "
        "covered, guaranteed, agent, waited, started_at, admitted_at, cause, outcome"
    )
    add = f"INSERT INTO attempts (id, {columns}) SELECT 'call-9', {columns} FROM attempts WHERE id = 'call-2'"
    tamper(copy, (add, []))
    assert [str(finding) for finding in ours(copy).findings] == [
        "call call-9: is in the record, but the evidence knows nothing of it"
    ]


def test_two_attempts_change_names(copy: Path) -> None:
    tamper(
        copy,
        ("UPDATE attempts SET id = 'call-x' WHERE id = 'call-1'", []),
        ("UPDATE attempts SET id = 'call-1' WHERE id = 'call-3'", []),
        ("UPDATE attempts SET id = 'call-3' WHERE id = 'call-x'", []),
    )
    assert {finding.place for finding in ours(copy).findings} == {"call call-1", "call call-3"}


def test_a_value_that_means_nothing(copy: Path) -> None:
    tamper(copy, ("UPDATE attempts SET outcome = 'splendid' WHERE id = 'call-1'", []))
    found = ours(copy)
    assert [finding.place for finding in found.findings if "splendid" in finding.what] == ["campaign spring"]
