"""What agents do with their calls: what they read out, what came of a call, whom they promised to call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from controller.domain.callback import Callback, CallbackState, Promise
from controller.domain.contact import Contact
from controller.domain.disposition import Disposition, DispositionKind
from controller.domain.funnel import Stage
from controller.domain.ids import AgentId, CallId, CampaignId, ContactId
from controller.domain.preview import Skip
from controller.domain.script import Question, Script


class Scripts(Protocol):
    """Scripts, each in versions that never change once they are stored."""

    async def save_script(
        self, name: str, body: str, questions: tuple[Question, ...], author: str, now: datetime
    ) -> Script:
        """Store the next version; returns the latest one, unchanged, if body and questions are the same."""
        ...

    async def script(self, name: str, version: int | None = None) -> Script | None:
        """A version; the latest one if none is named."""
        ...

    async def scripts(self) -> Sequence[Script]:
        """The latest version of every script, by name."""
        ...

    async def versions(self, name: str, limit: int = 100) -> Sequence[Script]:
        """A script's versions, the latest first, ``limit`` at most."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDisposition:
    """What an agent says of a call, checked but not yet stored.

    Attributes:
        disposition: the campaign's word for it.
        author: the agent, or who says it for them.
        at: when it is said (aware).
        answers: as ``domain.script.check_answers`` leaves them.
        script, script_version: that was read; empty and 0: none.
        promise: to call back; None if none was given.
        due_at: when the contact is called again by it (aware); None: never, or at the promise's hour.
        talking: the call is a conversation that is still going on, which the store cannot know.
    """

    call: CallId
    disposition: Disposition
    author: str
    at: datetime
    notes: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)
    script: str = ""
    script_version: int = 0
    promise: Promise | None = None
    due_at: datetime | None = None
    talking: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposed:
    """A disposition as stored. Of a call's dispositions the last one holds.

    Attributes:
        kind, stage: what ``code`` stood for then.
        notes, answers: empty once they were erased.
        agent: who had the conversation; None if the call has not ended, or nobody knows.
    """

    id: int
    call: CallId
    campaign: CampaignId
    contact: ContactId
    code: str
    kind: DispositionKind
    stage: Stage
    author: str
    at: datetime
    notes: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)
    script: str = ""
    script_version: int = 0
    agent: AgentId | None = None


class Dispositions(Protocol):
    """What came of calls. What follows for the contact is stored with it, in the same transaction."""

    async def dispose(self, new: NewDisposition) -> tuple[Disposed, bool]:
        """Store what came of a call; returns it, and False if the very same was stored already.

        The contact's stage in the funnel rises to what the disposition stands for. What becomes of the
        contact is settled when both the disposition and the call's end are stored, whichever comes first:
        the outcome is the same. A correction settles it anew, unless the contact was called again since.

        Of an erased person neither notes nor answers are stored.

        Raises:
            BadInput: there is no such call, or no agent reached it.
            Refused: a call-back to an erased person.
        """
        ...

    async def dispositions(
        self, *, call: CallId | None = None, contact: ContactId | None = None, limit: int = 1000
    ) -> Sequence[Disposed]:
        """What was said of a call, or of all calls to a contact, the latest first, ``limit`` at most."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DueCallback:
    """A call-back whose hour comes, and whom it is for."""

    callback: Callback
    contact: Contact


class Callbacks(Protocol):
    """Promises to call. A contact has one open at most."""

    async def promise(self, contact: ContactId, promise: Promise, author: str, now: datetime) -> Callback:
        """Store a promise outside of a call; one that is open is cancelled by it.

        The contact is due at its hour, also if the campaign was done with it.

        Raises:
            BadInput: there is no such contact.
            Refused: its person's data were erased.
        """
        ...

    async def callback(self, callback: int) -> Callback | None:
        """One call-back."""
        ...

    async def callbacks(
        self,
        *,
        campaign: CampaignId | None = None,
        contact: ContactId | None = None,
        agent: AgentId | None = None,
        state: CallbackState | None = None,
        after: tuple[datetime, int] | None = None,
        limit: int = 1000,
    ) -> Sequence[Callback]:
        """Those to which all of it applies, in the order of (at, id), from the one after ``after``."""
        ...

    async def due_callbacks(
        self, campaign: CampaignId, now: datetime, ahead: timedelta, limit: int = 1000
    ) -> Sequence[DueCallback]:
        """Open ones for ``now + ahead`` and before, by their hour; none whose contact is being called."""
        ...

    async def move(
        self,
        callback: int,
        at: datetime,
        now: datetime,
        *,
        agent: AgentId | None = None,
        missed: bool = False,
    ) -> Callback:
        """Promise it for another hour.

        Args:
            callback: an open one.
            at: the new hour (aware).
            now: aware.
            agent: who is to call then; None: anybody.
            missed: it is put off because nobody called; counts as a try. With the last of its tries
                (domain.callback.CallbackRule) it is missed instead, and the contact goes on as any other.

        Returns:
            It, open or missed.

        Raises:
            BadInput: there is none.
            Refused: it is not open.
        """
        ...

    async def cancel(self, callback: int, now: datetime) -> Callback:
        """Take it back. The campaign is done with the contact, if it was only waiting for the call.

        Raises:
            BadInput: there is none.
            Refused: it is not open.
        """
        ...


class Skips(Protocol):
    """Contacts that agents looked at and did not want called then: who skips what, and why."""

    async def skipped(self, skip: Skip) -> None:
        """Note that an agent skipped a contact; said again, it changes nothing.

        Raises:
            BadInput: there is no such contact.
        """
        ...

    async def skips(
        self,
        campaign: CampaignId,
        *,
        agent: AgentId | None = None,
        after: tuple[datetime, str] | None = None,
        limit: int = 1000,
    ) -> Sequence[Skip]:
        """A campaign's, or one agent's of it, in the order of (at, offer), from the one after ``after``."""
        ...


class Work(Scripts, Dispositions, Callbacks, Skips, Protocol):
    """All of it."""
