"""``token create | list | revoke``: who may use the REST API.

Spoken with the record store directly, so they work with or without a running controller; it looks a token up
at every request, so what is said here holds at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.shell import AsJson, print_json, print_table, run_async, settings_of
from controller.errors import BadInput, Refused

if TYPE_CHECKING:
    from controller.config import Settings
    from controller.domain.access import Role
    from controller.ports.tokens import Token

app = typer.Typer(help="Tokens of the REST API.", no_args_is_help=True)

_DAYS = 365


@app.command()
def create(
    ctx: typer.Context,
    role: Annotated[str, typer.Option(help="admin, supervisor, agent, read-only or auditor.")],
    label: Annotated[str, typer.Option(help="What it is for; shown in lists, and recorded with edits.")],
    agent: Annotated[
        str, typer.Option(help="The agent it acts for; with the role agent, and only then.")
    ] = "",
    days: Annotated[int, typer.Option(help="It expires after so many days.", min=1, max=3650)] = _DAYS,
    as_json: AsJson = False,
) -> None:
    """Make a token. It is shown this once: only its hash is stored."""
    settings = settings_of(ctx)
    token, text = _made(settings, role, label.strip(), agent.strip(), days)
    run_async(_add(settings, token, text))
    if as_json:
        print_json(_as_dict(token, datetime.now(UTC)) | {"token": text})
        return
    typer.echo(text)
    typer.echo(
        f"token {token.id} of role {token.role.value}, valid until {token.expires_at:%Y-%m-%d}; "
        "it is not shown again: keep it where secrets are kept",
        err=True,
    )


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """All tokens, those that are not valid any more, too."""
    found = run_async(_all(settings_of(ctx)))
    now = datetime.now(UTC)
    if as_json:
        print_json([_as_dict(token, now) for token in found])
        return
    print_table(
        ["token", "role", "agent", "label", "made (UTC)", "expires (UTC)", "last used (UTC)", "state"],
        [
            [
                f"cc_{token.id}_...",
                token.role.value,
                token.agent or "-",
                token.label,
                _day(token.created_at),
                _day(token.expires_at),
                f"{token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never",
                _state(token, now),
            ]
            for token in found
        ],
        "there are no tokens; make one with: campaign-controller token create",
    )


@app.command()
def revoke(
    ctx: typer.Context,
    token: Annotated[
        str, typer.Argument(metavar="TOKEN", help="Its 8 characters, as `token list` has them.")
    ],
) -> None:
    """Make a token invalid, at once and for good."""
    # Whoever pastes the whole of it means the same, and must not see it repeated.
    name = token.removeprefix("cc_").partition("_")[0]
    if not run_async(_revoke(settings_of(ctx), name)):
        raise Refused(f"there is no token {name!r}, or it is revoked already")
    typer.echo(f"token {name} is revoked")


# --- what is asked of the store ---------------------------------------------------------------------------


def _made(settings: Settings, role: str, label: str, agent: str, days: int) -> tuple[Token, str]:
    import secrets

    from controller.domain.access import TOKEN_BYTES, Role, Secret
    from controller.domain.ids import AgentId
    from controller.ports.tokens import Token

    known = [each.value for each in Role]
    if role not in known:
        raise BadInput("--role", f"{role!r} is unknown", ", ".join(known))
    if not label or not label.isprintable():
        raise BadInput("--label", "is empty, or not one line", "what the token is for")
    _must_fit(settings, Role(role), agent)
    secret, now = Secret.of(secrets.token_bytes(TOKEN_BYTES)), datetime.now(UTC)
    token = Token(
        id=secret.id,
        role=Role(role),
        label=label,
        created_at=now,
        agent=AgentId(agent) if agent else None,
        expires_at=now + timedelta(days=days),
    )
    return token, secret.text


def _must_fit(settings: Settings, role: Role, agent: str) -> None:
    from controller.domain.access import Role

    known = [each.id for each in settings.agents]
    if role is Role.AGENT and agent not in known:
        problem = f"there is no agent {agent!r}" if agent else "is needed with the role agent"
        raise BadInput("--agent", problem, ", ".join(known) or "none yet: add [[agents]]")
    if role is not Role.AGENT and agent:
        raise BadInput("--agent", f"does not go with the role {role.value}", "the role agent")


async def _add(settings: Settings, token: Token, text: str) -> None:
    from controller.app import open_records
    from controller.domain.access import Secret

    async with open_records(settings) as records:
        await records.tokens.add(token, Secret(text).digest)


async def _all(settings: Settings) -> Sequence[Token]:
    from controller.app import open_records

    async with open_records(settings) as records:
        return await records.tokens.all()


async def _revoke(settings: Settings, token: str) -> bool:
    from controller.app import open_records

    async with open_records(settings) as records:
        return await records.tokens.revoke(token, datetime.now(UTC))


# --- words ------------------------------------------------------------------------------------------------


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else "never"


def _state(token: Token, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "valid" if token.valid(now) else "expired"


def _as_dict(token: Token, now: datetime) -> dict[str, object]:
    def iso(at: datetime | None) -> str | None:
        return at.isoformat() if at else None

    return {
        "id": token.id,
        "role": token.role.value,
        "agent": token.agent,
        "label": token.label,
        "created_at": iso(token.created_at),
        "expires_at": iso(token.expires_at),
        "last_used_at": iso(token.last_used_at),
        "state": _state(token, now),
    }
