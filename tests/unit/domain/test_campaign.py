from __future__ import annotations

import dataclasses
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

import pytest

from controller.domain.campaign import Campaign, CampaignState, may_become
from controller.domain.ids import E164, AgentId, CallId, CampaignId
from controller.domain.regulation import Limit
from controller.law import IT_GARANTE_2014

DRAFT, RUNNING, PAUSED = CampaignState.DRAFT, CampaignState.RUNNING, CampaignState.PAUSED
STOPPED, FINISHED = CampaignState.STOPPED, CampaignState.FINISHED
SCHEDULED, ARCHIVED = CampaignState.SCHEDULED, CampaignState.ARCHIVED

ALLOWED = {
    (DRAFT, RUNNING),
    (DRAFT, SCHEDULED),
    (DRAFT, ARCHIVED),
    (SCHEDULED, DRAFT),
    (SCHEDULED, RUNNING),
    (SCHEDULED, STOPPED),
    (STOPPED, SCHEDULED),
    (STOPPED, ARCHIVED),
    (FINISHED, SCHEDULED),
    (FINISHED, ARCHIVED),
    (ARCHIVED, STOPPED),
    (RUNNING, PAUSED),
    (RUNNING, STOPPED),
    (RUNNING, FINISHED),
    (PAUSED, RUNNING),
    (PAUSED, STOPPED),
    (STOPPED, RUNNING),
    (FINISHED, RUNNING),
}


@pytest.mark.parametrize("wanted", CampaignState)
@pytest.mark.parametrize("state", CampaignState)
def test_a_campaign_changes_state_only_where_allowed(state: CampaignState, wanted: CampaignState) -> None:
    assert may_become(state, wanted) == ((state, wanted) in ALLOWED)


def test_a_campaign_is_lawful_unless_somebody_decides_otherwise() -> None:
    assert Campaign(id=CampaignId("spring"), caller="acme", law=IT_GARANTE_2014).override is None


def test_its_days_begin_in_its_zone_and_its_months_on_the_day_it_was_made() -> None:
    law = replace(
        IT_GARANTE_2014,
        limits=tuple(Limit(name=str(days), share=Fraction(3, 100), days=days) for days in (None, 1, 30)),
    )
    made = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)
    campaign = Campaign(
        id=CampaignId("spring"), caller="acme", law=law, zone="America/New_York", created_at=made
    )
    labels = [label for _, label in campaign.windows(datetime(2026, 11, 24, 3, 0, tzinfo=UTC))]
    assert labels == ["", "day:2026-11-23", "30d:2026-11-02"]


def test_a_campaign_cannot_be_changed_under_way() -> None:
    campaign = Campaign(id=CampaignId("spring"), caller="acme", law=IT_GARANTE_2014)

    with pytest.raises(dataclasses.FrozenInstanceError):
        campaign.override = None  # type: ignore[misc]


# --- trunks and agents


def test_calls_take_turns_on_the_trunks_and_each_call_keeps_its_own() -> None:
    campaign = Campaign(
        id=CampaignId("c"),
        caller="acme",
        law=IT_GARANTE_2014,
        dial_string="PJSIP/{digits}@{trunk}",
        trunk="PJSIP/one, PJSIP/two",
    )
    number = E164("+393470000001")
    dialed = [campaign.endpoint(CallId(f"call-{i}"), number) for i in range(100)]

    assert set(dialed) == {
        ("PJSIP/393470000001@one", "PJSIP/one"),
        ("PJSIP/393470000001@two", "PJSIP/two"),
    }
    assert 30 < dialed.count(("PJSIP/393470000001@one", "PJSIP/one")) < 70
    assert campaign.endpoint(CallId("call-1"), number) == dialed[1]


@pytest.mark.parametrize(
    ("agents", "skills", "serves"),
    [
        ("", "", True),
        ("101", "", True),
        ("102", "", False),
        ("", "german", True),
        ("", "german law", False),
        ("101 102", "german", True),
        ("102", "german", False),
    ],
)
def test_an_agent_serves_a_campaign_that_names_them_and_asks_no_more_than_they_can(
    agents: str, skills: str, serves: bool
) -> None:
    campaign = Campaign(
        id=CampaignId("c"),
        caller="acme",
        law=IT_GARANTE_2014,
        agents=frozenset(AgentId(agent) for agent in agents.split()),
        skills=frozenset(skills.split()),
    )
    assert campaign.serves(AgentId("101"), {"german", "fibre"}) is serves
