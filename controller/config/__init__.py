"""The configuration: one TOML file, overlaid by the environment, checked as a whole.

This package is the only place that reads the environment. Every setting that cannot be used is reported at
once, each with its place: a controller that is started again and again to tell the next mistake is no help
at three in the morning.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from controller.config.base import without_password
from controller.config.number_key import number_key
from controller.config.outward import MailSettings, PublicSettings, WebhookSettings
from controller.config.problems import InvalidConfigError, place_of, problem_of, unknown_variables
from controller.config.tables import (
    PREFIX,
    TABLES,
    AgentSettings,
    AgiSettings,
    AsteriskSettings,
    CampaignDefaults,
    ControllerSettings,
    LabSettings,
    PrivacySettings,
    RecordsSettings,
    RedisSettings,
    RegulationSettings,
    Settings,
)
from controller.config.web import ApiSettings
from controller.domain.regulation import Regulation
from controller.errors import ConfigError
from controller.law import PROFILES
from controller.toml_lines import lines_of

__all__ = [
    "SEARCHED",
    "TABLES",
    "AgentSettings",
    "AgiSettings",
    "ApiSettings",
    "AsteriskSettings",
    "CampaignDefaults",
    "ControllerSettings",
    "InvalidConfigError",
    "LabSettings",
    "MailSettings",
    "PrivacySettings",
    "PublicSettings",
    "RecordsSettings",
    "RedisSettings",
    "RegulationSettings",
    "Settings",
    "WebhookSettings",
    "ensure_state_dir",
    "load",
    "locate",
    "number_key",
    "problem_of",
    "variables",
    "without_password",
]

SEARCHED = (Path("campaign-controller.toml"), Path("/etc/campaign-controller.toml"))
"""Where the file is looked for when neither ``--config`` nor ``CC_CONFIG`` names one."""

_FILE_VARIABLE = PREFIX + "CONFIG"


def locate(wanted: Path | None = None) -> Path | None:
    """The file to be read; None if there is none and all comes from the environment and the defaults.

    Args:
        wanted: as given by ``--config``.

    Raises:
        ConfigError: the file that was asked for does not exist.
    """
    named = wanted or Path(os.environ.get(_FILE_VARIABLE) or "")
    if named == Path():
        return next((path for path in SEARCHED if path.is_file()), None)
    if not named.is_file():
        raise ConfigError(
            "--config" if wanted else _FILE_VARIABLE, f"{str(named)!r} is no file", "a TOML file"
        )
    return named


def load(wanted: Path | None = None) -> Settings:
    """Read and check the configuration.

    Raises:
        InvalidConfigError: with every mistake at once.
        ConfigError: the file is missing, unreadable or no TOML.
    """
    path = locate(wanted)
    text = _text(path) if path else ""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), f"this is no TOML: {error}") from error
    problems = list(unknown_variables())
    try:
        settings = Settings(**tables)
    except ValidationError as error:
        lines = lines_of(text)
        problems += [
            problem_of(item, place_of(item["loc"], path, lines), item["loc"])
            for item in error.errors(include_url=False)
        ]
        given = tables.get("campaign_defaults", {}).get("regulation")
        if isinstance(given, str) and "regulation" not in tables:  # no profiles of one's own
            problems += _unknown_regulation(given, PROFILES, path, text)
        raise InvalidConfigError(problems) from None  # the cause would print values that are secret
    problems += _unknown_regulation(settings.campaign_defaults.regulation, settings.profiles, path, text)
    if problems:
        raise InvalidConfigError(problems)
    return settings


def _unknown_regulation(
    given: str, profiles: Mapping[str, Regulation], path: Path | None, text: str
) -> Iterator[ConfigError]:
    # Not the field's own check: which profiles there are is told by another table.
    if given not in profiles:
        where = place_of(("campaign_defaults", "regulation"), path, lines_of(text))
        yield ConfigError(where, f"{given!r} is unknown", ", ".join(profiles))


def variables() -> Sequence[str]:
    """Names of the environment variables that are in force."""
    tables = {PREFIX + table.upper() for table in Settings.model_fields}
    return sorted(name for name in os.environ if name.upper().partition("__")[0] in tables)


def ensure_state_dir(settings: Settings) -> Path:
    """The directory of the controller's own files, made if need be.

    Raises:
        ConfigError: it cannot be made, or others could replace what is in it.
    """
    path = settings.controller.state_dir
    place = "controller.state_dir"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = path.stat().st_mode
    except OSError as error:
        raise ConfigError(
            place, f"{path}: {error.strerror}", "a directory the controller may write to"
        ) from error
    if mode & stat.S_IWOTH:
        raise ConfigError(
            place, f"{path}: every user may write to it", f"chmod 700 {path}, or another directory"
        )
    return path


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), f"is not UTF-8: {error.reason}") from error
