"""What lasts: contacts, campaigns, attempts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from controller.domain.call import Call
from controller.domain.campaign import Campaign, CampaignState, Override
from controller.domain.contact import Contact, NewContact
from controller.domain.ids import CallId, CampaignId, ContactId
from controller.domain.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnd:
    """What is recorded when an attempt is over, with what follows for its contact.

    Attributes:
        next_due: when the contact is called again; None if the campaign is done with it.
        counts_as_attempt: False for silent calls, which do not use up the contact's attempts.
    """

    call: Call
    next_due: datetime | None
    counts_as_attempt: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What an import stored.

    Attributes:
        stored: contacts added.
        known: lines of numbers the campaign had already (not stored again).
    """

    stored: int
    known: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRow:
    """A campaign as stored, with its state."""

    campaign: Campaign
    state: CampaignState
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFigures:
    """A campaign's numbers, computed from the recorded attempts alone.

    Attributes:
        by_outcome: ended attempts by outcome.
        open: attempts recorded as started and not ended.
        answer_to_bridge: seconds, one for each connected call.
        longest_unattended: seconds from answer to end of the longest silent call; None if there was none.
    """

    campaign: CampaignId
    contacts: int
    pending: int
    by_outcome: Mapping[Outcome, int] = field(default_factory=dict)
    open: int = 0
    rescued: int = 0
    answer_to_bridge: Sequence[float] = ()
    longest_unattended: float | None = None


class Records(Protocol):
    """What lasts: contacts, campaigns, attempts."""

    async def ping(self) -> None:
        """Raise Unreachable unless the store takes writes."""
        ...

    async def save_campaign(self, campaign: Campaign) -> None:
        """Store a new campaign as draft.

        Raises:
            BadInput: the id is taken.
        """
        ...

    async def campaign(self, campaign: CampaignId) -> CampaignRow | None:
        """One campaign."""
        ...

    async def campaigns(self) -> Sequence[CampaignRow]:
        """All campaigns, by id."""
        ...

    async def set_campaign_state(self, campaign: CampaignId, state: CampaignState, reason: str = "") -> None:
        """Record a change of state and why."""
        ...

    async def record_override(self, campaign: CampaignId, override: Override, now: datetime) -> None:
        """Record who lifted a budget, when and why. Append-only."""
        ...

    async def add_contacts(self, campaign: CampaignId, contacts: Sequence[NewContact]) -> ImportResult:
        """Store contacts in one transaction; numbers the campaign has already are left as they are."""
        ...

    async def due_contacts(self, campaign: CampaignId, now: datetime, limit: int) -> Sequence[Contact]:
        """Contacts that may be called now and have no attempt under way, longest due first."""
        ...

    async def next_due(self, campaign: CampaignId, now: datetime) -> datetime | None:
        """When the next contact that is not yet due will be; None if the campaign is done with all."""
        ...

    async def postpone(self, contact: ContactId, until: datetime) -> None:
        """Do not offer the contact before ``until``."""
        ...

    async def attempt_started(self, call: Call) -> None:
        """Record the attempt; returns when it is durable. Before that nothing is dialed."""
        ...

    async def attempt_ended(self, end: AttemptEnd) -> None:
        """Record how it ended; returns when it is durable. Saying it twice changes nothing."""
        ...

    async def attempt(self, call: CallId) -> Call | None:
        """An attempt as recorded, for recovery."""
        ...

    async def open_attempts(self) -> Sequence[Call]:
        """Attempts recorded as started and not ended, for recovery."""
        ...

    async def figures(self, campaign: CampaignId) -> CampaignFigures:
        """The campaign's numbers."""
        ...
