"""Virtual time: an event loop whose time stands still while anything runs, and jumps when all wait.

    def test_an_hour() -> None:
        async def an_hour() -> None:
            clock = VirtualClock()
            await asyncio.sleep(3600)

        run_virtual(an_hour())  # returns at once

Nothing sleeps, so what happens depends on the program alone: the same program gives the same run. Threads
know nothing of virtual time; while one works for the loop (``run_in_executor``), time races past it.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

T = TypeVar("T")

EPOCH: Final = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
"""What a virtual clock shows first unless told otherwise: a Monday, 10 o'clock in Rome."""

_OWN_FILES: Final = 1
"""Files that every loop watches: the one through which threads wake it."""


class StandstillError(RuntimeError):
    """Everything waits and no timer runs: nothing would ever happen again."""


class VirtualTimeSelector(selectors.BaseSelector):
    """A selector that never waits: where another would sleep until a timer, it moves the time there.

    Attributes:
        time: seconds of virtual time since the start.
    """

    def __init__(self) -> None:
        self.time = 0.0
        self._real = selectors.DefaultSelector()
        self._files = 0
        self._moved = False
        self._watchers: list[asyncio.Future[None]] = []

    def watch(self, watcher: asyncio.Future[None]) -> None:
        """Resolve a future when the time has moved and nothing is left to be done at the new time."""
        self._watchers.append(watcher)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now; if nothing is, ``timeout`` passes at once.

        Raises:
            StandstillError: nothing is ready and there is no time to wait for.
        """
        # The loop's own file tells of nothing but threads' calls, which the loop finds by itself. To ask the
        # system about it each time would take a sixth of the time of a simulation.
        if (self._files > _OWN_FILES or timeout is None) and (ready := self._real.select(0)):
            return ready
        if timeout != 0 and self._moved and self._watchers:
            self._moved = False
            watchers, self._watchers = self._watchers, []
            for watcher in watchers:
                if not watcher.done():
                    watcher.set_result(None)
            return []
        if timeout is None:
            raise StandstillError("every task waits and no timer runs: nothing will ever happen again")
        if timeout > 0:
            self.time += timeout
            self._moved = True
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Register a file; see selectors."""
        key = self._real.register(fileobj, events, data)
        self._files += 1
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Forget a file; see selectors."""
        key = self._real.unregister(fileobj)
        self._files -= 1
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Change what a file is watched for; see selectors."""
        return self._real.modify(fileobj, events, data)

    def close(self) -> None:
        """Close the selector; see selectors."""
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """The files; see selectors."""
        return self._real.get_map()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time, which starts at 0."""

    def __init__(self) -> None:
        self._virtual = VirtualTimeSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Seconds of virtual time."""
        return self._virtual.time

    async def next_moment(self) -> None:
        """Wait until time has moved on and everything that was due by then is done.

        Whoever looks at the program after each moment sees every state that lasts for any time at all.
        """
        watcher: asyncio.Future[None] = self.create_future()
        self._virtual.watch(watcher)
        await watcher


class VirtualClock:
    """Clock port on the time of the running event loop.

    On any other loop than ``VirtualTimeLoop`` it shows a made-up date that advances in real time.
    """

    def __init__(self, start: datetime = EPOCH) -> None:
        """Start the clock.

        Args:
            start: what it shows now (aware).
        """
        self._loop = asyncio.get_running_loop()
        self._start = start - timedelta(seconds=self._loop.time())

    def now(self) -> datetime:
        """Aware UTC."""
        return self._start + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        """Seconds of the loop; a leap does not show in them."""
        return self._loop.time()

    def leap(self, by: timedelta) -> None:
        """Set the date forward (or back), without any timer of the loop taking notice."""
        self._start += by


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Like ``asyncio.run``, in virtual time.

    Raises:
        StandstillError: every task waits for ever.
    """
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
