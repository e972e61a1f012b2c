"""``regulation list | show | check``: the rules that campaigns can run under."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.shell import AsJson, print_json, print_table, settings_of
from controller.errors import BadInput

if TYPE_CHECKING:
    from controller.domain.regulation import Regulation

app = typer.Typer(help="Regulation profiles.", no_args_is_help=True)


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """The profiles that there are, shipped ones and one's own."""
    profiles = list(settings_of(ctx).profiles.values())
    if as_json:
        print_json([_as_dict(law) for law in profiles])
        return
    print_table(
        ["profile", "country", "extends", "in force", "title"],
        [
            [law.name, law.country, law.extends, "no" if law.superseded else "yes", law.title]
            for law in profiles
        ],
        "no profiles",
    )


@app.command()
def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="As `regulation list` names it.")],
    as_json: AsJson = False,
) -> None:
    """What a profile demands, in plain words, and what it does not see to; with the sources of its values."""
    profiles = settings_of(ctx).profiles
    law = profiles.get(name)
    if law is None:
        raise BadInput("NAME", f"there is no profile {name!r}", ", ".join(profiles))
    if as_json:
        print_json(_as_dict(law))
        return
    _show(law)
    for field, source in law.sources.items():
        typer.echo(f"  {field}: {source.text} ({source.sure})")


@app.command()
def check(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A profile of your own.", exists=True, dir_okay=False)],
) -> None:
    """Whether a file is a profile that would be accepted."""
    from controller.law.reading import read_profile

    settings = settings_of(ctx)
    known = {name: law for name, law in settings.profiles.items() if name != file.stem or not law.extends}
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(str(file), f"cannot be read: {error}", "a TOML file in UTF-8") from error
    _show(read_profile(text, str(file), known))
    typer.echo("accepted")


def _show(law: Regulation) -> None:
    from controller.law.words import plain_words

    for line in plain_words(law):
        typer.echo(line)


def _as_dict(law: Regulation) -> dict[str, object]:
    from controller.domain.law_document import digest, document

    sources = {field: [source.text, source.sure] for field, source in law.sources.items()}
    return document(law) | {
        "title": law.title,
        "digest": digest(law),
        "sources": sources,
        "not_covered": list(law.not_covered),
    }
