"""The composition root: the only module that knows every part. It builds them, runs them, takes them down."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import timedelta

import structlog

from controller.agi import AgiConfig, AgiServer, DialplanRoutes
from controller.api.control import ControlServer
from controller.ari import AriClient, AriConfig
from controller.ari.config import DISALLOWED_EVENTS
from controller.ari.control import UNUSED_EVENTS, AriCallControl
from controller.config import Settings, ensure_state_dir
from controller.domain.ids import AgentId
from controller.engine.clock import SystemClock
from controller.engine.controller import Controller, EngineSettings
from controller.engine.feed import Feed
from controller.engine.retention import Retention
from controller.engine.schedule import Schedule
from controller.engine.supply import Stock
from controller.law import plain_words
from controller.ports import Ledger, Lists
from controller.store.hopper import RedisHopper
from controller.store.ledger import RedisLedger
from controller.store.records import SqlRecords
from controller.store.upgrading import upgrade_at_start

log = structlog.get_logger(__name__)

EXIT_OK = 0


def ari_config(settings: Settings) -> AriConfig:
    """What the ARI client is told."""
    asterisk = settings.asterisk
    return AriConfig(
        url=asterisk.url,
        username=asterisk.username,
        password=asterisk.secret,
        app=asterisk.app,
        transport=asterisk.transport,
        request_timeout=asterisk.request_timeout,
        disallowed_events=DISALLOWED_EVENTS + UNUSED_EVENTS,
    )


def engine_settings(settings: Settings) -> EngineSettings:
    """What the engine is told."""
    return EngineSettings(
        agents={AgentId(agent.id): agent.phone for agent in settings.agents},
        skills={AgentId(agent.id): frozenset(agent.skills) for agent in settings.agents},
        allow_volatile_redis=settings.redis.allow_volatile,
        allow_budget_override=settings.lab.allow_budget_override,
        lab_token=settings.lab.lab_token.get_secret_value(),
        shutdown_grace=settings.controller.shutdown_grace,
    )


def agi_server(settings: Settings, ledger: Ledger, lists: Lists) -> AgiServer:
    """What answers the dialplan."""
    defaults = settings.campaign_defaults
    routes = DialplanRoutes(ledger, lists, caller=defaults.caller, region=defaults.region).routes()
    return AgiServer(routes, AgiConfig(host=settings.agi.host, port=settings.agi.port))


@asynccontextmanager
async def open_records(settings: Settings) -> AsyncIterator[SqlRecords]:
    """The record store, while entered."""
    ensure_state_dir(settings)
    async with SqlRecords(
        settings.records_url,
        number_key=settings.number_key(),
        controller_id=settings.controller.id,
        profiles=settings.profiles,
    ) as records:
        yield records


@asynccontextmanager
async def open_ledger(settings: Settings) -> AsyncIterator[Ledger]:
    """The ledger, while entered."""
    ensure_state_dir(settings)
    ledger = RedisLedger(
        settings.redis.url,
        settings.controller.id,
        timeout=settings.redis.timeout,
        number_key=settings.number_key(),
    )
    async with aclosing(ledger):
        await ledger.open()
        yield ledger


@asynccontextmanager
async def open_hopper(settings: Settings) -> AsyncIterator[RedisHopper]:
    """The hopper, while entered."""
    hopper = RedisHopper(settings.redis.url, settings.controller.id, timeout=settings.redis.timeout)
    async with aclosing(hopper):
        await hopper.open()
        yield hopper


async def run(settings: Settings) -> int:
    """Run the controller until SIGINT or SIGTERM, or until another controller takes over.

    Raises:
        ControllerError: a part could not be started.
    """
    # Imported here: they double the time to start, and commands that only open the stores need not pay it.
    from controller.app_api import open_api
    from controller.app_outward import open_outside, running

    async with AsyncExitStack() as stack:
        ensure_state_dir(settings)
        clock = SystemClock()
        await upgrade_at_start(settings.records_url, settings.records.upgrade)
        records = await stack.enter_async_context(open_records(settings))
        ledger = await stack.enter_async_context(open_ledger(settings))
        client = await stack.enter_async_context(AriClient(ari_config(settings)))
        hopper = await stack.enter_async_context(open_hopper(settings))
        stock = Stock(hopper=hopper, segments=records.segments, work=records.work)
        feed = Feed(clock)
        controller = Controller(
            AriCallControl(client),
            ledger,
            records,
            clock,
            engine_settings(settings),
            stock,
            feed,
            lists=records.lists,
        )
        # The socket's lock also keeps a second controller of the same state directory out.
        await stack.enter_async_context(ControlServer(controller, settings.control_socket))
        if settings.agi.enabled:
            await stack.enter_async_context(agi_server(settings, ledger, records.lists))
        outside = await stack.enter_async_context(open_outside(settings, records, clock, feed))
        pages = outside.routes(settings, clock)
        await stack.enter_async_context(running(outside, feed))
        await stack.enter_async_context(open_api(settings, controller, records, ledger, clock, feed, pages))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, controller.stop)
        # What has been made so far stays. The garbage collector would look through it again and again, for
        # 70 ms each time, in which no answered call gets its agent; without it, it needs 2 ms.
        gc.collect()
        gc.freeze()
        log.info("controller started", id=settings.controller.id, asterisk=settings.asterisk.url)
        for line in plain_words(settings.profiles[settings.campaign_defaults.regulation]):
            log.info(line)
        keep = timedelta(days=settings.privacy.keep_days)
        retention = Retention(records, records.people, keep)
        async with Schedule(
            controller, records, clock, retention, callbacks=records.work, follow=controller.follow
        ):
            await controller.run()
        log.info("controller stopped")
    return EXIT_OK
