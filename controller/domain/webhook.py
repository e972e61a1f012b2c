"""Webhooks: who is told of what happens, and where they may be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

from controller.domain.ids import CampaignId

KINDS = (
    "agent.state",
    "call.answered",
    "call.connected",
    "call.ended",
    "callback.due",
    "campaign.state",
    "contact.imported",
    "disposition.recorded",
    "lead.stage",
    "preview.ended",
    "preview.offered",
)
"""Kinds of events that can be subscribed to."""

PERSONAL = frozenset({"number", "numbers", "name", "email", "attributes", "notes", "answers"})
"""Fields of an event that tell who somebody is. They leave the house only where a subscription says so."""

_LONGEST_URL = 2000

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv4 addresses as NAT64 writes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Who is told of what.

    Attributes:
        secret: with which what is sent is signed.
        kinds: of events.
        campaign: only this one's events; empty: all.
        personal: also who it was about, not just ids.
        active: whether anything is sent.
        why: why not, in words; empty while it is active.
        failing_since: since when (aware) nothing could be delivered; None if the last try worked.
        dropped: events that were not queued because too many were waiting.
    """

    id: int
    url: str
    secret: bytes = field(repr=False)
    kinds: frozenset[str]
    campaign: CampaignId | None = None
    personal: bool = False
    active: bool = True
    why: str = ""
    failing_since: datetime | None = None
    dropped: int = 0
    author: str
    created_at: datetime

    def wants(self, kind: str, data: Mapping[str, Any]) -> bool:
        """Whether it is to be told of this event."""
        of_campaign = self.campaign is None or data.get("campaign") == self.campaign
        return self.active and kind in self.kinds and of_campaign


def impersonal(data: Mapping[str, Any]) -> dict[str, Any]:
    """An event's data without what tells who somebody is."""
    return {name: value for name, value in data.items() if name not in PERSONAL}


def checked_url(url: str, allowed: Iterable[Network]) -> str:
    """An address that events may be sent to.

    Args:
        url: as given.
        allowed: networks that are not public and may be sent to all the same.

    Raises:
        ValueError: it may not; the text says why.
    """
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(f"no URL: {_LONGEST_URL} ASCII characters at most, without spaces")
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("its port is no number up to 65535") from None
    if not host or port == 0:
        raise ValueError("it names no host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a password in it would end in logs: use the signature")
    if parts.fragment:
        raise ValueError("what stands after # is never sent")
    address = _literal(host)
    if parts.scheme == "http":
        if not (host == "localhost" or (address is not None and address.is_loopback)):
            raise ValueError("http is for this machine only, where nobody listens in between; use https")
    elif parts.scheme != "https":
        raise ValueError("it begins neither with https:// nor, on this machine, with http://")
    if address is not None and not reachable(address, allowed):
        raise ValueError("its address is not public, and webhooks.networks does not name it")
    return url


def reachable(address: Address, allowed: Iterable[Network]) -> bool:
    """Whether an address may be sent to: public, or named by the operator.

    What a name resolves to decides whoever owns the name: it may be this machine, or the PBX behind it.
    """
    address = _plain(address)
    if any(address.version == network.version and address in network for network in allowed):
        return True
    return address.is_global and not address.is_multicast and not address.is_reserved


def _plain(address: Address) -> Address:
    """The IPv4 address that is hidden in an IPv6 one; else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1] or address


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
