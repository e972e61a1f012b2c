"""What a campaign's manager may decide, in JSON and in a command's words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.domain.campaign import Campaign, CampaignState, ListOrder
from controller.domain.dialing_plan import SegmentShare
from controller.domain.ids import AgentId, CampaignId
from controller.domain.outcome import Outcome
from controller.engine.campaign_fields import FIELDS, changed, differences, fixed_now, shown
from controller.errors import BadInput
from controller.law import IT_GARANTE_2014

BASE = Campaign(id=CampaignId("spring"), caller="Acme", law=IT_GARANTE_2014)

OTHERS: dict[str, Any] = {
    "caller": "Beta",
    "caller_number": "+390212345678",
    "caller_number_answers": True,
    "dial_string": "Local/{digits}@from-internal",
    "trunk": "Local/from-internal",
    "mode": "progressive",
    "overdial": 2.5,
    "preview_timeout": 90.0,
    "ring_timeout": 25.0,
    "take_back_after": 8.0,
    "wrap_up": 0.0,
    "calls_per_second": 3.5,
    "max_lines": 7,
    "max_attempts": 9,
    "retry": {"busy": 60.0, "no-answer": 7200.0},
    "per_day": 2,
    "per_week": 5,
    "other_number_after": 90.0,
    "change_part_of_day": True,
    "zone": "America/New_York",
    "region": "IT-MI",
    "hours": "mon-fri 10:00-13:00",
    "segment_hours": {"seniors": "mon-fri 10:00-12:00"},
    "opens_at": "2026-12-01T08:00:00Z",
    "closes_at": "2026-12-24T18:00:00Z",
    "message": "acme/sorry",
    "segments": [{"segment": "vip", "weight": 2, "priority": 1}],
    "order": "newest-first",
    "agents": ["101", "102"],
    "skills": ["german"],
    "script": "welcome",
    "dispositions": [{"code": "yes", "label": "S\u00ec", "kind": "lead", "key": "1"}],
}


def test_every_field_is_told_back_as_it_was_given() -> None:
    assert OTHERS.keys() == FIELDS.keys()

    told = shown(changed(BASE, OTHERS))

    assert told | {"retry": None} == OTHERS | {"retry": None}
    assert told["retry"].items() >= OTHERS["retry"].items()
    assert json.loads(json.dumps(told)) == told
    assert changed(BASE, told) == changed(BASE, OTHERS)


@pytest.mark.parametrize("name", FIELDS)
def test_each_difference_is_named_with_both_values(name: str) -> None:
    after = changed(BASE, {name: OTHERS[name]} | ({"zone": "America/New_York"} if name == "zone" else {}))

    assert differences(BASE, after).keys() == {name}
    assert differences(BASE, after)[name]["from"] == shown(BASE)[name]
    assert differences(BASE, BASE) == {}


def test_a_command_line_says_the_same_in_words() -> None:
    campaign = changed(
        BASE,
        {
            "opens_at": "2026-12-01 09:00",
            "retry": "busy=20m; no-answer=1.5h; rejected=never",
            "segments": "vip:2@10, rest",
            "segment_hours": "seniors=mon-fri 10:00-12:00; shops=mon-sat 15:00-18:00",
            "agents": "101, 102",
            "max_lines": "12",
            "change_part_of_day": "yes",
            "per_day": "none",
            "order": "fresh-first",
        },
    )

    assert campaign.opens_at == datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
    assert campaign.retry.pauses[Outcome.BUSY] == timedelta(minutes=20)
    assert campaign.retry.pauses[Outcome.NO_ANSWER] == timedelta(minutes=90)
    assert Outcome.REJECTED not in campaign.retry.pauses
    assert campaign.retry.pauses[Outcome.UNREACHABLE] == BASE.retry.pauses[Outcome.UNREACHABLE]
    assert campaign.dialing == (
        SegmentShare(segment="vip", weight=2, priority=10),
        SegmentShare(segment="rest"),
    )
    assert campaign.segment_hours.keys() == {"seniors", "shops"}
    assert campaign.agents == {AgentId("101"), AgentId("102")}
    assert (campaign.max_lines, campaign.retry.per_day, campaign.order) == (12, None, ListOrder.FRESH_FIRST)


def test_times_are_by_the_clock_of_the_zone_that_is_set_with_them() -> None:
    campaign = changed(BASE, {"opens_at": "2026-12-01 09:00", "zone": "America/New_York"})

    assert campaign.opens_at == datetime(2026, 12, 1, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("colour", "red", "is nothing that a campaign has"),
        ("caller", "", "cannot be used"),
        ("caller", "a:b", "cannot be used"),
        ("caller_number", "Acme", "3 to 15 digits"),
        ("dial_string", "PJSIP/trunk", "dials no contact"),
        ("dial_string", "PJSIP/{number}{digits}@t", "dials no contact"),
        ("dial_string", "PJSIP/{number.real}@t", "dials no contact"),
        ("dial_string", "PJSIP/{number}@{0}", "dials no contact"),
        ("trunk", "trunk", "such as PJSIP/trunk"),
        ("trunk", "PJSIP/a,PJSIP/b", "where one of several trunks goes"),
        ("mode", "magic", "is no mode: preview, progressive, predictive"),
        ("take_back_after", 3, "a phone rings 5 s at least"),
        ("overdial", 0.9, "no number from 1 to 10"),
        ("overdial", True, "no number"),
        ("preview_timeout", 4.9, "no number from 5 to 600"),
        ("preview_timeout", 601, "no number from 5 to 600"),
        ("overdial", "NaN", "no number"),
        ("max_lines", 2.5, "no whole number"),
        ("max_lines", 0, "no number from 1"),
        ("retry", {"silent": 60}, "no outcome that may be tried again"),
        ("retry", {"connected": 60}, "no outcome that may be tried again"),
        ("retry", "busy", "such as busy=20m"),
        ("retry", {"busy": "a while"}, "no time up to"),
        ("per_week", 51, "no number from 1 to 50"),
        ("zone", "Rome", "no time zone"),
        ("region", "IT-XX", "no part"),
        ("hours", "mon 25:00-26:00", "25:00"),
        ("opens_at", "tomorrow", "no time"),
        ("segments", "vip:0", "no number from 1"),
        ("segments", "vip,vip", "more than one share"),
        ("segments", [{"segment": "vip", "share": 3}], "cannot be used"),
        ("order", "random", "no order"),
        ("agents", "1 2", "extensions"),
        ("dispositions", [], "1 to"),
        ("caller_number_answers", "maybe", "neither true nor false"),
        ("closes_at", "2020-01-01 09:00", "is not after opens_at"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(name: str, value: object, why: str) -> None:
    base = changed(BASE, {"opens_at": "2026-12-01 09:00"})

    with pytest.raises(BadInput) as refused:
        changed(base, {name: value})

    assert refused.value.place in (name, "dial_string")
    assert why in str(refused.value)


def test_what_counts_hang_on_is_fixed_once_a_campaign_has_run() -> None:
    changes = {"caller": 1, "zone": 1, "max_lines": 1}

    assert fixed_now(CampaignState.DRAFT, changes) == []
    assert fixed_now(CampaignState.SCHEDULED, changes) == []
    for state in set(CampaignState) - {CampaignState.DRAFT, CampaignState.SCHEDULED}:
        assert fixed_now(state, changes) == ["caller", "zone"]
