"""What may be asked about a campaign's pacing: how it decides now, what it has learned, what it decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controller.domain.ids import CampaignId
from controller.domain.pacing import Decision, Explained, Inputs, Mode, Terms

RECENT = 50
"""Decisions that are told where nobody says how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Percentiles of durations, in seconds."""

    p10: float
    p50: float
    p90: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What the pacer has learned, its prior included where little was seen yet.

    Attributes:
        answer_rate: share of the calls placed now that will be answered.
        answers: from dialing to the answer.
        talks: conversations.
        wrap_ups: wrap-ups.
    """

    answer_rate: float
    answers: Spread
    talks: Spread
    wrap_ups: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class PacingFigures:
    """How a campaign's pacing stands.

    Attributes:
        mode: as the campaign wants it.
        effective: as it dials: progressive instead of predictive while predictions are wrong.
        decisions: how many there were since the controller started.
        inputs: what the latest decision was made from; None if there was none.
        decision: the latest.
        calibrated: predictions may be relied on.
        predicted: silent calls predicted, of the last answered calls (older ones fade).
        actual: how many there were.
        terms: how bold it is.
    """

    mode: Mode
    effective: Mode
    decisions: int
    inputs: Inputs | None
    decision: Decision | None
    calibrated: bool
    predicted: float
    actual: float
    terms: Terms
    learned: Learned


@dataclass(frozen=True, slots=True, kw_only=True)
class PacingReport:
    """Why a campaign dials as it does.

    Attributes:
        recent: its latest decisions, newest first.
    """

    campaign: CampaignId
    figures: PacingFigures
    recent: Sequence[Explained]
