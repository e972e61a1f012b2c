"""What lasts: contacts, campaigns, attempts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from controller.domain.answer import AnswerClass, Answerer
from controller.domain.call import Call, HungUpBy
from controller.domain.campaign import Campaign, CampaignState, ListOrder, Override, PausedBy
from controller.domain.clearance import Check, Standing
from controller.domain.contact import Contact, NewContact, PhoneNumber
from controller.domain.ids import E164, CallId, CampaignId, ContactId
from controller.domain.outcome import Outcome
from controller.domain.pacing.past import PastCall


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnd:
    """What is recorded when an attempt is over, with what follows for its contact.

    Attributes:
        next_due: when the contact is called again; None if the campaign is done with it.
        counts_as_attempt: False for silent calls, which do not use up the contact's attempts.
        numbers: the contact's numbers, the one to be called next first; None leaves them as they are.
        tried: when its latest attempts ended, this one included; None leaves that as it is.
    """

    call: Call
    next_due: datetime | None
    counts_as_attempt: bool
    numbers: tuple[PhoneNumber, ...] | None = None
    tried: tuple[datetime, ...] | None = None


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
    """A campaign as stored, with its state.

    Attributes:
        paused_by: who or what paused it; None if it is not paused.
        version: grows with every edit; the first is 1.
    """

    campaign: Campaign
    state: CampaignState
    reason: str = ""
    paused_by: PausedBy | None = None
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedContact:
    """A contact with where it stands in its campaign.

    Attributes:
        done: the campaign will not call it again.
        in_flight: an attempt is under way.
    """

    contact: Contact
    done: bool = False
    in_flight: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFact:
    """One recorded attempt, without personal data: what statistics, audit and report are computed from.

    Attributes:
        person: keyed hash of the number.
        placed: its admission, which says which windows it belongs to.
        outcome: None while it is under way.
        segment: as of ``Call``; None: not recorded.
    """

    call: CallId
    campaign: CampaignId
    person: str
    caller: str
    caller_number: str
    law: str
    override: bool
    covered: bool
    guaranteed: bool
    placed: datetime
    rang_at: datetime | None = None
    answered_at: datetime | None = None
    noise_at: datetime | None = None
    bridged_at: datetime | None = None
    heard_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: HungUpBy | None = None
    outcome: Outcome | None = None
    answer_class: AnswerClass | None = None
    answerer: Answerer | None = None
    cause: int = 0
    sip: int | None = None
    segment: str | None = None

    def told(self) -> PastCall | None:
        """What it tells of ringing and talking; None if it is under way, or nobody saw it end."""
        if self.ended_at is None or self.outcome in (None, Outcome.LOST):
            return None
        answered: bool | None = self.answered_at is not None
        if not answered and (self.ended_by is HungUpBy.CONTROLLER or self.outcome is Outcome.CANCELLED):
            answered = None
        begun = (self.bridged_at or self.heard_at) if self.heard_at else None
        return PastCall(
            placed=self.placed,
            rang=_seconds(self.placed, self.answered_at or self.ended_at),
            answered=answered,
            talked=_seconds(begun, self.ended_at) if begun else None,
            segment=self.segment,
        )


def _seconds(begin: datetime, end: datetime) -> float:
    return max(0.0, (end - begin).total_seconds())


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
        """Store a new campaign: scheduled if it has a time to open at, else a draft.

        Raises:
            BadInput: the id is taken.
        """
        ...

    async def edit_campaign(
        self, campaign: Campaign, expected: int, changes: Mapping[str, Any], author: str
    ) -> int:
        """Store a changed campaign; its state stays. Returns the new version.

        Args:
            campaign: as it shall be; of the id that it has.
            expected: the version that was changed.
            changes: what is new, by field, for the evidence. Holds no personal data.
            author: who changed it.

        Raises:
            Conflict: somebody else changed it meanwhile.
            BadInput: there is no such campaign.
        """
        ...

    async def campaign(self, campaign: CampaignId) -> CampaignRow | None:
        """One campaign."""
        ...

    async def campaigns(self) -> Sequence[CampaignRow]:
        """All campaigns, by id."""
        ...

    async def set_campaign_state(
        self,
        campaign: CampaignId,
        state: CampaignState,
        reason: str = "",
        paused_by: PausedBy | None = None,
    ) -> None:
        """Record a change of state and why, as evidence too."""
        ...

    async def record_override(self, campaign: CampaignId, override: Override, now: datetime) -> None:
        """Record who lifted a budget, when and why. Append-only."""
        ...

    async def add_contacts(
        self, campaign: CampaignId, contacts: Sequence[NewContact], import_id: str | None = None
    ) -> ImportResult:
        """Store contacts in one transaction; those of whom the campaign has a number are left as they are.

        But for their consent: one that is newer than what is stored takes its place.

        Args:
            campaign: whose they become.
            contacts: in the order in which they are to be called.
            import_id: the import that brings them.
        """
        ...

    async def contacts(
        self, campaign: CampaignId, *, after: ContactId | None = None, limit: int = 1000
    ) -> Sequence[ListedContact]:
        """A campaign's contacts by id, from the one after ``after``, ``limit`` at most."""
        ...

    async def contacts_of(self, number: E164) -> Sequence[ListedContact]:
        """Who has this number, in every campaign."""
        ...

    async def due_contacts(
        self,
        campaign: CampaignId,
        now: datetime,
        limit: int,
        order: ListOrder = ListOrder.RETRIES_FIRST,
    ) -> Sequence[Contact]:
        """Contacts that may be called now, have no attempt under way, and were promised no call-back."""
        ...

    async def contacts_by_id(self, ids: Sequence[ContactId]) -> Sequence[ListedContact]:
        """These contacts, in no order; those that do not exist are left out."""
        ...

    async def next_due(self, campaign: CampaignId, now: datetime) -> datetime | None:
        """When the next contact that is not yet due will be; None if the campaign is done with all."""
        ...

    async def postpone(self, contacts: Sequence[ContactId], until: datetime) -> None:
        """Do not offer the contacts before ``until``; where one is due later already, that stays."""
        ...

    async def standings(
        self, campaign: Campaign, contacts: Sequence[Contact]
    ) -> Mapping[ContactId, Standing]:
        """What the do-not-call lists and the register say of these contacts, now."""
        ...

    async def record_start(self, campaign: Campaign, now: datetime) -> None:
        """Record that the campaign is started, under which rules, told in full. Append-only."""
        ...

    async def attempt_started(
        self, call: Call, campaign: Campaign, checks: Sequence[Check] = ()
    ) -> Check | None:
        """Record the attempt; returns when it is durable. Before that nothing is dialed.

        In the same transaction consent, do-not-call lists and register are looked at once more, so a list
        that was changed before binds this call.

        Args:
            call: admitted; ``admitted_at`` is set and says which windows it belongs to.
            campaign: whose law decides.
            checks: what else was checked before, for the evidence.

        Returns:
            The check that failed: nothing was recorded and nothing may be dialed. None if all is well.
        """
        ...

    async def attempt_ended(self, end: AttemptEnd) -> None:
        """Record how it ended; returns when it is durable. Saying it twice changes nothing."""
        ...

    async def attempt(self, call: CallId) -> Call | None:
        """An attempt as recorded, for recovery."""
        ...

    async def open_attempts(self) -> Sequence[Call]:
        """Attempts of this controller recorded as started and not ended, for recovery."""
        ...

    async def facts(
        self, campaign: CampaignId, *, after: tuple[datetime, str] | None = None, limit: int = 10_000
    ) -> Sequence[AttemptFact]:
        """Attempts in the order of (placed, call), from the one after ``after``, ``limit`` at most."""
        ...

    async def recent_facts(
        self, campaign: CampaignId, limit: int, *, since: datetime, before: datetime | None = None
    ) -> Sequence[AttemptFact]:
        """The latest attempts that are over, of those admitted from ``since`` on, latest first.

        Takes as long for a long record as for a short one.

        Args:
            campaign: whose.
            limit: so many at most.
            since: aware.
            before: leave those out that were admitted then or later; None: none.
        """
        ...

    async def answered_by(self, call: CallId, answerer: Answerer, author: str, now: datetime) -> None:
        """Record who picked up, as the agent said; changes the call's class, never whether it was silent.

        Raises:
            BadInput: there is no such call, or no agent reached it.
        """
        ...

    async def figures(self, campaign: CampaignId) -> CampaignFigures:
        """The campaign's numbers."""
        ...
