"""A campaign: whom it speaks for, how it dials, what state it is in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from zlib import crc32
from zoneinfo import ZoneInfo

from controller.domain.dialing_plan import SegmentShare
from controller.domain.disposition import DispositionSet, default_dispositions
from controller.domain.hours import Hours
from controller.domain.ids import E164, AgentId, CallId, CampaignId
from controller.domain.pacing.modes import TAKE_BACK_AFTER, Mode
from controller.domain.regulation import Limit, Regulation
from controller.domain.retry import RetryRule


class CampaignState(Enum):
    """Where a campaign stands. Only RUNNING places calls."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    """The clock starts it, when ``opens_at`` has come."""
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"
    """Every contact is done: reached, or given up by the retry rule."""
    ARCHIVED = "archived"
    """Out of sight. Its record is kept as long as the law says."""


_ALLOWED = {
    CampaignState.DRAFT: {CampaignState.SCHEDULED, CampaignState.RUNNING, CampaignState.ARCHIVED},
    CampaignState.SCHEDULED: {CampaignState.DRAFT, CampaignState.RUNNING, CampaignState.STOPPED},
    CampaignState.RUNNING: {CampaignState.PAUSED, CampaignState.STOPPED, CampaignState.FINISHED},
    CampaignState.PAUSED: {CampaignState.RUNNING, CampaignState.STOPPED},
    CampaignState.STOPPED: {CampaignState.RUNNING, CampaignState.SCHEDULED, CampaignState.ARCHIVED},
    # A new import or a call-back may wake it.
    CampaignState.FINISHED: {CampaignState.RUNNING, CampaignState.SCHEDULED, CampaignState.ARCHIVED},
    CampaignState.ARCHIVED: {CampaignState.STOPPED},
}


def may_become(state: CampaignState, wanted: CampaignState) -> bool:
    """Whether a campaign may go from one state to the other."""
    return wanted in _ALLOWED[state]


class PausedBy(Enum):
    """Who or what keeps a campaign from dialing."""

    PERSON = "person"
    HOURS = "hours"
    """Nobody who is due may be called at this hour. It goes on by itself."""
    SAFETY = "safety"
    """Something happened that must not happen again before a person has looked."""
    CONTROLLER = "controller"
    """The controller stops. It goes on when it is back."""


class ListOrder(Enum):
    """In which order a campaign goes through its contacts that are due. Call-backs always go first."""

    RETRIES_FIRST = "retries-first"
    """Who is due again, longest due first; then those never called, in the order of the list."""
    FRESH_FIRST = "fresh-first"
    """Those never called, in the order of the list; then who is due again."""
    NEWEST_FIRST = "newest-first"
    """Who was imported last goes first: leads that are still warm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A recorded decision to lift the budget, accepted by a lab's PBX only.

    Attributes:
        author: who decided it.
        reason: why.
    """

    author: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What the campaign manager decides.

    Attributes:
        id: its short name.
        caller: on whose behalf one calls. Suppression holds across all campaigns of the same caller.
        caller_number: the CLI presented; empty leaves it to the trunk.
        dial_string: the endpoint dialed, with ``{number}`` where the E.164 number goes or ``{digits}`` where
            its digits without the ``+`` go, and ``{trunk}`` where the trunk's name goes if there are several.
        trunk: the endpoint Asterisk reports the trunk's events under, such as ``PJSIP/trunk``; several are
            parted by commas, and take turns.
        law: regulation profile.
        mode: what a call needs before it is placed.
        overdial: lines dialed per free agent once the budget allows, 1.0 or more; for the mode RATIO.
        ring_timeout: how long a phone may ring.
        take_back_after: how long it rings at least before the call may be taken back, in mode PREDICTIVE,
            because no agent would be free; None: never.
        wrap_up: time an agent has after a conversation.
        preview_timeout: time an agent has to decide whether a contact is called; for the mode PREVIEW.
        calls_per_second: ceiling of new calls per second.
        max_lines: ceiling of calls in flight.
        override: lab-only lifting of the budget; None in every lawful campaign.
        caller_number_answers: somebody, or a machine, answers calls to ``caller_number``.
        zone: IANA name of the campaign's time zone: its days, and the clock of people whose own is not known.
        region: where people live whose own region is not known: ISO 3166 country, with its subdivision after
            a ``-`` if holidays differ there (``IT``, ``IT-MI``).
        hours: narrower than the law's; None if the law's are enough.
        segment_hours: narrower still, by the contacts' segment.
        opens_at: it is started then (aware); None if a person starts it.
        closes_at: it is stopped then (aware), and no call rings past it.
        message: sound that says on whose behalf one called, for a law that demands a message; in an
            agentless campaign all that the callee hears.
        dialing: the segments it dials, by weight and priority; none: all its contacts.
        order: in which order.
        agents: who may take its calls; none named: everybody.
        skills: what an agent needs for its calls.
        script: name of the script that agents read; empty: there is none.
        dispositions: its words for what came of a conversation.
        created_at: when it was made (aware); None if it is not stored yet.
    """

    id: CampaignId
    caller: str
    caller_number: str = ""
    dial_string: str = "PJSIP/{number}@trunk"
    trunk: str = "PJSIP/trunk"
    law: Regulation
    mode: Mode = Mode.PREDICTIVE
    overdial: float = 1.5
    ring_timeout: timedelta = timedelta(seconds=30)
    take_back_after: timedelta | None = TAKE_BACK_AFTER
    wrap_up: timedelta = timedelta(seconds=15)
    preview_timeout: timedelta = timedelta(seconds=60)
    calls_per_second: float = 20.0
    max_lines: int = 200
    retry: RetryRule = field(default_factory=RetryRule)
    override: Override | None = None
    caller_number_answers: bool = False
    zone: str = "Europe/Rome"
    region: str = "IT"
    hours: Hours | None = None
    segment_hours: Mapping[str, Hours] = field(default_factory=dict)
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    message: str = ""
    dialing: tuple[SegmentShare, ...] = ()
    order: ListOrder = ListOrder.RETRIES_FIRST
    agents: frozenset[AgentId] = frozenset()
    skills: frozenset[str] = frozenset()
    script: str = ""
    dispositions: DispositionSet = field(default_factory=default_dispositions)
    created_at: datetime | None = field(default=None, compare=False)

    @property
    def trunks(self) -> tuple[str, ...]:
        """The trunks, in order; one at least."""
        return tuple(trunk.strip() for trunk in self.trunk.split(","))

    def endpoint(self, call: CallId, number: E164) -> tuple[str, str]:
        """What is dialed for a call, and the trunk that it goes by."""
        trunks = self.trunks
        trunk = trunks[crc32(call.encode()) % len(trunks)]
        name = trunk.partition("/")[2]
        return self.dial_string.format(number=number, digits=number.removeprefix("+"), trunk=name), trunk

    def serves(self, agent: AgentId, skills: Collection[str]) -> bool:
        """Whether an agent with these skills may take its calls."""
        return (not self.agents or agent in self.agents) and self.skills <= set(skills)

    def windows(self, placed: datetime) -> tuple[tuple[Limit, str], ...]:
        """Each limit of the law, with the window that a call placed at this time belongs to."""
        zone = ZoneInfo(self.zone)
        begun = self.created_at.astimezone(zone).date() if self.created_at else None
        return tuple((limit, limit.window(placed, zone, begun)) for limit in self.law.limits)
