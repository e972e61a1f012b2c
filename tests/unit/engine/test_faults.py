"""Edges that fail: L7, and that nothing is lost or counted twice when they are back."""

from __future__ import annotations

import pytest

from controller.domain.agent import AgentState
from controller.domain.call import CallState
from controller.domain.campaign import CampaignState
from controller.domain.outcome import Outcome
from controller.errors import Refused
from controller.simulation.callee import Answers, Busy, EndedBy, Leaves, NoAnswer
from controller.simulation.link import Fault
from tests.fakes.call_centre import CallCentre, agent, call_centre, number, virtual


@virtual
async def test_redis_down_no_new_calls_and_calls_in_flight_close_when_it_is_back() -> None:
    async with call_centre(agents=2) as centre:
        campaign = await centre.campaign(contacts=[number(i) for i in range(6)])
        centre.telephony.habit = Answers(after=3.0, talks=3.0)
        await centre.start(campaign)
        await centre.until(lambda: len(centre.in_state(CallState.RINGING)) == 2)
        centre.ledger.fail = True
        await centre.sleep(60)
        assert len(centre.telephony.callees) == 2
        assert all(callee.agents and callee.ended_at for callee in centre.telephony.callees)
        assert any("redis" in fault for fault in centre.controller.status().faults)
        assert "redis" in centre.status().blocked
        centre.ledger.fail = False
        await centre.until(lambda: centre.status().state is CampaignState.FINISHED)
        assert (await centre.budget(campaign)).successes == 6
        assert [len(centre.telephony.calls_to(number(i))) for i in range(6)] == [1] * 6
        await centre.nothing_left()


@pytest.mark.parametrize("operation", ["admit", "connected", "close"])
def test_an_answer_of_redis_is_lost(operation: str) -> None:
    @virtual
    async def test() -> None:
        async with call_centre(agents=1) as centre:
            campaign = await centre.campaign(contacts=[number(0), number(1)])
            centre.telephony.habit = Answers(after=1.0, talks=1.0)
            centre.ledger_wire.lose[operation] = 2
            await centre.start(campaign)
            await centre.until(lambda: centre.status().state is CampaignState.FINISHED, within=1300)
            assert (await centre.budget(campaign)).successes == 2
            assert sorted(callee.number for callee in centre.telephony.callees) == [number(0), number(1)]
            await centre.nothing_left()

    test()


@virtual
async def test_silent_calls_are_counted_once_although_redis_answers_late() -> None:
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(
            contacts=[number(0), number(1)], overdial=2.0, credit=100, calls_per_second=1000
        )
        centre.telephony.behave(number(0), Answers(after=1.0))
        centre.telephony.behave(number(1), Leaves(after=2.0, stays=1.0))
        centre.ledger_wire.lose["close"] = 3
        await centre.start(campaign)
        await centre.ended(number(1))
        assert (await centre.budget(campaign)).silent == 1
        assert await centre.suppressed(number(1))


@virtual
async def test_records_down_nobody_is_dialed_and_the_suppression_is_given_back() -> None:
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(contacts=[number(0)])
        centre.records_wire.held.add("attempt_started")
        await centre.start(campaign)
        await centre.until(lambda: centre.owners)
        await centre.sleep(0.1)
        assert await centre.suppressed(number(0))
        centre.records.fail = True
        centre.records_wire.held.clear()
        await centre.until(lambda: centre.controller.office.health.faults)
        await centre.sleep(30)
        assert not centre.telephony.callees
        assert not await centre.suppressed(number(0))
        centre.records.fail = False
        await centre.until(lambda: centre.telephony.callees, within=700)
        assert len(centre.telephony.calls_to(number(0))) == 1


@virtual
async def test_the_answer_of_the_records_is_lost_at_the_start_of_a_call() -> None:
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(contacts=[number(0)])
        centre.records_wire.lose["attempt_started"] = 1
        await centre.start(campaign)
        await centre.until(lambda: centre.telephony.callees, within=700)
        await centre.ended(number(0))
        assert (await centre.budget(campaign)).successes == 1
        assert len(centre.telephony.callees) == 1
        await centre.nothing_left()


@virtual
async def test_records_down_while_a_suppressed_contact_is_put_off() -> None:
    async with call_centre(agents=1) as centre:
        first = await centre.campaign(contacts=[number(0)])
        centre.telephony.habit = NoAnswer()
        await centre.start(first)
        await centre.until(lambda: centre.telephony.callees)
        await centre.seat_more()
        second = await centre.campaign("summer", contacts=[number(0), number(1)])
        centre.records_wire.lose["postpone"] = 1
        await centre.start(second)
        await centre.until(lambda: centre.telephony.calls_to(number(1)), within=10)
        assert centre.status("summer").state is CampaignState.RUNNING


