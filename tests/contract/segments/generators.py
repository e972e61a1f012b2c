"""Filters, and facts about contacts, drawn from so few values that they often meet."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from controller.domain.contact import Consent, Contact, Habits, NumberKind
from controller.domain.disposition import DispositionKind
from controller.domain.funnel import Stage
from controller.domain.ids import E164, CampaignId, ContactId
from controller.domain.outcome import Outcome
from controller.domain.segment import (
    TESTS,
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
    HasAll,
    HasAny,
    Not,
    NumberBetween,
    OneOf,
    Present,
    Relation,
    StartsWith,
    Test,
)
from controller.domain.segment_fields import FIELDS, WORDS, FieldKind
from controller.domain.segment_match import Facts
from controller.domain.segment_values import Day

SPRING = CampaignId("spring")
ROME = ZoneInfo("Europe/Rome")
NOW = datetime(2026, 3, 2, 10, 30, tzinfo=ROME)

_WORDS = [
    "Mi",
    "MI",
    "milano",
    "Forlì",
    "FORLÌ",
    "50%",
    "a_b",
    'say "hi"',
    "back\\slash",
    "O'Neil",
    " x",
    "or",
]
_NUMERIC = ["100", "100.5", "-3", "007", "1e2", "12.", ".5", "+5", "1,5", "١٢", "--1", "1.2.3", "-", "5\n"]
_LONG = ["999999999999999", "9999999999999999", "12345678901234567", "-99999999999.99"]
_DAYS = ["2026-03-02", "2026-03-03", "1990-03-02", "2008-02-29", "2027-01-01", "1990-12-31", "0001-01-01"]
_NO_DAYS = ["2007-02-29", "2026-02-30", "0000-01-01", "2026-3-2", "20260302", "now", "2026-03-02 10:00"]
TEXTS = (*_WORDS, *_NUMERIC, *_LONG, *_DAYS, *_NO_DAYS)
"""What lists are full of: also what looks like a number or a day and is none."""

COLUMNS = ("province", "birth_date", "debt", "Codice cliente", "città", "a.b", "[0]", "$", "it's")
_VALUES = [text for text in TEXTS if text.isprintable()] + ["m", "a", "%", "_", '"', "\\", "ì"]
_TAGS = ("vip", "VIP", "gold", 'a"b', "città", "x\\")
_NUMBERS = ("+390212345678", "+390612345678", "+390121345678", "+393471234567", "+41446681800")
_NAMES = (*FIELDS, *(f"attributes.{column}" for column in COLUMNS))

_value = st.sampled_from(_VALUES)
_number = st.sampled_from([-3.0, 0.0, 1.0, 5.0, 7.0, 17.0, 18.0, 36.0, 100.0, 100.5, 999999999999999.0])
_day = st.one_of(
    st.integers(-3, 3).map(lambda away: Day(away=away)),
    st.sampled_from([-13_149, -6_575, 365]).map(lambda away: Day(away=away)),
    st.sampled_from([date(2026, 3, 2), date(2008, 2, 29), date(1990, 3, 2), date(1, 1, 1), date.max]).map(
        lambda on: Day(on=on)
    ),
)


def _texts(field: str) -> st.SearchStrategy[tuple[str, ...]]:
    values = st.sampled_from(_values_of(field))
    return st.lists(values, min_size=1, max_size=3).map(tuple)


def _values_of(field: str) -> list[str]:
    if field in WORDS:
        return list(WORDS[field])
    if field == "number":
        return ["+39", "+3902", "+390212345678", "347", "+41"]
    return [*_TAGS, "v"] if field == "tags" else _VALUES


def _days_between(field: str) -> st.SearchStrategy[Test]:
    if FIELDS.get(field) is FieldKind.BIRTHDAY:
        ends = st.tuples(st.integers(-400, 3), st.integers(0, 400))
        return ends.map(lambda pair: DaysBetween(Day(away=pair[0]), Day(away=max(pair))))
    return st.tuples(_day, _day).filter(_in_order).map(lambda pair: DaysBetween(*pair))


def _in_order(pair: tuple[Day, Day]) -> bool:
    first, last = pair
    if first.on is not None and last.on is not None:
        return first.on <= last.on
    return first.away is None or last.away is None or first.away <= last.away


def _test(field: str, kind: type[Test]) -> st.SearchStrategy[Test]:
    if kind in (OneOf, StartsWith, Contains, HasAny, HasAll):
        return _texts(field).map(kind)
    made: dict[type[Test], st.SearchStrategy[Test]] = {
        Present: st.just(Present()),
        Compare: st.builds(Compare, st.sampled_from(Relation), _number),
        NumberBetween: st.lists(_number, min_size=2, max_size=2).map(sorted).map(lambda n: NumberBetween(*n)),
        Before: st.builds(Before, _day),
        After: st.builds(After, _day),
        AtLeast: st.sampled_from(WORDS["stage"]).map(AtLeast),
        DaysBetween: _days_between(field),
    }
    return made[kind]


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    """One question."""
    field = draw(st.sampled_from(_NAMES))
    kind = FIELDS.get(field, FieldKind.FREE)
    return Comparison(field, draw(_test(field, draw(st.sampled_from(TESTS[kind])))))


def filters(leaves: int = 6) -> st.SearchStrategy[Filter]:
    """Trees of questions."""
    return st.recursive(
        st.one_of(comparisons(), st.just(All())),
        lambda part: st.one_of(
            part.map(Not),
            st.lists(part, min_size=2, max_size=3).map(lambda parts: All(tuple(parts))),
            st.lists(part, min_size=2, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        ),
        max_leaves=leaves,
    )


def some_facts(count: int, seed: int = 1) -> tuple[Facts, ...]:
    """Contacts with ids from 1 on; the same for the same seed."""
    chance = Random(seed)
    return tuple(_facts(chance, key) for key in range(1, count + 1))


def _facts(chance: Random, key: int) -> Facts:
    contact = Contact(
        id=ContactId(key),
        campaign=SPRING,
        number=E164(chance.choice(_NUMBERS)),
        kind=chance.choice(list(NumberKind)),
        name=_text(chance),
        email=_text(chance),
        key=_text(chance),
        attributes={column: _cell(chance, column) for column in chance.sample(COLUMNS, 6)},
        tags=frozenset(chance.sample(_TAGS, chance.choice((0, 0, 1, 2)))),
        attempts=chance.choice((0, 1, 5)),
        callback_at=_time(chance),
        consent=chance.choice((None, Consent(basis=_text(chance), source=_text(chance), given_at=NOW))),
        habits=Habits(segment=_text(chance), zone=_text(chance), region=_text(chance)),
    )
    if contact.consent is not None and (given_at := _time(chance)) is not None:
        contact = replace(contact, consent=replace(contact.consent, given_at=given_at))
    said = chance.random() < 0.5
    return Facts(
        contact=contact,
        last_called=_time(chance),
        last_outcome=chance.choice((None, *Outcome)),
        stage=chance.choice(list(Stage)),
        disposition=chance.choice(_VALUES) if said else "",
        disposition_kind=chance.choice(list(DispositionKind)).value if said else "",
    )


def _text(chance: Random) -> str:
    return chance.choice(TEXTS) if chance.random() < 0.8 else ""


def _cell(chance: Random, column: str) -> str:
    """What a column holds is mostly of its kind."""
    fit = {"birth_date": (*_DAYS, *_NO_DAYS), "debt": (*_NUMERIC, *_LONG)}.get(column)
    return chance.choice(fit) if fit and chance.random() < 0.8 else _text(chance)


def _time(chance: Random) -> datetime | None:
    """Never, about midnight, or some time."""
    if chance.random() < 0.3:
        return None
    midnight = datetime(2026, 3, chance.choice((1, 2, 3)), tzinfo=ROME).astimezone(UTC)
    about = timedelta(microseconds=chance.choice((-1, 0, 1)))
    return midnight + chance.choice((about, timedelta(seconds=chance.randrange(-(10**7), 10**7))))
