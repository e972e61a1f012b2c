"""What happens now, told to whoever listens: the edge between the engine and the API's live stream."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened.

    Attributes:
        id: grows with every event, also across restarts of the controller.
        kind: what happened, such as ``call.ended``.
        at: when (aware).
        data: plain values fit for JSON; never a full number or a name.
    """

    id: int
    kind: str
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)


class Listening(Protocol):
    """Events as they come, for one listener.

    Attributes:
        gap: what happened since the event that was last seen is not known any more; look at the whole anew.
        ended: no more events come: the listener was too slow, or the feed was closed. Resume by listening
            again from ``position``.
        position: id up to which this listener has everything of its kinds.
    """

    gap: bool
    ended: bool
    position: int

    async def next(self, timeout: float) -> Event | None:
        """The next event; None if there was none for ``timeout`` seconds, or if it has ended."""
        ...

    def __aiter__(self) -> Listening:
        """Events until it has ended."""
        ...

    async def __anext__(self) -> Event:
        """The next event, however long it takes."""
        ...


class EventFeed(Protocol):
    """Who tells of events, and who listens, need not know each other."""

    def publish(self, kind: str, data: Mapping[str, Any]) -> Event:
        """Tell of something that happened; never waits, never fails."""
        ...

    def since(self, last_id: int) -> Sequence[Event] | None:
        """What happened after an event, oldest first; None if that is not known any more (a gap)."""
        ...

    def listen(
        self, after: int | None = None, kinds: Collection[str] = ()
    ) -> AbstractAsyncContextManager[Listening]:
        """Listen, while entered.

        Args:
            after: the last event that was seen; None: only what happens from now on.
            kinds: only these; empty: all.

        Raises:
            Refused: there are too many listeners already.
        """
        ...
