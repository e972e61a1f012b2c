"""Between the domain's objects and rows of the record store. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, func, select

from controller.domain.answer import AnswerClass, Answerer, answer_class
from controller.domain.call import Call, CallState, HungUpBy
from controller.domain.campaign import Campaign, CampaignState, Override
from controller.domain.clearance import Check, CheckName
from controller.domain.contact import Consent, Contact, Habits, NewContact
from controller.domain.hours import Hours, parse_hours, written
from controller.domain.ids import E164, AgentId, CallId, CampaignId, ContactId
from controller.domain.outcome import Outcome
from controller.domain.regulation import Regulation
from controller.domain.retry import RetryRule
from controller.errors import BadInput, ProtocolError
from controller.ports import AttemptEnd, AttemptFact, CampaignRow, ListedContact
from controller.store.schema import DONE, IN_FLIGHT, PENDING, attempts, contacts

Profiles = Mapping[str, Regulation]
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class StartRow:
    """An attempt about to begin.

    Attributes:
        attempt, contact: parameters of the writer's statements.
        person: keyed hash of the number.
        checks: what was checked before, for the evidence.
    """

    call: Call
    campaign: Campaign
    person: str
    checks: Sequence[Check]
    now: datetime
    attempt: Mapping[str, Any]
    contact: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EndRow:
    """An attempt that is over; attributes as of StartRow."""

    call: Call
    person: str
    now: datetime
    attempt: Mapping[str, Any]
    contact: Mapping[str, Any]


AttemptRow = StartRow | EndRow


def no_such_campaign(campaign: str) -> BadInput:
    """The error for a campaign id that is not stored."""
    return BadInput("campaign", f"there is no campaign {campaign!r}")


def campaign_taken(campaign: str) -> BadInput:
    """The error for a new campaign whose id is stored already."""
    return BadInput("campaign", f"there is a campaign {campaign!r} already", "another id")


def contact_gone(status: str, due_at: datetime | None, placed: datetime) -> Check | None:
    """What keeps a contact from being called now; None if nothing does.

    Another controller may have reached it, or put it off, since it was read.
    """
    name = CheckName.CONTACT
    if status == DONE:
        return Check(name=name, passed=False, why="the campaign is done with it meanwhile")
    if status == IN_FLIGHT:
        return Check(name=name, passed=False, why="another call to it is under way")
    if due_at is not None and due_at > placed:
        why = f"put off until {due_at:%Y-%m-%d %H:%M} UTC meanwhile"
        return Check(name=name, passed=False, why=why, until=due_at)
    return None


def not_connected(call: str) -> BadInput:
    """The error for a call of which no agent can say who picked up."""
    return BadInput("call", f"no agent reached a call {call!r}", "a call that reached an agent")


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
        "caller_number_answers": campaign.caller_number_answers,
        "zone": campaign.zone,
        "region": campaign.region,
        "hours": _hours_text(campaign.hours),
        "segment_hours": {segment: written(hours) for segment, hours in campaign.segment_hours.items()},
        "opens_at": campaign.opens_at,
        "closes_at": campaign.closes_at,
        "message": campaign.message,
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
        caller_number_answers=row.caller_number_answers,
        zone=row.zone,
        region=row.region,
        hours=_hours(row.hours),
        segment_hours={segment: parse_hours(text) for segment, text in row.segment_hours.items()},
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        message=row.message,
        created_at=row.created_at,
    )
    return CampaignRow(campaign=campaign, state=CampaignState(row.state), reason=row.reason)


def _hours_text(hours: Hours | None) -> str | None:
    return None if hours is None else written(hours)


def _hours(text: str | None) -> Hours | None:
    return None if text is None else parse_hours(text)


def contact_values(campaign: CampaignId, contact: NewContact, person: str) -> dict[str, Any]:
    """A row for a new contact."""
    consent, habits = contact.consent, contact.habits
    return {
        "campaign": campaign,
        "number": contact.number,
        "name": contact.name,
        "attributes": dict(contact.attributes),
        "attempts": 0,
        "operator_due": False,
        "due_at": None,
        "status": PENDING,
        "person": person,
        "consent_basis": consent.basis if consent else None,
        "consent_source": consent.source if consent else None,
        "consent_at": consent.given_at if consent else None,
        "segment": habits.segment,
        "zone": habits.zone,
        "region": habits.region,
        "hours": _hours_text(habits.hours),
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
    contacts.c.consent_basis,
    contacts.c.consent_source,
    contacts.c.consent_at,
    contacts.c.segment,
    contacts.c.zone,
    contacts.c.region,
    contacts.c.hours,
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
        consent=None
        if columns[8] is None
        else Consent(basis=columns[8], source=columns[9] or "", given_at=columns[10]),
        habits=Habits(segment=columns[11], zone=columns[12], region=columns[13], hours=_hours(columns[14])),
    )


@dataclass(frozen=True, slots=True)
class Recording:
    """By whom, of whom and when something is recorded.

    Attributes:
        person: keyed hash of the number.
    """

    controller: str
    person: str
    now: datetime


def start_row(call: Call, campaign: Campaign, checks: Sequence[Check], recording: Recording) -> StartRow:
    """What is recorded before a call is dialed."""
    contact = {"p_call": call.id, "p_contact": call.contact.id}
    return StartRow(
        call, campaign, recording.person, checks, recording.now, _attempt(call, recording), contact
    )


def _attempt(call: Call, recording: Recording) -> dict[str, Any]:
    return {
        "id": call.id,
        "campaign": call.contact.campaign,
        "p_campaign": call.contact.campaign,
        "contact": call.contact.id,
        "number": call.contact.number,
        "person": recording.person,
        "controller": recording.controller,
        "started_at": recording.now,
        **_progress(call),
        "outcome": None,
        "answer_class": None,
    }


def end_row(end: AttemptEnd, recording: Recording) -> EndRow:
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
    answered = answer_class(call)
    over = {"outcome": outcome.value, "answer_class": answered.value if answered else None}
    return EndRow(call, recording.person, recording.now, _attempt(call, recording) | over, contact)


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
        "noise_at": call.noise_at,
        "bridged_at": call.bridged_at,
        "heard_at": call.heard_at,
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
        "noise_at",
        "bridged_at",
        "heard_at",
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
        noise_at=row.call_noise_at,
        bridged_at=row.call_bridged_at,
        heard_at=row.call_heard_at,
        ended_at=row.call_ended_at,
        ended_by=None if row.call_ended_by is None else HungUpBy(row.call_ended_by),
        outcome=None if row.call_outcome is None else Outcome(row.call_outcome),
        cause=row.call_cause,
        sip=row.call_sip,
    )


_FACT = (
    "id",
    "campaign",
    "person",
    "caller",
    "caller_number",
    "law",
    "override",
    "covered",
    "guaranteed",
    "admitted_at",
    "started_at",
    "rang_at",
    "answered_at",
    "noise_at",
    "bridged_at",
    "heard_at",
    "ended_at",
    "ended_by",
    "outcome",
    "answer_class",
    "answerer",
    "cause",
    "sip",
)
PLACED = func.coalesce(attempts.c.admitted_at, attempts.c.started_at)
"""When an attempt was placed, as integer: by this the ledger counts it in its windows."""


def select_facts() -> Select[Any]:
    """Attempts, for ``fact_of``."""
    return select(*(attempts.c[name] for name in _FACT))


def fact_of(row: Row[Any]) -> AttemptFact:
    """An attempt without personal data, from its row."""
    return AttemptFact(
        call=CallId(row.id),
        campaign=CampaignId(row.campaign),
        person=row.person,
        caller=row.caller,
        caller_number=row.caller_number,
        law=row.law,
        override=row.override,
        covered=row.covered,
        guaranteed=row.guaranteed,
        placed=row.admitted_at or row.started_at,
        rang_at=row.rang_at,
        answered_at=row.answered_at,
        noise_at=row.noise_at,
        bridged_at=row.bridged_at,
        heard_at=row.heard_at,
        ended_at=row.ended_at,
        ended_by=None if row.ended_by is None else HungUpBy(row.ended_by),
        outcome=None if row.outcome is None else Outcome(row.outcome),
        answer_class=None if row.answer_class is None else AnswerClass(row.answer_class),
        answerer=None if row.answerer is None else Answerer(row.answerer),
        cause=row.cause,
        sip=row.sip,
    )


def listed_of(row: Row[Any]) -> ListedContact:
    """A contact with where it stands; ``status`` is the row's last column."""
    status = tuple(row)[-1]
    return ListedContact(contact=contact_of(row), done=status == DONE, in_flight=status == IN_FLIGHT)


def utc_now() -> datetime:
    """The time by which the store itself dates rows: when an attempt was recorded, a campaign made."""
    return datetime.now(UTC)
