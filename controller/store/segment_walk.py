"""The rows of contacts that wait, in slices: however long a list is, no single look at it takes long. No I/O.

A filter that few match is asked of all that wait. At ten million contacts that takes longer than a store may
take to answer, and holds one of its few readers; so it is asked slice by slice. Each slice is one range of
the index ``contacts_due``, in its order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, literal, select, tuple_

from controller.domain.ids import CampaignId
from controller.store.schema import PENDING, Instant, contacts
from controller.store.segment_sql import Condition

SLICES: Final = (5_000, 20_000, 100_000)
"""Contacts in the first slice, the second, and all others: most filters find enough in a few."""


@dataclass(frozen=True, slots=True)
class Run:
    """Contacts of a campaign that wait, in the order in which they are looked through.

    Attributes:
        within: which.
        keys: what they are ordered by.
        backwards: the last one first.
    """

    within: Condition
    keys: tuple[ColumnElement[Any], ...]
    backwards: bool = False

    @property
    def order(self) -> list[ColumnElement[Any]]:
        """For ORDER BY."""
        return [key.desc() if self.backwards else key.asc() for key in self.keys]

    def after(self, place: Row[Any]) -> Condition:
        """What comes behind a place in the order."""
        mine, theirs = self._places(place)
        behind: Condition = mine < theirs if self.backwards else mine > theirs
        return behind

    def until(self, place: Row[Any]) -> Condition:
        """What comes up to a place in the order, itself included."""
        mine, theirs = self._places(place)
        before: Condition = mine >= theirs if self.backwards else mine <= theirs
        return before

    def _places(self, place: Row[Any]) -> tuple[Any, Any]:
        values = [literal(value, key.type) for value, key in zip(place, self.keys, strict=True)]
        if len(values) == 1:
            return self.keys[0], values[0]
        return tuple_(*self.keys), tuple_(*values)


def again(campaign: CampaignId, now: datetime) -> Run:
    """Who is due for another call, longest due first."""
    within = and_(_waiting(campaign), contacts.c.due_at <= literal(now, Instant))
    return Run(within, (contacts.c.due_at, contacts.c.id))


def fresh(campaign: CampaignId, *, newest_first: bool = False) -> Run:
    """Who may be called at once, in the order of the list."""
    within = and_(_waiting(campaign), contacts.c.due_at.is_(None))
    return Run(within, (contacts.c.id,), newest_first)


def later(campaign: CampaignId, now: datetime) -> Run:
    """Who is due later, the next one first."""
    within = and_(_waiting(campaign), contacts.c.due_at > literal(now, Instant))
    return Run(within, (contacts.c.due_at, contacts.c.id))


def _waiting(campaign: CampaignId) -> Condition:
    return and_(contacts.c.campaign == campaign, contacts.c.status == PENDING)


def look(
    connection: Connection, run: Run, wanted: Select[Any], place: Row[Any] | None, size: int, limit: int
) -> tuple[Sequence[Row[Any]], Row[Any] | None]:
    """What is wanted of one slice.

    Args:
        connection: to the database.
        run: what is looked through.
        wanted: the columns, and which rows.
        place: where the last slice ended; None: from the beginning.
        size: contacts in the slice.
        limit: rows at most.

    Returns:
        The rows, in order, and where the slice ends; None if nothing comes behind it.
    """
    ahead = run.within if place is None else and_(run.within, run.after(place))
    last = select(*run.keys).where(ahead).order_by(*run.order).offset(size - 1).limit(1)
    end = connection.execute(last).first()
    here = ahead if end is None else and_(ahead, run.until(end))
    return connection.execute(wanted.where(here).order_by(*run.order).limit(limit)).all(), end
