"""The contacts of one campaign on their way from the list to the dialer.

The record store knows who may be called; the hopper holds those who are next, for all controllers that dial
the campaign. From there this controller takes as many as it can place soon, checks them once more, and deals
with each: it is called, put off, or given back.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from controller.domain.campaign import Campaign
from controller.domain.clearance import Check, CheckName, first_failed
from controller.domain.contact import Contact
from controller.domain.dialing_plan import Mixer
from controller.domain.ids import ContactId
from controller.engine.filler import Filler
from controller.engine.gate import Gate, look_again
from controller.engine.lanes import ALL, Lanes
from controller.ports import Admission, Clock, Hopper, Records, Verdict
from controller.ports.segments import Segments
from controller.ports.work import Work

log = structlog.get_logger(__name__)

_HAND: Final = range(10, 101)
"""Contacts taken at once, at least and at most: twice as many as are to be placed."""

_READINGS: Final = 25
"""How often one refill reads on where nobody who was read may be called, before the dialer goes on."""

_RENEW_AFTER: Final = 20.0
"""Seconds after which a lease is renewed: a third of what it lasts."""

_IN_FLIGHT_PAUSE: Final = timedelta(minutes=5)
"""When another call to the same number is in flight or in conversation, ask again after this."""

_EXPIRY_MARGIN: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What stands behind a campaign's contacts, beside the records themselves."""

    hopper: Hopper
    segments: Segments
    work: Work


