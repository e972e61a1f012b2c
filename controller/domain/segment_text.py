"""Filters as text, for people; the grammar is in docs/segments.md."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Final, TypeVar

from controller.domain.segment import (
    DEEPEST,
    EVERYBODY,
    After,
    All,
    AnyOf,
    AtLeast,
    Before,
    Compare,
    Comparison,
    Contains,
    DaysBetween,
    Filter,
    FilterError,
    HasAll,
    HasAny,
    Not,
    NumberBetween,
    OneOf,
    Present,
    Relation,
    StartsWith,
    Test,
    checked,
    known_field,
    ways_to_ask,
)
from controller.domain.segment_fields import ATTRIBUTES, full_name
from controller.domain.segment_values import TODAY, Day, day_in
from controller.domain.segment_words import Word, WordKind, place_of, words_of
from controller.errors import BadInput

T = TypeVar("T")

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
_COUNT: Final = re.compile(r"[0-9]{1,5}", re.ASCII)
_RELATIONS: Final = {relation.value: relation for relation in Relation}
_NEGATED: Final = "what is not so is written: not province is MI"
_DAYS: Final = "2026-03-01, today, 5 days ago, in 5 days"


def parse_filter(text: str, source: str = "filter") -> Filter:
    """A filter from its text; an empty text is everybody.

    Args:
        text: as written by a person; ``#`` begins a remark.
        source: what to call the text in messages, such as a file's name.

    Raises:
        BadInput: it is no filter; the place has line and column, and it says what is allowed there.
    """
    return _Parser(text, source).whole()


class _Parser:
    """Reads words from left to right; each method leaves the words that it does not need."""

    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source
        self._words = words_of(text, source)
        self._next = 0
        self._levels = 0

    def whole(self) -> Filter:
        if self._peek().kind is WordKind.END:
            return EVERYBODY
        filter_ = self._either()
        if self._peek().kind is not WordKind.END:
            raise self._wrong(self._peek(), "and, or, or the end")
        try:
            return checked(filter_)
        except FilterError as error:
            raise BadInput(self._source, error.problem, error.allowed) from None

    # --- words

    def _peek(self, ahead: int = 0) -> Word:
        return self._words[min(self._next + ahead, len(self._words) - 1)]

    def _take(self) -> Word:
        word = self._peek()
        self._next += 1
        return word

    def _took(self, *keywords: str) -> bool:
        """Take these words if they are the next ones."""
        if not all(self._peek(i).says(keyword) for i, keyword in enumerate(keywords)):
            return False
        self._next += len(keywords)
        return True

    def _must(self, keyword: str) -> None:
        if not self._took(keyword):
            raise self._wrong(self._peek(), repr(keyword))

    def _wrong(self, word: Word, allowed: str) -> BadInput:
        return BadInput(self._place(word), f"{word} cannot stand here", allowed)

    def _place(self, word: Word) -> str:
        return place_of(self._text, word.at, self._source)

    # --- the tree

    def _either(self) -> Filter:
        parts = [self._both()]
        while self._took("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _both(self) -> Filter:
        parts = [self._unit()]
        while self._took("and"):
            parts.append(self._unit())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _unit(self) -> Filter:
        first = self._peek()
        if first.says("not") or first.says("("):
            # Whoever nests that deep would exhaust our own stack before ``checked`` sees the tree.
            if self._levels == 2 * DEEPEST:
                raise BadInput(self._place(first), "the filter is too deep", f"{DEEPEST} levels at most")
            self._levels += 1
            inner = self._inner()
            self._levels -= 1
            return inner
        if self._took("everybody"):
            return EVERYBODY
        return self._comparison()

    def _inner(self) -> Filter:
        if self._took("not"):
            return Not(self._unit())
        self._must("(")
        inner = self._either()
        self._must(")")
        return inner

    # --- a comparison

    def _comparison(self) -> Filter:
        first = self._peek()
        field = self._field()
        how = self._peek()
        if self._took("is", "missing"):
            return Not(self._made(first, field, Present))
        if how.says("!=") or (how.says("is") and self._peek(1).says("not")):
            raise BadInput(self._place(how), f"{how} cannot stand here", _NEGATED)
        return self._made(first, field, lambda: self._test(field))

    def _made(self, first: Word, field: str, test: Callable[[], Test]) -> Comparison:
        asked = test()
        try:
            return Comparison(field, asked)
        except FilterError as error:
            raise BadInput(self._place(first), error.problem, error.allowed) from None

    def _field(self) -> str:
        word = self._take()
        if word.kind is not WordKind.BARE:
            raise self._wrong(word, "a field, not, (, everybody")
        field = word.text
        quoted = self._peek()
        if field == ATTRIBUTES and quoted.kind is WordKind.QUOTED and quoted.at == word.end:
            field += self._take().text
        field = full_name(field)
        try:
            known_field(field)
        except FilterError as error:
            raise BadInput(self._place(word), error.problem, error.allowed) from None
        return field

    def _test(self, field: str) -> Test:
        how = self._take()
        if how.kind is WordKind.SIGN and how.text in _RELATIONS:
            return Compare(_RELATIONS[how.text], self._number())
        keyword = how.text.lower() if how.kind is WordKind.BARE else ""
        match keyword:
            case "is":
                return Present() if self._took("present") else OneOf((self._value(),))
            case "in":
                return OneOf(self._list())
            case "contains":
                return Contains(self._values())
            case "starts":
                self._must("with")
                return StartsWith(self._values())
            case "has":
                return self._tags()
            case "at":
                self._must("least")
                return AtLeast(self._value())
            case "before":
                return Before(self._day())
            case "after":
                return After(self._day())
            case "on":
                day = self._day()
                return DaysBetween(day, day)
            case "between":
                return self._between()
            case "within":
                return self._within()
        raise self._wrong(how, ways_to_ask(known_field(field)))

    def _tags(self) -> Test:
        if self._peek(1).says("(") and self._took("all"):
            return HasAll(self._list())
        if self._peek(1).says("(") and self._took("any"):
            return HasAny(self._list())
        return HasAny((self._value(),))

    def _between(self) -> Test:
        if _NUMBER.fullmatch(self._peek().text) and self._peek(1).says("and"):
            low = self._number()
            self._must("and")
            return NumberBetween(low, self._number())
        first = self._day()
        self._must("and")
        return DaysBetween(first, self._day())

    def _within(self) -> Test:
        ahead = self._took("next")
        if not ahead and not self._took("last"):
            raise self._wrong(self._peek(), "next, last")
        day = self._away(1 if ahead else -1)
        return DaysBetween(TODAY, day) if ahead else DaysBetween(day, TODAY)

    # --- values

    def _value(self) -> str:
        word = self._take()
        if word.kind not in (WordKind.BARE, WordKind.QUOTED):
            raise self._wrong(word, 'a word, or text in "..."')
        return word.text

    def _values(self) -> tuple[str, ...]:
        return self._list() if self._peek().says("(") else (self._value(),)

    def _list(self) -> tuple[str, ...]:
        self._must("(")
        values = [self._value()]
        while self._took(","):
            values.append(self._value())
        if not self._took(")"):
            raise self._wrong(self._peek(), "',' and another value, or ')'")
        return tuple(values)

    def _number(self) -> float:
        word = self._take()
        if word.kind is not WordKind.BARE or not _NUMBER.fullmatch(word.text):
            raise self._wrong(word, "a number, such as 100 or -2.5")
        return float(word.text)

    def _day(self) -> Day:
        word = self._peek()
        if self._took("today"):
            return TODAY
        if self._took("in"):
            return self._away(1)
        if _COUNT.fullmatch(word.text) and self._peek(1).kind is WordKind.BARE:
            day = self._away(-1)
            self._must("ago")
            return day
        on: date | None = day_in(word.text) if word.kind is WordKind.BARE else None
        if on is None:
            raise self._wrong(word, f"a day: {_DAYS}")
        self._take()
        return Day(on=on)

    def _away(self, sign: int) -> Day:
        """So many days from today."""
        word = self._take()
        if word.kind is not WordKind.BARE or not _COUNT.fullmatch(word.text):
            raise self._wrong(word, "how many days")
        if not self._took("day"):
            self._must("days")
        try:
            return Day(away=sign * int(word.text))
        except ValueError as error:
            raise BadInput(self._place(word), str(error)) from None
