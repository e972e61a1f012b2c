"""A campaign: whom it speaks for, how it dials, what state it is in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from controller.domain.ids import CampaignId
from controller.domain.regulation import IT_GARANTE_2014, Regulation
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
    """

    id: CampaignId
    caller: str
    caller_number: str = ""
    dial_string: str = "PJSIP/{number}@trunk"
    trunk: str = "PJSIP/trunk"
    law: Regulation = IT_GARANTE_2014
    overdial: float = 1.5
    ring_timeout: timedelta = timedelta(seconds=30)
    wrap_up: timedelta = timedelta(seconds=15)
    calls_per_second: float = 20.0
    max_lines: int = 200
    retry: RetryRule = field(default_factory=RetryRule)
    override: Override | None = None
