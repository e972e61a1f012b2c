"""Recorded attempts, made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from controller.authority.history import History, Proof, build
from controller.domain.answer import AnswerClass
from controller.domain.campaign import Campaign
from controller.domain.evidence import Head, Sealed
from controller.domain.ids import CallId, CampaignId
from controller.domain.outcome import Outcome
from controller.law import IT_GARANTE_2014
from controller.ports.records import AttemptFact

NINE = datetime(2026, 11, 2, 8, tzinfo=UTC)
"""A Monday, nine o'clock in Rome."""
MONDAY = date(2026, 11, 2)
PROOF = Proof(head=Head(7, "ab" * 32), whole=True, entries=7, attempts=3)

_CLASSES = {
    Outcome.CONNECTED: AnswerClass.AGENT,
    Outcome.SILENT: AnswerClass.SILENT,
    Outcome.LEFT_EARLY: AnswerClass.LEFT,
    Outcome.LOST: AnswerClass.FAILURE,
}


def campaign(**changes: Any) -> Campaign:
    values: dict[str, Any] = {
        "id": CampaignId("spring"),
        "caller": "Acme",
        "law": IT_GARANTE_2014,
        "created_at": NINE - timedelta(days=1),
    }
    return Campaign(**values | changes)


def call(name: str, outcome: Outcome | None, placed: datetime = NINE, **changes: Any) -> AttemptFact:
    """A call answered after 10 s; with 2.7 s of noise if silent, 0.1 s to the agent if not."""
    answered = placed + timedelta(seconds=10)
    values: dict[str, Any] = {
        "call": CallId(name),
        "campaign": CampaignId("spring"),
        "person": f"person of {name}",
        "caller": "Acme",
        "caller_number": "+390844123456",
        "law": "it-garante-2014",
        "override": False,
        "covered": True,
        "guaranteed": False,
        "placed": placed,
        "outcome": outcome,
        "answer_class": _CLASSES.get(outcome) if outcome else None,
    }
    if outcome is not None and outcome.answered:
        values |= {"answered_at": answered, "noise_at": answered + timedelta(milliseconds=20)}
    match outcome:
        case Outcome.CONNECTED:
            bridged = answered + timedelta(milliseconds=100)
            values |= {"bridged_at": bridged, "heard_at": bridged + timedelta(milliseconds=200)}
            values |= {"ended_at": answered + timedelta(seconds=60)}
        case None:
            pass
        case _:
            values |= {"ended_at": answered + timedelta(seconds=2.7)}
    return AttemptFact(**values | changes)


def many(count: int, start: datetime = NINE, name: str = "c") -> list[AttemptFact]:
    """Successes, one a minute."""
    return [call(f"{name}{n}", Outcome.CONNECTED, start + timedelta(minutes=n)) for n in range(count)]


def history(
    facts: Sequence[AttemptFact],
    since: date = MONDAY,
    until: date = MONDAY,
    *,
    of: Campaign | None = None,
    others: Sequence[AttemptFact] = (),
    entries: Sequence[Sealed] = (),
    proof: Proof = PROOF,
) -> History:
    return build(
        of or campaign(),
        facts,
        since,
        until,
        all_facts=[*facts, *others],
        entries=entries,
        proof=proof,
        made_at=NINE + timedelta(days=30),
    )
