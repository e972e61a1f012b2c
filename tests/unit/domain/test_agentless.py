"""The life of a call in which nobody is to speak: Asterisk plays the message, and says what was heard."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.answer import AnswerClass, answer_class
from controller.domain.call import (
    Admitted,
    Arrived,
    Call,
    CallEvent,
    CallState,
    CancelAsked,
    Close,
    Command,
    CutDue,
    Discard,
    GiveBackAgent,
    Gone,
    HangUp,
    HungUpBy,
    NotAdmitted,
    OptOut,
    PickedUp,
    Place,
    Placed,
    PlaceFailed,
    Rang,
)
from controller.domain.campaign import Campaign
from controller.domain.clearance import consent_check
from controller.domain.contact import Consent
from controller.domain.fitness import unlawful
from controller.domain.ids import CampaignId
from controller.domain.lifecycle import HEARD_AFTER, step
from controller.domain.outcome import Outcome
from controller.domain.pacing.modes import Mode, unsuited
from controller.domain.recital import AUTOMATED_CALLS, Recital, Told
from controller.domain.regulation import Played, Regulation
from controller.law import PROFILES
from tests.unit.domain.test_lifecycle import ANY_EVENT, choices, lead, new_call

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BEGAN = T0 + timedelta(seconds=3.02)
RINGING = (Admitted(), Placed(), Rang())
ANSWERED = (*RINGING, PickedUp())


def play(*events: CallEvent, apart: float = 1.0, call: Call | None = None) -> tuple[Call, list[Command]]:
    call, commands = call or new_call(agentless=True), list[Command]()
    for number, event in enumerate(events):
        call, more = step(call, event, T0 + timedelta(seconds=apart * number))
        commands += more
    return call, commands


def gone(told: Told, *, ours: bool = False, witnessed: bool = True, cause: int = 16) -> Gone:
    began = None if told in (Told.NOTHING, Told.UNKNOWN, Told.FAILED) else BEGAN
    recital = Recital(told=told, began_at=began, ours=ours)
    return Gone(cause, witnessed=witnessed, recital=recital)


@pytest.mark.parametrize(
    ("told", "ours", "outcome", "by"),
    [
        pytest.param(Told.ALL, True, Outcome.MESSAGE, HungUpBy.CONTROLLER, id="heard to its end"),
        pytest.param(Told.ALL, False, Outcome.MESSAGE, HungUpBy.CALLEE, id="left in the time for the key"),
        pytest.param(Told.PART, False, Outcome.MESSAGE_PART, HungUpBy.CALLEE, id="left before its end"),
        pytest.param(Told.PART, True, Outcome.MESSAGE_PART, HungUpBy.CONTROLLER, id="longer than allowed"),
        pytest.param(Told.FAILED, True, Outcome.SILENT, HungUpBy.CONTROLLER, id="no such sound"),
        pytest.param(Told.NOTHING, False, Outcome.SILENT, HungUpBy.CALLEE, id="answered, and nothing heard"),
        pytest.param(Told.UNKNOWN, False, Outcome.LOST, HungUpBy.CALLEE, id="Asterisk started anew"),
    ],
)
def test_what_was_heard_says_what_the_call_was(
    told: Told, ours: bool, outcome: Outcome, by: HungUpBy
) -> None:
    call, commands = play(*ANSWERED, gone(told, ours=ours))
    assert commands == [Place(), Close(outcome)]
    assert (call.state, call.outcome, call.ended_by) == (CallState.ENDED, outcome, by)


def test_a_key_opts_out_before_the_call_is_closed() -> None:
    call, commands = play(*ANSWERED, gone(Told.KEY, ours=True))
    assert commands == [Place(), OptOut(), Close(Outcome.MESSAGE)]
    assert (call.noise_at, call.ended_by) == (BEGAN, HungUpBy.CONTROLLER)


def test_who_hangs_up_as_they_pick_up_was_not_left_in_silence() -> None:
    at_once = HEARD_AFTER.total_seconds()
    assert play(*ANSWERED, gone(Told.NOTHING), apart=at_once)[0].outcome is Outcome.MESSAGE_PART
    assert play(*ANSWERED, gone(Told.NOTHING), apart=at_once * 1.01)[0].outcome is Outcome.SILENT


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (Told.NOTHING, Outcome.NO_ANSWER),
        (Told.UNKNOWN, Outcome.LOST),
        (Told.PART, Outcome.MESSAGE_PART),
        (Told.ALL, Outcome.MESSAGE),
        (Told.KEY, Outcome.MESSAGE),
        (Told.FAILED, Outcome.SILENT),
    ],
)
def test_of_an_end_that_nobody_saw_asterisks_note_is_believed(told: Told, outcome: Outcome) -> None:
    call, commands = play(*RINGING, gone(told, witnessed=False))
    assert call.outcome is outcome
    assert (OptOut() in commands) is (told is Told.KEY)
    if told in (Told.PART, Told.ALL, Told.KEY):
        assert call.answered_at == BEGAN, "an answer that only Asterisk saw"
    assert call.ended_by is HungUpBy.UNKNOWN


@pytest.mark.parametrize("told", [Told.NOTHING, Told.UNKNOWN])
def test_unanswered_calls_are_told_apart_as_ever(told: Told) -> None:
    assert play(*RINGING, gone(told, cause=17))[0].outcome is Outcome.BUSY
    assert play(*RINGING, CancelAsked(), gone(told))[0].outcome is Outcome.CANCELLED


def test_a_gone_without_a_note_is_judged_in_nobodys_favour() -> None:
    assert play(*ANSWERED, Gone(16))[0].outcome is Outcome.LOST


def test_the_watch_ends_a_message_that_never_ends() -> None:
    call, commands = play(*ANSWERED, CutDue(), gone(Told.PART))
    assert commands == [Place(), HangUp(), Close(Outcome.MESSAGE_PART)]
    assert call.ended_by is HungUpBy.CONTROLLER


def test_one_that_waits_for_somebody_is_hung_up_for_nobody_will_come() -> None:
    for before in (RINGING, ANSWERED):
        call, commands = play(*before, Arrived(), gone(Told.NOTHING))
        assert commands == [Place(), HangUp(), Close(Outcome.SILENT)]
        assert call.answered_at is not None


@settings(max_examples=60, deadline=None)
@given(choices)
def test_whatever_happens_no_agent_has_a_part_in_it(choices: list[tuple[bool, int]]) -> None:
    history = lead(choices, agentless=True)
    allowed = (Place, HangUp, OptOut, Close, Discard, GiveBackAgent)
    assert all(isinstance(command, allowed) for command in history.commands)
    assert history.call.outcome not in (Outcome.CONNECTED, Outcome.LEFT_EARLY)
    assert history.call.agent is None


GOES_ON = [each for each in ANY_EVENT if not isinstance(each, Gone | NotAdmitted | PlaceFailed)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(GOES_ON), max_size=12), st.sampled_from(Told))
def test_who_pressed_the_key_is_opted_out_once_and_nobody_else_is(
    events: list[CallEvent], told: Told
) -> None:
    call, commands = play(Admitted(), *events, gone(told), gone(Told.KEY))
    assert call.outcome is not None
    assert commands.count(Close(call.outcome)) == 1
    assert commands.count(OptOut()) == (told is Told.KEY)
    if told is Told.KEY:
        assert commands.index(OptOut()) < commands.index(Close(Outcome.MESSAGE))


@pytest.mark.parametrize("outcome", [Outcome.MESSAGE, Outcome.MESSAGE_PART])
def test_it_is_answered_and_of_a_class_of_its_own_neither_silent_nor_a_success(outcome: Outcome) -> None:
    assert outcome.answered
    assert outcome.uses_up_an_attempt
    assert not outcome.counts_as_silent
    assert answer_class(new_call(agentless=True).evolve(outcome=outcome)) is AnswerClass.MESSAGE


# --- where it is allowed ----------------------------------------------------------------------------------

ALLOWS = replace(PROFILES["us-ftc-tsr"], name="own", consent_required=True)


def campaign(law: Regulation = ALLOWS, message: str = "acme/news") -> Campaign:
    return Campaign(
        id=CampaignId("news"),
        caller="Acme",
        caller_number="+13125550100",
        law=law,
        mode=Mode.AGENTLESS,
        message=message,
    )


@pytest.mark.parametrize("law", PROFILES.values(), ids=PROFILES.keys())
def test_no_shipped_profile_allows_it_as_it_is(law: Regulation) -> None:
    assert unsuited(Mode.AGENTLESS, law)
    assert unlawful(campaign(law))


def test_italy_says_why_not() -> None:
    (complaint,) = unlawful(replace(campaign(PROFILES["it-garante-2014"]), caller_number="+390843123456"))
    assert "art. 130 Codice privacy" in complaint


def test_a_profile_that_allows_it_and_asks_for_consent_does() -> None:
    assert not unlawful(campaign())
    assert any("set message" in complaint for complaint in unlawful(campaign(message="")))
    noise = replace(ALLOWS, played=Played.NOISE)
    assert any("nobody speaks" in complaint for complaint in unlawful(campaign(noise, message="")))
    without = replace(ALLOWS, consent_required=False)
    assert any("consent_required" in complaint for complaint in unlawful(campaign(without)))


@pytest.mark.parametrize(
    ("basis", "passes"),
    [
        (None, False),
        ("consent", False),
        ("contract", False),
        ("Automated-calls", True),
        (AUTOMATED_CALLS, True),
    ],
)
def test_only_consent_to_such_calls_will_do(basis: str | None, passes: bool) -> None:
    consent = Consent(basis=basis, source="form", given_at=T0) if basis else None
    check = consent_check(consent, campaign(), T0 + timedelta(days=1))
    assert check.passed is passes
    assert passes or basis is None or AUTOMATED_CALLS in check.why
    with_agents = replace(campaign(), mode=Mode.PROGRESSIVE)
    assert consent_check(consent, with_agents, T0 + timedelta(days=1)).passed is (basis is not None)
