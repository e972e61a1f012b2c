"""Campaigns: made, changed while they run, started and stopped, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from controller.api.rest.ask import Ask
from controller.api.rest.models import (
    WHOLE,
    CampaignName,
    CampaignPath,
    Changes,
    Instant,
    Line,
    Model,
    Page,
    Paging,
    Wanted,
    Whole,
    Word,
    Words,
)
from controller.api.rest.routes import Reply, Resource
from controller.domain.access import Right
from controller.domain.campaign import CampaignState, ListOrder, PausedBy
from controller.domain.clearance import CheckName
from controller.domain.dialing_plan import MOST_SHARES
from controller.domain.disposition import MOST_DISPOSITIONS
from controller.domain.ids import CampaignId
from controller.domain.outcome import Outcome
from controller.domain.pacing.modes import Mode
from controller.domain.regulation import Regulation
from controller.domain.retry import TRIED_KEPT
from controller.errors import BadInput
from controller.ports import CampaignRow, CampaignStatus

campaigns = Resource("Campaigns", "What is dialed, for whom, and how")


_Attempts = Annotated[int, Field(ge=1, le=TRIED_KEPT), WHOLE]

# --- what is sent and received ----------------------------------------------------------------------------


class ShareView(Model):
    """A segment's part in what a campaign dials."""

    segment: str
    weight: int
    priority: int


class WantedShare(Wanted):
    """A segment's part in what a campaign dials."""

    segment: Word
    weight: Whole = Field(default=1, ge=1, le=10_000, description="Its part of what is taken at its priority")
    priority: Whole = Field(default=0, ge=-1000, le=1000, description="Higher ones go first")


class CampaignView(Model):
    """A campaign. Times are in seconds."""

    id: str
    state: CampaignState
    reason: str = Field(description="Why it stands where it stands; often empty")
    paused_by: PausedBy | None
    version: int
    regulation: str
    budget_lifted: bool
    created_at: datetime | None
    caller: str
    caller_number: str
    caller_number_answers: bool
    dial_string: str
    trunk: str
    mode: Mode
    overdial: float
    ring_timeout: float
    take_back_after: float = Field(description="0: never")
    wrap_up: float
    preview_timeout: float = Field(description="Mode preview: how long an agent may look at a contact")
    calls_per_second: float
    max_lines: int
    max_attempts: int
    retry: Mapping[Outcome, float] = Field(description="Pauses by outcome; outcomes not named are final")
    per_day: int | None
    per_week: int | None
    other_number_after: float
    change_part_of_day: bool
    zone: str
    region: str
    hours: str | None
    segment_hours: Mapping[str, str]
    opens_at: datetime | None
    closes_at: datetime | None
    message: str
    segments: list[ShareView] = Field(description="Saved segments that it dials; none: all its contacts")
    order: ListOrder
    agents: list[str] = Field(description="Who may take its calls; none named: everybody")
    skills: list[str]
    script: str
    dispositions: list[dict[str, Any]] = Field(description="Its words for what came of a conversation")


