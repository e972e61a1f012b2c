from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from controller.domain.contact import Habits, NewContact
from controller.domain.funnel import By, Funnel, FunnelLine, Stage, offsets
from controller.domain.ids import E164, CampaignId, ContactId
from controller.domain.outcome import Outcome
from controller.errors import BadInput, ControllerError
from controller.ports import Authorship
from controller.store.memory_records import MemoryRecords
from tests.contract.records.builders import DAY, HOUR, NOW, SPRING, Store, campaign, with_contacts

from .builders import called, noted, staged

ANNA = Authorship(author="anna", reason="signed in the shop")


def lines(funnel: Funnel) -> dict[str, tuple[int, ...]]:
    return {line.label: line.counts for line in funnel.lines}


async def test_contacts_are_counted_by_how_far_they_came(records: Store) -> None:
    people = await with_contacts(records, 6)
    await called(records, people[0], "a", outcome=Outcome.BUSY)
    await called(records, people[1], "b")
    await called(records, people[2], "c")
    await staged(records, people[2].id, Stage.LEAD)
    await staged(records, people[3].id, Stage.CUSTOMER)  # by hand: nobody called
    funnel = await records.outward.leads.funnel(SPRING)
    assert funnel == Funnel(
        campaign=SPRING, by=By.NOTHING, total=FunnelLine(label="", counts=(6, 3, 2, 2, 1))
    )
    assert funnel.total.rate(Stage.CONTACT) is None
    assert funnel.total.rate(Stage.REACHED) == 0.5
    assert funnel.total.rate(Stage.CUSTOMER) == 0.5


async def test_a_silent_call_reaches_nobody(records: Store) -> None:
    [contact] = await with_contacts(records, 1)
    await called(records, contact, "a", outcome=Outcome.SILENT)
    assert (await records.outward.leads.funnel(SPRING)).total.counts == (1, 0, 0, 0, 0)


async def test_who_was_not_the_one_that_picked_up_was_not_reached(records: Store) -> None:
    people = await with_contacts(records, 3)
    for contact, call in zip(people, "abc", strict=True):
        await called(records, contact, call)
    await noted(records, people[0].id, "a", "machine", stage=Stage.CONTACT)
    await noted(records, people[1].id, "b", "machine", stage=Stage.CONTACT)
    await noted(records, people[1].id, "b", "refused")  # put right
    leads = records.outward.leads
    assert (await leads.funnel(SPRING)).total.counts == (3, 2, 0, 0, 0)
    assert lines(await leads.funnel(SPRING, By.HOUR)) == {"11": (3, 2, 0, 0, 0)}
    assert lines(await leads.funnel(SPRING, By.DISPOSITION)) == {
        "": (1, 1, 0, 0, 0),
        "machine": (1, 0, 0, 0, 0),
        "refused": (1, 1, 0, 0, 0),
    }


async def test_an_empty_campaign_has_an_empty_funnel(records: Store) -> None:
    await records.save_campaign(campaign())
    for by in By:
        funnel = await records.outward.leads.funnel(SPRING, by)
        assert (funnel.total.counts, funnel.lines) == ((0, 0, 0, 0, 0), ())
    assert funnel.total.rate(Stage.REACHED) is None


async def test_a_campaign_that_is_not_there_has_no_funnel(records: Store) -> None:
    with pytest.raises(BadInput, match="autumn"):
        await records.outward.leads.funnel(CampaignId("autumn"))


async def test_segments_add_up_to_the_total(records: Store) -> None:
    await records.save_campaign(campaign())
    await records.add_contacts(
        SPRING,
        [
            NewContact(number=E164(f"+39347000000{i}"), habits=Habits(segment=segment))
            for i, segment in enumerate(["north", "north", "south", ""])
        ],
    )
    people = list(await records.due_contacts(SPRING, NOW, 9))
    await called(records, people[0], "a")
    await staged(records, people[0].id, Stage.INTERESTED)
    await staged(records, people[2].id, Stage.REACHED)
    funnel = await records.outward.leads.funnel(SPRING, By.SEGMENT)
    assert lines(funnel) == {
        "": (1, 0, 0, 0, 0),
        "north": (2, 1, 1, 0, 0),
        "south": (1, 1, 0, 0, 0),
    }
    assert [sum(column) for column in zip(*lines(funnel).values(), strict=True)] == [4, 2, 1, 0, 0]
    assert funnel.total.counts == (4, 2, 1, 0, 0)


async def test_hours_are_those_of_the_campaigns_clock_also_across_the_change_of_time(records: Store) -> None:
    people = await with_contacts(records, 3)
    # Rome: UTC+1 on 27 March 2026, UTC+2 from 29 March 01:00 UTC.
    await called(records, people[0], "a", datetime(2026, 3, 27, 9, 30, tzinfo=UTC))  # 10:30
    await called(records, people[1], "b", datetime(2026, 3, 30, 8, 30, tzinfo=UTC))  # 10:30
    await called(records, people[2], "c", datetime(2026, 3, 30, 9, 0, tzinfo=UTC))  # 11:00
    found = lines(await records.outward.leads.funnel(SPRING, By.HOUR))
    assert found == {"10": (2, 2, 0, 0, 0), "11": (1, 1, 0, 0, 0)}


async def test_an_hour_before_ten_has_two_digits(records: Store) -> None:
    [contact] = await with_contacts(records, 1)
    await called(records, contact, "a", datetime(2026, 3, 27, 8, 0, tzinfo=UTC))
    assert list(lines(await records.outward.leads.funnel(SPRING, By.HOUR))) == ["09"]


