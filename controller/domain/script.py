"""What an agent reads out, and the questions that they ask: versions that never change, answers with types.

How a script is filled in with a contact's data is the engine's (engine/scripting.py); here is what it
consists of, and which answers may be recorded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Any, Final

LONGEST_BODY: Final = 20_000
"""Characters: some ten minutes of reading out."""
MOST_QUESTIONS: Final = 50
MOST_CHOICES: Final = 50
LONGEST_ANSWER: Final = 2_000
LONGEST_NOTES: Final = 4_000
_LONGEST_TEXT: Final = 500
_LARGEST_NUMBER: Final = 10**15

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)


class QuestionKind(Enum):
    """What an answer looks like."""

    TEXT = "text"
    NUMBER = "number"
    YES_NO = "yes-no"
    CHOICE = "choice"
    """One of the choices."""
    SEVERAL = "several"
    """Some of the choices."""
    DATE = "date"


_WITH_CHOICES: Final = frozenset({QuestionKind.CHOICE, QuestionKind.SEVERAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question that an agent asks.

    Attributes:
        id: by which its answer is recorded: lower-case letters, digits and ``_``.
        text: as it is asked.
        required: a conversation that came to its purpose (DispositionKind.complete) has an answer to it.
        choices: of CHOICE and SEVERAL, two at least; empty for the others.

    Raises:
        ValueError: something of it cannot be used.
    """

    id: str
    text: str
    kind: QuestionKind = QuestionKind.TEXT
    required: bool = False
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(
                f"{self.id!r} is no id of a question: lower-case letters, digits and _, 32 at most"
            )
        if not self.text.strip() or len(self.text) > _LONGEST_TEXT:
            raise ValueError(f"question {self.id}: its text has 1 to {_LONGEST_TEXT} characters")
        if self.kind not in _WITH_CHOICES:
            if self.choices:
                raise ValueError(f"question {self.id}: {self.kind.value} has no choices")
            return
        if not 2 <= len(self.choices) <= MOST_CHOICES:
            raise ValueError(f"question {self.id}: {self.kind.value} has 2 to {MOST_CHOICES} choices")
        if len(set(self.choices)) < len(self.choices):
            raise ValueError(f"question {self.id}: a choice is there twice")
        if any(not choice.strip() or len(choice) > _LONGEST_TEXT for choice in self.choices):
            raise ValueError(f"question {self.id}: a choice has 1 to {_LONGEST_TEXT} characters")

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        plain: dict[str, Any] = {"id": self.id, "text": self.text, "kind": self.kind.value}
        if self.required:
            plain["required"] = True
        if self.choices:
            plain["choices"] = list(self.choices)
        return plain


_FIELDS: Final = frozenset({"id", "text", "kind", "required", "choices"})


def questions_from_json(value: object) -> tuple[Question, ...]:
    """Questions from plain values: a list of objects with id, text, kind, required, choices.

    Raises:
        ValueError: something is missing, unknown, or cannot be used.
    """
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise ValueError("questions are a list")
    questions = tuple(_question_of(each) for each in value)
    check_questions(questions)
    return questions


def _question_of(value: object) -> Question:
    if not isinstance(value, Mapping):
        raise ValueError("a question is an object with id, text and kind")
    if unknown := sorted(str(name) for name in value if name not in _FIELDS):
        raise ValueError(f"a question has no {unknown[0]!r} (known: {', '.join(sorted(_FIELDS))})")
    texts = {name: value.get(name, "") for name in ("id", "text")}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise ValueError(f"{name} of a question is text, not {text!r}")
    required, choices = value.get("required", False), value.get("choices", ())
    if not isinstance(required, bool):
        raise ValueError(f"question {texts['id']}: required is true or false")
    if not isinstance(choices, list | tuple) or not all(isinstance(choice, str) for choice in choices):
        raise ValueError(f"question {texts['id']}: choices are a list of texts")
    kind, word = None, value.get("kind", QuestionKind.TEXT.value)
    for member in QuestionKind:
        kind = member if member.value == word else kind
    if kind is None:
        known = ", ".join(member.value for member in QuestionKind)
        raise ValueError(f"question {texts['id']}: {word!r} is no kind: {known}")
    return Question(**texts, kind=kind, required=required, choices=tuple(choices))


