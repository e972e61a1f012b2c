"""The ledger in Redis: suppression keys, budgets, marks of calls in flight.

Every operation is one round trip and idempotent: a caller who gets ``RedisUnreachable`` may say the same
again; when, is the caller's business, nothing is retried here. Why that is safe for each:

* ``admit``: all or nothing. If the answer was lost, the number is taken, which is the safe side. The same
  call asking again is told ADMITTED again, because the flight mark is its own. A caller who gives up instead
  closes the call: that frees the number, and if the lost message arrives after that, it is turned away.
* ``connected``: the flight mark remembers that the success is counted.
* ``close``: a ``closed`` key remembers that the call is over.
* exposure: carries a serial; a message that is not newer than what is stored changes nothing.

A budget holds a controller's exposed calls until the same controller says otherwise: a ``controller_id`` has
to stay the same across restarts, and its serials have to go on growing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from redis.exceptions import ResponseError

from controller.domain.budget import Budget, Tally
from controller.domain.campaign import Campaign
from controller.domain.ids import E164, CallId, CampaignId, masked
from controller.domain.outcome import Outcome
from controller.domain.privacy import NumberKey
from controller.domain.regulation import Limit
from controller.errors import BadInput, Refused
from controller.ports import (
    Admission,
    Admitting,
    Exposure,
    FlightMark,
    ManualSuppression,
    Suppression,
    Verdict,
)
from controller.store import keys, scripts
from controller.store.redis_link import RedisLink, complaints

_EXACT_PART: Final = 1_000_000
"""Lua's numbers are exact to 2^53: a share in parts of a million leaves room for 10^9 successes."""
_ADMISSIONS: Final = (Admission.ADMITTED, Admission.SUPPRESSED, Admission.NO_BUDGET, Admission.OPERATOR_DUE)


