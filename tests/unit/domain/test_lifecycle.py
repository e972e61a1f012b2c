from __future__ import annotations

import heapq
import itertools
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.call import (
    Admitted,
    AgentAssigned,
    AgentLeft,
    Arrived,
    BackToNoise,
    Bridged,
    BridgeFailed,
    Call,
    CallEvent,
    CallState,
    CancelAsked,
    Close,
    Command,
    Connect,
    CountSuccess,
    CutDue,
    Discard,
    EndAsked,
    FindAgent,
    GiveBackAgent,
    Gone,
    HangUp,
    Heard,
    HungUpBy,
    Left,
    NoAgentFree,
    NotAdmitted,
    PickedUp,
    Place,
    Placed,
    PlaceFailed,
    PlayMessage,
    Rang,
    StartCutTimer,
    StartHeardTimer,
    StopCutTimer,
    Withdraw,
)
from controller.domain.contact import Contact
from controller.domain.ids import E164, AgentId, CallId, CampaignId, ContactId
from controller.domain.lifecycle import HEARD_AFTER, step
from controller.domain.outcome import Outcome
from controller.domain.recital import Recital, Told
from controller.law import IT_GARANTE_2014

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANNA, BRUNO = AgentId("101"), AgentId("102")

RINGING = (Admitted(), Placed(), Rang())
ANSWERED = (*RINGING, PickedUp())
ARRIVED = (*ANSWERED, Arrived())
WAITING = (*ARRIVED, NoAgentFree())
BRIDGING_AT_ANSWER = (*ARRIVED, AgentAssigned(ANNA))
BRIDGING_TO_RESCUE = (*WAITING, AgentAssigned(ANNA))
JUST_BRIDGED = (*BRIDGING_AT_ANSWER, Bridged())
TALKING = (*JUST_BRIDGED, Heard())
CANCELLED = (*RINGING, CancelAsked())

WAY_TO: dict[CallState, tuple[CallEvent, ...]] = {
    CallState.ADMITTING: (),
    CallState.PLACING: (Admitted(),),
    CallState.RINGING: RINGING,
    CallState.ANSWERED: ANSWERED,
    CallState.WAITING: WAITING,
    CallState.BRIDGING: BRIDGING_AT_ANSWER,
    CallState.TALKING: TALKING,
    CallState.PLAYING: ANSWERED,  # of an agentless call
    CallState.ENDING: (*WAITING, CutDue()),
    CallState.ENDED: (*TALKING, Gone(16)),
}


def new_call(*, agentless: bool = False) -> Call:
    contact = Contact(id=ContactId(1), campaign=CampaignId("spring"), number=E164("+390612345678"))
    return Call(id=CallId("c1"), contact=contact, agentless=agentless)


def call_in(state: CallState) -> Call:
    """A call in this state."""
    return play(*WAY_TO[state], call=new_call(agentless=state is CallState.PLAYING))[0]


def play(*events: CallEvent, call: Call | None = None) -> tuple[Call, list[Command]]:
    """The call after these events, one second apart, and every command in order."""
    call = call or new_call()
    commands: list[Command] = []
    for second, event in enumerate(events):
        call, more = step(call, event, T0 + timedelta(seconds=second))
        commands += more
    return call, commands


def back(agent: AgentId, *, worked: bool) -> GiveBackAgent:
    return GiveBackAgent(agent, worked=worked)


# --- important paths, each with every command it leads to -------------------------------------------------


@dataclass(frozen=True)
class Path:
    rule: str
    events: tuple[CallEvent, ...]
    commands: tuple[Command, ...]
    outcome: Outcome
    by: HungUpBy
    rescued: bool = False


START, STOP, LISTEN = StartCutTimer(), StopCutTimer(), StartHeardTimer()
SILENT_CLOSE = (STOP, Close(Outcome.SILENT))

