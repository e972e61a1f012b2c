"""Links that people get by mail. They hold hashes and row numbers, never a number, a name or an address."""

from __future__ import annotations

from dataclasses import dataclass

from controller.domain.ids import CampaignId
from controller.domain.privacy import NumberKey
from controller.domain.signing import LinkKey
from controller.ports.leads import CONFIRM, UNSUBSCRIBE

_UNSUBSCRIBE, _CONFIRM = "unsubscribe", "confirm"


@dataclass(frozen=True, slots=True)
class UnsubscribeLink:
    """Whom an unsubscribe link concerns.

    Attributes:
        person: keyed hash of the address (domain.followup.mail_person).
        campaign: whose mail it stood in.
    """

    person: str
    campaign: CampaignId
    language: str


class Links:
    """Makes links, and tells those that it made from all others."""

    def __init__(self, base_url: str, key: NumberKey) -> None:
        """Take where the public pages are reached, without a slash at the end."""
        self._base = base_url.rstrip("/")
        self._key = LinkKey.of(key)

    def unsubscribe(self, link: UnsubscribeLink) -> str:
        """A link that is good for ever: also who was erased since must be able to leave."""
        token = self._key.token(_UNSUBSCRIBE, link.person, link.campaign, link.language)
        return f"{self._base}{UNSUBSCRIBE}{token}"

    def unsubscribe_of(self, token: str) -> UnsubscribeLink | None:
        """Whom a link concerns; None if it is not ours."""
        parts = self._key.opened(_UNSUBSCRIBE, token)
        if parts is None or len(parts) != 3:
            return None
        person, campaign, language = parts
        return UnsubscribeLink(person, CampaignId(campaign), language)

    def confirm(self, submission: int) -> str:
        """A link that confirms a double opt-in."""
        return f"{self._base}{CONFIRM}{self._key.token(_CONFIRM, str(submission))}"

    def confirm_of(self, token: str) -> int | None:
        """What a link confirms; None if it is not ours."""
        parts = self._key.opened(_CONFIRM, token)
        return int(parts[0]) if parts and len(parts) == 1 and parts[0].isdigit() else None
