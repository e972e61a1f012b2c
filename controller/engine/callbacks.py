"""Promising to call back, at an hour at which the law lets the callee's telephone ring."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from controller.domain.callback import FARTHEST, LONGEST_NOTE, Callback, Promise
from controller.domain.campaign import Campaign
from controller.domain.contact import Contact
from controller.domain.ids import AgentId, ContactId
from controller.engine.calendar import Calendar, zones_of
from controller.errors import BadInput, Refused
from controller.ports.records import Records
from controller.ports.work import Callbacks

_LATE: Final = timedelta(minutes=2)
"""An hour so little past is taken for now: it takes a while to say and to write it."""
_FORM: Final = "2026-12-01 15:30, by the callee's clock"


def clock_of(contact: Contact, campaign: Campaign) -> ZoneInfo:
    """The clock by which a contact says when to call: their own, or the likeliest where it may be several."""
    zones = zones_of(contact.number, contact.habits.zone, campaign.zone)
    return next((zone for zone in zones if zone.key == campaign.zone), zones[0])


def parse_hour(text: str, zone: ZoneInfo) -> datetime:
    """A time as people write it, by the clock of ``zone``; with an offset of its own it means that.

    Raises:
        BadInput: it is none, or the clocks are put forward over it.
    """
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadInput("time", f"{text!r} is no time", _FORM) from None
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    found = at.replace(tzinfo=zone).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) != at:
        raise BadInput("time", f"{text!r} does not come in {zone.key}: the clocks are put forward", _FORM)
    return found


class CallbackDesk:
    """Checks promises and keeps them in the store."""

    def __init__(self, records: Records, callbacks: Callbacks, calendar: Calendar) -> None:
        self._records = records
        self._callbacks = callbacks
        self._calendar = calendar

    def checked(
        self, promise: Promise, contact: Contact, campaign: Campaign, now: datetime, *, nearest: bool = False
    ) -> Promise:
        """The promise, if it can be kept.

        Args:
            promise: as it is asked for.
            contact: to whom.
            campaign: whose law and hours bind.
            now: aware.
            nearest: where no telephone may ring then, take the next time at which it may.

        Raises:
            BadInput: it is past, too far, or its note is too long.
            Refused: no telephone may ring then; the message tells from when on one may.
        """
        if promise.at < now - _LATE:
            raise BadInput("time", f"{_written(promise.at, contact, campaign)} is past", _FORM)
        if promise.at > now + FARTHEST:
            raise BadInput("time", "is more than a year ahead", _FORM)
        if len(promise.note) > LONGEST_NOTE:
            raise BadInput("note", f"has {len(promise.note)} characters, more than {LONGEST_NOTE}")
        at = promise.at
        check = self._calendar.check(campaign, contact.number, contact.habits, max(at, now))
        if not check.passed:
            if check.until is None:
                raise Refused(f"nobody can be promised a call then: {check.why}")
            if not nearest:
                lawful = _written(check.until, contact, campaign)
                raise Refused(f"nobody can be promised a call then: {check.why}; the next time is {lawful}")
            at = check.until
            if not self._calendar.check(campaign, contact.number, contact.habits, at).passed:
                raise Refused(f"nobody can be promised a call then: {check.why}")
        return Promise(at=at, agent=promise.agent, note=promise.note.strip())

    async def add(
        self,
        contact: Contact,
        campaign: Campaign,
        promise: Promise,
        author: str,
        now: datetime,
        *,
        nearest: bool = False,
    ) -> Callback:
        """Promise a call outside of a conversation. Raises as ``checked`` does."""
        promise = self.checked(promise, contact, campaign, now, nearest=nearest)
        return await self._callbacks.promise(contact.id, promise, author, now)

    async def move(
        self,
        callback: int,
        at: datetime,
        now: datetime,
        *,
        agent: AgentId | None = None,
        nearest: bool = False,
    ) -> Callback:
        """Promise it for another hour. Raises as ``checked`` does, and if it is not open."""
        known, contact, campaign = await self.found(callback)
        wanted = Promise(at=at, agent=agent, note=known.note)
        promise = self.checked(wanted, contact, campaign, now, nearest=nearest)
        return await self._callbacks.move(callback, promise.at, now, agent=agent)

    async def cancel(self, callback: int, now: datetime) -> Callback:
        """Take it back."""
        return await self._callbacks.cancel(callback, now)

    async def found(self, callback: int) -> tuple[Callback, Contact, Campaign]:
        """A call-back, to whom and for which campaign it was promised.

        Raises:
            BadInput: there is none.
        """
        known = await self._callbacks.callback(callback)
        if known is None:
            raise BadInput("call-back", f"there is no call-back {callback}")
        row = await self._records.campaign(known.campaign)
        # One contact by its id: those after the one before it, one at most.
        listed = await self._records.contacts(known.campaign, after=_before(known), limit=1)
        if row is None or not listed or listed[0].contact.id != known.contact:
            raise BadInput("call-back", f"contact {known.contact} of call-back {callback} is gone")
        return known, listed[0].contact, row.campaign


def _before(callback: Callback) -> ContactId:
    return ContactId(callback.contact - 1)


def _written(at: datetime, contact: Contact, campaign: Campaign) -> str:
    zone = clock_of(contact, campaign)
    return f"{at.astimezone(zone):%a %Y-%m-%d %H:%M} {zone.key}"
