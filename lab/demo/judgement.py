"""The callees' side of a campaign beside the controller's own numbers. Pure: no clock, no I/O.

The left column comes from the simulated network's log and recordings alone, the right one from what the
controller wrote into its record store. Where they do not say the same of a call, that is a disagreement.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lab.evidence import CalleeCall

CUT: Final = 3.0
"""Seconds that an answered call may last without an agent (L1)."""
NOISE: Final = 0.2
"""Seconds after which at the latest something is heard (L2)."""
RESCUE: Final = 0.3
"""Seconds after the answer from which an agent who is heard came to the rescue of a waiting callee."""
BRIEF: Final = 0.3
"""Seconds: who heard an agent for less counts with the controller as a success or as silent; the line is at
0.2 s (docs/adr/0006), and recordings are right to 0.04 s."""
_EPSILON: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What the controller recorded of one call. Times are seconds since the epoch.

    Attributes:
        outcome: as in controller.domain.outcome; None if it is not closed.
        admitted_at: when it was decided to dial; None if that is not asked for.
    """

    number: str
    outcome: str | None
    answered_at: float | None
    bridged_at: float | None
    ended_at: float | None
    admitted_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Median, 99th percentile and maximum, in seconds; None where there was nothing to measure."""

    p50: float
    p99: float
    worst: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread | None:
        """Of these values; the percentiles are values that occurred (nearest rank)."""
        ordered = sorted(values)
        if not ordered:
            return None
        return cls(p50=_rank(ordered, 0.5), p99=_rank(ordered, 0.99), worst=ordered[-1])


def _rank(ordered: Sequence[float], share: float) -> float:
    return ordered[math.ceil(share * len(ordered)) - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side's view of a campaign."""

    calls: int
    answered: int
    bridged: int
    rescued: int
    silent: int
    answer_to_bridge: Spread | None
    answer_to_noise: Spread | None
    longest_silent: float | None

    @property
    def silent_per_100(self) -> float | None:
        """Silent calls per 100 successes; None without a success."""
        return 100 * self.silent / self.bridged if self.bridged else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Both sides, and what follows.

    Attributes:
        suppressed: numbers that Redis leaves alone.
        unprotected: numbers that got a silent call and that Redis does not leave alone.
        called_again: numbers called again after a silent call.
        breaches: each instant at which the law was not kept, in words; the budget only where it applies.
        disagreements: each call of which the two sides do not say the same, in words.
    """

    callees: Side
    controller: Side
    suppressed: int
    unprotected: Sequence[str]
    called_again: Sequence[str]
    breaches: Sequence[str]
    disagreements: Sequence[str]

    @property
    def clean(self) -> bool:
        """Whether everything was kept and both sides agree."""
        return not (self.unprotected or self.called_again or self.breaches or self.disagreements)


def judge(
    calls: Sequence[CalleeCall],
    attempts: Sequence[Attempt],
    suppressed: Mapping[str, int],
    *,
    share: tuple[int, int] | None = (3, 100),
    before: int = 0,
) -> Judgement:
    """Put the two sides beside each other.

    Args:
        calls: by the callees; all of them over.
        attempts: by the controller.
        suppressed: seconds for which Redis leaves each number alone, read by somebody else.
        share: silent calls allowed per success, as (3, 100); None where an override lifts the budget.
        before: successes of the campaign before these calls.
    """
    silent = [call for call in calls if _silent(call)]
    return Judgement(
        callees=_callees_side(calls),
        controller=_controllers_side(attempts),
        suppressed=len(suppressed),
        unprotected=sorted({call.number for call in silent} - suppressed.keys()),
        called_again=_called_again(calls),
        breaches=[*_breaches(calls), *(_over_budget(calls, share, before) if share else [])],
        disagreements=_disagreements(calls, attempts),
    )


def _silent(call: CalleeCall) -> bool:
    return call.answered_at is not None and call.agent_heard_after is None


def _length(call: CalleeCall) -> float:
    return (call.ended_at or 0.0) - (call.answered_at or 0.0)


def _callees_side(calls: Sequence[CalleeCall]) -> Side:
    heard = [call.agent_heard_after for call in calls if call.agent_heard_after is not None]
    silent = [_length(call) for call in calls if _silent(call)]
    return Side(
        calls=len(calls),
        answered=sum(call.answered_at is not None for call in calls),
        bridged=len(heard),
        rescued=sum(after > RESCUE for after in heard),
        silent=len(silent),
        answer_to_bridge=Spread.of(heard),
        answer_to_noise=Spread.of(c.first_audio_after for c in calls if c.first_audio_after is not None),
        longest_silent=max(silent, default=None),
    )


def _controllers_side(attempts: Sequence[Attempt]) -> Side:
    bridged = [a for a in attempts if a.outcome == "connected"]
    silent = [a for a in attempts if a.outcome in ("silent", "lost")]
    lengths = [a.ended_at - a.answered_at for a in silent if a.ended_at and a.answered_at]
    waits = [a.bridged_at - a.answered_at for a in bridged if a.bridged_at and a.answered_at]
    return Side(
        calls=len(attempts),
        answered=sum(a.answered_at is not None for a in attempts),
        bridged=len(bridged),
        rescued=sum(wait > RESCUE for wait in waits),
        silent=len(silent),
        answer_to_bridge=Spread.of(waits),
        answer_to_noise=None,  # the dialplan starts the noise; the controller has no part in it
        longest_silent=max(lengths, default=None),
    )


def _called_again(calls: Sequence[CalleeCall]) -> list[str]:
    silent_at: dict[str, float] = {}
    again = set()
    for call in sorted(calls, key=lambda call: call.dialed_at):
        if call.number in silent_at:
            again.add(call.number)
        if _silent(call):
            silent_at[call.number] = call.dialed_at
    return sorted(again)


def _breaches(calls: Sequence[CalleeCall]) -> list[str]:
    found = []
    for call in calls:
        if call.answered_at is None:
            continue
        unattended = _length(call) if call.agent_heard_after is None else call.agent_heard_after
        if unattended >= CUT:
            found.append(f"{call.number}: {unattended:.3f} s without an agent")
        heard = _length(call) if call.first_audio_after is None else call.first_audio_after
        if heard > NOISE + _EPSILON:
            found.append(f"{call.number}: heard nothing for {heard:.3f} s")
    return found


def _over_budget(calls: Sequence[CalleeCall], share: tuple[int, int], before: int) -> list[str]:
    """L3 at every instant, replayed as the callees lived through it."""
    happened: list[tuple[float, bool, str]] = []
    for call in calls:
        if call.answered_at is not None:
            silent = call.agent_heard_after is None
            at = call.answered_at + (_length(call) if silent else call.agent_heard_after or 0.0)
            happened.append((at, silent, call.number))
    found, successes, silents = [], before, 0
    for _, silent, number in sorted(happened):
        successes, silents = successes + (not silent), silents + silent
        if silent and silents > share[0] * successes // share[1]:
            found.append(f"{number}: silent call {silents} after {successes} successes")
    return found


def _disagreements(calls: Sequence[CalleeCall], attempts: Sequence[Attempt]) -> list[str]:
    said: dict[str, tuple[list[CalleeCall], list[Attempt]]] = {}
    for call in sorted(calls, key=lambda call: call.dialed_at):
        said.setdefault(call.number, ([], []))[0].append(call)
    for attempt in attempts:
        said.setdefault(attempt.number, ([], []))[1].append(attempt)
    return [
        f"{number}: callee: {', '.join(map(_class_of, theirs)) or 'nothing'}; "
        f"controller: {', '.join(map(_class_of_attempt, own)) or 'nothing'}"
        for number, (theirs, own) in sorted(said.items())
        if not _agree(theirs, own)
    ]


def _agree(calls: Sequence[CalleeCall], attempts: Sequence[Attempt]) -> bool:
    return len(calls) == len(attempts) and all(
        _class_of(call) == _class_of_attempt(attempt) or _brief(call) or _brief_attempt(attempt)
        for call, attempt in zip(calls, attempts, strict=True)
    )


def _brief(call: CalleeCall) -> bool:
    """Whether the agent was heard for so short a time that a recording cannot tell on which side it falls."""
    if call.answered_at is None or call.agent_heard_after is None or call.ended_at is None:
        return False
    return call.ended_at - call.answered_at - call.agent_heard_after < BRIEF


def _brief_attempt(attempt: Attempt) -> bool:
    if attempt.bridged_at is None or attempt.ended_at is None:
        return False
    return attempt.ended_at - attempt.bridged_at < BRIEF


def _class_of(call: CalleeCall) -> str:
    if call.answered_at is None:
        return "not answered"
    return "silent" if call.agent_heard_after is None else "agent"


def _class_of_attempt(attempt: Attempt) -> str:
    match attempt.outcome:
        case "connected":
            return "agent"
        case "silent" | "lost" | "left-early":
            return "silent"
        case None:
            return "open"
        case _:
            return "not answered"
