"""The report as one HTML page for screen and A4 paper, with nothing outside of it. PURE."""

from __future__ import annotations

import math
from importlib.resources import files

from controller.authority.history import Decision, History
from controller.authority.markup import Markup, element
from controller.authority.measures import limits_section, times_section
from controller.authority.pieces import facts, row, section, table
from controller.authority.verdicts import Verdict, verdicts
from controller.authority.words import Words
from controller.domain.answer import AnswerClass
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
        limits_section,
        times_section,
        _suppressions,
        _decisions,
        _record,
        _days,
        _method,
    )
    body = element(
        "body",
        element("header", element("h1", title), element("p", subject, class_="subject")),
        element("main", *(each(history, words) for each in sections)),
    )
    return "<!DOCTYPE html>\n" + element("html", head, body, lang=words.language) + "\n"


def _style(words: Words) -> str:
    sheet = files("controller.authority").joinpath("report.css").read_text("utf-8")
    return sheet.replace("PAGE_WORD", words("page"))


def _result(history: History, words: Words) -> Markup:
    found = verdicts(history, words)
    broken = any(each.kept is False for each in found)
    # A lifted limit is a broken rule, too; but it says why.
    failed = "result.lifted" if history.counts.lifted else "result.broken"
    return section(
        words("result"),
        element(
            "p", words(failed if broken else "result.kept"), class_="verdict bad" if broken else "verdict"
        ),
        table(
            [words("rule"), words("found"), words("verdict")],
            (_verdict(each, words) for each in found),
            "rules",
        ),
    )


def _verdict(verdict: Verdict, words: Words) -> Markup:
    word = {True: "kept", False: "broken", None: "not_judged"}[verdict.kept]
    class_ = "bad" if verdict.kept is False else None
    return row([verdict.rule, verdict.found, words(word)], class_=class_)


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
    return section(
        words("campaign"),
        facts(
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
        row(
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
    others.append((words("calls.answered_above"), counts.answered))
    if counts.under_way:
        others.append((words("calls.under_way"), counts.under_way))
    persons = counts.classes[AnswerClass.AGENT]
    strict = 100 * counts.silent / persons if persons else (math.inf if counts.silent else None)
    headers = ["calls.class", "calls.meaning", "calls.number", "calls.silent"]
    return section(
        words("calls"),
        element("p", words("calls.intro")),
        table([words(each) for each in headers], [*rows, row(total, class_="total")], "counts"),
        table(
            [words("calls.all_placed"), words("calls.number")],
            [
                *(row([name, words.count(number)]) for name, number in others),
                row([words("calls.all"), words.count(counts.attempts)], class_="total"),
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


def _suppressions(history: History, words: Words) -> Markup:
    found, days = history.keeping, words.trimmed(history.campaign.law.leave_alone.total_seconds() / 86_400)
    told: list[tuple[str, object]] = [
        (words("suppressions.silent"), words.count(found.silent)),
        (words("suppressions.waiting"), words.count(found.silent - found.called_again)),
        (words("suppressions.again"), words.count(found.called_again)),
        (words("suppressions.earliest"), words.days(found.earliest)),
        (words("suppressions.too_soon", days=days), words.count(len(found.too_soon))),
    ]
    if history.campaign.law.operator_guaranteed:
        told.append((words("suppressions.unguaranteed"), words.count(len(found.unguaranteed))))
    return section(words("suppressions"), facts(told))


def _decisions(history: History, words: Words) -> Markup:
    counts = history.counts
    content = [element("p", words("decisions.none"))]
    if history.decisions:
        names = ["at", "what", "author", "reason"]
        rows = (_decision(each, history, words) for each in history.decisions)
        content = [table([words(f"decisions.{each}") for each in names], rows, "rules")]
    lifted, silent = words.count(counts.lifted), words.count(counts.lifted_silent)
    content.append(element("p", words("decisions.calls", lifted=lifted, silent=silent)))
    return section(words("decisions"), *content)


def _decision(decision: Decision, history: History, words: Words) -> Markup:
    what = words("decisions.budget")
    if decision.profile:
        looser = ", ".join(decision.looser)
        what = words("decisions.profile", profile=decision.profile, looser=looser)
    at = words.moment(decision.at, history.period.zone)
    return row([at, what, decision.author, decision.reason])


def _record(history: History, words: Words) -> Markup:
    proof = history.proof
    result = words("record.unverified")
    if proof.whole is not None:
        count = words.count(len(proof.findings))
        result = words("record.whole") if proof.whole else words("record.not_whole", count=count)
    told: list[tuple[str, object]] = [
        (words("record.head"), words.count(proof.head.seq)),
        (words("record.hash"), element("code", proof.head.hash)),
        (words("record.entries"), words.count(proof.entries)),
        (words("record.attempts"), words.count(proof.attempts)),
        (words("record.result"), result),
    ]
    findings = [element("li", each) for each in proof.findings[:_FINDINGS]]
    if more := len(proof.findings) - len(findings):
        findings.append(element("li", words("record.more", count=words.count(more))))
    return section(
        words("record"),
        facts(told),
        element("ul", *findings, class_="bad") if findings else Markup(""),
        element("p", words("record.note", head=f"{proof.head.seq}:{proof.head.hash}"), class_="long"),
    )


def _days(history: History, words: Words) -> Markup:
    days = [day for day in history.days if day.counts.attempts]
    if not days:
        return section(words("days"), element("p", words("days.none")))
    names = [each.limit.name for each in history.limits]
    columns = ["date", "attempts", "answered", *(each.value for each in AnswerClass), "counted"]
    rows = (
        row(
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
    return section(words("days"), element("p", words("days.note")), table(headers, rows, "numbers small"))


def _method(history: History, words: Words) -> Markup:
    keys = ["source", "success", "lost", "machine", "noise", "suppression"]
    items = (element("li", words(f"method.{each}")) for each in keys)
    return section(words("method"), element("ul", *items), class_="method")
