"""The rules one by one: what was asked, what was found, whether it was kept. PURE."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from controller.authority.chart import window
from controller.authority.history import History
from controller.authority.limits import LimitHistory, denominator
from controller.authority.words import Words
from controller.domain.regulation import Played


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule.

    Attributes:
        rule: what it asks.
        found: what the record tells.
        kept: None if the record does not tell.
    """

    rule: str
    found: str
    kept: bool | None


def verdicts(history: History, words: Words) -> tuple[Verdict, ...]:
    """All rules that the report looks at."""
    return (
        *_limits(history, words),
        _cut(history, words),
        *_noise(history, words),
        _suppression(history, words),
        _lifted(history, words),
        _record(history, words),
    )


def _limits(history: History, words: Words) -> Iterator[Verdict]:
    for found in history.limits:
        limit = found.limit
        rule = words(
            "rule.limit",
            name=limit.name,
            share=words.trimmed(100 * float(limit.share)),
            denominator=words(f"denominator.{limit.denominator.value}"),
            window=window(limit.days, words),
        )
        yield Verdict(rule, _highest(found, history, words), found.kept)
    if not history.limits:
        silent = words.count(history.counts.silent)
        yield Verdict(words("rule.no_limit"), silent, history.limits_kept)


def _highest(found: LimitHistory, history: History, words: Words) -> str:
    worst = found.worst
    if worst is None or not worst.tally.silent:
        return words("found.limit.none")
    return words(
        "found.limit",
        ratio=words.per_100(worst.per_100),
        silent=words.count(worst.tally.silent),
        denominator=words.count(denominator(worst.tally)),
        at=words.moment(worst.at, history.period.zone),
    )


def _cut(history: History, words: Words) -> Verdict:
    law, times = history.campaign.law, history.times
    cut = words.trimmed(law.cut_after.total_seconds())
    silent = words.seconds(times.silent.longest if times.silent else None)
    if law.played is Played.MESSAGE:
        kept = None if history.in_time else False
        return Verdict(words("rule.message", cut=cut), words("found.message", silent=silent), kept)
    agent = words.seconds(times.to_agent.longest if times.to_agent else None)
    found = words("found.cut", silent=silent, agent=agent, late=words.count(times.too_long))
    return Verdict(words("rule.cut", cut=cut), found, history.in_time)


def _noise(history: History, words: Words) -> Iterator[Verdict]:
    law, times = history.campaign.law, history.times
    if law.played is not Played.NOISE:
        return
    rule = words("rule.noise", within=words.trimmed(law.noise_within.total_seconds()))
    longest = words.seconds(times.to_noise.longest if times.to_noise else None)
    found = words("found.noise", longest=longest, late=words.count(times.noise_late))
    yield Verdict(rule, found, times.noise_late == 0)


def _suppression(history: History, words: Words) -> Verdict:
    law, found = history.campaign.law, history.keeping
    rule = "rule.suppression.agent" if law.operator_guaranteed else "rule.suppression"
    told = words(
        "found.suppression",
        silent=words.count(found.silent),
        again=words.count(found.called_again),
        earliest=words.days(found.earliest),
        broken=words.count(len(found.broken)),
    )
    days = words.trimmed(law.leave_alone.total_seconds() / 86_400)
    return Verdict(words(rule, days=days), told, found.kept)


def _lifted(history: History, words: Words) -> Verdict:
    counts = history.counts
    lifted, silent = words.count(counts.lifted), words.count(counts.lifted_silent)
    found = words("found.lifted", lifted=lifted, silent=silent)
    return Verdict(words("rule.lifted"), found, not counts.lifted)


def _record(history: History, words: Words) -> Verdict:
    proof = history.proof
    if proof.whole is None:
        return Verdict(words("rule.record"), words("found.record.unverified"), None)
    found = words(
        "found.record",
        entries=words.count(proof.entries),
        attempts=words.count(proof.attempts),
        findings=words.count(len(proof.findings)),
    )
    return Verdict(words("rule.record"), found, proof.whole)
