"""schemathesis asks the running API whatever its document allows, and much that it does not.

All of its checks are on. One of them is told what is special here: 422 is for requests of the documented form
whose content cannot be used, such as a time zone that does not exist, which no schema can say.

SCHEMATHESIS_EXAMPLES=50 in the environment asks more, and other things each time.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.config import SchemathesisConfig

from controller.api.rest import RestConfig
from controller.api.rest.resources import openapi_document
from controller.domain.access import Role

from .conftest import SECRETS, World, served

pytestmark = pytest.mark.long

MORE = "SCHEMATHESIS_EXAMPLES"
EXAMPLES = int(os.environ.get(MORE, "3"))
KNOWN = {
    "campaign": "spring",
    "agent": "1001",
    "contact": 1,
    "call": "none",
    "profile": "lax",
    "name": "failed",
    "segment": "vip",
    "script": "hello",
    "callback": 1,
    "form": "landing",
    "webhook": 1,
    "rule": 1,
    "mail": 1,
    "id": "0123456789ab",
}
SEED: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/scripts/hello", {"body": "Hello {{ contact.name }}"}),
    ("POST", "/campaigns", {"id": "spring", "script": "hello"}),
    ("POST", "/campaigns/spring/contacts", {"contacts": [{"number": "+39 347 1234567"}]}),
    ("PUT", "/segments/vip", {"text": "tags has vip"}),
    ("POST", "/campaigns/spring/contacts/1/callbacks", {"at": "2026-03-03T10:00:00Z"}),
    ("POST", "/webhooks", {"url": "https://hooks.example.org/cc"}),
    ("POST", "/mail-templates", {"name": "offer", "subject": "Offer", "text": "Hello"}),
    ("POST", "/follow-up-rules", {"campaign": "spring", "disposition": "lead", "template": "offer"}),
]
"""What there is to be found."""
ACCEPTED = ["2xx", "401", "403", "404", "409", "412", "422", "428"]

load_all_checks()
SCHEMA = schemathesis.openapi.from_dict(
    dict(openapi_document()),
    config=SchemathesisConfig.from_dict(
        {
            "seed": 1,
            # The session adds the token to each request: without it, ignored_auth asks by itself.
            "generation": {"with-security-parameters": False},
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ACCEPTED},
                "negative_data_rejection": {
                    "expected-statuses": ["400", "401", "403", "404", "406", "415", "422", "428"]
                },
                "missing_required_header": {"expected-statuses": ["428"]},
            },
        }
    ),
)
OPERATIONS: dict[str, Any] = {}
for result in SCHEMA.get_all_operations():
    found: Any = result.ok()  # type: ignore[union-attr]
    # A stream has no end to be waited for; test_events.py reads it.
    if found.definition.raw["operationId"] != "stream_events":
        OPERATIONS[found.definition.raw["operationId"]] = found


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """The API, served by a thread of its own: schemathesis asks synchronously."""
    started = threading.Event()
    shared: dict[str, Any] = {}

    async def serve() -> None:
        world = World()
        await world.add_tokens()
        config = RestConfig(port=0, requests_per_second=1e6, burst=10**6, failures_per_minute=10**7)
        async with served(world, config) as server:
            shared.update(port=server.port, stop=asyncio.Event(), loop=asyncio.get_running_loop())
            started.set()
            await shared["stop"].wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="the API")
    thread.start()
    assert started.wait(10)
    url = f"http://127.0.0.1:{shared['port']}"
    headers = {"Authorization": f"Bearer {SECRETS[Role.ADMIN].text}"}
    for method, path, body in SEED:
        more = {"If-None-Match": "*"} if method == "PUT" else {}
        said = requests.request(method, f"{url}/api/v1{path}", json=body, headers=headers | more, timeout=5)
        assert said.ok, said.text
    yield url
    shared["loop"].call_soon_threadsafe(shared["stop"].set)
    thread.join(10)


CASES = [
    pytest.param(name, mode, id=f"{name}-{mode.value}")
    for name, operation in sorted(OPERATIONS.items())
    for mode in GenerationMode
    # Where nothing varies there is nothing to be wrong.
    if mode is GenerationMode.POSITIVE or operation.definition.raw["parameters"] or operation.body
]


@pytest.mark.parametrize(("name", "mode"), CASES)
def test_an_operation(base_url: str, name: str, mode: GenerationMode) -> None:
    operation = OPERATIONS[name]
    known = {
        parameter["name"]: KNOWN[parameter["name"]]
        for parameter in operation.definition.raw["parameters"]
        if parameter["in"] == "path" and mode is GenerationMode.POSITIVE
    }
    cases = operation.as_strategy(mode, path_parameters=known or None)
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {SECRETS[Role.ADMIN].text}"

        @settings(
            max_examples=EXAMPLES,
            derandomize=MORE not in os.environ,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases)
        def ask(case: Case[Any]) -> None:
            case.call_and_validate(base_url=base_url, session=session, timeout=10)

        ask()
