"""What can be configured: the tables of the file, each a frozen model that checks itself."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    Field,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from controller.config.base import Name, Seconds, Section, SettingError, first_line, without_password
from controller.config.number_key import number_key
from controller.config.outward import MailSettings, PublicSettings, WebhookSettings, needs_public
from controller.config.web import ApiSettings
from controller.domain.campaign import Campaign, Override
from controller.domain.hours import parse_hours, written
from controller.domain.ids import CampaignId
from controller.domain.pacing.modes import SHORTEST_RING, TAKE_BACK_AFTER, Mode
from controller.domain.preview import LONGEST, SHORTEST
from controller.domain.privacy import NumberKey
from controller.domain.regulation import Regulation
from controller.domain.retry import RetryRule
from controller.law import IT_GARANTE_2014, PROFILES, load_directory

PREFIX = "CC_"
"""Of the environment variables: CC_TABLE__KEY."""

# A Unix socket's path may have 107 bytes on Linux, and "/control.sock" has to fit behind this one.
_LONGEST_STATE_DIR = 90
_CAMPAIGN = Campaign(id=CampaignId("-"), caller="-", law=IT_GARANTE_2014)  # read for its defaults


class ControllerSettings(Section):
    """[controller]."""

    id: Name = Field(default="main", description="Names this controller in Redis and in the log")
    state_dir: Path = Field(
        default=Path("/var/lib/campaign-controller"),
        description="Directory of the control socket and the SQLite file; made with mode 0700",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level logged"
    )
    log_format: Literal["console", "json"] = Field(
        default="console", description="`console`: key=value, `json`: one object per line"
    )
    shutdown_grace: float = Field(
        default=10.0,
        ge=0,
        le=3600,
        allow_inf_nan=False,
        description="Seconds that calls in flight get to end when the controller stops",
    )

    @field_validator("state_dir")
    @classmethod
    def _fits_a_socket(cls, value: Path) -> Path:
        value = value.expanduser().absolute()
        if len(os.fsencode(value)) > _LONGEST_STATE_DIR:
            raise SettingError(
                "too long for a Unix socket inside it", f"a path of {_LONGEST_STATE_DIR} bytes at most"
            )
        return value


class AsteriskSettings(Section):
    """[asterisk]."""

    url: str = Field(
        default="http://127.0.0.1:8088/ari", description="Base of the REST interface, `/ari` included"
    )
    username: Annotated[str, StringConstraints(min_length=1, pattern=r"^[^:\s]+$")] = Field(
        default="campaign-controller", description="User of ari.conf; needs write access"
    )
    password: SecretStr | None = Field(default=None, description="Its password; or use `password_file`")
    password_file: Path | None = Field(
        default=None, validate_default=True, description="File that holds the password alone"
    )
    app: Name = Field(default="campaign-controller", description="Name of the Stasis application")
    transport: Literal["http", "websocket"] = Field(default="http", description="How requests travel")
    request_timeout: Seconds = Field(default=2.0, description="Seconds a request to Asterisk may take")

    @field_validator("url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        return _url(value, ("http://", "https://"), "http://host:port/ari").rstrip("/")

    # Checks of a field, not of the model: pydantic runs the model's only when every field is right, and the
    # missing password would come to light one start later.
    @field_validator("password_file")
    @classmethod
    def _one_password(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if "password" in info.data and (info.data["password"] is None) == (value is None):
            problem = (
                "there is neither password nor password_file"
                if value is None
                else "there is a password already"
            )
            raise SettingError(problem, "one of password and password_file")
        if value is None:
            return None
        value = value.expanduser()
        if not first_line(value):
            raise SettingError(f"{str(value)!r} begins with an empty line", "a file that holds the password")
        return value

    @property
    def secret(self) -> str:
        """The password, wherever it is kept; the file is read anew."""
        return self.password.get_secret_value() if self.password else first_line(self.password_file or Path())


class RedisSettings(Section):
    """[redis]."""

    url: str = Field(
        default="redis://127.0.0.1:6379/0", repr=False, description="Redis that holds what is live"
    )
    timeout: Seconds = Field(default=1.0, description="Seconds a command may take; then no call is placed")
    allow_volatile: bool = Field(
        default=False,
        description="Accept a Redis that may lose keys (tests only: suppression would not survive)",
    )

    @field_validator("url")
    @classmethod
    def _is_redis(cls, value: str) -> str:
        return _url(value, ("redis://", "rediss://", "unix://"), "redis://host:port/database")


class RecordsSettings(Section):
    """[records]."""

    url: str = Field(
        default="", repr=False, description="SQLAlchemy URL; empty: `records.sqlite` in `state_dir`"
    )
    upgrade: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="Upgrade an older database at the start; auto: SQLite only (docs/database.md)",
    )

    @field_validator("url")
    @classmethod
    def _is_sql(cls, value: str) -> str:
        kinds = ("sqlite+aiosqlite://", "postgresql+asyncpg://")
        return value and _url(value, kinds, "sqlite+aiosqlite:////path, postgresql+asyncpg://user@host/base")


class RegulationSettings(Section):
    """[regulation]."""

    directory: Path | None = Field(
        default=None, description="Directory of regulation profiles of your own (docs/regulation.md)"
    )

    @field_validator("directory")
    @classmethod
    def _is_a_directory(cls, value: Path | None) -> Path | None:
        if value is not None and not value.expanduser().is_dir():
            raise SettingError(f"{str(value)!r} is no directory", "a directory of .toml files")
        return value and value.expanduser()


class PrivacySettings(Section):
    """[privacy]."""

    number_key_file: Path | None = Field(
        default=None,
        description="File of the key under which erased numbers live on; empty: `number.key` in `state_dir`, "
        "made at the first start. Keep a copy: without it nothing recorded can be matched to a number",
    )
    keep_days: int = Field(
        default=731,
        ge=731,
        le=36_500,
        description="Days after which numbers and names are taken out of the record; never before the law of "
        "every campaign allows it",
    )


class AgiSettings(Section):
    """[agi]."""

    enabled: bool = Field(
        default=True, description="Answer the dialplan's questions by FastAGI (docs/agi.md)"
    )
    host: Annotated[str, StringConstraints(min_length=1)] = Field(
        default="127.0.0.1", description="Address to listen on; FastAGI knows no password"
    )
    port: int = Field(default=4573, ge=1, le=65535, description="Port to listen on")


class AgentSettings(Section):
    """[[agents]]: one for each agent."""

    id: Name = Field(description="The agent's extension: the caller number of their phone")
    name: str = Field(default="", description="Shown in lists")
    skills: tuple[Name, ...] = Field(default=(), description="What they can do; campaigns may ask for it")
    endpoint: str = Field(default="", description="Their phone, for `agent login`; empty: `PJSIP/<id>`")

    @property
    def phone(self) -> str:
        """The endpoint to ring."""
        return self.endpoint or f"PJSIP/{self.id}"


class CampaignDefaults(Section):
    """[campaign_defaults]: what `campaign create` takes where it is not told otherwise."""

    caller: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^{}:\x00-\x1f]{0,64}$")] = (
        Field(
            default="", description="On whose behalf one calls; suppression spans all campaigns of a caller"
        )
    )
    caller_number: Annotated[str, StringConstraints(pattern=r"^(\+?[0-9]{3,15})?$")] = Field(
        default="", description="Number presented; empty leaves it to the trunk"
    )
    dial_string: str = Field(
        default=_CAMPAIGN.dial_string, description="Endpoint dialed, `{number}` is the contact's"
    )
    trunk: Annotated[str, StringConstraints(pattern=r"^\w+/\S+$")] = Field(
        default=_CAMPAIGN.trunk, description="Endpoint under which Asterisk reports the trunk's events"
    )
    caller_number_answers: bool = Field(
        default=_CAMPAIGN.caller_number_answers,
        description="Whether calls to `caller_number` are answered, by people or by a machine, at any hour",
    )
    region: str = Field(
        default=_CAMPAIGN.region, description="Country of numbers written in national form, and of holidays"
    )
    subdivision: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{0,3}$")] = Field(
        default="", description="Part of the country whose holidays hold, such as `MI` for Milan's"
    )
    zone: str = Field(
        default=_CAMPAIGN.zone, description="Time zone of the campaign's days and of unknown callees"
    )
    hours: str = Field(
        default="",
        description="Calling hours narrower than the law's, as `mon-fri 10:00-13:00` (docs/hours.md)",
    )
    message: Annotated[str, StringConstraints(pattern=r"^[\w./:-]{0,200}$")] = Field(
        default=_CAMPAIGN.message,
        description="Sound for callees whom no agent reaches, where the law demands a message; in agentless "
        "campaigns for all",
    )
    regulation: str = Field(default=_CAMPAIGN.law.name, description="Regulation profile")
    mode: Literal["predictive", "progressive", "reserved", "ratio", "preview", "agentless"] = Field(
        default="predictive", description="What a call needs before it is placed (docs/pacing.md)"
    )
    overdial: float = Field(
        default=_CAMPAIGN.overdial,
        ge=1,
        le=10,
        description="Mode ratio: lines per free agent once the budget allows",
    )
    ring_timeout: float = Field(
        default=_CAMPAIGN.ring_timeout.total_seconds(), ge=5, le=120, description="Seconds a phone may ring"
    )
    take_back_after: float = Field(
        default=TAKE_BACK_AFTER.total_seconds(),
        ge=0,
        le=120,
        description="Mode predictive: seconds a phone rings before its call may be taken back; 0: never",
    )
    wrap_up: float = Field(
        default=_CAMPAIGN.wrap_up.total_seconds(), ge=0, le=3600, description="Seconds after a conversation"
    )
    preview_timeout: float = Field(
        default=_CAMPAIGN.preview_timeout.total_seconds(),
        ge=SHORTEST.total_seconds(),
        le=LONGEST.total_seconds(),
        description="Mode preview: seconds an agent has to decide on a contact",
    )
    calls_per_second: float = Field(
        default=_CAMPAIGN.calls_per_second, gt=0, le=1000, description="Ceiling of new calls per second"
    )
    max_lines: int = Field(
        default=_CAMPAIGN.max_lines, ge=1, le=10_000, description="Ceiling of calls in flight"
    )
    max_attempts: int = Field(
        default=_CAMPAIGN.retry.max_attempts,
        ge=1,
        le=100,
        description="Calls to a contact that is not reached",
    )

    @field_validator("dial_string")
    @classmethod
    def _has_a_number(cls, value: str) -> str:
        if value.count("{number}") != 1 or not re.fullmatch(r"\w+/\S+", value):
            raise SettingError(f"{value!r} dials no contact", "TECHNOLOGY/... with {number} once")
        return value

    @field_validator("take_back_after")
    @classmethod
    def _rings_long_enough(cls, value: float) -> float:
        if 0 < value < SHORTEST_RING.total_seconds():
            raise SettingError(
                f"a phone rings {SHORTEST_RING.total_seconds():g} s at least", "5 to 120, or 0: never"
            )
        return value

    @field_validator("region")
    @classmethod
    def _is_a_region(cls, value: str) -> str:
        # Imported here: its tables cost a tenth of a second that --help need not pay.
        from phonenumbers import SUPPORTED_REGIONS

        if value not in SUPPORTED_REGIONS:
            raise SettingError(f"{value!r} is no country", "two capital letters of ISO 3166, such as IT")
        return value

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            raise SettingError(f"{value!r} is no time zone", "an IANA name such as Europe/Rome") from None
        return value

    @field_validator("hours")
    @classmethod
    def _are_hours(cls, value: str) -> str:
        try:
            return value and written(parse_hours(value))
        except ValueError as error:
            raise SettingError(str(error), "such as mon-fri 09:00-13:00,15:00-19:00") from None

    def campaign(
        self, campaign: CampaignId, law: Regulation, override: Override | None = None, **more: Any
    ) -> Campaign:
        """A campaign with these values.

        Args:
            campaign: its id.
            law: the profile that ``regulation`` names.
            override: lifts its budget, in a lab.
            more: fields that have no default here, such as ``opens_at``.
        """
        return Campaign(
            id=campaign,
            caller=self.caller,
            caller_number=self.caller_number,
            dial_string=self.dial_string,
            trunk=self.trunk,
            law=law,
            mode=Mode(self.mode),
            overdial=self.overdial,
            ring_timeout=timedelta(seconds=self.ring_timeout),
            take_back_after=timedelta(seconds=self.take_back_after) if self.take_back_after else None,
            wrap_up=timedelta(seconds=self.wrap_up),
            preview_timeout=timedelta(seconds=self.preview_timeout),
            calls_per_second=self.calls_per_second,
            max_lines=self.max_lines,
            retry=RetryRule(max_attempts=self.max_attempts),
            override=override,
            caller_number_answers=self.caller_number_answers,
            zone=self.zone,
            region=f"{self.region}-{self.subdivision}" if self.subdivision else self.region,
            hours=parse_hours(self.hours) if self.hours else None,
            message=self.message,
            **more,
        )


class LabSettings(Section):
    """[lab]: never in production."""

    allow_budget_override: bool = Field(
        default=False, description="Accept campaigns that lift the budget, if the PBX proves to be a lab"
    )
    lab_token: SecretStr = Field(
        default=SecretStr(""),
        validate_default=True,
        description="Must equal the PBX's global variable `CC_LAB`",
    )

    @field_validator("lab_token")
    @classmethod
    def _is_needed(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if info.data.get("allow_budget_override") and not value.get_secret_value():
            raise SettingError("allow_budget_override needs it", "the value of CC_LAB on the lab's PBX")
        return value


class _Environment(EnvSettingsSource):
    """The variables CC_TABLE__KEY."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        # Not JSON: let validation say so, with the place, instead of ending at the first mistake.
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


