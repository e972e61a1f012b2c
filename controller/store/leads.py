"""How far contacts came, in SQL: the funnel, counted by the database, and stages set by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Text,
    and_,
    case,
    cast,
    distinct,
    exists,
    func,
    literal,
    or_,
    select,
    type_coerce,
    update,
)

from controller.domain.followup import Recipient
from controller.domain.funnel import By, Funnel, FunnelLine, Stage, StageChange, offsets
from controller.domain.ids import E164, CampaignId, ContactId
from controller.domain.instants import micros
from controller.domain.outcome import Outcome
from controller.errors import BadInput
from controller.ports.compliance import Authorship
from controller.store.access import Access
from controller.store.campaign_rows import no_such_campaign
from controller.store.schema import attempts, campaigns, contact_numbers, contacts
from controller.store.schema_leads import stage_changes
from controller.store.schema_work import dispositions

_PATIENCE = 60
"""Times the store's timeout that counting a campaign of millions may take."""
_HOUR = 3_600_000_000
_MICROSECOND = timedelta(microseconds=1)
_PLACED = func.coalesce(attempts.c.admitted_at, attempts.c.started_at)
_CONNECTED = attempts.c.outcome == Outcome.CONNECTED.value
_BEYOND_REACHED = (Stage.INTERESTED, Stage.LEAD, Stage.CUSTOMER)


class SqlLeads:
    """``Leads`` (controller.ports.leads) in the record store."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def funnel(self, campaign: CampaignId, by: By = By.NOTHING) -> Funnel:
        """A campaign's funnel, counted in one look at the database."""

        def count(connection: Connection) -> Funnel:
            zone = connection.scalar(select(campaigns.c.zone).where(campaigns.c.id == campaign))
            if zone is None:
                raise no_such_campaign(campaign)
            total = _lines(connection, _by_contact(campaign))
            lines: Sequence[FunnelLine] = ()
            if by is By.SEGMENT:
                lines = _lines(connection, _by_contact(campaign, contacts.c.segment))
            elif by is not By.NOTHING:
                lines = _lines(connection, _by_call(connection, campaign, by, ZoneInfo(zone)))
            whole = total[0] if total else FunnelLine(label="", counts=(0, 0, 0, 0, 0))
            return Funnel(campaign=campaign, by=by, total=whole, lines=tuple(lines))

        return await self._access.read(count, "the funnel's count", self._access.timeout * _PATIENCE)

    async def set_stage(
        self, contact: ContactId, stage: Stage, who: Authorship, now: datetime
    ) -> StageChange | None:
        """Set a contact's stage by hand and record it, in one transaction."""

        def change(connection: Connection) -> StageChange | None:
            # A write first: it holds off others between our look and our change.
            touch = update(contacts).where(contacts.c.id == contact).values(stage=contacts.c.stage)
            if not connection.execute(touch).rowcount:
                raise no_such_contact(contact)
            found = select(contacts.c.campaign, contacts.c.stage).where(contacts.c.id == contact)
            campaign, before = connection.execute(found).one()
            if before == stage:
                return None
            connection.execute(update(contacts).where(contacts.c.id == contact).values(stage=int(stage)))
            made = StageChange(
                contact=contact,
                campaign=CampaignId(campaign),
                before=Stage(before),
                after=stage,
                author=who.author,
                reason=who.reason,
                at=now,
            )
            connection.execute(stage_changes.insert().values(**_values(made)))
            return made

        return await self._access.write(change, "a contact's stage")

    async def stage_changes(self, campaign: CampaignId, limit: int = 1000) -> Sequence[StageChange]:
        """Stages that were set by hand, the last ones first."""
        statement = (
            select(stage_changes)
            .where(stage_changes.c.campaign == campaign)
            .order_by(stage_changes.c.id.desc())
            .limit(limit)
        )
        rows = await self._access.rows(statement, "a look at the stages")
        return [
            StageChange(
                contact=ContactId(row.contact),
                campaign=CampaignId(row.campaign),
                before=Stage(row.before),
                after=Stage(row.after),
                author=row.author,
                reason=row.reason,
                at=row.at,
            )
            for row in rows
        ]

    async def recipient(self, contact: ContactId) -> Recipient | None:
        """A contact as mails need it."""

        def look(connection: Connection) -> Recipient | None:
            found = select(
                contacts.c.campaign,
                contacts.c.number,
                contacts.c.name,
                contacts.c.email,
                contacts.c.attributes,
                contacts.c.erased_at,
            ).where(contacts.c.id == contact)
            row = connection.execute(found).one_or_none()
            if row is None:
                return None
            others = select(contact_numbers.c.number).where(contact_numbers.c.contact == contact)
            numbers = {row.number, *connection.execute(others).scalars()}
            return Recipient(
                contact=contact,
                campaign=CampaignId(row.campaign),
                numbers=tuple(E164(number) for number in sorted(numbers)),
                name=row.name,
                email=row.email,
                attributes=row.attributes,
                erased=row.erased_at is not None,
            )

        return await self._access.read(look, "a look at a contact")


def no_such_contact(contact: ContactId) -> BadInput:
    """The error for a contact that is not there."""
    return BadInput("contact", f"there is no contact {contact}")


