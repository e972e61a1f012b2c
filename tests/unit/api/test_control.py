# ruff: noqa: ASYNC221, ASYNC240 - these tests may wait for the disk
from __future__ import annotations

import json
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import aiohttp
import pytest

from controller.api import control
from controller.api.client import ControlClient
from controller.api.control import ControlServer
from controller.domain.ids import AgentId, CallId, CampaignId
from controller.errors import (
    AsteriskUnreachable,
    BadInput,
    ControllerError,
    ProtocolError,
    Refused,
    Unreachable,
)
from controller.ports import Operations
from tests.unit.api.operations import PACING, STATUS, FakeOperations, looking

SPRING = CampaignId("spring")
ANNA = AgentId("1001")


@pytest.fixture
def path() -> Iterator[Path]:
    # Not tmp_path: its name can be too long for a Unix socket.
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory) / "state" / "control.sock"


@pytest.fixture
def operations() -> FakeOperations:
    return FakeOperations()


@pytest.fixture
async def client(path: Path, operations: FakeOperations) -> AsyncIterator[ControlClient]:
    served: Operations = operations
    async with ControlServer(served, path, operation_timeout=0.3), ControlClient(path) as client:
        yield client


async def test_the_status_arrives_as_it_was(client: ControlClient) -> None:
    assert await client.status() == STATUS


async def test_what_agents_look_at_arrives_as_well(client: ControlClient, operations: FakeOperations) -> None:
    operations.now = looking("1001")
    assert await client.status() == looking("1001")


async def test_pacing_arrives_as_it_was(client: ControlClient, operations: FakeOperations) -> None:
    assert await client.pacing(SPRING) == PACING
    newest = await client.pacing(SPRING, limit=1)
    assert newest == replace(PACING, recent=PACING.recent[:1])
    at = datetime(2026, 1, 2, 4, 4, 6, tzinfo=timezone(timedelta(hours=1)))
    before = await client.pacing(SPRING, before=at)
    assert before == replace(PACING, recent=PACING.recent[1:])
    assert operations.asked[-1] == ("pacing", "spring", "50", at.isoformat())
    assert await client.pacing(CampaignId("autumn")) is None


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "before=noon", "before=2026-01-02T04:04:06"])
async def test_a_question_for_pacing_that_asks_nothing_is_refused(
    client: ControlClient, path: Path, query: str
) -> None:
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=str(path))) as session,
        session.get(f"http://controller/campaigns/spring/pacing?{query}") as answer,
    ):
        assert answer.status == 400
        assert "limit=50" in await answer.text()


async def test_every_operation_arrives(client: ControlClient, operations: FakeOperations) -> None:
    await client.start_campaign(SPRING)
    await client.pause_campaign(SPRING)
    await client.pause_campaign(SPRING, "lunch – è ora")
    await client.stop_campaign(SPRING)
    await client.agent_login(ANNA)
    await client.agent_logout(ANNA)
    await client.agent_pause(ANNA)
    await client.agent_ready(ANNA)
    assert await client.accept_offer(ANNA) == "call-2"
    assert await client.accept_offer(ANNA, CallId("call-3")) == "call-3"
    await client.skip_offer(ANNA, CallId("call-3"), "wrong-person")
    await client.skip_offer(ANNA)
    assert operations.asked == [
        ("start", "spring"),
        ("pause", "spring", ""),
        ("pause", "spring", "lunch – è ora"),
        ("stop", "spring"),
        ("login", "1001"),
        ("logout", "1001"),
        ("agent pause", "1001"),
        ("ready", "1001"),
        ("accept", "1001", ""),
        ("accept", "1001", "call-3"),
        ("skip", "1001", "call-3", "wrong-person"),
        ("skip", "1001", "", ""),
    ]


@pytest.mark.parametrize("name", ["a/b", "a b", "../status", "%2F", "è", "a?b#c"])
async def test_odd_ids_arrive_unharmed(client: ControlClient, operations: FakeOperations, name: str) -> None:
    await client.start_campaign(CampaignId(name))
    assert operations.asked == [("start", name)]


@pytest.mark.parametrize(
    ("raised", "family"),
    [
        (Refused("campaign spring is running already"), Refused),
        (AsteriskUnreachable("Asterisk is silent"), Unreachable),
        (ProtocolError("a bug"), ControllerError),
    ],
)
async def test_errors_arrive_as_their_family(
    client: ControlClient,
    operations: FakeOperations,
    raised: ControllerError,
    family: type[ControllerError],
) -> None:
    operations.error = raised
    with pytest.raises(family) as caught:
        await client.start_campaign(SPRING)
    assert type(caught.value) is family
    assert str(caught.value) == str(raised)


async def test_bad_input_arrives_with_its_parts(client: ControlClient, operations: FakeOperations) -> None:
    operations.error = BadInput("campaign", "'spring' is unknown", "summer")
    with pytest.raises(BadInput) as caught:
        await client.start_campaign(SPRING)
    assert (caught.value.place, caught.value.problem, caught.value.allowed) == (
        "campaign",
        "'spring' is unknown",
        "summer",
    )


