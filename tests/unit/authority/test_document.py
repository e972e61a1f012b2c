from __future__ import annotations

import builtins
import csv
import re
import string
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest

import controller.authority
from controller.authority.chart import chart
from controller.authority.document import as_html
from controller.authority.history import History, Proof
from controller.authority.markup import Markup, element
from controller.authority.pdf import as_pdf, laid_out
from controller.authority.table import as_csv
from controller.authority.verdicts import verdicts
from controller.authority.words import LANGUAGES, Words
from controller.domain.answer import AnswerClass
from controller.domain.evidence import Entry, Head, Kind, seal
from controller.domain.outcome import Outcome
from controller.domain.regulation import Denominator, LawOverride
from controller.errors import ProtocolError, Unreachable
from controller.law import PROFILES
from tests.unit.authority.calls import MONDAY, NINE, call, campaign, history, many

pytestmark = pytest.mark.long

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
HOSTILE = '<script>alert("1")</script>&amp;\'"'
languages = pytest.mark.parametrize("words", LANGUAGES.values(), ids=LANGUAGES)


class Page(HTMLParser):
    """Checks that elements are closed in order; collects the text."""

    EMPTY = frozenset({"meta"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def ordinary() -> History:
    return history([*many(1030), call("s", Outcome.SILENT, NINE + 800 * MINUTE)], MONDAY, MONDAY + 3 * DAY)


# --- languages --------------------------------------------------------------------------------------------


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_language_has_the_same_texts_with_the_same_values() -> None:
    italian, english = LANGUAGES["it"].texts, LANGUAGES["en"].texts
    assert set(italian) == set(english)
    assert all(italian[key].strip() and english[key].strip() for key in italian)
    assert {k: placeholders(v) for k, v in italian.items()} == {
        k: placeholders(v) for k, v in english.items()
    }


def test_every_text_is_used_and_every_class_outcome_and_denominator_has_one() -> None:
    folder = Path(controller.authority.__file__).parent
    code = "".join(f.read_text() for f in folder.glob("*.py") if not f.name.startswith("words_"))
    families = {"class", "meaning", "outcome", "denominator", "times", "decisions", "method", "days"}
    texts = LANGUAGES["it"].texts
    unused = [
        key
        for key in texts
        if f'"{key}"' not in code.replace("'", '"') and key.partition(".")[0] not in families
    ]
    unused = [key for key in unused if not re.fullmatch(r"chart\.\w+\.(day|hour)", key)]
    assert not unused
    for one, family in ((AnswerClass, "class"), (AnswerClass, "meaning"), (Denominator, "denominator")):
        assert all(f"{family}.{each.value}" in texts for each in one)
    assert all(f"outcome.{each.value}" in texts for each in Outcome if not each.answered)


def test_numbers_are_written_as_the_language_does() -> None:
    italian, english = LANGUAGES["it"], LANGUAGES["en"]
    assert (italian.count(12345), english.count(12345)) == ("12.345", "12,345")
    assert (italian.decimal(2.5), english.decimal(2.5)) == ("2,50", "2.50")
    assert (italian.trimmed(3.0), italian.trimmed(0.2)) == ("3", "0,2")
    assert italian.date(date(2026, 11, 2)) == "02/11/2026"
    assert english.days(timedelta(days=5, seconds=3661)) == "5 days 01:01:01"
    assert english.per_100(float("inf")) == "∞"


# --- the page ---------------------------------------------------------------------------------------------


@languages
@pytest.mark.parametrize("name", sorted(PROFILES))
def test_the_page_is_well_formed_whole_and_refers_to_nothing_outside(words: Words, name: str) -> None:
    of = campaign(law=PROFILES[name])
    for made in (
        history([], of=of),
        history(many(3), of=of),
        history([call("s", Outcome.SILENT), call("l", Outcome.LOST), call("o", None)], of=of),
    ):
        text = as_html(made, words)
        page = Page(text)
        assert not page.links
        assert "url(" not in text
        assert "@import" not in text
        assert f'lang="{words.language}"' in text
        assert "{" not in page.text.split("}")[-1]  # past the style sheet no placeholder is left


@languages
def test_the_page_says_what_was_found(words: Words) -> None:
    text = Page(as_html(ordinary(), words)).text
    assert words.count(1030) in text
    assert words("result.kept") in text
    assert "ab" * 32 in text
    assert words.per_100(100 / 801) in text  # the silent call, after 801 successes


def test_whatever_people_wrote_is_escaped() -> None:
    looser = LawOverride(author=HOSTILE, reason=HOSTILE, looser=(HOSTILE,))
    body = {"author": HOSTILE, "reason": HOSTILE}
    entries = [seal(Entry(kind=Kind.OVERRIDE, at=NINE, campaign="x", body=body), Head())]
    law = replace(campaign().law, name=HOSTILE, title=HOSTILE, extends=HOSTILE, override=looser)
    law = replace(law, limits=(replace(law.limits[0], name=HOSTILE),), superseded=HOSTILE)
    of = campaign(id=HOSTILE, caller=HOSTILE, law=law)
    facts = [call("1", Outcome.SILENT, caller_number=HOSTILE, law=HOSTILE)]
    proof = Proof(head=Head(), whole=False, findings=(HOSTILE,) * 30)
    page = Page(as_html(history(facts, of=of, entries=entries, proof=proof), LANGUAGES["en"]))
    assert "script" not in page.seen
    assert page.text.count(HOSTILE) > 12


def test_markup_goes_in_as_it_is_and_nothing_else_does() -> None:
    inner = element("b", "<", class_='"x"')
    assert inner == '<b class="&quot;x&quot;">&lt;</b>'
    assert element("p", inner, "<b>", stroke_width=None) == f"<p>{inner}&lt;b&gt;</p>"
    assert isinstance(element("p", Markup("&nbsp;")), Markup)


def test_a_broken_rule_a_lifted_limit_and_a_doubtful_record_are_said() -> None:
    words = LANGUAGES["en"]
    broken = history(
        [call("s", Outcome.SILENT)], proof=Proof(head=Head(), whole=False, findings=("entry 3",))
    )
    text = Page(as_html(broken, words)).text
    assert words("result.broken") in text
    assert "NOT AS WRITTEN: 1" in text
    assert "entry 3" in text
    lifted = history([*many(3), call("c", Outcome.BUSY, override=True)])
    assert words("result.lifted") in Page(as_html(lifted, words)).text
    unverified = verdicts(history([], proof=Proof(head=Head())), words)
    assert unverified[-1].kept is None


# --- the chart --------------------------------------------------------------------------------------------


@languages
@pytest.mark.parametrize("days", [1, 2, 3, 400])
@pytest.mark.parametrize("calls", [0, 1, 40])
def test_the_chart_is_xml_within_its_frame(words: Words, days: int, calls: int) -> None:
    facts = [*many(calls), *([call("s", Outcome.SILENT)] if calls == 1 else [])]
    made = history(facts, MONDAY, MONDAY + (days - 1) * DAY)
    for limit in made.limits:
        svg = ElementTree.fromstring(chart(limit, made.period, words, "c"))
        assert svg.get("role") == "img"
        names = {each.tag.rpartition("}")[2] for each in svg.iter()}
        assert {"title", "desc", "path", "text"} <= names
        drawn = " ".join(each.get("d") or "" for each in svg.iter())
        assert not re.search("nan|inf", drawn)
        assert max(float(x) for x in re.findall(r"[MH](-?[\d.]+)", drawn)) <= 680
        shown = " ".join(each.text or "" for each in svg.iter())
        assert words("chart.limit", share=words.trimmed(100 * float(limit.limit.share))) in shown
        assert (words("chart.empty") in shown) == (calls == 0)


def test_over_the_limit_is_drawn_otherwise() -> None:
    words = LANGUAGES["en"]
    over, within = history([call("s", Outcome.SILENT)]), history(many(3))
    assert words("chart.over") in chart(over.limits[0], over.period, words, "c")
    assert words("chart.off") in chart(over.limits[0], over.period, words, "c")
    assert words("chart.over") not in chart(within.limits[0], within.period, words, "c")


# --- the table --------------------------------------------------------------------------------------------


@languages
def test_the_table_has_every_day_and_a_total_that_is_their_sum(words: Words) -> None:
    made = ordinary()
    text = as_csv(made, words)
    assert text.startswith("\ufeff")
    header, *rows = csv.reader(StringIO(text[1:], newline=""), delimiter=words.delimiter)
    *days, total = rows
    assert [row[0] for row in days] == [words.date(MONDAY + n * DAY) for n in range(4)]
    assert all(len(row) == len(header) for row in rows)
    sums = [words("days.attempts"), words("days.agent"), words("days.counted"), words("csv.suppressed")]
    for name in sums:
        column = header.index(name)
        assert sum(int(row[column]) for row in days) == int(total[column])
    assert total[header.index(words("days.attempts"))] == "1031"
    assert total[header.index(words("csv.longest"))] == words.decimal(2.7, 3)


# --- the PDF ----------------------------------------------------------------------------------------------


@languages
def test_the_pdf_has_the_pages_figures(words: Words) -> None:
    page = as_html(ordinary(), words)
    assert as_pdf(page).startswith(b"%PDF-")
    document = laid_out(page)
    assert 3 <= len(document.pages) <= 6
    assert document.metadata.title.startswith(words("title"))


def test_a_page_that_refers_to_something_makes_no_pdf() -> None:
    with pytest.raises(ProtocolError, match="outside of itself"):
        as_pdf('<img src="file:///etc/hostname">')


def test_without_its_libraries_the_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *args: object, **kwargs: object) -> object:
        if name == "weasyprint":
            raise OSError("cannot load library 'libpango-1.0-0'\nand more")
        return real(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(Unreachable, match=r"'libpango-1\.0-0'.*apt-get install -y .*libharfbuzz-subset0"):
        as_pdf("<p>")
