"""The tables of what reaches the outside world: mail, public pages, webhooks."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from controller.config.base import Seconds, Section, SettingError, first_line, without_password
from controller.domain.followup import address
from controller.domain.webhook import Network

_OneLine = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{0,200}$")]


def _networks(value: str) -> str:
    try:
        return ", ".join(str(ip_network(part.strip())) for part in value.split(",") if part.strip())
    except ValueError as error:
        raise SettingError(str(error), "networks such as 10.0.0.0/8, parted by commas") from None


def _parsed(value: str) -> tuple[Network, ...]:
    return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())


class PublicSettings(Section):
    """[public]."""

    base_url: str = Field(
        default="",
        description="Where strangers reach the pages under `/public/`, as `https://calls.example.org`: links "
        "in mails begin with it. Empty: there are none, and no mail is sent",
    )
    proxies: str = Field(
        default="",
        description="Networks of reverse proxies whose `X-Forwarded-For` is believed, parted by commas",
    )
    per_minute: int = Field(
        default=10, ge=1, le=10_000, description="Submissions of forms accepted from one address in a minute"
    )
    confirm_days: int = Field(
        default=7, ge=1, le=60, description="Days in which a double opt-in can be confirmed"
    )
    rejects_days: int = Field(
        default=90, ge=1, le=3650, description="Days for which what a form sent and was rejected is kept"
    )

    @field_validator("base_url")
    @classmethod
    def _is_public(cls, value: str) -> str:
        if not value:
            return value
        parts = urlsplit(value)
        here = parts.hostname == "localhost" or _is_loopback(parts.hostname or "")
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and here)):
            raise SettingError(
                f"{without_password(value)!r} is no https URL", "https://host; http on this machine only"
            )
        if parts.query or parts.fragment or parts.username is not None:
            raise SettingError(f"{without_password(value)!r} has more than a path", "https://host/path")
        return value.rstrip("/")

    @field_validator("proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        return _networks(value)

    @property
    def proxy_networks(self) -> tuple[Network, ...]:
        """The proxies' networks."""
        return _parsed(self.proxies)


class MailSettings(Section):
    """[mail]."""

    host: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.:_-]{0,253}$")] = Field(
        default="", description="Mail server that takes our mails; empty: no mail is sent, what is due waits"
    )
    port: int = Field(default=587, ge=1, le=65535, description="Its port")
    tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is encrypted; `none` for this machine only"
    )
    ca_file: str = Field(
        default="", description="File of certificates to trust instead of the system's; empty: the system's"
    )
    username: _OneLine = Field(default="", description="Who logs in; empty if nobody has to")
    password_file: str = Field(
        default="", validate_default=True, description="File that holds the password alone"
    )
    sender: str = Field(
        default="", validate_default=True, description="Address mails come from; its domain signs them (DKIM)"
    )
    sender_name: _OneLine = Field(default="", description="Name shown beside it")
    reply_to: str = Field(default="", description="Where answers go; empty: to the sender")
    timeout: Seconds = Field(default=20.0, description="Seconds that each step with the server may take")
    concurrency: int = Field(default=4, ge=1, le=50, description="Mails and webhooks sent at the same time")

    @field_validator("tls")
    @classmethod
    def _is_encrypted(cls, value: str, info: ValidationInfo) -> str:
        host = info.data.get("host", "")
        if value == "none" and host and not (host == "localhost" or _is_loopback(host)):
            raise SettingError(f"mails to {host} would travel in clear", "starttls, tls")
        return value

    @field_validator("ca_file")
    @classmethod
    def _is_a_file(cls, value: str) -> str:
        if value and not Path(value).expanduser().is_file():
            raise SettingError(f"{value!r} is no file", "a file of certificates, PEM")
        return value

    @field_validator("password_file")
    @classmethod
    def _goes_with_a_name(cls, value: str, info: ValidationInfo) -> str:
        if bool(value) != bool(info.data.get("username")):
            raise SettingError("username and password_file go together", "both or none")
        if value and not first_line(Path(value).expanduser()):
            raise SettingError(f"{value!r} begins with an empty line", "a file that holds the password")
        return value

    @field_validator("sender", "reply_to")
    @classmethod
    def _is_an_address(cls, value: str, info: ValidationInfo) -> str:
        if not value:
            if info.field_name == "sender" and info.data.get("host"):
                raise SettingError("mails need a sender", "an address of your domain")
            return value
        try:
            return address(value)
        except ValueError as error:
            raise SettingError(f"{value!r} is no mail address: {error}", "name@example.org") from None

    @property
    def password(self) -> str:
        """The password; the file is read anew."""
        return first_line(Path(self.password_file).expanduser()) if self.password_file else ""


class WebhookSettings(Section):
    """[webhooks]."""

    networks: str = Field(
        default="",
        description="Networks that are not public and may be sent to, as `127.0.0.0/8`, parted by commas",
    )
    timeout: Seconds = Field(default=10.0, description="Seconds a receiver has to answer")
    give_up_days: int = Field(
        default=3, ge=1, le=30, description="Days of failing after which a subscription is switched off"
    )
    keep_days: int = Field(default=30, ge=1, le=365, description="Days for which what was sent is listed")

    @field_validator("networks")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        return _networks(value)

    @property
    def allowed(self) -> tuple[Network, ...]:
        """The networks."""
        return _parsed(self.networks)

    @property
    def give_up(self) -> timedelta:
        """For how long a subscription may fail."""
        return timedelta(days=self.give_up_days)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def needs_public(mail: MailSettings, public: PublicSettings | None) -> MailSettings:
    """Refuse mail without the pages that its links lead to.

    Raises:
        SettingError: nobody could unsubscribe.
    """
    if mail.host and public is not None and not public.base_url:
        raise SettingError(
            "mails hold a link to unsubscribe, and public.base_url is empty", "public.base_url = https://..."
        )
    return mail
