"""What came of a message that was played from the answer on, to a callee for whom no agent is meant.

Asterisk's dialplan leads such a call by itself and notes how far it has come, whether or not a controller is
there (asterisk-conf/campaign-controller.extensions.conf, context campaign-message). What it noted is the only
word on what the callee heard.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

AUTOMATED_CALLS: Final = "automated-calls"
"""The basis of a consent to calls in which nobody speaks. Any other is one to be called by a person."""

LONGEST_MESSAGE: Final = timedelta(seconds=60)
"""For which a message may play at most, the time for the key included: the dialplan's TIMEOUT(absolute)."""


class Told(Enum):
    """How much of the message the callee heard."""

    NOTHING = "nothing"
    """It never began: the call was not answered, was over in the same instant, or was never dialed."""
    PART = "part"
    ALL = "all"
    KEY = "key"
    """The callee pressed the key for not being called again."""
    FAILED = "failed"
    """It could not be played: the callee heard nothing, and was hung up."""
    UNKNOWN = "unknown"
    """Asterisk has no note: it was started since, or is another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recital:
    """What Asterisk noted of one call.

    Attributes:
        began_at: when the message began, by Asterisk's clock (aware); None if it did not, or that is unknown.
        ours: it was our dialplan that hung up; False: the callee did, or nobody knows.
    """

    told: Told = Told.UNKNOWN
    began_at: datetime | None = None
    ours: bool = False
