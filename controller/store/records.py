"""What lasts, in SQL: SQLite in a file by default, PostgreSQL by URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import (
    Connection,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from controller.domain.answer import Answerer, answer_class
from controller.domain.call import Call
from controller.domain.campaign import Campaign, CampaignState, Override
from controller.domain.clearance import Check, Standing, scopes
from controller.domain.contact import Consent, Contact, NewContact
from controller.domain.ids import E164, CallId, CampaignId, ContactId
from controller.domain.outcome import Outcome
from controller.domain.privacy import NumberKey
from controller.domain.regulation import Regulation
from controller.law import PROFILES
from controller.ports import (
    AttemptEnd,
    AttemptFact,
    CampaignFigures,
    CampaignRow,
    ImportResult,
    ListedContact,
)
from controller.store.access import Access, chunks
from controller.store.call_evidence import answerer_entry, campaign_entry, override_entry, start_entry
from controller.store.evidence import SqlEvidence
from controller.store.evidence_chain import append, take_hold
from controller.store.lists import SqlLists
from controller.store.people import SqlPeople
from controller.store.record_statements import AttemptStatements
from controller.store.record_writer import RecordWriter
from controller.store.records_database import Work, database_for, translated
from controller.store.records_rows import (
    PLACED,
    AttemptRow,
    Recording,
    call_of,
    campaign_row,
    campaign_taken,
    campaign_values,
    check_law,
    contact_of,
    contact_values,
    end_row,
    fact_of,
    listed_of,
    no_such_campaign,
    not_connected,
    select_calls,
    select_contacts,
    select_facts,
    start_row,
    utc_now,
)
from controller.store.schema import (
    DONE,
    IN_FLIGHT,
    PENDING,
    Instant,
    attempts,
    campaigns,
    check_number_key,
    contacts,
    heartbeat,
    make_tables,
    overrides,
)
from controller.store.standing import Standings

_CONTACTS_PER_TIMEOUT = 2000
"""Contacts for which ``add_contacts`` is given once the timeout: a large import is slow, not unreachable."""
_NUMBERS_PER_QUERY = 1000

T = TypeVar("T")

_OF_CAMPAIGN = contacts.c.campaign == bindparam("p_campaign")
_NOW = bindparam("p_now", type_=Instant)
_LIMIT = bindparam("p_limit", type_=Integer)

# Each reads one range of the index contacts_due, in its order.
_WAITING = select_contacts().where(_OF_CAMPAIGN, contacts.c.status == PENDING)
_DUE = _WAITING.where(contacts.c.due_at <= _NOW).order_by(contacts.c.due_at, contacts.c.id).limit(_LIMIT)
_FRESH = _WAITING.where(contacts.c.due_at.is_(None)).order_by(contacts.c.id).limit(_LIMIT)
_LATER = select(func.min(contacts.c.due_at)).where(
    _OF_CAMPAIGN, contacts.c.status == PENDING, contacts.c.due_at > _NOW
)
_LISTED = select_contacts().add_columns(contacts.c.status)
_ID = contacts.c.id
_PUT_OFF = update(contacts).where(
    contacts.c.status != DONE,
    or_(contacts.c.due_at.is_(None), contacts.c.due_at < bindparam("p_until", type_=Instant)),
)
_AT = bindparam("p_at", type_=Instant)
_RENEW_CONSENT = (
    update(contacts)
    .where(
        contacts.c.campaign == bindparam("p_campaign"),
        contacts.c.number == bindparam("p_number"),
        or_(contacts.c.consent_at.is_(None), contacts.c.consent_at < _AT),
    )
    .values(consent_at=_AT, consent_basis=bindparam("p_basis"), consent_source=bindparam("p_source"))
)
_LEFT = select(contacts.c.id).where(_OF_CAMPAIGN, contacts.c.status.in_((PENDING, IN_FLIGHT))).limit(1)


class SqlRecords:
    """``Records`` (controller.ports) in an SQL database.

    Use it as ``async with SqlRecords(url) as records``, or call ``open`` and ``close``. Every method raises
    RecordsUnreachable when the database gives no confirmed answer within the timeout.

    After RecordsUnreachable from ``attempt_started`` the attempt may have been recorded all the same (its
    confirmation came too late); ``attempt_ended`` with FAILED or CANCELLED puts things right in both cases.

    Attributes:
        lists, evidence, people: the ports of compliance, on the same database.
    """

    def __init__(
        self,
        url: str,
        timeout: float = 2.0,
        *,
        number_key: NumberKey,
        controller_id: str = "main",
        linger: float = 0.04,
        profiles: Mapping[str, Regulation] = PROFILES,
    ) -> None:
        """Describe the store.

        Args:
            url: of the database, as ``sqlite+aiosqlite:///path`` or ``postgresql+asyncpg://...``.
            timeout: seconds until a call gives up.
            number_key: under which people are recorded.
            controller_id: whose calls these are; several controllers may share a database.
            linger: seconds an attempt waits for others to share its commit with.
            profiles: regulation profiles by name.

        Raises:
            BadInput: the URL cannot be used.
        """
        self._timeout = timeout
        self._profiles = profiles
        self._database = database_for(url, timeout)
        statements = AttemptStatements(self._database.dialect)
        self._writer: RecordWriter[AttemptRow] = RecordWriter(
            self._database, statements.store, timeout=timeout, linger=linger
        )
        self._key = number_key
        self._controller = controller_id
        access = Access(self._read, self._writer.run, timeout)
        self.lists = SqlLists(access, number_key, self._database.dialect)
        self.evidence = SqlEvidence(access)
        self.people = SqlPeople(access, number_key, self._database.dialect)

    async def open(self) -> None:
        """Make the tables if they are missing and start the writer.

        Raises:
            BadInput: the database belongs to another version of the program.
        """
        self._writer.start()
        try:
            await self._database.open()
            await self._writer.run(make_tables, "its opening")
            await self._writer.run(lambda c: check_number_key(c, self._key), "its opening")
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Write what has been handed in, then close every connection."""
        await self._writer.close()
        await self._database.close(self._timeout)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _read(self, work: Work[T], doing: str) -> T:
        try:
            return await self._database.read(work, self._timeout)
        except Exception as error:
            raise translated(error, doing) from error

    async def _rows(self, statement: Select[Any], doing: str) -> Sequence[Row[Any]]:
        return await self._read(lambda connection: connection.execute(statement).all(), doing)

    async def ping(self) -> None:
        """Raise RecordsUnreachable unless the store takes writes."""

        def beat(connection: Connection) -> None:
            connection.execute(update(heartbeat).values(beats=heartbeat.c.beats + 1))

        await self._writer.run(beat, "a test write")

    # --- campaigns

    async def save_campaign(self, campaign: Campaign) -> None:
        """Store a new campaign as draft."""
        check_law(campaign, self._profiles)

        def save(connection: Connection) -> None:
            now = utc_now()
            try:
                connection.execute(insert(campaigns).values(campaign_values(campaign, now)))
            except IntegrityError as error:
                raise campaign_taken(campaign.id) from error
            append(connection, [campaign_entry(campaign.id, now, state=CampaignState.DRAFT.value)])

        await self._writer.run(save, "a new campaign")

    async def campaign(self, campaign: CampaignId) -> CampaignRow | None:
        """One campaign."""
        rows = await self._rows(select(campaigns).where(campaigns.c.id == campaign), "a look at a campaign")
        return campaign_row(rows[0], self._profiles) if rows else None

    async def campaigns(self) -> Sequence[CampaignRow]:
        """All campaigns, by id."""
        rows = await self._rows(select(campaigns).order_by(campaigns.c.id), "a look at the campaigns")
        return [campaign_row(row, self._profiles) for row in rows]

    async def set_campaign_state(self, campaign: CampaignId, state: CampaignState, reason: str = "") -> None:
        """Record a change of state and why."""

        def change(connection: Connection) -> None:
            statement = update(campaigns).where(campaigns.c.id == campaign)
            if not (connection.execute(statement.values(state=state.value, reason=reason))).rowcount:
                raise no_such_campaign(campaign)
            append(connection, [campaign_entry(campaign, utc_now(), state=state.value, reason=reason)])

        await self._writer.run(change, "a campaign's state")

    async def record_override(self, campaign: CampaignId, override: Override, now: datetime) -> None:
        """Record who lifted a budget, when and why. Append-only."""

        def record(connection: Connection) -> None:
            values = {"campaign": campaign, "author": override.author, "reason": override.reason, "at": now}
            try:
                connection.execute(insert(overrides).values(values))
            except IntegrityError as error:
                raise no_such_campaign(campaign) from error
            append(connection, [override_entry(campaign, override, now)])

        await self._writer.run(record, "an override")

    async def record_start(self, campaign: Campaign, now: datetime) -> None:
        """Record that the campaign is started, under which rules, told in full. Append-only."""
        entry = start_entry(campaign, now)
        await self._writer.run(lambda connection: append(connection, [entry]), "a campaign's start")

    # --- contacts

    async def add_contacts(self, campaign: CampaignId, contacts: Sequence[NewContact]) -> ImportResult:
        """Store contacts in one transaction; numbers the campaign has already are left as they are.

        But for their consent: one that is newer than what is stored takes its place. Give some thousand at a
        time: attempts wait for the transaction.
        """
        timeout = self._timeout * (1 + len(contacts) / _CONTACTS_PER_TIMEOUT)

        def add(connection: Connection) -> ImportResult:
            return _add_contacts(connection, campaign, contacts, self._key)

        return await self._writer.run(add, "new contacts", timeout)

    async def contacts(
        self, campaign: CampaignId, *, after: ContactId | None = None, limit: int = 1000
    ) -> Sequence[ListedContact]:
        """A campaign's contacts by id, from the one after ``after``, ``limit`` at most."""
        statement = _LISTED.where(contacts.c.campaign == campaign).order_by(contacts.c.id).limit(limit)
        if after is not None:
            statement = statement.where(contacts.c.id > after)
        return [listed_of(row) for row in await self._rows(statement, "a look at the contacts")]

    async def contacts_of(self, number: E164) -> Sequence[ListedContact]:
        """Who has this number, in every campaign."""
        person = contacts.c.person == self._key.of(number)
        statement = _LISTED.where(person, contacts.c.erased_at.is_(None)).order_by(contacts.c.id)
        return [listed_of(row) for row in await self._rows(statement, "a look at the contacts")]

    async def standings(
        self, campaign: Campaign, contacts: Sequence[Contact]
    ) -> Mapping[ContactId, Standing]:
        """What the do-not-call lists and the register say of these contacts, now."""
        persons = {contact.id: self._key.of(contact.number) for contact in contacts}
        binding = scopes(campaign.caller, campaign.id)

        def look(connection: Connection) -> dict[ContactId, Standing]:
            found = Standings(connection, persons.values())
            return {contact: found.of(person, binding) for contact, person in persons.items()}

        return await self._read(look, "a look at the lists") if contacts else {}

    async def due_contacts(self, campaign: CampaignId, now: datetime, limit: int) -> Sequence[Contact]:
        """Contacts that may be called now and have no attempt under way, longest due first.

        Those never called (and never postponed) come last, in the order of their import.
        """

        def look(connection: Connection) -> list[Contact]:
            values = {"p_campaign": campaign, "p_now": now, "p_limit": limit}
            rows = list(connection.execute(_DUE, values))
            if len(rows) < limit:
                values = {"p_campaign": campaign, "p_limit": limit - len(rows)}
                rows += connection.execute(_FRESH, values)
            return [contact_of(row) for row in rows]

        return await self._read(look, "a look at the contacts")

    async def next_due(self, campaign: CampaignId, now: datetime) -> datetime | None:
        """When the next contact that is not yet due will be; None if the campaign is done with all.

        ``now`` if no contact waits for a later time but some are due or have an attempt under way.
        """

        def look(connection: Connection) -> datetime | None:
            values = {"p_campaign": campaign, "p_now": now}
            at: datetime | None = connection.scalar(_LATER, values)
            if at is None and connection.scalar(_LEFT, {"p_campaign": campaign}) is not None:
                return now
            return at

        return await self._read(look, "a look at the contacts")

    async def postpone(self, contacts: Sequence[ContactId], until: datetime) -> None:
        """Do not offer the contacts before ``until``; where one is due later already, that stays."""

        def put_off(connection: Connection) -> None:
            # Who changes many contacts takes hold first: else two controllers could each wait for the other.
            take_hold(connection)
            for some in chunks(contacts):
                connection.execute(_PUT_OFF.where(_ID.in_(some)).values(due_at=until), {"p_until": until})

        await self._writer.run(put_off, "postponed contacts")

    # --- attempts

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
        await self._writer.put(end_row(end, self._recording(end.call)), "the end of a call")

    def _recording(self, call: Call) -> Recording:
        return Recording(self._controller, self._key.of(call.contact.number), utc_now())

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

    async def figures(self, campaign: CampaignId) -> CampaignFigures:
        """The campaign's numbers, computed by the database from the attempts."""
        return await self._read(lambda connection: _figures(connection, campaign), "the campaign's figures")


