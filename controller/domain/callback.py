"""Call-backs: promised for an hour, by one agent or by anybody.

What is promised by an agent is for that agent: shortly before the hour they are kept free, at the hour they
are given the call, and they are waited for. After a while anybody may take it, or it is put off, as the rule
says: a promise kept by a colleague is mostly better than one broken.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from controller.domain.ids import AgentId, CallId, CampaignId, ContactId

FARTHEST: Final = timedelta(days=366)
"""Nobody promises a call for later than that from now."""
LONGEST_NOTE: Final = 1_000


class CallbackState(Enum):
    """What became of a promise."""

    OPEN = "open"
    DONE = "done"
    """The contact was called and spoke with an agent."""
    MISSED = "missed"
    """The contact was called as often as the rule says, and not reached."""
    CANCELLED = "cancelled"
    """Taken back by a person, or replaced by another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A promise to call, as stored. A contact has one open at most.

    Attributes:
        at: when the callee is to be called (aware): the hour that was promised, or a later one after a call
            that did not reach them.
        agent: who promised to call; None: anybody may.
        call: in which it was promised; None: outside of a call.
        tries: calls placed for it that did not reach the contact.
        ended_at: when it ceased to be open (aware).
    """

    id: int
    campaign: CampaignId
    contact: ContactId
    at: datetime
    agent: AgentId | None = None
    note: str = ""
    state: CallbackState = CallbackState.OPEN
    author: str
    created_at: datetime
    call: CallId | None = None
    tries: int = 0
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A call-back that is asked for.

    Attributes:
        at: aware.
        agent: None: anybody.
    """

    at: datetime
    agent: AgentId | None = None
    note: str = ""


class Fallback(Enum):
    """What follows when the agent who promised has not become free in time."""

    ANYBODY = "anybody"
    PUT_OFF = "put-off"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRule:
    """How promises are kept.

    Attributes:
        ahead: how long before the hour the agent gets no other call.
        patience: how long after the hour exactly that agent is waited for.
        fallback: what follows then.
        again: after a call that did not reach the contact, and where it is put off: how much later.
        tries: calls until it is missed; also how often it is put off. The retry rule's maximum does not cut a
            promise short.

    Raises:
        ValueError: a time is negative, or there is no try.
    """

    ahead: timedelta = timedelta(seconds=90)
    patience: timedelta = timedelta(minutes=10)
    fallback: Fallback = Fallback.ANYBODY
    again: timedelta = timedelta(minutes=15)
    tries: int = 3

    def __post_init__(self) -> None:
        if min(self.ahead, self.patience) < timedelta() or self.again < timedelta(minutes=1):
            raise ValueError("the times of a call-back rule are not negative, and again is a minute or more")
        if self.tries < 1:
            raise ValueError("a call-back has one try or more")


class Presence(Enum):
    """Where the agent is who promised."""

    FREE = "free"
    BUSY = "busy"
    """Seated: in a conversation, in wrap-up, reserved for another call, on a pause."""
    AWAY = "away"
    """Not logged in."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before ``until``."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Keep:
    """Give the agent no other call; look again when they become free, at ``until`` at the latest."""

    agent: AgentId
    until: datetime


@dataclass(frozen=True, slots=True)
class Dial:
    """Call now, with this agent reserved; None: with any."""

    agent: AgentId | None


@dataclass(frozen=True, slots=True)
class PutOff:
    """Promise it anew for ``until``; counts as a try."""

    until: datetime


Step = Wait | Keep | Dial | PutOff


def step(callback: Callback, now: datetime, presence: Presence, rule: CallbackRule) -> Step:
    """What is to be done about an open call-back now.

    Args:
        callback: open.
        now: aware.
        presence: of ``callback.agent``; of no meaning where anybody may call.
        rule: the campaign's.
    """
    if callback.agent is None:
        return Dial(None) if now >= callback.at else Wait(callback.at)
    if now < callback.at - rule.ahead:
        return Wait(callback.at - rule.ahead)
    if now < callback.at:
        # Who is away cannot be kept; they may log in until the hour.
        return Wait(callback.at) if presence is Presence.AWAY else Keep(callback.agent, callback.at)
    if presence is Presence.FREE:
        return Dial(callback.agent)
    given_up = callback.at + rule.patience
    if now < given_up:
        return Wait(given_up) if presence is Presence.AWAY else Keep(callback.agent, given_up)
    # The last try is anybody's in any case: put off for ever, it would never be called.
    if rule.fallback is Fallback.ANYBODY or callback.tries + 1 >= rule.tries:
        return Dial(None)
    return PutOff(now + rule.again)


def not_reached(
    callback: Callback, ended: datetime, next_due: datetime | None, rule: CallbackRule, *, counts: bool
) -> Callback:
    """An open call-back after its contact was called and not reached: open for a later hour, or missed.

    A promise outlasts the retry rule's maximum of attempts, but it never makes a pause shorter than that rule
    or the law says.

    Args:
        callback: open.
        ended: when the call ended (aware).
        next_due: when the contact would be called again without a promise; None if never.
        rule: the campaign's.
        counts: the call was a try: it was placed for this promise, and it was not we who failed it.
    """
    later = callback.at if next_due is None else max(callback.at, next_due)
    if not counts:
        return replace(callback, at=later)
    tries = callback.tries + 1
    if tries >= rule.tries:
        return replace(callback, tries=tries, state=CallbackState.MISSED, ended_at=ended)
    return replace(callback, tries=tries, at=max(later, ended + rule.again))
