"""``database status | upgrade | backup``: the record store's tables across versions of the program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.shell import FAILED, AsJson, print_json, run_async, settings_of

if TYPE_CHECKING:
    from controller.store.upgrading import DatabaseStatus

_LONG = 3700.0

app = typer.Typer(no_args_is_help=True, help="The database of the records: its version, upgrades, copies.")


@app.command()
def status(ctx: typer.Context, as_json: AsJson = False) -> None:
    """The version of the database's tables, and whether this program can use them. Exit code 1 if not."""
    from controller.store.upgrading import status_of

    found = run_async(status_of(settings_of(ctx).records_url))
    if as_json:
        print_json(
            {
                "database": found.where,
                "version": found.version,
                "needed": found.needed,
                "current": found.current,
                "copies": [str(copy) for copy in found.copies],
            }
        )
    else:
        typer.echo(_as_text(found))
    if not found.current:
        raise typer.Exit(FAILED)


def _as_text(found: DatabaseStatus) -> str:
    if found.version is None:
        state = f"no tables yet; the first program that opens it makes version {found.needed}"
    elif found.current:
        state = f"schema version {found.version}, up to date"
    elif found.version < found.needed:
        state = (
            f"schema version {found.version}, this program needs {found.needed}: "
            "campaign-controller database upgrade"
        )
    else:
        state = f"schema version {found.version}, newer than this program, which needs {found.needed}"
    lines = [found.where, state]
    if found.copies:
        lines.append("copies from before upgrades, with all personal data; delete them when not needed:")
        lines += [f"  {copy}" for copy in found.copies]
    return "\n".join(lines)


@app.command()
def upgrade(
    ctx: typer.Context,
    copy: Annotated[
        bool, typer.Option("--copy/--no-copy", help="Copy a SQLite file first, beside it.")
    ] = True,
) -> None:
    """Bring an older database up to date, all or nothing. Stop the controller first."""
    from controller.store.upgrading import upgrade as upgraded

    done = run_async(upgraded(settings_of(ctx).records_url, copy=copy), timeout=_LONG)
    if done.copy is not None:
        typer.echo(f"as it was: {done.copy}")
    if done.before == done.after:
        typer.echo(f"schema version {done.after}, nothing to do")
    else:
        typer.echo(f"upgraded from schema version {done.before} to {done.after}")


@app.command()
def backup(
    ctx: typer.Context, to: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes.")]
) -> None:
    """Copy the SQLite file while it is in use. PostgreSQL is copied by pg_dump."""
    from controller.store.upgrading import back_up

    run_async(back_up(settings_of(ctx).records_url, to), timeout=_LONG)
    typer.echo(f"copied to {to}")
