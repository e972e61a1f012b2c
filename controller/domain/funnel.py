"""How far a contact has come: the stages of a campaign's funnel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, IntEnum
from typing import Any
from zoneinfo import ZoneInfo

from controller.domain.ids import CampaignId, ContactId


class Stage(IntEnum):
    """A contact's stage. Each includes those before it, and a contact only ever goes forward by itself.

    A person may set an earlier one, to put right a mistake.
    """

    CONTACT = 0
    """In the campaign; nobody has spoken to them."""
    REACHED = 1
    """An agent has spoken to them: not to a machine, nor to somebody else who picked up."""
    INTERESTED = 2
    LEAD = 3
    """Wants an offer, a visit, to be written to."""
    CUSTOMER = 4

    @property
    def word(self) -> str:
        """As it is written in files and answers."""
        return self.name.lower()


def stage_of(word: str) -> Stage:
    """The stage that is written so.

    Raises:
        ValueError: there is no such stage; the message names those that exist.
    """
    try:
        return Stage[word.upper()]
    except KeyError:
        known = ", ".join(stage.word for stage in Stage)
        raise ValueError(f"{word!r} is no stage: {known}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageChange:
    """A stage that a person set. Kept for ever: figures that change must say why.

    Attributes:
        at: when (aware).
    """

    contact: ContactId
    campaign: CampaignId
    before: Stage
    after: Stage
    author: str
    reason: str
    at: datetime


class By(Enum):
    """By what a funnel is divided into lines."""

    NOTHING = ""
    SEGMENT = "segment"
    """The contacts' segment: each contact is in one line, and the lines add up to the total."""
    HOUR = "hour"
    """The hour of the day, by the campaign's clock, at which a call was placed."""
    SCRIPT = "script"
    """The version of the script that was read out."""
    DISPOSITION = "disposition"
    """What the agent noted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelLine:
    """How many contacts came how far.

    Attributes:
        label: of what, such as a segment's name; empty for contacts or calls that have none.
        counts: contacts at each stage or beyond it, from CONTACT to CUSTOMER; never growing.
    """

    label: str
    counts: tuple[int, int, int, int, int]

    def at(self, stage: Stage) -> int:
        """Contacts that came at least so far."""
        return self.counts[stage]

    def rate(self, stage: Stage) -> float | None:
        """The share of those at the stage before that came so far; None if nobody could have."""
        if stage is Stage.CONTACT or not self.counts[stage - 1]:
            return None
        return self.counts[stage] / self.counts[stage - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """A campaign's funnel.

    Where lines are of calls (by hour, script, disposition), a contact is counted as CONTACT in the line of
    each of its calls and as REACHED in the line of each call in which an agent spoke to it; what came of it
    is counted once, in the line of the last call in which an agent spoke to it. Lines then do not add up to
    the total, and what nobody's call brought about (a lead from a landing page) is in the total alone.
    """

    campaign: CampaignId
    by: By
    total: FunnelLine
    lines: Sequence[FunnelLine] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain values; a rate is null where nobody could have come so far."""
        return {
            "campaign": self.campaign,
            "by": self.by.value or None,
            "total": _plain(self.total),
            "lines": [_plain(line) for line in self.lines],
        }


def _plain(line: FunnelLine) -> dict[str, Any]:
    return {
        "label": line.label,
        "counts": {stage.word: line.at(stage) for stage in Stage},
        "rates": {stage.word: line.rate(stage) for stage in Stage if stage is not Stage.CONTACT},
    }


def offsets(zone: ZoneInfo, first: datetime, last: datetime) -> list[tuple[datetime, timedelta]]:
    """From when on a zone's clock has which offset to UTC, between two instants (aware); oldest first."""
    found = [(first, _offset(zone, first))]
    at = first
    while at < last:
        then = min(at + timedelta(days=1), last)
        if _offset(zone, then) != found[-1][1]:
            found.append((_turn(zone, at, then), _offset(zone, then)))
        at = then
    return found


def _turn(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The second in which the clock is put forward or back, between two instants of different offsets."""
    before, old = before.replace(microsecond=0), _offset(zone, before)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (middle, after) if _offset(zone, middle) == old else (before, middle)
    return after.replace(microsecond=0)


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()
