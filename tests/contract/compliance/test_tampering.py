"""Whoever changes the evidence, anywhere, is found, by us and by a script that knows nothing of us."""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.evidence import GENESIS, Head, Sealed
from tests.contract.compliance.inspector import (
    COLUMNS,
    a_morning,
    ours,
    places,
    script,
    script_places,
    tamper,
)

ENTRIES = 28


@pytest.fixture(scope="module")
def morning() -> Iterator[Path]:
    """A record store that is closed, and as it was written."""
    with TemporaryDirectory() as directory:
        file = Path(directory) / "morning.db"
        asyncio.run(a_morning(file))
        yield file


@pytest.fixture
def copy(morning: Path, directory: Path) -> Path:
    return Path(shutil.copy(morning, directory / "copy.db"))


def entries_of(file: Path) -> list[Sealed]:
    with closing(sqlite3.connect(file)) as raw:
        columns = ", ".join(f'"{name}"' for name in COLUMNS)
        rows = raw.execute(f"SELECT {columns} FROM evidence ORDER BY seq")
        return [Sealed(**dict(zip(COLUMNS, row, strict=True))) for row in rows]


def update(seq: int, **values: object) -> tuple[str, list[object]]:
    columns = ", ".join(f'"{name}" = ?' for name in values)
    return f"UPDATE evidence SET {columns} WHERE seq = ?", [*values.values(), seq]


def head_of(file: Path) -> Head:
    last = entries_of(file)[-1]
    return Head(last.seq, last.hash)


def test_as_it_was_written_it_is_whole(morning: Path) -> None:
    found, read = ours(morning), script(morning, "--sqlite")
    assert found.findings == []
    assert (found.entries, found.attempts) == (ENTRIES, 7)
    assert found.head == head_of(morning)
    assert read.whole
    assert read.end == f"{found.head.seq}:{found.head.hash}"


def test_the_hash_is_what_the_documents_say(morning: Path) -> None:
    """Kept from going round in circles: the text that is hashed, written out here once more by hand."""
    from hashlib import sha256

    first, second = entries_of(morning)[:2]
    assert second.body.isascii() or "\\u" not in second.body
    fields = (json.dumps(each, ensure_ascii=False) for each in (second.kind, second.campaign, second.call))
    kind, campaign, call = fields
    body = json.dumps(second.body, ensure_ascii=False)
    text = f'[2,{second.at},{kind},{campaign},{call},"{second.person}",{body}]'
    assert sha256(bytes.fromhex(first.hash) + text.encode()).hexdigest() == second.hash


def one_byte(value: Any, place: int, byte: int) -> Any:
    """A value with one byte of it changed; None if that changes nothing."""
    if isinstance(value, int):
        shift = place % 7 * 8
        changed = value ^ (byte << shift)
        return None if changed == value else changed
    data = bytearray(value.encode())
    if not data:
        return bytes([byte]) if byte else None
    index = place % len(data)
    if data[index] == byte:
        return None
    data[index] = byte
    return bytes(data)


@settings(max_examples=60, deadline=None)
@given(
    seq=st.integers(1, ENTRIES),
    column=st.sampled_from(COLUMNS),
    place=st.integers(0, 5000),
    byte=st.integers(0, 255),
)
def test_one_byte_anywhere(morning: Path, seq: int, column: str, place: int, byte: int) -> None:
    entries = entries_of(morning)
    changed = one_byte(getattr(entries[seq - 1], column), place, byte)
    if changed is None or (column == "seq" and 1 <= changed <= ENTRIES):
        return
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as directory:
        file = Path(shutil.copy(morning, directory))
        value = "CAST(? AS TEXT)" if isinstance(changed, bytes) else "?"
        tamper(file, (f'UPDATE evidence SET "{column}" = {value} WHERE seq = ?', [changed, seq]))
        found, read = ours(file), script(file, "--sqlite")
    assert not found.whole
    assert not read.whole
    chain = [place for place in places(found) if not place.startswith("call ")]
    if column == "seq":  # found where it is now, and where it is missing
        assert f"entry {changed}" in chain
        assert f"entry {changed}" in script_places(read)
        if seq < ENTRIES:
            assert f"entry {seq + 1}" in chain
    else:
        end = ["end of the chain"] if column == "hash" and seq == ENTRIES else []
        assert chain == [f"entry {seq}", *end]
        assert script_places(read) == [f"entry {seq}", *(each.split()[0] for each in end)]


@pytest.mark.parametrize("seq", [1, 2, 13, ENTRIES])
def test_an_entry_is_taken_out(copy: Path, seq: int) -> None:
    tamper(copy, ("DELETE FROM evidence WHERE seq = ?", [seq]))
    place = f"entry {seq + 1}" if seq < ENTRIES else "end of the chain"
    found = ours(copy)
    assert place in places(found)
    assert not any(other.startswith("entry") and other != place for other in places(found))
    assert script_places(script(copy, "--sqlite")) == [place.split(" of")[0]]
    if seq < ENTRIES:
        assert f"missing is {seq}" in str(found.findings[0])


@pytest.mark.parametrize("seq", [1, 13, ENTRIES])
def test_an_entry_is_taken_out_and_the_others_close_up(copy: Path, seq: int) -> None:
    """Numbers without a gap; but the hashes do not follow each other."""
    later: list[tuple[str, list[object]]] = [
        (f"UPDATE evidence SET seq = {n - 1} WHERE seq = {n}", []) for n in range(seq + 1, ENTRIES + 1)
    ]
    tamper(copy, ("DELETE FROM evidence WHERE seq = ?", [seq]), *later)
    place = f"entry {seq}" if seq < ENTRIES else "end of the chain"
    assert place in places(ours(copy))
    assert place.split(" of")[0] in script_places(script(copy, "--sqlite"))


