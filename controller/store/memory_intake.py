"""Forms and what came in by them, in memory: the twin of those in SQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from controller.domain.intake import IntakeForm, IntakeState, Submission
from controller.store.intake import form_taken

if TYPE_CHECKING:
    from controller.store.memory_records import MemoryRecords


class MemoryIntake:
    """``IntakeStore`` (controller.ports.leads) in memory."""

    def __init__(self, records: MemoryRecords) -> None:
        self._records = records
        self._forms: dict[str, IntakeForm] = {}
        self._received: dict[int, Submission] = {}

    async def add_form(self, form: IntakeForm) -> None:
        """Store a form."""
        self._records._answer()
        self._records._known(form.campaign)
        if form.id in self._forms:
            raise form_taken(form.id)
        self._forms[form.id] = form

    async def form(self, form: str) -> IntakeForm | None:
        """One form."""
        self._records._answer()
        return self._forms.get(form)

    async def forms(self) -> Sequence[IntakeForm]:
        """All, by id."""
        self._records._answer()
        return [self._forms[form] for form in sorted(self._forms)]

    async def open_form(self, form: str, *, open: bool) -> bool:
        """Open or close a form."""
        self._records._answer()
        if form not in self._forms:
            return False
        self._forms[form] = replace(self._forms[form], open=open)
        return True

    async def receive(self, submission: Submission) -> tuple[Submission, bool]:
        """Store what came in, unless its delivery is known."""
        self._records._answer()
        same = (submission.form, submission.delivery)
        for known in self._received.values():
            if (known.form, known.delivery) == same:
                return known, False
        made = replace(submission, id=len(self._received) + 1)
        self._received[made.id] = made
        return made, True

    async def submission(self, submission: int) -> Submission | None:
        """One of what came in."""
        self._records._answer()
        return self._received.get(submission)

    async def end(
        self, submission: int, state: IntakeState, now: datetime, *, reason: str = "", keep: bool = False
    ) -> bool:
        """Say what became of one that is pending."""
        self._records._answer()
        found = self._received.get(submission)
        if found is None or found.state is not IntakeState.PENDING:
            return False
        values = found.values if keep else {}
        self._received[submission] = replace(found, state=state, reason=reason, ended_at=now, values=values)
        return True

    async def pending(self, form: str, mail_person: str, since: datetime) -> Submission | None:
        """What waits already for the double opt-in of an address."""
        self._records._answer()
        return next(
            (
                known
                for known in self._received.values()
                if known.state is IntakeState.PENDING
                and (known.form, known.mail_person) == (form, mail_person)
                and known.received_at >= since
            ),
            None,
        )

    async def submissions(
        self,
        *,
        form: str | None = None,
        state: IntakeState | None = None,
        after: int = 0,
        limit: int = 1000,
    ) -> Sequence[Submission]:
        """What came in, by id, from the one after ``after``."""
        self._records._answer()
        return [
            known
            for known in self._received.values()
            if known.id > after and form in (None, known.form) and state in (None, known.state)
        ][:limit]

    async def counts(self, form: str) -> Mapping[IntakeState, int]:
        """What became of all that came in by a form."""
        self._records._answer()
        return Counter(known.state for known in self._received.values() if known.form == form)

    async def expire(self, pending_before: datetime, rejected_before: datetime, now: datetime) -> int:
        """Empty what waited too long for its double opt-in, and rejects whose time is over."""
        self._records._answer()
        late = [
            known
            for known in self._received.values()
            if known.state is IntakeState.PENDING and known.received_at < pending_before
        ]
        old = [
            known
            for known in self._received.values()
            if known.state in (IntakeState.REJECTED, IntakeState.REPEATED)
            and known.received_at < rejected_before
            and known.values
        ]
        for known in late:
            gone = replace(known, state=IntakeState.EXPIRED, values={}, ended_at=now)
            self._received[known.id] = gone
        for known in old:
            self._received[known.id] = replace(known, values={})
        return len(late) + len(old)

    async def forget(self, person: str) -> int:
        """Empty all that a person sent."""
        self._records._answer()
        theirs = [
            known
            for known in self._received.values()
            if known.person == person and (known.values or known.state is IntakeState.PENDING)
        ]
        for known in theirs:
            pending = known.state is IntakeState.PENDING
            state = IntakeState.EXPIRED if pending else known.state
            self._received[known.id] = replace(known, values={}, state=state)
        return len(theirs)
