"""Campaigns are made, changed, scheduled and put away: the same for CLI and API, running or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from controller.domain.campaign import Campaign, CampaignState, may_become
from controller.domain.fitness import unlawful
from controller.domain.ids import CampaignId
from controller.engine.campaign_fields import changed, differences, fixed_now
from controller.errors import BadInput, Conflict, Refused
from controller.ports import CampaignRow, Records
from controller.ports.segments import Segments
from controller.ports.work import Scripts

_LIVE: Final = frozenset({CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.SCHEDULED})
"""States in which a campaign must be one that may be dialed."""


async def existing(records: Records, campaign: CampaignId, place: str = "campaign") -> CampaignRow:
    """A campaign as stored.

    Raises:
        BadInput: there is no such campaign; tells which there are, and that ``place`` names it.
    """
    row = await records.campaign(campaign)
    if row is None:
        known = ", ".join(each.campaign.id for each in await records.campaigns())
        raise BadInput(place, f"there is no campaign {campaign!r}", known or "none yet: campaign create")
    return row


class Campaigns:
    """What a campaign manager does. Raises BadInput and Refused in words; nothing is changed then."""

    def __init__(
        self, records: Records, segments: Segments | None = None, scripts: Scripts | None = None
    ) -> None:
        """Work on these records.

        Args:
            records: where campaigns are.
            segments: those that a campaign may dial; None: it is not looked at.
            scripts: those that its agents may read; likewise.
        """
        self._records = records
        self._segments = segments
        self._scripts = scripts

    async def get(self, campaign: CampaignId) -> CampaignRow:
        """A campaign as stored.

        Raises:
            BadInput: there is no such campaign.
        """
        return await existing(self._records, campaign)

    async def create(self, base: Campaign, values: Mapping[str, Any]) -> CampaignRow:
        """Store a new campaign.

        Args:
            base: its id and law, and what holds where ``values`` say nothing.
            values: fields by name (engine.campaign_fields).
        """
        campaign = changed(base, values)
        if not campaign.caller:
            raise BadInput("caller", "is missing", "on whose behalf one calls")
        await self._must_exist(campaign)
        await self._records.save_campaign(campaign)
        return await self.get(campaign.id)

    async def edit(
        self, campaign: CampaignId, values: Mapping[str, Any], author: str, expected: int | None = None
    ) -> CampaignRow:
        """Change a campaign, running or not; what changes nothing is not recorded.

        The controller that dials it takes the change over by itself, within seconds at most.

        Args:
            campaign: which.
            values: fields by name (engine.campaign_fields).
            author: who changes it.
            expected: the version that was looked at; None: whichever there is.

        Raises:
            Conflict: somebody else changed it meanwhile.
            Refused: it is archived, has run already, or could not keep its law's rules.
        """
        row = await self.get(campaign)
        if expected is not None and expected != row.version:
            raise Conflict(
                f"campaign {campaign} has version {row.version}, not {expected}: it was changed meanwhile"
            )
        if row.state is CampaignState.ARCHIVED:
            raise Refused(f"campaign {campaign} is archived; take it out of the archive first")
        after = changed(row.campaign, values)
        changes = differences(row.campaign, after)
        if not changes:
            return row
        if late := fixed_now(row.state, changes):
            raise Refused(
                f"campaign {campaign} has been started, so its {' and '.join(late)} cannot be changed any "
                "more: what was counted and promised hangs on it; make another campaign"
            )
        if row.state in _LIVE and (unfit := unlawful(after)):
            raise Refused(f"campaign {campaign} not changed: " + "; ".join(unfit))
        if row.state is CampaignState.SCHEDULED and after.opens_at is None:
            raise Refused(f"campaign {campaign} is scheduled and needs a time to open; unschedule it first")
        await self._must_exist(after)
        await self._records.edit_campaign(after, row.version, changes, author)
        return await self.get(campaign)

    async def schedule(self, campaign: CampaignId) -> CampaignRow:
        """Let the clock start it, when ``opens_at`` has come."""
        row = await self.get(campaign)
        if row.campaign.opens_at is None:
            raise Refused(f"campaign {campaign} has no time to open: set opens_at first")
        if unfit := unlawful(row.campaign):
            raise Refused(f"campaign {campaign} not scheduled: " + "; ".join(unfit))
        return await self._become(row, CampaignState.SCHEDULED, "scheduled by a person")

    async def unschedule(self, campaign: CampaignId) -> CampaignRow:
        """Let the clock not start it."""
        row = await self.get(campaign)
        if row.state is not CampaignState.SCHEDULED:
            raise Refused(f"campaign {campaign} is {row.state.value}, not scheduled")
        return await self._become(row, CampaignState.DRAFT, "")

    async def archive(self, campaign: CampaignId) -> CampaignRow:
        """Put it out of sight; its record stays."""
        return await self._become(await self.get(campaign), CampaignState.ARCHIVED, "archived by a person")

    async def restore(self, campaign: CampaignId) -> CampaignRow:
        """Take it out of the archive; it is stopped then."""
        row = await self.get(campaign)
        if row.state is not CampaignState.ARCHIVED:
            raise Refused(f"campaign {campaign} is {row.state.value}, not archived")
        return await self._become(row, CampaignState.STOPPED, "taken out of the archive")

    async def _become(self, row: CampaignRow, wanted: CampaignState, reason: str) -> CampaignRow:
        campaign = row.campaign.id
        if not may_become(row.state, wanted):
            raise Refused(f"campaign {campaign} is {row.state.value}, so it cannot become {wanted.value}")
        await self._records.set_campaign_state(campaign, wanted, reason)
        return await self.get(campaign)

    async def _must_exist(self, campaign: Campaign) -> None:
        """Refuse a campaign that names a segment or a script that nobody made."""
        if self._segments is not None:
            for share in campaign.dialing:
                if await self._segments.get(share.segment) is None:
                    raise BadInput(
                        "segments", f"there is no segment {share.segment!r}", "segment save makes one"
                    )
        script = campaign.script
        if script and self._scripts is not None and await self._scripts.script(script) is None:
            raise BadInput("script", f"there is no script {script!r}", "script save makes one")
