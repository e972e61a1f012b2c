"""What agents answer to offers, whichever campaign made them: by API, by command, by key."""

from __future__ import annotations

import asyncio

import structlog

from controller.domain.ids import AgentId, CallId
from controller.domain.preview import Offer, checked_reason
from controller.engine.office import Office
from controller.engine.previews import PLACE_WITHIN, Answer, Previews
from controller.errors import BadInput, Refused, Unreachable
from controller.ports import OfferStatus

log = structlog.get_logger(__name__)

_ANSWERED_WITHIN = PLACE_WITHIN + 2
"""Seconds until who asks is told that nobody knows yet: longer than an offer's own limit, which says more."""

_KEY = "key"
"""The reason of who skips by key."""


class OfferDesk:
    """Carries out what agents answer."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def status(self, agent: AgentId) -> OfferStatus | None:
        """What the agent looks at, to be shown; None: nothing."""
        _, offer = self._find(agent)
        if offer is None:
            return None
        return OfferStatus(
            id=offer.id,
            campaign=offer.campaign,
            contact=offer.contact.id,
            since=offer.since,
            until=offer.until,
        )

    async def accept(self, agent: AgentId, offer: CallId | None = None) -> CallId:
        """Have the contact called that the agent looks at; returns when the call has passed all checks.

        Args:
            agent: who looks at it.
            offer: the one that they have seen; None: whichever they have. Accepted again, it is one call.

        Raises:
            Refused: they have no such offer, or a check failed; it says which.
            Unreachable: it was not done in time; it may still be.
        """
        if offer is not None and self._has_call(agent, offer):
            call, answer = offer, self._being_placed(agent, offer)
        else:
            previews, looked_at = self._must(agent)
            call, answer = looked_at.id, previews.accept(agent, offer)
        if answer is not None and (why := await _in_time(answer)):
            raise Refused(f"the contact is not called: {why}")
        return call

    async def skip(self, agent: AgentId, offer: CallId | None = None, reason: str = "") -> None:
        """Skip the contact that the agent looks at; returns when it is put off.

        Args:
            agent: who looks at it.
            offer: the one that they have seen; None: whichever they have.
            reason: why, in one word; may be empty.

        Raises:
            BadInput: the reason is no word.
            Refused: they have no such offer.
            Unreachable: it was not done in time; it may still be.
        """
        try:
            word = checked_reason(reason)
        except ValueError as error:
            raise BadInput("reason", str(error), "a word such as wrong-person, or nothing") from None
        previews, _ = self._must(agent)
        await _in_time(previews.skip(agent, offer, word))

    def press(self, agent: AgentId, *, call: bool) -> None:
        """The agent pressed the key for calling, or for skipping; nothing happens without an offer."""
        previews, offer = self._find(agent)
        if previews is None or offer is None or not offer.seen(self._office.clock.now()):
            return
        try:
            if call:
                previews.accept(agent, offer.id)
            else:
                previews.skip(agent, offer.id, _KEY)
        except Refused as error:
            log.info("key not obeyed", agent=agent, why=str(error))

    # --- inside ---------------------------------------------------------------------------------------

    def _find(self, agent: AgentId) -> tuple[Previews, Offer] | tuple[None, None]:
        for run in self._office.runs.values():
            if (offer := run.previews.of(agent)) is not None:
                return run.previews, offer
        return None, None

    def _must(self, agent: AgentId) -> tuple[Previews, Offer]:
        previews, offer = self._find(agent)
        if previews is None or offer is None:
            raise Refused(f"agent {agent} has no offer")
        return previews, offer

    def _has_call(self, agent: AgentId, call: CallId) -> bool:
        known = self._office.floor.agent(agent)
        return known is not None and known.call == call

    def _being_placed(self, agent: AgentId, offer: CallId) -> Answer | None:
        """What becomes of an offer that was accepted, while its call is being checked."""
        answers = (run.previews.being_placed(agent, offer) for run in self._office.runs.values())
        return next((answer for answer in answers if answer is not None), None)


async def _in_time(answer: Answer) -> str:
    try:
        async with asyncio.timeout(_ANSWERED_WITHIN):
            return await asyncio.shield(answer)  # who asks may go away; the answer is others' as well
    except TimeoutError:
        raise Unreachable("not done in time; it may still be: look at the agent") from None