async def test_the_last_conversation_decides_in_which_hour_a_lead_was_made(records: Store) -> None:
    contact, other = await with_contacts(records, 2)
    await called(records, contact, "a", NOW)  # 11 in Rome
    await called(records, contact, "b", NOW + HOUR)
    await called(records, contact, "c", NOW + 2 * HOUR, Outcome.NO_ANSWER)
    await called(records, contact, "d", NOW + DAY, Outcome.NO_ANSWER)
    await called(records, other, "e", NOW + DAY, Outcome.BUSY)
    await staged(records, contact.id, Stage.LEAD)
    assert lines(await records.outward.leads.funnel(SPRING, By.HOUR)) == {
        "11": (2, 1, 0, 0, 0),
        "12": (1, 1, 1, 1, 0),
        "13": (1, 0, 0, 0, 0),
    }


async def test_script_versions_and_dispositions_are_compared_by_conversations(records: Store) -> None:
    people = await with_contacts(records, 5)
    for i, contact in enumerate(people[:4]):
        await called(records, contact, f"call-{i}", NOW + i * HOUR)
    await called(records, people[4], "call-4", outcome=Outcome.BUSY)  # nothing to read out
    await noted(records, people[0].id, "call-0", "lead", script=("pitch", 1))
    await noted(records, people[1].id, "call-1", "refused", script=("pitch", 2))
    await noted(records, people[2].id, "call-2", "refused", script=("pitch", 2))
    await noted(records, people[2].id, "call-2", "lead", script=("pitch", 2))  # put right: the last holds
    await staged(records, people[0].id, Stage.LEAD)
    await staged(records, people[2].id, Stage.CUSTOMER)
    assert lines(await records.outward.leads.funnel(SPRING, By.SCRIPT)) == {
        "": (1, 1, 0, 0, 0),
        "pitch v1": (1, 1, 1, 1, 0),
        "pitch v2": (2, 2, 1, 1, 1),
    }
    assert lines(await records.outward.leads.funnel(SPRING, By.DISPOSITION)) == {
        "": (1, 1, 0, 0, 0),
        "lead": (2, 2, 2, 2, 1),
        "refused": (1, 1, 0, 0, 0),
    }


async def test_one_campaigns_calls_are_not_counted_in_another(records: Store) -> None:
    mine = await with_contacts(records, 2)
    others = await with_contacts(records, 3, "autumn")
    await called(records, mine[0], "a")
    await called(records, others[0], "b")
    await noted(records, others[0].id, "b", "lead", campaign=CampaignId("autumn"))
    for by in By:
        assert (await records.outward.leads.funnel(SPRING, by)).total.counts == (2, 1, 0, 0, 0)
    assert lines(await records.outward.leads.funnel(SPRING, By.DISPOSITION)) == {"": (1, 1, 0, 0, 0)}


# --- stages set by hand


async def test_a_stage_set_by_hand_is_counted_and_recorded(records: Store) -> None:
    [contact] = await with_contacts(records, 1)
    leads = records.outward.leads
    made = await leads.set_stage(contact.id, Stage.CUSTOMER, ANNA, NOW)
    back = await leads.set_stage(contact.id, Stage.INTERESTED, ANNA, NOW + HOUR)
    assert made is not None
    assert (made.before, made.after, made.campaign) == (Stage.CONTACT, Stage.CUSTOMER, SPRING)
    assert await leads.stage_changes(SPRING) == [back, made]
    assert await leads.stage_changes(SPRING, limit=1) == [back]
    assert (await leads.funnel(SPRING)).total.counts == (1, 1, 1, 0, 0)


async def test_a_stage_that_is_there_already_is_no_change(records: Store) -> None:
    [contact] = await with_contacts(records, 1)
    assert await records.outward.leads.set_stage(contact.id, Stage.CONTACT, ANNA, NOW) is None
    assert await records.outward.leads.stage_changes(SPRING) == []


async def test_a_contact_that_is_not_there_has_no_stage(records: Store) -> None:
    with pytest.raises(BadInput, match="no contact 7"):
        await records.outward.leads.set_stage(ContactId(7), Stage.LEAD, ANNA, NOW)


@pytest.mark.parametrize("statement", ["UPDATE stage_changes SET author = 'x'", "DELETE FROM stage_changes"])
async def test_the_database_refuses_to_change_what_was_set(records: Store, statement: str) -> None:
    if isinstance(records, MemoryRecords):
        pytest.skip("there is no database")
    [contact] = await with_contacts(records, 1)
    await records.outward.leads.set_stage(contact.id, Stage.LEAD, ANNA, NOW)
    with pytest.raises(ControllerError, match="append-only"):
        await records._writer.run(lambda c: c.execute(text(statement)), "a test")
    assert len(await records.outward.leads.stage_changes(SPRING)) == 1


# --- the clock


@given(
    zone=st.sampled_from(["Europe/Rome", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
    first=st.integers(946_684_800, 2_051_222_400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    days=st.integers(0, 500),
    share=st.floats(0, 1),
)
def test_offsets_are_those_of_the_zone(zone: str, first: datetime, days: int, share: float) -> None:
    where, begin = ZoneInfo(zone), first
    end = begin + timedelta(days=days)
    steps = offsets(where, begin, end)
    at = begin + (end - begin) * share
    holding = [offset for since, offset in steps if since <= at][-1]
    assert holding == at.astimezone(where).utcoffset()
    assert steps[0][0] == begin


def test_a_zones_steps_are_where_its_clock_is_changed() -> None:
    steps = offsets(
        ZoneInfo("Europe/Rome"), datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    )
    assert [f"{since:%m-%d %H:%M:%S}" for since, _ in steps] == [
        "01-01 00:00:00",
        "03-29 01:00:00",
        "10-25 01:00:00",
    ]
