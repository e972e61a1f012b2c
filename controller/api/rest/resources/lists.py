"""Whom not to call: do-not-call lists, the opposition register, numbers barred by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from pydantic import Field

from controller.api.rest.ask import Ask
from controller.api.rest.models import (
    Because,
    CampaignName,
    Instant,
    Model,
    Number,
    Page,
    Paging,
    Wanted,
    Whole,
    Words,
)
from controller.api.rest.routes import Resource
from controller.domain.access import Right
from controller.domain.clearance import EVERYBODY, OptOut, caller_scope
from controller.domain.ids import E164
from controller.errors import BadInput
from controller.ports import Authorship, Suppression

lists = Resource("Lists", "Whom not to call. Every change is evidence: who made it, and why")


class Scope(Enum):
    """For whom a do-not-call list holds."""

    EVERYBODY = "everybody"
    CALLER = "caller"
    CAMPAIGN = "campaign"


class WantedScope(Wanted):
    """Which do-not-call list."""

    scope: Scope = Scope.EVERYBODY
    caller: Words | None = Field(default=None, description="Whose list, with scope `caller`")
    campaign: CampaignName | None = Field(default=None, description="Whose list, with scope `campaign`")

    def stored(self) -> str:
        """The scope as it is stored.

        Raises:
            BadInput: what is needed is missing, or there is more than that.
        """
        for scope, name in ((Scope.CALLER, self.caller), (Scope.CAMPAIGN, self.campaign)):
            if (scope is self.scope) != (name is not None):
                raise BadInput(scope.value, "goes with just this scope", "scope caller, scope campaign")
        match self.scope:
            case Scope.CALLER:
                return caller_scope((self.caller or "").strip())
            case Scope.CAMPAIGN:
                return f"campaign:{self.campaign}"
            case Scope.EVERYBODY:
                return EVERYBODY


class OptOutView(Model):
    """An entry of a do-not-call list."""

    number: str | None = Field(description="Null: its person had their data erased")
    person: str = Field(description="Keyed hash of the number")
    list: str = Field(description="`everybody`, `caller:<caller>` or `campaign:<campaign>`")
    since: datetime
    reason: str
    source: str
    author: str


class ListCountView(Model):
    """How many entries a list has."""

    list: str
    entries: int


class ListsView(Model):
    """How many entries each list has."""

    lists: list[ListCountView]


class OptOutFilter(Paging, WantedScope):
    """Which entries; without a scope those of all lists."""

    scope: Scope | None = None  # type: ignore[assignment]


class NewOptOuts(WantedScope, Because):
    """Numbers for a do-not-call list."""

    numbers: list[Number] = Field(min_length=1, max_length=10_000)


class ChangedView(Model):
    """What became of it."""

    numbers: int = Field(description="Different numbers that were sent")
    changed: int = Field(description="How many of them were not there yet, or were there")


class AnswerOfRegister(Wanted):
    """What the register said of a number."""

    number: Number
    opposed: bool


class RegisterAnswers(Because):
    """What the opposition register said."""

    checked_at: Instant = Field(description="When the register was asked, not when this is sent")
    answers: list[AnswerOfRegister] = Field(min_length=1, max_length=10_000)


class RegisterView(Model):
    """How many numbers were checked against the register."""

    known: int
    fresh: Mapping[str, int] = Field(description="Lately enough, by the profile that asks for it")


class SuppressionView(Model):
    """A number that is not called for now."""

    number: str = Field(description="Empty: its person had their data erased")
    person: str
    caller: str
    reason: str
    since: datetime
    call: str = Field(description="The attempt that is the reason; empty: a person is")
    expires_in: int = Field(description="Seconds; -1: it does not end by itself")
    by_hand: bool
    author: str


class WhichSuppressions(Wanted):
    """Which suppressions; there is no order in them, so there are no pages either."""

    caller: Words | None = Field(default=None, description="On whose behalf one calls; none: every caller")
    limit: Whole = Field(default=1000, ge=1, le=10_000, description="Entries at most, of each caller")


class NewSuppression(Because):
    """A number to be barred by hand."""

    caller: Words
    number: Number
    until: Instant | None = Field(default=None, description="When it ends by itself; null: never")


class Release(Because):
    """A number that was barred by hand."""

    caller: Words
    number: Number


class ReleasedView(Model):
    """What holds a number although it was released."""

    still: SuppressionView | None = Field(description="Null: nothing does")


# --- do-not-call lists ------------------------------------------------------------------------------------


@lists.get("/do-not-call", Right.SEE_LISTS)
async def list_opt_outs(ask: Ask, query: OptOutFilter) -> Page[OptOutView]:
    """The entries of a do-not-call list, or of all of them, in no order that means anything."""
    scope = None
    if query.scope is not None:
        scope = WantedScope(scope=query.scope, caller=query.caller, campaign=query.campaign).stored()
    elif (query.caller, query.campaign) != (None, None):
        raise BadInput("scope", "is missing", "caller or campaign, whose list is named")
    place = ask.place(query)
    after = ("", "") if place is None else (str(place[0]), str(place[1]))
    found = await ask.services.lists.opt_outs(scope, after=after, limit=query.limit + 1)
    return ask.page(
        query, found, lambda entry: _opt_out(ask, entry), lambda entry: [entry.number_hash, entry.scope]
    )


@lists.get("/do-not-call/counts", Right.SEE_LISTS)
async def count_opt_outs(ask: Ask) -> ListsView:
    """How many entries each do-not-call list has."""
    counts = await ask.services.lists.opt_out_counts()
    return ListsView(
        lists=[ListCountView(list=_in_words(scope), entries=count) for scope, count in sorted(counts.items())]
    )


@lists.post("/do-not-call", Right.EDIT_LISTS)
async def add_opt_outs(ask: Ask, body: NewOptOuts) -> ChangedView:
    """Put numbers on a do-not-call list: all, or none. It holds before the next call."""
    scope = body.stored()
    await _must_bind(ask, body)
    numbers = _numbers(ask, body.numbers)
    added = await ask.services.lists.opt_out(scope, numbers, _who(body), ask.now)
    return ChangedView(numbers=len(numbers), changed=added)


@lists.post("/do-not-call/remove", Right.EDIT_LISTS)
async def remove_opt_outs(ask: Ask, body: NewOptOuts) -> ChangedView:
    """Take numbers off a do-not-call list, such as of people who changed their mind. Other lists stay."""
    numbers = _numbers(ask, body.numbers)
    removed = await ask.services.lists.opt_in(body.stored(), numbers, _who(body), ask.now)
    return ChangedView(numbers=len(numbers), changed=removed)


# --- the register -----------------------------------------------------------------------------------------


@lists.get("/register", Right.SEE_LISTS)
async def get_register(ask: Ask) -> RegisterView:
    """How many numbers were checked against the opposition register, and how many lately enough."""
    counts = ask.services.lists.register_counts
    rules = {name: law.register for name, law in ask.services.profiles.items() if law.register is not None}
    known, _ = await counts(ask.now)
    fresh = {name: (await counts(ask.now - rule.max_age))[1] for name, rule in sorted(rules.items())}
    return RegisterView(known=known, fresh=fresh)


@lists.post("/register", Right.EDIT_LISTS)
async def load_register(ask: Ask, body: RegisterAnswers) -> ChangedView:
    """Store what the opposition register said of numbers: all, or none.

    An older answer replaces no newer one.
    """
    if body.checked_at > ask.now:
        raise BadInput("checked_at", "is still to come", "when the register was asked")
    answers = {number: each.opposed for each, number in zip(
        body.answers, _numbers(ask, [each.number for each in body.answers], distinct=False), strict=True
    )}  # fmt: skip
    stored = await ask.services.lists.load_register(answers, body.checked_at, _who(body), ask.now)
    return ChangedView(numbers=len(answers), changed=stored)


# --- suppressions -----------------------------------------------------------------------------------------


@lists.get("/suppressions", Right.SEE_LISTS)
async def list_suppressions(ask: Ask, query: WhichSuppressions) -> Page[SuppressionView]:
    """Numbers that are not called for now, by a silent call or by hand; those that are free first first."""
    callers = await _callers(ask) if query.caller is None else [query.caller]
    found = [
        (caller, entry)
        for caller in callers
        for entry in await ask.services.ledger.suppressions(caller, query.limit)
    ]
    found.sort(key=lambda item: (item[1].expires_in < 0, item[1].expires_in, item[1].number))
    return Page(items=[_suppression(ask, caller, entry) for caller, entry in found], next=None)


@lists.post("/suppressions", Right.EDIT_LISTS)
async def add_suppression(ask: Ask, body: NewSuppression) -> SuppressionView | None:
    """Bar a number by hand, beside whatever a silent call has barred.

    Said again, it replaces what was said by hand before.
    """
    number = ask.services.read_number(body.number)
    if body.until is not None and body.until <= ask.now:
        raise BadInput("until", "has passed", "a time to come")
    await ask.services.suppressing.bar(body.caller.strip(), number, _who(body), body.until)
    entry = await ask.services.ledger.suppression(body.caller.strip(), number)
    return None if entry is None else _suppression(ask, body.caller.strip(), entry)


@lists.post("/suppressions/release", Right.EDIT_LISTS)
async def release_suppression(ask: Ask, body: Release) -> ReleasedView:
    """Lift what was barred by hand. What a silent call barred nobody can shorten."""
    number = ask.services.read_number(body.number)
    caller = body.caller.strip()
    left = await ask.services.suppressing.release(caller, number, _who(body))
    return ReleasedView(still=None if left is None else _suppression(ask, caller, left))


# --- between the two worlds -------------------------------------------------------------------------------


def _who(because: Because) -> Authorship:
    return Authorship(author=because.author.strip(), reason=because.reason.strip(), source="API")


def _numbers(ask: Ask, given: list[Number], *, distinct: bool = True) -> list[E164]:
    found = []
    for position, text in enumerate(given):
        try:
            found.append(ask.services.read_number(text))
        except BadInput as error:
            raise BadInput(f"numbers/{position}", error.problem, error.allowed) from None
    return list(dict.fromkeys(found)) if distinct else found


async def _callers(ask: Ask) -> list[str]:
    known = {row.campaign.caller for row in await ask.services.records.campaigns()}
    return sorted((known | {ask.services.template.caller}) - {""})


async def _must_bind(ask: Ask, which: WantedScope) -> None:
    """Refuse a list that would bind nobody: one with a caller's or a campaign's name mistyped."""
    if which.campaign is not None:
        await ask.named_campaign(which.campaign)
    if which.caller is not None and which.caller.strip() not in (known := await _callers(ask)):
        raise BadInput("caller", f"no campaign calls for {which.caller!r}", ", ".join(known) or "none yet")


def _in_words(scope: str) -> str:
    return "everybody" if scope == EVERYBODY else scope


def _opt_out(ask: Ask, entry: OptOut) -> OptOutView:
    return OptOutView(
        number=None if entry.number is None else ask.shown(entry.number),
        person=entry.number_hash,
        list=_in_words(entry.scope),
        since=entry.added_at,
        reason=entry.reason,
        source=entry.source,
        author=entry.author,
    )


def _suppression(ask: Ask, caller: str, entry: Suppression) -> SuppressionView:
    return SuppressionView(
        number=ask.shown(entry.number),
        person=entry.number_hash,
        caller=caller,
        reason=entry.reason,
        since=entry.since,
        call=entry.call,
        expires_in=entry.expires_in,
        by_hand=entry.by_hand,
        author=entry.author,
    )
