"""Leads: how far contacts came."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import Field

from controller.api.rest.ask import Ask
from controller.api.rest.models import (
    Because,
    CampaignPath,
    Model,
    Page,
    Wanted,
)
from controller.api.rest.resources.contacts import ContactPath
from controller.api.rest.resources.contacts import contact as contact_of
from controller.api.rest.routes import Resource
from controller.domain.access import Right
from controller.domain.funnel import By, FunnelLine, Stage, StageChange
from controller.ports import Authorship

leads = Resource("Leads", "How far contacts came")

StageName = Literal["contact", "reached", "interested", "lead", "customer"]


# --- the funnel -------------------------------------------------------------------------------------------


class FunnelLineView(Model):
    """How many contacts came how far."""

    label: str = Field(description="Of what, such as a segment; empty for those that have none")
    counts: Mapping[StageName, int] = Field(description="At each stage or beyond it")
    rates: Mapping[StageName, float | None] = Field(
        description="Of those at the stage before; null: there are none"
    )


class FunnelView(Model):
    """A campaign's funnel."""

    campaign: str
    by: By
    total: FunnelLineView
    lines: list[FunnelLineView]


class Division(Wanted):
    """By what a funnel is divided into lines."""

    by: By = By.NOTHING


class WantedStage(Because):
    """A stage that a person sets."""

    stage: StageName


class StageChangeView(Model):
    """A stage that a person set."""

    contact: int
    campaign: str
    before: StageName
    after: StageName
    author: str
    reason: str
    at: datetime


@leads.get("/campaigns/{campaign}/funnel", Right.SEE_DESIGN, patient=True)
async def get_funnel(ask: Ask, path: CampaignPath, query: Division) -> FunnelView:
    """How many of a campaign's contacts came how far (docs/leads.md says what is counted where)."""
    campaign = (await ask.campaign(path.campaign)).campaign.id
    found = await ask.services.outward.leads.funnel(campaign, query.by)
    return FunnelView(
        campaign=found.campaign,
        by=found.by,
        total=_line(found.total),
        lines=[_line(each) for each in found.lines],
    )


@leads.get("/campaigns/{campaign}/stage-changes", Right.SEE_DESIGN)
async def list_stage_changes(ask: Ask, path: CampaignPath) -> Page[StageChangeView]:
    """Stages that were set by hand, the last 1000, the latest first."""
    campaign = (await ask.campaign(path.campaign)).campaign.id
    found = await ask.services.outward.leads.stage_changes(campaign)
    return Page(items=[_change(each) for each in found], next=None)


@leads.post("/campaigns/{campaign}/contacts/{contact}/stage", Right.EDIT_CONTACTS)
async def set_stage(ask: Ask, path: ContactPath, body: WantedStage) -> StageChangeView | None:
    """Set a contact's stage by hand, forward or back; recorded for ever. Null: it was there already."""
    listed = await contact_of(ask, path)
    who = Authorship(author=body.author.strip(), reason=body.reason.strip(), source="API")
    stage = Stage[body.stage.upper()]
    made = await ask.services.outward.leads.set_stage(listed.contact.id, stage, who, ask.now)
    if made is None:
        return None
    told = {
        "campaign": made.campaign,
        "contact": made.contact,
        "stage": made.after.word,
        "before": made.before.word,
    }
    ask.services.feed.publish("lead.stage", told)
    return _change(made)


# --- between the two worlds -------------------------------------------------------------------------------


def _line(line: FunnelLine) -> FunnelLineView:
    return FunnelLineView(
        label=line.label,
        counts={_stage(stage): line.at(stage) for stage in Stage},
        rates={_stage(stage): line.rate(stage) for stage in Stage if stage is not Stage.CONTACT},
    )


def _stage(stage: Stage) -> StageName:
    return stage.word  # type: ignore[return-value]


def _change(each: StageChange) -> StageChangeView:
    return StageChangeView(
        contact=each.contact,
        campaign=each.campaign,
        before=_stage(each.before),
        after=_stage(each.after),
        author=each.author,
        reason=each.reason,
        at=each.at,
    )
