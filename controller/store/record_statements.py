"""The statements by which the writer records attempts, compiled once per database.

Each is idempotent by itself, so a repeated start or end changes nothing: an attempt's row is written once as
started and once as ended, and a contact follows only the attempt that it is in flight with.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
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

from controller.store.records_rows import AttemptRow, EndRow, StartRow
from controller.store.schema import IN_FLIGHT, Instant, attempts, campaigns, contacts

_CALL = bindparam("p_call", type_=Text)
_CONTACT = bindparam("p_contact", type_=BigInteger)

_OF_CAMPAIGN = campaigns.c.id == bindparam("p_campaign", type_=Text)
_FROM_CAMPAIGN = {
    "caller": select(campaigns.c.caller).where(_OF_CAMPAIGN).scalar_subquery(),
    "caller_number": select(campaigns.c.caller_number).where(_OF_CAMPAIGN).scalar_subquery(),
    "override": select(campaigns.c.override_author.is_not(None)).where(_OF_CAMPAIGN).scalar_subquery(),
}

# What the end of an attempt changes in its row; the rest was fixed when it started.
_WRITTEN_AT_END = (
    "state",
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
    )
    .values(
        attempts=contacts.c.attempts + bindparam("p_counts", type_=Integer),
        due_at=bindparam("p_due", type_=Instant),
        status=bindparam("p_status", type_=Text),
        operator_due=func.coalesce(bindparam("p_operator_due", type_=Boolean), contacts.c.operator_due),
        last_outcome=bindparam("p_outcome", type_=Text),
        current_call=None,
    )
)


class AttemptStatements:
    """Writes groups of attempts."""

    def __init__(self, dialect: str) -> None:
        """Build the statements for a database: ``sqlite`` or ``postgresql``."""
        insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
        row = insert(attempts).values(_FROM_CAMPAIGN)
        self._start = row.on_conflict_do_nothing(index_elements=["id"])
        self._end = row.on_conflict_do_update(
            index_elements=["id"],
            set_={name: row.excluded[name] for name in _WRITTEN_AT_END},
            where=attempts.c.outcome.is_(None),
        )

    def store(self, connection: Connection, rows: Sequence[AttemptRow]) -> None:
        """Write a group inside the transaction of ``connection``.

        All starts come before all ends. That keeps the order of the rows of one call; of one contact, no two
        calls are under way at once.
        """
        starts = [row for row in rows if isinstance(row, StartRow)]
        # Said twice in one group it would count twice, for its contact is written before its own row.
        ends = {row.attempt["id"]: row for row in rows if isinstance(row, EndRow)}.values()
        if starts:
            connection.execute(self._start, [row.attempt for row in starts])
            connection.execute(_CONTACT_STARTS, [row.contact for row in starts])
        if ends:
            connection.execute(_CONTACT_ENDS, [row.contact for row in ends])
            connection.execute(self._end, [row.attempt for row in ends])
