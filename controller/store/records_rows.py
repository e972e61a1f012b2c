"""Between the domain's objects and rows of the record store. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, select

from controller.domain.call import Call, CallState, HungUpBy
from controller.domain.campaign import Campaign, CampaignState, Override
from controller.domain.contact import Contact, NewContact
from controller.domain.ids import E164, AgentId, CallId, CampaignId, ContactId
from controller.domain.outcome import Outcome
from controller.domain.regulation import Regulation
from controller.domain.retry import RetryRule
from controller.errors import BadInput, ProtocolError
from controller.ports import AttemptEnd, CampaignRow
from controller.store.schema import DONE, PENDING, attempts, contacts

Profiles = Mapping[str, Regulation]
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class StartRow:
    """An attempt about to begin, as parameters of the writer's statements."""

    attempt: Mapping[str, Any]
    contact: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EndRow:
    """An attempt that is over, as parameters of the writer's statements."""

    attempt: Mapping[str, Any]
    contact: Mapping[str, Any]


AttemptRow = StartRow | EndRow


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


def campaign_values(campaign: Campaign, now: datetime) -> dict[str, Any]:
    """A row for a new campaign."""
    override = campaign.override
    return {
        "id": campaign.id,
        "caller": campaign.caller,
        "caller_number": campaign.caller_number,
        "dial_string": campaign.dial_string,
        "trunk": campaign.trunk,
        "law": campaign.law.name,
        "overdial": campaign.overdial,
        "ring_timeout": campaign.ring_timeout,
        "wrap_up": campaign.wrap_up,
        "calls_per_second": campaign.calls_per_second,
        "max_lines": campaign.max_lines,
        "max_attempts": campaign.retry.max_attempts,
        "retry_pauses": {o.value: pause // _MICROSECOND for o, pause in campaign.retry.pauses.items()},
        "override_author": override.author if override else None,
        "override_reason": override.reason if override else None,
        "state": CampaignState.DRAFT.value,
        "reason": "",
        "created_at": now,
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
        overdial=row.overdial,
        ring_timeout=row.ring_timeout,
        wrap_up=row.wrap_up,
        calls_per_second=row.calls_per_second,
        max_lines=row.max_lines,
        retry=RetryRule(
            max_attempts=row.max_attempts,
            pauses={Outcome(name): pause * _MICROSECOND for name, pause in row.retry_pauses.items()},
        ),
        override=None
        if row.override_author is None
        else Override(author=row.override_author, reason=row.override_reason),
    )
    return CampaignRow(campaign=campaign, state=CampaignState(row.state), reason=row.reason)


def contact_values(campaign: CampaignId, contact: NewContact) -> dict[str, Any]:
    """A row for a new contact."""
    return {
        "campaign": campaign,
        "number": contact.number,
        "name": contact.name,
        "attributes": dict(contact.attributes),
        "attempts": 0,
        "operator_due": False,
        "due_at": None,
        "status": PENDING,
    }


_CONTACT = (
    contacts.c.id,
    contacts.c.campaign,
    contacts.c.number,
    contacts.c.name,
    contacts.c.attributes,
    contacts.c.attempts,
    contacts.c.operator_due,
    contacts.c.due_at,
)


def select_contacts() -> Select[Any]:
    """Contacts, for ``contact_of``."""
    return select(*_CONTACT)


def contact_of(row: Row[Any]) -> Contact:
    """A contact from the first columns of a row."""
    columns: Sequence[Any] = row  # whose types SQLAlchemy does not know
    return Contact(
        id=ContactId(columns[0]),
        campaign=CampaignId(columns[1]),
        number=E164(columns[2]),
        name=columns[3],
        attributes=columns[4],
        attempts=columns[5],
        operator_due=columns[6],
        due_at=columns[7],
    )


def start_row(call: Call, now: datetime) -> StartRow:
    """What is recorded before a call is dialed."""
    contact = call.contact
    attempt = {
        "id": call.id,
        "campaign": contact.campaign,
        "p_campaign": contact.campaign,
        "contact": contact.id,
        "number": contact.number,
        "started_at": now,
        **_progress(call),
        "outcome": None,
    }
    return StartRow(attempt, {"p_call": call.id, "p_contact": contact.id})


def end_row(end: AttemptEnd, now: datetime) -> EndRow:
    """What is recorded when a call is over.

    Raises:
        ProtocolError: it is not over.
    """
    call, outcome = end.call, require_outcome(end.call)
    contact = {
        "p_call": call.id,
        "p_contact": call.contact.id,
        "p_counts": int(end.counts_as_attempt),
        "p_due": end.next_due,
        "p_status": DONE if end.next_due is None else PENDING,
        "p_operator_due": operator_due_after(outcome),
        "p_outcome": outcome.value,
    }
    return EndRow(dict(start_row(call, now).attempt) | {"outcome": outcome.value}, contact)


def require_outcome(call: Call) -> Outcome:
    """The outcome of a call that is over.

    Raises:
        ProtocolError: it is not over.
    """
    if call.outcome is None:
        raise ProtocolError(f"Call {call.id} was to be recorded as ended without an outcome. This is a bug.")
    return call.outcome


def operator_due_after(outcome: Outcome) -> bool | None:
    """What an outcome makes of a contact's ``operator_due``; None leaves it as it is."""
    if outcome.counts_as_silent:
        return True
    return False if outcome is Outcome.CONNECTED else None


def _progress(call: Call) -> dict[str, Any]:
    return {
        "state": call.state.value,
        "covered": call.covered,
        "guaranteed": call.guaranteed,
        "agent": call.agent,
        "waited": call.waited,
        "admitted_at": call.admitted_at,
        "rang_at": call.rang_at,
        "answered_at": call.answered_at,
        "bridged_at": call.bridged_at,
        "ended_at": call.ended_at,
        "ended_by": call.ended_by.value if call.ended_by else None,
        "cause": call.cause,
        "sip": call.sip,
    }


_CALL = tuple(
    attempts.c[name].label(f"call_{name}")
    for name in (
        "id",
        "state",
        "covered",
        "guaranteed",
        "agent",
        "waited",
        "admitted_at",
        "rang_at",
        "answered_at",
        "bridged_at",
        "ended_at",
        "ended_by",
        "outcome",
        "cause",
        "sip",
    )
)


def select_calls() -> Select[Any]:
    """Attempts with their contacts, for ``call_of``."""
    return select(*_CONTACT, *_CALL).join_from(attempts, contacts, attempts.c.contact == contacts.c.id)


def call_of(row: Row[Any]) -> Call:
    """An attempt as recorded, with its contact as it is now."""
    return Call(
        id=CallId(row.call_id),
        contact=contact_of(row),
        state=CallState(row.call_state),
        covered=row.call_covered,
        guaranteed=row.call_guaranteed,
        agent=None if row.call_agent is None else AgentId(row.call_agent),
        waited=row.call_waited,
        admitted_at=row.call_admitted_at,
        rang_at=row.call_rang_at,
        answered_at=row.call_answered_at,
        bridged_at=row.call_bridged_at,
        ended_at=row.call_ended_at,
        ended_by=None if row.call_ended_by is None else HungUpBy(row.call_ended_by),
        outcome=None if row.call_outcome is None else Outcome(row.call_outcome),
        cause=row.call_cause,
        sip=row.call_sip,
    )


def utc_now() -> datetime:
    """The time by which the store itself dates rows: when an attempt was recorded, a campaign made."""
    return datetime.now(UTC)
