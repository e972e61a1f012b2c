"""What a person may ask for: everything that is stored of them, and that it be erased."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from controller.domain.ids import E164
from controller.engine.suppressing import callers_of
from controller.errors import ControllerError, Refused, Unreachable
from controller.ports import Authorship, Clock, Ledger, People, Records, Reduced


class Persons:
    """A person's data, in the record store and in the ledger."""

    def __init__(
        self, records: Records, people: People, ledger: Ledger, clock: Clock, *, default_caller: str = ""
    ) -> None:
        """Prepare; what is held for ``default_caller`` is looked for also where no campaign is left."""
        self._records = records
        self._people = people
        self._ledger = ledger
        self._clock = clock
        self._default = default_caller

    async def export(self, number: E164) -> dict[str, Any]:
        """Everything that is stored of a person, fit for JSON."""
        found = asdict(await self._people.person(number))
        suppressions = [await self._suppression(caller, number) for caller in await self._callers()]
        found["suppressions"] = [entry for entry in suppressions if entry is not None]
        return found

    async def erase(self, number: E164, who: Authorship) -> tuple[Reduced, int]:
        """Erase a person; returns what was done, and for how many callers the ledger had something.

        The record store comes first: there the erasure, its evidence and the ban on further calls are one
        transaction. The ledger only follows, so whatever goes wrong in between, the number is not called; and
        all of it may be said again until it is done.

        Raises:
            Refused: a call to the number is under way.
        """
        # Where the ledger is not there, nothing is erased by halves.
        await self._ledger.ping()
        callers = await self._callers()
        done = await self._people.erase(number, who, self._clock.now())
        forgotten = 0
        for caller in callers:
            try:
                forgotten += await self._ledger.forget(caller, number)
            except (Refused, Unreachable) as error:
                raise _half_done(error) from error
        return done, forgotten

    async def _callers(self) -> list[str]:
        return await callers_of(self._records, self._default)

    async def _suppression(self, caller: str, number: E164) -> dict[str, Any] | None:
        """What the ledger has of a number for one caller; None if nothing."""
        entry = await self._ledger.suppression(caller, number)
        operator_due = await self._ledger.operator_due(caller, number)
        if entry is None and not operator_due:
            return None
        found: dict[str, Any] = {"caller": caller, "operator_due": operator_due}
        if entry is not None:
            found |= {
                "reason": entry.reason,
                "since": entry.since.isoformat(),
                "call": entry.call,
                "expires_in": entry.expires_in,
                "by_hand": entry.by_hand,
            }
        return found


def _half_done(error: ControllerError) -> ControllerError:
    kind = Unreachable if isinstance(error, Unreachable) else Refused
    return kind(
        f"{error} The number is erased from the records and will not be called again, but Redis still has "
        "it: say the same again"
    )
