"""Numbers barred and released by hand, in the ledger and in the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from controller.domain.evidence import Entry, Kind
from controller.domain.ids import E164
from controller.domain.privacy import NumberKey
from controller.errors import BadInput, Refused
from controller.ports import Authorship, Clock, Evidence, Ledger, ManualSuppression, Records, Suppression


async def callers_of(records: Records, default: str) -> list[str]:
    """On whose behalf one calls: the callers of all stored campaigns, and the default one."""
    known = {row.campaign.caller for row in await records.campaigns()}
    return sorted((known | {default}) - {""})


def why_suppressed(entry: Suppression) -> str:
    """What holds a number, in words."""
    end = (
        "until a person releases it"
        if entry.expires_in < 0
        else f"for another {timedelta(seconds=max(0, entry.expires_in))}"
    )
    call = f" (call {entry.call})" if entry.call else ""
    return f"{entry.reason}, since {entry.since:%Y-%m-%d %H:%M:%S} UTC{call}, {end}"


class Suppressing:
    """Bars numbers and releases them."""

    def __init__(
        self,
        ledger: Ledger,
        records: Records,
        evidence: Evidence,
        key: NumberKey,
        clock: Clock,
        *,
        default_caller: str = "",
    ) -> None:
        """Prepare; ``default_caller`` may be barred for also before there is a campaign."""
        self._ledger = ledger
        self._records = records
        self._evidence = evidence
        self._key = key
        self._clock = clock
        self._default = default_caller

    async def callers(self) -> Sequence[str]:
        """On whose behalf one calls."""
        return await callers_of(self._records, self._default)

    async def bar(self, caller: str, number: E164, who: Authorship, until: datetime | None) -> None:
        """Suppress a number for a caller: the ledger first, then the evidence.

        Whatever goes wrong in between, the number is left alone. The other way round, the record would tell
        of a protection that is not there.

        Args:
            caller: on whose behalf one calls.
            number: whom not to call.
            who: decides it, and why.
            until: when it ends by itself (aware); None: never.

        Raises:
            BadInput: no campaign calls for this caller.
        """
        now = self._clock.now()
        await self._must_be_known(caller)
        await self._records.ping()
        said = ManualSuppression(author=who.author, reason=who.reason, since=now, until=until)
        await self._ledger.suppress(caller, number, said)
        end = until.isoformat() if until else None
        await self._note(number, who, now, action="add", caller=caller, until=end)

    async def release(self, caller: str, number: E164, who: Authorship) -> Suppression | None:
        """Lift what was suppressed by hand; returns what holds the number all the same.

        The evidence first, then the ledger: whatever goes wrong in between, the number is left alone still.
        The other way round, it could be called without anybody having answered for it.

        Raises:
            BadInput: no campaign calls for this caller.
            Refused: nothing was suppressed by hand, or it ends before what the law demands.
        """
        await self._must_be_known(caller)
        found = await self._ledger.suppression(caller, number)
        if found is None:
            raise Refused(f"{number} is not suppressed for {caller}")
        if not found.by_hand and not found.call:
            raise Refused(
                f"{number} was suppressed in Redis itself, not by this program: {why_suppressed(found)}"
            )
        if not found.by_hand:
            # Of two the ledger shows the one that ends last: what there may be by hand has no effect.
            raise Refused(
                f"{number} cannot be released, nobody can shorten what the law demands: "
                f"{why_suppressed(found)}"
            )
        await self._ledger.ping()
        await self._note(number, who, self._clock.now(), action="release", caller=caller)
        await self._ledger.release(caller, number)
        return await self._ledger.suppression(caller, number)

    async def _must_be_known(self, caller: str) -> None:
        """Refuse a caller's name mistyped, which would suppress nothing."""
        if caller not in (known := await self.callers()):
            allowed = ", ".join(known) or "none yet: make the campaign first"
            raise BadInput("caller", f"no campaign calls for {caller!r}", allowed)

    async def _note(self, number: E164, who: Authorship, now: datetime, **more: object) -> None:
        body = {"author": who.author, "reason": who.reason} | more
        await self._evidence.note(
            Entry(kind=Kind.SUPPRESSION, at=now, person=self._key.of(number), body=body)
        )
