"""What a campaign did in a period, computed from its recorded attempts alone. PURE.

Statistics only: no number called, no name, no agent.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from controller.authority.limits import LimitHistory, is_silent, is_success, replay
from controller.authority.period import Period
from controller.authority.suppressions import Keeping, keeping
from controller.authority.times import Times, seconds_of_silent, times
from controller.domain.answer import AnswerClass
from controller.domain.campaign import Campaign
from controller.domain.evidence import Head, Kind, Sealed
from controller.domain.instants import moment
from controller.domain.outcome import Outcome
from controller.ports.records import AttemptFact

_CLASSES = {
    Outcome.CONNECTED: AnswerClass.AGENT,
    Outcome.SILENT: AnswerClass.SILENT,
    Outcome.LEFT_EARLY: AnswerClass.LEFT,
    Outcome.MESSAGE: AnswerClass.MESSAGE,
    Outcome.MESSAGE_PART: AnswerClass.MESSAGE,
    Outcome.LOST: AnswerClass.FAILURE,
}
"""For an answered call whose class was not recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Whether the chained record is as it was written.

    Attributes:
        head: the end of the chain; a later verification can be held against it.
        whole: nothing was changed; None if it was not verified.
        entries: entries of the chain that were read.
        attempts: attempts that were compared with them.
        findings: what was found, in words.
    """

    head: Head
    whole: bool | None = None
    entries: int = 0
    attempts: int = 0
    findings: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A limit that somebody lifted or loosened, as the evidence tells it.

    Attributes:
        at: when (aware).
        profile: the profile that is looser than its jurisdiction's; empty: the budget was lifted, in a lab.
        looser: the fields of the profile that are.
    """

    at: datetime
    author: str
    reason: str
    profile: str = ""
    looser: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Calls of some days, each in exactly one place: a class, an outcome without an answer, or under way.

    Attributes:
        attempts: all of them.
        under_way: not over yet, by the record.
        classes: the answered ones.
        counted_silent: those of each class that count as silent.
        unanswered: the others by their outcome.
        successes: an agent was heard; conversations under way included.
        lifted: placed while the budget was lifted; they are counted above all the same.
        lifted_silent: those of them that count as silent.
    """

    attempts: int = 0
    under_way: int = 0
    classes: Mapping[AnswerClass, int] = field(default_factory=dict)
    counted_silent: Mapping[AnswerClass, int] = field(default_factory=dict)
    unanswered: Mapping[Outcome, int] = field(default_factory=dict)
    successes: int = 0
    lifted: int = 0
    lifted_silent: int = 0

    @property
    def answered(self) -> int:
        """Of all classes."""
        return sum(self.classes.values())

    @property
    def silent(self) -> int:
        """Those that count as silent, whatever their class."""
        return sum(self.counted_silent.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of the period.

    Attributes:
        at_end: silent per 100 by limit, as it stood at the end of the day; None if nothing counted.
        highest: the highest it was at any instant of the day.
        longest_silent: seconds; None if no silent call was measured.
        broken: silent calls of this day whose suppression was not kept.
    """

    day: date
    counts: Counts
    at_end: Mapping[str, float | None]
    highest: Mapping[str, float | None]
    longest_silent: float | None
    broken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The report's content.

    Attributes:
        made_at: when it was computed (aware).
        caller_numbers: the numbers presented, with how many calls presented them; "" where it was left to
            the trunk.
        laws: names of the profiles that calls were placed under, with how many.
    """

    campaign: Campaign
    period: Period
    made_at: datetime
    caller_numbers: Mapping[str, int]
    laws: Mapping[str, int]
    counts: Counts
    limits: tuple[LimitHistory, ...]
    times: Times
    keeping: Keeping
    decisions: tuple[Decision, ...]
    days: tuple[Day, ...]
    proof: Proof

    @property
    def limits_kept(self) -> bool:
        """Each limit, at every instant; a law without limits allows no silent call at all."""
        if not self.limits:
            return self.counts.silent == 0
        return all(limit.kept for limit in self.limits)

    @property
    def in_time(self) -> bool:
        """No answered call was without an agent for longer than the law allows, where that was measured."""
        return self.times.too_long == 0


def build(
    campaign: Campaign,
    facts: Sequence[AttemptFact],
    since: date,
    until: date,
    *,
    all_facts: Iterable[AttemptFact],
    entries: Iterable[Sealed],
    proof: Proof,
    made_at: datetime,
) -> History:
    """Compute the report.

    Args:
        campaign: as stored.
        facts: all its recorded attempts, also those outside of the period.
        since: the period's first day, by the clock of the campaign's zone.
        until: its last day.
        all_facts: attempts of all campaigns of the same caller, this one's included, for what followed a
            silent call.
        entries: evidence of this campaign of the kinds OVERRIDE and PROFILE.
        proof: of the chained record.
        made_at: now.

    Raises:
        ValueError: ``until`` is before ``since``.
    """
    period = Period(since, until, ZoneInfo(campaign.zone))
    within = [fact for fact in facts if fact.placed in period]
    limits = tuple(replay(limit, campaign, facts, period) for limit in campaign.law.limits)
    followed = keeping([fact for fact in within if is_silent(fact)], all_facts, campaign.law)
    return History(
        campaign=campaign,
        period=period,
        made_at=made_at,
        caller_numbers=_by_frequency(fact.caller_number for fact in within),
        laws=_by_frequency(fact.law for fact in within),
        counts=counts(within),
        limits=limits,
        times=times(within, campaign.law),
        keeping=followed,
        decisions=tuple(_decisions(entries, period.end)),
        days=tuple(_days(within, period, limits, followed)),
        proof=proof,
    )


def span(facts: Sequence[AttemptFact], zone: str, otherwise: date) -> tuple[date, date]:
    """The first and the last day on which calls were placed; twice ``otherwise`` if none was."""
    clock = ZoneInfo(zone)
    placed = [fact.placed.astimezone(clock).date() for fact in facts] or [otherwise]
    return min(placed), max(placed)


def counts(facts: Iterable[AttemptFact]) -> Counts:
    """Count each call where it belongs."""
    found: Counter[str] = Counter()
    classes: Counter[AnswerClass] = Counter()
    counted_silent: Counter[AnswerClass] = Counter()
    unanswered: Counter[Outcome] = Counter()
    for fact in facts:
        silent = is_silent(fact)
        found["attempts"] += 1
        found["successes"] += is_success(fact)
        found["lifted"] += fact.override
        found["lifted_silent"] += fact.override and silent
        if fact.outcome is None:
            found["under_way"] += 1
        elif fact.outcome.answered:
            answered = fact.answer_class or _CLASSES[fact.outcome]
            classes[answered] += 1
            counted_silent[answered] += silent
        else:
            unanswered[fact.outcome] += 1
    return Counts(
        attempts=found["attempts"],
        under_way=found["under_way"],
        classes={each: classes[each] for each in AnswerClass},
        counted_silent={each: counted_silent[each] for each in AnswerClass},
        unanswered={each: unanswered[each] for each in Outcome if not each.answered},
        successes=found["successes"],
        lifted=found["lifted"],
        lifted_silent=found["lifted_silent"],
    )


def _by_frequency(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])))


def _days(
    within: Sequence[AttemptFact], period: Period, limits: Sequence[LimitHistory], followed: Keeping
) -> Iterable[Day]:
    by_day: dict[date, list[AttemptFact]] = {day: [] for day in period.days()}
    for fact in within:
        by_day[period.day_of(fact.placed)].append(fact)
    for day, facts in by_day.items():
        steps = {
            each.limit.name: [step for step in each.steps if period.day_of(step.start) == day]
            for each in limits
        }
        yield Day(
            day=day,
            counts=counts(facts),
            at_end={name: own[-1].at_end for name, own in steps.items()},
            highest={
                name: max((step.highest for step in own if step.highest is not None), default=None)
                for name, own in steps.items()
            },
            longest_silent=max(seconds_of_silent(facts), default=None),
            broken=sum(fact.call in followed.broken for fact in facts),
        )


def _decisions(entries: Iterable[Sealed], until: datetime) -> Iterable[Decision]:
    """What was lifted or loosened, before the period's end; said again at every start, it is told once."""
    told: set[tuple[str, str, str]] = set()
    for entry in sorted(entries, key=lambda entry: entry.seq):
        decision = _decision(entry)
        if decision is None or decision.at >= until:
            continue
        what = (decision.profile, decision.author, decision.reason)
        if decision.profile and what in told:
            continue
        told.add(what)
        yield decision


def _decision(entry: Sealed) -> Decision | None:
    at = moment(entry.at)
    try:
        body = json.loads(entry.body)
        if entry.kind == Kind.OVERRIDE.value:
            return Decision(at=at, author=str(body["author"]), reason=str(body["reason"]))
        law = body["law"] if entry.kind == Kind.PROFILE.value else {}
        if override := law.get("override"):
            return Decision(
                at=at,
                author=str(override["author"]),
                reason=str(override["reason"]),
                profile=str(law["name"]),
                looser=tuple(str(each) for each in override["looser"]),
            )
    except (ValueError, KeyError, TypeError, AttributeError):
        # An entry that was tampered with. It is not passed over: somebody may want it not to be seen.
        return Decision(at=at, author="?", reason=f"entry {entry.seq} cannot be read")
    return None
