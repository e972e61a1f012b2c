"""The bounded queue between the one reader of the event WebSocket and the one consumer.

Events wait here as decoded JSON; the consumer makes dataclasses of them, so that the reader, on which
Asterisk's write timeout depends, does as little as possible.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeAlias

from controller.ari.events import StreamItem

QueueItem: TypeAlias = dict[str, Any] | StreamItem | None
"""A decoded event, something already made, or None: the end."""

_RESERVE = 4
"""Places beyond the limit for what must never be refused. Enough, since a new connection is only announced
once the queue is half empty (`wait_half_empty`): Disconnected, ApplicationReplaced and the end are then the
most there can be."""


class EventQueue:
    """A FIFO that refuses events beyond its limit, but never news of the connection itself."""

    def __init__(self, limit: int) -> None:
        """Hold at most `limit` events."""
        self._limit = limit
        self._items: asyncio.Queue[QueueItem] = asyncio.Queue(limit + _RESERVE)
        self._half_empty = asyncio.Event()
        self._half_empty.set()

    def __len__(self) -> int:
        return self._items.qsize()

    def offer(self, event: dict[str, Any]) -> bool:
        """Add an event; False if there is no room, and then it is lost and the caller must resynchronise."""
        if self._items.qsize() >= self._limit:
            return False
        self.announce(event)
        return True

    def announce(self, item: QueueItem) -> None:
        """Add news of the connection, which there is always room for."""
        self._items.put_nowait(item)
        if self._items.qsize() > self._limit // 2:
            self._half_empty.clear()

    async def take(self) -> QueueItem:
        """Return the oldest item; waits until there is one, for the consumer has nothing else to do."""
        item = await self._items.get()
        if self._items.qsize() <= self._limit // 2:
            self._half_empty.set()
        return item

    async def wait_half_empty(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for room; False if there is still none."""
        try:
            async with asyncio.timeout(timeout):
                await self._half_empty.wait()
        except TimeoutError:
            return False
        return True
