"""What happens now, for whoever listens: a ring of the latest events, and a bounded queue for each listener.

Nothing here waits for a listener, so a slow one never slows the dialing: when its queue is full it is ended,
and has to listen again from the last event it took. As long as the ring still has what it missed, nothing is
lost; else it is told that there is a gap.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from itertools import dropwhile
from typing import Any, Self

from controller.domain.instants import micros
from controller.errors import Refused
from controller.ports.clock import Clock
from controller.ports.feed import Event

__all__ = ["Event", "Feed", "Listener"]

_RING = 10_000
_QUEUE = 1_000
_LISTENERS = 200


class Listener:
    """One listener's events; see ``ports.feed.Listening``. Made by ``Feed.listen``."""

    def __init__(self, kinds: Collection[str], room: int, position: int) -> None:
        self.gap = False
        self.ended = False
        self.position = position
        self._offered = position
        self._kinds = frozenset(kinds)
        self._room = room
        self._waiting: deque[Event] = deque()
        self._changed = asyncio.Event()

    def offer(self, event: Event) -> None:
        """Take an event; where there is no room for it, this listener is at its end."""
        if self.ended:
            return
        if not self._kinds or event.kind in self._kinds:
            if len(self._waiting) >= self._room:
                self.end()
                return
            self._waiting.append(event)
            self._changed.set()
        self._offered = event.id
        if not self._waiting:
            self.position = event.id

    def replay(self, events: Collection[Event]) -> None:
        """Take what happened before; what there is no room for is left for the next time."""
        for event in events:
            self.offer(event)

    def end(self) -> None:
        """No more events; those that wait are still handed out."""
        self.ended = True
        self._changed.set()

    async def next(self, timeout: float) -> Event | None:
        """The next event; None if there was none for ``timeout`` seconds, or if it has ended."""
        try:
            async with asyncio.timeout(timeout):
                return await anext(self)
        except (TimeoutError, StopAsyncIteration):
            return None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._waiting:
            if self.ended:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        event = self._waiting.popleft()
        # With nothing left, what was passed over for its kind is behind as well.
        self.position = event.id if self._waiting else self._offered
        return event


class Feed:
    """Implements ports.feed.EventFeed in one process. To be used from one event loop only; has no task."""

    def __init__(
        self, clock: Clock, *, ring: int = _RING, queue: int = _QUEUE, listeners: int = _LISTENERS
    ) -> None:
        """An empty feed.

        Args:
            clock: its microseconds number the events, so that ids grow across restarts as well.
            ring: events kept for those who resume; older ones go.
            queue: events that may wait for one listener; more end it.
            listeners: how many there may be at a time; more are refused.
        """
        self._clock = clock
        self._ring: deque[Event] = deque(maxlen=ring)
        self._queue = queue
        self._most = listeners
        self._listeners: set[Listener] = set()
        self._forgotten = self._last = micros(clock.now())
        self._closed = False

    def publish(self, kind: str, data: Mapping[str, Any]) -> Event:
        """Tell of something that happened; never waits, never fails."""
        at = self._clock.now()
        # A clock that was set back, or stands still, must not make two events one.
        self._last = max(self._last + 1, micros(at))
        event = Event(id=self._last, kind=kind, at=at, data=dict(data))
        if len(self._ring) == self._ring.maxlen:
            self._forgotten = self._ring[0].id
        self._ring.append(event)
        for listener in self._listeners:
            listener.offer(event)
        return event

    def since(self, last_id: int) -> list[Event] | None:
        """What happened after an event, oldest first; None if that is not known any more (a gap).

        Also for an id that is still to come: it was not given by this feed.
        """
        if not self._forgotten <= last_id <= self._last:
            return None
        return list(dropwhile(lambda event: event.id <= last_id, self._ring))

    @asynccontextmanager
    async def listen(self, after: int | None = None, kinds: Collection[str] = ()) -> AsyncIterator[Listener]:
        """Listen, while entered.

        Args:
            after: the last event that was seen; None: only what happens from now on.
            kinds: only these; empty: all.

        Raises:
            Refused: there are too many listeners already.
        """
        if len(self._listeners) >= self._most:
            raise Refused(f"{self._most} listen to the events already; close one of them first")
        missed = [] if after is None else self.since(after)
        begins = self._last if after is None or missed is None else after
        listener = Listener(kinds, self._queue, begins)
        listener.gap = missed is None
        listener.replay(missed or ())
        if self._closed:
            listener.end()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """Nobody gets more events: the controller stops. Who listens gets what waits, and then the end."""
        self._closed = True
        for listener in self._listeners:
            listener.end()
