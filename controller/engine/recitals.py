"""Calls in which nobody speaks: what the callee heard, and who asked not to be called again.

Asterisk leads such a call and notes how far it has come (domain/recital.py). At its end the note is read, and
it is kept until everything that follows from it is recorded: whoever dies in between, nothing is lost.
"""

from __future__ import annotations

import structlog

from controller.domain.call import Call
from controller.domain.campaign import Campaign
from controller.domain.clearance import caller_scope
from controller.domain.recital import Recital
from controller.engine.office import Office
from controller.errors import Refused, Unreachable
from controller.ports import Authorship

log = structlog.get_logger(__name__)


async def heard(office: Office, call: Call) -> Recital:
    """What the callee heard. Asterisk is asked until it answers: nothing is closed on a guess."""
    found = Recital()

    async def ask() -> None:
        nonlocal found
        found = await office.control.recital(call.id)

    await office.health.settle(ask)
    return found


async def opt_out(office: Office, call: Call, campaign: Campaign) -> None:
    """The callee pressed the key: returns when their numbers are on the caller's do-not-call list.

    To be done before the call is closed: until then its suppression key keeps everybody from calling the
    number.
    """
    lists, now, scope = office.lists, office.clock.now(), caller_scope(campaign.caller)
    assert lists is not None, "no agentless call is placed without lists"
    who = Authorship(author="the callee", reason="pressed the key in a message", source=f"call {call.id}")

    async def tell() -> None:
        # Who does not want to be called does not mean one of their numbers.
        numbers = call.contact.every_number
        fresh = [each for each in numbers if not (await lists.standing(each, (scope,))).opt_outs]
        if fresh:
            await lists.opt_out(scope, fresh, who, now)

    await office.health.settle(tell)
    log.info("opted out by key", call=call.id, campaign=campaign.id)


async def forget(office: Office, call: Call) -> None:
    """All is recorded: the note may go. One that stays, because Asterisk is away, does no harm."""
    try:
        await office.control.forget_recital(call.id)
    except (Refused, Unreachable) as error:
        log.info("a note of what was heard stays in Asterisk", call=call.id, why=str(error))