@virtual
async def test_link_lost_and_back_with_calls_in_every_state() -> None:
    async with call_centre(agents=4) as centre:
        campaign = await centre.campaign(
            contacts=[number(i) for i in range(4)], overdial=1.0, calls_per_second=1000
        )
        telephony = centre.telephony
        telephony.behave(number(0), Answers(after=1.0, talks=60.0))  # talks through the gap
        telephony.behave(number(1), Busy(after=5.0))  # ends unseen
        telephony.behave(number(2), Answers(after=6.0))  # is answered unseen, ends unseen
        telephony.behave(number(3), Answers(after=12.0, talks=5.0))  # is answered after the gap
        await centre.start(campaign)
        await centre.sleep(4.0)
        telephony.link_down()
        await centre.until(lambda: centre.controller.status().faults)
        await centre.sleep(6.5)
        telephony.link_up()
        await centre.until(lambda: centre.controller.office.health.fit)
        await centre.ended(number(3))
        assert telephony.calls_to(number(0))[0].ended_at is None
        assert await centre.outcome(number(1)) is Outcome.LOST
        assert telephony.calls_to(number(2))[0].ended_by is EndedBy.DEAD_MAN
        assert await centre.outcome(number(2)) is Outcome.LOST
        assert await centre.suppressed(number(2))
        assert await centre.outcome(number(3)) is Outcome.CONNECTED
        await centre.ended(number(0))
        assert (await centre.budget(campaign)).silent == 2
        await centre.nothing_left()


@virtual
async def test_a_call_that_was_answered_unseen_is_hung_up_or_cut_by_asterisk_in_time() -> None:
    async with call_centre(agents=1) as centre:
        await centre.start(await centre.campaign(contacts=[number(0)]))
        await centre.until(lambda: centre.telephony.live)
        await centre.sleep(1.5)
        centre.telephony.link_down()
        callee = await centre.answered(number(0))
        await centre.sleep(1)
        centre.telephony.link_up()
        await centre.ended(number(0))
        assert callee.ended_by is EndedBy.DEAD_MAN
        assert await centre.outcome(number(0)) is Outcome.SILENT


@virtual
async def test_no_call_is_placed_while_the_link_is_down() -> None:
    async with call_centre(agents=2) as centre:
        campaign = await centre.campaign(contacts=[number(i) for i in range(9)])
        centre.telephony.link_down()
        await centre.until(lambda: centre.controller.status().faults)
        await centre.start(campaign)
        await centre.sleep(30)
        assert not centre.telephony.callees
        centre.telephony.link_up()
        await centre.until(lambda: centre.telephony.callees, within=3)


@virtual
async def test_race_the_link_breaks_while_a_call_is_being_admitted() -> None:
    # L7: the admission began with all edges up; by its end events do not flow any more.
    async with call_centre(agents=1) as centre:
        await centre.start(await centre.campaign(contacts=[number(0)], overdial=1.0))
        centre.records_wire.held.add("attempt_started")
        await centre.until(lambda: centre.owners)
        await centre.sleep(0.1)
        centre.telephony.link_down()
        await centre.until(lambda: centre.controller.status().faults)
        centre.records_wire.held.clear()
        await centre.sleep(20)
        assert not centre.telephony.callees
        assert not await centre.suppressed(number(0))


@virtual
async def test_a_call_that_certainly_was_not_placed_is_no_lost_call() -> None:
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(contacts=[number(0)])
        centre.telephony.fault("place", Fault.UNREACHABLE)
        await centre.start(campaign)
        await centre.until(lambda: centre.telephony.requests("place"))
        await centre.sleep(60)
        assert (await centre.budget(campaign)).silent == 0
        assert not await centre.suppressed(number(0))
        await centre.nothing_left()


@pytest.mark.parametrize("fault", [Fault.REFUSE, Fault.HANG, Fault.LOSE])
@pytest.mark.parametrize("operation", ["place", "connect", "hang_up", "exists", "back_to_noise"])
def test_a_request_fails(operation: str, fault: Fault) -> None:
    @virtual
    async def test() -> None:
        async with call_centre(agents=2) as centre:
            campaign = await centre.campaign(
                contacts=[number(i) for i in range(8)], overdial=2.0, credit=200, calls_per_second=1000
            )
            centre.telephony.habit = Answers(after=1.0, talks=4.0)
            await centre.start(campaign)
            for _ in range(4):
                centre.telephony.fault(operation, fault)
                await centre.sleep(6)
            centre.telephony.mend(operation)
            await centre.until(lambda: not centre.owners and centre.status().blocked, within=200)
            budget = await centre.budget(campaign)
            talked = {callee.number for callee in centre.telephony.callees if not callee.silent}
            silent = [callee for callee in centre.telephony.callees if callee.silent]
            assert budget.successes <= 200 + len(talked)
            assert budget.silent >= len(silent)
            await centre.nothing_left()

    test()


