"""Offers: contacts that agents look at before they are called, in mode preview."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from controller.api.rest.ask import Ask
from controller.api.rest.models import AgentPath, CampaignPath, Model, Page, Paging, Wanted, Word
from controller.api.rest.problems import NOT_FOUND, Problem
from controller.api.rest.resources.contacts import ContactView, view_of
from controller.api.rest.resources.scripts import FilledView, filled_view
from controller.api.rest.routes import Resource
from controller.domain.access import Right
from controller.domain.ids import AgentId, CallId
from controller.domain.instants import micros, moment
from controller.domain.preview import Skip
from controller.ports import OfferStatus

offers = Resource(
    "Offers",
    "Contacts that agents look at before they are called, in mode preview (docs/campaigns.md). A token of "
    "role `agent` has its own agent's only",
)


class OfferView(Model):
    """A contact that an agent looks at, with the script that is read to it."""

    offer: str = Field(description="Its id, which the call has as well if it is placed")
    agent: str
    campaign: str
    since: datetime
    until: datetime = Field(description="Without an answer it ends then, and the agent is paused")
    contact: ContactView
    script: FilledView | None = Field(
        description="The campaign's, filled in for the contact; null: it has none"
    )


class Accepted(Wanted):
    """Which offer is accepted."""

    offer: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{1,64}$",
        description="The one that was seen; null: whichever there is. Accepting it again changes nothing",
    )


class Skipped(Wanted):
    """Which offer is skipped, and why."""

    offer: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{1,64}$",
        description="The one that was seen; null: whichever there is",
    )
    reason: str = Field(
        default="",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,31})?$",
        description="In one word, such as `wrong-person`: it is told in the event `preview.ended`",
    )


class SkipView(Model):
    """A contact that an agent looked at and did not want called then."""

    offer: str
    campaign: str
    contact: int
    agent: str
    reason: str = Field(description="One word; often empty")
    at: datetime


class WhichSkips(Paging):
    """Whose."""

    agent: Word | None = None


class PlacedView(Model):
    """A call that is being placed."""

    call: str


@offers.get("/agents/{agent}/offer", Right.WORK)
async def get_offer(ask: Ask, path: AgentPath) -> OfferView:
    """The contact that an agent looks at."""
    offer = _offer(ask, path)
    listed = await ask.services.contact_edits.contact(offer.contact)
    if listed is None:
        raise Problem(NOT_FOUND, f"contact {offer.contact} is gone")
    campaign = (await ask.campaign(offer.campaign)).campaign
    filled = None
    if campaign.script:
        filled = await ask.services.scripting.fill(
            campaign.script, None, campaign, listed.contact, AgentId(path.agent), ask.now
        )
    return OfferView(
        offer=offer.id,
        agent=path.agent,
        campaign=campaign.id,
        since=offer.since,
        until=offer.until,
        contact=view_of(ask, listed),
        script=None if filled is None else filled_view(filled),
    )


@offers.post("/agents/{agent}/offer/accept", Right.WORK, keeps=False)
async def accept_offer(ask: Ask, path: AgentPath, body: Accepted) -> PlacedView:
    """Have the contact called, for this agent alone. It is checked once more, as any contact before its call.

    Where a check fails the answer says why (`refused`), and the agent gets the next offer.
    """
    ask.only_own(path.agent)
    offer = CallId(body.offer) if body.offer else None
    return PlacedView(call=await ask.services.operations.accept_offer(AgentId(path.agent), offer))


@offers.post("/agents/{agent}/offer/skip", Right.WORK, status=204, keeps=False)
async def skip_offer(ask: Ask, path: AgentPath, body: Skipped) -> None:
    """Put the contact off, for half an hour and without an attempt; the agent gets the next offer."""
    ask.only_own(path.agent)
    offer = CallId(body.offer) if body.offer else None
    await ask.services.operations.skip_offer(AgentId(path.agent), offer, body.reason)


@offers.get("/campaigns/{campaign}/skips", Right.SEE_CALLS)
async def list_skips(ask: Ask, path: CampaignPath, query: WhichSkips) -> Page[SkipView]:
    """Contacts that agents of a campaign skipped, oldest first: who, and why."""
    campaign = (await ask.campaign(path.campaign)).campaign.id
    place = ask.place(query)
    found = await ask.services.work.skips(
        campaign,
        agent=None if query.agent is None else AgentId(query.agent),
        after=None if place is None else (moment(int(place[0])), str(place[1])),
        limit=query.limit + 1,
    )
    return ask.page(query, found, _skip, lambda skip: [micros(skip.at), skip.offer])


def _skip(skip: Skip) -> SkipView:
    return SkipView(
        offer=skip.offer,
        campaign=skip.campaign,
        contact=skip.contact,
        agent=skip.agent,
        reason=skip.reason,
        at=skip.at,
    )


def _offer(ask: Ask, path: AgentPath) -> OfferStatus:
    ask.only_own(path.agent)
    agents = ask.services.operations.status().agents
    found = next((one.offer for one in agents if one.id == path.agent), None)
    if found is None:
        raise Problem(NOT_FOUND, f"agent {path.agent!r} has no offer")
    return found
