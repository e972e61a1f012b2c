"""Recording what came of a conversation.

In this order, so that a crash in between never loses a wish not to be called: first the do-not-call list,
then everything else in one transaction. Whoever repeats the same thing changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog

from controller.domain.call import Call
from controller.domain.callback import Promise
from controller.domain.campaign import Campaign
from controller.domain.clearance import EVERYBODY, caller_scope, scopes
from controller.domain.contact import Contact
from controller.domain.disposition import Disposition, Effect, Reach, wish_of
from controller.domain.funnel import Stage
from controller.domain.ids import AgentId, CallId
from controller.domain.outcome import Outcome
from controller.domain.retry import TRIED_KEPT
from controller.domain.script import LONGEST_NOTES, check_answers
from controller.engine.calendar import zones_of
from controller.engine.callbacks import CallbackDesk
from controller.errors import BadAnswers, BadInput, Refused
from controller.ports.compliance import Authorship, Lists
from controller.ports.feed import EventFeed
from controller.ports.records import Records
from controller.ports.work import Disposed, NewDisposition, Work

log = structlog.get_logger(__name__)

_KEPT: Final = frozenset({Effect.OPT_OUT, Effect.NEXT_NUMBER})
"""Effects with which nobody can be promised a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What an agent says of a call.

    Attributes:
        code: one of the campaign's dispositions.
        notes: free words.
        answers: to the script's questions, by question.
        script_version: that was read; 0: none.
        callback: promised; None if none was.
        nearest: where no telephone may ring at the hour promised, take the next one at which it may.
    """

    code: str
    author: str
    notes: str = ""
    answers: Mapping[str, object] = field(default_factory=dict)
    script_version: int = 0
    callback: Promise | None = None
    nearest: bool = False


class Disposing:
    """Records dispositions."""

    def __init__(
        self,
        records: Records,
        work: Work,
        lists: Lists,
        desk: CallbackDesk,
        *,
        talking: Callable[[CallId], AgentId | None] = lambda call: None,
        feed: EventFeed | None = None,
    ) -> None:
        """Describe it.

        Args:
            records: where calls and campaigns are.
            work: where dispositions are kept.
            lists: the do-not-call lists.
            desk: checks what is promised.
            talking: the agent who talks in a call now; None if nobody does, as far as this process knows.
            feed: told of what is recorded.
        """
        self._records = records
        self._work = work
        self._lists = lists
        self._desk = desk
        self._talking = talking
        self._feed = feed

    async def record(self, call: CallId, words: Words, now: datetime) -> Disposed:
        """Record what came of a call.

        Args:
            call: a conversation that is over, or that goes on now.
            words: what is said of it.
            now: aware.

        Raises:
            BadInput: no agent reached such a call, or the campaign has no such code, or a call-back, an
                answer (BadAnswers) or the notes cannot be used.
            Refused: no telephone may ring at the hour promised.
        """
        known, talking = await self._conversation(call)
        campaign = await self._campaign(known)
        disposition = campaign.dispositions.of(words.code)
        if disposition is None:
            allowed = ", ".join(campaign.dispositions.codes)
            raise BadInput("code", f"campaign {campaign.id} has no disposition {words.code!r}", allowed)
        if len(words.notes) > LONGEST_NOTES:
            raise BadInput("notes", f"have {len(words.notes)} characters, more than {LONGEST_NOTES}")
        new = NewDisposition(
            call=call,
            disposition=disposition,
            author=words.author,
            at=now,
            notes=words.notes.strip(),
            answers=await self._answers(campaign, disposition, words),
            script=campaign.script if words.script_version else "",
            script_version=words.script_version,
            promise=await self._promise(known, campaign, disposition, words, now),
            due_at=_due(disposition, known, campaign, now),
            talking=talking,
        )
        await self._opt_out(known, campaign, disposition, words.author, now)
        disposed, fresh = await self._work.dispose(new)
        if fresh:
            self._tell(disposed)
        return disposed

    async def _conversation(self, call: CallId) -> tuple[Call, bool]:
        known = await self._records.attempt(call)
        talking = known is not None and known.outcome is None and self._talking(call) is not None
        if known is None or not (talking or known.outcome is Outcome.CONNECTED):
            under_way = known is not None and known.outcome is None
            problem = f"call {call!r} is under way" if under_way else f"no agent reached a call {call!r}"
            raise BadInput("call", problem, "a call that reached an agent")
        return known, talking

    async def _campaign(self, call: Call) -> Campaign:
        row = await self._records.campaign(call.contact.campaign)
        if row is None:
            raise BadInput("call", f"the campaign of call {call.id!r} is gone")
        return row.campaign

    async def _answers(self, campaign: Campaign, disposition: Disposition, words: Words) -> Mapping[str, Any]:
        if not words.script_version:
            if words.answers:
                raise BadInput("answers", "to which version of the script?", "script_version")
            return {}
        script = await self._work.script(campaign.script, words.script_version) if campaign.script else None
        if script is None:
            which = f"{campaign.script!r}, version {words.script_version}" if campaign.script else "at all"
            raise BadInput("script_version", f"campaign {campaign.id} has no script {which}")
        answers = check_answers(script.questions, words.answers, complete=disposition.kind.complete)
        if answers.errors:
            raise BadAnswers(answers.errors)
        return answers.values

    async def _promise(
        self, call: Call, campaign: Campaign, disposition: Disposition, words: Words, now: datetime
    ) -> Promise | None:
        wanted = words.callback
        if wanted is None:
            if disposition.effect is Effect.CALL_BACK:
                raise BadInput("callback", f"when do they want to be called? {disposition.code} needs a time")
            return None
        if disposition.effect in _KEPT:
            raise BadInput("callback", f"nobody is called back after {disposition.code}")
        if _erased(call.contact):
            raise Refused("the person's data were erased; nobody can be promised a call")
        for old in await self._work.callbacks(contact=call.contact.id):
            # What was promised already is not checked anew: by now its hour may be past.
            if (old.call, old.at, old.agent) == (call.id, wanted.at, wanted.agent):
                return replace(wanted, note=wanted.note.strip())
        return self._desk.checked(wanted, call.contact, campaign, now, nearest=words.nearest)

    async def _opt_out(
        self, call: Call, campaign: Campaign, disposition: Disposition, author: str, now: datetime
    ) -> None:
        if disposition.reach is None:
            return
        scope = scope_of(disposition.reach, campaign)
        # Who does not want to be called does not mean one of their numbers. Of the erased there are none any
        # more; they are on everybody's list.
        numbers = () if _erased(call.contact) else call.contact.every_number
        fresh = [n for n in numbers if not (await self._lists.standing(n, (scope,))).opt_outs]
        if fresh:
            who = Authorship(author=author, reason="said in a call", source=f"call {call.id}")
            await self._lists.opt_out(scope, fresh, who, now)

    def _tell(self, disposed: Disposed) -> None:
        log.info("disposition recorded", call=disposed.call, code=disposed.code, author=disposed.author)
        if self._feed is None:
            return
        self._feed.publish(
            "disposition.recorded",
            {
                "call": disposed.call,
                "campaign": disposed.campaign,
                "contact": disposed.contact,
                "code": disposed.code,
                "kind": disposed.kind.value,
                "stage": disposed.stage.word,
                "author": disposed.author,
            },
        )
        if disposed.stage >= Stage.INTERESTED:
            told = {"campaign": disposed.campaign, "contact": disposed.contact, "call": disposed.call}
            self._feed.publish("lead.stage", told | {"stage": disposed.stage.word})


def scope_of(reach: Reach, campaign: Campaign) -> str:
    """The do-not-call list that a wish goes on."""
    match reach:
        case Reach.EVERYBODY:
            return EVERYBODY
        case Reach.CALLER:
            return caller_scope(campaign.caller)
        case Reach.CAMPAIGN:
            return scopes(campaign.caller, campaign.id)[-1]


def _due(disposition: Disposition, call: Call, campaign: Campaign, now: datetime) -> datetime | None:
    """When the contact is called again by the disposition, within the campaign's limits; None: never.

    The same whether the call's end is recorded already or not: this call counts in both cases.
    """
    wish = wish_of(disposition, now)
    if wish is None:
        return None
    contact = call.contact
    if _erased(contact):
        return None
    if call.outcome is None:
        tried = (*contact.tried, now)[-TRIED_KEPT:]
        contact = replace(contact, attempts=contact.attempts + 1, tried=tried)
    zone: ZoneInfo = zones_of(contact.number, contact.habits.zone, campaign.zone)[0]
    return campaign.retry.within_limits(wish, contact, zone)


def _erased(contact: Contact) -> bool:
    return contact.number.startswith("#")