class RedisLedger:
    """Ledger port on a Redis (or Valkey) server.

    What a server with ``appendonly yes`` and ``appendfsync everysec`` can lose: the last second, at worst
    two, when the machine loses power; when only its process dies nothing, unless the disk was so slow that
    writes were waiting for it, then up to two seconds as well. Of calls closed in that time the flight mark
    is back, so recovery finds them; of calls admitted in it nothing is left until they end, and if they end
    silent, that is counted and their number left alone all the same. With ``appendfsync always`` nothing is
    lost, at the price of a disk flush per operation. A failover to a replica loses what it had not got yet.
    """

    def __init__(
        self,
        redis_url: str,
        controller_id: str,
        timeout: float = 1.0,
        *,
        number_key: NumberKey,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Prepare; connections are made when needed.

        Args:
            redis_url: such as ``redis://:password@127.0.0.1:6379/0``.
            controller_id: this controller's name, the same after each restart and no other's.
            timeout: seconds that an operation may take in all.
            number_key: under which erased numbers go on being protected.
            now: the clock by which the windows of a reading are the current ones.

        Raises:
            BadInput: the URL is none.
        """
        self._controller = controller_id
        self._key = number_key
        self._now = now
        self._link = RedisLink(redis_url, timeout)

    async def open(self) -> None:
        """Load the scripts. If Redis cannot be reached now, the operations load them later.

        Raises:
            RedisUnreachable: no answer.
        """
        for script in scripts.ALL:
            await self._link.command("SCRIPT LOAD", script.source)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._link.close()

    # --- is the server fit? ---------------------------------------------------------------------------

    async def check(self) -> Sequence[str]:
        """Complaints about a server that would lose keys; empty if it is fit."""
        try:
            config, role = await self._link.settings()
        except ResponseError as error:
            return [f"cannot verify that Redis keeps its keys: it refuses CONFIG GET or INFO ({error})"]
        return complaints(config, role)

    async def ping(self) -> None:
        """Prove that the server answers and takes writes.

        Raises:
            RedisUnreachable: it does not; the message says why.
        """
        await self._link.command("SET", keys.PING, self._controller, "EX", int(keys.PING_TTL.total_seconds()))

    # --- the life of a call ---------------------------------------------------------------------------

    async def admit(self, wish: Admitting) -> Verdict:
        """Check suppression, L5 and budget and take the number, all or nothing."""
        campaign, caller = wish.campaign, wish.campaign.caller
        checked = not (wish.covered or wish.agentless) and campaign.override is None
        placed = wish.now.astimezone(UTC)
        current = campaign.windows(placed)
        mark = {
            "campaign": campaign.id,
            "number": wish.number,
            "controller": self._controller,
            "connected": False,
            "placed": placed.isoformat(),
            "windows": _labels(campaign, placed),
        }
        alias = keys.alias(self._key.of(wish.number))
        answer = await self._link.run(
            scripts.ADMIT,
            (
                *self._protections(caller, wish.number, alias),
                *_call_keys(caller, campaign.id, wish.call),
            ),
            wish.call,
            wish.number,
            alias,
            *self._exposure(wish.exposure),
            int(checked),
            int(wish.guaranteed),
            keys.milliseconds(keys.suppress_ttl(campaign)),
            keys.held(None, wish.call, placed),
            json.dumps(mark),
            *(word for limit, label in current for word in (label, *_share(limit))),
        )
        admission, free_in, in_flight, exposed, *counts = answer
        if free_in < 0:  # Barred without an end: ask again as if it had been set just now.
            free_in = keys.milliseconds(campaign.law.leave_alone)
        return Verdict(
            admission=_ADMISSIONS[admission],
            budget=_budget(exposed, counts, current),
            free_in=-(-free_in // 1000),
            in_flight=bool(in_flight),
        )

    async def connected(self, call: CallId, campaign: Campaign, exposure: Exposure) -> Budget:
        """The call reached an agent. Counted once, however often it is said.

        Not counted if Redis has no mark of the call: it is over, or Redis lost data. The strict side.
        """
        caller, current = campaign.caller, campaign.windows(self._now())
        names = (
            keys.budget(caller, campaign.id),
            keys.exposed(caller, campaign.id),
            keys.flights(caller),
        )
        labels = (label for _, label in current)
        answer = await self._link.run(scripts.CONNECTED, names, call, *self._exposure(exposure), *labels)
        return _budget(answer[0], answer[1:], current)

    async def close(
        self,
        call: CallId,
        campaign: Campaign,
        number: E164,
        outcome: Outcome,
        ended_ago: timedelta,
        exposure: Exposure,
        placed: datetime,
    ) -> Budget:
        """The call is over: give the number back, or leave it alone for as long as the law says.

        Only what is said first counts. If Redis has no mark of the call, a silent one is counted and its
        number left alone all the same; of any other nothing is counted or freed.
        """
        ended_ago = max(ended_ago, timedelta(0))
        return await self._close(
            call,
            campaign,
            number,
            exposure,
            kind="silent" if outcome.counts_as_silent else outcome.value,
            outcome=outcome,
            leave_alone=campaign.law.leave_alone - ended_ago,
            since=self._now() - ended_ago,
            windows=_labels(campaign, placed),
        )

    async def withdraw(self, call: CallId, campaign: Campaign, number: E164, exposure: Exposure) -> Budget:
        """Take back an admission whose call was never recorded, so never dialed: nothing is counted."""
        return await self._close(call, campaign, number, exposure, kind="withdrawn", outcome=Outcome.FAILED)

    async def _close(
        self,
        call: CallId,
        campaign: Campaign,
        number: E164,
        exposure: Exposure,
        *,
        kind: str,
        outcome: Outcome,
        leave_alone: timedelta = timedelta(0),
        since: datetime | None = None,
        windows: Sequence[str] = (),
    ) -> Budget:
        caller, current = campaign.caller, campaign.windows(self._now())
        answer = await self._link.run(
            scripts.CLOSE,
            (keys.suppress(caller, number), *_call_keys(caller, campaign.id, call)),
            call,
            number,
            keys.alias(self._key.of(number)),
            *self._exposure(exposure),
            kind,
            outcome.value,
            keys.outcome_field(outcome),
            keys.milliseconds(leave_alone),
            keys.held(outcome, call, since or self._now()),
            keys.milliseconds(keys.closed_ttl(outcome)),
            json.dumps(windows),
            *(label for _, label in current),
        )
        return _budget(answer[0], answer[1:], current)

    async def report(self, campaign: Campaign, exposure: Exposure) -> Budget:
        """Tell how many calls are exposed; read the budget."""
        return await self._report(campaign, self._exposure(exposure))

    # --- views ----------------------------------------------------------------------------------------

    async def budget(self, campaign: Campaign) -> Budget:
        """The budget as it stands."""
        return await self._report(campaign, (self._controller, 0, ""))

    async def outcomes(self, campaign: Campaign) -> Mapping[Outcome, int]:
        """How many calls of the campaign ended in which way; outcomes that did not occur are left out."""
        fields = [keys.outcome_field(outcome) for outcome in Outcome]
        name = keys.budget(campaign.caller, campaign.id)
        counts = await self._link.command("HMGET", name, *fields)
        return {outcome: int(count) for outcome, count in zip(Outcome, counts, strict=True) if count}

    async def tallies(self, campaign: Campaign) -> Mapping[str, tuple[int, int]]:
        """Successes and silent calls of every window there ever was, by its label; empty: all of it."""
        rows: Mapping[bytes, bytes] = await self._link.command(
            "HGETALL", keys.budget(campaign.caller, campaign.id)
        )
        found: dict[str, list[int]] = {}
        for name, count in rows.items():
            counter, _, label = name.decode().partition(":")
            if counter in _COUNTERS:
                found.setdefault(label, [0, 0])[_COUNTERS.index(counter)] = int(count)
        return {label: (won, silent) for label, (won, silent) in found.items() if won or silent}

    async def flights(self, caller: str, *, everybody: bool = False) -> Sequence[FlightMark]:
        """Calls in flight: those this controller left, for recovery; with ``everybody`` all controllers'."""
        rows: Mapping[bytes, bytes] = await self._link.command("HGETALL", keys.flights(caller))
        marks = ((CallId(call.decode()), json.loads(row)) for call, row in rows.items())
        return [
            FlightMark(
                call=call,
                campaign=CampaignId(mark["campaign"]),
                number=E164(mark["number"]),
                connected=mark["connected"],
                placed=datetime.fromisoformat(mark.get("placed") or mark["since"]),
            )
            for call, mark in marks
            if everybody or mark["controller"] == self._controller
        ]

    async def suppression(self, caller: str, number: E164) -> Suppression | None:
        """Why the number is not called now, if so; of several reasons the one that ends last."""
        alias = keys.alias(self._key.of(number))
        found = await self._link.read([name.encode() for name in self._protections(caller, number, alias)])
        read = [_suppression(name, value, pttl, number) for name, value, pttl in found]
        return max(read, key=lambda entry: (entry.expires_in < 0, entry.expires_in), default=None)

    async def suppressions(self, caller: str, limit: int = 1000) -> Sequence[Suppression]:
        """Suppressed numbers, in no order, ``limit`` at most. Searches all keys of the server."""
        found = await self._link.search(keys.suppress_pattern(caller), limit)
        if len(found) < limit:
            found += await self._link.search(keys.barred_pattern(caller), limit - len(found))
        return [_suppression(name, value, pttl) for name, value, pttl in found]

    async def operator_due(self, caller: str, number: E164) -> bool:
        """Whether the number's next call needs an operator guaranteed."""
        members = (number, keys.alias(self._key.of(number)))
        answer = await self._link.command("SMISMEMBER", keys.operator_due(caller), *members)
        return any(answer)

    # --- by hand --------------------------------------------------------------------------------------

    async def suppress(self, caller: str, number: E164, who: ManualSuppression) -> None:
        """Bar a number by hand, beside whatever the law holds against calling it."""
        value = keys.by_hand(who.author, who.reason, who.since)
        ends: tuple[str | int, ...] = ()
        if who.until is not None:
            ends = ("PX", max(1, keys.milliseconds(who.until - who.since)))
        await self._link.command("SET", keys.barred(caller, number), value, *ends)

    async def release(self, caller: str, number: E164) -> bool:
        """Lift what was barred by hand, also before the number was erased; False if nothing was."""
        owners = (number, keys.alias(self._key.of(number)))
        return bool(await self._link.command("DEL", *(keys.barred(caller, owner) for owner in owners)))

    async def forget(self, caller: str, number: E164) -> bool:
        """Erase a number whose person wants to be forgotten; returns whether anything was there."""
        alias = keys.alias(self._key.of(number))
        (found,) = await self._link.run(
            scripts.FORGET,
            (
                *self._protections(caller, number, alias),
                keys.operator_due(caller),
                keys.flights(caller),
            ),
            number,
            alias,
            keys.ERASED,
            keys.by_hand("", keys.ERASED, self._now()),
        )
        if found < 0:
            raise Refused(f"a call to {masked(number)} for {caller} is under way; try again when it is over")
        return bool(found)

    # --- inside ---------------------------------------------------------------------------------------

    async def _report(self, campaign: Campaign, exposure: tuple[str, int, int | str]) -> Budget:
        names = (keys.budget(campaign.caller, campaign.id), keys.exposed(campaign.caller, campaign.id))
        current = campaign.windows(self._now())
        answer = await self._link.run(scripts.REPORT, names, *exposure, *(label for _, label in current))
        return _budget(answer[0], answer[1:], current)

    def _exposure(self, exposure: Exposure) -> tuple[str, int, int]:
        if exposure.count < 0 or exposure.serial < 0:
            raise ValueError(f"exposure and its serial are 0 or more, not {exposure}")
        return self._controller, exposure.count, exposure.serial

    def _protections(self, caller: str, number: E164, alias: str) -> tuple[str, ...]:
        return (
            keys.suppress(caller, number),
            keys.suppress(caller, alias),
            keys.barred(caller, number),
            keys.barred(caller, alias),
        )


_COUNTERS: Final = ("successes", "silent")


def _share(limit: Limit) -> tuple[int, int]:
    share = limit.per_success
    if share.denominator > _EXACT_PART:
        raise BadInput(f"regulation profile, limit {limit.name}", f"{share} is too fine", "millionths")
    return share.numerator, share.denominator


def _labels(campaign: Campaign, placed: datetime) -> list[str]:
    """The windows that count a call beside the whole campaign."""
    return sorted({label for _, label in campaign.windows(placed)} - {""})


def _call_keys(caller: str, campaign: CampaignId, call: CallId) -> tuple[str, ...]:
    return (
        keys.operator_due(caller),
        keys.budget(caller, campaign),
        keys.exposed(caller, campaign),
        keys.flights(caller),
        keys.closed(caller, call),
    )


def _budget(exposed: int, counts: Sequence[int], current: Sequence[tuple[Limit, str]]) -> Budget:
    """A budget from a script's counts: the whole campaign's, then each limit's window's."""
    tallies = tuple(
        Tally(limit=limit, window=label, successes=counts[2 * i + 2], silent=counts[2 * i + 3])
        for i, (limit, label) in enumerate(current)
    )
    return Budget(successes=counts[0], silent=counts[1], exposed=exposed, tallies=tallies)


def _suppression(name: bytes, value: bytes, pttl: int, asked: E164 | None = None) -> Suppression:
    """Read a suppression key. ``expires_in`` is -1 if it has no expiry."""
    owner = keys.owner_of(name)
    by_hand, author, call = keys.is_barred(name), "", ""
    if by_hand:
        reason, author, since = keys.read_by_hand(value)
    else:
        reason, call, since = keys.read_held(value)
    erased = owner.startswith("#")
    return Suppression(
        number=asked or E164("" if erased else owner),
        reason=f"{reason} (by {author})" if author else reason,
        since=since,
        call=call,
        expires_in=-(-pttl // 1000) if pttl > 0 else pttl,
        by_hand=by_hand,
        author=author,
        number_hash=owner[1:] if erased else "",
    )
