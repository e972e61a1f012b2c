from __future__ import annotations

import dataclasses

import pytest

from controller.domain.campaign import Campaign, CampaignState, may_become
from controller.domain.ids import CampaignId
from controller.domain.regulation import IT_GARANTE_2014

DRAFT, RUNNING, PAUSED = CampaignState.DRAFT, CampaignState.RUNNING, CampaignState.PAUSED
STOPPED, FINISHED = CampaignState.STOPPED, CampaignState.FINISHED

ALLOWED = {
    (DRAFT, RUNNING),
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
    campaign = Campaign(id=CampaignId("spring"), caller="acme")

    assert campaign.law is IT_GARANTE_2014
    assert campaign.override is None


def test_a_campaign_cannot_be_changed_under_way() -> None:
    campaign = Campaign(id=CampaignId("spring"), caller="acme")

    with pytest.raises(dataclasses.FrozenInstanceError):
        campaign.override = None  # type: ignore[misc]
