"""The shipped profiles: what they say, and that every value has its source."""

from __future__ import annotations

import time
from dataclasses import fields
from datetime import timedelta
from fractions import Fraction
from importlib.resources import files

import pytest

from controller.domain.hours import written
from controller.domain.law_document import digest, document
from controller.domain.regulation import CallerIdRule, Denominator, Limit, Played, RegisterRule, Regulation
from controller.law import IT_GARANTE_2014, PROFILES
from controller.law.comparison import RULES, looser
from controller.law.reading import read_shipped
from controller.law.words import plain_words

LAWS = list(PROFILES.values())


def test_italy_s_numbers() -> None:
    law = IT_GARANTE_2014
    assert law.limits == (
        Limit(name="campaign", share=Fraction(3, 100)),
        Limit(name="day", share=Fraction(4, 100), days=1),
    )
    assert all(limit.denominator is Denominator.SUCCESSES for limit in law.limits)
    assert (law.cut_after, law.hang_up_after, law.dead_man_after, law.noise_within) == (
        timedelta(seconds=3),
        timedelta(seconds=2.7),
        timedelta(seconds=2.8),
        timedelta(seconds=0.2),
    )
    assert law.played is Played.NOISE
    assert law.leave_alone == timedelta(days=5)
    assert law.operator_guaranteed
    assert law.consent_required
    assert law.hours is not None
    assert written(law.hours) == "mon-fri 09:00-20:00; sat,eve 10:00-19:00"
    assert law.caller_id == CallerIdRule(
        required=True, free_prefixes=("+390843", "+390844"), must_answer=True
    )
    assert law.register == RegisterRule(name="RPO", max_age=timedelta(days=15))
    assert law.retention == timedelta(days=731)
    assert not law.superseded


def test_america_s_numbers() -> None:
    law = PROFILES["us-ftc-tsr"]
    assert [(each.share, each.denominator, each.days) for each in law.limits] == [
        (Fraction(3, 100), Denominator.ANSWERED, 30)
    ]
    assert law.played is Played.MESSAGE
    assert law.cut_after == timedelta(seconds=2)
    assert law.ring_at_least == timedelta(seconds=15)
    assert law.leave_alone == timedelta(0)
    assert law.hours is not None
    assert written(law.hours) == "mon-sun,holiday 08:00-21:00"
    assert law.register is not None
    assert law.register.max_age == timedelta(days=31)


def test_britain_s_old_numbers_are_marked_as_superseded() -> None:
    law = PROFILES["uk-ofcom-2010"]
    assert "2016" in law.superseded
    assert [(each.share, each.denominator, each.days) for each in law.limits] == [
        (Fraction(3, 100), Denominator.ANSWERED, 1)
    ]
    assert law.leave_alone == timedelta(hours=72)
    assert law.ring_at_least == timedelta(seconds=15)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_every_value_has_a_source(law: Regulation) -> None:
    needed = set(RULES) - {"country", "superseded", "limits"}
    needed |= {f"limits.{limit.name}" for limit in law.limits} if "limits" not in law.sources else set()
    assert needed <= set(law.sources)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_no_profile_claims_to_see_to_everything(law: Regulation) -> None:
    said = [words for words in plain_words(law) if words.startswith("does not cover: ")]
    assert len(said) == len(law.not_covered) > 2


def test_every_field_that_demands_something_is_compared() -> None:
    about = {"name", "title", "extends", "sources", "not_covered", "override"}
    assert {field.name for field in fields(Regulation)} - about == set(RULES)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_a_profile_is_not_looser_than_itself_and_digests_are_stable(law: Regulation) -> None:
    text = (files("controller.law") / "profiles" / f"{law.name}.toml").read_text("utf-8")
    again = read_shipped(text, f"{law.name}.toml")
    assert again == law
    assert looser(again, law) == ()
    assert digest(again) == digest(law)
    assert document(law)["name"] == law.name


def test_no_two_profiles_have_one_digest() -> None:
    assert len({digest(law) for law in LAWS}) == len(LAWS) == 3


def test_italy_is_in_words() -> None:
    words = plain_words(IT_GARANTE_2014)
    assert "enforced: at most 3 silent per 100 calls that reached an agent, in the whole campaign" in words
    assert "enforced: calls mon-fri 09:00-20:00; sat,eve 10:00-19:00 by the callee's clock" in words
    assert "enforced: a number is left alone for 5 days after a silent call" in words
    assert any("consent is valid" in each for each in words)


def test_reading_them_is_quick() -> None:
    text = (files("controller.law") / "profiles" / "it-garante-2014.toml").read_text("utf-8")
    least = min(_seconds(text) for _ in range(5))
    assert least < 0.03


def _seconds(text: str) -> float:
    begun = time.perf_counter()
    read_shipped(text, "it-garante-2014.toml")
    return time.perf_counter() - begun
