"""What only a real server can do: die, freeze, be full, be a replica, hold what people wrote."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from redis.crc import key_slot

from controller.domain.ids import E164, CampaignId
from controller.domain.outcome import Outcome
from controller.errors import BadInput, RedisUnreachable
from controller.ports import Admission, ManualSuppression
from controller.store import keys
from controller.store.ledger import RedisLedger
from lab.redis import Redis
from tests.contract.ledger.subjects import (
    KEY,
    NUMBER,
    OTHER_NUMBER,
    RedisSubject,
    campaign,
    exposure,
    new_call,
    new_caller,
    wish,
)


@asynccontextmanager
async def setting(subject: RedisSubject, **changed: str) -> AsyncIterator[None]:
    names = {name.replace("_", "-"): value for name, value in changed.items()}
    before = {name: (await subject.raw.config_get(name))[name] for name in names}
    for name, value in names.items():
        await subject.raw.config_set(name, value)
    try:
        yield
    finally:
        for name, old in before.items():
            await subject.raw.config_set(name, str(old))


async def test_the_labs_server_is_fit(redis_subject: RedisSubject) -> None:
    ledger = await redis_subject.ledger()
    await ledger.open()
    await ledger.ping()
    assert await ledger.check() == []
    assert 0 < await redis_subject.raw.ttl(keys.PING) <= 60


async def test_complaints_about_a_server_that_loses_keys(redis_subject: RedisSubject) -> None:
    ledger = await redis_subject.ledger()
    async with setting(redis_subject, maxmemory_policy="volatile-lru", maxmemory="100mb", appendonly="no"):
        eviction, persistence = await ledger.check()
    assert "volatile-lru" in eviction
    assert "loses everything" in persistence
    async with setting(redis_subject, appendfsync="no"):
        [fsync] = await ledger.check()
    assert "appendfsync is no" in fsync


async def test_a_server_that_refuses_to_tell(redis_server: Redis, redis_subject: RedisSubject) -> None:
    await redis_subject.raw.acl_setuser(
        "meek", enabled=True, passwords=["+pw"], keys=["*"], commands=["+@all", "-config"]
    )
    meek = RedisLedger(
        redis_server.url.replace("redis://:", "redis://meek:").replace(_password(redis_server), "pw"),
        "x",
        number_key=KEY,
    )
    try:
        [complaint] = await meek.check()
        assert "cannot verify" in complaint
        await meek.ping()
    finally:
        await meek.aclose()
        await redis_subject.raw.acl_deluser("meek")


def _password(server: Redis) -> str:
    return server.url.removeprefix("redis://:").partition("@")[0]


async def test_a_full_server_takes_nothing_or_all(redis_subject: RedisSubject) -> None:
    ledger, one = await redis_subject.ledger(), campaign(new_caller())
    async with setting(redis_subject, maxmemory="1"):
        with pytest.raises(RedisUnreachable, match="full"):
            await ledger.ping()
        with pytest.raises(RedisUnreachable, match="full"):
            await ledger.admit(wish(one, new_call()))
    assert await ledger.suppression(one.caller, NUMBER) is None
    assert await ledger.flights(one.caller) == []


async def test_a_replica_is_refused(redis_subject: RedisSubject) -> None:
    ledger = await redis_subject.ledger()
    await redis_subject.raw.execute_command("REPLICAOF", "127.0.0.1", "1")  # type: ignore[no-untyped-call]
    try:
        with pytest.raises(RedisUnreachable, match="replica"):
            await ledger.ping()
        [complaint] = await ledger.check()
        assert "replica" in complaint
    finally:
        await redis_subject.raw.execute_command("REPLICAOF", "NO", "ONE")  # type: ignore[no-untyped-call]


async def test_wrong_password(redis_server: Redis) -> None:
    ledger = RedisLedger(redis_server.url.replace(_password(redis_server), "wrong"), "x", number_key=KEY)
    with pytest.raises(RedisUnreachable, match="password"):
        await ledger.ping()
    await ledger.aclose()


async def test_nobody_there() -> None:
    ledger = RedisLedger("redis://127.0.0.1:1/0", "x", number_key=KEY)
    for ask in (ledger.open, ledger.ping, ledger.check):
        with pytest.raises(RedisUnreachable):
            await ask()
    await ledger.aclose()


def test_a_url_that_is_none() -> None:
    with pytest.raises(BadInput):
        RedisLedger("127.0.0.1:6379", "x", number_key=KEY)


async def test_a_frozen_server_does_not_hold_anybody_up(
    redis_server: Redis, redis_subject: RedisSubject
) -> None:
    ledger, one = await redis_subject.ledger(timeout=0.2), campaign(new_caller())
    await redis_subject.grant(one, 67)
    asked = wish(one, new_call(), covered=False)
    await ledger.ping()
    redis_server.freeze()
    try:
        began = time.monotonic()
        # More than there are connections: those who wait for one have the same deadline.
        answers = await asyncio.gather(
            ledger.admit(asked), *(ledger.report(one, exposure(1)) for _ in range(40)), return_exceptions=True
        )
        assert all(isinstance(answer, RedisUnreachable) for answer in answers)
        assert time.monotonic() - began < 1.0
    finally:
        redis_server.thaw()
    # The connections that timed out are gone; nobody gets an answer that was meant for another.
    budgets = await asyncio.gather(*(ledger.budget(one) for _ in range(40)))
    assert {budget.successes for budget in budgets} == {67}
    # The wish may have arrived after the thaw. Asking again is answered as if it had not been asked.
    assert (await ledger.admit(asked)).admission is Admission.ADMITTED


async def test_a_cancelled_operation_leaves_no_answer_behind(redis_subject: RedisSubject) -> None:
    ledger, one = await redis_subject.ledger(), campaign(new_caller())
    await redis_subject.grant(one, 5)
    for pause in range(30):
        task = asyncio.create_task(ledger.suppressions(one.caller))
        await asyncio.sleep(pause / 30_000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert (await ledger.budget(one)).successes == 5


async def test_scripts_are_loaded_again_after_they_were_lost(redis_subject: RedisSubject) -> None:
    ledger, one = await redis_subject.ledger(), campaign(new_caller())
    await ledger.open()
    await redis_subject.raw.script_flush()
    assert (await ledger.admit(wish(one, new_call()))).admission is Admission.ADMITTED
    await redis_subject.raw.script_flush()
    assert (await ledger.budget(one)).exposed == 0


async def test_everything_survives_a_crash_of_the_server(
    redis_server: Redis, redis_subject: RedisSubject
) -> None:
    ledger, one = await redis_subject.ledger(), campaign(new_caller())
    await redis_subject.grant(one, 67)
    call = new_call()
    await ledger.admit(wish(one, call, covered=False))
    # A slow disk makes the server answer before it has written; then a crash would lose this.
    for _ in range(300):
        if not (await redis_subject.raw.info("persistence"))["aof_buffer_length"]:
            break
        await asyncio.sleep(0.01)
    redis_server.kill()
    with pytest.raises(RedisUnreachable):
        await ledger.ping()
    redis_server.start()
    verdict = await ledger.admit(wish(one, new_call()))
    assert verdict.admission is Admission.SUPPRESSED
    assert verdict.in_flight
    assert (verdict.budget.successes, verdict.budget.exposed) == (67, 1)
    assert [mark.call for mark in await ledger.flights(one.caller)] == [call]
    assert await redis_subject.lifetime(one.caller) > 432_000_000


@pytest.mark.parametrize("text", ["asked not to be called", '{"call": 5}', "[1]", "7", '{"call": "nobody"}'])
async def test_a_key_set_by_hand_is_obeyed(redis_subject: RedisSubject, text: str) -> None:
    ledger, one = await redis_subject.ledger(), campaign(new_caller())
    await redis_subject.raw.set(keys.suppress(one.caller, NUMBER), text)
    verdict = await ledger.admit(wish(one, new_call(), guaranteed=True))
    assert verdict.admission is Admission.SUPPRESSED
    assert not verdict.in_flight
    assert verdict.free_in == 432_000
    held = await ledger.suppression(one.caller, NUMBER)
    assert held is not None
    assert (held.reason, held.expires_in) == (text, -1)


async def test_of_an_erased_person_nothing_is_left(redis_subject: RedisSubject) -> None:
    ledger, one = await redis_subject.ledger(), campaign(new_caller())
    call, now = new_call(), datetime.now(UTC)
    await ledger.admit(wish(one, call))
    await ledger.close(call, one, NUMBER, Outcome.SILENT, timedelta(0), exposure(), now)
    who = ManualSuppression(author="anna", reason="Mario Rossi asked", since=now)
    await ledger.suppress(one.caller, NUMBER, who)
    await redis_subject.raw.set(keys.suppress(one.caller, OTHER_NUMBER), "Rossi's other one", px=60_000)
    for number in (NUMBER, OTHER_NUMBER):
        assert await ledger.forget(one.caller, number)
    space, said = keys.flights(one.caller).removesuffix("flights"), dict[str, str]()
    readers: dict[bytes | str, str] = {b"string": "GET", b"hash": "HGETALL", b"set": "SMEMBERS"}
    async for key in redis_subject.raw.scan_iter():
        if key.decode().startswith(space):
            reader = readers[await redis_subject.raw.type(key)]
            said[key.decode()] = str(await redis_subject.raw.execute_command(reader, key))  # type: ignore[no-untyped-call]
    assert call in str(said)
    for personal in (NUMBER, OTHER_NUMBER, "Rossi", "anna"):
        assert personal not in str(said)
    held = await ledger.suppression(one.caller, OTHER_NUMBER)
    assert held is not None
    assert 0 < held.expires_in <= 60


async def test_the_keys_of_other_callers_are_not_found(redis_subject: RedisSubject) -> None:
    ledger = await redis_subject.ledger()
    for odd in ("*", "a*", "a[b]", "{a}", "a}:suppress:b"):
        await ledger.admit(wish(campaign(odd), new_call(), E164("+3902" + str(len(odd)) * 8)))
    assert len(await ledger.suppressions("*")) == 1


@pytest.mark.parametrize("caller", ["Rossi S.p.A.", "{a}", "a}b", "}", "{", "è"])
def test_keys_of_a_caller_share_a_slot(caller: str) -> None:
    names = [
        keys.suppress(caller, NUMBER),
        keys.suppress(caller, keys.alias(KEY.of(NUMBER))),
        keys.barred(caller, NUMBER),
        keys.operator_due(caller),
        keys.budget(caller, CampaignId("spring")),
        keys.exposed(caller, CampaignId("spring")),
        keys.flights(caller),
        keys.closed(caller, new_call()),
    ]
    assert len({key_slot(name.encode()) for name in names}) == 1


async def test_search_is_bounded(redis_subject: RedisSubject) -> None:
    ledger, caller = await redis_subject.ledger(), new_caller()
    numbers = [E164(f"+3902{n:08}") for n in range(300)]
    await asyncio.gather(*(ledger.admit(wish(campaign(caller), new_call(), n)) for n in numbers))
    assert len(await ledger.suppressions(caller, limit=100)) == 100
    assert {held.number for held in await ledger.suppressions(caller)} == set(numbers)
    assert len(await ledger.flights(caller)) == 300
