"""Who may come in: tokens, roles, and how often."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from controller.api.rest import RestConfig
from controller.api.rest.limits import RateLimit
from controller.api.rest.resources import RESOURCES
from controller.api.rest.routes import Route
from controller.domain.access import TOKEN_BYTES, Right, Role, Secret, may
from controller.ports.tokens import Token

from .conftest import AGENT, SECRETS, Client, World

ROUTES = [route for resource in RESOURCES for route in resource.routes]
FILLED = {"campaign": "spring", "agent": "1001", "profile": "lax", "form": "f", "id": "0123456789ab"}
"""What stands in the place of a path's parameter; 1 for the others."""
OPEN = {"get_openapi", "get_problem"}


def path_of(route: Route) -> str:
    filled = FILLED | ({"name": "failed"} if "problems" in route.path else {})
    return re.sub(r"\{(\w+)\}", lambda match: filled.get(match[1], "1"), route.path)


# --- tokens -----------------------------------------------------------------------------------------------


async def test_without_a_token_nothing_is_told(client: Client) -> None:
    for route in ROUTES:
        said = await client(route.method, path_of(route), role=None)
        if route.name in OPEN:
            assert said.status == 200, route.name
            continue
        assert said.status == 401, route.name
        assert said.headers["WWW-Authenticate"] == 'Bearer realm="campaign-controller"'


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer nonsense",
        "Bearer " + Secret.of(bytes([99]) * TOKEN_BYTES).text,
        "Basic " + SECRETS[Role.ADMIN].text,
        SECRETS[Role.ADMIN].text,
        "Bearer " + SECRETS[Role.ADMIN].text.upper(),
        "Bearer " + SECRETS[Role.ADMIN].text[:-1] + "a",
    ],
)
async def test_what_is_no_token_opens_nothing(client: Client, header: str) -> None:
    said = await client("GET", "/campaigns", role=None, headers={"Authorization": header})
    assert said.status == 401
    assert said.headers["WWW-Authenticate"].endswith('error="invalid_token"')
    assert SECRETS[Role.ADMIN].text not in said.text


async def test_a_token_ends_when_it_expires_or_is_revoked(client: Client, world: World) -> None:
    secret = Secret.of(bytes([77]) * TOKEN_BYTES)
    until = world.clock.at + timedelta(hours=1)
    token = Token(id=secret.id, role=Role.AUDITOR, label="", created_at=world.clock.at, expires_at=until)
    await world.tokens.add(token, secret.digest)
    bearer = {"Authorization": f"Bearer {secret.text}"}
    assert (await client("GET", "/token", role=None, headers=bearer)).body["role"] == "auditor"
    world.clock.at = until
    assert (await client("GET", "/token", role=None, headers=bearer)).body["detail"] == "it has expired"
    await world.tokens.revoke(SECRETS[Role.ADMIN].id, world.clock.at)
    said = await client("GET", "/token")
    assert (said.status, said.body["detail"]) == (401, "it is revoked")


async def test_the_last_use_is_noted_now_and_then(client: Client, world: World) -> None:
    noted = []

    async def used(token: str, at: object) -> None:
        noted.append(at)
        await type(world.tokens).used(world.tokens, token, at)  # type: ignore[arg-type]

    world.tokens.used = used  # type: ignore[method-assign]
    start = world.clock.at
    for seconds in (0, 30, 59, 60, 61):
        world.clock.at = start + timedelta(seconds=seconds)
        await client("GET", "/token")
    assert noted == [start, start + timedelta(seconds=60)]


async def test_who_one_is(client: Client) -> None:
    said = await client("GET", "/token", role=Role.AGENT)
    assert said.body == {
        "id": SECRETS[Role.AGENT].id,
        "label": "agent",
        "role": "agent",
        "rights": [right.value for right in Right if may(Role.AGENT, right)],
        "agent": AGENT,
        "expires_at": None,
    }


# --- roles ------------------------------------------------------------------------------------------------


async def test_every_route_asks_for_its_right(client: Client) -> None:
    for route in ROUTES:
        for role in Role if route.right else ():
            if route.name == "stream_events" and may(role, Right.LISTEN):
                continue
            said = await client(route.method, path_of(route), role=role)
            refused = said.status == 403 and "has not the right" in said.text
            assert route.right is not None
            assert refused == (not may(role, route.right)), (route.name, role, said.text)


