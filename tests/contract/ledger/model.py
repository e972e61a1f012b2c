"""Controllers as the property test drives them: what they know, what they said, what is under way."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.domain.budget import Budget
from controller.domain.campaign import Campaign
from controller.domain.ids import E164, CallId
from controller.domain.outcome import Outcome
from controller.ports import Admission, Exposure, Ledger, Verdict
from tests.contract.ledger.subjects import new_call, wish

Ask = Callable[[Ledger], Coroutine[Any, Any, Verdict | Budget]]

SILENT = [Outcome.SILENT, Outcome.LOST]
NOT_SILENT = [outcome for outcome in Outcome if not outcome.counts_as_silent]


@dataclass(slots=True, eq=False)
class Flight:
    """A call as its controller sees it, from wish to confirmed end."""

    desk: Desk
    campaign: Campaign
    number: E164
    covered: bool
    placed: datetime
    id: CallId = field(default_factory=new_call)
    state: str = "asking"
    assigned: bool = False
    talking: bool = False
    outcome: Outcome | None = None
    """As its controller has it in the records."""
    taken: bool = False
    """The ledger holds it, whether the controller knows it or not."""

    @property
    def exposed(self) -> bool:
        return not self.covered and not self.assigned


@dataclass(slots=True, eq=False)
class Message:
    """Something said to the ledger; it may arrive late, or twice."""

    desk: Desk
    flight: Flight | None
    kind: str
    ask: Ask


@dataclass(slots=True, eq=False)
class Desk:
    """One controller: like the engine it counts an exposed call from the wish to the confirmed end."""

    name: str
    clock: datetime = field(default_factory=lambda: datetime.now(UTC))
    serial: int = 1_763_000_000_000_000
    flights: list[Flight] = field(default_factory=list)

    def reading(self, campaign: Campaign, without: Flight | None = None) -> Exposure:
        self.serial += 1
        mine = [f for f in self.flights if f.campaign.id == campaign.id and f is not without]
        return Exposure(count=sum(flight.exposed for flight in mine), serial=self.serial)

    def want(self, campaign: Campaign, number: E164, covered: bool) -> Message:
        flight = Flight(self, campaign, number, covered, self.clock)
        self.flights.append(flight)
        reading = self.reading(campaign)
        asked = wish(campaign, flight.id, number, covered=covered, reading=reading, now=flight.placed)
        return Message(self, flight, "admit", lambda ledger: ledger.admit(asked))

    def assign(self, flight: Flight) -> Message:
        """Command the bridging to an agent: from now on it is exposed no more."""
        flight.assigned = True
        return self.tell(flight.campaign)

    def connect(self, flight: Flight) -> Message:
        """The callee has heard an agent."""
        flight.assigned = flight.talking = True
        reading = self.reading(flight.campaign)
        return Message(
            self, flight, "connected", lambda ledger: ledger.connected(flight.id, flight.campaign, reading)
        )

    def end(self, flight: Flight, outcome: Outcome) -> Message:
        flight.state, flight.outcome = "ending", outcome
        reading = self.reading(flight.campaign, without=flight)
        return Message(
            self,
            flight,
            "close",
            lambda ledger: ledger.close(
                flight.id, flight.campaign, flight.number, outcome, timedelta(0), reading, flight.placed
            ),
        )

    def withdraw(self, flight: Flight) -> Message:
        """Give up a wish whose answer never came, so that the call was never recorded."""
        flight.state = "ending"
        reading = self.reading(flight.campaign, without=flight)
        return Message(
            self,
            flight,
            "close",
            lambda ledger: ledger.withdraw(flight.id, flight.campaign, flight.number, reading),
        )

    def leap(self, days: int) -> None:
        """The controller's clock steps; the others' do not."""
        self.clock += timedelta(days=days)

    def tell(self, campaign: Campaign) -> Message:
        reading = self.reading(campaign)
        return Message(self, None, "report", lambda ledger: ledger.report(campaign, reading))

    def hears(self, message: Message, answer: Verdict | Budget) -> None:
        """An answer arrives."""
        flight = message.flight
        if flight is None or flight not in self.flights:
            return
        if message.kind == "admit" and flight.state == "asking":
            assert isinstance(answer, Verdict)
            if answer.admission is Admission.ADMITTED:
                flight.state = "flying"
            else:
                self.flights.remove(flight)
        elif message.kind == "close":
            self.flights.remove(flight)

    def in_state(self, *states: str) -> Sequence[Flight]:
        return [flight for flight in self.flights if flight.state in states]


def recounted(before: Mapping[str, tuple[int, int]], flights: Sequence[Flight]) -> dict[str, tuple[int, int]]:
    """Successes and silent calls of each window, from how each call ended and when it was placed alone."""
    counts = {label: list(count) for label, count in before.items()}
    for flight in flights:
        silent = flight.outcome is not None and flight.outcome.counts_as_silent
        success = flight.outcome is Outcome.CONNECTED or (flight.talking and flight.outcome is None)
        for label in {"", *(label for _, label in flight.campaign.windows(flight.placed))}:
            count = counts.setdefault(label, [0, 0])
            count[0] += success
            count[1] += silent
    return {label: (won, silent) for label, (won, silent) in counts.items() if won or silent}


def may_end(flight: Flight, choice: int) -> Outcome:
    """An outcome the flight can have: only a call that nobody stands ready for ends silent."""
    if flight.state == "asking":  # given up, because no answer came; it was never dialed
        return Outcome.FAILED
    if flight.talking:
        return Outcome.CONNECTED
    if flight.assigned:
        return [Outcome.CONNECTED, Outcome.LEFT_EARLY][choice % 2]
    if flight.covered:
        return NOT_SILENT[choice % len(NOT_SILENT)]
    return NOT_SILENT[choice % len(NOT_SILENT)] if choice % 3 == 0 else SILENT[choice % 2]
