"""The report as one HTML page for screen and A4 paper, with nothing outside of it. PURE."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from importlib.resources import files

from controller.authority.chart import chart, titled, window
from controller.authority.history import Decision, History
from controller.authority.limits import LimitHistory, denominator, per_100
from controller.authority.markup import Markup, element
from controller.authority.times import Spread
from controller.authority.verdicts import Verdict, verdicts
from controller.authority.words import Words
from controller.domain.answer import AnswerClass
from controller.domain.budget import Tally
from controller.domain.outcome import Outcome

_FINDINGS = 20
"""Findings of a verification that are told; the command tells all."""


def as_html(history: History, words: Words) -> str:
    """The page."""
    title = words("title")
    subject = words(
        "for",
        campaign=history.campaign.id,
        since=words.date(history.period.since),
        until=words.date(history.period.until),
    )
    head = element(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        element("title", f"{title}: {subject}"),
        # The style sheet is ours: it goes in as it stands.
        element("style", Markup(_style(words))),
    )
    sections = (
        _result,
        _campaign,
        _calls,
        _limits,
        _times,
        _suppressions,
        _decisions,
        _record,
        _days,
        _method,
    )
    body = element(
        "body",
        element("header", element("h1", title), element("p", subject, class_="subject")),
        element("main", *(section(history, words) for section in sections)),
    )
    return "<!DOCTYPE html>\n" + element("html", head, body, lang=words.language) + "\n"


def _style(words: Words) -> str:
    sheet = files("controller.authority").joinpath("report.css").read_text("utf-8")
    return sheet.replace("PAGE_WORD", words("page"))


# --- pieces -----------------------------------------------------------------------------------------------


def _section(heading: str, *content: Markup, class_: str | None = None) -> Markup:
    return element("section", element("h2", heading), *content, class_=class_)


def _row(cells: Iterable[object], *, kind: str = "td", class_: str | None = None) -> Markup:
    return element("tr", *(element(kind, cell) for cell in cells), class_=class_)


def _table(headers: Sequence[str], rows: Iterable[Markup], class_: str) -> Markup:
    head = element("thead", element("tr", *(element("th", each, scope="col") for each in headers)))
    return element("table", head, element("tbody", *rows), class_=class_)


def _facts(pairs: Iterable[tuple[str, object]]) -> Markup:
    rows = (element("tr", element("th", name, scope="row"), element("td", value)) for name, value in pairs)
    return element("table", element("tbody", *rows), class_="facts")


# --- sections ---------------------------------------------------------------------------------------------


def _result(history: History, words: Words) -> Markup:
    found = verdicts(history, words)
    broken = any(each.kept is False for each in found)
    # A lifted limit is a broken rule, too; but it says why.
    failed = "result.lifted" if history.counts.lifted else "result.broken"
    return _section(
        words("result"),
        element(
            "p", words(failed if broken else "result.kept"), class_="verdict bad" if broken else "verdict"
        ),
        _table(
            [words("rule"), words("found"), words("verdict")],
            (_verdict(each, words) for each in found),
            "rules",
        ),
    )


def _verdict(verdict: Verdict, words: Words) -> Markup:
    word = {True: "kept", False: "broken", None: "not_judged"}[verdict.kept]
    class_ = "bad" if verdict.kept is False else None
    return _row([verdict.rule, verdict.found, words(word)], class_=class_)


def _campaign(history: History, words: Words) -> Markup:
    campaign, law, period = history.campaign, history.campaign.law, history.period
    numbers = [
        words("campaign.number" if number else "campaign.no_number", number=number, calls=words.count(calls))
        for number, calls in history.caller_numbers.items()
    ]
    laws = [
        words("campaign.number", number=name, calls=words.count(calls))
        for name, calls in history.laws.items()
    ]
    none = words("campaign.no_calls")
    status = (
        words("campaign.superseded", why=law.superseded) if law.superseded else words("campaign.in_force")
    )
    if law.override:
        looser = words(
            "campaign.looser",
            extends=law.extends,
            fields=", ".join(law.override.looser),
            author=law.override.author,
            reason=law.override.reason,
        )
        status = f"{status}; {looser}"
    return _section(
        words("campaign"),
        _facts(
            [
                (words("campaign.id"), campaign.id),
                (words("campaign.caller"), campaign.caller),
                (words("campaign.numbers"), "; ".join(numbers) or none),
                (words("campaign.profile"), f"{law.name}: {law.title}" if law.title else law.name),
                (words("campaign.status"), status),
                (words("campaign.laws"), "; ".join(laws) or none),
                (words("campaign.period"), f"{words.date(period.since)} – {words.date(period.until)}"),
                (words("campaign.zone"), period.zone.key),
                (words("campaign.made"), words.moment(history.made_at, period.zone)),
            ]
        ),
    )


def _calls(history: History, words: Words) -> Markup:
    counts = history.counts
    rows = [
        _row(
            [
                words(f"class.{each.value}"),
                words(f"meaning.{each.value}"),
                words.count(counts.classes[each]),
                words.count(counts.counted_silent[each]),
            ]
        )
        for each in AnswerClass
    ]
    total = [words("calls.answered"), "", words.count(counts.answered), words.count(counts.silent)]
    others = [
        (words(f"outcome.{each.value}"), counts.unanswered[each])
        for each in Outcome
        if counts.unanswered.get(each)
    ]
    if counts.under_way:
        others.append((words("calls.under_way"), counts.under_way))
    persons = counts.classes[AnswerClass.AGENT]
    strict = 100 * counts.silent / persons if persons else (math.inf if counts.silent else None)
    headers = ["calls.class", "calls.meaning", "calls.number", "calls.silent"]
    return _section(
        words("calls"),
        element("p", words("calls.intro")),
        _table([words(each) for each in headers], [*rows, _row(total, class_="total")], "counts"),
        _table(
            [words("calls.unanswered"), words("calls.number")],
            [
                *(_row([name, words.count(number)]) for name, number in others),
                _row([words("calls.all"), words.count(counts.attempts)], class_="total"),
            ],
            "counts narrow",
        ),
        element(
            "p",
            words(
                "calls.strict",
                ratio=words.per_100(strict),
                silent=words.count(counts.silent),
                persons=words.count(persons),
            ),
        ),
    )


def _limits(history: History, words: Words) -> Markup:
    if not history.limits:
        return _section(words("limits"), element("p", words("limits.none")))
    return _section(
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
        label = found.worst.tally.window.rpartition(":")[2]
        at = words.moment(found.worst.at, zone)
        in_window = words("limit.worst.window", window=label) if label else ""
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
        _facts(
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


def _times(history: History, words: Words) -> Markup:
    times, law = history.times, history.campaign.law
    cut = law.cut_after.total_seconds()
    rows = [
        _spread("times.silent", times.silent, cut, words),
        _spread("times.noise", times.to_noise, law.noise_within.total_seconds(), words),
        _spread("times.agent", times.to_agent, cut, words),
    ]
    names = ["what", "measured", "median", "p95", "longest", "allowed"]
    notes = []
    if times.unseen:
        notes.append(element("p", words("times.unseen", count=words.count(times.unseen))))
    notes.append(element("p", words("times.no_noise", count=words.count(times.noise_missing))))
    return _section(
        words("times"),
        _table([words(f"times.{each}") for each in names], rows, "numbers"),
        *notes,
        _lengths(history, words) if times.silent else Markup(""),
    )


def _spread(name: str, spread: Spread | None, allowed: float, words: Words) -> Markup:
    measured = [spread.median, spread.p95, spread.longest] if spread else [None, None, None]
    shown = ["–" if each is None else words.decimal(each, 3) for each in measured]
    return _row([words(name), words.count(spread.count if spread else 0), *shown, words.decimal(allowed, 3)])


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
    return _table([words("times.lengths"), words("times.measured"), ""], rows, "numbers lengths")


def _suppressions(history: History, words: Words) -> Markup:
    found, days = history.keeping, words.trimmed(history.campaign.law.leave_alone.total_seconds() / 86_400)
    facts: list[tuple[str, object]] = [
        (words("suppressions.silent"), words.count(found.silent)),
        (words("suppressions.waiting"), words.count(found.silent - found.called_again)),
        (words("suppressions.again"), words.count(found.called_again)),
        (words("suppressions.earliest"), words.days(found.earliest)),
        (words("suppressions.too_soon", days=days), words.count(len(found.too_soon))),
    ]
    if history.campaign.law.operator_guaranteed:
        facts.append((words("suppressions.unguaranteed"), words.count(len(found.unguaranteed))))
    return _section(words("suppressions"), _facts(facts))


def _decisions(history: History, words: Words) -> Markup:
    counts = history.counts
    content = [element("p", words("decisions.none"))]
    if history.decisions:
        names = ["at", "what", "author", "reason"]
        rows = (_decision(each, history, words) for each in history.decisions)
        content = [_table([words(f"decisions.{each}") for each in names], rows, "rules")]
    lifted, silent = words.count(counts.lifted), words.count(counts.lifted_silent)
    content.append(element("p", words("decisions.calls", lifted=lifted, silent=silent)))
    return _section(words("decisions"), *content)


def _decision(decision: Decision, history: History, words: Words) -> Markup:
    what = words("decisions.budget")
    if decision.profile:
        looser = ", ".join(decision.looser)
        what = words("decisions.profile", profile=decision.profile, looser=looser)
    at = words.moment(decision.at, history.period.zone)
    return _row([at, what, decision.author, decision.reason])


def _record(history: History, words: Words) -> Markup:
    proof = history.proof
    result = words("record.unverified")
    if proof.whole is not None:
        findings = words.count(len(proof.findings))
        result = words("record.whole") if proof.whole else words("record.not_whole", count=findings)
    facts: list[tuple[str, object]] = [
        (words("record.head"), words.count(proof.head.seq)),
        (words("record.hash"), element("code", proof.head.hash)),
        (words("record.entries"), words.count(proof.entries)),
        (words("record.attempts"), words.count(proof.attempts)),
        (words("record.result"), result),
    ]
    told = [element("li", each) for each in proof.findings[:_FINDINGS]]
    if more := len(proof.findings) - len(told):
        told.append(element("li", words("record.more", count=words.count(more))))
    return _section(
        words("record"),
        _facts(facts),
        element("ul", *told, class_="bad") if told else Markup(""),
        element("p", words("record.note", head=f"{proof.head.seq}:{proof.head.hash}"), class_="long"),
    )


def _days(history: History, words: Words) -> Markup:
    days = [day for day in history.days if day.counts.attempts]
    if not days:
        return _section(words("days"), element("p", words("days.none")))
    names = [each.limit.name for each in history.limits]
    columns = ["date", "attempts", "answered", *(each.value for each in AnswerClass), "counted"]
    rows = (
        _row(
            [
                words.date(day.day),
                words.count(day.counts.attempts),
                words.count(day.counts.answered),
                *(words.count(day.counts.classes[each]) for each in AnswerClass),
                words.count(day.counts.silent),
                *(words.per_100(day.highest[name]) for name in names),
                "–" if day.longest_silent is None else words.decimal(day.longest_silent, 3),
            ]
        )
        for day in days
    )
    headers = [
        *(words(f"days.{each}") for each in columns),
        *(words("days.highest", limit=name) for name in names),
        words("days.longest"),
    ]
    return _section(words("days"), element("p", words("days.note")), _table(headers, rows, "numbers small"))


def _method(history: History, words: Words) -> Markup:
    keys = ["source", "success", "lost", "machine", "noise", "suppression"]
    items = (element("li", words(f"method.{each}")) for each in keys)
    return _section(words("method"), element("ul", *items), class_="method")
