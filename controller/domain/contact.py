"""People to call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from controller.domain.hours import Hours
from controller.domain.ids import E164, CampaignId, ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Why a person may be called.

    Attributes:
        basis: such as ``consent``, ``contract``, ``public-directory``.
        source: where it was given: a form, a contract's number, a landing page.
        given_at: when (aware).
    """

    basis: str
    source: str
    given_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """When and where a person may be called, beyond what law and campaign say.

    Attributes:
        segment: the campaign's name for people of their kind; may narrow the hours.
        zone: IANA name of their time zone; empty: from their number.
        region: where they live, for holidays, as ``IT-MI``; empty: the campaign's.
        hours: their own; None if none are known.
    """

    segment: str = ""
    zone: str = ""
    region: str = ""
    hours: Hours | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewContact:
    """A contact as an import brings it, checked but not yet stored.

    Attributes:
        number: in E.164.
        name: as given; may be empty.
        attributes: the free columns of the list, by header.
        line: line of the source file, for messages.
        consent: why they may be called; None if the list does not say.
    """

    number: E164
    name: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    line: int = 0
    consent: Consent | None = None
    habits: Habits = Habits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A contact of a campaign, as stored.

    Attributes:
        attempts: calls placed to it so far (silent ones not counted, see RetryRule).
        operator_due: it got a silent call; its next call needs an agent reserved before dialing (L5).
        due_at: not to be called before this time (aware); None if it may be called at once.
    """

    id: ContactId
    campaign: CampaignId
    number: E164
    name: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    attempts: int = 0
    operator_due: bool = False
    due_at: datetime | None = None
    consent: Consent | None = None
    habits: Habits = Habits()
