"""What is done with a call: its script is read, what came of it is noted, a call-back is promised."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from controller.api.rest.ask import Ask
from controller.api.rest.models import (
    CampaignName,
    Instant,
    Model,
    Page,
    Paging,
    RowNumber,
    Text,
    Wanted,
    Whole,
    Word,
)
from controller.api.rest.problems import FORBIDDEN, NOT_FOUND, Problem
from controller.api.rest.resources.calls import CallPath
from controller.api.rest.resources.contacts import ContactPath
from controller.api.rest.resources.contacts import contact as contact_of
from controller.api.rest.resources.scripts import FilledView, filled_view
from controller.api.rest.routes import Resource
from controller.domain.access import Right
from controller.domain.agent import AgentState
from controller.domain.call import Call
from controller.domain.callback import LONGEST_NOTE, Callback, CallbackState, Promise
from controller.domain.disposition import DispositionKind
from controller.domain.ids import AgentId, CallId, CampaignId
from controller.domain.instants import micros, moment
from controller.domain.script import LONGEST_NOTES
from controller.errors import BadInput
from controller.ports.work import Disposed

work = Resource("Work", "What agents do with their calls. A token of role `agent` has its own calls only")


# --- what is sent and received ----------------------------------------------------------------------------


class DispositionView(Model):
    """What came of a call."""

    id: int
    call: str
    campaign: str
    contact: int
    code: str
    kind: DispositionKind
    stage: str = Field(description="How far the contact has come by it")
    notes: str
    answers: Mapping[str, Any]
    script: str
    script_version: int = Field(description="0: none was read")
    agent: str | None
    author: str
    at: datetime


class CallbackView(Model):
    """A promise to call."""

    id: int
    campaign: str
    contact: int
    at: datetime
    agent: str | None = Field(description="Who promised; null: anybody may call")
    note: str
    state: CallbackState
    tries: int
    call: str | None
    author: str
    created_at: datetime
    ended_at: datetime | None


class WantedPromise(Wanted):
    """A promise to call."""

    at: Instant
    agent: Word | None = Field(default=None, description="Who is to call; null: anybody")
    note: Text = Field(default="", max_length=LONGEST_NOTE)
    nearest: bool = Field(
        default=False, description="Where no telephone may ring then, take the next time at which one may"
    )


class WantedDisposition(Wanted):
    """What came of a call."""

    code: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$", description="One of the campaign's dispositions"
    )
    notes: Text = Field(default="", max_length=LONGEST_NOTES)
    answers: Mapping[str, Any] = Field(
        default_factory=dict, description="To the script's questions, by their id"
    )
    script_version: Whole = Field(default=0, ge=0, le=1_000_000, description="That was read; 0: none")
    callback: WantedPromise | None = None


class Move(Wanted):
    """Another hour for a promise."""

    at: Instant
    agent: Word | None = Field(default=None, description="Who is to call then; null: anybody")
    nearest: bool = False


class WhichCallbacks(Paging):
    """Which call-backs."""

    campaign: CampaignName | None = None
    agent: Word | None = None
    state: CallbackState | None = None


class CallbackPath(Wanted):
    """One call-back."""

    callback: RowNumber


# --- calls ------------------------------------------------------------------------------------------------


@work.get("/calls/{call}/script", Right.WORK)
async def read_script(ask: Ask, path: CallPath) -> FilledView:
    """The campaign's script, filled in for the call's contact."""
    call = await _call(ask, path)
    campaign = (await ask.campaign(call.contact.campaign)).campaign
    if not campaign.script:
        raise Problem(NOT_FOUND, f"campaign {campaign.id!r} has no script")
    agent = ask.agent or call.agent
    filled = await ask.services.scripting.fill(campaign.script, None, campaign, call.contact, agent, ask.now)
    return filled_view(filled)


@work.get("/calls/{call}/dispositions", Right.WORK)
async def list_dispositions(ask: Ask, path: CallPath) -> Page[DispositionView]:
    """What was noted of a call, the latest first; the latest holds."""
    call = await _call(ask, path)
    found = await ask.services.work.dispositions(call=call.id)
    return Page(items=[_disposition(each) for each in found], next=None)


@work.post("/calls/{call}/dispositions", Right.WORK, status=201)
async def record_disposition(ask: Ask, path: CallPath, body: WantedDisposition) -> DispositionView:
    """Note what came of a call, while it goes on or after it; said again, it is corrected."""
    call = await _call(ask, path)
    promise = body.callback
    disposed = await ask.services.disposing.record(
        call.id,
        code=body.code,
        author=_author(ask),
        notes=body.notes,
        answers=body.answers,
        script_version=body.script_version,
        callback=None if promise is None else _promise(ask, promise),
        nearest=promise is not None and promise.nearest,
        now=ask.now,
    )
    return _disposition(disposed)


# --- call-backs -------------------------------------------------------------------------------------------


@work.get("/callbacks", Right.WORK)
async def list_callbacks(ask: Ask, query: WhichCallbacks) -> Page[CallbackView]:
    """Call-backs, by their hour."""
    agent = query.agent if ask.agent is None else ask.agent
    if query.agent is not None:
        ask.only_own(query.agent)
    place = ask.place(query)
    found = await ask.services.work.callbacks(
        campaign=None if query.campaign is None else CampaignId(query.campaign),
        agent=None if agent is None else AgentId(agent),
        state=query.state,
        after=None if place is None else (moment(int(place[0])), int(place[1])),
        limit=query.limit + 1,
    )
    return ask.page(query, found, _callback, lambda each: [micros(each.at), each.id])


@work.post("/campaigns/{campaign}/contacts/{contact}/callbacks", Right.WORK, status=201)
async def promise_callback(ask: Ask, path: ContactPath, body: WantedPromise) -> CallbackView:
    """Promise to call a contact, outside of a call; an open promise is replaced by it."""
    campaign = (await ask.campaign(path.campaign)).campaign
    listed = await contact_of(ask, path)
    made = await ask.services.callback_desk.add(
        listed.contact, campaign, _promise(ask, body), _author(ask), ask.now, nearest=body.nearest
    )
    return _callback(made)


@work.post("/callbacks/{callback}/move", Right.WORK)
async def move_callback(ask: Ask, path: CallbackPath, body: Move) -> CallbackView:
    """Promise a call-back for another hour."""
    known = await _open(ask, path)
    agent = _agent(ask, body.agent)
    moved = await ask.services.callback_desk.move(
        known.id, body.at, ask.now, agent=agent, nearest=body.nearest
    )
    return _callback(moved)


@work.post("/callbacks/{callback}/cancel", Right.WORK, keeps=False)
async def cancel_callback(ask: Ask, path: CallbackPath) -> CallbackView:
    """Take a promise back."""
    return _callback(await ask.services.callback_desk.cancel((await _open(ask, path)).id, ask.now))


# --- between the two worlds -------------------------------------------------------------------------------


async def _call(ask: Ask, path: CallPath) -> Call:
    """A call that this asker may work on.

    Raises:
        Problem: there is none, or it is another agent's.
    """
    call = await ask.services.records.attempt(CallId(path.call))
    if ask.agent is None:
        if call is None:
            raise Problem(NOT_FOUND, f"there is no call {path.call!r}")
        return call
    # Who talks in a call is not recorded before its end.
    agents = ask.services.operations.status().agents
    talking = {one.call for one in agents if one.id == ask.agent and one.state is AgentState.TALKING}
    if call is None or (call.agent != ask.agent and call.id not in talking):
        raise Problem(FORBIDDEN, f"this token works on calls of agent {ask.agent} only")
    return call


async def _open(ask: Ask, path: CallbackPath) -> Callback:
    known = await ask.services.work.callback(path.callback)
    if known is None or (ask.agent is not None and known.agent != ask.agent):
        raise Problem(NOT_FOUND, f"there is no call-back {path.callback}")
    return known


def _author(ask: Ask) -> str:
    return str(ask.agent) if ask.agent is not None else ask.author


def _agent(ask: Ask, wanted: str | None) -> AgentId | None:
    if wanted is None:
        return None
    ask.only_own(wanted)
    if ask.services.agents and wanted not in ask.services.agents:
        raise BadInput("agent", f"there is no agent {wanted!r}")
    return AgentId(wanted)


def _promise(ask: Ask, wanted: WantedPromise) -> Promise:
    return Promise(at=wanted.at, agent=_agent(ask, wanted.agent), note=wanted.note)


def _disposition(each: Disposed) -> DispositionView:
    return DispositionView(
        id=each.id,
        call=each.call,
        campaign=each.campaign,
        contact=each.contact,
        code=each.code,
        kind=each.kind,
        stage=each.stage.word,
        notes=each.notes,
        answers=dict(each.answers),
        script=each.script,
        script_version=each.script_version,
        agent=each.agent,
        author=each.author,
        at=each.at,
    )


def _callback(each: Callback) -> CallbackView:
    return CallbackView(
        id=each.id,
        campaign=each.campaign,
        contact=each.contact,
        at=each.at,
        agent=each.agent,
        note=each.note,
        state=each.state,
        tries=each.tries,
        call=each.call,
        author=each.author,
        created_at=each.created_at,
        ended_at=each.ended_at,
    )
