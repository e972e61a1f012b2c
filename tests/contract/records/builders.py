"""Things to record."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.domain.call import Call, CallState, HungUpBy
from controller.domain.campaign import Campaign
from controller.domain.contact import Contact, NewContact
from controller.domain.evidence import Head, Sealed
from controller.domain.ids import E164, AgentId, CallId, CampaignId
from controller.domain.outcome import Outcome
from controller.domain.privacy import NumberKey
from controller.law import IT_GARANTE_2014
from controller.ports import AttemptEnd, Authorship, Records
from controller.store.memory_records import MemoryRecords
from controller.store.records import SqlRecords
from tests.fakes.law import LAX

Store = SqlRecords | MemoryRecords
NOW = datetime(2026, 3, 2, 10, 0, 0, 123456, tzinfo=UTC)
SPRING = CampaignId("spring")
KEY = NumberKey(bytes(range(32)))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ANNA = Authorship(author="anna", reason="asked during a call", source="calls.csv")
PROFILES = {LAX.name: LAX, IT_GARANTE_2014.name: IT_GARANTE_2014}


def sql(url: str, timeout: float = 2.0, **options: Any) -> SqlRecords:
    """A store in SQL that knows the tests' key and profiles."""
    known: dict[str, Any] = {"number_key": KEY, "profiles": PROFILES}
    return SqlRecords(url, timeout, **known | options)


async def begun(records: Records, call: Call) -> None:
    """Record a call that nothing speaks against."""
    assert await records.attempt_started(call, campaign(call.contact.campaign)) is None


def campaign(name: str = SPRING) -> Campaign:
    return Campaign(id=CampaignId(name), caller="acme", caller_number="+390212345678", law=LAX)


def new_contact(i: int, line: int = 0) -> NewContact:
    return NewContact(
        number=E164(f"+39347{i:07d}"), name=f"Name {i}", attributes={"città": "Forlì"}, line=line
    )


async def with_contacts(records: Records, count: int, name: str = SPRING) -> list[Contact]:
    """A campaign with this many contacts, all fresh."""
    await records.save_campaign(campaign(name))
    await records.add_contacts(CampaignId(name), [new_contact(i) for i in range(count)])
    return list(await records.due_contacts(CampaignId(name), NOW, count))


def call_to(contact: Contact, name: str = "call-1", **changes: object) -> Call:
    return Call(id=CallId(name), contact=contact).evolve(**changes)


def ended(call: Call, outcome: Outcome, **changes: object) -> Call:
    """The call as it is when over, with every instant in its place."""
    answered = NOW + timedelta(seconds=8) if outcome.answered else None
    connected = outcome is Outcome.CONNECTED
    over = call.evolve(
        state=CallState.ENDED,
        outcome=outcome,
        admitted_at=NOW,
        rang_at=NOW + timedelta(seconds=2),
        answered_at=answered,
        bridged_at=answered + timedelta(milliseconds=1250) if answered and connected else None,
        ended_at=NOW + timedelta(seconds=10, microseconds=654321),
        agent=AgentId("1001") if connected else None,
        ended_by=HungUpBy.CALLEE,
        cause=16,
        sip=None,
    )
    return over.evolve(**changes)


def end(call: Call, outcome: Outcome, due: datetime | None = None, *, counts: bool = True) -> AttemptEnd:
    return AttemptEnd(call=ended(call, outcome), next_due=due, counts_as_attempt=counts)


async def contact_now(records: Records, call: str = "call-1") -> Contact:
    """The contact of an attempt, as the store has it now."""
    found = await records.attempt(CallId(call))
    assert found is not None
    return found.contact


async def chain(records: Store) -> Sequence[Sealed]:
    """Every entry, each checked against the one before and the last against the head."""
    entries, last = await records.evidence.entries(), Head()
    for entry in entries:
        assert entry.seq == last.seq + 1
        assert entry.hash == entry.expected_hash(bytes.fromhex(last.hash))
        last = Head(entry.seq, entry.hash)
    assert await records.evidence.head() == last
    return entries


async def kinds_of(records: Store, call: str = "call-1") -> list[str]:
    return [entry.kind for entry in await chain(records) if entry.call == call]


def body(entry: Sealed) -> Any:
    return json.loads(entry.body)


def admitted(contact: Contact, name: str = "call-1", at: datetime = NOW) -> Call:
    return call_to(contact, name, admitted_at=at)
