"""``authority-report``: what a campaign did in a period, for whoever supervises it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from controller.cli.shell import CampaignArgument, run_async, settings_of
from controller.domain.ids import CampaignId
from controller.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controller.authority.history import History, Proof
    from controller.authority.words import Words
    from controller.config import Settings
    from controller.domain.campaign import Campaign
    from controller.domain.evidence import Sealed
    from controller.ports import AttemptFact
    from controller.store.records import SqlRecords

_LONG = 3600.0
_DECISIONS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What the record store holds for a report; attributes as ``history.build`` takes them."""

    campaign: Campaign
    facts: Sequence[AttemptFact]
    all_facts: Sequence[AttemptFact]
    entries: Sequence[Sealed]
    proof: Proof


def authority_report(
    ctx: typer.Context,
    campaign: CampaignArgument,
    since: Annotated[
        str | None,
        typer.Option("--from", metavar="DATE", help="First day.", show_default="that of its first call"),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--to", metavar="DATE", help="Last day.", show_default="that of its last call"),
    ] = None,
    language: Annotated[str, typer.Option(help="Of the report: it or en.")] = "it",
    output: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the files go.", file_okay=False)
    ] = Path(),
) -> None:
    """Write the report for the authority, as HTML, CSV and PDF: statistics, no number and no name."""
    from controller.authority.words import LANGUAGES

    if language not in LANGUAGES:
        raise BadInput("--language", f"{language!r} is unknown", ", ".join(LANGUAGES))
    first, last = _day("--from", since), _day("--to", until)
    if first and last and last < first:
        raise BadInput("--to", f"{last} is before --from {first}", "the same day or a later one")
    material = run_async(_collected(settings_of(ctx), CampaignId(campaign)), timeout=_LONG)
    for path in write(history_of(material, first, last, datetime.now(UTC)), LANGUAGES[language], output):
        typer.echo(str(path))


def _day(option: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(option, f"{text!r} is no date", "such as 2026-12-01") from None


async def _collected(settings: Settings, campaign: CampaignId) -> Material:
    from controller.app import open_records

    async with open_records(settings) as records:
        return await collect(records, campaign)


async def collect(records: SqlRecords, campaign: CampaignId) -> Material:
    """Read what a report is made of.

    Raises:
        BadInput: there is no such campaign.
    """
    from controller.authority.suppressions import people_left_alone
    from controller.domain.evidence import Kind
    from controller.engine.pages import facts_of

    rows = {row.campaign.id: row.campaign for row in await records.campaigns()}
    if campaign not in rows:
        raise BadInput(
            "CAMPAIGN", f"there is no campaign {campaign!r}", ", ".join(rows) or "none was made yet"
        )
    own = rows[campaign]
    proof = await _proof(records)
    facts = [fact async for fact in facts_of(records, campaign)]
    all_facts = list(facts)
    if protected := people_left_alone(facts):
        for other in rows.values():
            if other.id != campaign and other.caller == own.caller:
                all_facts += [fact async for fact in facts_of(records, other.id) if fact.person in protected]
    entries = await records.evidence.entries_of(
        campaign=campaign, kinds=(Kind.OVERRIDE, Kind.PROFILE), limit=_DECISIONS
    )
    return Material(campaign=own, facts=facts, all_facts=all_facts, entries=entries, proof=proof)


async def _proof(records: SqlRecords) -> Proof:
    from controller.authority.history import Proof
    from controller.engine.verification import Verifier

    found = await Verifier(records.evidence, records).verify()
    return Proof(
        head=found.head,
        whole=found.whole,
        entries=found.entries,
        attempts=found.attempts,
        findings=tuple(str(finding) for finding in found.findings),
    )


def history_of(material: Material, first: date | None, last: date | None, now: datetime) -> History:
    """The report's content; a day that was not asked for is that of the first or last call."""
    from controller.authority.history import build, span

    zone = material.campaign.zone
    earliest, latest = span(material.facts, zone, now.astimezone(ZoneInfo(zone)).date())
    since = first or min(earliest, last or earliest)
    return build(
        material.campaign,
        material.facts,
        since,
        last or max(latest, since),
        all_facts=material.all_facts,
        entries=material.entries,
        proof=material.proof,
        made_at=now,
    )


def write(history: History, words: Words, output: Path) -> Sequence[Path]:
    """Write the files, anew if they are there; returns them.

    Raises:
        BadInput: they cannot be written there.
        Unreachable: no PDF can be made here; the other two are written.
    """
    from controller.authority.document import as_html
    from controller.authority.pdf import as_pdf
    from controller.authority.table import as_csv

    stem = f"{history.campaign.id}_{history.period.since}_{history.period.until}"
    page = as_html(history, words)
    written = [output / f"{stem}.{kind}" for kind in ("html", "csv", "pdf")]
    try:
        output.mkdir(parents=True, exist_ok=True)
        written[0].write_text(page, encoding="utf-8")
        written[1].write_text(as_csv(history, words), encoding="utf-8", newline="")
        written[2].unlink(missing_ok=True)  # if none can be made, an older one must not pass for it
        written[2].write_bytes(as_pdf(page))
    except OSError as error:
        raise BadInput("--output", f"{output} cannot be written to: {error.strerror}") from error
    return written
