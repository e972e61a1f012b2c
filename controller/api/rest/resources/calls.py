"""Calls: every attempt that was recorded."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from controller.api.rest.ask import Ask
from controller.api.rest.models import CallName, CampaignPath, Model, Page, Paging, Wanted
from controller.api.rest.problems import NOT_FOUND, Problem
from controller.api.rest.routes import Resource
from controller.domain.access import Right
from controller.domain.answer import AnswerClass, Answerer
from controller.domain.call import Call, HungUpBy
from controller.domain.ids import CallId
from controller.domain.instants import micros, moment
from controller.domain.outcome import Outcome
from controller.ports import AttemptFact

calls = Resource("Calls", "Every attempt to reach a contact, as recorded")


class CallView(Model):
    """An attempt, without personal data."""

    id: str
    campaign: str
    person: str = Field(description="Keyed hash of the number: the same for all calls to it")
    caller: str
    caller_number: str
    regulation: str
    covered: bool = Field(description="An agent was reserved for it before it was dialed")
    guaranteed: bool = Field(description="That agent stayed reserved for it alone")
    placed_at: datetime
    rang_at: datetime | None
    answered_at: datetime | None
    noise_at: datetime | None
    bridged_at: datetime | None
    heard_at: datetime | None
    ended_at: datetime | None
    ended_by: HungUpBy | None
    outcome: Outcome | None = Field(description="Null while it is under way")
    answer_class: AnswerClass | None
    answerer: Answerer | None
    cause: int
    sip: int | None


class CallDetailView(Model):
    """An attempt with its contact and its agent."""

    id: str
    campaign: str
    contact: int
    number: str
    agent: str | None
    covered: bool
    guaranteed: bool
    rescued: bool = Field(description="It waited for an agent and got one before the cut")
    placed_at: datetime | None
    rang_at: datetime | None
    answered_at: datetime | None
    bridged_at: datetime | None
    ended_at: datetime | None
    ended_by: HungUpBy | None
    outcome: Outcome | None
    cause: int
    sip: int | None


class CallPath(Wanted):
    """One call."""

    call: CallName


@calls.get("/campaigns/{campaign}/calls", Right.SEE_CALLS)
async def list_calls(ask: Ask, path: CampaignPath, query: Paging) -> Page[CallView]:
    """A campaign's calls, oldest first."""
    campaign = (await ask.campaign(path.campaign)).campaign.id
    place = ask.place(query)
    after = None if place is None else (moment(int(place[0])), str(place[1]))
    found = await ask.services.records.facts(campaign, after=after, limit=query.limit + 1)
    return ask.page(query, found, _view, lambda fact: [micros(fact.placed), fact.call])


@calls.get("/calls/{call}", Right.SEE_CALLS)
async def get_call(ask: Ask, path: CallPath) -> CallDetailView:
    """One call, with its contact."""
    found = await ask.services.records.attempt(CallId(path.call))
    if found is None:
        raise Problem(NOT_FOUND, f"there is no call {path.call!r}")
    return _detail(ask, found)


def _view(fact: AttemptFact) -> CallView:
    return CallView(
        id=fact.call,
        campaign=fact.campaign,
        person=fact.person,
        caller=fact.caller,
        caller_number=fact.caller_number,
        regulation=fact.law,
        covered=fact.covered,
        guaranteed=fact.guaranteed,
        placed_at=fact.placed,
        rang_at=fact.rang_at,
        answered_at=fact.answered_at,
        noise_at=fact.noise_at,
        bridged_at=fact.bridged_at,
        heard_at=fact.heard_at,
        ended_at=fact.ended_at,
        ended_by=fact.ended_by,
        outcome=fact.outcome,
        answer_class=fact.answer_class,
        answerer=fact.answerer,
        cause=fact.cause,
        sip=fact.sip,
    )


def _detail(ask: Ask, call: Call) -> CallDetailView:
    return CallDetailView(
        id=call.id,
        campaign=call.contact.campaign,
        contact=call.contact.id,
        number=ask.shown(call.contact.number),
        agent=call.agent,
        covered=call.covered,
        guaranteed=call.guaranteed,
        rescued=call.rescued,
        placed_at=call.admitted_at,
        rang_at=call.rang_at,
        answered_at=call.answered_at,
        bridged_at=call.bridged_at,
        ended_at=call.ended_at,
        ended_by=call.ended_by,
        outcome=call.outcome,
        cause=call.cause,
        sip=call.sip,
    )
