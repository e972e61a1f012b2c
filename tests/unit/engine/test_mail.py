"""Mail templates: filled in, and nothing more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.followup import MailTemplate, address, mail_person, masked_address
from controller.domain.outbox import Job, JobKind, JobState
from controller.domain.privacy import NumberKey
from controller.engine.followups import SAMPLE
from controller.engine.mail import (
    LONGEST,
    Filled,
    MailJobs,
    MissingValueError,
    check_template,
    fill,
    message_id,
    with_unsubscribe,
)
from controller.errors import BadInput
from controller.store.memory_outbox import MemoryMailer

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


def template(text: str = "", html: str = "", subject: str = "x") -> MailTemplate:
    return MailTemplate(
        name="t",
        language="it",
        version=1,
        subject=subject,
        text=text,
        html=html,
        author="anna",
        created_at=NOW,
    )


def filled(text: str, **values: Any) -> str:
    return fill(template(text), {**SAMPLE, **values}).text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Ciao {{ contact.first_name }}", "Ciao Ada"),
        ("{{ contact['city'] | upper }}", "FORLÌ"),
        ("{{ contact.nothing | default('cliente') }}", "cliente"),
        ("{{ contact.nothing or 'cliente' }}", "cliente"),
        ("{% if contact.nothing %}a{% elif contact.city == 'Forlì' %}b{% else %}c{% endif %}", "b"),
        ("{{ 'a' if agent else 'b' }}{# nobody sees this #}", "a"),
        ("{{ contact.first_name ~ ' ' ~ contact.last_name }}", "Ada Rossi"),
        ("{{ 1 }} {{ caller | title | trim | lower }}", "1 acme s.p.a."),
        ("line\n", "line\n"),
    ],
)
def test_values_are_filled_in(source: str, text: str) -> None:
    check_template("text", source)
    assert filled(source) == text


@pytest.mark.parametrize(
    "source",
    [
        "{% for x in [1] %}{% endfor %}",
        "{{ range(10) }}",
        "{{ contact.keys() }}",
        "{{ 'a' * 10 ** 9 }}",
        "{{ 1 + 1 }}",
        "{% set x = 1 %}",
        "{% macro f() %}{% endmacro %}",
        "{% include 'other' %}",
        "{% import 'os' as os %}",
        "{% extends 'other' %}",
        "{{ contact.__class__ }}",
        "{{ contact | replace('a', 'b') }}",
        "{{ contact | attr('__class__') }}",
        "{{ [contact] }}",
        "{{ contact.name",
        "{% if %}",
        "{{ contact | nothing }}",
        "x" * (LONGEST + 1),
    ],
)
def test_what_computes_is_refused(source: str) -> None:
    with pytest.raises(BadInput, match="text"):
        check_template("text", source)
    with pytest.raises(BadInput):
        filled(source)


def test_a_mistake_is_told_with_its_line() -> None:
    with pytest.raises(BadInput, match="text line 3"):
        check_template("text", "a\nb\n{{ c")


@pytest.mark.parametrize(
    "source",
    ["{{ contact.nothing }}", "{{ nothing }}", "{{ contact.nothing | upper }}", "{{ nothing.more }}"],
)
def test_what_is_missing_is_never_written(source: str) -> None:
    with pytest.raises(MissingValueError, match="nothing"):
        filled(source)


def test_what_a_contact_brings_is_no_markup_and_no_template() -> None:
    evil = {"name": "<script>{{ caller }}</script>"}
    made = fill(template(text="{{ contact.name }}", html="<p>{{ contact.name }}</p>"), {"contact": evil})
    assert made.text == "<script>{{ caller }}</script>"
    assert made.html == "<p>&lt;script&gt;{{ caller }}&lt;/script&gt;</p>"


def test_a_subject_is_one_line_whatever_the_contact_brings() -> None:
    values = {"contact": {"name": "Ada\r\nBcc: all@example.org"}}
    assert fill(template(subject="Grazie {{ contact.name }}"), values).subject == (
        "Grazie Ada Bcc: all@example.org"
    )


def test_a_mail_that_becomes_too_long_is_none() -> None:
    with pytest.raises(MissingValueError, match="longer"):
        filled("{{ contact }}" * 3, contact="x" * LONGEST)


@given(st.text(max_size=60))
def test_any_value_is_written_as_it_stands(value: str) -> None:
    assert filled("a{{ contact.value }}z", contact={"value": value}) == f"a{value}z"


def test_the_link_is_added_where_it_is_missing() -> None:
    made = with_unsubscribe(Filled(subject="s", text="Ciao\n\n", html="<p>Ciao</p>"), "https://u/x?a&b", "de")
    assert made.text == "Ciao\n\n-- \nYou do not want to hear from us any more?\nhttps://u/x?a&b\n"
    assert made.html.startswith('<p>Ciao</p><p><a href="https://u/x?a&amp;b">')
    assert with_unsubscribe(made, "https://u/x?a&b", "de") == made
    assert with_unsubscribe(Filled(subject="s", text="t", html=""), "https://u", "it").html == ""


def job(**payload: Any) -> Job:
    return Job(
        id=1,
        kind=JobKind.MAIL,
        key="followup:1:1",
        about="spring",
        payload=payload,
        state=JobState.SENDING,
        due_at=NOW,
        created_at=NOW,
    )


async def test_a_job_that_nobody_composes_has_failed() -> None:
    verdict = await MailJobs(MemoryMailer(), {}).send(job(what="fax"))
    assert verdict.state is JobState.FAILED


def test_a_message_id_is_the_jobs_and_tells_nothing() -> None:
    assert message_id(job(), "example.org") == message_id(job(other=1), "example.org")
    assert "followup" not in message_id(job(), "example.org")


# --- addresses


@pytest.mark.parametrize(
    ("text", "mailbox"),
    [
        (" Ada.Rossi@Example.ORG ", "Ada.Rossi@example.org"),
        ("ada+x@münchen.example", "ada+x@xn--mnchen-3ya.example"),
        ("o'neil@a-b.example.org", "o'neil@a-b.example.org"),
    ],
)
def test_an_address_is_written_as_servers_take_it(text: str, mailbox: str) -> None:
    assert address(text) == mailbox
    assert address(mailbox) == mailbox


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@localhost",
        "ada@127.0.0.1",
        "ada@-x.org",
        "ada@x..org",
        "a da@example.org",
        "ada@exa mple.org",
        "ada@example.org\nBcc: x@example.org",
        "<ada@example.org>",
        "ada,bea@example.org",
        ".ada@example.org",
        "à@example.org",
        "x" * 65 + "@example.org",
        "ada@" + "x" * 250 + ".org",
        "a@b.c" + "@example.org",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        address(text)
    assert not text or text not in str(caught.value)


@given(st.text(max_size=80))
def test_an_address_is_ascii_without_anything_that_ends_a_line(text: str) -> None:
    try:
        mailbox = address(text)
    except ValueError:
        return
    assert mailbox.isascii()
    assert not set(mailbox) & set('\r\n\t <>,;:"')
    assert address(mailbox) == mailbox


def test_an_address_is_the_same_person_whatever_its_capitals() -> None:
    key, other = NumberKey(bytes(32)), NumberKey(bytes(range(32)))
    assert mail_person(key, "Ada@Example.org") == mail_person(key, " ada@example.ORG")
    assert mail_person(key, "ada@example.org") != mail_person(other, "ada@example.org")
    assert masked_address("ada@example.org") == "a**@example.org"
    assert masked_address("a@example.org") == "a**@example.org"
