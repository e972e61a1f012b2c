"""Whether one profile is looser than another, field by field. In doubt it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from controller.domain.hours import Hours, never_wider
from controller.domain.regulation import CallerIdRule, Limit, RegisterRule, Regulation


def looser(own: Regulation, base: Regulation) -> tuple[str, ...]:
    """In what ``own`` allows more, or promises less, than ``base``: field and words; empty if in nothing."""
    found = []
    for field, (not_looser, what) in RULES.items():
        mine, theirs = getattr(own, field), getattr(base, field)
        if mine != theirs and not not_looser(mine, theirs):
            found.append(f"{field}: {what}")
    return tuple(found)


def _limits(mine: Sequence[Limit], theirs: Sequence[Limit]) -> bool:
    # No limits at all means that nothing may be exposed: stricter than any.
    return not mine or all(any(_holds(limit, base) for limit in mine) for base in theirs)


def _holds(limit: Limit, base: Limit) -> bool:
    """Whether keeping ``limit`` in each of its windows keeps ``base``, too.

    It does if it allows no more, and each of the base's windows is made of whole windows of its own: the
    campaign is made of all there are, windows of days begin at the same midnight and go into longer ones
    whose length is a multiple. (The sum of what is allowed in the parts, each rounded down, is never more
    than what is allowed in the whole.) No other windows can be compared.
    """
    same = limit.days == base.days
    whole = limit.days is not None and (base.days is None or base.days % limit.days == 0)
    return (same or whole) and limit.per_success <= base.per_success


def _caller_id(mine: CallerIdRule, theirs: CallerIdRule) -> bool:
    if theirs.required and not mine.required:
        return False
    if not theirs.must_answer:
        return True  # Any number may be presented.
    # A longer beginning of a free range is a part of that range.
    free = all(prefix.startswith(theirs.free_prefixes) for prefix in mine.free_prefixes)
    return mine.must_answer and free


def _register(mine: RegisterRule | None, theirs: RegisterRule | None) -> bool:
    if theirs is None:
        return True
    return mine is not None and mine.name == theirs.name and mine.max_age <= theirs.max_age


def _hours(mine: Hours | None, theirs: Hours | None) -> bool:
    return theirs is None or (mine is not None and never_wider(mine, theirs))


def _at_most(mine: Any, theirs: Any) -> bool:
    return bool(mine <= theirs)


def _at_least(mine: Any, theirs: Any) -> bool:
    return bool(mine >= theirs)


def _same(mine: Any, theirs: Any) -> bool:
    return bool(mine == theirs)


def _still_said(mine: str, theirs: str) -> bool:
    return bool(mine or not theirs)


RULES: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "limits": (_limits, "more silent calls are allowed, or a limit is missing"),
    "played": (_same, "something else is played"),
    "cut_after": (_at_most, "a callee waits longer"),
    "hang_up_after": (_at_most, "a callee waits longer"),
    "dead_man_after": (_at_most, "a callee waits longer"),
    "noise_within": (_at_most, "silence lasts longer"),
    "ring_at_least": (_at_least, "a phone rings for less"),
    "leave_alone": (_at_least, "a number is called again sooner"),
    "operator_guaranteed": (_at_least, "no operator is guaranteed"),
    "hours": (_hours, "people are called at other hours"),
    "caller_id": (_caller_id, "other numbers may be presented, or none"),
    "consent_required": (_at_least, "no basis for calling is asked for"),
    "agentless": (_at_most, "people are called although nobody speaks"),
    "register": (_register, "the register is asked less often, or another one, or none"),
    "retention": (_at_least, "evidence is kept for less"),
    "country": (_same, "it is another jurisdiction's"),
    "superseded": (_still_said, "that it is superseded is kept quiet"),
}
"""For each field: whether the first value is not looser than the second, and what it means if it is."""
