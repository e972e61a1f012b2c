"""The words that a filter's text is made of, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from controller.errors import BadInput

LONGEST_TEXT: Final = 100_000
"""Characters of a filter's text at most."""

KEYWORDS: Final = frozenset(
    {"and", "or", "not", "everybody", "is", "in", "present", "missing", "starts", "with", "contains", "has"}
    | {"any", "all", "at", "least", "between", "before", "after", "on", "within", "next", "last"}
    | {"day", "days", "today", "ago"}
)
"""Words that a value is never written as without quotes."""

BARE: Final = re.compile(r"[\w+@./:%&'’-]+")
_SPACE: Final = re.compile(r"\s+|#[^\n]*")
_SIGN: Final = re.compile(r"[(),]|<=|>=|!=|[<>=]")
_QUOTED: Final = re.compile(r'"((?:[^"\\\n]|\\["\\])*)"')
_ESCAPE: Final = re.compile(r"\\(.)")


class WordKind(Enum):
    """What a word of the text is."""

    BARE = "bare"
    QUOTED = "quoted"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the text.

    Attributes:
        text: what it says, without quotes.
        at: index of its first character.
        end: index behind its last one.
    """

    kind: WordKind
    text: str
    at: int
    end: int

    def says(self, keyword: str) -> bool:
        """Whether it is this keyword or sign, whatever its case."""
        return self.kind in (WordKind.BARE, WordKind.SIGN) and self.text.lower() == keyword

    def __str__(self) -> str:
        if self.kind is WordKind.END:
            return "the end"
        shown = self.text if len(self.text) <= 40 else self.text[:37] + "..."
        return repr(shown)


def place_of(text: str, at: int, source: str) -> str:
    """Where in the text that is, for messages: lines and columns count from 1."""
    line = text.count("\n", 0, at) + 1
    return f"{source} line {line} column {at - text.rfind(chr(10), 0, at)}"


def words_of(text: str, source: str) -> list[Word]:
    """The text in words; the last one is the end.

    Raises:
        BadInput: a character that no filter has, quotes that are not closed, or too long a text.
    """
    if len(text) > LONGEST_TEXT:
        raise BadInput(source, f"the filter has {len(text)} characters", f"{LONGEST_TEXT} at most")
    found: list[Word] = []
    at = 0
    while at < len(text):
        if space := _SPACE.match(text, at):
            at = space.end()
            continue
        if quoted := _QUOTED.match(text, at):
            word = Word(WordKind.QUOTED, _ESCAPE.sub(r"\1", quoted[1]), at, quoted.end())
        elif sign := _SIGN.match(text, at):
            word = Word(WordKind.SIGN, sign[0], at, sign.end())
        elif bare := BARE.match(text, at):
            word = Word(WordKind.BARE, bare[0], at, bare.end())
        elif text[at] == '"':
            raise BadInput(
                place_of(text, at, source),
                "the quotes are not closed on this line",
                'text in "...", \\" for "',
            )
        else:
            raise BadInput(place_of(text, at, source), f"{text[at]!r} means nothing here", 'quotes: "..."')
        found.append(word)
        at = word.end
    return [*found, Word(WordKind.END, "", len(text), len(text))]


def written(value: str) -> str:
    """A value as it is written: in quotes unless it is one plain word."""
    if BARE.fullmatch(value) and value.lower() not in KEYWORDS:
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
