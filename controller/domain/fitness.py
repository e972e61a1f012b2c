"""Whether a campaign, as it is set up, could keep the rules of its law at all. Checked before it starts."""

from __future__ import annotations

from controller.domain.campaign import Campaign
from controller.domain.clearance import caller_id_check
from controller.domain.pacing.modes import unsuited
from controller.domain.regulation import Played


def unlawful(campaign: Campaign) -> tuple[str, ...]:
    """What keeps the campaign from being started, each in words for a person; empty if nothing does."""
    law, complaints = campaign.law, []
    caller_id = caller_id_check(campaign)
    if not caller_id.passed:
        complaints.append(
            f"{caller_id.why} (set caller_number; if calls to it are answered, caller_number_answers = true)"
        )
    if campaign.ring_timeout < law.ring_at_least:
        complaints.append(
            f"a phone would ring for {campaign.ring_timeout.total_seconds():g} s only, {law.name} demands "
            f"{law.ring_at_least.total_seconds():g} s (set ring_timeout)"
        )
    if law.played is Played.MESSAGE and not campaign.message:
        complaints.append(
            f"{law.name} demands a recorded message for callees whom no agent reaches, and the campaign has "
            "none (set message to a sound of Asterisk's)"
        )
    elif not campaign.mode.needs_agents and not campaign.message:
        complaints.append(
            "nobody speaks in an agentless campaign, and it has no message either (set message to a sound of "
            "Asterisk's)"
        )
    if why := unsuited(campaign.mode, law):
        complaints.append(f"{why} (set mode)")
    return tuple(complaints)
