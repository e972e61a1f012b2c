"""A million contacts in one campaign: how long a segment is counted, how soon its next contacts are found."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Table, create_engine, insert, text
from sqlalchemy.ext.asyncio import create_async_engine

from controller.domain.contact import Consent, Habits, NewContact
from controller.domain.ids import E164, CampaignId
from controller.domain.privacy import NumberKey
from controller.domain.segment_areas import AREA_CODES
from controller.domain.segment_text import parse_filter
from controller.law import IT_GARANTE_2014
from controller.store.contact_rows import contact_values
from controller.store.records import SqlRecords
from controller.store.schema import DONE, attempts, campaigns, contacts
from controller.store.schema_work import dispositions
from tests.contract import postgres
from tests.contract.segments.rows import blank

COUNT: Final = 1_000_000
LIMIT: Final = 200
"""Contacts that the dialer reads ahead at a time."""
REPEATS: Final = 3

_CAMPAIGN: Final = CampaignId("bench")
_BATCH: Final = 20_000
_TIMEOUT: Final = 20.0
_PROVINCES: Final = ("MI", "RM", "TO", "NA", "PA", "GE", "BO", "FI", "BA", "CT", *tuple(AREA_CODES)[:10])
_OUTCOMES: Final = ("busy", "no-answer", "connected", "unreachable")
_NOW: Final = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Europe/Rome"))

FILTERS: Final = (
    "everybody",
    "number starts with +3902",
    "area in (MI, RM)",
    "province is MI",
    "name contains rossi",
    "attributes.debt >= 900",
    "age between 18 and 35",
    "birthday within next 7 days",
    "tags has vip",
    "attempts = 0",
    "last_outcome is busy",
    "last_called before 5 days ago",
    "disposition_kind is lead",
    "province in (MI, RM) and attributes.debt >= 500 and not tags has vip and last_outcome is busy",
    "key is K00999999",
)
"""What is counted: each kind of question, a usual filter, and one that a single contact matches."""

DUE: Final = (FILTERS[0], FILTERS[3], FILTERS[-2], FILTERS[-1])
"""What contacts are read ahead for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A filter and what it took.

    Attributes:
        count: contacts that match.
        seconds: of the quickest of several counts: the first fills caches, and others may use the machine.
        cpu: seconds of our own process for that; SQLite works in it, PostgreSQL does not.
        due: seconds until the next contacts were found; None where that was not measured.
    """

    filter: str
    count: int
    seconds: float
    cpu: float
    due: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What came of it on one database."""

    database: str
    contacts: int
    questions: Sequence[Question]


def summary(measured: Sequence[Measured]) -> list[str]:
    """The answers, one a line."""
    return [line for one in measured for line in _lines(one)]


def _lines(measured: Measured) -> list[str]:
    return [
        f"{measured.database}, {measured.contacts:,} contacts: count, its CPU, next {LIMIT}, matching",
        *(
            f"{question.seconds * 1000:7.0f} ms {question.cpu * 1000:7.0f} ms "
            + (f"{question.due * 1000:9.1f} ms" if question.due is not None else " " * 12)
            + f" {question.count:>9,}  {question.filter}"
            for question in measured.questions
        ),
    ]


def as_dict(measured: Sequence[Measured]) -> dict[str, Any]:
    """For machines, by database."""
    return {one.database: asdict(one) for one in measured}


