"""Campaigns that open and close by the clock, and data whose time is over."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from controller.domain.callback import Promise
from controller.domain.campaign import Campaign, CampaignState
from controller.domain.ids import CampaignId
from controller.domain.outcome import Outcome
from controller.domain.regulation import CallerIdRule
from controller.engine.clock import SystemClock
from controller.engine.retention import Retention
from controller.engine.schedule import Schedule
from controller.errors import Refused
from controller.simulation.callee import Answers
from controller.store.memory_records import MemoryRecords
from tests.fakes.call_centre import CallCentre, call_centre, number, virtual
from tests.fakes.law import KNOWN, LAX
from tests.unit.api.operations import FakeOperations

HOUR = timedelta(hours=1)
TEN = timedelta(minutes=10)
YEARS = timedelta(days=731)


def schedule(centre: CallCentre) -> Schedule:
    retention = Retention(centre.records, centre.records.people, YEARS)
    return Schedule(centre.controller, centre.records, centre.clock, retention)


async def state(centre: CallCentre, campaign: Campaign) -> CampaignState:
    row = await centre.records.campaign(campaign.id)
    assert row is not None
    return row.state


@virtual
async def test_a_campaign_opens_and_closes_by_the_clock() -> None:
    async with call_centre(agents=1) as centre:
        centre.telephony.habit = Answers(after=1.0, talks=2.0)
        now, looks = centre.clock.now(), schedule(centre)
        campaign = await centre.campaign(
            contacts=[number(i) for i in range(150)], opens_at=now + TEN, closes_at=now + 2 * TEN
        )
        await looks.look()
        assert await state(centre, campaign) is CampaignState.SCHEDULED
        await centre.sleep(601)
        await looks.look()
        assert await state(centre, campaign) is CampaignState.RUNNING
        await centre.until(lambda: len(centre.telephony.callees) > 3)
        await looks.look()  # once is enough
        await centre.sleep(600)
        await looks.look()
        assert await state(centre, campaign) is CampaignState.STOPPED
        assert centre.status().reason == "its end has come"
        rung = [callee.dialed_at for callee in centre.telephony.callees]
        assert min(rung) >= 600
        # However late the look: nobody's phone rings past the end.
        assert 1200 - 60 < max(rung) + campaign.ring_timeout.total_seconds() <= 1200


@virtual
async def test_an_opening_that_was_missed_is_made_up_for_but_not_after_the_end() -> None:
    async with call_centre(agents=1) as centre:
        now = centre.clock.now()
        late = await centre.campaign("late", opens_at=now - 3 * HOUR, closes_at=now + HOUR)
        gone = await centre.campaign("gone", opens_at=now - 3 * HOUR, closes_at=now - HOUR)
        await schedule(centre).look()
        assert await state(centre, late) is CampaignState.RUNNING
        assert await state(centre, gone) is CampaignState.SCHEDULED


@virtual
async def test_a_call_back_wakes_a_finished_campaign_shortly_before_its_hour() -> None:
    async with call_centre(agents=1) as centre:
        centre.telephony.habit = Answers(after=1.0, talks=2.0)
        campaign = await centre.campaign(contacts=[number(0)])
        looks = Schedule(
            centre.controller,
            centre.records,
            centre.clock,
            Retention(centre.records, centre.records.people, timedelta(days=731)),
            callbacks=centre.records.work,
        )
        await centre.start(campaign)
        await centre.until(lambda: centre.status().state is CampaignState.FINISHED)
        (row,) = await centre.records.contacts(campaign.id)
        hour = centre.clock.now() + HOUR
        await centre.records.work.promise(row.contact.id, Promise(at=hour), "anna", centre.clock.now())

        await looks.look()
        assert await state(centre, campaign) is CampaignState.FINISHED
        await centre.sleep(3600 - 60)
        await looks.look()
        assert await state(centre, campaign) is CampaignState.RUNNING
        await centre.until(lambda: len(centre.telephony.callees) == 2, 120)
        assert centre.clock.now() >= hour


@virtual
async def test_the_clock_does_not_start_what_a_person_paused_or_stopped() -> None:
    async with call_centre(agents=1) as centre:
        now, looks = centre.clock.now(), schedule(centre)
        campaign = await centre.campaign(contacts=[number(0)], opens_at=now - HOUR)
        await looks.look()
        await centre.controller.pause_campaign(campaign.id, "lunch")
        await looks.look()
        assert await state(centre, campaign) is CampaignState.PAUSED
        await centre.controller.stop_campaign(campaign.id)
        await looks.look()
        assert await state(centre, campaign) is CampaignState.STOPPED


@virtual
async def test_a_campaign_that_may_not_start_is_told_of_once_and_stays_closed() -> None:
    async with call_centre(agents=1) as centre:
        law = replace(LAX, name="strict", caller_id=CallerIdRule(required=True))
        campaign = await centre.campaign(law=law, opens_at=centre.clock.now() - HOUR)
        looks = schedule(centre)
        with capture_logs() as logs:
            await looks.look()
            await looks.look()
        told = [entry for entry in logs if entry["log_level"] == "error"]
        assert len(told) == 1
        assert "presents no number" in told[0]["why"]
        assert await state(centre, campaign) is CampaignState.SCHEDULED


@virtual
async def test_a_store_that_does_not_answer_is_asked_again() -> None:
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(opens_at=centre.clock.now() - HOUR)
        looks = schedule(centre)
        centre.records.fail = True
        await looks.look()
        await looks.reduce()
        centre.records.fail = False
        await looks.look()
        assert await state(centre, campaign) is CampaignState.RUNNING


@virtual
async def test_nobodys_data_are_reduced_before_the_law_allows_it_and_then_they_are() -> None:
    async with call_centre(agents=1) as centre:
        centre.telephony.habit = Answers(after=1.0, talks=2.0)
        campaign = await centre.campaign(contacts=[number(0)])
        await centre.start(campaign)
        await centre.ended(number(0))
        retention = Retention(centre.records, centre.records.people, YEARS)
        now = centre.clock.now()
        with pytest.raises(Refused, match="must be kept"):
            await retention.run(now, before=now - YEARS + HOUR)
        assert (await retention.run(now + YEARS - HOUR)).contacts == 0
        assert number(0) in str((await centre.records.people.person(number(0))).contacts)
        reduced = await retention.run(now + YEARS + HOUR)
        assert (reduced.contacts, reduced.attempts) == (1, 1)
        assert number(0) not in str((await centre.records.people.person(number(0))).contacts)
        figures = await centre.records.figures(campaign.id)
        assert figures.by_outcome == {Outcome.CONNECTED: 1}
        await centre.switch_off()


async def test_it_looks_by_itself_and_leaves_nothing_behind() -> None:
    records, operations = MemoryRecords(profiles=KNOWN), FakeOperations()
    retention = Retention(records, records.people, YEARS)
    campaign = Campaign(
        id=CampaignId("c"), caller="acme", law=LAX, opens_at=SystemClock().now() + timedelta(seconds=0.15)
    )
    await records.save_campaign(campaign)
    before = asyncio.all_tasks()
    async with Schedule(operations, records, SystemClock(), retention, look_every=0.05):
        assert operations.asked == []
        async with asyncio.timeout(5):
            while not operations.asked:  # noqa: ASYNC110 - another scheduler sets the pace
                await asyncio.sleep(0.01)
    assert operations.asked[0] == ("start", "c")
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