class Settings(BaseSettings):
    """The whole configuration. Keyword arguments are the file's tables; the environment goes before them."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    controller: ControllerSettings = ControllerSettings()
    # Validated even where the table is absent, for it lacks the password then.
    asterisk: AsteriskSettings = Field(default=cast(AsteriskSettings, {}), validate_default=True)
    redis: RedisSettings = RedisSettings()
    records: RecordsSettings = RecordsSettings()
    regulation: RegulationSettings = RegulationSettings()
    privacy: PrivacySettings = PrivacySettings()
    agi: AgiSettings = AgiSettings()
    agents: tuple[AgentSettings, ...] = ()
    campaign_defaults: CampaignDefaults = CampaignDefaults()
    api: ApiSettings = ApiSettings()
    public: PublicSettings = PublicSettings()
    mail: MailSettings = MailSettings()
    webhooks: WebhookSettings = WebhookSettings()
    lab: LabSettings = LabSettings()

    @field_validator("mail")
    @classmethod
    def _can_be_unsubscribed(cls, value: MailSettings, info: ValidationInfo) -> MailSettings:
        return needs_public(value, info.data.get("public"))

    @field_validator("agents")
    @classmethod
    def _are_distinct(cls, value: tuple[AgentSettings, ...]) -> tuple[AgentSettings, ...]:
        ids = [agent.id for agent in value]
        twice = sorted({agent for agent in ids if ids.count(agent) > 1})
        if twice:
            raise SettingError(f"{', '.join(twice)} stands there twice", "each agent once")
        return value

    @property
    def records_url(self) -> str:
        """Where the records are, the default resolved."""
        return self.records.url or f"sqlite+aiosqlite:///{self.controller.state_dir / 'records.sqlite'}"

    @cached_property
    def profiles(self) -> Mapping[str, Regulation]:
        """The regulation profiles by name: those shipped, and one's own.

        Raises:
            BadInput: a file of one's own cannot be used; none of them is then.
        """
        own = self.regulation.directory
        return dict(PROFILES) | (load_directory(own, PROFILES) if own else {})

    def number_key(self) -> NumberKey:
        """The key under which numbers are hashed; made at its first use.

        Raises:
            ConfigError: it cannot be read or made, or is none.
        """
        return number_key(self.privacy.number_key_file or self.controller.state_dir / "number.key")

    @property
    def control_socket(self) -> Path:
        """The socket by which the CLI reaches the running controller."""
        return self.controller.state_dir / "control.sock"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then what the file says."""
        return _Environment(settings_cls), init_settings


TABLES: Mapping[str, type[BaseModel]] = {
    "controller": ControllerSettings,
    "asterisk": AsteriskSettings,
    "redis": RedisSettings,
    "records": RecordsSettings,
    "regulation": RegulationSettings,
    "privacy": PrivacySettings,
    "agi": AgiSettings,
    "agents": AgentSettings,
    "campaign_defaults": CampaignDefaults,
    "api": ApiSettings,
    "public": PublicSettings,
    "mail": MailSettings,
    "webhooks": WebhookSettings,
    "lab": LabSettings,
}
"""Every table of the file, in order."""


def _url(value: str, starts: tuple[str, ...], allowed: str) -> str:
    if not value.startswith(starts):
        raise SettingError(f"{without_password(value)!r} does not begin with {' or '.join(starts)}", allowed)
    return value
