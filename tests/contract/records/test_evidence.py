"""Each call and each change leaves its entries, and nothing changes them."""

import asyncio
import json
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from controller.domain.answer import Answerer
from controller.domain.campaign import CampaignState, Override
from controller.domain.clearance import Check, CheckName
from controller.domain.evidence import GENESIS, Head
from controller.domain.ids import CallId, CampaignId
from controller.domain.law_document import digest, document
from controller.domain.outcome import Outcome
from controller.domain.privacy import NumberKey
from controller.errors import BadInput
from controller.ports import AttemptEnd

from .builders import (
    HOUR,
    KEY,
    NOW,
    SPRING,
    Store,
    admitted,
    begun,
    body,
    campaign,
    chain,
    end,
    ended,
    kinds_of,
    sql,
    with_contacts,
)


async def test_the_life_of_a_call(records: Store) -> None:
    (contact,) = await with_contacts(records, 1)
    call = admitted(contact).evolve(covered=True)
    hours = Check(name=CheckName.HOURS, passed=True, why="mon 10:00")
    assert await records.attempt_started(call, campaign(), (hours,)) is None
    answered = NOW + timedelta(seconds=8)
    over = ended(
        call,
        Outcome.CONNECTED,
        noise_at=answered + timedelta(microseconds=300),
        heard_at=answered + timedelta(seconds=2),
        waited=True,
        sip=200,
    )
    await records.attempt_ended(AttemptEnd(call=over, next_due=None, counts_as_attempt=True))
    entries = [entry for entry in await chain(records) if entry.call]
    assert [entry.kind for entry in entries] == ["attempt", "answer", "noise", "bridge", "hang-up"]
    times = [NOW, answered, over.noise_at, over.bridged_at, over.ended_at]
    assert [entry.at for entry in entries] == [_micro(at) for at in times if at is not None]
    assert {(entry.campaign, entry.person) for entry in entries} == {(SPRING, KEY.of(contact.number))}
    assert contact.number not in str(entries)  # not in plain words, anywhere
    start, _, _, bridge, hang_up = map(body, entries)
    assert start["checks"][0] == ["hours", True, "mon 10:00"]
    assert [name for name, _, _ in start["checks"]] == ["hours", "consent", "opt-out", "register"]
    assert (start["caller"], start["caller_number"]) == ("acme", "+390212345678")
    assert (start["law"], start["law_digest"]) == ("lax", digest(campaign().law))
    assert (start["covered"], start["guaranteed"], start["override"]) == (True, False, False)
    assert (bridge["agent"], bridge["waited"]) == ("1001", True)
    assert datetime.fromisoformat(bridge["heard_at"]) == over.heard_at
    assert (hang_up["outcome"], hang_up["answer_class"]) == ("connected", "agent")
    assert (hang_up["ended_by"], hang_up["cause"], hang_up["sip"]) == ("callee", 16, 200)


def _micro(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)


async def test_a_call_that_nobody_answered(records: Store) -> None:
    (contact,) = await with_contacts(records, 1)
    await begun(records, admitted(contact))
    await records.attempt_ended(end(admitted(contact), Outcome.NO_ANSWER, NOW + HOUR))
    assert await kinds_of(records) == ["attempt", "hang-up"]
    assert body((await chain(records))[-1])["answer_class"] is None


async def test_said_twice_it_is_told_once(records: Store) -> None:
    (contact,) = await with_contacts(records, 1)
    call = admitted(contact)
    await asyncio.gather(*(begun(records, call) for _ in range(3)))
    await begun(records, call)
    over = end(call, Outcome.SILENT, NOW + HOUR)
    await asyncio.gather(*(records.attempt_ended(over) for _ in range(3)))
    await records.attempt_ended(over)
    await begun(records, call)
    assert await kinds_of(records) == ["attempt", "answer", "hang-up"]


async def test_an_end_whose_start_was_never_confirmed(records: Store) -> None:
    (contact,) = await with_contacts(records, 1)
    over = end(admitted(contact), Outcome.FAILED, NOW + HOUR)
    await asyncio.gather(records.attempt_ended(over), records.attempt_ended(over))
    await begun(records, admitted(contact))  # comes too late
    assert await kinds_of(records) == ["attempt", "hang-up"]
    assert [body(entry).get("late") for entry in await chain(records) if entry.call] == [True, None]


