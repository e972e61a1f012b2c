"""Where people live, what time it is there, whether it is a holiday; and whether they may be called."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from controller.domain.campaign import Campaign
from controller.domain.contact import Habits
from controller.domain.hours import parse_hours
from controller.domain.ids import E164, CampaignId
from controller.engine.calendar import (
    Calendar,
    checked_region,
    checked_zone,
    is_holiday,
    region_of,
    zones_of,
)
from controller.errors import BadInput
from controller.law import IT_GARANTE_2014, PROFILES

MILAN, NEW_YORK = E164("+390212345678"), E164("+12125550123")
ROME = ZoneInfo("Europe/Rome")
CAMPAIGN = Campaign(id=CampaignId("spring"), caller="acme", law=IT_GARANTE_2014)


def rome(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ROME)


def test_the_zone_is_the_persons_own_then_the_numbers_then_the_campaigns() -> None:
    assert zones_of(MILAN, "", "Etc/UTC") == (ROME,)
    assert zones_of(NEW_YORK, "", "Europe/Rome") == (ZoneInfo("America/New_York"),)
    assert zones_of(NEW_YORK, "America/Denver", "Europe/Rome") == (ZoneInfo("America/Denver"),)
    assert zones_of(E164("+99912345678"), "", "Europe/Rome") == (ROME,)


def test_a_number_that_may_be_anywhere_has_every_zone_of_its_country() -> None:
    zones = zones_of(E164("+61412345678"), "", "Europe/Rome")  # an Australian mobile
    assert len(zones) > 1


def test_holidays_are_those_of_the_persons_region() -> None:
    assert is_holiday("IT")(date(2026, 12, 8))
    assert not is_holiday("IT")(date(2026, 12, 7))
    assert is_holiday("IT-MI")(date(2026, 12, 7))  # Saint Ambrose, in Milan only
    assert is_holiday("US")(date(2026, 11, 26))
    assert region_of(MILAN, Habits(), CAMPAIGN) == "IT"
    assert region_of(MILAN, Habits(region="IT-MI"), CAMPAIGN) == "IT-MI"
    assert region_of(MILAN, Habits(), replace(CAMPAIGN, region="IT-MI")) == "IT-MI"
    assert region_of(NEW_YORK, Habits(), CAMPAIGN) == "US"


@pytest.mark.parametrize("text", ["Italy", "IT-XX", "", "XX", "IT-"])
def test_a_region_nobody_knows_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="region"):
        checked_region(text)


def test_names_are_checked() -> None:
    assert checked_region(" it-mi ") == "IT-MI"
    assert checked_zone("Europe/Rome") == "Europe/Rome"
    for bad in ("Rome", "europe/nowhere", "", "../etc/passwd"):
        with pytest.raises(BadInput, match="time zone"):
            checked_zone(bad)


def test_italy_by_the_callees_clock() -> None:
    calendar = Calendar()
    assert calendar.check(CAMPAIGN, MILAN, Habits(), rome("2026-11-24 12:00")).passed
    night = calendar.check(CAMPAIGN, MILAN, Habits(), rome("2026-11-24 21:00"))
    assert not night.passed
    assert night.until == rome("2026-11-25 09:00")
    saturday = calendar.check(CAMPAIGN, MILAN, Habits(), rome("2026-11-28 20:00"))
    assert saturday.until == rome("2026-11-30 09:00")
    # Noon in Rome is six in the morning in New York.
    abroad = calendar.check(CAMPAIGN, NEW_YORK, Habits(), rome("2026-11-24 12:00"))
    assert not abroad.passed
    assert abroad.until == datetime(2026, 11, 24, 14, 0, tzinfo=UTC)


def test_the_holiday_of_a_town() -> None:
    noon = rome("2026-12-07 12:00")
    assert Calendar().check(CAMPAIGN, MILAN, Habits(), noon).passed
    assert not Calendar().check(CAMPAIGN, MILAN, Habits(region="IT-MI"), noon).passed


def test_no_phone_rings_past_the_end() -> None:
    campaign = replace(CAMPAIGN, ring_timeout=timedelta(seconds=30))
    assert Calendar().check(campaign, MILAN, Habits(), rome("2026-11-24 19:59:30")).passed
    late = Calendar().check(campaign, MILAN, Habits(), rome("2026-11-24 19:59:31"))
    assert not late.passed
    assert late.until == rome("2026-11-25 09:00")


def test_campaign_segment_and_person_only_narrow() -> None:
    campaign = replace(
        CAMPAIGN,
        hours=parse_hours("mon-sun 00:00-24:00"),
        segment_hours={"evening": parse_hours("mon-fri 18:00-23:00")},
    )
    calendar, late, evening = Calendar(), rome("2026-11-24 21:00"), rome("2026-11-24 18:30")
    assert not calendar.check(campaign, MILAN, Habits(), late).passed
    assert calendar.check(campaign, MILAN, Habits(segment="evening"), evening).passed
    assert not calendar.check(campaign, MILAN, Habits(segment="evening"), rome("2026-11-24 12:00")).passed
    assert calendar.check(campaign, MILAN, Habits(segment="unknown"), rome("2026-11-24 12:00")).passed
    own = Habits(segment="evening", hours=parse_hours("wed 18:00-19:00"))
    check = calendar.check(campaign, MILAN, own, evening)
    assert not check.passed
    assert check.until == rome("2026-11-25 18:00")


def test_where_the_zone_is_uncertain_every_one_must_be_open() -> None:
    campaign = replace(CAMPAIGN, law=PROFILES["us-ftc-tsr"])
    mobile = E164("+61412345678")
    # In Sydney it is 9 in the morning, in Perth it is 6.
    sydney = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
    assert not Calendar().check(campaign, mobile, Habits(), sydney).passed
    assert Calendar().check(campaign, mobile, Habits(zone="Australia/Sydney"), sydney).passed


def test_the_campaigns_own_beginning_and_end() -> None:
    opens, closes = rome("2026-11-24 12:00"), rome("2026-11-24 15:00")
    campaign = replace(CAMPAIGN, opens_at=opens, closes_at=closes, ring_timeout=timedelta(seconds=30))
    calendar = Calendar()
    early = calendar.check(campaign, MILAN, Habits(), opens - timedelta(seconds=1))
    assert not early.passed
    assert early.until == opens
    assert calendar.check(campaign, MILAN, Habits(), opens).passed
    assert calendar.check(campaign, MILAN, Habits(), closes - timedelta(seconds=30)).passed
    late = calendar.check(campaign, MILAN, Habits(), closes - timedelta(seconds=29))
    assert not late.passed
    assert late.until is None


def test_without_hours_in_the_law_there_are_none() -> None:
    campaign = replace(CAMPAIGN, law=PROFILES["uk-ofcom-2010"])
    assert Calendar().check(campaign, MILAN, Habits(), rome("2026-11-29 03:00")).passed
