"""Verification: what a chain can do wrong, and that a controller at work is no finding."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from controller.domain.answer import Answerer
from controller.domain.contact import Contact
from controller.domain.evidence import Entry, Head, Kind, Sealed, seal
from controller.domain.ids import CallId, CampaignId
from controller.domain.outcome import Outcome
from controller.engine import verification
from controller.engine.verification import Finding, Verification, Verifier, differences
from controller.ports import AttemptFact
from controller.store.memory_compliance import MemoryEvidence
from controller.store.memory_records import MemoryRecords
from tests.contract.records.builders import (
    HOUR,
    KEY,
    NOW,
    PROFILES,
    SPRING,
    admitted,
    campaign,
    end,
    with_contacts,
)


def chained(count: int) -> list[Sealed]:
    made: list[Sealed] = []
    head = Head()
    for number in range(count):
        made.append(seal(Entry(kind=Kind.CAMPAIGN, at=NOW, body={"number": number, "città": "Forlì"}), head))
        head = Head(made[-1].seq, made[-1].hash)
    return made


class Stored(MemoryEvidence):
    """Evidence of which a test says what is stored, in this order."""

    def __init__(self, entries: Sequence[Sealed], head: Head | None = None) -> None:
        super().__init__(lambda: None)
        self._entries = list(entries)
        self._head = head or (Head(entries[-1].seq, entries[-1].hash) if entries else Head())
        self.pages = 0

    async def entries(self, after: int = 0, limit: int = 5000) -> Sequence[Sealed]:
        if self.pages:  # in whatever order: the second page is always empty
            return []
        self.pages += 1
        return self._entries


async def verified(
    entries: Sequence[Sealed], head: Head | None = None, noted: Head | None = None
) -> Verification:
    return await Verifier(Stored(entries, head), MemoryRecords()).verify(noted)


async def places(entries: Sequence[Sealed], head: Head | None = None, noted: Head | None = None) -> list[str]:
    return [finding.place for finding in (await verified(entries, head, noted)).findings]


async def test_an_empty_chain_is_whole() -> None:
    found = await verified([])
    assert found.whole
    assert found.head == Head()


async def test_a_chain_is_whole() -> None:
    chain = chained(7)
    found = await verified(chain)
    assert found.whole
    assert (found.entries, found.head) == (7, Head(7, chain[6].hash))


@pytest.mark.parametrize("field", ["at", "kind", "campaign", "call", "person", "body", "hash"])
@pytest.mark.parametrize("index", [0, 3, 6])
async def test_one_change_is_one_finding(index: int, field: str) -> None:
    chain = chained(7)
    change: dict[str, Any] = {field: 1 if field == "at" else "0" * 64}
    changed = replace(chain[index], **change)
    found = await places([*chain[:index], changed, *chain[index + 1 :]], Head(7, chain[6].hash))
    assert found[0] == f"entry {index + 1}"
    ends = ["end of the chain"] if field == "hash" and index == 6 else []
    calls = ["call " + "0" * 64] if field == "call" else []  # of a call that nobody recorded
    assert found[1:] == ends + calls


async def test_two_changes_are_two_findings_also_side_by_side() -> None:
    chain = chained(7)
    chain[2:4] = [replace(entry, body="{}") for entry in chain[2:4]]
    assert await places(chain) == ["entry 3", "entry 4"]
    chain[2] = replace(chain[2], hash="no hash")
    assert await places(chain) == ["entry 3", "entry 4"]


async def test_what_is_missing_is_told() -> None:
    chain = chained(7)
    (one,) = (await verified([*chain[:2], *chain[3:]])).findings
    assert str(one) == "entry 4: follows entry 2: missing is 3"
    (more,) = (await verified(chain[4:])).findings
    assert str(more) == "entry 5: follows entry 0: missing is 1 to 4"


async def test_twice_and_out_of_order() -> None:
    chain = chained(4)
    assert await places([chain[0], chain[1], chain[1], *chain[2:]]) == ["entry 2"]
    assert "entry 2" in await places([chain[0], chain[2], chain[1], chain[3]])


async def test_an_end_that_does_not_fit() -> None:
    chain = chained(4)
    assert await places(chain[:3], Head(4, chain[3].hash)) == ["end of the chain"]
    assert await places(chain, Head(3, chain[2].hash)) == ["end of the chain"]
    assert await places(chain, Head(4, chain[2].hash)) == ["end of the chain"]
    assert await places([], Head(4, chain[3].hash)) == ["end of the chain"]
    assert await places(chain, Head()) == ["end of the chain"]


async def test_against_what_was_noted() -> None:
    chain = chained(4)
    other = seal(Entry(kind=Kind.CAMPAIGN, at=NOW), Head()).hash
    assert await places(chain, noted=Head()) == []
    assert await places(chain, noted=Head(2, chain[1].hash)) == []
    assert await places(chain, noted=Head(2, other)) == ["entry 2"]
    assert await places(chain, noted=Head(5, other)) == ["entry 5"]
    assert await places([], noted=Head(1, other)) == ["entry 1"]


async def test_no_endless_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "_MOST", 100)
    chain = [replace(entry, body="{}") for entry in chained(150)]
    found = await verified(chain)
    assert len(found.findings) == 100
    assert found.entries == 150


# --- while a controller is at work


class Busy(MemoryRecords):
    """A store in which now and then, when somebody looks, a call begins, ends or is judged by its agent."""

    def __init__(self, seed: int) -> None:
        super().__init__(profiles=PROFILES, number_key=KEY)
        self.random = Random(seed)
        self.fresh: list[Contact] = []
        self.going_on: list[Contact] = []
        self.over: list[Contact] = []
        self.busy = False
        self.evidence = _Watched(self)

    async def happen(self) -> None:
        if not self.busy or self.random.random() < 0.4:
            return
        self.busy = False  # what happens here is not to cause more of it
        queues = [queue for queue in (self.fresh, self.going_on, self.over) if queue]
        if queues:
            queue = self.random.choice(queues)
            contact = queue.pop(0)
            call = admitted(contact, f"call-{contact.id}")
            if queue is self.fresh:
                await self.attempt_started(call, campaign())
                self.going_on.append(contact)
            elif queue is self.going_on:
                await self.attempt_ended(end(call, Outcome.CONNECTED))
                self.over.append(contact)
            else:
                await self.answered_by(call.id, Answerer.FAX, "1001", NOW)
        self.busy = True

    async def facts(
        self, campaign: CampaignId, *, after: tuple[datetime, str] | None = None, limit: int = 10_000
    ) -> Sequence[AttemptFact]:
        await self.happen()
        return await super().facts(campaign, after=after, limit=limit)


class _Watched(MemoryEvidence):
    def __init__(self, records: Busy) -> None:
        super().__init__(lambda: None)
        self._records = records

    async def entries(self, after: int = 0, limit: int = 5000) -> Sequence[Sealed]:
        await self._records.happen()
        return await super().entries(after, limit)

    async def head(self) -> Head:
        await self._records.happen()
        return await super().head()

    async def entries_of(self, *, call: str = "", **_others: object) -> Sequence[Sealed]:
        await self._records.happen()
        return await super().entries_of(call=call)


@pytest.mark.parametrize("seed", range(60))
async def test_while_calls_are_made_nothing_is_found(seed: int) -> None:
    records = Busy(seed)
    records.fresh = await with_contacts(records, seed % 7 + 1)
    records.busy = True
    found = await Verifier(records.evidence, records).verify()
    assert found.findings == []


@pytest.mark.parametrize("seed", range(10))
async def test_while_calls_are_made_what_is_wrong_is_found_all_the_same(seed: int) -> None:
    records = Busy(seed)
    first, *records.fresh = await with_contacts(records, 9)
    call = admitted(first, "call-1")
    await records.attempt_started(call, campaign())
    await records.attempt_ended(end(call, Outcome.SILENT, NOW + HOUR))
    records._calls[CallId("call-1")] = records._calls[CallId("call-1")].evolve(cause=99)
    records.busy = True
    found = await Verifier(records.evidence, records).verify()
    assert [str(finding) for finding in found.findings] == [
        "call call-1: cause is 99 in the record, 16 in the evidence"
    ]


async def test_a_controller_is_not_kept_waiting() -> None:
    """Verified in a controller's own process, a long chain must leave room for its calls."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    await verified(chained(4000))
    task.cancel()
    assert turns >= 20


