"""SIGKILL at any point, and a new life on the same ledger, records and Asterisk; and stopping in order."""

from __future__ import annotations

from datetime import timedelta

import pytest

from controller.domain.agent import AgentState
from controller.domain.call import CallState
from controller.domain.campaign import Campaign, CampaignState, Override
from controller.domain.outcome import Outcome
from controller.errors import Refused
from controller.ports import Admitting, Exposure
from controller.simulation.callee import Answers, Busy, EndedBy, Leaves, NoAnswer
from tests.fakes.call_centre import LAB_TOKEN, CallCentre, agent, call_centre, number, virtual


async def _everybody_called_once(centre: CallCentre, campaign: Campaign, numbers: int) -> None:
    """Nobody is lost, nobody is called twice (in five days), all is closed, the agents still sit there."""
    calls = centre.records._calls
    # (Killed between the record and the dialing, a contact counts as called, and the call as lost.)
    await centre.until(lambda: len({each.contact.number for each in calls.values()}) == numbers, within=900)
    await centre.until(lambda: not centre.owners, within=200)
    for i in range(numbers):
        rung = centre.telephony.calls_to(number(i))
        assert sum(callee.answered_at is not None for callee in rung) <= 1, rung
    await centre.nothing_left()
    budget, ended = await centre.budget(campaign), [attempt.outcome for attempt in calls.values()]
    assert budget.successes == ended.count(Outcome.CONNECTED)
    assert budget.silent == ended.count(Outcome.SILENT) + ended.count(Outcome.LOST)
    talked = [callee for callee in centre.telephony.callees if callee.agents]
    assert budget.successes <= len(talked)
    silent = [callee for callee in centre.telephony.callees if callee.silent]
    assert budget.silent >= len(silent)


# Instants of a call's life, in ms since its dialer began (dial, ledger 2, records 2, place 2; answer at
# 1 s, arrival 3, bridging 6, conversation, end at 2 s and closing), and of its overdialed companion's.
_INSTANTS = [
    *(i * 0.7 for i in range(10)),
    500,
    *(1000 + i * 0.9 for i in range(22)),
    1100,
    1500,
    *(3000 + i * 0.9 for i in range(16)),
    5000,
]


@pytest.mark.parametrize("down", [0.001, 1.0, 60.0])
def test_killed_at_any_instant(down: float) -> None:
    @virtual
    async def test(after: float) -> None:
        async with call_centre(agents=2) as centre:
            campaign = await centre.campaign(
                contacts=[number(i) for i in range(5)], overdial=1.5, credit=100, calls_per_second=1000
            )
            centre.telephony.habit = Answers(after=1.0, talks=2.0)
            centre.telephony.behave(number(2), Answers(after=1.005, talks=2.0))
            await centre.start(campaign)
            await centre.sleep(after / 1000)
            await centre.kill()
            assert not centre.controller.office.owners
            await centre.sleep(down)
            await centre.switch_on()
            assert all(centre.telephony.seated(agent(i)) for i in range(2))
            assert all(centre.state(i) is not AgentState.AWAY for i in range(2))
            campaign = await _with_credit(centre, campaign)
            await _everybody_called_once(centre, campaign, 5)

    for after in _INSTANTS[:: 1 if down < 60 else 3]:
        test(after)


async def _with_credit(centre: CallCentre, campaign: Campaign) -> Campaign:
    """Take the credit off again, so that what is counted can be compared."""
    centre.ledger._books(campaign).successes -= 100
    return campaign


