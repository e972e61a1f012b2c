"""Contacts that agents skipped: noted once, listed in order, shown to whom they are about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.domain.ids import AgentId, CallId, CampaignId, ContactId
from controller.domain.preview import Skip
from controller.errors import BadInput
from tests.contract.records.builders import HOUR, NOW, SPRING, Store, with_contacts

from .builders import ANNA_1001

BEA = AgentId("1002")


async def skipped(records: Store) -> list[Skip]:
    """Three skips of two contacts by two agents, two of them at the same instant."""
    ada, bob = await with_contacts(records, 2)
    first = Skip(
        offer=CallId("b"),
        campaign=SPRING,
        contact=ada.id,
        agent=ANNA_1001,
        reason="wrong-person",
        at=NOW,
    )
    done = [
        first,
        replace(first, offer=CallId("c"), contact=bob.id, agent=BEA, reason=""),
        replace(first, offer=CallId("a"), agent=BEA, at=NOW + HOUR),
    ]
    for skip in reversed(done):
        await records.work.skipped(skip)
    return done


async def test_they_are_listed_in_order(records: Store) -> None:
    first, second, third = await skipped(records)
    assert list(await records.work.skips(SPRING)) == [first, second, third]
    assert list(await records.work.skips(SPRING, agent=BEA)) == [second, third]
    assert list(await records.work.skips(SPRING, limit=1)) == [first]
    assert list(await records.work.skips(SPRING, after=(first.at, first.offer))) == [second, third]
    assert list(await records.work.skips(SPRING, after=(second.at, second.offer))) == [third]
    assert list(await records.work.skips(CampaignId("autumn"))) == []


async def test_said_again_it_changes_nothing(records: Store) -> None:
    first, second, third = await skipped(records)
    await records.work.skipped(replace(first, reason="another"))
    assert list(await records.work.skips(SPRING)) == [first, second, third]


async def test_nobody_skips_who_is_not_there(records: Store) -> None:
    first, *_ = await skipped(records)
    with pytest.raises(BadInput, match="no contact"):
        await records.work.skipped(replace(first, offer=CallId("d"), contact=ContactId(10**9)))


async def test_a_person_is_shown_them(records: Store) -> None:
    first, *_ = await skipped(records)
    (ada, *_) = await records.contacts_by_id([first.contact])
    found = await records.people.person(ada.contact.number)
    assert [(each["agent"], each["reason"]) for each in found.skips] == [
        ("1001", "wrong-person"),
        ("1002", "wrong-person"),
    ]
