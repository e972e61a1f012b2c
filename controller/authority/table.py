"""The report as CSV: one row a day, and a last one for the whole period. PURE."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from io import StringIO

from controller.authority.history import Counts, History
from controller.authority.words import Words
from controller.domain.answer import AnswerClass

_BOM = "\ufeff"
"""Tells spreadsheets that the file is UTF-8."""


def as_csv(history: History, words: Words) -> str:
    """The file's text, with byte order mark and the line ends of RFC 4180."""
    out = StringIO(newline="")
    writer = csv.writer(out, delimiter=words.delimiter)
    writer.writerow(_header(history, words))
    for day in history.days:
        writer.writerow(
            [
                words.date(day.day),
                *_numbers(day.counts),
                *_ratios(history, day.at_end, day.highest, words),
                _decimal(day.longest_silent, words, 3),
                day.counts.silent,
                day.broken,
                day.counts.lifted,
            ]
        )
    writer.writerow(_total(history, words))
    return _BOM + out.getvalue()


def _header(history: History, words: Words) -> Sequence[str]:
    ratios = [
        words(key, limit=each.limit.name) for each in history.limits for key in ("csv.end", "csv.highest")
    ]
    return [
        words("days.date"),
        words("days.attempts"),
        words("days.answered"),
        *(words(f"days.{each.value}") for each in AnswerClass),
        words("days.unanswered"),
        words("days.under_way"),
        words("days.successes"),
        words("days.counted"),
        *ratios,
        words("csv.longest"),
        words("csv.suppressed"),
        words("csv.not_kept"),
        words("csv.lifted"),
    ]


def _numbers(counts: Counts) -> Sequence[int]:
    return [
        counts.attempts,
        counts.answered,
        *(counts.classes[each] for each in AnswerClass),
        sum(counts.unanswered.values()),
        counts.under_way,
        counts.successes,
        counts.silent,
    ]


def _ratios(
    history: History, at_end: Mapping[str, float | None], highest: Mapping[str, float | None], words: Words
) -> list[str]:
    return [
        _decimal(values[each.limit.name], words, 4) for each in history.limits for values in (at_end, highest)
    ]


def _total(history: History, words: Words) -> Sequence[object]:
    """Of the whole period; a ratio's end is that of the last window, its highest that of all of them."""
    at_end = {each.limit.name: each.steps[-1].at_end for each in history.limits}
    highest = {each.limit.name: each.worst.per_100 if each.worst else None for each in history.limits}
    silent = history.times.silent
    return [
        words("csv.total"),
        *_numbers(history.counts),
        *_ratios(history, at_end, highest, words),
        _decimal(silent.longest if silent else None, words, 3),
        history.keeping.silent,
        len(history.keeping.broken),
        history.counts.lifted,
    ]


def _decimal(value: float | None, words: Words, digits: int) -> str:
    """Empty where there is nothing; ``inf`` for silent calls without any success."""
    return "" if value is None else words.decimal(value, digits)
