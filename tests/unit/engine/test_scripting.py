"""Scripts filled in: what they may contain, what comes out, and that no contact and no author can do harm."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.campaign import Campaign
from controller.domain.contact import Contact, Habits
from controller.domain.ids import E164, CampaignId
from controller.domain.script import LONGEST_BODY, Question, Script
from controller.engine.script_language import LONGEST_OUTPUT, check_body
from controller.engine.scripting import (
    Agent,
    Rendered,
    Scripting,
    Situation,
    context_of,
    greeting,
    rendered,
    sample_contact,
)
from controller.errors import BadInput
from controller.store.memory_records import MemoryRecords
from tests.fakes.law import LAX

MORNING = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)  # 10:30 in Rome
CAMPAIGN = Campaign(id=CampaignId("spring"), caller="Acme", caller_number="+390611111111", law=LAX)


def read(body: str, contact: Contact | None = None, now: datetime = MORNING, **agent: str) -> Rendered:
    to = contact or sample_contact("spring")
    script = Script(name="roofs", version=1, body=body, author="dora", created_at=MORNING)
    situation = Situation(contact=to, campaign=CAMPAIGN, agent=Agent(**agent), now=now)
    return rendered(script, context_of(situation))


def somebody(**changes: object) -> Contact:
    return replace(sample_contact("spring"), **{"name": "", "email": "", "attributes": {}} | changes)  # type: ignore[arg-type]


SCRIPT = """\
{{ greeting }}, {{ contact.title }} {{ contact.last_name|upper }}? Sono {{ agent.name }} di {{ caller.name }}.

{% if contact.city %}
Vive a **{{ contact.city }}** dal {{ contact.birth_date|date }}?
{% elif contact.province %}
In che comune della provincia di {{ contact.province }} vive?
{% else %}
Dove vive?
{% endif %}

