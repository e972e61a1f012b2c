"""Forms and what came in by them, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Text, and_, cast, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from controller.domain.ids import CampaignId
from controller.domain.intake import IntakeForm, IntakeState, Submission
from controller.errors import BadInput
from controller.store.access import Access
from controller.store.campaign_rows import no_such_campaign
from controller.store.schema import campaigns
from controller.store.schema_leads import intake_forms, intake_submissions

_PENDING = intake_submissions.c.state == IntakeState.PENDING.value


class SqlIntake:
    """``IntakeStore`` (controller.ports.leads) in the record store."""

    def __init__(self, access: Access, dialect: str) -> None:
        self._access = access
        make: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
        self._add = make(intake_submissions).on_conflict_do_nothing(index_elements=["form", "delivery"])

    async def add_form(self, form: IntakeForm) -> None:
        """Store a form."""
        values = {name: getattr(form, name) for name in IntakeForm.__slots__} | {"tags": sorted(form.tags)}

        def add(connection: Connection) -> None:
            if connection.scalar(select(campaigns.c.id).where(campaigns.c.id == form.campaign)) is None:
                raise no_such_campaign(form.campaign)
            if connection.scalar(select(intake_forms.c.id).where(intake_forms.c.id == form.id)) is not None:
                raise form_taken(form.id)
            connection.execute(insert(intake_forms).values(**values))

        await self._access.write(add, "a form")

    async def form(self, form: str) -> IntakeForm | None:
        """One form."""
        statement = select(intake_forms).where(intake_forms.c.id == form)
        rows = await self._access.rows(statement, "a look at the forms")
        return _form(rows[0]) if rows else None

    async def forms(self) -> Sequence[IntakeForm]:
        """All, by id."""
        statement = select(intake_forms).order_by(intake_forms.c.id)
        return [_form(row) for row in await self._access.rows(statement, "a look at the forms")]

    async def open_form(self, form: str, *, open: bool) -> bool:
        """Open or close a form."""
        statement = update(intake_forms).where(intake_forms.c.id == form).values(open=open)
        return await self._access.write(lambda c: c.execute(statement).rowcount > 0, "a form")

    async def receive(self, submission: Submission) -> tuple[Submission, bool]:
        """Store what came in, unless its delivery is known."""
        values = {name: getattr(submission, name) for name in Submission.__slots__ if name != "id"}
        values |= {"state": submission.state.value, "values": dict(submission.values)}
        same = and_(
            intake_submissions.c.form == submission.form,
            intake_submissions.c.delivery == submission.delivery,
        )

        def receive(connection: Connection) -> tuple[Submission, bool]:
            new = connection.execute(self._add.values(**values)).rowcount > 0
            return _submission(connection.execute(select(intake_submissions).where(same)).one()), new

        return await self._access.write(receive, "what came in by a form")

    async def submission(self, submission: int) -> Submission | None:
        """One of what came in."""
        statement = select(intake_submissions).where(intake_submissions.c.id == submission)
        rows = await self._access.rows(statement, "a look at what came in")
        return _submission(rows[0]) if rows else None

    async def end(
        self, submission: int, state: IntakeState, now: datetime, *, reason: str = "", keep: bool = False
    ) -> bool:
        """Say what became of one that is pending."""
        values: dict[str, Any] = {"state": state.value, "reason": reason, "ended_at": now}
        if not keep:
            values["values"] = {}
        statement = update(intake_submissions).where(intake_submissions.c.id == submission, _PENDING)
        ended = statement.values(**values)
        return await self._access.write(lambda c: c.execute(ended).rowcount > 0, "what came in by a form")

    async def pending(self, form: str, mail_person: str, since: datetime) -> Submission | None:
        """What waits already for the double opt-in of an address."""
        statement = (
            select(intake_submissions)
            .where(
                intake_submissions.c.form == form,
                intake_submissions.c.mail_person == mail_person,
                intake_submissions.c.received_at >= since,
                _PENDING,
            )
            .order_by(intake_submissions.c.id)
            .limit(1)
        )
        rows = await self._access.rows(statement, "a look at what came in")
        return _submission(rows[0]) if rows else None

    async def submissions(
        self,
        *,
        form: str | None = None,
        state: IntakeState | None = None,
        after: int = 0,
        limit: int = 1000,
    ) -> Sequence[Submission]:
        """What came in, by id, from the one after ``after``."""
        table = intake_submissions
        statement = select(table).where(table.c.id > after).order_by(table.c.id).limit(limit)
        if form is not None:
            statement = statement.where(table.c.form == form)
        if state is not None:
            statement = statement.where(table.c.state == state.value)
        return [_submission(row) for row in await self._access.rows(statement, "a look at what came in")]

    async def counts(self, form: str) -> Mapping[IntakeState, int]:
        """What became of all that came in by a form."""
        statement = (
            select(intake_submissions.c.state, func.count().label("submissions"))
            .where(intake_submissions.c.form == form)
            .group_by(intake_submissions.c.state)
        )
        rows = await self._access.rows(statement, "a look at what came in")
        return {IntakeState(row.state): row.submissions for row in rows}

    async def expire(self, pending_before: datetime, rejected_before: datetime, now: datetime) -> int:
        """Empty what waited too long for its double opt-in, and rejects whose time is over."""
        table = intake_submissions
        kept = table.c.state.in_([IntakeState.REJECTED.value, IntakeState.REPEATED.value])
        full = _full()
        late = update(table).where(_PENDING, table.c.received_at < pending_before)
        old = update(table).where(kept, table.c.received_at < rejected_before, full)
        gone = {"state": IntakeState.EXPIRED.value, "values": {}, "ended_at": now}

        def expire(connection: Connection) -> int:
            expired = connection.execute(late.values(**gone)).rowcount
            return expired + connection.execute(old.values(values={})).rowcount

        return await self._access.write(expire, "what came in and waited too long")

    async def forget(self, person: str) -> int:
        """Empty all that a person sent."""
        return await self._access.write(lambda c: forget_submissions(c, [person]), "what a person sent")


def forget_submissions(connection: Connection, persons: Sequence[str]) -> int:
    """Empty all that persons (keyed hashes of numbers) sent, inside a transaction of the caller's."""
    theirs = and_(intake_submissions.c.person.in_(persons), or_(_full(), _PENDING))
    # What waits for its double opt-in must not become a contact any more.
    state = func.replace(intake_submissions.c.state, IntakeState.PENDING.value, IntakeState.EXPIRED.value)
    done = update(intake_submissions).where(theirs).values(values={}, state=state)
    return connection.execute(done).rowcount


def _full() -> Any:
    """Submissions that hold values still."""
    # PostgreSQL cannot compare JSON, only its text.
    return cast(intake_submissions.c["values"], Text) != "{}"


def form_taken(form: str) -> BadInput:
    """The error for a form whose id is taken."""
    return BadInput("form", f"there is a form {form} already")


def _form(row: Row[Any]) -> IntakeForm:
    values = {name: row._mapping[name] for name in IntakeForm.__slots__}
    return IntakeForm(
        **values | {"campaign": CampaignId(values["campaign"]), "tags": frozenset(values["tags"])}
    )


def _submission(row: Row[Any]) -> Submission:
    values = {name: row._mapping[name] for name in Submission.__slots__}
    return Submission(**values | {"state": IntakeState(values["state"])})
