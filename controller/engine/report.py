"""What a campaign did, against what the law allows. PURE: numbers in, a report out.

The figures come from the recorded attempts, the budget from Redis: two accounts of the same calls. Where a
campaign stands still they must agree, and the report says so if they do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.domain.budget import Budget, Tally
from controller.domain.campaign import Campaign
from controller.domain.latency import Latency
from controller.domain.outcome import Outcome
from controller.domain.regulation import Denominator, Limit
from controller.ports import CampaignFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A campaign's numbers.

    Attributes:
        calls: attempts, those under way included.
        open: attempts under way, or not ended in the records.
        silent: silent calls, the lost ones included.
        lost: calls whose end nobody saw; they may have been silent, so they count as such.
        share: silent calls allowed per success, as the law writes it.
        allowed: silent calls allowed so far.
        bridging: seconds from answer to agent.
        longest_silent: seconds from answer to end.
        cut_after: seconds after which the law wants a silent call ended.
        lifted: the budget was lifted, in a lab.
        disagreements: between records and Redis, in words.
    """

    campaign: str
    caller: str
    regulation: str
    contacts: int
    pending: int
    calls: int
    open: int
    answered: int
    connected: int
    rescued: int
    silent: int
    lost: int
    share: str
    allowed: int
    bridging: tuple[float, ...]
    longest_silent: float | None
    cut_after: float
    lifted: bool
    outcomes: Mapping[str, int]
    disagreements: Sequence[str]

    @property
    def silent_per_100(self) -> float | None:
        """Silent calls per 100 successes; None before the first success."""
        return 100 * self.silent / self.connected if self.connected else None

    @property
    def kept(self) -> bool:
        """Whether the share of silent calls and their length are what the law allows."""
        in_time = self.longest_silent is None or self.longest_silent <= self.cut_after
        return self.silent <= self.allowed and in_time


def build(campaign: Campaign, figures: CampaignFigures, budget: Budget | None) -> Report:
    """The report of a campaign.

    Args:
        campaign: as stored.
        figures: from its recorded attempts.
        budget: from Redis; None if Redis could not be asked.
    """
    outcomes = figures.by_outcome
    connected = outcomes.get(Outcome.CONNECTED, 0)
    # Every limit holds in each of its windows; over the campaign as a whole the tightest one is shown.
    tightest = min(
        (Tally(limit=limit, successes=connected) for limit in campaign.law.limits),
        key=lambda tally: (tally.limit.days is not None, tally.allowance),
        default=None,
    )
    return Report(
        campaign=campaign.id,
        caller=campaign.caller,
        regulation=campaign.law.name,
        contacts=figures.contacts,
        pending=figures.pending,
        calls=sum(outcomes.values()) + figures.open,
        open=figures.open,
        answered=sum(count for outcome, count in outcomes.items() if outcome.answered),
        connected=connected,
        rescued=figures.rescued,
        silent=sum(count for outcome, count in outcomes.items() if outcome.counts_as_silent),
        lost=outcomes.get(Outcome.LOST, 0),
        share=_share(tightest.limit) if tightest else "none",
        allowed=tightest.allowance if tightest else 0,
        bridging=tuple(sorted(figures.answer_to_bridge)),
        longest_silent=figures.longest_unattended,
        cut_after=campaign.law.cut_after.total_seconds(),
        lifted=campaign.override is not None,
        outcomes={outcome.value: outcomes[outcome] for outcome in Outcome if outcomes.get(outcome)},
        disagreements=_disagreements(figures, budget),
    )


def _share(limit: Limit) -> str:
    of = "successes" if limit.denominator is Denominator.SUCCESSES else "answered calls"
    return f"{float(100 * limit.share):g} per 100 {of}"


def _disagreements(figures: CampaignFigures, budget: Budget | None) -> Sequence[str]:
    # Calls under way may be counted on one side already: only a campaign at rest can be compared.
    if budget is None or figures.open:
        return []
    connected = figures.by_outcome.get(Outcome.CONNECTED, 0)
    silent = sum(count for outcome, count in figures.by_outcome.items() if outcome.counts_as_silent)
    found = []
    if connected != budget.successes:
        found.append(f"connected: {connected} in the records, {budget.successes} in Redis")
    if silent != budget.silent:
        found.append(f"silent: {silent} in the records, {budget.silent} in Redis")
    if budget.exposed:
        found.append(f"in flight without an agent: 0 in the records, {budget.exposed} in Redis")
    return found


def as_dict(report: Report) -> dict[str, Any]:
    """For machines. Times in seconds; null where there is nothing to measure."""
    bridging = Latency.of(report.bridging)
    return {
        "campaign": report.campaign,
        "caller": report.caller,
        "regulation": report.regulation,
        "contacts": report.contacts,
        "pending": report.pending,
        "calls": report.calls,
        "open": report.open,
        "answered": report.answered,
        "connected": report.connected,
        "rescued": report.rescued,
        "silent": report.silent,
        "lost": report.lost,
        "silent_per_100_successes": report.silent_per_100,
        "silent_allowed": report.allowed,
        "answer_to_bridge": {
            "p50": bridging.p50 if bridging else None,
            "p99": bridging.p99 if bridging else None,
            "max": bridging.max if bridging else None,
        },
        "longest_silent_call": report.longest_silent,
        "outcomes": dict(report.outcomes),
        "budget_lifted": report.lifted,
        "law_kept": report.kept,
        "disagreements": list(report.disagreements),
    }