@pytest.mark.parametrize(
    "state", [each for each in CallState if each not in (CallState.PLAYING, CallState.ENDED)]
)
def test_killed_in_each_state(state: CallState) -> None:
    @virtual
    async def test() -> None:
        async with call_centre(agents=1) as centre:
            campaign = await centre.campaign(
                contacts=[number(0), number(1)], overdial=2.0, credit=100, calls_per_second=1000
            )
            centre.telephony.behave(number(0), Answers(after=1.0, talks=60.0))
            centre.telephony.behave(number(1), Answers(after=1.5))
            await centre.start(campaign)
            await centre.until(lambda: centre.in_state(state))
            (call, *_) = centre.in_state(state)
            which = call.contact.number
            await centre.kill()
            await centre.sleep(0.5)
            await centre.switch_on()
            await centre.until(
                lambda: not [owner for owner in centre.owners if owner.call.id == call.id], within=120
            )
            attempt = await centre.records.attempt(call.id)
            match state:
                case CallState.ADMITTING:
                    assert not centre.telephony.calls_to(which) or attempt is None
                case CallState.PLACING | CallState.RINGING:
                    assert attempt is not None
                    assert attempt.outcome is Outcome.CANCELLED
                    assert not await centre.suppressed(which)
                case CallState.ANSWERED | CallState.WAITING | CallState.ENDING:
                    assert attempt is not None
                    assert attempt.outcome in (Outcome.SILENT, Outcome.LOST)
                    assert await centre.suppressed(which)
                case CallState.BRIDGING | CallState.TALKING:
                    assert attempt is not None
                    assert attempt.outcome is Outcome.CONNECTED
                    assert len(centre.telephony.calls_to(which)) == 1
                    assert centre.telephony.calls_to(which)[0].ended_by is EndedBy.CALLEE
                case _:
                    raise AssertionError(state)

    test()


@virtual
async def test_race_killed_between_bridging_and_clearing_the_dead_mans_switch() -> None:
    # A controller that comes back in time must not let the switch cut the conversation it adopts.
    for i in range(16):
        async with call_centre(agents=1) as centre:
            await centre.start(await centre.campaign(contacts=[number(0)]))
            centre.telephony.habit = Answers(after=1.0, talks=10.0)
            callee = await centre.answered(number(0))
            await centre.sleep(i * 0.0007)
            await centre.kill()
            await centre.sleep(0.2)
            await centre.switch_on()
            await centre.ended(number(0))
            if callee.agents:
                assert callee.ended_by is EndedBy.CALLEE
                assert await centre.outcome(number(0)) is Outcome.CONNECTED
            else:
                assert await centre.outcome(number(0)) is Outcome.SILENT


@virtual
async def test_dead_for_good_asterisk_keeps_the_law() -> None:
    async with call_centre(agents=2) as centre:
        await centre.start(
            await centre.campaign(contacts=[number(i) for i in range(4)], overdial=2.0, credit=500)
        )
        centre.telephony.habit = lambda which: Answers(after=1.0 + int(which[-1]) / 2, talks=5.0)
        await centre.until(lambda: centre.in_state(CallState.TALKING))
        await centre.kill()
        await centre.sleep(60)
        assert not centre.telephony.live
        centre.judge()
        for callee in centre.telephony.callees:
            assert await centre.suppressed(callee.number)


@virtual
async def test_a_campaign_goes_on_after_a_crash_and_a_paused_one_does_not() -> None:
    async with call_centre(agents=1) as centre:
        on = await centre.campaign(contacts=[number(i) for i in range(3)])
        off = await centre.campaign("summer", contacts=[number(9)])
        centre.telephony.habit = Answers(after=1.0, talks=1.0)
        await centre.start(on)
        await centre.start(off)
        await centre.controller.pause_campaign(off.id)
        await centre.until(lambda: centre.in_state(CallState.TALKING))
        await centre.kill()
        await centre.switch_on()
        await centre.until(lambda: centre.status().state is CampaignState.FINISHED, within=100)
        assert centre.status("summer").state is CampaignState.PAUSED
        assert not centre.telephony.calls_to(number(9))


@virtual
async def test_an_override_is_not_resumed_outside_a_lab() -> None:
    async with call_centre(agents=1, allow_budget_override=True, lab_token=LAB_TOKEN) as centre:
        centre.telephony.lab_token = LAB_TOKEN
        centre.telephony.link_down()
        centre.telephony.link_up()
        await centre.until(lambda: centre.controller.office.health.fit)
        campaign = await centre.campaign(
            contacts=[number(0)], override=Override(author="ada", reason="burst")
        )
        await centre.start(campaign)
        await centre.kill()
        centre.telephony.lab_token = ""
        await centre.switch_on()
        assert centre.status().state is CampaignState.PAUSED
        assert "only a lab" in centre.status().reason


