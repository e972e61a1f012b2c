"""Appending to the chained record, inside whatever transaction changes what the entries tell of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from controller.domain.evidence import Entry, Head, Sealed, seal
from controller.store.schema import evidence, evidence_head

_COLUMNS = tuple(column.name for column in evidence.columns)
_TAKE_HOLD = update(evidence_head).values(seq=evidence_head.c.seq)
_HEAD = select(evidence_head.c.seq, evidence_head.c.hash)


def take_hold(connection: Connection) -> None:
    """Lock the chain for this transaction: two programs must not chain to the same entry."""
    connection.execute(_TAKE_HOLD)


def append(connection: Connection, entries: Sequence[Entry]) -> None:
    """Chain entries to the record, in this order."""
    if not entries:
        return
    take_hold(connection)
    seq, last = connection.execute(_HEAD).one()
    head = Head(seq, last)
    rows: list[dict[str, Any]] = []
    for entry in entries:
        sealed = seal(entry, head)
        head = Head(sealed.seq, sealed.hash)
        rows.append({name: getattr(sealed, name) for name in _COLUMNS})
    connection.execute(insert(evidence), rows)
    connection.execute(update(evidence_head).values(seq=head.seq, hash=head.hash))


def sealed_of(row: Any) -> Sealed:
    """An entry from its row, as it stands."""
    return Sealed(**{name: getattr(row, name) for name in _COLUMNS})
