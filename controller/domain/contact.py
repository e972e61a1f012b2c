"""People to call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from controller.domain.hours import Hours
from controller.domain.ids import E164, AgentId, CampaignId, ContactId


class NumberKind(Enum):
    """What kind of line a number is, as far as the list says."""

    UNKNOWN = ""
    MOBILE = "mobile"
    HOME = "home"
    WORK = "work"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneNumber:
    """One of several numbers of a contact."""

    number: E164
    kind: NumberKind = NumberKind.UNKNOWN


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
        number: in E.164; the one that is called first.
        kind: of that number.
        others: their other numbers, in the order in which they are tried.
        name: as given; may be empty.
        email: as given; empty if the list does not say.
        attributes: the free columns of the list, by header.
        tags: words by which segments find them.
        key: the list's own id of them; empty if it has none.
        line: line of the source file, for messages.
        consent: why they may be called; None if the list does not say.
    """

    number: E164
    kind: NumberKind = NumberKind.UNKNOWN
    others: tuple[PhoneNumber, ...] = ()
    name: str = ""
    email: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()
    key: str = ""
    line: int = 0
    consent: Consent | None = None
    habits: Habits = Habits()

    @property
    def every_number(self) -> tuple[E164, ...]:
        """All of their numbers, each once, the one that is called first first."""
        return _each_once(self.number, self.others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A contact of a campaign, as stored.

    Attributes:
        number: the one that is called next.
        others: their other numbers, in the order in which they are tried.
        callback_for: the agent who promised to call them back; None if anybody may, or nobody promised.
        callback_at: when a call-back was promised for (aware); None if none is open.
        attempts: calls placed to it so far (silent ones not counted, see RetryRule).
        tried: when its latest attempts ended (aware), oldest first, silent ones too.
        operator_due: it got a silent call; its next call needs an agent reserved before dialing (L5).
        due_at: not to be called before this time (aware); None if it may be called at once.
    """

    id: ContactId
    campaign: CampaignId
    number: E164
    kind: NumberKind = NumberKind.UNKNOWN
    others: tuple[PhoneNumber, ...] = ()
    name: str = ""
    email: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()
    key: str = ""
    callback_for: AgentId | None = None
    callback_at: datetime | None = None
    attempts: int = 0
    tried: tuple[datetime, ...] = ()
    operator_due: bool = False
    due_at: datetime | None = None
    consent: Consent | None = None
    habits: Habits = Habits()

    @property
    def every_number(self) -> tuple[E164, ...]:
        """All of their numbers that are in use, each once, the one that is called next first."""
        return _each_once(self.number, self.others)


def _each_once(first: E164, others: tuple[PhoneNumber, ...]) -> tuple[E164, ...]:
    return tuple(dict.fromkeys((first, *(other.number for other in others))))
