"""``disposition list | record | history``: what came of conversations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.campaigns import must_exist
from controller.cli.dnc import Region
from controller.cli.numbers import parsed
from controller.cli.scripts import contact_with
from controller.cli.shell import AsJson, CampaignArgument, print_json, print_table, run_async, settings_of
from controller.domain.ids import AgentId, CallId, CampaignId
from controller.errors import BadInput

if TYPE_CHECKING:
    from controller.config import Settings
    from controller.domain.disposition import Disposition, DispositionSet
    from controller.domain.ids import E164
    from controller.engine.disposing import Words
    from controller.ports.work import Disposed

app = typer.Typer(help="What came of conversations.", no_args_is_help=True)


@app.command("list")
def list_(ctx: typer.Context, campaign: CampaignArgument, as_json: AsJson = False) -> None:
    """A campaign's words for what came of a conversation, and what each of them does."""
    known = run_async(_set_of(settings_of(ctx), CampaignId(campaign)))
    if as_json:
        print_json(known.to_json())
        return
    print_table(
        ["code", "key", "label", "kind", "funnel", "what follows"],
        [
            [each.code, each.key, each.label, each.kind.value, each.kind.stage.word, _follows(each)]
            for each in known.entries
        ],
        "",
    )


def _follows(disposition: Disposition) -> str:
    if disposition.reach is not None:
        return f"do-not-call list of the {disposition.reach.value}"
    if disposition.pause is not None:
        return f"called again after {disposition.pause.total_seconds() / 3600:g} h"
    return {
        "final": "the campaign is done with them",
        "call-back": "called at the hour that they ask for",
        "next-number": "called on their next number",
    }.get(disposition.effect.value, disposition.effect.value)


@app.command()
def record(
    ctx: typer.Context,
    call: Annotated[str, typer.Argument(metavar="CALL", help="The call's id.")],
    code: Annotated[str, typer.Argument(metavar="CODE", help="One of the campaign's dispositions.")],
    author: Annotated[str, typer.Option(help="Who says it; recorded.")],
    notes: Annotated[str, typer.Option(help="Free words.")] = "",
    answer: Annotated[
        list[str] | None,
        typer.Option(metavar="QUESTION=ANSWER", help="To a question of the script; may be repeated."),
    ] = None,
    script_version: Annotated[
        int, typer.Option(help="Version of the script that was read; 0: none.", min=0)
    ] = 0,
    call_back: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When they want to be called, by their clock: 2026-12-01 15:30."),
    ] = None,
    agent: Annotated[str | None, typer.Option(help="Who calls them back.", show_default="anybody")] = None,
    call_back_note: Annotated[str, typer.Option(help="For who calls them back.")] = "",
    nearest: Annotated[
        bool,
        typer.Option("--nearest", help="Where no telephone may ring then, the next time that one may."),
    ] = False,
) -> None:
    """Record what came of a conversation that is over."""
    if call_back is None and (agent is not None or call_back_note or nearest):
        raise BadInput("--call-back", "is missing", "when they want to be called")
    answers = _answers(answer or [])
    wanted = (call_back, AgentId(agent) if agent else None, call_back_note)
    disposed = run_async(
        _record(
            settings_of(ctx),
            CallId(call),
            {"code": code, "author": author, "notes": notes, "answers": answers, "nearest": nearest}
            | {"script_version": script_version},
            wanted,
        )
    )
    typer.echo(f"call {call}: {disposed.code} ({disposed.kind.value}) recorded")


def _answers(given: Sequence[str]) -> dict[str, object]:
    found: dict[str, list[str]] = {}
    for text in given:
        question, equals, answer = text.partition("=")
        if not equals or not question.strip():
            raise BadInput("--answer", f"{text!r} is no answer", "QUESTION=ANSWER")
        found.setdefault(question.strip(), []).append(answer.strip())
    return {question: texts[0] if len(texts) == 1 else texts for question, texts in found.items()}


@app.command()
def history(
    ctx: typer.Context,
    call: Annotated[str | None, typer.Option(help="Of this call.")] = None,
    campaign: Annotated[str | None, typer.Option(help="Of a contact of this campaign...")] = None,
    number: Annotated[str | None, typer.Option(help="... which has this number.")] = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """What was said of a call, or of all calls to a contact, the latest first."""
    if (call is None) == (campaign is None) or (campaign is None) != (number is None):
        raise BadInput("history", "of what?", "--call, or --campaign with --number")
    settings = settings_of(ctx)
    where = (region or settings.campaign_defaults.region).upper()
    of = None if number is None or campaign is None else (CampaignId(campaign), parsed(number, where))
    found = run_async(_history(settings, None if call is None else CallId(call), of))
    if as_json:
        print_json([disposed_as_dict(each) for each in found])
        return
    print_table(
        ["at (UTC)", "call", "code", "kind", "by", "script", "answers", "notes"],
        [
            [
                f"{each.at:%Y-%m-%d %H:%M:%S}",
                each.call,
                each.code,
                each.kind.value,
                each.author,
                f"{each.script} {each.script_version}" if each.script else "",
                ", ".join(f"{name}: {value}" for name, value in each.answers.items()),
                each.notes,
            ]
            for each in found
        ],
        "nothing was said yet",
    )


def disposed_as_dict(disposed: Disposed) -> dict[str, Any]:
    """A disposition as plain values."""
    return {
        "id": disposed.id,
        "call": disposed.call,
        "campaign": disposed.campaign,
        "contact": disposed.contact,
        "code": disposed.code,
        "kind": disposed.kind.value,
        "stage": disposed.stage.word,
        "agent": disposed.agent,
        "author": disposed.author,
        "at": disposed.at.isoformat(),
        "script": disposed.script,
        "script_version": disposed.script_version,
        "answers": dict(disposed.answers),
        "notes": disposed.notes,
    }


async def _set_of(settings: Settings, campaign: CampaignId) -> DispositionSet:
    from controller.app import open_records

    async with open_records(settings) as records:
        return (await must_exist(records, campaign)).campaign.dispositions


async def _record(
    settings: Settings,
    call: CallId,
    values: dict[str, Any],
    callback: tuple[str | None, AgentId | None, str],
) -> Disposed:
    from controller.app import open_records
    from controller.domain.callback import Promise
    from controller.engine.calendar import Calendar
    from controller.engine.callbacks import CallbackDesk, clock_of, parse_hour
    from controller.engine.disposing import Disposing, Words

    hour, agent, note = callback
    async with open_records(settings) as records:
        desk = CallbackDesk(records, records.work, Calendar())
        promise = None
        if hour is not None:
            known = await records.attempt(call)
            if known is None:
                raise BadInput("CALL", f"there is no call {call!r}")
            row = await must_exist(records, known.contact.campaign)
            at = parse_hour(hour, clock_of(known.contact, row.campaign))
            promise = Promise(at=at, agent=agent, note=note)
        words: Words = Words(**values, callback=promise)
        disposing = Disposing(records, records.work, records.lists, desk)
        return await disposing.record(call, words, datetime.now(UTC))


async def _history(
    settings: Settings, call: CallId | None, of: tuple[CampaignId, E164] | None
) -> list[Disposed]:
    from controller.app import open_records

    async with open_records(settings) as records:
        if of is None:
            return list(await records.work.dispositions(call=call))
        contact = await contact_with(records, *of)
        return list(await records.work.dispositions(contact=contact.id))
