"""Filters as text and as JSON: read back exactly, and refused with their place."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.segment import (
    DEEPEST,
    EVERYBODY,
    MOST_COMPARISONS,
    MOST_VALUES,
    All,
    AnyOf,
    Comparison,
    DaysBetween,
    Filter,
    FilterError,
    HasAny,
    Not,
    NumberBetween,
    OneOf,
    Present,
    comparisons,
)
from controller.domain.segment_json import filter_of, json_of
from controller.domain.segment_text import parse_filter
from controller.domain.segment_values import TODAY, Day
from controller.domain.segment_words import LONGEST_TEXT
from controller.domain.segment_writing import text_of
from controller.errors import BadInput
from tests.contract.segments.generators import filters

ANNA = Comparison("name", OneOf(("Anna",)))
MILAN = Comparison("attributes.province", OneOf(("MI",)))
VIP = Comparison("tags", HasAny(("vip",)))


def read_or_refused(read: Callable[[Any], Filter], value: Any) -> tuple[Filter | None, str]:
    """The filter, or the place at which it was refused."""
    try:
        return read(value), ""
    except BadInput as error:
        return None, error.place


@settings(deadline=None, max_examples=60)
@given(filters(10))
def test_what_is_written_is_read_back_as_it_was(filter_: Filter) -> None:
    assert parse_filter(text_of(filter_)) == filter_
    assert filter_of(json.loads(json.dumps(json_of(filter_)))) == filter_


@settings(deadline=None, max_examples=60)
@given(filters(4), st.data())
def test_a_text_that_was_tampered_with_is_refused_or_means_something(
    filter_: Filter, data: st.DataObject
) -> None:
    text = text_of(filter_)
    at = data.draw(st.integers(0, len(text)))
    cut = text[:at] + data.draw(st.sampled_from(["", "(", ")", '"', " not ", "\\", "\n", " 5 ", "§", ","]))
    text = cut + text[at + data.draw(st.integers(0, 3)) :]
    read, place = read_or_refused(parse_filter, text)
    assert place.startswith("filter line ") or place in ("", "filter")
    assert read is None or parse_filter(text_of(read)) == read


_plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["all", "any", "not", "field", "op", "value", "days"]) | st.text(max_size=3),
            inner | st.sampled_from(["name", "in", "is", "between", "<", "present", "tags", "attempts"]),
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=80)
@given(_plain)
def test_any_json_is_a_filter_or_is_refused_with_its_path(value: Any) -> None:
    read, place = read_or_refused(filter_of, value)
    assert read is not None or place.startswith("filter")
    assert read is None or filter_of(json_of(read)) == read


@pytest.mark.parametrize(
    ("text", "filter_"),
    [
        ("", EVERYBODY),
        ("  # nobody is left out\n", EVERYBODY),
        ("everybody", EVERYBODY),
        ("name is Anna", ANNA),
        ("name IS Anna AND province is MI", All((ANNA, MILAN))),
        ("name is Anna and province is MI or tags has vip", AnyOf((All((ANNA, MILAN)), VIP))),
        ("name is Anna and (province is MI or tags has vip)", All((ANNA, AnyOf((MILAN, VIP))))),
        ("not name is Anna and tags has vip", All((Not(ANNA), VIP))),
        ("not (name is Anna and tags has vip)", Not(All((ANNA, VIP)))),
        ("((name is Anna))", ANNA),
        ("attributes.province is MI", MILAN),
        ('province in ("MI")', MILAN),
        ("province in (MI, OR)", Comparison("attributes.province", OneOf(("MI", "OR")))),
        ("last_called is missing", Not(Comparison("last_called", Present()))),
        ("birthday on today", Comparison("birthday", DaysBetween(TODAY, TODAY))),
        ("birthday within next 1 day", Comparison("birthday", DaysBetween(TODAY, Day(away=1)))),
        ("callback between 2 days ago and in 3 days",
         Comparison("callback", DaysBetween(Day(away=-2), Day(away=3)))),
        ("attributes.x between -1 and 2.5", Comparison("attributes.x", NumberBetween(-1.0, 2.5))),
        ('attributes."a b" is "say \\"hi\\" \\\\"', Comparison("attributes.a b", OneOf(('say "hi" \\',)))),
        ('name is "present"', Comparison("name", OneOf(("present",)))),
    ],
)  # fmt: skip
def test_what_people_write(text: str, filter_: Filter) -> None:
    assert parse_filter(text) == filter_


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("name", "line 1 column 5", "the end cannot stand here (allowed: is, in (...); starts with"),
        ("name is", "line 1 column 8", "a word, or text in"),
        ("name is Anna Maria", "line 1 column 14", "'Maria' cannot stand here (allowed: and, or, or"),
        ("name is Anna and", "line 1 column 17", "a field, not, (, everybody"),
        ("name is Anna\n  or debt > 5", "line 2 column 6", "there is no field 'debt'"),
        ("(name is Anna", "line 1 column 14", "allowed: ')'"),
        ("province is not MI", "line 1 column 10", "not province is MI"),
        ("province != MI", "line 1 column 10", "not province is MI"),
        ("province in MI", "line 1 column 13", "allowed: '('"),
        ("province in (MI RM)", "line 1 column 17", "and another value, or ')'"),
        ("attempts > many", "line 1 column 12", "a number, such as 100"),
        ("attempts > 1e3", "line 1 column 12", "a number, such as 100"),
        ("attempts between 5 and 1", "line 1 column 1", "the smaller number first"),
        ("attempts < 9999999999999999", "line 1 column 1", "too large"),
        ("attempts is 3", "line 1 column 1", "attempts is a number: it cannot be asked that way"),
        ("age has vip", "line 1 column 1", "= < <= > >="),
        ("last_outcome is engaged", "line 1 column 1", "last_outcome is never 'engaged' (allowed: connected"),
        ("stage at least friend", "line 1 column 1", "contact, reached, interested, lead, customer"),
        ("last_called before yesterday", "line 1 column 20", "a day: 2026-03-01, today"),
        ("last_called before 2026-02-30", "line 1 column 20", "a day: 2026-03-01, today"),
        ("last_called before 5 days", "line 1 column 26", "'ago'"),
        ("last_called within 5 days", "line 1 column 20", "next, last"),
        ("last_called before 99999 days ago", "line 1 column 20", "more than 200 years"),
        ("last_called between today and 5 days ago", "line 1 column 1", "the first day comes after"),
        ("birthday before today", "line 1 column 1", "on, between, within"),
        ("birthday between 2026-01-01 and 2026-02-01", "line 1 column 1", "comes every year"),
        ('name is "Anna', "line 1 column 9", "the quotes are not closed"),
        ('name is "Anna\nMaria"', "line 1 column 9", "the quotes are not closed"),
        ('name is ""', "line 1 column 1", "is no value"),
        ("name is Anna;", "line 1 column 13", "';' means nothing here"),
        ('attributes."a\\\\b" is x', "line 1 column 1", "there is no field"),
        ("attributes. is x", "line 1 column 1", "there is no field"),
        ("not " * 60 + "name is Anna", "line 1 column 97", "too deep"),
        ("(" * 60 + "name is Anna" + ")" * 60, "line 1 column 25", "too deep"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_place(text: str, place: str, problem: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_filter(text, "vip.txt")
    assert caught.value.place == f"vip.txt {place}"
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("not " * DEEPEST + "name is Anna", f"{DEEPEST} at most"),
        (" and ".join(["name is Anna"] * (MOST_COMPARISONS + 1)), f"{MOST_COMPARISONS} at most"),
        (f"name in ({', '.join(['x'] * (MOST_VALUES + 1))})", f"{MOST_VALUES} at most"),
        ("x" * (LONGEST_TEXT + 1), f"{LONGEST_TEXT} at most"),
    ],
)
def test_what_is_too_large_is_refused(text: str, problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        parse_filter(text)
    largest = (MOST_COMPARISONS * "name is Anna and ").removesuffix(" and ")
    assert len(list(comparisons(parse_filter(largest)))) == MOST_COMPARISONS


NAME_IS = {"field": "name", "op": "is", "value": "Anna"}


@pytest.mark.parametrize(
    ("value", "filter_"),
    [
        ({"all": []}, EVERYBODY),
        (NAME_IS, ANNA),
        ({"all": [NAME_IS]}, ANNA),
        ({"any": [NAME_IS]}, ANNA),
        ({"field": "province", "op": "in", "value": ["MI"]}, MILAN),
        ({"field": "tags", "op": "has", "value": "vip"}, VIP),
        (
            {"field": "birthday", "op": "on", "value": {"days": 0}},
            Comparison("birthday", DaysBetween(TODAY, TODAY)),
        ),
    ],
)
def test_what_programs_send(value: object, filter_: Filter) -> None:
    assert filter_of(value) == filter_


@pytest.mark.parametrize(
    ("value", "place", "problem"),
    [
        (None, "", "None is no filter"),
        ([NAME_IS], "", "is no filter"),
        ({}, "", "no filter has the members none"),
        ({"all": [], "any": []}, "", "no filter has the members all, any"),
        ({"every": []}, "", "no filter has the members every"),
        ({"all": NAME_IS}, ".all", "is no list of filters"),
        ({"any": []}, ".any", "nobody would match"),
        ({"all": [NAME_IS, {"not": 5}]}, ".all[1].not", "5 is no filter"),
        ({"not": NAME_IS | {"sql": "1"}}, ".not", "no member 'sql'"),
        (NAME_IS | {"field": 5}, ".field", "5 is no name of a field"),
        (NAME_IS | {"field": "nome"}, "", "there is no field 'nome'"),
        (NAME_IS | {"op": "like"}, ".op", "'like' is no way to compare"),
        ({"field": "name", "op": "is"}, ".value", "needs a value"),
        (NAME_IS | {"op": "present"}, ".value", "takes no value"),
        (NAME_IS | {"op": "in"}, ".value", "'Anna' is no list"),
        (NAME_IS | {"op": "in", "value": []}, "", "compared with nothing"),
        (NAME_IS | {"op": "in", "value": ["x", 5]}, ".value[1]", "5 is no text"),
        ({"field": "attempts", "op": "<", "value": True}, ".value", "True is no number"),
        ({"field": "attempts", "op": "<", "value": 10**400}, ".value", "too large"),
        ({"field": "attempts", "op": "<", "value": float("nan")}, "", "too large"),
        ({"field": "attempts", "op": "between", "value": [1]}, ".value", "are no two ends"),
        ({"field": "callback", "op": "before", "value": "soon"}, ".value", "'soon' is no day"),
        ({"field": "callback", "op": "before", "value": {"days": 10**9}}, ".value", "more than 200 years"),
        ({"field": "callback", "op": "between", "value": ["2026-01-01", 5]}, ".value[1]", "5 is no day"),
    ],
)
def test_what_programs_must_not_send(value: object, place: str, problem: str) -> None:
    with pytest.raises(BadInput) as caught:
        filter_of(value)
    assert caught.value.place == f"filter{place}"
    assert problem in caught.value.problem


def test_json_of_any_depth_is_refused_before_it_is_walked() -> None:
    value: Any = NAME_IS
    for _ in range(5000):
        value = {"not": value}
    with pytest.raises(BadInput, match="levels deep"):
        filter_of(value)


def test_a_row_of_parts_has_two_or_more() -> None:
    for make in (All, AnyOf):
        with pytest.raises(FilterError):
            make((ANNA,))
