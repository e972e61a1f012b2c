"""L7, no dialing blind: what has to answer before a call may be placed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from controller.errors import Unreachable

log = structlog.get_logger(__name__)

PING_EVERY = 0.5
"""Seconds between two questions whether an edge still answers."""

LINK = "events"
"""The edge that is up when events flow and what we know agrees with what Asterisk holds."""

EDGES = ("asterisk", LINK, "redis", "records")


class Health:
    """Edges that give no confirmed answer, and outcomes not yet confirmed.

    An edge is down from the first failed operation until a ping of it succeeds. While one is down, or while
    an outcome waits to be settled, nobody is called.

    Attributes:
        became_fit: set while calls may be placed.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._faults: dict[str, str] = {LINK: "not in step with Asterisk yet"}
        self._unsettled = 0
        self.became_fit = asyncio.Event()
        self._on_change = on_change

    @property
    def faults(self) -> list[str]:
        """What is wrong, in words; empty if calls may be placed."""
        faults = [f"{edge}: {what}" for edge, what in self._faults.items()]
        if self._unsettled:
            faults.append(f"{self._unsettled} ended calls are not yet settled in Redis and the record store")
        return faults

    @property
    def linked(self) -> bool:
        """Whether events flow and what we know agrees with what Asterisk holds."""
        return LINK not in self._faults

    @property
    def edges(self) -> Mapping[str, bool]:
        """Whether each edge gives confirmed answers."""
        return {edge: edge not in self._faults for edge in EDGES}

    @property
    def waiting(self) -> int:
        """Ended calls whose outcome is not confirmed yet."""
        return self._unsettled

    @property
    def fit(self) -> bool:
        """Whether calls may be placed."""
        return not self._faults and not self._unsettled

    def fail(self, edge: str, what: str) -> None:
        """The edge gave no confirmed answer."""
        if edge not in self._faults:
            log.warning("edge down, no new calls", edge=edge, what=what)
        self._faults[edge] = what
        self.became_fit.clear()

    def clear(self, edge: str) -> None:
        """The edge answers."""
        if self._faults.pop(edge, None) is not None:
            log.info("edge up", edge=edge)
            self._changed()

    def unsettled(self, change: int) -> None:
        """An outcome waits for confirmation (+1), or has got it (-1)."""
        self._unsettled += change
        self._changed()

    def _changed(self) -> None:
        if self.fit:
            self.became_fit.set()
            self._on_change()
        else:
            self.became_fit.clear()

    async def settle(self, tell: Callable[[], Awaitable[None]]) -> None:
        """Say how a call ended until it is confirmed. Meanwhile nobody is called (L7).

        A crash leaves it to recovery.
        """
        pause, waiting = 0.05, False
        try:
            while True:
                try:
                    return await tell()
                except Unreachable as error:
                    if not waiting:
                        self.unsettled(+1)
                        log.warning("outcome not confirmed yet", why=str(error))
                    waiting = True
                    await asyncio.sleep(pause)
                    pause = min(2.0, pause * 2)
        finally:
            if waiting:
                self.unsettled(-1)

    async def watch(self, pings: Mapping[str, Callable[[], Awaitable[None]]]) -> None:
        """Ask each edge again and again. Runs until cancelled."""
        while True:
            for edge, ping in pings.items():
                try:
                    await ping()
                except Unreachable as error:
                    self.fail(edge, str(error))
                else:
                    self.clear(edge)
            await asyncio.sleep(PING_EVERY)
