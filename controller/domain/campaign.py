"""A campaign: whom it speaks for, how it dials, what state it is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from controller.domain.hours import Hours
from controller.domain.ids import CampaignId
from controller.domain.regulation import Limit, Regulation
from controller.domain.retry import RetryRule


class CampaignState(Enum):
    """Where a campaign stands. Only RUNNING places calls."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"
    """Every contact is done: reached, or given up by the retry rule."""


_ALLOWED = {
    CampaignState.DRAFT: {CampaignState.RUNNING},
    CampaignState.RUNNING: {CampaignState.PAUSED, CampaignState.STOPPED, CampaignState.FINISHED},
    CampaignState.PAUSED: {CampaignState.RUNNING, CampaignState.STOPPED},
    CampaignState.STOPPED: {CampaignState.RUNNING},
    CampaignState.FINISHED: {CampaignState.RUNNING},  # a new import or a call-back may wake it
}


def may_become(state: CampaignState, wanted: CampaignState) -> bool:
    """Whether a campaign may go from one state to the other."""
    return wanted in _ALLOWED[state]


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
        dial_string: the endpoint dialed, with ``{number}`` where the E.164 number goes.
        trunk: the endpoint Asterisk reports the trunk's events under, such as ``PJSIP/trunk``.
        law: regulation profile.
        overdial: lines dialed per free agent once the budget allows, 1.0 (progressive) or more.
        ring_timeout: how long a phone may ring.
        wrap_up: time an agent has after a conversation.
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
        message: sound that says on whose behalf one called, for a law that demands a message.
        created_at: when it was made (aware); None if it is not stored yet.
    """

    id: CampaignId
    caller: str
    caller_number: str = ""
    dial_string: str = "PJSIP/{number}@trunk"
    trunk: str = "PJSIP/trunk"
    law: Regulation
    overdial: float = 1.5
    ring_timeout: timedelta = timedelta(seconds=30)
    wrap_up: timedelta = timedelta(seconds=15)
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
    created_at: datetime | None = field(default=None, compare=False)

    def windows(self, placed: datetime) -> tuple[tuple[Limit, str], ...]:
        """Each limit of the law, with the window that a call placed at this time belongs to."""
        zone = ZoneInfo(self.zone)
        begun = self.created_at.astimezone(zone).date() if self.created_at else None
        return tuple((limit, limit.window(placed, zone, begun)) for limit in self.law.limits)
