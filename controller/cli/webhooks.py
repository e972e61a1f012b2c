"""``webhooks``: other systems that are told of calls and leads (docs/leads.md)."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from controller.cli.dnc import Author
from controller.cli.followups import show_jobs
from controller.cli.shell import AsJson, print_json, print_table, run_async, settings_of
from controller.domain.ids import CampaignId
from controller.domain.outbox import JobKind, JobState
from controller.domain.signing import SECRET_BYTES, secret_bytes, secret_text
from controller.domain.webhook import KINDS, Subscription, checked_url
from controller.errors import BadInput

if TYPE_CHECKING:
    from controller.config import Settings
    from controller.domain.outbox import Job
    from controller.ports.leads import Outward
    from controller.ports.outbox import NewSubscription

app = typer.Typer(help="Other systems that are told of calls and leads.", no_args_is_help=True)

T = TypeVar("T")

SubscriptionArgument = Annotated[
    int, typer.Argument(metavar="SUBSCRIPTION", help="Its id, as `list` gives it.", min=1)
]


@app.command()
def add(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(help="Where events are posted: https.")],
    author: Author,
    kind: Annotated[list[str] | None, typer.Option(help="Kind of events; may be repeated.")] = None,
    campaign: Annotated[
        str | None, typer.Option(help="Only its events.", show_default="all campaigns'")
    ] = None,
    personal: Annotated[
        bool, typer.Option("--personal", help="Also who it was: name, numbers, mail address, attributes.")
    ] = False,
    secret: Annotated[
        str, typer.Option(help="Sign with this secret (whsec_...).", show_default="a new one")
    ] = "",
) -> None:
    """Tell a system of events; a new secret is shown now and never again."""
    from controller.ports.outbox import NewSubscription

    settings = settings_of(ctx)
    kinds = frozenset(kind or KINDS)
    if unknown := sorted(kinds - set(KINDS)):
        raise BadInput("--kind", f"{', '.join(unknown)} is unknown", ", ".join(KINDS))
    try:
        checked_url(url, settings.webhooks.allowed)
    except ValueError as error:
        raise BadInput("URL", str(error)) from None
    new = NewSubscription(
        url=url,
        secret=_secret(secret),
        kinds=kinds,
        campaign=campaign,
        personal=personal,
        author=author.strip(),
    )
    made = run_async(_add(settings, new))
    typer.echo(f"subscription {made.id}: {', '.join(sorted(made.kinds))} to {made.url}")
    if not secret:
        typer.echo(f"secret, shown only now: {secret_text(new.secret)}")


async def _add(settings: Settings, new: NewSubscription) -> Subscription:
    from controller.app import open_records
    from controller.cli.campaigns import must_exist

    async with open_records(settings) as records:
        if new.campaign is not None:
            await must_exist(records, CampaignId(new.campaign))
        return await records.outward.hooks.add(new, datetime.now(UTC))


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Who is told of what, and whether it arrives."""
    found = _with(ctx, _listed)
    headers = ["subscription", "url", "kinds", "campaign", "state", "waiting", "dropped", "why"]
    rows: list[list[object]] = [
        [
            each.id,
            each.url,
            ", ".join(sorted(each.kinds)),
            each.campaign or "all",
            _state(each),
            waiting,
            each.dropped,
            each.why,
        ]
        for each, waiting in found
    ]
    if as_json:
        print_json(
            [
                dict(zip(headers, row, strict=True))
                | {
                    "kinds": sorted(each.kinds),
                    "campaign": each.campaign,
                    "personal": each.personal,
                    "failing_since": each.failing_since.isoformat() if each.failing_since else None,
                }
                for row, (each, _) in zip(rows, found, strict=True)
            ]
        )
        return
    print_table(headers, rows, "nobody is told of events")


async def _listed(outward: Outward) -> list[tuple[Subscription, int]]:
    return [
        (each, await outward.jobs.waiting(JobKind.WEBHOOK, str(each.id)))
        for each in await outward.hooks.subscriptions()
    ]


def _state(each: Subscription) -> str:
    if not each.active:
        return "off"
    return "on" if each.failing_since is None else f"failing since {each.failing_since:%Y-%m-%d %H:%M} UTC"


@app.command()
def enable(ctx: typer.Context, subscription: SubscriptionArgument) -> None:
    """Tell a system again; what happened meanwhile it is not told."""
    if not _with(ctx, lambda outward: outward.hooks.enable(subscription)):
        raise _unknown(subscription)
    typer.echo(f"subscription {subscription} is on")


@app.command()
def disable(ctx: typer.Context, subscription: SubscriptionArgument, author: Author) -> None:
    """Tell a system nothing more; what waits for it is cancelled."""

    async def switch_off(outward: Outward) -> tuple[bool, int]:
        known = await outward.hooks.disable(subscription, f"switched off by {author.strip()}")
        return known, await _cancelled(outward, subscription)

    known, taken = _with(ctx, switch_off)
    if not known:
        raise _unknown(subscription)
    typer.echo(f"subscription {subscription} is off; {taken} deliveries cancelled")


@app.command()
def remove(ctx: typer.Context, subscription: SubscriptionArgument) -> None:
    """Drop a subscription; what waits for it is cancelled."""

    async def drop(outward: Outward) -> bool:
        known = await outward.hooks.remove(subscription)
        await _cancelled(outward, subscription)
        return known

    if not _with(ctx, drop):
        raise _unknown(subscription)
    typer.echo(f"subscription {subscription} is gone")


async def _cancelled(outward: Outward, subscription: int) -> int:
    why = "the subscription was switched off"
    return await outward.jobs.cancel_about(JobKind.WEBHOOK, str(subscription), why, datetime.now(UTC))


@app.command()
def deliveries(
    ctx: typer.Context,
    subscription: Annotated[
        int | None, typer.Argument(metavar="[SUBSCRIPTION]", help="Only its deliveries.", min=1)
    ] = None,
    state: Annotated[JobState | None, typer.Option(help="Only those in this state.")] = None,
    limit: Annotated[int, typer.Option(help="Deliveries at most.", min=1)] = 1000,
    as_json: AsJson = False,
) -> None:
    """What was, is and will be delivered, and why not."""

    async def look(outward: Outward) -> Sequence[Job]:
        about = None if subscription is None else str(subscription)
        return await outward.jobs.jobs(kind=JobKind.WEBHOOK, state=state, about=about, limit=limit)

    show_jobs(_with(ctx, look), "subscription", as_json=as_json)


def _with(ctx: typer.Context, work: Callable[[Outward], Awaitable[T]]) -> T:
    async def done(settings: Settings) -> T:
        from controller.app import open_records

        async with open_records(settings) as records:
            return await work(records.outward)

    return run_async(done(settings_of(ctx)))


def _secret(text: str) -> bytes:
    if not text:
        return secrets.token_bytes(SECRET_BYTES)
    try:
        return secret_bytes(text)
    except ValueError as error:
        raise BadInput("--secret", str(error)) from None


def _unknown(subscription: int) -> BadInput:
    return BadInput("SUBSCRIPTION", f"there is no subscription {subscription}", "webhooks list")
