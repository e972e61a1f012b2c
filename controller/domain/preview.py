"""An offer: a contact that an agent looks at before it is called (mode PREVIEW). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from controller.domain.contact import Contact
from controller.domain.ids import AgentId, CallId, CampaignId, ContactId

SHORTEST: Final = timedelta(seconds=5)
LONGEST: Final = timedelta(minutes=10)
"""Bounds of a campaign's ``preview_timeout``."""

SKIPPED_FOR: Final = timedelta(minutes=30)
"""How long a contact that was skipped is not offered again, to anybody. Who wants another hour promises to
call back at it."""

SEEN_AFTER: Final = timedelta(seconds=1)
"""A key that is pressed sooner after the offer was meant for the one before: nobody reads that fast."""

_REASON: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")


class OfferEnd(Enum):
    """How an offer ended."""

    ACCEPTED = "accepted"
    """The call is placed."""
    REFUSED = "refused"
    """The agent wanted to call, and a check failed at that moment."""
    SKIPPED = "skipped"
    TIMED_OUT = "timed-out"
    """The agent did not decide in time, and is paused."""
    WITHDRAWN = "withdrawn"
    """It could not go on: the agent left, the campaign stopped, an edge is down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A contact that an agent looks at.

    Attributes:
        id: of the offer, and of the call if it is placed: who accepts twice gets one call.
        since: when it began (aware).
        until: when it ends without an answer (aware).
    """

    id: CallId
    agent: AgentId
    contact: Contact
    since: datetime
    until: datetime

    @property
    def campaign(self) -> CampaignId:
        """Whose contact it is."""
        return self.contact.campaign

    def seen(self, now: datetime) -> bool:
        """Whether a key pressed now can be meant for it."""
        return now - self.since >= SEEN_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A contact that an agent looked at and did not want called then.

    Attributes:
        offer: which offer it was; nothing is skipped twice.
        reason: why, in one word; often empty.
        at: aware.
    """

    offer: CallId
    campaign: CampaignId
    contact: ContactId
    agent: AgentId
    reason: str
    at: datetime


def checked_reason(reason: str) -> str:
    """Why a contact is skipped, as a word: free text would bring names into events and logs.

    Raises:
        ValueError: it is none.
    """
    reason = reason.strip()
    if reason and not _REASON.fullmatch(reason):
        raise ValueError(f"{reason[:40]!r} is no word of up to 32 letters, digits, - _ and .")
    return reason