def _add_contacts(
    connection: Connection, campaign: CampaignId, new: Sequence[NewContact], key: NumberKey
) -> ImportResult:
    # A write first: it holds off other imports into this campaign (also from other programs) between our look
    # at the numbers and our insert, and shows whether there is such a campaign.
    touch = update(campaigns).where(campaigns.c.id == campaign).values(state=campaigns.c.state)
    if not (connection.execute(touch)).rowcount:
        raise no_such_campaign(campaign)
    seen: set[str] = set()
    for start in range(0, len(new), _NUMBERS_PER_QUERY):
        numbers = [contact.number for contact in new[start : start + _NUMBERS_PER_QUERY]]
        here = select(contacts.c.number).where(
            contacts.c.campaign == campaign, contacts.c.number.in_(numbers)
        )
        seen.update((connection.execute(here)).scalars())
    fresh: list[dict[str, Any]] = []
    known: list[int] = []
    renewed: list[dict[str, Any]] = []
    for contact in new:
        if contact.number in seen:
            known.append(contact.line)
            if contact.consent is not None:
                renewed.append(_renewal(campaign, contact.number, contact.consent))
            continue
        seen.add(contact.number)
        fresh.append(contact_values(campaign, contact, key.of(contact.number)))
    if fresh:
        connection.execute(insert(contacts), fresh)
    if renewed:
        connection.execute(_RENEW_CONSENT, renewed)
    return ImportResult(stored=len(fresh), known=tuple(known))


