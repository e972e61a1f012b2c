"""``forms``: by what leads come in by themselves: landing pages, other systems (docs/leads.md)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from controller.cli.dnc import Author
from controller.cli.shell import AsJson, CampaignArgument, print_json, print_table, run_async, settings_of
from controller.domain.ids import CampaignId
from controller.domain.intake import IntakeForm, IntakeState, Submission
from controller.domain.signing import SECRET_BYTES, secret_text
from controller.errors import BadInput

if TYPE_CHECKING:
    from controller.config import Settings

app = typer.Typer(help="Leads that come by themselves: forms, signed deliveries.", no_args_is_help=True)

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_VERSION = re.compile(r"[A-Za-z0-9_.-]{1,32}")

FormArgument = Annotated[str, typer.Argument(metavar="FORM", help="The form's id.")]


@app.command()
def add(
    ctx: typer.Context,
    form: FormArgument,
    campaign: CampaignArgument,
    reason: Annotated[str, typer.Option(help="Why those who fill it in are called; agents read it.")],
    consent_file: Annotated[
        Path, typer.Option(help="File of the text that they agree to.", exists=True, dir_okay=False)
    ],
    consent_version: Annotated[str, typer.Option(help="Names that text; recorded with each consent.")],
    author: Author,
    basis: Annotated[str, typer.Option(help="Why they may be called.")] = "consent",
    single_opt_in: Annotated[
        bool, typer.Option("--single-opt-in", help="Do not ask for a confirmation by mail.")
    ] = False,
    template: Annotated[
        str, typer.Option(help="Mail template with the link.", show_default="the controller's words")
    ] = "",
    language: Annotated[str, typer.Option(help="Of mail and pages: it or en.")] = "it",
    origin: Annotated[
        str, typer.Option(help="Site whose pages may send it by a script, as https://www.example.org.")
    ] = "",
    segment: Annotated[str, typer.Option(help="Segment of the contacts.")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="Tag of the contacts; may be repeated.")] = None,
) -> None:
    """Make a form; its secret is shown now and never again."""
    secret = secrets.token_bytes(SECRET_BYTES)
    made = IntakeForm(
        id=_fitting("FORM", form, _ID, "small letters, digits, - and _"),
        campaign=CampaignId(campaign),
        secret=secret,
        basis=_filled("--basis", basis),
        reason=_filled("--reason", reason),
        consent_text=_filled(str(consent_file), _read(consent_file)),
        consent_version=_fitting("--consent-version", consent_version, _VERSION, "such as 2026-01"),
        double_opt_in=not single_opt_in,
        template=template,
        language=language,
        origin=_origin(origin),
        segment=segment,
        tags=frozenset(tag or ()),
        author=_filled("--author", author),
        created_at=datetime.now(UTC),
    )
    settings = settings_of(ctx)
    run_async(_add(settings, made))
    base = settings.public.base_url or "https://<public.base_url>"
    typer.echo(f"form {form} of {campaign}: {base}/public/forms/{form}")
    typer.echo(f"signed deliveries: {base}/public/intake/{form}")
    typer.echo(f"secret, shown only now: {secret_text(secret)}")
    if made.double_opt_in and not settings.mail.host:
        typer.echo("nobody can confirm yet: mail.host is empty, so no mail is sent", err=True)


async def _add(settings: Settings, form: IntakeForm) -> None:
    from controller.app import open_records

    if form.language not in ("it", "en"):
        raise BadInput("--language", f"{form.language!r} is unknown", "it, en")
    async with open_records(settings) as records:
        followups = records.outward.followups
        if form.template and await followups.template(form.template, form.language) is None:
            raise BadInput(
                "--template", f"there is no {form.template} in {form.language}", "followups add-template"
            )
        await records.outward.intake.add_form(form)


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """All forms, and what became of all that came in by them."""
    found = run_async(_all(settings_of(ctx)))
    states = [state.value for state in IntakeState]
    rows = [
        [
            form.id,
            form.campaign,
            "open" if form.open else "closed",
            "double" if form.double_opt_in else "single",
            form.consent_version,
            form.origin,
            *(counts.get(state, 0) for state in IntakeState),
        ]
        for form, counts in found
    ]
    headers = ["form", "campaign", "state", "opt-in", "consent", "origin", *states]
    if as_json:
        print_json([dict(zip(headers, row, strict=True)) for row in rows])
        return
    print_table(headers, rows, "there are no forms")


async def _all(settings: Settings) -> list[tuple[IntakeForm, dict[IntakeState, int]]]:
    from controller.app import open_records

    async with open_records(settings) as records:
        intake = records.outward.intake
        return [(form, dict(await intake.counts(form.id))) for form in await intake.forms()]


@app.command("open")
def open_(ctx: typer.Context, form: FormArgument) -> None:
    """Let a form take leads again."""
    _set(ctx, form, taking=True)


@app.command()
def close(ctx: typer.Context, form: FormArgument) -> None:
    """Let a form take nothing more; what waits for its confirmation can still be confirmed."""
    _set(ctx, form, taking=False)


def _set(ctx: typer.Context, form: str, *, taking: bool) -> None:
    async def change(settings: Settings) -> bool:
        from controller.app import open_records

        async with open_records(settings) as records:
            return await records.outward.intake.open_form(form, open=taking)

    if not run_async(change(settings_of(ctx))):
        raise BadInput("FORM", f"there is no form {form!r}", "forms list")
    typer.echo(f"form {form} is {'open' if taking else 'closed'}")


@app.command()
def submissions(
    ctx: typer.Context,
    form: Annotated[str | None, typer.Argument(metavar="[FORM]", help="Only what came in by it.")] = None,
    state: Annotated[IntakeState | None, typer.Option(help="Only what is in this state.")] = None,
    limit: Annotated[int, typer.Option(help="Entries at most.", min=1)] = 1000,
    full: Annotated[bool, typer.Option("--full", help="Also what was sent, in clear.")] = False,
    as_json: AsJson = False,
) -> None:
    """What came in, and why some of it was rejected."""
    found = run_async(_submissions(settings_of(ctx), form, state, limit))
    if as_json:
        print_json([_as_dict(each, full=full) for each in found])
        return
    headers = ["id", "form", "received (UTC)", "state", "why", *(["sent"] if full else [])]
    rows: list[list[object]] = [
        [
            each.id,
            each.form,
            f"{each.received_at:%Y-%m-%d %H:%M:%S}",
            each.state.value,
            each.reason,
            *([dict(each.values)] if full else []),
        ]
        for each in found
    ]
    print_table(headers, rows, "nothing came in")


async def _submissions(
    settings: Settings, form: str | None, state: IntakeState | None, limit: int
) -> Sequence[Submission]:
    from controller.app import open_records

    async with open_records(settings) as records:
        return await records.outward.intake.submissions(form=form, state=state, limit=limit)


def _as_dict(each: Submission, *, full: bool) -> dict[str, Any]:
    known: dict[str, Any] = {
        "id": each.id,
        "form": each.form,
        "received_at": each.received_at.isoformat(),
        "state": each.state.value,
        "reason": each.reason,
        "ended_at": each.ended_at.isoformat() if each.ended_at else None,
    }
    return known | ({"values": dict(each.values)} if full else {})


def _fitting(place: str, text: str, pattern: re.Pattern[str], allowed: str) -> str:
    if not pattern.fullmatch(text):
        raise BadInput(place, f"{text!r} cannot be used", allowed)
    return text


def _filled(place: str, text: str) -> str:
    if not text.strip():
        raise BadInput(place, "is empty")
    return text.strip()


def _origin(text: str) -> str:
    parts = urlsplit(text)
    fits = parts.scheme in ("https", "http") and parts.netloc and f"{parts.scheme}://{parts.netloc}" == text
    if text and not fits:
        raise BadInput("--origin", f"{text!r} is no origin", "https://www.example.org, without a path")
    return text.lower()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(str(path), f"cannot be read: {error}", "UTF-8") from None
