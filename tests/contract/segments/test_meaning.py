"""SQL and ``matches`` agree on every filter and every contact."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, insert, select
from sqlalchemy.ext.asyncio import create_async_engine

from controller.domain.contact import NewContact
from controller.domain.segment import Filter
from controller.domain.segment_match import Facts, matches
from controller.domain.segment_text import parse_filter
from controller.domain.segment_writing import text_of
from controller.store.contact_rows import contact_values
from controller.store.schema import attempts, contacts
from controller.store.schema_work import dispositions
from controller.store.segment_sql import condition
from controller.store.versions import make_tables

from .generators import NOW, SPRING, comparisons, filters, some_facts
from .rows import blank

EVERYBODY = some_facts(150)


def rows_of(one: Facts) -> dict[str, Any]:
    contact = one.contact
    new = NewContact(
        number=contact.number,
        kind=contact.kind,
        name=contact.name,
        email=contact.email,
        attributes=contact.attributes,
        tags=contact.tags,
        key=contact.key,
        consent=contact.consent,
        habits=contact.habits,
    )
    return contact_values(SPRING, new, "person") | {
        "id": contact.id,
        "campaign": f"campaign {contact.id}",  # so that several may have the same number
        "attempts": contact.attempts,
        "callback_at": contact.callback_at,
        "last_outcome": one.last_outcome.value if one.last_outcome else None,
        "stage": int(one.stage),
    }


def attempt_rows(one: Facts) -> list[dict[str, Any]]:
    """The latest attempt, and one before it that was admitted before but recorded later."""
    if one.last_called is None:
        return []
    key = one.contact.id
    row = blank(attempts) | {"contact": key, "outcome": "busy"}
    return [
        row | {"id": f"{key}-1", "started_at": NOW, "admitted_at": one.last_called.replace(year=2020)},
        row | {"id": f"{key}-2", "started_at": one.last_called, "admitted_at": None},
    ]


def disposition_rows(one: Facts) -> list[dict[str, Any]]:
    if not one.disposition:
        return []
    row = blank(dispositions) | {"contact": one.contact.id}
    return [
        row | {"code": "earlier", "kind": "fax"},
        row | {"code": one.disposition, "kind": one.disposition_kind},
    ]


def store(connection: Connection) -> None:
    """Make the tables, and put everybody into them."""
    make_tables(connection)
    if connection.dialect.name == "postgresql":
        # Rows without the campaigns and calls that they belong to: only the superuser may.
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
    connection.execute(insert(contacts), [rows_of(one) for one in EVERYBODY])
    connection.execute(insert(attempts), [row for one in EVERYBODY for row in attempt_rows(one)])
    connection.execute(insert(dispositions), [row for one in EVERYBODY for row in disposition_rows(one)])
    connection.commit()


def agree(connection: Connection, filter_: Filter) -> None:
    """The database and the domain find the same contacts."""
    statement = select(contacts.c.id).where(condition(filter_, NOW, connection.dialect.name))
    found = set(connection.execute(statement).scalars())
    assert found == {one.contact.id for one in EVERYBODY if matches(filter_, one, NOW)}, text_of(filter_)


@pytest.fixture(scope="module")
def sqlite() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        store(connection)
        yield connection
    engine.dispose()


EDGES = (
    *(
        f"age {relation} {years}"
        for relation in ("=", "<", "<=", ">", ">=")
        for years in (0, 17, 18, 35, 36, 36.5)
    ),
    *(f"age between {ages}" for ages in ("18 and 36", "-5 and 0", "35.5 and 35.6", "36 and 5000")),
    *(f"attributes.debt {asked}" for asked in ("= 100", "< 5", "<= -3", "> 99999999999", "between 1 and 12")),
    *(
        f"attributes.birth_date {asked}"
        for asked in ("on 2008-02-29", "before 1990-03-02", "after 2026-03-02")
    ),
    *(f"birthday {asked}" for asked in ("on today", "within next 1 day", "within last 3 days", "is present")),
    *(
        f"{time} {asked}"
        for time in ("last_called", "callback", "consent_at")
        for asked in (
            "on today",
            "before today",
            "after 1 day ago",
            "between 1 day ago and today",
            "after today",
        )
    ),
    "attributes.città is forlì or attributes.città is Forlì",
    'attributes."[0]" is present and attributes."it\'s" is present',
)
"""Where a day, a year or a digit more or less makes the difference."""


def test_sqlite_draws_the_line_where_the_domain_does(sqlite: Connection) -> None:
    for text in EDGES:
        agree(sqlite, parse_filter(text))
        agree(sqlite, parse_filter(f"not ({text})"))


@settings(deadline=None, max_examples=60)
@given(comparisons())
def test_sqlite_answers_each_question_as_the_domain_does(sqlite: Connection, filter_: Filter) -> None:
    agree(sqlite, filter_)


@settings(deadline=None, max_examples=40)
@given(filters())
def test_sqlite_answers_trees_of_questions_as_the_domain_does(sqlite: Connection, filter_: Filter) -> None:
    agree(sqlite, filter_)


@pytest.mark.postgres
async def test_postgresql_answers_as_the_domain_does(postgres_url: str) -> None:
    engine = create_async_engine(postgres_url)

    def all_agree(connection: Connection) -> None:
        @settings(deadline=None, max_examples=60, database=None)
        @given(st.one_of(comparisons(), filters()))
        def one(filter_: Filter) -> None:
            agree(connection, filter_)

        store(connection)
        for text in EDGES:
            agree(connection, parse_filter(text))
        one()

    async with engine.connect() as connection:
        await connection.run_sync(all_agree)
    await engine.dispose()
