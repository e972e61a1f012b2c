"""Campaigns in which nobody speaks: placed without agents, led by Asterisk, accounted by its notes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

from controller.domain.agent import AgentState
from controller.domain.call import CallState
from controller.domain.campaign import Campaign, CampaignState, PausedBy
from controller.domain.clearance import caller_scope
from controller.domain.contact import Consent
from controller.domain.ids import E164, CampaignId
from controller.domain.outcome import Outcome
from controller.domain.pacing import Decision, Mode, Scene
from controller.domain.recital import AUTOMATED_CALLS, LONGEST_MESSAGE
from controller.engine.campaign_fields import changed, differences, fixed_now
from controller.engine.report import build
from controller.engine.verification import Verifier
from controller.errors import Refused
from controller.simulation.callee import (
    Answers,
    Behaviour,
    Busy,
    Callee,
    EndedBy,
    Leaves,
    NoAnswer,
    Presses,
)
from controller.simulation.clock import EPOCH
from controller.simulation.line import Timing
from controller.simulation.link import Fault
from tests.fakes.call_centre import CALLER, CallCentre, call_centre, number, virtual
from tests.fakes.law import LAX_AGENTLESS

ONE, TWO = number(0), number(1)
LASTS, KEY = 8.0, 2.5
ASKED_FOR = Consent(basis=AUTOMATED_CALLS, source="form", given_at=EPOCH - timedelta(days=1))


async def campaign(centre: CallCentre, *contacts: E164, name: str = "news", **changes: Any) -> Campaign:
    """A campaign in which nobody speaks, started."""
    given: dict[str, Any] = {"mode": Mode.AGENTLESS, "law": LAX_AGENTLESS, "message": "acme/news"} | changes
    made = await centre.campaign(name, contacts=contacts, consent=ASKED_FOR, calls_per_second=1000, **given)
    await centre.start(made)
    return made


def heard_at_once(callee: Callee) -> None:
    """The message and nothing else before it."""
    assert callee.message_from == callee.answered_at is not None
    assert not callee.agents


async def opted_out(centre: CallCentre, which: E164) -> bool:
    """Whether the number is on the caller's do-not-call list."""
    return bool((await centre.records.lists.standing(which, (caller_scope(CALLER),))).opt_outs)


@virtual
async def test_without_any_agent_the_message_is_heard_at_once_and_to_its_end() -> None:
    async with call_centre(agents=0) as centre:
        made = await campaign(centre, ONE, TWO)
        centre.telephony.behave(TWO, Busy())
        callee = await centre.ended(ONE)
        heard_at_once(callee)
        assert callee.ended_by is EndedBy.MESSAGE
        assert callee.ended_at == pytest.approx((callee.message_from or 0) + LASTS + KEY, abs=0.01)
        assert (await centre.outcome(ONE), await centre.outcome(TWO)) == (Outcome.MESSAGE, Outcome.BUSY)
        budget = await centre.budget(made)
        assert (budget.successes, budget.silent, budget.exposed) == (0, 0, 0)
        await centre.nothing_left()
        assert centre.telephony.requests("hang_up") == 0
        assert centre.telephony._notes == {}


@virtual
async def test_the_attempt_tells_when_the_message_began_and_what_was_checked() -> None:
    async with call_centre(agents=0) as centre:
        await campaign(centre, ONE)
        callee = await centre.ended(ONE)
        attempt = await centre.records.attempt(callee.call)
        assert attempt is not None
        assert attempt.answered_at is not None
        assert attempt.noise_at is not None
        assert abs(attempt.noise_at - attempt.answered_at) < timedelta(milliseconds=200)
        (fact,) = await centre.records.facts(attempt.contact.campaign)
        assert fact.answer_class is not None
        assert fact.answer_class.value == "message"
        assert not fact.covered


async def verified(centre: CallCentre) -> list[str]:
    """What a verification of the evidence finds."""
    found = await Verifier(centre.records.evidence, centre.records).verify()
    assert found.attempts
    return [str(finding) for finding in found.findings]


@virtual
async def test_report_and_evidence_call_them_neither_silent_nor_a_breach() -> None:
    async with call_centre(agents=0) as centre:
        centre.telephony.behave(TWO, Presses(after=1.0, at=1.0))
        made = await campaign(centre, ONE, TWO)
        await centre.until(lambda: centre.status("news").state is CampaignState.FINISHED)
        report = build(made, await centre.records.figures(made.id), await centre.budget(made))
        assert (report.answered, report.connected, report.silent) == (2, 0, 0)
        assert report.outcomes == {"message": 2}
        assert report.longest_silent is None
        assert report.kept
        assert report.disagreements == []
        assert await verified(centre) == []