class Supply:
    """The contacts that this controller is about to call for a campaign.

    Attributes:
        not_callable: contacts turned away since the last one that was not, by the check that failed.
    """

    def __init__(self, campaign: Campaign, records: Records, stock: Stock, clock: Clock, gate: Gate) -> None:
        self.not_callable: Counter[CheckName] = Counter()
        self._campaign = campaign
        self._records = records
        self._hopper = stock.hopper
        self._clock = clock
        self._gate = gate
        self._lanes = Lanes(campaign, records, stock.segments)
        self._filler = Filler(self._lanes, stock.hopper, clock)
        self._mixer = Mixer(campaign.dialing)
        self._hand: deque[Contact] = deque()
        self._under_way: set[ContactId] = set()
        self._lent: set[ContactId] = set()
        self._taken_from: dict[ContactId, str] = {}
        self._dealt_with: list[ContactId] = []
        self._renewed = clock.monotonic()
        self._stale = False

    def take_over(self, campaign: Campaign) -> None:
        """The campaign was changed. If its plan was, what was taken by the old one goes back."""
        replanned = (campaign.dialing, campaign.order) != (self._campaign.dialing, self._campaign.order)
        self._campaign = self._lanes.campaign = campaign
        if replanned:
            self._mixer = Mixer(campaign.dialing)
            self._filler.awake()
            self._stale = True

    # --- taking ---------------------------------------------------------------------------------------

    async def refill(self, wanted: int) -> None:
        """Take contacts that may be called now, if there is none in the hand. The others are put off."""
        for _ in range(_READINGS):
            if self._hand:
                return
            now = self._clock.now()
            taken = await self._take(max(_HAND.start, min(_HAND.stop - 1, 2 * wanted)), now)
            if not taken:
                return
            fresh = await self._still_due(taken, now)
            standings = await self._records.standings(self._campaign, fresh)
            callable_now, turned_away = self._gate.sort_out(self._campaign, fresh, standings, now)
            if callable_now:
                self.not_callable.clear()
            self._hand.extend(callable_now)
            await self._put_off(turned_away)

    async def keep_filled(self, laid: Callable[[], None]) -> None:
        """Keep the hopper filled, beside the calls, until cancelled; ``laid`` is called at more."""
        await self._filler.keep(lambda: (self._campaign, self._lanes.names), laid)

    async def keep(self) -> None:
        """Tell the hopper what was dealt with, and that the rest is still wanted. Called every second."""
        if self._stale:
            await self._give_back_hand()
            await self._hopper.clear(self._campaign)
            self._stale = False  # not before Redis has confirmed it: else the old plan would be dialed on
        if self._dealt_with:
            done, self._dealt_with = self._dealt_with, []
            try:
                await self._hopper.done(self._campaign, done)
            except BaseException:
                self._dealt_with += done
                raise
        kept = [*(contact.id for contact in self._hand), *self._lent]
        if kept and self._clock.monotonic() - self._renewed >= _RENEW_AFTER:
            held = set(await self._hopper.renew(self._campaign, kept, self._clock.now()))
            self._renewed = self._clock.monotonic()
            self._lent &= held
            self._hand = deque(contact for contact in self._hand if contact.id in held)

    async def _take(self, count: int, now: datetime) -> Sequence[ContactId]:
        """Contacts from the hopper, in the order in which the campaign's plan has them; ``count`` at most."""
        # The hand is empty: of the others, only those under way are still asked for.
        kept = self._under_way & self._taken_from.keys()
        self._taken_from = {contact: self._taken_from[contact] for contact in kept}
        taken: list[ContactId] = []
        empty: set[str] = set()
        while len(taken) < count and (turns := self._turns(count - len(taken), empty)):
            asked = Counter(turns)
            entries = await self._hopper.take(self._campaign, list(asked.items()), len(turns), now)
            given = defaultdict[str, deque[ContactId]](deque)
            for entry in entries:
                given[entry.lane].append(entry.contact)
                self._taken_from[entry.contact] = entry.lane
            empty |= {lane for lane, number in asked.items() if len(given[lane]) < number}
            taken += [given[lane].popleft() for lane in turns if given[lane]]
            # What the hopper gave beyond what was asked of a lane, because another one was short.
            taken += [contact for rest in given.values() for contact in rest]
        if not self._hand and not self._lent:
            self._renewed = self._clock.monotonic()
        return taken

    def _turns(self, count: int, empty: set[str]) -> list[str]:
        """Which lane each of the next contacts comes from."""
        if not self._campaign.dialing:
            return [] if ALL in empty else [ALL] * count
        turns = (self._mixer.next(empty) for _ in range(count))
        return [turn for turn in turns if turn is not None]

    async def _still_due(self, taken: Sequence[ContactId], now: datetime) -> list[Contact]:
        """Those whom the record store still knows to be due, in the order in which they were taken."""
        listed = {row.contact.id: row for row in await self._records.contacts_by_id(taken)}
        due: list[Contact] = []
        for contact in taken:
            row = listed.get(contact)
            over = row is None or row.done or row.in_flight or row.contact.callback_at is not None
            if row is None or over or contact in self._under_way or _later(row.contact, now):
                self._dealt_with.append(contact)
            else:
                due.append(row.contact)
        return due

    def next_contact(self, *, with_operator: bool) -> Contact | None:
        """The next contact; the caller must place it, or see that it is ``released``.

        Args:
            with_operator: an agent can be reserved for the call, so a contact that is owed an operator
                (L5) may be called. Otherwise such contacts are passed over.
        """
        for _ in range(len(self._hand)):
            contact = self._hand.popleft()
            if contact.id in self._under_way:
                continue
            if contact.operator_due and not with_operator:
                self._hand.append(contact)
                continue
            self._under_way.add(contact.id)
            return contact
        return None

    def lend(self) -> Contact | None:
        """The next contact, for an agent to look at; its lease is renewed until that has an end."""
        contact = self.next_contact(with_operator=True)
        if contact is not None:
            self._lent.add(contact.id)
        return contact

    def lent(self, contact: ContactId) -> bool:
        """Whether an agent may go on looking at it: no other controller has got it."""
        return contact in self._lent

    async def look_again(self, contact: Contact) -> Contact | Check:
        """A contact that an agent looks at, as it is now; or the check that it fails now.

        Then it is put off, and lent no more.
        """
        now = self._clock.now()
        row = next(iter(await self._records.contacts_by_id([contact.id])), None)
        if row is None or row.done or row.in_flight or row.contact.callback_at is not None:
            self._dealt_with.append(contact.id)
            self.released(contact.id)
            why = "somebody else has dealt with it, or promised to call it"
            return Check(name=CheckName.CONTACT, passed=False, why=why)
        standing = (await self._records.standings(self._campaign, [row.contact]))[contact.id]
        failed = first_failed(self._gate.checks(self._campaign, row.contact, standing, now))
        if failed is None:
            return row.contact
        try:
            await self.refused(row.contact, failed)
        finally:
            self.released(contact.id)
        return failed

    def segment_of(self, contact: Contact) -> str:
        """The segment that a contact was taken from; where the campaign dials none, the contact's own."""
        return self._taken_from.get(contact.id, ALL) or contact.habits.segment

    def coming(self) -> list[str]:
        """The segments of the contacts in the hand."""
        return [self.segment_of(contact) for contact in self._hand]

    # --- giving back ----------------------------------------------------------------------------------

    def put_back(self, contact: Contact) -> None:
        """The contact was not called; it stays next."""
        self._lent.discard(contact.id)
        self._under_way.discard(contact.id)
        self._hand.appendleft(contact)

    def adopt(self, contact: ContactId) -> None:
        """A call is under way that this controller did not take from the hopper."""
        self._under_way.add(contact)

    def started(self, contact: ContactId) -> None:
        """Its attempt is recorded: from here on the record store keeps others from calling it."""
        self._lent.discard(contact)
        self._dealt_with.append(contact)

    def released(self, contact: ContactId) -> None:
        """Nothing is under way for the contact any more: it may be offered again when it is due."""
        self._lent.discard(contact)
        self._under_way.discard(contact)

    async def turned_away(self, contact: Contact, verdict: Verdict) -> None:
        """The ledger did not admit the call."""
        match verdict.admission:
            case Admission.SUPPRESSED:
                pause = suppressed_for(in_flight=verdict.in_flight, free_in=verdict.free_in)
                await self._postpone([contact.id], self._clock.now() + pause)
                log.info("number suppressed", number=contact.number, campaign=self._campaign.id)
            case Admission.OPERATOR_DUE:
                # Another campaign of the same caller owes it an operator.
                self.put_back(replace(contact, operator_due=True))
            case _:
                self.put_back(contact)

    async def refused(self, contact: Contact, failed: Check) -> None:
        """A check failed that had passed when the contact was read."""
        log.info("contact not callable", number=contact.number, campaign=self._campaign.id, why=failed.why)
        await self._put_off([(contact, failed)])

    async def skipped(self, contact: ContactId, until: datetime) -> None:
        """Not to be called before ``until``, unless a call was promised meanwhile; this is no attempt."""
        rows = await self._records.contacts_by_id([contact])
        if rows and rows[0].contact.callback_at is None:
            await self._postpone([contact], until)
        else:
            self._dealt_with.append(contact)
        self.released(contact)

    async def close(self) -> None:
        """The campaign does not dial any more: what is in the hand is for others, or for later."""
        await self.keep()
        await self._give_back_hand()

    async def _give_back_hand(self) -> None:
        if self._hand:
            await self._hopper.give_back(self._campaign, [contact.id for contact in self._hand])
            self._hand.clear()

    async def _put_off(self, turned_away: Iterable[tuple[Contact, Check]]) -> None:
        now, later = self._clock.now(), defaultdict[datetime, list[ContactId]](list)
        for contact, failed in turned_away:
            self.not_callable[failed.name] += 1
            later[look_again(failed, now)].append(contact.id)
        for until, contacts in later.items():
            await self._postpone(contacts, until)

    async def _postpone(self, contacts: Sequence[ContactId], until: datetime) -> None:
        await self._records.postpone(contacts, until)
        self._dealt_with += contacts

    # --- what is left ---------------------------------------------------------------------------------

    async def exhausted_until(self) -> datetime | None:
        """When the next contact becomes due; None if no contact is left at all."""
        return await self._lanes.next_due(self._clock.now())

    @property
    def all_owed(self) -> bool:
        """Whether contacts are in the hand, and each is owed an operator (L5)."""
        return bool(self._hand) and all(contact.operator_due for contact in self._hand)

    @property
    def idle(self) -> bool:
        """Whether no contact is in the hand or under way."""
        return not self._hand and not self._under_way


def suppressed_for(*, in_flight: bool, free_in: float) -> timedelta:
    """How long a number is left alone that the ledger does not let through.

    Args:
        in_flight: another call to it is under way.
        free_in: seconds until its suppression ends.
    """
    return _IN_FLIGHT_PAUSE if in_flight else timedelta(seconds=free_in) + _EXPIRY_MARGIN


def _later(contact: Contact, now: datetime) -> bool:
    return contact.due_at is not None and contact.due_at > now