@pytest.mark.parametrize("first", [1, 7, ENTRIES - 1])
def test_two_entries_change_places(copy: Path, first: int) -> None:
    one, other = entries_of(copy)[first - 1 : first + 1]
    rest = [name for name in COLUMNS if name != "seq"]
    tamper(
        copy,
        update(first, **{name: getattr(other, name) for name in rest}),
        update(first + 1, **{name: getattr(one, name) for name in rest}),
    )
    assert f"entry {first}" in places(ours(copy))
    assert f"entry {first}" in script_places(script(copy, "--sqlite"))


@pytest.mark.parametrize("left", [0, 1, ENTRIES - 1])
def test_the_end_is_cut_off(copy: Path, left: int) -> None:
    tamper(copy, ("DELETE FROM evidence WHERE seq > ?", [left]))
    assert "end of the chain" in places(ours(copy))
    assert script_places(script(copy, "--sqlite")) == ["end"]


def test_the_end_is_cut_off_and_the_head_put_right(copy: Path) -> None:
    """Of the chain alone nobody could tell; a head noted earlier can, and so can the attempts."""
    noted = head_of(copy)
    last = entries_of(copy)[-3]
    tamper(
        copy,
        ("DELETE FROM evidence WHERE seq > ?", [last.seq]),
        ("UPDATE evidence_head SET seq = ?, hash = ?", [last.seq, last.hash]),
    )
    assert script(copy, "--sqlite").whole
    assert script_places(script(copy, "--sqlite", "--expect", f"{noted.seq}:{noted.hash}")) == [
        f"entry {ENTRIES}"
    ]
    assert "call call-6" in places(ours(copy))
    assert f"entry {ENTRIES}" in places(ours(copy, noted))


def rewritten(entries: list[Sealed]) -> list[Sealed]:
    """A chain made anew: each hash fits."""
    made: list[Sealed] = []
    for number, entry in enumerate(entries, 1):
        fields = {name: getattr(entry, name) for name in COLUMNS} | {"seq": number}
        previous = bytes.fromhex(made[-1].hash) if made else GENESIS
        hash_ = Sealed(**fields).expected_hash(previous)
        made.append(Sealed(**fields | {"hash": hash_}))
    return made


def test_everything_is_written_anew(copy: Path) -> None:
    """Only who noted a head elsewhere can tell; and the attempts can, if they were forgotten."""
    noted, early = head_of(copy), entries_of(copy)[9]
    told = [
        entry if '"outcome":"silent"' not in entry.body else _without_silence(entry)
        for entry in entries_of(copy)
    ]
    made = rewritten(told)
    tamper(
        copy,
        ("DELETE FROM evidence", []),
        *(
            (f"INSERT INTO evidence VALUES ({', '.join('?' * 8)})", [getattr(entry, n) for n in COLUMNS])
            for entry in made
        ),
        ("UPDATE evidence_head SET seq = ?, hash = ?", [made[-1].seq, made[-1].hash]),
    )
    assert script(copy, "--sqlite").whole
    assert [str(finding) for finding in ours(copy).findings] == [
        "call call-1: outcome is silent in the record, no-answer in the evidence"
    ]
    for option in (noted, Head(early.seq, early.hash)):
        read = script(copy, "--sqlite", "--expect", f"{option.seq}:{option.hash}")
        changed = option.seq > next(n for n, entry in enumerate(told, 1) if "no-answer" in entry.body)
        assert read.whole == (not changed)
        assert (f"entry {option.seq}" in places(ours(copy, option))) == changed
    assert not script(copy, "--sqlite", "--expect", f"{noted.seq}:{noted.hash}").whole


def _without_silence(entry: Sealed) -> Sealed:
    fields = {name: getattr(entry, name) for name in COLUMNS}
    return Sealed(**fields | {"body": entry.body.replace('"outcome":"silent"', '"outcome":"no-answer"')})


@pytest.mark.parametrize("seq", [-5, 0, ENTRIES + 1, "99", "x"])
def test_an_entry_is_added(copy: Path, seq: object) -> None:
    tamper(copy, ("INSERT INTO evidence VALUES (?, 0, 'answer', '', '', '', '{}', ?)", [seq, "0" * 64]))
    assert f"entry {seq}" in places(ours(copy))
    assert f"entry {seq}" in script_places(script(copy, "--sqlite"))


def test_bytes_that_are_no_text(copy: Path) -> None:
    tamper(
        copy,
        ("UPDATE evidence SET body = CAST(x'7bff7d' AS TEXT) WHERE seq = 5", []),
        ("UPDATE evidence SET hash = CAST(x'ff' AS TEXT) WHERE seq = ?", [ENTRIES]),
        ("UPDATE evidence SET \"at\" = x'00' WHERE seq = 9", []),
    )
    expected = ["entry 5", "entry 9", f"entry {ENTRIES}"]
    assert [place for place in places(ours(copy)) if not place.startswith("call")] == [
        *expected,
        "end of the chain",
    ]
    assert script_places(script(copy, "--sqlite")) == [*expected, "end"]
    assert all(str(finding).encode() for finding in ours(copy).findings)
