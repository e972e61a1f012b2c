"""The life of a call as one pure function.

Every event that can come in any state is answered here; an event that makes no sense in a state (a late
timer, a repeated Placed) changes nothing. Two things hold whatever the order of events (property tests in
tests/unit/domain/test_lifecycle.py): every agent that is assigned is given back exactly once, and every
admitted call is closed exactly once.
"""

from __future__ import annotations

from datetime import datetime, timedelta

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
from controller.domain.ids import AgentId
from controller.domain.outcome import Outcome, unanswered_outcome
from controller.domain.pacing.modes import SHORTEST_RING

Step = tuple[Call, tuple[Command, ...]]

HEARD_AFTER = timedelta(milliseconds=200)
"""From when on a callee in a bridge has certainly heard the agent; until then the call is no success
(docs/adr/0006)."""

_UNANSWERED = frozenset({CallState.PLACING, CallState.RINGING})
_WITHOUT_AGENT = frozenset({CallState.ANSWERED, CallState.WAITING})


def step(call: Call, event: CallEvent, now: datetime) -> Step:
    """What ``event`` makes of ``call``, and what is to be done about it, in this order.

    Args:
        call: the call before.
        event: what happened to it.
        now: when (aware UTC); written into the call, and compared only to tell how long it rang.
    """
    if call.state is CallState.ENDED:
        return _after_the_end(call, event)
    match event:
        case Admitted() if call.state is CallState.ADMITTING:
            return call.evolve(state=CallState.PLACING, admitted_at=call.admitted_at or now), (Place(),)
        case NotAdmitted() if call.state is CallState.ADMITTING:
            return call.evolve(state=CallState.ENDED, ended_at=now), (Discard(),)
        case PlaceFailed() if call.state is CallState.PLACING:
            return _close(call, Outcome.FAILED, now)
        case Placed() if call.state is CallState.PLACING:
            return call.evolve(state=CallState.RINGING), ()
        case Rang() if call.state in _UNANSWERED and call.rang_at is None:
            return call.evolve(rang_at=now), ()
        case PickedUp() | Arrived():
            return _answered(call, event, now)
        case AgentAssigned(agent):
            return _assigned(call, agent)
        case NoAgentFree() | BridgeFailed() | Bridged() | Heard() | CutDue() | AgentLeft() | Left():
            return _towards_the_agent(call, event, now)
        case CancelAsked() if call.state in _UNANSWERED:
            return _hang_up(call, HungUpBy.CONTROLLER)
        case EndAsked() if call.state is CallState.TALKING:
            return _hang_up(call, HungUpBy.AGENT)
        case Gone() if call.state is not CallState.ADMITTING:
            return _gone(call, event, now)
        case _:
            return call, ()


def _after_the_end(call: Call, event: CallEvent) -> Step:
    # The floor may assign an agent in the same instant in which the callee leaves.
    if isinstance(event, AgentAssigned):
        return call, (GiveBackAgent(event.agent, worked=False),)
    return call, ()


def _answered(call: Call, event: PickedUp | Arrived, now: datetime) -> Step:
    if call.state not in _UNANSWERED | {CallState.ANSWERED, CallState.ENDING}:
        return call, ()
    arrived = isinstance(event, Arrived)
    noise_at = event.noise_at if isinstance(event, Arrived) else None
    answered = call.evolve(answered_at=call.answered_at or now, noise_at=call.noise_at or noise_at)
    if call.state is CallState.ENDING:
        # We were taking it back while it was picked up: what the callee hears is a silent call.
        return answered, ()
    commands: tuple[Command, ...] = () if call.answered_at else (StartCutTimer(),)
    answered = answered.evolve(state=CallState.WAITING if arrived else CallState.ANSWERED)
    return answered, (*commands, FindAgent()) if arrived else commands


def _assigned(call: Call, agent: AgentId) -> Step:
    if call.state is not CallState.WAITING:
        return call, (GiveBackAgent(agent, worked=False),)
    return call.evolve(state=CallState.BRIDGING, agent=agent, asked_at_answer=not call.waited), (
        Connect(agent),
    )


