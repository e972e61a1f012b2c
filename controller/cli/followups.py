"""``followups``: mails after conversations: templates, rules, what waits, who must not be written to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.campaigns import must_exist
from controller.cli.dnc import Author, callers_of, in_words
from controller.cli.shell import AsJson, CampaignArgument, print_json, print_table, run_async, settings_of
from controller.domain.ids import CampaignId
from controller.domain.outbox import JobKind, JobState
from controller.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from controller.config import Settings
    from controller.domain.followup import FollowUpRule, MailTemplate
    from controller.domain.outbox import Job
    from controller.ports.leads import NewRule, NewTemplate
    from controller.store.records import SqlRecords

app = typer.Typer(help="Mails to contacts after conversations.", no_args_is_help=True)

_SENDING = 3600.0
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_DELAY = re.compile(r"(\d{1,6})([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_LONGEST_DELAY = timedelta(days=366)

TemplateName = Annotated[str, typer.Argument(metavar="TEMPLATE", help="The template's name.")]
Language = Annotated[str, typer.Option(help="Two letters of ISO 639.")]
JobArgument = Annotated[int, typer.Argument(metavar="JOB", help="Its id, as `queue` lists it.", min=1)]
RuleArgument = Annotated[int, typer.Argument(metavar="RULE", help="Its id, as `rules` lists it.", min=1)]
Mailbox = Annotated[str, typer.Argument(metavar="ADDRESS", help="A mail address.")]
ForCaller = Annotated[
    str | None, typer.Option("--caller", help="Mails of this caller only.", show_default="everybody's")
]


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[SqlRecords]:
    from controller.app import open_records

    async with open_records(settings) as records:
        yield records


# --- templates


@app.command("add-template")
def add_template(
    ctx: typer.Context,
    name: TemplateName,
    subject: Annotated[str, typer.Option(help="The subject; Jinja2, as the files.")],
    text: Annotated[Path, typer.Option(help="File of the text.", exists=True, dir_okay=False)],
    author: Author,
    html: Annotated[
        Path | None, typer.Option(help="File of the same as HTML.", exists=True, dir_okay=False)
    ] = None,
    language: Language = "it",
) -> None:
    """Store a mail template, or its next version."""
    from controller.ports.leads import NewTemplate

    new = NewTemplate(
        name=_named("TEMPLATE", name, _NAME, "letters, digits, - _ and ."),
        language=_named("--language", language, _LANGUAGE, "two letters, such as it"),
        subject=subject,
        text=_read(text),
        html=_read(html) if html else "",
        author=author.strip(),
    )
    made = run_async(_add_template(settings_of(ctx), new))
    typer.echo(f"{made.name} ({made.language}) has now version {made.version}")


async def _add_template(settings: Settings, new: NewTemplate) -> MailTemplate:
    from controller.engine.mail import check_template

    for part, source in (("subject", new.subject), ("text", new.text), ("html", new.html)):
        check_template(f"--{part}", source, html=part == "html")
    async with _open(settings) as records:
        return await records.outward.followups.add_template(new, datetime.now(UTC))


@app.command()
def templates(ctx: typer.Context, as_json: AsJson = False) -> None:
    """The mail templates, each in its newest version."""

    async def look(settings: Settings) -> Sequence[MailTemplate]:
        async with _open(settings) as records:
            return await records.outward.followups.templates()

    found = run_async(look(settings_of(ctx)))
    if as_json:
        print_json([{name: getattr(each, name) for name in type(each).__slots__} for each in found])
        return
    rows = [[each.name, each.language, each.version, each.subject, each.author] for each in found]
    print_table(["template", "language", "version", "subject", "author"], rows, "there are no templates")


@app.command()
def preview(
    ctx: typer.Context,
    name: TemplateName,
    language: Language = "it",
    contact: Annotated[
        int | None, typer.Option(help="Fill it in for this contact.", show_default="a made-up one")
    ] = None,
) -> None:
    """A template filled in; nothing is sent."""
    subject, text = run_async(_preview(settings_of(ctx), name, language, contact))
    typer.echo(f"Subject: {subject}\n\n{text}")


async def _preview(settings: Settings, name: str, language: str, contact: int | None) -> tuple[str, str]:
    from controller.domain.ids import ContactId
    from controller.engine.followups import SAMPLE, values
    from controller.engine.mail import MissingValueError, fill, with_unsubscribe

    async with _open(settings) as records:
        template = await records.outward.followups.template(name, language)
        if template is None:
            raise BadInput("TEMPLATE", f"there is no {name} in {language}", "followups templates")
        filling: dict[str, Any] = dict(SAMPLE)
        if contact is not None:
            to = await records.outward.leads.recipient(ContactId(contact))
            row = None if to is None else await records.campaign(to.campaign)
            if to is None or row is None:
                raise BadInput("--contact", f"there is no contact {contact}")
            filling |= values(to, row.campaign, None)
    try:
        filled = fill(template, filling)
    except MissingValueError as error:
        raise BadInput("TEMPLATE", str(error)) from None
    filled = with_unsubscribe(filled, str(SAMPLE["unsubscribe_url"]), language)
    return filled.subject, filled.text


# --- rules


@app.command("add-rule")
def add_rule(
    ctx: typer.Context,
    campaign: CampaignArgument,
    disposition: Annotated[str, typer.Argument(help="Code of the disposition.")],
    name: TemplateName,
    author: Author,
    after: Annotated[str, typer.Option(help="How long after it: 30m, 2h, 3d.")] = "0m",
    language: Language = "it",
) -> None:
    """Write to contacts after a disposition, once each."""
    from controller.ports.leads import NewRule

    new = NewRule(
        campaign=CampaignId(campaign),
        disposition=disposition,
        template=name,
        language=language,
        delay=_delay(after),
        author=author.strip(),
    )
    made = run_async(_add_rule(settings_of(ctx), new))
    typer.echo(f"rule {made.id}: {made.template} {after} after {made.disposition}, once for each contact")


async def _add_rule(settings: Settings, new: NewRule) -> FollowUpRule:
    async with _open(settings) as records:
        row = await must_exist(records, new.campaign)
        if row.campaign.dispositions.of(new.disposition) is None:
            known = ", ".join(row.campaign.dispositions.codes)
            raise BadInput("DISPOSITION", f"{new.campaign} has no {new.disposition!r}", known)
        if await records.outward.followups.template(new.template, new.language) is None:
            raise BadInput(
                "TEMPLATE", f"there is no {new.template} in {new.language}", "followups add-template"
            )
        return await records.outward.followups.add_rule(new, datetime.now(UTC))


@app.command()
def rules(
    ctx: typer.Context,
    campaign: Annotated[str | None, typer.Argument(metavar="[CAMPAIGN]", help="Only its rules.")] = None,
    as_json: AsJson = False,
) -> None:
    """The follow-up rules."""

    async def look(settings: Settings) -> Sequence[FollowUpRule]:
        async with _open(settings) as records:
            return await records.outward.followups.rules(CampaignId(campaign) if campaign else None)

    found = run_async(look(settings_of(ctx)))
    headers = ["rule", "campaign", "disposition", "template", "language", "delay", "on", "author"]
    rows = [
        [
            each.id,
            each.campaign,
            each.disposition,
            each.template,
            each.language,
            str(each.delay),
            "on" if each.active else "off",
            each.author,
        ]
        for each in found
    ]
    if as_json:
        print_json([dict(zip(headers, row, strict=True)) | {"on": row[6] == "on"} for row in rows])
        return
    print_table(headers, rows, "there are no follow-up rules")


@app.command("switch-on")
def switch_on(ctx: typer.Context, rule: RuleArgument) -> None:
    """Let a rule hold again; what was noted while it was off is passed over."""
    _switch(ctx, rule, active=True)


@app.command("switch-off")
def switch_off(ctx: typer.Context, rule: RuleArgument) -> None:
    """Let a rule hold no more; what it has queued is not sent."""
    _switch(ctx, rule, active=False)


def _switch(ctx: typer.Context, rule: int, *, active: bool) -> None:
    async def switch(settings: Settings) -> bool:
        async with _open(settings) as records:
            return await records.outward.followups.set_rule(rule, active=active)

    if not run_async(switch(settings_of(ctx))):
        raise BadInput("RULE", f"there is no rule {rule}", "followups rules")
    typer.echo(f"rule {rule} is {'on' if active else 'off'}")


# --- what waits


@app.command()
def queue(
    ctx: typer.Context,
    state: Annotated[JobState | None, typer.Option(help="Only jobs in this state.")] = None,
    campaign: Annotated[str | None, typer.Option(help="Only this campaign's.")] = None,
    limit: Annotated[int, typer.Option(help="Jobs at most.", min=1)] = 1000,
    as_json: AsJson = False,
) -> None:
    """Mails that wait, were sent, or never will be, and why."""

    async def look(settings: Settings) -> Sequence[Job]:
        async with _open(settings) as records:
            return await records.outward.jobs.jobs(
                kind=JobKind.MAIL, state=state, about=campaign, limit=limit
            )

    show_jobs(run_async(look(settings_of(ctx))), "campaign", as_json=as_json)


@app.command()
def cancel(ctx: typer.Context, job: JobArgument, author: Author) -> None:
    """Take a mail out of the queue."""

    async def take_out(settings: Settings) -> bool:
        async with _open(settings) as records:
            why = f"taken out by {author.strip()}"
            return await records.outward.jobs.cancel(job, why, datetime.now(UTC))

    if not run_async(take_out(settings_of(ctx))):
        raise BadInput("JOB", f"job {job} does not wait", "followups queue --state queued")
    typer.echo(f"job {job} is cancelled")


@app.command()
def retry(ctx: typer.Context, job: JobArgument) -> None:
    """Queue a mail that failed or was cancelled once more."""

    async def revive(settings: Settings) -> bool:
        async with _open(settings) as records:
            return await records.outward.jobs.revive(job, datetime.now(UTC))

    if not run_async(revive(settings_of(ctx))):
        raise BadInput("JOB", f"job {job} has neither failed nor been cancelled", "followups queue")
    typer.echo(f"job {job} is queued")


@app.command()
def send(ctx: typer.Context) -> None:
    """Send what is due, now; the running controller does so by itself."""
    settings = settings_of(ctx)
    if not settings.mail.host:
        raise BadInput("mail.host", "is empty: there is no mail server", "[mail] in the configuration")
    tried = run_async(_send(settings), timeout=_SENDING)
    typer.echo(f"{tried} tried; `followups queue` tells how each ended")


async def _send(settings: Settings) -> int:
    from controller.app_outward import open_outside
    from controller.engine.clock import SystemClock

    async with _open(settings) as records, open_outside(settings, records, SystemClock()) as outside:
        return await outside.outbox.drain()


# --- who must not be written to


@app.command("opt-out")
def opt_out(ctx: typer.Context, mailbox: Mailbox, author: Author, caller: ForCaller = None) -> None:
    """Never write to an address again."""
    added, scope = run_async(_opt(settings_of(ctx), mailbox, caller, author))
    typer.echo(f"{'noted' if added else 'was noted already'}: no mails of {in_words(scope)} to that address")


@app.command("opt-in")
def opt_in(ctx: typer.Context, mailbox: Mailbox, caller: ForCaller = None) -> None:
    """Take an opt-out back, at the person's wish."""
    removed, scope = run_async(_opt(settings_of(ctx), mailbox, caller, None))
    typer.echo(f"{'taken back' if removed else 'there was none'}: opt-out of mails of {in_words(scope)}")


