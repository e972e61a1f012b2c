"""How long the owner of a call waits, and for how much."""

from __future__ import annotations

from datetime import timedelta

from controller.domain import recital
from controller.domain.call import CallState

MAILBOX = 64
"""Events a call may have waiting. A call has about ten in its life; if a mailbox overflows, something posts
in a loop, and the event is dropped: the watchdog then asks Asterisk what is true."""

CONNECT_TIMEOUT = 1.0
"""Seconds after which a bridging counts as failed. The dead-man's switch has cut the call before that."""

CONNECT_AGAIN = 0.1
"""Seconds until a bridging is tried again that found no Asterisk. That takes a millisecond to say so, and a
call would ask a thousand times until it is cut."""

PROMPT = timedelta(milliseconds=200)
"""A bridging that is commanded later than this after the answer is none "at the answer" (this process was
frozen, or the machine overloaded): if the callee leaves meanwhile, the call was silent."""

SLOWEST_NEWS = timedelta(milliseconds=500)
"""If the news of an answer seems to have taken longer, Asterisk's clock and ours differ: only so much is
taken off the time after which a waiting callee is cut."""

LONGEST_MESSAGE = recital.LONGEST_MESSAGE.total_seconds()
"""Seconds for which a message may play: TIMEOUT(absolute) in the dialplan's extension "message". The watch
over a call that ends leaves it that time."""

WATCH = {
    CallState.RINGING: 5.0,  # on top of the ring time
    CallState.ANSWERED: 4.0,
    CallState.WAITING: 4.0,
    CallState.BRIDGING: 4.0,
    CallState.TALKING: 60.0,
    CallState.PLAYING: LONGEST_MESSAGE + 5.0,
    CallState.ENDING: 2.0,
}
"""Seconds without an event after which the owner asks Asterisk whether the call is still there."""
