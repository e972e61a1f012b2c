"""Campaigns are made, changed, scheduled and put away."""

from __future__ import annotations

from typing import Any

import pytest

from controller.domain.campaign import Campaign, CampaignState
from controller.domain.evidence import Kind
from controller.domain.ids import CampaignId
from controller.engine.campaigns import Campaigns
from controller.errors import BadInput, Conflict, Refused
from controller.law import IT_GARANTE_2014
from controller.store.memory_records import MemoryRecords

SPRING = CampaignId("spring")
LAWFUL = {"caller_number": "+390212345678", "caller_number_answers": True}


@pytest.fixture
def records() -> MemoryRecords:
    return MemoryRecords()


@pytest.fixture
def campaigns(records: MemoryRecords) -> Campaigns:
    return Campaigns(records, records.segments, records.work)


def base(**changes: Any) -> Campaign:
    return Campaign(id=SPRING, law=IT_GARANTE_2014, **{"caller": "Acme", **changes})


async def test_a_campaign_with_a_time_to_open_is_scheduled_from_the_start(campaigns: Campaigns) -> None:
    assert (await campaigns.create(base(), {})).state is CampaignState.DRAFT
    other = Campaign(id=CampaignId("autumn"), caller="Acme", law=IT_GARANTE_2014)
    made = await campaigns.create(other, {"opens_at": "2026-12-01 09:00"})

    assert made.state is CampaignState.SCHEDULED
    assert (await campaigns.unschedule(other.id)).state is CampaignState.DRAFT


async def test_an_edit_is_recorded_with_its_author_and_what_changed(
    campaigns: Campaigns, records: MemoryRecords
) -> None:
    await campaigns.create(base(), {})

    row = await campaigns.edit(SPRING, {"max_lines": 7, "wrap_up": 15}, "anna", expected=1)

    assert (row.version, row.campaign.max_lines, row.state) == (2, 7, CampaignState.DRAFT)
    last = (await records.evidence.entries_of(campaign=SPRING, kinds=[Kind.CAMPAIGN]))[-1]
    assert '"author":"anna"' in last.body
    assert '"max_lines":{"from":200,"to":7}' in last.body
    assert "wrap_up" not in last.body, "it was 15 before"


async def test_an_edit_that_changes_nothing_is_none(campaigns: Campaigns) -> None:
    await campaigns.create(base(), {"max_lines": 7})

    assert (await campaigns.edit(SPRING, {"max_lines": "7"}, "anna")).version == 1


async def test_two_edits_of_the_same_version_do_not_undo_each_other(
    campaigns: Campaigns, records: MemoryRecords
) -> None:
    await campaigns.create(base(), {})
    await campaigns.edit(SPRING, {"max_lines": 7}, "anna", expected=1)

    with pytest.raises(Conflict, match="version 2, not 1"):
        await campaigns.edit(SPRING, {"max_lines": 8}, "bruno", expected=1)
    with pytest.raises(Conflict, match="by somebody else"):
        await records.edit_campaign(base(), 1, {}, "bruno")
    assert (await campaigns.get(SPRING)).campaign.max_lines == 7


async def test_what_ran_keeps_its_caller_and_a_lawful_number(
    campaigns: Campaigns, records: MemoryRecords
) -> None:
    await campaigns.create(base(), LAWFUL)
    await campaigns.edit(SPRING, {"caller": "Beta"}, "anna")
    await records.set_campaign_state(SPRING, CampaignState.RUNNING)

    with pytest.raises(Refused, match="caller cannot be changed any more"):
        await campaigns.edit(SPRING, {"caller": "Gamma"}, "anna")
    with pytest.raises(Refused, match="not changed"):
        await campaigns.edit(SPRING, {"caller_number_answers": False}, "anna")
    assert (await campaigns.edit(SPRING, {"overdial": 3}, "anna")).campaign.overdial == 3


async def test_what_it_names_has_to_exist(campaigns: Campaigns) -> None:
    for name, value in (("segments", "vip"), ("script", "welcome")):
        with pytest.raises(BadInput, match="there is no"):
            await campaigns.create(base(), {name: value})


async def test_the_clock_starts_only_what_has_a_time_and_may_start(campaigns: Campaigns) -> None:
    await campaigns.create(base(), {})
    with pytest.raises(Refused, match="no time to open"):
        await campaigns.schedule(SPRING)
    await campaigns.edit(SPRING, {"opens_at": "2026-12-01 09:00"}, "anna")
    with pytest.raises(Refused, match="not scheduled"):
        await campaigns.schedule(SPRING)
    await campaigns.edit(SPRING, LAWFUL, "anna")

    assert (await campaigns.schedule(SPRING)).state is CampaignState.SCHEDULED
    with pytest.raises(Refused, match="needs a time to open"):
        await campaigns.edit(SPRING, {"opens_at": None}, "anna")


async def test_an_archived_campaign_is_neither_changed_nor_started_until_it_is_restored(
    campaigns: Campaigns, records: MemoryRecords
) -> None:
    await campaigns.create(base(), {})
    assert (await campaigns.archive(SPRING)).state is CampaignState.ARCHIVED

    with pytest.raises(Refused, match="archived"):
        await campaigns.edit(SPRING, {"max_lines": 7}, "anna")
    assert (await campaigns.restore(SPRING)).state is CampaignState.STOPPED
    await records.set_campaign_state(SPRING, CampaignState.RUNNING)
    with pytest.raises(Refused, match="is running"):
        await campaigns.archive(SPRING)


async def test_who_asks_for_a_campaign_that_is_not_there_is_told_which_are(campaigns: Campaigns) -> None:
    with pytest.raises(BadInput, match="none yet"):
        await campaigns.get(SPRING)
    await campaigns.create(base(), {})
    with pytest.raises(BadInput, match="spring"):
        await campaigns.get(CampaignId("sprung"))
