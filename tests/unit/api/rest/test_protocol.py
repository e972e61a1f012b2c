"""What every route does alike: methods, types, sizes, headers, problems."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from controller.api.rest import Bounds, RestConfig
from controller.api.rest.problems import KINDS
from controller.domain.access import Role
from controller.errors import ConfigError, ProtocolError, RecordsUnreachable, Refused

from .conftest import SECRETS, Client, World, served


async def test_every_answer_is_protected_and_can_be_traced(client: Client) -> None:
    for path in ("/campaigns", "/nowhere", "/campaigns/none"):
        said = await client("GET", path)
        assert said.headers["X-Content-Type-Options"] == "nosniff"
        assert said.headers["Cache-Control"] == "no-store"
        assert said.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert said.headers["Server"] == "campaign-controller"
        assert len(said.headers["X-Request-Id"]) == 16
        assert "Access-Control-Allow-Origin" not in said.headers
    said = await client("GET", "/campaigns/none", headers={"X-Request-Id": "my-id.1"})
    assert said.headers["X-Request-Id"] == said.body["request_id"] == "my-id.1"
    said = await client("GET", "/campaigns", headers={"X-Request-Id": "no id"})
    assert said.headers["X-Request-Id"] != "no id"


async def test_a_problem_tells_what_it_is_and_where_to_read_on(client: Client) -> None:
    said = await client("GET", "/campaigns/none")
    assert said.headers["Content-Type"] == "application/problem+json"
    assert said.body | {"request_id": ""} == {
        "type": "/api/v1/problems/not-found",
        "title": "There is no such thing",
        "status": 404,
        "detail": "there is no campaign 'none'",
        "request_id": "",
    }
    read = await client("GET", said.body["type"], role=None)
    assert (read.status, read.body["title"]) == (200, said.body["title"])


async def test_every_kind_of_problem_is_told_of(client: Client) -> None:
    for kind in KINDS:
        said = await client("GET", kind.uri, role=None)
        assert (said.body["type"], said.body["status"]) == (kind.uri, kind.status)


async def test_methods_that_do_not_exist_name_those_that_do(client: Client) -> None:
    said = await client("DELETE", "/campaigns")
    assert (said.status, said.body["type"]) == (405, "/api/v1/problems/method-not-allowed")
    assert said.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    options = await client("OPTIONS", "/campaigns", role=None)
    assert (options.status, options.headers["Allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert (await client("OPTIONS", "/events", role=None)).headers["Allow"] == "GET, OPTIONS"


async def test_head_is_get_without_a_body(client: Client) -> None:
    await client("POST", "/campaigns", {"id": "spring"})
    said = await client("HEAD", "/campaigns/spring")
    assert (said.status, said.text, said.headers["ETag"]) == (200, "", '"1"')
    assert (await client("HEAD", "/campaigns/none")).status == 404
    assert (await client("HEAD", "/campaigns", role=None)).status == 401


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("text/html, application/*;q=0.1", 200),
        ("text/html;level=1, */*", 200),
        ("text/html", 406),
        ("application/json;q=0", 406),
        ("application/json;q=0.0, */*", 406),
        ("*/*;q=0, application/json", 200),
    ],
)
async def test_the_answer_is_of_a_type_that_is_accepted(client: Client, accept: str, status: int) -> None:
    assert (await client("GET", "/campaigns", headers={"Accept": accept})).status == status


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 201),
        ("application/json; charset=UTF-8", 201),
        ("application/json; charset=latin-1", 415),
        ("text/json", 415),
        ("application/x-www-form-urlencoded", 415),
    ],
)
async def test_the_body_is_of_a_type_that_is_read(client: Client, content_type: str, status: int) -> None:
    said = await client(
        "POST", "/campaigns", data=b'{"id": "spring"}', headers={"Content-Type": content_type}
    )
    assert said.status == status
    if status == 415:
        assert said.headers["Accept-Post"] == "application/json"


async def test_a_body_where_none_is_read_is_refused(client: Client) -> None:
    await client("POST", "/campaigns", {"id": "spring"})
    assert (await client("POST", "/campaigns/spring/start", {"force": True})).status == 415


@pytest.mark.parametrize("body", [b"", b"{", b'{"id": "a", "overdial": NaN}', b'"id"', b"[]", b"\xff"])
async def test_what_is_no_json_of_the_documented_form_is_refused(client: Client, body: bytes) -> None:
    said = await client("POST", "/campaigns", data=body, headers={"Content-Type": "application/json"})
    assert said.status == 400


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "limit=1_0", "limit=", "limit=1&limit=2", "page=2", "state=on"],
)
async def test_a_query_is_read_strictly(client: Client, query: str) -> None:
    said = await client("GET", f"/campaigns?{query}")
    assert said.status == 400
    assert said.body["errors"][0]["place"] == "query"
    assert said.body["errors"][0]["pointer"] == query.partition("=")[0]


async def test_paths_and_values_never_come_back_in_an_error(client: Client) -> None:
    said = await client("POST", "/contacts/search", {"number": "+39 347 1234567 secret"})
    assert said.status == 400
    assert "1234567" not in said.text


async def test_errors_are_told_by_their_family(client: Client, world: World) -> None:
    await client("POST", "/campaigns", {"id": "spring"})
    for error, status in (
        (Refused("it is running already"), 409),
        (RecordsUnreachable("no database"), 503),
        (ProtocolError("a bug"), 500),
    ):
        world.operations.error = error
        said = await client("POST", "/campaigns/spring/start")
        assert (said.status, said.body["detail"]) == (status, str(error))
    world.operations.error = KeyError("+393471234567")
    said = await client("POST", "/campaigns/spring/start")
    assert (said.status, said.body["detail"]) == (500, "see the controller's log")


async def test_a_store_that_does_not_answer_is_unreachable(client: Client, world: World) -> None:
    world.records.fail = True
    said = await client("GET", "/campaigns")
    assert (said.status, said.headers["Retry-After"]) == (503, "2")


# --- bounds -----------------------------------------------------------------------------------------------


@pytest.fixture
def config() -> RestConfig:
    bounds = Bounds(seconds=0.3, body=2000)
    return RestConfig(port=0, requests_per_second=1000, burst=1000, bounds=bounds)


async def test_a_body_has_its_size(client: Client) -> None:
    said = await client("POST", "/campaigns", {"id": "spring", "caller": "x" * 2000})
    assert (said.status, said.body["type"]) == (413, "/api/v1/problems/too-large")

    async def pieces() -> AsyncIterator[bytes]:  # without a length, so that it is counted as it comes
        for _ in range(3):
            yield b"[" * 1000

    headers = {
        "Authorization": f"Bearer {SECRETS[Role.ADMIN].text}",
        "Content-Type": "application/json",
    }
    async with client.session.post(
        f"{client.base}/api/v1/campaigns", data=pieces(), headers=headers
    ) as answer:
        assert answer.status == 413


async def test_a_request_has_its_time(client: Client, world: World) -> None:
    await client("POST", "/campaigns", {"id": "spring"})
    world.operations.hang = True
    said = await client("POST", "/campaigns/spring/start")
    assert (said.status, said.body["type"]) == (504, "/api/v1/problems/timeout")


async def test_a_body_that_does_not_arrive_is_not_waited_for(client: Client, world: World) -> None:
    token = SECRETS[Role.ADMIN].text
    reader, writer = await asyncio.open_connection("127.0.0.1", int(client.base.rpartition(":")[2]))
    head = (
        f"POST /api/v1/campaigns HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 16\r\n\r\n{"
    )
    writer.write(head.encode())
    async with asyncio.timeout(5):
        assert (await reader.readline()).split()[1] == b"504"
    writer.close()


async def test_a_port_that_is_taken_is_named(world: World) -> None:
    async with served(world, RestConfig(port=0)) as first:
        with pytest.raises(Refused, match=r"the API cannot listen on 127\.0\.0\.1"):
            async with served(world, RestConfig(port=first.port)):
                pass


async def test_the_document_is_served_to_everybody(client: Client) -> None:
    said = await client("GET", "/openapi.json", role=None)
    assert said.body["openapi"] == "3.1.0"
    assert json.loads(said.text)["paths"]["/api/v1/campaigns"]["get"]["operationId"] == "list_campaigns"


async def test_it_speaks_tls(world: World, tmp_path: Path) -> None:
    pem, key = tmp_path / "server.pem", tmp_path / "server.key"
    with pytest.raises(ConfigError, match="cannot be used"):
        async with served(world, RestConfig(port=0, certificate=pem, key=key)):
            pass
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    what = [
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(key),
        "-out",
        str(pem),
    ]
    await asyncio.to_thread(lambda: subprocess.run([*make, *what], check=True, capture_output=True))
    trust = ssl.create_default_context(cafile=str(pem))
    async with (
        served(world, RestConfig(port=0, certificate=pem, key=key)) as server,
        aiohttp.ClientSession() as session,
        session.get(f"https://127.0.0.1:{server.port}/api/v1/openapi.json", ssl=trust) as answer,
    ):
        assert answer.status == 200
        assert answer.headers["Strict-Transport-Security"]


async def test_pages_of_others_answer_for_themselves(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    async def confirm(_request: web.Request) -> web.Response:
        raise web.HTTPForbidden(text="not here\n")

    config = RestConfig(port=0, api=False, extra_routes=[web.post("/public/confirm/{token}", confirm)])
    async with served(world, config) as server, aiohttp.ClientSession() as session:
        base = f"http://127.0.0.1:{server.port}"
        async with session.post(f"{base}/public/confirm/secret-token") as answer:
            assert (answer.status, await answer.text()) == (403, "not here\n")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        async with session.get(f"{base}/api/v1/openapi.json") as answer:
            assert answer.status == 404
    assert "secret-token" not in capsys.readouterr().out
