"""Campaigns, their state and their figures, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    case,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from controller.domain.campaign import Campaign, CampaignState, Override, PausedBy
from controller.domain.ids import CampaignId
from controller.domain.outcome import Outcome
from controller.ports import (
    CampaignFigures,
    CampaignRow,
)
from controller.store.attempt_rows import (
    utc_now,
)
from controller.store.call_evidence import campaign_entry, override_entry, start_entry, state_entry
from controller.store.campaign_rows import (
    campaign_row,
    campaign_taken,
    campaign_values,
    changed_meanwhile,
    check_law,
    editable_values,
    first_state,
    no_such_campaign,
)
from controller.store.evidence_chain import append
from controller.store.records_base import RecordsBase
from controller.store.schema import (
    PENDING,
    attempts,
    campaigns,
    contacts,
    overrides,
)


class CampaignRecords(RecordsBase):
    """The part of ``Records`` (controller.ports) that concerns campaigns."""

    async def save_campaign(self, campaign: Campaign) -> None:
        """Store a new campaign: scheduled if it has a time to open at, else a draft."""
        check_law(campaign, self._profiles)

        def save(connection: Connection) -> None:
            now = utc_now()
            try:
                connection.execute(insert(campaigns).values(campaign_values(campaign, now)))
            except IntegrityError as error:
                raise campaign_taken(campaign.id) from error
            append(connection, [campaign_entry(campaign.id, now, state=first_state(campaign).value)])

        await self._writer.run(save, "a new campaign")

    async def edit_campaign(
        self, campaign: Campaign, expected: int, changes: Mapping[str, Any], author: str
    ) -> int:
        """Store a changed campaign; its state stays. Returns the new version."""
        check_law(campaign, self._profiles)

        def edit(connection: Connection) -> int:
            mine = campaigns.c.id == campaign.id
            values = editable_values(campaign) | {"version": expected + 1}
            statement = update(campaigns).where(mine, campaigns.c.version == expected).values(values)
            if not connection.execute(statement).rowcount:
                if connection.scalar(select(campaigns.c.version).where(mine)) is None:
                    raise no_such_campaign(campaign.id)
                raise changed_meanwhile(campaign.id, expected)
            entry = campaign_entry(
                campaign.id, utc_now(), changes=dict(changes), author=author, version=expected + 1
            )
            append(connection, [entry])
            return expected + 1

        return await self._writer.run(edit, "a change of a campaign")

    async def campaign(self, campaign: CampaignId) -> CampaignRow | None:
        """One campaign."""
        rows = await self._rows(select(campaigns).where(campaigns.c.id == campaign), "a look at a campaign")
        return campaign_row(rows[0], self._profiles) if rows else None

    async def campaigns(self) -> Sequence[CampaignRow]:
        """All campaigns, by id."""
        rows = await self._rows(select(campaigns).order_by(campaigns.c.id), "a look at the campaigns")
        return [campaign_row(row, self._profiles) for row in rows]

    async def set_campaign_state(
        self,
        campaign: CampaignId,
        state: CampaignState,
        reason: str = "",
        paused_by: PausedBy | None = None,
    ) -> None:
        """Record a change of state and why."""

        def change(connection: Connection) -> None:
            values = {
                "state": state.value,
                "reason": reason,
                "paused_by": paused_by.value if paused_by else None,
            }
            statement = update(campaigns).where(campaigns.c.id == campaign).values(values)
            if not connection.execute(statement).rowcount:
                raise no_such_campaign(campaign)
            append(connection, [state_entry(campaign, utc_now(), state, reason, paused_by)])

        await self._writer.run(change, "a campaign's state")

    async def record_override(self, campaign: CampaignId, override: Override, now: datetime) -> None:
        """Record who lifted a budget, when and why. Append-only."""

        def record(connection: Connection) -> None:
            values = {"campaign": campaign, "author": override.author, "reason": override.reason, "at": now}
            try:
                connection.execute(insert(overrides).values(values))
            except IntegrityError as error:
                raise no_such_campaign(campaign) from error
            append(connection, [override_entry(campaign, override, now)])

        await self._writer.run(record, "an override")

    async def record_start(self, campaign: Campaign, now: datetime) -> None:
        """Record that the campaign is started, under which rules, told in full. Append-only."""
        entry = start_entry(campaign, now)
        await self._writer.run(lambda connection: append(connection, [entry]), "a campaign's start")

    async def figures(self, campaign: CampaignId) -> CampaignFigures:
        """The campaign's numbers, computed by the database from the attempts."""
        return await self._read(lambda connection: _figures(connection, campaign), "the campaign's figures")


def _figures(connection: Connection, campaign: CampaignId) -> CampaignFigures:
    total, pending = (
        connection.execute(
            select(func.count(), func.count(case((contacts.c.status == PENDING, 1)))).where(
                contacts.c.campaign == campaign
            )
        )
    ).one()
    of_campaign = attempts.c.campaign == campaign
    counts = connection.execute(
        select(attempts.c.outcome, func.count()).where(of_campaign).group_by(attempts.c.outcome)
    )
    by_outcome = {None if name is None else Outcome(name): count for name, count in counts}
    under_way = by_outcome.pop(None, 0)
    bridged = (
        connection.execute(
            select(attempts.c.answered_at, attempts.c.bridged_at, attempts.c.waited)
            .where(of_campaign, attempts.c.outcome == Outcome.CONNECTED.value)
            .where(attempts.c.answered_at.is_not(None), attempts.c.bridged_at.is_not(None))
            .order_by(attempts.c.answered_at, attempts.c.id)
        )
    ).all()
    unattended = [
        (ended - answered).total_seconds()
        for answered, ended in connection.execute(
            select(attempts.c.answered_at, attempts.c.ended_at)
            .where(of_campaign, attempts.c.outcome == Outcome.SILENT.value)
            .where(attempts.c.answered_at.is_not(None), attempts.c.ended_at.is_not(None))
        )
    ]
    return CampaignFigures(
        campaign=campaign,
        contacts=total,
        pending=pending,
        by_outcome={outcome: count for outcome, count in by_outcome.items() if outcome is not None},
        open=under_way,
        rescued=sum(waited for _, _, waited in bridged),
        answer_to_bridge=tuple((at - answered).total_seconds() for answered, at, _ in bridged),
        longest_unattended=max(unattended, default=None),
    )
