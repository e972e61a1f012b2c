"""The funnel, forms, webhooks and follow-ups over the API."""

from __future__ import annotations

from typing import Any

import pytest

from controller.domain.access import Role
from controller.domain.intake import IntakeState, Submission

from .conftest import Client, World

WHO = {"author": "anna", "reason": "called us herself"}
FORM = {
    "id": "landing",
    "campaign": "spring",
    "reason": "asked for an offer on our page",
    "consent_text": "I agree to be called.",
    "consent_version": "2026-01",
    "origin": "https://www.example.org",
    "tags": ["web"],
}
TEMPLATE = {"name": "offer", "subject": "Your offer", "text": "Hello {{ name }}"}


@pytest.fixture
async def spring(client: Client) -> Client:
    await client("POST", "/campaigns", {"id": "spring"})
    people = [{"number": f"+39 347 {i:07d}"} for i in range(4)]
    await client("POST", "/campaigns/spring/contacts", {"contacts": people})
    return client


async def test_the_funnel_counts_stages(spring: Client, world: World) -> None:
    before = world.feed.publish("x", {}).id
    said = await spring("POST", "/campaigns/spring/contacts/1/stage", {"stage": "lead", **WHO})
    assert (said.body["before"], said.body["after"]) == ("contact", "lead"), said.text
    assert [event.kind for event in world.feed.since(before) or []] == ["lead.stage"]
    again = await spring("POST", "/campaigns/spring/contacts/1/stage", {"stage": "lead", **WHO})
    assert (again.status, again.body) == (200, None)
    funnel = await spring("GET", "/campaigns/spring/funnel", role=Role.READ_ONLY)
    assert funnel.body["total"]["counts"] == {
        "contact": 4, "reached": 1, "interested": 1, "lead": 1, "customer": 0,
    }  # fmt: skip
    assert funnel.body["total"]["rates"]["reached"] == 0.25
    by = await spring("GET", "/campaigns/spring/funnel", params={"by": "segment"})
    assert by.body["by"] == "segment"
    changes = await spring("GET", "/campaigns/spring/stage-changes")
    assert [each["author"] for each in changes.body["items"]] == ["anna"]


async def test_a_form_shows_its_secret_once(spring: Client) -> None:
    made = await spring("POST", "/forms", FORM)
    assert (made.status, made.headers["Location"]) == (201, "/api/v1/forms/landing"), made.text
    assert made.body["secret"].startswith("whsec_")
    shown = await spring("GET", "/forms/landing", role=Role.AUDITOR)
    assert made.body == shown.body | {"secret": made.body["secret"]}
    assert (await spring("POST", "/forms", FORM)).status == 422
    assert (await spring("POST", "/forms/landing/close")).body["open"] is False
    assert (await spring("POST", "/forms/landing/open")).body["open"] is True
    assert (await spring("POST", "/forms/none/open")).status == 404
    assert [each["id"] for each in (await spring("GET", "/forms")).body["items"]] == ["landing"]


async def test_what_came_in_is_personal(spring: Client, world: World) -> None:
    await spring("POST", "/forms", FORM)
    sent = Submission(
        form="landing",
        delivery="d-1",
        received_at=world.clock.at,
        state=IntakeState.REJECTED,
        values={"name": "Ada"},
        reason="no number",
    )
    await world.records.outward.intake.receive(sent)
    seen = await spring("GET", "/submissions", params={"form": "landing"})
    assert seen.body["items"][0]["values"] == {"name": "Ada"}
    masked = await spring("GET", "/submissions", role=Role.AUDITOR)
    assert (masked.body["items"][0]["values"], masked.body["items"][0]["reason"]) == ({}, "no number")


async def test_a_webhook_is_made_switched_and_dropped(spring: Client) -> None:
    wanted = {"url": "https://hooks.example.org/cc", "kinds": ["call.ended"], "campaign": "spring"}
    made = await spring("POST", "/webhooks", wanted)
    assert made.status == 201, made.text
    path = f"/webhooks/{made.body['id']}"
    assert (made.body["kinds"], made.body["active"]) == (["call.ended"], True)
    assert "secret" not in (await spring("GET", path)).body
    off = await spring("POST", f"{path}/disable")
    assert (off.body["active"], off.body["why"].startswith("switched off by token")) == (False, True)
    assert (await spring("POST", f"{path}/enable")).body["active"] is True
    assert (await spring("GET", f"{path}/deliveries")).body == {"items": [], "next": None}
    assert (await spring("DELETE", path)).status == 204
    assert (await spring("DELETE", path)).status == 404
    assert (await spring("GET", "/webhooks")).body["items"] == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"url": "http://hooks.example.org/"}, 422),
        ({"url": "https://10.0.0.1/"}, 422),
        ({"url": "ftp://example.org/"}, 400),
        ({"kinds": ["call.invented"]}, 400),
        ({"campaign": "none"}, 422),
    ],
)
async def test_a_webhook_goes_nowhere_it_must_not(
    spring: Client, change: dict[str, Any], status: int
) -> None:
    said = await spring("POST", "/webhooks", {"url": "https://hooks.example.org/cc"} | change)
    assert said.status == status, said.text


async def test_a_mail_follows_a_disposition(spring: Client) -> None:
    rule = {"campaign": "spring", "disposition": "lead", "template": "offer", "delay": 3600}
    assert (await spring("POST", "/follow-up-rules", rule)).status == 422
    saved = await spring("POST", "/mail-templates", TEMPLATE)
    assert (saved.status, saved.body["version"]) == (201, 1), saved.text
    assert (await spring("POST", "/mail-templates", TEMPLATE | {"text": "{% if %}"})).status == 422
    made = await spring("POST", "/follow-up-rules", rule)
    assert (made.status, made.body["delay"], made.body["active"]) == (201, 3600.0, True), made.text
    path = f"/follow-up-rules/{made.body['id']}"
    assert (await spring("POST", f"{path}/switch-off")).body["active"] is False
    assert (await spring("POST", f"{path}/switch-on")).body["active"] is True
    assert (await spring("POST", "/follow-up-rules/99/switch-on")).status == 404
    assert (await spring("POST", "/follow-up-rules", rule | {"disposition": "none"})).status == 422
    assert [each["id"] for each in (await spring("GET", "/follow-up-rules")).body["items"]] == [
        made.body["id"]
    ]
    assert [each["name"] for each in (await spring("GET", "/mail-templates")).body["items"]] == ["offer"]
    assert (await spring("GET", "/mails")).body["items"] == []
    assert (await spring("POST", "/mails/1/cancel")).status == 404
    assert (await spring("POST", "/mails/1/retry")).status == 404