# --- a call's story, in words


async def test_of_a_call_nobody_told() -> None:
    (fact,) = await _facts()
    assert list(differences([], fact)) == ["is in the record, but the evidence knows nothing of it"]


async def test_an_entry_that_cannot_be_read_is_named() -> None:
    records = MemoryRecords(profiles=PROFILES)
    (fact,) = await _facts(records)
    start, *others = await records.evidence.entries_of(call="call-1")
    for body in ("{", "[]", "{}"):
        broken = [replace(entry, body=body) if entry.kind == "hang-up" else entry for entry in others]
        told = list(differences([start, *broken], fact))
        assert told[0] == f"entry {others[-1].seq}, which tells of it, cannot be read"
        assert "ended_at is" in " ".join(told)


async def _facts(records: MemoryRecords | None = None) -> Sequence[AttemptFact]:
    records = records or MemoryRecords(profiles=PROFILES)
    (contact,) = await with_contacts(records, 1)
    await records.attempt_started(admitted(contact), campaign())
    await records.attempt_ended(end(admitted(contact), Outcome.SILENT, NOW + timedelta(days=5)))
    return await records.facts(SPRING)


def test_a_finding_can_be_printed_whatever_was_found() -> None:
    found = Verification()
    found.add("call \udcff", "is \udc80 in the record")
    assert found.findings == [Finding("call \\udcff", "is \\udc80 in the record")]
