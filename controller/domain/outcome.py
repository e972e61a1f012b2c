"""How a call ended, in the terms of the law and of the campaign.

Hang-up causes are those of ITU-T Q.850 as Asterisk reports them (include/asterisk/causes.h); the SIP code,
where Asterisk passes it on (``tech_cause``, since 22.7), is the more precise of the two and wins.
"""

from __future__ import annotations

from enum import Enum


class Outcome(Enum):
    """What became of a call. Exactly one per call; decided once."""

    CONNECTED = "connected"
    """Answered and handed to an agent: a success."""
    SILENT = "silent"
    """Answered, and no agent reached it, whoever hung up."""
    LEFT_EARLY = "left-early"
    """The callee hung up while the bridging to an agent, commanded at the answer, was under way."""
    MESSAGE = "message"
    """Answered, in a campaign without agents: the message was heard to its end, or to the callee's key."""
    MESSAGE_PART = "message-part"
    """The same, and the call ended before the message did."""
    LOST = "lost"
    """Nobody saw it end (controller dead or cut off). It may have been silent, so it counts as silent."""
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    INVALID_NUMBER = "invalid-number"
    CONGESTION = "congestion"
    FAILED = "failed"
    """The call could not be placed: Asterisk or the trunk refused it."""
    CANCELLED = "cancelled"
    """We took a ringing call back, because no agent stood ready for it any more."""

    @property
    def answered(self) -> bool:
        """Whether the callee's phone was picked up (as far as anybody knows)."""
        return self in _ANSWERED

    @property
    def final(self) -> bool:
        """Whether the contact was reached, so that no rule may have it called again."""
        return self in (Outcome.CONNECTED, Outcome.MESSAGE, Outcome.MESSAGE_PART)

    @property
    def uses_up_an_attempt(self) -> bool:
        """Whether the contact had its chance: not where we were the ones who failed it."""
        return self not in (Outcome.SILENT, Outcome.LOST, Outcome.CANCELLED)

    @property
    def counts_as_silent(self) -> bool:
        """Whether the number must be left alone, and the budget is charged."""
        return self in (Outcome.SILENT, Outcome.LOST)


_ANSWERED = frozenset(
    {
        Outcome.CONNECTED,
        Outcome.SILENT,
        Outcome.LEFT_EARLY,
        Outcome.MESSAGE,
        Outcome.MESSAGE_PART,
        Outcome.LOST,
    }
)

_BY_SIP = {
    404: Outcome.INVALID_NUMBER,
    408: Outcome.NO_ANSWER,
    410: Outcome.INVALID_NUMBER,
    480: Outcome.UNREACHABLE,
    484: Outcome.INVALID_NUMBER,
    486: Outcome.BUSY,
    487: Outcome.NO_ANSWER,
    503: Outcome.CONGESTION,
    600: Outcome.BUSY,
    603: Outcome.REJECTED,
    604: Outcome.INVALID_NUMBER,
    607: Outcome.REJECTED,
    608: Outcome.REJECTED,
}

_NORMAL_CLEARING = 16

_BY_CAUSE = {
    1: Outcome.INVALID_NUMBER,  # unallocated
    3: Outcome.UNREACHABLE,  # no route to destination
    _NORMAL_CLEARING: Outcome.NO_ANSWER,  # of a call that nobody answered: our own ring timeout
    17: Outcome.BUSY,
    18: Outcome.NO_ANSWER,  # no user responding
    19: Outcome.NO_ANSWER,
    20: Outcome.UNREACHABLE,  # subscriber absent
    21: Outcome.REJECTED,
    22: Outcome.INVALID_NUMBER,  # number changed
    27: Outcome.UNREACHABLE,  # destination out of order
    28: Outcome.INVALID_NUMBER,  # number incomplete
    34: Outcome.CONGESTION,
    38: Outcome.CONGESTION,  # network out of order
    41: Outcome.CONGESTION,
    42: Outcome.CONGESTION,
}


def unanswered_outcome(cause: int, sip: int | None, *, rang: bool = False) -> Outcome:
    """The outcome of a call that ended without an answer.

    Args:
        cause: the Q.850 cause of ChannelDestroyed; 0 if unknown.
        sip: the SIP response code, if Asterisk gave one.
        rang: the callee's phone was heard to ring.

    Returns:
        The class of the failure; ``FAILED`` for what no table knows.
    """
    if rang and sip == 480:
        # Carriers end a call that rang too long with 480; the same code before any ringing means that the
        # phone cannot be reached.
        return Outcome.NO_ANSWER
    if sip in _BY_SIP:
        return _BY_SIP[sip]
    return _BY_CAUSE.get(cause, Outcome.FAILED)
