"""What happens by the clock: campaigns open and close, old data are reduced. APScheduler keeps the time.

Each look at the clock looks at the whole state, so nothing is missed if the controller was down or the clock
stepped: whatever should have happened by now happens at the next look. A campaign is opened only if nobody
has started it yet; what a person paused or stopped stays so. One that is finished is woken by a call-back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final, Self

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from controller.domain.campaign import CampaignState
from controller.engine.promises import next_hour
from controller.engine.retention import Retention
from controller.errors import ControllerError
from controller.ports import CampaignRow, Clock, Operations, Records
from controller.ports.work import Callbacks

log = structlog.get_logger(__name__)

LOOK_EVERY: Final = 10.0
"""Seconds between two looks: a campaign opens that late at most. It never closes late: no call is placed that
could ring past its end, whoever is late."""
REDUCE_EVERY: Final = timedelta(days=1)
_SETTLE: Final = timedelta(minutes=10)
"""Time that a new controller has for its calls before it looks for old data."""

_AHEAD: Final = timedelta(minutes=2)
"""How long before a call-back is due its campaign is woken: agents are kept free from 90 s before."""

_CLOSABLE = frozenset({CampaignState.RUNNING, CampaignState.PAUSED})


class Schedule:
    """Runs while it is entered; nothing of it is left afterwards."""

    def __init__(
        self,
        operations: Operations,
        records: Records,
        clock: Clock,
        retention: Retention,
        look_every: float = LOOK_EVERY,
        callbacks: Callbacks | None = None,
        follow: Callable[[CampaignRow], None] = lambda row: None,
    ) -> None:
        """Keep the time of these campaigns.

        Args:
            operations: open and close them.
            records: where they are read.
            clock: the time.
            retention: reduces old data.
            look_every: seconds between two looks.
            callbacks: promises to call, which wake a finished campaign; None: none do.
            follow: told of each campaign as stored, at each look: who dials it takes changes over.
        """
        self._operations = operations
        self._records = records
        self._clock = clock
        self._retention = retention
        self._look_every = look_every
        self._callbacks = callbacks
        self._follow = follow
        self._said: dict[str, str] = {}
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            # Late is better than never, and once is enough; a slow look is not overtaken by the next one.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    async def __aenter__(self) -> Self:
        # It tells of every job it runs; only what goes wrong is of interest.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        now = datetime.now(UTC)
        self._scheduler.add_job(self.look, "interval", seconds=self._look_every, next_run_time=now)
        self._scheduler.add_job(
            self.reduce, "interval", seconds=REDUCE_EVERY.total_seconds(), next_run_time=now + _SETTLE
        )
        self._scheduler.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scheduler.shutdown(wait=False)

    async def look(self) -> None:
        """Open and close what is due."""
        try:
            rows = await self._records.campaigns()
        except ControllerError as error:
            log.warning("campaigns not looked at", why=str(error))
            return
        for row in rows:
            try:
                self._follow(row)
                await self._open_or_close(row)
            except ControllerError as error:
                self._say(row, str(error))

    async def reduce(self) -> None:
        """Take personal data out of the record whose time is over."""
        try:
            await self._retention.run(self._clock.now())
        except ControllerError as error:
            log.warning("old data not reduced, tried again tomorrow", why=str(error))

    async def _open_or_close(self, row: CampaignRow) -> None:
        campaign, now = row.campaign, self._clock.now()
        over = campaign.closes_at is not None and campaign.closes_at <= now
        if over and row.state in _CLOSABLE:
            await self._operations.stop_campaign(campaign.id, "its end has come")
            log.info("campaign closed by the clock", campaign=campaign.id)
        elif (
            campaign.opens_at is not None
            and campaign.opens_at <= now
            and not over
            and row.state is CampaignState.SCHEDULED
        ):
            await self._operations.start_campaign(campaign.id)
            log.info("campaign opened by the clock", campaign=campaign.id)
        elif row.state is CampaignState.FINISHED and not over and await self._promised(row, now):
            await self._operations.start_campaign(campaign.id)
            log.info("finished campaign started for a call-back", campaign=campaign.id)

    async def _promised(self, row: CampaignRow, now: datetime) -> bool:
        """Whether somebody is to be called back soon."""
        if self._callbacks is None:
            return False
        hour = await next_hour(self._callbacks, row.campaign.id)
        return hour is not None and hour <= now + _AHEAD

    def _say(self, row: CampaignRow, why: str) -> None:
        # Tried again at each look, but said once.
        if self._said.get(row.campaign.id) != why:
            self._said[row.campaign.id] = why
            log.error("campaign neither opened nor closed", campaign=row.campaign.id, why=why)