{% for tag in contact.tags %}
- {{ loop.index }}. {{ tag }}
{% endfor %}
Codice: {{ contact.attributes['Codice cliente']|default('nessuno') }}
"""


def test_a_script_is_filled_in() -> None:
    check_body(SCRIPT)
    to = replace(
        sample_contact("spring"), tags=frozenset({"b", "a"}), attributes={**sample_contact().attributes}
    )
    made = read(SCRIPT, to, name="Anna")
    assert made.text.splitlines() == [
        "Buongiorno, Dott.ssa ROSSI? Sono Anna di Acme.",
        "",
        "Vive a Forlì dal 29/02/1980?",
        "",
        "- 1. a",
        "- 2. b",
        "Codice: nessuno",
    ]
    assert made.gaps == ()
    assert made.html == (
        "<p>Buongiorno, Dott.ssa ROSSI? Sono Anna di Acme.</p>\n"
        "<p>Vive a <strong>Forlì</strong> dal 29/02/1980?</p>\n"
        "<p>- 1. a<br>- 2. b<br>Codice: nessuno</p>"
    )


def test_what_is_missing_is_a_marked_gap_and_false_in_conditions() -> None:
    made = read(SCRIPT, somebody(tags=frozenset()))
    assert made.text.splitlines()[0] == "Buongiorno, _____ _____? Sono _____ di Acme."
    assert "Dove vive?" in made.text
    assert made.gaps == ("title", "last_name", "name")
    assert '<mark class="gap" title="last_name"></mark>?' in made.html


def test_a_gap_stays_one_whatever_is_done_with_it() -> None:
    for body in (
        "{{ contact.attributes['a **b** c'] }}",
        "{{ contact.city|title }}",
        "{{ contact.city|upper|trim }}",
        "{{ contact.city|truncate(3) }}",
        "{{ contact.birth_date|date }}",
        "{{ contact.attributes.street }}",
        "{{ 'in ' ~ contact.city }}",
    ):
        made = read(body, somebody())
        assert made.text.removeprefix("in ") == "_____"
        assert len(made.gaps) == 1
    assert read("{{ contact.city|default('x') }}{{ contact.city|length }}", somebody()).text == "x0"


@pytest.mark.parametrize(
    ("hour", "language", "expected"),
    [
        (7, "it", "Buongiorno"),
        (12, "it", "Buon pomeriggio"),  # 13:00 in Rome
        (17, "it", "Buonasera"),
        (7, "en", "Good morning"),
        (12, "en-GB", "Good afternoon"),
        (17, "en", "Good evening"),
        (7, "de", "Buongiorno"),
    ],
)
def test_greeted_by_the_callees_clock(hour: int, language: str, expected: str) -> None:
    to = somebody(attributes={"language": language}, habits=Habits(zone="Europe/Rome"))
    assert read("{{ greeting }}", to, datetime(2026, 3, 2, hour, tzinfo=UTC)).text == expected


def test_where_it_may_be_morning_or_afternoon_the_greeting_suits_both() -> None:
    anywhere = somebody(number=E164("+18005550100"))
    assert read("{{ greeting }}", anywhere, datetime(2026, 3, 2, 19, tzinfo=UTC)).text == "Salve"
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert greeting([noon], "en") == "Good morning"
    assert greeting([noon, noon.replace(hour=19)], "en") == "Hello"


def test_the_hour_is_there_for_conditions() -> None:
    body = "{% if hour < 12 %}early{% else %}late{% endif %} {{ today }}"
    check_body(body)
    to = somebody(habits=Habits(zone="Europe/Rome"))
    assert read(body, to).text == "early 02/03/2026"
    assert read(body, to, MORNING.replace(hour=20)).text == "late 02/03/2026"
    assert read(body, to, MORNING.replace(hour=23)).text == "early 03/03/2026"


# --- what a script may contain


@pytest.mark.parametrize(
    ("body", "line", "why"),
    [
        ("Hello\n\n{{ contact.nmae }}", 3, "no field nmae"),
        ("{{ client.name }}", 1, "client is not known"),
        ("\n{{ contact.name", 2, "unexpected|expected"),
        ("{% if contact.city %}", 1, "nexpected end"),
        ("a\n{% endif %}", 2, "nknown tag|ncountered"),
        ("{{ range(3) }}", 1, "calls"),
        ("{{ contact.name.upper() }}", 1, "calls"),
        ("{{ contact.name.upper }}", 1, "no fields"),
        ("{{ 'a' * 9 }}", 1, "mul"),
        ("{{ 9 ** 9 }}", 1, "pow"),
        ("{{ '%99s' % 1 }}", 1, "mod"),
        ("{% set a = 1 %}", 1, "assignments"),
        ("{% macro a() %}{% endmacro %}", 1, "macros"),
        ("{% include 'a' %}", 1, "includes"),
        ("{% import 'a' as b %}", 1, "imports"),
        ("{% extends 'a' %}", 1, "inheritance"),
        ("{% block a %}{% endblock %}", 1, "blocks"),
        ("{{ contact.name[1:] }}", 1, "no fields|slices"),
        ("{{ contact.__class__ }}", 1, "__class__"),
        ("{{ contact['__class__'] }}", 1, "__class__"),
        ("{{ contact.attributes.__init__ }}", 1, "__init__"),
        ("{{ contact|attr('x') }}", 1, "no filter attr"),
        ("{{ contact.name|replace('a', 'aa') }}", 1, "no filter replace"),
        ("{{ contact.name|format }}", 1, "no filter format"),
        ("{% if contact.name is callable %}x{% endif %}", 1, "no test callable"),
        ("{{ loop.index }}", 1, "loop"),
        ("{% for a in contact.tags %}{{ loop.cycle }}{% endfor %}", 1, "no field cycle"),
        ("{% for a in contact.tags %}\n{% for b in a %}{% endfor %}{% endfor %}", 2, "within a loop"),
        ("{% for a, b in contact.tags %}{% endfor %}", 1, "one name"),
        ("{% for a in hour %}{% endfor %}", 1, "iterable"),
        ("{% for contact in contact.tags %}{{ contact.title }}{% endfor %}", 1, "meaning already"),
        ("{{ contact[greeting] }}", 1, "which field"),
        ("\n{{ hour < 'a' }}", 2, "not supported"),
        ("{% if 1 %}" * 13 + "{% endif %}" * 13, 1, "within each other"),
        ("{{" + "(" * 5000 + ")" * 5000 + "}}", 1, "nested too deeply"),
        ("{{ " + "not " * 4000 + "1 }}", 1, "nested too deeply"),
        ("{{ contact.name" + "|upper" * 3000 + " }}", 1, "nested too deeply"),
        ("{{ " + "9" * 9999 + " }}", 1, "digits"),
        ("\ue000", 1, "Unicode"),
    ],
)  # fmt: skip
def test_what_no_script_needs_is_refused_with_its_line(body: str, line: int, why: str) -> None:
    with pytest.raises(BadInput, match=why) as refusal:
        check_body(body)
    assert refusal.value.place == f"script line {line}"


PIECES = st.sampled_from(
    [
        "{{ contact.name }}", "{{ contact.tags|join }}", "{{ 'ab'|join('cc')|join('cc') }}", "Hello ",
        "{{ contact.attributes }}", "{{ contact }}", "{% for a in contact.attributes %}", "{% endfor %}",
        "{{ contact.attributes[a] }}", "{% for c in contact.name %}", "{{ a ~ a }}", "{% if a %}",
        "{{ ['x', 'y']|join('z' ~ greeting) }}", "{{ contact.name|truncate(-3) }}", "{{ hour|date }}", "\n",
        "{{ contact.tags|first|upper }}", "{{ contact.tags|last|length }}", "{{ agent|title }}", "{% else %}",
        "{{ contact.name|truncate(hour, greeting) }}", "{{ contact.name|default }}", "{% endif %}", "**",
    ]
)  # fmt: skip


@settings(max_examples=80)
@given(st.lists(PIECES, max_size=12), st.integers(0, 3))
def test_whatever_is_accepted_is_filled_in_within_its_bounds(pieces: list[str], size: int) -> None:
    body = "".join(pieces)
    try:
        check_body(body)
    except BadInput:
        return
    long = "x" * 10**size
    to = somebody(name=long, attributes={f"{i}{long}": long for i in range(30)}, tags=frozenset({long}))
    begun = time.process_time()
    try:
        made = read(body, to)
    except BadInput as refusal:
        assert "longer than" in str(refusal) or "takes longer" in str(refusal) or size == 0  # noqa: PT017
    else:
        assert len(made.text) <= LONGEST_OUTPUT
    assert time.process_time() - begun < 1


def test_the_longest_loops_stay_within_the_bounds() -> None:
    one = "{% for a in contact.attributes %}{% if a == 'x' %}y{% endif %}{% endfor %}"
    body = one * (LONGEST_BODY // len(one))
    check_body(body)
    many = somebody(attributes={str(i): "x" * 999 for i in range(5000)})
    begun = time.process_time()
    assert read(body, many).text == ""
    assert time.process_time() - begun < 1
    with pytest.raises(BadInput, match="longer than"):
        read("{% for a in contact.attributes %}{{ contact.attributes[a] }}{% endfor %}", many)


# --- harmless in a page


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.named: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.named |= {name for name, _ in attrs}


MARKUP = st.text(st.sampled_from("<>&\"'/=*\n\ue000\ue001 abscriptonl_")) | st.sampled_from(
    ["<script>alert(1)</script>", '" onload="x', "**<b>**", "</mark><img src=x onerror=y>", "{{ greeting }}"]
)


@given(MARKUP, MARKUP, MARKUP)
def test_nothing_of_a_contact_or_a_script_becomes_markup(name: str, city: str, text: str) -> None:
    body = "Hello {{ contact.name }} of {{ contact.attributes['" + '"><i>' + "'] }} {{ contact.city }}"
    words = text.replace("{", "(").replace("\ue000", "").replace("\ue001", "")
    made = read(f"{body} {words}", somebody(name=name, attributes={"city": city}))
    tags = Tags()
    tags.feed(made.html)
    assert tags.found <= {"p", "br", "strong", "mark"}
    assert tags.named <= {"class", "title"}
    assert not {"\ue000", "\ue001"} & {*made.html, *made.text}


def test_the_erased_have_no_number() -> None:
    assert read("{{ contact.number }}", somebody(number=E164("#abc/1"))).gaps == ("number",)


# --- kept


async def test_saved_read_and_never_changed() -> None:
    records = MemoryRecords()
    scripting = Scripting(records.work)
    asked = (Question(id="rooms", text="How many?"),)
    one = await scripting.save("roofs", "\nHello {{ contact.name }}\r\n", asked, "dora", MORNING)
    assert (one.version, one.body) == (1, "Hello {{ contact.name }}\n")
    assert await scripting.save("roofs", "Hello {{ contact.name }}", asked, "dora", MORNING) == one
    two = await scripting.save("roofs", "Bye {{ contact.name }}", asked, "dora", MORNING)
    situation = Situation(contact=sample_contact("spring"), campaign=CAMPAIGN, now=MORNING)
    assert (await scripting.read("roofs", situation)).text == "Bye Maria Rossi"
    first = await scripting.read("roofs", situation, 1)
    assert (first.text, first.script) == ("Hello Maria Rossi", one)
    assert await scripting.script("roofs") == two


async def test_what_is_no_script_is_not_saved() -> None:
    records = MemoryRecords()
    scripting = Scripting(records.work)
    for name, body, why in (
        ("a b", "Hello", "no name"),
        ("roofs", " ", "empty"),
        ("roofs", "x" * (LONGEST_BODY + 1), "more than"),
        ("roofs", "{{ x }}", "not known"),
    ):
        with pytest.raises(BadInput, match=why):
            await scripting.save(name, body, (), "dora", MORNING)
    assert await records.work.scripts() == []
    for version, why in ((None, "no script 'roofs'"), (3, "no version 3")):
        with pytest.raises(BadInput, match=why):
            await scripting.script("roofs", version)