@virtual
async def test_a_callee_who_heard_nothing_is_a_breach_and_reported_as_one() -> None:
    async with call_centre(agents=0) as centre:
        centre.telephony.timing = Timing(playable=False)
        made = await campaign(centre, ONE)
        await centre.ended(ONE)
        report = build(made, await centre.records.figures(made.id), await centre.budget(made))
        assert (report.silent, report.kept, report.disagreements) == (1, False, [])
        assert await verified(centre) == []


@virtual
async def test_as_many_lines_as_the_campaign_may_have_and_it_says_so() -> None:
    async with call_centre(agents=0) as centre:
        await campaign(centre, *(number(i) for i in range(12)), max_lines=5)
        await centre.until(lambda: len(centre.telephony.live) == 5)
        await centre.sleep(1.5)
        status = centre.status("news")
        assert (status.in_flight, status.talking) == (5, 0)
        assert status.blocked == "all lines are in use (max_lines = 5)"
        most = 0
        while len(centre.telephony.callees) < 12 or centre.telephony.live:
            most = max(most, len(centre.telephony.live))
            await centre.sleep(0.1)
        assert most == 5
        await centre.until(lambda: centre.status("news").state is CampaignState.FINISHED)


@virtual
async def test_no_faster_than_the_campaign_may_call() -> None:
    async with call_centre(agents=0) as centre:
        made = await centre.campaign(
            "news",
            contacts=[number(i) for i in range(20)],
            consent=ASKED_FOR,
            mode=Mode.AGENTLESS,
            law=LAX_AGENTLESS,
            message="acme/news",
            calls_per_second=2,
        )
        await centre.start(made)
        await centre.sleep(5)
        assert 9 <= len(centre.telephony.callees) <= 11


@virtual
async def test_agents_who_are_there_are_not_touched_and_other_campaigns_keep_their_budget() -> None:
    async with call_centre(agents=2) as centre:
        await campaign(centre, *(number(i) for i in range(10)))
        await centre.until(lambda: len(centre.in_state(CallState.PLAYING)) == 10)
        assert [centre.state(i) for i in range(2)] == [AgentState.IDLE] * 2
        beside = await centre.campaign(contacts=[number(50)])
        await centre.start(beside)
        assert (await centre.answered(number(50))).number == number(50)
        assert centre.controller.office.exposed(beside.id) == 0
        await centre.ended(number(50))
        assert await centre.outcome(number(50)) is Outcome.CONNECTED


@virtual
async def test_the_pacer_of_another_campaign_does_not_reckon_with_them() -> None:
    async with call_centre(agents=1) as centre:
        centre.telephony.habit = NoAnswer()
        await campaign(centre, *(number(i) for i in range(10)))
        await centre.until(lambda: len(centre.in_state(CallState.RINGING)) == 10)
        beside = await centre.campaign(contacts=[number(50)], mode=Mode.PREDICTIVE)
        await centre.start(beside)
        await centre.until(lambda: len(centre.in_state(CallState.RINGING)) == 11)
        pacing = centre.controller.office.runs[beside.id].pacing
        assert pacing is not None
        scenes: list[Scene] = []
        decide = pacing.pacer.decide

        def look(scene: Scene) -> Decision:
            scenes.append(scene)
            return decide(scene)

        with mock.patch.object(pacing.pacer, "decide", look):
            await centre.sleep(3)
        assert scenes
        assert {len(scene.ringing) for scene in scenes} == {1}


@virtual
async def test_who_leaves_during_the_message_is_done_all_the_same() -> None:
    async with call_centre(agents=0) as centre:
        centre.telephony.behave(ONE, Leaves(after=1.0, stays=3.0))
        made = await campaign(centre, ONE)
        await centre.ended(ONE)
        assert await centre.outcome(ONE) is Outcome.MESSAGE_PART
        await centre.until(lambda: centre.status("news").state is CampaignState.FINISHED)
        assert (await centre.budget(made)).silent == 0
        await centre.nothing_left()