PATHS = [
    Path(
        "bridged at once is a success, and the agent gets a wrap-up",
        (*TALKING, Gone(16)),
        (
            Place(),
            START,
            FindAgent(),
            Connect(ANNA),
            LISTEN,
            STOP,
            CountSuccess(),
            back(ANNA, worked=True),
            Close(Outcome.CONNECTED),
        ),
        Outcome.CONNECTED,
        HungUpBy.CALLEE,
    ),
    Path(
        "an agent who frees up in time rescues the call",
        (*BRIDGING_TO_RESCUE, Bridged(), Heard(), Gone(16)),
        (
            Place(),
            START,
            FindAgent(),
            Connect(ANNA),
            LISTEN,
            STOP,
            CountSuccess(),
            back(ANNA, worked=True),
            Close(Outcome.CONNECTED),
        ),
        Outcome.CONNECTED,
        HungUpBy.CALLEE,
        rescued=True,
    ),
    Path(
        "callee leaves before the agent of a rescue can have been heard: silent",
        (*BRIDGING_TO_RESCUE, Bridged(), Gone(16), Heard()),
        (
            Place(),
            START,
            FindAgent(),
            Connect(ANNA),
            LISTEN,
            STOP,
            back(ANNA, worked=False),
            Close(Outcome.SILENT),
        ),
        Outcome.SILENT,
        HungUpBy.CALLEE,
    ),
    Path(
        "callee leaves before the agent bridged at the answer can have been heard: left early",
        (*JUST_BRIDGED, Gone(16), Heard()),
        (
            Place(),
            START,
            FindAgent(),
            Connect(ANNA),
            LISTEN,
            STOP,
            back(ANNA, worked=False),
            Close(Outcome.LEFT_EARLY),
        ),
        Outcome.LEFT_EARLY,
        HungUpBy.CALLEE,
    ),
    Path(
        "the agent's phone dies before they were heard: back to the noise, the next agent rescues",
        (*JUST_BRIDGED, AgentLeft(ANNA), AgentAssigned(BRUNO), Bridged(), Heard(), Gone(16)),
        (
            Place(),
            START,
            FindAgent(),
            Connect(ANNA),
            LISTEN,
            back(ANNA, worked=False),
            BackToNoise(),
            FindAgent(),
            Connect(BRUNO),
            LISTEN,
            STOP,
            CountSuccess(),
            back(BRUNO, worked=True),
            Close(Outcome.CONNECTED),
        ),
        Outcome.CONNECTED,
        HungUpBy.CALLEE,
        rescued=True,
    ),
    Path(
        "the agent's phone dies before they were heard, after the cut was due: hung up, silent",
        (*BRIDGING_TO_RESCUE, CutDue(), Bridged(), AgentLeft(ANNA), Heard(), Gone(16)),
        (
            Place(),
            START,
            FindAgent(),
            Connect(ANNA),
            LISTEN,
            back(ANNA, worked=False),
            HangUp(),
            STOP,
            Close(Outcome.SILENT),
        ),
        Outcome.SILENT,
        HungUpBy.CONTROLLER,
    ),
    Path(
        "no agent until the cut: hung up, silent",
        (*WAITING, CutDue(), Gone(16)),
        (Place(), START, FindAgent(), HangUp(), *SILENT_CLOSE),
        Outcome.SILENT,
        HungUpBy.CONTROLLER,
    ),
    Path(
        "the cut also ends a call that never reached Stasis",
        (*ANSWERED, CutDue(), Gone(16)),
        (Place(), START, HangUp(), *SILENT_CLOSE),
        Outcome.SILENT,
        HungUpBy.CONTROLLER,
    ),
    Path(
        "no agent until the message is due: it is played, silent all the same",
        (*WAITING, CutDue(message=True), Left(), Gone(16)),
        (Place(), START, FindAgent(), PlayMessage(), *SILENT_CLOSE),
        Outcome.SILENT,
        HungUpBy.CONTROLLER,
    ),
    Path(
        "the message also for a call that never reached Stasis: Asterisk's own switch plays it",
        (*ANSWERED, CutDue(message=True), Gone(16)),
        (Place(), START, PlayMessage(), *SILENT_CLOSE),
        Outcome.SILENT,
        HungUpBy.CONTROLLER,
    ),
    Path(
        "the message came due while bridging: if that fails, it is played and no other agent looked for",
        (*BRIDGING_AT_ANSWER, CutDue(message=True), BridgeFailed(), Gone(16)),
        (
            Place(),
            START,
            FindAgent(),
            Connect(ANNA),
            back(ANNA, worked=False),
            PlayMessage(),
            *SILENT_CLOSE,
        ),
        Outcome.SILENT,
        HungUpBy.CONTROLLER,
    ),
    Path(
        "the message came due while bridging: if that succeeds, the conversation goes on",
        (*BRIDGING_TO_RESCUE, CutDue(message=True), Bridged(), Heard(), Left(), Gone(16)),
        (
            Place(),
            START,
            FindAgent(),
            Connect(ANNA),
            LISTEN,
            STOP,
            CountSuccess(),
            back(ANNA, worked=True),
            Close(Outcome.CONNECTED),
        ),
        Outcome.CONNECTED,
        HungUpBy.CALLEE,
        rescued=True,
    ),
    Path(
        "Asterisk's own switch was faster than we: no agent is looked for any more",
        (*WAITING, Left(), CutDue(message=True), AgentAssigned(ANNA), Gone(16)),
        (Place(), START, FindAgent(), Withdraw(), back(ANNA, worked=False), *SILENT_CLOSE),
        Outcome.SILENT,
        HungUpBy.UNKNOWN,
    ),
    Path(
        "Asterisk's own switch was faster than the bridging: the agent was not heard",
        (*BRIDGING_AT_ANSWER, CutDue(message=True), Bridged(), Left(), Heard(), Gone(16)),
        (
            Place(),
            START,
            FindAgent(),
            Connect(ANNA),
            LISTEN,
            back(ANNA, worked=False),
            Withdraw(),
            *SILENT_CLOSE,
        ),
        Outcome.SILENT,
        HungUpBy.UNKNOWN,
    ),
    Path(
        "the bridging was refused, since Asterisk's own switch had acted",
        (*BRIDGING_AT_ANSWER, Left(), CutDue(message=True), Gone(16)),
        (
            Place(),
            START,
            FindAgent(),
            Connect(ANNA),
            back(ANNA, worked=False),
            Withdraw(),
            *SILENT_CLOSE,
        ),
        Outcome.SILENT,
        HungUpBy.UNKNOWN,
    ),
    Path(
        "callee leaves Stasis and then the network, while waiting: it was the callee",
        (*WAITING, Left(), Gone(16)),
        (Place(), START, FindAgent(), Withdraw(), *SILENT_CLOSE),
        Outcome.SILENT,
        HungUpBy.CALLEE,
    ),
    Path(
        "callee leaves Stasis before the agent bridged at the answer can have been heard: left early",
        (*JUST_BRIDGED, Left(), Gone(16)),
        (
            Place(),
            START,
            FindAgent(),
            Connect(ANNA),
            LISTEN,
            STOP,
            back(ANNA, worked=False),
            Close(Outcome.LEFT_EARLY),
        ),
        Outcome.LEFT_EARLY,
        HungUpBy.CALLEE,
    ),
    Path(
        "callee leaves while waiting: silent all the same",
        (*WAITING, Gone(16)),
        (Place(), START, FindAgent(), *SILENT_CLOSE),
        Outcome.SILENT,
        HungUpBy.CALLEE,
    ),
    Path(
        "callee leaves before the call reaches Stasis: silent",
        (*ANSWERED, Gone(16)),
        (Place(), START, *SILENT_CLOSE),
        Outcome.SILENT,
        HungUpBy.CALLEE,
    ),
    Path(
        "callee leaves during the bridging commanded at the answer: not silent",
        (*BRIDGING_AT_ANSWER, Gone(16)),
        (
            Place(),
            START,
            FindAgent(),
            Connect(ANNA),
            STOP,
            back(ANNA, worked=False),
            Close(Outcome.LEFT_EARLY),
        ),
        Outcome.LEFT_EARLY,
        HungUpBy.CALLEE,
    ),
    Path(
        "callee leaves during the bridging of a rescue: silent",
        (*BRIDGING_TO_RESCUE, Gone(16)),
        (Place(), START, FindAgent(), Connect(ANNA), STOP, back(ANNA, worked=False), Close(Outcome.SILENT)),
        Outcome.SILENT,
        HungUpBy.CALLEE,
    ),
    Path(
        "a bridging at the answer that outlives the time the law leaves is no excuse: silent",
        (*BRIDGING_AT_ANSWER, CutDue(), Gone(16)),
        (Place(), START, FindAgent(), Connect(ANNA), STOP, back(ANNA, worked=False), Close(Outcome.SILENT)),
        Outcome.SILENT,
        HungUpBy.UNKNOWN,
    ),
    Path(
        "cancelled while ringing",
        (*CANCELLED, Gone(16)),
        (Place(), HangUp(), Close(Outcome.CANCELLED)),
        Outcome.CANCELLED,
        HungUpBy.CONTROLLER,
    ),
    Path(
        "cancelled while being placed",
        (Admitted(), CancelAsked(), Placed(), Gone(16)),
        (Place(), HangUp(), Close(Outcome.CANCELLED)),
        Outcome.CANCELLED,
        HungUpBy.CONTROLLER,
    ),
    Path(
        "picked up while being cancelled: the callee heard a silent call",
        (*CANCELLED, PickedUp(), Arrived(), Gone(16)),
        (Place(), HangUp(), *SILENT_CLOSE),
        Outcome.SILENT,
        HungUpBy.CONTROLLER,
    ),
    Path(
        "bridging failed: the next agent rescues",
        (*BRIDGING_AT_ANSWER, BridgeFailed(), AgentAssigned(BRUNO), Bridged(), Heard(), Gone(16)),
        (
            Place(),
            START,
            FindAgent(),
            Connect(ANNA),
            back(ANNA, worked=False),
            FindAgent(),
            Connect(BRUNO),
            LISTEN,
            STOP,
            CountSuccess(),
            back(BRUNO, worked=True),
            Close(Outcome.CONNECTED),
        ),
        Outcome.CONNECTED,
        HungUpBy.CALLEE,
        rescued=True,
    ),
    Path(
        "callee leaves during the second bridging: silent, the first one failed",
        (*BRIDGING_AT_ANSWER, BridgeFailed(), AgentAssigned(BRUNO), Gone(16)),
        (
            Place(),
            START,
            FindAgent(),
            Connect(ANNA),
            back(ANNA, worked=False),
            FindAgent(),
            Connect(BRUNO),
            STOP,
            back(BRUNO, worked=False),
            Close(Outcome.SILENT),
        ),
        Outcome.SILENT,
        HungUpBy.CALLEE,
    ),
    Path(
        "the cut came while bridging: if that fails, hang up instead of looking for another agent",
        (*BRIDGING_AT_ANSWER, CutDue(), BridgeFailed(), Gone(16)),
        (
            Place(),
            START,
            FindAgent(),
            Connect(ANNA),
            back(ANNA, worked=False),
            HangUp(),
            *SILENT_CLOSE,
        ),
        Outcome.SILENT,
        HungUpBy.CONTROLLER,
    ),
    Path(
        "the cut came while bridging: if that succeeds, the conversation goes on",
        (*BRIDGING_AT_ANSWER, CutDue(), Bridged(), Heard(), Gone(16)),
        (
            Place(),
            START,
            FindAgent(),
            Connect(ANNA),
            LISTEN,
            STOP,
            CountSuccess(),
            back(ANNA, worked=True),
            Close(Outcome.CONNECTED),
        ),
        Outcome.CONNECTED,
        HungUpBy.CALLEE,
    ),
    Path(
        "the agent ends the conversation",
        (*TALKING, EndAsked(), Gone(16)),
        (
            Place(),
            START,
            FindAgent(),
            Connect(ANNA),
            LISTEN,
            STOP,
            CountSuccess(),
            HangUp(),
            back(ANNA, worked=True),
            Close(Outcome.CONNECTED),
        ),
        Outcome.CONNECTED,
        HungUpBy.AGENT,
    ),
    Path(
        "the agent's phone dies in conversation",
        (*TALKING, AgentLeft(ANNA), Gone(16)),
        (
            Place(),
            START,
            FindAgent(),
            Connect(ANNA),
            LISTEN,
            STOP,
            CountSuccess(),
            HangUp(),
            back(ANNA, worked=True),
            Close(Outcome.CONNECTED),
        ),
        Outcome.CONNECTED,
        HungUpBy.AGENT,
    ),
    Path(
        "busy",
        (*RINGING, Gone(17, 486)),
        (Place(), Close(Outcome.BUSY)),
        Outcome.BUSY,
        HungUpBy.CALLEE,
    ),
    Path(
        "gone before Asterisk confirmed the channel",
        (Admitted(), Gone(34), Placed()),
        (Place(), Close(Outcome.CONGESTION)),
        Outcome.CONGESTION,
        HungUpBy.CALLEE,
    ),
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.rule)
def test_path(path: Path) -> None:
    call, commands = play(*path.events)

    assert commands == list(path.commands)
    assert call.state is CallState.ENDED
    assert call.outcome is path.outcome
    assert call.ended_by is path.by
    assert call.rescued is path.rescued


