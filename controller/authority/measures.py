"""The sections of the page that measure: limits with their charts, durations. PURE."""

from __future__ import annotations

import math
from datetime import date

from controller.authority.chart import chart, titled, window
from controller.authority.history import History
from controller.authority.limits import LimitHistory, denominator, per_100
from controller.authority.markup import Markup, element
from controller.authority.pieces import facts, row, section, table
from controller.authority.times import Spread
from controller.authority.words import Words
from controller.domain.budget import Tally
from controller.domain.regulation import Played


def limits_section(history: History, words: Words) -> Markup:
    """Each limit, with its chart."""
    if not history.limits:
        return section(words("limits"), element("p", words("limits.none")))
    return section(
        words("limits"),
        *(_limit(each, history, words, f"c{n}") for n, each in enumerate(history.limits)),
    )


def _limit(found: LimitHistory, history: History, words: Words, unit: str) -> Markup:
    limit, zone = found.limit, history.period.zone
    of = words(f"denominator.{limit.denominator.value}")

    def values(tally: Tally) -> dict[str, object]:
        return {
            "ratio": words.per_100(per_100(tally)),
            "silent": words.count(tally.silent),
            "denominator": words.count(denominator(tally)),
            "of": of,
            "allowance": words.count(tally.allowance),
        }

    worst = words("found.limit.none")
    if found.worst and found.worst.tally.silent:
        at = words.moment(found.worst.at, zone)
        in_window = ""
        if label := found.worst.tally.window:
            begins = words.date(date.fromisoformat(label.rpartition(":")[2]))
            in_window = words("limit.worst.window", window=begins)
        worst = words("limit.worst.value", at=at, window=in_window, **values(found.worst.tally))
    over = words.count(found.over)
    if found.first_over:
        over = words(
            "limit.over.first",
            count=over,
            at=words.moment(found.first_over.at, zone),
            silent=words.count(found.first_over.tally.silent),
            allowance=words.count(found.first_over.tally.allowance),
        )
    share = words.trimmed(100 * float(limit.share))
    return element(
        "div",
        element("h3", words("limit", name=limit.name)),
        element("p", words("limit.share", share=share, denominator=of, window=window(limit.days, words))),
        facts(
            [
                (words("limit.windows"), words.count(found.windows)),
                (words("limit.worst"), worst),
                (words("limit.over"), over),
                (words("limit.final"), words("limit.final.value", **values(found.final))),
            ]
        ),
        element(
            "figure", chart(found, history.period, words, unit), element("figcaption", titled(found, words))
        ),
        class_="limit",
    )


def times_section(history: History, words: Words) -> Markup:
    """How long answered calls had to wait."""
    times, law = history.times, history.campaign.law
    cut = law.cut_after.total_seconds()
    # A message makes the call longer than that, and is no noise; both are told, neither is judged then.
    judged = law.played is Played.NOISE
    within = law.noise_within.total_seconds()
    rows = [
        _spread("times.silent", times.silent, cut if judged else None, words),
        _spread("times.noise", times.to_noise, within if judged else None, words),
        _spread("times.agent", times.to_agent, cut, words),
    ]
    names = ["what", "measured", "median", "p95", "longest", "allowed"]
    notes = []
    if times.unseen:
        notes.append(element("p", words("times.unseen", count=words.count(times.unseen))))
    notes.append(element("p", words("times.no_noise", count=words.count(times.noise_missing))))
    return section(
        words("times"),
        table([words(f"times.{each}") for each in names], rows, "numbers"),
        *notes,
        _lengths(history, words) if times.silent else Markup(""),
    )


def _spread(name: str, spread: Spread | None, allowed: float | None, words: Words) -> Markup:
    measured = [spread.median, spread.p95, spread.longest] if spread else [None] * 3
    shown = ["–" if each is None else words.decimal(each, 3) for each in (*measured, allowed)]
    return row([words(name), words.count(spread.count if spread else 0), *shown])


def _lengths(history: History, words: Words) -> Markup:
    lengths = history.times.lengths
    most = max(count for _, count in lengths)
    rows, below = [], 0.0
    for bound, count in lengths:
        beyond = math.isinf(bound)
        label = words(
            "times.over" if beyond else "times.up_to", bound=words.trimmed(below if beyond else bound)
        )
        width = f"width:{100 * count / most:.1f}%" if most else "width:0"
        bar = element("span", class_="bar over" if beyond else "bar", style=width)
        rows.append(
            element(
                "tr",
                element("td", label),
                element("td", words.count(count)),
                element("td", bar if count else "", class_="barcell"),
            )
        )
        below = bound
    return table([words("times.lengths"), words("times.measured"), ""], rows, "numbers lengths")
