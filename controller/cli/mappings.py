"""``contacts mapping show | set | remove``: what the columns of each source's lists mean."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.list_preview import visible
from controller.cli.shell import AsJson, print_json, print_table, run_async, settings_of
from controller.errors import BadInput

if TYPE_CHECKING:
    from controller.config import Settings
    from controller.domain.imports import SavedMapping

app = typer.Typer(help="What the columns of a source's lists mean.", no_args_is_help=True)

SourceArgument = Annotated[str, typer.Argument(metavar="SOURCE", help="Where such lists come from.")]


def user_name() -> str:
    """Who gives the command, as the system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unnamed"


@app.command("show")
def show(
    ctx: typer.Context,
    source: Annotated[str | None, typer.Argument(metavar="[SOURCE]", help="One source only.")] = None,
    as_json: AsJson = False,
) -> None:
    """What is saved of the columns of each source."""
    found = run_async(_mappings(settings_of(ctx), source))
    if as_json:
        print_json(
            [
                {
                    "source": each.source,
                    "columns": dict(each.columns),
                    "author": each.author,
                    "saved_at": each.saved_at.isoformat(),
                }
                for each in found
            ]
        )
        return
    rows = [[each.source, visible(header), field] for each in found for header, field in each.columns.items()]
    print_table(["source", "column", "means"], rows, "no mappings")


async def _mappings(settings: Settings, source: str | None) -> Sequence[SavedMapping]:
    from controller.app import open_records

    async with open_records(settings) as records:
        if source is None:
            return await records.imports.mappings()
        found = await records.imports.mapping(source)
    if found is None:
        raise _no_mapping(source)
    return [found]


def _no_mapping(source: str) -> BadInput:
    return BadInput("source", f"nothing is saved of {source!r}", "one that `contacts mapping show` lists")


@app.command("set")
def set_(
    ctx: typer.Context,
    source: SourceArgument,
    columns: Annotated[
        list[str], typer.Argument(metavar="HEADER=FIELD...", help="What each column means; all that matter.")
    ],
    author: Annotated[str, typer.Option(help="Who says so; recorded.", show_default="who you are")] = "",
) -> None:
    """Say what the columns of a source mean, in the place of what is saved. Others are found by name."""
    meant = meant_by(columns)
    if not source.strip():
        raise BadInput("source", "is empty")
    run_async(_save(settings_of(ctx), source.strip(), meant, author.strip() or user_name()))
    typer.echo(f"{source.strip()}: {', '.join(f'{header} is {field}' for header, field in meant.items())}")


def meant_by(columns: Sequence[str]) -> dict[str, str]:
    """Fields by header, as the command line has them.

    Raises:
        BadInput: one is no HEADER=FIELD, its field is not known, or a header is there twice.
    """
    from controller.engine.import_fields import meaning_of

    found: dict[str, str] = {}
    for text in columns:
        header, mark, field = (part.strip() for part in text.rpartition("="))
        if not (header and mark and field):
            raise BadInput("mapping", f"{text!r} is not understood", "HEADER=FIELD, such as Telefono=mobile")
        if header in found:
            raise BadInput("mapping", f"says twice what {header!r} is")
        found[header] = str(meaning_of(field, f"mapping of {header!r}"))
    return found


async def _save(settings: Settings, source: str, columns: dict[str, str], author: str) -> None:
    from controller.app import open_records
    from controller.domain.imports import SavedMapping

    now = datetime.now(UTC)
    async with open_records(settings) as records:
        await records.imports.save_mapping(
            SavedMapping(source=source, columns=columns, author=author, saved_at=now)
        )


@app.command("remove")
def remove(ctx: typer.Context, source: SourceArgument) -> None:
    """Forget what is saved of a source; the next import saves it anew."""
    if not run_async(_remove(settings_of(ctx), source)):
        raise _no_mapping(source)
    typer.echo(f"what was saved of {source} is forgotten")


async def _remove(settings: Settings, source: str) -> bool:
    from controller.app import open_records

    async with open_records(settings) as records:
        return await records.imports.remove_mapping(source)
