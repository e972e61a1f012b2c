"""How long answered calls had to wait, in the period: noise, agent, cut. PURE."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.authority.limits import is_success
from controller.domain.latency import percentile
from controller.domain.outcome import Outcome
from controller.domain.regulation import Played, Regulation
from controller.ports.records import AttemptFact

_WIDTH = 0.5
"""Seconds; the length of silent calls is told in steps of this width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Durations in seconds; ``count`` is how many were measured."""

    count: int
    median: float
    p95: float
    longest: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Spread | None:
        """Sum up; None where nothing was measured."""
        ordered = sorted(seconds)
        if not ordered:
            return None
        return cls(
            count=len(ordered),
            median=percentile(ordered, 50),
            p95=percentile(ordered, 95),
            longest=ordered[-1],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Durations of a period, in seconds.

    Attributes:
        silent: from the answer to the end of each silent call; None if there was none. Lost calls, whose end
            nobody saw, are not measured.
        lengths: silent calls by length: (upper bound, included; calls). The last bound is infinite.
        unseen: lost calls.
        too_long: answered calls without an agent for longer than the law allows: silent calls that ended
            later (where the law wants them cut), conversations that began later.
        to_noise: from the answer to the noise, as Asterisk noted it.
        noise_missing: answered calls for which Asterisk noted no noise.
        noise_late: calls whose noise began later than the law allows; 0 where it wants a message.
        to_agent: from the answer until the callee was bridged to an agent.
    """

    silent: Spread | None
    lengths: tuple[tuple[float, int], ...]
    unseen: int
    too_long: int
    to_noise: Spread | None
    noise_missing: int
    noise_late: int
    to_agent: Spread | None


def times(facts: Sequence[AttemptFact], law: Regulation) -> Times:
    """Measure the answered calls among these attempts."""
    answered = [fact for fact in facts if fact.answered_at is not None]
    silent = list(seconds_of_silent(answered))
    to_noise = list(_seconds((fact.answered_at, fact.noise_at) for fact in answered))
    to_agent = list(_seconds((fact.answered_at, fact.bridged_at) for fact in answered if is_success(fact)))
    cut = law.cut_after.total_seconds()
    within = law.noise_within.total_seconds()
    # Where a message is played, the call lasts as long as that; when it began the record does not say.
    noise = law.played is Played.NOISE
    ended_late = sum(each > cut for each in silent) if noise else 0
    return Times(
        silent=Spread.of(silent),
        lengths=_lengths(silent, cut),
        unseen=sum(fact.outcome is Outcome.LOST for fact in facts),
        too_long=ended_late + sum(each > cut for each in to_agent),
        to_noise=Spread.of(to_noise),
        noise_missing=sum(fact.noise_at is None for fact in answered),
        noise_late=sum(each > within for each in to_noise) if noise else 0,
        to_agent=Spread.of(to_agent),
    )


def seconds_of_silent(facts: Iterable[AttemptFact]) -> Iterator[float]:
    """From the answer to the end, of the silent calls whose end was seen."""
    return _seconds((fact.answered_at, fact.ended_at) for fact in facts if fact.outcome is Outcome.SILENT)


def _seconds(pairs: Iterable[tuple[datetime | None, datetime | None]]) -> Iterator[float]:
    for start, end in pairs:
        if start is not None and end is not None:
            yield (end - start) / timedelta(seconds=1)


def _lengths(seconds: Sequence[float], cut: float) -> tuple[tuple[float, int], ...]:
    bounds = [_WIDTH * n for n in range(1, math.ceil(cut / _WIDTH))]
    bounds += [cut, math.inf]
    found = [0] * len(bounds)
    for each in seconds:
        found[next(i for i, bound in enumerate(bounds) if each <= bound)] += 1
    return tuple(zip(bounds, found, strict=True))
