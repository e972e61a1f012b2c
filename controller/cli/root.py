"""The commands at the top: run, check-config, import, report, status; and the groups below them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli import (
    agents,
    authority,
    callbacks,
    campaign_making,
    campaigns,
    contacts,
    database,
    dispositions,
    dnc,
    evidence,
    followups,
    forms,
    funnel,
    inspection,
    pacing,
    people,
    register,
    regulation,
    retention,
    scripts,
    segments,
    simulate,
    suppression,
    tokens,
    webhooks,
)
from controller.cli.shell import (
    UNREACHABLE,
    AsJson,
    CampaignArgument,
    Commands,
    control_of,
    print_json,
    run_async,
    settings_of,
)
from controller.domain.ids import CampaignId
from controller.errors import BadInput, Unreachable

if TYPE_CHECKING:
    from controller.cli.report import Report
    from controller.config import Settings
    from controller.engine.importing import ImportReport

_IMPORT_TIMEOUT = 3600.0

app = typer.Typer(
    name="campaign-controller",
    cls=Commands,
    no_args_is_help=True,
    # A traceback means a bug, and it is wanted as Python writes it: without the values of local variables.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(campaigns.app, name="campaign")
campaign_making.register(campaigns.app)
pacing.register(campaigns.app)
app.add_typer(contacts.app, name="contacts")
app.add_typer(agents.app, name="agent")
app.add_typer(scripts.app, name="script")
app.add_typer(dispositions.app, name="disposition")
app.add_typer(callbacks.app, name="callback")
app.add_typer(funnel.app, name="funnel")
app.add_typer(followups.app, name="followups")
app.add_typer(forms.app, name="forms")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(suppression.app, name="suppression")
app.add_typer(dnc.app, name="dnc")
app.add_typer(register.app, name="register")
app.add_typer(people.app, name="person")
app.add_typer(segments.app, name="segment")
app.add_typer(database.app, name="database")
app.add_typer(regulation.app, name="regulation")
app.add_typer(evidence.app, name="evidence")
app.add_typer(tokens.app, name="token")
app.command()(inspection.explain)
app.command()(inspection.audit)
app.command()(retention.retention)
app.command()(simulate.simulate)
app.command("authority-report")(authority.authority_report)


def _print_version(wanted: bool) -> None:
    if wanted:
        from controller import __version__

        typer.echo(f"campaign-controller {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Configuration file; else CC_CONFIG, ./campaign-controller.toml, "
            "/etc/campaign-controller.toml.",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Outbound campaigns on Asterisk that keep the law on silent calls."""
    ctx.obj = {"config": config}


@app.command()
def run(ctx: typer.Context) -> None:
    """Run the controller, in the foreground, until SIGINT or SIGTERM."""
    settings = settings_of(ctx)
    import asyncio

    from controller import app as composition
    from controller import log

    log.configure(settings.controller.log_level, settings.controller.log_format)
    # No time limit: this one is meant to run for ever.
    raise typer.Exit(asyncio.run(composition.run(settings)))


@app.command("check-config")
def check_config(ctx: typer.Context) -> None:
    """Check the configuration and print what is in force, passwords hidden."""
    from controller.cli.effective import as_toml
    from controller.config import locate, variables

    settings = settings_of(ctx)
    path = locate(ctx.find_root().obj["config"])
    typer.echo(f"# file: {path or 'none found'}")
    typer.echo(f"# environment: {', '.join(variables()) or 'nothing set'}")
    typer.echo(as_toml(settings), nl=False)


@app.command("import")
def import_(
    ctx: typer.Context,
    campaign: CampaignArgument,
    file: Annotated[
        Path, typer.Argument(help="CSV or XLSX with a header line.", exists=True, dir_okay=False)
    ],
    number_column: Annotated[
        str | None,
        typer.Option(help="Header of the telephone number's column.", show_default="found by name"),
    ] = None,
    name_column: Annotated[
        str | None, typer.Option(help="Header of the name's column.", show_default="found by name")
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(help="Country of national numbers.", show_default="campaign_defaults.region"),
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="Where rejected rows go.", show_default="beside FILE")
    ] = None,
    consent_basis: Annotated[
        str, typer.Option(help="Why all of them may be called.", show_default="as the file says")
    ] = "",
    consent_source: Annotated[
        str, typer.Option(help="Where all of them said so.", show_default="as the file says")
    ] = "",
    consent_date: Annotated[
        str, typer.Option(help="When all of them said so.", show_default="as the file says")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Import contacts of a campaign from a file; `contacts import` has more options."""
    settings = settings_of(ctx)
    where = (region or settings.campaign_defaults.region).upper()
    report = run_async(
        _import(
            settings, file, CampaignId(campaign), where, number_column=number_column, name_column=name_column,
            rejects_path=rejects, consent_basis=consent_basis, consent_source=consent_source,
            consent_date=consent_date,
        ),
        timeout=_IMPORT_TIMEOUT,
    )  # fmt: skip
    if as_json:
        rejects_path = str(report.rejects_path) if report.rejects_path else None
        print_json(
            {
                "rows": report.rows,
                "stored": report.stored,
                "rejected": report.rejected,
                "already": report.already,
                "rejects": rejects_path,
            }
        )
        return
    if report.already:
        typer.echo(f"this file was imported before ({report.import_id}): nothing was stored now")
        return
    typer.echo(f"{report.rows} rows: {report.stored} contacts stored, {report.rejected} rejected")
    if report.rejected and report.rejects_path:
        typer.echo(f"the rejected rows, each with its reason, are in {report.rejects_path}")


async def _import(
    settings: Settings, file: Path, campaign: CampaignId, region: str, **columns: Any
) -> ImportReport:
    from controller.app import open_records
    from controller.engine.importing import import_contacts

    async with open_records(settings) as records:
        await campaigns.must_exist(records, campaign)
        return await import_contacts(file, campaign, records, region=region, **columns)


@app.command()
def report(ctx: typer.Context, campaign: CampaignArgument, as_json: AsJson = False) -> None:
    """What a campaign did, against what the law allows."""
    from controller.cli.report import as_dict, as_text

    made, fault = run_async(_report(settings_of(ctx), CampaignId(campaign)))
    if as_json:
        print_json(as_dict(made))
    else:
        typer.echo(as_text(made))
    if fault is not None:
        typer.echo(f"campaign-controller: the records were not compared with Redis: {fault}", err=True)
        raise typer.Exit(UNREACHABLE)


async def _report(settings: Settings, campaign: CampaignId) -> tuple[Report, Unreachable | None]:
    from controller.app import open_ledger, open_records
    from controller.cli.report import build

    async with open_records(settings) as records:
        row = await campaigns.must_exist(records, campaign)
        # The figures after the budget: a call that ends between the two is then seen as under way or as
        # ended in the records, never as missing there.
        budget, fault = None, None
        try:
            async with open_ledger(settings) as ledger:
                budget = await ledger.budget(row.campaign)
        except Unreachable as error:
            fault = error
        figures = await records.figures(campaign)
    return build(row.campaign, figures, budget), fault


@app.command()
def status(
    ctx: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Refresh until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """The running controller: faults, campaigns, agents."""
    from controller.cli import live

    if watch and as_json:
        raise BadInput("--watch", "cannot be used together with --json", "one of them")
    settings = settings_of(ctx)
    if watch:
        import asyncio

        asyncio.run(live.watch(control_of(settings)))
        return
    now = run_async(live.status_of(control_of(settings)))
    if as_json:
        print_json(live.as_dict(now))
    else:
        live.show(now)
