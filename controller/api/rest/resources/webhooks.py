"""Webhooks: other systems that are told of calls and leads."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Literal

from pydantic import Field

from controller.api.rest.ask import Ask
from controller.api.rest.models import (
    CampaignName,
    Model,
    Page,
    Paging,
    RowNumber,
    Wanted,
)
from controller.api.rest.problems import NOT_FOUND, Problem
from controller.api.rest.routes import Reply, Resource
from controller.domain.access import Right
from controller.domain.ids import CampaignId
from controller.domain.outbox import Job, JobKind, JobState
from controller.domain.signing import SECRET_BYTES, secret_text
from controller.domain.webhook import KINDS, Subscription
from controller.ports.outbox import NewSubscription

webhooks = Resource("Webhooks", "Other systems that are told of calls and leads (docs/leads.md)")

EventKind = Literal[KINDS]  # type: ignore[valid-type]


class WebhookView(Model):
    """Who is told of what, and whether it arrives."""

    id: int
    url: str
    kinds: list[str]
    campaign: str | None
    personal: bool = Field(description="Also who it was about, not just ids")
    active: bool
    why: str = Field(description="Why it is not active; else empty")
    failing_since: datetime | None
    waiting: int = Field(description="Deliveries that are not over")
    dropped: int = Field(description="Events that were not queued because too many were waiting")
    author: str
    created_at: datetime


class NewWebhookView(WebhookView):
    """A webhook that was made, with its secret."""

    secret: str = Field(description="With which what is sent is signed; shown only now")


class WantedWebhook(Wanted):
    """Who is to be told of what."""

    url: str = Field(pattern=r"^https?://[!-~]{1,1990}$")
    kinds: list[EventKind] = Field(default=list(KINDS), min_length=1, max_length=len(KINDS))
    campaign: CampaignName | None = Field(default=None, description="Only its events; null: all")
    personal: bool = False


class WebhookPath(Wanted):
    """One webhook."""

    webhook: RowNumber


class WhichDeliveries(Paging):
    """Which deliveries."""

    state: JobState | None = None


class DeliveryView(Model):
    """Something that was, is or will be sent."""

    id: int
    key: str
    state: JobState
    due_at: datetime
    tries: int
    error: str
    created_at: datetime
    ended_at: datetime | None


@webhooks.get("/webhooks", Right.SEE_DESIGN)
async def list_webhooks(ask: Ask, query: Paging) -> Page[WebhookView]:
    """The webhooks, by id."""
    place = ask.place(query)
    every = await ask.services.outward.hooks.subscriptions()
    found = [each for each in every if place is None or each.id > int(place[0])]
    views = [await _webhook(ask, each) for each in found[: query.limit + 1]]
    return ask.page(query, views, lambda view: view, lambda view: [view.id])


@webhooks.post("/webhooks", Right.EDIT_DESIGN, status=201)
async def create_webhook(ask: Ask, body: WantedWebhook) -> Reply[NewWebhookView]:
    """Tell a system of events; the secret of the signatures is shown in this answer only."""
    if body.campaign is not None:
        await ask.named_campaign(body.campaign)
    secret = secrets.token_bytes(SECRET_BYTES)
    new = NewSubscription(
        url=ask.services.check_url(body.url),
        secret=secret,
        kinds=frozenset(body.kinds),
        campaign=None if body.campaign is None else CampaignId(body.campaign),
        personal=body.personal,
        author=ask.author,
    )
    made = await ask.services.outward.hooks.add(new, ask.now)
    view = NewWebhookView(**(await _webhook(ask, made)).model_dump(), secret=secret_text(secret))
    return Reply(body=view, location=f"/webhooks/{made.id}")


@webhooks.get("/webhooks/{webhook}", Right.SEE_DESIGN)
async def get_webhook(ask: Ask, path: WebhookPath) -> WebhookView:
    """One webhook."""
    found = await ask.services.outward.hooks.subscription(path.webhook)
    if found is None:
        raise _no_webhook(path)
    return await _webhook(ask, found)


@webhooks.post("/webhooks/{webhook}/enable", Right.EDIT_DESIGN, keeps=False)
async def enable_webhook(ask: Ask, path: WebhookPath) -> WebhookView:
    """Tell a system again; of what happened meanwhile it is not told."""
    await ask.services.outward.hooks.enable(path.webhook)
    return await get_webhook(ask, path)


@webhooks.post("/webhooks/{webhook}/disable", Right.EDIT_DESIGN, keeps=False)
async def disable_webhook(ask: Ask, path: WebhookPath) -> WebhookView:
    """Tell a system nothing more; what waits for it is cancelled."""
    await ask.services.outward.hooks.disable(path.webhook, f"switched off by {ask.author}")
    await _cancel_deliveries(ask, path)
    return await get_webhook(ask, path)


@webhooks.delete("/webhooks/{webhook}", Right.EDIT_DESIGN, edits=False)
async def delete_webhook(ask: Ask, path: WebhookPath) -> None:
    """Drop a webhook; what waits for it is cancelled."""
    if not await ask.services.outward.hooks.remove(path.webhook):
        raise _no_webhook(path)
    await _cancel_deliveries(ask, path)


@webhooks.get("/webhooks/{webhook}/deliveries", Right.SEE_DESIGN)
async def list_deliveries(ask: Ask, path: WebhookPath, query: WhichDeliveries) -> Page[DeliveryView]:
    """What was, is and will be delivered, and why not."""
    place = ask.place(query)
    found = await ask.services.outward.jobs.jobs(
        kind=JobKind.WEBHOOK,
        state=query.state,
        about=str(path.webhook),
        after=0 if place is None else int(place[0]),
        limit=query.limit + 1,
    )
    return ask.page(query, found, delivery_view, lambda job: [job.id])


# --- between the two worlds -------------------------------------------------------------------------------


async def _webhook(ask: Ask, each: Subscription) -> WebhookView:
    return WebhookView(
        id=each.id,
        url=each.url,
        kinds=sorted(each.kinds),
        campaign=each.campaign,
        personal=each.personal,
        active=each.active,
        why=each.why,
        failing_since=each.failing_since,
        waiting=await ask.services.outward.jobs.waiting(JobKind.WEBHOOK, str(each.id)),
        dropped=each.dropped,
        author=each.author,
        created_at=each.created_at,
    )


def delivery_view(job: Job) -> DeliveryView:
    """A job as it is shown."""
    return DeliveryView(
        id=job.id,
        key=job.key,
        state=job.state,
        due_at=job.due_at,
        tries=job.tries,
        error=job.error,
        created_at=job.created_at,
        ended_at=job.ended_at,
    )


async def _cancel_deliveries(ask: Ask, path: WebhookPath) -> None:
    why = "the subscription was switched off"
    await ask.services.outward.jobs.cancel_about(JobKind.WEBHOOK, str(path.webhook), why, ask.now)


def _no_webhook(path: WebhookPath) -> Problem:
    return Problem(NOT_FOUND, f"there is no webhook {path.webhook}")
