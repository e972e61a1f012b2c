"""All of the record store that has to do with the outside world, put together."""

from __future__ import annotations

from controller.ports.leads import Outward
from controller.store.access import Access
from controller.store.followups import SqlFollowUps
from controller.store.intake import SqlIntake
from controller.store.leads import SqlLeads
from controller.store.outbox import SqlJobs, SqlSubscriptions


def sql_outward(access: Access, dialect: str) -> Outward:
    """Leads, follow-ups, intake, outbox and webhooks in SQL."""
    jobs = SqlJobs(access, dialect)
    return Outward(
        leads=SqlLeads(access),
        followups=SqlFollowUps(access, jobs, dialect),
        intake=SqlIntake(access, dialect),
        jobs=jobs,
        hooks=SqlSubscriptions(access),
    )
