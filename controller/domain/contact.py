"""People to call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from controller.domain.ids import E164, CampaignId, ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class NewContact:
    """A contact as an import brings it, checked but not yet stored.

    Attributes:
        number: in E.164.
        name: as given; may be empty.
        attributes: the free columns of the list, by header.
        line: line of the source file, for messages.
    """

    number: E164
    name: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    line: int = 0


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