@pytest.mark.parametrize("at", [0.5, LASTS + 1.0], ids=["during the message", "in the time after it"])
def test_who_presses_the_key_is_barred_for_the_caller(at: float) -> None:
    @virtual
    async def test() -> None:
        async with call_centre(agents=0) as centre:
            centre.telephony.behave(ONE, Presses(after=1.0, at=at))
            await campaign(centre, ONE, TWO)
            callee = await centre.ended(ONE)
            assert callee.ended_by is EndedBy.KEY
            assert await centre.outcome(ONE) is Outcome.MESSAGE
            await centre.ended(TWO)
            assert (await opted_out(centre, ONE), await opted_out(centre, TWO)) == (True, False)
            await campaign(centre, ONE, TWO, name="other")
            await centre.until(lambda: len(centre.telephony.calls_to(TWO)) == 2)
            await centre.ended(TWO)
            assert len(centre.telephony.calls_to(ONE)) == 1

    test()


@virtual
async def test_a_wish_waits_for_the_store_and_the_number_is_protected_meanwhile() -> None:
    async with call_centre(agents=0) as centre:
        centre.telephony.behave(ONE, Presses(after=1.0, at=1.0))
        await campaign(centre, ONE)
        await centre.answered(ONE)
        centre.records.fail = True
        await centre.sleep(10)
        assert centre.telephony.calls_to(ONE)[-1].ended_at is not None
        assert await centre.suppressed(ONE)
        centre.records.fail = False
        await centre.ended(ONE)
        assert await opted_out(centre, ONE)
        assert not await centre.suppressed(ONE)
        assert await centre.outcome(ONE) is Outcome.MESSAGE


@pytest.mark.parametrize("fault", [Fault.REFUSE, Fault.UNREACHABLE, Fault.HANG, Fault.LOSE])
def test_the_note_is_asked_for_until_it_is_told(fault: Fault) -> None:
    @virtual
    async def test() -> None:
        async with call_centre(agents=0) as centre:
            centre.telephony.behave(ONE, Presses(after=1.0, at=1.0))
            if fault is not Fault.REFUSE:
                centre.telephony.fault("recital", fault, times=3)
            centre.telephony.fault("forget_recital", fault)
            await campaign(centre, ONE)
            await centre.ended(ONE)
            assert await opted_out(centre, ONE)
            assert await centre.outcome(ONE) is Outcome.MESSAGE

    test()


@virtual
async def test_a_sound_that_cannot_be_played_stops_the_campaign() -> None:
    async with call_centre(agents=0) as centre:
        centre.telephony.timing = Timing(playable=False)
        centre.telephony.behave(TWO, Answers(after=20.0))
        made = await campaign(centre, ONE, TWO, max_lines=1)
        await centre.ended(ONE)
        assert await centre.outcome(ONE) is Outcome.SILENT
        assert await centre.suppressed(ONE)
        assert (await centre.budget(made)).silent == 1, "it is not hidden"
        status = centre.status("news")
        assert (status.state, status.paused_by) == (CampaignState.PAUSED, PausedBy.SAFETY)
        assert "heard no message" in status.reason
        assert not centre.telephony.calls_to(TWO)


@virtual
async def test_a_message_without_end_is_ended_by_asterisk() -> None:
    async with call_centre(agents=0) as centre:
        centre.telephony.timing = Timing(message=10_000.0)
        await campaign(centre, ONE)
        await centre.sleep(70)
        callee = await centre.ended(ONE)
        assert callee.ended_at == pytest.approx(
            (callee.answered_at or 0) + LONGEST_MESSAGE.total_seconds(), abs=0.01
        )
        assert await centre.outcome(ONE) is Outcome.MESSAGE_PART


@virtual
async def test_if_even_asterisk_does_not_end_it_the_watch_does() -> None:
    async with call_centre(agents=0) as centre:
        await campaign(centre, ONE)
        await centre.answered(ONE)
        line = centre.telephony._lines[centre.telephony.calls_to(ONE)[-1].call]
        for timer in line._timers:
            timer.cancel()
        await centre.sleep(80)
        callee = await centre.ended(ONE)
        assert callee.ended_by is EndedBy.CONTROLLER
        assert callee.ended_at == pytest.approx((callee.answered_at or 0) + 65, abs=0.1)


# --- where the controller dies ----------------------------------------------------------------------------

EVERYBODY: dict[E164, tuple[Behaviour, Outcome]] = {
    number(0): (Answers(after=1.0), Outcome.MESSAGE),
    number(1): (Leaves(after=1.5, stays=2.0), Outcome.MESSAGE_PART),
    number(2): (Presses(after=2.0, at=2.0), Outcome.MESSAGE),
    number(3): (NoAnswer(), Outcome.NO_ANSWER),
    number(4): (Presses(after=0.5, at=LASTS + 1), Outcome.MESSAGE),
}