@virtual
async def test_race_recovery_is_interrupted_and_begins_again() -> None:
    # Whatever the first try had begun is not begun twice: one dialer, one view of each campaign.
    for operation in ("flights", "budget", "check", "connected", "close"):
        async with call_centre(agents=2) as centre:
            campaign = await centre.campaign(
                contacts=[number(i) for i in range(6)], calls_per_second=1, overdial=1.0
            )
            await centre.campaign("zz-later", contacts=[])
            await centre.controller.office.records.set_campaign_state(
                (await centre.records.campaigns())[-1].campaign.id, CampaignState.RUNNING
            )
            centre.telephony.habit = Answers(after=1.0, talks=30.0)
            await centre.start(campaign)
            await centre.until(lambda: centre.in_state(CallState.TALKING))
            await centre.kill()
            centre.begin()
            centre.ledger_wire.lose[operation] = 1
            await centre.controller.ready()
            assert len(centre.controller._dialers) == 2
            runs = {id(owner._run) for owner in centre.owners}
            assert runs <= {id(run) for run in centre.controller.office.runs.values()}
            await _everybody_called_once(centre, campaign, 6)


@virtual
async def test_a_person_is_faster_than_the_recovery() -> None:
    async with call_centre(agents=2) as centre:
        campaign = await centre.campaign(contacts=[number(i) for i in range(6)], calls_per_second=1)
        await centre.kill()
        centre.ledger_wire.held.add("flights")
        centre.begin()
        await centre.sleep(0.1)
        await centre.start(campaign)
        centre.ledger_wire.held.clear()
        await centre.controller.ready()
        assert len(centre.controller._dialers) == 1
        await centre.until(lambda: centre.status().state is CampaignState.FINISHED, within=1300)
        assert len(centre.telephony.callees) == 6


@virtual
async def test_the_campaign_is_not_finished_while_an_adopted_call_goes_on() -> None:
    async with call_centre(agents=2) as centre:
        await centre.start(await centre.campaign(contacts=[number(0)]))
        centre.telephony.habit = Answers(after=1.0, talks=60.0)
        await centre.until(lambda: centre.in_state(CallState.TALKING))
        await centre.kill()
        await centre.switch_on()
        await centre.sleep(10)
        assert centre.owners
        assert centre.status().state is CampaignState.RUNNING
        await centre.until(lambda: centre.status().state is CampaignState.FINISHED, within=100)


@virtual
async def test_adopted_calls_that_are_being_ended_keep_their_place_in_the_budget() -> None:
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(
            contacts=[number(0), number(1)], overdial=2.0, credit=34, calls_per_second=1000
        )
        centre.telephony.behave(number(0), Answers(after=1.0, talks=60.0))
        centre.telephony.behave(number(1), Answers(after=1.5))
        await centre.start(campaign)
        await centre.until(lambda: centre.in_state(CallState.WAITING))
        await centre.kill()
        centre.begin()
        await centre.until(lambda: centre.in_state(CallState.ENDING))
        assert centre.controller.office.exposure(campaign.id).count == 1
        await centre.ended(number(1))
        assert centre.controller.office.exposure(campaign.id).count == 0
        assert (await centre.budget(campaign)).silent == 1


