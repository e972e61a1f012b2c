"""``token create | list | revoke``, on a real SQLite file."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from controller.domain.access import Secret
from tests.unit.cli.conftest import Cli


def made(cli: Cli, *more: str) -> str:
    done = cli("token", "create", "--role", "auditor", "--label", "the yearly audit", *more)
    assert done.exit_code == 0, done.stderr
    return str(done.stdout.strip())


def test_a_token_is_shown_once_and_only_its_hash_is_stored(cli: Cli, state_dir: Path) -> None:
    text = made(cli)
    secret = Secret.read(text)
    assert secret is not None
    stored = [path.read_bytes() for path in state_dir.rglob("*") if path.is_file()]
    assert any(secret.digest in content for content in stored)
    assert not any(text.rpartition("_")[2].encode() in content for content in stored)
    listed = cli("token", "list")
    assert f"cc_{secret.id}_..." in listed.stdout
    assert "the yearly audit" in listed.stdout
    assert text.rpartition("_")[2] not in listed.stdout


def test_a_token_expires(cli: Cli) -> None:
    made(cli, "--days", "30")
    (listed,) = json.loads(cli("token", "list", "--json").stdout)
    lasts = datetime.fromisoformat(listed["expires_at"]) - datetime.fromisoformat(listed["created_at"])
    assert (lasts, listed["state"], listed["last_used_at"]) == (timedelta(days=30), "valid", None)


@pytest.mark.parametrize("how", ["the id", "what the list shows", "the whole of it"])
def test_a_token_is_revoked(cli: Cli, how: str) -> None:
    text = made(cli)
    secret = Secret(text)
    given = {"the id": secret.id, "what the list shows": f"cc_{secret.id}_...", "the whole of it": text}[how]
    done = cli("token", "revoke", given)
    assert (done.exit_code, done.stdout) == (0, f"token {secret.id} is revoked\n")
    again = cli("token", "revoke", given)
    assert again.exit_code == 1
    assert text.rpartition("_")[2] not in again.stderr
    assert "revoked" in cli("token", "list").stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--role", "boss", "--label", "x"], "--role: 'boss' is unknown (allowed: admin,"),
        (["--role", "admin", "--label", " "], "--label: is empty"),
        (["--role", "agent", "--label", "x"], "--agent: is needed with the role agent (allowed: 1001, 1002)"),
        (["--role", "agent", "--label", "x", "--agent", "9"], "--agent: there is no agent '9'"),
        (["--role", "admin", "--label", "x", "--agent", "1001"], "--agent: does not go with the role admin"),
    ],
)
def test_what_makes_no_token_is_refused(cli: Cli, options: list[str], message: str) -> None:
    done = cli("token", "create", *options)
    assert done.exit_code == 2
    assert message in done.stderr
    assert json.loads(cli("token", "list", "--json").stdout) == []


def test_an_agents_token_is_the_agents(cli: Cli) -> None:
    done = cli("token", "create", "--role", "agent", "--agent", "1002", "--label", "Bruno's page", "--json")
    shown = json.loads(done.stdout)
    assert (shown["role"], shown["agent"]) == ("agent", "1002")
    secret = Secret.read(shown["token"])
    assert secret is not None
    assert secret.id == shown["id"]