def test_not_admitted_touches_nothing_but_the_floor() -> None:
    call, commands = play(NotAdmitted(), Gone())

    assert commands == [Discard()]
    assert call.state is CallState.ENDED
    assert call.ended_at == T0
    assert call.outcome is None


def test_refused_by_asterisk_is_failed_at_once() -> None:
    call, commands = play(Admitted(), PlaceFailed(), Gone())

    assert commands == [Place(), Close(Outcome.FAILED)]
    assert call.outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("before", "outcome"),
    [
        pytest.param((Admitted(),), Outcome.LOST, id="placing"),
        pytest.param(RINGING, Outcome.LOST, id="ringing"),
        pytest.param(CANCELLED, Outcome.LOST, id="cancelled"),
        pytest.param(ANSWERED, Outcome.SILENT, id="answered"),
        pytest.param(WAITING, Outcome.SILENT, id="waiting"),
        pytest.param(BRIDGING_AT_ANSWER, Outcome.SILENT, id="bridging at the answer"),
        pytest.param(BRIDGING_TO_RESCUE, Outcome.SILENT, id="bridging to rescue"),
        pytest.param((*WAITING, CutDue()), Outcome.SILENT, id="cut"),
        pytest.param(JUST_BRIDGED, Outcome.SILENT, id="just bridged"),
        pytest.param(TALKING, Outcome.CONNECTED, id="talking"),
        pytest.param((*TALKING, EndAsked()), Outcome.CONNECTED, id="ended by the agent"),
    ],
)
def test_an_end_that_nobody_saw_is_judged_in_nobodys_favour(
    before: tuple[CallEvent, ...], outcome: Outcome
) -> None:
    call, commands = play(*before, Gone(16, 486, witnessed=False))

    assert call.outcome is outcome
    assert commands[-1] == Close(outcome)


