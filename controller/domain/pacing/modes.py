"""How a campaign dials."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import Final

from controller.domain.regulation import Played, Regulation

TAKE_BACK_AFTER: Final = timedelta(seconds=15)
"""How long a phone rings, unless the campaign says otherwise, before its call may be taken back."""
SHORTEST_RING: Final = timedelta(seconds=5)
"""No call is taken back earlier, whatever campaign and law allow: a phone that falls silent after a moment is
a nuisance of its own. Who was rung for so long has a missed call, and counts as called."""


class Mode(Enum):
    """What a call needs before it is placed."""

    PREVIEW = "preview"
    """The agent sees the contact first and has the call placed; it is theirs alone."""
    PROGRESSIVE = "progressive"
    """A free agent is reserved for each call."""
    PREDICTIVE = "predictive"
    """Calls are placed for agents who are about to be free, too, within the budget."""
    RATIO = "ratio"
    """A fixed number of lines for each free agent (``overdial``), within the budget: predicts nothing."""
    RESERVED = "reserved"
    """A free agent is reserved for each call and for it alone: the operator is guaranteed."""
    AGENTLESS = "agentless"
    """Nobody speaks: a message is played. Only where law and consent allow it."""

    @property
    def overdials(self) -> bool:
        """Whether calls may be placed that no agent stands ready for."""
        return self in (Mode.PREDICTIVE, Mode.RATIO)

    @property
    def guarantees(self) -> bool:
        """Whether each call keeps its agent for itself."""
        return self in (Mode.PREVIEW, Mode.RESERVED)

    @property
    def needs_agents(self) -> bool:
        """Whether calls are placed only with agents there."""
        return self is not Mode.AGENTLESS

    @property
    def asks_agent(self) -> bool:
        """Whether an agent decides when the call is placed."""
        return self is Mode.PREVIEW


def unsuited(mode: Mode, law: Regulation) -> str:
    """Why a campaign must not dial like that under this law; empty if it may."""
    if mode is Mode.AGENTLESS and law.played is not Played.MESSAGE:
        return f"{law.name} lets a callee without an agent hear noise, not a message: no agentless campaigns"
    if mode is Mode.AGENTLESS and not law.consent_required:
        return f"{law.name} demands no consent, and people are not called by a machine without it"
    return ""


def cancel_after(wanted: timedelta | None, law: Regulation) -> timedelta | None:
    """How long a call has to ring before it may be taken back because no agent would be free for it.

    Args:
        wanted: what the campaign says; None: its calls are never taken back.
        law: rings at least so long.
    """
    return None if wanted is None else max(wanted, SHORTEST_RING, law.ring_at_least)
