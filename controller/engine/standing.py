"""How things stand, in the terms of whoever watches: why a campaign stands still, how it decides."""

from __future__ import annotations

from datetime import datetime

from controller.domain.campaign import CampaignState, PausedBy
from controller.engine.campaign_run import CampaignRun
from controller.engine.office import Office
from controller.ports import Blocked, PacingReport


def blocked_by(run: CampaignRun, office: Office) -> Blocked | None:
    """Why a running campaign places no calls; None if it does, or does not run."""
    if run.state is not CampaignState.RUNNING or not run.blocked:
        return None
    if not office.health.fit:
        return Blocked.EDGE
    floor, campaign = office.floor, run.campaign
    serving = [each for each in floor if floor.present(each.id) and floor.serves(each.id, campaign.id)]
    if campaign.mode.needs_agents and not serving:
        return Blocked.NO_AGENT
    if run.kept_by is PausedBy.HOURS:
        return Blocked.HOURS
    if campaign.mode.needs_agents and not any(agent.free for agent in serving):
        return Blocked.AGENTS_BUSY
    return Blocked.CONTACTS


def pacing_of(run: CampaignRun | None, limit: int, before: datetime | None) -> PacingReport | None:
    """Why a campaign dials as it does; see ``Operations.pacing``."""
    if run is None or run.pacing is None:
        return None
    return PacingReport(
        campaign=run.campaign.id, figures=run.pacing.figures(), recent=run.pacing.recent(limit, before)
    )
