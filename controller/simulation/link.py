"""What lies between the controller and the simulated PBX: events that can be lost, requests that can fail."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from controller.errors import AsteriskRefused, AsteriskUnreachable, Refused
from controller.ports import LinkDown, PhoneEvent

T = TypeVar("T")
Delay = Callable[[], float]
"""Gives the seconds that a message takes one way, anew for each."""


class Fault(Enum):
    """What goes wrong with a request."""

    REFUSE = "answered with an error, nothing was done"
    UNREACHABLE = "not sent, nothing was done"
    HANG = "never answered, nothing was done"
    LOSE = "done, but the answer never comes"


@dataclass(slots=True)
class _Plan:
    fault: Fault
    times: int | None


class Requests:
    """The way there and back of requests. What is on its way arrives, even if the controller dies.

    Attributes:
        down: the PBX does not answer at all.
        count: requests by operation.
    """

    def __init__(self, delay: Delay, timeout: float) -> None:
        self.down = False
        self.count: Counter[str] = Counter()
        self._delay = delay
        self._timeout = timeout
        self._plans: dict[str, _Plan] = {}

    def plan(self, operation: str, fault: Fault, times: int | None = 1) -> None:
        """Let the next requests of this kind fail; ``times`` None: until mended."""
        self._plans[operation] = _Plan(fault, times)

    def mend(self, operation: str) -> None:
        """Let requests of this kind succeed again."""
        self._plans.pop(operation, None)

    async def ask(self, operation: str, act: Callable[[], T]) -> T:
        """Have the PBX do something.

        Raises:
            AsteriskRefused: it would not.
            AsteriskUnreachable: no answer.
        """
        self.count[operation] += 1
        fault = Fault.UNREACHABLE if self.down else self._take(operation)
        if fault is Fault.UNREACHABLE:
            await asyncio.sleep(self._delay())
            raise AsteriskUnreachable(f"{operation}: no connection")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if fault is not Fault.HANG:
            self._later(lambda: self._serve(operation, act, answer, fault))
        try:
            async with asyncio.timeout(self._timeout):
                return await answer
        except TimeoutError:
            raise AsteriskUnreachable(f"{operation}: no answer in time", outcome_unknown=True) from None

    def _take(self, operation: str) -> Fault | None:
        plan = self._plans.get(operation)
        if plan is None:
            return None
        if plan.times is not None:
            plan.times -= 1
            if plan.times <= 0:
                del self._plans[operation]
        return plan.fault

    def _serve(
        self, operation: str, act: Callable[[], T], answer: asyncio.Future[T], fault: Fault | None
    ) -> None:
        try:
            if fault is Fault.REFUSE:
                raise AsteriskRefused(500, "Internal Server Error", operation)
            result = act()
        except Refused as error:
            refusal = error
            self._later(lambda: None if answer.done() else answer.set_exception(refusal))
        else:
            if fault is not Fault.LOSE:
                self._later(lambda: None if answer.done() else answer.set_result(result))

    def _later(self, what: Callable[[], object]) -> None:
        asyncio.get_running_loop().call_later(self._delay(), what)


class EventStream:
    """One controller's WebSocket."""

    def __init__(self, delay: Delay) -> None:
        self._delay = delay
        self._on_its_way: deque[PhoneEvent] = deque()
        self._arrived: asyncio.Queue[PhoneEvent | None] = asyncio.Queue()

    def send(self, event: PhoneEvent) -> None:
        """Send an event; events do not overtake each other."""
        self._on_its_way.append(event)
        asyncio.get_running_loop().call_later(self._delay(), self._arrive)

    def cut(self, news: LinkDown) -> None:
        """The connection breaks: what is on its way is lost."""
        self._on_its_way.clear()
        self._arrived.put_nowait(news)

    def end(self) -> None:
        """No more events will come."""
        self._arrived.put_nowait(None)

    @property
    def waiting(self) -> int:
        """Events that have arrived and were not taken."""
        return self._arrived.qsize()

    async def next(self) -> PhoneEvent | None:
        """The next event; None at the end."""
        return await self._arrived.get()

    def _arrive(self) -> None:
        if self._on_its_way:
            self._arrived.put_nowait(self._on_its_way.popleft())
