"""[api]: the REST API."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from controller.config.base import Section, SettingError


class ApiSettings(Section):
    """[api]."""

    enabled: bool = Field(default=False, description="Serve the REST API (docs/api.md)")
    certificate: Path | None = Field(default=None, description="TLS certificate with its chain, in PEM")
    key: Path | None = Field(default=None, validate_default=True, description="Its key, in PEM")
    plain_http: bool = Field(
        default=False,
        description="Accept plain HTTP from other machines: tokens and numbers pass by unprotected, so only "
        "behind a proxy that speaks TLS",
    )
    host: Annotated[str, StringConstraints(min_length=1)] = Field(
        default="127.0.0.1",
        validate_default=True,
        description="Address to listen on; other machines than this one need `certificate` or `plain_http`",
    )
    port: int = Field(default=8480, ge=1, le=65535, description="Port to listen on")
    requests_per_second: float = Field(
        default=50.0, gt=0, le=10_000, allow_inf_nan=False, description="Requests of one token, on average"
    )
    burst: int = Field(default=100, ge=1, le=100_000, description="Requests of one token at once")
    failures_per_minute: int = Field(
        default=20, ge=1, le=10_000, description="Requests without a valid token, from one address"
    )
    request_timeout: float = Field(
        default=20.0, gt=0, le=600, allow_inf_nan=False, description="Seconds that a request may take"
    )
    upload_megabytes: int = Field(default=256, ge=1, le=4096, description="Size of an uploaded list at most")

    @field_validator("key")
    @classmethod
    def _goes_with_the_certificate(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("certificate") is None:
            raise SettingError("there is a key without a certificate", "both, or none")
        return value

    @field_validator("certificate", "key")
    @classmethod
    def _can_be_read(cls, value: Path | None) -> Path | None:
        if value is None:
            return None
        value = value.expanduser()
        if not value.is_file():
            raise SettingError(f"{str(value)!r} is no file", "a file in PEM")
        return value

    @field_validator("host")
    @classmethod
    def _is_protected(cls, value: str, info: ValidationInfo) -> str:
        if not (_is_here(value) or info.data.get("certificate") or info.data.get("plain_http")):
            raise SettingError(
                f"{value!r} is reached from other machines, and nothing protects what they send",
                "127.0.0.1, or a certificate, or plain_http = true behind a proxy that speaks TLS",
            )
        return value


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
