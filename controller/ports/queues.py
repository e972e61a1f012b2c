"""Bounded queues, as they are shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatus:
    """A bounded queue now.

    Attributes:
        waiting: what is in it.
        room: how much it holds.
        overflows: how often something came that it had no room for, since the controller started.
    """

    name: str
    waiting: int
    room: int
    overflows: int
