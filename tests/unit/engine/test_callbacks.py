"""Promises at hours at which a telephone may ring, by the callee's clock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from controller.domain.callback import Promise
from controller.domain.campaign import Campaign
from controller.domain.contact import Contact, Habits, NewContact
from controller.domain.hours import parse_hours
from controller.domain.ids import E164, AgentId, CampaignId
from controller.engine.calendar import Calendar
from controller.engine.callbacks import CallbackDesk, clock_of, parse_hour
from controller.errors import BadInput, Refused
from controller.store.memory_records import MemoryRecords
from tests.fakes.law import LAX

DAYTIME = replace(LAX, name="daytime", hours=parse_hours("mon-fri 09:00-20:00"))
SPRING = Campaign(id=CampaignId("spring"), caller="Acme", law=DAYTIME)
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)  # a Monday
ROME, NEW_YORK = ZoneInfo("Europe/Rome"), ZoneInfo("America/New_York")
ANNA = AgentId("1001")


async def desk_and_contact(habits: Habits | None = None) -> tuple[MemoryRecords, CallbackDesk, Contact]:
    records = MemoryRecords(profiles={"daytime": DAYTIME})
    await records.save_campaign(SPRING)
    new = NewContact(number=E164("+393471234567"), habits=habits or Habits())
    await records.add_contacts(SPRING.id, [new])
    (contact,) = await records.due_contacts(SPRING.id, NOW, 1)
    return records, CallbackDesk(records, records.work, Calendar()), contact


def at(day: int, hour: int, minute: int = 0, zone: ZoneInfo = ROME) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=zone)


# --- hours as people write them


def test_an_hour_is_by_the_callees_clock() -> None:
    assert parse_hour("2026-12-01 15:30", ROME) == datetime(2026, 12, 1, 14, 30, tzinfo=UTC)
    assert parse_hour(" 2026-12-01T15:30 ", NEW_YORK) == datetime(2026, 12, 1, 20, 30, tzinfo=UTC)
    assert parse_hour("2026-12-01T15:30+00:00", ROME) == datetime(2026, 12, 1, 15, 30, tzinfo=UTC)


def test_an_hour_that_comes_twice_is_the_first() -> None:
    assert parse_hour("2026-10-25 02:30", ROME) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "15:30", "2026-02-30 15:30", "2026-03-29 02:30"])
def test_what_is_no_hour(text: str) -> None:
    with pytest.raises(BadInput, match="time"):
        parse_hour(text, ROME)


async def test_the_clock_is_their_own_or_the_campaigns_where_it_may_be_several() -> None:
    _records, _desk, contact = await desk_and_contact()
    assert clock_of(contact, SPRING) == ROME
    there = replace(contact, habits=Habits(zone="America/New_York"))
    assert clock_of(there, SPRING) == NEW_YORK
    american = replace(contact, number=E164("+18005550100"))
    assert clock_of(american, replace(SPRING, zone="America/Chicago")).key == "America/Chicago"


# --- what may be promised


async def test_what_may_be_promised_is_stored() -> None:
    records, desk, contact = await desk_and_contact()
    promise = Promise(at=at(3, 15), agent=ANNA, note=" after lunch ")
    made = await desk.add(contact, SPRING, promise, "dora", NOW)
    assert (made.at, made.agent, made.note, made.author) == (at(3, 15), ANNA, "after lunch", "dora")
    assert await records.work.callback(made.id) == made


@pytest.mark.parametrize(
    ("when", "nearest"),
    [
        (at(3, 8, 59), at(3, 9)),
        (at(3, 20), at(4, 9)),
        (at(3, 19, 59) + timedelta(seconds=40), at(4, 9)),  # the phone could ring past the hours
        (at(7, 12), at(9, 9)),  # a Saturday
    ],
)
async def test_when_no_telephone_may_ring_the_next_hour_is_named_or_taken(
    when: datetime, nearest: datetime
) -> None:
    records, desk, contact = await desk_and_contact()
    local = f"{nearest:%a %Y-%m-%d %H:%M} Europe/Rome"
    with pytest.raises(Refused, match=local):
        await desk.add(contact, SPRING, Promise(at=when), "dora", NOW)
    assert await records.work.callbacks() == []
    made = await desk.add(contact, SPRING, Promise(at=when), "dora", NOW, nearest=True)
    assert made.at == nearest


async def test_the_hours_are_those_of_the_callees_clock() -> None:
    _records, desk, contact = await desk_and_contact(Habits(zone="America/New_York"))
    with pytest.raises(Refused, match="09:00 America/New_York"):
        desk.checked(Promise(at=at(3, 14)), contact, SPRING, NOW)  # 8 in New York
    assert desk.checked(Promise(at=at(3, 15)), contact, SPRING, NOW).at == at(3, 15)


async def test_past_the_campaigns_end_nothing_is_promised() -> None:
    _records, desk, contact = await desk_and_contact()
    ending = replace(SPRING, closes_at=at(3, 12))
    for nearest in (False, True):
        with pytest.raises(Refused, match="campaign's end"):
            desk.checked(Promise(at=at(3, 15)), contact, ending, NOW, nearest=nearest)


async def test_before_it_opens_the_nearest_hour_is_after_that() -> None:
    _records, desk, contact = await desk_and_contact()
    opening = replace(SPRING, opens_at=at(7, 12))  # a Saturday
    with pytest.raises(Refused, match="opens"):
        desk.checked(Promise(at=at(3, 15)), contact, opening, NOW)


async def test_neither_in_the_past_nor_in_the_far_future() -> None:
    _records, desk, contact = await desk_and_contact()
    for when in (NOW - timedelta(minutes=3), NOW + timedelta(days=367)):
        with pytest.raises(BadInput, match="time"):
            desk.checked(Promise(at=when), contact, SPRING, NOW)
    just_now = Promise(at=NOW - timedelta(minutes=1))
    assert desk.checked(just_now, contact, SPRING, NOW) == just_now
    with pytest.raises(BadInput, match="note"):
        desk.checked(Promise(at=at(3, 15), note="x" * 1001), contact, SPRING, NOW)


# --- changed


async def test_moved_and_taken_back() -> None:
    records, desk, contact = await desk_and_contact()
    made = await desk.add(contact, SPRING, Promise(at=at(3, 15), agent=ANNA), "dora", NOW)
    moved = await desk.move(made.id, at(4, 10), NOW, agent=ANNA)
    assert (moved.at, moved.agent) == (at(4, 10), ANNA)
    with pytest.raises(Refused, match="nobody can be promised"):
        await desk.move(made.id, at(4, 21), NOW)
    assert await records.work.callback(made.id) == moved
    found = await desk.found(made.id)
    assert (found[0], found[1].id, found[2].id) == (moved, contact.id, SPRING.id)
    await desk.cancel(made.id, NOW)
    with pytest.raises(Refused, match="cancelled"):
        await desk.move(made.id, at(4, 10), NOW)
    with pytest.raises(BadInput, match="no call-back 9"):
        await desk.found(9)
