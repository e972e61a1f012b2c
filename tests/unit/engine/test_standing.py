"""What those who watch are told: why a campaign stands still, why it dials, what agents spend time on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from controller.domain.agent import AgentState
from controller.domain.call import CallState
from controller.domain.hours import parse_hours
from controller.domain.ids import CampaignId
from controller.domain.pacing import Mode, Situation
from controller.ports import Blocked, PacingReport
from controller.simulation.callee import Answers, Busy, Habit, NoAnswer
from tests.fakes.call_centre import CallCentre, call_centre, number, virtual
from tests.fakes.law import LAX

MANY = [number(i) for i in range(400)]
HABITS: list[Habit] = [
    Answers(after=2.5, talks=11.0),
    NoAnswer(),
    Busy(after=1.1),
    Answers(after=9.0, talks=4.0),
]
RINGING = (CallState.ADMITTING, CallState.PLACING, CallState.RINGING)
SPRING = CampaignId("spring")


# --- why none ---------------------------------------------------------------------------------------------


@virtual
async def test_no_agent_then_all_of_them_busy_then_an_edge_that_is_down() -> None:
    async with call_centre(agents=1, seated=0) as centre:
        centre.telephony.habit = Answers(after=1.0, talks=20.0)
        await centre.start(await centre.campaign(contacts=MANY))
        await centre.sleep(2)
        assert centre.status().blocked_by is Blocked.NO_AGENT
        await centre.seat(0)
        await centre.until(lambda: centre.state(0) is AgentState.TALKING)
        await centre.sleep(2)
        assert centre.status().blocked_by is Blocked.AGENTS_BUSY
        centre.ledger.fail = True
        await centre.sleep(2)
        assert centre.status().blocked_by is Blocked.EDGE
        assert centre.controller.status().edges == {
            "asterisk": True, "events": True, "redis": False, "records": True,
        }  # fmt: skip
        centre.ledger.fail = False
        await centre.controller.stop_campaign(SPRING)
        assert centre.status().blocked_by is None


@virtual
async def test_a_slow_campaign_is_not_blocked_while_it_places_calls() -> None:
    async with call_centre(agents=1, seated=0) as centre:
        centre.telephony.habit = NoAnswer()
        await centre.start(
            await centre.campaign(contacts=MANY, calls_per_second=0.2, overdial=3.0, credit=1000)
        )
        await centre.sleep(2)
        assert centre.status().blocked_by is Blocked.NO_AGENT
        await centre.seat(0)
        await centre.until(lambda: centre.status().placed == 1)
        assert centre.status().blocked_by is None
        assert not centre.status().blocked


@virtual
async def test_nobody_is_due_and_nobody_may_be_called_at_this_hour() -> None:
    async with call_centre(agents=1) as centre:
        centre.telephony.habit = Busy()
        await centre.start(await centre.campaign(contacts=MANY[:2]))
        await centre.sleep(20)
        assert centre.status().blocked_by is Blocked.CONTACTS
        await centre.controller.stop_campaign(SPRING)
        weekday = f"{centre.clock.now() + timedelta(days=2):%a}".lower()
        closed = parse_hours(f"{weekday} 10:00-11:00")
        await centre.start(await centre.campaign("night", contacts=MANY[2:4], law=LAX, hours=closed))
        await centre.sleep(20)
        assert centre.status("night").blocked_by is Blocked.HOURS


# --- why so many ------------------------------------------------------------------------------------------


def pacing(centre: CallCentre, limit: int = 1000) -> PacingReport:
    report = centre.controller.pacing(SPRING, limit)
    assert report is not None
    return report


@pytest.mark.parametrize("mode", [Mode.PREDICTIVE, Mode.PROGRESSIVE, Mode.RATIO])
def test_every_call_that_is_placed_is_explained(mode: Mode) -> None:
    @virtual
    async def run() -> None:
        async with call_centre(agents=3) as centre:
            centre.telephony.habit = Answers(after=5.0, talks=20.0)
            campaign = await centre.campaign(contacts=MANY, mode=mode, credit=3000, overdial=1.5)
            began = centre.clock.now()
            await centre.start(campaign)
            await centre.sleep(120)
            await centre.controller.pause_campaign(SPRING)
            await centre.sleep(60)

            report = pacing(centre)
            assert report.figures.mode is report.figures.effective is mode
            assert sum(each.placed for each in report.recent) == centre.status().placed > 5
            for each in report.recent:
                decided = each.decision.covered + each.decision.exposed
                assert each.placed <= decided
                assert each.decision.reason
                assert each.decision.covered <= each.inputs.idle
                assert each.inputs.talking + each.inputs.wrapping + each.inputs.idle <= 3
            times = [each.at for each in report.recent]
            assert times == sorted(times, reverse=True)
            assert times[-1] >= began
            halfway = began + timedelta(seconds=60)
            earlier = centre.controller.pacing(SPRING, 1, halfway)
            assert earlier is not None
            assert earlier.recent[0] == next(each for each in report.recent if each.at <= halfway)
            assert report.figures.decisions == sum(each.looks for each in report.recent)
            assert sum(each.taken_back for each in report.recent) == centre.status().taken_back

    run()


@virtual
async def test_calls_that_are_taken_back_are_told_with_the_decision_that_did_it() -> None:
    async with call_centre(agents=2) as centre:
        centre.telephony.habit = NoAnswer()
        ring = timedelta(seconds=40)
        await centre.start(
            await centre.campaign(contacts=MANY, mode=Mode.PREDICTIVE, credit=3000, ring_timeout=ring)
        )
        await centre.sleep(6)
        for agent in centre.settings.agents:
            centre.telephony.phone_dies(agent)
        await centre.sleep(25)

        told = sum(each.taken_back for each in pacing(centre).recent)
        assert told == centre.status().taken_back > 0


@virtual
async def test_what_it_sees_is_what_there_is() -> None:
    """It looks at what has changed only; here all calls and agents are looked at anew."""
    async with call_centre(agents=4) as centre:
        office = centre.controller.office
        for i, each in enumerate(MANY):
            centre.telephony.behave(each, HABITS[i % len(HABITS)])
        await centre.start(await centre.campaign(contacts=MANY, mode=Mode.PREDICTIVE, credit=3000))
        others = [number(500 + i) for i in range(100)]
        await centre.start(await centre.campaign("other", contacts=others, mode=Mode.PROGRESSIVE))
        pacing = office.runs[SPRING].pacing
        assert pacing is not None
        none = Situation(idle=0, reserved=0, in_flight=0, exposed=0, room=0)
        most = 0
        for _ in range(400):
            await centre.sleep(0.37)
            now = centre.clock.now()
            scene = pacing._scene(none, now)
            calls = [owner.call for owner in office.owners.values()]
            rung = [
                (now - (call.admitted_at or now)).total_seconds() for call in calls if call.state in RINGING
            ]
            # A call is watched from when it is wanted; it is admitted a moment later.
            assert sorted(scene.ringing) == pytest.approx(sorted(rung), abs=0.05)
            waiting = (CallState.ANSWERED, CallState.WAITING)
            assert scene.waiting == sum(call.state in waiting for call in calls)
            for seen, state in ((scene.talking, AgentState.TALKING), (scene.wrapping, AgentState.WRAP_UP)):
                lasted = [
                    (now - agent.since).total_seconds() for agent in office.floor if agent.state is state
                ]
                assert sorted(seen) == pytest.approx(sorted(lasted), abs=1e-3)
            most = max(most, len(rung))
        assert most > 3


@virtual
async def test_calls_that_are_over_are_forgotten() -> None:
    async with call_centre(agents=2) as centre:
        centre.telephony.habit = NoAnswer()
        await centre.start(await centre.campaign(contacts=MANY, mode=Mode.PREDICTIVE, credit=3000))
        await centre.start(await centre.campaign("other", contacts=[number(500)], mode=Mode.PREDICTIVE))
        await centre.sleep(300)

        run = centre.controller.office.runs[SPRING]
        assert run.pacing is not None
        assert run.placed > 20
        assert run.pacing._calls.keys() <= {owner.call.id for owner in centre.owners}


@virtual
async def test_what_has_not_dialed_has_decided_nothing() -> None:
    async with call_centre(agents=1) as centre:
        await centre.campaign(contacts=MANY)
        assert centre.controller.pacing(SPRING) is None


# --- what agents spend their time on ------------------------------------------------------------------------


@virtual
async def test_the_time_of_agents_is_all_accounted_for_also_after_a_restart() -> None:
    async with call_centre(agents=2) as centre:
        campaign = await centre.campaign(contacts=MANY[:1])
        centre.telephony.habit = Answers(after=1.0, talks=50.0)
        await centre.start(campaign)
        await centre.until(lambda: centre.state(0) is AgentState.TALKING)
        await centre.sleep(10)
        spent = centre.controller.status().spent
        assert spent["talking"] == pytest.approx(10, abs=0.1)

        await centre.kill()
        await centre.sleep(1)
        await centre.switch_on()
        began = centre.time()
        await centre.sleep(20)
        spent = centre.controller.status().spent
        assert spent["talking"] == pytest.approx(centre.time() - began, abs=0.5)
        assert sum(spent.values()) == pytest.approx(2 * (centre.time() - began), abs=1)
