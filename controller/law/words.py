"""A profile in plain words, for people who start a campaign under it."""

from __future__ import annotations

from datetime import timedelta

from controller.domain.hours import written
from controller.domain.regulation import CallerIdRule, Denominator, Limit, Played, Regulation


def plain_words(law: Regulation) -> list[str]:
    """What is enforced, one sentence each; then what is not seen to, as ``does not cover: ...``."""
    return [
        f"{law.name}: {law.title}" if law.title else law.name,
        *_standing(law),
        *(f"enforced: {rule}" for rule in _rules(law)),
        *(f"does not cover: {matter}" for matter in law.not_covered),
    ]


def _standing(law: Regulation) -> list[str]:
    words = []
    if law.superseded:
        words.append(f"superseded: {law.superseded}")
    if law.override is not None:
        words.append(
            f"looser than {law.extends}, decided by {law.override.author} ({law.override.reason}): "
            + "; ".join(law.override.looser)
        )
    return words


def _rules(law: Regulation) -> list[str]:
    limits = [f"at most {_limit(limit)}" for limit in law.limits]
    return [
        *(limits or ["no call without a reserved agent"]),
        _waiting(law),
        *([f"a phone rings for {_seconds(law.ring_at_least)} at least"] if law.ring_at_least else []),
        *_afterwards(law),
        f"calls {written(law.hours)} by the callee's clock" if law.hours else "calls at any hour",
        _caller_id(law.caller_id),
        "nobody is called without a recorded basis for it"
        if law.consent_required
        else "no basis for calling is asked for",
        "people who consented to it may be called although nobody speaks (agentless campaigns)"
        if law.agentless
        else "nobody is called unless an agent is meant to speak: no agentless campaigns",
        f"a number is called only if it was checked against the {law.register.name} in the last "
        f"{_days(law.register.max_age)}, and is not in it"
        if law.register
        else "no public register is asked",
        f"statistics and evidence are kept for {_days(law.retention)} at least",
    ]


def _limit(limit: Limit) -> str:
    of = "calls that reached an agent" if limit.denominator is Denominator.SUCCESSES else "answered calls"
    window = {None: "in the whole campaign", 1: "on each day"}.get(limit.days, f"in each {limit.days} days")
    share = 100 * limit.share
    count = str(share) if share.denominator == 1 else f"{float(share):g}"
    return f"{count} silent per 100 {of}, {window}"


def _waiting(law: Regulation) -> str:
    if law.played is Played.NOISE:
        return (
            f"a callee whom no agent reaches hears comfort noise, and is cut off within "
            f"{_seconds(law.cut_after)} of the answer"
        )
    return (
        f"a callee whom no agent reaches hears a recorded message, within {_seconds(law.cut_after)} of "
        "the answer"
    )


def _afterwards(law: Regulation) -> list[str]:
    words = []
    if law.leave_alone:
        words.append(f"a number is left alone for {_days(law.leave_alone)} after a silent call")
    if law.operator_guaranteed:
        words.append("its next call after a silent one is placed only with an agent reserved for it")
    return words


def _caller_id(rule: CallerIdRule) -> str:
    if not rule.required:
        return "no number needs to be presented"
    if not rule.must_answer:
        return "a number is presented"
    free = f", unless it begins with {' or '.join(rule.free_prefixes)}" if rule.free_prefixes else ""
    return f"a number is presented, on which the caller can be called back{free}"


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():g} s"


def _days(duration: timedelta) -> str:
    days = duration / timedelta(days=1)
    return f"{days:g} day{'' if days == 1 else 's'}"