@pytest.mark.parametrize("before", [RINGING, WAITING, TALKING])
def test_nobody_is_blamed_for_an_end_that_nobody_saw(before: tuple[CallEvent, ...]) -> None:
    assert play(*before, Gone(witnessed=False))[0].ended_by is HungUpBy.UNKNOWN
    assert play(*before, Gone(witnessed=True))[0].ended_by is HungUpBy.CALLEE


def test_times_and_causes_are_written_down() -> None:
    call, _ = play(*TALKING, Gone(16, 200))

    def at(event: CallEvent) -> datetime:
        return T0 + timedelta(seconds=(*TALKING, Gone(16, 200)).index(event))

    assert call.admitted_at == at(Admitted())
    assert call.rang_at == at(Rang())
    assert call.answered_at == at(PickedUp())
    assert call.bridged_at == at(Bridged())
    assert call.heard_at == at(Heard())
    assert call.ended_at == at(Gone(16, 200))
    assert (call.cause, call.sip, call.agent) == (16, 200, ANNA)


def test_the_first_ring_and_the_first_sign_of_an_answer_are_the_ones_written_down() -> None:
    assert play(*RINGING, Rang())[0].rang_at == T0 + timedelta(seconds=2)
    assert play(*ANSWERED, PickedUp(), Arrived())[0].answered_at == T0 + timedelta(seconds=3)
    assert play(*CANCELLED, PickedUp(), Arrived())[0].answered_at == T0 + timedelta(seconds=4)