def check_questions(questions: Sequence[Question]) -> None:
    """Refuse too many questions, and two of one id.

    Raises:
        ValueError: which of the two.
    """
    if len(questions) > MOST_QUESTIONS:
        raise ValueError(f"{len(questions)} questions are more than {MOST_QUESTIONS}")
    seen = set[str]()
    for question in questions:
        if question.id in seen:
            raise ValueError(f"the question {question.id} is there twice")
        seen.add(question.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A version of a script, as stored; it never changes.

    Attributes:
        version: 1 or more.
        body: what is read out, with fields of the contact in Jinja2's notation.
        created_at: aware.
    """

    name: str
    version: int
    body: str
    questions: tuple[Question, ...] = ()
    author: str
    created_at: datetime


def check_script(name: str, body: str, questions: Sequence[Question]) -> None:
    """Refuse what is no script, as far as can be told without filling it in.

    Raises:
        ValueError: what is wrong with it.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a script: letters, digits, - and _, 64 at most")
    if not body.strip():
        raise ValueError("the script is empty")
    if len(body) > LONGEST_BODY:
        raise ValueError(f"the script has {len(body)} characters, more than {LONGEST_BODY}")
    check_questions(questions)


# --- answers ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers that were looked at.

    Attributes:
        values: what may be recorded, by question, as plain values: text, number, true or false, list of
            texts, date as ``2026-12-31``. Unanswered questions are left out.
        errors: what is wrong with the others, by question.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


def check_answers(questions: Sequence[Question], given: Mapping[str, object], *, complete: bool) -> Answers:
    """Look at answers; each is taken as its question's kind, also where it came as text.

    Args:
        questions: of the very version that was read.
        given: by question; None and empty text stand for no answer.
        complete: the required questions must be answered.
    """
    values: dict[str, Any] = {}
    unknown = sorted(given.keys() - {question.id for question in questions})
    errors = dict.fromkeys(unknown, "there is no such question")
    for question in questions:
        answer = given.get(question.id)
        if isinstance(answer, str):
            answer = answer.strip()
        if answer is None or answer in ("", [], ()):
            if complete and question.required:
                errors[question.id] = "needs an answer"
            continue
        try:
            values[question.id] = _READERS[question.kind](question, answer)
        except ValueError as error:
            errors[question.id] = str(error)
    return Answers(values, errors)


def _text(_question: Question, answer: object) -> str:
    if not isinstance(answer, str):
        raise ValueError("is to be a text")
    if len(answer) > LONGEST_ANSWER:
        raise ValueError(f"has {len(answer)} characters, more than {LONGEST_ANSWER}")
    return answer


def _number(_question: Question, answer: object) -> int | float:
    wrong = ValueError("is to be a number, as 12 or 12.5")
    if isinstance(answer, bool) or not isinstance(answer, int | float | str):
        raise wrong
    try:
        number = float(answer.replace(",", ".", 1) if isinstance(answer, str) else answer)
    except (ValueError, OverflowError):
        raise wrong from None
    if not math.isfinite(number) or abs(number) > _LARGEST_NUMBER:
        raise wrong
    return int(number) if number.is_integer() else number


_YES: Final = frozenset({"yes", "y", "true", "1", "si", "sì", "s"})
_NO: Final = frozenset({"no", "n", "false", "0"})


def _yes_no(_question: Question, answer: object) -> bool:
    if isinstance(answer, bool):
        return answer
    word = answer.lower() if isinstance(answer, str) else ""
    if word not in _YES | _NO:
        raise ValueError("is to be yes or no")
    return word in _YES


def _choice(question: Question, answer: object) -> str:
    if not isinstance(answer, str) or answer not in question.choices:
        raise ValueError(f"is to be one of: {', '.join(question.choices)}")
    return answer


def _several(question: Question, answer: object) -> list[str]:
    items = [answer] if isinstance(answer, str) else answer
    if not isinstance(items, list | tuple) or not all(item in question.choices for item in items):
        raise ValueError(f"is to be some of: {', '.join(question.choices)}")
    # In the order of the question, each once: the same answer is always recorded the same.
    return [choice for choice in question.choices if choice in items]


def _date(_question: Question, answer: object) -> str:
    if isinstance(answer, date) and not isinstance(answer, datetime):
        return answer.isoformat()
    try:
        return date.fromisoformat(answer if isinstance(answer, str) else "").isoformat()
    except ValueError:
        raise ValueError("is to be a date, as 2026-12-31") from None


_READERS: Final[Mapping[QuestionKind, Callable[[Question, object], Any]]] = {
    QuestionKind.TEXT: _text,
    QuestionKind.NUMBER: _number,
    QuestionKind.YES_NO: _yes_no,
    QuestionKind.CHOICE: _choice,
    QuestionKind.SEVERAL: _several,
    QuestionKind.DATE: _date,
}
