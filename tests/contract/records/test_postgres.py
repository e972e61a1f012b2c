"""What only a server does: it is shared, it locks rows, it goes away."""

from __future__ import annotations

import asyncio
import time

import pytest
from asyncpg.exceptions import PostgresError

from controller.domain.ids import CallId
from controller.domain.outcome import Outcome
from controller.engine.verification import Verifier
from controller.errors import RecordsUnreachable
from tests.contract.postgres import Postgres

from .builders import NOW, SPRING, admitted, begun, call_to, campaign, end, new_contact, sql, with_contacts

pytestmark = pytest.mark.postgres


async def test_two_controllers_share_it(postgres_url: str) -> None:
    async with (
        sql(postgres_url, timeout=10, controller_id="one") as one,
        sql(postgres_url, timeout=10, controller_id="two") as two,
    ):
        contacts = await with_contacts(one, 60)
        answers = await asyncio.gather(
            *(one.attempt_started(call_to(each, f"one-{each.id}"), campaign()) for each in contacts[:40]),
            *(two.attempt_started(call_to(each, f"two-{each.id}"), campaign()) for each in contacts[20:]),
            two.add_contacts(SPRING, [new_contact(number) for number in range(50, 90)]),
            one.postpone([each.id for each in contacts], NOW),
            two.postpone([each.id for each in reversed(contacts)], NOW),
        )
        refused = [answer for answer in answers[:80] if answer is not None]
        assert len(refused) == 20  # those whom both wanted: one of the two got each
        figures = await one.figures(SPRING)
        assert (figures.contacts, figures.open) == (90, 60)
        assert len(await one.open_attempts()) + len(await two.open_attempts()) == 60
        assert (await Verifier(two.evidence, two).verify()).whole


async def test_the_same_end_said_by_two(postgres_url: str) -> None:
    async with sql(postgres_url, timeout=10) as one, sql(postgres_url, timeout=10) as two:
        (contact,) = await with_contacts(one, 1)
        call = admitted(contact)
        await begun(one, call)
        over = end(call, Outcome.SILENT, NOW, counts=False)
        await asyncio.gather(*(store.attempt_ended(over) for store in (one, two, one, two)))
        found = await two.attempt(CallId("call-1"))
        assert found is not None
        assert (found.outcome, found.contact.operator_due) == (Outcome.SILENT, True)
        assert (await Verifier(two.evidence, two).verify()).whole


async def test_locked_by_somebody_else(postgres: Postgres, postgres_url: str) -> None:
    async with sql(postgres_url, timeout=0.5) as records:
        (contact,) = await with_contacts(records, 1)
        other = await postgres.connect()
        async with other.transaction():
            await other.execute("LOCK TABLE contacts, evidence_head IN EXCLUSIVE MODE")
            began = time.monotonic()
            with pytest.raises(RecordsUnreachable) as raised:
                await begun(records, call_to(contact))
            assert time.monotonic() - began < 3
            assert contact.number not in str(raised.value)
            assert await records.due_contacts(SPRING, NOW, 1) == [contact]  # reading goes on
        await other.close()
        await records.ping()


async def test_connections_that_break_are_made_anew(postgres: Postgres, postgres_url: str) -> None:
    async with sql(postgres_url, timeout=10) as records:
        (contact,) = await with_contacts(records, 1)
        other = await postgres.connect()
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        await other.close()
        with pytest.raises(RecordsUnreachable):
            await records.ping()
        await records.ping()
        await begun(records, call_to(contact))


async def test_the_server_itself_refuses_to_change_the_evidence(
    postgres: Postgres, postgres_url: str
) -> None:
    async with sql(postgres_url, timeout=10) as records:
        await with_contacts(records, 1)
    other = await postgres.connect()
    for statement in ("UPDATE evidence SET body = ''", "DELETE FROM evidence", "TRUNCATE evidence"):
        with pytest.raises(PostgresError, match="append-only"):
            await other.execute(statement)
    await other.close()


async def test_a_server_that_is_not_there() -> None:
    with pytest.raises(RecordsUnreachable) as raised:
        await sql("postgresql+asyncpg://records:secret@127.0.0.1:1/records").open()
    assert "secret" not in str(raised.value)
