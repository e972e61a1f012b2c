"""The dialplan's questions, asked over a socket, answered out of a fake ledger."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import cast

import pytest

from controller.agi import routes as routes_module
from controller.agi.config import AgiConfig
from controller.agi.routes import DialplanRoutes, Routes
from controller.agi.server import AgiServer
from controller.agi.session import AgiSession
from controller.domain.ids import E164
from controller.domain.outcome import Outcome
from controller.errors import ConfigError, RedisUnreachable
from controller.ports import Authorship, Ledger
from controller.store import keys
from controller.store.memory_records import MemoryRecords
from tests.unit.agi.asterisk import FakeLedger, call, suppressed

NUMBER = E164("+393471234567")
NOW = datetime(2026, 11, 24, tzinfo=UTC)
WHO = Authorship(author="anna", reason="asked during a call")


@pytest.fixture
def ledger() -> FakeLedger:
    return FakeLedger()


def serve(ledger: FakeLedger, records: MemoryRecords | None = None) -> AgiServer:
    lists = (records or MemoryRecords()).lists
    routes = DialplanRoutes(cast(Ledger, ledger), lists, caller="acme", region="IT").routes()
    return AgiServer(routes, AgiConfig(port=0))


async def ask(
    ledger: FakeLedger, path: str, *arguments: str, records: MemoryRecords | None = None
) -> dict[str, str]:
    async with serve(ledger, records) as server, call(server.port) as asterisk:
        return await asterisk.ask(path, *arguments)


def answer(may: str, reason: str, free_in: int = 0) -> dict[str, str]:
    return {"CC_MAY_CALL": may, "CC_REASON": reason, "CC_FREE_IN": str(free_in)}


async def test_a_number_that_may_be_called(ledger: FakeLedger) -> None:
    assert await ask(ledger, "may-call", "347 123-4567") == answer("YES", "")
    assert ledger.asked == [("acme", "+393471234567")]


async def test_the_dialplan_may_name_the_caller(ledger: FakeLedger) -> None:
    await ask(ledger, "may-call", "00393471234567", "other")

    assert ledger.asked == [("other", "+393471234567")]


@pytest.mark.parametrize("reason", ["silent call", "call in flight"])
async def test_a_number_that_is_left_alone(ledger: FakeLedger, reason: str) -> None:
    ledger.found = suppressed(reason, 4711)

    assert await ask(ledger, "may-call", "+393471234567") == answer("NO", reason, 4711)


@pytest.mark.parametrize("scope", ["*", "caller:acme"])
async def test_a_number_on_a_do_not_call_list(ledger: FakeLedger, scope: str) -> None:
    records = MemoryRecords()
    await records.lists.opt_out(scope, [NUMBER], WHO, NOW)
    said = answer("NO", "do-not-call list: asked during a call")
    assert await ask(ledger, "may-call", NUMBER, records=records) == said
    ledger.found = suppressed("silent call", 4711)  # the list has no end, and is told first
    assert await ask(ledger, "may-call", NUMBER, records=records) == said


async def test_a_list_of_somebody_else_does_not_bind(ledger: FakeLedger) -> None:
    records = MemoryRecords()
    await records.lists.opt_out("caller:other", [NUMBER], WHO, NOW)
    assert await ask(ledger, "may-call", NUMBER, records=records) == answer("YES", "")
    said = await ask(ledger, "may-call", NUMBER, "other", records=records)
    assert said["CC_MAY_CALL"] == "NO"


async def test_a_number_in_the_opposition_register(ledger: FakeLedger) -> None:
    records = MemoryRecords()
    await records.lists.load_register({NUMBER: True}, NOW, WHO, NOW)
    assert await ask(ledger, "may-call", NUMBER, records=records) == answer("NO", "opposition register")


async def test_lists_that_cannot_be_asked_are_a_no(ledger: FakeLedger) -> None:
    records = MemoryRecords()
    records.fail = True
    assert await ask(ledger, "may-call", NUMBER, records=records) == answer("NO", "cannot be checked")


async def test_the_answer_comes_last_so_that_half_of_it_is_a_no(ledger: FakeLedger) -> None:
    assert list(await ask(ledger, "may-call", "+393471234567"))[-1] == "CC_MAY_CALL"


@pytest.mark.parametrize("error", [RedisUnreachable(), ValueError("a bug"), TimeoutError()])
async def test_what_cannot_be_checked_is_not_called(ledger: FakeLedger, error: Exception) -> None:
    ledger.error = error

    assert await ask(ledger, "may-call", "+393471234567") == answer("NO", "cannot be checked")


async def test_a_ledger_that_does_not_answer(ledger: FakeLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes_module, "_STORE_TIMEOUT", 0.02)
    ledger.delay = 30.0

    assert await ask(ledger, "may-call", "+393471234567") == answer("NO", "cannot be checked")


@pytest.mark.parametrize(
    "text", ["", "anonymous", "12", "347123456x", "1-800-FLOWERS", "tel:+39347", "٣٤٧١٢٣٤٥٦٧", "9" * 40]
)
async def test_what_is_no_number_is_not_called(ledger: FakeLedger, text: str) -> None:
    assert await ask(ledger, "may-call", text) == answer("NO", "not a number")
    assert ledger.asked == []


async def test_an_emergency_number_is_never_held_up(ledger: FakeLedger) -> None:
    ledger.error = RedisUnreachable()

    assert await ask(ledger, "may-call", "112") == answer("YES", "emergency number")
    assert await ask(ledger, "may-call", "112x") == answer("NO", "not a number")


async def test_a_reason_set_by_hand_may_be_any_text(ledger: FakeLedger) -> None:
    ledger.found = suppressed("asked\r\nus\0 not to" + "x" * 5000, -1)

    said = await ask(ledger, "may-call", "+393471234567")

    assert said["CC_REASON"].startswith("asked us not tox")
    assert (said["CC_MAY_CALL"], said["CC_FREE_IN"]) == ("NO", "0")


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome.counts_as_silent])
async def test_a_silent_calls_callee_calls_back(ledger: FakeLedger, outcome: Outcome) -> None:
    ledger.found = suppressed(keys.reason(outcome))

    assert await ask(ledger, "caller-info", "3471234567") == {
        "CC_KNOWN": "YES",
        "CC_LAST_SILENT": "2025-03-01T09:30:00+00:00",
        "CC_REASON": keys.reason(outcome),
    }


@pytest.mark.parametrize(
    ("reason", "error", "number", "said"),
    [
        ("", None, "3471234567", ""),
        (keys.IN_FLIGHT, None, "3471234567", keys.IN_FLIGHT),
        ("set by hand", None, "3471234567", "set by hand"),
        ("", RedisUnreachable(), "3471234567", "cannot be checked"),
        ("", None, "unknown", "not a number"),
    ],
)
async def test_anybody_else_calls(
    ledger: FakeLedger, reason: str, error: Exception | None, number: str, said: str
) -> None:
    ledger.found = suppressed(reason) if reason else None
    ledger.error = error

    found = await ask(ledger, "caller-info", number)

    assert found == {"CC_KNOWN": "NO", "CC_LAST_SILENT": "", "CC_REASON": said}


async def test_no_log_has_a_number(ledger: FakeLedger, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "controller.agi")
    ledger.error = RedisUnreachable()
    await ask(ledger, "may-call", "+393471234567")
    await ask(ledger, "caller-info", "3471234567x")
    await ask(ledger, "may-call/3471234567")

    assert "cannot be checked" in caplog.text
    assert "1234567" not in caplog.text


@pytest.mark.parametrize("path", ["", "maycall", "may-call/3471234567"])
async def test_an_unknown_path_is_explained_on_the_console(ledger: FakeLedger, path: str) -> None:
    async with serve(ledger) as server, call(server.port) as asterisk:
        await asterisk.ask(path)

        assert asterisk.failed
        assert "may-call, caller-info" in asterisk.console[0]


def test_a_path_is_served_once() -> None:
    async def handler(session: AgiSession) -> None: ...

    routes = Routes()
    routes.add("x", handler)
    with pytest.raises(ValueError, match="taken"):
        routes.add("x", handler)


def test_an_unknown_region(ledger: FakeLedger) -> None:
    with pytest.raises(ConfigError, match="region"):
        DialplanRoutes(cast(Ledger, ledger), MemoryRecords().lists, caller="acme", region="Italy")
