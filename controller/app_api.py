"""The part of the composition root that serves the REST API, and the public pages beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from controller.api.rest import Bounds, RestConfig, RestServer, Services
from controller.api.rest.services import Filled
from controller.config import Settings
from controller.domain.agent import AgentState
from controller.domain.campaign import Campaign
from controller.domain.contact import Contact
from controller.domain.evidence import Head
from controller.domain.ids import E164, AgentId, CallId, CampaignId
from controller.domain.privacy import NumberKey
from controller.domain.regulation import Regulation
from controller.domain.webhook import Network, checked_url
from controller.engine.calendar import Calendar, checked_region, checked_zone
from controller.engine.callbacks import CallbackDesk
from controller.engine.campaign_fields import shown
from controller.engine.campaigns import Campaigns
from controller.engine.disposing import Disposing, Words
from controller.engine.explain import Explainer
from controller.engine.import_desk import ImportDesk
from controller.engine.mail import check_template
from controller.engine.number_cells import callable_number
from controller.engine.persons import Persons
from controller.engine.report import as_dict, build
from controller.engine.scripting import Agent, Scripting, Situation, sample_contact
from controller.engine.segmenting import Segmenting
from controller.engine.suppressing import Suppressing
from controller.engine.verification import Verifier
from controller.errors import BadInput, Unreachable
from controller.ports import CampaignRow, Clock, Evidence, Ledger, Lists, Operations, People, Records
from controller.ports.contact_edits import ContactEdits
from controller.ports.feed import EventFeed
from controller.ports.import_desk import ImportDesk as ImportDeskPort
from controller.ports.inquiries import Verified
from controller.ports.leads import Outward
from controller.ports.segments import Segments
from controller.ports.tokens import Answers, Tokens
from controller.ports.work import Disposed, Work
from controller.store.records import SqlRecords


@asynccontextmanager
async def open_api(
    settings: Settings,
    operations: Operations,
    records: SqlRecords,
    ledger: Ledger,
    clock: Clock,
    feed: EventFeed,
    routes: Sequence[web.AbstractRouteDef] = (),
) -> AsyncIterator[None]:
    """Serve the REST API, where it is enabled, and the routes of others, while entered."""
    api = settings.api
    if not (api.enabled or routes):
        yield
        return
    uploads = settings.controller.state_dir / "imports"
    region = settings.campaign_defaults.region
    async with AsyncExitStack() as stack:
        desk = ImportDesk(records, uploads, clock, region=region, feed=feed)
        await stack.enter_async_context(desk)
        services = services_of(
            operations=operations,
            records=records,
            ledger=ledger,
            lists=records.lists,
            evidence=records.evidence,
            people=records.people,
            tokens=records.tokens,
            answers=records.answers,
            contact_edits=records.contact_edits,
            imports=desk,
            outward=records.outward,
            segments=records.segments,
            work=records.work,
            feed=feed,
            clock=clock,
            key=settings.number_key(),
            template=template_of(settings),
            profiles=settings.profiles,
            agents={AgentId(agent.id): agent.name for agent in settings.agents},
            networks=settings.webhooks.allowed,
        )
        await stack.enter_async_context(RestServer(rest_config(settings, uploads, routes), services))
        yield


def rest_config(
    settings: Settings, uploads: Path | None = None, routes: Sequence[web.AbstractRouteDef] = ()
) -> RestConfig:
    """What the API's server is told."""
    api = settings.api
    return RestConfig(
        api=api.enabled,
        host=api.host,
        port=api.port,
        certificate=api.certificate,
        key=api.key,
        requests_per_second=api.requests_per_second,
        burst=api.burst,
        failures_per_minute=api.failures_per_minute,
        bounds=Bounds(
            seconds=api.request_timeout, upload=api.upload_megabytes * 1024 * 1024, uploads=uploads
        ),
        extra_routes=tuple(routes),
    )


def template_of(settings: Settings) -> Campaign:
    """A campaign made of nothing but defaults."""
    defaults = settings.campaign_defaults
    return defaults.campaign(CampaignId("-"), settings.profiles[defaults.regulation])


