"""What every store of segments has to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest

from controller.domain.campaign import ListOrder
from controller.domain.contact import Contact, NewContact, NumberKind
from controller.domain.ids import E164, CampaignId
from controller.domain.outcome import Outcome
from controller.domain.segment import EVERYBODY, Filter
from controller.domain.segment_text import parse_filter
from controller.errors import Conflict, RecordsUnreachable
from controller.ports import Authorship
from controller.ports.segments import Segments
from controller.store.access import Access
from controller.store.memory_records import MemoryRecords
from controller.store.segments import SqlSegments
from tests.contract.records.builders import SPRING, Store, admitted, begun, campaign, end
from tests.contract.work.builders import promise, saying, spoken

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
T = TypeVar("T")
MILAN = parse_filter("province is MI")


def segments_of(records: Store) -> Segments:
    return records.segments


def new(i: int) -> NewContact:
    return NewContact(
        number=E164(f"+39347{i:07d}"),
        kind=NumberKind.MOBILE,
        name=f"Name {i}",
        attributes={"province": ("MI", "RM", "TO")[i % 3], "città": f"Forlì {i}"},
        tags=frozenset({"vip"}) if i % 2 else frozenset(),
    )


async def with_contacts(records: Store, count: int = 9) -> list[Contact]:
    await records.save_campaign(campaign())
    await records.add_contacts(SPRING, [new(i) for i in range(count)])
    return list(await records.due_contacts(SPRING, NOW, count))


async def saved(records: Store, name: str = "milan", filter_: Filter = MILAN, **changes: int) -> int:
    """Save a segment; returns its version."""
    segment = await segments_of(records).save(
        name, filter_, description="in Milan", author="anna", now=NOW, expected=changes.get("expected")
    )
    return segment.version


async def due(
    records: Store, text: str, limit: int = 100, order: ListOrder = ListOrder.RETRIES_FIRST
) -> list[int]:
    found = await segments_of(records).due(parse_filter(text), SPRING, NOW, limit, order)
    return [contact.id for contact in found]


# --- saved


async def test_a_segment_is_kept_as_it_was_saved(records: Store) -> None:
    segments = segments_of(records)
    assert await segments.get("milan") is None
    assert await saved(records, expected=0) == 1
    again = parse_filter("last_called before 5 days ago and not tags has any (vip, gold)")
    later = NOW + HOUR
    changed = await segments.save("milan", again, description="", author="bruno", now=later, expected=1)
    assert changed == await segments.get("milan")
    assert (changed.version, changed.author, changed.description) == (2, "bruno", "")
    assert (changed.created_at, changed.updated_at, changed.filter) == (NOW, later, again)


async def test_who_saves_what_was_changed_meanwhile_is_told(records: Store) -> None:
    assert await saved(records) == 1
    assert await saved(records) == 2
    for wrong in (0, 1, 3):
        with pytest.raises(Conflict):
            await saved(records, expected=wrong)
    with pytest.raises(Conflict):
        await saved(records, "rome", expected=1)
    with pytest.raises(Conflict):
        await segments_of(records).remove("milan", 1)
    assert [segment.version for segment in await segments_of(records).all()] == [2]


async def test_segments_are_listed_by_name_and_removed(records: Store) -> None:
    segments = segments_of(records)
    for name in ("rome", "Milan", "milan-2"):
        await saved(records, name)
    assert [segment.name for segment in await segments.all()] == ["Milan", "milan-2", "rome"]
    assert await segments.remove("rome", 1)
    assert not await segments.remove("rome")
    assert [segment.name for segment in await segments.all()] == ["Milan", "milan-2"]


# --- contacts


async def test_matching_contacts_of_the_campaign_are_counted(records: Store) -> None:
    await with_contacts(records)
    await records.save_campaign(campaign("summer"))
    await records.add_contacts(CampaignId("summer"), [new(0)])
    segments = segments_of(records)
    assert await segments.count(EVERYBODY, SPRING, NOW) == 9
    assert await segments.count(MILAN, SPRING, NOW) == 3
    assert await segments.count(MILAN, CampaignId("summer"), NOW) == 1
    assert await segments.count(MILAN, CampaignId("autumn"), NOW) == 0
    assert await segments.count(parse_filter('attributes.città is "Forlì 4"'), SPRING, NOW) == 1
    assert await segments.count(parse_filter("tags has VIP and kind is mobile"), SPRING, NOW) == 4


async def test_who_was_erased_matches_nothing(records: Store) -> None:
    contacts = await with_contacts(records)
    who = Authorship(author="anna", reason="asked", source="")
    await records.people.erase(contacts[0].number, who, NOW)
    assert await segments_of(records).count(EVERYBODY, SPRING, NOW) == 8
    assert await segments_of(records).count(parse_filter("not name is x"), SPRING, NOW) == 8


async def test_a_sample_comes_from_all_over_the_list_and_again_the_same(records: Store) -> None:
    contacts = await with_contacts(records, 60)
    segments = segments_of(records)
    sample = [entry.contact for entry in await segments.sample(MILAN, SPRING, NOW, 6)]
    assert len({contact.id for contact in sample}) == 6
    assert all(contact in contacts and contact.attributes["province"] == "MI" for contact in sample)
    assert max(contact.id for contact in sample) - min(contact.id for contact in sample) > 20
    assert sample == [entry.contact for entry in await segments.sample(MILAN, SPRING, NOW, 6)]
    assert len(await segments.sample(MILAN, SPRING, NOW, 100)) == 20


async def test_history_is_asked_as_it_was_recorded(records: Store) -> None:
    first, second, third, *_ = await with_contacts(records)
    busy = admitted(first, "call-1", NOW - timedelta(days=6))
    await begun(records, busy)
    await records.attempt_ended(end(busy, Outcome.BUSY, NOW - HOUR))
    silent = admitted(second, "call-2", NOW)
    await begun(records, silent)
    await records.attempt_ended(replace(end(silent, Outcome.SILENT, NOW + HOUR), counts_as_attempt=False))
    ringing = admitted(third, "call-3", NOW)
    await begun(records, ringing)
    expected = {
        "last_outcome is busy": 1,
        "last_outcome is missing": 7,
        "last_called is present": 3,
        "last_called before 5 days ago": 1,
        "last_called on today": 2,
        "attempts = 1": 1,
        "attempts = 0": 8,
        "stage is contact": 9,
        "disposition is present or callback is present": 0,
    }
    segments = segments_of(records)
    assert {text: await segments.count(parse_filter(text), SPRING, NOW) for text in expected} == expected
    listed = await segments.sample(parse_filter("last_called on today"), SPRING, NOW, 9)
    assert {entry.contact.id: entry.in_flight for entry in listed} == {second.id: False, third.id: True}


async def test_what_agents_said_is_asked_as_it_was_recorded(records: Store) -> None:
    first, second, *_ = await with_contacts(records)
    await spoken(records, first, "call-1", NOW)
    await spoken(records, second, "call-2", NOW)
    await records.work.dispose(saying("lead", "call-1"))
    await records.work.dispose(saying("not-interested", "call-2"))
    tomorrow = NOW + timedelta(days=1)
    await records.work.dispose(saying("call-back", "call-2", promise=promise(tomorrow)))
    expected = {
        "disposition is LEAD and disposition_kind is lead": {first.id},
        "disposition is not-interested": set(),
        "disposition_kind is call-back and callback is present": {second.id},
        "callback on in 1 day": {second.id},
        "callback within last 1 day": set(),
        "stage at least interested": {first.id},
        "stage is reached": {second.id},
        "not disposition is present and last_called is present": set(),
    }
    segments = segments_of(records)
    for text, ids in expected.items():
        found = await segments.sample(parse_filter(text), SPRING, NOW, 10)
        assert {entry.contact.id for entry in found} == ids, text
    assert second.id not in await due(records, "everybody")
    assert await segments.next_due(parse_filter("callback is present"), SPRING, NOW) == tomorrow


async def test_what_is_due_comes_in_the_order_of_the_list(records: Store) -> None:
    ids = [contact.id for contact in await with_contacts(records)]
    await records.postpone([ids[3]], NOW - HOUR)
    await records.postpone([ids[6]], NOW - 2 * HOUR)
    await records.postpone([ids[4]], NOW + HOUR)
    milan = "province is MI"  # ids 0, 3, 6
    assert await due(records, milan) == [ids[6], ids[3], ids[0]]
    assert await due(records, milan, order=ListOrder.FRESH_FIRST) == [ids[0], ids[6], ids[3]]
    assert await due(records, milan, 2) == [ids[6], ids[3]]
    rome = "province is RM"  # ids 1, 4 (later), 7
    assert await due(records, rome) == [ids[1], ids[7]]
    assert await due(records, rome, order=ListOrder.NEWEST_FIRST) == [ids[7], ids[1]]
    assert await due(records, rome, 1, order=ListOrder.NEWEST_FIRST) == [ids[7]]
    everybody = [await due(records, "everybody", order=order) for order in ListOrder]
    assert everybody == [
        [contact.id for contact in await records.due_contacts(SPRING, NOW, 100, order)] for order in ListOrder
    ]
    found = await segments_of(records).due(parse_filter(milan), SPRING, NOW, 1)
    assert found[0] == (await records.due_contacts(SPRING, NOW, 1))[0]


@pytest.mark.parametrize("slices", [(1, 2), (4, 3), (5000,)])
async def test_a_long_list_is_looked_through_in_slices(
    records: Store, monkeypatch: pytest.MonkeyPatch, slices: tuple[int, ...]
) -> None:
    monkeypatch.setattr("controller.store.segments.SLICES", slices)
    contacts = await with_contacts(records, 24)
    for number, contact in enumerate(contacts):
        if number % 4 < 3:  # many at the same time: the order is by id then
            await records.postpone([contact.id], NOW - HOUR if number % 4 < 2 else NOW + number // 8 * HOUR)
    for order in ListOrder:
        every = await records.due_contacts(SPRING, NOW, 100, order)
        milan = [contact.id for contact in every if contact.attributes["province"] == "MI"]
        assert len(milan) > 4
        for limit in (1, 3, 100):
            assert await due(records, "province is MI", limit, order) == milan[:limit]
    segments = segments_of(records)
    last = 'attributes.città is "Forlì 22"'  # the only one, and late
    assert await segments.next_due(parse_filter(last), SPRING, NOW) == NOW + 2 * HOUR
    assert await segments.next_due(parse_filter('attributes.città is "Forlì 23"'), SPRING, NOW) == NOW
    assert await segments.next_due(parse_filter('attributes.città is "Forlì 21"'), SPRING, NOW) == NOW
    assert await segments.next_due(parse_filter("province is PA"), SPRING, NOW) is None


async def test_who_is_being_called_is_not_due(records: Store) -> None:
    contacts = await with_contacts(records, 4)
    await begun(records, admitted(contacts[0], at=NOW))
    assert await due(records, "province is MI") == [contacts[3].id]


async def test_when_the_next_one_is_due(records: Store) -> None:
    contacts = await with_contacts(records, 4)
    segments = segments_of(records)
    assert await segments.next_due(MILAN, SPRING, NOW) == NOW
    await records.postpone([contact.id for contact in contacts], NOW + 2 * HOUR)
    assert await segments.next_due(MILAN, SPRING, NOW) == NOW + 2 * HOUR
    assert await segments.next_due(parse_filter("province is PA"), SPRING, NOW) is None
    assert await segments.next_due(MILAN, CampaignId("autumn"), NOW) is None
    for number in (0, 3):  # both of Milan
        call = admitted(contacts[number], f"call-{number}", NOW + 3 * HOUR)
        await begun(records, call)
        assert await segments.next_due(MILAN, SPRING, NOW + 3 * HOUR) == NOW + 3 * HOUR
        await records.attempt_ended(end(call, Outcome.CONNECTED))
    assert await segments.next_due(MILAN, SPRING, NOW) is None
    assert await segments.next_due(EVERYBODY, SPRING, NOW) == NOW + 2 * HOUR


async def test_while_days_that_pass_may_make_others_match_there_is_a_tomorrow(records: Store) -> None:
    await with_contacts(records, 2)
    segments, rome = segments_of(records), NOW.astimezone(ZoneInfo("Europe/Rome"))
    nobody_yet = parse_filter("birthday within next 7 days or attributes.end before 5 days ago")
    midnight = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
    assert await segments.next_due(nobody_yet, SPRING, rome) == midnight
    assert await segments.next_due(parse_filter("attributes.end before 2026-03-05"), SPRING, rome) is None
    assert await segments.next_due(parse_filter("age >= 18"), SPRING, rome) is None
    assert await segments.next_due(nobody_yet, CampaignId("autumn"), rome) is None


async def test_while_a_call_is_under_way_it_may_still_make_its_contact_match(records: Store) -> None:
    contact, _ = await with_contacts(records, 2)
    busy = parse_filter("last_outcome is busy")
    assert await segments_of(records).next_due(busy, SPRING, NOW) is None
    call = admitted(contact, at=NOW)
    await begun(records, call)
    assert await segments_of(records).next_due(busy, SPRING, NOW) == NOW
    await records.attempt_ended(end(call, Outcome.BUSY, NOW + HOUR))
    assert await segments_of(records).next_due(busy, SPRING, NOW) == NOW + HOUR


async def test_days_are_those_of_the_clock_that_is_handed_in(records: Store) -> None:
    contact, *_ = await with_contacts(records)
    call = admitted(contact, at=datetime(2026, 2, 28, 23, 30, tzinfo=UTC))
    await begun(records, call)
    today = parse_filter("last_called on 2026-03-01")
    assert await segments_of(records).count(today, SPRING, NOW) == 0
    assert await segments_of(records).count(today, SPRING, NOW.astimezone(ZoneInfo("Europe/Rome"))) == 1


async def test_a_store_that_fails_says_so() -> None:
    records = MemoryRecords()
    records.fail = True
    with pytest.raises(RecordsUnreachable):
        await records.segments.count(EVERYBODY, SPRING, NOW)
    with pytest.raises(RecordsUnreachable):
        await records.segments.all()


async def test_who_waits_for_others_looks_is_told_in_time() -> None:
    async def read(work: Callable[[Any], T], doing: str, timeout: float | None = None) -> T:
        await asyncio.sleep(0.2)
        return work(Connected())

    async def write(*_: object, **__: object) -> Any:
        raise AssertionError

    class Connected:
        def scalar(self, _: object) -> int:
            return 7

    segments = SqlSegments(Access(read, write, timeout=0.004), "sqlite")  # patient for 0.06 s
    first = asyncio.create_task(segments.count(EVERYBODY, SPRING, NOW))
    await asyncio.sleep(0)
    with pytest.raises(RecordsUnreachable, match=r"took more than 0\.06 s"):
        await segments.count(EVERYBODY, SPRING, NOW)
    assert await first == 7
    assert await segments.count(EVERYBODY, SPRING, NOW) == 7
