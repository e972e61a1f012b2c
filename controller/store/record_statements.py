"""The statements by which the writer records attempts, compiled once per database.

A group is written in one transaction with its evidence. Each statement is idempotent by itself, so a repeated
start or end changes nothing: an attempt's row is written once as started and once as ended, and a contact
follows only the attempt that it is in flight with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Connection,
    Integer,
    Text,
    bindparam,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from controller.domain.clearance import Check, first_failed, scopes, standing_checks
from controller.domain.evidence import Entry
from controller.store.access import chunks
from controller.store.attempt_rows import WRITTEN_AT_END, AttemptRow, EndRow, StartRow
from controller.store.call_evidence import attempt_entry, end_entries, late_attempt_entry
from controller.store.contact_rows import CONTACT_DELETED, contact_gone
from controller.store.evidence_chain import append, take_hold
from controller.store.schema import IN_FLIGHT, Instant, attempts, campaigns, contacts
from controller.store.standing import Standings
from controller.store.work_settling import settle_ends

_CALL = bindparam("p_call", type_=Text)
_CONTACT = bindparam("p_contact", type_=BigInteger)

_OF_CAMPAIGN = campaigns.c.id == bindparam("p_campaign", type_=Text)
_FROM_CAMPAIGN = {
    "caller": select(campaigns.c.caller).where(_OF_CAMPAIGN).scalar_subquery(),
    "caller_number": select(campaigns.c.caller_number).where(_OF_CAMPAIGN).scalar_subquery(),
    "law": select(campaigns.c.law).where(_OF_CAMPAIGN).scalar_subquery(),
    "override": select(campaigns.c.override_author.is_not(None)).where(_OF_CAMPAIGN).scalar_subquery(),
}

_UNDER_WAY = exists().where(attempts.c.id == _CALL, attempts.c.outcome.is_(None))
_RECORDED = exists().where(attempts.c.id == _CALL)

_CONTACT_STARTS = (
    update(contacts).where(contacts.c.id == _CONTACT, _UNDER_WAY).values(status=IN_FLIGHT, current_call=_CALL)
)

# An attempt whose start was never recorded (given up by its caller, or lost with a restored database) still
# counts for its contact, unless another attempt is under way.
_CONTACT_ENDS = (
    update(contacts)
    .where(
        contacts.c.id == _CONTACT,
        or_(contacts.c.current_call == _CALL, contacts.c.current_call.is_(None) & ~_RECORDED),
        contacts.c.erased_at.is_(None),  # who was erased meanwhile is never due again
    )
    .values(
        attempts=contacts.c.attempts + bindparam("p_counts", type_=Integer),
        due_at=bindparam("p_due", type_=Instant),
        status=bindparam("p_status", type_=Text),
        operator_due=func.coalesce(bindparam("p_operator_due", type_=Boolean), contacts.c.operator_due),
        last_outcome=bindparam("p_outcome", type_=Text),
        current_call=None,
        number=func.coalesce(bindparam("p_number", type_=Text), contacts.c.number),
        person=func.coalesce(bindparam("p_person", type_=Text), contacts.c.person),
        kind=func.coalesce(bindparam("p_kind", type_=Text), contacts.c.kind),
        others=func.coalesce(bindparam("p_others", type_=JSON(none_as_null=True)), contacts.c.others),
        tried=func.coalesce(bindparam("p_tried", type_=JSON(none_as_null=True)), contacts.c.tried),
    )
)

_OUTCOMES = select(attempts.c.id, attempts.c.outcome)
_STATUSES = select(contacts.c.id, contacts.c.status, contacts.c.due_at, contacts.c.erased_at)


@cache
def attempt_statements(dialect: str) -> AttemptStatements:
    """For a database, ``sqlite`` or ``postgresql``, built once: that takes as long as all else of a store."""
    return AttemptStatements(dialect)


class AttemptStatements:
    """Writes groups of attempts, each with its evidence."""

    def __init__(self, dialect: str) -> None:
        """Build the statements for a database: ``sqlite`` or ``postgresql``."""
        insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
        row = insert(attempts).values(_FROM_CAMPAIGN)
        self._start = row.on_conflict_do_nothing(index_elements=["id"])
        self._end = row.on_conflict_do_update(
            index_elements=["id"],
            # When it was admitted says which windows it is in, and never changes.
            set_={name: row.excluded[name] for name in (*WRITTEN_AT_END, "answer_class")}
            | {"admitted_at": func.coalesce(attempts.c.admitted_at, row.excluded.admitted_at)},
            where=attempts.c.outcome.is_(None),
        )

    def store(self, connection: Connection, rows: Sequence[AttemptRow]) -> list[Check | None]:
        """Write a group inside the transaction of ``connection``.

        All starts come before all ends. That keeps the order of the rows of one call; of one contact, no two
        calls are under way at once.

        Returns:
            For each row the check that failed, for which reason a start was not written; else None.
        """
        # Before anything is read: from here on no list can change until this group is durable.
        take_hold(connection)
        known = _outcomes(connection, [row.call.id for row in rows])
        # Said twice in one group, a start would be told twice in the evidence, and an end would count twice,
        # for its contact is written before its own row.
        starts = {row.call.id: row for row in rows if isinstance(row, StartRow)}
        ends = {row.call.id: row for row in rows if isinstance(row, EndRow)}
        refused, entries = _decide(connection, [row for call, row in starts.items() if call not in known])
        going = {call: row for call, row in starts.items() if call not in refused}
        late = [row for call, row in ends.items() if call not in known and call not in going]
        if going:
            connection.execute(self._start, [row.attempt for row in going.values()])
            connection.execute(_CONTACT_STARTS, [row.contact for row in going.values()])
        if ends:
            connection.execute(_CONTACT_ENDS, [row.contact for row in ends.values()])
            unnamed = _erased(connection, late)
            values = [
                {**row.attempt, "number": ""} if call in unnamed else row.attempt
                for call, row in ends.items()
            ]
            connection.execute(self._end, values)
        entries += [late_attempt_entry(row.call, row.person, row.now) for row in late]
        for call, row in ends.items():
            if known.get(call) is None:
                entries += end_entries(row.call, row.person, row.now)
        append(connection, entries)
        settle_ends(connection, [row for call, row in ends.items() if known.get(call) is None])
        return [refused.get(row.call.id) if isinstance(row, StartRow) else None for row in rows]


def _outcomes(connection: Connection, calls: Sequence[str]) -> dict[str, str | None]:
    """Recorded attempts among ``calls``, each with its outcome."""
    found: dict[str, str | None] = {}
    for some in chunks(calls):
        for call, outcome in connection.execute(_OUTCOMES.where(attempts.c.id.in_(some))):
            found[call] = outcome
    return found


def _erased(connection: Connection, late: Sequence[EndRow]) -> set[str]:
    """Calls whose person's data were erased between their start, never recorded, and their end."""
    found = _contacts(connection, [row.call.contact.id for row in late])
    erased = {key for key, row in found.items() if row.erased_at is not None}
    return {row.call.id for row in late if row.call.contact.id in erased}


