"""Mode PREVIEW: agents look at contacts before these are called. The offers of one campaign, and the answers.

An offer lives in memory only. Its contact stays leased from the hopper as long as the offer is open, so after
a crash it goes back by itself, and no other controller calls it meanwhile. Answers are taken at once and
carried out by the dialer's next round, which is where calls are placed: so an accepted contact passes the
same checks as any other, at that moment.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import structlog

from controller.domain.campaign import CampaignState
from controller.domain.clearance import Check, CheckName
from controller.domain.contact import Contact
from controller.domain.ids import AgentId, CallId, ContactId
from controller.domain.preview import SKIPPED_FOR, Offer, OfferEnd, Skip
from controller.engine.office import Office
from controller.engine.supply import suppressed_for
from controller.errors import BadInput, Refused

if TYPE_CHECKING:
    from controller.engine.campaign_run import CampaignRun

log = structlog.get_logger(__name__)

PLACE_WITHIN: Final = 10.0
"""Seconds in which an accepted contact has to be called, or it is not: for want of a line, or of an edge."""

_AT_ONCE: Final = 20
"""Contacts offered in one round of the dialer; then those are called whom agents want called by now."""

NOT_AT_THE_DESK: Final = "did not answer an offer in time"
"""Why an agent is paused whose offer timed out."""

Answer = asyncio.Future[str]
"""What became of an answer: empty if it was carried out, else why it was not, in words."""


@dataclass(slots=True, eq=False)
class _Open:
    """An offer that has not ended.

    Attributes:
        timer: ends it.
        answer: told when the agent has the contact called; None: they have not decided.
    """

    offer: Offer
    timer: asyncio.TimerHandle
    answer: Answer | None = None


class Previews:
    """Offers of one campaign."""

    def __init__(self, run: CampaignRun, office: Office) -> None:
        self._run = run
        self._office = office
        self._open: dict[AgentId, _Open] = {}
        self._placing: dict[ContactId, _Open] = {}
        self._skipped: list[tuple[Skip, Answer]] = []

    @property
    def count(self) -> int:
        """How many offers are open."""
        return len(self._open)

    def of(self, agent: AgentId) -> Offer | None:
        """What the agent looks at."""
        known = self._open.get(agent)
        return known.offer if known else None

    # --- offering -------------------------------------------------------------------------------------

    async def offer_all(self, held: int) -> bool:
        """Offer the next contacts to the agents who are free; ``held`` of them are left for other calls.

        Returns:
            Whether there were contacts enough.
        """
        run, office, campaign = self._run, self._office, self._run.campaign
        wanted = len(office.floor.offerable(campaign.id)) - held
        if wanted <= 0:
            return True
        await run.supply.refill(wanted)
        for _ in range(min(wanted, _AT_ONCE)):
            contact = run.supply.lend()
            if contact is None:
                return False
            try:
                # It may have lain in the hand for as long as agents looked at others.
                known = await run.supply.look_again(contact)
                failed = await self._suppressed(known) if isinstance(known, Contact) else known
            except BaseException:
                run.supply.put_back(contact)
                raise
            if isinstance(known, Contact) and failed is None and not self._offer(known, held):
                run.supply.put_back(known)
                return True
        run.wake.set()  # there may be more, after those who have decided meanwhile
        return True

    async def _suppressed(self, contact: Contact) -> Check | None:
        """Put a contact off whom the ledger would not let be called; it is lent no more then."""
        office, campaign = self._office, self._run.campaign
        found = await office.ledger.suppression(campaign.caller, contact.number)
        if found is None:
            return None
        flights = await office.ledger.flights(campaign.caller, everybody=True)
        pause = suppressed_for(
            in_flight=any(flight.call == found.call for flight in flights),
            free_in=found.expires_in if found.expires_in >= 0 else campaign.law.leave_alone.total_seconds(),
        )
        until = office.clock.now() + pause
        check = Check(name=CheckName.SUPPRESSION, passed=False, why="the number is left alone", until=until)
        await self._run.refused(contact, check)
        self._run.supply.released(contact.id)
        return check

    def _offer(self, contact: Contact, held: int) -> bool:
        office, campaign = self._office, self._run.campaign
        # Looking at the contact took time: the agent may have left, the campaign may be paused.
        free = office.floor.offerable(campaign.id)
        if self._over or not office.health.fit or len(free) <= held:
            return False
        agent, now = free[0], office.clock.now()
        office.floor.offer(agent, campaign.id)
        until = now + campaign.preview_timeout
        offer = Offer(id=CallId(secrets.token_hex(8)), agent=agent, contact=contact, since=now, until=until)
        seconds = campaign.preview_timeout.total_seconds()
        self._open[agent] = _Open(offer, office.later(seconds, lambda: self._timed_out(offer)))
        office.tell.offered(offer)
        office.tell.agents()
        return True

    # --- what agents answer ---------------------------------------------------------------------------

    def accept(self, agent: AgentId, offer: CallId | None = None) -> Answer:
        """The agent wants the contact called; it is, within ``PLACE_WITHIN`` seconds or not at all.

        Args:
            agent: who looks at it.
            offer: the one that they have seen; None: whichever they have.

        Raises:
            Refused: they have no such offer.
        """
        known = self._found(agent, offer)
        if known.answer is None:
            known.timer.cancel()
            known.timer = self._office.later(PLACE_WITHIN, lambda: self._not_placed(known.offer))
            known.answer = asyncio.get_running_loop().create_future()
            self._run.wake.set()
        return known.answer

    def being_placed(self, agent: AgentId, offer: CallId) -> Answer | None:
        """What becomes of an offer that this agent has accepted, while its call is being checked."""
        found = (each for each in self._placing.values() if each.offer.id == offer)
        return next((each.answer for each in found if each.offer.agent == agent), None)

    def skip(self, agent: AgentId, offer: CallId | None = None, reason: str = "") -> Answer:
        """The agent does not want the contact called now; they are free at once. Raises as ``accept`` does.

        Args:
            agent: who looks at it.
            offer: the one that they have seen; None: whichever they have.
            reason: a word (domain.preview.checked_reason); may be empty.
        """
        known = self._found(agent, offer)
        if known.answer is not None:
            raise Refused(f"agent {agent} has the contact called already")
        answer: Answer = asyncio.get_running_loop().create_future()
        skip = Skip(
            offer=known.offer.id,
            campaign=known.offer.campaign,
            contact=known.offer.contact.id,
            agent=agent,
            reason=reason,
            at=self._office.clock.now(),
        )
        self._skipped.append((skip, answer))
        self._end(known, OfferEnd.SKIPPED, reason, back=False)
        self._run.wake.set()
        return answer

    def _found(self, agent: AgentId, offer: CallId | None) -> _Open:
        self.look()
        known = self._open.get(agent)
        if known is None or offer not in (None, known.offer.id):
            raise Refused(f"agent {agent} has no such offer (any more)")
        return known

    # --- what the dialer does about it ----------------------------------------------------------------

    async def put_off_skipped(self) -> None:
        """Note who was skipped, and put them off; until then they are offered to nobody here."""
        while self._skipped:
            skip, answer = self._skipped[0]
            try:
                await self._office.stock.work.skipped(skip)
            except BadInput:
                log.info("skipped contact is gone", contact=skip.contact, campaign=skip.campaign)
            await self._run.supply.skipped(skip.contact, skip.at + SKIPPED_FOR)
            self._skipped.pop(0)
            _resolve(answer, "")

    async def next_accepted(self) -> Offer | None:
        """An offer whose contact is to be called now, with the contact as it is now; None: there is none."""
        for known in list(self._open.values()):
            if known.answer is None:
                continue
            contact = await self._run.supply.look_again(known.offer.contact)
            if self._open.get(known.offer.agent) is not known:
                continue  # the agent has left meanwhile
            if not isinstance(contact, Check):
                known.offer = replace(known.offer, contact=contact)
                return known.offer
            self._end(known, OfferEnd.REFUSED, contact.why, check=contact.name.value, back=False)
        return None

    def take_up(self, offer: Offer) -> bool:
        """The contact is being called, by the call of the offer's name. False: the agent has left."""
        known = self._open.get(offer.agent)
        if known is None or not self._office.floor.take_up(offer.agent, offer.id):
            self.look()
            return False
        del self._open[offer.agent]
        known.timer.cancel()
        self._placing[offer.contact.id] = known
        return True

    # --- what becomes of the calls --------------------------------------------------------------------

    def started(self, contact: ContactId) -> None:
        """The contact's call has passed all checks and is being placed."""
        if (known := self._placing.pop(contact, None)) is not None:
            self._tell(known, OfferEnd.ACCEPTED)

    def refused(self, contact: ContactId, check: str, why: str) -> None:
        """The contact's call has not passed: which check, and why, in words."""
        if (known := self._placing.pop(contact, None)) is not None:
            self._tell(known, OfferEnd.REFUSED, why, check)

    # --- ends -----------------------------------------------------------------------------------------

    def look(self) -> None:
        """End the offers that cannot go on. To be called when anything has changed; never waits."""
        for known in list(self._open.values()):
            why = self._over or self._broken(known.offer)
            if why and self._open.get(known.offer.agent) is known:
                self._end(known, OfferEnd.WITHDRAWN, why)

    def close(self) -> None:
        """End all offers: the campaign does not dial any more."""
        for known in list(self._open.values()):
            if self._open.get(known.offer.agent) is known:
                self._end(known, OfferEnd.WITHDRAWN, self._over or "the campaign does not dial any more")

    @property
    def _over(self) -> str:
        """Why no offer at all can go on; empty if they can."""
        if self._run.state is not CampaignState.RUNNING:
            return f"the campaign is {self._run.state.value}"
        if not self._run.campaign.mode.asks_agent:
            return "the campaign has another mode"
        return "" if self._office.health.linked else "Asterisk gives no answer"

    def _broken(self, offer: Offer) -> str:
        if not self._office.floor.looks(offer.agent, offer.campaign):
            return "the agent left, or has a call-back to make"
        return "" if self._run.supply.lent(offer.contact.id) else "another controller may have the contact"

    def _timed_out(self, offer: Offer) -> None:
        known = self._open.get(offer.agent)
        if known is not None and known.offer.id == offer.id and known.answer is None:
            log.info("offer not answered, agent paused", agent=offer.agent, campaign=offer.campaign)
            self._end(known, OfferEnd.TIMED_OUT, pause=NOT_AT_THE_DESK)

    def _not_placed(self, offer: Offer) -> None:
        known = self._open.get(offer.agent)
        if known is not None and known.offer.id == offer.id:
            faults = "; ".join(self._office.health.faults)
            self._end(
                known,
                OfferEnd.REFUSED,
                faults or "no call might be placed in time (max_lines, calls_per_second)",
            )

    def _end(
        self,
        known: _Open,
        end: OfferEnd,
        why: str = "",
        *,
        check: str = "",
        back: bool = True,
        pause: str = "",
    ) -> None:
        """End an open offer: the agent is free, or paused; the contact is next again, if it is to go back."""
        office, offer = self._office, known.offer
        del self._open[offer.agent]
        known.timer.cancel()
        if back and self._run.supply.lent(offer.contact.id):
            self._run.supply.put_back(offer.contact)
        elif back:
            self._run.supply.released(offer.contact.id)
        self._tell(known, end, why, check)
        office.apply(office.floor.end_offer(offer.agent, office.clock.now(), pause=pause))

    def _tell(self, known: _Open, end: OfferEnd, why: str = "", check: str = "") -> None:
        # What a check says may quote somebody's words; told to all is its name only.
        self._office.tell.offer_ended(known.offer, end, check or why)
        log.info(
            "offer ended",
            offer=known.offer.id,
            agent=known.offer.agent,
            campaign=known.offer.campaign,
            contact=known.offer.contact.id,
            end=end.value,
            why=check or why,
        )
        if known.answer is not None:
            _resolve(known.answer, "" if end is OfferEnd.ACCEPTED else why or "the offer has ended")


def _resolve(answer: Answer, what: str) -> None:
    if not answer.done():
        answer.set_result(what)
