"""Do-not-call lists and the register's answers: all or none, and each change is evidence."""

import sqlite3
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from controller.domain.clearance import EVERYBODY, RegisterCheck
from controller.domain.ids import E164
from controller.errors import ControllerError, RecordsUnreachable
from controller.ports import Authorship
from controller.store.memory_records import MemoryRecords
from tests.contract.records.builders import ANNA, DAY, HOUR, KEY, NOW, Store, body, chain, sql

ACME = "caller:acme"
RPO = Authorship(author="anna", reason="monthly check", source="rpo-2026-03.csv")


def numbers(count: int) -> list[E164]:
    return [E164(f"+39347{i:07d}") for i in range(count)]


async def test_put_on_a_list_and_taken_off(records: Store) -> None:
    ada, bea, ciro = numbers(3)
    assert await records.lists.opt_out(EVERYBODY, [ada, bea], ANNA, NOW) == 2
    assert await records.lists.opt_out(EVERYBODY, [bea, ciro, ciro], ANNA, NOW + HOUR) == 1
    assert await records.lists.opt_out(ACME, [ada], ANNA, NOW) == 1
    assert await records.lists.opt_out_counts() == {EVERYBODY: 3, ACME: 1}
    assert await records.lists.opt_in(EVERYBODY, [ada, bea, bea], ANNA, NOW + DAY) == 2
    assert await records.lists.opt_in(EVERYBODY, [ada], ANNA, NOW + DAY) == 0
    left = await records.lists.opt_outs()
    assert {(entry.scope, entry.number, entry.number_hash) for entry in left} == {
        (EVERYBODY, ciro, KEY.of(ciro)),
        (ACME, ada, KEY.of(ada)),
    }


async def test_an_entry_says_who_when_and_why_and_the_first_word_stays(records: Store) -> None:
    (ada,) = numbers(1)
    await records.lists.opt_out(ACME, [ada], ANNA, NOW)
    await records.lists.opt_out(ACME, [ada], RPO, NOW + DAY)
    (entry,) = await records.lists.opt_outs(ACME)
    assert (entry.author, entry.reason, entry.source) == (ANNA.author, ANNA.reason, ANNA.source)
    assert entry.added_at == NOW


async def test_entries_in_pages(records: Store) -> None:
    for scope in (EVERYBODY, ACME, "campaign:spring"):
        await records.lists.opt_out(scope, numbers(5), ANNA, NOW)
    everything = [(entry.number_hash, entry.scope) for entry in await records.lists.opt_outs()]
    assert len(everything) == 15
    assert everything == sorted(everything)
    for size in (1, 4, 15):
        paged: list[tuple[str, str]] = []
        after = ("", "")
        while page := await records.lists.opt_outs(after=after, limit=size):
            assert len(page) <= size
            after = page[-1].number_hash, page[-1].scope
            paged += [(entry.number_hash, entry.scope) for entry in page]
        assert paged == everything
    assert {entry.scope for entry in await records.lists.opt_outs(ACME)} == {ACME}
    assert len(await records.lists.opt_outs(ACME)) == 5


async def test_each_change_is_one_entry_that_names_few_and_digests_many(records: Store) -> None:
    few, many = numbers(100), numbers(101)
    await records.lists.opt_out(ACME, few, ANNA, NOW)
    await records.lists.opt_in(ACME, many, RPO, NOW + HOUR)
    await records.lists.opt_out(ACME, few[:1], ANNA, NOW)
    added, removed, single = await chain(records)
    named = sorted(KEY.of(number) for number in few)
    assert body(added) == {
        "action": "add",
        "scope": ACME,
        "count": 100,
        "digest": sha256("\n".join(named).encode()).hexdigest(),
        "persons": named,
        "author": "anna",
        "reason": "asked during a call",
        "source": "calls.csv",
    }
    assert (added.kind, added.person) == ("opt-out", "")
    assert body(removed)["action"] == "remove"
    assert body(removed)["count"] == 101
    assert "persons" not in body(removed)
    assert single.person == KEY.of(few[0])
    assert not any(number in entry.body for entry in (added, removed, single) for number in many)


