"""What the evidence says of calls: entries made from the very objects that the rows are made from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from controller.domain.answer import Answerer, answer_class
from controller.domain.call import Call
from controller.domain.campaign import Campaign, CampaignState, Override, PausedBy
from controller.domain.clearance import Check
from controller.domain.evidence import Entry, Kind
from controller.domain.law_document import digest, document


def attempt_entry(
    call: Call, campaign: Campaign, person: str, checks: Sequence[Check], now: datetime
) -> Entry:
    """A call that is about to be dialed, with everything that was checked."""
    return Entry(
        kind=Kind.ATTEMPT,
        at=call.admitted_at or now,
        campaign=campaign.id,
        call=call.id,
        person=person,
        body={
            "caller": campaign.caller,
            "caller_number": campaign.caller_number,
            "law": campaign.law.name,
            "law_digest": digest(campaign.law),
            "covered": call.covered,
            "guaranteed": call.guaranteed,
            "override": campaign.override is not None,
            "checks": [[check.name.value, check.passed, check.why] for check in checks],
        },
    )


def late_attempt_entry(call: Call, person: str, now: datetime) -> Entry:
    """A call whose start was never confirmed, and so never dialed, told when it is closed."""
    return Entry(
        kind=Kind.ATTEMPT,
        at=call.admitted_at or now,
        campaign=call.contact.campaign,
        call=call.id,
        person=person,
        body={"covered": call.covered, "guaranteed": call.guaranteed, "late": True, "checks": []},
    )


def end_entries(call: Call, person: str, now: datetime) -> list[Entry]:
    """What happened in a call that is over, in the order in which it happened."""
    campaign, outcome = call.contact.campaign, call.outcome

    def entry(kind: Kind, at: datetime, **body: object) -> Entry:
        return Entry(kind=kind, at=at, campaign=campaign, call=call.id, person=person, body=body)

    made = []
    if call.answered_at is not None:
        made.append(entry(Kind.ANSWER, call.answered_at))
    if call.noise_at is not None:
        made.append(entry(Kind.NOISE, call.noise_at))
    if call.bridged_at is not None:
        heard = call.heard_at.isoformat() if call.heard_at else None
        made.append(entry(Kind.BRIDGE, call.bridged_at, agent=call.agent, waited=call.waited, heard_at=heard))
    answered = answer_class(call)
    made.append(
        entry(
            Kind.HANG_UP,
            call.ended_at or now,
            outcome=outcome.value if outcome else None,
            answer_class=answered.value if answered else None,
            ended_by=call.ended_by.value if call.ended_by else None,
            cause=call.cause,
            sip=call.sip,
            agent=call.agent,
        )
    )
    return made


def start_entry(campaign: Campaign, now: datetime) -> Entry:
    """A campaign is started: under which rules, presenting which number."""
    law = campaign.law
    return Entry(
        kind=Kind.PROFILE,
        at=now,
        campaign=campaign.id,
        body={
            "caller": campaign.caller,
            "caller_number": campaign.caller_number,
            "caller_number_answers": campaign.caller_number_answers,
            "zone": campaign.zone,
            "ring_timeout": campaign.ring_timeout.total_seconds(),
            "law": document(law),
        },
    )


def override_entry(campaign: str, override: Override, now: datetime) -> Entry:
    """Somebody lifted the budget of a campaign."""
    body = {"author": override.author, "reason": override.reason, "what": "budget of silent calls"}
    return Entry(kind=Kind.OVERRIDE, at=now, campaign=campaign, body=body)


def answerer_entry(call: Call, person: str, answerer: Answerer, author: str, now: datetime) -> Entry:
    """An agent said who had picked up."""
    answered = answer_class(call, answerer)
    return Entry(
        kind=Kind.ANSWERER,
        at=now,
        campaign=call.contact.campaign,
        call=call.id,
        person=person,
        body={
            "answerer": answerer.value,
            "answer_class": answered.value if answered else None,
            "author": author,
        },
    )


def campaign_entry(campaign: str, now: datetime, **body: object) -> Entry:
    """A campaign was made or changed."""
    return Entry(kind=Kind.CAMPAIGN, at=now, campaign=campaign, body=body)


def state_entry(
    campaign: str, now: datetime, state: CampaignState, reason: str, paused_by: PausedBy | None
) -> Entry:
    """A campaign changed its state."""
    why = {"paused_by": paused_by.value} if paused_by else {}
    return campaign_entry(campaign, now, state=state.value, reason=reason, **why)
