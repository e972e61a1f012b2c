"""``register load | status``: what the opposition register said of the numbers one wants to call."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.dnc import LOAD_TIMEOUT, Author, NumberColumn, Region, authorship
from controller.cli.shell import AsJson, print_json, print_table, run_async, settings_of
from controller.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.config import Settings
    from controller.domain.ids import E164
    from controller.domain.regulation import RegisterRule
    from controller.ports import Authorship

app = typer.Typer(help="The opposition register (in Italy: RPO).", no_args_is_help=True)


@app.command()
def load(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="CSV with the numbers and yes or no.", exists=True, dir_okay=False)
    ],
    checked_at: Annotated[
        str,
        typer.Option(
            metavar="DATE[TIME]",
            help="When the register was asked, by the clock of campaign_defaults.zone; a date stands for its "
            "first instant.",
        ),
    ],
    author: Author,
    reason: Annotated[
        str, typer.Option(help="Why; recorded.")
    ] = "the register was asked, as the law demands",
    number_column: NumberColumn = None,
    answer_column: Annotated[
        str | None, typer.Option(help="Header of the answer's column.", show_default="found by name")
    ] = None,
    region: Region = None,
) -> None:
    """Store the register's answer: all of the file, or nothing if any line is bad."""
    from controller.engine.number_list import read_register

    settings = settings_of(ctx)
    now = datetime.now(UTC)
    asked = _asked_at(settings, checked_at, now)
    who = authorship(author, reason, file.name)
    country = (region or settings.campaign_defaults.region).upper()
    answers = read_register(file, country, number_column, answer_column)
    stored = run_async(_load(settings, answers, asked, who, now), timeout=LOAD_TIMEOUT)
    opposed = sum(answers.values())
    typer.echo(
        f"{stored} numbers checked on {asked:%Y-%m-%d %H:%M} UTC: {opposed} in the register, "
        f"{stored - opposed} not in it"
    )
    for law, rule in sorted(_rules(settings).items()):
        if now - asked > rule.max_age:
            typer.echo(
                f"campaign-controller: this is older than {rule.max_age.days} days, which is all that {law} "
                "allows: it bars the numbers that are in the register, and lets none be called",
                err=True,
            )


@app.command()
def status(ctx: typer.Context, as_json: AsJson = False) -> None:
    """How many numbers were checked against the register, and how many lately enough for each law."""
    settings = settings_of(ctx)
    now = datetime.now(UTC)
    rules = sorted(_rules(settings).items())
    known, fresh = run_async(_counts(settings, dict(rules), now))
    if as_json:
        print_json({"known": known, "fresh": fresh})
        return
    typer.echo(f"{known} numbers were checked")
    print_table(
        ["regulation", "register", "days at most", "checked lately enough", "to be checked again"],
        [[law, rule.name, rule.max_age.days, fresh[law], known - fresh[law]] for law, rule in rules],
        "no regulation profile asks for a register",
    )


async def _load(
    settings: Settings, answers: Mapping[E164, bool], asked: datetime, who: Authorship, now: datetime
) -> int:
    from controller.app import open_records

    async with open_records(settings) as records:
        return await records.lists.load_register(answers, asked, who, now)


async def _counts(
    settings: Settings, rules: Mapping[str, RegisterRule], now: datetime
) -> tuple[int, dict[str, int]]:
    """Numbers known, and for each law how many of them were checked lately enough."""
    from controller.app import open_records

    fresh: dict[str, int] = {}
    async with open_records(settings) as records:
        known, _ = await records.lists.register_counts(now)
        for law, rule in rules.items():
            _, fresh[law] = await records.lists.register_counts(now - rule.max_age)
    return known, fresh


def _rules(settings: Settings) -> dict[str, RegisterRule]:
    """What each law asks for, where it asks for a register."""
    return {name: law.register for name, law in settings.profiles.items() if law.register is not None}


def _asked_at(settings: Settings, text: str, now: datetime) -> datetime:
    """When the register was asked.

    Raises:
        BadInput: it cannot be read, or is still to come.
    """
    from zoneinfo import ZoneInfo

    from controller.engine.contact_terms import instant_of

    try:
        asked = instant_of(text, ZoneInfo(settings.campaign_defaults.zone))
    except ValueError as error:
        raise BadInput("--checked-at", str(error)) from None
    if asked > now:
        raise BadInput("--checked-at", f"{text.strip()!r} is still to come", "when the register was asked")
    return asked