def test_when_the_noise_began_is_asterisks_word() -> None:
    at = T0 + timedelta(seconds=2.5)

    assert play(*ANSWERED, Arrived(noise_at=at))[0].noise_at == at
    assert play(*RINGING, Arrived(noise_at=at), Arrived())[0].noise_at == at
    assert play(*CANCELLED, Arrived(noise_at=at))[0].noise_at == at
    assert play(*ARRIVED)[0].noise_at is None


def test_a_phone_that_rang_can_be_reached() -> None:
    assert play(Admitted(), Placed(), Gone(20, 480))[0].outcome is Outcome.UNREACHABLE
    assert play(Admitted(), Placed(), Rang(), Gone(20, 480))[0].outcome is Outcome.NO_ANSWER


def test_an_arrival_without_a_pick_up_counts_as_the_answer() -> None:
    call, commands = play(*RINGING, Arrived(), PickedUp())

    assert commands == [Place(), StartCutTimer(), FindAgent()]
    assert call.state is CallState.WAITING
    assert call.answered_at == T0 + timedelta(seconds=3)


def test_only_the_agent_in_the_conversation_can_end_it_by_leaving() -> None:
    call, commands = play(AgentLeft(BRUNO), call=play(*TALKING)[0])

    assert commands == []
    assert call.state is CallState.TALKING


@pytest.mark.parametrize("state", [state for state in CallState if state is not CallState.WAITING])
def test_an_agent_assigned_to_a_call_that_cannot_use_one_is_given_back(state: CallState) -> None:
    before = call_in(state)

    after, commands = step(before, AgentAssigned(BRUNO), T0)

    assert commands == (back(BRUNO, worked=False),)
    assert after == before