async def test_an_agent_directs_only_itself(client: Client, world: World) -> None:
    assert (await client("POST", "/agents/1001/ready", role=Role.AGENT)).status == 200
    assert (await client("POST", "/agents/1002/ready", role=Role.AGENT)).status == 403
    assert (await client("GET", "/agents/1002", role=Role.AGENT)).status == 403
    assert (await client("GET", "/agents/1002", role=Role.READ_ONLY)).body["name"] == "Bea"
    assert (await client("POST", "/agents/1002/pause", role=Role.SUPERVISOR)).status == 200
    assert (await client("POST", "/agents/9999/pause", role=Role.SUPERVISOR)).status == 404
    assert world.operations.asked == [("ready", "1001"), ("agent pause", "1002")]


@pytest.mark.parametrize("role", [Role.READ_ONLY, Role.AUDITOR])
async def test_who_may_not_see_people_sees_none(client: Client, role: Role) -> None:
    await client("POST", "/campaigns", {"id": "spring"})
    person = {
        "number": "+39 347 1234567",
        "others": [{"number": "+39 347 7654321"}],
        "name": "Ada Rossi",
        "email": "ada@example.org",
        "key": "K-17",
        "attributes": {"city": "Forlì"},
        "consent": {"basis": "contract", "source": "contract 42", "given_at": "2026-01-01T00:00:00Z"},
    }
    await client("POST", "/campaigns/spring/contacts", {"contacts": [person]})
    await client("POST", "/do-not-call", {"numbers": ["+393479999999"], "author": "anna", "reason": "asked"})
    one = "/campaigns/spring/contacts/1"
    for path in ("/campaigns/spring/contacts", one, f"{one}/history", "/do-not-call"):
        text = (await client("GET", path, role=role)).text
        for secret in ("1234567", "7654321", "9999999", "Ada", "ada@", "K-17", "Forlì", "contract 42"):
            assert secret not in text, path
    found = await client("POST", "/contacts/search", {"number": "+393471234567"}, role=role)
    assert found.body["items"][0]["number"] == "+3934******67"
    seen = await client("GET", "/campaigns/spring/contacts/1", role=Role.SUPERVISOR)
    assert (seen.body["number"], seen.body["name"]) == ("+393471234567", "Ada Rossi")


# --- how often --------------------------------------------------------------------------------------------


def test_a_bucket_fills_at_its_rate() -> None:
    seconds = [0.0]
    limit = RateLimit(2.0, 3, lambda: seconds[0])
    assert [limit.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert limit.take("b") == 0
    seconds[0] = 0.5
    assert [limit.take("a"), limit.take("a")] == [0, 0.5]
    seconds[0] = 100
    assert [limit.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_buckets_are_bounded() -> None:
    limit = RateLimit(1.0, 1, lambda: 0.0, askers=2)
    assert [limit.take(each) for each in "abab"] == [0, 0, 1, 1]
    assert limit.take("c") == 0  # a is forgotten
    assert limit.take("a") == 0


class TestLimits:
    @pytest.fixture
    def config(self) -> RestConfig:
        return RestConfig(port=0, requests_per_second=1, burst=3, failures_per_minute=2)

    async def test_a_token_asks_so_often(self, client: Client, world: World) -> None:
        said = [await client("GET", "/token") for _ in range(4)]
        assert [each.status for each in said] == [200, 200, 200, 429]
        assert said[-1].headers["Retry-After"] == "1"
        assert (await client("GET", "/token", role=Role.AUDITOR)).status == 200
        world.clock.seconds += 1
        assert (await client("GET", "/token")).status == 200

    async def test_an_address_fails_so_often_and_locks_nobody_out(self, client: Client, world: World) -> None:
        wrong = {"Authorization": "Bearer wrong"}
        said = [await client("GET", "/token", role=None, headers=wrong) for _ in range(3)]
        assert [each.status for each in said] == [401, 401, 429]
        assert said[-1].headers["Retry-After"] == "30"
        assert (await client("GET", "/token")).status == 200
        world.clock.seconds += 30
        assert (await client("GET", "/token", role=None, headers=wrong)).status == 401
