"""What people sent us by themselves, and how far they came: shown to them, and erased."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from controller.domain.clearance import EVERYBODY
from controller.domain.followup import MailOptOut, mail_person
from controller.domain.privacy import NumberKey
from controller.ports.compliance import Authorship
from controller.store.intake import forget_submissions
from controller.store.schema import contacts
from controller.store.schema_leads import intake_submissions, mail_opt_outs, stage_changes

ERASED_MAIL = "erased at the person's wish"
"""Why an erased person's addresses must not be written to by anybody."""


def select_sent(person: str) -> Select[Any]:
    """What a person (keyed hash of the number) sent by forms, in order."""
    theirs = intake_submissions.c.person == person
    return select(intake_submissions).where(theirs).order_by(intake_submissions.c.id)


def select_stages(ids: Select[Any]) -> Select[Any]:
    """Stages that were set by hand of the contacts that ``ids`` finds, in order."""
    return select(stage_changes).where(stage_changes.c.contact.in_(ids)).order_by(stage_changes.c.id)


def forget_outward(
    connection: Connection,
    ids: Sequence[int],
    persons: Sequence[str],
    key: NumberKey,
    who: Authorship,
    now: datetime,
) -> None:
    """Empty what persons sent, and bar their addresses: who wants to be forgotten is not written to.

    To be called while the contacts still have their addresses.
    """
    forget_submissions(connection, persons)
    written = select(contacts.c.email).where(contacts.c.id.in_(ids), contacts.c.email != "").distinct()
    barred = {mail_person(key, mailbox) for mailbox in connection.execute(written).scalars()}
    of_everybody = mail_opt_outs.c.scope == EVERYBODY
    known = select(mail_opt_outs.c.person).where(of_everybody, mail_opt_outs.c.person.in_(barred))
    barred -= set(connection.execute(known).scalars())
    for person in sorted(barred):
        entry = opt_out_of_erased(person, who, now)
        row = {name: getattr(entry, name) for name in MailOptOut.__slots__}
        connection.execute(mail_opt_outs.insert().values(**row))


def opt_out_of_erased(person: str, who: Authorship, now: datetime) -> MailOptOut:
    """The opt-out that an erasure leaves behind."""
    return MailOptOut(scope=EVERYBODY, person=person, source=ERASED_MAIL, author=who.author, at=now)
