"""Mode preview: an agent looks at a contact first; it is called for them alone, or skipped, or goes back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.domain.agent import AgentState
from controller.domain.callback import Promise
from controller.domain.campaign import CampaignState
from controller.domain.clearance import EVERYBODY
from controller.domain.ids import CampaignId
from controller.domain.outcome import Outcome
from controller.domain.pacing import Mode
from controller.engine import previews
from controller.engine.feed import Feed
from controller.engine.previews import NOT_AT_THE_DESK, PLACE_WITHIN
from controller.errors import BadInput, Refused
from controller.ports import Authorship, OfferStatus
from controller.ports.ledger import ManualSuppression
from controller.simulation.callee import Answers
from tests.fakes.call_centre import CallCentre, agent, call_centre, number, virtual

SPRING = CampaignId("spring")


async def previewing(centre: CallCentre, contacts: int = 5, **changes: Any) -> None:
    """A campaign runs in which agents look first."""
    campaign = await centre.campaign(
        contacts=[number(i) for i in range(contacts)], mode=Mode.PREVIEW, **changes
    )
    await centre.start(campaign)


def offer(centre: CallCentre, which: int = 0) -> OfferStatus | None:
    """What an agent looks at."""
    return next((a.offer for a in centre.controller.status().agents if a.id == agent(which)), None)


async def offered(centre: CallCentre, which: int = 0) -> OfferStatus:
    """Wait until an agent looks at a contact."""
    await centre.until(lambda: offer(centre, which) is not None)
    found = offer(centre, which)
    assert found is not None
    return found


def told(centre: CallCentre, kind: str) -> list[dict[str, Any]]:
    """What the feed has told of a kind."""
    feed = centre.controller.office.tell.feed
    assert isinstance(feed, Feed)
    events = feed.since(feed._forgotten) or []
    return [dict(event.data) for event in events if event.kind == kind]


# --- offered, accepted, skipped


@virtual
async def test_nobody_is_called_before_the_agent_says_so_and_then_for_that_agent_alone() -> None:
    async with call_centre(agents=2) as centre:
        await previewing(centre)
        first, second = await offered(centre, 0), await offered(centre, 1)
        assert first.contact != second.contact
        assert centre.state(0) is AgentState.PREVIEW
        await centre.sleep(20)
        assert not centre.telephony.callees
        status = centre.status()
        assert (status.offers, status.in_flight) == (2, 0)
        assert "the agent decides" in status.blocked

        call = await centre.controller.accept_offer(agent(0), first.id)
        assert call == first.id
        assert centre.state(0) is AgentState.RESERVED
        callee = await centre.answered(number(0))
        await centre.until(lambda: centre.state(0) is AgentState.TALKING)
        assert offer(centre, 1) == second  # the other one goes on looking
        assert callee.call == call
        attempt = await centre.records.attempt(call)
        assert attempt is not None
        assert attempt.guaranteed
        assert attempt.covered
        assert await centre.controller.accept_offer(agent(0), first.id) == call  # said again
        assert len(centre.telephony.callees) == 1
        await centre.ended(number(0))
        assert centre.state(0) is AgentState.WRAP_UP
        await offered(centre, 0)


def test_who_skips_gets_the_next_and_the_contact_is_put_off_without_an_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(previews, "SKIPPED_FOR", timedelta(minutes=1))
    virtual(_who_skips_gets_the_next)()


async def _who_skips_gets_the_next() -> None:
    async with call_centre(agents=1) as centre:
        await previewing(centre, 2)
        first = await offered(centre)
        await centre.controller.skip_offer(agent(0), first.id, "known-customer")
        second = await offered(centre)
        assert second.contact != first.contact
        (row,) = await centre.records.contacts_by_id([first.contact])
        assert row.contact.due_at is not None
        assert timedelta(seconds=58) < row.contact.due_at - centre.clock.now() <= timedelta(minutes=1)
        assert row.contact.attempts == 0
        assert not row.done
        with pytest.raises(Refused, match="no such offer"):
            await centre.controller.accept_offer(agent(0), first.id)
        await centre.controller.skip_offer(agent(0))
        await centre.until(lambda: offer(centre) is None)
        await centre.sleep(5)
        assert centre.status().state is CampaignState.RUNNING
        assert "the next contact is due" in centre.status().blocked
        assert not centre.telephony.callees
        await centre.until(lambda: offer(centre) is not None, within=100)
        assert (await offered(centre)).contact == first.contact
        assert centre.time() >= 60
        ends = told(centre, "preview.ended")
        assert [(each["end"], each["why"]) for each in ends] == [
            ("skipped", "known-customer"),
            ("skipped", ""),
        ]
        assert all(str(number(0)) not in str(each) for each in ends)
        noted = await centre.records.work.skips(SPRING)
        assert [(each.agent, each.contact, each.reason) for each in noted] == [
            (agent(0), first.contact, "known-customer"),
            (agent(0), second.contact, ""),
        ]


@virtual
async def test_a_promise_for_soon_holds_although_the_contact_was_skipped() -> None:
    async with call_centre(agents=1) as centre:
        await previewing(centre, 1)
        first = await offered(centre)
        at = centre.clock.now() + timedelta(minutes=2)
        await centre.records.work.promise(first.contact, Promise(at=at), "t", centre.clock.now())
        with pytest.raises(Refused, match="promised"):
            await centre.controller.accept_offer(agent(0), first.id)
        await centre.records.work.cancel(1, centre.clock.now())

        await centre.until(lambda: offer(centre) is not None)
        promised = await centre.records.work.promise(first.contact, Promise(at=at), "t", centre.clock.now())
        await centre.controller.skip_offer(agent(0))
        await centre.sleep(110)
        assert not centre.telephony.callees
        await centre.answered(number(0))
        assert promised.at <= centre.clock.now() < promised.at + timedelta(seconds=10)


@virtual
async def test_a_reason_is_a_word() -> None:
    async with call_centre(agents=1) as centre:
        await previewing(centre)
        known = await offered(centre)
        with pytest.raises(BadInput, match="no word"):
            await centre.controller.skip_offer(agent(0), known.id, "Mrs Rossi is my aunt")
        assert offer(centre) == known


@virtual
async def test_keys_call_and_skip() -> None:
    async with call_centre(agents=1) as centre:
        await previewing(centre)
        first = await offered(centre)
        centre.telephony.press(agent(0), "2")  # meant for whatever was before
        await centre.sleep(0.5)
        assert offer(centre) == first
        await centre.sleep(1)
        centre.telephony.press(agent(0), "2")
        await centre.until(lambda: (now := offer(centre)) is not None and now != first)
        await centre.sleep(2)
        centre.telephony.press(agent(0), "1")
        await centre.answered(number(1))
        centre.telephony.press(agent(0), "1")  # in a conversation they mean nothing to us
        await centre.ended(number(1))
        assert [callee.number for callee in centre.telephony.callees] == [number(1)]


@virtual
async def test_an_offer_that_is_not_answered_pauses_the_agent_and_goes_to_the_next_one() -> None:
    async with call_centre(agents=2, seated=1) as centre:
        await previewing(centre, preview_timeout=timedelta(seconds=30))
        first = await offered(centre)
        await centre.sleep(29)
        assert centre.state(0) is AgentState.PREVIEW
        await centre.sleep(2)
        assert centre.state(0) is AgentState.PAUSED
        (status,) = centre.controller.status().agents
        assert status.reason == NOT_AT_THE_DESK
        assert "no agent is free" in centre.status().blocked
        assert told(centre, "preview.ended")[-1]["end"] == "timed-out"
        await centre.sleep(100)
        assert offer(centre) is None  # offers do not circle
        await centre.seat(1)
        assert (await offered(centre, 1)).contact == first.contact
        await centre.controller.agent_ready(agent(0))
        await offered(centre, 0)
        assert next(iter(centre.controller.status().agents)).reason == ""


# --- checked once more


async def bar(centre: CallCentre, which: int) -> None:
    """Put a number on the do-not-call list."""
    who = Authorship(author="test", reason="asked for it")
    await centre.records.lists.opt_out(EVERYBODY, [number(which)], who, centre.clock.now())


@virtual
async def test_who_was_barred_meanwhile_is_not_called_and_the_agent_is_told_why() -> None:
    async with call_centre(agents=1) as centre:
        await previewing(centre)
        first = await offered(centre)
        await bar(centre, 0)
        with pytest.raises(Refused, match="do-not-call list"):
            await centre.controller.accept_offer(agent(0), first.id)
        assert (
            told(centre, "preview.ended")[-1] | {"end": "refused", "why": "opt-out"}
            == told(centre, "preview.ended")[-1]
        )
        assert (await offered(centre)).contact != first.contact
        assert not centre.telephony.callees


@virtual
async def test_a_number_that_the_ledger_leaves_alone_is_not_called() -> None:
    async with call_centre(agents=1) as centre:
        await previewing(centre)
        first = await offered(centre)
        who = ManualSuppression(author="test", reason="test", since=centre.clock.now())
        await centre.ledger.suppress("Acme", number(0), who)
        with pytest.raises(Refused, match="left alone"):
            await centre.controller.accept_offer(agent(0), first.id)
        assert (await offered(centre)).contact != first.contact
        assert told(centre, "preview.ended")[-1]["why"] == "suppression"
        assert not centre.telephony.callees


@virtual
async def test_what_lay_in_the_hand_for_long_is_looked_at_before_it_is_offered() -> None:
    async with call_centre(agents=1) as centre:
        await previewing(centre)
        await offered(centre)
        await bar(centre, 1)
        await centre.controller.skip_offer(agent(0))
        second = await offered(centre)
        (row,) = await centre.records.contacts_by_id([second.contact])
        assert row.contact.number == number(2)


@virtual
async def test_who_may_not_be_called_now_is_offered_to_nobody() -> None:
    async with call_centre(agents=1) as centre:
        who = ManualSuppression(author="test", reason="test", since=centre.clock.now())
        await centre.ledger.suppress("Acme", number(0), who)
        await previewing(centre, 2)
        found = await offered(centre)
        first, second = await centre.records.contacts(SPRING)
        assert found.contact == second.contact.id
        assert first.contact.due_at is not None
        assert first.contact.due_at - centre.clock.now() > timedelta(days=4)


@virtual
async def test_many_agents_get_their_offers_in_several_rounds() -> None:
    async with call_centre(agents=50) as centre:
        await previewing(centre, 60)
        await centre.until(lambda: centre.status().offers == 50, within=1)


@virtual
async def test_it_is_called_within_seconds_or_not_at_all() -> None:
    async with call_centre(agents=2) as centre:
        centre.telephony.habit = Answers(talks=100)
        await previewing(centre, max_lines=1)
        first, second = await offered(centre, 0), await offered(centre, 1)
        asked = asyncio.ensure_future(centre.controller.accept_offer(agent(1), second.id))
        centre.records_wire.held.add("contacts_by_id")
        began = centre.time()
        with pytest.raises(Refused, match="not called"):
            await asked
        assert centre.time() - began <= PLACE_WITHIN + 1
        centre.records_wire.held.clear()
        assert (await offered(centre, 1)).contact == second.contact
        assert offer(centre, 0) == first


@virtual
async def test_accepted_twice_it_is_one_call_and_one_answer() -> None:
    async with call_centre(agents=1) as centre:
        await previewing(centre)
        first = await offered(centre)
        who = ManualSuppression(author="test", reason="test", since=centre.clock.now())
        await centre.ledger.suppress("Acme", number(0), who)
        centre.ledger_wire.held.add("admit")
        asked = [asyncio.ensure_future(centre.controller.accept_offer(agent(0), first.id))]
        await centre.until(lambda: centre.state(0) is AgentState.RESERVED)
        asked.append(asyncio.ensure_future(centre.controller.accept_offer(agent(0), first.id)))
        await centre.sleep(0.1)
        centre.ledger_wire.held.clear()
        for each in asked:
            with pytest.raises(Refused, match="left alone"):
                await each


@virtual
async def test_the_ceiling_of_calls_per_second_holds_no_offer_up() -> None:
    async with call_centre(agents=2) as centre:
        await previewing(centre, calls_per_second=0.2)
        for i in range(2):
            await centre.controller.skip_offer(agent(i), (await offered(centre, i)).id)
        first, second = await offered(centre, 0), await offered(centre, 1)
        began = centre.time()
        await centre.controller.accept_offer(agent(0), first.id)
        assert centre.time() - began < 1
        await centre.controller.accept_offer(agent(1), second.id)
        assert 4 < centre.time() - began < 6


# --- what ends an offer


@pytest.mark.parametrize("how", ["pause", "leave", "dies", "code"])
def test_an_agent_who_leaves_gives_the_contact_back_at_once(how: str) -> None:
    @virtual
    async def run() -> None:
        async with call_centre(agents=2, seated=1) as centre:
            await previewing(centre)
            first = await offered(centre)
            match how:
                case "pause":
                    await centre.controller.agent_pause(agent(0))
                case "leave":
                    await centre.controller.agent_logout(agent(0))
                case "dies":
                    centre.telephony.phone_dies(agent(0))
                    await centre.sleep(0.01)
                case "code":
                    centre.telephony.dial(agent(0), "*53")
                    await centre.sleep(0.01)
            assert centre.state(0) in (AgentState.PAUSED, AgentState.AWAY)
            assert offer(centre) is None
            assert told(centre, "preview.ended")[-1]["end"] == "withdrawn"
            await centre.seat(1)
            assert (await offered(centre, 1)).contact == first.contact

    run()


@virtual
async def test_a_paused_campaign_takes_its_offers_back_and_its_agents_serve_another() -> None:
    async with call_centre(agents=1) as centre:
        await previewing(centre)
        first = await offered(centre)
        await centre.controller.pause_campaign(SPRING)
        assert offer(centre) is None
        assert centre.state(0) is AgentState.IDLE
        await centre.sleep(1)
        assert (await centre.hopper.sizes((await centre.records.campaigns())[0].campaign)).taken == 0
        await centre.controller.start_campaign(SPRING)
        assert (await offered(centre)).contact == first.contact


@virtual
async def test_without_asterisk_nothing_is_offered() -> None:
    async with call_centre(agents=1) as centre:
        await previewing(centre)
        first = await offered(centre)
        centre.telephony.link_down()
        await centre.sleep(0.1)
        assert offer(centre) is None
        with pytest.raises(Refused, match="no offer"):
            await centre.controller.accept_offer(agent(0), first.id)
        await centre.sleep(3)
        assert offer(centre) is None
        centre.telephony.link_up()
        assert (await offered(centre)).contact == first.contact


@virtual
async def test_a_store_that_is_away_for_a_moment_takes_no_offer_away() -> None:
    async with call_centre(agents=1) as centre:
        await previewing(centre)
        first = await offered(centre)
        centre.hopper.fail = True
        centre.ledger.fail = True
        await centre.sleep(5)
        assert offer(centre) == first
        centre.hopper.fail = centre.ledger.fail = False
        await centre.controller.accept_offer(agent(0), first.id)
        await centre.ended(number(0))


@virtual
async def test_another_mode_ends_the_offers() -> None:
    async with call_centre(agents=1) as centre:
        await previewing(centre)
        await offered(centre)
        row = await centre.records.campaign(SPRING)
        assert row is not None
        changed = replace(row.campaign, mode=Mode.PROGRESSIVE)
        await centre.records.edit_campaign(changed, row.version, {}, "test")
        await centre.controller.campaign_changed(SPRING)
        assert offer(centre) is None
        await centre.answered(number(0))


# --- call-backs, other campaigns, other controllers


@virtual
async def test_an_agents_call_back_goes_first_and_is_dialed_without_asking() -> None:
    async with call_centre(agents=1) as centre:
        await previewing(centre)
        first = await offered(centre)
        (row,) = await centre.records.contacts_of(number(3))
        at = centre.clock.now() + timedelta(seconds=100)
        await centre.records.work.promise(
            row.contact.id, Promise(at=at, agent=agent(0)), "t", centre.clock.now()
        )
        await centre.until(lambda: offer(centre) is None)
        assert centre.state(0) is AgentState.IDLE  # kept free for it
        await centre.sleep(60)
        await centre.answered(number(3))
        assert centre.clock.now() >= at
        await centre.ended(number(3))
        assert (await offered(centre)).contact == first.contact


@virtual
async def test_anybodys_call_back_gets_the_next_agent_who_is_free() -> None:
    async with call_centre(agents=1) as centre:
        await previewing(centre, wrap_up=timedelta(0))
        first = await offered(centre)
        (row,) = await centre.records.contacts_of(number(3))
        now = centre.clock.now()
        await centre.records.work.promise(row.contact.id, Promise(at=now), "t", now)
        await centre.sleep(5)
        assert offer(centre) == first
        await centre.controller.skip_offer(agent(0))
        assert (await centre.answered(number(3))).number == number(3)
        assert offer(centre) is None


@virtual
async def test_who_looks_at_a_contact_is_nobodys_agent() -> None:
    async with call_centre(agents=2) as centre:
        await previewing(centre, agents=frozenset({agent(0)}), contacts=1)
        await offered(centre, 0)
        other = await centre.campaign("other", contacts=[number(50), number(51)], mode=Mode.PROGRESSIVE)
        await centre.start(other)
        await centre.until(lambda: centre.state(1) is AgentState.TALKING)
        await centre.sleep(1)
        assert centre.status("other").in_flight == 0
        assert centre.state(0) is AgentState.PREVIEW
        await centre.controller.skip_offer(agent(0))
        await centre.until(lambda: centre.state(0) is AgentState.TALKING)


@virtual
async def test_two_controllers_offer_no_contact_twice_however_long_agents_look() -> None:
    async with call_centre(agents=1, name="one") as centre:
        await previewing(centre, 14, preview_timeout=timedelta(minutes=10))
        first = await offered(centre)
        beside = CallCentre(1, lambda: 0.001, beside=centre, name="two")
        await beside.switch_on()
        await beside.seat(0)
        await beside.sleep(200)  # three leases long
        assert offer(centre) == first
        other = await offered(beside)
        assert other.contact != first.contact
        for _ in range(3):  # all that the other one can get
            await beside.controller.skip_offer(agent(0))
            await beside.sleep(5)
            other = offer(beside) or other
            assert other.contact != first.contact
        await centre.controller.accept_offer(agent(0))
        await centre.ended(number(0))
        await beside.switch_off()


# --- crashes


@virtual
async def test_a_dead_controller_loses_no_contact() -> None:
    async with call_centre(agents=2) as centre:
        await previewing(centre, 3)
        looked_at = {(await offered(centre, 0)).contact, (await offered(centre, 1)).contact}
        await centre.kill()
        await centre.switch_on()
        await centre.until(lambda: offer(centre, 0) and offer(centre, 1), within=120)
        again = {each.contact for i in range(2) if (each := offer(centre, i))}
        assert again == looked_at
        for i in range(2):
            await centre.controller.accept_offer(agent(i))
        await centre.ended(number(0))
        await centre.ended(number(1))
        await centre.nothing_left()


@virtual
async def test_what_a_dead_controllers_agents_looked_at_goes_to_another_when_the_lease_is_over() -> None:
    async with call_centre(agents=1, name="one") as centre:
        await previewing(centre, 1)
        first = await offered(centre)
        beside = CallCentre(1, lambda: 0.001, beside=centre, name="two")
        await beside.switch_on()
        await beside.seat(0)
        await centre.sleep(30)
        assert offer(beside) is None
        await centre.kill()
        await beside.until(lambda: offer(beside) is not None, within=90)
        assert (await offered(beside)).contact == first.contact
        await beside.switch_off()


@virtual
async def test_a_controller_that_stops_leaves_nothing_behind() -> None:
    async with call_centre(agents=1) as centre:
        await previewing(centre)
        await offered(centre)
        await centre.switch_off()
        campaign = (await centre.records.campaigns())[0].campaign
        assert (await centre.hopper.sizes(campaign)).taken == 0
        assert not centre.controller.office.runs[SPRING].previews.count


@virtual
async def test_the_campaign_finishes_when_everybody_was_called() -> None:
    async with call_centre(agents=2) as centre:
        await previewing(centre, 5)
        while centre.status().state is CampaignState.RUNNING:
            for i in range(2):
                if (known := offer(centre, i)) is not None:
                    await centre.controller.accept_offer(agent(i), known.id)
            await centre.sleep(1)
        assert centre.status().state is CampaignState.FINISHED
        assert centre.status().outcomes[Outcome.CONNECTED] == 5
        await centre.nothing_left()


@virtual
async def test_a_phone_that_dies_while_it_rings_takes_the_call_back() -> None:
    async with call_centre(agents=2) as centre:
        await previewing(centre)
        known = await offered(centre)
        await centre.controller.accept_offer(agent(0), known.id)
        centre.telephony.phone_dies(agent(0))
        callee = await centre.ended(number(0))
        assert callee.answered_at is None
        assert centre.state(1) is AgentState.PREVIEW  # it is not given to another agent