def _decide(connection: Connection, starts: Sequence[StartRow]) -> tuple[dict[str, Check], list[Entry]]:
    """Which calls must not be dialed, each with the check that failed; and the evidence of the others."""
    standings = Standings(connection, (each for row in starts for each in (row.person, *row.others)))
    contact_rows = _contacts(connection, [row.call.contact.id for row in starts])
    refused: dict[str, Check] = {}
    entries = []
    for row in starts:
        call, campaign = row.call, row.campaign
        standing = standings.of(row.person, scopes(campaign.caller, campaign.id), row.others)
        contact, placed = contact_rows.get(call.contact.id), call.admitted_at or row.now
        checks = (*row.checks, *standing_checks(standing, call.contact.consent, campaign, placed))
        failed = first_failed(checks)
        if contact is None:
            failed = failed or CONTACT_DELETED
        elif failed is None:
            failed = contact_gone(contact.status, contact.due_at, placed)
        if failed is not None:
            refused[call.id] = failed
        else:
            entries.append(attempt_entry(call, campaign, row.person, checks, row.now))
    return refused, entries


def _contacts(connection: Connection, ids: Sequence[int]) -> Mapping[int, Any]:
    return {
        row.id: row
        for some in chunks(ids)
        for row in connection.execute(_STATUSES.where(contacts.c.id.in_(some)))
    }
