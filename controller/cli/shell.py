"""What every command shares: settings, the event loop, output, and errors in plain words.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage or configuration, 3 something could not be reached.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from typer.core import TyperGroup

from controller.errors import BadInput, ControllerError, ProtocolError, Unreachable

if TYPE_CHECKING:
    from controller.api.client import ControlClient
    from controller.config import Settings

FAILED, USAGE, UNREACHABLE, INTERRUPTED = 1, 2, 3, 130

COMMAND_TIMEOUT = 30.0
"""Seconds a command may take that only asks or tells something."""

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, for machines.")]
FullNumbers = Annotated[bool, typer.Option("--full-numbers", help="Do not mask telephone numbers.")]
CampaignArgument = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The campaign's short name.")]

T = TypeVar("T")


class Commands(TyperGroup):
    """The root of the commands: turns errors into words and exit codes, finds ``--config`` anywhere."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take ``--config FILE`` at any position: who runs `X run --config F` means just that."""
        return super().parse_args(ctx, _config_first(args))

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error of ours becomes words and an exit code, a bug stays a traceback."""
        try:
            return super().invoke(ctx)
        except ControllerError as error:
            raise _told([error]) from None
        except ExceptionGroup as group:
            # A task group wraps what went wrong in it; only if all of it is ours there are words for it.
            errors = list(_leaves(group))
            ours = [error for error in errors if isinstance(error, ControllerError)]
            if len(ours) < len(errors):
                raise
            raise _told(ours) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None


def _told(errors: Sequence[ControllerError]) -> typer.Exit:
    for text in dict.fromkeys(str(error) for error in errors):
        typer.echo(f"campaign-controller: {text}", err=True)
    return typer.Exit(exit_code(errors[0]))


def _leaves(group: ExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _config_first(args: Sequence[str]) -> list[str]:
    option: list[str] = []
    rest: list[str] = []
    remaining = iter(args)
    for arg in remaining:
        if arg == "--":
            rest += [arg, *remaining]
        elif arg == "--config":
            option = [arg, *([value] if (value := next(remaining, None)) is not None else [])]
        elif arg.startswith("--config="):
            option = [arg]
        else:
            rest.append(arg)
    return option + rest


def exit_code(error: ControllerError) -> int:
    """The exit code that tells of this error."""
    if isinstance(error, BadInput):
        return USAGE
    return UNREACHABLE if isinstance(error, Unreachable) else FAILED


def settings_of(ctx: typer.Context) -> Settings:
    """The configuration, read when a command first asks for it."""
    from controller.config import load

    root = ctx.find_root()
    wanted: Path | None = (root.obj or {}).get("config")
    return load(wanted)


def run_async(work: Coroutine[Any, Any, T], timeout: float = COMMAND_TIMEOUT) -> T:
    """Run to its end, but not for ever.

    Raises:
        Unreachable: it took longer than ``timeout`` seconds.
    """
    import asyncio

    async def in_time() -> T:
        try:
            async with asyncio.timeout(timeout) as limit:
                return await work
        except TimeoutError as error:
            if not limit.expired():
                raise ProtocolError(f"a time limit inside the controller was not handled: {error}") from error
            raise Unreachable(
                f"not done within {timeout:g} s; see whether Redis, the database and the controller answer"
            ) from error

    return asyncio.run(in_time())


def control_of(settings: Settings) -> ControlClient:
    """The running controller."""
    from controller.api.client import ControlClient

    return ControlClient(settings.control_socket)


def print_json(value: object) -> None:
    """Write a value for machines."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(headers: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Write a table for people; ``empty`` is what is said where there is nothing to show."""
    from rich.console import Console

    if not rows:
        typer.echo(empty)
        return
    # Into a pipe, lines are not to be cut at 80 columns: the next program wants the whole of them.
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 200)
    console.print(table(headers, rows))


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> Any:
    """A table; what is in it is shown as it stands, never read as markup."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in headers:
        made.add_column(header, overflow="fold")
    for row in rows:
        made.add_row(*(Text(str(cell)) for cell in row))
    return made
