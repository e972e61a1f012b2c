"""Whether a limit of silent calls was kept at every instant: the campaign, replayed event by event. PURE.

A success counts from the moment the callee heard an agent, a silent call from its end; each in the window in
which the call was placed. Where both fall on the same instant the silent call goes first: the strict order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from controller.authority.period import Period, midnight
from controller.domain.budget import Tally
from controller.domain.campaign import Campaign
from controller.domain.outcome import Outcome
from controller.domain.regulation import Denominator, Limit
from controller.ports.records import AttemptFact

_LAST = datetime.max.replace(tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Instant:
    """How a window stood at one instant."""

    at: datetime
    tally: Tally

    @property
    def per_100(self) -> float:
        """Silent calls per 100 of the limit's denominator; see ``per_100``."""
        return per_100(self.tally) or 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One hour or day of the period.

    Attributes:
        start: its beginning (aware).
        at_end: silent per 100 in the window it belongs to, at its end; None before anything counted.
        highest: the highest value it had at any instant of this step; infinite if a silent call came before
            the first success.
        over: instants at which the limit was exceeded.
    """

    start: datetime
    at_end: float | None = None
    highest: float | None = None
    over: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitHistory:
    """One limit during the period.

    Attributes:
        windows: windows of the limit in which calls of the period counted.
        worst: the instant of the highest ratio; None if nothing counted.
        over: instants (events counted) after which the limit was exceeded.
        first_over: the first of them.
        final: how the period's last window stood at the end.
        steps: over time, for the chart.
    """

    limit: Limit
    windows: int
    worst: Instant | None
    over: int
    first_over: Instant | None
    final: Tally
    steps: tuple[Step, ...]

    @property
    def kept(self) -> bool:
        """At every instant of the period."""
        return self.over == 0


def per_100(tally: Tally) -> float | None:
    """Silent calls per 100 of the limit's denominator; None before anything counted.

    Infinite if there are silent calls, and nothing to measure them against.
    """
    of = denominator(tally)
    if of:
        return 100 * tally.silent / of
    return math.inf if tally.silent else None


def denominator(tally: Tally) -> int:
    """The number of calls that the silent ones are measured against."""
    also = tally.silent if tally.limit.denominator is Denominator.ANSWERED else 0
    return tally.successes + also


def is_success(fact: AttemptFact) -> bool:
    """An agent was heard; also where the conversation still goes on."""
    return fact.outcome is Outcome.CONNECTED or (fact.outcome is None and fact.heard_at is not None)


def is_silent(fact: AttemptFact) -> bool:
    """It counts as silent."""
    return fact.outcome is not None and fact.outcome.counts_as_silent


def counted_at(fact: AttemptFact) -> datetime:
    """When a success or a silent call began to count; never before it was placed, whatever clocks said."""
    at = (fact.heard_at or fact.bridged_at) if is_success(fact) else None
    return max(at or fact.ended_at or fact.placed, fact.placed)


def replay(limit: Limit, campaign: Campaign, facts: Sequence[AttemptFact], period: Period) -> LimitHistory:
    """Follow one limit through the period.

    Args:
        limit: one of the campaign's law.
        campaign: whose calls they are; windows of several days are counted from the day it was made.
        facts: all its attempts, also those before the period: they count in its windows.
        period: what is looked at.
    """
    begun = period.day_of(campaign.created_at) if campaign.created_at else None
    return _Replay(limit, period, begun).run(facts)


@dataclass(frozen=True, slots=True, order=True)
class _Event:
    at: datetime
    success: bool  # False sorts first
    window: str = field(compare=False)


@dataclass(slots=True)
class _StepSoFar:
    at_end: float | None = None
    highest: float | None = None
    over: int = 0


class _Replay:
    def __init__(self, limit: Limit, period: Period, begun: date | None) -> None:
        self._limit = limit
        self._period = period
        self._begun = begun
        self._tallies: dict[str, Tally] = {}
        self._starts = period.steps()
        self._steps = [_StepSoFar() for _ in self._starts]
        self._windows: set[str] = set()
        self._worst: Instant | None = None
        self._first_over: Instant | None = None
        self._over = 0

    def run(self, facts: Sequence[AttemptFact]) -> LimitHistory:
        events = sorted(self._event(fact) for fact in facts if self._counts(fact))
        first = next((i for i, event in enumerate(events) if event.at >= self._period.start), len(events))
        for event in events[:first]:
            self._count(event)
        coming = first
        for index, start in enumerate(self._starts):
            end = self._starts[index + 1] if index + 1 < len(self._starts) else self._period.end
            # How the window stands as the step begins is an instant of the step, too.
            carried = self._tally(self._window(start))
            self._judge(index, start, carried, count=index == 0)
            while coming < len(events) and events[coming].at < end:
                event = events[coming]
                self._windows.add(event.window)
                self._judge(index, event.at, self._count(event), count=True)
                coming += 1
            self._steps[index].at_end = per_100(self._tally(self._window(start)))
        return LimitHistory(
            limit=self._limit,
            windows=len(self._windows),
            worst=self._worst,
            over=self._over,
            first_over=self._first_over,
            final=self._tally(self._window(self._starts[-1])),
            steps=tuple(
                Step(start=start, at_end=so_far.at_end, highest=so_far.highest, over=so_far.over)
                for start, so_far in zip(self._starts, self._steps, strict=True)
            ),
        )

    def _counts(self, fact: AttemptFact) -> bool:
        return fact.placed < self._period.end and (is_success(fact) or is_silent(fact))

    def _event(self, fact: AttemptFact) -> _Event:
        window = self._window(fact.placed)
        # What ends after its window, or after the period, belongs to the last instant of it.
        last = min(self._end_of(window), self._period.end) - _INSTANT
        return _Event(min(counted_at(fact), last), is_success(fact), window)

    def _window(self, at: datetime) -> str:
        return self._limit.window(at, self._period.zone, self._begun)

    def _end_of(self, window: str) -> datetime:
        if self._limit.days is None:
            return _LAST
        begins = date.fromisoformat(window.rpartition(":")[2])
        return midnight(begins + timedelta(days=self._limit.days), self._period.zone)

    def _tally(self, window: str) -> Tally:
        return self._tallies.get(window) or Tally(limit=self._limit, window=window)

    def _count(self, event: _Event) -> Tally:
        before = self._tally(event.window)
        self._tallies[event.window] = after = Tally(
            limit=self._limit,
            window=event.window,
            successes=before.successes + event.success,
            silent=before.silent + (not event.success),
        )
        return after

    def _judge(self, index: int, at: datetime, tally: Tally, *, count: bool) -> None:
        value = per_100(tally)
        if value is None:
            return
        step, instant = self._steps[index], Instant(at, tally)
        step.highest = value if step.highest is None else max(step.highest, value)
        if self._worst is None or value > self._worst.per_100:
            self._worst = instant
        if not tally.kept:
            step.over += 1
            self._over += count
            self._first_over = self._first_over or instant