async def _opt(settings: Settings, mailbox: str, caller: str | None, author: str | None) -> tuple[bool, str]:
    from controller.domain.clearance import EVERYBODY, caller_scope
    from controller.domain.followup import MailOptOut, address, mail_person

    try:
        person = mail_person(settings.number_key(), address(mailbox))
    except ValueError as error:
        raise BadInput("ADDRESS", str(error), "name@example.org") from None
    async with _open(settings) as records:
        if caller is not None and caller not in (known := await callers_of(settings, records)):
            raise BadInput("--caller", f"no campaign calls for {caller!r}", ", ".join(known))
        scope = EVERYBODY if caller is None else caller_scope(caller)
        if author is None:
            return await records.outward.followups.opt_in(scope, person), scope
        now = datetime.now(UTC)
        entry = MailOptOut(scope=scope, person=person, source="by hand", author=author.strip(), at=now)
        return await records.outward.followups.opt_out(entry), scope


# --- what other commands share


def show_jobs(jobs: Sequence[Job], about: str, *, as_json: bool) -> None:
    """Jobs as a table, or as JSON."""
    if as_json:
        print_json(
            [
                {
                    "job": job.id,
                    about: job.about,
                    "what": job.key,
                    "state": job.state.value,
                    "due_at": job.due_at.isoformat(),
                    "tries": job.tries,
                    "error": job.error,
                    "ended_at": job.ended_at.isoformat() if job.ended_at else None,
                }
                for job in jobs
            ]
        )
        return
    rows = [
        [
            job.id,
            job.about,
            job.key,
            job.state.value,
            f"{job.due_at:%Y-%m-%d %H:%M}",
            job.tries,
            job.error,
        ]
        for job in jobs
    ]
    print_table(["job", about, "what", "state", "due (UTC)", "tries", "why"], rows, "there is nothing")


def _named(place: str, text: str, pattern: re.Pattern[str], allowed: str) -> str:
    if not pattern.fullmatch(text):
        raise BadInput(place, f"{text!r} cannot be used", allowed)
    return text


def _delay(text: str) -> timedelta:
    found = _DELAY.fullmatch(text.strip())
    delay = int(found[1]) * _UNITS[found[2]] if found else None
    if delay is None or delay > _LONGEST_DELAY:
        raise BadInput("--after", f"{text!r} is no delay up to a year", "30m, 2h, 3d")
    return delay


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(str(path), f"cannot be read: {error}", "UTF-8") from None
