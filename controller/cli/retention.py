"""``retention``: take people's data out of the record when their time is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.shell import run_async, settings_of

if TYPE_CHECKING:
    from controller.config import Settings
    from controller.ports import Authorship, Reduced

_LONG = 3600.0


def retention(
    ctx: typer.Context,
    author: Annotated[str, typer.Option(help="Who does it.")],
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    before: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="What is older than this day.", show_default="as laws say"),
    ] = None,
) -> None:
    """Take numbers and names out of the record that are older than every law demands. Statistics stay.

    The running controller does this by itself once a day. Asked for data that must be kept, it refuses.
    """
    from controller.ports import Authorship

    who = Authorship(author=author, reason=reason)
    day = before.replace(tzinfo=UTC) if before else None
    done = run_async(_reduced(settings_of(ctx), day, who), timeout=_LONG)
    typer.echo(f"personal data taken out of {done.attempts} attempts and {done.contacts} contacts")


async def _reduced(settings: Settings, before: datetime | None, who: Authorship) -> Reduced:
    from controller.app import open_records
    from controller.engine.retention import Retention

    async with open_records(settings) as records:
        keeping = Retention(records, records.people, timedelta(days=settings.privacy.keep_days))
        return await keeping.run(datetime.now(UTC), before=before, who=who)