TAKES: dict[CallState, set[type[CallEvent]]] = {
    CallState.ADMITTING: {Admitted, NotAdmitted},
    CallState.PLACING: {Placed, PlaceFailed, Rang, PickedUp, Arrived, CancelAsked, Gone},
    CallState.RINGING: {Rang, PickedUp, Arrived, CancelAsked, Gone},
    CallState.ANSWERED: {Arrived, CutDue, Gone},
    CallState.WAITING: {AgentAssigned, NoAgentFree, CutDue, Left, Gone},
    CallState.BRIDGING: {Bridged, BridgeFailed, CutDue, Left, Gone},
    CallState.TALKING: {AgentLeft, EndAsked, Gone},  # and Heard, once
    CallState.PLAYING: {Arrived, CutDue, Gone},
    CallState.ENDING: {PickedUp, Arrived, Gone},
    CallState.ENDED: set(),
}
"""The events that make sense in each state."""

ONE_OF_EACH: list[CallEvent] = [
    Admitted(),
    NotAdmitted(),
    Placed(),
    PlaceFailed(),
    Rang(),
    PickedUp(),
    Arrived(),
    NoAgentFree(),
    Bridged(),
    Heard(),
    BridgeFailed(),
    CutDue(),
    Left(),
    AgentLeft(ANNA),
    EndAsked(),
    CancelAsked(),
    Gone(),
]


@pytest.mark.parametrize(
    ("state", "event"),
    [
        pytest.param(state, event, id=f"{type(event).__name__} in {state.value}")
        for state in CallState
        for event in ONE_OF_EACH
        if type(event) not in TAKES[state]
    ],
)
def test_an_event_that_makes_no_sense_in_a_state_changes_nothing(state: CallState, event: CallEvent) -> None:
    before = call_in(state)
    assert before.state is state

    assert step(before, event, T0) == (before, ())


# --- any sequence of events -------------------------------------------------------------------------------

LIKELY: dict[CallState, list[CallEvent]] = {
    CallState.ADMITTING: [Admitted()],
    CallState.PLACING: [Placed(), PickedUp(), Arrived(), CancelAsked()],
    CallState.RINGING: [PickedUp(), Arrived(), CancelAsked()],
    CallState.ANSWERED: [Arrived()],
    CallState.WAITING: [NoAgentFree(), AgentAssigned(ANNA)],
    CallState.BRIDGING: [Bridged(), BridgeFailed(), CutDue(), CutDue(message=True), Gone()],
    CallState.TALKING: [Heard(), Heard(), EndAsked(), AgentLeft(ANNA), Gone()],
    CallState.PLAYING: [Gone(recital=Recital(told=told)) for told in Told],
    CallState.ENDING: [PickedUp(), AgentAssigned(ANNA)],
    CallState.ENDED: [AgentAssigned(ANNA)],
}
"""Events that lead on, so that random sequences get anywhere."""

ANY_EVENT = [*ONE_OF_EACH, CutDue(message=True), AgentAssigned(ANNA), Gone(17, 486), Gone(witnessed=False)]

choices = st.lists(st.tuples(st.sampled_from([True, True, True, False]), st.integers(0, 99)), max_size=25)


@dataclass
class History:
    """A call led through events, with what a careful reader of its commands knows at each point."""

    call: Call = field(default_factory=new_call)
    commands: list[Command] = field(default_factory=list)
    assigned: list[AgentId] = field(default_factory=list)
    connecting: AgentId | None = None
    timer: str = "never started"
    answered_while_ours: bool = False
    left_early: bool = False
    admitted: bool = False
    clock: datetime = T0

    def happen(self, event: CallEvent) -> tuple[Command, ...]:
        self.clock += timedelta(milliseconds=100)
        before = self.call
        if isinstance(event, AgentAssigned):
            self.assigned.append(event.agent)
        if isinstance(event, CutDue) and self.timer == "running":
            self.timer = "fired"
        unheard = before.state is CallState.TALKING and before.heard_at is None
        if isinstance(event, Gone) and (before.state is CallState.BRIDGING or unheard):
            in_time = not before.cut_due and event.witnessed
            first = self.commands.count(FindAgent()) == 1 and not before.waited
            self.left_early = in_time and first
        if isinstance(event, Admitted) and before.state is CallState.ADMITTING:
            self.admitted = True

        self.call, commands = step(before, event, self.clock)

        for command in commands:
            self._read(command, event, before)
        self.commands += commands
        return commands

    def _read(self, command: Command, event: CallEvent, before: Call) -> None:
        match command:
            case Connect(agent):
                assert self.connecting is None, "a second bridging while one is pending"
                self.connecting = agent
            case StartHeardTimer():
                assert isinstance(event, Bridged)
                assert self.connecting is not None
                self.connecting = None
            case CountSuccess():
                assert isinstance(event, Heard)
                assert before.bridged_at is not None
            case GiveBackAgent(agent, worked):
                if agent == self.connecting:
                    assert isinstance(event, BridgeFailed | Left | Gone), "taken away while being connected"
                    self.connecting = None
                assert worked == (agent == before.agent and before.heard_at is not None)
            case StartCutTimer():
                assert self.timer == "never started"
                assert before.answered_at is None
                self.timer = "running"
            case StopCutTimer():
                self.timer = "stopped"


