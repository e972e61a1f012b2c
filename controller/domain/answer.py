"""What an answered call was: exactly one class for each, and who counts it how.

The class is for the statistics an authority asks for; whether the call counts against the limit is decided
by its outcome alone (Outcome.counts_as_silent), so no classification can ever talk a silent call away.
"""

from __future__ import annotations

from enum import Enum

from controller.domain.call import Call, HungUpBy
from controller.domain.outcome import Outcome


class Answerer(Enum):
    """Who picked up, where anybody could tell."""

    PERSON = "person"
    MACHINE = "machine"
    FAX = "fax"


class AnswerClass(Enum):
    """What became of an answered call. Every answered call falls into exactly one."""

    AGENT = "agent"
    """A person heard an agent."""
    SILENT = "silent"
    """No agent reached it, and we (or Asterisk's own switch) ended it."""
    MACHINE = "machine"
    """An agent found an answering machine."""
    FAX = "fax"
    """An agent found a fax."""
    MESSAGE = "message"
    """Nobody was to speak: they heard the campaign's message, or the beginning of it."""
    LEFT = "left"
    """The callee hung up before the cut. Counts as silent, unless the bridging to an agent, commanded at the
    answer, was under way."""
    FAILURE = "failure"
    """Nobody saw its end, or the network broke it off before an agent was heard. Counts as silent."""


_BROKEN_CAUSES = frozenset({34, 38, 41, 42, 44, 47, 88, 111, 127})
"""ITU-T Q.850: congestion, network out of order, temporary failure, resources, protocol error, interworking.
(Asterisk: include/asterisk/causes.h.)"""

_BY_ANSWERER = {
    None: AnswerClass.AGENT,
    Answerer.PERSON: AnswerClass.AGENT,
    Answerer.MACHINE: AnswerClass.MACHINE,
    Answerer.FAX: AnswerClass.FAX,
}


def answer_class(call: Call, answerer: Answerer | None = None) -> AnswerClass | None:
    """The class of a call that is over; None if it was not answered (as far as anybody knows).

    Args:
        call: with its outcome, its cause and SIP code, and who hung up.
        answerer: who picked up, as the agent said; None if nobody said.
    """
    match call.outcome:
        case Outcome.CONNECTED:
            return _BY_ANSWERER[answerer]
        case Outcome.LOST:
            return AnswerClass.FAILURE
        case Outcome.MESSAGE | Outcome.MESSAGE_PART:
            return AnswerClass.MESSAGE
        case Outcome.LEFT_EARLY:
            return AnswerClass.LEFT
        case Outcome.SILENT:
            return _class_of_silent(call)
        case _:
            return None


def _class_of_silent(call: Call) -> AnswerClass:
    if call.cause in _BROKEN_CAUSES or (call.sip is not None and call.sip >= 500):
        return AnswerClass.FAILURE
    return AnswerClass.LEFT if call.ended_by is HungUpBy.CALLEE else AnswerClass.SILENT
