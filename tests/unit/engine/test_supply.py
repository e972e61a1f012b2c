"""Contacts on their way from the list to the dialer: segments, orders, edits, staff, call-backs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from controller.domain.callback import CallbackState, Promise
from controller.domain.campaign import Campaign, CampaignState, ListOrder, PausedBy
from controller.domain.contact import NewContact
from controller.domain.dialing_plan import SegmentShare
from controller.domain.ids import ContactId
from controller.domain.retry import RetryRule
from controller.domain.segment_text import parse_filter
from tests.fakes.call_centre import CallCentre, agent, call_centre, number, virtual

ONE_BY_ONE: dict[str, Any] = {"overdial": 1.0, "retry": RetryRule(max_attempts=1), "wrap_up": timedelta(0)}


async def listed(centre: CallCentre, campaign: Campaign, *tags: str) -> list[ContactId]:
    """Contacts 0, 1, ..., each with these words as its tags."""
    new = [NewContact(number=number(i), tags=frozenset(words.split())) for i, words in enumerate(tags)]
    await centre.records.add_contacts(campaign.id, new)
    return [row.contact.id for row in await centre.records.contacts(campaign.id)]


async def save_segment(centre: CallCentre, name: str, text: str) -> None:
    await centre.records.segments.save(
        name, parse_filter(text), description="", author="anna", now=centre.clock.now()
    )


def dialed(centre: CallCentre) -> list[str]:
    return [callee.number for callee in centre.telephony.callees]


async def edited(centre: CallCentre, campaign: Campaign, **changes: object) -> Campaign:
    row = await centre.records.campaign(campaign.id)
    assert row is not None
    after = replace(row.campaign, **changes)  # type: ignore[arg-type]
    await centre.records.edit_campaign(after, row.version, {}, "anna")
    await centre.controller.campaign_changed(campaign.id)
    return after


# --- segments and orders


@virtual
async def test_segments_are_dialed_by_priority_and_weight_and_nobody_else_is() -> None:
    async with call_centre(agents=1) as centre:
        await save_segment(centre, "vip", "tags has vip")
        await save_segment(centre, "warm", "tags has warm")
        await save_segment(centre, "cold", "tags has cold")
        shares = (
            SegmentShare(segment="cold", weight=1),
            SegmentShare(segment="vip", priority=5),
            SegmentShare(segment="warm", weight=3),
        )
        campaign = await centre.campaign(contacts=[], dialing=shares, **ONE_BY_ONE)
        await listed(centre, campaign, *["cold"] * 4, *["warm"] * 6, "vip", "none", *["warm"] * 3, "vip")
        await centre.start(campaign)
        await centre.until(lambda: centre.status().state is CampaignState.FINISHED, 3600)

        order = dialed(centre)
        vip, cold = [number(10), number(15)], [number(i) for i in range(4)]
        assert set(order[:2]) == set(vip)
        assert number(11) not in order
        assert len(order) == 15
        assert sum(each in cold for each in order[2:10]) == 2, "one of four is cold"


@virtual
async def test_the_order_of_the_list_is_the_campaigns() -> None:
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(
            contacts=[number(i) for i in range(4)], order=ListOrder.NEWEST_FIRST, **ONE_BY_ONE
        )
        await centre.start(campaign)
        await centre.until(lambda: len(centre.telephony.callees) == 4, 3600)
        assert dialed(centre) == [number(i) for i in (3, 2, 1, 0)]


@virtual
async def test_another_segment_is_dialed_at_once_when_a_running_campaign_is_edited() -> None:
    async with call_centre(agents=1) as centre:
        await save_segment(centre, "a", "tags has a")
        await save_segment(centre, "b", "tags has b")
        campaign = await centre.campaign(contacts=[], dialing=(SegmentShare(segment="a"),), **ONE_BY_ONE)
        await listed(centre, campaign, *["a"] * 40, *["b"] * 3)
        await centre.start(campaign)
        await centre.until(lambda: len(centre.telephony.callees) == 2, 3600)

        await edited(centre, campaign, dialing=(SegmentShare(segment="b"),))
        await centre.until(lambda: centre.status().state is CampaignState.FINISHED, 3600)

        late = dialed(centre)[3:]
        assert set(late) <= {number(i) for i in (40, 41, 42)}
        assert {number(i) for i in (40, 41, 42)} <= set(dialed(centre))


# --- edits of a running campaign


@virtual
async def test_an_edit_of_another_program_is_taken_over_at_the_next_look() -> None:
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(contacts=[number(i) for i in range(9)], **ONE_BY_ONE)
        await centre.start(campaign)
        row = await centre.records.campaign(campaign.id)
        assert row is not None
        await centre.records.edit_campaign(replace(row.campaign, max_lines=7), 1, {}, "anna")
        row = await centre.records.campaign(campaign.id)
        assert row is not None

        centre.controller.follow(row)

        assert centre.controller.office.runs[campaign.id].campaign.max_lines == 7


@virtual
async def test_an_edit_that_breaks_the_law_stops_the_campaign_for_good() -> None:
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(contacts=[number(i) for i in range(90)], **ONE_BY_ONE)
        await centre.start(campaign)
        await centre.until(lambda: centre.telephony.callees, 3600)
        await edited(
            centre, campaign, ring_timeout=timedelta(seconds=1), law=centre.profiles["it-garante-2014"]
        )

        assert centre.status().paused_by is PausedBy.SAFETY
        await centre.sleep(30)
        row = await centre.records.campaign(campaign.id)
        assert row is not None
        assert (row.state, row.paused_by) == (CampaignState.PAUSED, PausedBy.SAFETY), "and durably so"


@virtual
async def test_only_agents_with_the_skills_take_a_campaigns_calls() -> None:
    skills = {agent(1): frozenset({"german"})}
    async with call_centre(agents=2, skills=skills) as centre:
        campaign = await centre.campaign(
            contacts=[number(i) for i in range(6)], skills=frozenset({"german"}), **ONE_BY_ONE
        )
        await centre.start(campaign)
        await centre.until(lambda: centre.status().state is CampaignState.FINISHED, 3600)

        facts = await centre.records.facts(campaign.id)
        calls = [await centre.records.attempt(fact.call) for fact in facts]
        assert {call.agent for call in calls if call and call.agent} == {agent(1)}


# --- call-backs


@virtual
async def test_a_promised_call_is_made_at_its_hour_by_the_agent_who_promised() -> None:
    async with call_centre(agents=3) as centre:
        campaign = await centre.campaign(contacts=[number(0)], **ONE_BY_ONE)
        (contact,) = [row.contact.id for row in await centre.records.contacts(campaign.id)]
        hour = centre.clock.now() + timedelta(minutes=10)
        await centre.records.work.promise(
            contact, Promise(at=hour, agent=agent(2)), "anna", centre.clock.now()
        )
        await centre.start(campaign)
        await centre.until(lambda: centre.telephony.callees, 3600)

        (callee,) = centre.telephony.callees
        late = centre.clock.now() - hour
        assert timedelta(0) <= late <= timedelta(seconds=5)
        await centre.until(lambda: centre.status().state is CampaignState.FINISHED, 3600)
        (fact,) = await centre.records.facts(campaign.id)
        call = await centre.records.attempt(fact.call)
        assert call is not None
        assert call.agent == agent(2)
        assert fact.guaranteed
        (kept,) = await centre.records.work.callbacks(campaign=campaign.id)
        assert kept.state is CallbackState.DONE
        assert callee.number == number(0)


@virtual
async def test_the_agent_who_promised_is_kept_free_before_the_hour() -> None:
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(contacts=[number(i) for i in range(200)], **ONE_BY_ONE)
        contacts = [row.contact.id for row in await centre.records.contacts(campaign.id)]
        hour = centre.clock.now() + timedelta(minutes=5)
        await centre.records.work.promise(
            contacts[0], Promise(at=hour, agent=agent(0)), "anna", centre.clock.now()
        )
        await centre.start(campaign)
        await centre.until(lambda: number(0) in dialed(centre), 3600)

        assert centre.clock.now() - hour <= timedelta(seconds=60), "at most the conversation before it"
        first = dialed(centre).index(number(0))
        assert first > 0, "until then others were called"
        before = len(dialed(centre))
        await centre.until(lambda: len(dialed(centre)) > before, 3600)
