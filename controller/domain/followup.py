"""Follow-ups: what is written to a contact after a conversation. Pure."""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from controller.domain.ids import E164, CallId, CampaignId, ContactId
from controller.domain.privacy import NumberKey

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_LOCAL, _LONGEST = 64, 254


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTemplate:
    """One version of a mail that is filled in for each contact. Never changed once it is stored.

    Attributes:
        name: the same in every language.
        language: ISO 639, such as ``it``.
        version: from 1, for each name and language.
        subject, text, html: Jinja2; html may be empty.
    """

    name: str
    language: str
    version: int
    subject: str
    text: str
    html: str = ""
    author: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpRule:
    """After which disposition which mail is sent, how long after it. Once per contact and rule at most.

    Attributes:
        id: its row.
        template: name of the template; the contact's language is taken if there is one in it.
        language: of the template for everybody else.
        active: whether it holds; what it has queued is cancelled once it does not.
        created_at: dispositions from before do not count.
    """

    id: int
    campaign: CampaignId
    disposition: str
    template: str
    language: str
    delay: timedelta
    active: bool
    author: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A contact as mails need it.

    Attributes:
        numbers: all of its numbers; a list that names any of them binds.
        erased: its data were erased: nobody is there any more.
    """

    contact: ContactId
    campaign: CampaignId
    numbers: tuple[E164, ...]
    name: str
    email: str
    attributes: Mapping[str, str]
    erased: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallNote:
    """What was noted last of a call.

    Attributes:
        code: the disposition.
    """

    call: CallId
    contact: ContactId
    code: str
    agent: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MailOptOut:
    """An address that must not be written to.

    Attributes:
        scope: ``*`` for everybody, or ``caller:<caller>`` (domain.clearance).
        person: keyed hash of the address (``mail_person``).
        source: how: a link in a mail, a person.
    """

    scope: str
    person: str
    source: str
    author: str
    at: datetime


def address(text: str) -> str:
    """A mail address as it is sent to: the domain in lower case and in ASCII.

    Raises:
        ValueError: nobody can be written to there; the text says why, without the address.
    """
    text = text.strip()
    local, at, domain = text.rpartition("@")
    if not at:
        raise ValueError("a mail address has an @")
    if not local.isascii():
        raise ValueError("signs before the @ that few mail servers take")
    if not _LOCAL.fullmatch(local) or len(local) > _LONGEST_LOCAL:
        raise ValueError("no mailbox can be called so")
    try:
        ascii_domain = domain.encode("idna").decode().lower()
    except UnicodeError:
        raise ValueError("no domain can be called so") from None
    labels = ascii_domain.split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        raise ValueError("no domain can be called so")
    whole = f"{local}@{ascii_domain}"
    if len(whole) > _LONGEST:
        raise ValueError(f"longer than {_LONGEST} characters")
    return whole


def mail_person(key: NumberKey, mailbox: str) -> str:
    """The keyed hash of an address, whatever its capitals: 22 characters of URL-safe Base64."""
    digest = hmac.new(key.secret, b"mail:" + mailbox.strip().lower().encode(), sha256).digest()
    return urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def masked_address(mailbox: str) -> str:
    """An address fit for a log.

    >>> masked_address("ada.rossi@example.org")
    'a********@example.org'
    """
    local, _, domain = mailbox.rpartition("@")
    return f"{local[:1]}{'*' * max(len(local) - 1, 2)}@{domain}"


def followup_key(rule: int, contact: ContactId) -> str:
    """The job of a rule for a contact: there is one, for ever."""
    return f"followup:{rule}:{contact}"