@virtual
async def test_a_bridging_that_finds_no_asterisk_is_not_tried_a_thousand_times() -> None:
    async with call_centre(agents=2) as centre:
        campaign = await centre.campaign(contacts=[number(0)])
        centre.telephony.fault("connect", Fault.UNREACHABLE, times=None)
        await centre.start(campaign)
        callee = await centre.ended(number(0))
        assert callee.silent
        assert callee.answered_at is not None
        assert callee.ended_at is not None
        assert callee.ended_at - callee.answered_at < 2.9
        assert 2 <= centre.telephony.requests("connect") <= 30


@virtual
async def test_asterisk_refuses_to_say_whether_a_call_is_still_there() -> None:
    async with call_centre(agents=1) as centre:
        await centre.start(await centre.campaign(contacts=[number(0)]))
        await centre.until(lambda: centre.in_state(CallState.TALKING))
        await centre.sleep(1)
        centre.telephony.fault("hang_up", Fault.HANG)
        centre.telephony.fault("exists", Fault.REFUSE)
        centre.telephony.press(agent(0), "*")
        callee = await centre.ended(number(0))
        assert callee.ended_by is EndedBy.CONTROLLER
        assert await centre.outcome(number(0)) is Outcome.CONNECTED
        assert centre.telephony.requests("exists") >= 2


@virtual
async def test_asterisk_dies_and_comes_back() -> None:
    async with call_centre(agents=2) as centre:
        campaign = await centre.campaign(contacts=[number(i) for i in range(3)], overdial=1.0)
        centre.telephony.habit = Answers(after=1.0, talks=60.0)
        await centre.start(campaign)
        await centre.until(lambda: len(centre.in_state(CallState.TALKING)) == 2)
        centre.telephony.restart()
        await centre.sleep(5)
        centre.telephony.link_up()
        await centre.until(lambda: not centre.owners)
        assert [centre.state(i) for i in range(2)] == [AgentState.AWAY] * 2
        assert (await centre.budget(campaign)).successes == 2
        await centre.seat(0)
        await centre.until(lambda: centre.telephony.calls_to(number(2)))


@virtual
async def test_replaced_the_controller_stops_and_places_no_more_calls() -> None:
    async with call_centre(agents=1) as centre:
        await centre.start(await centre.campaign(contacts=[number(i) for i in range(9)]))
        centre.telephony.habit = NoAnswer()
        await centre.until(lambda: centre.telephony.callees)
        centre.telephony.replace()
        await centre.until(centre.task.done, within=30)
        await centre.sleep(60)
        assert len(centre.telephony.callees) == 1
        with pytest.raises(Refused):
            await centre.controller.start_campaign(centre.status().id)


async def _paused_and_started(centre: CallCentre) -> int:
    campaign = await centre.campaign(contacts=[number(i) for i in range(40)], calls_per_second=1)
    await centre.start(campaign)
    await centre.until(lambda: centre.telephony.callees)
    await centre.controller.pause_campaign(campaign.id)
    await centre.start(campaign)
    await centre.sleep(5)
    return len(centre.telephony.callees)


@virtual
async def test_race_paused_and_started_again_before_the_dialer_took_notice() -> None:
    # A second dialer beside the first would dial at twice the rate.
    async with call_centre(agents=20) as centre:
        # Stores that answer without the event loop turning once: the dialer cannot have noticed the pause.
        centre.controller.office.records = centre.records
        centre.controller.office.ledger = centre.ledger
        assert await _paused_and_started(centre) <= 6
        assert len(centre.controller._dialers) == 1


@virtual
async def test_race_a_contact_is_called_while_the_list_is_read() -> None:
    # What was read is older than the call; the contact must not be called again on the strength of it.
    async with call_centre(agents=2) as centre:
        campaign = await centre.campaign(contacts=[number(0)], overdial=1.0)
        centre.telephony.habit = Busy(after=0.2)
        await centre.start(campaign)
        await centre.until(lambda: centre.owners)
        run = centre.controller.office.runs[campaign.id]
        (contact,) = run.supply._under_way
        stale = [owner.call.contact for owner in centre.owners]

        async def due_contacts(*_args: object) -> object:
            await centre.sleep(3)
            return stale

        read = centre.records.due_contacts
        centre.records.due_contacts = due_contacts  # type: ignore[method-assign, assignment]
        await run.supply.refill(1)
        centre.records.due_contacts = read  # type: ignore[method-assign]
        await centre.sleep(5)
        assert contact not in run.supply._under_way
        assert len(centre.telephony.callees) == 1