async def test_a_bug_tells_the_user_where_to_look_and_no_more(
    client: ControlClient, operations: FakeOperations
) -> None:
    operations.error = KeyError("secret")
    with pytest.raises(ControllerError, match="see its log") as caught:
        await client.start_campaign(SPRING)
    assert "secret" not in str(caught.value)


async def test_an_operation_that_hangs_is_given_up(client: ControlClient, operations: FakeOperations) -> None:
    operations.hang = True
    with pytest.raises(Unreachable, match=r"POST /campaigns/spring/start was not done within 0.3 s"):
        await client.start_campaign(SPRING)


async def test_the_client_does_not_wait_for_ever(
    path: Path, operations: FakeOperations, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations.hang = True
    monkeypatch.setattr(control, "_CLOSE_TIMEOUT", 0.1)  # the server waits so long for what hangs
    async with ControlServer(operations, path), ControlClient(path, timeout=0.2) as client:
        with pytest.raises(Unreachable, match=r"did not answer POST /campaigns/spring/start within 0.2 s"):
            await client.start_campaign(SPRING)


async def test_problems_are_problem_documents(path: Path, operations: FakeOperations) -> None:
    operations.error = Refused("no")
    async with (
        ControlServer(operations, path),
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session,
    ):
        async with session.post("http://controller/campaigns/spring/stop") as answer:
            assert answer.status == 409
            assert answer.content_type == "application/problem+json"
            assert await answer.json(content_type=None) == {"title": "Refused", "detail": "no", "status": 409}
        for method, where in [
            ("POST", "/campaigns/spring/fly"),
            ("GET", "/nothing"),
            ("GET", "/agents/1/login"),
        ]:
            async with session.request(method, f"http://controller{where}") as answer:
                assert answer.status in (404, 405)
                assert (await answer.json(content_type=None))["status"] == answer.status


@pytest.mark.parametrize("body", ["{", "[]", "{}", '{"reason": 3}'])
async def test_a_pause_with_an_unreadable_reason_is_refused(
    path: Path, operations: FakeOperations, body: str
) -> None:
    async with (
        ControlServer(operations, path),
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session,
        session.post("http://controller/campaigns/spring/pause", data=body) as answer,
    ):
        assert answer.status == 400
    assert operations.asked == []


async def test_only_the_owner_may_come_in(path: Path, operations: FakeOperations) -> None:
    async with ControlServer(operations, path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.with_suffix(".lock").stat().st_mode) == 0o600
    assert not path.exists()


async def test_a_second_controller_is_refused_and_the_first_goes_on(
    path: Path, operations: FakeOperations
) -> None:
    async with ControlServer(operations, path), ControlClient(path) as client:
        second = ControlServer(FakeOperations(), path)
        with pytest.raises(Refused, match="another controller runs here"):
            await second.start()
        await second.stop()
        assert await client.status() == STATUS


async def test_what_a_killed_controller_left_behind_is_replaced(
    path: Path, operations: FakeOperations
) -> None:
    killed = (
        "import asyncio, os, signal, sys; from pathlib import Path;"
        "from controller.api.control import ControlServer;"
        "from tests.unit.api.operations import FakeOperations;"
        "asyncio.run(ControlServer(FakeOperations(), Path(sys.argv[1])).start());"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", killed, str(path)], check=False, timeout=30)
    assert path.is_socket()
    async with ControlClient(path) as client:
        with pytest.raises(Unreachable, match="start it with `campaign-controller run`"):
            await client.status()
        async with ControlServer(operations, path):
            assert await client.status() == STATUS


async def test_a_file_in_the_way_is_not_destroyed(path: Path, operations: FakeOperations) -> None:
    path.parent.mkdir()
    path.write_text("precious")
    with pytest.raises(Refused, match="is in the way"):
        await ControlServer(operations, path).start()
    assert path.read_text() == "precious"


async def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path, operations: FakeOperations) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match="cannot be made"):
        await ControlServer(operations, tmp_path / "file" / "control.sock").start()


async def test_without_a_controller_the_client_says_how_to_start_one(path: Path) -> None:
    async with ControlClient(path) as client:
        with pytest.raises(Unreachable, match=r"not running.*start it with `campaign-controller run`"):
            await client.status()


async def test_a_status_of_another_version_is_told_from_a_broken_line(path: Path) -> None:
    from aiohttp import web

    async def old(_request: web.Request) -> web.Response:
        return web.json_response({"version": 0})

    app = web.Application()
    app.router.add_get("/status", old)
    runner = web.AppRunner(app)
    await runner.setup()
    path.parent.mkdir()
    await web.UnixSite(runner, str(path)).start()
    try:
        async with ControlClient(path) as client:
            with pytest.raises(ProtocolError, match="of one version"):
                await client.status()
    finally:
        await runner.cleanup()


def test_the_status_is_plain_json() -> None:
    from controller.api.messages import STATUS as ADAPTER

    document = json.loads(ADAPTER.dump_json(STATUS))
    assert document["campaigns"][0]["outcomes"] == {"connected": 100, "no-answer": 30}
    assert document["agents"][0]["state"] == "talking"
