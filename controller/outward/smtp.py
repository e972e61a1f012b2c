"""Mail by SMTP."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Literal

import aiosmtplib

from controller.errors import ControllerError, Refused, Unreachable
from controller.ports import Clock
from controller.ports.outbox import Mail

_ADDRESS = re.compile(r"\S+@\S+")
# Longer lines than people like: a link in a header that is folded would no longer be one.
_POLICY = SMTP.clone(max_line_length=900)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpConfig:
    """How the mail server is reached.

    Attributes:
        tls: ``tls`` from the first byte, ``starttls`` after a plain greeting, ``none``.
        username: empty if the server asks for none.
        ca_file: whose certificates are trusted, instead of the system's.
        sender: the address mails come from.
        sender_name: shown beside it.
        reply_to: where answers go; empty: to the sender.
        timeout: seconds for each step.
    """

    host: str
    port: int = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    sender: str
    sender_name: str = ""
    reply_to: str = ""
    timeout: float = 20.0


class SmtpMailer:
    """``Mailer`` (controller.ports.outbox): a connection for each mail, as few mails are sent at a time."""

    def __init__(self, config: SmtpConfig, clock: Clock) -> None:
        """Nothing is opened yet."""
        self._config = config
        self._clock = clock
        self._trust = ssl.create_default_context(cafile=config.ca_file) if config.tls != "none" else None

    async def send(self, mail: Mail) -> None:
        """Hand a mail over; returns when the server has taken it.

        Raises:
            Refused: the server will never take it.
            Unreachable: it did not take it this time.
        """
        config = self._config
        try:
            await aiosmtplib.send(
                self.message(mail),
                sender=config.sender,
                recipients=[mail.to],
                hostname=config.host,
                port=config.port,
                username=config.username or None,
                password=config.password or None,
                use_tls=config.tls == "tls",
                start_tls=config.tls == "starttls",
                tls_context=self._trust,
                timeout=config.timeout,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            words = " ".join(str(refused.message) for refused in error.recipients)
            raise _answer(max(codes, default=400), "the recipient", words) from None
        except (aiosmtplib.SMTPDataError, aiosmtplib.SMTPRecipientRefused) as error:
            raise _answer(error.code, "the mail", error.message) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            # Also what the server has against us, not against this mail: a wrong password, an unknown sender.
            raise Unreachable(
                f"The mail server {config.host}:{config.port} did not take a mail: {_safe(str(error))}"
            ) from None

    def message(self, mail: Mail) -> EmailMessage:
        """The mail as it is sent."""
        made, config = EmailMessage(policy=_POLICY), self._config
        made["From"] = Address(config.sender_name, addr_spec=config.sender)
        made["To"] = Address(addr_spec=mail.to)
        made["Subject"] = mail.subject
        made["Date"] = format_datetime(self._clock.now())
        made["Message-ID"] = f"<{mail.message_id}>"
        if config.reply_to:
            made["Reply-To"] = Address(addr_spec=config.reply_to)
        made["Auto-Submitted"] = "auto-generated"
        if mail.unsubscribe:  # RFC 2369 and, for one click, RFC 8058
            made["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
            made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        made.set_content(mail.text, cte="quoted-printable")
        if mail.html:
            made.add_alternative(mail.html, subtype="html", cte="quoted-printable")
        if mail.language:  # last: setting the content would take it away
            made["Content-Language"] = mail.language
        return made


def _answer(code: int, what: str, words: str) -> ControllerError:
    text = f"The mail server refused {what}: {code} {_safe(words)}"
    return Refused(text) if code >= 500 else Unreachable(text)


def _safe(words: str) -> str:
    """A server's words without addresses, which it likes to repeat."""
    return _ADDRESS.sub("<address>", " ".join(words.split()))[:300]
