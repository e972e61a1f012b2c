"""Whether whoever got a silent call was left alone, and called again only with an agent reserved. PURE."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from controller.authority.limits import is_silent, is_success
from controller.domain.ids import CallId
from controller.domain.regulation import Regulation
from controller.ports.records import AttemptFact


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What followed the silent calls of a period.

    Attributes:
        silent: silent calls; each suppressed its number.
        called_again: those whose person the same caller called again later, in whatever campaign.
        earliest: the shortest time from the end of a silent call to the next call; None if there was none.
        too_soon: silent calls after which the next call came earlier than the law allows.
        unguaranteed: silent calls after which a call was placed without an agent reserved, before the person
            had heard one. 0 where the law does not ask for it.
    """

    silent: int = 0
    called_again: int = 0
    earliest: timedelta | None = None
    too_soon: frozenset[CallId] = frozenset()
    unguaranteed: frozenset[CallId] = frozenset()

    @property
    def broken(self) -> frozenset[CallId]:
        """Silent calls whose suppression was not kept, in one way or the other."""
        return self.too_soon | self.unguaranteed

    @property
    def kept(self) -> bool:
        """Every one was."""
        return not self.broken


def people_left_alone(facts: Iterable[AttemptFact]) -> frozenset[str]:
    """Whom silent calls protect, by keyed hash: only their calls in other campaigns matter here."""
    return frozenset(fact.person for fact in facts if is_silent(fact))


def keeping(silent: Sequence[AttemptFact], all_facts: Iterable[AttemptFact], law: Regulation) -> Keeping:
    """Look for the calls that followed.

    Args:
        silent: the silent calls in question.
        all_facts: the attempts of all campaigns of the caller (others are not looked at); of people whom
            none of the silent calls went to they may be missing.
        law: says how long they are left alone, and whether an agent has to be reserved.
    """
    calls: defaultdict[tuple[str, str], list[AttemptFact]] = defaultdict(list)
    wanted = {(fact.caller, fact.person) for fact in silent}
    for fact in all_facts:
        if (fact.caller, fact.person) in wanted:
            calls[fact.caller, fact.person].append(fact)
    for of_one in calls.values():
        of_one.sort(key=_order)

    gaps: dict[CallId, timedelta] = {}
    unguaranteed: set[CallId] = set()
    for fact in silent:
        later = [each for each in calls[fact.caller, fact.person] if _order(each) > _order(fact)]
        if not later:
            continue
        gaps[fact.call] = later[0].placed - (fact.ended_at or fact.placed)
        if law.operator_guaranteed and not _all_guaranteed(later):
            unguaranteed.add(fact.call)
    return Keeping(
        silent=len(silent),
        called_again=len(gaps),
        earliest=min(gaps.values(), default=None),
        too_soon=frozenset(call for call, gap in gaps.items() if gap < law.leave_alone),
        unguaranteed=frozenset(unguaranteed),
    )


def _order(fact: AttemptFact) -> tuple[float, str]:
    return fact.placed.timestamp(), fact.call


def _all_guaranteed(later: Sequence[AttemptFact]) -> bool:
    """Up to the call in which the person hears an agent; an unanswered call leaves the duty standing."""
    for fact in later:
        if not fact.guaranteed:
            return False
        if is_success(fact):
            return True
    return True