class CampaignChanges(Changes):
    """What is to be changed of a campaign; what is left out stays. Times are in seconds."""

    caller: str = Field(default="", pattern=r"^[^{}:\x00-\x20\x7f][^{}:\x00-\x1f\x7f]{0,63}$")
    caller_number: str = Field(default="", pattern=r"^(\+?[0-9]{3,15})?$")
    caller_number_answers: bool = False
    dial_string: Words = Field(default="", description="With {number}, or {digits}, once")
    trunk: Words = Field(default="", description="One, or several with commas")
    mode: Mode = Mode.PREDICTIVE
    overdial: float = Field(default=1.0, ge=1, le=10)
    ring_timeout: float = Field(default=30.0, ge=5, le=120)
    take_back_after: float = Field(
        default=15.0, ge=0, le=120, description="Mode predictive: 5 s or more, or 0: never"
    )
    wrap_up: float = Field(default=15.0, ge=0, le=3600)
    preview_timeout: float = Field(default=60.0, ge=5, le=600)
    calls_per_second: float = Field(default=20.0, ge=0.01, le=1000)
    max_lines: Whole = Field(default=200, ge=1, le=10_000)
    max_attempts: Whole = Field(default=3, ge=1, le=100)
    retry: Mapping[Outcome, float | None] = Field(
        default_factory=dict,
        description="Pauses by outcome; null: final. Outcomes not named stay as they are",
    )
    per_day: _Attempts | None = None
    per_week: _Attempts | None = None
    other_number_after: float = Field(default=300.0, ge=0, le=366 * 86400)
    change_part_of_day: bool = False
    zone: str = Field(default="", pattern=r"^[A-Za-z0-9_+/-]{1,64}$", description="IANA time zone")
    region: str = Field(default="", pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$", description="Whose holidays hold")
    hours: Line | None = Field(default=None, description="Narrower than the law's; null: the law's alone")
    segment_hours: Mapping[Words, Line] = Field(default_factory=dict, description="All of them, by segment")
    opens_at: Instant | None = None
    closes_at: Instant | None = None
    message: str = Field(default="", pattern=r"^[A-Za-z0-9_./:-]{0,200}$")
    segments: list[WantedShare] = Field(default_factory=list, max_length=MOST_SHARES)
    order: ListOrder = ListOrder.RETRIES_FIRST
    agents: list[Word] = Field(default_factory=list, max_length=10_000)
    skills: list[Word] = Field(default_factory=list, max_length=100)
    script: str = Field(default="", pattern=r"^[A-Za-z0-9_.-]{0,64}$")
    dispositions: list[dict[str, Any]] = Field(
        default_factory=list, max_length=MOST_DISPOSITIONS, description="Each with code, label and kind"
    )


class NewCampaign(CampaignChanges):
    """A campaign to be made; what is left out is as [campaign_defaults] of the configuration says."""

    id: CampaignName
    regulation: Word = Field(default="", description="Regulation profile; it cannot be changed later")


class Reason(Wanted):
    """Why."""

    reason: Line = Field(default="", description="For the record")


class CampaignFilter(Paging):
    """Which campaigns."""

    state: CampaignState | None = None


# --- routes -----------------------------------------------------------------------------------------------


@campaigns.get("/campaigns", Right.SEE_CAMPAIGNS)
async def list_campaigns(ask: Ask, query: CampaignFilter) -> Page[CampaignView]:
    """All campaigns, by id."""
    after = ask.place(query)
    rows = sorted(await ask.services.records.campaigns(), key=lambda row: row.campaign.id)
    found = [
        row
        for row in rows
        if (after is None or row.campaign.id > str(after[0])) and query.state in (None, row.state)
    ]
    return ask.page(
        query, found[: query.limit + 1], lambda row: view_of(ask, row), lambda row: [row.campaign.id]
    )


@campaigns.post("/campaigns", Right.EDIT_CAMPAIGNS, status=201)
async def create_campaign(ask: Ask, body: NewCampaign) -> Reply[CampaignView]:
    """Make a campaign; it is a draft until it is started, or scheduled if it says when it opens."""
    values = body.model_dump(mode="json", exclude_unset=True, exclude={"id", "regulation"})
    base = replace(ask.services.template, id=CampaignId(body.id))
    if body.regulation:
        base = replace(base, law=_law(ask, body.regulation))
    return _reply(ask, await ask.services.campaigns.create(base, values), made=True)


@campaigns.get("/campaigns/{campaign}", Right.SEE_CAMPAIGNS)
async def get_campaign(ask: Ask, path: CampaignPath) -> Reply[CampaignView]:
    """One campaign, with its version as ETag."""
    return _reply(ask, await ask.campaign(path.campaign))


@campaigns.patch("/campaigns/{campaign}", Right.EDIT_CAMPAIGNS)
async def change_campaign(ask: Ask, path: CampaignPath, body: CampaignChanges) -> Reply[CampaignView]:
    """Change a campaign, also while it runs.

    Calls in flight go on under the rules they were placed by; the next one obeys the new ones.
    """
    row = await ask.campaign(path.campaign)
    ask.must_match(str(row.version))
    values = body.model_dump(mode="json", exclude_unset=True)
    row = await ask.services.campaigns.edit(row.campaign.id, values, ask.author, row.version)
    await ask.services.operations.campaign_changed(row.campaign.id)
    return _reply(ask, row)


@campaigns.post("/campaigns/{campaign}/start", Right.RUN_CAMPAIGNS, keeps=False)
async def start_campaign(ask: Ask, path: CampaignPath) -> CampaignView:
    """Let a campaign dial (again)."""
    await ask.campaign(path.campaign)
    await ask.services.operations.start_campaign(CampaignId(path.campaign))
    return view_of(ask, await ask.campaign(path.campaign))


@campaigns.post("/campaigns/{campaign}/pause", Right.RUN_CAMPAIGNS, keeps=False)
async def pause_campaign(ask: Ask, path: CampaignPath, body: Reason) -> CampaignView:
    """Place no more calls; those in flight go on."""
    await ask.campaign(path.campaign)
    await ask.services.operations.pause_campaign(CampaignId(path.campaign), body.reason)
    return view_of(ask, await ask.campaign(path.campaign))


@campaigns.post("/campaigns/{campaign}/stop", Right.RUN_CAMPAIGNS, keeps=False)
async def stop_campaign(ask: Ask, path: CampaignPath, body: Reason) -> CampaignView:
    """End a campaign; calls in flight go on."""
    await ask.campaign(path.campaign)
    await ask.services.operations.stop_campaign(CampaignId(path.campaign), body.reason)
    return view_of(ask, await ask.campaign(path.campaign))


@campaigns.post("/campaigns/{campaign}/schedule", Right.RUN_CAMPAIGNS, keeps=False)
async def schedule_campaign(ask: Ask, path: CampaignPath) -> CampaignView:
    """Let the clock start a campaign, when `opens_at` has come."""
    campaign = (await ask.campaign(path.campaign)).campaign.id
    return view_of(ask, await ask.services.campaigns.schedule(campaign))


@campaigns.post("/campaigns/{campaign}/unschedule", Right.RUN_CAMPAIGNS, keeps=False)
async def unschedule_campaign(ask: Ask, path: CampaignPath) -> CampaignView:
    """Let the clock not start a campaign."""
    campaign = (await ask.campaign(path.campaign)).campaign.id
    return view_of(ask, await ask.services.campaigns.unschedule(campaign))


@campaigns.post("/campaigns/{campaign}/archive", Right.RUN_CAMPAIGNS, keeps=False)
async def archive_campaign(ask: Ask, path: CampaignPath) -> CampaignView:
    """Put a campaign out of sight; its record is kept as long as the law says."""
    campaign = (await ask.campaign(path.campaign)).campaign.id
    return view_of(ask, await ask.services.campaigns.archive(campaign))


@campaigns.post("/campaigns/{campaign}/restore", Right.RUN_CAMPAIGNS, keeps=False)
async def restore_campaign(ask: Ask, path: CampaignPath) -> CampaignView:
    """Take a campaign out of the archive; it is stopped then."""
    campaign = (await ask.campaign(path.campaign)).campaign.id
    return view_of(ask, await ask.services.campaigns.restore(campaign))


# --- what becomes of it -----------------------------------------------------------------------------------


class BudgetView(Model):
    """What a campaign has used of its silent calls."""

    successes: int
    silent: int
    exposed: int = Field(description="Calls in flight that no agent stands ready for")
    silent_allowed: int


class CampaignStatusView(Model):
    """A campaign while it runs."""

    id: str
    state: CampaignState
    reason: str
    blocked: str = Field(description="Why it places no calls although it is running; empty if it does")
    budget: BudgetView
    in_flight: int
    talking: int
    placed: int
    rescued: int
    mode: str
    pacing: str = Field(description="The latest decision on how many calls to place, with its reason")
    pacing_began_with: str = Field(
        description="Past calls that the pacer had learned from when it began, in words; empty: none"
    )
    taken_back: int = Field(description="Calls whose ringing was ended, no agent being free soon")
    offers: int = Field(description="Mode preview: contacts that agents look at now")
    outcomes: Mapping[Outcome, int]
    budget_lifted: bool


class HeldView(Model):
    """Contacts that one check holds back."""

    check: CheckName
    contacts: int
    until: datetime | None = Field(description="When the first of them passes by itself; null: never")


class ForecastView(Model):
    """What a campaign would do if it were started now."""

    contacts: int
    done: int
    unfit: list[str] = Field(description="Why it would not start at all")
    callable: int
    needing_reserved_agent: int
    held: list[HeldView]


@campaigns.get("/campaigns/{campaign}/status", Right.SEE_CAMPAIGNS)
async def campaign_status(ask: Ask, path: CampaignPath) -> CampaignStatusView | None:
    """How a campaign stands in the running controller; null: it has not run since that started."""
    await ask.campaign(path.campaign)
    found = (one for one in ask.services.operations.status().campaigns if one.id == path.campaign)
    return next(map(status_view, found), None)


@campaigns.post("/campaigns/{campaign}/check", Right.SEE_CAMPAIGNS, keeps=False, patient=True)
async def check_campaign(ask: Ask, path: CampaignPath) -> ForecastView:
    """What a campaign would do if it were started now: who may be called, and why not the others.

    Looks at every contact and changes nothing.
    """
    found = await ask.services.explainer.forecast(await ask.campaign(path.campaign), ask.now)
    return ForecastView(
        contacts=found.contacts,
        done=found.done,
        unfit=list(found.unfit),
        callable=found.callable,
        needing_reserved_agent=found.operator,
        held=[
            HeldView(check=name, contacts=count, until=found.until.get(name))
            for name, count in sorted(found.held.items(), key=lambda item: -item[1])
        ],
    )


@campaigns.get("/campaigns/{campaign}/report", Right.SEE_CAMPAIGNS, patient=True)
async def campaign_report(ask: Ask, path: CampaignPath) -> Mapping[str, Any]:
    """What a campaign did, against what the law allows: the same figures as the command `report`."""
    return await ask.services.report(await ask.campaign(path.campaign))


# --- between the two worlds -------------------------------------------------------------------------------


def view_of(ask: Ask, row: CampaignRow) -> CampaignView:
    """A campaign as it is shown."""
    campaign = row.campaign
    return CampaignView(
        id=campaign.id,
        state=row.state,
        reason=row.reason,
        paused_by=row.paused_by,
        version=row.version,
        regulation=campaign.law.name,
        budget_lifted=campaign.override is not None,
        created_at=campaign.created_at,
        **ask.services.fields_of(campaign),
    )


def _reply(ask: Ask, row: CampaignRow, *, made: bool = False) -> Reply[CampaignView]:
    location = f"/campaigns/{row.campaign.id}" if made else None
    return Reply(body=view_of(ask, row), etag=str(row.version), location=location)


def _law(ask: Ask, name: str) -> Regulation:
    profiles = ask.services.profiles
    if name not in profiles:
        raise BadInput("regulation", f"there is no profile {name!r}", ", ".join(profiles))
    return profiles[name]


def status_view(one: CampaignStatus) -> CampaignStatusView:
    """A running campaign as it is shown."""
    budget = one.budget
    return CampaignStatusView(
        id=one.id,
        state=one.state,
        reason=one.reason,
        blocked=one.blocked,
        budget=BudgetView(
            successes=budget.successes,
            silent=budget.silent,
            exposed=budget.exposed,
            silent_allowed=one.allowance,
        ),
        in_flight=one.in_flight,
        talking=one.talking,
        placed=one.placed,
        rescued=one.rescued,
        mode=one.mode,
        pacing=one.pacing,
        pacing_began_with=one.began_with,
        taken_back=one.taken_back,
        offers=one.offers,
        outcomes=dict(one.outcomes),
        budget_lifted=one.override,
    )
