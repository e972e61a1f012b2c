"""How long people's data are kept: as long as the law demands evidence, and then no longer."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from controller.errors import Refused
from controller.ports import Authorship, People, Records, Reduced

log = structlog.get_logger(__name__)

_BY_THE_CLOCK = Authorship(author="controller", reason="their time is over")


class Retention:
    """Takes personal data out of the record when their time is over; statistics and evidence stay."""

    def __init__(self, records: Records, people: People, keep: timedelta) -> None:
        """Prepare.

        Args:
            records: says under which laws there are campaigns.
            people: whose data they are.
            keep: how long data are kept at least, beyond what the laws demand.
        """
        self._records = records
        self._people = people
        self._keep = keep

    async def horizon(self, now: datetime) -> datetime:
        """What is older may be reduced: the longest retention that any campaign's law demands has passed."""
        laws = [row.campaign.law.retention for row in await self._records.campaigns()]
        return now - max([self._keep, *laws])

    async def run(
        self, now: datetime, *, before: datetime | None = None, who: Authorship = _BY_THE_CLOCK
    ) -> Reduced:
        """Reduce what is older than the horizon, or than ``before``.

        Raises:
            Refused: ``before`` is later than the horizon; nothing is reduced.
        """
        horizon = await self.horizon(now)
        if before is not None and before > horizon:
            raise Refused(
                f"data from {horizon:%Y-%m-%d} on must be kept, by the law of a campaign or by "
                f"privacy.keep_days; {before:%Y-%m-%d} is later, so nothing was reduced"
            )
        reduced = await self._people.reduce(before or horizon, now, who)
        log.info("personal data reduced", before=str(before or horizon), attempts=reduced.attempts)
        return reduced
