"""What filters mean, by example."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers.geodata import GEOCODE_DATA

from controller.domain.contact import Consent, Contact, Habits, NumberKind
from controller.domain.funnel import Stage
from controller.domain.ids import E164, CampaignId, ContactId
from controller.domain.outcome import Outcome
from controller.domain.segment import TESTS
from controller.domain.segment_areas import AREA_CODES, area_of
from controller.domain.segment_fields import FIELDS, WORDS, FieldKind
from controller.domain.segment_match import Facts, matches
from controller.domain.segment_text import parse_filter
from controller.domain.segment_values import Day, age, birthdays, folded, midnight, number_in

ROME = ZoneInfo("Europe/Rome")
NOW = datetime(2026, 3, 2, 10, 30, tzinfo=ROME)

ANNA = Facts(
    contact=Contact(
        id=ContactId(1),
        campaign=CampaignId("spring"),
        number=E164("+390212345678"),
        kind=NumberKind.WORK,
        name="Anna Forlì",
        email="anna@example.com",
        key="A-17",
        tags=frozenset({"VIP", "web"}),
        attributes={
            "province": "MI",
            "birth_date": "1990-03-05",
            "debt": "150.50",
            "contract_end": "2026-03-31",
            "note": "",
        },
        attempts=2,
        callback_at=datetime(2026, 3, 2, 15, 0, tzinfo=ROME),
        consent=Consent(basis="contract", source="no. 5", given_at=datetime(2024, 5, 1, tzinfo=UTC)),
        habits=Habits(segment="private", region="IT-MI", zone="Europe/Rome"),
    ),
    last_called=datetime(2026, 2, 27, 23, 30, tzinfo=UTC),  # in Rome it is the 28th
    last_outcome=Outcome.NO_ANSWER,
    stage=Stage.INTERESTED,
    disposition="Offer",
    disposition_kind="interested",
)
NOBODY = Facts(contact=Contact(id=ContactId(2), campaign=CampaignId("spring"), number=E164("+393471234567")))


@pytest.mark.parametrize(
    "text",
    [
        "everybody",
        "number starts with +3902",
        "kind is work",
        "area in (MI, RM)",
        "name contains ANNA",
        "email is present and key is a-17",
        "tags has vip and tags has all (web, Vip) and not tags has any (gold, silver)",
        "segment is private and region is IT-MI and zone is Europe/Rome",
        'consent is contract and consent_source is "no. 5" and consent_at before 365 days ago',
        "province is mi and province starts with m",
        "attributes.debt >= 150.5 and attributes.debt between 100 and 150.5 and not attributes.debt = 150",
        "attributes.contract_end within next 30 days and attributes.contract_end after 2026-03-30",
        "not attributes.contract_end within next 28 days",
        "age = 35 and birthday within next 3 days and not birthday within next 2 days",
        "attempts > 1 and attempts <= 2",
        "last_called on 2026-02-28 and last_called before 1 day ago and last_called within last 2 days",
        "last_outcome in (busy, no-answer)",
        "disposition is offer and disposition_kind is interested",
        "stage at least reached and stage is interested and not stage at least lead",
        "callback is present and callback on today",
        "not attributes.note is present and not attributes.nothing is present",
    ],
)
def test_anna_is_found_by_what_she_is(text: str) -> None:
    assert matches(parse_filter(text), ANNA, NOW)


@pytest.mark.parametrize(
    "field", [field for field in FIELDS if field not in ("number", "kind", "attempts", "stage")]
)
@pytest.mark.parametrize("negated", [False, True])
def test_of_whom_nothing_is_known_nothing_is_true(field: str, negated: bool) -> None:
    filter_ = parse_filter(f"{'not ' if negated else ''}{field} is present")
    assert matches(filter_, NOBODY, NOW) is negated
    assert matches(filter_, ANNA, NOW) is not negated


@pytest.mark.parametrize("text", ["age < 99", "attributes.debt < 5", "last_called before today", "name is x"])
def test_what_is_missing_compares_with_nothing(text: str) -> None:
    assert not matches(parse_filter(text), NOBODY, NOW)
    assert matches(parse_filter(f"not {text}"), NOBODY, NOW)


def test_days_are_those_of_the_clock_that_now_is_read_from() -> None:
    at_home, in_utc = parse_filter("last_called on 2026-02-28"), parse_filter("last_called on 2026-02-27")
    assert matches(at_home, ANNA, NOW)
    assert not matches(at_home, ANNA, NOW.astimezone(UTC))
    assert matches(in_utc, ANNA, NOW.astimezone(UTC))


@pytest.mark.parametrize(
    ("born", "today", "years"),
    [
        (date(1990, 3, 2), date(2026, 3, 1), 35),
        (date(1990, 3, 2), date(2026, 3, 2), 36),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
        (date(2026, 3, 2), date(2026, 3, 2), 0),
        (date(2026, 3, 3), date(2026, 3, 2), None),
    ],
)
def test_age(born: date, today: date, years: int | None) -> None:
    assert age(born, today) == years


@settings(deadline=None, max_examples=80)
@given(st.dates(date(1950, 1, 1), date(2020, 1, 1)), st.dates(date(2021, 1, 1), date(2030, 1, 1)))
def test_a_birthday_is_the_day_on_which_the_age_grows(born: date, today: date) -> None:
    older = age(born, today) != age(born, today - timedelta(days=1))
    assert (f"{born:%m-%d}" in birthdays(today, today)) is older


def test_within_a_year_everybody_has_a_birthday() -> None:
    assert len(birthdays(date(2026, 3, 2), date(2027, 3, 1))) == 366
    assert len(birthdays(date(2026, 1, 1), date(2099, 1, 1))) == 366
    assert birthdays(date(2026, 2, 28), date(2026, 3, 1)) == {"02-28", "02-29", "03-01"}
    assert birthdays(date(2028, 2, 28), date(2028, 2, 28)) == {"02-28"}


@pytest.mark.parametrize(
    "text", ["", "-", "1.", ".5", "1e5", "+5", " 5", "5 ", "1,5", "0x1", "١", "1" * 17, "nan"]
)
def test_what_is_no_number(text: str) -> None:
    assert number_in(text) is None


def test_what_is_a_number() -> None:
    assert [number_in(text) for text in ("0", "-3.50", "007", "9" * 15)] == [
        0.0,
        -3.5,
        7.0,
        999999999999999.0,
    ]


def test_only_plain_letters_are_folded() -> None:
    assert folded("FORLÌ Ångström İ") == "forlÌ Ångström İ"
    assert len(folded("İ")) == 1  # lower() would make two of it


def test_days_beyond_the_calendar_are_its_ends() -> None:
    assert Day(away=73_000).when(date(9999, 1, 1)) == date.max
    assert Day(away=-73_000).when(date(2, 1, 1)) == date.min
    assert midnight(date.min, NOW) < midnight(date.max, NOW)


def test_the_area_codes_are_those_of_the_numbering_plan() -> None:
    """As libphonenumber knows it; four of its codes are shorter than ours, or no province's."""
    known = {f"+{prefix}" for prefix in GEOCODE_DATA if prefix.startswith("390")}
    ours = [code for codes in AREA_CODES.values() for code in codes]
    assert len(ours) == len(set(ours))
    assert not [(a, b) for a in ours for b in ours if a != b and b.startswith(a)]
    unknown = {code for code in known if not code.startswith(tuple(ours))}
    assert unknown == {"+39013", "+39033", "+39048", "+390549"}  # the last is San Marino
    assert {code for code in ours if code not in known} == {"+390131", "+390481"}


@pytest.mark.parametrize(
    ("number", "area"),
    [
        ("+390212345", "MI"),
        ("+3901211234", "TO"),
        ("+39011123456", "TO"),
        ("+393401234567", None),
        ("+4121", None),
    ],
)
def test_the_area_of_a_number(number: str, area: str | None) -> None:
    assert area_of(number) == area


def test_every_kind_of_field_has_questions_and_every_word_field_its_words() -> None:
    assert set(TESTS) == set(FieldKind)
    worded = {field for field, kind in FIELDS.items() if kind in (FieldKind.WORD, FieldKind.STAGE)}
    assert worded == set(WORDS)