def services_of(
    *,
    operations: Operations,
    records: Records,
    ledger: Ledger,
    lists: Lists,
    evidence: Evidence,
    people: People,
    tokens: Tokens,
    answers: Answers,
    contact_edits: ContactEdits,
    imports: ImportDeskPort,
    outward: Outward,
    segments: Segments,
    work: Work,
    feed: EventFeed,
    clock: Clock,
    key: NumberKey,
    template: Campaign,
    profiles: Mapping[str, Regulation],
    agents: Mapping[AgentId, str],
    networks: Sequence[Network] = (),
) -> Services:
    """Compose the use cases on these ports.

    ``template`` is a campaign made of nothing but defaults, ``agents`` are those of the configuration with
    their names, ``key`` is the one under which people are recorded, ``networks`` are not public and webhooks
    may go there all the same.
    """
    caller = template.caller
    desk = CallbackDesk(records, work, Calendar())
    verifier = Verifier(evidence, records)

    def talking(call: CallId) -> AgentId | None:
        agents = operations.status().agents
        return next((one.id for one in agents if one.call == call and one.state is AgentState.TALKING), None)

    async def verify(noted: Head | None) -> Verified:
        found = await verifier.verify(noted)
        return Verified(
            entries=found.entries,
            attempts=found.attempts,
            head=found.head,
            findings=[str(finding) for finding in found.findings],
        )

    async def report(row: CampaignRow) -> Mapping[str, Any]:
        try:  # the budget before the figures, as the command does, so that no call is missing in the latter
            budget = await ledger.budget(row.campaign)
        except Unreachable:
            budget = None
        return as_dict(build(row.campaign, await records.figures(row.campaign.id), budget))

    return Services(
        operations=operations,
        campaigns=Campaigns(records, segments, work),
        fields_of=shown,
        records=records,
        ledger=ledger,
        lists=lists,
        evidence=evidence,
        people=people,
        tokens=tokens,
        answers=answers,
        contact_edits=contact_edits,
        imports=imports,
        outward=outward,
        check_url=lambda url: _url(url, networks),
        check_template=lambda part, source: check_template(part, source, html=part == "html"),
        segmenting=Segmenting(segments, records, clock),
        scripts=work,
        scripting=_Scripting(work, agents),
        work=work,
        disposing=_Disposing(Disposing(records, work, lists, desk, talking=talking, feed=feed)),
        callback_desk=desk,
        feed=feed,
        clock=clock,
        number_key=key,
        template=template,
        profiles=profiles,
        agents=agents,
        read_number=lambda text: _number(text, template.region.partition("-")[0]),
        check_region=checked_region,
        check_zone=checked_zone,
        explainer=Explainer(ledger, records, evidence, key),
        verify=verify,
        suppressing=Suppressing(ledger, records, evidence, key, clock, default_caller=caller),
        persons=Persons(records, people, ledger, clock, default_caller=caller),
        report=report,
    )


class _Scripting(Scripting):
    """Scripts with what the API knows of agents."""

    def __init__(self, work: Work, agents: Mapping[AgentId, str]) -> None:
        super().__init__(work)
        self._agents = agents

    async def fill(
        self,
        name: str,
        version: int | None,
        campaign: Campaign,
        contact: Contact | None,
        agent: AgentId | None,
        now: datetime,
    ) -> Filled:
        """A script as it is read to a contact; None: to nobody in particular."""
        situation = Situation(
            contact=contact or sample_contact(campaign.id),
            campaign=campaign,
            agent=Agent(id=agent, name=self._agents.get(agent, "")) if agent else Agent(),
            now=now,
        )
        made = await self.read(name, situation, version)
        return Filled(script=made.script, text=made.text, html=made.html, gaps=made.gaps)


@dataclass(frozen=True, slots=True)
class _Disposing:
    """Dispositions, said in plain arguments."""

    engine: Disposing

    async def record(self, call: CallId, *, now: datetime, **said: Any) -> Disposed:
        """Record what came of a call."""
        return await self.engine.record(call, Words(**said), now)


def _url(url: str, networks: Sequence[Network]) -> str:
    try:
        return checked_url(url, networks)
    except ValueError as error:
        raise BadInput("url", str(error)) from None


def _number(text: str, country: str) -> E164:
    try:
        return callable_number(text, country)
    except ValueError as error:
        raise BadInput(
            "number", str(error), "a number in international form, or as it is dialed here"
        ) from None
