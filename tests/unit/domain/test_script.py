import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.script import (
    LONGEST_ANSWER,
    LONGEST_BODY,
    MOST_QUESTIONS,
    Question,
    QuestionKind,
    check_answers,
    check_script,
    questions_from_json,
)

NAME = Question(id="name", text="Your name?", required=True)
ROOMS = Question(id="rooms", text="How many rooms?", kind=QuestionKind.NUMBER)
OWN = Question(id="own", text="Is it yours?", kind=QuestionKind.YES_NO)
KIND = Question(id="kind", text="Which?", kind=QuestionKind.CHOICE, choices=("house", "flat"))
PARTS = Question(id="parts", text="What of it?", kind=QuestionKind.SEVERAL, choices=("roof", "door", "gate"))
WHEN = Question(id="when", text="Since when?", kind=QuestionKind.DATE)
ALL = (NAME, ROOMS, OWN, KIND, PARTS, WHEN)


@pytest.mark.parametrize(
    ("question", "given", "recorded"),
    [
        (NAME, " Ada ", "Ada"),
        (ROOMS, "3", 3),
        (ROOMS, 3.0, 3),
        (ROOMS, "2,5", 2.5),
        (ROOMS, "-1e3", -1000),
        (OWN, True, True),
        (OWN, "Sì", True),
        (OWN, "no", False),
        (KIND, "flat", "flat"),
        (PARTS, ["gate", "roof", "gate"], ["roof", "gate"]),
        (PARTS, "door", ["door"]),
        (WHEN, "2026-02-28", "2026-02-28"),
        (WHEN, date(2024, 2, 29), "2024-02-29"),
    ],
)
def test_answers_are_taken_as_their_kind(question: Question, given: object, recorded: object) -> None:
    found = check_answers([question], {question.id: given}, complete=False)
    assert found.errors == {}
    assert found.values == {question.id: recorded}
    again = check_answers([question], found.values, complete=True)
    assert (again.values, again.errors) == (found.values, {})


@pytest.mark.parametrize(
    ("question", "given"),
    [
        (NAME, 3),
        (NAME, "x" * (LONGEST_ANSWER + 1)),
        (ROOMS, "three"),
        (ROOMS, "nan"),
        (ROOMS, "inf"),
        (ROOMS, 10**400),
        (ROOMS, "1e99"),
        (ROOMS, True),
        (ROOMS, "1,2,3"),
        (OWN, "maybe"),
        (OWN, 1),
        (KIND, "castle"),
        (KIND, ["flat"]),
        (PARTS, ["roof", "cellar"]),
        (PARTS, [["roof"]]),
        (PARTS, {"roof": 1}),
        (WHEN, "29/02/2024"),
        (WHEN, "2023-02-29"),
        (WHEN, datetime(2024, 2, 29, tzinfo=UTC)),
        (WHEN, 20240229),
    ],
)
def test_what_is_no_answer_is_told_by_its_question(question: Question, given: object) -> None:
    found = check_answers([question], {question.id: given}, complete=False)
    assert list(found.errors) == [question.id]
    assert found.values == {}


def test_each_error_is_told_and_the_right_answers_too() -> None:
    given = {"rooms": "many", "own": "yes", "castle": "x", "kind": ""}
    found = check_answers(ALL, given, complete=True)
    assert found.values == {"own": True}
    assert found.errors == {
        "castle": "there is no such question",
        "name": "needs an answer",
        "rooms": "is to be a number, as 12 or 12.5",
    }


def test_only_a_complete_conversation_needs_what_is_required() -> None:
    assert check_answers(ALL, {}, complete=False).errors == {}
    nothings: tuple[object, ...] = (None, "", "  ", [], ())
    for nothing in nothings:
        assert list(check_answers(ALL, {"name": nothing}, complete=True).errors) == ["name"]


ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*(each.id for each in ALL), "other"]), ANSWERS), st.booleans())
def test_whatever_is_given_each_question_has_a_value_or_an_error_or_neither(
    given: dict[str, object], complete: bool
) -> None:
    found = check_answers(ALL, given, complete=complete)
    assert not found.values.keys() & found.errors.keys()
    assert json.loads(json.dumps(found.values)) == found.values
    again = check_answers(ALL, found.values, complete=False)
    assert (again.values, again.errors) == (found.values, {})


# --- questions


def test_written_and_read_again_they_are_the_same() -> None:
    plain = [question.to_json() for question in ALL]
    assert questions_from_json(json.loads(json.dumps(plain))) == ALL


@pytest.mark.parametrize(
    ("plain", "why"),
    [
        ({}, "list"),
        ("[]", "list"),
        ([1], "object"),
        ([{"id": "A", "text": "A?"}], "no id"),
        ([{"id": "a"}], "text has"),
        ([{"id": "a", "text": 1}], "text"),
        ([{"id": "a", "text": "A?", "kind": "colour"}], "no kind"),
        ([{"id": "a", "text": "A?", "kind": ["text"]}], "no kind"),
        ([{"id": "a", "text": "A?", "required": "yes"}], "true or false"),
        ([{"id": "a", "text": "A?", "choices": ["x", "y"]}], "no choices"),
        ([{"id": "a", "text": "A?", "kind": "choice", "choices": ["x"]}], "2 to"),
        ([{"id": "a", "text": "A?", "kind": "choice", "choices": ["x", "x"]}], "twice"),
        ([{"id": "a", "text": "A?", "kind": "choice", "choices": ["x", " "]}], "characters"),
        ([{"id": "a", "text": "A?", "kind": "choice", "choices": "xy"}], "list of texts"),
        ([{"id": "a", "text": "A?", "hint": "b"}], "hint"),
        ([{"id": "a", "text": "A?"}] * 2, "twice"),
        ([{"id": f"a{i}", "text": "A?"} for i in range(MOST_QUESTIONS + 1)], "more than"),
    ],
)
def test_what_are_no_questions(plain: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        questions_from_json(plain)


@pytest.mark.parametrize(
    ("name", "body", "why"),
    [
        ("", "Hello", "no name"),
        ("a b", "Hello", "no name"),
        ("roofs", " \n", "empty"),
        ("roofs", "x" * (LONGEST_BODY + 1), "more than"),
    ],
)
def test_what_is_no_script(name: str, body: str, why: str) -> None:
    check_script("roofs", "Hello", ALL)
    with pytest.raises(ValueError, match=why):
        check_script(name, body, ALL)
