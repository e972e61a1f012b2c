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
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from redis.exceptions import ResponseError

from controller.domain.budget import Budget
from controller.domain.campaign import Campaign
from controller.domain.ids import E164, CallId, CampaignId
from controller.domain.outcome import Outcome
from controller.errors import BadInput
from controller.ports import Admission, Admitting, Exposure, FlightMark, Suppression, Verdict
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

    def __init__(self, redis_url: str, controller_id: str, timeout: float = 1.0) -> None:
        """Prepare; connections are made when needed.

        Args:
            redis_url: such as ``redis://:password@127.0.0.1:6379/0``.
            controller_id: this controller's name, the same after each restart and no other's.
            timeout: seconds that an operation may take in all.

        Raises:
            BadInput: the URL is none.
        """
        self._controller = controller_id
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
        share = _exact(campaign.law.silent_share)
        checked = not wish.covered and campaign.override is None
        since = wish.now.astimezone(UTC).isoformat()
        mark = {
            "campaign": campaign.id,
            "number": wish.number,
            "controller": self._controller,
            "connected": False,
            "since": since,
        }
        answer = await self._link.run(
            scripts.ADMIT,
            _call_keys(caller, campaign.id, wish.number, wish.call),
            wish.call,
            wish.number,
            *self._exposure(wish.exposure),
            int(checked),
            int(wish.guaranteed),
            share.numerator,
            share.denominator,
            keys.milliseconds(keys.suppress_ttl(campaign)),
            _held(wish.call, campaign.id, keys.IN_FLIGHT, since),
            json.dumps(mark),
        )
        admission, successes, silent, exposed, free_in, in_flight = answer
        if free_in < 0:  # Set by hand, without expiry: ask again as if it had been set just now.
            free_in = keys.milliseconds(campaign.law.leave_alone)
        return Verdict(
            admission=_ADMISSIONS[admission],
            budget=Budget(successes=successes, silent=silent, exposed=exposed),
            free_in=-(-free_in // 1000),
            in_flight=bool(in_flight),
        )

    async def connected(self, call: CallId, campaign: Campaign, exposure: Exposure) -> Budget:
        """The call reached an agent. Counted once, however often it is said.

        Not counted if Redis has no mark of the call: it is over, or Redis lost data. The strict side.
        """
        caller = campaign.caller
        names = (
            keys.budget(caller, campaign.id),
            keys.exposed(caller, campaign.id),
            keys.flights(caller),
        )
        return _budget(await self._link.run(scripts.CONNECTED, names, call, *self._exposure(exposure)))

    async def close(
        self,
        call: CallId,
        campaign: Campaign,
        number: E164,
        outcome: Outcome,
        ended_ago: timedelta,
        exposure: Exposure,
    ) -> Budget:
        """The call is over: give the number back, or leave it alone for as long as the law says.

        Only what is said first counts. If Redis has no mark of the call, a silent one is counted and its
        number left alone all the same; of any other nothing is counted or freed.
        """
        ended_ago = max(ended_ago, timedelta(0))
        kind = "silent" if outcome.counts_as_silent else outcome.value
        since = (datetime.now(UTC) - ended_ago).isoformat()
        answer = await self._link.run(
            scripts.CLOSE,
            _call_keys(campaign.caller, campaign.id, number, call),
            call,
            number,
            *self._exposure(exposure),
            kind,
            outcome.value,
            keys.outcome_field(outcome),
            keys.milliseconds(campaign.law.leave_alone - ended_ago),
            _held(call, campaign.id, keys.reason(outcome), since),
            keys.milliseconds(keys.closed_ttl(outcome)),
        )
        return _budget(answer)

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

    async def flights(self, caller: str) -> Sequence[FlightMark]:
        """Calls this controller left in flight, for recovery."""
        rows: Mapping[bytes, bytes] = await self._link.command("HGETALL", keys.flights(caller))
        marks = ((CallId(call.decode()), json.loads(row)) for call, row in rows.items())
        return [
            FlightMark(
                call=call,
                campaign=CampaignId(mark["campaign"]),
                number=E164(mark["number"]),
                connected=mark["connected"],
            )
            for call, mark in marks
            if mark["controller"] == self._controller
        ]

    async def suppression(self, caller: str, number: E164) -> Suppression | None:
        """Why the number is not called now, if so."""
        found = await self._link.read([keys.suppress(caller, number).encode()])
        return _suppressions(found)[0] if found else None

    async def suppressions(self, caller: str, limit: int = 1000) -> Sequence[Suppression]:
        """Suppressed numbers, in no order, ``limit`` at most. Searches all keys of the server."""
        return _suppressions(await self._link.search(keys.suppress_pattern(caller), limit))

    # --- inside ---------------------------------------------------------------------------------------

    async def _report(self, campaign: Campaign, exposure: tuple[str, int, int | str]) -> Budget:
        names = (keys.budget(campaign.caller, campaign.id), keys.exposed(campaign.caller, campaign.id))
        return _budget(await self._link.run(scripts.REPORT, names, *exposure))

    def _exposure(self, exposure: Exposure) -> tuple[str, int, int]:
        if exposure.count < 0 or exposure.serial < 0:
            raise ValueError(f"exposure and its serial are 0 or more, not {exposure}")
        return self._controller, exposure.count, exposure.serial


def _exact(share: Fraction) -> Fraction:
    if share.denominator > _EXACT_PART:
        raise BadInput("regulation profile, silent_share", f"{share} is too fine", "millionths")
    return share


def _call_keys(caller: str, campaign: CampaignId, number: E164, call: CallId) -> tuple[str, ...]:
    return (
        keys.suppress(caller, number),
        keys.operator_due(caller),
        keys.budget(caller, campaign),
        keys.exposed(caller, campaign),
        keys.flights(caller),
        keys.closed(caller, call),
    )


def _held(call: CallId, campaign: CampaignId, reason: str, since: str) -> str:
    return json.dumps({"call": call, "campaign": campaign, "reason": reason, "since": since})


def _budget(answer: Iterable[int]) -> Budget:
    successes, silent, exposed = answer
    return Budget(successes=successes, silent=silent, exposed=exposed)


def _suppressions(found: Iterable[tuple[bytes, bytes, int]]) -> list[Suppression]:
    return [_suppression(name, value, pttl) for name, value, pttl in found]


def _suppression(name: bytes, value: bytes, pttl: int) -> Suppression:
    """Read a suppression key; one set by hand may hold any text. ``expires_in`` is -1 if it has no expiry."""
    try:
        held: Any = json.loads(value)
        since = datetime.fromisoformat(held["since"])
        reason, campaign, call = (str(held[field]) for field in ("reason", "campaign", "call"))
    except (ValueError, TypeError, KeyError):
        since, reason, campaign, call = datetime.fromtimestamp(0, UTC), value.decode(errors="replace"), "", ""
    return Suppression(
        number=keys.number_of(name),
        reason=reason,
        since=since,
        campaign=campaign,
        call=call,
        expires_in=-(-pttl // 1000) if pttl > 0 else pttl,
    )