def _towards_the_agent(
    call: Call,
    event: NoAgentFree | BridgeFailed | Bridged | Heard | CutDue | AgentLeft | Left,
    now: datetime,
) -> Step:
    match event:
        case NoAgentFree() if call.state is CallState.WAITING:
            # Whatever agent comes from here on comes to the rescue.
            return call.evolve(waited=True), ()
        case Bridged() if call.state is CallState.BRIDGING:
            return call.evolve(state=CallState.TALKING, bridged_at=now), (StartHeardTimer(),)
        case Heard() if call.state is CallState.TALKING and call.heard_at is None:
            return call.evolve(heard_at=now), (StopCutTimer(), CountSuccess())
        case BridgeFailed() if call.state is CallState.BRIDGING and call.agent is not None:
            return _bridging_failed(call, call.agent)
        case CutDue() if call.state in _WITHOUT_AGENT:
            return _cut(call.evolve(message_due=event.message))
        case CutDue() if call.state is CallState.BRIDGING or _unheard(call):
            # The command is on its way, and Asterisk's own switch cuts a moment later if it fails; a hang-up
            # from here could meet a conversation that has just begun.
            return call.evolve(cut_due=True, message_due=event.message), ()
        case CutDue() if call.state is CallState.ENDING and call.ended_by is None:
            return call.evolve(cut_due=True), ()
        case Left() if call.state in (CallState.WAITING, CallState.BRIDGING):
            return _out_of_our_hands(call)
        case Left() if _unheard(call) and call.cut_due:
            return _out_of_our_hands(call)
        case AgentLeft(agent) if _unheard(call) and call.agent == agent:
            return _bridging_failed(call.evolve(bridged_at=None), agent, BackToNoise())
        case AgentLeft(agent) if call.state is CallState.TALKING and call.agent == agent:
            return _hang_up(call, HungUpBy.AGENT)
        case _:
            return call, ()


def _unheard(call: Call) -> bool:
    return call.state is CallState.TALKING and call.heard_at is None


def _bridging_failed(call: Call, agent: AgentId, *repair: Command) -> Step:
    waiting = call.evolve(state=CallState.WAITING, agent=None, asked_at_answer=False, waited=True)
    give_back = GiveBackAgent(agent, worked=False)
    if not call.cut_due:
        return waiting, (give_back, *repair, FindAgent())
    ending, commands = _cut(waiting)
    return ending, (give_back, *commands)


def _out_of_our_hands(call: Call) -> Step:
    # By whose doing is not known: the callee left, or Asterisk's own switch acted and the message may play.
    give_back: tuple[Command, ...] = ()
    if call.agent is not None:
        give_back = (GiveBackAgent(call.agent, worked=False),)
    return call.evolve(state=CallState.ENDING, agent=None, bridged_at=None), (*give_back, Withdraw())


def _cut(call: Call) -> Step:
    if not call.message_due:
        return _hang_up(call, HungUpBy.CONTROLLER)
    return call.evolve(state=CallState.ENDING, ended_by=HungUpBy.CONTROLLER), (PlayMessage(),)


def _hang_up(call: Call, by: HungUpBy) -> Step:
    return call.evolve(state=CallState.ENDING, ended_by=by), (HangUp(),)


def _gone(call: Call, event: Gone, now: datetime) -> Step:
    late = call.cut_due and call.heard_at is None
    call = call.evolve(
        cause=event.cause,
        sip=event.sip,
        # Past the time the law leaves, it may have been Asterisk's own switch.
        ended_by=call.ended_by or (HungUpBy.CALLEE if event.witnessed and not late else HungUpBy.UNKNOWN),
    )
    return _close(call, _outcome(call, event, now), now)


def _outcome(call: Call, event: Gone, now: datetime) -> Outcome:
    if call.heard_at is not None:
        return Outcome.CONNECTED
    if call.answered_at is not None:
        left_while_bridging = (
            call.state in (CallState.BRIDGING, CallState.TALKING)
            and call.asked_at_answer
            and call.ended_by is HungUpBy.CALLEE
        )
        return Outcome.LEFT_EARLY if left_while_bridging else Outcome.SILENT
    if not event.witnessed:
        return Outcome.LOST
    if call.ended_by is HungUpBy.CONTROLLER:
        # Who was rung for so long was called, and did not answer.
        rang = now - call.rang_at if call.rang_at else timedelta(0)
        return Outcome.NO_ANSWER if rang >= SHORTEST_RING else Outcome.CANCELLED
    return unanswered_outcome(event.cause, event.sip, rang=call.rang_at is not None)


def _close(call: Call, outcome: Outcome, now: datetime) -> Step:
    give_back: tuple[Command, ...] = ()
    if call.agent is not None:
        give_back = (GiveBackAgent(call.agent, worked=call.heard_at is not None),)
    stop: tuple[Command, ...] = (StopCutTimer(),) if call.answered_at and not call.heard_at else ()
    ended = call.evolve(state=CallState.ENDED, outcome=outcome, ended_at=now)
    return ended, (*stop, *give_back, Close(outcome))
