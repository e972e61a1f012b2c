"""Between attempts and their rows. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, Select, func, select

from controller.domain.answer import AnswerClass, Answerer, answer_class
from controller.domain.call import Call, CallState, HungUpBy
from controller.domain.campaign import Campaign
from controller.domain.clearance import Check
from controller.domain.contact import PhoneNumber
from controller.domain.ids import AgentId, CallId, CampaignId
from controller.domain.instants import micros
from controller.domain.outcome import Outcome
from controller.domain.privacy import NumberKey
from controller.errors import BadInput, ProtocolError
from controller.ports import AttemptEnd, AttemptFact
from controller.store.contact_rows import CONTACT, contact_of, numbers_json
from controller.store.schema import DONE, PENDING, attempts, contacts


@dataclass(frozen=True, slots=True)
class Recording:
    """By whom, of whom and when something is recorded.

    Attributes:
        person: keyed hash of the number.
        others: those of the contact's other numbers.
    """

    controller: str
    person: str
    now: datetime
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StartRow:
    """An attempt about to begin.

    Attributes:
        attempt, contact: parameters of the writer's statements.
        person: keyed hash of the number.
        others: those of the contact's other numbers.
        checks: what was checked before, for the evidence.
    """

    call: Call
    campaign: Campaign
    person: str
    others: Sequence[str]
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


def not_connected(call: str) -> BadInput:
    """The error for a call of which no agent can say who picked up."""
    return BadInput("call", f"no agent reached a call {call!r}", "a call that reached an agent")


def start_row(call: Call, campaign: Campaign, checks: Sequence[Check], recording: Recording) -> StartRow:
    """What is recorded before a call is dialed."""
    contact = {"p_call": call.id, "p_contact": call.contact.id}
    return StartRow(
        call,
        campaign,
        recording.person,
        recording.others,
        checks,
        recording.now,
        _attempt(call, recording),
        contact,
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
        "segment": call.segment,
        **_progress(call),
        "outcome": None,
        "answer_class": None,
    }


def _numbers(numbers: Sequence[PhoneNumber] | None, key: NumberKey) -> dict[str, Any]:
    if not numbers:
        return dict.fromkeys(("p_number", "p_person", "p_kind", "p_others"))
    return {
        "p_number": numbers[0].number,
        "p_person": key.of(numbers[0].number),
        "p_kind": numbers[0].kind.value,
        "p_others": numbers_json(numbers[1:]),
    }


def end_row(end: AttemptEnd, recording: Recording, key: NumberKey) -> EndRow:
    """What is recorded when a call is over.

    Args:
        end: how it ended, with what follows for its contact.
        recording: by whom, of whom, when.
        key: for the hash of the number that is called next.

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
        **_numbers(end.numbers, key),
        "p_tried": None if end.tried is None else [micros(at) for at in end.tried],
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


FIXED_AT_START = ("covered", "guaranteed", "admitted_at", "segment")
"""What an attempt's start says of the call, and its end does not change."""
WRITTEN_AT_END = (
    "state",
    "agent",
    "waited",
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
"""What its end changes; and the class, which follows from these."""

_CALL = tuple(attempts.c[name].label(f"call_{name}") for name in ("id", *FIXED_AT_START, *WRITTEN_AT_END))


def select_calls() -> Select[Any]:
    """Attempts with their contacts, for ``call_of``."""
    return select(*CONTACT, *_CALL).join_from(attempts, contacts, attempts.c.contact == contacts.c.id)


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
        segment=row.call_segment,
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
    "segment",
)


PLACED = func.coalesce(attempts.c.admitted_at, attempts.c.started_at)
"""When an attempt was placed, as integer: by this the ledger counts it in its windows."""


def select_facts() -> Select[Any]:
    """Attempts, for ``fact_of``."""
    return select(*(attempts.c[name] for name in _FACT))


def select_recent(campaign: str, limit: int, since: datetime, before: datetime | None = None) -> Select[Any]:
    """A campaign's latest attempts that are over, latest first, for ``fact_of``."""
    found = (
        select_facts()
        .where(attempts.c.campaign == campaign, attempts.c.admitted_at >= since)
        # Said so that no database takes the index by outcome for the better one.
        .where(func.coalesce(attempts.c.outcome, "") != "")
        .order_by(attempts.c.admitted_at.desc(), attempts.c.id.desc())
        .limit(limit)
    )
    return found if before is None else found.where(attempts.c.admitted_at < before)


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
        segment=row.segment,
    )


def utc_now() -> datetime:
    """The time by which the store itself dates rows: when an attempt was recorded, a campaign made."""
    return datetime.now(UTC)