@virtual
async def test_redis_has_lost_the_end_of_a_silent_call() -> None:
    # Power failed: the flight's mark is back, the closing gone. The records know better.
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(
            contacts=[number(0), number(1)], overdial=2.0, credit=100, calls_per_second=1000
        )
        centre.telephony.behave(number(0), Answers(after=1.0, talks=60.0))
        centre.telephony.behave(number(1), Leaves(after=2.0, stays=1.0))
        await centre.start(campaign)
        await centre.ended(number(1))
        call = centre.telephony.calls_to(number(1))[0].call
        await centre.controller.pause_campaign(campaign.id)
        await centre.kill()
        centre.ledger.clear()
        await centre.ledger.admit(
            Admitting(
                call=call,
                campaign=campaign,
                number=number(1),
                covered=True,
                guaranteed=False,
                exposure=Exposure(count=1, serial=1),
                now=centre.clock.now(),
            )
        )
        await centre.switch_on()
        assert await centre.suppressed(number(1))
        assert (await centre.budget(campaign)).silent == 1


@virtual
async def test_agents_who_left_while_the_controller_was_dead_are_away() -> None:
    async with call_centre(agents=2) as centre:
        await centre.kill()
        centre.telephony.phone_dies(agent(0))
        await centre.switch_on()
        assert (centre.state(0), centre.state(1)) == (AgentState.AWAY, AgentState.IDLE)


@virtual
async def test_stop_gives_calls_in_flight_their_grace() -> None:
    async with call_centre(agents=2, shutdown_grace=10.0) as centre:
        campaign = await centre.campaign(contacts=[number(i) for i in range(6)], overdial=1.0)
        centre.telephony.behave(number(0), Answers(after=3.0, talks=60.0))
        centre.telephony.behave(number(1), Busy(after=4.0))
        await centre.start(campaign)
        await centre.until(lambda: len(centre.telephony.live) == 2)
        began = centre.time()
        await centre.switch_off()
        assert 3.5 < centre.time() - began < 5.0
        assert len(centre.telephony.callees) == 2
        assert await centre.outcome(number(1)) is Outcome.BUSY
        callee = centre.telephony.calls_to(number(0))[0]
        assert callee.agents
        assert callee.ended_at is None
        row = await centre.records.campaign(campaign.id)
        assert row is not None
        assert row.state is CampaignState.RUNNING  # it goes on in the next life
        with pytest.raises(Refused):
            await centre.start(campaign)
        await centre.switch_on()
        await centre.ended(number(0))
        assert await centre.outcome(number(0)) is Outcome.CONNECTED
        await centre.controller.pause_campaign(campaign.id)


@virtual
async def test_stop_does_not_wait_for_ever() -> None:
    async with call_centre(agents=1, shutdown_grace=5.0) as centre:
        await centre.start(await centre.campaign(contacts=[number(0)]))
        centre.telephony.habit = NoAnswer()
        await centre.until(lambda: centre.telephony.live)
        began = centre.time()
        await centre.switch_off()
        assert centre.time() - began == pytest.approx(5.0, abs=0.1)


@virtual
async def test_race_stopped_while_one_call_waits_and_another_gives_its_agent_back() -> None:
    async with call_centre(agents=1, shutdown_grace=0.0) as centre:
        campaign = await centre.campaign(
            contacts=[number(0), number(1)], overdial=2.0, credit=100, calls_per_second=1000
        )
        centre.telephony.behave(number(0), Answers(after=1.0, talks=2.0))
        centre.telephony.behave(number(1), Answers(after=2.0))
        await centre.start(campaign)
        await centre.until(lambda: centre.in_state(CallState.WAITING))
        office = centre.controller.office
        waiting = next(owner for owner in centre.owners if owner.call.state is CallState.WAITING)
        waiting.leave()
        await centre.sleep(0)
        await centre.sleep(0)
        office.apply(office.floor.give_back(agent(0), worked=False, now=centre.clock.now()))
        assert centre.state(0) is AgentState.IDLE
        await centre.switch_off()


@virtual
async def test_suppression_survives_the_crash_for_its_full_time() -> None:
    async with call_centre(agents=1) as centre:
        await centre.start(await centre.campaign(contacts=[number(0)]))
        centre.telephony.habit = NoAnswer()
        await centre.until(lambda: centre.in_state(CallState.RINGING))
        await centre.kill()
        centre.clock.leap(timedelta(days=4, hours=23))
        assert await centre.suppressed(number(0))
