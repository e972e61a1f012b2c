"""What the API serves: ports, and use cases of the engine as the API sees them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from controller.domain.callback import Callback, Promise
from controller.domain.campaign import Campaign
from controller.domain.contact import Contact
from controller.domain.evidence import Head
from controller.domain.ids import E164, AgentId, CallId, CampaignId
from controller.domain.privacy import NumberKey
from controller.domain.regulation import Regulation
from controller.domain.script import Question, Script
from controller.domain.segment import Filter, Segment
from controller.ports import (
    Authorship,
    CampaignRow,
    Clock,
    Evidence,
    Ledger,
    ListedContact,
    Lists,
    Operations,
    People,
    Records,
    Reduced,
    Suppression,
)
from controller.ports.contact_edits import ContactEdits
from controller.ports.feed import EventFeed
from controller.ports.import_desk import ImportDesk
from controller.ports.inquiries import Explains, Verified
from controller.ports.leads import Outward
from controller.ports.tokens import Answers, Tokens
from controller.ports.work import Disposed, Scripts, Work


class ManagesCampaigns(Protocol):
    """What a campaign manager does. Raises BadInput, Refused or Conflict; nothing is changed then."""

    async def create(self, base: Campaign, values: Mapping[str, Any]) -> CampaignRow:
        """Store a new campaign: ``base`` with these fields."""
        ...

    async def edit(
        self, campaign: CampaignId, values: Mapping[str, Any], author: str, expected: int | None = None
    ) -> CampaignRow:
        """Change a campaign, if it is of the expected version."""
        ...

    async def schedule(self, campaign: CampaignId) -> CampaignRow:
        """Let the clock start it."""
        ...

    async def unschedule(self, campaign: CampaignId) -> CampaignRow:
        """Let the clock not start it."""
        ...

    async def archive(self, campaign: CampaignId) -> CampaignRow:
        """Put it out of sight."""
        ...

    async def restore(self, campaign: CampaignId) -> CampaignRow:
        """Take it out of the archive."""
        ...


class Bars(Protocol):
    """Numbers barred by hand."""

    async def bar(self, caller: str, number: E164, who: Authorship, until: datetime | None) -> None:
        """Suppress a number for a caller, recorded as evidence."""
        ...

    async def release(self, caller: str, number: E164, who: Authorship) -> Suppression | None:
        """Lift what was suppressed by hand; returns what holds the number all the same."""
        ...


class Forgets(Protocol):
    """What a person may ask for."""

    async def export(self, number: E164) -> Mapping[str, Any]:
        """Everything that is stored of a person, fit for JSON."""
        ...

    async def erase(self, number: E164, who: Authorship) -> tuple[Reduced, int]:
        """Erase it everywhere; returns what was done, and for how many callers Redis had something."""
        ...


class Segmenting(Protocol):
    """What may be done with segments."""

    async def save(
        self, name: str, filter_: Filter, *, author: str, description: str = "", expected: int | None = None
    ) -> Segment:
        """Store a filter under a name."""
        ...

    async def all(self) -> Sequence[Segment]:
        """All of them, by name."""
        ...

    async def remove(self, name: str, expected: int | None = None) -> None:
        """Remove one that no campaign dials."""
        ...

    async def count(self, campaign: CampaignId, filter_: Filter) -> int:
        """How many of the campaign's contacts match now."""
        ...

    async def sample(self, campaign: CampaignId, filter_: Filter, limit: int) -> Sequence[ListedContact]:
        """Some of them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A script as it is read out."""

    script: Script
    text: str
    html: str
    gaps: Sequence[str]


class Scripting(Protocol):
    """Keeps scripts, and fills them in."""

    async def save(
        self, name: str, body: str, questions: Sequence[Question], author: str, now: datetime
    ) -> Script:
        """Store the next version of a script; the latest one, if nothing is different."""
        ...

    async def fill(
        self,
        name: str,
        version: int | None,
        campaign: Campaign,
        contact: Contact | None,
        agent: AgentId | None,
        now: datetime,
    ) -> Filled:
        """A script as it is read to a contact; None: to nobody in particular."""
        ...


class Disposing(Protocol):
    """Records what came of calls."""

    async def record(
        self,
        call: CallId,
        *,
        code: str,
        author: str,
        notes: str,
        answers: Mapping[str, object],
        script_version: int,
        callback: Promise | None,
        nearest: bool,
        now: datetime,
    ) -> Disposed:
        """Record what came of a call, with what follows."""
        ...


class CallbackDesk(Protocol):
    """Promises to call, at hours at which the law lets the callee's telephone ring."""

    async def add(
        self,
        contact: Contact,
        campaign: Campaign,
        promise: Promise,
        author: str,
        now: datetime,
        *,
        nearest: bool = False,
    ) -> Callback:
        """Promise a call outside of a conversation."""
        ...

    async def move(
        self,
        callback: int,
        at: datetime,
        now: datetime,
        *,
        agent: AgentId | None = None,
        nearest: bool = False,
    ) -> Callback:
        """Promise it for another hour."""
        ...

    async def cancel(self, callback: int, now: datetime) -> Callback:
        """Take it back."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the API serves.

    Attributes:
        agents: those of the configuration, with their names.
        profiles: regulation profiles by name.
        template: a campaign made of nothing but defaults; new ones are this with what was asked for.
        fields_of: what may be decided of a campaign, by name, fit for JSON.
        read_number: a number as people write it, in E.164; raises BadInput.
        check_region, check_zone: refuse with BadInput what is no region for holidays, or no time zone.
        verify: whether the evidence is whole, and ends in what was noted earlier.
        check_url: refuses with BadInput where webhooks may not go; check_template likewise, by part and text.
        report: what a campaign did, against what the law allows; fit for JSON.
    """

    operations: Operations
    campaigns: ManagesCampaigns
    fields_of: Callable[[Campaign], Mapping[str, Any]]
    records: Records
    ledger: Ledger
    lists: Lists
    evidence: Evidence
    people: People
    tokens: Tokens
    answers: Answers
    feed: EventFeed
    clock: Clock
    number_key: NumberKey
    template: Campaign
    profiles: Mapping[str, Regulation]
    read_number: Callable[[str], E164]
    check_region: Callable[[str], str]
    check_zone: Callable[[str], str]
    contact_edits: ContactEdits
    imports: ImportDesk
    outward: Outward
    check_url: Callable[[str], str]
    check_template: Callable[[str, str], None]
    segmenting: Segmenting
    scripts: Scripts
    scripting: Scripting
    work: Work
    disposing: Disposing
    callback_desk: CallbackDesk
    explainer: Explains
    verify: Callable[[Head | None], Awaitable[Verified]]
    suppressing: Bars
    persons: Forgets
    report: Callable[[CampaignRow], Awaitable[Mapping[str, Any]]]
    agents: Mapping[AgentId, str] = field(default_factory=dict)
