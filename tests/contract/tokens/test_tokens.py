"""What every store of tokens and answers has to do."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from controller.domain.access import Role
from controller.domain.ids import AgentId
from controller.errors import BadInput
from controller.ports.tokens import KEPT, Answer, Earlier, Token
from tests.contract.records.builders import sql

from .conftest import Subject

NOW = datetime(2026, 3, 2, 10, 0, 0, 123456, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
ONE = Token(id="abcdefgh", role=Role.ADMIN, label="Anna's laptop", created_at=NOW)
AGENTS = Token(
    id="bcdefghi",
    role=Role.AGENT,
    agent=AgentId("1001"),
    label="",
    created_at=NOW + SECOND,
    expires_at=NOW + HOUR,
)
DIGEST, OTHER = bytes(range(32)), bytes(32)
REQUEST = b"r" * 32
MADE = Answer(
    status=201, content_type="application/json", location="/api/v1/x", etag='"1"', body=b'{"\xc3\xa0":1}'
)


async def test_tokens_are_found_by_their_digest_alone(subject: Subject) -> None:
    await subject.tokens.add(AGENTS, OTHER)
    await subject.tokens.add(ONE, DIGEST)
    assert await subject.tokens.find(DIGEST) == ONE
    assert await subject.tokens.find(OTHER) == AGENTS
    assert await subject.tokens.find(b"x" * 32) is None
    assert list(await subject.tokens.all()) == [ONE, AGENTS]


@pytest.mark.parametrize(
    ("token", "digest"), [(ONE, OTHER), (replace(ONE, id="zzzzzzzz"), DIGEST)], ids=["id", "digest"]
)
async def test_neither_id_nor_digest_is_given_twice(subject: Subject, token: Token, digest: bytes) -> None:
    await subject.tokens.add(ONE, DIGEST)
    with pytest.raises(BadInput, match="already"):
        await subject.tokens.add(token, digest)
    assert list(await subject.tokens.all()) == [ONE]


async def test_a_token_is_revoked_once_and_for_good(subject: Subject) -> None:
    await subject.tokens.add(ONE, DIGEST)
    assert await subject.tokens.revoke(ONE.id, NOW + SECOND)
    assert not await subject.tokens.revoke(ONE.id, NOW + HOUR)
    assert not await subject.tokens.revoke("nobody", NOW)
    found = await subject.tokens.find(DIGEST)
    assert found == replace(ONE, revoked_at=NOW + SECOND)
    assert not found.valid(NOW)


async def test_the_last_use_never_goes_back(subject: Subject) -> None:
    await subject.tokens.add(ONE, DIGEST)
    await subject.tokens.used(ONE.id, NOW + HOUR)
    await subject.tokens.used(ONE.id, NOW)
    assert await subject.tokens.find(DIGEST) == replace(ONE, last_used_at=NOW + HOUR)


def test_a_token_is_valid_until_it_expires() -> None:
    assert AGENTS.valid(NOW + HOUR - SECOND)
    assert not AGENTS.valid(NOW + HOUR)
    assert ONE.valid(NOW + 1000 * HOUR)


# --- answers ----------------------------------------------------------------------------------------------


async def test_a_key_is_taken_once_and_its_answer_kept(subject: Subject) -> None:
    answers = subject.answers
    assert await answers.begin("t", "k", REQUEST, NOW) is None
    assert await answers.begin("t", "k", REQUEST, NOW) == Earlier(same=True, answer=None)
    await answers.finish("t", "k", MADE)
    assert await answers.begin("t", "k", REQUEST, NOW) == Earlier(same=True, answer=MADE)
    assert await answers.begin("t", "k", OTHER, NOW) == Earlier(same=False, answer=MADE)


async def test_keys_of_different_tokens_are_different(subject: Subject) -> None:
    assert await subject.answers.begin("t", "k", REQUEST, NOW) is None
    assert await subject.answers.begin("u", "k", REQUEST, NOW) is None
    assert await subject.answers.begin("t", "l", REQUEST, NOW) is None


async def test_of_many_at_once_one_gets_the_key(subject: Subject) -> None:
    begun = await asyncio.gather(*(subject.answers.begin("t", "k", REQUEST, NOW) for _ in range(8)))
    assert begun.count(None) == 1


async def test_a_key_given_back_may_be_taken_again(subject: Subject) -> None:
    await subject.answers.begin("t", "k", REQUEST, NOW)
    await subject.answers.release("t", "k")
    assert await subject.answers.begin("t", "k", OTHER, NOW) is None


async def test_answers_are_forgotten_after_a_day(subject: Subject) -> None:
    await subject.answers.begin("t", "k", REQUEST, NOW)
    await subject.answers.finish("t", "k", MADE)
    assert await subject.answers.begin("t", "k", REQUEST, NOW + KEPT - SECOND) is not None
    assert await subject.answers.begin("t", "k", OTHER, NOW + KEPT) is None


async def test_what_was_answered_can_be_forgotten_but_not_that_it_was(subject: Subject) -> None:
    await subject.answers.begin("t", "k", REQUEST, NOW)
    await subject.answers.finish("t", "k", MADE)
    await subject.answers.begin("t", "open", REQUEST, NOW)
    await subject.answers.forget()
    said_nothing = replace(MADE, body=b"")
    assert await subject.answers.begin("t", "k", REQUEST, NOW) == Earlier(same=True, answer=said_nothing)
    assert await subject.answers.begin("t", "open", REQUEST, NOW) == Earlier(same=True, answer=None)


async def test_they_outlive_the_controller(url: str) -> None:
    async with sql(url) as records:
        await records.tokens.add(AGENTS, OTHER)
        await records.answers.begin("t", "k", REQUEST, NOW)
    async with sql(url) as records:
        assert await records.tokens.find(OTHER) == AGENTS
        assert await records.answers.begin("t", "k", REQUEST, NOW) == Earlier(same=True, answer=None)