def _values(change: StageChange) -> dict[str, Any]:
    return {
        "contact": change.contact,
        "campaign": change.campaign,
        "before": int(change.before),
        "after": int(change.after),
        "author": change.author,
        "reason": change.reason,
        "at": change.at,
    }


# --- the funnel ---------------------------------------------------------------------------------------


def _lines(connection: Connection, statement: Select[Any]) -> list[FunnelLine]:
    return [
        FunnelLine(label=str(label), counts=(int(one), int(two), int(three), int(four), int(five)))
        for label, one, two, three, four, five in connection.execute(statement)
    ]


def _by_contact(campaign: CampaignId, label: ColumnElement[Any] | None = None) -> Select[Any]:
    # Not a join: SQLite would look through the whole list of those spoken to for each contact.
    spoken = select(attempts.c.contact).where(attempts.c.campaign == campaign, _spoken())
    reached = or_(contacts.c.stage >= int(Stage.REACHED), contacts.c.id.in_(spoken))
    counts = (
        func.count(),
        func.sum(case((reached, 1), else_=0)),
        *(func.sum(case((contacts.c.stage >= int(stage), 1), else_=0)) for stage in _BEYOND_REACHED),
    )
    mine = contacts.c.campaign == campaign
    if label is None:
        return select(literal(""), *counts).where(mine).having(func.count() > 0)
    return select(label, *counts).where(mine).group_by(label).order_by(label)


def _by_call(connection: Connection, campaign: CampaignId, by: By, zone: ZoneInfo) -> Select[Any]:
    """Lines of calls, of which the last in which an agent spoke to the contact decides what came of it."""
    wanted = and_(attempts.c.campaign == campaign, attempts.c.outcome.is_not(None))
    found: FromClause = attempts.join(contacts, contacts.c.id == attempts.c.contact)
    if by is By.HOUR:
        label = _hour(connection, campaign, zone)
    else:
        found = found.outerjoin(dispositions, _holds())
        label = func.coalesce(_script() if by is By.SCRIPT else dispositions.c.code, "")
        wanted = and_(wanted, or_(_CONNECTED, dispositions.c.id.is_not(None)))
    mine = select(attempts.c.contact, label.label("label")).select_from(found).where(wanted)
    each = mine.distinct().cte("each")
    called = select(each.c.label, func.count().label("contacts")).group_by(each.c.label).cte("called")
    place = func.row_number().over(
        partition_by=attempts.c.contact, order_by=(_PLACED.desc(), attempts.c.id.desc())
    )
    talks = mine.add_columns(contacts.c.stage, place.label("place")).where(_spoken()).cte("talks")
    came = (
        func.sum(case((and_(talks.c.place == 1, talks.c.stage >= int(stage)), 1), else_=0)).label(stage.word)
        for stage in _BEYOND_REACHED
    )
    reached = func.count(distinct(talks.c.contact)).label("reached")
    spoke = select(talks.c.label, reached, *came).group_by(talks.c.label).cte("spoke")
    counts = (func.coalesce(count, 0) for count in list(spoke.columns)[1:])
    return (
        select(called.c.label, called.c.contacts, *counts)
        .select_from(called.outerjoin(spoke, spoke.c.label == called.c.label))
        .order_by(called.c.label)
    )


def _spoken() -> ColumnElement[bool]:
    """In an attempt an agent spoke to the contact, not to a machine, a fax or somebody else who picked up."""
    said, later = dispositions.alias("other"), dispositions.alias("later")
    corrected = exists().where(later.c.call == said.c.call, later.c.id > said.c.id)
    to_nobody = exists().where(
        said.c.call == attempts.c.id, said.c.stage < int(Stage.REACHED), ~corrected.correlate(said)
    )
    return and_(_CONNECTED, ~to_nobody.correlate(attempts))


def _holds() -> ColumnElement[bool]:
    """The disposition that holds of an attempt: its last."""
    said = dispositions.alias("said")
    last = select(func.max(said.c.id)).where(said.c.call == attempts.c.id).scalar_subquery()
    return and_(dispositions.c.call == attempts.c.id, dispositions.c.id == last)


def _script() -> ColumnElement[Any]:
    named = dispositions.c.script + literal(" v") + cast(dispositions.c.script_version, Text)
    return case((dispositions.c.script == "", ""), else_=named)


def _hour(connection: Connection, campaign: CampaignId, zone: ZoneInfo) -> ColumnElement[Any]:
    """The hour by the zone's clock, as two digits. No database has to know what a time zone is."""
    first, last = connection.execute(
        select(func.min(_PLACED), func.max(_PLACED)).where(attempts.c.campaign == campaign)
    ).one()
    if first is None:
        return literal("")
    instant = type_coerce(_PLACED, BigInteger)
    steps = [
        (instant >= micros(since), offset // _MICROSECOND) for since, offset in offsets(zone, first, last)
    ]
    offset = case(*reversed(steps), else_=0)
    hour = ((instant + offset) // _HOUR) % 24
    return case((hour < 10, literal("0") + cast(hour, Text)), else_=cast(hour, Text))
