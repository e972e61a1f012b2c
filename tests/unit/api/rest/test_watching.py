"""Metrics and pacing over the API: who may read them, and what is told."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from controller.domain.access import Role
from tests.unit.api.operations import SINCE

from .conftest import SECRETS, Client, World

PROMETHEUS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1"


# --- metrics ----------------------------------------------------------------------------------------------


async def test_metrics_are_read_as_prometheus_reads_them(client: Client) -> None:
    said = await client("GET", "/metrics", role=Role.READ_ONLY, headers={"Accept": PROMETHEUS})
    assert said.status == 200
    assert said.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert said.headers["X-Request-Id"]
    found = {family.name: family for family in text_string_to_metric_families(said.text)}
    (placed,) = found["campaign_controller_calls_placed"].samples
    assert (placed.labels, placed.value) == ({"campaign": "spring"}, 150)


async def test_without_a_token_there_are_no_metrics(client: Client) -> None:
    said = await client("GET", "/metrics", role=None)
    assert said.status == 401
    assert "Bearer" in said.headers["WWW-Authenticate"]
    assert "campaign_controller" not in said.text
    wrong = {"Authorization": f"Bearer {SECRETS[Role.ADMIN].text[:-1]}7"}
    assert (await client("GET", "/metrics", role=None, headers=wrong)).status == 401


@pytest.mark.parametrize("role", Role)
async def test_an_agent_does_not_read_metrics(client: Client, role: Role) -> None:
    said = await client("GET", "/metrics", role=role)
    assert said.status == (403 if role is Role.AGENT else 200)


async def test_metrics_are_at_the_root_alone(client: Client) -> None:
    assert (await client("POST", "/metrics")).status == 405
    for path in ("/api/v1/metrics", "/metrics/", "/metricsx"):
        async with client.session.get(client.base + path, headers=_admin()) as answer:
            assert answer.status == 404, path


async def test_a_scrape_reads_the_state_of_that_moment(client: Client, world: World) -> None:
    before = (await client("GET", "/metrics")).text
    world.operations.unsettled = 3
    after = (await client("GET", "/metrics")).text
    assert "campaign_controller_unsettled_calls 0.0" in before
    assert "campaign_controller_unsettled_calls 3.0" in after


def _admin() -> dict[str, str]:
    return {"Authorization": f"Bearer {SECRETS[Role.ADMIN].text}"}


# --- pacing -----------------------------------------------------------------------------------------------


@pytest.fixture
async def spring(client: Client) -> Client:
    await client("POST", "/campaigns", {"id": "spring"})
    await client("POST", "/campaigns", {"id": "autumn"})
    return client


async def test_a_supervisor_reads_why_it_dials_so(spring: Client) -> None:
    said = await spring("GET", "/campaigns/spring/pacing", role=Role.READ_ONLY)
    assert said.status == 200, said.text
    told = said.body
    assert (told["mode"], told["effective_mode"], told["decisions"]) == ("predictive", "predictive", 1234)
    assert told["calibration"] == {"good": True, "predicted": 2.5, "actual": 3.0}
    assert told["learned"]["talk_seconds"] == {"p10": 12.0, "p50": 60.0, "p90": 190.0}
    assert told["terms"]["cancel_after"] == 15.0
    newest, oldest = told["recent"]
    assert (newest["covered"], newest["exposed"], newest["placed"]) == (1, 2, 3)
    assert newest["reason"] == "one more call would too likely find no agent"
    assert (newest["agents_talking"], newest["calls_ringing"], newest["room"], newest["bank"]) == (5, 3, 5, 7)
    assert (oldest["looks"], oldest["room"], oldest["bank"], oldest["cancel"]) == (4, None, None, True)
    assert oldest["at"] < oldest["until"] < newest["at"]


async def test_what_was_decided_at_an_hour_is_found(spring: Client, world: World) -> None:
    params = {"before": SINCE.isoformat().replace("+00:00", "Z"), "limit": "1"}
    said = await spring("GET", "/campaigns/spring/pacing", params=params)
    assert [each["looks"] for each in said.body["recent"]] == [4]
    assert world.operations.asked[-1] == ("pacing", "spring", "1", SINCE.isoformat())


async def test_a_campaign_that_has_not_dialed_has_decided_nothing(spring: Client) -> None:
    said = await spring("GET", "/campaigns/autumn/pacing")
    assert (said.status, said.text) == (200, "null")
    assert (await spring("GET", "/campaigns/winter/pacing")).status == 404


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "before=14:03", "since=1"])
async def test_a_question_that_asks_nothing_is_refused(spring: Client, query: str) -> None:
    assert (await spring("GET", f"/campaigns/spring/pacing?{query}")).status == 400


async def test_metrics_are_text_and_nothing_else(client: Client) -> None:
    assert (await client("GET", "/metrics", headers={"Accept": "image/png"})).status == 406
