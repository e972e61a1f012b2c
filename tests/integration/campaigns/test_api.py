"""A whole campaign through the REST API alone, on a real Asterisk: from the list to the mail afterwards."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from lab.controller import ControllerProcess
from lab.lab import Lab
from lab.mailsink import MailSink
from lab.numbers import Behaviour, number
from tests.integration.rig import Rig, keeps_the_law, running

_PATCH = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture
def sink(lab: Lab) -> Iterator[MailSink]:
    with MailSink(lab.free_port()) as sink:
        yield sink


@pytest.fixture
async def rig(lab: Lab, redis_url: str, sink: MailSink) -> AsyncIterator[Rig]:
    """As in conftest, with the API, and a mail server to write to."""
    port = lab.free_port()
    overrides: dict[str, dict[str, Any]] = {
        "api": {"enabled": True, "port": port},
        "public": {"base_url": f"http://127.0.0.1:{port}"},
        "mail": {"host": "127.0.0.1", "port": sink.port, "tls": "none", "sender": "acme@example.org"},
    }
    controller = ControllerProcess(lab, None, overrides)
    async with running(lab, controller, api_port=port) as rig:
        yield rig


class Client:
    """A supervisor's program."""

    def __init__(self, session: aiohttp.ClientSession, api: str) -> None:
        self._session = session
        self._api = api

    async def ask(self, method: str, path: str, status: int = 200, **request: Any) -> Any:
        async with self._session.request(method, self._api + path, **request) as answer:
            body = await answer.text()
            assert answer.status == status, f"{method} {path}: {answer.status} {body}"
            return json.loads(body) if body else None

    async def metrics(self) -> str:
        root = self._api.removesuffix("/api/v1")
        async with self._session.get(f"{root}/metrics") as answer:
            assert answer.status == 200
            return await answer.text()

    async def events(self, kind: str) -> AsyncGenerator[dict[str, Any]]:
        async with self._session.get(f"{self._api}/events", params={"kind": kind}) as stream:
            async for line in stream.content:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])


@asynccontextmanager
async def client(rig: Rig, port: int) -> AsyncIterator[Client]:
    words = ["token", "create", "--role", "supervisor", "--label", "tests", "--json"]
    argv = [sys.executable, "-m", "controller", "--config", str(rig.controller.config), *words]
    made = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    output, _ = await asyncio.wait_for(made.communicate(), 30)
    headers = {"Authorization": f"Bearer {json.loads(output)['token']}"}
    async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=40)) as session:
        yield Client(session, f"http://127.0.0.1:{port}/api/v1")


async def _metrics_tell_what_the_records_tell(api: Client) -> None:
    metrics = {
        (sample.name.removeprefix("campaign_controller_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(await api.metrics())
        for sample in family.samples
    }
    report = await api.ask("GET", "/campaigns/c/report")
    ended = {outcome: metrics["calls_ended_total", "c", outcome] for outcome in report["outcomes"]}
    assert ended == report["outcomes"]
    assert metrics["calls_placed_total", "c"] == report["calls"] == 1
    assert metrics["successes_total", "c"] == report["connected"] == 1
    assert metrics["agent_seconds_total", "talking"] == pytest.approx(3, abs=1)
    assert metrics["answer_to_command_seconds_count",] == 1
    assert all(metrics["edge_up", edge] for edge in ("asterisk", "events", "redis", "records"))
    assert metrics["campaign_state", "c", "finished"] == 1
    pacing = await api.ask("GET", "/campaigns/c/pacing")
    assert metrics["pacing_decisions_total", "c"] == pacing["decisions"]
    assert [(each["covered"], each["placed"]) for each in pacing["recent"] if each["placed"]] == [(1, 1)]


async def test_a_campaign_from_the_list_to_the_mail_afterwards(rig: Rig, sink: MailSink) -> None:
    wanted = number(Behaviour.PERSON, ring=0.4, hold=3)
    other = number(Behaviour.PERSON, ring=0.4, hold=3, serial=1)
    rows = [f"{wanted},Eva,eva@example.org,vip", f"{other},Ugo,ugo@example.org,", "12345,Nobody,,vip"]
    async with client(rig, rig.api_port) as api:
        await api.ask("POST", "/campaigns", 201, json={"id": "c", "caller": "acme", "wrap_up": 0})
        await api.ask(
            "PUT", "/segments/vip", 201, json={"text": "tags has vip"}, headers={"If-None-Match": "*"}
        )
        begun = await api.ask(
            "POST", "/campaigns/c/imports", 202, data="\n".join(["number,name,email,tags", *rows]),
            headers={"Content-Type": "text/csv"},
        )  # fmt: skip
        while (job := await api.ask("GET", f"/imports/{begun['id']}"))["state"] == "running":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        assert (job["state"], job["rows"], job["stored"], job["invalid"]) == ("done", 3, 2, 1)
        await api.ask(
            "PATCH", "/campaigns/c", json={"segments": [{"segment": "vip"}]},
            headers=_PATCH | {"If-Match": '"1"'},
        )  # fmt: skip
        mail = {"name": "offer", "subject": "For {{ contact.name }}", "text": "Here. {{ unsubscribe_url }}"}
        await api.ask("POST", "/mail-templates", 201, json=mail)
        rule = {"campaign": "c", "disposition": "lead", "template": "offer"}
        await api.ask("POST", "/follow-up-rules", 201, json=rule)
        await rig.log_in("1001")
        events = api.events("call.connected")
        listening = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.2)

        await api.ask("POST", "/campaigns/c/start")
        connected = await asyncio.wait_for(listening, 15)
        await api.ask("POST", f"/calls/{connected['call']}/dispositions", 201, json={"code": "lead"})

        (call,) = await rig.callees(1)
        assert call.number == wanted
        keeps_the_law(call)
        (sent,) = await sink.received(1, timeout=15)
        assert (sent["To"], sent["Subject"]) == ("eva@example.org", "For Eva")
        funnel = await api.ask("GET", "/campaigns/c/funnel")
        assert funnel["total"]["counts"]["lead"] == 1
        await rig.until(lambda status: status.campaigns[0].state.value == "finished")
        await _metrics_tell_what_the_records_tell(api)
        assert [each.number for each in rig.lab.calls(rig.began)] == [wanted], "nobody else is in the segment"
        await events.aclose()
