from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from controller.domain.campaign import Campaign
from controller.domain.clearance import (
    CheckName,
    OptOut,
    RegisterCheck,
    Standing,
    caller_id_check,
    consent_check,
    contact_check,
    first_failed,
    opt_out_check,
    register_check,
    scopes,
    standing_checks,
)
from controller.domain.contact import Consent, Contact
from controller.domain.fitness import unlawful
from controller.domain.ids import E164, CampaignId, ContactId
from controller.domain.regulation import Played
from controller.law import IT_GARANTE_2014
from tests.fakes.law import LAX

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LAW = IT_GARANTE_2014
CONSENT = Consent(basis="consent", source="form 7", given_at=NOW - DAY)
CONTACT = Contact(id=ContactId(1), campaign=CampaignId("spring"), number=E164("+390299990001"))
LISTED = OptOut(
    scope="*", number=CONTACT.number, number_hash="h", reason="asked", source="", author="anna", added_at=NOW
)


def checked(age: timedelta, *, opposed: bool = False) -> RegisterCheck:
    return RegisterCheck(number_hash="h", checked_at=NOW - age, opposed=opposed, source="rpo.csv")


def campaign(**changes: object) -> Campaign:
    made = Campaign(
        id=CampaignId("spring"),
        caller="acme",
        law=LAW,
        caller_number="+390212345678",
        caller_number_answers=True,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_italy_calls_nobody_without_a_basis() -> None:
    assert not consent_check(None, campaign(), NOW).passed
    assert consent_check(CONSENT, campaign(), NOW).passed
    assert consent_check(None, campaign(law=LAX), NOW).passed


def test_consent_that_is_still_to_come_is_none() -> None:
    check = consent_check(replace(CONSENT, given_at=NOW + DAY), campaign(law=LAX), NOW)
    assert not check.passed
    assert check.until == NOW + DAY


def test_whoever_is_on_a_list_is_not_called_under_any_law() -> None:
    check = opt_out_check(Standing(opt_outs=[LISTED]), campaign())
    assert not check.passed
    assert check.until is None
    assert "asked" in check.why
    assert opt_out_check(Standing(), campaign()).passed


@pytest.mark.parametrize(
    ("found", "passed"),
    [
        (None, False),
        (checked(timedelta(0)), True),
        (checked(15 * DAY), True),
        (checked(15 * DAY + timedelta(microseconds=1)), False),
        (checked(DAY, opposed=True), False),
        (checked(99 * DAY, opposed=True), False),
        (checked(-DAY), False),
    ],
)
def test_the_register_must_have_been_asked_within_fifteen_days(
    found: RegisterCheck | None, passed: bool
) -> None:
    assert register_check(found, campaign(), NOW).passed is passed


def test_without_a_register_in_the_law_only_an_opposition_counts() -> None:
    assert register_check(None, campaign(law=LAX), NOW).passed
    assert not register_check(checked(DAY, opposed=True), campaign(law=LAX), NOW).passed


@pytest.mark.parametrize(
    ("number", "answers", "passed"),
    [
        ("", False, False),
        ("", True, False),
        ("+390212345678", False, False),
        ("+390212345678", True, True),
        ("+390843123456", False, True),
        ("+390844123456", False, True),
        ("+390845123456", False, False),
    ],
)
def test_italy_wants_a_number_that_is_answered_or_of_the_ranges_set_aside(
    number: str, answers: bool, passed: bool
) -> None:
    check = caller_id_check(campaign(caller_number=number, caller_number_answers=answers))
    assert check.passed is passed


def test_elsewhere_the_number_may_be_left_to_the_trunk() -> None:
    assert caller_id_check(campaign(law=LAX, caller_number="", caller_number_answers=False)).passed


def test_a_contact_is_called_when_it_is_due_and_not_done() -> None:
    assert contact_check(CONTACT, done=False, now=NOW).passed
    assert not contact_check(CONTACT, done=True, now=NOW).passed
    later = contact_check(replace(CONTACT, due_at=NOW + DAY), done=False, now=NOW)
    assert not later.passed
    assert later.until == NOW + DAY
    assert contact_check(replace(CONTACT, due_at=NOW), done=False, now=NOW).passed


def test_the_first_failure_is_the_reason() -> None:
    checks = standing_checks(Standing(opt_outs=[LISTED], register=None), None, campaign(), NOW)
    assert [check.name for check in checks] == [CheckName.CONSENT, CheckName.OPT_OUT, CheckName.REGISTER]
    failed = first_failed(checks)
    assert failed is not None
    assert failed.name is CheckName.CONSENT
    assert first_failed(standing_checks(Standing(register=checked(DAY)), CONSENT, campaign(), NOW)) is None


def test_a_campaign_is_bound_by_its_own_list_its_callers_and_everybodys() -> None:
    assert scopes("acme", "spring") == ("*", "caller:acme", "campaign:spring")


def test_a_campaign_that_cannot_keep_its_law_is_told_why() -> None:
    assert unlawful(campaign()) == ()
    (nothing_shown,) = unlawful(campaign(caller_number=""))
    assert "caller_number" in nothing_shown
    slow = replace(LAW, ring_at_least=timedelta(seconds=15))
    (too_short,) = unlawful(campaign(law=slow, ring_timeout=timedelta(seconds=14)))
    assert "15 s" in too_short
    assert unlawful(campaign(law=slow, ring_timeout=timedelta(seconds=15))) == ()
    speaks = replace(LAW, played=Played.MESSAGE)
    assert len(unlawful(campaign(law=speaks))) == 1
    assert unlawful(campaign(law=speaks, message="sorry")) == ()
