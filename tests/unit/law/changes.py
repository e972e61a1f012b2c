"""Changes to a profile that make it stricter, or looser, in one field."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from functools import cache
from typing import Any

from hypothesis import strategies as st

from controller.domain.hours import WEEKDAYS, DayKind, Hours, Span
from controller.domain.regulation import CallerIdRule, Denominator, Limit, Played, Regulation

Change = dict[str, Any]
PARTS = st.fractions(Fraction(1, 1000), Fraction(999, 1000), max_denominator=1000)
DAYS = st.integers(1, 400).map(lambda days: timedelta(days=days))


@st.composite
def tighter(draw: st.DrawFn, law: Regulation) -> Regulation:
    """The law with some of its fields made stricter, each in one of the ways there are."""
    changes: Change = {}
    for kind in draw(st.sets(st.sampled_from(sorted(_TIGHTER)))):
        changes |= draw(_way_to_tighten(kind, law))
    return replace(law, name="own", **changes)


@cache
def loosenings(law: Regulation) -> dict[str, st.SearchStrategy[Regulation]]:
    """For each field of the law that can be made looser, the law with just that field looser."""

    def changed(change: Change) -> Regulation:
        return replace(law, name="own", **change)

    return {field: changes.map(changed) for field, changes in _looser(law).items()}


# --- stricter -----------------------------------------------------------------------------------------


def _times_less(law: Regulation) -> st.SearchStrategy[Change]:
    """Shorter times, in their order."""
    names = ("hang_up_after", "dead_man_after", "cut_after")
    return st.integers(500, 1000).map(lambda part: {name: getattr(law, name) * part / 1000 for name in names})


def _limits_less(law: Regulation) -> st.SearchStrategy[Change]:
    def less(limits: tuple[Limit, ...], part: Fraction, way: int) -> Change:
        changed = tuple(replace(limit, share=limit.share * part) for limit in limits)
        if way == 1:  # One more.
            changed = (*changed, Limit(name="week", share=Fraction(1, 2), days=7))
        elif way == 2:  # Days keep what their campaign keeps.
            least = min(limit.per_success for limit in changed)
            changed = (Limit(name="days", share=least, denominator=Denominator.SUCCESSES, days=1),)
        elif way == 3:  # None may be uncovered.
            changed = ()
        return {"limits": changed}

    return st.builds(less, st.just(law.limits), PARTS, st.integers(0, 3))


def narrowed(hours: Hours | None) -> st.SearchStrategy[Hours]:
    """Hours within others."""
    if hours is None:
        return st.just(Hours({DayKind.MONDAY: (Span(600, 700),)}))

    def narrow(dropped: set[DayKind], later: int, earlier: int, hours: Hours = hours) -> Hours:
        # A named eve is kept: without it an eve would be like any other day.
        return Hours(
            {
                kind: tuple(
                    Span(span.start + later, span.end - earlier)
                    for span in spans
                    if span.start + later < span.end - earlier
                )
                for kind, spans in hours.spans.items()
                if kind is DayKind.EVE or kind not in dropped
            }
        )

    return st.builds(narrow, st.sets(st.sampled_from(DayKind)), st.integers(0, 200), st.integers(0, 200))


def _caller_id_less(law: Regulation) -> st.SearchStrategy[Change]:
    prefixes = law.caller_id.free_prefixes
    fewer = st.sets(st.sampled_from(prefixes)).map(sorted) if prefixes else st.just([])
    longer = fewer.map(lambda each: tuple(f"{prefix}1" for prefix in each))
    return st.one_of(fewer.map(tuple), longer).map(
        lambda free: {"caller_id": CallerIdRule(required=True, must_answer=True, free_prefixes=free)}
    )


def _register_less(law: Regulation) -> st.SearchStrategy[Change]:
    rule = law.register
    assert rule is not None
    return PARTS.map(
        lambda part: {"register": replace(rule, max_age=rule.max_age * part.numerator / part.denominator)}
    )


_TIGHTER: dict[str, Any] = {
    "times": _times_less,
    "noise": lambda law: st.just({"noise_within": law.noise_within / 2}),
    "limits": _limits_less,
    "ring": lambda law: DAYS.map(lambda more: {"ring_at_least": law.ring_at_least + more / 86_400}),
    "leave": lambda law: DAYS.map(lambda more: {"leave_alone": law.leave_alone + more}),
    "retention": lambda law: DAYS.map(lambda more: {"retention": law.retention + more}),
    "flags": lambda _: st.just({"operator_guaranteed": True, "consent_required": True, "agentless": False}),
    "hours": lambda law: narrowed(law.hours).map(lambda hours: {"hours": hours}),
    "caller_id": _caller_id_less,
    "register": _register_less,
    "superseded": lambda _: st.just({"superseded": "in our own opinion"}),
}


@cache
def _way_to_tighten(kind: str, law: Regulation) -> st.SearchStrategy[Change]:
    """Made once: to make a strategy takes longer than to draw from it."""
    ways: st.SearchStrategy[Change] = _TIGHTER[kind](law)
    return ways


# --- looser -------------------------------------------------------------------------------------------


def _looser(law: Regulation) -> dict[str, st.SearchStrategy[Change]]:
    """For each field of the law that can be made looser, how."""
    tick = timedelta(milliseconds=1)
    more = st.integers(1, 10_000)
    ways: dict[str, st.SearchStrategy[Change]] = {
        "limits": _limits_more(law),
        "cut_after": more.map(lambda ms: {"cut_after": law.cut_after + ms * tick}),
        "noise_within": more.map(lambda ms: {"noise_within": law.noise_within + ms * tick}),
        "hang_up_after": _between(law.hang_up_after, law.dead_man_after, "hang_up_after"),
        "dead_man_after": _between(law.dead_man_after, law.cut_after, "dead_man_after"),
        "retention": DAYS.map(lambda less: {"retention": law.retention - less / 10}),
        "country": st.just({"country": "XX"}),
        "played": st.just({"played": next(each for each in Played if each is not law.played)}),
        "register": _register_more(law),
        "caller_id": _caller_id_more(law),
    }
    if law.hours is not None:
        ways["hours"] = _hours_more(law.hours)
    if law.ring_at_least:
        ways["ring_at_least"] = st.just({"ring_at_least": law.ring_at_least - tick})
    if law.leave_alone:
        ways["leave_alone"] = st.just({"leave_alone": law.leave_alone - tick})
    if law.superseded:
        ways["superseded"] = st.just({"superseded": ""})
    for flag in ("operator_guaranteed", "consent_required"):
        if getattr(law, flag):
            ways[flag] = st.just({flag: False})
    if not law.agentless:
        ways["agentless"] = st.just({"agentless": True})
    return ways


def _between(low: timedelta, high: timedelta, name: str) -> st.SearchStrategy[Change]:
    return st.integers(1, 99).map(lambda part: {name: low + (high - low) * part / 100})


def _limits_more(law: Regulation) -> st.SearchStrategy[Change]:
    def changed(which: int, way: int, part: Fraction) -> Change:
        limits = list(law.limits)
        limit = limits.pop(which % len(limits))
        # The others are made as loose, for a stricter one of shorter windows would hold this one as well.
        rest = [replace(other, share=Fraction(1, 2)) for other in limits]
        more = replace(limit, share=limit.share + (1 - limit.share) * part)
        longer = replace(limit, days=None if limit.days else 7, share=limit.share)
        if limit.days is None:
            longer = replace(limit, share=limit.share + Fraction(1, 10_000))
        return {"limits": (*rest, (more, longer)[way])}

    return st.builds(changed, st.integers(0, 9), st.integers(0, 1), PARTS)


def _hours_more(hours: Hours) -> st.SearchStrategy[Change]:
    """One more minute on one kind of day, or a whole day that was closed."""

    def wider(kind: DayKind) -> Change:
        spans = hours.spans.get(kind, ())
        if kind is DayKind.EVE:
            kept: dict[DayKind, tuple[Span, ...]] = {
                each: span for each, span in hours.spans.items() if each is not kind
            }
            return {"hours": Hours(kept)}
        last = spans[-1] if spans else Span(599, 600)
        return {"hours": Hours({**hours.spans, kind: (*spans[:-1], Span(last.start, last.end + 1))})}

    kinds = [*WEEKDAYS, DayKind.HOLIDAY, *([DayKind.EVE] if DayKind.EVE in hours.spans else [])]
    return st.one_of(st.sampled_from(kinds).map(wider), st.just({"hours": None}))


def _register_more(law: Regulation) -> st.SearchStrategy[Change]:
    rule = law.register
    assert rule is not None
    older = DAYS.map(lambda more: {"register": replace(rule, max_age=rule.max_age + more)})
    return st.one_of(older, st.just({"register": None}), st.just({"register": replace(rule, name="another")}))


def _caller_id_more(law: Regulation) -> st.SearchStrategy[Change]:
    rule = law.caller_id
    ways = [replace(rule, required=False)]
    if rule.must_answer:
        ways.append(replace(rule, must_answer=False))
        ways.append(replace(rule, free_prefixes=(*rule.free_prefixes, "+3902")))
        ways.append(replace(rule, free_prefixes=("+39084",)))
    return st.sampled_from(ways).map(lambda changed: {"caller_id": changed})
