"""[api] protects what passes by: no tokens in the clear over a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from controller.config.web import ApiSettings


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "api.example.org"])
def test_plain_http_stays_on_this_machine(host: str) -> None:
    with pytest.raises(ValidationError, match="nothing protects what they send"):
        ApiSettings(host=host)
    assert ApiSettings(host=host, plain_http=True).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_needs_no_certificate(host: str) -> None:
    assert ApiSettings(host=host).host == host


def test_with_a_certificate_others_may_come(tmp_path: Path) -> None:
    pem = tmp_path / "server.pem"
    pem.touch()
    assert ApiSettings(host="0.0.0.0", certificate=pem).host == "0.0.0.0"
    with pytest.raises(ValidationError, match="is no file"):
        ApiSettings(certificate=tmp_path / "none.pem")
    with pytest.raises(ValidationError, match="a key without a certificate"):
        ApiSettings(key=pem)
