"""Whether a contact may be called, as far as it can be told without taking anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.domain.campaign import Campaign
from controller.domain.clearance import (
    Check,
    Standing,
    caller_id_check,
    contact_check,
    first_failed,
    standing_checks,
)
from controller.domain.contact import Contact
from controller.domain.ids import ContactId
from controller.engine.calendar import Calendar

ASK_AGAIN = timedelta(minutes=10)
"""When a contact is looked at again that only a person can make callable, by changing a list."""


@dataclass(slots=True)
class Gate:
    """Makes the checks of domain/clearance.py on a campaign's contacts."""

    calendar: Calendar = field(default_factory=Calendar)

    def at_admission(self, campaign: Campaign, contact: Contact, now: datetime) -> tuple[Check, ...]:
        """What the engine answers for when it admits a call; the stores answer for the rest."""
        return (
            caller_id_check(campaign),
            contact_check(contact, done=False, now=now),
            self.calendar.check(campaign, contact.number, contact.habits, now),
        )

    def checks(
        self, campaign: Campaign, contact: Contact, standing: Standing, now: datetime, *, done: bool = False
    ) -> tuple[Check, ...]:
        """All checks that need no ledger, in the order in which people expect them."""
        return (
            caller_id_check(campaign),
            contact_check(contact, done=done, now=now),
            *standing_checks(standing, contact.consent, campaign, now),
            self.calendar.check(campaign, contact.number, contact.habits, now),
        )

    def sort_out(
        self,
        campaign: Campaign,
        contacts: Iterable[Contact],
        standings: Mapping[ContactId, Standing],
        now: datetime,
    ) -> tuple[Sequence[Contact], Sequence[tuple[Contact, Check]]]:
        """Contacts that may be called now, and the others, each with the check that failed first."""
        callable_now: list[Contact] = []
        turned_away: list[tuple[Contact, Check]] = []
        for contact in contacts:
            standing = standings.get(contact.id, Standing())
            failed = first_failed(self.checks(campaign, contact, standing, now))
            if failed is None:
                callable_now.append(contact)
            else:
                turned_away.append((contact, failed))
        return callable_now, turned_away


def look_again(failed: Check, now: datetime) -> datetime:
    """When a contact that was turned away is looked at again."""
    return max(failed.until, now) if failed.until is not None else now + ASK_AGAIN