async def test_changes_of_a_campaign(records: Store) -> None:
    await records.save_campaign(campaign())
    await records.record_start(campaign(), NOW)
    await records.set_campaign_state(SPRING, CampaignState.RUNNING)
    await records.record_override(SPRING, Override(author="lab", reason="burst"), NOW)
    await records.record_start(campaign(), NOW)
    entries = await chain(records)
    assert [entry.kind for entry in entries] == ["campaign", "profile", "campaign", "override", "profile"]
    assert {entry.campaign for entry in entries} == {SPRING}
    assert body(entries[1])["law"] == json.loads(json.dumps(document(campaign().law)))
    assert body(entries[1])["caller_number"] == "+390212345678"
    assert body(entries[2])["state"] == "running"
    assert (body(entries[3])["author"], body(entries[3])["reason"]) == ("lab", "burst")


async def test_what_is_refused_leaves_no_entry(records: Store) -> None:
    await records.save_campaign(campaign())
    nobody = CampaignId("nobody")
    for refused in (
        records.save_campaign(campaign()),
        records.set_campaign_state(nobody, CampaignState.RUNNING),
        records.record_override(nobody, Override(author="a", reason="b"), NOW),
        records.answered_by(CallId("call-1"), Answerer.FAX, "1001", NOW),
    ):
        with pytest.raises(BadInput):
            await refused
    assert len(await chain(records)) == 1


# --- what only SQL can show


async def test_a_failed_start_leaves_neither_row_nor_entry(url: str, file: Path) -> None:
    async with sql(url, timeout=10) as records:
        first, second = await with_contacts(records, 2)
        raw = sqlite3.connect(file, isolation_level=None)
        raw.execute(
            "CREATE TRIGGER no_second BEFORE INSERT ON evidence WHEN NEW.call = 'call-2' "
            "BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        results = await asyncio.gather(
            records.attempt_started(admitted(first, "call-1"), campaign()),
            records.attempt_started(admitted(second, "call-2"), campaign()),
            return_exceptions=True,
        )
        raw.close()
        assert results[0] is None
        assert isinstance(results[1], Exception)
        assert [call.id for call in await records.open_attempts()] == ["call-1"]
        assert await records.due_contacts(SPRING, NOW, 9) == [second]
        assert await kinds_of(records, "call-2") == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE evidence SET body = '{}' WHERE seq = 1",
        "DELETE FROM evidence WHERE seq = 1",
        "REPLACE INTO evidence SELECT seq, at, kind, campaign, call, person, '{}', hash FROM evidence",
    ],
)
async def test_the_database_refuses_to_change_the_evidence(url: str, file: Path, statement: str) -> None:
    async with sql(url, timeout=10) as records:
        await records.save_campaign(campaign())
        before = await chain(records)
        raw = sqlite3.connect(file, isolation_level=None)
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            raw.execute(statement)
        raw.close()
        assert await chain(records) == before


async def test_a_new_store_begins_a_chain(url: str) -> None:
    async with sql(url, timeout=10) as records:
        assert await records.evidence.head() == Head(0, GENESIS.hex())
        await records.save_campaign(campaign())
    async with sql(url, timeout=10) as again:
        await again.record_start(campaign(), NOW)
        assert len(await chain(again)) == 2


async def test_two_programs_write_one_chain(url: str) -> None:
    async with sql(url, timeout=10) as one, sql(url, timeout=10) as two:
        contacts = await with_contacts(one, 60)
        stores = [one if contact.id % 2 else two for contact in contacts]
        calls = [admitted(contact, f"call-{contact.id}") for contact in contacts]
        await asyncio.gather(*(begun(store, call) for store, call in zip(stores, calls, strict=True)))
        await asyncio.gather(
            *(
                store.attempt_ended(end(call, Outcome.SILENT, NOW + HOUR))
                for store, call in zip(stores, calls, strict=True)
            )
        )
        assert len(await chain(one)) == 1 + 3 * len(calls)


async def test_a_controller_closes_its_own_calls_only(url: str) -> None:
    async with (
        sql(url, timeout=10, controller_id="north") as north,
        sql(url, timeout=10, controller_id="south") as south,
    ):
        first, second = await with_contacts(north, 2)
        await begun(north, admitted(first, "call-1"))
        await begun(south, admitted(second, "call-2"))
        assert [call.id for call in await north.open_attempts()] == ["call-1"]
        assert [call.id for call in await south.open_attempts()] == ["call-2"]


async def test_another_number_key_is_refused(url: str) -> None:
    async with sql(url, timeout=10):
        pass
    other = NumberKey(bytes(32))
    with pytest.raises(BadInput, match=other.fingerprint) as refusal:
        await sql(url, timeout=10, number_key=other).open()
    assert KEY.fingerprint in str(refusal.value)
    assert "number.key" in str(refusal.value)
    async with sql(url, timeout=10) as records:  # and nothing was changed by that
        await records.ping()
