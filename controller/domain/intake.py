"""Leads that come by themselves: from a landing page's form, or from another system. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from controller.domain.ids import CampaignId


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeForm:
    """By what people come into a campaign, and what they agree to by it. Never changed once it is stored.

    Attributes:
        id: letters, digits, ``-`` and ``_``; part of its address.
        secret: with which another system signs what it delivers.
        basis: why those who fill it in may be called, such as ``consent``.
        reason: why they are called, in words for the agent.
        consent_text: what they agree to, as it stands beside the box that they tick.
        consent_version: names that text; recorded with every consent.
        double_opt_in: they become contacts only when they follow the link in a mail.
        template: mail template with that link; empty: the controller's own words.
        language: of mail and pages, ``it`` or ``en``.
        origin: the site whose pages may send it, as ``https://www.example.org``; empty: none by a browser's
            script.
        segment, tags: given to the contacts.
        open: whether it takes anything.
    """

    id: str
    campaign: CampaignId
    secret: bytes = field(repr=False)
    basis: str = "consent"
    reason: str
    consent_text: str
    consent_version: str
    double_opt_in: bool = True
    template: str = ""
    language: str = "it"
    origin: str = ""
    segment: str = ""
    tags: frozenset[str] = frozenset()
    author: str
    created_at: datetime
    open: bool = True

    @property
    def source(self) -> str:
        """What a consent given by it names as its source."""
        return f"form {self.id} {self.consent_version}"


class IntakeState(Enum):
    """What became of what somebody sent."""

    PENDING = "pending"
    """Waits for its double opt-in; nobody is called yet."""
    ACCEPTED = "accepted"
    """A contact of the campaign was made, or one that was there renewed its consent."""
    REJECTED = "rejected"
    """It cannot be used; what was sent is kept with the reason."""
    REPEATED = "repeated"
    """The same person is pending already, or was accepted a moment ago."""
    EXPIRED = "expired"
    """Nobody followed the link in time; what was sent is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """Something that came in.

    Attributes:
        delivery: its id, unique within the form: what is delivered twice is taken once.
        values: what was sent, by field; emptied as soon as it is a contact, or expired.
        person: keyed hash of the number; empty if it has none.
        mail_person: keyed hash of the address; empty if it has none.
        reason: why it was rejected; empty otherwise.
    """

    id: int = 0
    form: str
    delivery: str
    received_at: datetime
    state: IntakeState
    values: Mapping[str, str] = field(default_factory=dict)
    person: str = ""
    mail_person: str = ""
    reason: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said to who sent something, or followed a link.

    Attributes:
        state: what became of it.
        problem: what is wrong with it, by field; empty if nothing is.
    """

    state: IntakeState
    problem: str = ""
    language: str = "it"


def plain_fields(body: bytes) -> dict[str, str]:
    """The fields of a JSON object of plain values, as text; null counts as not given.

    Raises:
        ValueError: it is none.
    """
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("this is no JSON") from None
    if not isinstance(given, dict):
        raise ValueError("a JSON object is wanted")
    fields = {}
    for name, value in given.items():
        if isinstance(value, bool):
            fields[name] = "true" if value else "false"
        elif isinstance(value, str | int | float):
            fields[name] = str(value)
        elif value is not None:
            raise ValueError(f"{name[:64]!r} is neither text nor a number, true or false")
    return fields