async def measure(count: int = COUNT) -> list[Measured]:
    """Fill databases of our own, and ask them: SQLite, and PostgreSQL where its programs are."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        found = [await _measure("SQLite", count, f"sqlite+aiosqlite:///{Path(folder) / 'records.db'}")]
    if postgres.programs() is not None:
        with postgres.running() as server:
            found.append(await _measure("PostgreSQL", count, server.url()))
    return found


async def _measure(database: str, count: int, url: str) -> Measured:
    key = NumberKey(bytes(range(32)))
    async with SqlRecords(url, timeout=_TIMEOUT, number_key=key) as records:
        await _fill(url, count)
        questions = [await _ask(records, filter_) for filter_ in FILTERS]
    return Measured(database=database, contacts=count, questions=questions)


async def _ask(records: SqlRecords, written: str) -> Question:
    filter_, found, times = parse_filter(written), 0, []
    for _ in range(REPEATS):
        began, used = time.perf_counter(), time.process_time()
        found = await records.segments.count(filter_, _CAMPAIGN, _NOW)
        times.append((time.perf_counter() - began, time.process_time() - used))
    seconds, cpu = min(times)
    due = None
    if written in DUE:
        looks = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            await records.segments.due(filter_, _CAMPAIGN, _NOW, LIMIT)
            looks.append(time.perf_counter() - began)
        due = min(looks)
    return Question(filter=written, count=found, seconds=seconds, cpu=cpu, due=due)


# --- contacts -------------------------------------------------------------------------------------------


async def _fill(url: str, count: int) -> None:
    if url.startswith("sqlite"):
        with create_engine(url.replace("+aiosqlite", "")).connect() as connection:
            _write(connection, count)
        return
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        await connection.run_sync(_write, count)
    await engine.dispose()


def _write(connection: Connection, count: int) -> None:
    """A list as it is after some days: a third was called, a few are done."""
    connection.execute(insert(campaigns), blank(campaigns) | {"id": _CAMPAIGN, "law": IT_GARANTE_2014.name})
    connection.commit()
    tables: tuple[tuple[Table, Callable[[int], Iterator[dict[str, Any]]]], ...] = (
        (contacts, _contact),
        (attempts, _attempt),
        (dispositions, _disposition),
    )
    for first in range(1, count + 1, _BATCH):
        keys = range(first, min(first + _BATCH, count + 1))
        for table, rows in tables:
            if batch := [row for key in keys for row in rows(key)]:
                connection.execute(insert(table), batch)
        connection.commit()
    connection.execute(text("ANALYZE"))
    connection.commit()


def _contact(key: int) -> Iterator[dict[str, Any]]:
    number = f"+39{('02', '06', '011', '347')[key % 4]}{key:07}"
    contact = NewContact(
        number=E164(number),
        name=f"{('Mario', 'Anna', 'Luca')[key % 3]} {('Rossi', 'Bianchi', 'Ferrari', 'Russo')[key // 3 % 4]}",
        email=f"contact{key}@example.com",
        attributes={
            "first_name": ("Mario", "Anna", "Luca")[key % 3],
            "province": _PROVINCES[key * 7 % len(_PROVINCES)],
            "postal_code": f"{key * 37 % 100_000:05}",
            "birth_date": f"{1940 + key % 66}-{key % 12 + 1:02}-{key % 28 + 1:02}",
            "debt": f"{key * 13 % 1000}.{key % 10}",
        },
        tags=frozenset({"vip"} if key % 50 == 0 else {"spring", "web"} if key % 3 == 0 else ()),
        key=f"K{key:08}",
        consent=Consent(basis="consent", source="form", given_at=_NOW - timedelta(days=key % 900)),
        habits=Habits(segment=("private", "business")[key % 2]),
    )
    called = key % 3 == 0
    yield contact_values(_CAMPAIGN, contact, f"{key:032x}") | {
        "id": key,
        "attempts": int(called),
        "last_outcome": _OUTCOMES[key // 3 % 4] if called else None,
        "status": DONE if key % 12 == 0 else "pending",
        "due_at": _NOW + timedelta(minutes=key % 1000 - 500) if called else None,
    }


def _attempt(key: int) -> Iterator[dict[str, Any]]:
    if key % 3 == 0:
        at = (_NOW - timedelta(days=key % 20)).astimezone(UTC)
        fixed = {"id": f"a{key}", "contact": key, "campaign": _CAMPAIGN, "started_at": at}
        yield blank(attempts) | fixed | {"outcome": _OUTCOMES[key // 3 % 4]}


def _disposition(key: int) -> Iterator[dict[str, Any]]:
    if key % 12 == 6:
        said = {"code": "lead" if key % 24 == 6 else "not-interested", "call": f"a{key}", "contact": key}
        yield blank(dispositions) | said | {"kind": said["code"], "campaign": _CAMPAIGN}
