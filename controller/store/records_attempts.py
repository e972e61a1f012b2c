"""Attempts and what became of them, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    and_,
    bindparam,
    or_,
    select,
    update,
)

from controller.domain.answer import Answerer, answer_class
from controller.domain.call import Call
from controller.domain.campaign import Campaign
from controller.domain.clearance import Check
from controller.domain.ids import CallId, CampaignId
from controller.domain.outcome import Outcome
from controller.ports import (
    AttemptEnd,
    AttemptFact,
)
from controller.store.attempt_rows import (
    PLACED,
    Recording,
    call_of,
    end_row,
    fact_of,
    not_connected,
    select_calls,
    select_facts,
    select_recent,
    start_row,
    utc_now,
)
from controller.store.call_evidence import answerer_entry
from controller.store.evidence_chain import append, take_hold
from controller.store.records_base import RecordsBase
from controller.store.schema import (
    Instant,
    attempts,
)


class AttemptRecords(RecordsBase):
    """The part of ``Records`` (controller.ports) that concerns attempts."""

    async def attempt_started(
        self, call: Call, campaign: Campaign, checks: Sequence[Check] = ()
    ) -> Check | None:
        """Record the attempt; returns when it is durable. Before that nothing is dialed.

        Returns the check that failed where it must not be: then nothing was recorded.
        """
        row = start_row(call, campaign, checks, self._recording(call))
        failed: Check | None = await self._writer.put(row, "the start of a call")
        return failed

    async def attempt_ended(self, end: AttemptEnd) -> None:
        """Record how it ended; returns when it is durable. Saying it twice changes nothing."""
        await self._writer.put(end_row(end, self._recording(end.call), self._key), "the end of a call")

    def _recording(self, call: Call) -> Recording:
        person, *others = (self._key.of(number) for number in call.contact.every_number)
        return Recording(self._controller, person, utc_now(), tuple(others))

    async def attempt(self, call: CallId) -> Call | None:
        """An attempt as recorded, with its contact as it is now."""
        found = await self._calls(select_calls().where(attempts.c.id == call))
        return found[0] if found else None

    async def open_attempts(self) -> Sequence[Call]:
        """Attempts of this controller recorded as started and not ended, oldest first."""
        mine = attempts.c.controller == self._controller
        return await self._calls(
            select_calls()
            .where(attempts.c.outcome.is_(None), mine)
            .order_by(attempts.c.started_at, attempts.c.id)
        )

    async def _calls(self, statement: Select[Any]) -> Sequence[Call]:
        return [call_of(row) for row in await self._rows(statement, "a look at the attempts")]

    async def facts(
        self, campaign: CampaignId, *, after: tuple[datetime, str] | None = None, limit: int = 10_000
    ) -> Sequence[AttemptFact]:
        """Attempts in the order of (placed, call), from the one after ``after``, ``limit`` at most."""
        statement = (
            select_facts().where(attempts.c.campaign == campaign).order_by(PLACED, attempts.c.id).limit(limit)
        )
        if after is not None:
            placed = bindparam("p_placed", after[0], type_=Instant)
            statement = statement.where(
                or_(placed < PLACED, and_(placed == PLACED, attempts.c.id > after[1]))
            )
        return [fact_of(row) for row in await self._rows(statement, "a look at the attempts")]

    async def recent_facts(
        self, campaign: CampaignId, limit: int, *, since: datetime, before: datetime | None = None
    ) -> Sequence[AttemptFact]:
        """The latest attempts that are over, of those admitted from ``since`` on, latest first."""
        statement = select_recent(campaign, limit, since, before)
        return [fact_of(row) for row in await self._rows(statement, "a look at the attempts")]

    async def answered_by(self, call: CallId, answerer: Answerer, author: str, now: datetime) -> None:
        """Record who picked up, as the agent said."""

        def change(connection: Connection) -> None:
            take_hold(connection)
            row = connection.execute(select_calls().where(attempts.c.id == call)).one_or_none()
            if row is None or (known := call_of(row)).outcome is not Outcome.CONNECTED:
                raise not_connected(call)
            answered = answer_class(known, answerer)
            values = {"answerer": answerer.value, "answer_class": answered.value if answered else None}
            connection.execute(update(attempts).where(attempts.c.id == call).values(values))
            person = connection.scalar(select(attempts.c.person).where(attempts.c.id == call)) or ""
            append(connection, [answerer_entry(known, person, answerer, author, now)])

        await self._writer.run(change, "who picked up")