def lead(choices: list[tuple[bool, int]], *, agentless: bool = False) -> History:
    history = History(call=new_call(agentless=agentless))
    names = itertools.count(201)
    for likely, index in choices:
        events = LIKELY[history.call.state] if likely else ANY_EVENT
        event = events[index % len(events)]
        if isinstance(event, AgentAssigned):
            event = AgentAssigned(AgentId(str(next(names))))
        elif isinstance(event, AgentLeft) and history.assigned:
            event = AgentLeft(history.assigned[index % len(history.assigned)])
        ended_before = history.call.state is CallState.ENDED
        commands = history.happen(event)
        check_each_step(history, commands, ended_before=ended_before)
    history.happen(Gone(16))
    return history


def check_each_step(history: History, commands: tuple[Command, ...], *, ended_before: bool) -> None:
    call = history.call
    if ended_before:
        assert all(isinstance(command, GiveBackAgent) for command in commands)
    if call.answered_at and call.state in (CallState.ANSWERED, CallState.WAITING):
        assert history.timer == "running"
    if call.state is CallState.BRIDGING:
        assert history.timer == "running" or (history.timer == "fired" and call.cut_due)
        assert history.connecting == call.agent is not None
    if call.state is CallState.ENDING:
        assert {HangUp(), PlayMessage(), Withdraw()} & set(history.commands)


@settings(max_examples=60, deadline=None)
@given(choices, st.booleans())
def test_every_assigned_agent_is_given_back_exactly_once(
    choices: list[tuple[bool, int]], agentless: bool
) -> None:
    history = lead(choices, agentless=agentless)

    given_back = Counter(c.agent for c in history.commands if isinstance(c, GiveBackAgent))
    assert given_back == Counter(history.assigned)


@settings(max_examples=60, deadline=None)
@given(choices, st.booleans())
def test_every_admitted_call_is_closed_exactly_once_and_last(
    choices: list[tuple[bool, int]], agentless: bool
) -> None:
    history = lead(choices, agentless=agentless)

    closes = [c for c in history.commands if isinstance(c, Close)]
    if history.admitted:
        assert [close.outcome for close in closes] == [history.call.outcome]
        assert Discard() not in history.commands
        after = history.commands[history.commands.index(closes[0]) + 1 :]
        assert all(isinstance(command, GiveBackAgent) for command in after)
        assert history.call.state is CallState.ENDED
    else:
        assert closes == []
        assert history.commands.count(Discard()) == (history.call.state is CallState.ENDED)
        assert Place() not in history.commands


@settings(max_examples=60, deadline=None)
@given(choices)
def test_a_success_is_counted_once_and_only_for_a_connected_call(choices: list[tuple[bool, int]]) -> None:
    history = lead(choices)

    connected = history.call.outcome is Outcome.CONNECTED
    assert history.commands.count(CountSuccess()) == connected
    assert (history.call.heard_at is not None) == connected


@settings(max_examples=60, deadline=None)
@given(choices)
def test_an_answered_call_is_silent_unless_heard_or_left_early(choices: list[tuple[bool, int]]) -> None:
    history = lead(choices)

    call = history.call
    served = call.heard_at is not None
    expected = call.answered_at is not None and not served and not history.left_early
    assert (call.outcome is Outcome.SILENT) == expected
    assert (call.outcome is Outcome.LEFT_EARLY) == (history.left_early and not served)


# --- with an office that behaves: every command is answered, in some time -----------------------------------


