"""The rules of a jurisdiction as data: what a regulation profile says.

The profiles themselves are files (controller/law/profiles/*.toml), read and checked by controller.law; this
is the vocabulary. Sources and how sure they are: docs/regulation.md and the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from fractions import Fraction
from zoneinfo import ZoneInfo

from controller.domain.hours import Hours


class Denominator(Enum):
    """What silent calls are measured against."""

    SUCCESSES = "successes"
    """Calls that reached an agent: the stricter reading of "andate a buon fine"."""
    ANSWERED = "answered"
    """Calls answered by a person: those that reached an agent and the silent ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most so many silent calls, within one window of time.

    A call belongs to the window in which it was placed, whenever it ends.

    Attributes:
        name: short, unique within the profile; shown in reports.
        share: silent calls per call of the denominator, exact (3/100, never a float).
        denominator: what they are measured against.
        days: length of a window in days; None: one window, as long as the campaign. Windows of one day are
            calendar days, longer ones are counted from the day the campaign was made.
    """

    name: str
    share: Fraction
    denominator: Denominator = Denominator.SUCCESSES
    days: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise ValueError(f"share is from 0 to below 1, not {self.share}")
        if self.days is not None and self.days < 1:
            raise ValueError(f"a window has 1 day or more, not {self.days}")

    @property
    def per_success(self) -> Fraction:
        """The same limit as silent calls per success.

        Of a share p of all answered calls, silent <= p (silent + successes) says just the same as
        silent <= p / (1 - p) successes. So there is one arithmetic for both denominators, and the worst case
        of a call in flight is the same for both.
        """
        if self.denominator is Denominator.SUCCESSES:
            return self.share
        return self.share / (1 - self.share)

    def window(self, placed: datetime, zone: ZoneInfo, begun: date | None) -> str:
        """The label of the window that a call placed at this time belongs to; empty: the whole campaign.

        Args:
            placed: when the call was placed (aware).
            zone: the campaign's time zone, in which its days begin and end.
            begun: the day the campaign was made; None counts from 1970-01-01.
        """
        if self.days is None:
            return self._prefix
        day = placed.astimezone(zone).date()
        if self.days == 1:
            return f"{self._prefix}{day.isoformat()}"
        first = begun or date(1970, 1, 1)
        passed = (day - first).days // self.days
        return f"{self._prefix}{(first + timedelta(days=passed * self.days)).isoformat()}"

    def has_window(self, label: str) -> bool:
        """Whether a label names a window of this limit."""
        return label.startswith(self._prefix) if self._prefix else not label

    @property
    def _prefix(self) -> str:
        if self.days is None:
            return ""
        return "day:" if self.days == 1 else f"{self.days}d:"


class Played(Enum):
    """What an answered callee hears while no agent is there."""

    NOISE = "noise"
    """Comfort noise, from the answer on; then the call is cut."""
    MESSAGE = "message"
    """A recorded message that says on whose behalf one called and how to opt out; then the call is cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerIdRule:
    """What number has to be presented.

    Attributes:
        required: a campaign without one does not start.
        free_prefixes: E.164 beginnings of ranges set aside for such calls, which need not be called back.
        must_answer: any other number must be one on which the caller can be called back.
    """

    required: bool = False
    free_prefixes: tuple[str, ...] = ()
    must_answer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterRule:
    """The public register of people who do not want to be called.

    Attributes:
        name: such as ``RPO``.
        max_age: a number is called only if it was checked against the register at most this long ago.
    """

    name: str
    max_age: timedelta


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from, and how sure it is."""

    text: str
    sure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LawOverride:
    """A recorded decision to run under a profile that is looser than its jurisdiction's.

    Attributes:
        author: who decided it.
        reason: why.
        looser: the fields that are looser, as the check found them.
    """

    author: str
    reason: str
    looser: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Regulation:
    """What one jurisdiction demands of a campaign.

    Attributes:
        name: short name, as used in configuration.
        title: what it is, in one line.
        country: ISO 3166 code of the jurisdiction.
        extends: the profile it is checked against, for a profile of one's own; empty for a shipped one.
        superseded: why it must no longer be relied on; empty if it is in force.
        limits: of silent calls; all hold, each in every window. Empty: none may be placed uncovered.
        played: what a callee without an agent hears.
        cut_after: longest time an answered call may last without an agent (``played`` is NOISE), or after
            which the message begins (MESSAGE), measured at the callee.
        hang_up_after: when the controller hangs up or begins the message, from the answer; before
            ``cut_after``.
        dead_man_after: when Asterisk does so by itself if the controller is dead, from the answer; the
            dialplan's ``TIMEOUT(absolute)``. Between ``hang_up_after`` and ``cut_after``.
        noise_within: comfort noise is heard at most this long after the answer.
        ring_at_least: an unanswered phone rings at least this long.
        leave_alone: how long a number is not called after a silent call.
        operator_guaranteed: its next call needs an agent reserved before dialing.
        hours: when people may be called, by their own clock; None: at any time.
        caller_id: what number has to be presented.
        consent_required: a contact without a basis for calling it (with source and date) is not called.
        agentless: people who consented to it may be called although nobody speaks: a message is played.
        register: the opposition register to be consulted; None: none is.
        retention: statistics and evidence are kept at least this long.
        sources: where each field's value comes from, by field.
        not_covered: what the jurisdiction asks for that the profile does not see to, in plain words.
        override: set if the profile is looser than the one it extends.
    """

    name: str
    title: str = ""
    country: str = ""
    extends: str = ""
    superseded: str = ""
    limits: tuple[Limit, ...]
    played: Played = Played.NOISE
    cut_after: timedelta
    hang_up_after: timedelta
    dead_man_after: timedelta
    noise_within: timedelta
    ring_at_least: timedelta = timedelta(0)
    leave_alone: timedelta
    operator_guaranteed: bool = True
    hours: Hours | None = None
    caller_id: CallerIdRule = CallerIdRule()
    consent_required: bool = False
    agentless: bool = False
    register: RegisterRule | None = None
    retention: timedelta = timedelta(days=731)
    sources: Mapping[str, Source] = field(default_factory=dict, compare=False)
    not_covered: tuple[str, ...] = ()
    override: LawOverride | None = None

    def __post_init__(self) -> None:
        if not timedelta(0) < self.hang_up_after < self.dead_man_after < self.cut_after:
            raise ValueError("hang_up_after < dead_man_after < cut_after must hold")
        names = [limit.name for limit in self.limits]
        if len(set(names)) < len(names):
            raise ValueError(f"limits have names of their own, not {names}")