@pytest.mark.parametrize("down", [0.2, 5.0, 90.0])
@pytest.mark.parametrize("alive", [0.7, 1.2, 2.5, 4.001, 9.0, 12.0])
def test_killed_at_any_time_nothing_is_lost_that_a_callee_heard_or_wished(alive: float, down: float) -> None:
    @virtual
    async def test() -> None:
        async with call_centre(agents=0) as centre:
            for which, (behaviour, _) in EVERYBODY.items():
                centre.telephony.behave(which, behaviour)
            made = await campaign(centre, *EVERYBODY)
            await centre.sleep(alive)
            await centre.kill()
            await centre.sleep(down)
            await centre.switch_on()
            for which, (behaviour, outcome) in EVERYBODY.items():
                await centre.ended(which)
                assert await centre.outcome(which) is outcome, which
                assert await opted_out(centre, which) is isinstance(behaviour, Presses), which
                assert len(centre.telephony.calls_to(which)) == 1
            assert (await centre.budget(made)).silent == 0
            await centre.nothing_left()

    test()


@pytest.mark.parametrize("down", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("alive", [0.7, 1.2, 3.9, 9.0])
def test_events_that_were_missed_are_made_good_by_the_notes(alive: float, down: float) -> None:
    @virtual
    async def test() -> None:
        async with call_centre(agents=0) as centre:
            for which, (behaviour, _) in EVERYBODY.items():
                centre.telephony.behave(which, behaviour)
            await campaign(centre, *EVERYBODY)
            await centre.sleep(alive)
            centre.telephony.link_down()
            await centre.sleep(down)
            centre.telephony.link_up()
            for which, (behaviour, outcome) in EVERYBODY.items():
                await centre.ended(which)
                assert await centre.outcome(which) is outcome, which
                assert await opted_out(centre, which) is isinstance(behaviour, Presses), which
            await centre.nothing_left()

    test()


@virtual
async def test_if_asterisk_dies_too_nobody_knows_and_nobody_is_called_again() -> None:
    async with call_centre(agents=0) as centre:
        centre.telephony.behave(ONE, Presses(after=1.0, at=1.0))
        made = await campaign(centre, ONE)
        await centre.answered(ONE)
        await centre.kill()
        await centre.sleep(5)
        centre.telephony.restart()
        centre.telephony.link_up()
        await centre.switch_on()
        await centre.ended(ONE)
        assert await centre.outcome(ONE) is Outcome.LOST
        assert (await centre.budget(made)).silent == 1, "it may have been, and that is not hidden"
        assert await centre.suppressed(ONE)
        await centre.until(lambda: centre.status("news").state is CampaignState.FINISHED)


# --- what is refused --------------------------------------------------------------------------------------


@virtual
async def test_an_asterisk_that_cannot_lead_such_calls_is_noticed_at_the_start() -> None:
    async with call_centre(agents=0) as centre:
        centre.telephony.fault("can_recite", Fault.REFUSE)
        with pytest.raises(Refused, match="campaign news not started"):
            await campaign(centre, ONE)


@virtual
async def test_who_is_owed_an_operator_is_not_called_by_a_machine() -> None:
    async with call_centre(agents=0) as centre:
        centre.ledger._caller(await centre.campaign("earlier")).operator_due.add(ONE)
        await campaign(centre, ONE)
        await centre.sleep(5)
        assert not centre.telephony.callees
        assert "owed an operator" in centre.status("news").blocked


@virtual
async def test_without_consent_to_such_calls_nobody_is_called() -> None:
    async with call_centre(agents=0) as centre:
        made = await centre.campaign(
            "news", contacts=[ONE], mode=Mode.AGENTLESS, law=LAX_AGENTLESS, message="acme/news"
        )
        await centre.start(made)
        await centre.sleep(5)
        assert not centre.telephony.callees
        assert "consent" in centre.status("news").blocked


@pytest.mark.parametrize("mode", ["agentless", "predictive"])
def test_a_campaign_that_was_started_never_turns_into_the_other_kind(mode: str) -> None:
    before = Campaign(id=CampaignId("news"), caller="Acme", law=LAX_AGENTLESS, mode=Mode(mode))
    other = "predictive" if mode == "agentless" else "agentless"
    changes = differences(before, changed(before, {"mode": other}))
    assert fixed_now(CampaignState.STOPPED, changes) == ["mode"]
    assert fixed_now(CampaignState.DRAFT, changes) == []
    among = differences(before, changed(before, {"mode": "progressive"}))
    assert fixed_now(CampaignState.RUNNING, among) == (["mode"] if mode == "agentless" else [])
