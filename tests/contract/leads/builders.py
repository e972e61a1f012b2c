"""What agents note, in both stores."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert, update

from controller.domain.contact import Contact
from controller.domain.funnel import Stage
from controller.domain.ids import CallId, CampaignId, ContactId
from controller.domain.outcome import Outcome
from controller.ports import AttemptEnd
from controller.store.memory_leads import MemoryLeads, Noted
from controller.store.memory_records import MemoryRecords
from controller.store.schema import contacts
from controller.store.schema_work import dispositions
from tests.contract.records.builders import NOW, SPRING, Store, begun, call_to, ended


async def called(
    records: Store, contact: Contact, name: str, at: datetime = NOW, outcome: Outcome = Outcome.CONNECTED
) -> None:
    """A call that is over; the contact may be called again."""
    call = call_to(contact, name, admitted_at=at)
    await begun(records, call)
    over = ended(call, outcome).evolve(admitted_at=at)
    await records.attempt_ended(AttemptEnd(call=over, next_due=at, counts_as_attempt=True))


async def noted(
    records: Store,
    contact: ContactId,
    call: str,
    code: str,
    at: datetime = NOW,
    script: tuple[str, int] = ("", 0),
    campaign: CampaignId = SPRING,
    stage: Stage = Stage.REACHED,
) -> None:
    """A disposition, as if an agent had recorded it."""
    name, version = script
    if isinstance(records, MemoryRecords):
        leads = records.outward.leads
        assert isinstance(leads, MemoryLeads)
        leads.noted.append(
            Noted(
                call=CallId(call),
                contact=contact,
                campaign=campaign,
                code=code,
                at=at,
                script=name,
                script_version=version,
                stage=stage,
            )
        )
        return
    values: dict[str, Any] = {
        "call": call,
        "campaign": campaign,
        "contact": contact,
        "code": code,
        "kind": "lead",
        "stage": int(stage),
        "script": name,
        "script_version": version,
        "answers": {},
        "notes": "",
        "author": "anna",
        "at": at,
        "effect": "final",
        "stage_before": 0,
    }
    known = {column.name for column in dispositions.columns}
    row = {name: value for name, value in values.items() if name in known}
    await records._writer.run(lambda c: c.execute(insert(dispositions).values(**row)), "a test's note")


async def staged(records: Store, contact: ContactId, stage: Stage) -> None:
    """A stage, as a disposition sets it."""
    if isinstance(records, MemoryRecords):
        leads = records.outward.leads
        assert isinstance(leads, MemoryLeads)
        leads.stages[contact] = stage
        return
    change = update(contacts).where(contacts.c.id == contact).values(stage=int(stage))
    await records._writer.run(lambda c: c.execute(change), "a test's stage")
