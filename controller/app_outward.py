"""The part of the composition root that reaches the outside world: mail, webhooks, public pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from aiohttp import web

from controller.api.public import public_routes
from controller.config import Settings
from controller.domain.outbox import JobKind
from controller.engine.feed import Feed
from controller.engine.followups import FollowUpMails, Unsubscribing
from controller.engine.intake import Intake, IntakeSettings
from controller.engine.links import Links
from controller.engine.mail import MailJobs
from controller.engine.outbox import Chore, Handler, Outbox, OutboxSettings
from controller.engine.webhooks import Webhooks
from controller.outward.hooks import HttpPoster
from controller.outward.smtp import SmtpConfig, SmtpMailer
from controller.ports import Clock
from controller.ports.feed import EventFeed
from controller.ports.outbox import Mailer, Poster
from controller.store.records import SqlRecords


@dataclass(frozen=True, slots=True)
class Outside:
    """What talks to the outside world.

    Attributes:
        outbox: sends what waits.
        webhooks: queues events.
        intake: takes leads.
        unsubscribing: takes opt-outs.
    """

    outbox: Outbox
    webhooks: Webhooks
    intake: Intake
    unsubscribing: Unsubscribing

    def routes(self, settings: Settings, clock: Clock) -> list[web.RouteDef]:
        """The public pages; none where no address for them is configured."""
        public = settings.public
        if not public.base_url:
            return []
        return public_routes(
            self.intake,
            self.unsubscribing,
            clock,
            per_minute=public.per_minute,
            proxies=public.proxy_networks,
        )


def smtp_config(settings: Settings) -> SmtpConfig:
    """What the SMTP client is told."""
    mail = settings.mail
    return SmtpConfig(
        host=mail.host,
        port=mail.port,
        tls=mail.tls,
        username=mail.username,
        password=mail.password,
        ca_file=Path(mail.ca_file).expanduser() if mail.ca_file else None,
        sender=mail.sender,
        sender_name=mail.sender_name,
        reply_to=mail.reply_to,
        timeout=mail.timeout,
    )


def outside_of(
    settings: Settings,
    records: SqlRecords,
    clock: Clock,
    *,
    mailer: Mailer | None,
    poster: Poster,
    feed: EventFeed | None = None,
) -> Outside:
    """Build all that talks to the outside world. Without a mailer, mails wait."""
    outward, key = records.outward, settings.number_key()
    links = Links(settings.public.base_url, key)
    domain = settings.mail.sender.rpartition("@")[2]
    public, controller = settings.public, settings.controller.id
    intake = Intake(
        outward,
        records,
        links,
        clock,
        IntakeSettings(
            confirm_within=timedelta(days=public.confirm_days),
            keep_rejects=timedelta(days=public.rejects_days),
        ),
        number_key=key,
        sender_domain=domain,
        feed=feed,
    )
    hooks = Webhooks(
        outward.hooks,
        outward.jobs,
        outward.leads,
        poster,
        clock,
        give_up=settings.webhooks.give_up,
        controller_id=controller,
    )
    handlers: dict[JobKind, Handler] = {JobKind.WEBHOOK: hooks.send}
    chores: list[Chore] = []
    if mailer is not None:
        mails = FollowUpMails(
            outward, records, records.lists, links, clock, number_key=key, sender_domain=domain
        )
        handlers[JobKind.MAIL] = MailJobs(mailer, {"followup": mails.compose, "confirm": intake.compose}).send
        chores.append(mails.queue_due)
    keep = timedelta(days=settings.webhooks.keep_days)

    async def forget() -> int:
        return await outward.jobs.forget(clock.now() - keep)

    outbox = Outbox(
        outward.jobs,
        handlers,
        clock,
        OutboxSettings(concurrency=settings.mail.concurrency),
        controller_id=controller,
        chores=chores,
        rare=[intake.finish_pending, intake.expire, forget],
    )
    unsubscribing = Unsubscribing(outward.followups, records, links, clock)
    return Outside(outbox, hooks, intake, unsubscribing)


@asynccontextmanager
async def open_outside(
    settings: Settings, records: SqlRecords, clock: Clock, feed: EventFeed | None = None
) -> AsyncIterator[Outside]:
    """All that talks to the outside world, while entered; nothing is sent by itself yet, see ``running``."""
    async with AsyncExitStack() as stack:
        hooks = settings.webhooks
        poster = await stack.enter_async_context(HttpPoster(hooks.allowed, timeout=hooks.timeout))
        mailer = SmtpMailer(smtp_config(settings), clock) if settings.mail.host else None
        yield outside_of(settings, records, clock, mailer=mailer, poster=poster, feed=feed)


@asynccontextmanager
async def running(outside: Outside, feed: Feed | None = None) -> AsyncIterator[None]:
    """Send what waits, and queue events for webhooks, while entered; the feed is closed at the end."""
    async with asyncio.TaskGroup() as group:
        group.create_task(outside.outbox.run(), name="outbox")
        if feed is not None:
            group.create_task(outside.webhooks.run(feed), name="webhooks")
        try:
            yield
        finally:
            outside.webhooks.stop()
            outside.outbox.stop()
            if feed is not None:
                feed.close()  # so that who listens need not wait for the next event
