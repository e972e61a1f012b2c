"""``regulation list | show | check``: the profiles by which campaigns may be run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.shell import AsJson, print_json, print_table, settings_of
from controller.errors import BadInput

if TYPE_CHECKING:
    from controller.domain.regulation import Regulation

app = typer.Typer(help="The law: profiles of rules, shipped ones and your own.", no_args_is_help=True)


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """The profiles there are; your own are in the directory that the configuration names."""
    from controller.domain.law_document import digest

    profiles = settings_of(ctx).profiles
    if as_json:
        print_json(
            [
                {"name": law.name, "country": law.country, "extends": law.extends, "state": _state(law)}
                | {"title": law.title, "digest": digest(law)}
                for law in profiles.values()
            ]
        )
        return
    print_table(
        ["name", "country", "extends", "state", "title"],
        [[law.name, law.country, law.extends or "-", _state(law), law.title] for law in profiles.values()],
        "there are no profiles",
    )


@app.command()
def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The profile's name.")],
    as_json: AsJson = False,
) -> None:
    """What a profile enforces and does not cover, and where each value comes from."""
    profiles = settings_of(ctx).profiles
    if name not in profiles:
        raise BadInput("regulation", f"there is no profile {name!r}", ", ".join(profiles))
    law = profiles[name]
    if as_json:
        print_json(_as_dict(law))
        return
    _print_words(law)
    typer.echo()
    print_table(
        ["field", "how sure", "source"],
        [[field, source.sure, source.text] for field, source in law.sources.items()],
        "the profile names no sources",
    )


@app.command()
def check(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A profile of your own.", exists=True, dir_okay=False)],
) -> None:
    """Read a profile as a start would, and say what it means; nothing is changed.

    Profiles that it extends are looked for beside it, and among the shipped ones.
    """
    from controller.law import PROFILES, load

    # Without the configuration: a directory with another bad file in it must not stand in the way.
    del ctx
    law = load(file, PROFILES)
    looser = "looser, by the override that it records," if law.override else "not looser"
    typer.echo(f"{file} can be used: it is {looser} than {law.extends}")
    _print_words(law)


def _print_words(law: Regulation) -> None:
    from controller.law import plain_words

    for words in plain_words(law):
        typer.echo(words)


def _state(law: Regulation) -> str:
    if law.superseded:
        return "superseded"
    return "looser, by override" if law.override else "in force"


def _as_dict(law: Regulation) -> dict[str, Any]:
    from controller.domain.law_document import digest, document

    return document(law) | {
        "title": law.title,
        "digest": digest(law),
        "not_covered": list(law.not_covered),
        "sources": {field: {"text": each.text, "sure": each.sure} for field, each in law.sources.items()},
    }
