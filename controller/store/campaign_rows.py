"""Between campaigns and their rows. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from controller.domain.campaign import Campaign, CampaignState, ListOrder, Override, PausedBy
from controller.domain.dialing_plan import SegmentShare
from controller.domain.disposition import DispositionSet, default_dispositions
from controller.domain.hours import parse_hours, written
from controller.domain.ids import AgentId, CampaignId
from controller.domain.outcome import Outcome
from controller.domain.pacing.modes import Mode
from controller.domain.regulation import Regulation
from controller.domain.retry import RetryRule
from controller.errors import BadInput, Conflict
from controller.ports import CampaignRow
from controller.store.contact_rows import hours_of, hours_text

Profiles = Mapping[str, Regulation]


_MICROSECOND = timedelta(microseconds=1)


def no_such_campaign(campaign: str) -> BadInput:
    """The error for a campaign id that is not stored."""
    return BadInput("campaign", f"there is no campaign {campaign!r}")


def campaign_taken(campaign: str) -> BadInput:
    """The error for a new campaign whose id is stored already."""
    return BadInput("campaign", f"there is a campaign {campaign!r} already", "another id")


def check_law(campaign: Campaign, profiles: Profiles) -> None:
    """Refuse a campaign whose profile could not be found again by its name."""
    if profiles.get(campaign.law.name) != campaign.law:
        raise BadInput(
            f"campaign {campaign.id}: law",
            f"{campaign.law.name!r} is not a known regulation profile",
            ", ".join(sorted(profiles)),
        )


def changed_meanwhile(campaign: str, expected: int) -> Conflict:
    """The error for an edit of a version that is not the latest."""
    return Conflict(
        f"campaign {campaign} was changed by somebody else since its version {expected} was read; "
        "look at it again, and repeat the change if it is still wanted"
    )


def first_state(campaign: Campaign) -> CampaignState:
    """The state of a new campaign."""
    return CampaignState.DRAFT if campaign.opens_at is None else CampaignState.SCHEDULED


def campaign_values(campaign: Campaign, now: datetime) -> dict[str, Any]:
    """A row for a new campaign."""
    return {
        "id": campaign.id,
        **editable_values(campaign),
        "state": first_state(campaign).value,
        "reason": "",
        "created_at": now,
        "version": 1,
    }


def editable_values(campaign: Campaign) -> dict[str, Any]:
    """What of a campaign's row its manager decides."""
    override = campaign.override
    return {
        "caller": campaign.caller,
        "caller_number": campaign.caller_number,
        "dial_string": campaign.dial_string,
        "trunk": campaign.trunk,
        "law": campaign.law.name,
        "mode": campaign.mode.value,
        "overdial": campaign.overdial,
        "ring_timeout": campaign.ring_timeout,
        "take_back_after": campaign.take_back_after,
        "wrap_up": campaign.wrap_up,
        "preview_timeout": campaign.preview_timeout,
        "calls_per_second": campaign.calls_per_second,
        "max_lines": campaign.max_lines,
        "max_attempts": campaign.retry.max_attempts,
        "retry_pauses": {o.value: pause // _MICROSECOND for o, pause in campaign.retry.pauses.items()},
        "override_author": override.author if override else None,
        "override_reason": override.reason if override else None,
        "caller_number_answers": campaign.caller_number_answers,
        "zone": campaign.zone,
        "region": campaign.region,
        "hours": hours_text(campaign.hours),
        "segment_hours": {segment: written(hours) for segment, hours in campaign.segment_hours.items()},
        "opens_at": campaign.opens_at,
        "closes_at": campaign.closes_at,
        "message": campaign.message,
        "per_day": campaign.retry.per_day,
        "per_week": campaign.retry.per_week,
        "other_number_after": campaign.retry.other_number_after,
        "change_part_of_day": campaign.retry.change_part_of_day,
        "dialing": [[share.segment, share.weight, share.priority] for share in campaign.dialing],
        "list_order": campaign.order.value,
        "agents": sorted(campaign.agents),
        "skills": sorted(campaign.skills),
        "script": campaign.script,
        "dispositions": campaign.dispositions.to_json(),
    }


def campaign_row(row: Row[Any], profiles: Profiles) -> CampaignRow:
    """A campaign from its row.

    Raises:
        BadInput: its regulation profile is not known here, so it must not be run.
    """
    if row.law not in profiles:
        raise BadInput(
            f"campaign {row.id}: law",
            f"the stored regulation profile {row.law!r} is not known to this version",
            ", ".join(sorted(profiles)),
        )
    campaign = Campaign(
        id=CampaignId(row.id),
        caller=row.caller,
        caller_number=row.caller_number,
        dial_string=row.dial_string,
        trunk=row.trunk,
        law=profiles[row.law],
        mode=Mode(row.mode),
        overdial=row.overdial,
        ring_timeout=row.ring_timeout,
        take_back_after=row.take_back_after,
        wrap_up=row.wrap_up,
        preview_timeout=row.preview_timeout,
        calls_per_second=row.calls_per_second,
        max_lines=row.max_lines,
        retry=RetryRule(
            max_attempts=row.max_attempts,
            pauses={Outcome(name): pause * _MICROSECOND for name, pause in row.retry_pauses.items()},
            per_day=row.per_day,
            per_week=row.per_week,
            other_number_after=row.other_number_after,
            change_part_of_day=row.change_part_of_day,
        ),
        override=None
        if row.override_author is None
        else Override(author=row.override_author, reason=row.override_reason),
        caller_number_answers=row.caller_number_answers,
        zone=row.zone,
        region=row.region,
        hours=hours_of(row.hours),
        segment_hours={segment: parse_hours(text) for segment, text in row.segment_hours.items()},
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        message=row.message,
        dialing=tuple(
            SegmentShare(segment=segment, weight=weight, priority=priority)
            for segment, weight, priority in row.dialing
        ),
        order=ListOrder(row.list_order),
        agents=frozenset(AgentId(agent) for agent in row.agents),
        skills=frozenset(row.skills),
        script=row.script,
        dispositions=default_dispositions()
        if row.dispositions is None
        else DispositionSet.from_json(row.dispositions),
        created_at=row.created_at,
    )
    return CampaignRow(
        campaign=campaign,
        state=CampaignState(row.state),
        reason=row.reason,
        paused_by=None if row.paused_by is None else PausedBy(row.paused_by),
        version=row.version,
    )