def _renewal(campaign: CampaignId, number: E164, consent: Consent) -> dict[str, Any]:
    return {
        "p_campaign": campaign,
        "p_number": number,
        "p_at": consent.given_at,
        "p_basis": consent.basis,
        "p_source": consent.source,
    }


def _figures(connection: Connection, campaign: CampaignId) -> CampaignFigures:
    total, pending = (
        connection.execute(
            select(func.count(), func.count(case((contacts.c.status == PENDING, 1)))).where(
                contacts.c.campaign == campaign
            )
        )
    ).one()
    of_campaign = attempts.c.campaign == campaign
    counts = connection.execute(
        select(attempts.c.outcome, func.count()).where(of_campaign).group_by(attempts.c.outcome)
    )
    by_outcome = {None if name is None else Outcome(name): count for name, count in counts}
    under_way = by_outcome.pop(None, 0)
    bridged = (
        connection.execute(
            select(attempts.c.answered_at, attempts.c.bridged_at, attempts.c.waited)
            .where(of_campaign, attempts.c.outcome == Outcome.CONNECTED.value)
            .where(attempts.c.answered_at.is_not(None), attempts.c.bridged_at.is_not(None))
            .order_by(attempts.c.answered_at, attempts.c.id)
        )
    ).all()
    unattended = [
        (ended - answered).total_seconds()
        for answered, ended in connection.execute(
            select(attempts.c.answered_at, attempts.c.ended_at)
            .where(of_campaign, attempts.c.outcome == Outcome.SILENT.value)
            .where(attempts.c.answered_at.is_not(None), attempts.c.ended_at.is_not(None))
        )
    ]
    return CampaignFigures(
        campaign=campaign,
        contacts=total,
        pending=pending,
        by_outcome={outcome: count for outcome, count in by_outcome.items() if outcome is not None},
        open=under_way,
        rescued=sum(waited for _, _, waited in bridged),
        answer_to_bridge=tuple((at - answered).total_seconds() for answered, at, _ in bridged),
        longest_unattended=max(unattended, default=None),
    )
