"""A profile in plain words, for people who start a campaign under it."""

from __future__ import annotations

from controller.domain.hours import written
from controller.domain.regulation import Denominator, Limit, Played, Regulation


def plain_words(law: Regulation) -> list[str]:
    """What is enforced, one sentence each; then what is not seen to."""
    words = [f"{law.name}: {law.title}" if law.title else law.name]
    if law.superseded:
        words.append(f"superseded: {law.superseded}")
    if law.override is not None:
        words.append(
            f"looser than {law.extends}, decided by {law.override.author} ({law.override.reason}): "
            + "; ".join(law.override.looser)
        )
    words += [f"at most {_limit(limit)}" for limit in law.limits] or ["no call without a reserved agent"]
    what = "comfort noise" if law.played is Played.NOISE else "a recorded message"
    wait = f"{law.cut_after.total_seconds():g} s"
    words.append(f"{what} for callees whom no agent reaches, who wait {wait} at most")
    if law.ring_at_least:
        words.append(f"a phone rings for {law.ring_at_least.total_seconds():g} s at least")
    if law.leave_alone:
        operator = ", and then only with an agent reserved" if law.operator_guaranteed else ""
        words.append(f"a number is left alone for {law.leave_alone.days} days after a silent call{operator}")
    words.append(f"calls {written(law.hours)} by the callee's clock" if law.hours else "calls at any hour")
    if law.caller_id.required:
        answered = ", and answered when called back" if law.caller_id.must_answer else ""
        words.append(f"a number is presented{answered}")
    basis = "nobody is called without a basis for it"
    words.append(basis if law.consent_required else "no basis for calling is asked for")
    if law.register is not None:
        words.append(f"checked against the {law.register.name} at most {law.register.max_age.days} days ago")
    words.append(f"statistics and evidence are kept for {law.retention.days} days")
    return words + [f"does not see to: {matter}" for matter in law.not_covered]


def _limit(limit: Limit) -> str:
    of = "calls that reached an agent" if limit.denominator is Denominator.SUCCESSES else "answered calls"
    window = {None: "in the whole campaign", 1: "on each day"}.get(limit.days, f"in each {limit.days} days")
    return f"{float(100 * limit.share):g} silent per 100 {of}, {window}"