async def test_what_the_register_said(records: Store) -> None:
    ada, bea, ciro = numbers(3)
    assert await records.lists.register_check(ada) is None
    assert await records.lists.load_register({ada: True, bea: False}, NOW, RPO, NOW + HOUR) == 2
    assert await records.lists.register_check(ada) == RegisterCheck(
        number_hash=KEY.of(ada), checked_at=NOW, opposed=True, source=RPO.source
    )
    assert await records.lists.register_check(ciro) is None
    assert await records.lists.load_register({ada: False, ciro: False}, NOW + DAY, RPO, NOW + DAY) == 2
    assert await records.lists.register_counts(NOW + HOUR) == (3, 2)
    assert await records.lists.register_counts(NOW + DAY) == (3, 2)
    assert await records.lists.register_counts(NOW + DAY + timedelta(microseconds=1)) == (3, 0)
    first, second = await chain(records)
    assert (first.kind, body(first)["count"], body(first)["opposed"]) == ("register", 2, 1)
    assert body(first)["checked_at"] == NOW.isoformat()
    assert body(second)["opposed"] == 0


async def test_an_older_answer_never_replaces_a_newer_one(records: Store) -> None:
    ada, bea = numbers(2)
    await records.lists.load_register({ada: True}, NOW, RPO, NOW)
    await records.lists.load_register({ada: False, bea: False}, NOW - DAY, RPO, NOW + DAY)
    checks = [await records.lists.register_check(number) for number in (ada, bea)]
    assert [(check.opposed, check.checked_at) for check in checks if check] == [
        (True, NOW),
        (False, NOW - DAY),
    ]


async def test_a_long_list(records: Store) -> None:
    many = numbers(5001)
    assert await records.lists.opt_out(EVERYBODY, many, ANNA, NOW) == 5001
    assert await records.lists.load_register(dict.fromkeys(many, True), NOW, RPO, NOW) == 5001
    assert await records.lists.register_counts(NOW) == (5001, 5001)
    assert await records.lists.opt_in(EVERYBODY, many[1:], ANNA, NOW) == 5000
    assert await records.lists.opt_out_counts() == {EVERYBODY: 1}
    assert [body(entry)["count"] for entry in await chain(records)] == [5001, 5001, 5000]


async def test_while_the_store_fails_nothing_changes() -> None:
    records = MemoryRecords(number_key=KEY)
    records.fail = True
    with pytest.raises(RecordsUnreachable):
        await records.lists.opt_out(EVERYBODY, numbers(2), ANNA, NOW)
    records.fail = False
    assert await records.lists.opt_outs() == []
    assert await records.evidence.entries() == []


@pytest.mark.parametrize("table", ["opt_outs", "register_checks", "evidence"])
async def test_all_or_none(url: str, file: Path, table: str) -> None:
    """The 4,000th row of 5,000 fails, or at last the evidence: nothing of the load is stored."""
    many = numbers(5000)
    async with sql(url, timeout=10) as records:
        raw = sqlite3.connect(file, isolation_level=None)
        when = "" if table == "evidence" else f"WHEN NEW.person = '{KEY.of(many[4000])}'"
        raw.execute(
            f"CREATE TRIGGER stop BEFORE INSERT ON {table} {when} BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        if table != "register_checks":
            with pytest.raises(ControllerError):
                await records.lists.opt_out(EVERYBODY, many, ANNA, NOW)
        if table != "opt_outs":
            with pytest.raises(ControllerError):
                await records.lists.load_register(dict.fromkeys(many, True), NOW, RPO, NOW)
        assert await records.lists.opt_out_counts() == {}
        assert await records.lists.register_counts(NOW) == (0, 0)
        assert await chain(records) == []
        raw.execute("DROP TRIGGER stop")
        raw.close()
        assert await records.lists.opt_out(EVERYBODY, many, ANNA, NOW) == 5000