@dataclass
class World:
    """Carries the commands out on a virtual clock; the callee and the agents do as drawn."""

    data: st.DataObject
    call: Call = field(default_factory=new_call)
    queue: list[tuple[float, int, CallEvent]] = field(default_factory=list)
    order: itertools.count[int] = field(default_factory=itertools.count)
    now: float = 0.0
    taken: set[AgentId] = field(default_factory=set)
    names: itertools.count[int] = field(default_factory=lambda: itertools.count(301))
    gone: bool = False
    hang_up_at: float | None = None
    bridged_at: float | None = None
    answered_at: float | None = None
    closed: list[Outcome] = field(default_factory=list)
    cut_at: float | None = None
    message: bool = False
    message_at: float | None = None

    def post(self, event: CallEvent, delay: float = 0.0) -> None:
        heapq.heappush(self.queue, (self.now + delay, next(self.order), event))

    def some(self, least: float, most: float) -> float:
        return self.data.draw(st.floats(least, most))

    def chance(self) -> bool:
        return self.data.draw(st.booleans())

    def run(self) -> None:
        self.message = self.chance()
        self.post(Admitted() if self.data.draw(st.integers(0, 9)) else NotAdmitted())
        for _ in range(300):
            if not self.queue or self.call.state is CallState.ENDED:
                return
            self.now, _, event = heapq.heappop(self.queue)
            if self._cut_cancelled(event) or (self.gone and not isinstance(event, _STILL_COMES)):
                continue
            if isinstance(event, Gone):
                self.gone = True
            if isinstance(event, PickedUp | Arrived) and self.answered_at is None:
                self.answered_at = self.now
            self.call, commands = step(self.call, event, T0 + timedelta(seconds=self.now))
            for command in commands:
                self.execute(command)
        raise AssertionError("the call never ends")

    def _cut_cancelled(self, event: CallEvent) -> bool:
        return isinstance(event, CutDue) and self.cut_at is None

    def execute(self, command: Command) -> None:
        match command:
            case Place():
                self._place()
            case FindAgent():
                self._find_agent()
            case Connect():
                self._connect()
            case HangUp():
                if self.hang_up_at is None:
                    self.hang_up_at = self.now
                self.post(Gone(16), self.some(0, 0.05))
            case PlayMessage():
                assert self.message
                self.message_at = self.now
                self.post(Left(), 0.01)
                self.post(Gone(16), self.some(0.02, 30))
            case StartCutTimer():
                self.cut_at = self.now + IT_GARANTE_2014.hang_up_after.total_seconds()
                self.post(CutDue(self.message), IT_GARANTE_2014.hang_up_after.total_seconds())
            case StopCutTimer():
                self.cut_at = None
            case GiveBackAgent(agent):
                self.taken.remove(agent)  # KeyError: given back twice, or never taken
            case StartHeardTimer():
                self.bridged_at = self.now
                self.post(Heard(), HEARD_AFTER.total_seconds())
                if self.chance():
                    self.post(EndAsked(), self.some(0, 60))
                self.post(Gone(16), self.some(0, 60))
            case Close(outcome):
                self.closed.append(outcome)

    def _place(self) -> None:
        if self.data.draw(st.integers(0, 9)) == 0:
            self.post(PlaceFailed())
            return
        self.post(Placed())
        self.post(Rang(), 0.5)
        pick_up = self.some(1, 5)
        if self.chance():
            self.post(PickedUp(), pick_up)
            self.post(Arrived(), pick_up + self.some(0, 0.1))
            if self.chance():
                self.post(Gone(16), pick_up + self.some(0, 4))
        else:
            self.post(Gone(17, 486), pick_up)
        if self.chance():
            self.post(CancelAsked(), self.some(0, 6))

    def _find_agent(self) -> None:
        if self.chance():
            self.post(NoAgentFree())
            if not self.chance():
                return
            delay = self.some(0, 4)
        else:
            delay = 0.0
        agent = AgentId(str(next(self.names)))
        self.taken.add(agent)
        self.post(AgentAssigned(agent), delay)

    def _connect(self) -> None:
        delay = self.some(0.001, 0.3)
        self.post(Bridged() if self.chance() else BridgeFailed(), delay)


_STILL_COMES = AgentAssigned


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_call_is_lost_and_no_callee_waits_longer_than_the_law_allows(data: st.DataObject) -> None:
    world = World(data)

    world.run()

    assert world.call.state is CallState.ENDED, "events ran out and the call is still open"
    for _, _, event in sorted(world.queue, key=lambda entry: entry[:2]):  # those that come too late
        world.call, commands = step(world.call, event, T0)
        for command in commands:
            world.execute(command)
    assert world.taken == set()
    assert len(world.closed) == (world.call.outcome is not None)
    assert world.cut_at is None
    if world.answered_at is not None and world.call.outcome is Outcome.SILENT:
        assert world.call.ended_at is not None
        ended = (world.call.ended_at - T0).total_seconds() if world.message_at is None else world.message_at
        lasted = ended - world.answered_at
        # 2.7 s, one bridging that was under way, the time to hear somebody, one hang-up (or the message).
        assert lasted <= 2.7 + 0.3 + 0.2 + 0.05 + 1e-6
    if world.bridged_at is not None and world.answered_at is not None:
        assert world.bridged_at - world.answered_at <= 2.7 + 0.3 + 1e-6
